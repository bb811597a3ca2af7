"""The grader's side of one process that runs a hand-in (`worker.py`): its requests, its limits, and its end.

The process holds the cells and what they define. It gets inputs and returns results, and knows no check. A function of
the exercise stays in the grader; a call to it is sent there. A result is never taken for an outcome: the checks run in
the grader. Only the names that an answer uses (`names_in`) are reported by the process itself.
"""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from minidiff.errors import MinidiffError
from minidiff.exercises.attempt import LONGEST_MESSAGE, Attempt, describe
from minidiff.exercises.exercise import Result
from minidiff.exercises.grading.channel import BrokenMessageError, Channel, ClosedError
from minidiff.exercises.grading.processes import Family, children
from minidiff.exercises.grading.scratch import files_exceed, remove_folder
from minidiff.exercises.grading.values import Decoder, Encoder, NotAValueError, restore, type_name
from minidiff.exercises.source import ROOT
from minidiff.memory import usable_memory

SECONDS_TO_START = 60.0  # for importing the library
TICK = 0.05  # seconds between two looks at the clock
SECONDS_TO_LOOK = 0.5  # between two looks at the memory and the files
LONGEST_WAIT = 4  # time limits, for a process that computes for less than half of one


@dataclass(frozen=True)
class Limits:
    """Limits of a hand-in.

    Attributes:
        seconds: for a cell, and for the check of an answer.
        total_seconds: for all notebooks of a student.
        memory: of the process and all that it has started, in bytes; at most half of the usable memory is taken.
    """

    seconds: float = 20.0
    total_seconds: float = 120.0
    memory: int = 2**31

    def __post_init__(self) -> None:
        object.__setattr__(self, "memory", min(self.memory, usable_memory() // 2))


class GraderError(MinidiffError):
    """The grader itself does not work, so that no hand-in can be graded."""


class StoppedError(Exception):
    """The process was ended, or has ended; `Session.stopped` says why."""


class AnswerError(Exception):
    """An error that the answer raised; a subclass has the name of its type."""


class RemoteFunction:
    """A function in the process of the hand-in."""

    def __init__(self, session: "Session", number: int) -> None:
        self._session, self._number = session, number

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        result, changed = self._session.request("call", self._number, inputs, named)
        if changed is not None:
            restore(inputs, changed)
        return result

    def names_in_process(self) -> set[str]:
        """The result of `expecting.names_in` for the function itself."""
        return set(map(str, self._session.request("names_in", self._number)))

    def __deepcopy__(self, memo: dict) -> "RemoteFunction":
        return self


class Session:
    """A process for one hand-in, as a context manager that ends it and everything that it has started."""

    def __init__(self, limits: Limits, deadline: float) -> None:
        """`deadline` is when the time of the student is over, on `time.monotonic()`."""
        self.stopped: Result | None = None
        self._limits, self._last = limits, deadline
        self._begun, self._deadline, self._seconds, self._computed = 0.0, 0.0, 0.0, 0.0
        self._what, self._looked, self._ended = "", 0.0, False
        self._number = 0  # of the last request
        self._functions: dict[int, Callable] = {}  # of the current exercise, which the process may call
        self._kept = 0  # functions of all exercises; each has a number of its own

    def __enter__(self) -> "Session":
        self._folder = tempfile.mkdtemp(prefix="minidiff-grade-")
        ours, theirs = socket.socketpair()
        ours.settimeout(TICK)
        siblings = children()
        self._process = _start(self._folder, theirs, self._limits.memory)
        theirs.close()
        self._connection = ours
        self._family = Family(self._process, siblings)
        self._channel = Channel(ours, limited=True, wait=self._check_limits)
        self._what, self._begun = "the start", time.monotonic()
        self._deadline = self._begun + SECONDS_TO_START
        try:
            self.request("hello")
        except (StoppedError, AnswerError) as error:
            self.__exit__(None, None, None)
            why = f" ({self.stopped.hint})" if self.stopped else ""
            raise GraderError(
                f"the process that runs hand-ins does not start{why}; allow more memory, "
                "and try whether `python -m minidiff` works here"
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
        remove_folder(self._folder)

    def allow(self, seconds: float, what: str) -> None:
        """Starts the time limit of the next activity, named `what`.

        From here on the worker cannot call the functions of earlier exercises.
        """
        self._begun, self._what, self._seconds = time.monotonic(), what, seconds
        self._computed = self._family.seconds()
        self._deadline = min(self._begun + seconds, self._last)
        self._functions.clear()

    def request(self, kind: str, *content: Any) -> Any:
        """Sends a request to the worker and returns its reply.

        Raises:
            AnswerError: code of the hand-in raised an error.
            StoppedError: the process has ended, or a limit was exceeded; no more requests are possible.
        """
        if self.stopped is not None:
            raise StoppedError
        done = False
        self._number += 1
        try:
            self._send(kind, list(content))
            while True:
                received, found = self._receive()
                if received == "call":
                    self._call(found)
                    continue
                done = True
                if received == "error":
                    raise _error(*found)
                return found
        except ClosedError as error:
            raise self._stop(self._how_it_ended()) from error
        except (BrokenMessageError, NotAValueError) as error:
            raise self._stop(Result("crashed", f"its result cannot be read: {error}")) from error
        finally:
            if not done:  # also if something else interrupts
                self._end()

    def _send(self, kind: str, content: Any) -> None:
        encoder = Encoder(self._keep, objects=True)
        data = encoder.encode(content)
        self._channel.send([self._number, kind, data], encoder.arrays)

    def _receive(self) -> tuple[str, Any]:
        """Kind and content of the next message, which belongs to the last request."""
        message, arrays = self._channel.receive()
        if not isinstance(message, list) or len(message) != 3 or message[0] != self._number:
            raise BrokenMessageError("it wrote to the connection to the grader")
        _, kind, data = message
        if kind not in ("reply", "error", "call"):
            raise BrokenMessageError("it wrote to the connection to the grader")
        content = Decoder(arrays, lambda number, _: RemoteFunction(self, number)).decode(data)
        if kind == "error" and not (isinstance(content, list) and len(content) == 2):
            raise BrokenMessageError("it wrote to the connection to the grader")
        return kind, content

    def _keep(self, function: Callable) -> int:
        self._kept += 1
        self._functions[self._kept] = function
        return self._kept

    def _call(self, content: Any) -> None:
        """Calls a function of the exercise for the process."""
        with Attempt() as attempt:
            number, inputs, named = content
            result = self._functions[number](*inputs, **named)
        if attempt.error is None:
            self._send("reply", result)
        else:
            self._send("error", [type(attempt.error).__name__, _message(attempt.error)])

    def _check_limits(self) -> None:
        """Ends the process and raises `StoppedError` if a limit is exceeded."""
        now = time.monotonic()
        if now > self._deadline and self._had_no_processor(now):
            self._deadline = min(now + SECONDS_TO_LOOK, self._last)
        if now > self._deadline:
            seconds = f"{now - self._begun:.3g} seconds"
            raise self._stop(Result("too slow", f"{self._what} was not done after {seconds}: an endless loop?"))
        if now > self._looked + SECONDS_TO_LOOK:
            self._looked = now
            if (memory := self._family.memory()) > self._limits.memory:
                hint = (
                    f"{self._what} used {_gigabytes(memory)} of memory; {_gigabytes(self._limits.memory)} are allowed"
                )
                raise self._stop(Result("out of memory", hint))
            if files_exceed(self._folder):
                raise self._stop(Result("crashed", f"{self._what} wrote too many or too large files"))

    def _had_no_processor(self, now: float) -> bool:
        """Whether other programs took so much of the computer that the time limit says nothing yet."""
        if now > min(self._last, self._begun + LONGEST_WAIT * self._seconds):
            return False
        return self._family.seconds() - self._computed < self._seconds / 2

    def _stop(self, result: Result) -> StoppedError:
        self.stopped = self.stopped or result
        self._end()
        return StoppedError()

    def _how_it_ended(self) -> Result:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return Result("crashed", f"it ended the interpreter (exit code {self._process.wait(1)})")
        return Result("crashed", "it closed the connection to the grader")

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            self.stopped = self.stopped or Result("crashed", "it was ended")
            self._connection.close()
            self._family.end()


def _start(folder: str, theirs: socket.socket, memory: int) -> subprocess.Popen:
    """Starts the process in an empty folder, without input and output, as the leader of a process group."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    environment = os.environ | {"PYTHONPATH": path, "MPLBACKEND": "agg", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "minidiff.exercises.grading.worker", str(memory)]
    if os.name == "nt":  # a socket cannot be inherited there; its description is written to standard input
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert process.stdin is not None
        process.stdin.write(theirs.share(process.pid))  # type: ignore[attr-defined]
        process.stdin.close()
        return process
    return subprocess.Popen(
        [*command, str(theirs.fileno())], cwd=folder, env=environment, pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def _error(name: Any, text: Any) -> AnswerError:
    """The error of an answer, of a type with the same name."""
    return type(type_name(name), (AnswerError,), {})(str(text)[:LONGEST_MESSAGE])


def _message(error: BaseException) -> str:
    """The message of an error, in one line."""
    return describe(error).partition(": ")[2]


def _gigabytes(num_bytes: int) -> str:
    """A number of bytes in the unit of `minidiff grade --memory`."""
    return f"{num_bytes / 2**30:.3g} GB"
