"""Winograd's convolution F(4x4, 3x3): a 3x3 convolution with a quarter of the multiplications.

A 4x4 tile of the output depends on a 6x6 tile of the input. The direct method spends 4*4*3*3 = 144 multiplications on
it for every pair of channels. Winograd's spends 6*6 = 36: it maps the input tile and the kernel to a basis in which
the convolution is a product number by number, multiplies, and maps the result back. With x a 6x6 input tile, w the 3x3
kernel, y the 4x4 output tile, all five maps are linear and four of them need no multiplications worth the name:

    V = B' x B        U = G w G'        M = V U        y = A' M A                    (Lavin and Gray, 2016, eq. 14)

where M = V U sums over the input channels, so over all the tiles of an image it is 36 plain matrix products. The
gradient is the chain rule on these maps: each is replaced by its transpose, and the order is turned round.

    dM = A dy A'      dU = V' dM      dV = dM U'      dw = G' dU G      dx = B dV B'

This file has the four maps on images; the two on kernels (G) are small matrix products in `convolution.py`.
A map in two dimensions is the map in one dimension, on rows and then on columns. To keep the innermost
loop long whatever the number of channels, an image row is first dealt into four *phases*, phase j holding the columns
4q + j for all q: then input j of every tile in the row lies in one unbroken run of (tiles x channels) numbers, and a
map is a sum of whole runs. One *strip* of six transformed rows, a row of tiles, stays in the cache while it is in work.

Arrays: x and dx (N, H, W, C); y and dy (N, H, W, K); V and dV (36, N, R, Q*C); M and dM (36, N, R, Q*K), with
R = ceil(H / 4) rows and Q = ceil(W / 4) columns of tiles. Entry 6*i + j belongs to row i and column j of the 6x6 tile.

Read more: `tutorials/06_convolution.ipynb`; Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016;
`tutorials/speed.md`.
"""

import numba
import numpy as np

from minidiff.kernels.options import KERNEL_OPTIONS

# The one-dimensional maps as numbers; the loops below are these matrices with their common parts computed once.
B_TRANSPOSED = np.array(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ],
    dtype=np.float64,
)
A_TRANSPOSED = np.array(
    [
        [1, 1, 1, 1, 1, 0],
        [0, 1, -1, 2, -2, 0],
        [0, 1, 1, 4, 4, 0],
        [0, 1, -1, 8, -8, 1],
    ],
    dtype=np.float64,
)
G = np.array(
    [
        [1 / 4, 0, 0],
        [-1 / 6, -1 / 6, -1 / 6],
        [-1 / 6, 1 / 6, -1 / 6],
        [1 / 24, 1 / 12, 1 / 6],
        [1 / 24, -1 / 12, 1 / 6],
        [0, 0, 1],
    ],
    dtype=np.float64,
)


@numba.njit(**KERNEL_OPTIONS)
def map_b_transposed(x0, x1, x2, x3, x4, x5, v0, v1, v2, v3, v4, v5):
    """v = B' x for whole runs: six inputs to six outputs."""
    two, four, five = x0.dtype.type(2), x0.dtype.type(4), x0.dtype.type(5)
    for i in range(v0.size):
        even, odd = x4[i] - four * x2[i], x3[i] - four * x1[i]
        even2, odd2 = x4[i] - x2[i], two * (x3[i] - x1[i])
        v0[i] = four * x0[i] - five * x2[i] + x4[i]
        v1[i] = even + odd
        v2[i] = even - odd
        v3[i] = even2 + odd2
        v4[i] = even2 - odd2
        v5[i] = four * x1[i] - five * x3[i] + x5[i]


@numba.njit(**KERNEL_OPTIONS)
def map_b(v0, v1, v2, v3, v4, v5, x0, x1, x2, x3, x4, x5):
    """x = B v for whole runs, the transpose of `map_b_transposed`: six inputs to six outputs."""
    two, four, five = v0.dtype.type(2), v0.dtype.type(4), v0.dtype.type(5)
    for i in range(v0.size):
        sum12, difference12 = v1[i] + v2[i], v1[i] - v2[i]
        sum34, difference34 = v3[i] + v4[i], v3[i] - v4[i]
        x0[i] = four * v0[i]
        x1[i] = four * (v5[i] - difference12) - two * difference34
        x2[i] = -five * v0[i] - four * sum12 - sum34
        x3[i] = difference12 + two * difference34 - five * v5[i]
        x4[i] = v0[i] + sum12 + sum34
        x5[i] = v5[i]


@numba.njit(**KERNEL_OPTIONS)
def map_a_transposed(m0, m1, m2, m3, m4, m5, y0, y1, y2, y3):
    """y = A' m for whole runs: six inputs to four outputs."""
    two, four, eight = m0.dtype.type(2), m0.dtype.type(4), m0.dtype.type(8)
    for i in range(y0.size):
        sum12, difference12 = m1[i] + m2[i], m1[i] - m2[i]
        sum34, difference34 = m3[i] + m4[i], m3[i] - m4[i]
        y0[i] = m0[i] + sum12 + sum34
        y1[i] = difference12 + two * difference34
        y2[i] = sum12 + four * sum34
        y3[i] = difference12 + eight * difference34 + m5[i]


@numba.njit(**KERNEL_OPTIONS)
def map_a(y0, y1, y2, y3, m0, m1, m2, m3, m4, m5):
    """m = A y for whole runs, the transpose of `map_a_transposed`."""
    two, four = y0.dtype.type(2), y0.dtype.type(4)
    for i in range(m0.size):
        even, odd = y0[i] + y2[i], y1[i] + y3[i]
        even2, odd2 = y0[i] + four * y2[i], two * (y1[i] + four * y3[i])
        m0[i] = y0[i]
        m1[i] = even + odd
        m2[i] = even - odd
        m3[i] = even2 + odd2
        m4[i] = even2 - odd2
        m5[i] = y3[i]


@numba.njit(**KERNEL_OPTIONS)
def input_transform(x, V):
    """V = B' x B for every tile of every image."""
    N, H, W, C = x.shape
    R, run = V.shape[2], V.shape[3]
    phases = np.zeros((4, run + C), x.dtype)  # the borders stay zero: that is the padding
    strip = np.zeros((6, 6, run), x.dtype)  # (row in tile, column in tile, tile and channel)
    for n in range(N):
        for r in range(R):
            for k in range(6):
                row = 4 * r + k - 1
                if r > 0 and k < 2:
                    strip[k] = strip[k + 4]  # neighbouring tiles share two rows
                elif 0 <= row < H:
                    for column in range(W):
                        j, q = (column + 1) % 4, (column + 1) // 4
                        for c in range(C):
                            phases[j, q * C + c] = x[n, row, column, c]
                    map_b_transposed(
                        phases[0, :run], phases[1, :run], phases[2, :run],
                        phases[3, :run], phases[0, C:], phases[1, C:],
                        strip[k, 0], strip[k, 1], strip[k, 2], strip[k, 3], strip[k, 4], strip[k, 5],
                    )  # fmt: skip
                else:
                    strip[k] = 0
            for j in range(6):
                map_b_transposed(
                    strip[0, j], strip[1, j], strip[2, j], strip[3, j], strip[4, j], strip[5, j],
                    V[j, n, r], V[6 + j, n, r], V[12 + j, n, r],
                    V[18 + j, n, r], V[24 + j, n, r], V[30 + j, n, r],
                )  # fmt: skip


@numba.njit(**KERNEL_OPTIONS)
def input_transform_backward(dV, dx):
    """dx = B dV B', the transpose of `input_transform`: where tiles overlap, their shares add up."""
    N, H, W, C = dx.shape
    R, run = dV.shape[2], dV.shape[3]
    tile = np.empty((6, run), dx.dtype)  # one row of every tile: (column in tile, tile and channel)
    strip = np.empty((6, 6, run), dx.dtype)
    waiting = np.zeros((2, 6, run), dx.dtype)  # two rows of the tiles above, which the tiles below share
    for n in range(N):
        waiting[:] = 0
        for r in range(R):
            for j in range(6):
                map_b(
                    dV[j, n, r], dV[6 + j, n, r], dV[12 + j, n, r],
                    dV[18 + j, n, r], dV[24 + j, n, r], dV[30 + j, n, r],
                    strip[0, j], strip[1, j], strip[2, j], strip[3, j], strip[4, j], strip[5, j],
                )  # fmt: skip
            strip[:2] += waiting
            waiting[:] = strip[4:]
            for k in range(6 if r == R - 1 else 4):
                row = 4 * r + k - 1
                if 0 <= row < H:
                    map_b(
                        strip[k, 0], strip[k, 1], strip[k, 2], strip[k, 3], strip[k, 4], strip[k, 5],
                        tile[0], tile[1], tile[2], tile[3], tile[4], tile[5],
                    )  # fmt: skip
                    for column in range(W):
                        j, q = (column + 1) % 4, (column + 1) // 4
                        here, before = q * C, (q - 1) * C
                        if j >= 2 or q == 0:
                            for c in range(C):
                                dx[n, row, column, c] = tile[j, here + c]
                        elif here < run:  # columns 4 and 5 of a tile are columns 0 and 1 of the next
                            for c in range(C):
                                dx[n, row, column, c] = tile[j, here + c] + tile[4 + j, before + c]
                        else:
                            for c in range(C):
                                dx[n, row, column, c] = tile[4 + j, before + c]


@numba.njit(**KERNEL_OPTIONS)
def output_transform(M, bias, carried, y):
    """y = A' M A + bias (+ carried, of y's shape, unless it is None) for every tile of every image."""
    N, H, W, K = y.shape
    R, run = M.shape[2], M.shape[3]
    phases = np.empty((4, run), y.dtype)
    strip = np.empty((4, 6, run), y.dtype)
    for n in range(N):
        for r in range(R):
            for j in range(6):
                map_a_transposed(
                    M[j, n, r], M[6 + j, n, r], M[12 + j, n, r], M[18 + j, n, r], M[24 + j, n, r], M[30 + j, n, r],
                    strip[0, j], strip[1, j], strip[2, j], strip[3, j],
                )  # fmt: skip
            for k in range(min(4, H - 4 * r)):
                map_a_transposed(
                    strip[k, 0], strip[k, 1], strip[k, 2], strip[k, 3], strip[k, 4], strip[k, 5],
                    phases[0], phases[1], phases[2], phases[3],
                )  # fmt: skip
                for column in range(W):
                    j, q = column % 4, column // 4
                    for c in range(K):
                        y[n, 4 * r + k, column, c] = phases[j, q * K + c] + bias[c]
                        if carried is not None:
                            y[n, 4 * r + k, column, c] += carried[n, 4 * r + k, column, c]


@numba.njit(**KERNEL_OPTIONS)
def output_transform_backward(dy, dM):
    """dM = A dy A', the transpose of `output_transform`."""
    N, H, W, K = dy.shape
    R, run = dM.shape[2], dM.shape[3]
    phases = np.zeros((4, run), dy.dtype)
    strip = np.zeros((4, 6, run), dy.dtype)
    for n in range(N):
        for r in range(R):
            for k in range(4):
                if 4 * r + k < H:
                    for column in range(W):
                        j, q = column % 4, column // 4
                        for c in range(K):
                            phases[j, q * K + c] = dy[n, 4 * r + k, column, c]
                    map_a(
                        phases[0], phases[1], phases[2], phases[3],
                        strip[k, 0], strip[k, 1], strip[k, 2], strip[k, 3], strip[k, 4], strip[k, 5],
                    )  # fmt: skip
                else:
                    strip[k] = 0
            for j in range(6):
                map_a(
                    strip[0, j], strip[1, j], strip[2, j], strip[3, j],
                    dM[j, n, r], dM[6 + j, n, r], dM[12 + j, n, r],
                    dM[18 + j, n, r], dM[24 + j, n, r], dM[30 + j, n, r],
                )  # fmt: skip
