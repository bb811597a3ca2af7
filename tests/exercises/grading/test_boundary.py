"""An answer in another process has the same result as in the notebook: right and wrong ones, errors and hints."""

import time
from pathlib import Path

import numpy as np
import pytest

from minidiff.exercises.checking import find
from minidiff.exercises.exercise import examine
from minidiff.exercises.grading.session import AnswerError, Limits, Session
from tests.exercises.grading.notebooks import notebook
from tests.exercises.test_exercises import load

FILES = [
    file
    for file in sorted(Path(__file__).parents[1].glob("answers_ex[0-9][0-9].py"))
    if "import minidiff.exercises" not in file.read_text(encoding="utf-8").replace("from", "import")  # refused there
]
CELL = """
import importlib.util
from minidiff.exercises import check

specification = importlib.util.spec_from_file_location({stem!r}, {path!r})
module = importlib.util.module_from_spec(specification)
specification.loader.exec_module(module)
for name, cases in module.WRONG.items():
    for number, (answer, words) in enumerate(cases):
        check(f"{{name}} wrong {{number}}", answer)
for name, cases in module.RIGHT.items():
    for number, answer in enumerate(cases):
        check(f"{{name}} right {{number}}", answer)
"""


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_results_are_the_same_on_both_sides(file):
    module = load(file)
    content = notebook(CELL.format(stem=file.stem, path=str(file)))
    answers = [(name, "wrong", i, case[0]) for name, cases in module.WRONG.items() for i, case in enumerate(cases)]
    answers += [(name, "right", i, case) for name, cases in module.RIGHT.items() for i, case in enumerate(cases)]
    assert len(answers) > 10
    different = []
    with Session(Limits(300, 300), time.monotonic() + 300) as session:
        request_survey(session, content)
        assert session.request("run", 0) is None
        for name, kind, number, answer in answers:
            session.allow(60, "an answer")
            ((_, remote),) = session.request("answers", f"{name} {kind} {number}", [])
            found, expected = examine(find(name), remote), examine(find(name), answer)
            assert session.stopped is None
            if found != expected:
                different.append((name, kind, number, found, expected))
    assert different == []


def test_functions_of_earlier_exercises_cannot_be_called():
    cell = (
        "from minidiff.exercises import check\nkept = []\n"
        "check('keep', lambda function: kept.append(function) or function(1))\n"
        "check('use', lambda function: kept[0](1))"
    )
    with Session(Limits(60, 60), time.monotonic() + 60) as session:
        request_survey(session, notebook(cell))
        assert session.request("run", 0) is None
        session.allow(20, "an answer")
        ((_, keep),) = session.request("answers", "keep", [])
        assert keep(lambda x: x + 1) == 2
        session.allow(20, "another answer")
        ((_, use),) = session.request("answers", "use", [])
        with pytest.raises(AnswerError):
            use(lambda x: x + 2)


def request_survey(session, content):
    session.allow(60, "the notebook")
    return session.request("survey", np.frombuffer(content.encode(), np.uint8), "", [])
