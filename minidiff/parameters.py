"""All parameters of a network in one flat vector, with a named view of each.

    parameters = Parameters({"conv.weight": (3, 3, 3, 32), "conv.bias": (32,)})
    parameters["conv.bias"]          # (32,), a view of parameters.vector
    parameters.vector                # (896,), all parameters

An operation on all parameters (AdamW, the moving average, clipping, checkpoints, the sum of gradients) is then one
operation on one vector, and a gradient is a second `Parameters` with the same names.
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import DTypeLike

from minidiff.errors import MinidiffError


class Parameters:
    """A flat vector and its named views.

    Args:
        shapes: name -> shape, in their order in the vector.
        dtype: float32, or float64 for gradient checks.
        vector: an existing vector to view, (size,); by default a new one of zeros.

    Raises:
        MinidiffError: the length of the vector does not match the shapes.
    """

    def __init__(
        self, shapes: Mapping[str, tuple[int, ...]], dtype: DTypeLike = np.float32, vector: np.ndarray | None = None,
    ) -> None:  # fmt: skip
        self.shapes = dict(shapes)
        self.size = sum(math.prod(shape) for shape in self.shapes.values())
        self.vector = np.zeros(self.size, dtype) if vector is None else vector
        if self.vector.shape != (self.size,):
            raise MinidiffError(
                f"the vector has {self.vector.size} parameters but the network has {self.size}; "
                "use the vector of a network with the same configuration"
            )
        self.slices: dict[str, slice] = {}
        self.views: dict[str, np.ndarray] = {}
        first = 0
        for name, shape in self.shapes.items():
            last = first + math.prod(shape)
            self.slices[name] = slice(first, last)
            self.views[name] = self.vector[first:last].reshape(shape)
            first = last

    def __repr__(self) -> str:
        return f"Parameters({len(self.shapes)} arrays, {self.size:,} values, {self.vector.dtype})"

    def __getitem__(self, name: str) -> np.ndarray:
        """The view of one parameter, in its shape; writing to it writes to the vector."""
        return self.views[name]

    def __setitem__(self, name: str, value: np.ndarray | float) -> None:
        """Writes into the view, so that `g[name] += dw` adds in place."""
        if value is not self.views[name]:
            self.views[name][...] = value

    def zeros_like(self) -> "Parameters":
        """A new `Parameters` of the same names, shapes and dtype, filled with zeros, to accumulate gradients."""
        return Parameters(self.shapes, self.vector.dtype)
