"""Runs cells of one hand-in, then looks at its answers: a process of its own, which may hang or die.

Started by `grade.py` as `python -m minidiff.exercises.grading.worker JOB`. JOB is a JSON file with "cells" (pairs of
number and source), "exercises" (names) and "report", the file to which every beginning and every end is written, a line of
JSON each. So whoever waits knows what was going on when nothing more came.

Nothing that the hand-in prints counts, nor what it makes of `check`: its answers are taken as they are, and looked at.
"""

import json
import os
import sys
from pathlib import Path

from minidiff.exercises.attempt import Attempt, describe
from minidiff.exercises.checking import find
from minidiff.exercises.exercise import Result, examine
from minidiff.exercises.grading.hand_in import plain_python

LARGEST_MEMORY = 4 * 2**30  # bytes of address space, lest an endless loop take the memory of the whole machine


def main(job_file):
    """Does a job, then ends the process, whatever threads the hand-in has started."""
    job = json.loads(Path(job_file).read_text(encoding="utf-8"))
    limit_memory()
    report = Path(job["report"])
    exercises = [find(name) for name in job["exercises"]]
    space = {"__name__": "__main__", "display": print}
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
            result = Result("missing", f"there is no answer called {exercise.answer}")
        write(report, exercise=exercise.name, outcome=result.outcome, hint=result.hint)
    write(report, begin="end")
    os._exit(0)


def write(report, **event):
    """Adds a line to the report; opened each time, since the hand-in may have closed every file there is."""
    with report.open("a", encoding="utf-8") as file:
        file.write(json.dumps(event) + "\n")


def limit_memory():
    """Makes a hand-in that wants all the memory there is get a MemoryError; where the system can do that."""
    try:
        import resource
    except ImportError:  # Windows
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    limit = LARGEST_MEMORY if hard == resource.RLIM_INFINITY else min(LARGEST_MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


if __name__ == "__main__":
    main(sys.argv[1])
