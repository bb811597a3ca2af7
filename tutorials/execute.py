"""Runs the notebooks from scratch and stores their outputs, or checks the stored ones.

    python tutorials/execute.py                     # all notebooks
    python tutorials/execute.py 05 08               # some of them
    python tutorials/execute.py --check [NAMES]     # run, write nothing, and compare: for CI

Stored outputs have a hash of the code that produced them. `--check` fails for an error, for outputs
that are missing or older than their code, for displayed sources and help texts that differ from the
library's, for a file that is too large, and for a notebook of the table
(`minidiff/exercises/course.py`) that is missing. Needs `pip install ".[tutorials]"`.
"""

import argparse
import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from minidiff.errors import MinidiffError
from minidiff.exercises.course import NOTEBOOKS
from minidiff.exercises.source import source_of

FOLDER = Path(__file__).parent
LARGEST_FILE = 600_000  # bytes
LONGEST_CELL = 600  # seconds
CORES = 2  # as on a laptop
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def code_hash(notebook: dict) -> str:
    """A hash of the code of a notebook; independent of its text."""
    sources = [_text(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return hashlib.sha256("\0".join(sources).encode("utf-8")).hexdigest()


def tidy(notebook: dict) -> None:
    """Removes what differs between runs and machines, and adds the hash; modifies the notebook."""
    notebook["metadata"] = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    notebook["metadata"]["minidiff"] = {"code": code_hash(notebook)}
    for number, cell in enumerate(notebook["cells"]):
        cell["id"] = f"cell-{number}"
        cell["metadata"] = {}
        for output in cell.get("outputs", []):
            if output["output_type"] == "stream":
                output["text"] = _text(output["text"])


def problems_of(notebook: dict) -> list[str]:
    """The problems of the stored outputs of a notebook that can be found without running it."""
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
            if shown and not _is_current(shown, _text(output["data"]["text/plain"])):
                found.append(f"cell {number} shows {shown['source']}, which has changed since")
    return found


def differences(stored: dict, fresh: dict) -> list[str]:
    """The differences between the outputs of a stored notebook and of a fresh run.

    Printed text may differ, because durations and last digits do; the help of a command may not.
    """
    found = []
    for number, (before, now) in enumerate(zip(stored["cells"], fresh["cells"], strict=True)):
        old, new = _kinds(before) or "nothing", _kinds(now) or "nothing"
        if old != new:
            found.append(f"cell {number} stores {old} and shows {new}")
        elif "--help" in _text(now["source"]) and _printed(before) != _printed(now):
            found.append(f"cell {number} stores a help text that has changed since")
    return found


def run(notebook: dict) -> tuple[dict, str | None]:
    """Runs a notebook in a new kernel and an empty folder.

    Returns:
        The notebook with fresh outputs, and the error that stopped it, if any.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    fresh = nbformat.reads(json.dumps(notebook), as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            fresh, timeout=LONGEST_CELL, kernel_name=KERNEL["name"], record_timing=False,
            coalesce_streams=True, resources={"metadata": {"path": folder}},
        )  # fmt: skip
        try:
            client.execute()
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            return fresh, str(error).strip()
    return fresh, None


def process(path: Path, check: bool) -> list[str]:
    """Runs one notebook and stores its outputs, or with `check` compares them with the stored ones.

    Returns:
        Its problems.
    """
    if not path.exists():
        return ["it does not exist"]
    stored = json.loads(path.read_text(encoding="utf-8"))
    fresh, error = run(stored)
    if error:
        return [error]
    if check:
        found = problems_of(stored) + differences(stored, fresh)
    else:
        import nbformat

        tidy(fresh)
        text = nbformat.writes(nbformat.from_dict(fresh))
        path.write_text(text + "\n", encoding="utf-8")
        found = problems_of(fresh)
    size = path.stat().st_size
    too_large = [f"it has {size} bytes, more than {LARGEST_FILE}"] if size > LARGEST_FILE else []
    return found + too_large


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(
        description="Run the notebooks, and store or check their outputs."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="such as 05 (default: all)")
    parser.add_argument(
        "--check", action="store_true", help="compare with the stored outputs, and write nothing"
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
        verdict = "failed" if problems else "passed"
        print(f"{path.stem:22} {seconds:6.1f} s {size:6.0f} kB  {verdict}", flush=True)
        for problem in problems:
            print(f"    {problem}", flush=True)
        bad += bool(problems)
    print(f"{len(chosen)} notebooks in {time.perf_counter() - begin:.0f} s, {bad} of them failed")
    return 1 if bad or not chosen else 0


def _is_current(shown: dict, text: str) -> bool:
    """Whether a stored source is the library's; its first line, the location, may differ."""
    try:
        return text.partition("\n")[2] == source_of(shown["source"], shown["docstring"])
    except MinidiffError:
        return False


def _kinds(cell: dict) -> list[str]:
    """The kinds of output of a cell, without warnings, which depend on the machine."""
    found = set()
    for output in cell.get("outputs", []):
        if output["output_type"] != "stream":
            found.add(" ".join(sorted(output.get("data", {"error": None}))))
        elif output["name"] == "stdout":
            found.add("print")
    return sorted(found)


def _printed(cell: dict) -> str:
    """The printed text of a cell."""
    outputs = cell.get("outputs", [])
    return "".join(_text(output["text"]) for output in outputs if output.get("name") == "stdout")


def _text(lines: str | list[str]) -> str:
    """A text of a notebook: one string, or a list of lines."""
    return lines if isinstance(lines, str) else "".join(lines)


if __name__ == "__main__":
    sys.exit(main())
