"""A memory pool, which reuses the memory of deleted arrays.

A new array costs twice: the operating system provides its pages one by one, zeroed, when they are first written, and
none of them is in the cache. A training step creates and deletes some hundreds of arrays; on two cores, a tenth of the
time was spent on their pages. So each thread keeps the memory of its deleted arrays.

The memory is aligned to a cache line: the widest registers hold as much as a line, and a load that crosses two lines
takes two accesses.

The pool finds out from Python's reference counts whether an array is deleted. Every array is a view of a memory block
in the pool, and every view (also of a view) holds a reference to its block. So a block without references from outside
the pool is free. Nothing has to be returned explicitly, and nothing can be returned too early.

Read more: `tutorials/speed.md`.
"""

import math
import sys
import threading

import numpy as np
from numpy.typing import DTypeLike

LINE = 64  # bytes


def new_block(size: int) -> np.ndarray:
    """An uninitialized array of bytes, (size,), aligned to a cache line; for its views, it is the `base`."""
    whole = np.empty(size + LINE, np.uint8)
    first = -whole.ctypes.data % LINE
    # if the block were a view of `whole`, NumPy would let its own views refer to `whole` instead
    return np.frombuffer(memoryview(whole.data)[first : first + size], np.uint8)


def references_to_unused() -> int:
    """The result of `sys.getrefcount` for a block that only a list and a loop over it refer to.

    It includes references by the loop and the call, which depend on the version of Python. So it is measured.
    """
    for block in [new_block(1)]:
        count = sys.getrefcount(block)
    return count


class Buffers(threading.local):
    """A pool of memory blocks, separate for each thread."""

    def __init__(self) -> None:
        self.blocks: dict[int, list[np.ndarray]] = {}  # size in bytes -> blocks
        self.unused = references_to_unused()

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> np.ndarray:
        """Like `np.empty`: an uninitialized array of this shape and dtype, in reused memory if possible."""
        count = math.prod(shape)
        size = count * np.dtype(dtype).itemsize
        blocks = self.blocks.setdefault(size, [])
        for block in reversed(blocks):  # newest first, because it is most likely in the cache
            if sys.getrefcount(block) == self.unused:
                return block.view(dtype).reshape(shape)
        block = new_block(size)
        blocks.append(block)
        return block.view(dtype).reshape(shape)
