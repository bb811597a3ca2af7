"""All the parameters of a network in one flat vector, with a named view for each.

    parameters = Parameters({"conv.weight": (3, 3, 3, 32), "conv.bias": (32,)})
    parameters["conv.bias"]          # (32,), a window into parameters.vector
    parameters.vector                # (896,), everything

What acts on all parameters alike (AdamW, the moving average, clipping, checkpoints, the sum of gradients) is then one
operation on one vector, and a gradient is simply a second `Parameters` with the same names.

Some layers work with a transformed copy of their weights (Winograd's U = G w G'). `derived` keeps such a copy until
`changed` says that the numbers are no longer the same, and `refresh` brings all of them up to date.
"""

import math

import numpy as np

from minidiff.buffers import Buffers
from minidiff.errors import MinidiffError


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
        self._derived, self._fresh = {}, set()  # name -> (array, function); names whose array is up to date
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
        """An uninitialised array of the parameters' dtype in memory that this thread has used before (`buffers.py`)."""
        return self._buffers.empty(shape, self.vector.dtype)

    def derived(self, name, shape, function):
        """A copy computed from parameters, kept until they change.

        Two threads that ask at the same moment may both compute it; they get equal arrays, so nothing is lost but time.
        `refresh` spares it.

        Args:
            name: under which the result is kept.
            shape: of the result.
            function: called with an array of that shape, which it fills, when the result is not there.
        """
        if name not in self._fresh:
            array = np.empty(shape, self.vector.dtype)
            function(array)
            self._derived[name] = array, function
            self._fresh.add(name)
        return self._derived[name][0]

    def changed(self):
        """Must be called after the numbers were changed: what was derived from them is no longer right."""
        self._fresh.clear()

    def refresh(self, workers):
        """Computes anew, in the same memory, all that has ever been derived: each copy once, by one of the workers.

        To be called while no other thread uses the parameters.

        Args:
            workers: `Workers`.
        """

        def compute(name):
            array, function = self._derived[name]
            function(array)

        stale = [name for name in self._derived if name not in self._fresh]
        workers.map(compute, stale)
        self._fresh.update(stale)
