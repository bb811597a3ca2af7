"""Winograd's two maps on kernels: U = G w G' before the products, and its transpose dw = G' dU G after them.

A 3x3 kernel becomes a 6x6 one, for every pair of channels: four times as many numbers to read and write, which for
the coarse levels of a network, with few pixels and many channels, takes as long as the products themselves. So both
maps are one pass over memory, row by row of channels.

Arrays: w and dw (3, 3, C, K); U and dU (6, 6, C, K).

Read more: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016, and `winograd.py`.
"""

import numba
import numpy as np

from minidiff.kernels.options import KERNEL_OPTIONS
from minidiff.kernels.winograd_maps import g, g_transposed


@numba.njit(**KERNEL_OPTIONS)
def kernel_transform(w, U):
    """U = G w G' for every pair of channels; U receives the result."""
    C, K = U.shape[2], U.shape[3]
    strip = np.empty((6, 3, K), w.dtype)  # G w, still 3 columns wide
    for c in range(C):
        for j in range(3):
            for k in range(K):
                (
                    strip[0, j, k], strip[1, j, k], strip[2, j, k], strip[3, j, k], strip[4, j, k], strip[5, j, k]
                ) = g(w[0, j, c, k], w[1, j, c, k], w[2, j, c, k])  # fmt: skip
        for i in range(6):
            for k in range(K):
                (
                    U[i, 0, c, k], U[i, 1, c, k], U[i, 2, c, k], U[i, 3, c, k], U[i, 4, c, k], U[i, 5, c, k]
                ) = g(strip[i, 0, k], strip[i, 1, k], strip[i, 2, k])  # fmt: skip


@numba.njit(**KERNEL_OPTIONS)
def kernel_transform_backward(dU, dw):
    """dw += G' dU G, the transpose of `kernel_transform`; added, as every gradient of a parameter is."""
    C, K = dU.shape[2], dU.shape[3]
    strip = np.empty((6, 3, K), dU.dtype)  # dU G
    for c in range(C):
        for i in range(6):
            for k in range(K):
                strip[i, 0, k], strip[i, 1, k], strip[i, 2, k] = g_transposed(
                    dU[i, 0, c, k], dU[i, 1, c, k], dU[i, 2, c, k], dU[i, 3, c, k], dU[i, 4, c, k], dU[i, 5, c, k]
                )
        for j in range(3):
            for k in range(K):
                w0, w1, w2 = g_transposed(
                    strip[0, j, k], strip[1, j, k], strip[2, j, k], strip[3, j, k], strip[4, j, k], strip[5, j, k]
                )
                dw[0, j, c, k] += w0
                dw[1, j, c, k] += w1
                dw[2, j, c, k] += w2
