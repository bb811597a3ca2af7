"""Samplers against exact results: distributions, closed-form maps, formulas of the papers, orders of convergence."""

import numpy as np
import pytest

from minidiff.curves import CURVES
from minidiff.denoiser import NetworkDenoiser
from minidiff.oracles import GaussianDenoiser, MixtureDenoiser
from minidiff.points import PointNetworkConfig
from minidiff.samplers import SAMPLERS, STOCHASTIC, State
from minidiff.sampling import choose_steps, follow, generate
from minidiff.schedule import TARGETS, Schedule

every_sampler = pytest.mark.parametrize("sampler", SAMPLERS)
every_schedule = pytest.mark.parametrize("name", CURVES)
SECOND_ORDER = ("heun", "dpmpp_2m", "dpmpp_2m_sde")


def run(denoiser, sampler, pairs, z, rng=None, eta=0.0):
    """The last z of a sampler in float64, with fresh noise from one generator."""
    draw_noise = (lambda: rng.standard_normal(z.shape)) if rng else None
    for state in follow(denoiser, State(z, z, pairs[0][0]), pairs, sampler, draw_noise, clip=False, eta=eta):
        last = state
    return last.z


# The distribution: mean, covariance and sign, for two kinds of data, neither symmetric about zero

MEAN, COVARIANCE = np.array([0.5, -0.2]), np.array([[0.20, 0.10], [0.10, 0.15]])
CENTERS, WEIGHTS, STD = np.array([[0.6, 0.3], [-0.5, -0.2]]), np.array([0.7, 0.3]), 0.2
MIXTURE_MEAN = WEIGHTS @ CENTERS
MIXTURE_COVARIANCE = (CENTERS - MIXTURE_MEAN).T @ np.diag(WEIGHTS) @ (CENTERS - MIXTURE_MEAN) + STD**2 * np.eye(2)


def gaussian(schedule):
    return GaussianDenoiser(schedule, MEAN, covariance=COVARIANCE)


def mixture(schedule):
    return MixtureDenoiser(schedule, CENTERS, STD, WEIGHTS)


def normal_points(rng):
    """10,000 points whose sample mean and covariance are exactly 0 and I, to reduce the variance of the tests."""
    points = rng.standard_normal((10_000, 2))
    points -= points.mean(axis=0)
    return points @ np.linalg.inv(np.linalg.cholesky(np.cov(points.T))).T


@every_schedule
@every_sampler
@pytest.mark.parametrize(
    ("make_oracle", "mean", "covariance"),
    [(gaussian, MEAN, COVARIANCE), (mixture, MIXTURE_MEAN, MIXTURE_COVARIANCE)],
)
def test_samples_have_the_mean_and_covariance_of_the_data(name, sampler, make_oracle, mean, covariance):
    schedule, rng = Schedule(name, 1000), np.random.default_rng(0)
    z = schedule.noise[-1] * normal_points(rng)
    steps, tolerance = (100, 0.04) if sampler in SECOND_ORDER else (250, 0.08)
    x0 = run(make_oracle(schedule), sampler, choose_steps(schedule, steps), z, rng if sampler in STOCHASTIC else None)
    np.testing.assert_allclose(x0.mean(axis=0), mean, atol=0.015)
    np.testing.assert_allclose(np.cov(x0.T), covariance, atol=tolerance * covariance.max())


@pytest.mark.parametrize("eta", [0.3, 1.0])
def test_samples_of_ddim_with_fresh_noise_have_the_mean_and_covariance_of_the_data(eta):
    schedule, rng = Schedule("cosine", 1000), np.random.default_rng(0)
    z = schedule.noise[-1] * normal_points(rng)
    x0 = run(gaussian(schedule), "ddim", choose_steps(schedule, 250), z, rng, eta)
    np.testing.assert_allclose(x0.mean(axis=0), MEAN, atol=0.015)
    np.testing.assert_allclose(np.cov(x0.T), COVARIANCE, atol=0.08 * COVARIANCE.max())


# Closed-form maps: for data N(m, s^2) every deterministic step is linear in z, and the exact path keeps z's rank


def ddim_in_closed_form(schedule, m, s, z, pairs):
    for t, t_next in pairs:
        signal, noise = schedule.signal[t], schedule.noise[t]
        total = signal**2 * s**2 + noise**2  # the variance of z_t
        x0_hat = m + signal * s**2 / total * (z - signal * m)
        eps_hat = noise / total * (z - signal * m)
        z = schedule.signal[t_next] * x0_hat + schedule.noise[t_next] * eps_hat
    return z


@every_schedule
@pytest.mark.parametrize("sampler", ["ddim", "euler"])
@pytest.mark.parametrize("steps", [1, 5, 50])
def test_ddim_and_euler_are_the_same_closed_form_map(name, sampler, steps):
    schedule = Schedule(name, 1000)
    pairs = choose_steps(schedule, steps)
    z = schedule.noise[-1] * np.random.default_rng(1).standard_normal((200, 1))
    expected = ddim_in_closed_form(schedule, 0.4, 0.25, z, pairs)
    found = run(GaussianDenoiser(schedule, 0.4, 0.25), sampler, pairs, z)
    np.testing.assert_allclose(found, expected, atol=1e-10)
    assert np.corrcoef(found.ravel(), z.ravel())[0, 1] > 0.999  # the sign: larger noise, larger sample


@every_schedule
@pytest.mark.parametrize("sampler", ["heun", "dpmpp_2m"])
def test_the_exact_path_preserves_standard_scores(name, sampler):
    """(z - mean) / std is constant along the probability-flow path."""
    schedule = Schedule(name, 10_000)
    z = schedule.noise[-1] * np.random.default_rng(2).standard_normal((200, 1))
    score = (z - schedule.signal[-1] * 0.4) / np.hypot(schedule.signal[-1] * 0.25, schedule.noise[-1])
    pairs = choose_steps(schedule, 200, "karras")
    found = run(GaussianDenoiser(schedule, 0.4, 0.25), sampler, pairs, z)
    np.testing.assert_allclose((found - 0.4) / 0.25, score, atol=0.02)


# The formulas as the papers write them, in their own letters


def test_ddim_with_eta_one_is_ddpm():
    schedule = Schedule("cosine", 100)
    z = np.random.default_rng(3).standard_normal((50, 2))
    pairs = choose_steps(schedule, 20)
    ddpm = run(mixture(schedule), "ddpm", pairs, z, np.random.default_rng(4))
    ddim = run(mixture(schedule), "ddim", pairs, z, np.random.default_rng(4), eta=1.0)
    np.testing.assert_allclose(ddim, ddpm, atol=1e-9)


def test_ddim_is_equations_12_and_16_of_song_et_al():
    schedule, eta, t, s = Schedule("cosine", 100), 0.5, 80, 55
    x = np.random.default_rng(3).standard_normal((50, 2))
    alpha_t, alpha_s = schedule.signal[t] ** 2, schedule.signal[s] ** 2  # their alpha is the others' alpha_bar
    sigma = eta * np.sqrt((1 - alpha_s) / (1 - alpha_t)) * np.sqrt(1 - alpha_t / alpha_s)
    _, eps_hat = mixture(schedule)(x, t)
    x0_hat = (x - np.sqrt(1 - alpha_t) * eps_hat) / np.sqrt(alpha_t)
    fresh = np.random.default_rng(4).standard_normal((50, 2))
    expected = np.sqrt(alpha_s) * x0_hat + np.sqrt(1 - alpha_s - sigma**2) * eps_hat + sigma * fresh
    found = run(mixture(schedule), "ddim", [(t, s)], x, np.random.default_rng(4), eta)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_ddpm_is_algorithm_2_of_ho_et_al():
    schedule, rng = Schedule("linear", 30), np.random.default_rng(5)
    x = np.random.default_rng(6).standard_normal((40, 2))
    expected, oracle = x, mixture(schedule)
    alpha_bar = schedule.signal**2
    for t in range(30, 0, -1):
        alpha, beta_tilde = alpha_bar[t] / alpha_bar[t - 1], (1 - alpha_bar[t - 1]) / (1 - alpha_bar[t])
        _, eps_hat = oracle(expected, t)
        expected = (expected - (1 - alpha) / np.sqrt(1 - alpha_bar[t]) * eps_hat) / np.sqrt(alpha)
        if t > 1:
            expected = expected + np.sqrt(beta_tilde * (1 - alpha)) * rng.standard_normal(x.shape)
    found = run(oracle, "ddpm", choose_steps(schedule, 30), x, np.random.default_rng(5))
    np.testing.assert_allclose(found, expected, atol=1e-9)


@every_schedule
def test_dpmpp_2m_is_algorithm_2_of_lu_et_al(name):
    schedule = Schedule(name, 1000)
    pairs = choose_steps(schedule, 12)
    x = np.random.default_rng(7).standard_normal((40, 2))
    expected, oracle, data = x, mixture(schedule), []
    alpha, sigma = schedule.signal, schedule.noise
    times = [t for t, _ in pairs]
    lam = np.log(alpha[times] / sigma[times])  # lambda
    for i in range(1, 12):
        data.append(oracle(expected, times[i - 1])[0])
        h = lam[i] - lam[i - 1]
        D = data[-1]
        if i > 1:
            r = (lam[i - 1] - lam[i - 2]) / h
            D = (1 + 1 / (2 * r)) * data[-1] - 1 / (2 * r) * data[-2]
        s, t = times[i - 1], times[i]
        expected = sigma[t] / sigma[s] * expected - alpha[t] * np.expm1(-h) * D
    found = run(oracle, "dpmpp_2m", pairs[:-1], x)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(run(oracle, "dpmpp_2m", pairs, x), oracle(expected, times[-1])[0], atol=1e-9)


@every_schedule
def test_dpmpp_2m_sde_is_the_formula_of_lu_et_al(name):
    schedule = Schedule(name, 1000)
    pairs = choose_steps(schedule, 12)[:-1]
    x = np.random.default_rng(8).standard_normal((40, 2))
    rng, expected, oracle, before = np.random.default_rng(9), x, mixture(schedule), None
    alpha, sigma, lam = schedule.signal, schedule.noise, -schedule.log_sigma
    for i, (s, t) in enumerate(pairs):
        now, h = oracle(expected, s)[0], lam[t] - lam[s]
        mean = sigma[t] / sigma[s] * np.exp(-h) * expected + alpha[t] * -np.expm1(-2 * h) * now
        if before is not None:
            r = (lam[s] - lam[pairs[i - 1][0]]) / h
            mean = mean + alpha[t] * -np.expm1(-2 * h) / 2 * (now - before) / r
        expected = mean + sigma[t] * np.sqrt(-np.expm1(-2 * h)) * rng.standard_normal(x.shape)
        before = now
    found = run(oracle, "dpmpp_2m_sde", pairs, x, np.random.default_rng(9))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


# Every schedule with every target and every sampler


class ExactNetwork:
    """A network whose prediction is the target, computed from an oracle's x0_hat and eps_hat."""

    config = PointNetworkConfig()

    def __init__(self, oracle, schedule, target):
        self.oracle, self.schedule, self.target = oracle, schedule, target

    def forward(self, p, scaled, log_sigma, labels, keep=True):
        t = int(self.schedule.nearest_timestep(log_sigma[0]))
        x0_hat, eps_hat = self.oracle(scaled / scaled.dtype.type(self.schedule.input_scale[t]), t)
        return self.schedule.target(self.target, x0_hat, eps_hat, t), None


@every_schedule
@pytest.mark.parametrize("target", TARGETS)
@every_sampler
def test_every_schedule_works_with_every_target_and_sampler(workers, name, target, sampler):
    schedule = Schedule(name, 200)
    oracle = mixture(schedule)
    options = {"sampler": sampler, "steps": 12, "seed": 1}
    denoiser = NetworkDenoiser(ExactNetwork(oracle, schedule, target), None, schedule, target, workers)
    found = generate(denoiser, (10, 2), **options)
    np.testing.assert_allclose(found, generate(oracle, (10, 2), **options), atol=1e-3)


# Order of convergence, down to the clean image; for the least noise, see benchmark/test_convergence.py


@pytest.mark.parametrize("name", ["flow", "variance_exploding"])
@pytest.mark.parametrize(("sampler", "expected"), [("ddim", 1), ("euler", 1), ("heun", 2)])
def test_order_of_convergence_to_the_end_with_trailing_steps(name, sampler, expected):
    """For schedules whose noise starts like t; where it starts like sqrt(t), the last step dominates the error."""
    schedule, steps = Schedule(name, 2**14), (16, 32, 64)
    z = schedule.noise[-1] * np.random.default_rng(10).standard_normal((100, 2))
    exact = run(mixture(schedule), "heun", choose_steps(schedule, 2048), z)
    ends = [run(mixture(schedule), sampler, choose_steps(schedule, count), z) for count in steps]
    errors = [np.sqrt(np.square(end - exact).mean()) for end in ends]
    assert -np.polyfit(np.log(steps), np.log(errors), 1)[0] == pytest.approx(expected, abs=0.25)
