"""The attention of the fast set: scores, softmax and weighted sums in one kernel. Plain version: `plain/attention.py`.

For each image and head, with S pixels and d channels per head (Vaswani et al., 2017, eq. 1):

    scores = q k'  (S, S)        P = softmax(factor scores)  (S, S)        y = P v  (S, d)

    dv = P' dy      dP = dy v'      dscores = backward through factor and softmax (`softmax.py`)
    dq = dscores k      dk = dscores' q

The weights P are by far the largest array here, with S values for each pixel. So only a *block* of BLOCK_ROWS rows,
which belong to as many pixels of q and y, exists at a time. It is computed, used and overwritten by the next one while
it is in the cache. The backward pass computes it again. This is the idea of FlashAttention, which also splits the
columns.

Arrays: q, k, v, y and their gradients (N, heads, S, d), which may be views of larger arrays if the channels of a head
are contiguous.

Read more: `tutorials/05_backpropagation.ipynb`; Dao et al., "FlashAttention", 2022.
"""

import numba
import numpy as np

from minidiff.kernels.buffers import Buffers
from minidiff.kernels.fast.options import KERNEL_OPTIONS
from minidiff.kernels.fast.products import multiply
from minidiff.kernels.fast.softmax import softmax, softmax_backward

BLOCK_ROWS = 64  # rows of the weights that are computed at a time


def attention(buffers: Buffers, qkv: np.ndarray, num_heads: int) -> np.ndarray:
    """y (N, H, W, C) of `plain.attention.attention`, with BLOCK_ROWS rows of the weights at a time."""
    N, H, W, channels = qkv.shape
    q, k, v = split_heads(qkv, num_heads)
    y = buffers.empty((N, H, W, channels // 3), qkv.dtype)
    attend(q, k, v, q.shape[3] ** -0.5, heads_of(y, num_heads))
    return y


def attention_backward(buffers: Buffers, qkv: np.ndarray, num_heads: int, dy: np.ndarray) -> np.ndarray:
    """dqkv (N, H, W, 3 C) of `plain.attention.attention_backward`; each block of the weights is computed again."""
    q, k, v = split_heads(qkv, num_heads)
    dqkv = buffers.empty(qkv.shape, qkv.dtype)
    dq, dk, dv = split_heads(dqkv, num_heads)
    attend_backward(q, k, v, q.shape[3] ** -0.5, heads_of(dy, num_heads), dq, dk, dv)
    return dqkv


def heads_of(h: np.ndarray, num_heads: int) -> np.ndarray:
    """A view of (N, H, W, C) as (N, heads, S, d)."""
    N, H, W, C = h.shape
    return h.reshape(N, H * W, num_heads, C // num_heads).transpose(0, 2, 1, 3)


def split_heads(qkv: np.ndarray, num_heads: int) -> np.ndarray:
    """A view of (N, H, W, 3C) as q, k and v, each (N, heads, S, d)."""
    N, H, W, channels = qkv.shape
    return qkv.reshape(N, H * W, 3, num_heads, channels // (3 * num_heads)).transpose(2, 0, 3, 1, 4)


@numba.njit(**KERNEL_OPTIONS)
def attend(q: np.ndarray, k: np.ndarray, v: np.ndarray, factor: float, y: np.ndarray) -> None:
    """y = softmax(factor q k') v for every image and head.

    Args:
        q, k, v: (N, heads, S, d).
        factor: for the scores, 1 / sqrt(d).
        y: (N, heads, S, d), receives the result.
    """
    N, heads, S, _ = q.shape
    weights = np.empty((BLOCK_ROWS, S), q.dtype)
    for n in range(N):
        for head in range(heads):
            k_transposed = k[n, head].T.copy()  # (d, S)
            for first in range(0, S, BLOCK_ROWS):
                rows = slice(first, min(first + BLOCK_ROWS, S))
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
    weights, dweights = np.empty((BLOCK_ROWS, S), q.dtype), np.empty((BLOCK_ROWS, S), q.dtype)
    for n in range(N):
        for head in range(heads):
            k_transposed, v_transposed = k[n, head].T.copy(), v[n, head].T.copy()  # (d, S)
            for first in range(0, S, BLOCK_ROWS):
                rows = slice(first, min(first + BLOCK_ROWS, S))
                P, dP = weights[: rows.stop - first], dweights[: rows.stop - first]
                multiply(q[n, head, rows], k_transposed, False, P)  # scores = q k'
                softmax(P, factor)
                multiply(P.T, dy[n, head, rows], first > 0, dv[n, head])  # dv = P' dy
                multiply(dy[n, head, rows], v_transposed, False, dP)  # dP = dy v'
                softmax_backward(P, dP, factor)  # now dscores
                multiply(dP, k[n, head], False, dq[n, head, rows])  # dq = dscores k
                multiply(dP.T, q[n, head, rows], first > 0, dk[n, head])  # dk = dscores' q
