"""Runs cells of one hand-in and checks its answers, in a process of its own that may hang or crash.

`grade.py` starts it as `python -m minidiff.exercises.grading.worker JOB`. JOB is a JSON file with "cells" (pairs of
number and source), "exercises" (names) and "report", the path of a file. The worker appends a line of JSON to that file
at the beginning and at the end of everything that it runs, so that the grader knows where it stopped.

Only the answers themselves count, not what the hand-in prints, and not a `check` that it replaces.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from minidiff.exercises.attempt import Attempt, describe
from minidiff.exercises.checking import find
from minidiff.exercises.exercise import Result, examine
from minidiff.exercises.grading.hand_in import plain_python

LARGEST_MEMORY = 4 * 2**30  # bytes of address space


def main(job_file: str) -> None:
    """Does a job, then ends the process and all threads that the hand-in has started."""
    job = json.loads(Path(job_file).read_text(encoding="utf-8"))
    limit_memory()
    report = Path(job["report"])
    exercises = [find(name) for name in job["exercises"]]
    space: dict[str, Any] = {"__name__": "__main__", "display": print}
    write(report, begin="start")
    for number, source in job["cells"]:
        write(report, begin=f"cell {number}")
        file = f"<cell {number}>"
        with Attempt() as attempt:
            exec(compile(plain_python(source), file, "exec"), space)
        if attempt.error is not None:
            write(report, cell=number, error=describe(attempt.error, file))
    for exercise in exercises:
        write(report, begin=exercise.name)
        if exercise.answer in space:
            result = examine(exercise, space[exercise.answer])
        else:
            result = Result("missing", f"the notebook does not define {exercise.answer}")
        write(report, exercise=exercise.name, outcome=result.outcome, hint=result.hint)
    write(report, begin="end")
    os._exit(0)


def write(report: Path, **event: Any) -> None:
    """Appends a line to the report. The file is opened each time because the hand-in may close all open files."""
    with report.open("a", encoding="utf-8") as file:
        file.write(json.dumps(event) + "\n")


def limit_memory() -> None:
    """Limits the memory, so that an endless loop raises MemoryError; does nothing on Windows."""
    try:
        import resource
    except ImportError:  # Windows
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    limit = LARGEST_MEMORY if hard == resource.RLIM_INFINITY else min(LARGEST_MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


if __name__ == "__main__":
    main(sys.argv[1])
