"""Winograd's convolution F(4x4, 3x3): a 3x3 convolution with a quarter of the multiplications.

A 4x4 tile of the output depends on a 6x6 tile of the input. The direct method spends 4*4*3*3 = 144 multiplications on
it for every pair of channels. Winograd's spends 6*6 = 36: it maps the input tile and the kernel to a basis in which
the convolution is a product number by number, multiplies, and maps the result back. With x a 6x6 input tile, w the 3x3
kernel, y the 4x4 output tile, all five maps are linear and four of them need no multiplications worth the name:

    V = B' x B        U = G w G'        M = V U        y = A' M A                    (Lavin and Gray, 2016, eq. 14)

where M = V U sums over the input channels, so over all the tiles of an image it is 36 plain matrix products. The
gradient is the chain rule on these maps: each is replaced by its transpose, and the order is turned round.

    dM = A dy A'      dU = V' dM      dV = dM U'      dw = G' dU G      dx = B dV B'

This file has the four maps on images, each above its transpose; the two on kernels (G) are in `winograd_weights.py`,
and `winograd_convolution.py` puts them together with the products between them. A map in two dimensions is the map in
one dimension (`winograd_maps.py`) on rows and then on columns. To keep the innermost loop long whatever the number of
channels, an image row is first dealt into four *phases*, phase j holding the columns 4q + j for all q: then input j of
every tile in the row lies in one unbroken run of (tiles x channels) numbers, and a map is a sum of whole runs. One
*strip* of six such rows, a row of tiles, stays in the cache while it is in work.

All work on the tile rows `first` .. `first + R - 1` of some images, so that a large image can be done piece by piece.

Arrays: x and dx (N, H, W, C); y and dy (N, H, W, K); V and dV (6, 6, N, R, Q*C); M and dM (6, 6, N, R, Q*K), with R
rows and Q = ceil(W / 4) columns of tiles. Entry [i, j] belongs to row i and column j of the 6x6 tile.

Read more: `tutorials/06_convolution.ipynb`; Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016;
`tutorials/speed.md`.
"""

import numba
import numpy as np

from minidiff.kernels.options import KERNEL_OPTIONS
from minidiff.kernels.winograd_maps import a, a_transposed, b, b_transposed


@numba.njit(**KERNEL_OPTIONS)
def input_transform(x, first, V):
    """V = B' x B for some tile rows of every image; the image is surrounded by zeros.

    Args:
        x: images (N, H, W, C).
        first: the first tile row.
        V: (6, 6, N, R, Q*C), receives the result.
    """
    N, H, W, C = x.shape
    R, run = V.shape[3], V.shape[4]
    phases = np.zeros((4, run + C), x.dtype)  # the borders stay zero: that is the padding
    strip = np.zeros((6, 6, run), x.dtype)  # (row in tile, column in tile, tile and channel)
    for n in range(N):
        for r in range(R):
            for k in range(6):
                row = 4 * (first + r) + k - 1
                if r > 0 and k < 2:  # neighbouring tiles share two rows
                    for j in range(6):
                        for i in range(run):
                            strip[k, j, i] = strip[k + 4, j, i]
                elif 0 <= row < H:
                    for column in range(W):
                        j, q = (column + 1) % 4, (column + 1) // 4
                        for c in range(C):
                            phases[j, q * C + c] = x[n, row, column, c]
                    for i in range(run):
                        (
                            strip[k, 0, i], strip[k, 1, i], strip[k, 2, i],
                            strip[k, 3, i], strip[k, 4, i], strip[k, 5, i],
                        ) = b_transposed(
                            phases[0, i], phases[1, i], phases[2, i],
                            phases[3, i], phases[0, C + i], phases[1, C + i],
                        )  # fmt: skip
                else:
                    strip[k] = 0
            for j in range(6):
                for i in range(run):
                    (
                        V[0, j, n, r, i], V[1, j, n, r, i], V[2, j, n, r, i],
                        V[3, j, n, r, i], V[4, j, n, r, i], V[5, j, n, r, i],
                    ) = b_transposed(
                        strip[0, j, i], strip[1, j, i], strip[2, j, i], strip[3, j, i], strip[4, j, i], strip[5, j, i]
                    )  # fmt: skip


@numba.njit(**KERNEL_OPTIONS)
def input_transform_backward(dV, first, dx):
    """dx = B dV B', the transpose of `input_transform`: where tiles overlap, their shares add up.

    Pieces of an image must come in their order, from the top: the first two rows of a piece are shared with the one
    above it, and are added to what that one left in dx.

    Args:
        dV: (6, 6, N, R, Q*C).
        first: the first tile row.
        dx: (N, H, W, C), receives the result in the rows of these tiles.
    """
    N, H, W, C = dx.shape
    R, run = dV.shape[3], dV.shape[4]
    columns = np.zeros((6, run + C), dx.dtype)  # one row of every tile: (column in tile, tile and channel)
    strip = np.empty((6, 6, run), dx.dtype)
    waiting = np.empty((2, 6, run), dx.dtype)  # two rows of the tiles above, which the tiles below share
    for n in range(N):
        waiting[:] = 0
        for r in range(R):
            for j in range(6):
                for i in range(run):
                    (
                        strip[0, j, i], strip[1, j, i], strip[2, j, i],
                        strip[3, j, i], strip[4, j, i], strip[5, j, i],
                    ) = b(
                        dV[0, j, n, r, i], dV[1, j, n, r, i], dV[2, j, n, r, i],
                        dV[3, j, n, r, i], dV[4, j, n, r, i], dV[5, j, n, r, i],
                    )  # fmt: skip
            for k in range(2):
                for j in range(6):
                    for i in range(run):
                        strip[k, j, i] += waiting[k, j, i]
                        waiting[k, j, i] = strip[k + 4, j, i]
            for k in range(6 if r == R - 1 else 4):
                row = 4 * (first + r) + k - 1
                if 0 <= row < H:
                    for i in range(run):
                        (columns[0, i], columns[1, i], columns[2, i], columns[3, i], columns[4, i], columns[5, i]) = b(
                            strip[k, 0, i], strip[k, 1, i], strip[k, 2, i],
                            strip[k, 3, i], strip[k, 4, i], strip[k, 5, i],
                        )  # fmt: skip
                    columns[:2, run:] = 0
                    for i in range(run):  # columns 4 and 5 of a tile are columns 0 and 1 of the next
                        columns[0, C + i] += columns[4, i]
                        columns[1, C + i] += columns[5, i]
                    shared = first > 0 and r == 0 and k < 2
                    for column in range(W):
                        j, q = (column + 1) % 4, (column + 1) // 4
                        if not shared:
                            dx[n, row, column] = 0
                        for c in range(C):
                            dx[n, row, column, c] += columns[j, q * C + c]


@numba.njit(**KERNEL_OPTIONS)
def output_transform(M, bias, carried, first, y):
    """y = A' M A + bias (+ carried) for some tile rows of every image.

    Args:
        M: (6, 6, N, R, Q*K).
        bias: (K,).
        carried: (N, H, W, K), added to the result; (0, H, W, K) if there is nothing to add.
        first: the first tile row.
        y: (N, H, W, K), receives the result in the rows of these tiles.
    """
    N, H, W, K = y.shape
    R, run = M.shape[3], M.shape[4]
    phases = np.empty((4, run), y.dtype)
    strip = np.empty((4, 6, run), y.dtype)
    for n in range(N):
        for r in range(R):
            for j in range(6):
                for i in range(run):
                    strip[0, j, i], strip[1, j, i], strip[2, j, i], strip[3, j, i] = a_transposed(
                        M[0, j, n, r, i], M[1, j, n, r, i], M[2, j, n, r, i],
                        M[3, j, n, r, i], M[4, j, n, r, i], M[5, j, n, r, i],
                    )  # fmt: skip
            for k in range(min(4, H - 4 * (first + r))):
                row = 4 * (first + r) + k
                for i in range(run):
                    phases[0, i], phases[1, i], phases[2, i], phases[3, i] = a_transposed(
                        strip[k, 0, i], strip[k, 1, i], strip[k, 2, i], strip[k, 3, i], strip[k, 4, i], strip[k, 5, i]
                    )
                for column in range(W):
                    j, q = column % 4, column // 4
                    for c in range(K):
                        y[n, row, column, c] = phases[j, q * K + c] + bias[c]
                    if len(carried) > 0:
                        for c in range(K):
                            y[n, row, column, c] += carried[n, row, column, c]


@numba.njit(**KERNEL_OPTIONS)
def output_transform_backward(dy, first, dM):
    """dM = A dy A', the transpose of `output_transform`.

    Args:
        dy: (N, H, W, K).
        first: the first tile row.
        dM: (6, 6, N, R, Q*K), receives the result.
    """
    N, H, W, K = dy.shape
    R, run = dM.shape[3], dM.shape[4]
    phases = np.zeros((4, run), dy.dtype)
    strip = np.empty((4, 6, run), dy.dtype)
    for n in range(N):
        for r in range(R):
            for k in range(4):
                row = 4 * (first + r) + k
                if row < H:
                    for column in range(W):
                        j, q = column % 4, column // 4
                        for c in range(K):
                            phases[j, q * K + c] = dy[n, row, column, c]
                    for i in range(run):
                        (
                            strip[k, 0, i], strip[k, 1, i], strip[k, 2, i],
                            strip[k, 3, i], strip[k, 4, i], strip[k, 5, i],
                        ) = a(phases[0, i], phases[1, i], phases[2, i], phases[3, i])  # fmt: skip
                else:
                    strip[k] = 0
            for j in range(6):
                for i in range(run):
                    (
                        dM[0, j, n, r, i], dM[1, j, n, r, i], dM[2, j, n, r, i],
                        dM[3, j, n, r, i], dM[4, j, n, r, i], dM[5, j, n, r, i],
                    ) = a(strip[0, j, i], strip[1, j, i], strip[2, j, i], strip[3, j, i])  # fmt: skip
