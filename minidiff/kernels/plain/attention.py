"""Attention between the pixels of an image, several heads at a time (Vaswani et al., 2017, eq. 1).

For each image and head, with S = H W pixels and d channels per head, each line of the forward pass has one or two
lines in the backward pass, in reverse order:

    scores = q k'                            dq = dscores k,  dk = dscores' q
    P      = softmax(scores / sqrt(d))       dscores = P (dP - sum over the row of dP P) / sqrt(d)
    y      = P v                             dP = dy v',  dv = P' dy

Arrays: qkv (N, H, W, 3 C), q before k before v; y (N, H, W, C); scores and P (N, heads, S, S).

Read more: `tutorials/05_backpropagation.ipynb`.
"""

import numpy as np


def attention(qkv: np.ndarray, num_heads: int) -> np.ndarray:
    """y = softmax(q k' / sqrt(d)) v for every image and head, (N, H, W, C)."""
    N, H, W, C = qkv.shape[0], qkv.shape[1], qkv.shape[2], qkv.shape[3] // 3
    q, k, v = split_heads(qkv, num_heads)  # (N, heads, S, d) each
    scores = q @ k.swapaxes(2, 3)  # (N, heads, S, S)
    P = softmax(scores, (C // num_heads) ** -0.5)
    y = P @ v  # (N, heads, S, d)
    return y.transpose(0, 2, 1, 3).reshape(N, H, W, C)


def attention_backward(qkv: np.ndarray, num_heads: int, dy: np.ndarray) -> np.ndarray:
    """dqkv (N, H, W, 3 C), the gradient of `attention`, from dy (N, H, W, C)."""
    factor = (dy.shape[3] // num_heads) ** -0.5
    dqkv = np.empty_like(qkv)
    q, k, v = split_heads(qkv, num_heads)
    dq, dk, dv = split_heads(dqkv, num_heads)  # views of dqkv
    dy = dy.reshape(len(dy), -1, num_heads, q.shape[3]).transpose(0, 2, 1, 3)  # (N, heads, S, d)

    scores = q @ k.swapaxes(2, 3)
    P = softmax(scores, factor)

    dv[...] = P.swapaxes(2, 3) @ dy
    dP = dy @ v.swapaxes(2, 3)
    dscores = softmax_backward(P, factor, dP)
    dq[...] = dscores @ k
    dk[...] = dscores.swapaxes(2, 3) @ q
    return dqkv


def split_heads(qkv: np.ndarray, num_heads: int) -> np.ndarray:
    """q, k and v as views of qkv (N, H, W, 3 C): (3, N, heads, S, d)."""
    N, H, W, channels = qkv.shape
    return qkv.reshape(N, H * W, 3, num_heads, channels // (3 * num_heads)).transpose(2, 0, 3, 1, 4)


def softmax(z: np.ndarray, factor: float = 1.0) -> np.ndarray:
    """P_j = exp(factor z_j) / sum over k of exp(factor z_k), along the last axis.

    The maximum is subtracted first. It cancels in the ratio and keeps exp from overflowing.
    """
    exponentials = np.exp(factor * (z - z.max(axis=-1, keepdims=True)))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def softmax_backward(P: np.ndarray, factor: float, dP: np.ndarray) -> np.ndarray:
    """dz of `softmax`: with dP_j / dz_k = factor P_j (delta_jk - P_k), dz = factor P (dP - sum over k of dP_k P_k)."""
    return factor * P * (dP - (dP * P).sum(axis=-1, keepdims=True))
