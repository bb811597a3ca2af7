"""Winograd's maps against the matrices they stand for, against their transposes, and against the plain convolution."""

import numpy as np
import pytest

from minidiff.gradient_check import relative_error
from minidiff.kernels import winograd, winograd_maps, winograd_weights
from minidiff.kernels.convolution import convolve_naive, convolve_naive_backward
from minidiff.kernels.products import PANEL

B_TRANSPOSED, A_TRANSPOSED, G = winograd_maps.B_TRANSPOSED, winograd_maps.A_TRANSPOSED, winograd_maps.G
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
        pytest.param(winograd_maps.b_transposed, B_TRANSPOSED, id="tiny-B'"),
        pytest.param(winograd_maps.b, B, id="tiny-B"),
        pytest.param(winograd_maps.a_transposed, A_TRANSPOSED, id="tiny-A'"),
        pytest.param(winograd_maps.a, A, id="tiny-A"),
        pytest.param(winograd_maps.g, G, id="tiny-G"),
        pytest.param(winograd_maps.g_transposed, G.T, id="tiny-G'"),
    ],
)
def test_a_map_is_its_matrix(one_dimensional_map, matrix, dtype):
    columns = [one_dimensional_map(*unit) for unit in np.eye(matrix.shape[1], dtype=dtype)]
    assert all(isinstance(number, (dtype, float)) for column in columns for number in column)
    np.testing.assert_allclose(np.transpose(columns), matrix, rtol=np.finfo(dtype).eps, atol=0)


@pytest.mark.parametrize("shape", SHAPES)
def test_input_transform_is_the_matrix_on_every_tile(shape):
    N, H, W, C = shape
    R, Q = tiles_of(H), tiles_of(W)
    x = np.random.default_rng(0).normal(size=shape)
    padded = np.zeros((N, 4 * R + 2, 4 * Q + 2, C))
    padded[:, 1 : H + 1, 1 : W + 1] = x
    tiles = np.lib.stride_tricks.sliding_window_view(padded, (6, 6), axis=(1, 2))[:, ::4, ::4]  # (N, R, Q, C, 6, 6)
    expected = np.einsum("ia,jb,nrqcab->ijnrqc", B_TRANSPOSED, B_TRANSPOSED, tiles).reshape(6, 6, N, R, Q * C)
    V = np.full((6, 6, N, R, Q * C), np.nan)
    winograd.input_transform(x, 0, V)
    np.testing.assert_allclose(V, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("carries", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_output_transform_is_the_matrix_on_every_tile(shape, carries):
    N, H, W, K = shape
    R, Q = tiles_of(H), tiles_of(W)
    rng = np.random.default_rng(0)
    M, bias = rng.normal(size=(6, 6, N, R, Q * K)), rng.normal(size=K)
    tiles = np.einsum("ai,bj,ijnrqk->nraqbk", A_TRANSPOSED, A_TRANSPOSED, M.reshape(6, 6, N, R, Q, K))
    expected = tiles.reshape(N, 4 * R, 4 * Q, K)[:, :H, :W] + bias
    carried = rng.normal(size=shape) if carries else np.empty((0, *shape[1:]))
    y = np.full(shape, np.nan)
    winograd.output_transform(M, bias, carried, 0, y)
    expected += carried if carries else 0
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("shape", SHAPES)
def test_each_backward_transform_is_the_transpose_of_its_forward(shape):
    """<T x, y> = <x, T' y> for the transform of the input, B' x B, and of the output, A' M A."""
    N, H, W, C = shape
    R, run = tiles_of(H), tiles_of(W) * C
    rng = np.random.default_rng(0)

    x, dV = rng.normal(size=shape), rng.normal(size=(6, 6, N, R, run))
    V, dx = np.full_like(dV, np.nan), np.full_like(x, np.nan)
    winograd.input_transform(x, 0, V)
    winograd.input_transform_backward(dV, 0, dx)
    size = np.linalg.norm(V) * np.linalg.norm(dV)
    assert np.vdot(V, dV) == pytest.approx(np.vdot(x, dx), abs=1e-14 * size)

    M, dy = rng.normal(size=(6, 6, N, R, run)), rng.normal(size=shape)
    y, dM = np.full_like(dy, np.nan), np.full_like(M, np.nan)
    winograd.output_transform(M, np.zeros(C), y[:0], 0, y)
    winograd.output_transform_backward(dy, 0, dM)
    size = np.linalg.norm(y) * np.linalg.norm(dy)
    assert np.vdot(y, dy) == pytest.approx(np.vdot(M, dM), abs=1e-14 * size)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("rows", [1, 2])
def test_tile_row_by_tile_row_is_the_same(shape, rows):
    N, H, W, C = shape
    R, run = tiles_of(H), tiles_of(W) * C
    rng = np.random.default_rng(0)
    x, dy, carried = rng.normal(size=(3, *shape))
    M, bias = rng.normal(size=(6, 6, N, R, run)), rng.normal(size=C)
    whole = [
        np.full((6, 6, N, R, run), np.nan),
        np.full(shape, np.nan),
        np.full(shape, np.nan),
        np.full_like(M, np.nan),
    ]
    parts = [array.copy() for array in whole]
    for (V, dx, y, dM), step in ((whole, R), (parts, rows)):
        for first in range(0, R, step):
            part = np.s_[:, :, :, first : first + step]
            V_part, M_part, dM_part = V[part].copy(), M[part].copy(), dM[part].copy()
            winograd.input_transform(x, first, V_part)
            winograd.input_transform_backward(M_part, first, dx)
            winograd.output_transform(M_part, bias, carried, first, y)
            winograd.output_transform_backward(dy, first, dM_part)
            V[part], dM[part] = V_part, dM_part
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("C", "K"), [pytest.param(1, 1, id="tiny-1-1"), pytest.param(3, 2, id="tiny-3-2"), (17, 71)])
def test_kernel_transform_is_the_matrix_and_its_backward_the_transpose(C, K):
    rng = np.random.default_rng(0)
    w, before = rng.normal(size=(2, 3, 3, C, K))
    dw = before.copy()
    expected = np.zeros((6, 6, C, K + PANEL))  # zeros where the last panel sticks out
    expected[..., :K] = np.einsum("ia,jb,abck->ijck", G, G, w)
    dU = rng.normal(size=expected.shape)
    for first in range(0, K, PANEL):
        panel = np.s_[..., first : first + PANEL]
        U = np.full((6, 6, C, PANEL), np.nan)
        winograd_weights.kernel_transform(w, first, U)
        np.testing.assert_allclose(U, expected[panel], rtol=0, atol=1e-14)
        winograd_weights.kernel_transform_backward(np.ascontiguousarray(dU[panel]), first, dw)
    np.testing.assert_allclose(dw - before, np.einsum("ia,jb,ijck->abck", G, G, dU[..., :K]), rtol=0, atol=1e-13)


def winograd_and_back(x, weight, bias, dy):
    """The convolution and its gradients by the five maps of the module's docstring."""
    N, H, W, C = x.shape
    K, R, Q = weight.shape[3], tiles_of(H), tiles_of(W)
    panels = [np.full((6, 6, C, PANEL), np.nan, x.dtype) for _ in range(0, K, PANEL)]
    for number, panel in enumerate(panels):
        winograd_weights.kernel_transform(weight, number * PANEL, panel)
    U = np.concatenate(panels, axis=3)[..., :K].reshape(36, C, K)
    V = np.full((6, 6, N, R, Q * C), np.nan, x.dtype)
    winograd.input_transform(x, 0, V)
    V = V.reshape(36, N * R * Q, C)
    M, y = V @ U, np.full((N, H, W, K), np.nan, x.dtype)
    winograd.output_transform(M.reshape(6, 6, N, R, Q * K), bias, y[:0], 0, y)

    dM = np.full((6, 6, N, R, Q * K), np.nan, x.dtype)
    winograd.output_transform_backward(dy, 0, dM)
    dM = dM.reshape(36, N * R * Q, K)
    dU, dV = V.transpose(0, 2, 1) @ dM, dM @ U.transpose(0, 2, 1)
    dweight, dx = np.zeros_like(weight), np.full_like(x, np.nan)
    for number, panel in enumerate(panels):
        part = dU[..., number * PANEL : (number + 1) * PANEL]
        panel[..., : part.shape[2]] = part.reshape(6, 6, C, -1)
        winograd_weights.kernel_transform_backward(panel, number * PANEL, dweight)
    winograd.input_transform_backward(dV.reshape(6, 6, N, R, Q * C), 0, dx)
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
