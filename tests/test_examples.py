"""Training examples: the distributions of timesteps, the weights of the loss, and losses by timestep."""

import numpy as np
import pytest

from minidiff.curves import CURVES
from minidiff.errors import MinidiffError
from minidiff.examples import LOSS_WEIGHTS, TIME_DISTRIBUTIONS, draw_timesteps, loss_weight, losses_by_timestep
from minidiff.schedule import TARGETS, Schedule

T = np.array([1, 5, 20, 50, 90, 100])
every_schedule = pytest.mark.parametrize("name", CURVES)
every_target = pytest.mark.parametrize("target", TARGETS)


# Timesteps


@every_schedule
@pytest.mark.parametrize("T", [1, 2, 10, 50, 1000])
@pytest.mark.parametrize("distribution", TIME_DISTRIBUTIONS)
def test_timesteps_lie_between_1_and_T_and_increase_with_u(name, T, distribution):
    t = draw_timesteps(Schedule(name, T), np.array([0.0, 1e-300, 0.5, 1 - 2**-53, 1.0]), distribution)
    assert t.dtype == np.int64
    assert t.min() >= 1
    assert t.max() <= T
    assert (np.diff(t) >= 0).all()


def test_uniform_timesteps_are_uniform_including_both_ends():
    u = (np.arange(100_000) + 0.5) / 100_000
    t = draw_timesteps(Schedule("flow", 50), u, "uniform")
    np.testing.assert_array_equal(np.bincount(t), [0] + [2000] * 50)


@every_schedule
def test_log_normal_timesteps_have_log_normal_noise_levels(name):
    schedule = Schedule(name, 1000)
    u = (np.arange(20_000) + 0.5) / 20_000
    log_sigma = schedule.log_sigma[draw_timesteps(schedule, u, "log_normal")]
    assert log_sigma.mean() == pytest.approx(0, abs=0.01)
    assert log_sigma.std() == pytest.approx(1.2, rel=0.01)
    assert np.mean(np.abs(log_sigma) < 1.2) == pytest.approx(0.6827, abs=0.01)  # 68 % within one standard deviation


def test_logit_normal_timesteps_have_the_density_of_esser_et_al():
    T = 1000
    u = (np.arange(200_000) + 0.5) / 200_000
    counts = np.bincount(draw_timesteps(Schedule("flow", T), u, "logit_normal"), minlength=T + 1)[1:]
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


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (lambda schedule: draw_timesteps(schedule, np.array([0.5]), "normal"), TIME_DISTRIBUTIONS),
        (lambda schedule: loss_weight(schedule, "snr", "flow", T[:2]), LOSS_WEIGHTS),
    ],
)
def test_an_unknown_name_lists_the_choices(call, names):
    with pytest.raises(MinidiffError) as error:
        call(Schedule("flow", 10))
    assert all(name in str(error.value) for name in names)
