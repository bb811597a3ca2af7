"""Everything that a hand-in has started: its processes, their memory, and their end.

A process group is not enough: a process can leave it, and after the end of its parent it belongs to nobody. On Linux
the grader adopts such processes, so that they are found. On other systems the group and the parents are searched. On
Windows `taskkill` ends the tree of processes, and memory is not watched.
"""

import contextlib
import ctypes
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
ROUNDS = 200  # of looking for processes and ending them
PAUSE = 0.02  # seconds between two rounds


@dataclass(frozen=True)
class Process:
    """A process: its parent, its process group, its memory in bytes, and the seconds that it has computed.

    The seconds include those of children that have ended. They are infinity where the system does not tell them. A
    process that has ended stays in the list until its parent has waited for it.
    """

    parent: int
    group: int
    memory: int
    seconds: float
    ended: bool = False


@contextlib.contextmanager
def adopting_orphans() -> Iterator[None]:
    """While the context is open, a process that has lost its parent becomes a child of this one (Linux only)."""
    _adopt(True)
    try:
        yield
    finally:
        _adopt(False)


def _adopt(on: bool) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, int(on), 0, 0, 0)


def children() -> set[int]:
    """The processes that this one has started or adopted."""
    return {pid for pid, one in processes().items() if one.parent == os.getpid()}


class Family:
    """A process, its descendants, its group, and the orphans that were adopted after its start.

    On Linux, start no other process while this runs: it would be taken for an orphan of the hand-in and ended.
    """

    def __init__(self, leader: subprocess.Popen, siblings: set[int]) -> None:
        """`siblings` are the children of this process before `leader` was started."""
        self._leader, self._siblings = leader, siblings

    def members(self) -> dict[int, Process]:
        """All processes of the family that are running."""
        found = {pid: one for pid, one in processes().items() if not one.ended}
        members = {pid for pid, one in found.items() if self._leader.pid in (pid, one.group)}
        if sys.platform == "linux":
            members |= {pid for pid, one in found.items() if one.parent == os.getpid()} - self._siblings
        size = 0
        while len(members) > size:
            size = len(members)
            members |= {pid for pid, one in found.items() if one.parent in members}
        return {pid: found[pid] for pid in members}

    def memory(self) -> int:
        """The memory of the family in bytes."""
        return sum(one.memory for one in self.members().values())

    def seconds(self) -> float:
        """The time that the family has computed; infinity if that is not known."""
        return sum(one.seconds for one in self.members().values()) or math.inf

    def end(self) -> None:
        """Ends the family. They are stopped first, so that none of them starts another one meanwhile."""
        if os.name == "nt":
            subprocess.run(["taskkill", "/F", "/T", "/PID", str(self._leader.pid)], capture_output=True, check=False)
            self._leader.wait()
            return
        for _ in range(ROUNDS):
            members = self.members()
            for sent in (signal.SIGSTOP, signal.SIGKILL):
                for pid in members:
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.kill(pid, sent)
            self._leader.poll()
            if not members:
                break
            time.sleep(PAUSE)
        for pid in children() - self._siblings - {self._leader.pid}:  # those that were adopted
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._leader.wait(1)


def processes() -> dict[int, Process]:
    """The processes of this computer by their PID; nothing on Windows."""
    if sys.platform == "linux":
        return dict(_from_proc())
    if os.name == "nt":
        return {}
    columns = ["ps", "-A", "-o", "pid=,ppid=,pgid=,rss=,stat="]
    rows = [line.split() for line in subprocess.run(columns, capture_output=True, text=True).stdout.splitlines()]
    return {
        int(row[0]): Process(int(row[1]), int(row[2]), 1024 * int(row[3]), math.inf, row[4].startswith("Z"))
        for row in rows
        if len(row) == 5
    }


def _from_proc() -> Iterator[tuple[int, Process]]:
    page, ticks = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")
    for entry in os.listdir("/proc"):
        if not entry.isdecimal():
            continue
        with contextlib.suppress(OSError):  # it has ended meanwhile
            state, *fields = Path("/proc", entry, "stat").read_bytes().rpartition(b")")[2].split()
            seconds, memory = sum(map(int, fields[10:14])) / ticks, page * int(fields[20])
            yield int(entry), Process(int(fields[0]), int(fields[1]), memory, seconds, state in (b"Z", b"X"))
