"""Helpers for checks of exercises: call the answer, and compare its result with the expected one.

    dx, dw = unpack(call(answer, x, w, dy), "dx, dw")
    expect("dx", dx, dy @ w.T, [(dy @ w, "w has to be transposed: dx has the shape of x, and dy that of y")])

Each helper raises `Wrong` with a hint if something is not right. A check lists the typical mistakes of its exercise.
General mistakes (no return value, wrong shape, wrong sign, constant factor) are recognized here.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minidiff.exercises.exercise import Wrong

Mistakes = Sequence[tuple]  # of the results of a typical mistake, one or more, followed by its hint


def call(answer: Any, *inputs: Any) -> Any:
    """Calls an answer with copies of the inputs and returns its result, which is not None."""
    if not callable(answer):
        raise Wrong(f"the answer should be a function and is {_kind(answer)}: pass its name, without parentheses")
    copies = [given.copy() if isinstance(given, np.ndarray) else given for given in inputs]
    found = answer(*copies)
    for number, (given, copy) in enumerate(zip(inputs, copies, strict=True), start=1):
        if isinstance(given, np.ndarray) and not np.array_equal(given, copy, equal_nan=given.dtype.kind == "f"):
            raise Wrong(f"argument {number} is not the same after the call: work on a copy, not in place")
    if found is None:
        raise Wrong("the function returns nothing: is the return missing?")
    return found


def unpack(found: Any, names: str) -> tuple:
    """The parts of a result, a tuple or list, that should have one part for each of the names, such as "dx, dw"."""
    count = len(names.split(","))
    if not isinstance(found, (tuple, list)) or len(found) != count:
        length = f" of {len(found)}" if isinstance(found, (tuple, list)) else ""
        raise Wrong(f"the function should return {count} things, `return {names}`; it returned {_kind(found)}{length}")
    return tuple(found)


def expect(name: str, found: Any, expected: Any, mistakes: Mistakes = (), tolerance: float = 1e-6) -> None:
    """Compares a result with the expected one.

    Args:
        name: of the result in the exercise.
        found: number or array that the answer gave.
        expected: the right one.
        mistakes: tuples of the results of a typical mistake, one or more, and its hint.
        tolerance: largest difference, relative to the largest element expected.
    """
    if agree(found, expected, tolerance):
        return
    for *wrong, hint in mistakes:
        if any(agree(found, result, tolerance) for result in wrong):
            raise Wrong(hint)
    expected = np.asarray(expected, np.float64)
    found = finite_array(name, found, expected.shape)
    if not found.any():
        raise Wrong(f"{name} is zero everywhere")
    if agree(-found, expected, tolerance):
        raise Wrong(f"{name} has the wrong sign")
    factor = np.sum(found * expected) / max(np.sum(expected * expected), 1e-300)
    if expected.size > 1 and agree(found, factor * expected, tolerance):
        raise Wrong(f"{name} is right except for a factor: it is {factor:.4g} times the right result")
    index = np.unravel_index(np.argmax(np.abs(found - expected)), found.shape)
    where = f"{name}[{', '.join(map(str, index))}]" if index else name
    raise Wrong(f"{name} is not right: {where} is {found[index]:.5g} and should be {expected[index]:.5g}")


def agree(found: Any, expected: Any, tolerance: float = 1e-6) -> bool:
    """Whether two results have the same shape and agree up to the tolerance; never raises."""
    found, expected = _real_array(found), _real_array(expected)
    if found is None or expected is None or found.shape != expected.shape:
        return False
    scale = max(np.max(np.abs(expected), initial=0.0), 1e-12)
    return bool(np.max(np.abs(found - expected), initial=0.0) <= tolerance * scale)


def as_array(name: str, found: Any) -> np.ndarray:
    """A result, which should consist of real numbers, as a float64 array."""
    array = _real_array(found)
    if array is None:
        raise Wrong(f"{name} should be real numbers and is {_kind(found)}")
    return array


def finite_array(name: str, found: Any, shape: tuple[int, ...]) -> np.ndarray:
    """A result, which should have a shape and neither NaN nor infinity, as a float64 array."""
    array = as_array(name, found)
    if array.shape != shape:
        raise Wrong(f"{name} has the shape {array.shape} and should have {shape}")
    if not np.isfinite(array).all():
        raise Wrong(f"{name} contains NaN or infinity")
    return array


def _real_array(found: Any) -> np.ndarray | None:
    """A number, list or array as a float64 array; None for anything else and for lists of different lengths."""
    try:
        array = np.asarray(found)
    except (TypeError, ValueError):
        return None
    return array.astype(np.float64) if array.dtype.kind in "biuf" else None


def _kind(found: Any) -> str:
    """The type of a value in words: "an int"."""
    if found is None:
        return "None"
    kind = type(found).__name__
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
