"""The maps of Winograd's convolution F(4, 3) in one dimension: on a tile of six inputs, or of four outputs.

Four outputs of a convolution with three numbers are four sums of three products each, twelve multiplications. Seen as
polynomials, the tile and the kernel can be evaluated at the points 0, 1, -1, 2, -2 and infinity, multiplied there, and
interpolated: six multiplications. Evaluation and interpolation are linear, so each is a matrix (Lavin and Gray, 2016):

    y = A' ( (G w) * (B' x) ),      x (6,), w (3,), y (4,)

B' and A' hold small whole numbers. As functions of a tile's numbers they are written out below, with the sums that
several rows have in common computed once; each stands beside its transpose, which is what the gradient needs. They
take and return single numbers: the loops of `winograd.py` run them over whole rows of tiles, eight or more numbers at
a time, because a function this small is compiled into the loop that calls it.

Read more: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016; `tutorials/speed.md`.
"""

import numba
import numpy as np

from minidiff.kernels.options import KERNEL_OPTIONS

# The one-dimensional maps as numbers; the functions below are these matrices with their common parts computed once.
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
def b_transposed(x0, x1, x2, x3, x4, x5):
    """v = B' x: six inputs to six numbers of the transformed tile."""
    number = type(x0)  # a bare 4 would turn float32 into float64
    two, four, five = number(2), number(4), number(5)
    even, odd = x4 - four * x2, x3 - four * x1
    even2, odd2 = x4 - x2, two * (x3 - x1)
    v0 = four * x0 - five * x2 + x4
    v5 = four * x1 - five * x3 + x5
    return v0, even + odd, even - odd, even2 + odd2, even2 - odd2, v5


@numba.njit(**KERNEL_OPTIONS)
def b(v0, v1, v2, v3, v4, v5):
    """x = B v, the transpose of `b_transposed`."""
    number = type(v0)
    two, four, five = number(2), number(4), number(5)
    sum12, difference12 = v1 + v2, v1 - v2
    sum34, difference34 = v3 + v4, v3 - v4
    x1 = four * (v5 - difference12) - two * difference34
    x2 = -five * v0 - four * sum12 - sum34
    x3 = difference12 + two * difference34 - five * v5
    return four * v0, x1, x2, x3, v0 + sum12 + sum34, v5


@numba.njit(**KERNEL_OPTIONS)
def a_transposed(m0, m1, m2, m3, m4, m5):
    """y = A' m: six products to four outputs."""
    number = type(m0)
    two, four, eight = number(2), number(4), number(8)
    sum12, difference12 = m1 + m2, m1 - m2
    sum34, difference34 = m3 + m4, m3 - m4
    y1, y3 = difference12 + two * difference34, difference12 + eight * difference34 + m5
    return m0 + sum12 + sum34, y1, sum12 + four * sum34, y3


@numba.njit(**KERNEL_OPTIONS)
def a(y0, y1, y2, y3):
    """m = A y, the transpose of `a_transposed`."""
    number = type(y0)
    two, four = number(2), number(4)
    even, odd = y0 + y2, y1 + y3
    even2, odd2 = y0 + four * y2, two * (y1 + four * y3)
    return y0, even + odd, even - odd, even2 + odd2, even2 - odd2, y3


@numba.njit(**KERNEL_OPTIONS)
def g(w0, w1, w2):
    """u = G w: three numbers of a kernel to six."""
    number = type(w0)
    sixth, twenty_fourth, twelfth = number(1 / 6), number(1 / 24), number(1 / 12)
    even, odd = -sixth * (w0 + w2), -sixth * w1
    even2, odd2 = twenty_fourth * w0 + sixth * w2, twelfth * w1
    return number(0.25) * w0, even + odd, even - odd, even2 + odd2, even2 - odd2, w2


@numba.njit(**KERNEL_OPTIONS)
def g_transposed(u0, u1, u2, u3, u4, u5):
    """w = G' u, the transpose of `g`."""
    number = type(u0)
    sixth, twenty_fourth, twelfth = number(1 / 6), number(1 / 24), number(1 / 12)
    sum12, difference12 = sixth * (u1 + u2), sixth * (u1 - u2)
    sum34, difference34 = u3 + u4, u3 - u4
    w0 = number(0.25) * u0 - sum12 + twenty_fourth * sum34
    return w0, twelfth * difference34 - difference12, sixth * sum34 - sum12 + u5
