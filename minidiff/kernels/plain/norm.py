"""Group normalization, a scale and a shift for each image and channel, and SiLU.

For image n and a group of channels, with the mean and variance over the pixels and channels of the group:

    x_hat = (x - mean) inverse_std,    inverse_std = 1 / sqrt(variance + stability)      (Wu and He, 2018, eq. 1, 2)
    u     = scale[n, c] x_hat + shift[n, c]
    y     = SiLU(u) = u sigmoid(u)

Arrays: x and y (N, H, W, C), here as (N, P, C) with P = H W pixels; scale and shift (N, C).

Read more: `tutorials/05_backpropagation.ipynb`; Wu and He, "Group Normalization", 2018.
"""

import math

import numba
import numpy as np


def group_norm(
    x: np.ndarray, scale: np.ndarray, shift: np.ndarray, num_groups: int, activate: bool, stability: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Normalizes, scales and shifts x, and applies SiLU.

    Args:
        x: (N, H, W, C).
        scale, shift: (N, C).
        num_groups: divides C.
        activate: whether SiLU follows.
        stability: added to the variance.

    Returns:
        y (N, H, W, C); mean and inverse_std (N, C), which the backward pass needs.
    """
    N, C = x.shape[0], x.shape[-1]
    y, mean, inverse_std = np.empty_like(x), np.empty((N, C), x.dtype), np.empty((N, C), x.dtype)
    _forward(
        x.reshape(N, -1, C), scale, shift, num_groups, activate, stability, y.reshape(N, -1, C), mean, inverse_std
    )  # fmt: skip
    return y, mean, inverse_std


def group_norm_backward(
    x: np.ndarray, mean: np.ndarray, inverse_std: np.ndarray, scale: np.ndarray, shift: np.ndarray,
    num_groups: int, activate: bool, dy: np.ndarray, dresidual: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """The gradients of `group_norm`.

    Args:
        x, mean, inverse_std, scale, shift, num_groups, activate: of the forward pass.
        dy: gradient with respect to y, (N, H, W, C).
        dresidual: (N, H, W, C), the gradient of the residual connection around the layer, added to dx.

    Returns:
        dx (N, H, W, C), dscale and dshift (N, C).
    """
    N, C = x.shape[0], x.shape[-1]
    dx, dscale, dshift = np.empty_like(x), np.zeros((N, C), x.dtype), np.zeros((N, C), x.dtype)
    _backward(
        x.reshape(N, -1, C), mean, inverse_std, scale, shift, num_groups, activate, dy.reshape(N, -1, C),
        dx.reshape(N, -1, C), dscale, dshift,
    )  # fmt: skip
    return dx if dresidual is None else dx + dresidual, dscale, dshift


@numba.njit(nogil=True, cache=True)
def _forward(x, scale, shift, num_groups, activate, stability, y, mean, inverse_std):
    N, P, C = x.shape
    size = C // num_groups  # channels of a group
    for n in range(N):
        for first in range(0, C, size):
            total = 0.0
            for p in range(P):
                for c in range(first, first + size):
                    total += x[n, p, c]
            group_mean = total / (P * size)
            total = 0.0
            for p in range(P):
                for c in range(first, first + size):
                    total += (x[n, p, c] - group_mean) ** 2
            group_inverse_std = 1 / math.sqrt(total / (P * size) + stability)
            for c in range(first, first + size):
                mean[n, c] = group_mean
                inverse_std[n, c] = group_inverse_std
                for p in range(P):
                    x_hat = (x[n, p, c] - group_mean) * group_inverse_std
                    u = scale[n, c] * x_hat + shift[n, c]
                    y[n, p, c] = u / (1 + math.exp(-u)) if activate else u


@numba.njit(nogil=True, cache=True)
def _backward(x, mean, inverse_std, scale, shift, num_groups, activate, dy, dx, dscale, dshift):
    N, P, C = x.shape
    size = C // num_groups
    for n in range(N):
        for first in range(0, C, size):
            # first pass: du, the gradients of scale and shift, and two means over the group
            mean_dx_hat, mean_dx_hat_x_hat = 0.0, 0.0
            for c in range(first, first + size):
                for p in range(P):
                    x_hat = (x[n, p, c] - mean[n, c]) * inverse_std[n, c]
                    u = scale[n, c] * x_hat + shift[n, c]
                    s = 1 / (1 + math.exp(-u))
                    du = dy[n, p, c] * s * (1 + u * (1 - s)) if activate else dy[n, p, c]  # SiLU'(u)
                    dshift[n, c] += du
                    dscale[n, c] += du * x_hat
                    dx_hat = du * scale[n, c]
                    mean_dx_hat += dx_hat / (P * size)
                    mean_dx_hat_x_hat += dx_hat * x_hat / (P * size)
                    dx[n, p, c] = dx_hat  # until the second pass
            # second pass: x also changes the mean and the variance of its group
            for c in range(first, first + size):
                for p in range(P):
                    x_hat = (x[n, p, c] - mean[n, c]) * inverse_std[n, c]
                    dx[n, p, c] = (dx[n, p, c] - mean_dx_hat - x_hat * mean_dx_hat_x_hat) * inverse_std[n, c]


def silu(u: np.ndarray) -> np.ndarray:
    """y = u sigmoid(u), elementwise."""
    return u / (1 + np.exp(-u))


def silu_backward(u: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """du = dy s (1 + u (1 - s)) with s = sigmoid(u), elementwise."""
    s = 1 / (1 + np.exp(-u))
    return dy * (s * (1 + u * (1 - s)))
