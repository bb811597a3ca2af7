"""The convolution layer against the naive loops and finite differences."""

import numpy as np
import pytest

from minidiff.errors import MinidiffError
from minidiff.gradient_check import check_layer, random_parameters, relative_error
from minidiff.kernels.plain.convolution import convolve_naive, convolve_naive_backward
from minidiff.layers import Conv2d, create_parameters

every_kind = pytest.mark.parametrize(("kernel_size", "stride"), [(1, 1), (1, 2), (3, 1), (3, 2), (5, 1), (5, 2)])

# N, H, W, C, K: "tiny" ones also run without the compiler, see ../kernels/test_pure_python.py
SHAPES = [
    pytest.param((1, 1, 1, 1, 1), id="tiny-1x1-1-1"),
    pytest.param((2, 1, 1, 17, 3), id="1x1-17-3"),
    pytest.param((2, 5, 7, 3, 17), id="5x7-3-17"),
    pytest.param((2, 5, 7, 17, 17), id="5x7-17-17"),
    pytest.param((2, 5, 7, 17, 1), id="5x7-17-1"),
    pytest.param((1, 63, 65, 3, 1), id="63x65-3-1"),
    pytest.param((1, 63, 65, 17, 3), id="63x65-17-3"),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
@every_kind
def test_agrees_with_naive(rng, shape, kernel_size, stride, dtype, kernels):
    N, H, W, C, K = shape
    layer = Conv2d("conv", C, K, kernel_size, stride, kernels=kernels)
    p = random_parameters(layer, rng, dtype)
    x = rng.normal(size=(N, H, W, C)).astype(dtype)
    y, cache = layer.forward(p, x)
    dy = rng.normal(size=y.shape).astype(dtype)
    g = p.zeros_like()
    dx = layer.backward(p, g, cache, dy)

    x, dy, weight, bias = (array.astype(np.float64) for array in (x, dy, p["conv.weight"], p["conv.bias"]))
    expected_dx, expected_dweight, expected_dbias = convolve_naive_backward(x, weight, stride, dy)
    tolerance = {np.float32: 2e-5, np.float64: 1e-13}[dtype]
    assert y.dtype == dx.dtype == dtype
    assert relative_error(y, convolve_naive(x, weight, bias, stride)) < tolerance
    assert relative_error(dx, expected_dx) < tolerance
    assert relative_error(g["conv.weight"], expected_dweight) < tolerance
    assert relative_error(g["conv.bias"], expected_dbias) < tolerance


@pytest.mark.parametrize("shape", [pytest.param((2, 3, 2, 2), id="tiny-3x2"), pytest.param((1, 5, 6, 3), id="5x6")])
@every_kind
def test_gradients(rng, shape, kernel_size, stride, kernels):
    layer = Conv2d("conv", shape[-1], 2, kernel_size, stride, kernels=kernels)
    errors = check_layer(layer, rng.normal(size=shape), rng=rng)
    assert set(errors) == {"input 0", "conv.weight", "conv.bias"}
    assert max(errors.values()) < 1e-6


@every_kind
def test_residual_is_added(rng, kernel_size, stride, kernels):
    layer = Conv2d("conv", 3, 2, kernel_size, stride, kernels=kernels)
    p = random_parameters(layer, rng)
    x = rng.normal(size=(2, 5, 6, 3))
    alone, _ = layer.forward(p, x)
    residual = rng.normal(size=alone.shape)
    before = residual.copy()
    y, _ = layer.forward(p, x, residual)
    np.testing.assert_allclose(y, alone + residual, atol=1e-14)
    np.testing.assert_array_equal(residual, before)


@every_kind
def test_inputs_and_upstream_gradient_are_not_changed(rng, kernel_size, stride, kernels):
    layer = Conv2d("conv", 3, 2, kernel_size, stride, kernels=kernels)
    p = random_parameters(layer, rng)
    x = rng.normal(size=(2, 5, 6, 3))
    x_before, p_before = x.copy(), p.vector.copy()
    y, cache = layer.forward(p, x)
    dy = rng.normal(size=y.shape)
    dy_before = dy.copy()
    layer.backward(p, p.zeros_like(), cache, dy)
    np.testing.assert_array_equal(x, x_before)
    np.testing.assert_array_equal(dy, dy_before)
    np.testing.assert_array_equal(p.vector, p_before)


@every_kind
def test_arrays_that_are_not_contiguous(rng, kernel_size, stride, kernels):
    """A mirrored image and some of its channels are views with other strides."""
    layer = Conv2d("conv", 3, 2, kernel_size, stride, kernels=kernels)
    p = random_parameters(layer, rng)
    x = rng.normal(size=(2, 5, 6, 5))[:, :, ::-1, 1:4]
    y, cache = layer.forward(p, x)
    dy = rng.normal(size=(*y.shape[:3], 4))[..., ::2]
    g, g_expected = p.zeros_like(), p.zeros_like()
    dx = layer.backward(p, g, cache, dy)
    y_expected, cache = layer.forward(p, np.ascontiguousarray(x))
    dx_expected = layer.backward(p, g_expected, cache, np.ascontiguousarray(dy))
    np.testing.assert_allclose(y, y_expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(dx, dx_expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(g.vector, g_expected.vector, rtol=0, atol=1e-12)


@every_kind
def test_nan_propagates(rng, kernel_size, stride, kernels):
    layer = Conv2d("conv", 3, 2, kernel_size, stride, kernels=kernels)
    p = random_parameters(layer, rng, np.float32)
    x = rng.normal(size=(1, 5, 6, 3)).astype(np.float32)
    x[0, 2, 2, 1] = np.nan
    y, cache = layer.forward(p, x)
    assert np.isnan(y[0, 2 // stride, 2 // stride]).all()
    x[0, 2, 2, 1] = 0
    y, cache = layer.forward(p, x)
    dy = rng.normal(size=y.shape).astype(np.float32)
    dy[0, 1, 1, 0] = np.nan
    g = p.zeros_like()
    dx = layer.backward(p, g, cache, dy)
    assert np.isnan(dx[0, stride, stride]).all()
    assert np.isnan(g["conv.weight"][..., 0]).all()
    assert np.isnan(g["conv.bias"][0])


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_the_3x3_convolution_spreads_nan_and_infinity_over_their_tiles_only(rng, dtype, bad, kernels):
    layer = Conv2d("conv", 3, 3, kernels=kernels)
    p = random_parameters(layer, rng, dtype)
    x, dy = rng.normal(size=(2, 1, 9, 10, 3)).astype(dtype)
    x[0, 4, 5, 1] = dy[0, 4, 5, 1] = bad
    y, cache = layer.forward(p, x)
    g = p.zeros_like()
    dx = layer.backward(p, g, cache, dy)
    assert not np.isfinite(y[0, 3:6, 4:7]).any()
    assert not np.isfinite(dx[0, 3:6, 4:7]).any()
    assert not np.isfinite(g["conv.weight"][:, :, 1, :]).any()
    assert not np.isfinite(g["conv.weight"][:, :, :, 1]).any()
    assert np.isfinite(y[0, 8]).all()
    assert np.isfinite(dx[0, 8]).all()


def test_initial_values():
    for zero in (False, True):
        layer = Conv2d("conv", 32, 16, zero=zero)
        p = create_parameters([layer])
        assert np.all(p["conv.bias"] == 0)
        # uniform in +-1 / sqrt(9 * 32): the standard deviation is the bound / sqrt(3)
        expected = 0 if zero else (9 * 32) ** -0.5 / 3**0.5
        assert p["conv.weight"].std() == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize(("kernel_size", "stride"), [(1, 1), (3, 1), (3, 2), (5, 2)])
def test_cost_is_the_shape_and_the_operations_of_the_direct_method(rng, kernel_size, stride, kernels):
    layer = Conv2d("conv", 3, 7, kernel_size, stride, kernels=kernels)
    y = layer.forward(random_parameters(layer, rng), rng.normal(size=(2, 5, 6, 3)))[0]
    assert layer.cost((2, 5, 6, 3)) == (y.shape, 2 * y.size * kernel_size**2 * 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kernel_size": 2}, "kernel_size must be odd"),
        ({"stride": 3}, "stride 1 or 2"),
    ],
)
def test_unsupported_arguments_are_rejected(arguments, message):
    with pytest.raises(MinidiffError, match=message):
        Conv2d("conv", 3, 3, **arguments)
