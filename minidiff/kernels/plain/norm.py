"""Group normalization, a scale and a shift for each image and channel, and SiLU.

For each image and group of channels, with the mean over the pixels and channels of the group:

    x_hat = (x - mean) inverse_std,    inverse_std = 1 / sqrt(mean of (x - mean)^2 + stability)
    u     = scale x_hat + shift                                                      (Wu and He, 2018, eq. 1, 2, 6)
    y     = SiLU(u) = u sigmoid(u)

scale and shift combine the layer's gamma and beta with the time vector, so they differ between images
(`layers/norm.py`). stability is the paper's epsilon; here eps is the noise.

x_hat depends on x directly and through the mean and inverse_std of its group. The gradient has a term for each, with
dx_hat = du * scale and the means over the group:

    dx = (dx_hat - mean of dx_hat - x_hat * mean of (dx_hat x_hat)) inverse_std

Arrays: x and y (N, H, W, C); scale, shift, mean and inverse_std (N, C).

Read more: `tutorials/05_backpropagation.ipynb`, which derives dx; Wu and He, "Group Normalization", 2018.
"""

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
    mean = mean_of_group(x, num_groups)  # (N, C), the same for all channels of a group
    variance = mean_of_group((x - per_pixel(mean)) ** 2, num_groups)
    inverse_std = 1 / np.sqrt(variance + stability)
    x_hat = (x - per_pixel(mean)) * per_pixel(inverse_std)
    u = per_pixel(scale) * x_hat + per_pixel(shift)
    y = silu(u) if activate else u
    return y, mean, inverse_std


def group_norm_backward(
    x: np.ndarray, mean: np.ndarray, inverse_std: np.ndarray, scale: np.ndarray, shift: np.ndarray,
    num_groups: int, activate: bool, dy: np.ndarray, dresidual: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """The gradients of `group_norm`.

    Args:
        x, mean, inverse_std, scale, shift, num_groups, activate: of the forward pass.
        dy: gradient with respect to y, (N, H, W, C).
        dresidual: (N, H, W, C), the gradient of the residual connection that starts at x; it is added to dx here, which
            saves a pass over memory.

    Returns:
        dx (N, H, W, C), dscale and dshift (N, C).
    """
    x_hat = (x - per_pixel(mean)) * per_pixel(inverse_std)
    u = per_pixel(scale) * x_hat + per_pixel(shift)

    du = silu_backward(u, dy) if activate else dy
    dshift = du.sum(axis=(1, 2))
    dscale = (du * x_hat).sum(axis=(1, 2))
    dx_hat = du * per_pixel(scale)
    through_mean = per_pixel(mean_of_group(dx_hat, num_groups))
    through_std = x_hat * per_pixel(mean_of_group(dx_hat * x_hat, num_groups))
    dx = (dx_hat - through_mean - through_std) * per_pixel(inverse_std)
    return dx if dresidual is None else dx + dresidual, dscale, dshift


def mean_of_group(x: np.ndarray, num_groups: int) -> np.ndarray:
    """For each image and channel, the mean over the pixels and channels of its group: (N, H, W, C) to (N, C)."""
    N, C = x.shape[0], x.shape[3]
    grouped = x.reshape(N, -1, num_groups, C // num_groups)
    means = grouped.mean(axis=(1, 3), dtype=np.float64)  # (N, groups); float32 sums of many pixels lose digits
    return means.astype(x.dtype).repeat(C // num_groups, axis=1)


def per_pixel(values: np.ndarray) -> np.ndarray:
    """One value for each image and channel, (N, C), as (N, 1, 1, C), which NumPy repeats for every pixel."""
    return values[:, None, None, :]


def silu(u: np.ndarray) -> np.ndarray:
    """y = u sigmoid(u), elementwise."""
    return u * sigmoid(u)


def silu_backward(u: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """du = dy s (1 + u (1 - s)) with s = sigmoid(u), elementwise."""
    s = sigmoid(u)
    return dy * s * (1 + u * (1 - s))


def sigmoid(u: np.ndarray) -> np.ndarray:
    """s = 1 / (1 + exp(-u)), elementwise, by an identity that cannot overflow."""
    return (1 + np.tanh(u / 2)) / 2
