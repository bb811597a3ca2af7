"""Winograd's convolution in blocks that fit the cache. Plain version: `plain/winograd.py`.

    forward     V = B' x B     U = G w G'       M = V U                       y = A' M A + bias (+ residual)
    backward    V = B' x B     dM = A dy A'     dU = V' dM    dV = dM U'      dx = B dV B'     dw = G' dU G

V and M are more than twice as large as x and y, and U is four times as large as w. So the images are processed in
*blocks* (some images, or some rows of tiles of one image) whose V and M stay in the core's L2 cache, from the map that
writes them to the product that reads them. U is computed one *panel* of PANEL columns at a time, each directly before
its products. If x is one block, each panel is used once, and all share one memory. If x has several blocks, the panels
are kept for the next ones. Keeping U from call to call would save arithmetic, since it changes only once per optimizer
step, but reading it from memory takes as long as computing it.

This is also why all of it is one function. A block takes a tenth of a millisecond; calls from Python would often wait
longer than that for the GIL.

Channels are padded with zeros to whole vectors (`vectors.py`) in x, y and w. C and K below are the padded numbers of
channels, multiples of LANES; inputs and outputs are the original ones.

Arrays: x and dx (N, H, W, C); y and dy (N, H, W, K); w and dw (3, 3, inputs, K); w_transposed (3, 3, outputs, C). A
panel of U is (36, inputs + 1, PANEL), one of the transposed U' is (36, outputs + 1, PANEL).

Read more: `tutorials/06_convolution.ipynb`; `tutorials/speed.md`.
"""

import numba
import numpy as np

from minidiff.kernels.fast.options import HELPER_OPTIONS, KERNEL_OPTIONS
from minidiff.kernels.fast.products import PANEL, multiply
from minidiff.kernels.fast.winograd import (
    input_transform,
    input_transform_backward,
    output_transform,
    output_transform_backward,
)
from minidiff.kernels.fast.winograd_weights import transpose_weight, weight_transform, weight_transform_backward


@numba.njit(**KERNEL_OPTIONS)
def convolve_winograd(
    x: np.ndarray, w: np.ndarray, bias: np.ndarray, residual: np.ndarray, block: tuple[int, int], V_and_M: np.ndarray,
    U: np.ndarray, y: np.ndarray,
) -> None:  # fmt: skip
    """y = conv(x, w) + bias (+ residual).

    Args:
        x: (N, H, W, C).
        w: (3, 3, inputs, K).
        bias: (K,).
        residual: (N, H, W, K), added to the result; an empty array (0, H, W, K) if there is none.
        block: size of a block, (images, rows of tiles).
        V_and_M: memory for V and M of a block, at least 36 * (tiles of a block + 1) * (C + K) elements.
        U: memory for panels of U, (panels, 36, inputs + 1, PANEL): all of them, or one if a block is all of x.
        y: (N, H, W, K), receives the result.
    """
    N, H, W, C = x.shape
    inputs, K = w.shape[2:]
    tiles_down, tiles_across = (H + 3) // 4, (W + 3) // 4
    for n in range(0, N, block[0]):
        images = slice(n, min(n + block[0], N))
        for first in range(0, tiles_down, block[1]):
            rows = min(block[1], tiles_down - first)
            tiles = (images.stop - n) * rows * tiles_across
            V, M = split(V_and_M, tiles, C, K)
            input_transform(x[images], first, rows, V)  # V = B' x B
            for k in range(0, K, PANEL):
                panel = U[k // PANEL % len(U)]  # each in its own memory, or all in the same
                if n == first == 0:
                    weight_transform(w, k, panel)  # U = G w G'
                for ij in range(36):  # M = V U
                    multiply(V[ij, :tiles, :inputs], panel[ij], False, M[ij, :tiles, k : k + PANEL])
            output_transform(M, bias, residual[images], first, rows, y[images])  # y = A' M A + bias


@numba.njit(**KERNEL_OPTIONS)
def convolve_winograd_backward(
    x: np.ndarray, w: np.ndarray, dy: np.ndarray, block: tuple[int, int], V_and_dM: np.ndarray, dU: np.ndarray,
    w_transposed: np.ndarray, U_transposed: np.ndarray, dx: np.ndarray, dw: np.ndarray, dbias: np.ndarray,
) -> None:  # fmt: skip
    """The backward pass of `convolve_winograd`.

    Args:
        x: (N, H, W, C).
        w: (3, 3, inputs, K).
        dy: (N, H, W, K).
        block: as in `convolve_winograd`.
        V_and_dM: memory for V and dM of a block, like V_and_M.
        dU: memory for panels of the gradient with respect to U, like U.
        w_transposed: memory for w with inputs and outputs exchanged, (3, 3, outputs, C).
        U_transposed: memory for panels of U', (panels, 36, outputs + 1, PANEL), all of them or one.
        dx: (N, H, W, C), receives the gradient with respect to x.
        dw: (3, 3, inputs, K), to which the gradient with respect to w is added.
        dbias: (K,), to which the gradient with respect to the bias is added.
    """
    N, H, W, C = x.shape
    inputs, K = w.shape[2:]
    outputs = w_transposed.shape[2]
    tiles_down, tiles_across = (H + 3) // 4, (W + 3) // 4
    transpose_weight(w, w_transposed)
    dx[:] = 0
    for n in range(0, N, block[0]):
        images = slice(n, min(n + block[0], N))
        for first in range(0, tiles_down, block[1]):
            rows = min(block[1], tiles_down - first)
            tiles = (images.stop - n) * rows * tiles_across
            is_first, is_last = n == first == 0, images.stop == N and first + rows == tiles_down
            V, dM = split(V_and_dM, tiles, C, K)
            input_transform(x[images], first, rows, V)  # V = B' x B, recomputed: cheaper than keeping it
            output_transform_backward(dy[images], first, rows, dM)  # dM = A dy A'
            _add_pixels(dy[images, 4 * first : 4 * (first + rows)], dbias)  # dbias = sum of dy over the pixels
            for k in range(0, K, PANEL):
                panel, width = dU[k // PANEL % len(dU)], min(PANEL, K - k)
                for ij in range(36):  # dU = V' dM, summed over the blocks
                    V_transposed, dM_panel = V[ij, :tiles, :inputs].T, dM[ij, :tiles, k : k + PANEL]
                    multiply(V_transposed, dM_panel, not is_first, panel[ij, :inputs, :width])
                if is_last:
                    weight_transform_backward(panel, k, dw)  # dw = G' dU G
            for c in range(0, C, PANEL):
                panel = U_transposed[c // PANEL % len(U_transposed)]
                if is_first:
                    weight_transform(w_transposed, c, panel)  # U', from w with exchanged channels
                for ij in range(36):  # dV = dM U', overwrites V, which is no longer needed
                    multiply(dM[ij, :tiles, :outputs], panel[ij], False, V[ij, :tiles, c : c + PANEL])
            input_transform_backward(V, first, rows, dx[images])  # dx = B dV B'


@numba.njit(**HELPER_OPTIONS)
def _add_pixels(dy: np.ndarray, dbias: np.ndarray) -> None:
    """dbias += the sum of dy (N, H, W, K) over all pixels; each row of an image is summed first, to keep sums short."""
    N, H, W, K = dy.shape
    row_sum = np.empty(K, dy.dtype)
    for n in range(N):
        for row in range(H):
            row_sum[:] = 0
            for column in range(W):
                for k in range(K):
                    row_sum[k] += dy[n, row, column, k]
            for k in range(K):
                dbias[k] += row_sum[k]


@numba.njit(**HELPER_OPTIONS)
def split(memory: np.ndarray, tiles: int, C: int, K: int) -> tuple[np.ndarray, np.ndarray]:
    """V (36, tiles + 1, C) and M (36, tiles + 1, K) in the memory of a block."""
    border, end = 36 * (tiles + 1) * C, 36 * (tiles + 1) * (C + K)
    return memory[:border].reshape(36, tiles + 1, C), memory[border:end].reshape(36, tiles + 1, K)
