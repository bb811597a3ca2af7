"""The linear map y = x W + b on the last axis, and its gradients.

    y  = x W + b (+ residual)
    dx = dy W'          dW = x' dy          db = sum of dy over the rows                (' is the transpose)

The residual is added here because the fast kernel then needs no further pass over y. Its gradient is dy.

Arrays: x (..., C); W (C, K); b (K,); y (..., K). All axes but the last count as rows.
"""

import numpy as np


def linear(x: np.ndarray, W: np.ndarray, b: np.ndarray, residual: np.ndarray | None = None) -> np.ndarray:
    """y = x W + b (+ residual)."""
    y = x @ W + b
    return y if residual is None else y + residual


def linear_backward(x: np.ndarray, W: np.ndarray, dy: np.ndarray, dW: np.ndarray, db: np.ndarray) -> np.ndarray:
    """The gradients of `linear`: dx is returned. Those with respect to W and b are added to dW and db, which accumulate
    the sum over all parts of a batch.
    """
    x_rows, dy_rows = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
    dW += x_rows.T @ dy_rows
    db += dy_rows.sum(axis=0)
    return dy @ W.T
