"""Checks the values of a configuration, which may come from a file, against the types and ranges of its fields."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from minidiff.errors import MinidiffError

WORDS = {
    int: "a whole number", float: "a number", str: "a text", bool: "true or false", NoneType: "null", dict: "an object",
}  # fmt: skip
LONGEST = 60  # characters of a quoted value


@dataclass(frozen=True)
class Range:
    """The numbers from `least` to `most`; without these two if `above` or `below` is set."""

    least: float
    most: float
    above: bool = False
    below: bool = False

    def __contains__(self, value: float) -> bool:
        high_enough = value > self.least if self.above else value >= self.least  # both are false for NaN
        return high_enough and (value < self.most if self.below else value <= self.most)

    def __str__(self) -> str:
        least = f"{'more than' if self.above else 'at least'} {number(self.least)}"
        most = f" and {'less than' if self.below else 'at most'} {number(self.most)}"
        return least if math.isinf(self.most) else least + most


def check_fields(config: Any, ranges: Mapping[str, Range]) -> None:
    """Checks the fields of a dataclass; NumPy scalars and lists become plain numbers and tuples.

    Args:
        config: just created.
        ranges: name of a field -> its range; for a tuple, that of each element.

    Raises:
        MinidiffError: naming the field, its value, and what is valid.
    """
    for name, kind in get_type_hints(type(config)).items():
        value = convert(name, getattr(config, name), kind)
        object.__setattr__(config, name, value)
        if name in ranges:
            elements = {f"{name}[{i}]": item for i, item in enumerate(value)} if type(value) is tuple else {name: value}
            for place, element in elements.items():
                if element not in ranges[name]:
                    raise MinidiffError(f"{place} must be {ranges[name]}, not {quote(element)}")


def convert(name: str, value: Any, kind: Any) -> Any:
    """A value as one of its kind: int, float, str, bool, None, dict, tuple[...], or a union of them.

    Raises:
        MinidiffError: it is of another type; `name` says where it stands.
    """
    if not is_of(value, kind):
        raise MinidiffError(f"{name} must be {words(kind)}, not {quote(value)}")
    if get_origin(kind) is tuple:
        return tuple(convert(name, item, get_args(kind)[0]) for item in value)
    return kind(value) if kind in (int, float) else value


def is_of(value: Any, kind: Any) -> bool:
    """Whether a value is of a kind, as in `convert`; true and false are no numbers here."""
    if isinstance(kind, UnionType):
        return any(is_of(value, option) for option in get_args(kind))
    if get_origin(kind) is tuple:
        first, rest = get_args(kind)
        fits = isinstance(value, tuple | list) and (rest is ... or len(value) == 2)
        return fits and all(is_of(item, first) for item in value)
    if kind in (int, float):
        is_number = isinstance(value, Integral if kind is int else Real) and not isinstance(value, bool)
        return is_number and (kind is int or not isinstance(value, int) or abs(value) < 2**1000)  # fits into a float
    return isinstance(value, kind)


def words(kind: Any) -> str:
    """A kind, in words."""
    if isinstance(kind, UnionType):
        return " or ".join(words(option) for option in get_args(kind))
    if get_origin(kind) is tuple:
        first, rest = get_args(kind)
        return f"a list of {'' if rest is ... else 'two '}{WORDS[first].removeprefix('a ')}s"
    return WORDS[kind]


def number(value: float) -> str:
    """A limit for a message."""
    return f"{value:,}".removesuffix(".0") if abs(value) < 1e9 else f"{value:.4g}"


def quote(value: Any) -> str:
    """A value for a message, shortened."""
    text = repr(value)
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."
