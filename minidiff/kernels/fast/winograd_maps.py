"""Winograd's maps in one dimension, written out. Plain version: the matrices A, B and G of `plain/winograd.py`.

Four outputs of a convolution with three weights are four sums of three products each, twelve multiplications. Six are
enough. The product of two polynomials, with four and with three coefficients, can be computed by evaluating both at the
points 0, 1, -1, 2, -2 and infinity (A and G), multiplying the values, and interpolating (B). For a constant w, that is
a linear map from four values to six, and its transpose, from six values to four, is the convolution. So the matrices
are transposed and in the opposite order (Lavin and Gray, 2016; derived in `tutorials/06_convolution.ipynb`):

    y = A' ( (G w) * (B' x) ),      x (6,), w (3,), y (4,),      ' is the transpose

B and A contain small integers, G fractions. The functions below write the maps out, and compute sums that several rows
have in common only once. Each stands beside its transpose, which the gradient needs. In `winograd.py`, every value is a
vector (`vectors.py`), with one element per channel; the compiler inlines these functions.

Read more: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016; `tutorials/speed.md`.
"""

from typing import Any

import numba

from minidiff.kernels.fast.options import HELPER_OPTIONS

Value = Any  # a float, or a vector of `vectors.py`


@numba.njit(**HELPER_OPTIONS)
def b_transposed(x0: Value, x1: Value, x2: Value, x3: Value, x4: Value, x5: Value) -> tuple:
    """v = B' x: six inputs to six values of the transformed tile."""
    even, odd = x4 - 4 * x2, x3 - 4 * x1
    even2, odd2 = x4 - x2, 2 * (x3 - x1)
    v0 = 4 * x0 - 5 * x2 + x4
    v5 = 4 * x1 - 5 * x3 + x5
    return v0, even + odd, even - odd, even2 + odd2, even2 - odd2, v5


@numba.njit(**HELPER_OPTIONS)
def b(v0: Value, v1: Value, v2: Value, v3: Value, v4: Value, v5: Value) -> tuple:
    """x = B v, the transpose of `b_transposed`."""
    sum12, difference12 = v1 + v2, v1 - v2
    sum34, difference34 = v3 + v4, v3 - v4
    x1 = 4 * (v5 - difference12) - 2 * difference34
    x2 = -5 * v0 - 4 * sum12 - sum34
    x3 = difference12 + 2 * difference34 - 5 * v5
    return 4 * v0, x1, x2, x3, v0 + sum12 + sum34, v5


@numba.njit(**HELPER_OPTIONS)
def a_transposed(m0: Value, m1: Value, m2: Value, m3: Value, m4: Value, m5: Value) -> tuple:
    """y = A' m: six products to four outputs."""
    sum12, difference12 = m1 + m2, m1 - m2
    sum34, difference34 = m3 + m4, m3 - m4
    y1, y3 = difference12 + 2 * difference34, difference12 + 8 * difference34 + m5
    return m0 + sum12 + sum34, y1, sum12 + 4 * sum34, y3


@numba.njit(**HELPER_OPTIONS)
def a(y0: Value, y1: Value, y2: Value, y3: Value) -> tuple:
    """m = A y, the transpose of `a_transposed`."""
    even, odd = y0 + y2, y1 + y3
    even2, odd2 = y0 + 4 * y2, 2 * (y1 + 4 * y3)
    return y0, even + odd, even - odd, even2 + odd2, even2 - odd2, y3


@numba.njit(**HELPER_OPTIONS)
def g(w0: Value, w1: Value, w2: Value) -> tuple:
    """u = G w: three weights to six values."""
    even, odd = -1 / 6 * (w0 + w2), -1 / 6 * w1
    even2, odd2 = 1 / 24 * w0 + 1 / 6 * w2, 1 / 12 * w1
    return 1 / 4 * w0, even + odd, even - odd, even2 + odd2, even2 - odd2, w2


@numba.njit(**HELPER_OPTIONS)
def g_transposed(u0: Value, u1: Value, u2: Value, u3: Value, u4: Value, u5: Value) -> tuple:
    """w = G' u, the transpose of `g`."""
    sum12, difference12 = 1 / 6 * (u1 + u2), 1 / 6 * (u1 - u2)
    sum34, difference34 = u3 + u4, u3 - u4
    w0 = 1 / 4 * u0 - sum12 + 1 / 24 * sum34
    return w0, 1 / 12 * difference34 - difference12, 1 / 6 * sum34 - sum12 + u5
