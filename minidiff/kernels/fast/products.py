"""The matrix product, for small matrices in a kernel. Plain version: `multiply_naive`.

    out[i, j] = sum over k of A[i, k] B[k, j]

NumPy's product (`np.matmul`) is as fast as the processor allows, but it is a call from Python. Winograd's convolution
would have to return to Python for every block of an image, attention and Muon for every small matrix, and wait there
whenever another thread holds the GIL.

The speed of a product depends on how often an element is loaded. The naive loops load two elements for every
multiplication. Here a *tile* of the result, ROWS rows of one vector each, stays in registers until its sums are
complete: for each k, one vector of B and ROWS elements of A are loaded and give ROWS vectors of products. So the time
is spent on arithmetic.

Tiles are computed from top to bottom, so B is read in strips of LANES columns. In a wide B, the rows of a strip are far
apart and compete for the same few lines of the cache. A *panel*, a matrix of PANEL columns, is read faster;
`winograd_convolution.py` and `linear.py` store their matrices in panels.

A tile that would extend beyond the lower or right edge of the result is computed in a small array beside it: missing
rows of A are replaced by its last one, missing columns of B by zeros, and only the part inside the result is copied.
Nothing checks that the shapes fit each other.

Read more: `tutorials/speed.md`; Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008.
"""

import numba
import numpy as np

from minidiff.kernels.fast.options import HELPER_OPTIONS, KERNEL_OPTIONS
from minidiff.kernels.fast.vectors import LANES, load, store, zeros

ROWS = 8  # of a tile: as many as `_tile` has variables
PANEL = 32  # columns of a panel: LANES, or several times that


def number_of_panels(columns: int) -> int:
    """The number of panels that so many columns need."""
    return -(-columns // PANEL)


@numba.njit(**KERNEL_OPTIONS)
def multiply_naive(A: np.ndarray, B: np.ndarray, add: bool, out: np.ndarray) -> None:
    """out = A B, or out += A B: the reference implementation of `multiply`, with the same arguments."""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            total = out[i, j] if add else out.dtype.type(0)
            for k in range(A.shape[1]):
                total += A[i, k] * B[k, j]
            out[i, j] = total


@numba.njit(**HELPER_OPTIONS)
def multiply(A: np.ndarray, B: np.ndarray, add: bool, out: np.ndarray) -> None:
    """out = A B, or out += A B, tile by tile.

    Args:
        A: (I, L), or a transposed (L, I) as A.T.
        B: (L, J), rows contiguous; more rows and columns are ignored.
        add: whether to add to out.
        out: (I, J), rows contiguous, receives the result; it must not overlap A or B.
    """
    # Numba compiles a function for each memory layout. Slices have the most general one, so all arrays are sliced, even
    # where nothing is cut off
    rows, inner, columns = out.shape[0], A.shape[1], B.shape[1]
    _multiply(A[:rows, :inner], B[:inner, :columns], bool(add), out[:rows, : out.shape[1]])


@numba.njit(**HELPER_OPTIONS)
def _multiply(A: np.ndarray, B: np.ndarray, add: bool, out: np.ndarray) -> None:
    """`multiply`, strip by strip of LANES columns, and tile by tile down a strip."""
    height, width = out.shape
    whole = height - height % ROWS
    for j in range(0, width, LANES):
        strip, column, first_edge = B, j, whole
        if j + LANES > width:
            padded = np.zeros((B.shape[0], LANES), out.dtype)
            for k in range(B.shape[0]):
                for c in range(width - j):
                    padded[k, c] = B[k, j + c]
            strip, column, first_edge = padded[:, :LANES], 0, 0  # every tile is at the edge
        for i in range(0, first_edge, ROWS):
            _tile(A, (i, i + 1, i + 2, i + 3, i + 4, i + 5, i + 6, i + 7), strip, column, add, out, i, j)
        for i in range(first_edge, height, ROWS):
            _edge(A, strip, column, add, out, i, j)


@numba.njit(**HELPER_OPTIONS)
def _edge(A: np.ndarray, B: np.ndarray, column: int, add: bool, out: np.ndarray, i: int, j: int) -> None:
    """`_tile` for a tile that extends beyond the result: computed in an array beside it and copied from there."""
    last = out.shape[0] - 1
    rows = (
        i, min(i + 1, last), min(i + 2, last), min(i + 3, last),
        min(i + 4, last), min(i + 5, last), min(i + 6, last), min(i + 7, last),
    )  # fmt: skip
    block = np.empty((ROWS, LANES), out.dtype)
    _tile(A, rows, B, column, False, block[:, :LANES], 0, 0)
    for r in range(min(ROWS, out.shape[0] - i)):
        for c in range(min(LANES, out.shape[1] - j)):
            out[i + r, j + c] = block[r, c] + (out[i + r, j + c] if add else 0)


@numba.njit(**HELPER_OPTIONS)
def _tile(
    A: np.ndarray, rows: tuple, B: np.ndarray, column: int, add: bool, out: np.ndarray, i: int, j: int,
) -> None:  # fmt: skip
    """Computes the given rows of A, times LANES columns of B from `column` on, and writes them to out at (i, j)."""
    # Eight variables, because an array of eight would be in memory
    r0, r1, r2, r3, r4, r5, r6, r7 = rows
    sum0 = sum1 = sum2 = sum3 = sum4 = sum5 = sum6 = sum7 = zeros(out)
    if add:
        sum0, sum1, sum2, sum3 = load(out, i, j), load(out, i + 1, j), load(out, i + 2, j), load(out, i + 3, j)
        sum4, sum5, sum6, sum7 = load(out, i + 4, j), load(out, i + 5, j), load(out, i + 6, j), load(out, i + 7, j)
    for k in range(B.shape[0]):
        vector = load(B, k, column)
        sum0 = sum0 + A[r0, k] * vector
        sum1 = sum1 + A[r1, k] * vector
        sum2 = sum2 + A[r2, k] * vector
        sum3 = sum3 + A[r3, k] * vector
        sum4 = sum4 + A[r4, k] * vector
        sum5 = sum5 + A[r5, k] * vector
        sum6 = sum6 + A[r6, k] * vector
        sum7 = sum7 + A[r7, k] * vector
    store(out, i, j, sum0)
    store(out, i + 1, j, sum1)
    store(out, i + 2, j, sum2)
    store(out, i + 3, j, sum3)
    store(out, i + 4, j, sum4)
    store(out, i + 5, j, sum5)
    store(out, i + 6, j, sum6)
    store(out, i + 7, j, sum7)
