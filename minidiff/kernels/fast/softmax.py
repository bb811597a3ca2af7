"""Softmax along the last axis, forward and backward, in place.

    P_j = exp(Z_j - m) / sum over k of exp(Z_k - m),     m = the largest Z_k

m cancels in the fraction; it keeps exp from overflowing. Backward: dP_j / dZ_k = P_j (delta_jk - P_k), so

    dZ = P * (dP - sum over k of dP_k P_k)

Both functions include the factor by which attention multiplies its scores.

Read more: `tutorials/05_backpropagation.ipynb`.
"""

import numba
import numpy as np

from minidiff.kernels.fast.exponential import exponential
from minidiff.kernels.fast.options import HELPER_OPTIONS

WIDTH = 32  # elements compared at a time; a multiple of the vector length


@numba.njit(**HELPER_OPTIONS)
def softmax(z: np.ndarray, factor: float) -> None:
    """Replaces each row of z (rows, n) by softmax(factor * row), in place; the factor is positive."""
    rows, n = z.shape
    factor = z.dtype.type(factor)
    for r in range(rows):
        largest = _largest(z, r)
        total = z.dtype.type(0)
        for i in range(n):
            z[r, i] = exponential(factor * (z[r, i] - largest))
            total += z[r, i]
        inverse = z.dtype.type(1) / total
        for i in range(n):
            z[r, i] *= inverse


@numba.njit(**HELPER_OPTIONS)
def _largest(z: np.ndarray, r: int) -> float:
    """The largest element of a row, by WIDTH maxima side by side.

    A sum may be computed in any order (`options.py`), but not a maximum, because of NaN. So the compiler would compare
    one element after the other, which takes longer than all the exponentials.
    """
    n = z.shape[1]
    largest = np.full(WIDTH, z[r, 0])
    for first in range(0, n - WIDTH + 1, WIDTH):
        for i in range(WIDTH):
            largest[i] = max(largest[i], z[r, first + i])
    for i in range(n // WIDTH * WIDTH, n):
        largest[0] = max(largest[0], z[r, i])
    for i in range(WIDTH):
        largest[0] = max(largest[0], largest[i])
    return largest[0]


@numba.njit(**HELPER_OPTIONS)
def softmax_backward(dp: np.ndarray, p: np.ndarray, factor: float) -> None:
    """Replaces dp (rows, n), the gradient with respect to softmax(factor z), by the one with respect to z, in place."""
    rows, n = p.shape
    factor = p.dtype.type(factor)
    for r in range(rows):
        inner = p.dtype.type(0)
        for i in range(n):
            inner += dp[r, i] * p[r, i]
        for i in range(n):
            dp[r, i] = factor * p[r, i] * (dp[r, i] - inner)
