"""Grading of hand-ins that hang, crash, cheat, print endlessly, or are right, each in real processes."""

import inspect
import json
import os
import time
from pathlib import Path

import pytest

from minidiff.cli import main
from minidiff.errors import MinidiffError
from minidiff.exercises.checking import definition, exercises, solutions
from minidiff.exercises.grading.grade import grade
from minidiff.exercises.grading.hand_in import find_hand_ins, plain_python, read_cells

EXERCISES = {exercise.name: exercise for exercise in exercises("ex05")}
SECONDS = 4  # the time of an endless loop; everything else takes a fraction of a second


def notebook(*cells):
    """A notebook as JSON; strings that begin with "# " or "## " are cells of text."""
    made = [
        {"cell_type": "markdown" if cell.startswith(("# ", "## ")) else "code", "source": cell.splitlines(True)}
        for cell in cells
    ]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def answer(name, body=None):
    """The cell of an exercise: its solution, or a function with the same arguments and another body."""
    module, exercise = solutions(name), EXERCISES[name]
    source = definition(module, exercise.answer)
    if body:
        arguments = inspect.signature(getattr(module, exercise.answer))
        source = f"def {exercise.answer}{arguments}:\n    {body}"
    source = "\n".join(line for line in source.splitlines() if not line.startswith("#"))
    return f'{source}\n\ncheck("{name}", {exercise.answer})'


START = "import numpy as np\nfrom minidiff.exercises import check"


def hand_in(folder, *cells, file="05_backpropagation.ipynb"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(notebook("# 05 Backpropagation", *cells), encoding="utf-8")


def outcomes(results):
    return {name: result.outcome for name, result in results.items()}


def mark(folder, **options):
    (results,) = grade(find_hand_ins(folder), SECONDS, **options).values()
    return results


ALL_RIGHT = dict.fromkeys(EXERCISES, "right")


def test_right_answers_earn_their_points_and_a_course_is_written_to_json(tmp_path, capsys):
    hand_in(tmp_path / "class" / "ada", "## Exercises", START, *map(answer, EXERCISES))
    hand_in(tmp_path / "class" / "ben", "## Exercises", START, answer("ex05_2"), answer("ex05_1", "return y_hat - y"))
    (tmp_path / "class" / "eve").mkdir()
    arguments = ["grade", str(tmp_path / "class"), "--json", str(tmp_path / "results.json")]
    assert main(arguments) == 0
    found = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    possible = sum(exercise.points for exercise in EXERCISES.values())
    assert [(row["name"], row["points"], row["possible"]) for row in found] == [
        ("ada", possible, possible), ("ben", EXERCISES["ex05_2"].points, possible), ("eve", 0, possible),
    ]  # fmt: skip
    assert [one["exercise"] for one in found[0]["exercises"]] == list(EXERCISES)
    by_name = {one["exercise"]: one for one in found[1]["exercises"]}
    assert (by_name["ex05_1"]["result"], by_name["ex05_1"]["points"]) == ("wrong", 0)
    assert "factors" in by_name["ex05_1"]["hint"]
    assert by_name["ex05_3"]["result"] == "missing"
    printed = capsys.readouterr().out
    assert ["ada", f"{possible}/{possible}", "-"] in [line.split() for line in printed.splitlines()]
    assert "ex05_1 wrong, ex05_3 missing" in printed


def test_a_hanging_or_crashing_answer_costs_only_its_own_exercise(tmp_path):
    left_behind = tmp_path / "process"
    start_another = (
        "import subprocess, sys; "
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
        f"open({str(left_behind)!r}, 'w').write(str(child.pid))\n    while True: pass"
    )
    hand_in(
        tmp_path / "class" / "max", "## Exercises", START,
        answer("ex05_1", start_another),
        answer("ex05_2", "import os; os._exit(0)"),
        answer("ex05_3", "raise SystemExit('done')"),
        answer("ex05_4", "import ctypes; ctypes.string_at(0)"),
        answer("ex05_5", "return q @ nothing_of_this_name"),
        answer("ex05_6"),
    )  # fmt: skip
    results = mark(tmp_path / "class")
    assert outcomes(results) == {
        "ex05_1": "too slow", "ex05_2": "crashed", "ex05_3": "raised", "ex05_4": "crashed", "ex05_5": "raised",
        "ex05_6": "right",
    }  # fmt: skip
    assert "4 seconds" in results["ex05_1"].hint
    assert "SystemExit: done" in results["ex05_3"].hint
    assert "nothing_of_this_name" in results["ex05_5"].hint
    assert ended(int(left_behind.read_text()))


def ended(process):
    """Whether a process has ended, or is a zombie."""
    for _ in range(100):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        state = Path("/proc", str(process), "stat")
        if state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


def test_a_cell_that_hangs_crashes_or_raises_is_left_out(tmp_path):
    hand_in(
        tmp_path / "class", "## Exercises", START, "while True:\n    print('without end' * 1000)",
        answer("ex05_1"), "import os\nos.abort()", answer("ex05_2"), "1 / 0", answer("ex05_3"),
        "while True:\n    pass\n" + answer("ex05_4"), "def broken(:\n    pass\n" + answer("ex05_5"), answer("ex05_6"),
    )  # fmt: skip
    results = mark(tmp_path / "class")
    assert outcomes(results) == ALL_RIGHT | {"ex05_4": "too slow", "ex05_5": "raised"}
    assert "SyntaxError" in results["ex05_5"].hint


def test_an_endless_loop_that_allocates_memory_is_stopped(tmp_path):
    loop = "kept = []\n    while True:\n        kept.append(np.empty(10**8))"
    hand_in(tmp_path / "class", "## Exercises", START, answer("ex05_1", loop), answer("ex05_2"))
    results = mark(tmp_path / "class")
    assert outcomes(results)["ex05_2"] == "right"
    assert results["ex05_1"].outcome == "raised"
    assert "Memory" in results["ex05_1"].hint


def test_printing_right_or_replacing_the_check_earns_nothing(tmp_path):
    lie = "def check(name, answer):\n    print(f'{name}: right, 3 points.')"
    patched = "import minidiff.exercises\nminidiff.exercises.check = minidiff.exercises.checking.examine = check"
    cells = [answer(name, "return 0") for name in EXERCISES]
    hand_in(tmp_path / "class", "## Exercises", START, lie, patched, *cells, "print('right')")
    assert set(outcomes(mark(tmp_path / "class")).values()) == {"wrong"}


def test_a_huge_output_does_not_matter(tmp_path):
    talk = "for _ in range(300):\n    print('x' * 1_000_000)"
    hand_in(tmp_path / "class", "## Exercises", START, talk, *map(answer, EXERCISES))
    assert outcomes(mark(tmp_path / "class")) == ALL_RIGHT


def test_a_notebook_is_run_whole_if_its_exercises_need_other_cells(tmp_path):
    helper = (
        "def mean_square_slope(y_hat, y, weight):\n    return 2 * weight[:, None, None, None] * (y_hat - y) / y.size"
    )
    hand_in(
        tmp_path / "class", helper, "while True:\n    pass", "## Exercises", START,
        answer("ex05_1", "return mean_square_slope(y_hat, y, weight)"), answer("ex05_2"),
    )  # fmt: skip
    results = mark(tmp_path / "class")
    assert (results["ex05_1"].outcome, results["ex05_2"].outcome) == ("right", "right")


def test_only_the_cells_of_exercises_are_run_by_default(tmp_path):
    note = tmp_path / "ran"
    lesson = f"open({str(note)!r}, 'a').write('lesson')"
    hand_in(tmp_path / "class", lesson, "## Exercises", START, *map(answer, EXERCISES), "## What was shown", lesson)
    assert outcomes(mark(tmp_path / "class")) == ALL_RIGHT
    assert not note.exists()


def test_a_notebook_without_headings_is_run_whole(tmp_path):
    hand_in(tmp_path / "class", START, *map(answer, EXERCISES), file="my homework (2).ipynb")
    assert outcomes(mark(tmp_path / "class")) == ALL_RIGHT


def test_magics_and_shell_commands_are_ignored(tmp_path):
    magic = "%matplotlib inline\n!ls\nif True:\n    %time 1 + 1"
    cell = "%%time\n" + answer("ex05_1")
    hand_in(tmp_path / "class", "## Exercises", START, magic, "%%bash\nexit 1", cell)
    assert outcomes(mark(tmp_path / "class"))["ex05_1"] == "right"
    assert plain_python("%%bash\nls") == ""
    assert plain_python("a = 5 % 3\n!ls") == "a = 5 % 3\npass"


def test_the_better_of_two_copies_counts(tmp_path):
    hand_in(tmp_path / "class", "## Exercises", START, answer("ex05_1"), answer("ex05_2", "return 1"), file="a.ipynb")
    hand_in(tmp_path / "class", "## Exercises", START, answer("ex05_1", "return 1"), file="b.ipynb")
    found = outcomes(mark(tmp_path / "class"))
    assert (found["ex05_1"], found["ex05_2"], found["ex05_3"]) == ("right", "wrong", "missing")


def test_a_file_that_is_not_a_notebook_is_an_error_and_counts_as_missing(tmp_path):
    for number, text in enumerate(['{"cells": [', "[]", '{"cells": [1]}', "[" * 100_000, '{"cells": [{"source": 1}]}']):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "05.ipynb").write_text(text, encoding="utf-8")
        with pytest.raises(MinidiffError, match="is not a notebook"):
            read_cells(tmp_path / str(number) / "05.ipynb")
    (tmp_path / "endless").mkdir()
    (tmp_path / "endless" / "05.ipynb").symlink_to("/dev/zero")
    with pytest.raises(MinidiffError, match=r"05\.ipynb: a device, pipe or socket instead of a file"):
        read_cells(tmp_path / "endless" / "05.ipynb")
    hand_in(tmp_path / "good", "## Exercises", START, answer("ex05_1"))
    results = grade(find_hand_ins(tmp_path), SECONDS)
    assert results["good"]["ex05_1"].outcome == "right"
    assert results["0"]["ex05_1"].outcome == "missing"
    assert "is not a notebook" in results["0"]["ex05_1"].hint


def test_hand_ins_are_found_in_a_folder_and_in_its_sub_folders(tmp_path):
    hand_in(tmp_path / "a" / "deep" / "er", START)
    hand_in(tmp_path / "a" / ".ipynb_checkpoints", START)
    hand_in(tmp_path / "b", START)
    assert {name: len(paths) for name, paths in find_hand_ins(tmp_path).items()} == {"a": 1, "b": 1}
    assert list(find_hand_ins(tmp_path / "b")) == ["b"]
    (tmp_path / "empty").mkdir()
    assert find_hand_ins(tmp_path)["empty"] == []
    with pytest.raises(MinidiffError, match="no notebooks"):
        find_hand_ins(tmp_path / "empty")
    with pytest.raises(MinidiffError, match="not a folder"):
        find_hand_ins(tmp_path / "nowhere")


def test_notebooks_can_be_chosen(tmp_path):
    hand_in(tmp_path / "class", "## Exercises", START)
    assert mark(tmp_path / "class") == {}
    assert set(outcomes(mark(tmp_path / "class", notebooks=["ex05"])).values()) == {"missing"}
    with pytest.raises(MinidiffError, match="no exercises"):
        mark(tmp_path / "class", notebooks=["ex77"])


@pytest.mark.parametrize(
    ("options", "word"), [(["--seconds", "0"], "--seconds"), (["--json", "nowhere/results.json"], "no folder")]
)
def test_wrong_options_are_errors_before_anything_is_run(tmp_path, capsys, options, word):
    hand_in(tmp_path, START)
    assert main(["grade", str(tmp_path), *options]) == 2
    assert word in capsys.readouterr().err
