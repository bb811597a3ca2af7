"""The only place with threads.

NumPy's matrix product and the Numba kernels release Python's lock while they compute, so plain threads use all cores.
Each worker runs whole pieces of work (the forward and backward pass of a few images), and the matrix products inside
are held to one thread each: two thread pools in one process fight for the same cores.

Who runs a piece of work never shows in its result: results come back in the order of the items, whatever the number
of threads. That is what makes training reproducible to the bit.

Read more: `tutorials/08_training.ipynb`; `tutorials/speed.md`.
"""

import os
from concurrent.futures import ThreadPoolExecutor

from threadpoolctl import ThreadpoolController

from minidiff.errors import MinidiffError


def available_cores():
    """The number of processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Workers:
    """A pool of threads for pieces of work that do not depend on each other.

    Args:
        threads: how many; all cores if not given.

    Raises:
        MinidiffError: fewer than one thread.
    """

    def __init__(self, threads=None):
        self.threads = available_cores() if threads is None else threads
        if self.threads < 1:
            raise MinidiffError(f"at least one thread is needed, not {threads}")
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="minidiff") if self.threads > 1 else None
        self._blas = ThreadpoolController()

    def map(self, function, items):
        """function(item) for every item, side by side; BLAS is held to one thread meanwhile.

        Args:
            function: called with one item; an exception it raises is raised here.
            items: a sequence.

        Returns:
            List of results in the order of the items.
        """
        with self._blas.limit(limits=1, user_api="blas"):
            if self._pool is None or len(items) == 1:
                return [function(item) for item in items]
            return list(self._pool.map(function, items))

    def close(self):
        """Ends the threads."""
        if self._pool is not None:
            self._pool.shutdown()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


def slices(count, size):
    """range(count) cut into slices of `size`, the last one possibly shorter."""
    return [slice(first, min(first + size, count)) for first in range(0, count, size)]
