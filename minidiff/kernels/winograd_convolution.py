"""Winograd's convolution from end to end: the maps on images and kernels around the products between them.

    forward     V = B' x B     U = G w G'       M = V U                       y = A' M A + bias (+ carried)
    backward    V = B' x B     dM = A dy A'     dU = V' dM    dV = dM U'      dx = B dV B'     dw = G' dU G

V and M are more than twice as large as x and y, and U is four times as large as w. So the images are done in *pieces*
whose V and M stay in the core's own cache, from the map that writes them to the product that reads them; and U is made
a *panel* at a time, PANEL of its columns, each right before its products. If x is one piece, each panel is used once,
and one place serves them all. If x takes several pieces, the panels are kept for the next ones. It would be less
arithmetic to keep U from call to call, since it changes only once a step, but to fetch it from memory takes as long as
to make it.

That is also why all of it is one kernel. A piece takes a tenth of a millisecond; if Python were asked what comes next,
it would often be busy with another thread, and the wait would be longer than the work.

Arrays: x and dx (N, H, W, C); y and dy (N, H, W, K); w and dw (3, 3, C, K). A panel of U is (36, C, PANEL), one of the
transposed U' is (36, K, PANEL).

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
from minidiff.kernels.winograd_weights import kernel_transform, kernel_transform_backward


@numba.njit(**KERNEL_OPTIONS)
def convolve_winograd(x, w, bias, carried, piece, V_and_M, U, y):
    """y = conv(x, w) + bias (+ carried).

    Args:
        x: (N, H, W, C).
        w: (3, 3, C, K).
        bias: (K,).
        carried: (N, H, W, K), added to the result; (0, H, W, K) if there is nothing to add.
        piece: how many images, and how many rows of tiles of each, to do at a time.
        V_and_M: memory for V and M of a piece, at least 36 * (tiles of a piece) * (C + K) numbers.
        U: memory for panels of U, (panels, 36, C, PANEL): all of them, or one if a piece is the whole of x.
        y: (N, H, W, K), receives the result.
    """
    N, H, W, C = x.shape
    K, R, Q = y.shape[3], (H + 3) // 4, (W + 3) // 4
    for n in range(0, N, piece[0]):
        images = slice(n, min(n + piece[0], N))
        for first in range(0, R, piece[1]):
            V, M = split(V_and_M, (images.stop - n, min(piece[1], R - first), Q), C, K)
            V_rows, M_rows = V.reshape(36, -1, C), M.reshape(36, -1, K)
            input_transform(x[images], first, V)  # V = B' x B
            for k in range(0, K, PANEL):
                panel = U[k // PANEL % len(U)]  # each in a place of its own, or all in the only one
                if n == first == 0:
                    kernel_transform(w, k, panel.reshape(6, 6, C, PANEL))  # U = G w G'
                for ij in range(36):
                    multiply(V_rows[ij], panel[ij], False, M_rows[ij, :, k : k + PANEL])  # M = V U
            output_transform(M, bias, carried[images], first, y[images])  # y = A' M A + bias


@numba.njit(**KERNEL_OPTIONS)
def convolve_winograd_backward(x, w, dy, piece, V_and_dM, dU, U_transposed, dx, dw, dbias):
    """The gradients of `convolve_winograd`.

    Args:
        x: (N, H, W, C).
        w: (3, 3, C, K).
        dy: (N, H, W, K).
        piece, V_and_dM: as in `convolve_winograd`.
        dU: memory for panels of the gradient by U, (panels, 36, C, PANEL).
        U_transposed: memory for panels of U', (panels, 36, K, PANEL).
        dx: (N, H, W, C), receives the gradient by x.
        dw: (3, 3, C, K); the gradient by w is added to it.
        dbias: (K,); the gradient by the bias is added to it.
    """
    N, H, W, C = x.shape
    K, R, Q = dy.shape[3], (H + 3) // 4, (W + 3) // 4
    w_transposed = w.transpose(0, 1, 3, 2)
    for n in range(0, N, piece[0]):
        images = slice(n, min(n + piece[0], N))
        for first in range(0, R, piece[1]):
            rows = min(piece[1], R - first)
            is_first, is_last = n == first == 0, images.stop == N and first + rows == R
            V, dM = split(V_and_dM, (images.stop - n, rows, Q), C, K)
            V_rows, dM_rows = V.reshape(36, -1, C), dM.reshape(36, -1, K)
            input_transform(x[images], first, V)  # V = B' x B, once more: cheaper than to have kept it
            output_transform_backward(dy[images], first, dM)  # dM = A dy A'
            _add_pixels(dy[images, 4 * first : 4 * (first + rows)], dbias)  # dbias = sum of dy over the pixels
            for k in range(0, K, PANEL):
                panel, width = dU[k // PANEL % len(dU)], min(PANEL, K - k)
                for ij in range(36):  # dU = V' dM, to which every piece adds its share
                    multiply(V_rows[ij].T, dM_rows[ij, :, k : k + PANEL], not is_first, panel[ij, :, :width])
                if is_last:
                    kernel_transform_backward(panel.reshape(6, 6, C, PANEL), k, dw)  # dw = G' dU G
            for c in range(0, C, PANEL):
                panel = U_transposed[c // PANEL % len(U_transposed)]
                if is_first:
                    kernel_transform(w_transposed, c, panel.reshape(6, 6, K, PANEL))  # U' = G w' G'
                for ij in range(36):  # V is no longer needed: its place is
                    multiply(dM_rows[ij], panel[ij], False, V_rows[ij, :, c : c + PANEL])  # dV = dM U'
            input_transform_backward(V, first, dx[images])  # dx = B dV B'


@numba.njit(**KERNEL_OPTIONS)
def _add_pixels(dy, dbias):
    """dbias += the sum of dy (N, H, W, K) over all pixels, row by row of an image, so that no sum gets long."""
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
    """V (6, 6, n, R, Q*C) and M (6, 6, n, R, Q*K) in the memory of a piece, whose `tiles` are (n, R, Q)."""
    n, R, Q = tiles
    border, end = 36 * n * R * Q * C, 36 * n * R * Q * (C + K)
    return memory[:border].reshape(6, 6, n, R, Q * C), memory[border:end].reshape(6, 6, n, R, Q * K)
