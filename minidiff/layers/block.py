"""The residual block: two convolutions, conditioned on the time vector, with a residual connection around them.

    a, b = Linear(time_vector)
    y = x + Conv( SiLU( GroupNorm( Conv( SiLU( GroupNorm(x) ) ) ) * (1 + a) + b ) )

The second convolution is initialized with zeros, so a new block is the identity, and gradients reach every layer from
the first optimizer step on (He et al., 2016; Goyal et al., 2017). Where the number of channels changes, the residual
connection has a 1x1 convolution (He et al.'s projection shortcut).

Scale and shift together are FiLM (Perez et al., 2018). Without FiLM there is only the shift: a = 0, and the linear map
gives b alone, as in the first diffusion models (Ho, Jain, Abbeel, 2020).
"""

from typing import Any

import numpy as np

from minidiff.kernels.sets import Kernels, create_kernels
from minidiff.layers.convolution import Conv2d
from minidiff.layers.layer import Layer, Shape
from minidiff.layers.linear import Linear
from minidiff.layers.norm import GroupNorm
from minidiff.parameters import Parameters


class ResidualBlock(Layer):
    """Maps (N, H, W, C) and a time vector to (N, H, W, K).

    Args:
        name: prefix of the names of its parameters.
        in_channels, out_channels: C and K.
        time_channels: length of the time vector.
        num_groups: of the normalizations.
        film: whether the time vector gives scale and shift, or only the shift.
        kernels: the set of kernels; default: "fast".
    """

    def __init__(
        self, name: str, in_channels: int, out_channels: int, time_channels: int, num_groups: int = 8,
        film: bool = True, kernels: Kernels | None = None,
    ) -> None:  # fmt: skip
        self.name, self.scales = name, film
        kernels = kernels or create_kernels()
        self.norm1 = GroupNorm(f"{name}.norm1", in_channels, num_groups, kernels=kernels)
        self.conv1 = Conv2d(f"{name}.conv1", in_channels, out_channels, kernels=kernels)
        self.film = Linear(f"{name}.film", time_channels, (2 if film else 1) * out_channels, zero=True, kernels=kernels)
        self.norm2 = GroupNorm(f"{name}.norm2", out_channels, num_groups, kernels=kernels)
        self.conv2 = Conv2d(f"{name}.conv2", out_channels, out_channels, zero=True, kernels=kernels)
        self.carry = None
        if in_channels != out_channels:
            self.carry = Conv2d(f"{name}.carry", in_channels, out_channels, kernel_size=1, kernels=kernels)
        children = (self.norm1, self.conv1, self.film, self.norm2, self.conv2, self.carry)
        self.children = [child for child in children if child is not None]

    def cost(self, shape: Shape) -> tuple[Shape, int]:
        """Output shape and operations of all layers."""
        output, flops = self.conv1.cost(shape)
        flops += self.norm1.cost(shape)[1] + self.norm2.cost(output)[1] + self.conv2.cost(output)[1]
        flops += self.film.cost((shape[0], self.film.in_channels))[1]
        return output, flops + (self.carry.cost(shape)[1] if self.carry else 0)

    def forward(self, p: Parameters, x: np.ndarray, time_vector: np.ndarray) -> tuple[np.ndarray, Any]:
        """Returns y (N, H, W, K) for x (N, H, W, C) and time_vector (N, time_channels), and the cache."""
        h, cache1 = self.norm1.forward(p, x)
        h, cache2 = self.conv1.forward(p, h)
        a_b, cache3 = self.film.forward(p, time_vector)  # (N, 2K), or b alone, (N, K)
        if not self.scales:
            a_b = np.concatenate([np.zeros_like(a_b), a_b], axis=1)  # a = 0
        h, cache4 = self.norm2.forward(p, h, a_b)
        residual, cache6 = self.carry.forward(p, x) if self.carry else (x, None)
        y, cache5 = self.conv2.forward(p, h, residual)
        return y, (cache1, cache2, cache3, cache4, cache5, cache6)

    def backward(self, p: Parameters, g: Parameters, cache: Any, dy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns dx (N, H, W, C) and dtime_vector (N, time_channels)."""
        cache1, cache2, cache3, cache4, cache5, cache6 = cache
        dresidual = self.carry.backward(p, g, cache6, dy) if self.carry else dy
        dh = self.conv2.backward(p, g, cache5, dy)
        dh, da_b = self.norm2.backward(p, g, cache4, dh)
        if not self.scales:
            da_b = da_b[:, self.film.out_channels :]  # db alone
        dtime_vector = self.film.backward(p, g, cache3, da_b)
        dh = self.conv1.backward(p, g, cache2, dh)
        dx = self.norm1.backward(p, g, cache1, dh, dresidual)
        return dx, dtime_vector
