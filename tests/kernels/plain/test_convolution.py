"""The naive loops against sliding windows and finite differences; im2col and Winograd against the naive loops."""

import numpy as np
import pytest

from minidiff.gradient_check import numerical_gradient, relative_error
from minidiff.kernels.plain.convolution import (
    col2im,
    convolve_im2col,
    convolve_im2col_backward,
    convolve_naive,
    convolve_naive_backward,
    im2col,
)
from minidiff.kernels.plain.winograd import A, B, G, convolve_winograd, convolve_winograd_backward

# N, H, W, C, K: "tiny" ones also run without the compiler, see ../fast/test_pure_python.py
SHAPES = [
    pytest.param((1, 1, 1, 1, 1), id="tiny-1x1-1-1"),
    pytest.param((2, 3, 2, 3, 1), id="tiny-3x2-3-1"),
    pytest.param((2, 1, 1, 3, 17), id="1x1-3-17"),
    pytest.param((2, 5, 7, 17, 3), id="5x7-17-3"),
    pytest.param((1, 9, 8, 2, 3), id="9x8-2-3"),
]
every_kind = pytest.mark.parametrize(("kernel_size", "stride"), [(1, 1), (1, 2), (3, 1), (3, 2), (5, 1), (5, 2)])


def random_problem(shape, kernel_size, stride):
    """x, w, b and an upstream gradient for the output, in float64."""
    N, H, W, C, K = shape
    rng = np.random.default_rng([*shape, kernel_size, stride])
    sizes = (N, H, W, C), (kernel_size, kernel_size, C, K), (K,), (N, -(-H // stride), -(-W // stride), K)
    return [rng.normal(size=size) for size in sizes]


def convolve_windows(x, w, b, stride):
    """The convolution in NumPy: every window of the padded images, times the weights."""
    k = w.shape[0]
    padded = np.pad(x, [(0, 0), (k // 2, k // 2), (k // 2, k // 2), (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (k, k), axis=(1, 2))[:, ::stride, ::stride]
    return np.einsum("nhwcij,ijco->nhwo", windows, w) + b


@pytest.mark.parametrize("shape", SHAPES)
@every_kind
def test_naive_forward_is_the_sum_over_windows(shape, kernel_size, stride):
    x, w, b, _ = random_problem(shape, kernel_size, stride)
    assert relative_error(convolve_naive(x, w, b, stride), convolve_windows(x, w, b, stride)) < 1e-13


@pytest.mark.parametrize("shape", [*SHAPES[:2], pytest.param((1, 5, 4, 2, 3), id="5x4-2-3")])
@every_kind
def test_naive_backward_agrees_with_finite_differences(shape, kernel_size, stride):
    x, w, b, dy = random_problem(shape, kernel_size, stride)

    def loss():
        return np.sum(dy * convolve_naive(x, w, b, stride))

    gradients = convolve_naive_backward(x, w, stride, dy)
    for array, gradient in zip((x, w, b), gradients, strict=True):
        assert relative_error(gradient, numerical_gradient(loss, array)) < 1e-8


@pytest.mark.parametrize("shape", SHAPES)
@every_kind
def test_im2col_agrees_with_naive(shape, kernel_size, stride):
    x, w, b, dy = random_problem(shape, kernel_size, stride)
    expected_dx, expected_dw, _ = convolve_naive_backward(x, w, stride, dy)
    dw = np.ones_like(w)
    dx = convolve_im2col_backward(x, w, dy, stride, dw)
    assert relative_error(convolve_im2col(x, w, stride) + b, convolve_naive(x, w, b, stride)) < 1e-13
    assert relative_error(dx, expected_dx) < 1e-13
    assert relative_error(dw, 1 + expected_dw) < 1e-13


@pytest.mark.parametrize("shape", SHAPES)
def test_winograd_agrees_with_naive(shape):
    x, w, b, dy = random_problem(shape, 3, 1)
    expected_dx, expected_dw, _ = convolve_naive_backward(x, w, 1, dy)
    dw = np.ones_like(w)
    dx = convolve_winograd_backward(x, w, dy, dw)
    assert relative_error(convolve_winograd(x, w) + b, convolve_naive(x, w, b, 1)) < 1e-12
    assert relative_error(dx, expected_dx) < 1e-12
    assert relative_error(dw, 1 + expected_dw) < 1e-12


@every_kind
def test_col2im_is_the_transpose_of_im2col(rng, kernel_size, stride):
    """<im2col x, c> = <x, col2im c>."""
    x = rng.normal(size=(2, 5, 7, 3))
    columns = im2col(x, kernel_size, stride)
    c = rng.normal(size=columns.shape)
    assert np.vdot(columns, c) == pytest.approx(np.vdot(x, col2im(c, x.shape, kernel_size, stride)), rel=1e-12)


def test_winograd_in_one_dimension(rng):
    """A' [ (G w) * (B' x) ] = the four sums of three products."""
    x, w = rng.normal(size=6), rng.normal(size=3)
    expected = [x[i : i + 3] @ w for i in range(4)]
    np.testing.assert_allclose(A.T @ ((G @ w) * (B.T @ x)), expected, rtol=0, atol=1e-13)
