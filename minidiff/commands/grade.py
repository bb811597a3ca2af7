"""`minidiff grade`: grades the exercises in notebooks that students hand in.

minidiff grade class/ --json results.json     a subfolder for each student
minidiff grade . --notebooks 05,06            these notebooks of a folder
"""

import argparse
import json

from minidiff.atomic import check_writable, write_text
from minidiff.errors import MinidiffError
from minidiff.exercises.grading.grade import grade
from minidiff.exercises.grading.hand_in import find_hand_ins
from minidiff.exercises.grading.marks import as_table, marks
from minidiff.text import clean


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `minidiff grade` to its parser."""
    parser.add_argument("folder", metavar="FOLDER", help="a student's notebooks, or a subfolder for each student")
    parser.add_argument("--json", metavar="FILE", help="write name, points and the result of each exercise")
    parser.add_argument(
        "--seconds", type=float, default=60, help="time limit for a cell and for an answer (default: 60)"
    )
    parser.add_argument("--notebooks", metavar="NN,...", help="such as 05,06 (default: all that anybody handed in)")


def run(options: argparse.Namespace) -> None:
    """Executes `minidiff grade`."""
    if not options.seconds > 0:
        raise MinidiffError(f"--seconds must be more than 0, not {options.seconds}")
    if options.json:
        check_writable(options.json)
    prefixes = [f"ex{number.strip()}" for number in options.notebooks.split(",")] if options.notebooks else None
    hand_ins = find_hand_ins(options.folder)
    results = marks(grade(hand_ins, options.seconds, prefixes))
    print()
    for line in as_table(results):
        print(clean(line))
    if options.json:
        write_text(options.json, json.dumps(results, indent=2, ensure_ascii=False) + "\n")
        print(clean(options.json))
