"""Convolution in two ways: as its formula, and as one matrix product (im2col). A third way is in `winograd.py`.

A convolution with k x k weights and stride s, padded by k // 2 zeros on every side:

    y[n, h, v, :] = b + sum over i, j of  x[n, s h + i - k//2, s v + j - k//2, :] @ w[i, j]

h counts rows and v columns of y; pixels outside of x are zero. `convolve_naive` is that formula, and
`convolve_naive_backward` its derivative. Every faster convolution is tested against them.

im2col copies the k*k inputs of every output pixel into one row, so that the sum over i, j and the channels becomes one
matrix product, columns @ weight. In the backward pass, dweight = columns' dy and dcolumns = dy weight', as for a linear
map, and `col2im`, the transpose of the copy, adds each element to the pixel that it was copied from.

Arrays: x (N, H, W, C); w (k, k, C, K); b (K,); y (N, H', W', K) with H' = ceil(H / s), in code -(-H // s).

Read more: `tutorials/06_convolution.ipynb`; Chellapilla, Puri, Simard, "High Performance Convolutional Neural Networks
for Document Processing", 2006.
"""

import numba
import numpy as np


def convolve(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int = 1, residual: np.ndarray | None = None
) -> np.ndarray:
    """y = conv(x, w) + b (+ residual), by im2col.

    Args:
        x: images (N, H, W, C), float32 or float64.
        w: weights (k, k, C, K), k odd.
        b: bias (K,).
        stride: 1 or 2.
        residual: (N, ceil(H / stride), ceil(W / stride), K), added to the result.

    Returns:
        y (N, H', W', K).
    """
    y = convolve_im2col(x, w, stride)
    y += b
    return y if residual is None else y + residual


def convolve_backward(
    x: np.ndarray, w: np.ndarray, dy: np.ndarray, stride: int, dw: np.ndarray, db: np.ndarray
) -> np.ndarray:
    """The gradients of `convolve`. That of the residual is dy.

    Args:
        x, w, stride: as in `convolve`.
        dy: gradient with respect to y, of y's shape.
        dw, db: (k, k, C, K) and (K,); the gradients with respect to w and b are added.

    Returns:
        dx (N, H, W, C).
    """
    db += dy.sum(axis=(0, 1, 2))
    return convolve_im2col_backward(x, w, dy, stride, dw)


def convolve_im2col(x: np.ndarray, w: np.ndarray, stride: int) -> np.ndarray:
    """conv(x, w) as one matrix product."""
    k, _, C, K = w.shape
    N, H, W, _ = x.shape
    columns = im2col(x, k, stride)  # (N H' W', k k C)
    return (columns @ w.reshape(k * k * C, K)).reshape(N, -(-H // stride), -(-W // stride), K)


def convolve_im2col_backward(x: np.ndarray, w: np.ndarray, dy: np.ndarray, stride: int, dw: np.ndarray) -> np.ndarray:
    """The gradients of `convolve_im2col`: dw is added to, dx is returned."""
    k, _, C, K = w.shape
    dy_rows = dy.reshape(-1, K)
    dw += (im2col(x, k, stride).T @ dy_rows).reshape(w.shape)
    dcolumns = dy_rows @ w.reshape(k * k * C, K).T
    return col2im(dcolumns, x.shape, k, stride)


# Numba compiles the loops. nogil: other threads run meanwhile; cache: the compiled code is kept on disk.
@numba.njit(nogil=True, cache=True)
def convolve_naive(x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int) -> np.ndarray:
    """conv(x, w) + b as its formula: seven loops."""
    N, H, W, C = x.shape
    k, _, _, K = w.shape
    y = np.empty((N, -(-H // stride), -(-W // stride), K), x.dtype)
    for n in range(N):
        for h in range(y.shape[1]):
            for v in range(y.shape[2]):
                y[n, h, v] = b
                for i in range(k):
                    for j in range(k):
                        row, column = stride * h + i - k // 2, stride * v + j - k // 2
                        if 0 <= row < H and 0 <= column < W:
                            for c in range(C):
                                for o in range(K):
                                    y[n, h, v, o] += x[n, row, column, c] * w[i, j, c, o]
    return y


@numba.njit(nogil=True, cache=True)
def convolve_naive_backward(x: np.ndarray, w: np.ndarray, stride: int, dy: np.ndarray) -> tuple:
    """Returns dx, dw and db of `convolve_naive`. The derivative of x w is w with respect to x, and x with respect to w,
    so each factor gets dy times the other one.
    """
    N, H, W, C = x.shape
    k, _, _, K = w.shape
    dx, dw, db = np.zeros_like(x), np.zeros_like(w), np.zeros(K, x.dtype)
    for n in range(N):
        for h in range(dy.shape[1]):
            for v in range(dy.shape[2]):
                db += dy[n, h, v]
                for i in range(k):
                    for j in range(k):
                        row, column = stride * h + i - k // 2, stride * v + j - k // 2
                        if 0 <= row < H and 0 <= column < W:
                            for c in range(C):
                                for o in range(K):
                                    dx[n, row, column, c] += dy[n, h, v, o] * w[i, j, c, o]
                                    dw[i, j, c, o] += dy[n, h, v, o] * x[n, row, column, c]
    return dx, dw, db


def im2col(x: np.ndarray, k: int, stride: int) -> np.ndarray:
    """The k x k x C inputs of every output pixel, one row each, zeros outside of the image: (N H' W', k k C)."""
    N, H, W, C = x.shape
    padded = np.pad(x, ((0, 0), (k // 2, k // 2), (k // 2, k // 2), (0, 0)))
    columns = np.empty((N, -(-H // stride), -(-W // stride), k, k, C), x.dtype)
    for i in range(k):
        for j in range(k):  # row s h + i of the padded image is row s h + i - k//2 of x
            columns[:, :, :, i, j] = padded[:, i : i + H : stride, j : j + W : stride]
    return columns.reshape(-1, k * k * C)


def col2im(dcolumns: np.ndarray, shape: tuple[int, int, int, int], k: int, stride: int) -> np.ndarray:
    """The transpose of `im2col`: every element of dcolumns is added to the pixel of dx that it was copied from."""
    N, H, W, C = shape
    dpadded = np.zeros((N, H + k - 1, W + k - 1, C), dcolumns.dtype)
    dcolumns = dcolumns.reshape(N, -(-H // stride), -(-W // stride), k, k, C)
    for i in range(k):
        for j in range(k):
            dpadded[:, i : i + H : stride, j : j + W : stride] += dcolumns[:, :, :, i, j]
    return dpadded[:, k // 2 : k // 2 + H, k // 2 : k // 2 + W]
