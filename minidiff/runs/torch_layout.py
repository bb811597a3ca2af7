"""Names and axes of the parameters in PyTorch, in which exported weights are stored.

    minidiff                                   PyTorch
    down0.block1.conv1.weight (k, k, C, K)     down.0.blocks.1.conv1.weight (K, C, k, k)
    time.linear1.weight (in, out)              time.linear1.weight (out, in)
    conv_in1.bias, conv_out1.bias              entries.1.bias, exits.1.conv.bias
    gamma, beta, table                         weight, bias, weight

The module in `minidiff/benchmark/torch_unet.py` has these names and axes. PyTorch itself is not needed here.
"""

import re
from collections.abc import Mapping

import numpy as np

from minidiff.layers.layer import Shape
from minidiff.parameters import Parameters

RENAMED = (  # patterns of minidiff's names, one after the other
    (r"^conv_in(\d*)", r"entries.\1"),
    (r"^(norm|conv)_out(\d*)", r"exits.\2.\1"),
    (r"^(entries|exits)\.\.", r"\1.0."),  # the finest level has no number
    (r"^(down|up)(\d+)", r"\1.\2"),
    (r"^((?:down|up)\.\d+)\.block(\d+)", r"\1.blocks.\2"),
    (r"\.(downsample|upsample\.convolution)\.", ".resample."),
    (r"\.gamma$", ".weight"),
    (r"\.beta$", ".bias"),
    (r"\.table$", ".weight"),
)


def to_torch(p: Parameters) -> dict[str, np.ndarray]:
    """All parameters under their names and with their axes in PyTorch, as views."""
    return {torch_name(name): with_torch_axes(name, p[name]) for name in p.shapes}


def from_torch(shapes: Mapping[str, Shape], tensors: Mapping[str, np.ndarray]) -> np.ndarray:
    """The inverse of `to_torch`.

    Args:
        shapes: names and shapes of the parameters.
        tensors: under their names in PyTorch, of the shapes of `torch_shapes`.

    Returns:
        The flat vector (size,), float64 if a tensor is, otherwise float32.
    """
    p = Parameters(shapes, np.result_type(np.float32, *tensors.values()))
    for name in shapes:
        with_torch_axes(name, p[name])[...] = tensors[torch_name(name)]  # a view, so this writes into the vector
    return p.vector


def torch_shapes(shapes: Mapping[str, Shape]) -> dict[str, Shape]:
    """Names and shapes of the parameters in PyTorch, from those in minidiff."""
    return {
        torch_name(name): with_torch_axes(name, np.broadcast_to(np.float32(0), shape)).shape
        for name, shape in shapes.items()
    }


def torch_name(name: str) -> str:
    """The name of a parameter in PyTorch."""
    for pattern, replacement in RENAMED:
        name = re.sub(pattern, replacement, name)
    return name


def with_torch_axes(name: str, weight: np.ndarray) -> np.ndarray:
    """A parameter with its axes in the order of PyTorch, as a view; embedding tables have the same order in both."""
    if weight.ndim == 4:
        return weight.transpose(3, 2, 0, 1)  # (k, k, C, K) to (K, C, k, k)
    return weight.T if name.endswith(".weight") else weight  # (in, out) to (out, in)
