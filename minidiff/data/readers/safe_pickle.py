"""CIFAR's Python batches: pickle files, read without unpickling them.

A pickle file is a small program for a stack machine, and among its commands is "call any function of any module": so
whoever opens a stranger's pickle in the usual way runs the stranger's program. minidiff keeps away from pickles, with
this one deliberate exception, because half of the world's CIFAR is stored so, and it refuses everything but arrays. The
standard library's disassembler, `pickletools`, lists the commands without carrying them out; the machine below carries
out the three dozen that build numbers, texts, lists, dictionaries and arrays. Of functions it knows six names, those by
which arrays and bytes are rebuilt, and puts its own harmless ones in their place. Every other command or name is an
error. Not even NumPy sees what has not been judged: bytes become an array only when they are as many as its shape says.

Read more: the comments in `pickletools.py` of the Python standard library, the only description of the format.
"""

import codecs
import math
import re
import warnings
from pickletools import genops

import numpy as np

from minidiff.errors import MinidiffError

MAX_COMMANDS = 2_000_000  # the largest real batch has some 300,000
PUSH = {  # commands that put their argument on the stack
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
}
PUSH_BYTES = {"STRING", "BINSTRING", "SHORT_BINSTRING"}  # Python 2's texts, which genops gives as Latin-1
PUSH_CONSTANT = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
PUSH_NEW = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
TUPLE_LENGTHS = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
FILL = {"APPEND": 1, "SETITEM": 2, "APPENDS": None, "SETITEMS": None}  # how many objects; None: up to the mark
STORE = {"PUT", "BINPUT", "LONG_BINPUT"}
FETCH = {"GET", "BINGET", "LONG_BINGET"}


class Name:
    """A function's name in the file, which stands for itself: nothing is imported."""

    def __init__(self, text):
        self.text = re.sub(r"^numpy\._?core\.", "numpy.core.", text)
        if self.text not in CALLS:
            raise ValueError(f"it asks for {self.text[:80]!r}, which no array needs")


class Dtype:
    """What the file says of the type of an array's numbers."""

    def __init__(self, code, *_):
        code = code.decode() if isinstance(code, bytes) else code
        if not re.fullmatch(r"[biuf][1248]", code):
            raise ValueError(f"an array of {code[:80]!r}")
        self.dtype = np.dtype(code)

    def set_state(self, state):
        order = state[1].decode() if isinstance(state[1], bytes) else state[1]
        self.dtype = self.dtype.newbyteorder(order if order in ("<", ">") else "|")


class Array:
    """What the file says of an array."""

    def __init__(self, *_):
        self.array = None

    def set_state(self, state):
        _, shape, dtype, is_fortran, content = state
        self.array = build_array(content, dtype, shape, "F" if is_fortran else "C")


def build_array(content, dtype, shape, order):
    """A real array of judged parts."""
    if not isinstance(content, (bytes, bytearray)) or not isinstance(dtype, Dtype) or not isinstance(shape, tuple):
        raise ValueError("an array that is not made of numbers")
    if any(not isinstance(length, int) or not 0 <= length < 2**40 for length in shape) or len(shape) > 32:
        raise ValueError("an array of impossible shape")
    if math.prod(shape) * dtype.dtype.itemsize != len(content):
        raise ValueError(f"an array of shape {shape} with {len(content)} bytes")
    return np.frombuffer(bytes(content), dtype.dtype).reshape(shape, order="F" if order in ("F", b"F") else "C")


def from_buffer(content, dtype, shape, order):
    """An array as protocol 5 writes it."""
    array = Array()
    array.array = build_array(content, dtype, shape, order)
    return array


def encode(text, encoding):
    """Bytes as Python 3 writes them in protocol 2: as Latin-1 text."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise ValueError("bytes in an encoding that no array needs")
    return codecs.encode(text, "latin-1")


def no_bytes():
    """Empty bytes as Python 3 writes them in protocol 2: as a call without arguments."""
    return b""


CALLS = {
    "numpy.core.multiarray._reconstruct": Array,
    "numpy.core.numeric._frombuffer": from_buffer,
    "numpy.ndarray": None,  # an argument of the first, never called
    "numpy.dtype": Dtype,
    "_codecs.encode": encode,
    "__builtin__.bytes": no_bytes,
}


def read_opcodes(content, where):
    """The dictionary that a pickle file of plain data holds.

    Args:
        content: bytes of the file.
        where: names it in messages.

    Returns:
        dict of lists, numbers, str, bytes and np.ndarray; the keys as str.

    Raises:
        MinidiffError: damaged, no dictionary, or it asks for anything else.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on odd escapes in texts
            found = run_opcodes(content)
        if not isinstance(found, dict):
            raise ValueError(f"it holds a {type(found).__name__} instead of a dictionary")
        found = {key.decode("latin-1") if isinstance(key, bytes) else key: value for key, value in found.items()}
        return {key: value.array if isinstance(value, Array) else value for key, value in found.items()}
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise MinidiffError(
            f"{where}: not a batch of images that can be read safely ({reason}); use the binary version of the set"
        ) from error


def run_opcodes(content):
    """The stack machine: carries out the harmless commands, refuses all others."""
    stack, marks, memo = [], [], {}

    def pop(count):
        items = stack[-count:]
        del stack[-count:]
        return items

    def pop_to_mark():
        start = marks.pop()
        items = stack[start:]
        del stack[start:]
        return items

    for number, (opcode, argument, _) in enumerate(genops(content)):
        name = opcode.name
        if number > MAX_COMMANDS:
            raise ValueError(f"it has more than {MAX_COMMANDS:,} commands")
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
        elif name == "TUPLE":
            stack.append(tuple(pop_to_mark()))
        elif name in TUPLE_LENGTHS:
            stack.append(tuple(pop(TUPLE_LENGTHS[name])))
        elif name == "LIST":
            stack.append(pop_to_mark())
        elif name == "DICT":
            stack.append(fill({}, pop_to_mark()))
        elif name in FILL:
            items = pop(FILL[name]) if FILL[name] else pop_to_mark()
            fill(stack[-1], items)
        elif name == "MEMOIZE":
            memo[len(memo)] = stack[-1]
        elif name in STORE:
            memo[argument] = stack[-1]
        elif name in FETCH:
            stack.append(memo[argument])
        elif name == "GLOBAL":
            stack.append(Name(argument.replace(" ", ".")))
        elif name == "STACK_GLOBAL":
            stack.append(Name(".".join(pop(2))))
        elif name == "REDUCE":
            function, arguments = pop(2)
            stack.append(CALLS[function.text](*arguments))
        elif name == "BUILD":
            (state,) = pop(1)
            stack[-1].set_state(state)
        else:
            raise ValueError(f"it uses the command {name}, which no array needs")
    raise ValueError("it has no end")


def fill(container, items):
    """Append the items to a list, or set them in a dictionary (key, value, key, value); returns it."""
    if isinstance(container, list):
        container.extend(items)
        return container
    if not isinstance(container, dict) or not all(isinstance(key, (str, bytes)) for key in items[::2]):
        raise ValueError("it fills what is no list, nor a dictionary of texts")
    container.update(zip(items[::2], items[1::2], strict=True))
    return container
