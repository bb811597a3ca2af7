"""The words in which the check of an exercise is written.

    dx, dw = unpack(call(answer, x, w, dy), "dx, dw")
    expect("dx", dx, dy @ w.T, [(dy @ w, "w has to be transposed: dx has the shape of x, and dy that of y")])

Each returns quietly if all is well, and raises `Wrong` with a hint if not. Mistakes that students make in one exercise
are listed with it; those they make everywhere (nothing returned, the wrong shape, sign or factor) are known here.
"""

import numpy as np

from minidiff.exercises.exercise import Wrong


def call(answer, *inputs):
    """What an answer gives for some inputs, of which it gets copies.

    Args:
        answer: the student's function.
        inputs: what to call it with.

    Returns:
        what it returns.

    Raises:
        Wrong: it is not a function, returns nothing, or changes an array that it was given.
    """
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


def unpack(found, names):
    """The parts of an answer that has several.

    Args:
        found: what the student's function returned.
        names: "dx, dw".

    Returns:
        tuple of as many as there are names.

    Raises:
        Wrong: it is not a tuple or list of that length.
    """
    count = len(names.split(","))
    if not isinstance(found, (tuple, list)) or len(found) != count:
        length = f" of {len(found)}" if isinstance(found, (tuple, list)) else ""
        raise Wrong(f"{count} things should come back, `return {names}`, and it was {_kind(found)}{length}")
    return tuple(found)


def expect(name, found, expected, mistakes=(), tolerance=1e-6):
    """Holds numbers to those that are right.

    Args:
        name: what the numbers are called in the exercise.
        found: the student's number or array.
        expected: what is right.
        mistakes: pairs (what a typical mistake gives, the hint that fits it).
        tolerance: largest difference, in units of the largest number expected.

    Raises:
        Wrong: they differ.
    """
    if agree(found, expected, tolerance):
        return
    for wrong, hint in mistakes:
        if agree(found, wrong, tolerance):
            raise Wrong(hint)
    found, expected = as_numbers(name, found), np.asarray(expected, np.float64)
    if found.shape != expected.shape:
        raise Wrong(f"{name} has the shape {found.shape} and should have {expected.shape}")
    if not np.isfinite(found).all():
        raise Wrong(f"{name} holds NaN or infinity")
    if not found.any():
        raise Wrong(f"{name} is zero everywhere")
    if agree(-found, expected, tolerance):
        raise Wrong(f"{name} has the wrong sign")
    factor = np.sum(found * expected) / max(np.sum(expected * expected), 1e-300)
    if expected.size > 1 and agree(found, factor * expected, tolerance):
        raise Wrong(f"{name} is right but for a factor: it is {factor:.4g} times what it should be")
    place = np.unravel_index(np.argmax(np.abs(found - expected)), found.shape)
    where = f"{name}[{', '.join(map(str, place))}]" if place else name
    raise Wrong(f"{name} is not right: {where} is {found[place]:.5g} and should be {expected[place]:.5g}")


def agree(found, expected, tolerance=1e-6):
    """Whether two sets of numbers have one shape and differ by no more than rounding; never raises."""
    found, expected = _real_numbers(found), _real_numbers(expected)
    if found is None or expected is None or found.shape != expected.shape:
        return False
    scale = max(np.max(np.abs(expected), initial=0.0), 1e-12)
    return bool(np.max(np.abs(found - expected), initial=0.0) <= tolerance * scale)


def as_numbers(name, found):
    """An answer as a float64 array.

    Raises:
        Wrong: it is something else.
    """
    numbers = _real_numbers(found)
    if numbers is None:
        raise Wrong(f"{name} should be real numbers and is {_kind(found)}")
    return numbers


def _real_numbers(thing):
    """A number, list or array as a float64 array; None if it is something else, or lists of different lengths."""
    try:
        array = np.asarray(thing)
    except (TypeError, ValueError):
        return None
    return array.astype(np.float64) if array.dtype.kind in "biuf" else None


def _kind(thing):
    if thing is None:
        return "None"
    kind = type(thing).__name__
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
