"""Oracles: their formulas against brute force, and their noise against the slope of the density they claim to know."""

import numpy as np
import pytest

from minidiff.denoiser import Guided
from minidiff.errors import MinidiffError
from minidiff.oracles import GaussianDenoiser, IdealDenoiser, MixtureDenoiser
from minidiff.schedule import Schedule

SCHEDULE = Schedule("flow", 100)
MEANS = np.array([[0.6, 0.1], [-0.5, 0.4], [0.0, -0.7]])
DEVIATIONS = np.array([0.1, 0.3, 0.2])
WEIGHTS = np.array([1.0, 3.0, 2.0])
MIXTURE = MixtureDenoiser(SCHEDULE, MEANS, DEVIATIONS, WEIGHTS)
z = np.random.default_rng(0).normal(size=(9, 2))


def slope(log_density, z, h=1e-5):
    """The gradient by finite differences, (N, 2)."""
    steps = h * np.eye(2)
    return np.stack([(log_density(z + step) - log_density(z - step)) / (2 * h) for step in steps], axis=1)


def normal_density(z, mean, variance):
    return np.exp(-np.square(z - mean).sum(axis=1) / (2 * variance)) / (2 * np.pi * variance)


@pytest.mark.parametrize("t", [5, 50, 100])
def test_the_mixture_knows_its_density(t):
    signal, noise = SCHEDULE.signal[t], SCHEDULE.noise[t]
    weights = WEIGHTS / WEIGHTS.sum()
    parts = [
        normal_density(z, signal * m, (signal * d) ** 2 + noise**2) for m, d in zip(MEANS, DEVIATIONS, strict=True)
    ]
    np.testing.assert_allclose(MIXTURE.log_density(z, t), np.log(weights @ parts), rtol=1e-9)
    labels = np.arange(9) % 3
    np.testing.assert_allclose(
        MIXTURE.log_density(z, t, labels), np.log(np.array(parts)[labels, np.arange(9)]), rtol=1e-9
    )


@pytest.mark.parametrize("t", [5, 50, 100])
@pytest.mark.parametrize("labels", [None, np.arange(9) % 3])
def test_the_noise_of_the_mixture_is_the_slope_of_its_density(t, labels):
    """Tweedie's formula, eps_hat = -noise grad ln p(z): the density and its slope are two different computations."""
    _, eps_hat = MIXTURE(z, t, labels)
    expected = -SCHEDULE.noise[t] * slope(lambda z: MIXTURE.log_density(z, t, labels), z)
    np.testing.assert_allclose(eps_hat, expected, atol=1e-6)


@pytest.mark.parametrize("w", [0.0, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("t", [10, 60])
def test_guidance_follows_the_density_it_promises(w, t):
    """Guided by w, eps_hat must be the slope of ln p(z) + w (ln p(z | label) - ln p(z)) (Ho and Salimans, 2022)."""
    labels = np.arange(9) % 3

    def promised(z):
        return (1 - w) * MIXTURE.log_density(z, t) + w * MIXTURE.log_density(z, t, labels)

    _, eps_hat = Guided(MIXTURE, w)(z, t, labels)
    np.testing.assert_allclose(eps_hat, -SCHEDULE.noise[t] * slope(promised, z), atol=1e-6)


COVARIANCE, MEAN = np.array([[0.20, 0.10], [0.10, 0.15]]), np.array([0.5, -0.2])


@pytest.mark.parametrize("t", [10, 50, 100])
def test_the_gaussian_with_a_covariance_is_the_mean_of_a_weighted_cloud(t):
    """x0_hat = E[x0 | z]: draw many x0, weight each by how well it explains z, and average."""
    x0 = np.random.default_rng(1).multivariate_normal(MEAN, COVARIANCE, 400_000)
    signal, noise = SCHEDULE.signal[t], SCHEDULE.noise[t]
    points = signal * np.array([[0.5, 0.1], [0.2, -0.4]]) + 0.1
    x0_hat, eps_hat = GaussianDenoiser(SCHEDULE, MEAN, covariance=COVARIANCE)(points, t)
    np.testing.assert_allclose(SCHEDULE.add_noise(x0_hat, eps_hat, t), points, atol=1e-12)
    for point, found in zip(points, x0_hat, strict=True):
        weight = normal_density(point - signal * x0, 0.0, noise**2)
        np.testing.assert_allclose(found, weight @ x0 / weight.sum(), atol=0.01)


def test_deviation_and_covariance_are_two_ways_to_say_the_same():
    one = GaussianDenoiser(SCHEDULE, [0.3, -0.1], deviation=[0.5, 0.2])
    other = GaussianDenoiser(SCHEDULE, [0.3, -0.1], covariance=np.diag([0.25, 0.04]))
    mixture = MixtureDenoiser(SCHEDULE, [[0.3, -0.1]], 0.5)
    same = GaussianDenoiser(SCHEDULE, [0.3, -0.1], 0.5)
    for t in (1, 30, 100):
        np.testing.assert_allclose(one(z, t)[0], other(z, t)[0], atol=1e-12)
        np.testing.assert_allclose(mixture(z, t)[0], same(z, t)[0], atol=1e-12)


def test_the_ideal_denoiser_is_the_weighted_mean_of_the_images():
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


def test_the_ideal_denoiser_finds_the_image_under_little_noise_and_their_mean_under_much():
    images = np.random.default_rng(4).uniform(-1, 1, (50, 32, 32, 3)).astype(np.float32)
    exploding = Schedule("variance_exploding", 1000)
    ideal = IdealDenoiser(exploding, images)
    eps = np.random.default_rng(5).normal(size=images.shape).astype(np.float32)
    np.testing.assert_allclose(ideal(exploding.add_noise(images, eps, 1), 1)[0], images, atol=1e-6)
    crowd = IdealDenoiser(exploding, images[:, :1, :1])  # so small that images under much noise look alike
    np.testing.assert_allclose(
        crowd(80 * eps[:, :1, :1], 1000)[0], np.tile(images[:, :1, :1].mean(0), (50, 1, 1, 1)), atol=0.05
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
def test_distributions_that_do_not_exist_are_refused(call):
    with pytest.raises(MinidiffError):
        call()
