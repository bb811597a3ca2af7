"""Gradient checks: compare a backward pass with finite differences of the forward pass.

A derivative written by hand is checked against its definition. With the loss L, the unit vector e_i of element i of an
array a, and a small h, the *central difference*

    dL/da_i  =  ( L(a + h e_i) - L(a - h e_i) ) / 2h  +  O(h^2)

needs the forward pass alone, so a mistake in the backward pass cannot affect it. It costs two forward passes per
element, which is too slow for training. It needs float64: in float32 the difference of two nearly equal losses is
mostly rounding error.

A layer returns an array y, not a loss. So the check uses L = sum(dy * y) with a constant array dy, the *upstream
gradient*, since then dL/dy = dy. The check depends on the choice of values:

* **dy is random, never ones.** With ones, L is the sum of y. The sum of a normalized array is zero for every input, so
  the true dx is zero, and a wrong backward pass that also returns zero passes the check: one without the term of the
  variance, or one that returns only zeros. In terms of linear algebra, a vector of ones is in the null space of the
  norm's backward pass. The same holds for a softmax, whose outputs sum to one.
* **Parameters are random, never zeros.** A weight that is initialized with zeros (the last convolution of a residual
  block) would block the gradient of all layers before it, and a bias of zero hides a term of which it is a factor.
* **The gradient is added to random values**, since backward must add to g, not overwrite it.

Read more: `tutorials/05_backpropagation.ipynb`; Baydin et al., "Automatic Differentiation in Machine Learning: a
Survey", 2018, section 2.1, on why h must be neither large (the O(h^2) term) nor tiny (rounding, divided by h).
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from minidiff.errors import MinidiffError
from minidiff.layers import shapes_of
from minidiff.parameters import Parameters

STEP = 1e-5  # about the cube root of float64's precision, where the two errors of the central difference are equal


def numerical_gradient(
    loss: Callable[[], float], array: np.ndarray, step: float = STEP, entries: Sequence[int] | np.ndarray | None = None
) -> np.ndarray:
    """The gradient of a loss with respect to an array, by central differences, one element at a time.

    Args:
        loss: a function without arguments that reads `array`.
        array: float64, any shape; changed in place and restored.
        step: h.
        entries: indices into the flattened array, (n,); default: all.

    Returns:
        float64 of the array's shape, or (n,) with `entries`.

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


def directional_derivative(
    loss: Callable[[], float], array: np.ndarray, direction: np.ndarray, step: float = STEP
) -> float:
    """The derivative of a loss along a direction, sum(gradient * direction), with two forward passes.

    It checks all elements of an array at once, but does not show which of them is wrong.

    Args:
        loss, array, step: as in `numerical_gradient`.
        direction: of the array's shape.

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


def relative_error(a: ArrayLike, b: ArrayLike) -> float:
    """The largest absolute difference of two arrays, divided by the largest absolute value in either.

    An elementwise relative error would be too strict: an element of 1e-9 is measured with an error of 1e-10.

    Args:
        a, b: arrays of one shape.

    Returns:
        0 for equal arrays; NaN if either contains a NaN.

    Raises:
        MinidiffError: the shapes differ.
    """
    if np.shape(a) != np.shape(b):
        raise MinidiffError(f"cannot compare arrays of shapes {np.shape(a)} and {np.shape(b)}; they must be equal")
    difference = np.max(np.abs(np.subtract(a, b)), initial=0.0)
    scale = max(np.max(np.abs(a), initial=0.0), np.max(np.abs(b), initial=0.0))
    return float(difference) if scale == 0 else float(difference / scale)


def check_layer(
    layer: Any, *inputs: Any, rng: np.random.Generator, entries: int | None = None, step: float = STEP
) -> dict[str, float]:
    """Compares a backward pass with central differences, for random parameters and a random upstream gradient.

    Args:
        layer: a `Layer` or a network.
        inputs: what `forward` takes after the parameters. The float64 arrays for which backward returns a gradient
            come first.
        rng: source of randomness.
        entries: number of randomly chosen elements of each array to check; default: all.
        step: h.

    Returns:
        name -> relative error, for "input 0", "input 1", ... and every parameter: about 1e-9 for a correct backward
        pass, 1e-3 or more for a wrong one.
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

    def loss() -> float:
        return np.sum(upstream * layer.forward(p, *inputs)[0])

    pairs = {f"input {i}": (inputs[i], dinput) for i, dinput in enumerate(dinputs)}
    pairs |= {name: (p[name], g[name]) for name in p.shapes}
    errors = {}
    for name, (array, gradient) in pairs.items():
        measured = np.array(gradient)  # elements that are not measured count as correct
        chosen = range(array.size) if entries is None else rng.permutation(array.size)[:entries]
        measured.flat[list(chosen)] = numerical_gradient(loss, array, step, chosen)
        errors[name] = relative_error(gradient, measured)
    return errors


def random_parameters(layer: Any, rng: np.random.Generator, dtype: DTypeLike = np.float64) -> Parameters:
    """Random nonzero parameters, of a size that keeps y about as large as x.

    Args:
        layer: a `Layer` or a network.
        rng: source of randomness.
        dtype: of the parameters.

    Returns:
        Normally distributed parameters; those of a matrix are divided by the square root of the number of its inputs.
    """
    p = Parameters(shapes_of(layer.children or [layer]), dtype)
    for name, shape in p.shapes.items():
        p[name] = rng.normal(size=shape) / math.sqrt(math.prod(shape[:-1]))
    return p


def _require_float64(array: np.ndarray) -> None:
    if array.dtype != np.float64:
        raise MinidiffError(f"a gradient check needs float64, not {array.dtype}; convert with .astype(np.float64)")
