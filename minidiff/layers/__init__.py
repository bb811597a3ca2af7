"""The layers, each with a backward pass written by hand directly below its forward pass.

All keep one contract (`layer.py`):

    y, cache = layer.forward(p, x)            # cache: what backward needs
    dx = layer.backward(p, g, cache, dy)      # dy, dx: gradients of the loss with respect to y and x

`p` holds the parameters. `g` has the same names and shapes and accumulates their gradients: backward ADDS to it,
because a parameter that is used for many images gets a gradient from each. A layer stores no arrays itself, so several
threads can use one network at the same time.

Read more: `tutorials/05_backpropagation.ipynb`.
"""

from minidiff.layers.attention import SelfAttention
from minidiff.layers.block import ResidualBlock
from minidiff.layers.convolution import Conv2d
from minidiff.layers.layer import Layer, Module, count_parameters, create_parameters, leaves, shapes_of
from minidiff.layers.linear import ClassEmbedding, Linear
from minidiff.layers.norm import GroupNorm
from minidiff.layers.resample import Downsample, UpsampleAndJoin
from minidiff.layers.time import TimeEmbedding

__all__ = [
    "ClassEmbedding",
    "Conv2d",
    "Downsample",
    "GroupNorm",
    "Layer",
    "Linear",
    "Module",
    "ResidualBlock",
    "SelfAttention",
    "TimeEmbedding",
    "UpsampleAndJoin",
    "count_parameters",
    "create_parameters",
    "leaves",
    "shapes_of",
]
