"""Schedules and targets, against the same quantities computed in another way."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minidiff.errors import MinidiffError
from minidiff.schedule import CURVES, TARGETS, Schedule, check_is_schedule, sufficient_sigma_max

NUMBERS_OF_TIMESTEPS = (1, 2, 10, 50, 1000)
every_schedule = pytest.mark.parametrize("name", CURVES)
every_T = pytest.mark.parametrize("T", NUMBERS_OF_TIMESTEPS)


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
def test_the_levels_at_a_time_do_not_depend_on_the_number_of_timesteps(name):
    coarse, fine = Schedule(name, 10), Schedule(name, 1000)
    np.testing.assert_allclose(fine.signal[::100], coarse.signal, rtol=1e-12)
    np.testing.assert_allclose(fine.noise[::100], coarse.noise, rtol=1e-12)


@every_schedule
def test_the_noise_level_agrees_with_its_logarithms(name):
    schedule = Schedule(name, 100)
    np.testing.assert_allclose(schedule.sigma, schedule.noise / schedule.signal, rtol=1e-12)
    np.testing.assert_allclose(np.exp(schedule.log_sigma), schedule.sigma, rtol=1e-12)
    snr = schedule.signal[1:] ** 2 / schedule.noise[1:] ** 2
    np.testing.assert_allclose(np.exp(schedule.log_snr[1:]), snr, rtol=1e-12)


def test_a_small_shift_that_leaves_signal_at_the_end_is_refused():
    Schedule("flow", 100, shift=0.5)
    with pytest.raises(MinidiffError, match="does not end in noise"):
        Schedule("flow", 100, shift=0.1)


@every_schedule
@every_T
def test_a_schedule_ends_at_sigma_max(name, T):
    assert Schedule(name, T, 2.0, 187.0).sigma[-1] == pytest.approx(187, rel=1e-8)
    with pytest.raises(MinidiffError, match="does not end in noise"):
        Schedule(name, T, sigma_max=10.0)


def test_sufficient_sigma_max_is_8_standard_deviations_in_the_direction_of_the_largest(rng):
    brightness = rng.normal(0, 0.3, (1000, 1, 1, 1))
    images = 0.4 + brightness + rng.normal(0, 0.02, (1000, 32, 32, 3))
    assert sufficient_sigma_max(images) == pytest.approx(8 * brightness.std() * np.sqrt(32 * 32 * 3), rel=0.01)
    assert sufficient_sigma_max(images.astype(np.float32)) == pytest.approx(sufficient_sigma_max(images), rel=2e-3)
    half_inverted = images.copy()  # all of one brightness, and as different from one another as before
    half_inverted[:, :, 16:] *= -1
    assert sufficient_sigma_max(half_inverted) == pytest.approx(sufficient_sigma_max(images), rel=2e-3)


def test_images_that_hardly_differ_need_some_noise_too():
    assert sufficient_sigma_max(np.full((3, 4, 4, 1), 0.5, np.float32)) == 100


@pytest.mark.parametrize(
    ("signal", "noise", "reason"),
    [
        ([0.9, 0.01], [0.0, 1.0], "start clean"),
        ([1.0, 0.01], [0.1, 1.0], "start clean"),
        ([1.0, 0.9, 0.95, 0.01], [0.0, 0.5, 0.4, 1.0], "noisier at every timestep"),
        ([1.0, 0.5, 0.5, 0.01], [0.0, 0.5, 0.5, 1.0], "noisier at every timestep"),
        ([1.0, np.nan, 0.01], [0.0, 0.5, 1.0], "finite"),
        ([1.0, 0.5, 0.0], [0.0, 0.5, 1.0], "finite"),
        ([1.0, 0.5, 0.3], [0.0, 0.5, 0.95], "does not end in noise"),
    ],
)
def test_invalid_schedules_are_refused(signal, noise, reason):
    with pytest.raises(MinidiffError, match=reason):
        check_is_schedule(np.array(signal), np.array(noise))


def test_a_curve_that_keeps_some_signal_is_refused_for_every_T(monkeypatch):
    def too_short(u, sigma_max):
        return np.exp(-u / 2), np.sqrt(-np.expm1(-u))

    monkeypatch.setitem(CURVES, "too_short", (too_short, np.hypot))
    for T in NUMBERS_OF_TIMESTEPS:
        with pytest.raises(MinidiffError, match="does not end in noise"):
            Schedule("too_short", T)


@every_schedule
@every_T
def test_the_posterior_is_gaussian_conditioning(name, T):
    """z_s and z_t = ratio z_s + fresh noise are jointly normal given x0: the textbook formula conditions z_s on z_t."""
    schedule = Schedule(name, T)
    x0, z_t = 0.7, -1.3
    for t, s in {(T, 0), (T, T // 2), (T, T - 1), (max(1, T // 2), max(1, T // 2) - 1), (1, 0)}:
        ratio = schedule.signal[t] / schedule.signal[s]
        variance_s, variance_t = schedule.noise[s] ** 2, schedule.noise[t] ** 2
        covariance = ratio * variance_s
        mean = schedule.signal[s] * x0 + covariance / variance_t * (z_t - schedule.signal[t] * x0)
        variance = variance_s - covariance**2 / variance_t
        z_coefficient, x0_coefficient, std = schedule.posterior(t, s)
        assert z_coefficient * z_t + x0_coefficient * x0 == pytest.approx(mean, rel=1e-9)
        assert std == pytest.approx(np.sqrt(max(variance, 0)), abs=1e-8)


@every_schedule
def test_two_posterior_steps_combine_to_one_long_step(name):
    schedule = Schedule(name, 50)
    t, middle, s = 40, 25, 7
    z1, x1, std1 = schedule.posterior(t, middle)
    z2, x2, std2 = schedule.posterior(middle, s)
    z, x, std = schedule.posterior(t, s)
    assert z2 * z1 == pytest.approx(z, rel=1e-12)
    assert z2 * x1 + x2 == pytest.approx(x, rel=1e-12)
    assert np.hypot(z2 * std1, std2) == pytest.approx(std, rel=1e-12)


def test_the_posterior_at_the_clean_end_is_the_image():
    z_coefficient, x0_coefficient, std = Schedule("cosine", 50).posterior(20, 0)
    assert (z_coefficient, x0_coefficient, std) == (0, 1, 0)


@every_schedule
def test_adding_more_noise_equals_adding_all_of_it_at_once(name):
    """The factor of x0 and the standard deviation of the noise agree for 0 to 30 directly and for 0 to 12 to 30."""
    schedule, zero, one = Schedule(name, 50), np.zeros((1, 1)), np.ones((1, 1))
    signal = schedule.add_more_noise(schedule.add_noise(one, zero, 12), zero, 12, 30)
    first = schedule.add_more_noise(schedule.add_noise(zero, one, 12), zero, 12, 30)
    second = schedule.add_more_noise(zero, one, 12, 30)
    assert signal == pytest.approx(schedule.signal[30])
    assert np.hypot(first, second) == pytest.approx(schedule.noise[30])
    assert schedule.add_more_noise(zero.astype(np.float32), one.astype(np.float32), 12, 30).dtype == np.float32


@every_schedule
@pytest.mark.parametrize("target", TARGETS)
def test_solving_for_x0_and_eps_inverts_the_target(rng, name, target):
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
def test_targets_convert_into_each_other_in_float32(rng, name, given, wanted):
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
def test_x0_hat_and_eps_hat_combine_to_z_even_where_the_equations_are_ill_conditioned(rng, name, target):
    """Samplers combine x0_hat and eps_hat, so that this error counts; y has an error, as a network's prediction."""
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
def test_error_scales_are_the_factors_of_an_error_of_the_prediction(name, target):
    schedule, t = Schedule(name, 100), np.array([1, 30, 100])
    z, y = np.zeros((3, 1)), np.zeros((3, 1))
    right, wrong = schedule.solve(target, z, y, t), schedule.solve(target, z, y + 1, t)
    for scale, before, after in zip(schedule.error_scales(target, t), right, wrong, strict=True):
        np.testing.assert_allclose(scale, np.abs(after - before)[:, 0], rtol=1e-12)


def test_the_velocity_target_has_unit_variance_on_every_schedule(rng):
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


def test_one_timestep_for_all_equals_one_for_each(rng):
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
def test_nearest_timestep_minimizes_the_distance(name):
    schedule = Schedule(name, 30)
    log_sigma = np.linspace(-12, 6, 200)
    distance = np.abs(schedule.log_sigma[1:, None] - log_sigma)
    np.testing.assert_array_equal(schedule.nearest_timestep(log_sigma), 1 + distance.argmin(axis=0))


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (lambda: Schedule("cosin", 10), CURVES),
        (lambda: Schedule("flow", 10).target_coefficients("nois", 3), TARGETS),
    ],
)
def test_an_unknown_name_lists_the_choices(call, names):
    with pytest.raises(MinidiffError) as error:
        call()
    assert all(name in str(error.value) for name in names)


@pytest.mark.parametrize("T", [0, -1, 1_000_001, 10**12])
def test_too_few_or_too_many_timesteps_are_refused(T):
    with pytest.raises(
        MinidiffError, match=f"a schedule cannot have {T} timesteps; T must lie between 1 and 1,000,000"
    ):
        Schedule("flow", T)


@settings(max_examples=300, deadline=None)
@given(
    name=st.sampled_from(list(CURVES)),
    T=st.integers(1, 2000),
    shift=st.floats(1e-3, 1e3) | st.floats(),
    sigma_max=st.just(0.0) | st.floats(1, 1e6) | st.floats(),
)
def test_every_shift_and_sigma_max_gives_finite_noise_levels_or_is_refused(name, T, shift, sigma_max):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            schedule = Schedule(name, T, shift, sigma_max)
        except MinidiffError:
            return
    assert np.isfinite(schedule.log_sigma[1:]).all()
    assert (np.diff(schedule.log_sigma) > 0).all()
    assert schedule.input_scale[-1] * schedule.signal[-1] <= 0.05


@pytest.mark.parametrize("shift", [1e9, 1001, 1e-9, 0, -1, np.nan, np.inf])
def test_a_shift_out_of_range_is_refused(shift):
    """A loss of a shift of 1e9 is rounded to 0, whose logarithm does not exist."""
    with pytest.raises(MinidiffError, match=r"invalid shift .* it must lie between 0\.001 and 1000"):
        Schedule("flow", 100, shift)


def test_the_repr_is_the_call():
    assert repr(Schedule("cosine", 50, 2.0)) == "Schedule('cosine', T=50, shift=2.0, sigma_max=0.0)"
    assert repr(Schedule("cosine", 50, 2.0, 99.0)) == "Schedule('cosine', T=50, shift=2.0, sigma_max=99.0)"
