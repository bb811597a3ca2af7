"""SiLU and group normalization, forward and backward, against the formulas in NumPy."""

import numpy as np
import pytest

from minidiff.gradient_check import numerical_gradient, relative_error
from minidiff.kernels.fast import norm

EPS = 1e-5

# N, P, C, num_groups: "tiny" ones also run without the compiler, see test_pure_python.py
SHAPES = [
    pytest.param((2, 1, 4, 1), id="tiny-1-4-1"),
    pytest.param((2, 3, 4, 2), id="tiny-3-4-2"),
    pytest.param((2, 35, 3, 1), id="35-3-1"),
    pytest.param((2, 35, 3, 3), id="35-3-3"),
    pytest.param((1, 63 * 65, 17, 1), id="4095-17-1"),
    pytest.param((2, 3, 2050, 2), id="3-2050-2"),
]


def sigmoid(u):
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-u.astype(np.float64)))


def silu(u):
    """SiLU and its derivative by their definitions, in float64."""
    s = sigmoid(u)
    return u * s, s + u * s * (1 - s)


def run_sigmoid(u):
    return np.array([norm.sigmoid(value) for value in u], u.dtype)


def run_silu(u):
    y, slope = np.full_like(u, np.nan), np.full_like(u, np.nan)
    norm.silu_of(u, y)
    norm.silu_backward_of(u, np.ones_like(u), slope)
    return y, slope


def plain_forward(x, num_groups, scale, shift, activate):
    """Wu and He's equations with NumPy's mean and variance; returns y, mean and 1 / std."""
    N, P, C = x.shape
    groups = x.reshape(N, P, num_groups, C // num_groups)
    mean = groups.mean(axis=(1, 3), keepdims=True)
    inverse_std = 1 / np.sqrt(groups.var(axis=(1, 3), keepdims=True) + EPS)
    u = ((groups - mean) * inverse_std).reshape(N, P, C) * scale[:, None] + shift[:, None]
    y = silu(u)[0] if activate else u
    mean, inverse_std = (a.reshape(N, num_groups).repeat(C // num_groups, 1) for a in (mean, inverse_std))
    return y, mean, inverse_std


def run_forward(x, num_groups, scale, shift, activate):
    """The kernels, in the order in which the layer calls them."""
    N, _, C = x.shape
    mean, inverse_std = np.full((2, N, C), np.nan, x.dtype)
    norm.group_statistics(x, num_groups, EPS, mean, inverse_std)
    y = np.full_like(x, np.nan)
    norm.norm_scale_silu(x, mean, inverse_std, scale, shift, activate, y)
    return y, mean, inverse_std


def run_backward(dy, x, num_groups, scale, shift, activate, dresidual=None):
    _, mean, inverse_std = run_forward(x, num_groups, scale, shift, activate)
    dx, dscale, dshift = np.full_like(x, np.nan), np.full_like(scale, np.nan), np.full_like(scale, np.nan)
    norm.norm_scale_silu_backward(
        dy, x, mean, inverse_std, scale, shift, num_groups, activate, dresidual, dx, dscale, dshift
    )
    return dx, dscale, dshift


def random_problem(shape, dtype, offset=0.0):
    """x of standard deviation 1, scale, shift and an upstream gradient."""
    N, P, C, _ = shape
    rng = np.random.default_rng([*shape])
    sizes = (N, P, C), (N, C), (N, C), (N, P, C)
    x, scale, shift, dy = [rng.normal(size=size).astype(dtype) for size in sizes]
    return x + dtype(offset), scale, shift, dy


def test_float64_sigmoid_and_silu_agree_with_numpy():
    u = np.concatenate([np.linspace(-40, 40, 2001), [-1e4, 1e4, 0]])
    np.testing.assert_allclose(run_sigmoid(u), sigmoid(u), rtol=1e-15, atol=0)
    y, slope = run_silu(u)
    np.testing.assert_allclose(y, silu(u)[0], rtol=1e-14, atol=0)
    np.testing.assert_allclose(slope, silu(u)[1], rtol=1e-12, atol=1e-15)


def test_float32_sigmoid_is_accurate_to_rounding():
    """Rounding u to float32 changes it by up to 6e-8 |u|, which is also the relative error of exp(u)."""
    u = np.linspace(-87, 87, 200_001).astype(np.float32)
    s = run_sigmoid(u)
    assert np.abs(s - sigmoid(u)).max() < 2e-7
    assert np.max(np.abs(s / sigmoid(u) - 1) / (2e-7 + 1.2e-7 * np.abs(u))) < 1


def test_float32_silu():
    u = np.linspace(-30, 30, 100_001).astype(np.float32)
    y, slope = run_silu(u)
    size = np.maximum(1, np.abs(u))  # the slope has a term u (1 - s), in which 1 - s has an error of 6e-8
    assert np.max(np.abs(y - silu(u)[0]) / size) < 2e-7
    assert np.max(np.abs(slope - silu(u)[1]) / size) < 2e-7


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "size",
    [pytest.param(1, id="tiny-1"), pytest.param(7, id="tiny-7"), 1023, 1024, 1025],
)
def test_silu_of_any_length(size, dtype):
    u = np.random.default_rng(size).normal(size=size).astype(dtype)
    y, slope = run_silu(u)
    assert y.dtype == slope.dtype == dtype
    np.testing.assert_allclose(y, silu(u)[0], rtol=0, atol=1e-6)
    np.testing.assert_allclose(slope, silu(u)[1], rtol=0, atol=1e-6)


@pytest.mark.parametrize("dtype", [pytest.param(np.float32, id="tiny-float32"), pytest.param(np.float64, id="tiny-64")])
def test_extreme_values(dtype):
    """For large |u|, SiLU is 0 or u, with slope 0 or 1; NaN and infinity propagate."""
    u = np.array([-1e4, -200, -100, 0, 100, 200, 1e4, np.inf, -np.inf, np.nan], dtype)
    s = run_sigmoid(u)
    y, slope = run_silu(u)
    np.testing.assert_allclose(s[:9], [0, 0, 0, 0.5, 1, 1, 1, 1, 0], rtol=0, atol=1e-30)
    np.testing.assert_allclose(y[:7], [0, 0, 0, 0, 100, 200, 1e4], rtol=0, atol=1e-30)
    np.testing.assert_allclose(slope[:7], [0, 0, 0, 0.5, 1, 1, 1], rtol=0, atol=1e-30)
    assert y[7] == np.inf
    assert not np.isfinite(y[8])
    assert np.isnan([s[9], y[9], slope[9]]).all()


@pytest.mark.parametrize("activate", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_forward_agrees_with_the_formula(shape, activate, dtype):
    x, scale, shift, _ = random_problem(shape, dtype)
    results = run_forward(x, shape[3], scale, shift, activate)
    x, scale, shift = (array.astype(np.float64) for array in (x, scale, shift))
    expected = plain_forward(x, shape[3], scale, shift, activate)
    tolerance = {np.float32: 5e-6, np.float64: 1e-12}[dtype]
    for result, truth in zip(results, expected, strict=True):
        assert result.dtype == dtype
        assert relative_error(result, truth) < tolerance


@pytest.mark.parametrize("activate", [True, False])
@pytest.mark.parametrize("shape", SHAPES[:4])
def test_backward_agrees_with_finite_differences(shape, activate):
    x, scale, shift, dy = random_problem(shape, np.float64)

    def loss():
        return np.sum(dy * run_forward(x, shape[3], scale, shift, activate)[0])

    gradients = run_backward(dy, x, shape[3], scale, shift, activate)
    for array, gradient in zip((x, scale, shift), gradients, strict=True):
        assert relative_error(gradient, numerical_gradient(loss, array)) < 1e-7


@pytest.mark.parametrize("activate", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_backward_in_float32_agrees_with_float64(shape, activate):
    x, scale, shift, dy = random_problem(shape, np.float32)
    results = run_backward(dy, x, shape[3], scale, shift, activate)
    arrays = [array.astype(np.float64) for array in (dy, x, scale, shift)]
    expected = run_backward(*arrays[:2], shape[3], *arrays[2:], activate)
    for result, truth in zip(results, expected, strict=True):
        assert result.dtype == np.float32
        assert relative_error(result, truth) < 1e-5


@pytest.mark.parametrize(
    ("shape", "tolerance"), [((1, 64 * 64, 16, 8), 1e-4), ((1, 63 * 65, 3, 1), 1e-4), ((1, 4 * 4, 16, 8), 2e-3)]
)
def test_a_large_mean_does_not_hide_the_variance(shape, tolerance):
    """Mean 100 and standard deviation 1 in float32: the variance is a difference of two values near 10000.

    Each square is rounded by up to 5e-4. Over many pixels the errors average out; over the 16 of the last shape, less.
    """
    x, scale, shift, dy = random_problem(shape, np.float32, offset=100)
    arrays = [array.astype(np.float64) for array in (x, scale, shift)]
    results = run_forward(x, shape[3], scale, shift, True)
    expected = plain_forward(arrays[0], shape[3], *arrays[1:], True)
    for result, truth in zip(results, expected, strict=True):
        assert relative_error(result, truth) < tolerance

    results = run_backward(dy, x, shape[3], scale, shift, True)
    expected = run_backward(dy.astype(np.float64), arrays[0], shape[3], *arrays[1:], True)
    for result, truth in zip(results, expected, strict=True):
        assert relative_error(result, truth) < tolerance


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_constant_image_is_mapped_to_the_shift(dtype):
    """With variance 0 there is no division by zero, and rounding does not make the variance negative."""
    x = np.full((1, 35, 4), 0.1, dtype)
    scale, shift = np.ones((2, 1, 4), dtype)
    y = run_forward(x, 2, scale, shift, False)[0]
    np.testing.assert_allclose(y, 1, rtol=0, atol=1e-4)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("activate", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nan_and_infinity_propagate(dtype, activate, bad):
    """One NaN or infinity affects its group of its image, and no other."""
    shape = (2, 35, 4, 2)
    x, scale, shift, dy = random_problem(shape, dtype)
    x[0, 20, 1] = bad
    y = run_forward(x, 2, scale, shift, activate)[0]
    assert np.isnan(y[0, 20, 1])
    assert not np.isfinite(y[0, :, :2]).any()
    assert np.isfinite(y[0, :, 2:]).all()
    assert np.isfinite(y[1]).all()

    x, _, _, _ = random_problem(shape, dtype)
    dy[0, 20, 1] = bad
    dx, dscale, dshift = run_backward(dy, x, 2, scale, shift, activate)
    assert not np.isfinite(dx[0, :, :2]).any()
    assert not np.isfinite([dscale[0, 1], dshift[0, 1]]).any()
    assert np.isfinite(dx[0, :, 2:]).all()
    assert np.isfinite(dx[1]).all()
