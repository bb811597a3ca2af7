"""The im2col kernels against the naive loops in float64."""

import numpy as np
import pytest

from minidiff.gradient_check import relative_error
from minidiff.kernels.fast import convolution
from minidiff.kernels.fast.im2col import col2im
from minidiff.kernels.plain.convolution import convolve_naive, convolve_naive_backward

# N, H, W, C, K: "tiny" ones also run without the compiler, see test_pure_python.py
SHAPES = [
    pytest.param((1, 1, 1, 1, 1), id="tiny-1x1-1-1"),
    pytest.param((2, 3, 2, 3, 1), id="tiny-3x2-3-1"),
    pytest.param((2, 1, 1, 3, 17), id="1x1-3-17"),
    pytest.param((2, 5, 7, 1, 17), id="5x7-1-17"),
    pytest.param((2, 5, 7, 17, 3), id="5x7-17-3"),
    pytest.param((1, 63, 65, 3, 17), id="63x65-3-17"),
    pytest.param((1, 63, 65, 17, 1), id="63x65-17-1"),
]
TOLERANCE = {np.float32: 2e-6, np.float64: 1e-13}


def random_problem(shape, kernel_size, stride, dtype):
    """x, weight, bias and an upstream gradient for the output."""
    N, H, W, C, K = shape
    rng = np.random.default_rng([*shape, kernel_size, stride])
    output = (N, -(-H // stride), -(-W // stride), K)
    sizes = (N, H, W, C), (kernel_size, kernel_size, C, K), (K,), output
    return [rng.normal(size=size).astype(dtype) for size in sizes]


def im2col(x, kernel_size, stride):
    """Runs the kernel on memory filled with NaN."""
    N, H, W, C = x.shape
    columns = np.full((N * -(-H // stride) * -(-W // stride), kernel_size**2 * C), np.nan, x.dtype)
    convolution.im2col(x, kernel_size, stride, columns)
    return columns


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel_size", [1, 3, 5])
def test_im2col_agrees_with_naive(shape, kernel_size, stride, dtype):
    x, weight, bias, dy = random_problem(shape, kernel_size, stride, dtype)
    dy_rows, matrix = dy.reshape(-1, shape[-1]), weight.reshape(-1, shape[-1])

    columns = im2col(x, kernel_size, stride)
    y = (columns @ matrix + bias).reshape(dy.shape)
    dx = np.zeros_like(x)
    col2im(dy_rows @ matrix.T, kernel_size, stride, dx)
    dweight = (columns.T @ dy_rows).reshape(weight.shape)

    x, weight, bias, dy = (array.astype(np.float64) for array in (x, weight, bias, dy))
    expected_dx, expected_dweight, expected_dbias = convolve_naive_backward(x, weight, stride, dy)
    assert columns.dtype == y.dtype == dtype
    assert relative_error(y, convolve_naive(x, weight, bias, stride)) < TOLERANCE[dtype]
    assert relative_error(dx, expected_dx) < TOLERANCE[dtype]
    assert relative_error(dweight, expected_dweight) < TOLERANCE[dtype]
    assert relative_error(dy_rows.sum(axis=0), expected_dbias) < 10 * TOLERANCE[dtype]  # NumPy sums row by row


@pytest.mark.parametrize("shape", SHAPES[:5])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel_size", [1, 3, 5])
def test_col2im_is_the_transpose_of_im2col(shape, kernel_size, stride):
    """<im2col x, c> = <x, col2im c>, and col2im adds to dx."""
    x = random_problem(shape, kernel_size, stride, np.float64)[0]
    columns = im2col(x, kernel_size, stride)
    rng = np.random.default_rng(1)
    c, already_there = rng.normal(size=columns.shape), rng.normal(size=x.shape)
    dx = already_there.copy()
    col2im(c, kernel_size, stride, dx)
    assert np.vdot(columns, c) == pytest.approx(np.vdot(x, dx - already_there), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_infinity_propagate(dtype, bad):
    """One NaN or infinity in x or dy affects every output that depends on it, and no other."""
    x, weight, bias, dy = random_problem((1, 5, 7, 3, 3), 3, 1, dtype)
    reach = np.zeros((5, 7), bool)
    reach[1:4, 2:5] = True
    x[0, 2, 3, 1] = dy[0, 2, 3, 1] = bad

    y = convolve_naive(x.astype(np.float64), weight.astype(np.float64), bias.astype(np.float64), 1)
    np.testing.assert_array_equal(~np.isfinite(y[0]), np.repeat(reach[..., None], 3, axis=2))
    columns = im2col(x, 3, 1)
    np.testing.assert_array_equal((~np.isfinite(columns)).any(axis=1), reach.ravel())

    dcolumns = dy.reshape(-1, 3) @ weight.reshape(-1, 3).T
    dx = np.zeros_like(x)
    col2im(dcolumns, 3, 1, dx)
    np.testing.assert_array_equal(~np.isfinite(dx[0]).all(axis=2), reach)
