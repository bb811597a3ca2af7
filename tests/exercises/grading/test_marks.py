"""Marks: which exercises count, files for the class, and pages for students."""

import csv
import io

from minidiff.exercises.checking import exercises
from minidiff.exercises.exercise import Result
from minidiff.exercises.grading.grade import Graded
from minidiff.exercises.grading.marks import as_csv, as_json, as_table, marks
from minidiff.exercises.grading.pages import file_name, page, write_pages

EX01, EX05 = exercises("ex01"), exercises("ex05")
POINTS = {prefix: sum(one.points for one in exercises(prefix)) for prefix in ("ex01", "ex05")}


def student(name, *handed_in, outcome="right", hint="", problem=""):
    return Graded(name, {one.name: Result(outcome, hint) for one in handed_in}, problem)


def test_what_most_students_hand_in_counts_for_all_and_the_rest_for_some():
    found = marks([student("ada", *EX05), student("ben", *EX05, outcome="wrong"), student("eve", *EX05, *EX01),
                   student("max")])  # fmt: skip
    assert [(one.name, one.points, one.possible) for one in found] == [
        ("ada", POINTS["ex05"], POINTS["ex05"]), ("ben", 0, POINTS["ex05"]),
        ("eve", POINTS["ex01"] + POINTS["ex05"], POINTS["ex01"] + POINTS["ex05"]), ("max", 0, POINTS["ex05"]),
    ]  # fmt: skip
    assert [mark.result for mark in found[3].marks] == [Result("missing", "not handed in")] * len(EX05)


def test_one_student_cannot_change_what_others_are_marked_on():
    alone = marks([student("ada", *EX05)])
    together = marks([student("ada", *EX05), student("ben", *EX05), student("eve", *exercises())])
    assert together[0] == alone[0]


def test_given_notebooks_count_for_all():
    (found,) = marks([student("ada", *EX05, problem="x.ipynb: not a notebook")], wanted=EX01)
    assert (found.points, found.possible) == (0, POINTS["ex01"])
    assert found.marks[0].result.hint == "x.ipynb: not a notebook"


def test_tables():
    found = marks([student("ada", *EX05), student("=HYPERLINK(1)", *EX01), student("a\nb", *EX01, outcome="too slow")])
    rows = list(csv.reader(io.StringIO(as_csv(found).removeprefix("\ufeff"))))
    assert rows[0] == ["name", "points", "possible", *[one.name for one in EX01 + EX05]]
    assert rows[1][:4] == ["ada", str(POINTS["ex05"]), str(POINTS["ex01"] + POINTS["ex05"]), "0"]
    assert rows[2][0] == "'=HYPERLINK(1)"
    assert rows[3][0] == "a\\nb"
    assert "ex01_1 too slow, ex01_2 too slow" in as_table(found)[-1]
    assert as_json(found)[0]["exercises"][-1]["result"] == "right"


def test_an_exercise_that_does_not_count_is_empty_in_the_csv_file():
    found = marks([student("ada", *EX05), student("ben", *EX05), student("eve", *EX01, *EX05)])
    rows = list(csv.reader(io.StringIO(as_csv(found))))
    assert rows[1][3] == ""
    assert rows[3][3] == str(EX01[0].points)


def test_a_page_shows_hints_and_escapes_everything(tmp_path):
    hint = "<script>alert(1)</script> & \x1b[31m\u202e"
    (found,) = marks([student("<b>Ada</b>", *EX05, outcome="wrong", hint=hint)])
    text = page(found)
    assert "<script>" not in text
    assert "<b>" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; \\x1b[31m\\u202e" in text
    assert f"0 of {POINTS['ex05']} points" in text
    assert all(f"{one.name}, {one.title}" in text.replace("&#x27;", "'") for one in EX05)
    write_pages(tmp_path, [found, found])
    assert {path.name for path in tmp_path.iterdir()} == {"_b_Ada_b_.html", "_b_Ada_b_-2.html"}


def test_names_of_files():
    assert file_name("Ada Lovelace", set()) == "Ada_Lovelace"
    assert file_name("ada", {"ada"}) == "ada-2"
    assert file_name("../..", set()) == "_"
    assert file_name("é" * 300, set()) == "é" * 60
    assert file_name("", set()) == "_"


def test_only_the_last_page_is_written(tmp_path):
    write_pages(tmp_path, marks([student("ada", *EX05), student("ben", *EX05)]), last=True)
    assert [path.name for path in tmp_path.iterdir()] == ["ben.html"]
