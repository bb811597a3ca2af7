"""Marks hand-ins: runs their cells in a process that may hang or crash, and checks the answers there.

The exercises of a notebook are under a heading of their own, with all imports that they need. Only those cells are run.
If a name is missing, all cells of the notebook are run.

A cell or an answer that takes too long or crashes the interpreter is left out, and the others are run again: it costs
only its own exercise. Hand-ins run with the rights of the user who marks them; mark those of strangers in a container.
"""

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minidiff.errors import MinidiffError
from minidiff.exercises.checking import exercises
from minidiff.exercises.exercise import Exercise, Result
from minidiff.exercises.grading.hand_in import Cell, read_cells
from minidiff.exercises.source import ROOT

SECONDS_TO_START = 60  # for importing the library, in addition to the limit
OUTCOMES = ("right", "wrong", "raised", "too slow", "crashed", "missing")  # the best first

logger = logging.getLogger(__name__)


def grade(
    hand_ins: dict[str, list[Path]], seconds: float, notebooks: Sequence[str] | None = None
) -> dict[str, dict[str, Result]]:
    """Marks hand-ins and logs one line for each.

    Args:
        hand_ins: name -> paths of notebooks, from `find_hand_ins`.
        seconds: limit for each cell and for the check of each answer.
        notebooks: prefixes of the notebooks to mark, such as ["ex05"] (default: all that occur in a hand-in).

    Returns:
        name -> {name of an exercise -> result}; exercises without an answer are "missing".
    """
    read = {name: [_read(path) for path in paths] for name, paths in hand_ins.items()}
    if notebooks is not None:
        wanted = [exercise for prefix in notebooks for exercise in exercises(prefix)]
        if not wanted:
            raise MinidiffError(f"no exercises have the prefix {', '.join(notebooks)}; choose from ex00, ..., ex11")
    else:
        everything = [cells for several in read.values() for cells, _ in several]
        handed_in = {one.name[:4] for one in exercises() if any(_answered(cells, one) for cells in everything)}
        wanted = [exercise for exercise in exercises() if exercise.name[:4] in handed_in]
    marked = {}
    for name, several in read.items():
        unreadable = "; ".join(problem for _, problem in several if problem)
        results = {one.name: Result("missing", unreadable or "not handed in") for one in wanted}
        for cells, _ in several:
            answered = [exercise for exercise in wanted if _answered(cells, exercise)]
            if answered:
                results = _better(results, grade_notebook(cells, answered, seconds))
        marked[name] = results
        right = sum(result.outcome == "right" for result in results.values())
        logger.info(f"{name}: {right} of {len(results)} right")
    return marked


def grade_notebook(cells: list[Cell], answered: list[Exercise], seconds: float) -> dict[str, Result]:
    """Marks the answered exercises of one notebook; `seconds` as in `grade`."""
    part = [cell for cell in cells if cell.in_exercises]
    others = [cell for cell in cells if not cell.in_exercises]
    results = run_cells(part, answered, seconds) if part else {one.name: Result("missing") for one in answered}
    for exercise in answered:
        result = results[exercise.name]
        elsewhere = result.outcome == "missing" and any(cell.mentions(exercise) for cell in others)
        if elsewhere or (result.outcome != "right" and "NameError" in result.hint and others):
            return _better(results, run_cells(cells, answered, seconds))
    return results


def run_cells(cells: list[Cell], answered: list[Exercise], seconds: float) -> dict[str, Result]:
    """Runs cells and checks the answers, repeatedly without what hangs or crashes."""
    left_out: dict[str, Result] = {}
    results: dict[str, Result] = {}
    while True:
        job = {
            "cells": [(cell.number, cell.source) for cell in cells if f"cell {cell.number}" not in left_out],
            "exercises": [one.name for one in answered if one.name not in {**left_out, **results}],
        }
        events, stopped = run_job(job, seconds)
        results |= {event["exercise"]: Result(event["outcome"], event["hint"]) for event in events if "hint" in event}
        left_out |= stopped
        if not stopped or all(one.name in {**left_out, **results} for one in answered):
            break
    errors = {one["cell"]: Result("raised", f"its cell raised {one['error']}") for one in events if "cell" in one}
    for exercise in answered:
        result = left_out.get(exercise.name) or results[exercise.name]
        if result.outcome == "missing":
            own = [cell for cell in cells if cell.mentions(exercise)]
            problems = [left_out.get(f"cell {cell.number}") or errors.get(cell.number) for cell in own]
            result = next((problem for problem in problems if problem), result)
        results[exercise.name] = result
    return {exercise.name: results[exercise.name] for exercise in answered}


def run_job(job: dict, seconds: float) -> tuple[list[dict[str, Any]], dict[str, Result]]:
    """Runs one process (`worker.py`) until it ends, crashes, or writes no line of its report for some seconds.

    Returns:
        The lines of the report, and {what was running when it stopped: result}, empty if it ran to its end.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        report, job_file, desk = Path(folder, "report"), Path(folder, "job.json"), Path(folder, "desk")
        desk.mkdir()
        job_file.write_text(json.dumps(job | {"report": str(report)}), encoding="utf-8")
        process = _start(job_file, desk)
        try:
            slow = not _wait(process, report, seconds)
        finally:
            _end(process)
        events = _events(report)
    begun = [event["begin"] for event in events if "begin" in event]
    if begun[-1:] == ["end"]:
        return events, {}
    if not begun or begun == ["start"]:
        raise MinidiffError("the process that runs hand-ins does not start; does `python -m minidiff` work here?")
    if slow:
        return events, {begun[-1]: Result("too slow", f"not done after {seconds:g} seconds: an endless loop?")}
    return events, {begun[-1]: Result("crashed", f"it ended the interpreter (exit code {process.returncode})")}


def _start(job_file: Path, desk: Path) -> subprocess.Popen:
    """Starts the worker in an empty folder, without input and output, as the leader of a process group."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    environment = os.environ | {"PYTHONPATH": path, "MPLBACKEND": "agg", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "minidiff.exercises.grading.worker", str(job_file)]
    null = subprocess.DEVNULL
    return subprocess.Popen(
        command, cwd=desk, env=environment, stdin=null, stdout=null, stderr=null, start_new_session=True
    )


def _wait(process: subprocess.Popen, report: Path, seconds: float) -> bool:
    """Waits until the process ends (True) or writes nothing for too long (False)."""
    size, deadline = 0, time.monotonic() + seconds + SECONDS_TO_START
    while process.poll() is None:
        if time.monotonic() > deadline:
            return False
        now = report.stat().st_size if report.exists() else 0
        if now != size:
            size, deadline = now, time.monotonic() + seconds
        time.sleep(0.02)
    return True


def _end(process: subprocess.Popen) -> None:
    """Ends the process and everything that it has started."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


def _events(report: Path) -> list[dict[str, Any]]:
    """The lines of a report; an incomplete last line is left out."""
    events = []
    for line in report.read_text(encoding="utf-8").splitlines() if report.exists() else []:
        try:
            events.append(json.loads(line))
        except ValueError:
            break
    return events


def _read(path: Path) -> tuple[list[Cell], str | None]:
    """The cells of a notebook and None, or no cells and the reason."""
    try:
        return read_cells(path), None
    except MinidiffError as error:
        return [], str(error)


def _answered(cells: list[Cell], exercise: Exercise) -> bool:
    """Whether a notebook mentions an exercise: its notebook's number too, because answers may share a name."""
    return any(exercise.name[:5] in cell.source for cell in cells) and any(cell.mentions(exercise) for cell in cells)


def _better(some: dict[str, Result], others: dict[str, Result]) -> dict[str, Result]:
    """The better one of two results for each exercise."""
    return {
        name: min(result, others.get(name, result), key=lambda one: OUTCOMES.index(one.outcome))
        for name, result in some.items()
    }
