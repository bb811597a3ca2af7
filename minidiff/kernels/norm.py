"""Group normalization, a scale and shift for each image and channel, and SiLU: one kernel forward, one backward.

For an image n and a channel c of group G, with the mean and variance taken over the group's pixels and channels:

    x_hat = (x - mean) / sqrt(variance + eps)                                        (Wu and He, 2018, eq. 1, 2)
    u     = scale[n, c] x_hat + shift[n, c]
    y     = u sigmoid(u)                                                             (SiLU; or y = u)

Fused, because each step alone does next to nothing for a number that it has to fetch from memory and write back.

Backward. With du = dy s (1 + u (1 - s)), s = sigmoid(u), where u is computed from x once more, cheaper than keeping it:

    dshift[n, c] = sum of du over the pixels      dscale[n, c] = sum of du x_hat over the pixels
    dx_hat = scale du
    dx     = (dx_hat - mean of dx_hat - x_hat * mean of (dx_hat x_hat)) / sqrt(variance + eps)

where both means are over the group, since its mean and its variance depend on each of its numbers. They need no pass
of their own: the sum of dx_hat over the pixels of a channel is scale dshift, that of dx_hat x_hat is scale dscale.

Arrays: x, y, dx, dy (N, P, C) with P = H*W pixels; scale, shift and the statistics (N, C).

Read more: `tutorials/05_backpropagation.ipynb`; Wu and He, "Group Normalization", 2018 (arXiv 1803.08494).
"""

import math

import numba
import numpy as np

from minidiff.kernels.exponential import exponential
from minidiff.kernels.options import KERNEL_OPTIONS


@numba.njit(**KERNEL_OPTIONS)
def sigmoid(u):
    """s = 1 / (1 + exp(-u)) of one number."""
    one = type(u)(1)
    return one / (one + exponential(-u))


@numba.njit(**KERNEL_OPTIONS)
def silu_slope(u):
    """dy/du of y = u s, s = sigmoid(u), for one number: s (1 + u (1 - s))."""
    one = type(u)(1)
    s = sigmoid(u)
    return s * (one + u * (one - s))


@numba.njit(**KERNEL_OPTIONS)
def silu(u, y, slope):
    """SiLU and its derivative for whole arrays (n,): y = u sigmoid(u), slope = dy/du."""
    for i in range(u.size):
        y[i] = u[i] * sigmoid(u[i])
        slope[i] = silu_slope(u[i])


@numba.njit(**KERNEL_OPTIONS)
def group_statistics(x, num_groups, eps, mean, inverse_deviation):
    """Mean and 1 / sqrt(variance + eps) of each group, written for each channel of the group.

    Sums are kept in the array's own type for a few pixels only and then added up in float64: so float32 loses nothing
    to the length of the sum. The variance is the mean of squares minus the square of the mean, which is safe since all
    numbers are counted from one of their own group, the origin: both means are then no larger than the deviation.

    Args:
        x: (N, P, C).
        num_groups: divides C.
        eps: added to the variance.
        mean, inverse_deviation: (N, C), receive the result.
    """
    N, P, C = x.shape
    size = C // num_groups
    partial, partial_squares, origin = np.empty(C, x.dtype), np.empty(C, x.dtype), np.empty(C, x.dtype)
    total, total_squares = np.empty(C, np.float64), np.empty(C, np.float64)
    pixels = 16
    for n in range(N):
        total[:] = 0
        total_squares[:] = 0
        for c in range(C):
            origin[c] = x[n, 0, c // size * size]
        for first in range(0, P, pixels):
            partial[:] = 0
            partial_squares[:] = 0
            for p in range(first, min(first + pixels, P)):
                for c in range(C):
                    distance = x[n, p, c] - origin[c]
                    partial[c] += distance
                    partial_squares[c] += distance * distance
            for c in range(C):
                total[c] += partial[c]
                total_squares[c] += partial_squares[c]
        for group in range(num_groups):
            channels = slice(group * size, (group + 1) * size)
            m = total[channels].sum() / (P * size)
            variance = max(total_squares[channels].sum() / (P * size) - m * m, 0.0)
            mean[n, channels] = origin[group * size] + m
            inverse_deviation[n, channels] = 1.0 / math.sqrt(variance + eps)


@numba.njit(**KERNEL_OPTIONS)
def norm_scale_silu(x, mean, inverse_deviation, scale, shift, activate, y):
    """y = SiLU(scale x_hat + shift); y = scale x_hat + shift if `activate` is false.

    Args:
        x: (N, P, C).
        mean, inverse_deviation: (N, C) from `group_statistics`.
        scale, shift: (N, C).
        activate: whether SiLU follows.
        y: (N, P, C), receives the result.
    """
    N, P, C = x.shape
    for n in range(N):
        factor = scale[n] * inverse_deviation[n]
        offset = shift[n] - mean[n] * factor
        for p in range(P):
            for c in range(C):
                u = factor[c] * x[n, p, c] + offset[c]
                y[n, p, c] = u * sigmoid(u) if activate else u


@numba.njit(**KERNEL_OPTIONS)
def norm_scale_silu_backward(
    dy, x, mean, inverse_deviation, scale, shift, num_groups, activate, dcarried, dx, dscale, dshift
):
    """The gradient of `group_statistics` and `norm_scale_silu` together.

    Args:
        dy: (N, P, C), gradient by y.
        x, mean, inverse_deviation, scale, shift, num_groups, activate: as forward took them.
        dcarried: (N, P, C), the gradient by x that comes past the layer and is added to dx, or None.
        dx: (N, P, C), receives the gradient by x.
        dscale, dshift: (N, C), receive the gradients by scale and shift.
    """
    N, P, C = x.shape
    size = C // num_groups
    sum_du, sum_du_x = np.empty(C, x.dtype), np.empty(C, x.dtype)
    total_du, total_du_x = np.empty(C, np.float64), np.empty(C, np.float64)
    pixels = 16
    for n in range(N):
        factor = scale[n] * inverse_deviation[n]
        offset = shift[n] - mean[n] * factor
        total_du[:] = 0
        total_du_x[:] = 0
        for first in range(0, P, pixels):
            sum_du[:] = 0
            sum_du_x[:] = 0
            for p in range(first, min(first + pixels, P)):
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
            dscale[n, c] = total_du_x[c] * inverse_deviation[n, c]
        # dx = factor du + slope x + constant: the group's two means become one line in x for each channel
        slope, constant = np.empty(C, x.dtype), np.empty(C, x.dtype)
        for group in range(num_groups):
            channels = slice(group * size, (group + 1) * size)
            mean_dx_hat = (scale[n, channels] * dshift[n, channels]).sum() / (P * size)
            mean_dx_hat_x_hat = (scale[n, channels] * dscale[n, channels]).sum() / (P * size)
            for c in range(group * size, (group + 1) * size):
                slope[c] = -inverse_deviation[n, c] * inverse_deviation[n, c] * mean_dx_hat_x_hat
                constant[c] = -inverse_deviation[n, c] * mean_dx_hat - slope[c] * mean[n, c]
        for p in range(P):
            for c in range(C):
                dx[n, p, c] = factor[c] * dx[n, p, c] + slope[c] * x[n, p, c] + constant[c]
                if dcarried is not None:  # decided when compiling
                    dx[n, p, c] += dcarried[n, p, c]
