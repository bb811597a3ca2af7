"""Helpers for checks of exercises: call the answer, and compare its result with the expected one.

    dx, dw = unpack(call(answer, x, w, dy), "dx, dw")
    expect("dx", dx, dy @ w.T, [(dy @ w, "w has to be transposed: dx has the shape of x, and dy that of y")])

Each helper raises `Wrong` with a hint if something is not right. A check lists the typical mistakes of its exercise.
General mistakes (no return value, wrong shape, wrong sign, constant factor, np.empty) are recognized here.

A check calls the answer several times, with inputs of other shapes, signs, sizes and values, so that each argument
matters. It accepts every form of a right result: lists, tuples, arrays of any type, fractions.
"""

import copy
import math
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from numbers import Real
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from minidiff.exercises.attempt import Attempt
from minidiff.exercises.exercise import SHAPES, Wrong

Mistakes = Sequence[tuple]  # of the results of a typical mistake, one or more, followed by its hint

LARGEST_BLOCK = 1024  # bytes; NumPy keeps up to 7 freed blocks of each size below this
GARBAGE = 0x5A  # every byte of an array that was not initialized: 1e127 in float64, 2e16 in float32
SMALLEST_GARBAGE = 1e15
NEARLY = 0.05  # relative difference of a result that is nearly right; two digits are not more accurate


def call(answer: Any, *inputs: Any) -> Any:
    """Calls an answer with copies of the inputs and returns its result, which is not None."""
    if not callable(answer):
        raise Wrong(f"the answer should be a function and is {_kind(answer)}: pass its name, without parentheses")
    copies = copy.deepcopy(inputs)
    leave_garbage(inputs)
    with Attempt() as attempt:
        found = answer(*copies)
    if attempt.error is not None:
        shapes = [str(given.shape) for given in inputs if isinstance(given, np.ndarray)]
        vars(attempt.error)[SHAPES] = ", ".join(shapes)
        raise attempt.error
    for number, (given, copied) in enumerate(zip(inputs, copies, strict=True), start=1):
        if not _unchanged(given, copied):
            raise Wrong(f"argument {number} is not the same after the call: work on a copy, not in place")
    if found is None:
        raise Wrong("the function returns nothing: is the return missing?")
    return tuple(found) if isinstance(found, Iterator) else found


def unpack(found: Any, names: str) -> tuple:
    """The parts of a result, one for each of the names, such as "dx, dw"; a stacked array is a sequence, too."""
    count = len(names.split(","))
    no_sequence = isinstance(found, (str, bytes, dict, set)) or (isinstance(found, np.ndarray) and found.ndim == 0)
    parts = None if no_sequence or not isinstance(found, Iterable) else tuple(found)
    if parts is None or len(parts) != count:
        length = "" if parts is None else f" of {len(parts)}"
        raise Wrong(f"the function should return {count} things, `return {names}`; it returned {_kind(found)}{length}")
    return parts


def expect(name: str, found: Any, expected: Any, mistakes: Mistakes = (), tolerance: float = 1e-5) -> None:
    """Compares a result with the expected one.

    Args:
        name: of the result in the exercise.
        found: number or array that the answer gave.
        expected: the right one.
        mistakes: tuples of the results of a typical mistake, one or more, and its hint.
        tolerance: largest difference, relative to the largest element expected.

    A result that agrees with the expected one is right, whatever the mistakes are. So a list of mistakes may contain
    results that are right for some inputs.
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
    if expected.size > 1 and f"{factor:.3g}" != "1" and agree(found, factor * expected, tolerance):
        raise Wrong(f"{name} is right except for a factor: it is {factor:.3g} times the right result")
    index = np.unravel_index(np.argmax(np.abs(found - expected)), found.shape)
    where = f"{name}[{', '.join(map(str, index))}]" if index else name
    raise Wrong(f"{name} is not right: {where} {compared(float(found[index]), float(expected[index]))}")


def compared(found: float, expected: float) -> str:
    """A wrong number and the right one in words, the right one with two digits, so that it cannot be typed in."""
    if abs(found - expected) <= NEARLY * abs(expected):
        return f"is {found:.5g}, nearly right, and should be a little {'larger' if expected > found else 'smaller'}"
    return f"is {found:.4g} and should be about {expected:.2g}"


def agree(found: Any, expected: Any, tolerance: float = 1e-5) -> bool:
    """Whether two results have the same shape and agree up to the tolerance; never raises."""
    found, expected = _real_array(found), _real_array(expected)
    if found is None or expected is None:
        return False
    found = _scalar(found, expected.shape)
    if found.shape != expected.shape or not (np.isfinite(found).all() and np.isfinite(expected).all()):
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
    array = _scalar(as_array(name, found), shape)
    if array.shape != shape:
        raise Wrong(f"{name} has the shape {array.shape} and should have {shape}")
    if not np.isfinite(array).all():
        raise Wrong(f"{name} contains NaN or infinity")
    if np.max(np.abs(array), initial=0.0) > SMALLEST_GARBAGE:
        raise Wrong(f"{name} has elements that were never set: np.empty does not initialize them, np.zeros does")
    return array


def names_in(answer: Any) -> set[str]:
    """The names of globals and attributes that a function uses, and the functions that it calls by a global name."""
    if hasattr(type(answer), "names_in_process"):  # the grader's answers are in another process
        return answer.names_in_process()
    found: set[str] = set()
    codes: list[Any] = []
    functions = [answer]
    while functions:
        function = functions.pop()
        if not isinstance(function, FunctionType) or function.__code__ in codes:
            continue
        codes.append(function.__code__)
        inner = [function.__code__]
        while inner:
            code = inner.pop()
            found |= set(code.co_names)
            inner += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
            used = [function.__globals__.get(name) for name in code.co_names]
            functions += [one for one in used if getattr(one, "__module__", None) == function.__module__]
    return found


def leave_garbage(inputs: tuple) -> None:
    """Fills blocks of memory and frees them, so that `np.empty` of these sizes returns garbage instead of zeros."""
    sizes = [size for size in range(4, LARGEST_BLOCK, 4) for _ in range(7)]
    sizes += [one.nbytes for one in inputs if isinstance(one, np.ndarray) for _ in range(2)]
    blocks = [np.full(size, GARBAGE, np.uint8) for size in sizes]
    blocks.clear()


def _real_array(found: Any) -> np.ndarray | None:
    """A number, list or array as a float64 array; None for anything else and for lists of different lengths."""
    try:
        array = np.asarray(found)
    except (TypeError, ValueError, OverflowError):
        return None
    if array.dtype.kind == "O" and all(isinstance(one, (Real, Decimal)) for one in array.flat):
        return np.array([_float(one) for one in array.flat], np.float64).reshape(array.shape)
    with np.errstate(over="ignore"):
        return array.astype(np.float64) if array.dtype.kind in "biuf" else None


def _float(number: Any) -> float:
    """An integer, a fraction or a decimal number as a float; infinity or NaN if it cannot be represented."""
    try:
        return float(number)
    except OverflowError:
        return math.inf
    except ValueError:  # of Decimal("sNaN")
        return math.nan


def _scalar(found: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """An array of one element as a scalar, where one is expected."""
    return found.reshape(()) if shape == () and found.size == 1 else found


def _unchanged(given: Any, copied: Any) -> bool:
    """Whether the arrays in an argument are the same after the call."""
    if isinstance(given, np.ndarray):
        return np.array_equal(given, copied, equal_nan=given.dtype.kind == "f")
    if isinstance(given, (list, tuple)) and len(given) == len(copied):
        return all(map(_unchanged, given, copied))
    return True


def _kind(found: Any) -> str:
    """The type of a value in words: "an int"."""
    if found is None:
        return "None"
    kind = type(found).__name__
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
