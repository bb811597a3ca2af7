"""Convolution with an odd kernel_size and stride 1 or 2, padded with zeros so that stride 1 keeps the size.

    y[n, h, w, :] = bias + sum over i, j of  x[n, s h + i - k//2, s w + j - k//2, :] @ weight[i, j]

`kernels/plain/convolution.py` shows three ways to compute it, and the gradients with respect to x, weight and bias.

Read more: `tutorials/06_convolution.ipynb`.
"""

import math

import numpy as np

from minidiff.errors import MinidiffError
from minidiff.kernels.sets import Kernels, create_kernels
from minidiff.layers.layer import Layer, Shape
from minidiff.parameters import Parameters


class Conv2d(Layer):
    """y = conv(x, weight) + bias.

    Args:
        name: prefix of the names of its parameters.
        in_channels, out_channels: C and K.
        kernel_size: k, odd.
        stride: 1 or 2; the output is (ceil(H / stride), ceil(W / stride)).
        zero: initialize the weight with zeros instead of small random values.
        kernels: the set of kernels; default: "fast".

    Raises:
        MinidiffError: an even kernel_size, or another stride.
    """

    def __init__(
        self, name: str, in_channels: int, out_channels: int, kernel_size: int = 3, stride: int = 1,
        zero: bool = False, kernels: Kernels | None = None,
    ) -> None:  # fmt: skip
        if kernel_size % 2 == 0 or stride not in (1, 2):
            raise MinidiffError(f"{name}: kernel_size must be odd and stride 1 or 2, not {kernel_size} and {stride}")
        self.name, self.in_channels, self.out_channels = name, in_channels, out_channels
        self.kernel_size, self.stride, self.zero = kernel_size, stride, zero
        self.kernels = kernels or create_kernels()

    def shapes(self) -> dict[str, Shape]:
        """Shapes of weight (k, k, C, K) and bias (K,)."""
        weight = (self.kernel_size, self.kernel_size, self.in_channels, self.out_channels)
        return {f"{self.name}.weight": weight, f"{self.name}.bias": (self.out_channels,)}

    def initialize(self, p: Parameters, rng: np.random.Generator) -> None:
        """Draws the weight uniformly from +-1 / sqrt(k k C), unless `zero`; sets the bias to zero."""
        weight = p[f"{self.name}.weight"]
        bound = 0.0 if self.zero else (self.kernel_size**2 * self.in_channels) ** -0.5
        weight[...] = rng.uniform(-bound, bound, weight.shape)
        p[f"{self.name}.bias"][...] = 0

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of y for x of the given shape."""
        N, H, W, _ = shape
        return N, -(-H // self.stride), -(-W // self.stride), self.out_channels

    def cost(self, shape: Shape) -> tuple[Shape, int]:
        """Output shape and operations of the direct method, whatever method is used."""
        output = self.output_shape(shape)
        return output, 2 * math.prod(output) * self.kernel_size**2 * self.in_channels

    def forward(
        self, p: Parameters, x: np.ndarray, residual: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns y (N, H', W', K) for x (N, H, W, C), and x as the cache.

        `residual`, of y's shape or None, is added to y. Its gradient is dy, which the caller passes on.
        """
        weight, bias = p[f"{self.name}.weight"], p[f"{self.name}.bias"]
        return self.kernels.convolve(x, weight, bias, self.stride, residual), x

    def backward(self, p: Parameters, g: Parameters, cache: np.ndarray, dy: np.ndarray) -> np.ndarray:
        """Returns dx (N, H, W, C)."""
        dweight, dbias = g[f"{self.name}.weight"], g[f"{self.name}.bias"]
        return self.kernels.convolve_backward(cache, p[f"{self.name}.weight"], dy, self.stride, dweight, dbias)
