"""Attention from end to end: the scores, their softmax, and the weighted sums of the values.

For each image and head, with S pixels and d channels per head (Vaswani et al., 2017, eq. 1):

    scores = q k'  (S, S)        P = softmax(factor scores)  (S, S)        y = P v  (S, d)

    dv = P' dy      dP = dy v'      dscores = backward through factor and softmax (`softmax.py`)
    dq = dscores k      dk = dscores' q

The weights P are by far the largest array here, with S values for each pixel. So only a *block* of BLOCK rows, which
belong to BLOCK pixels of q and y, exists at a time. It is computed, used and overwritten by the next one while it is in
the cache. The backward pass computes it again. This is the idea of FlashAttention, which also splits the columns.

Arrays: q, k, v, y and their gradients (N, heads, S, d), which may be views of larger arrays if the channels of a head
are contiguous.

Read more: `tutorials/05_backpropagation.ipynb`; Dao et al., "FlashAttention", 2022.
"""

import numba
import numpy as np

from minidiff.kernels.options import KERNEL_OPTIONS
from minidiff.kernels.products import multiply
from minidiff.kernels.softmax import softmax, softmax_backward

BLOCK = 64  # rows of the weights that are computed at a time


@numba.njit(**KERNEL_OPTIONS)
def attend(q: np.ndarray, k: np.ndarray, v: np.ndarray, factor: float, y: np.ndarray) -> None:
    """y = softmax(factor q k') v for every image and head.

    Args:
        q, k, v: (N, heads, S, d).
        factor: for the scores, 1 / sqrt(d).
        y: (N, heads, S, d), receives the result.
    """
    N, heads, S, _ = q.shape
    weights = np.empty((BLOCK, S), q.dtype)
    for n in range(N):
        for head in range(heads):
            k_transposed = k[n, head].T.copy()  # (d, S)
            for first in range(0, S, BLOCK):
                rows = slice(first, min(first + BLOCK, S))
                P = weights[: rows.stop - first]
                multiply(q[n, head, rows], k_transposed, False, P)  # scores = q k'
                softmax(P, factor)
                multiply(P, v[n, head], False, y[n, head, rows])  # y = P v


@numba.njit(**KERNEL_OPTIONS)
def attend_backward(
    q: np.ndarray, k: np.ndarray, v: np.ndarray, factor: float, dy: np.ndarray, dq: np.ndarray, dk: np.ndarray,
    dv: np.ndarray,
) -> None:  # fmt: skip
    """The backward pass of `attend`.

    Args:
        q, k, v, factor: as in `attend`.
        dy: (N, heads, S, d).
        dq, dk, dv: (N, heads, S, d), receive the gradients with respect to q, k and v.
    """
    N, heads, S, _ = q.shape
    weights, dweights = np.empty((BLOCK, S), q.dtype), np.empty((BLOCK, S), q.dtype)
    for n in range(N):
        for head in range(heads):
            k_transposed, v_transposed = k[n, head].T.copy(), v[n, head].T.copy()  # (d, S)
            for first in range(0, S, BLOCK):
                rows = slice(first, min(first + BLOCK, S))
                P, dP = weights[: rows.stop - first], dweights[: rows.stop - first]
                multiply(q[n, head, rows], k_transposed, False, P)  # scores = q k'
                softmax(P, factor)
                multiply(P.T, dy[n, head, rows], first > 0, dv[n, head])  # dv = P' dy
                multiply(dy[n, head, rows], v_transposed, False, dP)  # dP = dy v'
                softmax_backward(dP, P, factor)  # now dscores
                multiply(dP, k[n, head], False, dq[n, head, rows])  # dq = dscores k
                multiply(dP.T, q[n, head, rows], first > 0, dk[n, head])  # dk = dscores' q
