"""Oracles: their formulas against numerical integration, and eps_hat against the gradient of their log-density."""

import numpy as np
import pytest

from minidiff.denoiser import Guided
from minidiff.errors import MinidiffError
from minidiff.oracles import GaussianDenoiser, IdealDenoiser, MixtureDenoiser
from minidiff.samplers import State
from minidiff.sampling import choose_steps, follow
from minidiff.schedule import SCHEDULES, Schedule, sufficient_sigma_max

SCHEDULE = Schedule("flow", 100)
MEANS = np.array([[0.6, 0.1], [-0.5, 0.4], [0.0, -0.7]])
STDS = np.array([0.1, 0.3, 0.2])
WEIGHTS = np.array([1.0, 3.0, 2.0])
MIXTURE = MixtureDenoiser(SCHEDULE, MEANS, STDS, WEIGHTS)
z = np.random.default_rng(0).normal(size=(9, 2))


def gradient(log_density, z, h=1e-5):
    """The gradient of log_density with respect to z by finite differences, (N, 2)."""
    steps = h * np.eye(2)
    return np.stack([(log_density(z + step) - log_density(z - step)) / (2 * h) for step in steps], axis=1)


def normal_density(z, mean, variance):
    return np.exp(-np.square(z - mean).sum(axis=1) / (2 * variance)) / (2 * np.pi * variance)


@pytest.mark.parametrize("t", [5, 50, 100])
def test_the_log_density_of_a_mixture(t):
    signal, noise = SCHEDULE.signal[t], SCHEDULE.noise[t]
    weights = WEIGHTS / WEIGHTS.sum()
    parts = [normal_density(z, signal * m, (signal * d) ** 2 + noise**2) for m, d in zip(MEANS, STDS, strict=True)]
    np.testing.assert_allclose(MIXTURE.log_density(z, t), np.log(weights @ parts), rtol=1e-9)
    labels = np.arange(9) % 3
    np.testing.assert_allclose(
        MIXTURE.log_density(z, t, labels), np.log(np.array(parts)[labels, np.arange(9)]), rtol=1e-9
    )


@pytest.mark.parametrize("t", [5, 50, 100])
@pytest.mark.parametrize("labels", [None, np.arange(9) % 3])
def test_eps_hat_of_a_mixture_is_the_gradient_of_its_log_density(t, labels):
    """Tweedie's formula, eps_hat = -noise grad ln p(z)."""
    _, eps_hat = MIXTURE(z, t, labels)
    expected = -SCHEDULE.noise[t] * gradient(lambda z: MIXTURE.log_density(z, t, labels), z)
    np.testing.assert_allclose(eps_hat, expected, atol=1e-6)


VJP = {
    "mixture": MIXTURE,
    "images": IdealDenoiser(SCHEDULE, MEANS),
    "covariance": GaussianDenoiser(SCHEDULE, [0.2, -0.1], covariance=[[0.3, 0.1], [0.1, 0.2]]),
    "stds": GaussianDenoiser(SCHEDULE, 0.2, [0.3, 0.1]),
}


@pytest.mark.parametrize("denoiser", VJP.values(), ids=VJP)
@pytest.mark.parametrize("t", [5, 50, 100])
def test_the_vector_jacobian_product_is_the_difference_quotient(rng, denoiser, t):
    e, h = rng.normal(size=z.shape), 1e-6
    x0_hat, product = denoiser.vjp(z, t, e)
    np.testing.assert_array_equal(x0_hat, denoiser(z, t)[0])
    for i, step in enumerate(h * np.eye(2)):
        slope = (denoiser(z + step, t)[0] - denoiser(z - step, t)[0]) / (2 * h)
        np.testing.assert_allclose(product[:, i], (e * slope).sum(axis=1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("labels", [None, np.arange(9) % 3])
def test_the_jacobian_of_a_mixture_is_the_covariance_of_x0_given_z(rng, labels):
    """signal / noise^2 times the covariance (tutorial 12, equation 2), which is computed component by component."""
    t = 50
    signal, noise = SCHEDULE.signal[t], SCHEDULE.noise[t]
    p, e = MIXTURE.responsibilities(z, t, labels), rng.normal(size=z.shape)
    found = MIXTURE.vjp(z, t, e, labels)[1]
    for n in range(len(z)):
        v = [d**2 * noise**2 / (signal**2 * d**2 + noise**2) for d in STDS]  # variance of x0 given z and k
        mu = [v[k] * (MEANS[k] / STDS[k] ** 2 + signal * z[n] / noise**2) for k in range(3)]
        mean = sum(p[n, k] * mu[k] for k in range(3))
        covariance = sum(p[n, k] * (v[k] * np.eye(2) + np.outer(mu[k] - mean, mu[k] - mean)) for k in range(3))
        np.testing.assert_allclose(found[n], signal / noise**2 * covariance @ e[n], rtol=1e-9)


def test_the_jacobian_of_a_normal_distribution_is_its_gain():
    """signal C (signal^2 C + noise^2 I)^-1, with the covariance C; unit vectors select its rows."""
    C, t = np.array([[0.3, 0.1], [0.1, 0.2]]), 60
    signal, noise = SCHEDULE.signal[t], SCHEDULE.noise[t]
    gain = signal * C @ np.linalg.inv(signal**2 * C + noise**2 * np.eye(2))
    np.testing.assert_allclose(VJP["covariance"].vjp(z[:2], t, np.eye(2))[1], gain, rtol=1e-9)


@pytest.mark.parametrize("w", [0.0, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("t", [10, 60])
def test_guidance_follows_the_gradient_of_the_guided_density(w, t):
    """That of ln p(z) + w (ln p(z | label) - ln p(z)) (Ho and Salimans, 2022)."""
    labels = np.arange(9) % 3

    def log_density(z):
        return (1 - w) * MIXTURE.log_density(z, t) + w * MIXTURE.log_density(z, t, labels)

    _, eps_hat = Guided(MIXTURE, w)(z, t, labels)
    np.testing.assert_allclose(eps_hat, -SCHEDULE.noise[t] * gradient(log_density, z), atol=1e-6)


COVARIANCE, MEAN = np.array([[0.20, 0.10], [0.10, 0.15]]), np.array([0.5, -0.2])


@pytest.mark.parametrize("t", [10, 50, 100])
def test_x0_hat_of_a_gaussian_with_a_covariance_is_a_weighted_mean_of_samples(t):
    """x0_hat = E[x0 | z]: the mean of many x0, weighted with the likelihood of z."""
    x0 = np.random.default_rng(1).multivariate_normal(MEAN, COVARIANCE, 400_000)
    signal, noise = SCHEDULE.signal[t], SCHEDULE.noise[t]
    points = signal * np.array([[0.5, 0.1], [0.2, -0.4]]) + 0.1
    x0_hat, eps_hat = GaussianDenoiser(SCHEDULE, MEAN, covariance=COVARIANCE)(points, t)
    np.testing.assert_allclose(SCHEDULE.add_noise(x0_hat, eps_hat, t), points, atol=1e-12)
    for point, found in zip(points, x0_hat, strict=True):
        weight = normal_density(point - signal * x0, 0.0, noise**2)
        np.testing.assert_allclose(found, weight @ x0 / weight.sum(), atol=0.01)


def test_std_and_diagonal_covariance_agree():
    one = GaussianDenoiser(SCHEDULE, [0.3, -0.1], std=[0.5, 0.2])
    other = GaussianDenoiser(SCHEDULE, [0.3, -0.1], covariance=np.diag([0.25, 0.04]))
    mixture = MixtureDenoiser(SCHEDULE, [[0.3, -0.1]], 0.5)
    same = GaussianDenoiser(SCHEDULE, [0.3, -0.1], 0.5)
    for t in (1, 30, 100):
        np.testing.assert_allclose(one(z, t)[0], other(z, t)[0], atol=1e-12)
        np.testing.assert_allclose(mixture(z, t)[0], same(z, t)[0], atol=1e-12)


def test_x0_hat_of_the_ideal_denoiser_is_the_weighted_mean_of_the_images():
    images = np.random.default_rng(2).uniform(-1, 1, (6, 4, 3, 1)).astype(np.float32)
    labels = np.array([0, 0, 1, 1, 1, 2])
    ideal, t = IdealDenoiser(SCHEDULE, images, labels), 70
    noisy = SCHEDULE.add_noise(images[:2], np.random.default_rng(3).normal(size=(2, 4, 3, 1)).astype(np.float32), t)
    for wanted in (None, np.array([1, 0])):
        x0_hat, eps_hat = ideal(noisy, t, wanted)
        assert x0_hat.dtype == eps_hat.dtype == np.float32
        for i in range(2):
            known = images if wanted is None else images[labels == wanted[i]]
            distance = np.square(noisy[i] - SCHEDULE.signal[t] * known).sum(axis=(1, 2, 3))
            weight = np.exp(-distance / (2 * SCHEDULE.noise[t] ** 2))
            np.testing.assert_allclose(x0_hat[i], np.tensordot(weight / weight.sum(), known, 1), atol=1e-5)
        np.testing.assert_allclose(SCHEDULE.add_noise(x0_hat, eps_hat, t), noisy, atol=1e-5)


def test_the_ideal_denoiser_finds_the_image_at_low_noise_and_the_mean_at_high_noise():
    images = np.random.default_rng(4).uniform(-1, 1, (50, 32, 32, 3)).astype(np.float32)
    exploding = Schedule("variance_exploding", 1000)
    ideal = IdealDenoiser(exploding, images)
    eps = np.random.default_rng(5).normal(size=images.shape).astype(np.float32)
    np.testing.assert_allclose(ideal(exploding.add_noise(images, eps, 1), 1)[0], images, atol=1e-6)
    small = IdealDenoiser(
        exploding, images[:, :1, :1]
    )  # of one pixel, so that the images cannot be distinguished at high noise
    np.testing.assert_allclose(
        small(80 * eps[:, :1, :1], 1000)[0], np.tile(images[:, :1, :1].mean(0), (50, 1, 1, 1)), atol=0.05
    )


@pytest.mark.parametrize(
    "call",
    [
        lambda: GaussianDenoiser(SCHEDULE, 0.0),
        lambda: GaussianDenoiser(SCHEDULE, [0.0, 0.0], 1.0, np.eye(2)),
        lambda: GaussianDenoiser(SCHEDULE, [0.0, 0.0], covariance=[[1.0, 0.5], [0.0, 1.0]]),
        lambda: GaussianDenoiser(SCHEDULE, [0.0, 0.0], covariance=[[1.0, 2.0], [2.0, 1.0]]),
        lambda: MixtureDenoiser(SCHEDULE, MEANS, 0.1, weights=[1.0, 2.0]),
        lambda: MixtureDenoiser(SCHEDULE, MEANS, 0.1, weights=[1.0, 2.0, 0.0]),
        lambda: MIXTURE(z, 5, np.full(9, 3)),
    ],
)
def test_invalid_distributions_are_refused(call):
    with pytest.raises(MinidiffError):
        call()


# The end of the schedule. Samplers are linear for normal data, so that the standard deviation of the samples follows
# exactly from their responses to one noise at a time.


def std_of_samples(schedule, S, sampler, steps):
    """The standard deviation of samples of N(0, S^2) that start from pure noise."""
    noises = iter(np.eye(steps + 1)[:, :, None])  # sample i responds to the i-th noise that is drawn
    start = State(schedule.noise[-1] * next(noises), np.zeros((steps + 1, 1)), schedule.T)
    denoiser = GaussianDenoiser(schedule, 0.0, S)
    pairs = choose_steps(schedule, steps, "karras")
    *_, last = follow(denoiser, start, pairs, sampler, lambda: next(noises), clip=False)
    return np.linalg.norm(last.z)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("brightness", [0.15, 0.3])
@pytest.mark.parametrize("side", [16, 32, 64])
def test_samples_differ_in_brightness_as_much_as_the_images(name, brightness, side):
    S = brightness * np.sqrt(3 * side**2)  # along the unit vector of equal values
    schedule = Schedule(name, 2**14, sigma_max=sufficient_sigma_max(np.array([[-S], [S]])))
    for sampler, steps in (("ddim", 1000), ("heun", 100), ("dpmpp_2m_sde", 200)):
        assert 0.99 < std_of_samples(schedule, S, sampler, steps) / S < 1.01, sampler


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("sigma_max", [0.0, 60.0, 250.0])
def test_pure_noise_at_the_start_costs_variance(name, sigma_max):
    """The exact path from z_T = noise[T] eps to the image has a closed form for normal data."""
    S, schedule = 16.0, Schedule(name, 2**14, sigma_max=sigma_max)
    expected = S / np.sqrt(1 + (S / schedule.sigma[-1]) ** 2)
    assert std_of_samples(schedule, S, "heun", 200) == pytest.approx(expected, rel=1e-3)


def test_the_brightness_of_images_is_one_direction_of_their_space():
    """Images of 8 x 8 x 3 that differ by a common offset and independent values: the same as in one dimension."""
    D, common, independent = 8 * 8 * 3, 0.3, 0.05
    schedule, S = Schedule("flow", 1000), np.sqrt(D * common**2 + independent**2)
    oracle = GaussianDenoiser(
        schedule, np.zeros(D), covariance=common**2 * np.ones((D, D)) + independent**2 * np.eye(D)
    )
    z = np.full((1, D), schedule.noise[-1] / np.sqrt(D))
    *_, last = follow(oracle, State(z, z, schedule.T), choose_steps(schedule, 60, "karras"), "heun", clip=False)
    assert np.linalg.norm(last.z) == pytest.approx(std_of_samples(schedule, S, "heun", 60), rel=1e-9)
