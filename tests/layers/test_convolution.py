"""Every method of convolution against the naive loops and finite differences."""

import numpy as np
import pytest

from minidiff.errors import MinidiffError
from minidiff.gradient_check import check_layer, random_parameters, relative_error
from minidiff.kernels.plain.convolution import convolve_naive, convolve_naive_backward
from minidiff.kernels.fast.vectors import LANES
from minidiff.layers import Conv2d, create_parameters
from minidiff.layers.convolution import crop_channels, pad_channels, whole_vectors
from minidiff.parameters import Parameters

# kernel_size, stride, method
WAYS = [(1, 1, "matmul"), (1, 1, "im2col"), (1, 2, "im2col"), (3, 1, "winograd"), (3, 1, "im2col"), (3, 2, "im2col")]
WAYS += [(5, 1, "im2col"), (5, 2, "im2col")]
every_way = pytest.mark.parametrize(("kernel_size", "stride", "method"), WAYS)

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
@every_way
def test_agrees_with_naive(rng, shape, kernel_size, stride, method, dtype):
    N, H, W, C, K = shape
    layer = Conv2d("conv", C, K, kernel_size, stride, method=method)
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
@every_way
def test_gradients(rng, shape, kernel_size, stride, method):
    layer = Conv2d("conv", shape[-1], 2, kernel_size, stride, method=method)
    errors = check_layer(layer, rng.normal(size=shape), rng=rng)
    assert set(errors) == {"input 0", "conv.weight", "conv.bias"}
    assert max(errors.values()) < 1e-6


@every_way
def test_residual_is_added(rng, kernel_size, stride, method):
    layer = Conv2d("conv", 3, 2, kernel_size, stride, method=method)
    p = random_parameters(layer, rng)
    x = rng.normal(size=(2, 5, 6, 3))
    alone, _ = layer.forward(p, x)
    residual = rng.normal(size=alone.shape)
    before = residual.copy()
    y, _ = layer.forward(p, x, residual)
    np.testing.assert_allclose(y, alone + residual, atol=1e-14)
    np.testing.assert_array_equal(residual, before)


@every_way
def test_inputs_and_upstream_gradient_are_not_changed(rng, kernel_size, stride, method):
    layer = Conv2d("conv", 3, 2, kernel_size, stride, method=method)
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


@every_way
def test_arrays_that_are_not_contiguous(rng, kernel_size, stride, method):
    """A mirrored image and some of its channels are views with other strides."""
    layer = Conv2d("conv", 3, 2, kernel_size, stride, method=method)
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


@every_way
def test_nan_propagates(rng, kernel_size, stride, method):
    layer = Conv2d("conv", 3, 2, kernel_size, stride, method=method)
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


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_winograd_spreads_nan_and_infinity_over_their_tiles_only(rng, dtype, bad):
    layer = Conv2d("conv", 3, 3, method="winograd")
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


@pytest.mark.parametrize(
    ("rows_that_fit", "block"), [(1, (1, 1)), (8, (1, 7)), (12, (1, 7)), (13, (1, 13)), (38, (2, 13))]
)
@pytest.mark.parametrize("has_residual", [False, True])
def test_winograd_in_blocks_of_any_size(rng, monkeypatch, rows_that_fit, block, has_residual):
    """Blocks of some rows of tiles, of one image, of two images, the last one smaller; 50 rows of pixels are 13 tiles.

    C and K need two panels each, and are padded with zeros.
    """
    layer = Conv2d("conv", 34, 36)
    wide = whole_vectors(34)
    assert wide == whole_vectors(36)
    p = random_parameters(layer, rng)
    x, dy, residual = (rng.normal(size=(3, 50, 86, channels)) for channels in (34, 36, 36))
    monkeypatch.setattr("minidiff.layers.convolution.BLOCK", 36 * 22 * 2 * wide * rows_that_fit)
    assert layer._workspace(p, (3, 50, 86, wide), wide)[:2] == (block, False)
    g = p.zeros_like()
    y, cache = layer.forward(p, x, residual if has_residual else None)
    y = y - residual if has_residual else y
    dx = layer.backward(p, g, cache, dy)
    expected_dx, expected_dweight, expected_dbias = convolve_naive_backward(x, p["conv.weight"], 1, dy)
    np.testing.assert_allclose(y, convolve_naive(x, p["conv.weight"], p["conv.bias"], 1), rtol=0, atol=1e-12)
    np.testing.assert_allclose(dx, expected_dx, rtol=0, atol=1e-12)
    np.testing.assert_allclose(g["conv.weight"], expected_dweight, rtol=0, atol=1e-10)
    np.testing.assert_allclose(g["conv.bias"], expected_dbias, rtol=0, atol=1e-10)


@pytest.mark.parametrize("size", [1, 500, 2**14, 2**30])
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (5, 13, 10, 3), (3, 64, 64, 8), (2, 8, 8, 70)])
def test_the_memory_for_a_block_is_large_enough(monkeypatch, shape, size):
    monkeypatch.setattr("minidiff.layers.convolution.BLOCK", size)
    N, H, W, C = shape
    layer = Conv2d("conv", C, 40)
    (images, rows), one_block, V_and_M = layer._workspace(Parameters(layer.shapes()), shape, 40)
    assert 1 <= images <= N
    assert 1 <= rows <= -(-H // 4)
    assert images == 1 or rows == -(-H // 4)  # some rows of one image, or whole images
    assert V_and_M.size == 36 * (images * rows * -(-W // 4) + 1) * (C + 40)
    assert one_block == ((images, rows) == (N, -(-H // 4)))


@pytest.mark.parametrize("channels", [1, LANES - 1, LANES, LANES + 1, 3 * LANES])
def test_whole_vectors(channels):
    wide = whole_vectors(channels)
    assert wide % LANES == 0
    assert channels <= wide < channels + LANES


def test_pad_and_crop_channels_copy_only_if_needed():
    p = Parameters({"w": (3,)})
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert pad_channels(p, array, 3) is array
    assert crop_channels(p, array, 3) is array
    wide = pad_channels(p, array, 5)
    np.testing.assert_array_equal(wide, [[0, 1, 2, 0, 0], [3, 4, 5, 0, 0]])
    back = crop_channels(p, wide, 3)
    assert back.flags.c_contiguous
    np.testing.assert_array_equal(back, array)
    every_other = np.arange(12, dtype=np.float32).reshape(2, 6)[:, ::2]
    assert pad_channels(p, every_other, 3).flags.c_contiguous


@every_way
def test_nothing_is_read_before_it_is_written(rng, monkeypatch, kernel_size, stride, method):
    """All memory is filled with NaN."""
    monkeypatch.setattr(Parameters, "empty", lambda p, shape: np.full(shape, np.nan, p.vector.dtype))
    layer = Conv2d("conv", 3, 5, kernel_size, stride, method=method)
    p = random_parameters(layer, rng)
    y, cache = layer.forward(p, rng.normal(size=(2, 7, 6, 3)))
    g = p.zeros_like()
    dx = layer.backward(p, g, cache, rng.normal(size=y.shape))
    assert all(np.isfinite(array).all() for array in (y, dx, g.vector))


def test_initial_values():
    for zero in (False, True):
        layer = Conv2d("conv", 32, 16, zero=zero)
        p = create_parameters([layer])
        assert np.all(p["conv.bias"] == 0)
        # uniform in +-1 / sqrt(9 * 32): the standard deviation is the bound / sqrt(3)
        expected = 0 if zero else (9 * 32) ** -0.5 / 3**0.5
        assert p["conv.weight"].std() == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize(("kernel_size", "stride"), [(1, 1), (3, 1), (3, 2), (5, 2)])
def test_cost_is_the_shape_and_the_operations_of_the_direct_method(rng, kernel_size, stride):
    layer = Conv2d("conv", 3, 7, kernel_size, stride)
    y = layer.forward(random_parameters(layer, rng), rng.normal(size=(2, 5, 6, 3)))[0]
    assert layer.cost((2, 5, 6, 3)) == (y.shape, 2 * y.size * kernel_size**2 * 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kernel_size": 2}, "kernel_size must be odd"),
        ({"stride": 3}, "stride 1 or 2"),
        ({"kernel_size": 5, "method": "winograd"}, "choose from im2col"),
        ({"stride": 2, "method": "winograd"}, "choose from im2col"),
        ({"method": "matmul"}, "choose from winograd, im2col"),
        ({"method": "fft"}, "'fft' does not support"),
    ],
)
def test_unsupported_arguments_are_rejected(arguments, message):
    with pytest.raises(MinidiffError, match=message):
        Conv2d("conv", 3, 3, **arguments)
