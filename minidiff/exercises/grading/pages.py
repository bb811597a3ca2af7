"""One HTML page for each student: points, results, and the hints."""

import re
from collections.abc import Sequence
from pathlib import Path

from minidiff.atomic import write_text
from minidiff.exercises.grading.marks import Student
from minidiff.page.markup import Markup, element, table

LONGEST_NAME = 60  # characters of a file name
STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
body { overflow-wrap: break-word; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #8888; padding: 0.4rem 0.8rem 0.4rem 0; text-align: left; vertical-align: top; }
td:first-child, td:last-child { overflow-wrap: anywhere; }
"""


def write_pages(folder: str | Path, students: Sequence[Student], last: bool = False) -> None:
    """Writes the pages of all students, or of the last one, to a folder; each file has the name of its student."""
    used: set[str] = set()
    for student in students:
        name = file_name(student.name, used)
        used.add(name.lower())
        if not last or student is students[-1]:
            write_text(Path(folder) / f"{name}.html", page(student))


def file_name(name: str, used: set[str]) -> str:
    """A name for a student's file, of letters and digits, that is not among the used ones (in lower case)."""
    start = re.sub(r"[^\w.-]+", "_", name).strip(".")[:LONGEST_NAME] or "_"
    found, number = start, 1
    while found.lower() in used:
        number += 1
        found = f"{start}-{number}"
    return found


def page(student: Student) -> str:
    """The page of one student, a whole HTML document."""
    rows = [
        [
            f"{mark.exercise.name}, {mark.exercise.title}", f"{mark.points} of {mark.exercise.points}",
            mark.result.outcome, mark.result.hint,
        ]
        for mark in student.marks
    ]  # fmt: skip
    total = f"{student.points} of {student.possible} points"
    head = element(
        "head", element("meta", charset="utf-8"), element("title", student.name), element("style", Markup(STYLE))
    )
    marks = table(["exercise", "points", "result", "hint"], rows, "Exercises")
    body = element("body", element("main", element("h1", student.name), element("p", total), marks))
    return "<!doctype html>\n" + element("html", head, body, lang="en") + "\n"
