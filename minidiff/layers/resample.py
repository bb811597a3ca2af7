"""Downsampling and upsampling by a factor of two.

Down: a 3x3 convolution with stride 2, which also changes the number of channels.

Up: a 1x1 convolution to the channels of the finer level, at the small size; then every pixel is repeated as a 2x2
square (nearest-neighbor upsampling), and the skip connection from the way down is concatenated as further channels.
Backward, a value that was repeated four times gets the sum of four gradients, and the concatenation becomes a split.
"""

import numpy as np

from minidiff.kernels.sets import Kernels, create_kernels
from minidiff.layers.convolution import Conv2d
from minidiff.layers.layer import Layer, Shape
from minidiff.parameters import Parameters


class Downsample(Conv2d):
    """3x3 convolution with stride 2: (N, H, W, C) to (N, H/2, W/2, K).

    Args:
        name: prefix of the names of its parameters.
        in_channels, out_channels: C and K.
        kernels: the set of kernels; default: "fast".
    """

    def __init__(self, name: str, in_channels: int, out_channels: int, kernels: Kernels | None = None) -> None:
        super().__init__(name, in_channels, out_channels, kernel_size=3, stride=2, kernels=kernels)


class UpsampleAndJoin(Layer):
    """(N, H, W, C) to (N, 2H, 2W, K), concatenated with the skip connection: (N, 2H, 2W, 2K).

    Args:
        name: prefix of the names of its parameters.
        in_channels, out_channels: C and K.
        kernels: the set of kernels; default: "fast".
    """

    def __init__(self, name: str, in_channels: int, out_channels: int, kernels: Kernels | None = None) -> None:
        self.name, self.kernels = name, kernels or create_kernels()
        self.out_channels = out_channels
        self.convolution = Conv2d(f"{name}.convolution", in_channels, out_channels, kernel_size=1, kernels=self.kernels)
        self.children = [self.convolution]

    def cost(self, shape: Shape) -> tuple[Shape, int]:
        """Output shape and operations of the convolution."""
        N, H, W, _ = shape
        return (N, 2 * H, 2 * W, 2 * self.out_channels), self.convolution.cost(shape)[1]

    def forward(self, p: Parameters, x: np.ndarray, skip: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns y (N, 2H, 2W, 2K) and the cache, for x (N, H, W, C) and the skip connection (N, 2H, 2W, K)."""
        N, H, W, _ = x.shape
        K = self.out_channels
        h, cache = self.convolution.forward(p, x)  # (N, H, W, K)
        y = self.kernels.empty((N, 2 * H, 2 * W, 2 * K), x.dtype)
        y.reshape(N, H, 2, W, 2, 2 * K)[..., :K] = h[:, :, None, :, None, :]
        y[..., K:] = skip
        return y, cache

    def backward(
        self, p: Parameters, g: Parameters, cache: np.ndarray, dy: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns dx (N, H, W, C) and dskip (N, 2H, 2W, K)."""
        K = self.out_channels
        N, H, W, _ = dy.shape
        dh = self.kernels.empty((N, H // 2, W // 2, K), dy.dtype)
        np.add(dy[:, ::2, ::2, :K], dy[:, ::2, 1::2, :K], out=dh)
        dh += dy[:, 1::2, ::2, :K]
        dh += dy[:, 1::2, 1::2, :K]  # (N, H, W, K)
        dx = self.convolution.backward(p, g, cache, dh)
        return dx, dy[..., K:]
