"""Inpainting, image-to-image, inversion and interpolation, with oracles."""

import numpy as np
import pytest

from minidiff.denoiser import Guided
from minidiff.editing import Inpainting, decode, encode, image_to_image, inpaint, interpolate, slerp
from minidiff.errors import MinidiffError
from minidiff.oracles import GaussianDenoiser, IdealDenoiser, MixtureDenoiser
from minidiff.samplers import SAMPLERS, STOCHASTIC
from minidiff.sampling import generate, sample, starting_noise
from minidiff.schedule import SCHEDULES, Schedule

SCHEDULE = Schedule("flow", 1000)
DETERMINISTIC = [name for name in SAMPLERS if name not in STOCHASTIC]
every_sampler = pytest.mark.parametrize("sampler", SAMPLERS)
every_schedule = pytest.mark.parametrize("name", SCHEDULES)


def last(states):
    *_, state = states
    return state.z


# Inpainting

BLACK_OR_WHITE = IdealDenoiser(SCHEDULE, np.stack([np.full((4, 4, 1), -1.0), np.full((4, 4, 1), 1.0)]))


@every_sampler
def test_inpainting_keeps_the_known_part(sampler):
    image, hole = np.random.default_rng(0).uniform(-1, 1, (4, 4, 1)).astype(np.float32), np.eye(4, dtype=bool)
    states = list(inpaint(BLACK_OR_WHITE, (3, 4, 4, 1), image, hole, rounds=2, sampler=sampler, steps=5))
    assert [state.t for state in states] == [1000, 800, 600, 400, 200, 0]
    np.testing.assert_allclose(states[-1].z[:, ~hole], np.broadcast_to(image[~hole], (3, 12, 1)), atol=1e-6)
    assert (states[-1].z[:, hole] != image[hole]).all()


def test_inpainting_completes_an_image_to_match_the_known_part():
    """Images are black or white, and three white pixels are given: the others should become white."""
    image, hole = np.zeros((4, 4, 1), np.float32), np.ones((4, 4), bool)
    hole[0, :3] = False
    image[~hole] = 1
    found = last(inpaint(BLACK_OR_WHITE, (100, 4, 4, 1), image, hole, rounds=20, sampler="ddpm"))
    white = (found[:, hole] > 0.99).all(axis=(1, 2))
    assert white.mean() > 0.85
    unconditional = generate(BLACK_OR_WHITE, (100, 4, 4, 1), sampler="ddpm", steps=20)
    assert 0.35 < (unconditional[:, 3, 3, 0] > 0).mean() < 0.65


@pytest.mark.parametrize("sampler", ["ddpm", "ddim", "heun"])
def test_inpainting_one_of_two_correlated_values_improves_with_every_round(sampler):
    """Correlation 0.9: given that the first value is 0.6, the second is normal with mean 0.9 x 0.6."""
    oracle = GaussianDenoiser(SCHEDULE, [0.0, 0.0], covariance=0.25 * np.array([[1.0, 0.9], [0.9, 1.0]]))
    known, options = np.array([0.6, 0.0], np.float32), {"sampler": sampler, "clip": False}
    few, many = (last(inpaint(oracle, (1000, 2), known, [False, True], n, **options))[:, 1] for n in (1, 20))
    assert few.mean() < 0.4
    assert many.mean() == pytest.approx(0.54, abs=0.04)
    assert many.std() == pytest.approx(0.5 * np.sqrt(1 - 0.9**2), abs=0.05)  # .04 too small for ddpm in 20 steps


def test_the_means_quoted_for_inpainting():
    oracle = GaussianDenoiser(SCHEDULE, [0.0, 0.0], covariance=0.25 * np.array([[1.0, 0.9], [0.9, 1.0]]))
    known = np.array([0.6, 0.0], np.float32)
    means = [last(inpaint(oracle, (2000, 2), known, [False, True], n, clip=False))[:, 1].mean() for n in (1, 5, 20)]
    np.testing.assert_allclose(means, [0.26, 0.46, 0.52], atol=0.025)


@pytest.mark.parametrize("shape", [(2, 4, 4, 3), (2, 8, 8, 1)])
def test_an_image_of_another_shape_is_refused(shape):
    with pytest.raises(MinidiffError, match="shape"):
        list(inpaint(BLACK_OR_WHITE, shape, np.zeros((4, 4, 1)), np.ones((4, 4))))


def test_images_in_bytes_are_refused():
    image = np.full((1, 4, 4, 1), 200, np.uint8)
    for call in (
        lambda: list(inpaint(BLACK_OR_WHITE, (1, 4, 4, 1), image, np.ones((4, 4)))),
        lambda: list(image_to_image(BLACK_OR_WHITE, image)),
        lambda: encode(BLACK_OR_WHITE, image),
    ):
        with pytest.raises(MinidiffError, match="to_pixels"):
            call()


def test_inpainting_without_a_round_is_refused():
    with pytest.raises(MinidiffError, match="round"):
        list(inpaint(BLACK_OR_WHITE, (1, 4, 4, 1), np.zeros((4, 4, 1)), np.ones((4, 4)), rounds=0))


def test_a_mask_has_two_dimensions_or_broadcasts_to_the_image():
    image = np.zeros((4, 6, 3), np.float32)
    for mask in (np.ones((4, 6)), np.ones((4, 6, 1)), np.ones((4, 6, 3)), np.ones((1, 6, 1))):
        assert Inpainting(BLACK_OR_WHITE, image, mask).mask.shape == (4, 6, 3)
    with pytest.raises(MinidiffError, match="mask"):
        Inpainting(BLACK_OR_WHITE, image, np.ones((6, 4)))


# Image to image


@every_sampler
def test_image_to_image_stays_near_at_low_strength_and_not_at_full_strength(sampler):
    oracle = IdealDenoiser(SCHEDULE, np.array([[-0.8] * 9, [0.8] * 9]))
    images = np.full((60, 9), 0.7, np.float32)
    weak = last(image_to_image(oracle, images, 0.2, sampler=sampler, steps=10))
    np.testing.assert_allclose(weak, 0.8, atol=1e-3)
    strong = last(image_to_image(oracle, images, 1.0, sampler=sampler, steps=10))
    assert 0.2 < (strong.mean(axis=1) > 0).mean() < 0.8


def test_at_full_strength_nothing_of_the_image_is_left():
    oracle = GaussianDenoiser(SCHEDULE, 0.0, 1.0)
    first, second = (last(image_to_image(oracle, np.full((2, 9), value), 1.0)) for value in (-0.9, 0.9))
    np.testing.assert_array_equal(first, second)


def test_image_to_image_starts_from_the_noised_image():
    images = np.full((1, 50_000), 0.5, np.float32)
    states = list(image_to_image(GaussianDenoiser(SCHEDULE, 0.0, 1.0), images, 0.6, steps=3, clip=False))
    assert [state.t for state in states] == [600, 400, 200, 0]
    assert states[0].z.mean() == pytest.approx(SCHEDULE.signal[600] * 0.5, abs=0.01)
    assert states[0].z.std() == pytest.approx(SCHEDULE.noise[600], rel=0.02)


def test_the_noise_added_to_an_image_is_independent_of_the_samplers_noise():
    """If both came from the same stream, they would be equal."""
    images = np.zeros((1, 20_000), np.float32)
    start, state, _ = image_to_image(GaussianDenoiser(SCHEDULE, 0.0, 0.0), images, 0.8, sampler="ddpm", steps=2)
    z_coefficient, _, _ = SCHEDULE.posterior(800, 400)
    fresh = state.z - z_coefficient * start.z
    assert abs(np.corrcoef(fresh.ravel(), start.z.ravel())[0, 1]) < 0.03


@pytest.mark.parametrize(("strength", "T", "first"), [(1e-9, 1000, 1), (0.02, 1000, 20), (0.6, 1, 1), (1, 10, 10)])
def test_every_strength_has_a_default_number_of_steps(strength, T, first):
    denoiser = GaussianDenoiser(Schedule("flow", T), 0.0, 0.5)
    states = list(image_to_image(denoiser, np.zeros((1, 4, 4, 1)), strength))
    assert states[0].t == first
    assert len(states) == 1 + min(50, first)


def test_a_hardly_noised_image_hardly_changes():
    image = np.full((1, 4, 4, 1), 0.5)
    result = last(image_to_image(GaussianDenoiser(SCHEDULE, 0.5, 0.1), image, 1e-9))
    np.testing.assert_allclose(result, image, atol=0.01)


def test_too_many_steps_for_a_strength_are_explained_by_it():
    message = "a strength of 0.02 starts at timestep 20 of 1000, too few for 25 sampler steps"
    with pytest.raises(MinidiffError, match=f"^{message}; use a larger strength, or at most 20 steps$"):
        list(image_to_image(BLACK_OR_WHITE, np.zeros((1, 4, 4, 1)), 0.02, steps=25))


@pytest.mark.parametrize("T", [1, 2, 5])
def test_inpainting_and_interpolation_have_defaults_for_few_timesteps(T):
    denoiser = GaussianDenoiser(Schedule("flow", T), 0.0, 0.5)
    states = list(inpaint(denoiser, (1, 2, 2, 1), np.zeros((2, 2, 1)), np.eye(2, dtype=bool)))
    assert [state.t for state in states] == list(range(T, -1, -1))
    first, other = (starting_noise(denoiser.schedule, (1, 2, 2, 1), seed)[0] for seed in (0, 1))
    assert np.isfinite(last(interpolate(denoiser, first, other, 3))).all()
    if T > 1:
        z = encode(denoiser, np.full((1, 2, 2, 1), 0.5, np.float32))
        assert np.isfinite(decode(denoiser, z)).all()


@pytest.mark.parametrize("strength", [0, -0.1, 1.1, np.nan])
def test_a_strength_outside_its_range_is_refused(strength):
    with pytest.raises(MinidiffError, match="strength"):
        list(image_to_image(BLACK_OR_WHITE, np.zeros((1, 4, 4, 1)), strength))


# Inversion


def gaussian(schedule):
    return GaussianDenoiser(schedule, [0.2, -0.1], covariance=[[0.25, 0.1], [0.1, 0.2]])


def mixture(schedule):
    return MixtureDenoiser(schedule, [[0.5, 0.3], [-0.5, -0.2], [0.1, -0.7]], 0.3)


@every_schedule
@pytest.mark.parametrize("make_oracle", [gaussian, mixture])
def test_encoding_and_decoding_with_50_heun_steps_reproduces_the_image(name, make_oracle):
    denoiser = make_oracle(Schedule(name, 1000))
    images = np.random.default_rng(0).normal(0, 0.5, (300, 2)).astype(np.float32)
    z = encode(denoiser, images, "heun", 50)
    back = decode(denoiser, z, "heun", 50)
    assert back.dtype == np.float32
    assert np.sqrt(np.square(back - images).mean()) < 2e-3


@pytest.mark.parametrize("sampler", DETERMINISTIC)
def test_the_encoding_of_gaussian_data_is_its_quantile(sampler):
    images = np.linspace(-1, 1.5, 50).reshape(50, 1)
    z = encode(GaussianDenoiser(SCHEDULE, 0.3, 0.5), images, sampler, 500)
    std = np.hypot(SCHEDULE.signal[-1] * 0.5, SCHEDULE.noise[-1])
    np.testing.assert_allclose((z - SCHEDULE.signal[-1] * 0.3) / std, (images - 0.3) / 0.5, atol=0.04)


@pytest.mark.parametrize("steps", [1, 2, 10])
@pytest.mark.parametrize("sampler", DETERMINISTIC)
def test_encoding_works_with_short_schedules(steps, sampler):
    z = encode(GaussianDenoiser(Schedule("flow", 10), 0.0, 1.0), np.full((1, 3), 0.5), sampler, steps)
    assert z.shape == (1, 3)
    assert np.isfinite(z).all()


@pytest.mark.parametrize("sampler", STOCHASTIC)
def test_stochastic_samplers_cannot_be_inverted(sampler):
    x = np.zeros((2, 2), np.float32)
    for call in (
        lambda: encode(mixture(SCHEDULE), x, sampler),
        lambda: decode(mixture(SCHEDULE), x, sampler),
        lambda: list(interpolate(mixture(SCHEDULE), x[0] + 1, x[1] - 1, 3, sampler)),
    ):
        with pytest.raises(MinidiffError, match="fresh noise"):
            call()


def test_a_schedule_of_one_timestep_cannot_be_inverted():
    with pytest.raises(MinidiffError, match="one timestep"):
        encode(mixture(Schedule("flow", 1)), np.zeros((1, 2)), steps=1)


# Interpolation


def test_slerp_stays_on_the_sphere_at_equal_angles():
    a, b = np.array([2.0, 0.0, 0.0]), np.array([0.0, 2.0, 0.0])
    for weight in (0, 0.25, 0.5, 1):
        angle = weight * np.pi / 2
        np.testing.assert_allclose(slerp(a, b, weight), [2 * np.cos(angle), 2 * np.sin(angle), 0], atol=1e-12)


def test_slerp_of_noise_has_unit_variance_and_linear_interpolation_has_less():
    a, b = np.random.default_rng(1).standard_normal((2, 64, 64, 3)).astype(np.float32)
    assert slerp(a, b, 0.5).dtype == np.float32
    assert slerp(a, b, 0.5).std() == pytest.approx(1, abs=0.02)
    assert ((a + b) / 2).std() == pytest.approx(np.sqrt(0.5), abs=0.02)
    np.testing.assert_allclose(slerp(a, a, 0.3), a, atol=1e-6)


def test_an_interpolation_starts_and_ends_with_the_images_of_its_ends():
    denoiser = mixture(SCHEDULE)
    first, second = starting_noise(SCHEDULE, (2, 2), seed=4)
    images = last(interpolate(denoiser, first, second, 5, steps=20))
    assert images.shape == (5, 2)
    np.testing.assert_allclose(images[[0, -1]], generate(denoiser, (2, 2), steps=20, seed=4), atol=1e-5)


def test_interpolation_needs_two_images_and_no_fresh_noise():
    first, second = starting_noise(SCHEDULE, (2, 2), seed=4)
    with pytest.raises(MinidiffError, match="at least 2"):
        list(interpolate(mixture(SCHEDULE), first, second, 1))
    with pytest.raises(MinidiffError, match="eta"):
        list(interpolate(mixture(SCHEDULE), first, second, 3, eta=0.5))


# Combinations


def test_guidance_inpainting_and_image_to_image_combine():
    """Each wrapper is itself a denoiser."""
    labeled = IdealDenoiser(SCHEDULE, np.stack([np.full((2, 2, 1), v) for v in (-0.9, 0.9)]), labels=[0, 1])
    known = np.full((2, 2, 1), 0.3, np.float32)
    denoiser = Inpainting(Guided(labeled, 2.0), known, [[True, True], [True, False]])
    labels = np.array([0, 1])
    states = list(image_to_image(denoiser, np.zeros((2, 2, 2, 1)), 0.9, sampler="dpmpp_2m", steps=15, labels=labels))
    np.testing.assert_array_equal(states[-1].z[:, 1, 1], np.float32(0.3))
    np.testing.assert_allclose(states[-1].z[:, 0], np.array([-1, 1]).reshape(2, 1, 1) * np.ones((2, 2, 1)), atol=0.11)
    plain = list(sample(labeled, (2, 2, 2, 1), steps=15, labels=labels))
    np.testing.assert_allclose(plain[-1].z[:, 0, 0, 0], [-0.9, 0.9], atol=1e-3)
