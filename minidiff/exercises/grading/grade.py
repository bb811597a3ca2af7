"""Marks hand-ins unattended: runs their cells in a process that may hang or die, and looks at the answers there.

A notebook's exercises stand under a heading of their own, with all they import, so those cells are run and no others.
If a name turns out to be missing, the notebook is run from its first cell.

A cell or an answer that takes too long, or takes the interpreter with it, is left out, and all others are run once more
without it: it costs its own exercise and no other. The hand-ins run with the rights of whoever marks them. So mark
those of strangers where there is nothing to lose, in a container or on a machine for the purpose.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from minidiff.errors import MinidiffError
from minidiff.exercises.checking import exercises
from minidiff.exercises.exercise import Result
from minidiff.exercises.grading.hand_in import read_cells
from minidiff.exercises.source import ROOT

SECONDS_TO_START = 60  # for the process to import the library, on top of the limit
WORTH = ("right", "wrong", "raised", "too slow", "crashed", "missing")  # the better one of two results comes first


def grade(hand_ins, seconds, notebooks=None, say=lambda line: None):
    """Marks hand-ins.

    Args:
        hand_ins: name -> paths of notebooks, as `find_hand_ins` gives them.
        seconds: longest time for one cell, and for looking at one answer.
        notebooks: prefixes of the notebooks to mark, such as ["ex05"]; if not given, all that somebody has handed in.
        say: function that takes a line for each hand-in that is done.

    Returns:
        name -> {exercise's name -> `Result`}; exercises that are not there are "missing".

    Raises:
        MinidiffError: an unknown prefix, or the process cannot be started.
    """
    read = {name: [_read(path) for path in paths] for name, paths in hand_ins.items()}
    wanted = [exercise for prefix in notebooks or [None] for exercise in exercises(prefix)]
    if not wanted:
        raise MinidiffError(f"there are no exercises called {', '.join(notebooks)}")
    if notebooks is None:
        everything = [cells for several in read.values() for cells, _ in several]
        handed_in = {one.name[:4] for one in wanted if any(_answered(cells, one) for cells in everything)}
        wanted = [exercise for exercise in wanted if exercise.name[:4] in handed_in]
    marked = {}
    for name, several in read.items():
        unreadable = "; ".join(problem for _, problem in several if problem)
        results = {one.name: Result("missing", unreadable or "not handed in") for one in wanted}
        for cells, _ in several:
            asked = [exercise for exercise in wanted if _answered(cells, exercise)]
            if asked:
                results = _better(results, grade_notebook(cells, asked, seconds))
        marked[name] = results
        say(f"{name}: {sum(result.outcome == 'right' for result in results.values())} of {len(results)} right")
    return marked


def grade_notebook(cells, asked, seconds):
    """Marks the exercises of one notebook.

    Args:
        cells: list of `Cell`s.
        asked: the `Exercise`s to look for.
        seconds: longest time for one cell, and for one answer.

    Returns:
        exercise's name -> `Result`.
    """
    part = [cell for cell in cells if cell.in_exercises]
    others = [cell for cell in cells if not cell.in_exercises]
    results = run_cells(part, asked, seconds) if part else {one.name: Result("missing") for one in asked}
    for exercise in asked:
        result = results[exercise.name]
        elsewhere = result.outcome == "missing" and any(cell.mentions(exercise) for cell in others)
        if elsewhere or (result.outcome != "right" and "NameError" in result.hint and others):
            return _better(results, run_cells(cells, asked, seconds))
    return results


def run_cells(cells, asked, seconds):
    """Runs cells and looks at the answers they leave, again and again without what hangs or crashes.

    Args, Returns: as of `grade_notebook`.
    """
    left_out, results = {}, {}
    while True:
        job = {
            "cells": [(cell.number, cell.source) for cell in cells if f"cell {cell.number}" not in left_out],
            "exercises": [one.name for one in asked if one.name not in {**left_out, **results}],
        }
        events, stopped = run_job(job, seconds)
        results |= {
            event["exercise"]: Result(event["outcome"], event["hint"]) for event in events if "exercise" in event
        }
        left_out |= stopped
        if not stopped or all(one.name in {**left_out, **results} for one in asked):
            break
    errors = {
        event["cell"]: Result("raised", f"its cell raised {event['error']}") for event in events if "cell" in event
    }
    for exercise in asked:
        result = left_out.get(exercise.name) or results[exercise.name]
        if result.outcome == "missing":
            own = [cell for cell in cells if cell.mentions(exercise)]
            troubles = [left_out.get(f"cell {cell.number}") or errors.get(cell.number) for cell in own]
            result = next((trouble for trouble in troubles if trouble), result)
        results[exercise.name] = result
    return {exercise.name: results[exercise.name] for exercise in asked}


def run_job(job, seconds):
    """Runs one process (`worker.py`) until it is done, hangs or dies.

    Args:
        job: "cells" and "exercises", as the worker takes them.
        seconds: longest time between two lines of its report.

    Returns:
        the lines of its report, and {what it was doing: `Result`}, empty if it came to its end.

    Raises:
        MinidiffError: it died before it had begun.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        report, job_file, desk = Path(folder, "report"), Path(folder, "job.json"), Path(folder, "desk")
        desk.mkdir()
        job_file.write_text(json.dumps(job | {"report": str(report)}), encoding="utf-8")
        process = _start(job_file, desk)
        try:
            slow = not _watch(process, report, seconds)
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


def _start(job_file, desk):
    """Starts the worker, in an empty folder, in silence, and as the leader of a group that can be ended together."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    surroundings = os.environ | {"PYTHONPATH": path, "MPLBACKEND": "agg", "OPENBLAS_NUM_THREADS": "1"}
    silence = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    arguments = [sys.executable, "-m", "minidiff.exercises.grading.worker", str(job_file)]
    return subprocess.Popen(arguments, cwd=desk, env=surroundings, start_new_session=True, **silence)


def _watch(process, report, seconds):
    """Waits until the process ends (True), or writes nothing for too long (False)."""
    size, deadline = 0, time.monotonic() + seconds + SECONDS_TO_START
    while process.poll() is None:
        if time.monotonic() > deadline:
            return False
        now = report.stat().st_size if report.exists() else 0
        if now != size:
            size, deadline = now, time.monotonic() + seconds
        time.sleep(0.02)
    return True


def _end(process):
    """Ends the process and whatever it has started."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


def _events(report):
    """The lines of a report; the last one may be torn."""
    events = []
    for line in report.read_text(encoding="utf-8").splitlines() if report.exists() else []:
        try:
            events.append(json.loads(line))
        except ValueError:
            break
    return events


def _read(path):
    """The cells of a notebook and None, or no cells and what is wrong with it."""
    try:
        return read_cells(path), None
    except MinidiffError as error:
        return [], str(error)


def _answered(cells, exercise):
    """Whether a notebook mentions an exercise: by its number, not only by a name that others may use."""
    return any(exercise.name[:5] in cell.source for cell in cells) and any(cell.mentions(exercise) for cell in cells)


def _better(some, others):
    """Of two results for each exercise the better one."""
    return {
        name: min(result, others.get(name, result), key=lambda one: WORTH.index(one.outcome))
        for name, result in some.items()
    }
