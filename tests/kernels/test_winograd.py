"""Winograd's maps against the matrices they stand for, against their transposes, and against the plain convolution."""

import numpy as np
import pytest

from minidiff.gradient_check import relative_error
from minidiff.kernels import winograd
from minidiff.kernels.convolution import convolve_naive, convolve_naive_backward

B_TRANSPOSED, A_TRANSPOSED, G = winograd.B_TRANSPOSED, winograd.A_TRANSPOSED, winograd.G
B, A = B_TRANSPOSED.T, A_TRANSPOSED.T

# N, H, W, channels: "tiny" ones also run without the compiler, see test_pure_python.py
SHAPES = [
    pytest.param((1, 1, 1, 1), id="tiny-1x1-1"),
    pytest.param((2, 5, 3, 2), id="tiny-5x3-2"),
    pytest.param((2, 1, 1, 17), id="1x1-17"),
    pytest.param((2, 5, 7, 3), id="5x7-3"),
    pytest.param((1, 8, 4, 17), id="8x4-17"),
    pytest.param((1, 6, 9, 1), id="6x9-1"),
    pytest.param((1, 63, 65, 3), id="63x65-3"),
]


def tiles_of(size):
    return -(-size // 4)


def test_the_matrices_are_a_convolution():
    """A' [ (G w) * (B' x) ] = the four sums of three products, for every x and w: the identity it all rests on."""
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=6), rng.normal(size=3)
    expected = [x[i : i + 3] @ w for i in range(4)]
    np.testing.assert_allclose(A_TRANSPOSED @ ((G @ w) * (B_TRANSPOSED @ x)), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("one_dimensional_map", "matrix"),
    [
        pytest.param(winograd.map_b_transposed, B_TRANSPOSED, id="tiny-B'"),
        pytest.param(winograd.map_b, B, id="tiny-B"),
        pytest.param(winograd.map_a_transposed, A_TRANSPOSED, id="tiny-A'"),
        pytest.param(winograd.map_a, A, id="tiny-A"),
    ],
)
def test_a_map_is_its_matrix(one_dimensional_map, matrix, dtype):
    outputs, inputs = matrix.shape
    x, y = np.eye(inputs, dtype=dtype), np.full((outputs, inputs), np.nan, dtype)
    one_dimensional_map(*x, *y)
    np.testing.assert_array_equal(y, matrix)


@pytest.mark.parametrize("shape", SHAPES)
def test_input_transform_is_the_matrix_on_every_tile(shape):
    N, H, W, C = shape
    R, Q = tiles_of(H), tiles_of(W)
    x = np.random.default_rng(0).normal(size=shape)
    padded = np.zeros((N, 4 * R + 2, 4 * Q + 2, C))
    padded[:, 1 : H + 1, 1 : W + 1] = x
    tiles = np.lib.stride_tricks.sliding_window_view(padded, (6, 6), axis=(1, 2))[:, ::4, ::4]  # (N, R, Q, C, 6, 6)
    expected = np.einsum("ia,jb,nrqcab->ijnrqc", B_TRANSPOSED, B_TRANSPOSED, tiles).reshape(36, N, R, Q * C)
    V = np.full((36, N, R, Q * C), np.nan)
    winograd.input_transform(x, V)
    np.testing.assert_allclose(V, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("carries", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_output_transform_is_the_matrix_on_every_tile(shape, carries):
    N, H, W, K = shape
    R, Q = tiles_of(H), tiles_of(W)
    rng = np.random.default_rng(0)
    M, bias = rng.normal(size=(36, N, R, Q * K)), rng.normal(size=K)
    tiles = np.einsum("ai,bj,ijnrqk->nraqbk", A_TRANSPOSED, A_TRANSPOSED, M.reshape(6, 6, N, R, Q, K))
    expected = tiles.reshape(N, 4 * R, 4 * Q, K)[:, :H, :W] + bias
    carried = rng.normal(size=shape) if carries else None
    y = np.full(shape, np.nan)
    winograd.output_transform(M, bias, carried, y)
    expected += carried if carries else 0
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("shape", SHAPES)
def test_each_backward_transform_is_the_transpose_of_its_forward(shape):
    """<T x, y> = <x, T' y> for the transform of the input, B' x B, and of the output, A' M A."""
    N, H, W, C = shape
    R, run = tiles_of(H), tiles_of(W) * C
    rng = np.random.default_rng(0)

    x, dV = rng.normal(size=shape), rng.normal(size=(36, N, R, run))
    V, dx = np.full_like(dV, np.nan), np.full_like(x, np.nan)
    winograd.input_transform(x, V)
    winograd.input_transform_backward(dV, dx)
    size = np.linalg.norm(V) * np.linalg.norm(dV)
    assert np.vdot(V, dV) == pytest.approx(np.vdot(x, dx), abs=1e-14 * size)

    M, dy = rng.normal(size=(36, N, R, run)), rng.normal(size=shape)
    y, dM = np.full_like(dy, np.nan), np.full_like(M, np.nan)
    winograd.output_transform(M, np.zeros(C), None, y)
    winograd.output_transform_backward(dy, dM)
    size = np.linalg.norm(y) * np.linalg.norm(dy)
    assert np.vdot(y, dy) == pytest.approx(np.vdot(M, dM), abs=1e-14 * size)


def winograd_and_back(x, weight, bias, dy):
    """The convolution and its gradients by the five maps of the module's docstring."""
    N, H, W, C = x.shape
    K, R, Q = weight.shape[3], tiles_of(H), tiles_of(W)
    g = G.astype(x.dtype)
    U = np.einsum("ia,jb,abck->ijck", g, g, weight).reshape(36, C, K)
    V = np.full((36, N, R, Q * C), np.nan, x.dtype)
    winograd.input_transform(x, V)
    V = V.reshape(36, N * R * Q, C)
    M, y = V @ U, np.full((N, H, W, K), np.nan, x.dtype)
    winograd.output_transform(M.reshape(36, N, R, Q * K), bias, None, y)

    dM = np.full((36, N, R, Q * K), np.nan, x.dtype)
    winograd.output_transform_backward(dy, dM)
    dM = dM.reshape(36, N * R * Q, K)
    dU, dV = V.transpose(0, 2, 1) @ dM, dM @ U.transpose(0, 2, 1)
    dweight = np.einsum("ia,jb,ijck->abck", g, g, dU.reshape(6, 6, C, K))
    dx = np.full_like(x, np.nan)
    winograd.input_transform_backward(dV.reshape(36, N, R, Q * C), dx)
    return y, dx, dweight


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "shape",
    [
        pytest.param((1, 1, 1, 1, 1), id="tiny-1x1-1-1"),
        pytest.param((2, 5, 3, 2, 3), id="tiny-5x3-2-3"),
        pytest.param((2, 1, 1, 17, 3), id="1x1-17-3"),
        pytest.param((2, 5, 7, 3, 17), id="5x7-3-17"),
        pytest.param((2, 5, 7, 17, 17), id="5x7-17-17"),
        pytest.param((1, 63, 65, 1, 3), id="63x65-1-3"),
        pytest.param((1, 63, 65, 17, 3), id="63x65-17-3"),
    ],
)
def test_winograd_agrees_with_naive(shape, dtype):
    N, H, W, C, K = shape
    rng = np.random.default_rng([*shape])
    sizes = (N, H, W, C), (3, 3, C, K), (K,), (N, H, W, K)
    x, weight, bias, dy = [rng.normal(size=size).astype(dtype) for size in sizes]
    arguments = [array.copy() for array in (x, weight, bias, dy)]

    y, dx, dweight = winograd_and_back(x, weight, bias, dy)

    tolerance = {np.float32: 2e-5, np.float64: 1e-13}[dtype]
    x64, weight64, bias64, dy64 = (array.astype(np.float64) for array in (x, weight, bias, dy))
    expected = convolve_naive(x64, weight64, bias64, 1)
    expected_dx, expected_dweight, _ = convolve_naive_backward(x64, weight64, 1, dy64)
    assert y.dtype == dx.dtype == dweight.dtype == dtype
    assert relative_error(y, expected) < tolerance
    assert relative_error(dx, expected_dx) < tolerance
    assert relative_error(dweight, expected_dweight) < tolerance
    for array, before in zip((x, weight, bias, dy), arguments, strict=True):
        np.testing.assert_array_equal(array, before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_number_gone_bad_shows(dtype, bad):
    """One NaN or infinity reaches at least every output that depends on it (and with Winograd its whole tile)."""
    rng = np.random.default_rng(0)
    x, weight, bias, dy = [
        rng.normal(size=size).astype(dtype) for size in ((1, 9, 10, 3), (3, 3, 3, 3), (3,), (1, 9, 10, 3))
    ]
    x[0, 4, 5, 1] = dy[0, 4, 5, 1] = bad
    with np.errstate(invalid="ignore"):  # NumPy's own matrix product remarks on infinity minus infinity
        y, dx, dweight = winograd_and_back(x, weight, bias, dy)
    assert not np.isfinite(y[0, 3:6, 4:7]).any()
    assert not np.isfinite(dx[0, 3:6, 4:7]).any()
    assert not np.isfinite(dweight[:, :, 1, :]).any()
    assert not np.isfinite(dweight[:, :, :, 1]).any()
    assert np.isfinite(y[0, 8]).all()
    assert np.isfinite(dx[0, 8]).all()
