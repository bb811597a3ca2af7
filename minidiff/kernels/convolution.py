"""Convolution as loops, and convolution as one matrix product (im2col).

A convolution with a k x k weight and stride s, padded with k // 2 zeros on every side:

    y[n, h, w, :] = bias + sum over i, j of  x[n, s h + i - k//2, s w + j - k//2, :] @ weight[i, j]

`convolve_naive` is this formula and `convolve_naive_backward` its derivative: the reference implementation that the
faster convolutions are tested against.

im2col copies the k*k*C inputs of every output pixel into one row, so that the sum over i, j and the channels becomes
one matrix product, columns @ weight. Its backward pass is the transposed product, followed by `col2im`, which adds
every element back to the pixel it was copied from.

Arrays: x (N, H, W, C); weight (k, k, C, K); y (N, ceil(H / s), ceil(W / s), K); columns (N*ceil(H/s)*ceil(W/s), k*k*C).

Read more: `tutorials/06_convolution.ipynb`; Chellapilla, Puri, Simard, "High Performance Convolutional Neural Networks
for Document Processing", 2006.
"""

import numba
import numpy as np

from minidiff.kernels.options import KERNEL_OPTIONS


@numba.njit(**KERNEL_OPTIONS)
def convolve_naive(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, stride: int) -> np.ndarray:
    """Computes a convolution by its formula, with six loops.

    Args:
        x: images (N, H, W, C), float32 or float64.
        weight: (k, k, C, K), k odd.
        bias: (K,).
        stride: 1 or 2.

    Returns:
        y (N, ceil(H / stride), ceil(W / stride), K).
    """
    N, H, W, C = x.shape
    k, K = weight.shape[0], weight.shape[3]
    y = np.empty((N, -(-H // stride), -(-W // stride), K), x.dtype)
    for n in range(N):
        for h in range(y.shape[1]):
            for w in range(y.shape[2]):
                y[n, h, w] = bias
                for i in range(k):
                    for j in range(k):
                        row, column = stride * h + i - k // 2, stride * w + j - k // 2
                        if 0 <= row < H and 0 <= column < W:
                            for c in range(C):
                                for o in range(K):
                                    y[n, h, w, o] += x[n, row, column, c] * weight[i, j, c, o]
    return y


@numba.njit(**KERNEL_OPTIONS)
def convolve_naive_backward(
    x: np.ndarray, weight: np.ndarray, stride: int, dy: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The backward pass of `convolve_naive`: each product passes dy to both of its factors.

    Args:
        x, weight, stride: as in `convolve_naive`.
        dy: gradient of the loss with respect to y, of y's shape.

    Returns:
        dx, dweight, dbias: gradients with respect to x, weight and bias, of their shapes.
    """
    N, H, W, C = x.shape
    k, K = weight.shape[0], weight.shape[3]
    dx, dweight, dbias = np.zeros_like(x), np.zeros_like(weight), np.zeros(K, x.dtype)
    for n in range(N):
        for h in range(dy.shape[1]):
            for w in range(dy.shape[2]):
                dbias += dy[n, h, w]
                for i in range(k):
                    for j in range(k):
                        row, column = stride * h + i - k // 2, stride * w + j - k // 2
                        if 0 <= row < H and 0 <= column < W:
                            for c in range(C):
                                for o in range(K):
                                    dx[n, row, column, c] += dy[n, h, w, o] * weight[i, j, c, o]
                                    dweight[i, j, c, o] += dy[n, h, w, o] * x[n, row, column, c]
    return dx, dweight, dbias


@numba.njit(**KERNEL_OPTIONS)
def im2col(x: np.ndarray, kernel_size: int, stride: int, columns: np.ndarray) -> None:
    """Copies the inputs of each output pixel into a row: kernel_size x kernel_size x C elements, zeros outside of x.

    Args:
        x: images (N, H, W, C).
        kernel_size: odd.
        stride: 1 or 2.
        columns: (N * ceil(H / stride) * ceil(W / stride), kernel_size * kernel_size * C), receives the result.
    """
    N, H, W, C = x.shape
    rows, columns_across = -(-H // stride), -(-W // stride)
    zero = x.dtype.type(0)
    for n in range(N):
        for h in range(rows):
            for w in range(columns_across):
                line = (n * rows + h) * columns_across + w
                for i in range(kernel_size):
                    row, first = stride * h + i - kernel_size // 2, stride * w - kernel_size // 2
                    for j in range(kernel_size):
                        inside = 0 <= row < H and 0 <= first + j < W
                        for c in range(C):
                            value = x[n, row, first + j, c] if inside else zero
                            columns[line, (i * kernel_size + j) * C + c] = value


@numba.njit(**KERNEL_OPTIONS)
def col2im(dcolumns: np.ndarray, kernel_size: int, stride: int, dx: np.ndarray) -> None:
    """The transpose of `im2col`: adds every element of dcolumns to the pixel of dx (N, H, W, C) it was copied from."""
    N, H, W, C = dx.shape
    rows, columns_across = -(-H // stride), -(-W // stride)
    for n in range(N):
        for h in range(rows):
            for w in range(columns_across):
                line = (n * rows + h) * columns_across + w
                for i in range(kernel_size):
                    row, first = stride * h + i - kernel_size // 2, stride * w - kernel_size // 2
                    for j in range(kernel_size):
                        if 0 <= row < H and 0 <= first + j < W:
                            for c in range(C):
                                dx[n, row, first + j, c] += dcolumns[line, (i * kernel_size + j) * C + c]
