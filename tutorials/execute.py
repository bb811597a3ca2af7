"""Runs the notebooks from scratch and stores what they show, or checks that it still holds.

    python tutorials/execute.py                     # all of them
    python tutorials/execute.py 05 08               # some
    python tutorials/execute.py --check [NAMES]     # run, write nothing, and compare: what CI does

Stored outputs carry a hash of the code that made them. `--check` fails on an error, on outputs that
are missing or older than their code, on a source or a help text shown that is no longer the
library's, on a file too large, and on a notebook that is in the table
(`minidiff/exercises/course.py`) and not in the folder. Needs `pip install ".[tutorials]"`.
"""

import argparse
import hashlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from minidiff.errors import MinidiffError
from minidiff.exercises.course import NOTEBOOKS
from minidiff.exercises.source import source_of

FOLDER = Path(__file__).parent
LARGEST_FILE = 600_000  # bytes
LONGEST_CELL = 600  # seconds
CORES = 2  # the notebooks promise to run on a laptop
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def code_hash(notebook):
    """A hash of the code of a notebook, a dict: it changes with the code, and not with the text."""
    sources = [_text(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return hashlib.sha256("\0".join(sources).encode("utf-8")).hexdigest()


def tidy(notebook):
    """Takes out what differs from run to run or by machine; notes the hash; changes the dict."""
    notebook["metadata"] = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    notebook["metadata"]["minidiff"] = {"code": code_hash(notebook)}
    for number, cell in enumerate(notebook["cells"]):
        cell["id"] = f"cell-{number}"
        cell["metadata"] = {}
        for output in cell.get("outputs", []):
            if output["output_type"] == "stream":
                output["text"] = _text(output["text"])


def problems_of(notebook):
    """What is wrong with the stored outputs of a notebook, as far as one sees without running it.

    Args:
        notebook: a dict.

    Returns:
        list of strings.
    """
    found = []
    if notebook["metadata"].get("minidiff", {}).get("code") != code_hash(notebook):
        found.append("its outputs are missing or older than its code")
    for number, cell in enumerate(notebook["cells"]):
        for output in cell.get("outputs", []):
            if output["output_type"] == "error":
                found.append(
                    f"cell {number} stores an error, {output['ename']}: {output['evalue']}"
                )
            if output.get("name") == "stderr":
                last = _text(output["text"]).strip().splitlines()[-1]
                found.append(f"cell {number} stores a warning: {last}")
            shown = output.get("metadata", {}).get("minidiff")
            if shown and not _is_todays(shown, _text(output["data"]["text/plain"])):
                found.append(f"cell {number} shows {shown['source']}, which has changed since")
    return found


def differences(stored, fresh):
    """Where a fresh run shows other things than the stored notebook.

    What is printed may differ, since seconds and last digits do; the help of a command may not.

    Args:
        stored, fresh: two dicts of one notebook.

    Returns:
        list of strings.
    """
    found = []
    for number, (before, now) in enumerate(zip(stored["cells"], fresh["cells"], strict=True)):
        old, new = _kinds(before) or "nothing", _kinds(now) or "nothing"
        if old != new:
            found.append(f"cell {number} stores {old} and shows {new}")
        elif "--help" in _text(now["source"]) and _printed(before) != _printed(now):
            found.append(f"cell {number} stores another help text than there is today")
    return found


def run(notebook):
    """Runs a notebook in a new kernel and an empty folder.

    Args:
        notebook: a dict.

    Returns:
        the notebook with fresh outputs, and None or the error that ended it, in a line or more.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    fresh = nbformat.reads(json.dumps(notebook), as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        place = {"metadata": {"path": folder}}
        client = NotebookClient(
            fresh, timeout=LONGEST_CELL, kernel_name=KERNEL["name"], resources=place,
            record_timing=False, coalesce_streams=True,
        )  # fmt: skip
        try:
            client.execute()
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            return fresh, str(error).strip()
    return fresh, None


def write(path, notebook):
    """Writes a notebook as Jupyter does, lines apart, so that differences can be read."""
    import nbformat

    path.write_text(nbformat.writes(nbformat.from_dict(notebook)) + "\n", encoding="utf-8")


def process(path, check):
    """Runs one notebook; stores what it shows, or compares.

    Args:
        path: of the notebook.
        check: whether to compare instead of to store.

    Returns:
        list of strings, what is wrong with it.
    """
    if not path.exists():
        return ["there is no such notebook"]
    stored = json.loads(path.read_text(encoding="utf-8"))
    fresh, error = run(stored)
    if error:
        return [error]
    if check:
        found = problems_of(stored) + differences(stored, fresh)
    else:
        tidy(fresh)
        write(path, fresh)
        found = problems_of(fresh)
    size = path.stat().st_size
    too_large = [f"it has {size} bytes, more than {LARGEST_FILE}"] if size > LARGEST_FILE else []
    return found + too_large


def main(arguments=None):
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(
        description="Runs the notebooks, and stores or checks what they show."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="such as 05 (default: all)")
    parser.add_argument(
        "--check", action="store_true", help="compare with what is stored, and write nothing"
    )
    options = parser.parse_args(arguments)
    paths = [FOLDER / f"{notebook.name}.ipynb" for notebook in NOTEBOOKS]
    chosen = [
        path for path in paths if not options.names or path.name.startswith(tuple(options.names))
    ]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    bad, begin = 0, time.perf_counter()
    for path in chosen:
        start = time.perf_counter()
        problems = process(path, options.check)
        seconds = time.perf_counter() - start
        size = path.stat().st_size / 1000 if path.exists() else 0
        verdict = "not well" if problems else "well"
        print(f"{path.stem:22} {seconds:6.1f} s {size:6.0f} kB  {verdict}", flush=True)
        for problem in problems:
            print(f"    {problem}", flush=True)
        bad += bool(problems)
    print(f"{len(chosen)} notebooks in {time.perf_counter() - begin:.0f} s, {bad} of them not well")
    return 1 if bad or not chosen else 0


def _is_todays(shown, text):
    """Whether a stored source is the library's; its first line, where it stands, may differ."""
    try:
        return text.partition("\n")[2] == source_of(shown["source"], shown["docstring"])
    except MinidiffError:
        return False


def _kinds(cell):
    """The kinds of output of a cell; prints come in pieces, and warnings depend on the machine."""
    found = set()
    for output in cell.get("outputs", []):
        if output["output_type"] != "stream":
            found.add(" ".join(sorted(output.get("data", {"error": None}))))
        elif output["name"] == "stdout":
            found.add("print")
    return sorted(found)


def _printed(cell):
    outputs = cell.get("outputs", [])
    return "".join(_text(output["text"]) for output in outputs if output.get("name") == "stdout")


def _text(lines):
    return lines if isinstance(lines, str) else "".join(lines)


if __name__ == "__main__":
    sys.exit(main())
