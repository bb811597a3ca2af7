"""In a class with damaged and hostile hand-ins, everybody else has the marks of their own work."""

from minidiff.exercises.grading.grade import grade
from minidiff.exercises.grading.hand_in import find_hand_ins
from minidiff.exercises.grading.session import Limits
from tests.exercises.grading.class_folder import HARMLESS, HOSTILE, write_class
from tests.exercises.grading.notebooks import outcomes


def test_the_marks_of_a_class_are_those_of_each_student(tmp_path):
    count = len(HARMLESS) + len(HOSTILE)
    expected, hostile = write_class(tmp_path, count=count)
    limits = Limits(seconds=4, total_seconds=15)
    found = {student.name: outcomes(student.results) for student in grade(find_hand_ins(tmp_path), limits)}
    assert found.keys() == expected.keys() | set(hostile)
    assert {name: found[name] for name in expected} == expected
    assert len(expected) == len(HARMLESS)
