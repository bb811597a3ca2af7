"""The process that runs the cells of one hand-in and calls its answers; it may hang or crash.

`session.py` starts it as `python -m minidiff.exercises.grading.worker MEMORY [SOCKET]`, sends it requests and
gets replies. It knows no check: the modules with checks and solutions can be neither imported nor opened here, and
`check` only notes which answer it was given. What the hand-in prints is discarded.
"""

import ast
import builtins
import codeop
import importlib
import os
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from minidiff import exercises
from minidiff.exercises import checking
from minidiff.exercises.attempt import Attempt, describe
from minidiff.exercises.expecting import leave_garbage, names_in
from minidiff.exercises.grading.channel import Channel
from minidiff.exercises.grading.guard import forbid_checks, limit_resources
from minidiff.exercises.grading.jupyter import plain_python
from minidiff.exercises.grading.notebook import Notebook, read_notebook
from minidiff.exercises.grading.survey import Sought, survey
from minidiff.exercises.grading.values import Decoder, Encoder


class Worker:
    """Handles the grader's requests, one after the other; each public method but `serve` is one request."""

    def __init__(self, connection: socket.socket) -> None:
        self._channel = Channel(connection, limited=False)
        self._number = 0  # of the request that is being handled
        self._turn = threading.Lock()  # threads of a hand-in may call back at the same time
        self._functions: list[Callable] = []
        self._checked: dict[str, Any] = {}  # exercise -> answer that `check` was given
        self._space: dict[str, Any] = {"__name__": "__main__", "display": print}
        self._compile = codeop.Compile()  # remembers `from __future__` as Jupyter does
        self._notebook = Notebook([], [])

    def serve(self) -> None:
        """Handles requests until the grader ends this process."""
        while True:
            request, content = self._receive()
            with Attempt() as attempt:
                self._send("reply", getattr(self, request)(*content))
            if attempt.error is not None:
                self._send("error", self._describe(attempt.error, request, content))

    def hello(self) -> None:
        """Shows that the process has started."""

    def survey(self, content: np.ndarray, stem: str, sought: list) -> dict:
        """Reads a notebook, the bytes of a file, and returns its `Survey`."""
        self._notebook = read_notebook(content.tobytes())
        return asdict(survey(self._notebook, stem, [Sought(*one) for one in sought]))

    def run(self, number: int) -> str | None:
        """Runs a cell and returns its first error in one line; the statements after an error are run, too."""
        file, first = f"<cell {number}>", None
        statements: list[ast.stmt] = []
        with Attempt() as attempt:
            statements = ast.parse(plain_python(self._notebook.cells[number].source), file).body
        if attempt.error is not None:
            return describe(attempt.error, file)
        for statement in statements:
            with Attempt() as attempt:
                exec(self._compile(ast.Module([statement], []), file, "exec"), self._space)  # type: ignore[arg-type]
            if attempt.error is not None and first is None:
                first = describe(attempt.error, file)
        return first

    def answers(self, exercise: str, names: list[str]) -> list:
        """The answers to an exercise with their names: the one that was checked last (""), and those of some names."""
        found = [["", self._checked[exercise]]] if exercise in self._checked else []
        for name in names:
            if name in self._space and all(self._space[name] is not one for _, one in found):
                found.append([name, self._space[name]])
        return found

    def call(self, number: int, inputs: tuple, named: dict) -> list:
        """Calls a function of the hand-in; returns its result, and the inputs if it has changed them."""
        before = _snapshot(inputs)
        leave_garbage(inputs)
        result = self._functions[number](*inputs, **named)
        return [result, None if _snapshot(inputs) == before else inputs]

    def names_in(self, number: int) -> set[str]:
        """The names that a function of the hand-in uses."""
        return names_in(self._functions[number])

    def _note(self, name: str, answer: Any) -> None:
        """Stands for `check`: notes which answer was given."""
        self._checked[name] = answer

    def _call_back(self, number: int, inputs: tuple, named: dict) -> Any:
        """Calls a function that the exercise has passed in."""
        with self._turn:
            self._send("call", [number, inputs, named])
            kind, content = self._receive()
        if kind == "error":
            name, text = content
            known = getattr(builtins, name, None)
            kind_of_error = known if isinstance(known, type) and issubclass(known, Exception) else Exception
            raise type(name, (kind_of_error,), {})(text)
        return content

    def _send(self, kind: str, content: Any) -> None:
        encoder = Encoder(self._keep, objects=False)
        data = encoder.encode(content)
        self._channel.send([self._number, kind, data], encoder.arrays)

    def _receive(self) -> tuple[str, Any]:
        (self._number, kind, content), arrays = self._channel.receive()
        return kind, Decoder(arrays, lambda *function: Remote(self, *function), _create).decode(content)

    def _keep(self, function: Callable) -> int:
        self._functions.append(function)
        return len(self._functions) - 1

    def _describe(self, error: BaseException, request: str, content: list) -> list[str]:
        """The name of an error's type, and its message with the line."""
        code = getattr(self._functions[content[0]], "__code__", None) if request == "call" else None
        name = type(error).__name__
        text = describe(error, code and code.co_filename).removeprefix(name)
        return [name, text.removeprefix(":").strip()]


class Remote:
    """A function of the exercise, which stays in the grader; a call to it is sent there."""

    def __init__(self, worker: Worker, number: int, attributes: dict) -> None:
        self._worker, self._number = worker, number
        vars(self).update(attributes)

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        return self._worker._call_back(self._number, inputs, named)


def _create(module: str, name: str, attributes: dict) -> Any:
    """An object of minidiff that the exercise has passed in."""
    kind = getattr(importlib.import_module(module), name)
    made = object.__new__(kind)
    vars(made).update(attributes)
    return made


def _snapshot(values: tuple) -> tuple:
    """What is compared to find out whether a function changes its arguments."""
    encoder = Encoder(lambda function: id(function), objects=False)
    return encoder.encode(values), encoder.arrays


def main(memory: str, number: str = "") -> None:
    """Connects to the grader and handles its requests."""
    if os.name == "nt":
        connection = socket.fromshare(sys.stdin.buffer.read())  # type: ignore[attr-defined]  # exists there only
    else:
        connection = socket.socket(fileno=int(number))
        connection.set_inheritable(False)
    worker = Worker(connection)
    exercises.check = checking.check = worker._note
    exercises.solution = checking.solution = lambda name: None
    limit_resources(int(memory))
    forbid_checks()
    worker.serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
