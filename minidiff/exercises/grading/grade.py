"""Marks hand-ins: runs their answers in processes of their own, and checks the results here.

    for student in grade(find_hand_ins("class"), Limits()):
        print(student.name, student.results)

Checks, expected values and solutions never leave this process. A cell or an answer that takes too long, uses too much
memory or ends its process is left out, and the others are run again: it costs only its own exercise. Hand-ins run with
the rights of the user who marks them; mark those of strangers in a container.
"""

import json
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minidiff.errors import MinidiffError
from minidiff.exercises.attempt import LONGEST_MESSAGE
from minidiff.exercises.checking import exercises
from minidiff.exercises.exercise import Exercise, Result, examine
from minidiff.exercises.grading.hand_in import HandIn, read_file
from minidiff.exercises.grading.processes import adopting_orphans
from minidiff.exercises.grading.session import AnswerError, GraderError, Limits, Session, StoppedError

# the best first
OUTCOMES = (
    "right", "wrong", "raised", "too slow", "out of memory", "crashed", "renamed", "unanswered", "missing",
)  # fmt: skip
STARTS = json.loads(Path(__file__).with_name("starts.json").read_text(encoding="utf-8"))

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Graded:
    """The results of one student.

    Attributes:
        name: the student's.
        results: exercise -> result, of the exercises in the notebooks that were handed in.
        problem: what is wrong with a file that could not be read, or "".
    """

    name: str
    results: dict[str, Result]
    problem: str


def grade(hand_ins: Sequence[HandIn], limits: Limits, notebooks: Sequence[str] | None = None) -> Iterator[Graded]:
    """Marks hand-ins one after the other and logs one line for each.

    On Linux, start no other process while this runs: it would be taken for an orphan of the hand-in and ended.

    Args:
        hand_ins: from `find_hand_ins`.
        limits: of time and memory, for each student.
        notebooks: prefixes of the notebooks to mark, such as ["ex05"]; by default all of the course.

    Raises:
        GraderError: the process that runs hand-ins does not start here.
    """
    wanted = wanted_exercises(notebooks)
    with adopting_orphans():
        for hand_in in hand_ins:
            results: dict[str, Result] = {}
            problems = list(hand_in.problems)
            end = time.monotonic() + limits.total_seconds
            for path in hand_in.notebooks:
                if time.monotonic() > end:
                    problems.append(f"{path.name} and what follows: {_too_slow(limits)}")
                    break
                try:
                    found = grade_notebook(read_file(path), wanted, limits, path.stem, end=end)
                except GraderError:  # is not a problem of the hand-in
                    raise
                except MinidiffError as error:
                    problems.append(f"{path.name}: {error}")
                    continue
                if again := sorted(results.keys() & found.keys()):
                    logger.warning(
                        f"{hand_in.name}: {path.name} answers {again[0]} a second time; the best answer counts "
                        "(with --flat, each notebook is that of another student)"
                    )
                results = better(results, found)
            if problems:
                logger.warning(f"{hand_in.name}: {'; '.join(problems)}")
            right = sum(result.outcome == "right" for result in results.values())
            logger.info(f"{hand_in.name}: {right} of {len(results)} right")
            ordered = {one.name: results[one.name] for one in wanted if one.name in results}
            yield Graded(hand_in.name, ordered, "; ".join(problems))


def wanted_exercises(notebooks: Sequence[str] | None) -> list[Exercise]:
    """The exercises of notebooks with some prefixes, each once; by default all."""
    if notebooks is None:
        return exercises()
    known = sorted({one.name[:4] for one in exercises()})
    if unknown := [prefix.removeprefix("ex") for prefix in notebooks if prefix not in known]:
        choices = ", ".join(prefix.removeprefix("ex") for prefix in known)
        raise MinidiffError(f"no exercises in notebook {', '.join(unknown)}; choose from {choices}")
    return [exercise for prefix in dict.fromkeys(notebooks) for exercise in exercises(prefix)]


def grade_notebook(
    content: bytes,
    wanted: Sequence[Exercise],
    limits: Limits,
    stem: str = "",
    starts: dict[str, str] = STARTS,
    end: float | None = None,
) -> dict[str, Result]:
    """Marks one notebook.

    Args:
        content: of the file.
        wanted: the exercises to look for.
        limits: of time and memory.
        stem: name of the file without its suffix; it counts if nothing else says which notebook this is.
        starts: for each exercise, the answer with which the notebook of the course begins.
        end: when the time of the student is over, on `time.monotonic()`; by default it begins now.

    Returns:
        Exercise -> result, of the wanted exercises that belong to this notebook.

    Raises:
        MinidiffError: the file is not a notebook, or reading it exceeds a limit.
    """
    end = time.monotonic() + limits.total_seconds if end is None else end
    return Grading(content, wanted, limits, stem, starts, end).results()


class Grading:
    """Grades one notebook.

    Starts a new process each time a cell or an answer ends the current one or exceeds a limit.
    """

    def __init__(
        self,
        content: bytes,
        wanted: Sequence[Exercise],
        limits: Limits,
        stem: str,
        starts: dict[str, str],
        end: float,
    ) -> None:
        self._content, self._stem = np.frombuffer(content, np.uint8), stem
        self._exercises = {one.name: one for one in wanted}
        self._sought = [[one.name, one.answer, starts.get(one.name, "")] for one in wanted]
        self._limits, self._end = limits, end
        self._left_out: dict[int, Result] = {}  # cells that did not end, and why
        self._errors: dict[int, str] = {}  # of cells
        self._survey: dict[str, Any] = {}  # of the first process; the others find the same

    def results(self) -> dict[str, Result]:
        """The result of each exercise."""
        results = self._run("run", None)
        again = [name for name, one in results.items() if one.outcome != "right" and "NameError" in one.hint]
        if again and len(self._survey["all"]) > len(self._survey["run"]) and time.monotonic() < self._end:
            results = better(results, self._run("all", again))
        return results

    def _run(self, which: str, names: list[str] | None) -> dict[str, Result]:
        """Runs the cells that the survey lists under `which`, and examines the named answers, by default all."""
        results: dict[str, Result] = {}
        while True:
            with Session(self._limits, self._end) as session:
                has_read = self._read_notebook(session)
                todo = [name for name in names or self._survey["by_exercise"] if name not in results]
                results |= {name: result for name in todo if (result := self._without_running(name))}
                todo = [name for name in todo if name not in results]
                if has_read and todo and self._run_cells(session, self._survey[which]):
                    for name in todo:
                        results[name] = self._examine(session, name)
                        if session.stopped:
                            break
            todo = [name for name in todo if name not in results]
            if todo and (not has_read or time.monotonic() > self._end):
                results |= dict.fromkeys(todo, Result("too slow", _too_slow(self._limits)))
                todo = []
            if not todo:
                return results

    def _read_notebook(self, session: Session) -> bool:
        """Lets a process read the notebook; False if an earlier one could, but the time is over now."""
        session.allow(self._limits.seconds, "reading the notebook")
        try:
            survey = session.request("survey", self._content, self._stem, self._sought)
        except (AnswerError, StoppedError) as error:
            if self._survey:
                return False
            stopped = session.stopped.hint if session.stopped else "it cannot be read"
            raise MinidiffError(stopped if isinstance(error, StoppedError) else str(error)) from error
        self._survey = self._survey or survey
        return True

    def _without_running(self, name: str) -> Result | None:
        """The result of an exercise without an answer, or None."""
        state = self._survey["by_exercise"][name]["state"]
        if state == "unanswered":
            return Result("unanswered", "the answer is the one with which the notebook of the course begins")
        if state == "missing":
            return Result("missing", f"the notebook does not define {self._exercises[name].answer}")
        return None

    def _run_cells(self, session: Session, numbers: list[int]) -> bool:
        """Runs cells without those that are left out; False if one of them does not end."""
        for number in numbers:
            if number in self._left_out:
                continue
            session.allow(self._limits.seconds, "a cell")
            try:
                if error := session.request("run", number):
                    self._errors[number] = str(error)[:LONGEST_MESSAGE]
            except AnswerError as error:
                self._errors[number] = str(error)
            except StoppedError:
                self._left_out[number] = session.stopped or Result("crashed")
                return False
        return True

    def _examine(self, session: Session, name: str) -> Result:
        """The best result of what may be the answer to an exercise."""
        exercise, found = self._exercises[name], self._survey["by_exercise"][name]
        session.allow(self._limits.seconds, "the answer")
        results = []
        try:
            for other_name, answer in _pairs(session.request("answers", name, found["names"]), found["names"]):
                result = examine(exercise, answer)
                if other_name not in ("", exercise.answer):
                    result = _renamed(result, exercise.answer, other_name)
                results.append(session.stopped or result)
                if session.stopped or result.outcome == "right":
                    break
        except AnswerError as error:
            results.append(Result("raised", f"the answer cannot be sent: {error}"))
        except StoppedError:
            results.append(session.stopped or Result("crashed"))
        problems = [self._left_out.get(number) or self._error_of(number) for number in found["cells"]]
        results += [problem for problem in problems if problem and not results]
        return min(results, key=_rank, default=Result("missing", f"the notebook does not define {exercise.answer}"))

    def _error_of(self, number: int) -> Result | None:
        error = self._errors.get(number)
        return Result("raised", f"its cell raised {error}") if error else None


def _too_slow(limits: Limits) -> str:
    return f"the hand-in was not done after {limits.total_seconds:g} seconds"


def _pairs(answers: Any, names: list[str]) -> list:
    """The answers with their names as the process of the hand-in has sent them; none if they are something else."""
    if not isinstance(answers, list) or not all(isinstance(one, list) and len(one) == 2 for one in answers):
        return []
    return [one for one in answers if isinstance(one[0], str) and one[0] in ("", *names)]


def _renamed(result: Result, name: str, other_name: str) -> Result:
    """The result of an answer that has another name than it should have."""
    note = f"the notebook does not define {name}; {other_name} was taken for it"
    return Result("right", note) if result.outcome == "right" else Result("renamed", f"{note}: {result.hint}")


def better(some: dict[str, Result], others: dict[str, Result]) -> dict[str, Result]:
    """The better one of two results for each exercise."""
    return {**some, **{name: min(result, some.get(name, result), key=_rank) for name, result in others.items()}}


def _rank(result: Result) -> int:
    return OUTCOMES.index(result.outcome)
