"""Self-attention: every pixel attends to every other pixel of the image.

A convolution combines neighboring pixels only; attention relates distant parts of an image, such as the two eyes of a
face. With S = H*W pixels, for each image and each head of d channels (Vaswani et al., 2017, eq. 1):

    q, k, v = three linear maps of GroupNorm(x)                     (S, d) each
    weights = softmax( q k' / sqrt(d) )                             (S, S), each row sums to one
    y       = x + Linear( weights v )

`kernels/plain/attention.py` computes everything between the two linear maps, forward and backward.

Read more: `tutorials/05_backpropagation.ipynb`.
"""

from typing import Any

import numpy as np

from minidiff.errors import MinidiffError
from minidiff.kernels.sets import Kernels, create_kernels
from minidiff.layers.layer import Layer, Shape
from minidiff.layers.linear import Linear
from minidiff.layers.norm import GroupNorm
from minidiff.parameters import Parameters


class SelfAttention(Layer):
    """y = x + projection(attention(GroupNorm(x))); the projection is initialized with zeros, so y = x at first.

    Args:
        name: prefix of the names of its parameters.
        channels: C.
        head_channels: d; divides C.
        num_groups: of the normalization.
        kernels: the set of kernels; default: "fast".

    Raises:
        MinidiffError: head_channels does not divide channels.
    """

    def __init__(
        self, name: str, channels: int, head_channels: int = 32, num_groups: int = 8, kernels: Kernels | None = None
    ) -> None:
        self.name, self.kernels = name, kernels or create_kernels()
        if channels % head_channels:
            raise MinidiffError(
                f"{name}: {channels} channels cannot be split into heads of {head_channels}; "
                "choose head_channels that divides them"
            )
        self.channels, self.head_channels, self.num_heads = channels, head_channels, channels // head_channels
        self.norm = GroupNorm(f"{name}.norm", channels, num_groups, activate=False, kernels=self.kernels)
        self.qkv = Linear(f"{name}.qkv", channels, 3 * channels, kernels=self.kernels)
        self.projection = Linear(f"{name}.projection", channels, channels, zero=True, kernels=self.kernels)
        self.children = [self.norm, self.qkv, self.projection]

    def cost(self, shape: Shape) -> tuple[Shape, int]:
        """Output shape and operations of norm, linear maps and the two products with the weights."""
        N, H, W, C = shape
        flops = self.norm.cost(shape)[1] + self.qkv.cost(shape)[1] + self.projection.cost(shape)[1]
        return shape, flops + 2 * 2 * N * (H * W) ** 2 * C

    def forward(self, p: Parameters, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Returns y (N, H, W, C) for x (N, H, W, C), and the cache."""
        h, cache_norm = self.norm.forward(p, x)
        qkv, cache_qkv = self.qkv.forward(p, h)  # (N, H, W, 3C)
        h = self.kernels.attention(qkv, self.num_heads)  # (N, H, W, C)
        y, cache_projection = self.projection.forward(p, h, residual=x)
        return y, (cache_norm, cache_qkv, qkv, cache_projection)

    def backward(self, p: Parameters, g: Parameters, cache: Any, dy: np.ndarray) -> np.ndarray:
        """Returns dx (N, H, W, C)."""
        cache_norm, cache_qkv, qkv, cache_projection = cache
        dh = self.projection.backward(p, g, cache_projection, dy)
        dqkv = self.kernels.attention_backward(qkv, self.num_heads, dh)  # (N, H, W, 3C)
        dh = self.qkv.backward(p, g, cache_qkv, dqkv)
        return self.norm.backward(p, g, cache_norm, dh, dy)
