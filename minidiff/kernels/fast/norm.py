"""Group normalization with SiLU of the fast set, one fused kernel each way. Plain version: `plain/norm.py`.

For an image n and a channel c of a group, with mean and variance over the group's pixels and channels:

    x_hat = (x - mean) / sqrt(variance + stability)                                  (Wu and He, 2018, eq. 1, 2)
    u     = scale[n, c] x_hat + shift[n, c]
    y     = u sigmoid(u)                                                             (SiLU; or y = u)

It is fast because these operations are fused: each alone does little arithmetic for an element that it reads from
memory and writes back. And the exponential is vectorized (`exponential.py`).

Backward, with du = dy s (1 + u (1 - s)) and s = sigmoid(u); recomputing u from x is cheaper than keeping it:

    dshift[n, c] = sum of du over the pixels      dscale[n, c] = sum of du x_hat over the pixels
    dx_hat = scale du
    dx     = (dx_hat - mean of dx_hat - x_hat * mean of (dx_hat x_hat)) / sqrt(variance + stability)

Both means are over the group, since its mean and variance depend on each of its elements. They need no pass over
memory: the sum of dx_hat over the pixels of a channel is scale dshift, and that of dx_hat x_hat is scale dscale.

Arrays: x, y, dx, dy (N, S, C) with S = H W pixels; scale, shift and the statistics (N, C).

Read more: `tutorials/05_backpropagation.ipynb`; Wu and He, "Group Normalization", 2018 (arXiv 1803.08494).
"""

import math

import numba
import numpy as np

from minidiff.kernels.buffers import Buffers
from minidiff.kernels.fast.exponential import exponential
from minidiff.kernels.fast.options import HELPER_OPTIONS, KERNEL_OPTIONS


def group_norm(
    buffers: Buffers, x: np.ndarray, scale: np.ndarray, shift: np.ndarray, num_groups: int, activate: bool,
    stability: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """y, mean and inverse_std of `plain.norm.group_norm`, in two passes over x: statistics, then all the rest."""
    N, C = x.shape[0], x.shape[-1]
    pixels, y = x.reshape(N, -1, C), buffers.empty(x.shape, x.dtype)
    mean, inverse_std = buffers.empty((N, C), x.dtype), buffers.empty((N, C), x.dtype)
    group_statistics(pixels, num_groups, stability, mean, inverse_std)
    norm_scale_silu(pixels, mean, inverse_std, scale, shift, activate, y.reshape(N, -1, C))
    return y, mean, inverse_std


def group_norm_backward(
    buffers: Buffers, x: np.ndarray, mean: np.ndarray, inverse_std: np.ndarray, scale: np.ndarray, shift: np.ndarray,
    num_groups: int, activate: bool, dy: np.ndarray, dresidual: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """dx (+ dresidual), dscale and dshift of `plain.norm.group_norm_backward`, in two passes over x."""
    N, C = x.shape[0], x.shape[-1]
    dx = buffers.empty(x.shape, x.dtype)
    dscale, dshift = buffers.empty((N, C), x.dtype), buffers.empty((N, C), x.dtype)
    norm_scale_silu_backward(
        dy.reshape(N, -1, C), x.reshape(N, -1, C), mean, inverse_std, scale, shift, num_groups, activate,
        None if dresidual is None else dresidual.reshape(N, -1, C), dx.reshape(N, -1, C), dscale, dshift,
    )  # fmt: skip
    return dx, dscale, dshift


def silu(buffers: Buffers, u: np.ndarray) -> np.ndarray:
    """y = u sigmoid(u), as `plain.norm.silu`, in one pass with a vectorized exponential."""
    y = buffers.empty(u.shape, u.dtype)
    silu_of(np.ravel(u), y.reshape(-1))
    return y


def silu_backward(buffers: Buffers, u: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """du = dy times the derivative of `silu`, as `plain.norm.silu_backward`, in one pass."""
    du = buffers.empty(u.shape, u.dtype)
    silu_backward_of(np.ravel(u), np.ravel(dy), du.reshape(-1))
    return du


@numba.njit(**HELPER_OPTIONS)
def sigmoid(u: float) -> float:
    """s = 1 / (1 + exp(-u)) of one value."""
    one = type(u)(1)
    return one / (one + exponential(-u))


@numba.njit(**HELPER_OPTIONS)
def silu_slope(u: float) -> float:
    """dy/du of y = u s, s = sigmoid(u), for one value: s (1 + u (1 - s))."""
    one = type(u)(1)
    s = sigmoid(u)
    return s * (one + u * (one - s))


@numba.njit(**KERNEL_OPTIONS)
def silu_of(u: np.ndarray, y: np.ndarray) -> None:
    """SiLU of arrays (n,): y = u sigmoid(u)."""
    for i in range(u.size):
        y[i] = u[i] * sigmoid(u[i])


@numba.njit(**KERNEL_OPTIONS)
def silu_backward_of(u: np.ndarray, dy: np.ndarray, du: np.ndarray) -> None:
    """The backward pass of `silu_of`."""
    for i in range(u.size):
        du[i] = dy[i] * silu_slope(u[i])


@numba.njit(**KERNEL_OPTIONS)
def group_statistics(
    x: np.ndarray, num_groups: int, stability: float, mean: np.ndarray, inverse_std: np.ndarray
) -> None:
    """Mean and 1 / sqrt(variance + stability) of each group, written for each channel of the group.

    Sums over 16 pixels are in the array's dtype and are then added in float64, so long sums lose no precision. The
    variance is the mean of squares minus the square of the mean, of x minus the first value of the group. This origin
    keeps both terms from being much larger than the variance.

    Args:
        x: (N, S, C).
        num_groups: divides C.
        stability: added to the variance.
        mean, inverse_std: (N, C), receive the result.
    """
    N, S, C = x.shape
    size = C // num_groups
    partial, partial_squares, origin = np.empty(C, x.dtype), np.empty(C, x.dtype), np.empty(C, x.dtype)
    total, total_squares = np.empty(C, np.float64), np.empty(C, np.float64)
    pixels = 16
    for n in range(N):
        total[:] = 0
        total_squares[:] = 0
        for c in range(C):
            origin[c] = x[n, 0, c // size * size]
        for first in range(0, S, pixels):
            partial[:] = 0
            partial_squares[:] = 0
            for p in range(first, min(first + pixels, S)):
                for c in range(C):
                    distance = x[n, p, c] - origin[c]
                    partial[c] += distance
                    partial_squares[c] += distance * distance
            for c in range(C):
                total[c] += partial[c]
                total_squares[c] += partial_squares[c]
        for group in range(num_groups):
            channels = range(group * size, (group + 1) * size)
            sum_of_group = sum_of_squares = 0.0
            for c in channels:
                sum_of_group += total[c]
                sum_of_squares += total_squares[c]
            m = sum_of_group / (S * size)
            variance = max(sum_of_squares / (S * size) - m * m, 0.0)
            for c in channels:
                mean[n, c] = origin[c] + m
                inverse_std[n, c] = 1.0 / math.sqrt(variance + stability)


@numba.njit(**KERNEL_OPTIONS)
def norm_scale_silu(
    x: np.ndarray,
    mean: np.ndarray,
    inverse_std: np.ndarray,
    scale: np.ndarray,
    shift: np.ndarray,
    activate: bool,
    y: np.ndarray,
) -> None:
    """y = SiLU(scale x_hat + shift), or y = scale x_hat + shift without `activate`.

    Args:
        x: (N, S, C).
        mean, inverse_std: (N, C), from `group_statistics`.
        scale, shift: (N, C).
        activate: whether SiLU follows.
        y: (N, S, C), receives the result.
    """
    N, S, C = x.shape
    factor, offset = np.empty(C, x.dtype), np.empty(C, x.dtype)
    for n in range(N):
        for c in range(C):
            factor[c] = scale[n, c] * inverse_std[n, c]
            offset[c] = shift[n, c] - mean[n, c] * factor[c]
        for p in range(S):
            for c in range(C):
                u = factor[c] * x[n, p, c] + offset[c]
                y[n, p, c] = u * sigmoid(u) if activate else u


@numba.njit(**KERNEL_OPTIONS)
def norm_scale_silu_backward(
    dy: np.ndarray, x: np.ndarray, mean: np.ndarray, inverse_std: np.ndarray, scale: np.ndarray, shift: np.ndarray,
    num_groups: int, activate: bool, dresidual: np.ndarray | None, dx: np.ndarray, dscale: np.ndarray,
    dshift: np.ndarray,
) -> None:  # fmt: skip
    """The backward pass of `group_statistics` and `norm_scale_silu` together.

    Args:
        dy: (N, S, C), gradient with respect to y.
        x, mean, inverse_std, scale, shift, num_groups, activate: as in the forward pass.
        dresidual: (N, S, C), the gradient through a residual connection around the layer, added to dx, or None.
        dx: (N, S, C), receives the gradient with respect to x.
        dscale, dshift: (N, C), receive the gradients with respect to scale and shift.
    """
    N, S, C = x.shape
    size = C // num_groups
    factor, offset = np.empty(C, x.dtype), np.empty(C, x.dtype)
    slope, constant = np.empty(C, x.dtype), np.empty(C, x.dtype)
    sum_du, sum_du_x = np.empty(C, x.dtype), np.empty(C, x.dtype)
    total_du, total_du_x = np.empty(C, np.float64), np.empty(C, np.float64)
    pixels = 16
    for n in range(N):
        for c in range(C):
            factor[c] = scale[n, c] * inverse_std[n, c]
            offset[c] = shift[n, c] - mean[n, c] * factor[c]
        total_du[:] = 0
        total_du_x[:] = 0
        for first in range(0, S, pixels):
            sum_du[:] = 0
            sum_du_x[:] = 0
            for p in range(first, min(first + pixels, S)):
                for c in range(C):
                    u = factor[c] * x[n, p, c] + offset[c]
                    du = dy[n, p, c] * silu_slope(u) if activate else dy[n, p, c]
                    dx[n, p, c] = du
                    sum_du[c] += du
                    sum_du_x[c] += du * (x[n, p, c] - mean[n, c])
            for c in range(C):
                total_du[c] += sum_du[c]
                total_du_x[c] += sum_du_x[c]
        for c in range(C):
            dshift[n, c] = total_du[c]
            dscale[n, c] = total_du_x[c] * inverse_std[n, c]
        # dx = factor du + slope x + constant: for each channel, the group's two means give a linear function of x
        for group in range(num_groups):
            channels = range(group * size, (group + 1) * size)
            sum_dx_hat = sum_dx_hat_x_hat = x.dtype.type(0)
            for c in channels:
                sum_dx_hat += scale[n, c] * dshift[n, c]
                sum_dx_hat_x_hat += scale[n, c] * dscale[n, c]
            mean_dx_hat, mean_dx_hat_x_hat = sum_dx_hat / (S * size), sum_dx_hat_x_hat / (S * size)
            for c in channels:
                slope[c] = -inverse_std[n, c] * inverse_std[n, c] * mean_dx_hat_x_hat
                constant[c] = -inverse_std[n, c] * mean_dx_hat - slope[c] * mean[n, c]
        for p in range(S):
            for c in range(C):
                dx[n, p, c] = factor[c] * dx[n, p, c] + slope[c] * x[n, p, c] + constant[c]
                if dresidual is not None:  # decided at compile time
                    dx[n, p, c] += dresidual[n, p, c]
