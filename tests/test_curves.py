"""Curves: the values in their papers, and the constant of each family."""

import numpy as np
import pytest

from minidiff.curves import CURVES, levels
from minidiff.errors import MinidiffError

U = np.linspace(0, 1, 101)
every_curve = pytest.mark.parametrize("name", CURVES)
FAMILIES = {
    "flow": lambda signal, noise: signal + noise,
    "cosine": lambda signal, noise: signal**2 + noise**2,
    "linear": lambda signal, noise: signal**2 + noise**2,
    "sigmoid": lambda signal, noise: signal**2 + noise**2,
    "variance_exploding": lambda signal, noise: signal,
}


@every_curve
@pytest.mark.parametrize("shift", [0.8, 1.0, 4.0])
def test_every_curve_keeps_the_constant_of_its_family_with_any_shift(name, shift):
    signal, noise = levels(name, U, shift)
    assert (signal[0], noise[0]) == (1, 0)
    np.testing.assert_allclose(FAMILIES[name](signal, noise), 1, rtol=1e-12)


@every_curve
@pytest.mark.parametrize("shift", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("sigma_max", [20.0, 99.0, 931.0])
def test_every_curve_ends_at_the_chosen_noise_level_with_any_shift(name, shift, sigma_max):
    signal, noise = levels(name, U, shift, sigma_max)
    assert (signal[0], noise[0]) == (1, 0)
    assert noise[-1] / signal[-1] == pytest.approx(sigma_max, rel=1e-8)
    np.testing.assert_allclose(FAMILIES[name](signal, noise), 1, rtol=1e-12)
    assert (np.diff(noise / signal) > 0).all()


@pytest.mark.parametrize("name", ["flow", "cosine", "linear", "variance_exploding"])
def test_a_curve_with_its_default_end_as_sigma_max_is_the_default_curve(name):
    signal, noise = levels(name, U)
    for found, expected in zip(levels(name, U, sigma_max=noise[-1] / signal[-1]), (signal, noise), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-8)


def test_sigmoid_with_a_sigma_max_is_a_logistic_curve_that_starts_at_3():
    signal, _ = levels("sigmoid", U, sigma_max=200.0)
    p = signal**2 / (1 + np.exp(-3))
    x = np.log(p / (1 - p))
    np.testing.assert_allclose(x, np.linspace(3, x[-1], len(U)), atol=1e-8)


DEFAULTS = {  # signal and noise at u = 1/3, and at u = 1
    "flow": (0.67, 0.32999999999999996, 0.010000000000000009, 0.99),
    "cosine": (0.86453005100945, 0.5025811286763537, 0.015583877179155575, 0.9998785640126829),
    "linear": (0.5658397067874227, 0.8245152674285199, 0.006571586494929619, 0.9999784068923386),
    "sigmoid": (0.8693133833542119, 0.49426130894624243, 0.01732856600383303, 0.9998498491274832),
    "variance_exploding": (1.0, 0.4699790579977467, 1.0, 80.0),
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_the_default_curves_are_those_of_earlier_versions(name):
    """Runs of these versions depend on them."""
    signal, noise = levels(name, np.array([1 / 3, 1.0]))
    found = (signal[0], noise[0], signal[1], noise[1])
    np.testing.assert_allclose(found, DEFAULTS[name], rtol=1e-13)


@every_curve
def test_no_curve_jumps_to_its_end(name):
    """From one of 1000 timesteps to the next, the noise level changes by less than a factor of 2."""
    signal, noise = levels(name, np.linspace(0, 1, 1001), sigma_max=500.0)
    sigma = (noise / signal)[500:]
    assert (sigma[1:] / sigma[:-1]).max() < 2


@every_curve
def test_a_shift_multiplies_every_noise_level(name):
    signal, noise = levels(name, U)
    shifted_signal, shifted_noise = levels(name, U, 3.0)
    np.testing.assert_allclose(shifted_noise / shifted_signal, 3 * noise / signal, rtol=1e-12)


def test_the_shift_of_flow_is_that_of_esser_et_al():
    t = 0.99 * U
    np.testing.assert_allclose(levels("flow", U, 3.0)[1], 3 * t / (1 + 2 * t), rtol=1e-12)


def test_linear_agrees_with_the_1000_betas_of_ho_et_al():
    alpha_bar = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))
    signal, _ = levels("linear", np.arange(1, 1001) / 1000)
    np.testing.assert_allclose(signal**2, alpha_bar, atol=2e-3)


def test_cosine_agrees_with_nichol_and_dhariwal():
    angle = (0.99 * U + 0.008) / 1.008 * np.pi / 2
    np.testing.assert_allclose(levels("cosine", U)[0], np.cos(angle) / np.cos(angle[0]), rtol=1e-12)


def test_sigmoid_is_point_symmetric_about_its_middle():
    """As the logistic curve between +3 and -3 is, up to the end of the curve at 99.9 %."""
    u = np.linspace(0.01, 0.99, 99)
    alpha_bar = np.interp(u, U * 0.999, levels("sigmoid", U)[0] ** 2)
    np.testing.assert_allclose(alpha_bar + alpha_bar[::-1], 1, atol=1e-3)
    assert alpha_bar[9] == pytest.approx(1 - (1 / (1 + np.exp(-3)) - 1 / (1 + np.exp(-2.4))) / np.tanh(1.5), abs=1e-3)


def test_variance_exploding_has_the_levels_of_karras_et_al():
    """Their 18 noise levels between 80 and 0.002 with rho = 7 (eq. 5)."""
    i = np.arange(18)
    expected = (80 ** (1 / 7) + i / 17 * (0.002 ** (1 / 7) - 80 ** (1 / 7))) ** 7
    found = levels("variance_exploding", np.maximum(1 - i / 17, 1e-15))[1]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("shift", [0, -1, np.inf, np.nan])
def test_an_invalid_shift_is_refused(shift):
    with pytest.raises(MinidiffError, match="shift"):
        levels("flow", U, shift)


@pytest.mark.parametrize("sigma_max", [-1, np.inf, np.nan])
def test_an_invalid_sigma_max_is_refused(sigma_max):
    with pytest.raises(MinidiffError, match="sigma_max"):
        levels("flow", U, sigma_max=sigma_max)
