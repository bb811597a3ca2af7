"""Memory that is used again.

A fresh array costs twice: the operating system hands out its pages one by one, zeroed, when they are first written,
and none of them is in the processor's cache. A step of training makes some hundreds of arrays and drops them; on two
cores a tenth of the time went into their pages. So each thread keeps the memory of the arrays it has dropped.

The memory begins at a cache line: the widest registers hold as much as a line, and what lies across two lines has to be
fetched twice.

When is an array dropped? When nobody refers to it any more. Python counts references: every array handed out here is a
view of a block that the pool keeps, every view (and view of a view) refers to its block, so a block that is referred to
by the pool alone is free. Nothing needs to be given back, and nothing can be given back too early.

Read more: `tutorials/speed.md`.
"""

import math
import sys
import threading

import numpy as np

LINE = 64  # bytes


def new_block(size):
    """An uninitialized array of so many bytes, (size,), that begins at a cache line and is nobody's view."""
    whole = np.empty(size + LINE, np.uint8)
    first = -whole.ctypes.data % LINE
    # as a view of `whole`, NumPy would let views of the block refer to `whole` instead of the block
    return np.frombuffer(memoryview(whole)[first : first + size], np.uint8)


def references_to_unused():
    """What `sys.getrefcount` counts for a block that only a list and a loop over it refer to.

    The loop and the call themselves count too, how much depends on the version of Python: so it is measured.
    """
    blocks = [new_block(1)]
    for block in blocks:
        return sys.getrefcount(block)


class Buffers(threading.local):
    """A pool of memory blocks; each thread that uses it sees its own."""

    def __init__(self):
        self.blocks = {}  # size in bytes -> list of blocks
        self.unused = references_to_unused()

    def empty(self, shape, dtype):
        """Like `np.empty`: an uninitialized array of this shape and dtype, in memory used before where possible."""
        count = math.prod(shape)
        size = count * np.dtype(dtype).itemsize
        blocks = self.blocks.setdefault(size, [])
        for block in reversed(blocks):  # the newest first: the likeliest to be in the cache
            if sys.getrefcount(block) == self.unused:
                return block.view(dtype).reshape(shape)
        block = new_block(size)
        blocks.append(block)
        return block.view(dtype).reshape(shape)
