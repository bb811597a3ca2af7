"""Continuous time: coefficients against closed forms, and densities against the exact ones of the forward process."""

from itertools import islice

import numpy as np
import pytest

from minidiff.continuous import forward_sde, langevin, rates, reverse, score, velocity
from minidiff.errors import MinidiffError
from minidiff.oracles import GaussianDenoiser, MixtureDenoiser
from minidiff.schedule import SCHEDULES, Schedule

LINEAR = Schedule("linear", 1000)
MIXTURE = MixtureDenoiser(LINEAR, [[-0.7], [0.5]], [0.2, 0.1], weights=[3, 7])


def quantiles(x):
    return np.quantile(x, [0.05, 0.25, 0.5, 0.75, 0.95])


def test_the_score_is_the_gradient_of_the_log_density():
    z, h = np.linspace(-2, 2, 41)[:, None], 1e-5
    for t in (20, 300, 1000):
        expected = (MIXTURE.log_density(z + h, t) - MIXTURE.log_density(z - h, t)) / (2 * h)
        np.testing.assert_allclose(score(MIXTURE, z, t)[:, 0], expected, rtol=1e-5, atol=1e-5)


def test_the_forward_sde_of_the_linear_schedule_is_that_of_the_paper():
    """dz = -beta z / 2 dt + sqrt(beta) dw with beta = 0.1 + 19.9 u (Song et al., 2021, eq. 11 and 33)."""
    beta = (0.1 + 19.9 * np.arange(1001) / 1000) / 1000
    f, g = forward_sde(LINEAR)
    np.testing.assert_allclose(f[1:-1], -beta[1:-1] / 2, rtol=1e-3)
    np.testing.assert_allclose(g[2:-1] ** 2, beta[2:-1], rtol=0.05)
    np.testing.assert_allclose(g[50:-1] ** 2, beta[50:-1], rtol=1e-3)


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_forward_sde_has_the_mean_and_the_variance_of_the_schedule(name):
    schedule = Schedule(name, 20_000)
    f, g = forward_sde(schedule)
    mean, variance = schedule.signal[200], schedule.noise[200] ** 2
    for t in range(200, 16_000):
        middle_f, middle_g2 = (f[t] + f[t + 1]) / 2, (g[t] ** 2 + g[t + 1] ** 2) / 2
        mean, variance = mean * np.exp(middle_f), variance * np.exp(2 * middle_f) + middle_g2
    assert mean == pytest.approx(schedule.signal[16_000], rel=1e-3)
    assert variance == pytest.approx(schedule.noise[16_000] ** 2, rel=5e-3)


def test_the_velocity_moves_quantiles_of_normal_data():
    """z_t = signal m + sqrt(signal^2 d^2 + noise^2) q for a quantile q of the standard normal distribution."""
    schedule, m, d, q = Schedule("cosine", 1000), 0.3, 0.4, np.array([[-1.5], [0.0], [0.8]])

    def quantile(t):
        return schedule.signal[t] * m + np.hypot(schedule.signal[t] * d, schedule.noise[t]) * q

    for t in (50, 400, 900):
        found = velocity(GaussianDenoiser(schedule, m, d), quantile(t), t)
        np.testing.assert_allclose(found, (quantile(t + 1) - quantile(t - 1)) / 2, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("eta", [0.0, 1.0, 2.0])
def test_every_amount_of_fresh_noise_gives_the_exact_distribution(rng, eta):
    eps = rng.normal(size=(20_000, 1))
    *_, end = reverse(MIXTURE, LINEAR.noise[-1] * eps, np.arange(1000, 9, -1), eta, rng)
    x0 = np.where(rng.random(20_000) < 0.3, -0.7, 0.5)
    x0 = x0 + np.where(x0 < 0, 0.2, 0.1) * rng.normal(size=20_000)
    z = LINEAR.signal[9] * x0 + LINEAR.noise[9] * rng.normal(size=20_000)
    np.testing.assert_allclose(quantiles(end), quantiles(z), atol=0.03)
    assert np.mean(end < -0.1) == pytest.approx(0.3, abs=0.015)


def test_langevin_dynamics_approaches_the_density(rng):
    """Normal distribution of mean 1 and standard deviation 0.5: the chain has the variance 0.25 / (1 - 2 step)."""
    start, step = np.full((20_000, 1), -3.0), 0.02
    x = next(islice(langevin(lambda x: -(x - 1) / 0.25, start, step, rng), 150, None))
    assert x.mean() == pytest.approx(1, abs=0.02)
    assert x.var() == pytest.approx(0.25 / (1 - 2 * step), rel=0.03)


def test_a_schedule_of_one_timestep_has_no_derivative():
    with pytest.raises(MinidiffError, match="larger T"):
        rates(Schedule("flow", 1))
