"""Winograd's convolution from end to end: the maps on images and kernels around the products between them.

    forward     V = B' x B     U = G w G'       M = V U                       y = A' M A + bias (+ carried)
    backward    V = B' x B     dM = A dy A'     dU = V' dM    dV = dM U'      dx = B dV B'     dw = G' dU G

V and M are more than twice as large as x and y, and U is four times as large as w. So the images are done in *pieces*
whose V and M stay in the core's own cache, from the map that writes them to the product that reads them; and U is made
a *panel* at a time, PANEL of its columns, each right before its products. If x is one piece, each panel is used once,
and one place serves them all. If x takes several pieces, the panels are kept for the next ones. It would be less
arithmetic to keep U from call to call, since it changes only once a step, but to fetch it from memory takes as long as
to make it.

That is also why all of it is one function. A piece takes a tenth of a millisecond; if Python were asked what comes
next, it would often be busy with another thread, and the wait would be longer than the work.

Channels come in whole vectors (`vectors.py`): where there are fewer, the last ones of x, y and w are zeros. C and K
below are rounded up to multiples of LANES, inputs and outputs are the numbers of channels that count.

Arrays: x and dx (N, H, W, C); y and dy (N, H, W, K); w and dw (3, 3, inputs, K); w_transposed (3, 3, outputs, C). A
panel of U is (36, inputs + 1, PANEL), one of the transposed U' is (36, outputs + 1, PANEL).

Read more: `tutorials/06_convolution.ipynb`; `tutorials/speed.md`.
"""

import numba
import numpy as np

from minidiff.kernels.options import KERNEL_OPTIONS
from minidiff.kernels.products import PANEL, multiply
from minidiff.kernels.winograd import (
    input_transform,
    input_transform_backward,
    output_transform,
    output_transform_backward,
)
from minidiff.kernels.winograd_weights import kernel_transform, kernel_transform_backward, transpose_kernel


@numba.njit(**KERNEL_OPTIONS)
def convolve_winograd(x, w, bias, carried, piece, V_and_M, U, y):
    """y = conv(x, w) + bias (+ carried).

    Args:
        x: (N, H, W, C).
        w: (3, 3, inputs, K).
        bias: (K,).
        carried: (N, H, W, K), added to the result; (0, H, W, K) if there is nothing to add.
        piece: how many images, and how many rows of tiles of each, to do at a time.
        V_and_M: memory for V and M of a piece, at least 36 * (tiles of a piece + 1) * (C + K) numbers.
        U: memory for panels of U, (panels, 36, inputs + 1, PANEL): all of them, or one if a piece is the whole of x.
        y: (N, H, W, K), receives the result.
    """
    N, H, W, C = x.shape
    inputs, K = w.shape[2:]
    tiles_down, tiles_across = (H + 3) // 4, (W + 3) // 4
    for n in range(0, N, piece[0]):
        images = slice(n, min(n + piece[0], N))
        for first in range(0, tiles_down, piece[1]):
            rows = min(piece[1], tiles_down - first)
            tiles = (images.stop - n) * rows * tiles_across
            V, M = split(V_and_M, tiles, C, K)
            input_transform(x[images], first, rows, V)  # V = B' x B
            for k in range(0, K, PANEL):
                panel = U[k // PANEL % len(U)]  # each in a place of its own, or all in the only one
                if n == first == 0:
                    kernel_transform(w, k, panel)  # U = G w G'
                for ij in range(36):  # M = V U
                    multiply(V[ij, :tiles, :inputs], panel[ij], False, M[ij, :tiles, k : k + PANEL])
            output_transform(M, bias, carried[images], first, rows, y[images])  # y = A' M A + bias


@numba.njit(**KERNEL_OPTIONS)
def convolve_winograd_backward(x, w, dy, piece, V_and_dM, dU, w_transposed, U_transposed, dx, dw, dbias):
    """The gradients of `convolve_winograd`.

    Args:
        x: (N, H, W, C).
        w: (3, 3, inputs, K).
        dy: (N, H, W, K).
        piece: as in `convolve_winograd`.
        V_and_dM: memory for V and dM of a piece, as V_and_M there.
        dU: memory for panels of the gradient by U, (panels, 36, inputs + 1, PANEL), as many as of U there.
        w_transposed: memory for w with inputs and outputs exchanged, (3, 3, outputs, C).
        U_transposed: memory for panels of U', (panels, 36, outputs + 1, PANEL), all of them or one.
        dx: (N, H, W, C), receives the gradient by x.
        dw: (3, 3, inputs, K); the gradient by w is added to it.
        dbias: (K,); the gradient by the bias is added to it.
    """
    N, H, W, C = x.shape
    inputs, K = w.shape[2:]
    outputs = w_transposed.shape[2]
    tiles_down, tiles_across = (H + 3) // 4, (W + 3) // 4
    transpose_kernel(w, w_transposed)
    dx[:] = 0
    for n in range(0, N, piece[0]):
        images = slice(n, min(n + piece[0], N))
        for first in range(0, tiles_down, piece[1]):
            rows = min(piece[1], tiles_down - first)
            tiles = (images.stop - n) * rows * tiles_across
            is_first, is_last = n == first == 0, images.stop == N and first + rows == tiles_down
            V, dM = split(V_and_dM, tiles, C, K)
            input_transform(x[images], first, rows, V)  # V = B' x B, once more: cheaper than to have kept it
            output_transform_backward(dy[images], first, rows, dM)  # dM = A dy A'
            _add_pixels(dy[images, 4 * first : 4 * (first + rows)], dbias)  # dbias = sum of dy over the pixels
            for k in range(0, K, PANEL):
                panel, width = dU[k // PANEL % len(dU)], min(PANEL, K - k)
                for ij in range(36):  # dU = V' dM, to which every piece adds its share
                    V_transposed, dM_panel = V[ij, :tiles, :inputs].T, dM[ij, :tiles, k : k + PANEL]
                    multiply(V_transposed, dM_panel, not is_first, panel[ij, :inputs, :width])
                if is_last:
                    kernel_transform_backward(panel, k, dw)  # dw = G' dU G
            for c in range(0, C, PANEL):
                panel = U_transposed[c // PANEL % len(U_transposed)]
                if is_first:
                    kernel_transform(w_transposed, c, panel)  # U', from w with its channels exchanged
                for ij in range(36):  # dV = dM U', written over V, which is no longer needed
                    multiply(dM[ij, :tiles, :outputs], panel[ij], False, V[ij, :tiles, c : c + PANEL])
            input_transform_backward(V, first, rows, dx[images])  # dx = B dV B'


@numba.njit(**KERNEL_OPTIONS)
def _add_pixels(dy, dbias):
    """dbias += the sum of dy (N, H, W, K) over all pixels, row by row of an image, so that sums stay short."""
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


@numba.njit(**KERNEL_OPTIONS)
def split(memory, tiles, C, K):
    """V (36, tiles + 1, C) and M (36, tiles + 1, K) in the memory of a piece."""
    border, end = 36 * (tiles + 1) * C, 36 * (tiles + 1) * (C + K)
    return memory[:border].reshape(36, tiles + 1, C), memory[border:end].reshape(36, tiles + 1, K)
