"""Attention between the pixels of an image, several heads at a time (Vaswani et al., 2017, eq. 1).

For each image and head, with S = H W pixels and d channels per head. On the right are the gradients of each step on the
left; read the right side from the bottom up:

    scores = q k' / sqrt(d)        dq = dscores k / sqrt(d),  dk = dscores' q / sqrt(d)
    P      = softmax(scores)       dscores = P * (dP - sum of dP * P over each row)
    y      = P v                   dP = dy v',  dv = P' dy                              (' is the transpose)

Arrays: qkv (N, H, W, 3 C), q before k before v; y (N, H, W, C); scores and P (N, heads, S, S).

Read more: `tutorials/05_backpropagation.ipynb`.
"""

import math

import numpy as np


def attention(qkv: np.ndarray, num_heads: int) -> np.ndarray:
    """y = softmax(q k' / sqrt(d)) v for every image and head, (N, H, W, C)."""
    N, H, W, _ = qkv.shape
    q, k, v = split_heads(qkv, num_heads)  # (N, heads, S, d) each
    factor = 1 / math.sqrt(q.shape[3])
    P = softmax(q @ k.swapaxes(2, 3) * factor)  # (N, heads, S, S)
    y = P @ v  # (N, heads, S, d)
    return y.transpose(0, 2, 1, 3).reshape(N, H, W, -1)  # (N, S, heads, d) to (N, H, W, C)


def attention_backward(qkv: np.ndarray, num_heads: int, dy: np.ndarray) -> np.ndarray:
    """dqkv (N, H, W, 3 C), the gradient of `attention`, from dy (N, H, W, C)."""
    q, k, v = split_heads(qkv, num_heads)
    dqkv = np.empty(qkv.shape, qkv.dtype)
    dq, dk, dv = split_heads(dqkv, num_heads)  # views: writing to them writes to dqkv
    dy = dy.reshape(len(dy), -1, num_heads, q.shape[3]).transpose(0, 2, 1, 3)  # (N, heads, S, d)
    factor = 1 / math.sqrt(q.shape[3])
    P = softmax(q @ k.swapaxes(2, 3) * factor)  # computed again instead of stored

    dv[...] = P.swapaxes(2, 3) @ dy  # y = P v
    dP = dy @ v.swapaxes(2, 3)
    dscores = softmax_backward(P, dP)  # P = softmax(scores)
    dq[...] = factor * dscores @ k  # scores = q k' / sqrt(d)
    dk[...] = factor * dscores.swapaxes(2, 3) @ q
    return dqkv


def split_heads(qkv: np.ndarray, num_heads: int) -> np.ndarray:
    """q, k and v as views of qkv (N, H, W, 3 C): (3, N, heads, S, d)."""
    N, H, W, channels = qkv.shape
    # (N, S, 3, heads, d) to (3, N, heads, S, d)
    return qkv.reshape(N, H * W, 3, num_heads, channels // (3 * num_heads)).transpose(2, 0, 3, 1, 4)


def softmax(scores: np.ndarray) -> np.ndarray:
    """P_j = exp(s_j) / sum over k of exp(s_k), along the last axis, for scores s.

    The maximum is subtracted first. It cancels in the ratio and keeps exp from overflowing.
    """
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def softmax_backward(P: np.ndarray, dP: np.ndarray) -> np.ndarray:
    """dscores of `softmax`. The derivative of P_k with respect to s_j is P_k (1 - P_k) if j = k and -P_k P_j otherwise.

    ds_j = sum over k of dP_k (derivative of P_k with respect to s_j) = P_j (dP_j - sum over k of dP_k P_k)
    """
    return P * (dP - (dP * P).sum(axis=-1, keepdims=True))
