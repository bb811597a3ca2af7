"""The grader's side of one process that runs a hand-in (`worker.py`): its questions, its limits, and its end.

The process holds the cells and what they define. It gets inputs and returns results, and knows no check. Functions that
an exercise passes in are called back across. Whatever it sends is a value of the hand-in's, so nothing can be forged.
"""

import contextlib
import os
import shutil
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
from minidiff.exercises.grading.values import Decoder, Encoder, NotAValueError, restore, type_name
from minidiff.exercises.source import ROOT
from minidiff.memory import readable, usable_memory

SECONDS_TO_START = 60.0  # for importing the library
TICK = 0.05  # seconds between two looks at the clock
SECONDS_TO_LOOK = 0.5  # between two looks at the memory and the files
LONGEST_WAIT = 4  # time limits, for a process that computes for less than half of one
LARGEST_FILES = 2**30  # bytes of all files in its folder
MOST_FILES = 10_000
SECONDS_TO_REMOVE = 5.0  # the folder, if it cannot be removed in the usual way


@dataclass(frozen=True)
class Limits:
    """Limits of a hand-in.

    Attributes:
        seconds: for a cell, and for the check of an answer.
        total_seconds: for all notebooks of a student.
        memory: of the process and all that it has started, in bytes.
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
        result, changed = self._session.ask("call", self._number, inputs, named)
        if changed is not None:
            restore(inputs, changed)
        return result

    def names_in_process(self) -> set[str]:
        """The result of `expecting.names_in` for the function itself."""
        return set(map(str, self._session.ask("names_in", self._number)))

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
        self._number = 0  # of the last question
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
            self.ask("hello")
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
        _remove(self._folder)

    def allow(self, seconds: float, what: str) -> None:
        """Starts the time limit of the next activity, named `what`.

        From here on the worker cannot call the functions of earlier exercises.
        """
        self._begun, self._what, self._seconds = time.monotonic(), what, seconds
        self._computed = self._family.seconds()
        self._deadline = min(self._begun + seconds, self._last)
        self._functions.clear()

    def ask(self, question: str, *content: Any) -> Any:
        """Asks the process something and returns its answer.

        Raises:
            AnswerError: code of the hand-in raised an error.
            StoppedError: the process has ended, or a limit was exceeded; it can be asked nothing more.
        """
        if self.stopped is not None:
            raise StoppedError
        done = False
        self._number += 1
        try:
            self._send(question, list(content))
            while True:
                kind, found = self._receive()
                if kind == "call":
                    self._call_back(found)
                    continue
                done = True
                if kind == "error":
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
        """Kind and content of the next message, which belongs to the last question."""
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

    def _call_back(self, request: Any) -> None:
        """Calls a function of the exercise for the process."""
        with Attempt() as attempt:
            number, inputs, named = request
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
                hint = f"{self._what} used {readable(memory)} of memory; {readable(self._limits.memory)} are allowed"
                raise self._stop(Result("out of memory", hint))
            if _files_exceed(self._folder):
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


def _remove(folder: str) -> None:
    """Removes a folder, if that is possible in some seconds: a hand-in may have made folders without end."""
    with contextlib.suppress(OSError, RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if os.path.lexists(folder) and os.name != "nt":
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(["rm", "-rf", "--", folder], capture_output=True, check=False, timeout=SECONDS_TO_REMOVE)


def _files_exceed(folder: str) -> bool:
    """Whether the files in a folder are too many or too large."""
    folders, number, size = [folder], 0, 0
    while folders:
        with contextlib.suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                number += 1
                if number > MOST_FILES:
                    return True
                with contextlib.suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        size += entry.stat(follow_symlinks=False).st_size
    return size > LARGEST_FILES
