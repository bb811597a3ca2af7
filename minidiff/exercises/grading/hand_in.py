"""Finds the hand-ins of students in folders, and reads their files.

A folder contains whatever students upload: links, devices, folders without end. Only regular files that belong to the
student's own folder are read.
"""

import itertools
import logging
import os
from dataclasses import dataclass, field
from pathlib import Path

from minidiff.errors import MinidiffError
from minidiff.regular import MAX_TEXT_BYTES, open_regular

DEEPEST = 8  # folders within a student's folder
MOST_ENTRIES = 20_000  # of files and folders within a student's folder

logger = logging.getLogger(__name__)


@dataclass
class HandIn:
    """What a student has handed in: notebooks, and problems with files that cannot be graded."""

    name: str
    notebooks: list[Path] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def find_hand_ins(folder: str | Path, flat: bool = False) -> list[HandIn]:
    """The hand-ins in a folder, sorted by name.

    Args:
        folder: contains the notebooks of one student, or a subfolder for each student.
        flat: each notebook in the folder is that of another student, named as its file.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise MinidiffError(f"{folder} is not a folder; give one with notebooks, or with a subfolder for each student")
    files = _find_notebooks(folder, deep=False, links=not flat)
    if flat:
        found = [HandIn(path.stem, [path]) for path in files.notebooks]
        found += [HandIn(path.stem, [], [f"{path.name}: {problem}"]) for path, problem in files.refused]
        found.sort(key=lambda one: one.name)
        for problem in files.problems:  # of the folder, which is not that of one student
            logger.warning(f"{folder}: {problem}")
    else:
        here = _hand_in(folder.resolve().name, files)
        found = [here] if here.notebooks or here.problems else []
        for inner in sorted(_subfolders(folder)):
            if inner.is_symlink() and _within(inner, folder):
                hand_in = HandIn(inner.name, [], ["the folder is a link to that of another student"])
            else:
                hand_in = _hand_in(inner.name, _find_notebooks(inner, deep=True, links=True))
            if hand_in.notebooks or hand_in.problems or not here.notebooks:
                found.append(hand_in)
    if not any(one.notebooks for one in found):
        raise MinidiffError(f"no notebooks (.ipynb) in {folder} and its subfolders; choose another folder")
    return found


def read_file(path: Path) -> bytes:
    """The content of a file; `MinidiffError` if it cannot be read."""
    try:
        with open_regular(path) as file:
            content = file.read(MAX_TEXT_BYTES + 1)
    except OSError as error:
        raise MinidiffError(f"cannot be read: {error.strerror or error}") from error
    if len(content) > MAX_TEXT_BYTES:
        raise MinidiffError(f"larger than {MAX_TEXT_BYTES:,} bytes; delete its outputs")
    return content


def _subfolders(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]


@dataclass
class _Files:
    """The notebooks in a folder, those that are not read with the reason, and problems of the folder itself."""

    notebooks: list[Path] = field(default_factory=list)
    refused: list[tuple[Path, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def _hand_in(name: str, files: _Files) -> HandIn:
    """The hand-in of a student who has a folder."""
    refused = [f"{path.name}: {problem}" for path, problem in files.refused]
    return HandIn(name, files.notebooks, refused + files.problems)


def _find_notebooks(folder: Path, deep: bool, links: bool) -> _Files:
    """Finds notebooks in a folder and, if `deep`, in its subfolders; of links at most those within the folder."""
    todo, left = [(folder, 0)], MOST_ENTRIES
    found = _Files()
    while todo:
        inner, depth = todo.pop()
        try:
            with os.scandir(inner) as entries:
                some = itertools.islice(entries, left)
                paths = [(Path(entry.path), entry.is_dir(follow_symlinks=False)) for entry in some]
        except OSError as error:
            found.problems.append(f"{inner.name}: {error.strerror or error}")
            continue
        left -= len(paths)
        for path, is_folder in paths:
            if path.name.startswith("."):  # such as .ipynb_checkpoints
                continue
            if is_folder:
                if deep and depth < DEEPEST:
                    todo.append((path, depth + 1))
            elif path.suffix.lower() == ".ipynb":
                if path.is_symlink() and not (links and _within(path, folder)):
                    found.refused.append((path, "a link to a file of somebody else"))
                else:
                    found.notebooks.append(path)
        if left <= 0:
            found.problems.append(f"more than {MOST_ENTRIES:,} files; only the first ones are read")
            break
    found.notebooks.sort()
    return found


def _within(path: Path, folder: Path) -> bool:
    """Whether a link leads to something within a folder."""
    return os.path.realpath(path).startswith(os.path.realpath(folder) + os.sep)
