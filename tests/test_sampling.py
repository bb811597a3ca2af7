"""The loop around the samplers: streams of noise, states, clipping, labels, and what is refused."""

import numpy as np
import pytest

from minidiff.errors import MinidiffError
from minidiff.oracles import GaussianDenoiser
from minidiff.sampling import (
    SAMPLERS,
    SPACINGS,
    State,
    choose_steps,
    default_spacing,
    follow,
    generate,
    sample,
    starting_noise,
)
from minidiff.schedule import Schedule

MEAN, DEVIATION = 0.4, 0.25
every_sampler = pytest.mark.parametrize("sampler", SAMPLERS)


@every_sampler
def test_a_image_does_not_depend_on_what_is_generated_beside_it(sampler):
    denoiser = GaussianDenoiser(Schedule("flow", 50), MEAN, DEVIATION)
    many = generate(denoiser, (5, 3, 4, 1), sampler=sampler, steps=7, seed=3)
    few = generate(denoiser, (2, 3, 4, 1), sampler=sampler, steps=7, seed=3)
    np.testing.assert_array_equal(few, many[:2])
    assert not np.allclose(many[0], many[1])
    assert not np.allclose(generate(denoiser, (2, 3, 4, 1), sampler=sampler, steps=7, seed=4), few)


@every_sampler
def test_no_noise_is_added_at_the_last_step(sampler):
    """Where the data is a single image, so must every sample be, to the last digit the arithmetic has."""
    x0 = generate(GaussianDenoiser(Schedule("cosine", 100), MEAN, 0.0), (3, 50), sampler=sampler, steps=10)
    np.testing.assert_allclose(x0, MEAN, atol=1e-5)


def test_ddpm_adds_noise_before_the_last_step():
    states = list(sample(GaussianDenoiser(Schedule("cosine", 100), MEAN, 0.0), (1, 20_000), "ddpm", 2))
    z, t = states[1].z, states[1].t
    assert t == 50
    assert z.std() == pytest.approx(Schedule("cosine", 100).noise[50], rel=0.02)


@every_sampler
@pytest.mark.parametrize("steps", [1, 2, 3, 10])
def test_the_states_run_from_noise_to_the_image(sampler, steps):
    schedule = Schedule("flow", 10)
    states = list(sample(GaussianDenoiser(schedule, MEAN, DEVIATION), (2, 6), sampler, steps))
    assert len(states) == steps + 1
    pairs = choose_steps(schedule, steps, default_spacing(sampler))
    assert [state.t for state in states] == [10] + [t_next for _, t_next in pairs]
    assert all(state.z.shape == state.x0_hat.shape == (2, 6) for state in states)
    assert all(state.z.dtype == state.x0_hat.dtype == np.float32 for state in states)
    np.testing.assert_allclose(states[-1].z, states[-1].x0_hat, atol=1e-4)


@every_sampler
def test_clipping_keeps_images_in_range_and_can_be_left_out(sampler):
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


@pytest.mark.parametrize("spacing", SPACINGS)
def test_the_spacing_decides_the_steps(spacing):
    denoiser = GaussianDenoiser(Schedule("flow", 1000), MEAN, DEVIATION)
    states = list(sample(denoiser, (1, 2), steps=10, spacing=spacing))
    assert [state.t for state in states[1:]] == [t_next for _, t_next in choose_steps(denoiser.schedule, 10, spacing)]


@pytest.mark.parametrize(
    ("sampler", "spacing"),
    [
        ("ddim", "trailing"), ("euler", "trailing"), ("ddpm", "trailing"),
        ("heun", "karras"), ("dpmpp_2m", "karras"), ("dpmpp_2m_sde", "karras"),
    ],
)  # fmt: skip
def test_samplers_of_order_2_take_karras_steps_if_nobody_says(sampler, spacing):
    denoiser = GaussianDenoiser(Schedule("flow", 1000), MEAN, DEVIATION)
    states = list(sample(denoiser, (1, 2), sampler, steps=10))
    assert [state.t for state in states[1:]] == [t_next for _, t_next in choose_steps(denoiser.schedule, 10, spacing)]


def test_a_start_is_where_the_path_begins():
    denoiser = GaussianDenoiser(Schedule("flow", 100), MEAN, DEVIATION)
    whole = list(sample(denoiser, (2, 3), "ddim", 10))
    rest = list(sample(denoiser, (2, 3), "ddim", 4, start=whole[6]))
    assert rest[0] is whole[6]
    np.testing.assert_array_equal(rest[-1].z, whole[-1].z)


def test_the_starting_noise_is_what_samples_begin_with():
    denoiser = GaussianDenoiser(Schedule("variance_exploding", 100), MEAN, DEVIATION)
    first = next(sample(denoiser, (3, 400), "ddpm", 10, seed=5))
    z = starting_noise(denoiser.schedule, (3, 400), 5)
    np.testing.assert_array_equal(first.z, z)
    assert z.std() == pytest.approx(80, rel=0.05)


def test_an_unknown_sampler_lists_those_that_exist():
    with pytest.raises(MinidiffError) as error:
        generate(GaussianDenoiser(Schedule("flow", 50), 0, 1), (1, 2), sampler="dimm")
    assert all(name in str(error.value) for name in SAMPLERS)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"sampler": "heun", "eta": 0.5}, "heun has no such choice"),
        ({"sampler": "ddpm", "eta": 1.0}, "ddpm has no such choice"),
        ({"sampler": "ddim", "eta": 1.5}, "between 0"),
        ({"sampler": "ddim", "eta": -0.5}, "between 0"),
        ({"steps": 51}, "1 to 50"),
        ({"steps": 0}, "1 to 50"),
        ({"spacing": "leading"}, "trailing, uniform, karras"),
        ({"start": State(np.zeros((1, 3), np.float32), None, 20)}, "shape"),
    ],
)
def test_combinations_that_make_no_sense_are_refused_with_the_reason(options, reason):
    with pytest.raises(MinidiffError, match=reason):
        generate(GaussianDenoiser(Schedule("flow", 50), 0.0, 1.0), (1, 2), **options)


@pytest.mark.parametrize(("sampler", "eta"), [("ddpm", 0.0), ("dpmpp_2m_sde", 0.0), ("ddim", 0.5)])
def test_a_path_without_fresh_noise_refuses_samplers_that_want_it(sampler, eta):
    denoiser = GaussianDenoiser(Schedule("flow", 50), 0.0, 1.0)
    start = State(np.zeros((1, 2), np.float32), None, 50)
    with pytest.raises(MinidiffError, match="use ddim, euler, heun, dpmpp_2m"):
        list(follow(denoiser, start, [(50, 0)], sampler, eta=eta))
