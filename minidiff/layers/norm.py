"""Group normalization with SiLU, optionally steered by the time vector (FiLM).

    y = SiLU( (x_hat * gamma + beta) * (1 + a) + b )

x_hat is x with mean 0 and variance 1 in each image and group of channels; gamma and beta are parameters, one number a
channel; a and b, one number an image and channel, are computed from the noise level by the block that owns this layer.
The kernel (`kernels/norm.py`) only knows one scale and one shift for each image and channel:

    scale = gamma (1 + a)              shift = beta (1 + a) + b

and from its dscale and dshift the chain rule gives

    dgamma = sum over n of dscale (1 + a)        da = dscale gamma + dshift beta
    dbeta  = sum over n of dshift (1 + a)        db = dshift

Read more: `tutorials/05_backpropagation.ipynb`; Wu and He, "Group Normalization", 2018; Perez et al., "FiLM", 2018.
"""

import numpy as np

from minidiff.errors import MinidiffError
from minidiff.kernels import norm as kernels

EPS = 1e-5


class GroupNorm:
    """Normalize groups of channels, scale and shift, and apply SiLU.

    Args:
        name: prefix of its parameters' names.
        channels: C.
        num_groups: divides C.
        activate: whether SiLU follows.

    Raises:
        MinidiffError: num_groups does not divide channels.
    """

    def __init__(self, name, channels, num_groups=8, activate=True):
        if channels % num_groups:
            raise MinidiffError(f"{name}: {channels} channels cannot be cut into {num_groups} equal groups")
        self.name, self.channels, self.num_groups, self.activate = name, channels, num_groups, activate

    def shapes(self):
        return {f"{self.name}.gamma": (self.channels,), f"{self.name}.beta": (self.channels,)}

    def initialize(self, p, rng):
        p[f"{self.name}.gamma"][...] = 1
        p[f"{self.name}.beta"][...] = 0

    def cost(self, shape):
        return shape, (16 if self.activate else 8) * int(np.prod(shape))

    def forward(self, p, x, a_b=None):
        """Args: x (N, H, W, C); a_b (N, 2C), a before b, or None for a = b = 0."""
        N, C = x.shape[0], self.channels
        gamma, beta = p[f"{self.name}.gamma"], p[f"{self.name}.beta"]
        a, b = (np.zeros((2, N, C), x.dtype)) if a_b is None else (a_b[:, :C], a_b[:, C:])
        scale = gamma * (1 + a)  # (N, C)
        shift = beta * (1 + a) + b  # (N, C)
        pixels = x.reshape(N, -1, C)  # (N, P, C)
        mean, inverse_deviation = p.empty((N, C)), p.empty((N, C))
        kernels.group_statistics(pixels, self.num_groups, EPS, mean, inverse_deviation)
        y = p.empty(x.shape)
        kernels.norm_scale_silu(pixels, mean, inverse_deviation, scale, shift, self.activate, y.reshape(N, -1, C))
        return y, (x, mean, inverse_deviation, scale, shift, a, a_b is not None)

    def backward(self, p, g, cache, dy, dcarried=None):
        """Returns dx (N, H, W, C), or (dx, da_b) if forward was given a_b; dcarried (N, H, W, C) is added to dx."""
        x, mean, inverse_deviation, scale, shift, a, conditioned = cache
        N, C = x.shape[0], self.channels
        gamma, beta = p[f"{self.name}.gamma"], p[f"{self.name}.beta"]
        dx, dscale, dshift = p.empty(x.shape), p.empty((N, C)), p.empty((N, C))
        dcarried = None if dcarried is None else dcarried.reshape(N, -1, C)
        kernels.norm_scale_silu_backward(
            dy.reshape(N, -1, C), x.reshape(N, -1, C), mean, inverse_deviation, scale, shift,
            self.num_groups, self.activate, dcarried, dx.reshape(N, -1, C), dscale, dshift,
        )  # fmt: skip
        g[f"{self.name}.gamma"] += (dscale * (1 + a)).sum(axis=0)
        g[f"{self.name}.beta"] += (dshift * (1 + a)).sum(axis=0)
        if not conditioned:
            return dx
        da = dscale * gamma + dshift * beta  # (N, C)
        return dx, np.concatenate([da, dshift], axis=1)
