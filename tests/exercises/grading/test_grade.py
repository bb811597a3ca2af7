"""Grading of hand-ins that hang, crash, cheat, print endlessly, or are right, each in real processes."""

import json
import os
import time
from pathlib import Path

import pytest

from minidiff.cli import main
from minidiff.errors import MinidiffError
from minidiff.exercises.checking import definition, exercises, solutions
from minidiff.exercises.exercise import Result
from minidiff.exercises.grading.grade import OUTCOMES, STARTS, Grading, better, grade, grade_notebook, wanted_exercises
from minidiff.exercises.grading.hand_in import find_hand_ins
from minidiff.exercises.grading.session import GraderError, Limits, Session
from tests.exercises.grading.notebooks import (
    ALL_RIGHT,
    EXERCISES,
    LIMITS,
    START,
    answer,
    graded,
    hand_in,
    mark,
    notebook,
    outcomes,
    source,
)
from tests.exercises.grading.starts import starts


@pytest.mark.parametrize("prefix", sorted({one.name[:4] for one in exercises()}))
def test_every_solution_is_right_across_the_boundary(prefix):
    own = exercises(prefix)
    cells = ["\n" + definition(solutions(one.name), one.answer) + f'\ncheck("{one.name}", {one.answer})' for one in own]
    start = "import math\nimport numpy as np\nfrom minidiff.evaluation.nearest import nearest\n"
    content = notebook(start + START, *cells).encode()
    assert outcomes(grade_notebook(content, own, LIMITS)) == {one.name: "right" for one in own}


def test_the_starts_are_those_of_the_notebooks():
    """If not: `python -m tests.exercises.grading.starts`."""
    assert starts() == STARTS


def test_a_class_is_marked_and_the_results_are_written(tmp_path, capsys):
    hand_in(tmp_path / "class" / "ada", "## Exercises", START, *map(answer, EXERCISES))
    hand_in(
        tmp_path / "class" / "ben", "## Exercises", START, answer("ex05_2"), answer("ex05_1", "return -(y - y_hat)"),
        STARTS["ex05_4"],
    )  # fmt: skip
    (tmp_path / "class" / "eve").mkdir()
    files = [str(tmp_path / name) for name in ("results.json", "results.csv", "pages")]
    arguments = ["grade", str(tmp_path / "class"), "--json", files[0], "--csv", files[1], "--pages", files[2]]
    assert main(arguments) == 0
    found = json.loads(Path(files[0]).read_text(encoding="utf-8"))
    possible = sum(exercise.points for exercise in EXERCISES.values())
    assert [(row["name"], row["points"], row["possible"]) for row in found] == [
        ("ada", possible, possible), ("ben", EXERCISES["ex05_2"].points, possible), ("eve", 0, possible),
    ]  # fmt: skip
    assert [one["exercise"] for one in found[0]["exercises"]] == list(EXERCISES)
    by_name = {one["exercise"]: one for one in found[1]["exercises"]}
    assert (by_name["ex05_1"]["result"], by_name["ex05_1"]["points"]) == ("wrong", 0)
    assert "factors" in by_name["ex05_1"]["hint"]
    assert by_name["ex05_3"]["result"] == "missing"
    assert by_name["ex05_4"]["result"] == "unanswered"
    printed = capsys.readouterr().out
    assert ["ada", f"{possible}/{possible}", "-"] in [line.split() for line in printed.splitlines()]
    assert "ex05_1 wrong, ex05_3 missing, ex05_4 unanswered" in printed
    assert Path(files[1]).read_text(encoding="utf-8-sig").splitlines()[1].startswith(f"ada,{possible},{possible},")
    assert {path.name for path in Path(files[2]).iterdir()} == {"ada.html", "ben.html", "eve.html"}
    assert "factors" in (Path(files[2]) / "ben.html").read_text(encoding="utf-8")


def test_results_are_written_after_each_student(tmp_path, monkeypatch):
    for name in ("ada", "ben"):
        hand_in(tmp_path / "class" / name, "## Exercises", START, answer("ex05_1"))
    file = tmp_path / "results.json"

    def interrupted(content, *others, **options):
        if file.exists():
            raise KeyboardInterrupt
        return grade_notebook(content, *others, **options)

    monkeypatch.setattr("minidiff.exercises.grading.grade.grade_notebook", interrupted)
    assert main(["grade", str(tmp_path / "class"), "--json", str(file)]) == 130
    (row,) = json.loads(file.read_text(encoding="utf-8"))
    assert (row["name"], row["points"]) == ("ada", EXERCISES["ex05_1"].points)


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
    assert "seconds: an endless loop?" in results["ex05_1"].hint
    assert "SystemExit: done" in results["ex05_3"].hint
    assert "nothing_of_this_name" in results["ex05_5"].hint
    assert "(line 2 of its cell)" in results["ex05_5"].hint
    assert ended(int(left_behind.read_text()))


DETACHED = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open({path!r}, "w").write(str(os.getpid()))
        time.sleep(600)
    os._exit(0)
os.wait()
while not os.path.exists({path!r}):
    time.sleep(0.01)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux adopts processes that have lost theirs")
def test_a_process_that_detaches_itself_is_ended(tmp_path):
    left_behind = tmp_path / "process"
    hand_in(tmp_path / "class", "## Exercises", START, DETACHED.format(path=str(left_behind)), answer("ex05_1"))
    assert outcomes(mark(tmp_path / "class"))["ex05_1"] == "right"
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


def test_a_long_message_keeps_the_line_of_its_cell(tmp_path):
    hand_in(
        tmp_path / "class", "## Exercises", START, answer("ex05_1", "raise ValueError('x' * 1000)"),
        "if True:\n    raise ValueError('y' * 1000)\n    swish_slopes = 1",
    )  # fmt: skip
    results = mark(tmp_path / "class")
    assert results["ex05_1"].hint.startswith("your answer raised ValueError: xxx")
    assert "x ... (line 2 of its cell), with arrays" in results["ex05_1"].hint
    assert results["ex05_2"].hint.startswith("its cell raised ValueError: yyy")
    assert results["ex05_2"].hint.endswith("y ... (line 2 of its cell)")


def test_the_statements_after_an_error_are_run(tmp_path):
    hand_in(tmp_path / "class", "## Exercises", START, "import no_such_module\n" + answer("ex05_1"))
    assert outcomes(mark(tmp_path / "class"))["ex05_1"] == "right"


def test_a_student_has_a_time_limit_as_a_whole(tmp_path):
    hand_in(tmp_path / "class", "## Exercises", START, *[answer(name, "while True: pass") for name in EXERCISES])
    start = time.monotonic()
    limits = Limits(seconds=4, total_seconds=10)
    results = mark(tmp_path / "class", limits)
    assert time.monotonic() - start < 60
    assert set(outcomes(results).values()) == {"too slow"}
    assert "10 seconds" in results["ex05_6"].hint
    hand_in(tmp_path / "class", "## Exercises", *[answer(name) for name in EXERCISES], file="z.ipynb")
    (student,) = grade(find_hand_ins(tmp_path / "class"), limits)
    assert set(outcomes(student.results).values()) == {"too slow"}
    assert student.problem.startswith("z.ipynb and what follows: the hand-in was not done after 10 seconds")


class Timed(Session):
    """A session for which the time of the student is over from the second one on."""

    started = 0

    def __enter__(self):
        type(self).started += 1
        if self.started > 1:
            self._last = time.monotonic()
        return super().__enter__()


def test_results_are_kept_if_the_time_is_over_before_the_next_process(monkeypatch):
    monkeypatch.setattr(Timed, "started", 0)
    monkeypatch.setattr("minidiff.exercises.grading.grade.Session", Timed)
    cells = [answer("ex05_1"), answer("ex05_2", "import os; os._exit(0)"), answer("ex05_3"), STARTS["ex05_4"]]
    content = notebook("## Exercises", START, *cells).encode()
    results = grade_notebook(content, exercises("ex05"), LIMITS)
    found = outcomes(results)
    assert [found[f"ex05_{i}"] for i in range(1, 5)] == ["right", "crashed", "too slow", "unanswered"]
    assert "90 seconds" in results["ex05_3"].hint


def test_no_second_pass_is_begun_when_the_time_is_over(monkeypatch):
    hidden, body = "globals()['fac' + 'tor'] = 2", "return factor"
    content = notebook(hidden, "## Exercises", START, answer("ex05_1", body), answer("ex05_2")).encode()
    grading = Grading(content, exercises("ex05"), LIMITS, "", STARTS, time.monotonic() + 90)
    started = []

    class Last(Session):
        def __enter__(self):
            started.append(self)
            return super().__enter__()

        def __exit__(self, *error):
            super().__exit__(*error)
            grading._end = time.monotonic()

    monkeypatch.setattr("minidiff.exercises.grading.grade.Session", Last)
    found = outcomes(grading.results())
    assert (found["ex05_1"], found["ex05_2"]) == ("raised", "right")
    assert len(started) == 1


def test_a_grader_that_cannot_start_its_process_is_an_error_and_no_result(tmp_path):
    hand_in(tmp_path, "## Exercises", START, answer("ex05_1"))
    with pytest.raises(GraderError, match=r"does not start \(the start used .*\); allow more memory"):
        mark(tmp_path, Limits(10, 60, 2**20))


def test_an_endless_loop_that_allocates_memory_is_stopped(tmp_path):
    loop = "kept = []\n    while True:\n        kept.append(np.empty(10**8))"
    hand_in(tmp_path / "class", "## Exercises", START, answer("ex05_1", loop), answer("ex05_2"))
    results = mark(tmp_path / "class")
    assert outcomes(results)["ex05_2"] == "right"
    assert results["ex05_1"].outcome == "raised"
    assert "Memory" in results["ex05_1"].hint


def test_the_memory_of_a_process_that_it_starts_is_watched(tmp_path):
    program = "import time; a = bytearray(700_000_000); time.sleep(60)"
    body = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {program!r}])"
    hand_in(tmp_path / "class", "## Exercises", START, answer("ex05_1", body), answer("ex05_2"))
    results = mark(tmp_path / "class", Limits(20, 60, memory=500_000_000))
    assert outcomes(results)["ex05_1"] == "out of memory"
    assert outcomes(results)["ex05_2"] == "right"
    assert "; 0.466 GB are allowed" in results["ex05_1"].hint


def test_printing_right_or_replacing_the_check_earns_nothing(tmp_path):
    lie = "def check(name, answer):\n    print(f'{name}: right, 3 points.')"
    patched = "import minidiff.exercises\nminidiff.exercises.check = minidiff.exercises.checking.examine = check"
    cells = [answer(name, "return 0") for name in EXERCISES]
    hand_in(tmp_path / "class", "## Exercises", START, lie, patched, *cells, "print('right')")
    assert set(outcomes(mark(tmp_path / "class")).values()) == {"wrong"}


def test_the_solutions_cannot_be_imported_opened_or_found_on_the_stack(tmp_path):
    module = "minidiff.exercises.solutions.ex05_backpropagation"
    path = solutions("ex05_1").__file__
    hand_in(
        tmp_path / "class", "## Exercises", START,
        answer("ex05_1", f"from {module} import loss_backward\n    return loss_backward(y_hat, y, weight)"),
        answer("ex05_2", f"space = {{}}\n    exec(open({path!r}).read(), space)\n"
               "    return space['swish_slopes'](u, b)"),
        answer("ex05_3", "import sys\n    frame = sys._getframe()\n    while 'one_hot' not in frame.f_locals:\n"
               "        frame = frame.f_back\n    return frame.f_locals['one_hot'].T @ dy"),
        answer("ex05_4", "from importlib.util import module_from_spec, spec_from_file_location\n"
               f"    found = spec_from_file_location('x', {path!r})\n    module = module_from_spec(found)\n"
               "    found.loader.exec_module(module)\n    return module.rms_norm_backward(x, dy)"),
        answer("ex05_5", "import minidiff.exercises.ex05_backpropagation as checks\n    return checks"),
    )  # fmt: skip
    results = mark(tmp_path / "class")
    assert set(outcomes(results).values()) == {"raised", "missing"}
    for name in ("ex05_1", "ex05_5"):
        assert "cannot be imported" in results[name].hint
    for name in ("ex05_2", "ex05_4"):
        assert "PermissionError" in results[name].hint


def test_a_forged_message_is_only_an_answer(tmp_path):
    forged = (
        "import gc, socket, json, struct\n"
        "message = json.dumps([{'reply': {'outcome': 'right', 'hint': ''}}, []]).encode()\n"
        "for one in gc.get_objects():\n"
        "    if isinstance(one, socket.socket):\n"
        "        one.send(struct.pack('>QQ', len(message), 0) + message)\n"
    )
    hand_in(tmp_path / "class", "## Exercises", START, answer("ex05_1"), forged + answer("ex05_2", "return 0"))
    found = outcomes(mark(tmp_path / "class"))
    assert found["ex05_1"] == "right"
    assert found["ex05_2"] != "right"


def test_the_grader_cannot_be_ended_by_a_signal(tmp_path):
    hand_in(
        tmp_path / "class", "## Exercises", START, "import os\nos.kill(os.getppid(), 9)", "os.kill(-1, 9)",
        answer("ex05_1"),
    )  # fmt: skip
    assert outcomes(mark(tmp_path / "class"))["ex05_1"] == "right"


def test_a_huge_output_does_not_matter(tmp_path):
    talk = "for _ in range(300):\n    print('x' * 1_000_000)"
    hand_in(tmp_path / "class", "## Exercises", START, talk, *map(answer, EXERCISES))
    assert outcomes(mark(tmp_path / "class")) == ALL_RIGHT


def test_a_result_that_is_too_large_and_too_many_files_cost_their_own_exercise(tmp_path):
    files = "for i in range(20_000):\n        open(f'{i}', 'w').close()\n    import time; time.sleep(60)"
    hand_in(
        tmp_path / "class", "## Exercises", START, answer("ex05_1", "return np.zeros(10**7)"),
        answer("ex05_2", "return ['x' * 10_000] * 2000, 0"), answer("ex05_3", files), answer("ex05_4"),
    )  # fmt: skip
    results = mark(tmp_path / "class", Limits())
    assert list(outcomes(results).values())[:4] == ["crashed", "crashed", "crashed", "right"]
    assert "too large" in results["ex05_1"].hint
    assert "files" in results["ex05_3"].hint


def test_folders_without_end_are_removed_or_left(tmp_path):
    nested = (
        "import os\nhere = os.getcwd()\nfor _ in range(1500):\n    os.mkdir('d')\n    os.chdir('d')\nos.chdir(here)"
    )
    hand_in(tmp_path / "class", "## Exercises", START, nested, answer("ex05_1"))
    assert outcomes(mark(tmp_path / "class"))["ex05_1"] == "right"


def test_only_cells_that_the_exercises_need_are_run(tmp_path):
    note = tmp_path / "ran"
    lesson = f"open({str(note)!r}, 'a').write('lesson')"
    helper = (
        "def mean_square_slope(y_hat, y, weight):\n    return 2 * weight[:, None, None, None] * (y_hat - y) / y.size"
    )
    own = answer("ex05_1", "return mean_square_slope(y_hat, y, weight)")
    hand_in(
        tmp_path / "class", helper, "while True:\n    pass", lesson, "## Exercises", START, own,
        *map(answer, list(EXERCISES)[1:]), "## What was shown", lesson,
    )  # fmt: skip
    assert outcomes(mark(tmp_path / "class")) == ALL_RIGHT
    assert not note.exists()


def test_a_notebook_is_run_whole_if_a_name_is_not_found_otherwise(tmp_path):
    hidden = "globals()['fac' + 'tor'] = 2"
    body = "return factor * weight[:, None, None, None] * (y_hat - y) / y.size"
    hand_in(tmp_path / "class", hidden, "## Exercises", START, answer("ex05_1", body))
    assert outcomes(mark(tmp_path / "class"))["ex05_1"] == "right"


def test_a_notebook_without_headings_or_checks_is_marked(tmp_path):
    lesson = "raise SystemExit"
    hand_in(tmp_path / "class", lesson, START, *map(source, EXERCISES), file="my homework (2).ipynb")
    assert outcomes(mark(tmp_path / "class")) == ALL_RIGHT


def test_answers_with_other_names_are_found(tmp_path):
    def renamed(name, body=None, other="my_own"):
        return source(name, body).replace(EXERCISES[name].answer, other)

    hand_in(
        tmp_path / "class", "## Exercises", START,
        "### ex05_1: one", renamed("ex05_1", other="mine") + '\ncheck("ex05_1", mine)',
        "### ex05_2: two", renamed("ex05_2"),
        "### ex05_3: three", renamed("ex05_3", "return 0", other="other"),
        "### ex05_4: four", STARTS["ex05_4"],
        "### ex05_5: five", "notes = 'no idea'",
        "## More", renamed("ex05_6", other="blind_upstreams"),
    )  # fmt: skip
    results = mark(tmp_path / "class")
    assert list(outcomes(results).values()) == ["right", "right", "renamed", "unanswered", "missing", "missing"]
    assert results["ex05_1"].hint == ""
    assert "my_own" in results["ex05_2"].hint
    assert "does not define embedding_backward; other was taken for it: " in results["ex05_3"].hint


def test_a_name_with_a_typing_error_is_found(tmp_path):
    hand_in(tmp_path / "class", "## Exercises", START, source("ex05_1").replace("loss_backward", "loss_backwards"))
    assert outcomes(mark(tmp_path / "class"))["ex05_1"] == "right"


def test_answers_that_are_checked_in_a_loop_or_as_expressions_are_found(tmp_path):
    functions = [source(name).replace(f"def {EXERCISES[name].answer}", f"def f{name[5]}") for name in EXERCISES]
    loop = "for number, f in enumerate([f1, f2, f3, f4], start=1):\n    check(f'ex05_{number}', f)"
    expressions = "check('ex05_5', lambda *inputs: f5(*inputs))\ncheck(name='ex05_6', answer=f6)"
    hand_in(tmp_path / "class", "## Exercises", START, *functions, "# ex05", loop, expressions)
    found = outcomes(mark(tmp_path / "class"))
    assert (found["ex05_5"], found["ex05_6"]) == ("right", "right")


def test_syntax_of_jupyter_does_not_hide_an_answer(tmp_path):
    cell = (
        "%matplotlib inline\nfiles = !ls\n%time a = 3\nloss_backward?\n!ls \\\n  -l\n"
        "def loss_backward(y_hat, y, weight):\n    b = (4\n!= 5) * (7\n% 4) - 1\n"
        "    return b * weight[:, None, None, None] * (y_hat - y) / y.size\n"
        "t = %timeit -o loss_backward(1, 2, 3)"
    )
    hand_in(tmp_path / "class", "## Exercises", START, "%%bash\nexit 1", cell, "%%time\n" + source("ex05_2"))
    found = outcomes(mark(tmp_path / "class"))
    assert (found["ex05_1"], found["ex05_2"]) == ("right", "right")


def test_the_better_of_two_copies_counts(tmp_path):
    hand_in(tmp_path / "class", "## Exercises", START, answer("ex05_1"), answer("ex05_2", "return 1"), file="a.ipynb")
    hand_in(tmp_path / "class", "## Exercises", START, answer("ex05_1", "return 1"), file="b.ipynb")
    found = outcomes(mark(tmp_path / "class"))
    assert (found["ex05_1"], found["ex05_2"], found["ex05_3"]) == ("right", "wrong", "missing")
    results = [{"a": Result(outcome)} for outcome in OUTCOMES]
    assert better(results[3], results[5]) == better(results[5], results[3]) == results[3]


def test_files_that_are_not_notebooks_are_named_and_cost_only_their_own_marks(tmp_path):
    for number, text in enumerate(['{"cells": [', "[]", '{"cells": [1]}', "[" * 100_000, ""]):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "05.ipynb").write_text(text, encoding="utf-8")
    (tmp_path / "endless").mkdir()
    (tmp_path / "endless" / "05.ipynb").symlink_to("/dev/zero")
    (tmp_path / "pipe").mkdir()
    os.mkfifo(tmp_path / "pipe" / "05.ipynb")
    hand_in(tmp_path / "good", "## Exercises", START, answer("ex05_1"))
    found = graded(tmp_path)
    assert outcomes(found["good"])["ex05_1"] == "right"
    assert not any(results for name, results in found.items() if name != "good")
    file = tmp_path / "results.json"
    assert main(["grade", str(tmp_path), "--json", str(file)]) == 0
    hints = {row["name"]: row["exercises"][0]["hint"] for row in json.loads(file.read_text())}
    assert all("not a notebook" in hints[str(number)] for number in range(5))
    assert "a device, pipe or socket" in hints["pipe"]
    assert "a link to" in hints["endless"]


def test_notebooks_can_be_chosen(tmp_path):
    hand_in(tmp_path / "class", "## Exercises", START)
    assert set(outcomes(mark(tmp_path / "class", notebooks=["ex05"])).values()) == {"missing"}
    assert mark(tmp_path / "class", notebooks=["ex06"]) == {}


def test_notebooks_that_are_chosen_count_once_and_exist():
    assert wanted_exercises(["ex05", "ex06", "ex05"]) == exercises("ex05") + exercises("ex06")
    assert wanted_exercises(None) == exercises()
    with pytest.raises(MinidiffError, match="no exercises in notebook 77; choose from 00, 01, "):
        wanted_exercises(["ex05", "ex77"])


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--seconds", "0"], "--seconds"),
        (["--total", "nan"], "--total"),
        (["--memory", "-1"], "--memory"),
        (["--json", "nowhere/results.json"], "no folder"),
        (["--notebooks", "77"], "no exercises"),
    ],
)
def test_wrong_options_are_errors_before_anything_is_run(tmp_path, capsys, options, word):
    hand_in(tmp_path, START)
    assert main(["grade", str(tmp_path), *options]) == 2
    assert word in capsys.readouterr().err
    assert find_hand_ins(tmp_path)
