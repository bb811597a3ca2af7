"""Winograd's two maps on kernels: U = G w G' before the products, and its transpose dw = G' dU G after them.

A 3x3 kernel becomes a 6x6 one, for every pair of channels. Both maps work on a panel of PANEL output channels, which is
how `products.py` reads a matrix fastest.

Read more: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016, and `winograd.py`.
"""

import numba
import numpy as np

from minidiff.kernels.options import KERNEL_OPTIONS
from minidiff.kernels.products import PANEL
from minidiff.kernels.winograd_maps import g, g_transposed


@numba.njit(**KERNEL_OPTIONS)
def kernel_transform(w, first, U):
    """U = G w G' for every input channel and a panel of output channels.

    Args:
        w: (3, 3, C, K); also a transposed one, for U'.
        first: the first output channel.
        U: (6, 6, C, PANEL), receives the result; zeros where K ends within the panel.
    """
    C, width = w.shape[2], min(PANEL, w.shape[3] - first)
    row = np.zeros((3, 3, PANEL), w.dtype)
    strip = np.empty((6, 3, PANEL), w.dtype)  # G w, still 3 columns wide
    for c in range(C):
        for i in range(3):
            for j in range(3):
                for k in range(width):
                    row[i, j, k] = w[i, j, c, first + k]
        for j in range(3):
            for k in range(PANEL):
                (
                    strip[0, j, k], strip[1, j, k], strip[2, j, k], strip[3, j, k], strip[4, j, k], strip[5, j, k]
                ) = g(row[0, j, k], row[1, j, k], row[2, j, k])  # fmt: skip
        for i in range(6):
            for k in range(PANEL):
                (
                    U[i, 0, c, k], U[i, 1, c, k], U[i, 2, c, k], U[i, 3, c, k], U[i, 4, c, k], U[i, 5, c, k]
                ) = g(strip[i, 0, k], strip[i, 1, k], strip[i, 2, k])  # fmt: skip


@numba.njit(**KERNEL_OPTIONS)
def kernel_transform_backward(dU, first, dw):
    """dw += G' dU G for the panel, the transpose of `kernel_transform`; added, as every gradient of a parameter is.

    Args:
        dU: (6, 6, C, PANEL); what it holds for channels beyond K does not count.
        first: the first output channel.
        dw: (3, 3, C, K), in whose channels `first` and following the result is added.
    """
    C, width = dw.shape[2], min(PANEL, dw.shape[3] - first)
    strip = np.empty((6, 3, PANEL), dU.dtype)  # dU G
    column = np.empty((3, PANEL), dU.dtype)
    for c in range(C):
        for i in range(6):
            for k in range(PANEL):
                strip[i, 0, k], strip[i, 1, k], strip[i, 2, k] = g_transposed(
                    dU[i, 0, c, k], dU[i, 1, c, k], dU[i, 2, c, k], dU[i, 3, c, k], dU[i, 4, c, k], dU[i, 5, c, k]
                )
        for j in range(3):
            for k in range(PANEL):
                column[0, k], column[1, k], column[2, k] = g_transposed(
                    strip[0, j, k], strip[1, j, k], strip[2, j, k], strip[3, j, k], strip[4, j, k], strip[5, j, k]
                )
            for i in range(3):
                for k in range(width):
                    dw[i, j, c, first + k] += column[i, k]
