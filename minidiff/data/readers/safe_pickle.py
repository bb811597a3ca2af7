"""Reads CIFAR's Python batches, which are pickle files, without unpickling them.

A pickle file is a program for a stack machine, and one of its opcodes calls any function of any module. So unpickling
a file from an untrusted source can run arbitrary code. minidiff uses no pickles, except that CIFAR is widely
distributed in this format, and here it accepts nothing but arrays and plain data:

- `pickletools.genops` of the standard library lists the opcodes without executing them. The machine below executes
  the three dozen that build numbers, text, lists, dictionaries and arrays, and rejects all others.
- Of functions it accepts six names, with which arrays and bytes are reconstructed, and replaces them by its own
  harmless ones. Nothing is imported.
- NumPy receives only data that has been checked: bytes become an array only if their number matches the shape.

Read more: the comments in `pickletools.py` of the Python standard library, the only description of the format.
"""

import math
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from pickletools import genops
from typing import Any

import numpy as np

from minidiff.errors import MinidiffError

MAX_OPCODES = 2_000_000  # the largest CIFAR batch has some 300,000
PUSH = {  # opcodes that push their argument
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
}
PUSH_BYTES = {"STRING", "BINSTRING", "SHORT_BINSTRING"}  # Python 2's str, which genops decodes as Latin-1
PUSH_CONSTANT = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
PUSH_NEW: dict[str, Callable[[], Any]] = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
FROM_MARK: dict[str, Callable[[list], Any]] = {"TUPLE": tuple, "LIST": list, "DICT": lambda items: fill({}, items)}
TUPLE_LENGTHS = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
FILL = {"APPEND": 1, "SETITEM": 2, "APPENDS": None, "SETITEMS": None}  # number of objects; None: up to the mark
STORE = {"PUT", "BINPUT", "LONG_BINPUT"}
FETCH = {"GET", "BINGET", "LONG_BINGET"}


class _FunctionName:
    """The name of an accepted function in the file; nothing is imported."""

    def __init__(self, text: str) -> None:
        self.text = re.sub(r"^numpy\._?core\.", "numpy.core.", text)
        if self.text not in CALLS:
            raise ValueError(f"it uses {self.text[:80]!r}, which is not needed for arrays")


class _Dtype:
    """The type of an array's elements as given in the file."""

    def __init__(self, code: str | bytes, *_: object) -> None:
        code = code.decode() if isinstance(code, bytes) else code
        if not re.fullmatch(r"[biuf][1248]", code):
            raise ValueError(f"an array of {code[:80]!r}")
        self.dtype = np.dtype(code)

    def set_state(self, state: Any) -> None:
        order: Any = state[1].decode() if isinstance(state[1], bytes) else state[1]
        self.dtype = self.dtype.newbyteorder(order if order in ("<", ">") else "|")


class _Array:
    """An array as given in the file."""

    def __init__(self, *_: object, array: np.ndarray | None = None) -> None:
        self.array = array

    def set_state(self, state: Any) -> None:
        _, shape, dtype, is_fortran, content = state
        self.array = build_array(content, dtype, shape, "F" if is_fortran else "C")


def build_array(content: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    """Checks the parts of an array and puts them together."""
    if not isinstance(content, (bytes, bytearray)) or not isinstance(dtype, _Dtype) or not isinstance(shape, tuple):
        raise ValueError("an array of something other than numbers")
    if any(not isinstance(length, int) or not 0 <= length < 2**40 for length in shape) or len(shape) > 32:
        raise ValueError("an array of invalid shape")
    if math.prod(shape) * dtype.dtype.itemsize != len(content):
        raise ValueError(f"an array of shape {shape} with {len(content)} bytes")
    return np.frombuffer(bytes(content), dtype.dtype).reshape(shape, order="F" if order in ("F", b"F") else "C")


def encode(text: Any, encoding: Any) -> bytes:
    """Bytes as Python 3 writes them in protocol 2: Latin-1 text to be encoded."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise ValueError("bytes in an encoding that is not needed for arrays")
    return text.encode("latin-1")


CALLS: dict[str, Any] = {
    "numpy.core.multiarray._reconstruct": _Array,
    "numpy.core.numeric._frombuffer": lambda *parts: _Array(array=build_array(*parts)),  # protocol 5
    "numpy.ndarray": None,  # an argument of the first, never called
    "numpy.dtype": _Dtype,
    "_codecs.encode": encode,
    "__builtin__.bytes": lambda: b"",  # empty bytes as Python 3 writes them in protocol 2
}


def read_pickle(content: bytes, where: str | Path) -> dict[Any, Any]:
    """Reads the dictionary in a pickle file: of lists, numbers, str, bytes and arrays; keys that are bytes become str.

    Raises:
        MinidiffError: damaged, not a dictionary, or anything beyond plain data.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about invalid escapes in text
            found = run_opcodes(content)
        if not isinstance(found, dict):
            raise ValueError(f"it contains a {type(found).__name__} instead of a dictionary")
        found = {key.decode("latin-1") if isinstance(key, bytes) else key: value for key, value in found.items()}
        return {key: value.array if isinstance(value, _Array) else value for key, value in found.items()}
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise MinidiffError(
            f"{where}: cannot be read safely ({reason}); use the binary version of the data set"
        ) from error


def run_opcodes(content: bytes) -> Any:
    """The stack machine: executes the harmless opcodes, rejects all others; returns the object at the end."""
    stack: list[Any] = []
    marks: list[int] = []
    memo: dict[Any, Any] = {}
    argument: Any

    def pop_from(start: int) -> list[Any]:
        items = stack[start:]
        del stack[start:]
        return items

    for position, (opcode, argument, _) in enumerate(genops(content)):
        name = opcode.name
        if position > MAX_OPCODES:
            raise ValueError(f"it has more than {MAX_OPCODES:,} opcodes")
        if name in ("PROTO", "FRAME"):
            continue
        if name == "STOP":
            return stack.pop()
        if name in PUSH:
            stack.append(argument)
        elif name in PUSH_BYTES:
            stack.append(argument.encode("latin-1"))
        elif name in PUSH_CONSTANT:
            stack.append(PUSH_CONSTANT[name])
        elif name in PUSH_NEW:
            stack.append(PUSH_NEW[name]())
        elif name == "MARK":
            marks.append(len(stack))
        elif name in FROM_MARK:
            stack.append(FROM_MARK[name](pop_from(marks.pop())))
        elif name in TUPLE_LENGTHS:
            stack.append(tuple(pop_from(-TUPLE_LENGTHS[name])))
        elif name in FILL:
            count = FILL[name]
            items = pop_from(-count if count else marks.pop())
            fill(stack[-1], items)
        elif name == "MEMOIZE":
            memo[len(memo)] = stack[-1]
        elif name in STORE:
            memo[argument] = stack[-1]
        elif name in FETCH:
            stack.append(memo[argument])
        elif name == "GLOBAL":
            stack.append(_FunctionName(argument.replace(" ", ".")))
        elif name == "STACK_GLOBAL":
            stack.append(_FunctionName(".".join(pop_from(-2))))
        elif name == "REDUCE":
            function, arguments = pop_from(-2)
            stack.append(CALLS[function.text](*arguments))
        elif name == "BUILD":
            state = stack.pop()
            stack[-1].set_state(state)
        else:
            raise ValueError(f"it uses the opcode {name}, which is not needed for arrays")
    raise ValueError("it has no end")


def fill(container: Any, items: list[Any]) -> Any:
    """Extends a list, or updates a dictionary (key, value, key, value, ...); returns it."""
    if isinstance(container, list):
        container.extend(items)
        return container
    if not isinstance(container, dict) or not all(isinstance(key, (str, bytes)) for key in items[::2]):
        raise ValueError("it fills something other than a list or a dictionary with text keys")
    container.update(zip(items[::2], items[1::2], strict=True))
    return container
