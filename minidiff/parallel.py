"""A pool of threads, and the sum of the gradient of a batch over microbatches, threads and ranks.

NumPy's matrix product and the Numba kernels release the GIL, so plain threads use all cores. Each thread runs whole
tasks, such as the forward and backward pass of a microbatch. Meanwhile BLAS is limited to one thread, because two
thread pools in one process compete for the same cores.

Results come back in the order of the items, whichever thread computes them. So training is reproducible, bit for bit,
for any number of threads.

Read more: `tutorials/08_training.ipynb`; `tutorials/speed.md`.
"""

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import ThreadpoolController

from minidiff.errors import MinidiffError
from minidiff.parameters import Parameters
from minidiff.ranks import ALONE, Ranks

MAX_ACCUMULATORS = 4  # gradient vectors; more would allow more threads, and take more memory
CHUNK = 2**18  # elements of a vector that one task adds

Item = TypeVar("Item")
Result = TypeVar("Result")


class OneBlasThread:
    """A context manager that limits BLAS to one thread while any thread of the process is inside.

    The number of BLAS threads belongs to the process. If each thread restored the number that it had found, the last
    of two would restore the limit of the first.
    """

    def __init__(self) -> None:
        self._lock, self._inside = threading.Lock(), 0
        self.find_libraries()

    def find_libraries(self) -> None:
        """Finds the libraries that are loaded by now; slow, so not every time."""
        self._libraries = ThreadpoolController()

    def __repr__(self) -> str:
        return f"OneBlasThread({self._inside} inside)"

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._take_control()
                self._limits = self._libraries.limit(limits=1, user_api="blas")
            self._inside += 1

    def __exit__(self, *exception: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._restore()

    def _restore(self) -> None:
        self._take_control()
        self._limits.restore_original_limits()
        self._take_control()

    def _take_control(self) -> None:
        """Lets the current thread set the number; threadpoolctl 3.8 leaves that to the first one that does."""
        for library in self._libraries.lib_controllers:
            if hasattr(library, "clear_controlling_thread"):
                library.clear_controlling_thread(force=True)

    def reset(self) -> None:
        """Starts anew in a forked process, which has none of the threads inside."""
        if self._inside:
            self._restore()
        self._lock, self._inside = threading.Lock(), 0


ONE_BLAS_THREAD = OneBlasThread()
if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=ONE_BLAS_THREAD.reset)


def available_cores() -> int:
    """The number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Workers:
    """A pool of threads for independent tasks.

    Args:
        threads: number of threads; default: one for each core.

    Raises:
        MinidiffError: fewer than one thread.
    """

    def __init__(self, threads: int | None = None) -> None:
        self.threads = available_cores() if threads is None else threads
        if self.threads < 1:
            raise MinidiffError(f"at least one thread is needed, not {threads}")
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="minidiff") if self.threads > 1 else None
        self._process = os.getpid()
        ONE_BLAS_THREAD.find_libraries()

    def __repr__(self) -> str:
        return f"Workers(threads={self.threads})"

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """Calls function(item) for every item, in parallel, with BLAS limited to one thread.

        Args:
            function: called with one item; an exception in it is raised here.
            items: the tasks.

        Returns:
            The results, in the order of the items.

        Raises:
            MinidiffError: the threads are those of the process that this one was forked from.
        """
        if self._pool is not None and self._process != os.getpid():  # it would wait for them for ever
            raise MinidiffError("a forked process has no threads of these workers; create Workers after the fork")
        with ONE_BLAS_THREAD:
            if self._pool is None or len(items) == 1:
                return [function(item) for item in items]
            return list(self._pool.map(function, items))

    def close(self) -> None:
        """Stops the threads."""
        if self._pool is not None and self._process == os.getpid():
            self._pool.shutdown()

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class GradientAccumulators:
    """Sums the gradient of a batch over its microbatches, on several threads and ranks.

    A microbatch is a part of the batch whose activations fit into a core's cache. The microbatches are distributed over
    a fixed number of gradient vectors, on which the threads work, and these are added in a fixed order. So the sum is
    bit-for-bit identical whatever the number of threads, and of up to four ranks. Each rank holds some of the vectors,
    and adds up one section of all of them.

    Args:
        p: the parameters.
        batch_size: number of examples in a batch, at most.
        microbatch_size: number of examples in a microbatch.
        workers: the threads.
        ranks: the processes.
    """

    def __init__(
        self, p: Parameters, batch_size: int, microbatch_size: int, workers: Workers, ranks: Ranks = ALONE
    ) -> None:
        self.microbatch_size, self.workers, self.ranks = microbatch_size, workers, ranks
        num_microbatches = len(chunks(batch_size, microbatch_size))
        self.count = min(max(MAX_ACCUMULATORS, ranks.size), num_microbatches)  # of the gradient vectors of all ranks
        self.gradients = [p.zeros_like() for _ in range(-(-self.count // ranks.size))]

    def parts(self, batch: int) -> list[list[slice]]:
        """For each gradient vector of this rank the microbatches, slices of range(batch), that are added to it."""
        microbatches = chunks(batch, self.microbatch_size)
        count = min(self.count, len(microbatches))
        return [microbatches[i::count] for i in range(count)[self.ranks.part(count)]]

    def sum(self, batch: int, add_microbatch: Callable[[Parameters, slice], object]) -> Parameters:
        """Calls add_microbatch(g, part) for every microbatch of this rank, and returns the sum of all ranks' gradients.

        The sum is overwritten by the next call.
        """
        parts = self.parts(batch)

        def accumulate(i: int) -> None:
            self.gradients[i].vector.fill(0)
            for part in parts[i]:
                add_microbatch(self.gradients[i], part)

        def add_up(chunk: slice) -> None:
            for other in sections[1:]:
                sections[0][chunk] += other[chunk]

        self.workers.map(accumulate, range(len(parts)))
        count = min(self.count, len(chunks(batch, self.microbatch_size)))
        sections = self.ranks.exchange([g.vector for g in self.gradients], count)
        self.workers.map(add_up, chunks(sections[0].size, CHUNK))
        self.ranks.collect(self.gradients[0].vector, sections[0])
        return self.gradients[0]


def chunks(count: int, size: int) -> list[slice]:
    """Splits range(count) into slices of length `size`; the last one may be shorter."""
    return [slice(first, min(first + size, count)) for first in range(0, count, size)]
