"""Is this backward pass right? Compare it with slopes measured on the forward pass.

A derivative written by hand is checked against its definition. With L the loss, e_i a step along number i of an array
a, and h small, the *central difference*

    dL/da_i  =  ( L(a + h e_i) - L(a - h e_i) ) / 2h  +  O(h^2)

needs the forward pass alone, so it knows nothing of the mistakes in the backward pass. It costs two forward passes for
each number, which is why one checks with it and does not train with it. float64 is a must: in float32 the difference
of two nearly equal losses is mostly rounding.

A layer gives an array y and not a loss, so one is made: L = sum(dy * y) with fixed numbers dy, the *upstream
gradient*, since then dL/dy = dy. Everything hangs on the choice of the numbers:

* **dy is random, never ones.** With ones L is the sum of y. The sum of a normalized array is zero whatever its input
  was, so the true dx is zero, and every mistake that keeps within zero passes: a backward that leaves out the term of
  the variance, or one that returns nothing but zeros. In the words of linear algebra, a vector of ones lies in the
  null space of the norm's backward. The same holds for a softmax, whose outputs sum to one.
* **Parameters are random, never zeros.** Layers that start at zero (the last convolution of a residual block) would
  cut off all that lies behind them, and a bias of zero hides a term in which it is a factor.
* **The gradient is added to what is there**, to random numbers, since backward must add and not overwrite.

Read more: `tutorials/05_backpropagation.ipynb`; Baydin et al., "Automatic Differentiation in Machine Learning: a
Survey", 2018, section 2.1, on why h is neither large (the O(h^2)) nor tiny (rounding, divided by h).
"""

import math

import numpy as np

from minidiff.errors import MinidiffError
from minidiff.parameters import Parameters

STEP = 1e-5  # about the cube root of float64's precision, where the two errors of the central difference are equal


def numerical_gradient(loss, array, step=STEP, entries=None):
    """The gradient of a loss by an array, by central differences, one number after the other.

    Args:
        loss: a function without arguments that reads `array` and returns a number.
        array: float64, any shape; changed in place and put back.
        step: h.
        entries: indices into the flattened array, (n,), if not all of it is wanted.

    Returns:
        float64 of the array's shape, or (n,) if `entries` is given.

    Raises:
        MinidiffError: the array is not float64.
    """
    _require_float64(array)
    indices = range(array.size) if entries is None else entries
    gradient = np.empty(len(indices))
    for position, i in enumerate(indices):
        before = array.flat[i]
        array.flat[i] = before + step
        above = loss()
        array.flat[i] = before - step
        below = loss()
        array.flat[i] = before
        gradient[position] = (above - below) / (2 * step)
    return gradient.reshape(array.shape) if entries is None else gradient


def directional_derivative(loss, array, direction, step=STEP):
    """The slope of a loss along one direction: all numbers of an array checked at once, with two forward passes.

    It equals sum(gradient * direction). It says that something is wrong, not where.

    Args:
        loss, array, step: as in `numerical_gradient`.
        direction: of the array's shape.

    Returns:
        a number.

    Raises:
        MinidiffError: the array is not float64.
    """
    _require_float64(array)
    before = array.copy()
    array[...] = before + step * direction
    above = loss()
    array[...] = before - step * direction
    below = loss()
    array[...] = before
    return (above - below) / (2 * step)


def relative_error(a, b):
    """The largest difference of two arrays, in units of the largest number in either.

    Number by number would be too strict: an entry that happens to be 1e-9 is measured with an error of 1e-10.

    Args:
        a, b: arrays of one shape.

    Returns:
        a number: 0 for equal arrays, NaN if either holds a NaN.

    Raises:
        MinidiffError: the shapes differ.
    """
    if np.shape(a) != np.shape(b):
        raise MinidiffError(f"arrays of shapes {np.shape(a)} and {np.shape(b)} cannot be compared")
    difference = np.max(np.abs(np.subtract(a, b)), initial=0.0)
    scale = max(np.max(np.abs(a), initial=0.0), np.max(np.abs(b), initial=0.0))
    return float(difference) if scale == 0 else float(difference / scale)


def check_layer(layer, *inputs, rng, entries=None, step=STEP):
    """Compares a layer's backward pass with central differences, with random parameters and a random upstream.

    Args:
        layer: a layer, a block of layers or a whole network.
        inputs: what `forward` takes after the parameters. Those that backward gives a gradient for come first, and
            are float64.
        rng: a `numpy.random.Generator`.
        entries: how many randomly chosen numbers of each array to check; all if not given.
        step: h.

    Returns:
        name -> relative error: "input 0", "input 1", ... and the name of every parameter. About 1e-9 if all is right;
        a mistake shows as 1e-3 or more.
    """
    p = random_parameters(layer, rng)
    g = p.zeros_like()
    y, cache = layer.forward(p, *inputs)
    upstream = rng.normal(size=y.shape)
    already_there = rng.normal(size=g.size)
    g.vector += already_there
    dinputs = layer.backward(p, g, cache, upstream.copy())
    g.vector -= already_there
    dinputs = () if dinputs is None else dinputs if isinstance(dinputs, tuple) else (dinputs,)

    def loss():
        return np.sum(upstream * layer.forward(p, *inputs)[0])

    pairs = {f"input {i}": (inputs[i], dinput) for i, dinput in enumerate(dinputs)}
    pairs |= {name: (p[name], g[name]) for name in p.shapes}
    errors = {}
    for name, (array, gradient) in pairs.items():
        measured = np.array(gradient)  # the numbers that are not measured count as right
        chosen = range(array.size) if entries is None else rng.permutation(array.size)[:entries]
        measured.flat[list(chosen)] = numerical_gradient(loss, array, step, chosen)
        errors[name] = relative_error(gradient, measured)
    return errors


def random_parameters(layer, rng, dtype=np.float64):
    """Parameters of a layer, a block or a network, none of them zero, and of a size that keeps y as large as x.

    Args:
        layer: has `shapes()`, or `children` that have.
        rng: a `numpy.random.Generator`.
        dtype: of the parameters.

    Returns:
        `Parameters`: normal numbers, in a matrix or a kernel divided by the root of the number of inputs.
    """
    p = Parameters(_shapes(layer), dtype)
    for name, shape in p.shapes.items():
        p[name] = rng.normal(size=shape) / math.sqrt(math.prod(shape[:-1]))
    return p


def _require_float64(array):
    if array.dtype != np.float64:
        raise MinidiffError(f"a gradient check needs float64, not {array.dtype}: convert with .astype(np.float64)")


def _shapes(layer):
    if hasattr(layer, "shapes"):
        return layer.shapes()
    children = layer.children() if callable(layer.children) else layer.children
    return {name: shape for child in children for name, shape in _shapes(child).items()}
