"""The matrix product, for small matrices in a kernel.

    out[i, j] = sum over k of A[i, k] B[k, j]

NumPy's product (`np.matmul`) is as fast as the processor allows, but it is a call from Python: Winograd's convolution
would have to leave its loop for every piece of an image, and other threads would wait for it to come back.

What decides about the speed of a product is how often a number is fetched. Number by number, every multiplication
would need a load of A, of B and of the sum, and a store of the sum. Instead a *tile* of the result, ROWS rows of one
vector each, stays in registers until its sums are complete: for each k, one vector of B and ROWS numbers of A are
loaded, and they make ROWS vectors of products. So it is the arithmetic that takes the time, as it should.

B is read a few columns at a time. Where it has many columns, these lie far apart in memory, and crowd each other out
of the cache; *panels* are better, arrays (L, PANEL) of PANEL columns each, the last one filled up with zeros.

A tile that would stick out at the lower or right edge goes by a block of its own: rows beyond the last are the last
once more, columns beyond the last are zeros, and what belongs to the result is copied from there.

Read more: `tutorials/speed.md`; Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008.
"""

import numba
import numpy as np

from minidiff.kernels.options import KERNEL_OPTIONS
from minidiff.kernels.vectors import LANES, load, multiply_add, store, zeros

ROWS = 8  # of a tile
PANEL = 32  # columns of a panel, a multiple of LANES


@numba.njit(**KERNEL_OPTIONS)
def multiply(A, B, add, out):
    """out = A B, or out += A B.

    Args:
        A: (rows, L); also a transposed one, A.T.
        B: (L, columns), rows contiguous; more columns than out has are welcome: they spare the copy of the last ones.
        add: whether to add to what is in out.
        out: (rows, columns), rows contiguous, receives the result.
    """
    for j in range(0, out.shape[1], LANES):
        if j + LANES <= B.shape[1]:
            _multiply_strip(A, B, j, add, out, j)
        else:
            padded = np.zeros((B.shape[0], LANES), B.dtype)
            padded[:, : B.shape[1] - j] = B[:, j:]
            _multiply_strip(A, padded, 0, add, out, j)


@numba.njit(**KERNEL_OPTIONS)
def _multiply_strip(A, B, column, add, out, j):
    """LANES columns of the result, from j on, or as many as there are; B has them from `column` on."""
    height, width = out.shape[0], min(LANES, out.shape[1] - j)
    last = height - 1
    for i in range(0, height, ROWS):
        if i + ROWS <= height and width == LANES:
            rows = (i, i + 1, i + 2, i + 3, i + 4, i + 5, i + 6, i + 7)
            _tile(A, rows, B, column, add, out, i, j)
        else:
            block = np.empty((ROWS, LANES), out.dtype)
            rows = (
                i, min(i + 1, last), min(i + 2, last), min(i + 3, last),
                min(i + 4, last), min(i + 5, last), min(i + 6, last), min(i + 7, last),
            )  # fmt: skip
            _tile(A, rows, B, column, False, block, 0, 0)
            for r in range(min(ROWS, height - i)):
                for c in range(width):
                    out[i + r, j + c] = block[r, c] + out[i + r, j + c] if add else block[r, c]


@numba.njit(**KERNEL_OPTIONS)
def _tile(A, rows, B, column, add, out, i, j):
    """The given rows of A, times LANES columns of B from `column` on, to the place (i, j) of out."""
    r0, r1, r2, r3, r4, r5, r6, r7 = rows
    sum0 = sum1 = sum2 = sum3 = sum4 = sum5 = sum6 = sum7 = zeros(out)
    if add:
        sum0, sum1, sum2, sum3 = load(out, i, j), load(out, i + 1, j), load(out, i + 2, j), load(out, i + 3, j)
        sum4, sum5, sum6, sum7 = load(out, i + 4, j), load(out, i + 5, j), load(out, i + 6, j), load(out, i + 7, j)
    for k in range(B.shape[0]):
        vector = load(B, k, column)
        sum0 = multiply_add(A[r0, k], vector, sum0)
        sum1 = multiply_add(A[r1, k], vector, sum1)
        sum2 = multiply_add(A[r2, k], vector, sum2)
        sum3 = multiply_add(A[r3, k], vector, sum3)
        sum4 = multiply_add(A[r4, k], vector, sum4)
        sum5 = multiply_add(A[r5, k], vector, sum5)
        sum6 = multiply_add(A[r6, k], vector, sum6)
        sum7 = multiply_add(A[r7, k], vector, sum7)
    store(out, i, j, sum0), store(out, i + 1, j, sum1), store(out, i + 2, j, sum2), store(out, i + 3, j, sum3)
    store(out, i + 4, j, sum4), store(out, i + 5, j, sum5), store(out, i + 6, j, sum6), store(out, i + 7, j, sum7)
