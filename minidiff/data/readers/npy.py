"""NumPy's own files: .npy holds one array, .npz is a zip of such files.

The format (NumPy Enhancement Proposal 1, "A simple file format for NumPy arrays"):

    6 bytes    93 'NUMPY'
    2 bytes    version, 1 0 or 2 0
    2 or 4     length of the header, little-endian
    header     text such as {'descr': '|u1', 'fortran_order': False, 'shape': (60000, 28, 28), }
    the rest   the numbers

Arrays of Python objects are refused: they are stored as pickles, which can run any program when they are read.
NumPy parses the header; the promise it makes is judged before anything is allocated, which `np.load` does not do.
"""

import io
import math
import tokenize
import warnings

import numpy as np
from numpy.lib import format as npy_format

from minidiff.data.readers.limits import DAMAGED, check_promise, read_exactly
from minidiff.errors import MinidiffError

MAX_HEADER = 2**14  # bytes; NumPy itself takes no more than 10,000
MAGIC = b"\x93NUMPY"
HEADER_READERS = {(1, 0): npy_format.read_array_header_1_0, (2, 0): npy_format.read_array_header_2_0}
# What NumPy's parser raises on damaged headers, beside ValueError.
BAD_HEADER = (*DAMAGED, SyntaxError, TypeError, KeyError, OverflowError, MemoryError, tokenize.TokenError)


def read_npy(files, name, max_bytes):
    """Read one .npy file.

    Args:
        files: `Files` it is among.
        name: of the file.
        max_bytes: largest array that is accepted, in bytes.

    Returns:
        array.

    Raises:
        MinidiffError: no .npy file, objects in it, shorter or longer than its header says, or too big.
    """
    where = files.where(name)
    try:
        with files.open(name) as stream:
            shape, is_fortran, dtype = read_header(stream, where)
            num_bytes = math.prod(shape) * dtype.itemsize
            check_promise(num_bytes, files.most_bytes(name), max_bytes, where)
            content = read_exactly(stream, num_bytes, where)
    except DAMAGED as error:
        raise MinidiffError(f"{where}: cannot be read ({error}); fetch the file again") from error
    return content.view(dtype).reshape(shape, order="F" if is_fortran else "C")


def open_npy(files, name, max_bytes):
    """The same array, left on the disk if the file lies in a folder: then only what is looked at is read."""
    if files.is_packed:
        return read_npy(files, name, max_bytes)
    where = files.where(name)
    try:
        with files.open(name) as stream:
            shape, is_fortran, dtype = read_header(stream, where)
            offset = stream.tell()
    except DAMAGED as error:
        raise MinidiffError(f"{where}: cannot be read ({error}); fetch the file again") from error
    promised, present = math.prod(shape) * dtype.itemsize, files.size(name) - offset
    if promised != present:
        raise MinidiffError(
            f"{where}: truncated or damaged, {present:,} bytes of numbers instead of {promised:,}; fetch the file again"
        )
    if promised == 0:
        return np.empty(shape, dtype)
    return np.memmap(where, dtype, "r", offset, shape, "F" if is_fortran else "C")


def read_header(stream, where):
    """Shape, whether the first axis runs fastest, and dtype, judged.

    Raises:
        MinidiffError: no header of a plain array.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what NumPy has to say on headers of Python 2
            start = io.BytesIO(stream.read(MAX_HEADER))  # NumPy would believe a length of gigabytes
            version = npy_format.read_magic(start)
            if version not in HEADER_READERS:
                raise ValueError(f"version {version}")
            shape, is_fortran, dtype = HEADER_READERS[version](start)
            stream.seek(start.tell())
    except BAD_HEADER as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise MinidiffError(f"{where}: not a .npy file that can be read ({reason}); check the file") from error
    if dtype.hasobject:
        raise MinidiffError(f"{where}: holds Python objects, which are never read; save it as an array of numbers")
    if dtype.itemsize == 0 or dtype.fields or dtype.subdtype:
        raise MinidiffError(f"{where}: holds {dtype}, not plain numbers; save it as an array of numbers")
    if any(length < 0 for length in shape) or len(shape) > 32:
        raise MinidiffError(f"{where}: its shape {str(shape)[:80]} is impossible; fetch the file again")
    return tuple(int(length) for length in shape), is_fortran, dtype
