"""Values that cross between the grader and the process of a hand-in: JSON, with arrays as `.npy` beside it.

Nothing else crosses, in particular no pickle. A function stays where it is, and its number crosses: a call on
the other side is sent back to it. The grader also sends objects of minidiff that an exercise passes in, such as a
schedule, as their class and attributes. What can be neither sent nor called becomes an `Other`, which only has the name
of its type.
"""

import io
import math
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

# NumPy's own parsers of types and headers raise errors of many kinds for hostile texts, so the texts are matched first
NUMBER_TYPE = re.compile(r"[<>|](?:b1|[iu][1248]|f[248])")
NPY_START = b"\x93NUMPY\x01\x00"  # version 1.0, which NumPy writes for all arrays that cross
NPY_HEADER = re.compile(
    rb"\{'descr': '([<>|][biufcSU][0-9]{1,9})', 'fortran_order': (True|False), "
    rb"'shape': \(((?:[0-9]{1,18}(?:, ?|(?=\))))*)\),? ?\}\s*"
)
NUMERIC = "biufc"  # kinds of dtype
TEXTUAL = "US"
LARGEST_INTEGER = 4096  # bits
LARGEST_EXPONENT = 1000  # of a decimal number
LONGEST_NAME = 60  # characters of the name of a type


class NotAValueError(ValueError):
    """The data of a message do not describe values."""


class Other:
    """A value that did not cross; the type has the name of the value's type."""


def other(name: Any) -> Other:
    """A placeholder for a value of a type of this name."""
    return type(type_name(name), (Other,), {})()


def type_name(name: Any) -> str:
    """A name that may be that of a type; "object" if it is not one."""
    return name if isinstance(name, str) and name.isidentifier() and len(name) <= LONGEST_NAME else "object"


class Encoder:
    """Encodes values as data for JSON; `arrays` collects their arrays as the contents of `.npy` files.

    Args:
        keep: called with each function; returns its number.
        objects: whether objects of minidiff are sent, too.
    """

    def __init__(self, keep: Callable[[Any], int], objects: bool) -> None:
        self.arrays: list[bytes] = []
        self._keep, self._objects = keep, objects

    def encode(self, value: Any) -> Any:
        """A value as data for JSON."""
        if isinstance(value, (np.ndarray, np.generic)):
            return self._array(value)
        if value is None or isinstance(value, (bool, float, str)):
            return value
        if isinstance(value, int):
            return int(value) if value.bit_length() <= LARGEST_INTEGER else {"other": "int"}
        if isinstance(value, list):
            return self._all(value)
        if isinstance(value, (tuple, range, Iterator)):
            return {"tuple": self._all(value)}
        if isinstance(value, (set, frozenset)):
            return {"set": self._all(value)}
        if isinstance(value, dict):
            return {"dict": [[self.encode(key), self.encode(one)] for key, one in value.items()]}
        if isinstance(value, Fraction):
            return {"fraction": self._all([int(value.numerator), int(value.denominator)])}
        if isinstance(value, Decimal):
            return {"decimal": str(value)}
        if isinstance(value, complex):
            return {"complex": [value.real, value.imag]}
        if isinstance(value, np.random.Generator):
            return {"generator": self.encode(value.bit_generator.state)}
        if callable(value):
            return {"function": self._keep(value), "attributes": self._attributes(value)}
        if self._objects and type(value).__module__.startswith("minidiff."):
            kind = type(value)
            return {"object": [kind.__module__, kind.__qualname__], "attributes": self.encode(vars(value))}
        if hasattr(value, "__array__"):
            return self.encode(np.asarray(value))
        return {"other": type(value).__name__}

    def _all(self, values: Any) -> list:
        return [self.encode(one) for one in values]

    def _array(self, value: np.ndarray | np.generic) -> Any:
        array = np.asarray(value)
        if isinstance(value, np.generic) and array.dtype.kind in "biuf" and array.itemsize <= 8:
            return {"number": [array.dtype.str, value.item()]}  # a list may have many of them
        if array.dtype.kind == "O":
            return {"objects": [list(array.shape), self._all(array.ravel().tolist())]}
        if array.dtype.kind not in NUMERIC + TEXTUAL:
            return {"other": type(value).__name__}
        self.arrays.append(to_npy(array))
        return {"array" if isinstance(value, np.ndarray) else "scalar": len(self.arrays) - 1}

    def _attributes(self, function: Any) -> Any:
        """The attributes of a callable object, such as the schedule of a denoiser, without functions."""
        if not self._objects or not type(function).__module__.startswith("minidiff."):
            return {"dict": []}
        public = {name: one for name, one in vars(function).items() if not name.startswith("_") and not callable(one)}
        return self.encode(public)


class Decoder:
    """Decodes values that `Encoder` has encoded.

    Args:
        arrays: contents of `.npy` files.
        function: makes a function of the number of the other side's function and its attributes.
        create: makes an object of its module, class and attributes; by default there are no objects.
    """

    def __init__(
        self,
        arrays: list[bytes],
        function: Callable[[int, dict], Any],
        create: Callable[[str, str, dict], Any] | None = None,
    ) -> None:
        self._arrays, self._function, self._create = arrays, function, create

    def decode(self, data: Any) -> Any:
        """The value; raises `NotAValueError` if the data do not describe one."""
        try:
            return self._decode(data)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError, RecursionError) as error:
            raise NotAValueError(f"{type(error).__name__}: {error}") from error

    def _decode(self, data: Any) -> Any:
        if data is None or isinstance(data, (bool, int, float, str)):
            return data
        if isinstance(data, list):
            return [self._decode(one) for one in data]
        (kind, content), *attributes = data.items()
        if kind == "array":
            return from_npy(self._arrays[content])
        if kind == "scalar":
            return from_npy(self._arrays[content])[()]
        if kind == "number":
            name, value = content
            if not NUMBER_TYPE.fullmatch(name) or not isinstance(value, (bool, int, float)):
                raise NotAValueError("unknown type of a number")
            return np.dtype(name).type(value)
        if kind == "tuple":
            return tuple(map(self._decode, content))
        if kind == "set":
            return set(map(self._decode, content))
        if kind == "dict":
            return {self._decode(key): self._decode(one) for key, one in content}
        if kind == "objects":
            shape, values = content
            array = np.empty(len(values), dtype=object)
            array[:] = [self._decode(one) for one in values]
            return array.reshape(shape)
        if kind == "fraction":
            return Fraction(*map(int, content))
        if kind == "decimal":
            return _decimal(str(content))
        if kind == "complex":
            return complex(*content)
        if kind == "generator":
            return generator(self._decode(content))
        if kind == "function":
            return self._function(int(content), self._decode(attributes[0][1]))
        if kind == "object" and self._create is not None:
            module, name = content
            return self._create(module, name, self._decode(attributes[0][1]))
        if kind == "other":
            return other(content)
        raise NotAValueError(f"unknown kind {kind!r}")


def _decimal(text: str) -> Decimal:
    """A decimal number that does not become an integer of gigabytes."""
    value = Decimal(text)
    if not -LARGEST_EXPONENT < value.adjusted() < LARGEST_EXPONENT:
        raise NotAValueError(f"the exponent of {text[:20]} is too large")
    return value


def generator(state: dict) -> np.random.Generator:
    """A random generator in a given state."""
    name = state["bit_generator"]
    if name not in ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"):
        raise NotAValueError(f"unknown generator {name!r}")
    made = np.random.Generator(getattr(np.random, name)())
    made.bit_generator.state = state
    return made


def to_npy(array: np.ndarray) -> bytes:
    """An array as the contents of a `.npy` file."""
    file = io.BytesIO()
    np.lib.format.write_array(file, array, allow_pickle=False)
    return file.getvalue()


def from_npy(content: bytes) -> np.ndarray:
    """The array of a `.npy` file; nothing is allocated before the header has been compared with the length."""
    begin = len(NPY_START) + 2
    end = begin + int.from_bytes(content[len(NPY_START) : begin], "little")
    header = NPY_HEADER.fullmatch(content[begin:end])
    if not content.startswith(NPY_START) or not header:
        raise NotAValueError("the header of an array is not one that NumPy writes")
    dtype, shape = np.dtype(header[1].decode()), tuple(map(int, re.findall(rb"[0-9]+", header[3])))
    if math.prod(shape) * dtype.itemsize != len(content) - end:
        raise NotAValueError("the header and the length of an array do not agree")
    array = np.frombuffer(content, dtype, offset=end) if math.prod(shape) else np.empty(0, dtype)
    return array.reshape(shape[::-1]).T.copy() if header[2] == b"True" else array.reshape(shape).copy()


def restore(original: Any, changed: Any) -> None:
    """Repeats in an argument of a function what the other side did to its copy."""
    if isinstance(original, np.ndarray) and isinstance(changed, np.ndarray):
        if original.shape == changed.shape and np.can_cast(changed.dtype, original.dtype, "same_kind"):
            original[...] = changed
    elif isinstance(original, (list, tuple)) and isinstance(changed, (list, tuple)):
        for one, other_one in zip(original, changed, strict=False):
            restore(one, other_one)
        if isinstance(original, list):
            kept = [one if isinstance(one, np.ndarray) else new for one, new in zip(original, changed, strict=False)]
            original[:] = [*kept, *changed[len(kept) :]]
    elif isinstance(original, dict) and isinstance(changed, dict):
        original.clear()
        original.update(changed)
    elif isinstance(original, np.random.Generator) and isinstance(changed, np.random.Generator):
        original.bit_generator.state = changed.bit_generator.state
