"""Linear map and class embedding: a matrix product, and a lookup in a table.

Linear: y = x W + b. From the chain rule, with one row for each example:

    dW = x' dy        db = sum of dy over the rows        dx = dy W'

Class embedding: y[n] = table[label[n]]. A lookup is a product with a one-hot vector, so its gradient is added to the
rows that were looked up. The last row is the *null class*, which stands for "no label given". Training with it now and
then makes classifier-free guidance possible (Ho and Salimans, 2022).

Read more: `tutorials/05_backpropagation.ipynb`.
"""

import math

import numpy as np

from minidiff.errors import MinidiffError
from minidiff.kernels.sets import Kernels, create_kernels
from minidiff.layers.layer import Layer, Shape
from minidiff.parameters import Parameters


class Linear(Layer):
    """y = x W + b on the last axis.

    Args:
        name: prefix of the names of its parameters.
        in_channels, out_channels: lengths of the last axis of x and y.
        zero: initialize W with zeros instead of small random values.
        kernels: the set of kernels; default: "fast".
    """

    def __init__(
        self, name: str, in_channels: int, out_channels: int, zero: bool = False, kernels: Kernels | None = None
    ) -> None:
        self.name, self.in_channels, self.out_channels, self.zero = name, in_channels, out_channels, zero
        self.kernels = kernels or create_kernels()

    def shapes(self) -> dict[str, Shape]:
        """Shapes of weight (in_channels, out_channels) and bias (out_channels,)."""
        return {f"{self.name}.weight": (self.in_channels, self.out_channels), f"{self.name}.bias": (self.out_channels,)}

    def initialize(self, p: Parameters, rng: np.random.Generator) -> None:
        """Draws the weight uniformly from +-1 / sqrt(in_channels), unless `zero`; sets the bias to zero."""
        bound = 0.0 if self.zero else self.in_channels**-0.5
        p[f"{self.name}.weight"][...] = rng.uniform(-bound, bound, (self.in_channels, self.out_channels))
        p[f"{self.name}.bias"][...] = 0

    def cost(self, shape: Shape) -> tuple[Shape, int]:
        """Output shape and operations of the product."""
        return (*shape[:-1], self.out_channels), 2 * math.prod(shape[:-1]) * self.in_channels * self.out_channels

    def forward(
        self, p: Parameters, x: np.ndarray, residual: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns y (..., out_channels), plus a residual of its shape, for x (..., in_channels), and x as the cache."""
        return self.kernels.linear(x, p[f"{self.name}.weight"], p[f"{self.name}.bias"], residual), x

    def backward(self, p: Parameters, g: Parameters, cache: np.ndarray, dy: np.ndarray) -> np.ndarray:
        """Returns dx (..., in_channels)."""
        dweight, dbias = g[f"{self.name}.weight"], g[f"{self.name}.bias"]
        return self.kernels.linear_backward(cache, p[f"{self.name}.weight"], dy, dweight, dbias)


class ClassEmbedding(Layer):
    """One learned vector for each class, and a last one for the null class.

    Args:
        name: prefix of the name of its parameter.
        num_classes: the classes are 0 .. num_classes - 1; the null class has the label num_classes.
        channels: length of the vectors.
    """

    def __init__(self, name: str, num_classes: int, channels: int) -> None:
        self.name, self.num_classes, self.channels = name, num_classes, channels

    def shapes(self) -> dict[str, Shape]:
        """Shape of the table (num_classes + 1, channels)."""
        return {f"{self.name}.table": (self.num_classes + 1, self.channels)}

    def initialize(self, p: Parameters, rng: np.random.Generator) -> None:
        """Draws the table from a normal distribution with standard deviation 0.5."""
        p[f"{self.name}.table"][...] = rng.normal(0.0, 0.5, (self.num_classes + 1, self.channels))

    def cost(self, shape: Shape) -> tuple[Shape, int]:
        """Output shape; a lookup takes no operations."""
        return (*shape, self.channels), 0

    def forward(self, p: Parameters, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the vectors (N, channels) of the labels (N,), and the labels as the cache.

        Raises:
            MinidiffError: a label out of range.
        """
        if labels.min() < 0 or labels.max() > self.num_classes:
            raise MinidiffError(
                f"a label is outside 0 .. {self.num_classes}; use a class, or {self.num_classes} for no class"
            )
        return p[f"{self.name}.table"][labels], labels  # (N, channels)

    def backward(self, p: Parameters, g: Parameters, cache: np.ndarray, dy: np.ndarray) -> None:
        """Adds dy (N, channels) to the gradient of the rows that were looked up; labels have no gradient."""
        np.add.at(g[f"{self.name}.table"], cache, dy)
