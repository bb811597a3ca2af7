"""All the parameters of a network in one flat vector, with a named view for each.

    parameters = Parameters({"conv.weight": (3, 3, 3, 32), "conv.bias": (32,)})
    parameters["conv.bias"]          # (32,), a window into parameters.vector
    parameters.vector                # (896,), everything

What acts on all parameters alike (AdamW, the moving average, clipping, checkpoints, the sum of gradients) is then one
operation on one vector, and a gradient is simply a second `Parameters` with the same names.
"""

import math

import numpy as np

from minidiff.errors import MinidiffError
from minidiff.kernels.buffers import Buffers


class Parameters:
    """A flat vector and its named views.

    Args:
        shapes: name -> shape, in the order in which they lie in the vector.
        dtype: float32, or float64 for gradient checks.
        vector: an existing vector to look into, (size,); zeros if not given.

    Raises:
        MinidiffError: the vector's length is not the sum of the shapes.
    """

    def __init__(self, shapes, dtype=np.float32, vector=None):
        self.shapes = dict(shapes)
        self.size = sum(math.prod(shape) for shape in self.shapes.values())
        self.vector = np.zeros(self.size, dtype) if vector is None else vector
        if self.vector.shape != (self.size,):
            raise MinidiffError(
                f"the parameters hold {self.vector.size} numbers and the network needs {self.size}: "
                "they belong to another network"
            )
        self.slices, self.views = {}, {}
        self._buffers = Buffers()
        first = 0
        for name, shape in self.shapes.items():
            last = first + math.prod(shape)
            self.slices[name] = slice(first, last)
            self.views[name] = self.vector[first:last].reshape(shape)
            first = last

    def __getitem__(self, name):
        """The view of one parameter, in its shape; writing to it writes to the vector."""
        return self.views[name]

    def __setitem__(self, name, value):
        """Writes into the view, so that `g[name] += dw` adds in place."""
        if value is not self.views[name]:
            self.views[name][...] = value

    def zeros_like(self):
        """A new `Parameters` of the same names, shapes and dtype, all zero: a place for gradients."""
        return Parameters(self.shapes, self.vector.dtype)

    def empty(self, shape):
        """An uninitialized array of the parameters' dtype in memory that this thread has used before (`buffers.py`)."""
        return self._buffers.empty(shape, self.vector.dtype)
