"""Softmax along the last axis, forward and backward, in place.

    P_j = exp(Z_j - m) / sum over k of exp(Z_k - m),     m = the largest Z_k

m changes nothing, for it cancels, but keeps exp from overflowing. Backward: dP_j / dZ_k = P_j (delta_jk - P_k), so

    dZ = P * (dP - sum over k of dP_k P_k)

Both multiply by the factor that attention applies to its scores, on the way in and on the way out.

Read more: `tutorials/05_backpropagation.ipynb`.
"""

import numba
import numpy as np

from minidiff.kernels.exponential import exponential
from minidiff.kernels.options import KERNEL_OPTIONS

PLACES = 32  # numbers compared at a time; any whole vectors would do


@numba.njit(**KERNEL_OPTIONS)
def softmax(z, factor):
    """Each row of z (rows, n) becomes softmax(factor * row), in place; the factor is positive."""
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


@numba.njit(**KERNEL_OPTIONS)
def _largest(z, r):
    """The largest number of a row, found at PLACES places of it at once.

    A sum may be taken in any order (`options.py`), a maximum may not, because of NaN: so the compiler would compare
    number after number, which took longer than all the exponentials.
    """
    n = z.shape[1]
    largest = np.full(PLACES, z[r, 0])
    for first in range(0, n - PLACES + 1, PLACES):
        for i in range(PLACES):
            largest[i] = max(largest[i], z[r, first + i])
    for i in range(n // PLACES * PLACES, n):
        largest[0] = max(largest[0], z[r, i])
    for i in range(PLACES):
        largest[0] = max(largest[0], largest[i])
    return largest[0]


@numba.njit(**KERNEL_OPTIONS)
def softmax_backward(dp, p, factor):
    """Each row of dp (rows, n), the gradient by the softmax p (rows, n), becomes that by z, in place."""
    rows, n = p.shape
    factor = p.dtype.type(factor)
    for r in range(rows):
        inner = p.dtype.type(0)
        for i in range(n):
            inner += dp[r, i] * p[r, i]
        for i in range(n):
            dp[r, i] = factor * p[r, i] * (dp[r, i] - inner)
