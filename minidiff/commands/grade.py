"""`minidiff grade`: grades the exercises in notebooks that students hand in.

minidiff grade class/ --json results.json     a subfolder for each student
minidiff grade . --notebooks 05,06            these notebooks of a folder
"""

import argparse
import json
from pathlib import Path

from minidiff.atomic import check_folder, check_writable, write_text
from minidiff.errors import MinidiffError
from minidiff.exercises.grading.grade import Graded, grade, wanted_exercises
from minidiff.exercises.grading.hand_in import find_hand_ins
from minidiff.exercises.grading.marks import Student, as_csv, as_json, as_table, marks
from minidiff.exercises.grading.session import Limits
from minidiff.text import clean

GIGABYTE = 2**30


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `minidiff grade` to its parser."""
    default = Limits()
    parser.add_argument("folder", metavar="FOLDER", help="a student's notebooks, or a subfolder for each student")
    parser.add_argument("--flat", action="store_true", help="each notebook in FOLDER is that of another student")
    parser.add_argument("--json", metavar="FILE", help="write name, points and the result of each exercise")
    parser.add_argument("--csv", metavar="FILE", help="write a table of points for a spreadsheet")
    parser.add_argument("--pages", metavar="FOLDER", help="write a page with results and hints for each student")
    parser.add_argument("--notebooks", metavar="NN,...", help="such as 05,06 (default: those that were handed in)")
    parser.add_argument(
        "--seconds", type=float, default=default.seconds,
        help="time limit for a cell and for an answer (default: %(default)g)",
    )  # fmt: skip
    parser.add_argument(
        "--total", type=float, default=default.total_seconds, metavar="SECONDS",
        help="time limit for a student (default: %(default)g)",
    )  # fmt: skip
    parser.add_argument(
        "--memory", type=float, default=default.memory / GIGABYTE, metavar="GB",
        help="limit of memory, of 1024^3 bytes (default: %(default)g)",
    )  # fmt: skip


def run(options: argparse.Namespace) -> None:
    """Executes `minidiff grade`."""
    for name in ("seconds", "total", "memory"):
        if not 0 < getattr(options, name) < float("inf"):
            raise MinidiffError(f"--{name} must be more than 0, not {getattr(options, name)}")
    for path in filter(None, (options.json, options.csv)):
        check_writable(path)
    if options.pages:
        check_folder(options.pages)
    prefixes = [f"ex{number.strip():0>2}" for number in options.notebooks.split(",")] if options.notebooks else None
    wanted = wanted_exercises(prefixes) if prefixes else None
    limits = Limits(options.seconds, options.total, round(options.memory * GIGABYTE))
    hand_ins = find_hand_ins(options.folder, options.flat)
    graded: list[Graded] = []
    students: list[Student] = []
    for one in grade(hand_ins, limits, prefixes):
        graded.append(one)
        students = marks(graded, wanted)
        write(options, students, last=True)  # after each student, in case that the grading is interrupted
    write(options, students, last=False)
    print()
    for line in as_table(students):
        print(clean(line))
    for path in filter(None, (options.json, options.csv, options.pages)):
        print(clean(path))


def write(options: argparse.Namespace, students: list[Student], last: bool) -> None:
    """Writes the marks to the files and the folder of the options; `last`: only the page of the last student."""
    if options.json:
        write_text(options.json, json.dumps(as_json(students), indent=2, ensure_ascii=False) + "\n")
    if options.csv:
        write_text(options.csv, as_csv(students))
    if options.pages:
        from minidiff.exercises.grading.pages import write_pages  # imports Pillow

        Path(options.pages).mkdir(parents=True, exist_ok=True)
        write_pages(options.pages, students, last)
