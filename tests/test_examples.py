"""Training examples: the distributions of timesteps, the weights of the loss, and losses by timestep."""

from statistics import NormalDist

import numpy as np
import pytest

from minidiff.curves import CURVES
from minidiff.errors import MinidiffError
from minidiff.examples import draw_timesteps, loss_weight, losses_by_timestep
from minidiff.schedule import TARGETS, Schedule
from minidiff.training_config import LOSS_WEIGHTS, TIME_DISTRIBUTIONS, TrainingConfig

T = np.array([1, 5, 20, 50, 90, 100])
every_schedule = pytest.mark.parametrize("name", CURVES)
every_target = pytest.mark.parametrize("target", TARGETS)


# Timesteps


@every_schedule
@pytest.mark.parametrize("T", [1, 2, 10, 50, 1000])
@pytest.mark.parametrize("distribution", TIME_DISTRIBUTIONS)
def test_timesteps_lie_between_1_and_T_and_increase_with_u(name, T, distribution):
    u = np.array([0.0, 1e-300, 0.5, 1 - 2**-53, 1.0])
    t = draw_timesteps(Schedule(name, T), u, TrainingConfig(time_distribution=distribution))
    assert t.dtype == np.int64
    assert t.min() >= 1
    assert t.max() <= T
    assert (np.diff(t) >= 0).all()


def test_uniform_timesteps_are_uniform_including_both_ends():
    u = (np.arange(100_000) + 0.5) / 100_000
    t = draw_timesteps(Schedule("flow", 50), u, TrainingConfig(time_distribution="uniform"))
    np.testing.assert_array_equal(np.bincount(t), [0] + [2000] * 50)


@every_schedule
@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.2), (0.8, 0.9)])
def test_log_normal_timesteps_have_log_normal_noise_levels(name, mean, std):
    schedule = Schedule(name, 1000)
    u = (np.arange(20_000) + 0.5) / 20_000
    config = TrainingConfig(log_sigma_mean=mean, log_sigma_std=std, high_noise_fraction=0.0)
    log_sigma = schedule.log_sigma[draw_timesteps(schedule, u, config)]
    assert log_sigma.mean() == pytest.approx(mean, abs=0.01)
    assert log_sigma.std() == pytest.approx(std, rel=0.01)
    within = np.mean(np.abs(log_sigma - mean) < std)
    assert within == pytest.approx(0.6827, abs=0.01)  # 68 % within one standard deviation


def test_log_normal_timesteps_are_those_nearest_to_normal_noise_levels():
    schedule, u = Schedule("cosine", 30), np.random.default_rng(0).random(500)
    normal = [0.3 + 1.1 * NormalDist().inv_cdf(value) for value in u]
    config = TrainingConfig(log_sigma_mean=0.3, log_sigma_std=1.1, high_noise_fraction=0.0)
    np.testing.assert_array_equal(draw_timesteps(schedule, u, config), schedule.nearest_timestep(np.array(normal)))


@every_schedule
def test_a_fraction_of_the_noise_levels_is_uniform_up_to_the_last(name):
    """The distribution is the mixture: drawn here from its parts."""
    schedule, config = Schedule(name, 1000, sigma_max=200.0), TrainingConfig(high_noise_fraction=0.1)
    u = (np.arange(50_000) + 0.5) / 50_000
    log_sigma = schedule.log_sigma[draw_timesteps(schedule, u, config)]
    rng = np.random.default_rng(0)
    parts = rng.normal(0, 1.2, 900_000), rng.uniform(0, np.log(200), 100_000)
    expected = np.concatenate(parts)
    for level in (-2, -1, 0, 1, 2, 3, 4, 5):
        assert np.mean(log_sigma > level) == pytest.approx(np.mean(expected > level), abs=0.003)
    assert log_sigma.max() > np.log(180)


def test_without_room_above_the_mean_the_fraction_is_drawn_at_the_last_timestep():
    schedule, config = Schedule("flow", 1000, sigma_max=20.0), TrainingConfig(log_sigma_mean=4.0, log_sigma_std=0.1)
    np.testing.assert_array_equal(draw_timesteps(schedule, np.array([0.01, 0.5, 0.99]), config), [1000] * 3)


def test_logit_normal_timesteps_have_the_density_of_esser_et_al():
    T, config = 1000, TrainingConfig(time_distribution="logit_normal")
    u = (np.arange(200_000) + 0.5) / 200_000
    counts = np.bincount(draw_timesteps(Schedule("flow", T), u, config), minlength=T + 1)[1:]
    s = (np.arange(T) + 0.5) / T
    density = np.exp(-(np.log(s / (1 - s)) ** 2) / 2) / (np.sqrt(2 * np.pi) * s * (1 - s))  # eq. 19, m = 0, s = 1
    np.testing.assert_allclose(counts / 200_000 * T, density, atol=0.02)


# Weights of the loss


@every_target
def test_uniform_loss_weight_is_one(target):
    np.testing.assert_array_equal(loss_weight(Schedule("cosine", 100), "uniform", target, T), np.ones(len(T)))


@pytest.mark.parametrize("name", ["cosine", "linear", "sigmoid"])
def test_min_snr_has_the_formulas_of_hang_et_al(name):
    schedule = Schedule(name, 100)
    snr = schedule.signal[T] ** 2 / schedule.noise[T] ** 2
    least = np.minimum(snr, 5)
    np.testing.assert_allclose(loss_weight(schedule, "min_snr", "image", T), least, rtol=1e-9)
    np.testing.assert_allclose(loss_weight(schedule, "min_snr", "noise", T), least / snr, rtol=1e-9)
    np.testing.assert_allclose(loss_weight(schedule, "min_snr", "velocity", T), least / (snr + 1), rtol=1e-9)


@every_schedule
@every_target
def test_min_snr_weights_an_error_of_x0_hat_equally_for_every_target(rng, name, target):
    schedule = Schedule(name, 100)
    z, y, error = rng.normal(size=(3, len(T), 7))
    x0_hat, _ = schedule.solve(target, z, y, T)
    x0_wrong, _ = schedule.solve(target, z, y + error, T)
    loss = loss_weight(schedule, "min_snr", target, T) * np.square(error).sum(axis=1)
    expected = np.minimum(schedule.sigma[T] ** -2.0, 5) * np.square(x0_wrong - x0_hat).sum(axis=1)
    np.testing.assert_allclose(loss, expected, rtol=1e-6)


# Losses by timestep


def test_losses_by_timestep_are_the_means_of_the_quarters():
    t = np.array([1, 25, 26, 50, 51, 100, 100])
    losses = np.array([1.0, 3.0, 5.0, 5.0, 7.0, 1.0, 2.0])
    np.testing.assert_allclose(losses_by_timestep(t, losses, 100), [2.0, 5.0, 7.0, 1.5])
    np.testing.assert_array_equal(losses_by_timestep(t[:2], losses[:2], 100), [2.0, np.nan, np.nan, np.nan])


@pytest.mark.parametrize("T", [1, 2, 3, 4, 7, 1000])
def test_a_timestep_belongs_to_the_quarter_in_which_it_begins(T):
    """Timestep t covers the times from (t - 1) / T to t / T."""
    for t in {1, 2, T // 4, T // 4 + 1, T // 2, T // 2 + 1, T - 1, T} & set(range(1, T + 1)):
        found = losses_by_timestep(np.array([t]), np.array([0.5]), T)
        expected = [0.5 if quarter <= 4 * (t - 1) / T < quarter + 1 else np.nan for quarter in range(4)]
        np.testing.assert_array_equal(found, expected)


def test_an_unknown_loss_weight_lists_the_choices():
    with pytest.raises(MinidiffError) as error:
        loss_weight(Schedule("flow", 10), "snr", "flow", T[:2])
    assert all(name in str(error.value) for name in LOSS_WEIGHTS)
