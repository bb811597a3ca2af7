"""The job of a command: one process, or the ranks that `mpiexec` has started.

Only rank 0 prints. If all ranks end with an error, it prints its own; if one does, that one's. A rank whose error the
others do not notice, because they wait for it elsewhere, names itself and ends the whole job.
"""

import argparse
import os
import platform
import sys
import traceback
from types import TracebackType

import numba
import numpy as np

from minidiff.errors import MinidiffError
from minidiff.parallel import available_cores
from minidiff.ranks import ALONE, PATIENCE, MpiRanks, RankFailed, Ranks
from minidiff.runs.agreement import check_same
from minidiff.text import clean
from minidiff.version import __version__

# environment variables with the number of processes and the rank: Open MPI, MPICH and its relatives, Slurm
LAUNCHERS = (
    ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"),
    ("PMI_SIZE", "PMI_RANK"),
    ("SLURM_STEP_NUM_TASKS", "SLURM_PROCID"),
)
INSTALL = "pip install mpi4py"
MAY_DIFFER = ("threads",)  # options


def launched() -> tuple[int, int]:
    """The number of processes that were started together, and the rank of this one; (1, 0) without mpiexec."""
    for size, rank in LAUNCHERS:
        if size in os.environ:
            return int(os.environ[size]), int(os.environ.get(rank, 0))
    return 1, 0


class Job:
    """A context manager around a command.

    Attributes:
        ranks: the processes of the job.
        leads: whether this is rank 0.

    Raises:
        MinidiffError: mpi4py is needed and missing, or belongs to another MPI library than mpiexec.
    """

    def __init__(self) -> None:
        size, rank = launched()
        self.leads, self.errors, self.ranks = rank == 0, sys.stderr, ALONE
        if not self.leads:
            sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # until the process ends
        if size > 1:
            self.ranks = connect(size, rank)

    def __repr__(self) -> str:
        return f"Job({self.ranks})"

    def __enter__(self) -> "Job":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if not isinstance(self.ranks, MpiRanks) or isinstance(error, RankFailed):
            return
        if error is None:
            self.ranks.gather()
            return
        expected = isinstance(error, (MinidiffError, MemoryError, KeyboardInterrupt, SystemExit))
        message = clean(error) or "stopped" if expected else f"{type(error).__name__}: {clean(error)}"
        if not expected and not self.leads:
            traceback.print_exception(error, file=self.errors)
        try:
            self.ranks.gather(message, failed=True, patience=PATIENCE)
        except TimeoutError:
            print(f"minidiff: rank {self.ranks.rank} of {self.ranks.size}: {message}", file=self.errors, flush=True)
            self.ranks.world.Abort(2)

    def prepare(self, options: argparse.Namespace) -> None:
        """Sets `options.ranks` and the default of `options.threads`.

        Raises:
            MinidiffError: the ranks have other versions or options.
        """
        options.ranks = self.ranks
        if self.ranks.size == 1:
            return
        plain = {
            f"the option {name}": value
            for name, value in vars(options).items()
            if name not in MAY_DIFFER and isinstance(value, (str, int, float, list, type(None)))
        }
        versions = {"minidiff": __version__, "numpy": np.__version__, "numba": numba.__version__}
        check_same(self.ranks, versions | plain)
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        places = self.ranks.gather([platform.node(), cores])
        if options.threads is None:  # ranks that are not bound to cores of their own share them
            options.threads = max(1, available_cores() // places.count(places[self.ranks.rank]))
        neighbors, cores_here = sum(node == platform.node() for node, _ in places), available_cores()
        if "OMPI_COMM_WORLD_SIZE" in os.environ and cores_here * neighbors < (total := os.cpu_count() or 1):
            print(
                f"each rank may use {cores_here} of the {total} cores of {platform.node()}: Open MPI binds up to two "
                "ranks to one core each; for more threads, start it with: mpiexec --bind-to none"
            )


def connect(size: int, rank: int) -> Ranks:
    """The ranks of a job of `size` processes, over MPI; errors as in `Job`."""
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # it is not installed, or finds no MPI library
        reason = "" if isinstance(error, ModuleNotFoundError) else f" ({clean(error)})"
        problem = f"{size} processes were started by mpiexec, and mpi4py cannot be imported{reason}; {INSTALL}"
    else:
        if MPI.COMM_WORLD.size == size:
            return MpiRanks(MPI)
        problem = (
            f"mpiexec started {size} processes, and mpi4py finds {MPI.COMM_WORLD.size}: they belong to different MPI "
            f"libraries; use the mpiexec of {MPI.Get_library_version().split(',')[0]}"
        )
    if rank:
        sys.exit(0)  # rank 0 prints it, and mpiexec ends all processes when one returns another code
    raise MinidiffError(problem)
