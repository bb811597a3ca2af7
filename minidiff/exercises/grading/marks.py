"""Marks from results: what `minidiff grade` writes and prints.

The notebooks that count are given, or they are those that at least half of the students have handed in. A notebook that
fewer have handed in counts for these alone. So one student cannot change what the others are marked on.
"""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from minidiff.exercises.checking import exercises
from minidiff.exercises.exercise import Exercise, Result
from minidiff.exercises.grading.grade import Graded
from minidiff.text import clean

FORMULA_STARTS = ("=", "+", "-", "@")  # a cell of a spreadsheet that begins so is computed
BYTE_ORDER_MARK = "\ufeff"  # spreadsheets take the file for UTF-8 then


@dataclass(frozen=True)
class Mark:
    """The mark for one exercise."""

    exercise: Exercise
    result: Result

    @property
    def points(self) -> int:
        """The points of the exercise, or 0."""
        return self.exercise.points if self.result.outcome == "right" else 0


@dataclass(frozen=True)
class Student:
    """The marks of one student."""

    name: str
    marks: list[Mark]

    @property
    def points(self) -> int:
        """The points of the student."""
        return sum(mark.points for mark in self.marks)

    @property
    def possible(self) -> int:
        """The points that the student can have."""
        return sum(mark.exercise.points for mark in self.marks)


def marks(graded: Sequence[Graded], wanted: Sequence[Exercise] | None = None) -> list[Student]:
    """The marks of students on the wanted exercises, by default on those that count for the class or the student."""
    handed_in = Counter(prefix for student in graded for prefix in {name[:4] for name in student.results})
    readers = sum(bool(student.results) for student in graded)
    for_all = {prefix for prefix, count in handed_in.items() if 2 * count >= readers}
    students = []
    for student in graded:
        own = {name[:4] for name in student.results} | for_all
        counting = wanted if wanted is not None else [one for one in exercises() if one.name[:4] in own]
        absent = Result("missing", student.problem or "not handed in")
        results = [(exercise, student.results.get(exercise.name, absent)) for exercise in counting]
        rows = [Mark(exercise, Result(one.outcome, clean(one.hint))) for exercise, one in results]
        students.append(Student(clean(student.name), rows))
    return students


def as_json(students: Sequence[Student]) -> list[dict]:
    """The marks for a JSON file."""
    return [
        {
            "name": student.name, "points": student.points, "possible": student.possible,
            "exercises": [
                {
                    "exercise": mark.exercise.name, "title": mark.exercise.title, "points": mark.points,
                    "possible": mark.exercise.points, "result": mark.result.outcome, "hint": mark.result.hint,
                }
                for mark in student.marks
            ],
        }
        for student in students
    ]  # fmt: skip


def as_csv(students: Sequence[Student]) -> str:
    """The marks for a spreadsheet: a row for each student, with the points of each exercise that counts."""
    names = sorted({mark.exercise.name for student in students for mark in student.marks}, key=_order)
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(["name", "points", "possible", *names])
    for student in students:
        points = {mark.exercise.name: mark.points for mark in student.marks}
        name = f"'{student.name}" if student.name.startswith(FORMULA_STARTS) else student.name
        writer.writerow([name, student.points, student.possible, *(points.get(one, "") for one in names)])
    return BYTE_ORDER_MARK + file.getvalue()


def as_table(students: Sequence[Student]) -> list[str]:
    """The lines of a table of marks: one row for each student, with the exercises that are not right."""
    width = max(len("name"), *(len(student.name) for student in students))
    lines = [f"{'name':{width}}  points  not right"]
    for student in students:
        wrong = [mark for mark in student.marks if mark.result.outcome != "right"]
        others = ", ".join(f"{mark.exercise.name} {mark.result.outcome}" for mark in wrong)
        lines.append(f"{student.name:{width}}  {f'{student.points}/{student.possible}':>6}  {others or '-'}")
    return lines


def _order(name: str) -> tuple[str, int]:
    """The place of an exercise in the course: ex05_10 comes after ex05_9."""
    notebook, _, number = name.partition("_")
    return notebook, int(number)
