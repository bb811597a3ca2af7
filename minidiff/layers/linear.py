"""Linear map and class embedding: a matrix product, and a lookup in a table.

Linear: y = x W + b. From the chain rule, with one row for each example:

    dW = x' dy        db = sum of dy over the rows        dx = dy W'

The product of `kernels/linear.py` computes each row independently, so the result for a row is bit-for-bit identical
whatever the other rows are. NumPy's product does not guarantee that. A generated image therefore does not depend on how
many others are generated with it. Gradients are sums over the rows anyway and use NumPy.

Class embedding: y[n] = table[label[n]]. A lookup is a product with a one-hot vector, so its gradient is added to the
rows that were looked up. The last row is the *null class*, which stands for "no label given". Training with it now and
then makes classifier-free guidance possible (Ho and Salimans, 2022).

Read more: `tutorials/05_backpropagation.ipynb`.
"""

import math

import numpy as np

from minidiff.errors import MinidiffError
from minidiff.kernels.linear import linear, pack_panels
from minidiff.kernels.products import PANEL, number_of_panels
from minidiff.layers.layer import Layer, Shape
from minidiff.parameters import Parameters


class Linear(Layer):
    """y = x W + b on the last axis.

    Args:
        name: prefix of the names of its parameters.
        in_channels, out_channels: lengths of the last axis of x and y.
        zero: initialize W with zeros instead of small random values.
    """

    def __init__(self, name: str, in_channels: int, out_channels: int, zero: bool = False) -> None:
        self.name, self.in_channels, self.out_channels, self.zero = name, in_channels, out_channels, zero

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

    def forward(self, p: Parameters, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns y (..., out_channels) for x (..., in_channels), and x as the cache."""
        return linear_map(p, x, p[f"{self.name}.weight"], p[f"{self.name}.bias"]), x

    def backward(self, p: Parameters, g: Parameters, cache: np.ndarray, dy: np.ndarray) -> np.ndarray:
        """Returns dx (..., in_channels)."""
        x = cache.reshape(-1, self.in_channels)
        dy_rows = dy.reshape(-1, self.out_channels)
        g[f"{self.name}.weight"] += x.T @ dy_rows
        g[f"{self.name}.bias"] += np.ones(len(dy_rows), dy.dtype) @ dy_rows  # sum over rows; a product is faster
        dx = p.empty((*dy.shape[:-1], self.in_channels))
        np.matmul(dy_rows, p[f"{self.name}.weight"].T, out=dx.reshape(-1, self.in_channels))
        return dx


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


def linear_map(
    p: Parameters, x: np.ndarray, weight: np.ndarray, bias: np.ndarray, residual: np.ndarray | None = None
) -> np.ndarray:
    """x W + b (+ residual).

    Args:
        p: provides the memory.
        x: (..., C).
        weight: (C, K).
        bias: (K,).
        residual: (..., K), added to the result, or None.

    Returns:
        y (..., K).
    """
    C, K = weight.shape
    y, panels = p.empty((*x.shape[:-1], K)), p.empty((number_of_panels(K), C, PANEL))
    pack_panels(weight, panels)
    y_rows = rows_of(y)
    linear(rows_of(x), panels, bias, y_rows[:0] if residual is None else rows_of(residual), y_rows)
    return y


def rows_of(x: np.ndarray) -> np.ndarray:
    """An array (..., C) as a contiguous matrix (rows, C): a view if it is contiguous, otherwise a copy."""
    return np.ascontiguousarray(x).reshape(-1, x.shape[-1])
