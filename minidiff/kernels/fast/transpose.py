"""Transposing a matrix, block by block. Plain version: `out[...] = A.T`.

The elements of a row go to different rows. Element by element, that takes longer than the arithmetic on a small matrix.
A block of SIDE x SIDE elements is transposed in registers instead (`transpose_block` in `vectors.py`).
"""

import numba
import numpy as np

from minidiff.kernels.fast.options import HELPER_OPTIONS
from minidiff.kernels.fast.vectors import SIDE, transpose_block


@numba.njit(**HELPER_OPTIONS)
def transpose(A: np.ndarray, out: np.ndarray) -> None:
    """out = A'.

    Args:
        A: (rows, columns), rows contiguous.
        out: (columns, rows), rows contiguous, receives the result.
    """
    rows, columns = A.shape
    whole_rows, whole_columns = rows - rows % SIDE, columns - columns % SIDE
    for i in range(0, whole_rows, SIDE):
        for j in range(0, whole_columns, SIDE):
            transpose_block(A, i, j, out)
        for j in range(whole_columns, columns):
            for r in range(i, i + SIDE):
                out[j, r] = A[r, j]
    for i in range(whole_rows, rows):
        for j in range(columns):
            out[j, i] = A[i, j]
