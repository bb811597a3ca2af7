"""The process: every schedule, every target, against algebra done another way."""

import numpy as np
import pytest

from minidiff.errors import MinidiffError
from minidiff.schedule import CURVES, TARGETS, TIME_DISTRIBUTIONS, Schedule, check_is_schedule

NUMBERS_OF_STEPS = (1, 2, 10, 50, 1000)
every_schedule = pytest.mark.parametrize("name", CURVES)
every_T = pytest.mark.parametrize("T", NUMBERS_OF_STEPS)


@every_schedule
@every_T
def test_a_schedule_starts_clean_grows_noisier_and_ends_in_noise(name, T):
    schedule = Schedule(name, T)
    for array in (schedule.signal, schedule.noise, schedule.log_sigma, schedule.input_scale):
        assert array.shape == (T + 1,)
        assert array.dtype == np.float64
        assert np.isfinite(array[1:]).all()
    assert schedule.signal[0] == 1
    assert schedule.noise[0] == 0
    assert schedule.log_sigma[0] == -np.inf
    assert (np.diff(schedule.noise) > 0).all()
    assert (np.diff(schedule.signal) <= 0).all()
    assert (np.diff(schedule.log_sigma[1:]) > 0).all()
    assert 0 < schedule.signal[-1] * schedule.input_scale[-1] < 0.05


@every_schedule
def test_the_levels_at_a_time_do_not_depend_on_the_number_of_steps(name):
    coarse, fine = Schedule(name, 10), Schedule(name, 1000)
    np.testing.assert_allclose(fine.signal[::100], coarse.signal, rtol=1e-12)
    np.testing.assert_allclose(fine.noise[::100], coarse.noise, rtol=1e-12)


@every_schedule
def test_the_noise_level_and_its_logarithms_say_the_same(name):
    schedule = Schedule(name, 100)
    np.testing.assert_allclose(schedule.sigma, schedule.noise / schedule.signal, rtol=1e-12)
    np.testing.assert_allclose(np.exp(schedule.log_sigma), schedule.sigma, rtol=1e-12)
    snr = schedule.signal[1:] ** 2 / schedule.noise[1:] ** 2
    np.testing.assert_allclose(np.exp(schedule.log_snr[1:]), snr, rtol=1e-12)


def test_a_shift_downwards_that_leaves_a_image_at_the_end_is_refused():
    Schedule("flow", 100, shift=0.5)
    with pytest.raises(MinidiffError, match="does not end in noise"):
        Schedule("flow", 100, shift=0.1)


@pytest.mark.parametrize(
    ("signal", "noise", "reason"),
    [
        ([0.9, 0.01], [0.0, 1.0], "start clean"),
        ([1.0, 0.01], [0.1, 1.0], "start clean"),
        ([1.0, 0.9, 0.95, 0.01], [0.0, 0.5, 0.4, 1.0], "noisier at every step"),
        ([1.0, 0.5, 0.5, 0.01], [0.0, 0.5, 0.5, 1.0], "noisier at every step"),
        ([1.0, np.nan, 0.01], [0.0, 0.5, 1.0], "finite"),
        ([1.0, 0.5, 0.0], [0.0, 0.5, 1.0], "finite"),
        ([1.0, 0.5, 0.3], [0.0, 0.5, 0.95], "does not end in noise"),
    ],
)
def test_arrays_that_are_no_schedule_are_refused(signal, noise, reason):
    with pytest.raises(MinidiffError, match=reason):
        check_is_schedule(np.array(signal), np.array(noise))


def test_a_curve_that_keeps_some_signal_is_refused_whatever_T(monkeypatch):
    def too_short(u):
        return np.exp(-u / 2), np.sqrt(-np.expm1(-u))

    monkeypatch.setitem(CURVES, "too_short", (too_short, np.hypot))
    for T in NUMBERS_OF_STEPS:
        with pytest.raises(MinidiffError, match="does not end in noise"):
            Schedule("too_short", T)


@every_schedule
@every_T
def test_the_posterior_is_gaussian_conditioning(name, T):
    """z_s and z_t = ratio z_s + fresh noise are jointly normal given x0: condition one on the other by the textbook."""
    schedule = Schedule(name, T)
    x0, z_t = 0.7, -1.3
    for t, s in {(T, 0), (T, T // 2), (T, T - 1), (max(1, T // 2), max(1, T // 2) - 1), (1, 0)}:
        ratio = schedule.signal[t] / schedule.signal[s]
        variance_s, variance_t = schedule.noise[s] ** 2, schedule.noise[t] ** 2
        covariance = ratio * variance_s
        mean = schedule.signal[s] * x0 + covariance / variance_t * (z_t - schedule.signal[t] * x0)
        variance = variance_s - covariance**2 / variance_t
        z_coefficient, x0_coefficient, deviation = schedule.posterior(t, s)
        assert z_coefficient * z_t + x0_coefficient * x0 == pytest.approx(mean, rel=1e-9)
        assert deviation == pytest.approx(np.sqrt(max(variance, 0)), abs=1e-8)


@every_schedule
def test_two_steps_of_the_posterior_make_one_long_step(name):
    schedule = Schedule(name, 50)
    t, middle, s = 40, 25, 7
    z1, x1, deviation1 = schedule.posterior(t, middle)
    z2, x2, deviation2 = schedule.posterior(middle, s)
    z, x, deviation = schedule.posterior(t, s)
    assert z2 * z1 == pytest.approx(z, rel=1e-12)
    assert z2 * x1 + x2 == pytest.approx(x, rel=1e-12)
    assert np.hypot(z2 * deviation1, deviation2) == pytest.approx(deviation, rel=1e-12)


def test_the_posterior_at_the_clean_end_is_the_image():
    z_coefficient, x0_coefficient, deviation = Schedule("cosine", 50).posterior(20, 0)
    assert (z_coefficient, x0_coefficient, deviation) == (0, 1, 0)


@every_schedule
def test_more_noise_on_a_noisy_image_is_as_much_as_all_of_it_at_once(name):
    """In numbers: the share of x0 and the variance, for one path from 0 to 30 and one by way of 12."""
    schedule, zero, one = Schedule(name, 50), np.zeros((1, 1)), np.ones((1, 1))
    of_x0 = schedule.add_more_noise(schedule.add_noise(one, zero, 12), zero, 12, 30)
    first = schedule.add_more_noise(schedule.add_noise(zero, one, 12), zero, 12, 30)
    second = schedule.add_more_noise(zero, one, 12, 30)
    assert of_x0 == pytest.approx(schedule.signal[30])
    assert np.hypot(first, second) == pytest.approx(schedule.noise[30])
    assert schedule.add_more_noise(zero.astype(np.float32), one.astype(np.float32), 12, 30).dtype == np.float32


@every_schedule
@pytest.mark.parametrize("target", TARGETS)
def test_a_target_leads_back_to_image_and_noise(name, target):
    rng = np.random.default_rng(0)
    schedule = Schedule(name, 1000)
    t = np.array([1, 2, 10, 500, 990, 1000])
    x0, eps = rng.uniform(-1, 1, (6, 4, 5, 3)), rng.normal(size=(6, 4, 5, 3))
    z = schedule.add_noise(x0, eps, t)
    y = schedule.target(target, x0, eps, t)
    x0_hat, eps_hat = schedule.solve(target, z, y, t)
    np.testing.assert_allclose(x0_hat, x0, atol=1e-9)
    np.testing.assert_allclose(eps_hat, eps, atol=1e-9)
    np.testing.assert_allclose(schedule.eps_from_x0(z, x0, t), eps, atol=1e-9)


@every_schedule
@pytest.mark.parametrize("given", TARGETS)
@pytest.mark.parametrize("wanted", TARGETS)
def test_targets_convert_into_each_other_in_single_precision(name, given, wanted):
    rng = np.random.default_rng(1)
    schedule = Schedule(name, 1000)
    t = np.arange(20, 981, 20)
    x0 = rng.uniform(-1, 1, (len(t), 8, 8, 1)).astype(np.float32)
    eps = rng.normal(size=x0.shape).astype(np.float32)
    z = schedule.add_noise(x0, eps, t)
    x0_hat, eps_hat = schedule.solve(given, z, schedule.target(given, x0, eps, t), t)
    found, expected = schedule.target(wanted, x0_hat, eps_hat, t), schedule.target(wanted, x0, eps, t)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@every_schedule
@pytest.mark.parametrize("target", TARGETS)
def test_image_and_noise_add_up_to_z_even_where_the_equations_are_ill_conditioned(name, target):
    """A sampler mixes x0_hat and eps_hat again, so this is the error that counts; y is off as a network's would be."""
    rng = np.random.default_rng(2)
    schedule = Schedule(name, 1000)
    x0 = rng.uniform(-1, 1, (1, 64)).astype(np.float32)
    eps = rng.normal(size=x0.shape).astype(np.float32)
    for t in (1, 2, 999, 1000):
        z = schedule.add_noise(x0, eps, t)
        y = schedule.target(target, x0, eps, t) + np.float32(0.01)
        x0_hat, eps_hat = schedule.solve(target, z, y, t)
        scale = np.float32(schedule.input_scale[t])
        np.testing.assert_allclose(scale * schedule.add_noise(x0_hat, eps_hat, t), scale * z, atol=1e-5)


@every_schedule
@pytest.mark.parametrize("target", TARGETS)
def test_error_scales_say_how_an_error_of_the_prediction_shows(name, target):
    schedule, t = Schedule(name, 100), np.array([1, 30, 100])
    z, y = np.zeros((3, 1)), np.zeros((3, 1))
    right, wrong = schedule.solve(target, z, y, t), schedule.solve(target, z, y + 1, t)
    for scale, before, after in zip(schedule.error_scales(target, t), right, wrong, strict=True):
        np.testing.assert_allclose(scale, np.abs(after - before)[:, 0], rtol=1e-12)


def test_the_velocity_target_has_unit_size_on_every_schedule():
    rng = np.random.default_rng(4)
    x0, eps = rng.normal(size=(2, 1, 100_000))
    for name in CURVES:
        for t in (1, 50, 100):
            assert Schedule(name, 100).target("velocity", x0, eps, t).std() == pytest.approx(1, rel=0.02)


def test_targets_are_the_quantities_of_their_papers():
    schedule, t = Schedule("cosine", 100), np.array([30])
    x0, eps = np.array([[0.5]]), np.array([[-2.0]])
    signal, noise = schedule.signal[30], schedule.noise[30]
    assert schedule.target("noise", x0, eps, t) == eps
    assert schedule.target("image", x0, eps, t) == x0
    assert schedule.target("velocity", x0, eps, t) == pytest.approx(signal * eps - noise * x0)
    assert schedule.target("flow", x0, eps, t) == eps - x0


def test_one_step_for_all_is_the_same_as_one_for_each():
    rng = np.random.default_rng(3)
    schedule = Schedule("flow", 20)
    x0, eps = rng.normal(size=(2, 3, 4, 4, 1)).astype(np.float32)
    one, each = schedule.add_noise(x0, eps, 7), schedule.add_noise(x0, eps, np.array([7, 7, 7]))
    assert one.dtype == np.float32
    np.testing.assert_array_equal(one, each)
    for a, b in zip(
        schedule.solve("velocity", one, x0, 7), schedule.solve("velocity", one, x0, np.full(3, 7)), strict=True
    ):
        np.testing.assert_array_equal(a, b)


@every_schedule
@every_T
@pytest.mark.parametrize("distribution", TIME_DISTRIBUTIONS)
def test_training_steps_lie_between_1_and_T_whatever_the_random_number(name, T, distribution):
    t = Schedule(name, T).draw_timesteps([0.0, 1e-300, 0.5, 1 - 2**-53, 1.0], distribution)
    assert t.dtype == np.int64
    assert t.min() >= 1
    assert t.max() <= T
    assert (np.diff(t) >= 0).all()


def test_uniform_training_steps_are_uniform_with_both_ends():
    u = (np.arange(100_000) + 0.5) / 100_000
    t = Schedule("flow", 50).draw_timesteps(u, "uniform")
    np.testing.assert_array_equal(np.bincount(t), [0] + [2000] * 50)


@every_schedule
def test_log_normal_training_steps_have_log_normal_noise_levels(name):
    schedule = Schedule(name, 1000)
    u = (np.arange(20_000) + 0.5) / 20_000
    log_sigma = schedule.log_sigma[schedule.draw_timesteps(u, "log_normal")]
    assert log_sigma.mean() == pytest.approx(0, abs=0.01)
    assert log_sigma.std() == pytest.approx(1.2, rel=0.01)
    assert np.mean(np.abs(log_sigma) < 1.2) == pytest.approx(0.6827, abs=0.01)  # normal: 68 % within one deviation


def test_logit_normal_training_steps_have_the_density_of_esser_et_al():
    T = 1000
    u = (np.arange(200_000) + 0.5) / 200_000
    counts = np.bincount(Schedule("flow", T).draw_timesteps(u, "logit_normal"), minlength=T + 1)[1:]
    s = (np.arange(T) + 0.5) / T
    density = np.exp(-(np.log(s / (1 - s)) ** 2) / 2) / (np.sqrt(2 * np.pi) * s * (1 - s))  # eq. 19, m = 0, s = 1
    np.testing.assert_allclose(counts / 200_000 * T, density, atol=0.02)


@every_schedule
def test_the_nearest_step_is_the_nearest(name):
    schedule = Schedule(name, 30)
    log_sigma = np.linspace(-12, 6, 200)
    distance = np.abs(schedule.log_sigma[1:, None] - log_sigma)
    np.testing.assert_array_equal(schedule.nearest_step(log_sigma), 1 + distance.argmin(axis=0))


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (lambda: Schedule("cosin", 10), CURVES),
        (lambda: Schedule("flow", 10).target_coefficients("nois", 3), TARGETS),
        (lambda: Schedule("flow", 10).draw_timesteps([0.5], "normal"), TIME_DISTRIBUTIONS),
    ],
)
def test_an_unknown_name_lists_the_names_that_exist(call, names):
    with pytest.raises(MinidiffError) as error:
        call()
    for name in names:
        assert name in str(error.value)


def test_a_schedule_without_steps_is_refused():
    with pytest.raises(MinidiffError, match="at least one step"):
        Schedule("flow", 0)
