"""Log-likelihoods along the ODE against exact densities, bits per dimension and dequantization."""

import math

import numpy as np
import pytest

from minidiff.errors import MinidiffError
from minidiff.likelihood import bits_per_dimension, dequantize, log_likelihood, rising_timesteps
from minidiff.oracles import GaussianDenoiser, MixtureDenoiser
from minidiff.schedule import Schedule

# With close timesteps, so that the solver's steps are those asked for, and an end at which nothing of the data is left,
# since sampling starts from N(0, sigma_T^2) and the noised data is N(m, sigma_T^2 + d^2).
SCHEDULE = Schedule("flow", 100_000, sigma_max=10_000)
MEANS, STDS, WEIGHTS = np.array([[0.6, 0.1], [-0.5, 0.4], [0.0, -0.7]]), [0.1, 0.3, 0.2], [1.0, 3.0, 2.0]
MIXTURE = MixtureDenoiser(SCHEDULE, MEANS, STDS, WEIGHTS)
NORMAL = GaussianDenoiser(SCHEDULE, [0.2, -0.1], covariance=[[0.3, 0.1], [0.1, 0.2]])


def exact(denoiser, x, t, labels=None):
    """ln of the density of x0 + sigma eps at x."""
    z = SCHEDULE.signal[t] * x
    return denoiser.log_density(z, t, labels) + x.shape[1] * np.log(SCHEDULE.signal[t])


def points(count=7):
    return np.random.default_rng(1).normal(0, 0.5, (count, 2))


@pytest.mark.parametrize("labels", [None, np.arange(7) % 3])
def test_the_log_likelihood_of_a_mixture(labels):
    """Within the error that the solver itself implies: with order 2, a third of what doubling the steps has changed."""
    x, sigma_min = points(), 0.03
    t = rising_timesteps(SCHEDULE, sigma_min, 200)[0]
    coarse, found = (log_likelihood(MIXTURE, x, sigma_min, steps, None, labels=labels) for steps in (100, 200))
    change = np.abs(coarse - found).max()
    assert change < 0.2  # for points eight standard deviations away from the mean of their class
    np.testing.assert_allclose(found, exact(MIXTURE, x, t, labels), rtol=0, atol=change / 2)


def test_the_log_likelihood_of_normal_data():
    x, sigma_min = points(), 0.05
    t = rising_timesteps(SCHEDULE, sigma_min, 100)[0]
    covariance = NORMAL.covariance + SCHEDULE.sigma[t] ** 2 * np.eye(2)
    d = x - NORMAL.mean
    expected = -(d * np.linalg.solve(covariance, d.T).T).sum(axis=1) / 2
    expected = expected - np.log(np.linalg.det(2 * np.pi * covariance)) / 2
    np.testing.assert_allclose(log_likelihood(NORMAL, x, sigma_min, 100, probes=None), expected, atol=0.01)


def test_the_error_of_the_solver_has_order_2():
    x = points()
    reference = log_likelihood(MIXTURE, x, 0.1, steps=600, probes=None)
    errors = [np.abs(log_likelihood(MIXTURE, x, 0.1, steps, None) - reference).mean() for steps in (15, 30)]
    assert errors[0] / errors[1] > 2.5


def test_hutchinsons_estimate_is_unbiased():
    x = points(3)
    expected = log_likelihood(NORMAL, x, 0.05, steps=30, probes=None)
    found = np.array([log_likelihood(NORMAL, x, 0.05, steps=30, seed=seed) for seed in range(200)])
    spread = found.std(axis=0, ddof=1)
    assert (spread > 0.05).all()  # a covariance with correlation: one probe is not exact
    assert (np.abs(found.mean(axis=0) - expected) < 4 * spread / 200**0.5).all()
    many = log_likelihood(NORMAL, x, 0.05, steps=30, probes=200)
    assert (np.abs(many - expected) < 4 * spread / 200**0.5).all()


def test_the_estimate_of_an_image_depends_on_its_index_and_seed_alone():
    x = points(5)
    both = log_likelihood(NORMAL, x, 0.05, steps=10, seed=3)
    np.testing.assert_allclose(log_likelihood(NORMAL, x[:2], 0.05, steps=10, seed=3), both[:2])
    assert not np.allclose(log_likelihood(NORMAL, x, 0.05, steps=10, seed=4), both)


def test_the_model_is_normalized():
    """The integral of p over the plane is 1, up to the error of the solver: 0.018 with 40 steps, and order 2."""
    side = np.linspace(-3, 3, 61)
    x = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    p = np.exp(log_likelihood(NORMAL, x, 0.1, steps=80, probes=None))
    assert p.sum() * (side[1] - side[0]) ** 2 == pytest.approx(1, abs=0.01)


def test_dequantization_fills_the_interval_of_each_byte(rng):
    images = np.repeat(np.array([0, 100, 255], np.uint8), 5000).reshape(3, 5000)
    x = dequantize(images, rng)
    assert x.dtype == np.float32
    np.testing.assert_array_equal(np.rint((x + 1) * 127.5), images)
    np.testing.assert_allclose(x.mean(axis=1), [-1, 100 / 127.5 - 1, 1], atol=2e-4)
    assert x.max() - 1 == pytest.approx(1 / 255, abs=1e-5)


def test_bits_of_uniform_bytes_and_of_a_normal_density():
    """A uniform density over the 256 intervals needs 8 bits, whatever the shape."""
    log_p = -48 * math.log(256 * 2 / 255)
    assert bits_per_dimension(np.array([log_p, log_p]), 48) == pytest.approx([8, 8])
    assert bits_per_dimension(np.array(0.0), 1) == pytest.approx(math.log2(127.5))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sigma_min": 1e-6}, "must lie between"),
        ({"sigma_min": 1e5}, "must lie between"),
        ({"steps": 0}, "at least 1"),
        ({"probes": 0}, "at least 1"),
    ],
)
def test_impossible_options_are_refused(options, words):
    with pytest.raises(MinidiffError, match=words):
        log_likelihood(MIXTURE, points(), **options)


def test_timesteps_rise_from_the_smallest_sigma_to_the_end():
    times = rising_timesteps(SCHEDULE, 0.02, 40)
    assert times[0] == SCHEDULE.nearest_timestep(math.log(0.02))
    assert times[-1] == SCHEDULE.T
    assert (np.diff(times) > 0).all()
    assert len(times) <= 41
