"""Winograd's maps of weights, U = G w G' and dw = G' dU G. Plain version: `transform_weights` in `plain/winograd.py`.

A 3x3 weight becomes a 6x6 one, for every pair of channels. As in `winograd.py`, a map in two dimensions is the map in
one dimension on rows and then on columns, for LANES output channels at a time. Both maps work on a panel of PANEL
output channels, the fastest layout for `products.py`.

Arrays: w and dw (3, 3, inputs, K); U and dU (36, inputs + 1, PANEL). K is a multiple of LANES. The last row is never
used, for the reason in `winograd.py`.

Read more: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016, and `winograd.py`.
"""

import numba
import numpy as np

from minidiff.kernels.fast.options import HELPER_OPTIONS
from minidiff.kernels.fast.products import PANEL
from minidiff.kernels.fast.transpose import transpose
from minidiff.kernels.fast.vectors import LANES, load, store
from minidiff.kernels.fast.winograd import load_six, store_six
from minidiff.kernels.fast.winograd_maps import g, g_transposed


@numba.njit(**HELPER_OPTIONS)
def weight_transform(w: np.ndarray, first: int, U: np.ndarray) -> None:
    """U = G w G' for every input channel and a panel of output channels.

    Args:
        w: (3, 3, inputs, K).
        first: the first output channel.
        U: (36, inputs + 1, PANEL), receives the result; columns beyond K are not written.
    """
    inputs, K = w.shape[2:]
    T = inputs + 1
    weights, positions = w.reshape(9 * inputs, K), U.reshape(36 * T, PANEL)
    half = np.empty((18, LANES), w.dtype)  # G w: 6 rows of 3
    for c in range(inputs):
        for k in range(0, min(PANEL, K - first), LANES):
            for j in range(3):
                store_six(half, j, 3, 0, g(*load_three(weights, j * inputs + c, 3 * inputs, first + k)))
            for i in range(6):
                store_six(positions, 6 * i * T + c, T, k, g(*load_three(half, 3 * i, 1, 0)))


@numba.njit(**HELPER_OPTIONS)
def weight_transform_backward(dU: np.ndarray, first: int, dw: np.ndarray) -> None:
    """dw += G' dU G for the panel, the transpose of `weight_transform`.

    Args:
        dU: (36, inputs + 1, PANEL); its channels beyond K are ignored.
        first: the first output channel.
        dw: (3, 3, inputs, K), to which the result is added, from channel `first` on.
    """
    inputs, K = dw.shape[2:]
    T = inputs + 1
    weights, positions = dw.reshape(9 * inputs, K), dU.reshape(36 * T, PANEL)
    half = np.empty((18, LANES), dU.dtype)  # dU G: 6 rows of 3
    for c in range(inputs):
        for k in range(0, min(PANEL, K - first), LANES):
            for i in range(6):
                store_three(half, 3 * i, 1, 0, g_transposed(*load_six(positions, 6 * i * T + c, T, k)))
            for j in range(3):
                before = load_three(weights, j * inputs + c, 3 * inputs, first + k)
                change = g_transposed(*load_six(half, j, 3, 0))
                total = before[0] + change[0], before[1] + change[1], before[2] + change[2]
                store_three(weights, j * inputs + c, 3 * inputs, first + k, total)


@numba.njit(**HELPER_OPTIONS)
def transpose_weight(w: np.ndarray, w_transposed: np.ndarray) -> None:
    """Exchanges input and output channels, without padded channels.

    Args:
        w: (3, 3, inputs, K).
        w_transposed: (3, 3, outputs, C), with outputs <= K and C >= inputs, receives the result; the rest is zero.
    """
    inputs, outputs = w.shape[2], w_transposed.shape[2]
    for i in range(3):
        for j in range(3):
            transpose(w[i, j, :, :outputs], w_transposed[i, j, :, :inputs])
            w_transposed[i, j, :, inputs:] = 0


@numba.njit(**HELPER_OPTIONS)
def load_three(A: np.ndarray, i: int, stride: int, j: int) -> tuple:
    """The vectors at column j of the rows i, i + stride, i + 2 stride."""
    return load(A, i, j), load(A, i + stride, j), load(A, i + 2 * stride, j)


@numba.njit(**HELPER_OPTIONS)
def store_three(A: np.ndarray, i: int, stride: int, j: int, vectors: tuple) -> None:
    """The reverse of `load_three`."""
    store(A, i, j, vectors[0])
    store(A, i + stride, j, vectors[1])
    store(A, i + 2 * stride, j, vectors[2])
