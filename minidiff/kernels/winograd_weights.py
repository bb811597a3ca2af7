"""Winograd's two maps on kernels: U = G w G' before the products, and its transpose dw = G' dU G after them.

A 3x3 kernel becomes a 6x6 one, for every pair of channels. As in `winograd.py`, a map in two dimensions is the map in
one dimension on rows and then on columns, for LANES output channels at a time. Both maps work on a panel of PANEL
output channels, which is how `products.py` reads a matrix fastest.

Arrays: w and dw (3, 3, inputs, K); U and dU (36, inputs + 1, PANEL). K is a multiple of LANES. The last row is never
used, for the reason given in `winograd.py`.

Read more: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016, and `winograd.py`.
"""

import numba
import numpy as np

from minidiff.kernels.options import KERNEL_OPTIONS
from minidiff.kernels.products import PANEL
from minidiff.kernels.transpose import transpose
from minidiff.kernels.vectors import LANES, load, store
from minidiff.kernels.winograd import load_six, store_six
from minidiff.kernels.winograd_maps import g, g_transposed


@numba.njit(**KERNEL_OPTIONS)
def kernel_transform(w, first, U):
    """U = G w G' for every input channel and a panel of output channels.

    Args:
        w: (3, 3, inputs, K).
        first: the first output channel.
        U: (36, inputs + 1, PANEL), receives the result; columns beyond K are left alone.
    """
    inputs, K = w.shape[2:]
    T = inputs + 1
    weights, places = w.reshape(9 * inputs, K), U.reshape(36 * T, PANEL)
    half = np.empty((18, LANES), w.dtype)  # G w: 6 rows of 3
    for c in range(inputs):
        for k in range(0, min(PANEL, K - first), LANES):
            for j in range(3):
                store_six(half, j, 3, 0, g(*load_three(weights, j * inputs + c, 3 * inputs, first + k)))
            for i in range(6):
                store_six(places, 6 * i * T + c, T, k, g(*load_three(half, 3 * i, 1, 0)))


@numba.njit(**KERNEL_OPTIONS)
def kernel_transform_backward(dU, first, dw):
    """dw += G' dU G for the panel, the transpose of `kernel_transform`; added, as every gradient of a parameter is.

    Args:
        dU: (36, inputs + 1, PANEL); what it holds for channels beyond K does not count.
        first: the first output channel.
        dw: (3, 3, inputs, K), in whose channels `first` and following the result is added.
    """
    inputs, K = dw.shape[2:]
    T = inputs + 1
    weights, places = dw.reshape(9 * inputs, K), dU.reshape(36 * T, PANEL)
    half = np.empty((18, LANES), dU.dtype)  # dU G: 6 rows of 3
    for c in range(inputs):
        for k in range(0, min(PANEL, K - first), LANES):
            for i in range(6):
                store_three(half, 3 * i, 1, 0, g_transposed(*load_six(places, 6 * i * T + c, T, k)))
            for j in range(3):
                before = load_three(weights, j * inputs + c, 3 * inputs, first + k)
                change = g_transposed(*load_six(half, j, 3, 0))
                total = before[0] + change[0], before[1] + change[1], before[2] + change[2]
                store_three(weights, j * inputs + c, 3 * inputs, first + k, total)


@numba.njit(**KERNEL_OPTIONS)
def transpose_kernel(w, w_transposed):
    """Exchanges input and output channels; those beyond the ones that count are left out, or zero.

    Args:
        w: (3, 3, inputs, K).
        w_transposed: (3, 3, outputs, C), outputs at most K and C at least inputs, receives the result.
    """
    inputs, outputs = w.shape[2], w_transposed.shape[2]
    for i in range(3):
        for j in range(3):
            transpose(w[i, j, :, :outputs], w_transposed[i, j, :, :inputs])
            w_transposed[i, j, :, inputs:] = 0


@numba.njit(**KERNEL_OPTIONS)
def load_three(A, i, step, j):
    """The vectors at column j of the rows i, i + step, i + 2 step."""
    return load(A, i, j), load(A, i + step, j), load(A, i + 2 * step, j)


@numba.njit(**KERNEL_OPTIONS)
def store_three(A, i, step, j, vectors):
    """The opposite of `load_three`."""
    store(A, i, j, vectors[0])
    store(A, i + step, j, vectors[1])
    store(A, i + 2 * step, j, vectors[2])
