"""Halving and doubling the size of the image.

Down: a 3x3 convolution with stride 2, which also changes the number of channels.

Up: a 1x1 convolution to the finer level's channels while the image is still small, every pixel repeated as a 2x2
square, and the finer level's own activation from the way down joined on as further channels. A number that was
repeated four times collects the sum of four gradients; a join is undone by a split.
"""

import numpy as np

from minidiff.layers.convolution import Conv2d


class Downsample(Conv2d):
    """3x3 convolution with stride 2: (N, H, W, C) to (N, H/2, W/2, K).

    Args:
        name: prefix of its parameters' names.
        in_channels, out_channels: C and K.
    """

    def __init__(self, name, in_channels, out_channels):
        super().__init__(name, in_channels, out_channels, kernel_size=3, stride=2)


class UpsampleAndJoin:
    """(N, H, W, C) to (N, 2H, 2W, K), joined with the finer level's activation: (N, 2H, 2W, 2K).

    Args:
        name: prefix of its parameters' names.
        in_channels, out_channels: C and K.
    """

    def __init__(self, name, in_channels, out_channels):
        self.name = name
        self.out_channels = out_channels
        self.convolution = Conv2d(f"{name}.convolution", in_channels, out_channels, kernel_size=1)
        self.children = [self.convolution]

    def cost(self, shape):
        N, H, W, _ = shape
        return (N, 2 * H, 2 * W, 2 * self.out_channels), self.convolution.cost(shape)[1]

    def forward(self, p, x, skip):
        """Args: x (N, H, W, C), the coarser level's result; skip (N, 2H, 2W, K), kept on the way down."""
        N, H, W, _ = x.shape
        K = self.out_channels
        h, cache = self.convolution.forward(p, x)  # (N, H, W, K)
        y = p.empty((N, 2 * H, 2 * W, 2 * K))
        y.reshape(N, H, 2, W, 2, 2 * K)[..., :K] = h[:, :, None, :, None, :]
        y[..., K:] = skip
        return y, cache

    def backward(self, p, g, cache, dy):
        """Returns dx (N, H, W, C) and dskip (N, 2H, 2W, K)."""
        K = self.out_channels
        N, H, W, _ = dy.shape
        dh = np.add(dy[:, ::2, ::2, :K], dy[:, ::2, 1::2, :K], out=p.empty((N, H // 2, W // 2, K)))
        dh += dy[:, 1::2, ::2, :K]
        dh += dy[:, 1::2, 1::2, :K]  # (N, H, W, K)
        dx = self.convolution.backward(p, g, cache, dh)
        return dx, dy[..., K:]
