"""Group normalization, followed by a scale and shift from the time vector (FiLM, optional) and by SiLU.

    y = SiLU( (x_hat * gamma + beta) * (1 + a) + b )

x_hat is x, normalized to mean 0 and variance 1 in each image and group of channels. The parameters gamma and beta have
one value per channel; a and b have one per image and channel, and come from the block that owns this layer. The
kernel (`kernels/plain/norm.py`) takes one scale and one shift for each image and channel:

    scale = gamma (1 + a)              shift = beta (1 + a) + b

From its dscale and dshift, the chain rule gives

    dgamma = sum over n of dscale (1 + a)        da = dscale gamma + dshift beta
    dbeta  = sum over n of dshift (1 + a)        db = dshift

Read more: `tutorials/05_backpropagation.ipynb`; Wu and He, "Group Normalization", 2018; Perez et al., "FiLM", 2018.
"""

import math
from typing import Any

import numpy as np

from minidiff.errors import MinidiffError
from minidiff.kernels.sets import Kernels, create_kernels
from minidiff.layers.layer import Layer, Shape
from minidiff.parameters import Parameters

STABILITY = 1e-5  # added to the variance


class GroupNorm(Layer):
    """Normalizes groups of channels, then scales, shifts, and applies SiLU.

    Args:
        name: prefix of the names of its parameters.
        channels: C.
        num_groups: divides C.
        activate: whether SiLU follows.
        kernels: the set of kernels; default: "fast".

    Raises:
        MinidiffError: num_groups does not divide channels.
    """

    def __init__(
        self, name: str, channels: int, num_groups: int = 8, activate: bool = True, kernels: Kernels | None = None
    ) -> None:
        if channels % num_groups:
            raise MinidiffError(
                f"{name}: {channels} channels cannot be split into {num_groups} equal groups; "
                "choose num_groups that divides them"
            )
        self.name, self.channels, self.num_groups, self.activate = name, channels, num_groups, activate
        self.kernels = kernels or create_kernels()

    def shapes(self) -> dict[str, Shape]:
        """Shapes of gamma and beta, (C,) each."""
        return {f"{self.name}.gamma": (self.channels,), f"{self.name}.beta": (self.channels,)}

    def initialize(self, p: Parameters, rng: np.random.Generator) -> None:
        """Sets gamma to one and beta to zero."""
        p[f"{self.name}.gamma"][...] = 1
        p[f"{self.name}.beta"][...] = 0

    def cost(self, shape: Shape) -> tuple[Shape, int]:
        """Output shape and an estimate of the operations: 8 per element, or 16 with SiLU."""
        return shape, (16 if self.activate else 8) * math.prod(shape)

    def forward(self, p: Parameters, x: np.ndarray, a_b: np.ndarray | None = None) -> tuple[np.ndarray, Any]:
        """Returns y (N, H, W, C), and the cache.

        Args:
            p: the parameters.
            x: (N, H, W, C).
            a_b: a and b, concatenated to (N, 2C); None for a = b = 0.
        """
        N, C = x.shape[0], self.channels
        gamma, beta = p[f"{self.name}.gamma"], p[f"{self.name}.beta"]
        a, b = (np.zeros((2, N, C), x.dtype)) if a_b is None else (a_b[:, :C], a_b[:, C:])
        scale = gamma * (1 + a)  # (N, C)
        shift = beta * (1 + a) + b  # (N, C)
        y, mean, inverse_std = self.kernels.group_norm(x, scale, shift, self.num_groups, self.activate, STABILITY)
        return y, (x, mean, inverse_std, scale, shift, a, a_b is not None)

    def backward(
        self, p: Parameters, g: Parameters, cache: Any, dy: np.ndarray, dresidual: np.ndarray | None = None
    ) -> Any:
        """Returns dx (N, H, W, C), or (dx, da_b) if forward was given a_b.

        `dresidual` (N, H, W, C), the gradient through a residual connection that starts at x, is added to dx.
        """
        x, mean, inverse_std, scale, shift, a, conditioned = cache
        gamma, beta = p[f"{self.name}.gamma"], p[f"{self.name}.beta"]
        dx, dscale, dshift = self.kernels.group_norm_backward(
            x, mean, inverse_std, scale, shift, self.num_groups, self.activate, dy, dresidual
        )
        g[f"{self.name}.gamma"] += (dscale * (1 + a)).sum(axis=0)
        g[f"{self.name}.beta"] += (dshift * (1 + a)).sum(axis=0)
        if not conditioned:
            return dx
        da = dscale * gamma + dshift * beta  # (N, C)
        return dx, np.concatenate([da, dshift], axis=1)
