"""NumPy files: a .npy file contains one array, an .npz file is a zip of such files.

The format (NumPy Enhancement Proposal 1, "A simple file format for NumPy arrays"):

    6 bytes    93 'NUMPY'
    2 bytes    version, 1 0 or 2 0
    2 or 4     length of the header, little-endian
    header     text such as {'descr': '|u1', 'fortran_order': False, 'shape': (60000, 28, 28), }
    the rest   the elements

NumPy parses the header. Unlike `np.load`, this reader checks the size it announces before allocating. Arrays of Python
objects are rejected: they are stored as pickles, which can run any program when they are loaded.
"""

import io
import math
import tokenize
import warnings
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy_format

from minidiff.data.readers.files import Files
from minidiff.data.readers.limits import DAMAGED, check_size, read_exactly
from minidiff.errors import MinidiffError

MAX_HEADER = 2**14  # bytes; NumPy itself accepts at most 10,000
MAGIC = b"\x93NUMPY"
HEADER_READERS = {(1, 0): npy_format.read_array_header_1_0, (2, 0): npy_format.read_array_header_2_0}
# What NumPy's parser raises on damaged headers.
BAD_HEADER = (*DAMAGED, SyntaxError, TypeError, KeyError, OverflowError, MemoryError, tokenize.TokenError)


def read_npy(files: Files, name: str, max_bytes: int) -> np.ndarray:
    """Reads one .npy file; `MinidiffError` if it is damaged, contains Python objects, or is larger than max_bytes."""
    where = files.where(name)
    with files.reading(name) as stream:
        shape, is_fortran, dtype = read_header(stream, where)
        num_bytes = math.prod(shape) * dtype.itemsize
        check_size(num_bytes, files.most_bytes(name), max_bytes, where)
        content = read_exactly(stream, num_bytes, where)
    return content.view(dtype).reshape(shape, order="F" if is_fortran else "C")


def open_npy(files: Files, name: str, max_bytes: int) -> np.ndarray:
    """Opens the same array memory-mapped if it is a file of its own, so that only what is used is read."""
    if files.is_packed:
        return read_npy(files, name, max_bytes)
    where = files.where(name)
    with files.reading(name) as stream:
        shape, is_fortran, dtype = read_header(stream, where)
        offset = stream.tell()
        expected, present = math.prod(shape) * dtype.itemsize, files.size(name) - offset
    if expected != present:
        raise MinidiffError(f"{where}: damaged, {present:,} bytes instead of {expected:,}; download the file again")
    if expected == 0:
        return np.empty(shape, dtype)
    return np.memmap(where, dtype, "r", offset, shape, "F" if is_fortran else "C")


def read_header(stream: IO[bytes], where: str | Path) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Reads shape, whether the order is Fortran's, and dtype; `MinidiffError` if they are not those of numbers."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy warns about headers written by Python 2
            start = io.BytesIO(stream.read(MAX_HEADER))  # NumPy would trust a length of gigabytes
            version = npy_format.read_magic(start)
            if version not in HEADER_READERS:
                raise ValueError(f"version {version}")
            shape, is_fortran, dtype = HEADER_READERS[version](start)
            stream.seek(start.tell())
    except BAD_HEADER as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise MinidiffError(f"{where}: not a readable .npy file ({reason}); check the file") from error
    if dtype.hasobject:
        raise MinidiffError(f"{where}: contains Python objects, which are never loaded; save it as an array of numbers")
    if dtype.itemsize == 0 or dtype.fields or dtype.subdtype:
        raise MinidiffError(f"{where}: contains {dtype} instead of plain numbers; save it as an array of numbers")
    if any(length < 0 for length in shape) or len(shape) > 32:
        raise MinidiffError(f"{where}: its shape {str(shape)[:80]} is invalid; download the file again")
    return tuple(int(length) for length in shape), is_fortran, dtype
