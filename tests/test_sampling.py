"""The timesteps and the loop of sampling: spacing, streams of noise, states, clipping, labels, invalid options."""

import logging
from itertools import pairwise, product

import numpy as np
import pytest

from minidiff.curves import CURVES
from minidiff.errors import MinidiffError
from minidiff.oracles import GaussianDenoiser
from minidiff.samplers import SECOND_ORDER
from minidiff.sampling import (
    SAMPLERS,
    SPACINGS,
    State,
    choose_steps,
    default_steps,
    follow,
    generate,
    sample,
    starting_noise,
)
from minidiff.schedule import Schedule

MEAN, STD = 0.4, 0.25
every_sampler = pytest.mark.parametrize("sampler", SAMPLERS)
every_schedule = pytest.mark.parametrize("name", CURVES)
every_spacing = pytest.mark.parametrize("spacing", SPACINGS)


@every_sampler
def test_an_image_does_not_depend_on_the_others_generated_with_it(sampler):
    denoiser = GaussianDenoiser(Schedule("flow", 50), MEAN, STD)
    many = generate(denoiser, (5, 3, 4, 1), sampler=sampler, steps=7, seed=3)
    few = generate(denoiser, (2, 3, 4, 1), sampler=sampler, steps=7, seed=3)
    np.testing.assert_array_equal(few, many[:2])
    assert not np.allclose(many[0], many[1])
    assert not np.allclose(generate(denoiser, (2, 3, 4, 1), sampler=sampler, steps=7, seed=4), few)


@every_sampler
def test_no_noise_is_added_at_the_last_step(sampler):
    """If the data is a single image, every sample must equal it up to rounding."""
    x0 = generate(GaussianDenoiser(Schedule("cosine", 100), MEAN, 0.0), (3, 50), sampler=sampler, steps=10)
    np.testing.assert_allclose(x0, MEAN, atol=1e-5)


def test_ddpm_adds_noise_before_the_last_step():
    states = list(sample(GaussianDenoiser(Schedule("cosine", 100), MEAN, 0.0), (1, 20_000), "ddpm", 2))
    z, t = states[1].z, states[1].t
    assert t == 50
    assert z.std() == pytest.approx(Schedule("cosine", 100).noise[50], rel=0.02)


@every_sampler
@pytest.mark.parametrize("steps", [1, 2, 3, 10])
def test_the_states_lead_from_noise_to_the_image(sampler, steps):
    schedule = Schedule("flow", 10)
    states = list(sample(GaussianDenoiser(schedule, MEAN, STD), (2, 6), sampler, steps))
    assert len(states) == steps + 1
    pairs = choose_steps(schedule, steps, "karras" if sampler in SECOND_ORDER else "trailing")
    assert [state.t for state in states] == [10] + [t_next for _, t_next in pairs]
    assert all(state.z.shape == state.x0_hat.shape == (2, 6) for state in states)
    assert all(state.z.dtype == state.x0_hat.dtype == np.float32 for state in states)
    np.testing.assert_allclose(states[-1].z, states[-1].x0_hat, atol=1e-4)


@every_sampler
def test_clipping_keeps_images_in_range_and_is_optional(sampler):
    denoiser = GaussianDenoiser(Schedule("flow", 100), 3.0, 0.5)
    assert generate(denoiser, (1, 500), sampler=sampler, steps=20).max() <= 1
    assert generate(denoiser, (1, 500), sampler=sampler, steps=20, clip=False).mean() == pytest.approx(3.0, abs=0.1)


@every_sampler
def test_labels_reach_the_denoiser(sampler):
    class Labeled:
        schedule = Schedule("flow", 20)

        def __call__(self, z, t, labels=None):
            x0_hat = np.zeros_like(z) + labels[:, None].astype(z.dtype)
            return x0_hat, self.schedule.eps_from_x0(z, x0_hat, t)

    x0 = generate(Labeled(), (2, 5), sampler=sampler, steps=4, labels=np.array([1, -1]))
    np.testing.assert_allclose(x0, [[1] * 5, [-1] * 5], atol=1e-5)


@every_spacing
def test_the_spacing_determines_the_timesteps(spacing):
    denoiser = GaussianDenoiser(Schedule("flow", 1000), MEAN, STD)
    states = list(sample(denoiser, (1, 2), steps=10, spacing=spacing))
    assert [state.t for state in states[1:]] == [t_next for _, t_next in choose_steps(denoiser.schedule, 10, spacing)]


@pytest.mark.parametrize(
    ("sampler", "spacing"),
    [
        ("ddim", "trailing"), ("euler", "trailing"), ("ddpm", "trailing"),
        ("heun", "karras"), ("dpmpp_2m", "karras"), ("dpmpp_2m_sde", "karras"),
    ],
)  # fmt: skip
def test_the_default_spacing_is_karras_for_order_2(sampler, spacing):
    denoiser = GaussianDenoiser(Schedule("flow", 1000), MEAN, STD)
    states = list(sample(denoiser, (1, 2), sampler, steps=10))
    assert [state.t for state in states[1:]] == [t_next for _, t_next in choose_steps(denoiser.schedule, 10, spacing)]


def test_sampling_can_start_from_a_state():
    denoiser = GaussianDenoiser(Schedule("flow", 100), MEAN, STD)
    whole = list(sample(denoiser, (2, 3), "ddim", 10))
    rest = list(sample(denoiser, (2, 3), "ddim", 4, start=whole[6]))
    assert rest[0] is whole[6]
    np.testing.assert_array_equal(rest[-1].z, whole[-1].z)


def test_starting_noise_is_the_noise_that_sampling_starts_from():
    denoiser = GaussianDenoiser(Schedule("variance_exploding", 100), MEAN, STD)
    first = next(sample(denoiser, (3, 400), "ddpm", 10, seed=5))
    z = starting_noise(denoiser.schedule, (3, 400), 5)
    np.testing.assert_array_equal(first.z, z)
    assert z.std() == pytest.approx(80, rel=0.05)


def test_an_unknown_sampler_lists_the_choices():
    with pytest.raises(MinidiffError) as error:
        generate(GaussianDenoiser(Schedule("flow", 50), 0, 1), (1, 2), sampler="dimm")
    assert all(name in str(error.value) for name in SAMPLERS)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"sampler": "heun", "eta": 0.5}, "heun has no such option"),
        ({"sampler": "ddpm", "eta": 1.0}, "ddpm has no such option"),
        ({"sampler": "ddim", "eta": 1.5}, "between 0"),
        ({"sampler": "ddim", "eta": -0.5}, "between 0"),
        ({"steps": 51}, "1 to 50"),
        ({"steps": 0}, "1 to 50"),
        ({"spacing": "leading"}, "trailing, uniform, karras"),
        ({"start": State(np.zeros((1, 3), np.float32), None, 20)}, "shape"),
    ],
)
def test_incompatible_options_are_refused_with_the_reason(options, reason):
    with pytest.raises(MinidiffError, match=reason):
        generate(GaussianDenoiser(Schedule("flow", 50), 0.0, 1.0), (1, 2), **options)


@pytest.mark.parametrize(("sampler", "eta"), [("ddpm", 0.0), ("dpmpp_2m_sde", 0.0), ("ddim", 0.5)])
def test_a_deterministic_path_refuses_samplers_with_fresh_noise(sampler, eta):
    denoiser = GaussianDenoiser(Schedule("flow", 50), 0.0, 1.0)
    start = State(np.zeros((1, 2), np.float32), None, 50)
    with pytest.raises(MinidiffError, match="use ddim, euler, heun, dpmpp_2m"):
        list(follow(denoiser, start, [(50, 0)], sampler, eta=eta))


# Timesteps


@every_schedule
@every_spacing
@pytest.mark.parametrize("T", [1, 2, 10, 50, 1000])
def test_steps_lead_from_T_to_0_without_a_gap(name, spacing, T):
    schedule = Schedule(name, T)
    for steps in {1, 2, 3, 7, 49, T - 1, T} & set(range(1, T + 1)):
        pairs = choose_steps(schedule, steps, spacing)
        assert len(pairs) == steps
        assert pairs[0][0] == T
        assert pairs[-1][1] == 0
        assert all(isinstance(t, int) and t > t_next for t, t_next in pairs)
        assert all(first[1] == second[0] for first, second in pairwise(pairs))


def test_trailing_steps_are_equally_spaced():
    assert choose_steps(Schedule("flow", 1000), 4) == [(1000, 750), (750, 500), (500, 250), (250, 0)]


def test_uniform_steps_include_the_least_noisy_timestep():
    assert choose_steps(Schedule("flow", 1000), 4, "uniform") == [(1000, 667), (667, 334), (334, 1), (1, 0)]


@every_schedule
def test_karras_steps_are_equally_spaced_in_the_seventh_root_of_the_noise_level(name):
    schedule = Schedule(name, 100_000)
    times = [t for t, _ in choose_steps(schedule, 20, "karras")]
    roots = schedule.sigma[times] ** (1 / 7)
    np.testing.assert_allclose(np.diff(roots), (roots[-1] - roots[0]) / 19, rtol=0.01)
    assert schedule.sigma[times[-1]] == pytest.approx(0.02, rel=0.01)


@every_spacing
def test_steps_can_start_below_T(spacing):
    pairs = choose_steps(Schedule("flow", 100), 5, spacing, start=60)
    assert pairs[0][0] == 60
    assert len(pairs) == 5


@every_spacing
@pytest.mark.parametrize("steps", [0, -1, 51])
def test_a_number_of_steps_outside_its_range_is_refused(spacing, steps):
    with pytest.raises(MinidiffError, match="1 to 50"):
        choose_steps(Schedule("flow", 50), steps, spacing)


def test_an_unknown_spacing_lists_the_choices():
    with pytest.raises(MinidiffError) as error:
        choose_steps(Schedule("flow", 50), 5, "leading")
    assert all(name in str(error.value) for name in SPACINGS)


@pytest.mark.parametrize(("sampler", "spacing"), list(product(SAMPLERS, [None, *SPACINGS])))
def test_every_default_works_with_few_timesteps(sampler, spacing):
    for T in (1, 2, 3, 10):
        states = list(sample(GaussianDenoiser(Schedule("flow", T), MEAN, STD), (2, 3), sampler, spacing=spacing))
        assert [state.t for state in states] == list(range(T, -1, -1))
        assert np.isfinite(states[-1].z).all()


def test_fewer_steps_than_usual_are_reported(caplog):
    caplog.set_level(logging.INFO, "minidiff")
    assert default_steps(25, 25) == 25
    assert not caplog.messages
    assert default_steps(25, 10) == 10
    assert caplog.messages == ["   10 sampler steps instead of 25, because there are no more timesteps"]
