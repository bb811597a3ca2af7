"""Winograd's maps against their matrices and transposes.

`../test_sets.py` and `../../layers/test_convolution.py` test the whole convolution.
"""

import numba
import numpy as np
import pytest

from minidiff.kernels.fast import winograd, winograd_maps, winograd_weights
from minidiff.kernels.fast.products import PANEL
from minidiff.kernels.fast.vectors import LANES
from minidiff.kernels.plain.winograd import A, B, G

B_TRANSPOSED, A_TRANSPOSED = B.T, A.T

# N, H, W, vectors of channels: "tiny" ones also run without the compiler, see test_pure_python.py
SHAPES = [
    pytest.param((1, 1, 1, 1), id="tiny-1x1-1"),
    pytest.param((2, 5, 3, 2), id="tiny-5x3-2"),
    pytest.param((2, 1, 1, 3), id="1x1-3"),
    pytest.param((2, 5, 7, 2), id="5x7-2"),
    pytest.param((1, 8, 4, 1), id="8x4-1"),
    pytest.param((1, 6, 9, 1), id="6x9-1"),
    pytest.param((1, 63, 65, 1), id="63x65-1"),
]


def tiles_of(size):
    return -(-size // 4)


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
    """Lane i of the input is the i-th unit vector, so lane i of the result is column i of the matrix."""
    outputs, inputs = matrix.shape
    load_inputs = {3: winograd_weights.load_three, 4: winograd.load_four, 6: winograd.load_six}[inputs]
    store_outputs = {3: winograd_weights.store_three, 4: winograd.store_four, 6: winograd.store_six}[outputs]

    @numba.njit
    def run(units, out):
        store_outputs(out, 0, 1, 0, one_dimensional_map(*load_inputs(units, 0, 1, 0)))

    out = np.full((outputs, LANES), np.nan, dtype)
    run(np.eye(inputs, LANES, dtype=dtype), out)
    np.testing.assert_allclose(out[:, :inputs], matrix, rtol=np.finfo(dtype).eps, atol=0)
    assert not out[:, inputs:].any()


def sizes(shape):
    """N, H, W, channels, and the rows and columns of tiles."""
    N, H, W, vectors = shape
    return N, H, W, vectors * LANES, tiles_of(H), tiles_of(W)


def of_tiles(V, N, R, Q):
    """A view of (36, T, C) as (6, 6, N, R, Q, C), without the row that belongs to no tile."""
    return V[:, :-1].reshape(6, 6, N, R, Q, V.shape[2])


@pytest.mark.parametrize("shape", SHAPES)
def test_input_transform_is_the_matrix_on_every_tile(shape):
    N, H, W, C, R, Q = sizes(shape)
    x = np.random.default_rng(0).normal(size=(N, H, W, C))
    padded = np.zeros((N, 4 * R + 2, 4 * Q + 2, C))
    padded[:, 1 : H + 1, 1 : W + 1] = x
    tiles = np.lib.stride_tricks.sliding_window_view(padded, (6, 6), axis=(1, 2))[:, ::4, ::4]  # (N, R, Q, C, 6, 6)
    expected = np.einsum("ia,jb,nrqcab->ijnrqc", B_TRANSPOSED, B_TRANSPOSED, tiles, optimize=True)
    V = np.full((36, N * R * Q + 1, C), np.nan)
    winograd.input_transform(x, 0, R, V)
    np.testing.assert_allclose(of_tiles(V, N, R, Q), expected, rtol=0, atol=1e-12)
    assert np.isnan(V[:, -1]).all()  # belongs to no tile


@pytest.mark.parametrize("has_residual", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_output_transform_is_the_matrix_on_every_tile(shape, has_residual):
    N, H, W, K, R, Q = sizes(shape)
    rng = np.random.default_rng(0)
    M, bias = rng.normal(size=(36, N * R * Q + 1, K)), rng.normal(size=K)
    tiles = np.einsum("ai,bj,ijnrqk->nraqbk", A_TRANSPOSED, A_TRANSPOSED, of_tiles(M, N, R, Q), optimize=True)
    expected = tiles.reshape(N, 4 * R, 4 * Q, K)[:, :H, :W] + bias
    residual = rng.normal(size=(N, H, W, K)) if has_residual else np.empty((0, H, W, K))
    y = np.full((N, H, W, K), np.nan)
    winograd.output_transform(M, bias, residual, 0, R, y)
    expected += residual if has_residual else 0
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("shape", SHAPES)
def test_each_backward_transform_is_the_transpose_of_its_forward(shape):
    """<T x, y> = <x, T' y> for the transform of the input, B' x B, and of the output, A' M A."""
    N, H, W, C, R, Q = sizes(shape)
    rng = np.random.default_rng(0)

    x, dV, before = (
        rng.normal(size=(N, H, W, C)),
        rng.normal(size=(36, N * R * Q + 1, C)),
        rng.normal(size=(N, H, W, C)),
    )
    V, dx = np.zeros_like(dV), before.copy()
    winograd.input_transform(x, 0, R, V)
    winograd.input_transform_backward(dV, 0, R, dx)
    size = np.linalg.norm(V) * np.linalg.norm(dV)
    assert np.vdot(V, dV) == pytest.approx(np.vdot(x, dx - before), abs=1e-14 * size)

    M, dy = rng.normal(size=(36, N * R * Q + 1, C)), rng.normal(size=(N, H, W, C))
    y, dM = np.full_like(dy, np.nan), np.zeros_like(M)
    winograd.output_transform(M, np.zeros(C), y[:0], 0, R, y)
    winograd.output_transform_backward(dy, 0, R, dM)
    size = np.linalg.norm(y) * np.linalg.norm(dy)
    assert np.vdot(y, dy) == pytest.approx(np.vdot(M, dM), abs=1e-14 * size)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("step", [1, 2])
def test_processing_in_blocks_gives_the_same(shape, step):
    N, H, W, C, R, Q = sizes(shape)
    rng = np.random.default_rng(0)
    x, dy, residual = rng.normal(size=(3, N, H, W, C))
    M, bias = rng.normal(size=(36, N * R * Q + 1, C)), rng.normal(size=C)

    def in_blocks(step):
        V, dM = np.full((2, 6, 6, N, R, Q, C), np.nan)
        dx, y = np.zeros_like(x), np.full_like(x, np.nan)
        for first in range(0, R, step):
            rows = min(step, R - first)
            block = np.full((36, N * rows * Q + 1, C), np.nan)
            part = np.s_[:, :, :, first : first + rows]
            winograd.input_transform(x, first, rows, block)
            V[part] = of_tiles(block, N, rows, Q)
            winograd.output_transform_backward(dy, first, rows, block)
            dM[part] = of_tiles(block, N, rows, Q)
            block[:, :-1] = of_tiles(M, N, R, Q)[part].reshape(36, -1, C)
            winograd.input_transform_backward(block, first, rows, dx)
            winograd.output_transform(block, bias, residual, first, rows, y)
        return V, dM, dx, y

    for one, other in zip(in_blocks(R), in_blocks(step), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)


# C, and the vectors of K
WEIGHTS = [pytest.param(1, 1, id="tiny-1-1"), pytest.param(3, 2, id="tiny-3-2"), (17, 3)]


@pytest.mark.parametrize(("C", "vectors"), WEIGHTS)
def test_weight_transform_is_the_matrix_and_its_backward_the_transpose(C, vectors):
    K = vectors * LANES
    rng = np.random.default_rng(0)
    w, before = rng.normal(size=(2, 3, 3, C, K))
    dw = before.copy()
    expected = np.einsum("ia,jb,abck->ijck", G, G, w).reshape(36, C, K)
    dU = rng.normal(size=expected.shape)
    for first in range(0, K, PANEL):
        width = min(PANEL, K - first)
        U, dU_panel = np.full((2, 36, C + 1, PANEL), np.nan)
        winograd_weights.weight_transform(w, first, U)
        np.testing.assert_allclose(U[:, :C, :width], expected[..., first : first + width], rtol=0, atol=1e-14)
        assert np.isnan(U[:, C]).all()
        dU_panel[:, :C, :width] = dU[..., first : first + width]
        winograd_weights.weight_transform_backward(dU_panel, first, dw)
    expected_dw = np.einsum("ia,jb,ijck->abck", G, G, dU.reshape(6, 6, C, K))
    np.testing.assert_allclose(dw - before, expected_dw, rtol=0, atol=1e-13)


@pytest.mark.parametrize("more", [0, 1, 20])
@pytest.mark.parametrize(("C", "K"), [pytest.param(1, 1, id="tiny-1-1"), (3, 40), (33, 16), (64, 32)])
def test_transpose_weight(C, K, more):
    w = np.random.default_rng(0).normal(size=(3, 3, C, K))
    transposed = np.full((3, 3, K, C + more), np.nan)
    winograd_weights.transpose_weight(w, transposed)
    np.testing.assert_array_equal(transposed[..., :C], w.transpose(0, 1, 3, 2))
    assert not transposed[..., C:].any()
    if K > 1:  # without the last, padded channels
        fewer = np.full((3, 3, K - 1, C + more), np.nan)
        winograd_weights.transpose_weight(w, fewer)
        np.testing.assert_array_equal(fewer, transposed[:, :, : K - 1])
