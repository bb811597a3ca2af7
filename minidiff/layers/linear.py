"""Linear map and class embedding: a matrix product, and a row of a table.

Linear: y = x W + b. From the chain rule, with one row for each example:

    dW = x' dy        db = sum of dy over the rows        dx = dy W'

The product of `kernels/linear.py` gives a row the same result, to the bit, whatever other rows there are; NumPy's need
not. So an image that is generated does not depend on how many others are. A gradient is a sum over rows anyway, and is
left to NumPy.

Class embedding: y[n] = table[label[n]]. A lookup is a product with a one-hot vector, so its gradient goes to the rows
that were looked up and nowhere else. The last row belongs to no class: it is the *null class*, which stands for "any",
and training with it now and then is what makes guidance possible (Ho and Salimans, 2022).

Read more: `tutorials/05_backpropagation.ipynb`.
"""

import numpy as np

from minidiff.errors import MinidiffError
from minidiff.kernels.linear import in_panels, linear
from minidiff.kernels.products import PANEL, number_of_panels


class Linear:
    """y = x W + b on the last axis.

    Args:
        name: prefix of its parameters' names.
        in_channels, out_channels: lengths of the last axis of x and y.
        zero: start with W = 0 instead of small random numbers.
    """

    def __init__(self, name, in_channels, out_channels, zero=False):
        self.name, self.in_channels, self.out_channels, self.zero = name, in_channels, out_channels, zero

    def shapes(self):
        return {f"{self.name}.weight": (self.in_channels, self.out_channels), f"{self.name}.bias": (self.out_channels,)}

    def initialize(self, p, rng):
        bound = 0.0 if self.zero else self.in_channels**-0.5
        p[f"{self.name}.weight"][...] = rng.uniform(-bound, bound, (self.in_channels, self.out_channels))
        p[f"{self.name}.bias"][...] = 0

    def cost(self, shape):
        rows = int(np.prod(shape[:-1]))
        return (*shape[:-1], self.out_channels), 2 * rows * self.in_channels * self.out_channels

    def forward(self, p, x):
        return linear_map(p, x, p[f"{self.name}.weight"], p[f"{self.name}.bias"]), x

    def backward(self, p, g, cache, dy):
        x = cache.reshape(-1, self.in_channels)
        dy_rows = dy.reshape(-1, self.out_channels)
        g[f"{self.name}.weight"] += x.T @ dy_rows
        g[f"{self.name}.bias"] += np.ones(len(dy_rows), dy.dtype) @ dy_rows  # a sum over rows, as a product: faster
        dx = p.empty((*dy.shape[:-1], self.in_channels))
        np.matmul(dy_rows, p[f"{self.name}.weight"].T, out=dx.reshape(-1, self.in_channels))
        return dx


class ClassEmbedding:
    """One learned vector for each class and one, the last, for "any class".

    Args:
        name: prefix of its parameter's name.
        num_classes: classes 0 .. num_classes - 1; the null class is number num_classes.
        channels: length of the vectors.
    """

    def __init__(self, name, num_classes, channels):
        self.name, self.num_classes, self.channels = name, num_classes, channels

    def shapes(self):
        return {f"{self.name}.table": (self.num_classes + 1, self.channels)}

    def initialize(self, p, rng):
        p[f"{self.name}.table"][...] = rng.normal(0.0, 0.5, (self.num_classes + 1, self.channels))

    def cost(self, shape):
        return (*shape, self.channels), 0

    def forward(self, p, labels):
        if labels.min() < 0 or labels.max() > self.num_classes:
            raise MinidiffError(
                f"a label lies outside 0 .. {self.num_classes} ({self.num_classes} stands for any class)"
            )
        return p[f"{self.name}.table"][labels], labels  # (N, channels)

    def backward(self, p, g, cache, dy):
        np.add.at(g[f"{self.name}.table"], cache, dy)


def linear_map(p, x, weight, bias, carried=None):
    """x W + b, and what is carried past it.

    Args:
        p: `Parameters`, whose memory is used.
        x: (..., C).
        weight: (C, K).
        bias: (K,).
        carried: (..., K), added to the result, or None.

    Returns:
        y (..., K).
    """
    C, K = weight.shape
    y, panels = p.empty((*x.shape[:-1], K)), p.empty((number_of_panels(K), C, PANEL))
    in_panels(weight, panels)
    y_rows = rows_of(y)
    linear(rows_of(x), panels, bias, y_rows[:0] if carried is None else rows_of(carried), y_rows)
    return y


def rows_of(x):
    """An array (..., C) as a contiguous matrix (rows, C): a window into it if it is contiguous, else a copy."""
    return np.ascontiguousarray(x).reshape(-1, x.shape[-1])
