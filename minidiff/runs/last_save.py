"""A checkpoint that is written although the process is about to be killed.

Open MPI's mpiexec passes SIGTERM and SIGINT on to its ranks and kills them a quarter of a second later. That is too
little for the rest of a step and a checkpoint. So at the signal, rank 0 forks: the memory of the child is a snapshot of
the last completed step, and in a session of its own it lives until that is written. It keeps the lock of the folder.
"""

import os
import signal
from collections.abc import Callable

from minidiff.runs.interruption import SIGNALS
from minidiff.runs.progress import Progress
from minidiff.training import Trainer


class LastSave:
    """Writes a checkpoint in a child process.

    Args:
        trainer, progress: what is saved; not while one of them is a step behind the other, or in an optimizer step.
        write: writes it.
    """

    def __init__(self, trainer: Trainer, progress: Progress, write: Callable[[], None]) -> None:
        self.trainer, self.progress, self.write = trainer, progress, write
        self._child: int | None = None

    def __repr__(self) -> str:
        return f"LastSave(child {self._child})"

    def begin(self) -> None:
        """Starts the child, if there is anything to save; may be called by a signal handler."""
        trainer, steps = self.trainer, self.progress.steps
        complete = trainer.optimizer.steps == trainer.step and steps == trainer.step % trainer.steps_per_epoch
        if not complete or steps == 0 or self._child is not None or not hasattr(os, "fork"):
            return
        try:
            self._child = os.fork()
        except OSError:  # no memory or no more processes; the checkpoint before it is intact
            return
        if self._child:
            return
        try:
            os.setsid()  # mpiexec kills the rank's process group
            for number in SIGNALS:
                signal.signal(number, signal.SIG_IGN)
            nothing = os.open(os.devnull, os.O_RDWR)
            for stream in range(3):
                os.dup2(nothing, stream)  # mpiexec waits for the end of the output
            self.write()
        finally:
            os._exit(0)

    def finish(self) -> None:
        """Starts the child if it is not running yet, and waits for its end."""
        self.begin()
        if self._child is not None:
            os.waitpid(self._child, 0)
