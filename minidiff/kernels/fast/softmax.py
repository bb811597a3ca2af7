"""Softmax along the last axis, in place. Plain version: `softmax` in `plain/attention.py`.

    P_j = exp(s_j - m) / sum over k of exp(s_k - m),     m = the largest score s_k

m cancels in the fraction; it keeps exp from overflowing. Backward: dP_j / ds_k = P_j (delta_jk - P_k), so

    ds = P * (dP - sum over k of dP_k P_k)

Both functions include the factor by which attention multiplies its scores.

Read more: `tutorials/05_backpropagation.ipynb`.
"""

import numba
import numpy as np

from minidiff.kernels.fast.exponential import exponential
from minidiff.kernels.fast.options import HELPER_OPTIONS

WIDTH = 32  # elements compared at a time; a multiple of the vector length


@numba.njit(**HELPER_OPTIONS)
def softmax(scores: np.ndarray, factor: float) -> None:
    """Replaces each row of scores (rows, n) by softmax(factor * row), in place; the factor is positive."""
    rows, n = scores.shape
    factor = scores.dtype.type(factor)
    for r in range(rows):
        largest = _largest(scores, r)
        total = scores.dtype.type(0)
        for i in range(n):
            scores[r, i] = exponential(factor * (scores[r, i] - largest))
            total += scores[r, i]
        inverse = scores.dtype.type(1) / total
        for i in range(n):
            scores[r, i] *= inverse


@numba.njit(**HELPER_OPTIONS)
def _largest(scores: np.ndarray, r: int) -> float:
    """The largest element of a row, by WIDTH maxima side by side.

    A sum may be computed in any order (`options.py`), but not a maximum, because of NaN. So the compiler would compare
    one element after the other, which takes longer than all the exponentials.
    """
    n = scores.shape[1]
    largest = np.full(WIDTH, scores[r, 0])
    for first in range(0, n - WIDTH + 1, WIDTH):
        for i in range(WIDTH):
            largest[i] = max(largest[i], scores[r, first + i])
    for i in range(n // WIDTH * WIDTH, n):
        largest[0] = max(largest[0], scores[r, i])
    for i in range(WIDTH):
        largest[0] = max(largest[0], largest[i])
    return largest[0]


@numba.njit(**HELPER_OPTIONS)
def softmax_backward(P: np.ndarray, dP: np.ndarray, factor: float) -> None:
    """Overwrites dP (rows, n), the gradient with respect to P = softmax(factor scores), by that of the scores."""
    rows, n = P.shape
    factor = P.dtype.type(factor)
    for r in range(rows):
        inner = P.dtype.type(0)
        for i in range(n):
            inner += dP[r, i] * P[r, i]
        for i in range(n):
            dP[r, i] = factor * P[r, i] * (dP[r, i] - inner)
