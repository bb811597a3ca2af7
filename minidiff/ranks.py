"""Ranks: the processes of a job that `mpiexec -n 4 minidiff train` starts, and how they exchange values.

`Ranks` is a single process, `MpiRanks` one of several. Code that uses them reads the same with either.

    part       which of a number of items are this rank's
    exchange, collect      the sum of vectors: each rank adds a section of all vectors, in their order
    merge      an array of which each rank has filled a part
    copy       a vector of rank 0
    gather     a small value of each rank, for decisions that all have to make alike

Values travel as JSON and arrays as bytes; nothing is pickled. A rank that fails passes its message on in the next
`gather`, so that all ranks end; if they do not come there, it ends the whole job.
"""

import json
import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from minidiff.errors import MinidiffError

PATIENCE = 3.0  # seconds that a rank waits for the others before it ends the job
LONGEST_SLEEP = 0.002  # seconds between two looks; a rank that waits takes no time from the threads of others


class RankFailed(MinidiffError):
    """Another rank has failed; the message is the one of that rank."""


class Ranks:
    """A single process: all items are its own, and there is nobody to exchange values with."""

    rank, size = 0, 1

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.rank} of {self.size})"

    def part(self, count: int, rank: int | None = None) -> slice:
        """The items that a rank works on, by default this one: a slice of range(count)."""
        rank = self.rank if rank is None else rank
        return slice(count * rank // self.size, count * (rank + 1) // self.size)

    def exchange(self, vectors: Sequence[np.ndarray], count: int) -> list[np.ndarray]:
        """This rank's section, part(size), of all `count` vectors; `vectors` begins with this rank's part(count)."""
        return list(vectors[:count])

    def collect(self, vector: np.ndarray, section: np.ndarray) -> None:
        """Fills a vector with the sections of all ranks; a single process has it already."""

    def merge(self, array: np.ndarray) -> np.ndarray:
        """Joins arrays, in which each element is zero on all ranks but one, in place."""
        return array

    def copy(self, vector: np.ndarray) -> None:
        """Overwrites a vector with that of rank 0."""

    def gather(self, value: Any = None) -> list[Any]:
        """The values of all ranks, of types that JSON has; raises `RankFailed` if one of them has failed."""
        return [value]


ALONE = Ranks()


class MpiRanks(Ranks):
    """One of several processes; `mpi` is the module `mpi4py.MPI`, `world` its communicator, by default of all."""

    def __init__(self, mpi: Any, world: Any = None) -> None:
        world = world or mpi.COMM_WORLD
        self.mpi, self.world, self.values = mpi, world.Dup(), world.Dup()
        self.rank, self.size = self.world.rank, self.world.size
        self._received = np.empty(0, np.float32)

    def exchange(self, vectors: Sequence[np.ndarray], count: int) -> list[np.ndarray]:
        section, requests = self.part(vectors[0].size), []
        mine = dict(zip(range(count)[self.part(count)], vectors, strict=False))
        shape = (count, section.stop - section.start)
        if self._received.shape != shape:
            self._received = np.empty(shape, vectors[0].dtype)  # kept, because new memory is slow
        for rank in set(range(self.size)) - {self.rank}:
            for i in range(count)[self.part(count, rank)]:
                requests.append(self.world.Irecv(self._received[i], rank, i))
            for i, vector in mine.items():
                requests.append(self.world.Isend(vector[self.part(vector.size, rank)], rank, i))
        self.mpi.Request.Waitall(requests)
        return [mine[i][section] if i in mine else self._received[i] for i in range(count)]

    def collect(self, vector: np.ndarray, section: np.ndarray) -> None:
        vector[self.part(vector.size)] = section
        parts = [self.part(vector.size, rank) for rank in range(self.size)]
        counts = [part.stop - part.start for part in parts]
        self.world.Allgatherv(self.mpi.IN_PLACE, [vector, (counts, [part.start for part in parts])])

    def merge(self, array: np.ndarray) -> np.ndarray:
        self.world.Allreduce(self.mpi.IN_PLACE, array.view(np.uint8), self.mpi.BOR)  # exact for any values
        return array

    def copy(self, vector: np.ndarray) -> None:
        self.world.Bcast(vector)

    def gather(self, value: Any = None, failed: bool = False, patience: float = math.inf) -> list[Any]:
        text, lengths = json.dumps([failed, value]).encode(), np.empty(self.size, np.int64)
        end, pause = time.monotonic() + patience, 0.0
        request = self.values.Iallgather(np.array([len(text)]), lengths)
        while not request.Test():
            if time.monotonic() > end:
                raise TimeoutError
            time.sleep(pause)
            pause = min(LONGEST_SLEEP, pause + LONGEST_SLEEP / 100)
        texts = np.empty(lengths.sum(), np.uint8)
        self.values.Allgatherv(np.frombuffer(text, np.uint8), [texts, lengths])
        found = [json.loads(part.tobytes()) for part in np.split(texts, np.cumsum(lengths)[:-1])]
        for rank, (other_failed, message) in enumerate(found):
            if other_failed and not failed:
                raise RankFailed(f"rank {rank} of {self.size}: {message}")
        return [value for _, value in found]
