"""The linear map of the fast set: matrix products, fused with the sums around them. Plain version: `plain/linear.py`.

    y  = x W + b (+ residual)
    dx = dy W'          dW = x' dy          db = sum of dy over the rows

In NumPy, adding the bias is a second pass over y, adding the residual a third, and db one more pass over dy; with few
elements per row, these passes take as long as the product. So a block of BLOCK_ROWS rows is processed at a time.

W is read in panels of PANEL columns, the fastest layout for `products.py`. `pack_panels` copies it. The
copy is cheap, because each copied element is used in every row of the product.

Arrays: x and dx (rows, C); y and dy (rows, K); W and dW (C, K); panels of W (panels, C, PANEL).

The product of these kernels computes each row independently, so the result for a row is bit-for-bit identical whatever
the other rows are. NumPy's product does not guarantee that. A generated image therefore does not depend on how many
others are generated with it. Gradients are sums over the rows anyway, so `linear_backward` uses NumPy.

Read more: `tutorials/speed.md`.
"""

import numba
import numpy as np

from minidiff.kernels.buffers import Buffers
from minidiff.kernels.fast.options import KERNEL_OPTIONS
from minidiff.kernels.fast.products import PANEL, multiply, number_of_panels
from minidiff.kernels.fast.transpose import transpose

BLOCK_ROWS = 64  # rows at a time: still in the L1 cache when the bias is added


def linear(
    buffers: Buffers, x: np.ndarray, W: np.ndarray, b: np.ndarray, residual: np.ndarray | None = None
) -> np.ndarray:
    """y = x W + b (+ residual) on the last axis, as `plain.linear.linear`, in one pass over y."""
    C, K = W.shape
    y, panels = buffers.empty((*x.shape[:-1], K), x.dtype), buffers.empty((number_of_panels(K), C, PANEL), x.dtype)
    pack_panels(W, panels)
    y_rows = rows_of(y)
    linear_panels(rows_of(x), panels, b, y_rows[:0] if residual is None else rows_of(residual), y_rows)
    return y


def linear_backward(
    buffers: Buffers, x: np.ndarray, W: np.ndarray, dy: np.ndarray, dW: np.ndarray, db: np.ndarray
) -> np.ndarray:
    """The gradients of `linear`, as `plain.linear.linear_backward`: dW and db are added to, dx is returned.

    These few large products are as fast in NumPy; db is a product too, since NumPy adds rows slowly.
    """
    x_rows, dy_rows = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
    dW += x_rows.T @ dy_rows
    db += np.ones(len(dy_rows), dy.dtype) @ dy_rows  # sum over the rows
    dx = buffers.empty((*dy.shape[:-1], x.shape[-1]), dy.dtype)
    np.matmul(dy_rows, W.T, out=dx.reshape(-1, x.shape[-1]))
    return dx


def rows_of(x: np.ndarray) -> np.ndarray:
    """An array (..., C) as a contiguous matrix (rows, C): a view if it is contiguous, otherwise a copy."""
    return np.ascontiguousarray(x).reshape(-1, x.shape[-1])


@numba.njit(**KERNEL_OPTIONS)
def linear_panels(x: np.ndarray, panels: np.ndarray, bias: np.ndarray, residual: np.ndarray, y: np.ndarray) -> None:
    """y = x W + bias (+ residual).

    Args:
        x: (rows, C).
        panels: of W, (panels, C, PANEL).
        bias: (K,).
        residual: (rows, K), added to the result; an empty array (0, K) of the same dtype if there is none.
        y: (rows, K), receives the result.
    """
    rows, K = y.shape
    for first in range(0, rows, BLOCK_ROWS):
        last = min(first + BLOCK_ROWS, rows)
        for k in range(0, K, PANEL):
            multiply(x[first:last], panels[k // PANEL], False, y[first:last, k : k + PANEL])  # x W
        for i in range(first, last):
            for k in range(K):
                y[i, k] += bias[k]
        if len(residual) > 0:
            for i in range(first, last):
                for k in range(K):
                    y[i, k] += residual[i, k]


@numba.njit(**KERNEL_OPTIONS)
def linear_panels_backward(
    x: np.ndarray, panels_transposed: np.ndarray, dy: np.ndarray, dx: np.ndarray, dW: np.ndarray, dbias: np.ndarray
) -> None:
    """The backward pass of `linear_panels`.

    Args:
        x: (rows, C).
        panels_transposed: of W', (panels, K, PANEL).
        dy: (rows, K).
        dx: (rows, C), receives the gradient with respect to x; may share its memory with x.
        dW: (C, K), to which the gradient with respect to W is added.
        dbias: (K,), to which the gradient with respect to the bias is added.
    """
    rows, K = dy.shape
    C = x.shape[1]
    for first in range(0, rows, BLOCK_ROWS):
        last = min(first + BLOCK_ROWS, rows)
        for k in range(0, K, PANEL):  # dW = x' dy, summed over the blocks
            multiply(x[first:last].T, dy[first:last, k : k + PANEL], True, dW[:, k : k + PANEL])
        for c in range(0, C, PANEL):
            multiply(dy[first:last], panels_transposed[c // PANEL], False, dx[first:last, c : c + PANEL])  # dx = dy W'
        for i in range(first, last):
            for k in range(K):
                dbias[k] += dy[i, k]


@numba.njit(**KERNEL_OPTIONS)
def pack_panels(W: np.ndarray, panels: np.ndarray) -> None:
    """Copies W (C, K) into panels of PANEL columns, (panels, C, PANEL); columns beyond K are not written."""
    C, K = W.shape
    for k in range(0, K, PANEL):
        for c in range(C):
            for j in range(min(PANEL, K - k)):
                panels[k // PANEL, c, j] = W[c, k + j]


@numba.njit(**KERNEL_OPTIONS)
def pack_panels_transposed(W: np.ndarray, panels: np.ndarray) -> None:
    """Copies W' (K, C) into panels of PANEL columns, (panels, K, PANEL); columns beyond C are not written."""
    C = W.shape[0]
    for c in range(0, C, PANEL):
        last = min(c + PANEL, C)
        transpose(W[c:last], panels[c // PANEL, :, : last - c])
