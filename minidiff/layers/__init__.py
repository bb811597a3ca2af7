"""The layers, each with its backward pass written by hand right under its forward pass.

All keep one contract, which is also all there is to "automatic" differentiation when one does it oneself:

    y, cache = layer.forward(p, x)            # cache: what backward will need, nothing else
    dx = layer.backward(p, g, cache, dy)      # dy, dx: gradients of the loss by y and by x

`p` holds the parameters and `g`, of the same names and shapes, collects their gradients: backward ADDS to it, because
a parameter used by many images gets a share of gradient from each. A layer object keeps no arrays of its own, so one
network serves any number of threads.

A layer also knows `shapes()`, the names and shapes of its parameters; `initialize(p, rng)`, their first values; and
`cost(shape)`, the shape it makes of an input of that shape and the floating-point operations spent on the way
(a multiplication and an addition count as two).

Read more: `tutorials/05_backpropagation.ipynb`.
"""

from minidiff.layers.attention import SelfAttention
from minidiff.layers.block import ResidualBlock
from minidiff.layers.convolution import Conv2d
from minidiff.layers.linear import ClassEmbedding, Linear
from minidiff.layers.norm import GroupNorm
from minidiff.layers.resample import Downsample, UpsampleAndJoin
from minidiff.layers.time import TimeEmbedding

__all__ = [
    "ClassEmbedding",
    "Conv2d",
    "Downsample",
    "GroupNorm",
    "Linear",
    "ResidualBlock",
    "SelfAttention",
    "TimeEmbedding",
    "UpsampleAndJoin",
]
