"""The notebooks, without running them: links, outputs that belong to the code, and the start of the exercises.

`python tutorials/execute.py --check` runs them.
"""

import ast
import importlib.util
import json
import re
from pathlib import Path

import pytest

from minidiff.exercises.checking import exercises
from minidiff.exercises.course import NOTEBOOKS
from minidiff.exercises.grading.grade import grade_notebook
from minidiff.exercises.grading.notebook import read_notebook
from minidiff.exercises.grading.session import Limits

ROOT = Path(__file__).parents[1]
TUTORIALS = ROOT / "tutorials"
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
READ_MORE = re.compile(r"Read more: `tutorials/(\w+)\.ipynb`")
PAGES = [
    TUTORIALS / "README.md",
    TUTORIALS / "speed.md",
    TUTORIALS / "ablation.md",
    TUTORIALS / "measures.md",
    TUTORIALS / "teaching.md",
    TUTORIALS / "models.md",
    TUTORIALS / "cluster.md",
    TUTORIALS / "results.md",
    TUTORIALS / "using.md",
    ROOT / "README.md",
]

specification = importlib.util.spec_from_file_location("execute", TUTORIALS / "execute.py")
execute = importlib.util.module_from_spec(specification)
specification.loader.exec_module(execute)

every_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.name)


def stored(notebook):
    return json.loads((TUTORIALS / f"{notebook.name}.ipynb").read_text(encoding="utf-8"))


def texts(notebook):
    return ["".join(cell["source"]) for cell in stored(notebook)["cells"] if cell["cell_type"] == "markdown"]


def links_of_modules():
    """Pairs (notebook's name, file) of all modules whose docstring ends with a link to a notebook."""
    found = []
    for path in sorted((ROOT / "minidiff").rglob("*.py")):
        docstring = " ".join((ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split())
        if not path.is_relative_to(ROOT / "minidiff" / "exercises"):
            found += [(name, path.relative_to(ROOT).as_posix()) for name in READ_MORE.findall(docstring)]
    return found


def test_every_module_of_the_course_links_to_its_notebook():
    found = links_of_modules()
    assert len(found) == len(set(found)) >= 25
    assert {name for name, _ in found} == {notebook.name for notebook in NOTEBOOKS}


@pytest.mark.parametrize(("name", "file"), links_of_modules())
def test_notebooks_link_back_to_their_modules(name, file):
    docstring = ast.get_docstring(ast.parse((ROOT / file).read_text(encoding="utf-8")))
    assert docstring.split("\n\n")[-1].startswith("Read more: ")
    (notebook,) = (notebook for notebook in NOTEBOOKS if notebook.name == name)
    assert f"](../{file})" in texts(notebook)[0]


@every_notebook
def test_a_notebook_has_all_parts(notebook):
    first, *rest = texts(notebook)
    assert first.startswith(f"# {notebook.name[:2]} {notebook.title}\n")
    for part in ("**You will be able to**", "**You need**", "**Time**"):
        assert part in first
    for heading in ("## Exercises", "## What was shown", "## Where to go next"):
        assert sum(bool(re.search(rf"^{heading}$", text, re.MULTILINE)) for text in rest) == 1
    code = ["".join(cell["source"]) for cell in stored(notebook)["cells"] if cell["cell_type"] == "code"]
    assert any(re.search(r"\bshow\(", cell) for cell in code)
    assert "assert " in code[-1]


@every_notebook
def test_a_self_test_has_three_questions_with_folded_answers(notebook):
    last = texts(notebook)[-1]
    questions, answers = last.removesuffix("\n\n</details>").split("\n\n<details><summary>Answers</summary>\n\n")
    assert questions.startswith("## Self-test\n")
    for numbered in (questions, answers):
        assert re.findall(r"^(\d)\. ", numbered, re.MULTILINE) == ["1", "2", "3"]


@pytest.mark.parametrize("page", [*NOTEBOOKS, *PAGES], ids=lambda page: page.name)
def test_link_targets_exist(page):
    text = page.read_text(encoding="utf-8") if isinstance(page, Path) else "\n".join(texts(page))
    folder = page.parent if isinstance(page, Path) else TUTORIALS
    for link in LINK.findall(text):
        if not re.match(r"https?://", link):
            assert (folder / link).exists(), link


@every_notebook
def test_outputs_belong_to_the_code_and_show_the_current_source(notebook):
    assert execute.problems_of(stored(notebook)) == []
    assert (TUTORIALS / f"{notebook.name}.ipynb").stat().st_size <= execute.LARGEST_FILE


@every_notebook
def test_exercises_have_a_start_that_runs_and_is_wrong(notebook):
    own = exercises(notebook.prefix)
    assert 3 <= len(own) <= 6
    content = (TUTORIALS / f"{notebook.name}.ipynb").read_bytes()
    cells = [cell for cell in read_notebook(content).cells if cell.in_exercises]
    headings = "\n".join(texts(notebook))
    for exercise in own:
        points = f"{exercise.points} point{'s' if exercise.points > 1 else ''}"
        assert f"### {exercise.name}: {exercise.title} ({points})\n" in headings
        assert sum(f'check("{exercise.name}", {exercise.answer})' in cell.source for cell in cells) == 1
    for name, result in grade_notebook(content, own, Limits(), starts={}).items():
        assert result.outcome == "wrong", f"{name}: {result}"


def test_the_readme_has_a_row_for_each_notebook():
    page = (TUTORIALS / "README.md").read_text(encoding="utf-8")
    for notebook in NOTEBOOKS:
        assert f"[{notebook.name[:2]} {notebook.title}]({notebook.name}.ipynb)" in page
    assert "(speed.md)" in page
    assert "(ablation.md)" in page
    assert "(measures.md)" in page
    assert "(teaching.md)" in page
    assert "(cluster.md)" in page


def test_every_notebook_is_in_the_table():
    assert {path.stem for path in TUTORIALS.glob("*.ipynb")} <= {notebook.name for notebook in NOTEBOOKS}


def a_notebook():
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": ["3\n"]},
        {
            "output_type": "display_data",
            "data": {
                "text/plain": "# minidiff/schedule.py: TARGETS\n" + execute.source_of("minidiff.schedule.TARGETS")
            },
            "metadata": {"minidiff": {"source": "minidiff.schedule.TARGETS", "docstring": True}},
        },
    ]
    code = {"cell_type": "code", "source": ["print(3)"], "outputs": outputs, "metadata": {"tags": []}, "id": "random"}
    notebook = {"cells": [{"cell_type": "markdown", "source": "# Title", "metadata": {}}, code], "metadata": {"x": 1}}
    execute.tidy(notebook)
    return notebook


def test_a_tidy_notebook_has_no_problems():
    notebook = a_notebook()
    assert execute.problems_of(notebook) == []
    assert execute.differences(notebook, a_notebook()) == []
    assert [cell["id"] for cell in notebook["cells"]] == ["cell-0", "cell-1"]
    assert "x" not in notebook["metadata"]


def test_changed_code_is_found_and_changed_text_is_not():
    notebook = a_notebook()
    notebook["cells"][0]["source"] = "# Another title"
    assert execute.problems_of(notebook) == []
    notebook["cells"][1]["source"] = "print(4)"
    assert "older than its code" in execute.problems_of(notebook)[0]
    del notebook["metadata"]["minidiff"]
    assert "missing" in execute.problems_of(notebook)[0]


@pytest.mark.parametrize("name", ["minidiff.schedule.TARGETS", "minidiff.schedule.GONE"])
def test_a_changed_or_removed_source_is_found(name):
    notebook = a_notebook()
    output = notebook["cells"][1]["outputs"][1]
    output["metadata"]["minidiff"]["source"] = name
    output["data"]["text/plain"] = "# minidiff/schedule.py: TARGETS\nTARGETS = ()"
    assert f"shows {name}, which has changed" in execute.problems_of(notebook)[0]


def test_a_source_that_only_moved_is_no_problem():
    notebook = a_notebook()
    data = notebook["cells"][1]["outputs"][1]["data"]
    data["text/plain"] = data["text/plain"].replace("# minidiff/schedule.py: TARGETS", "# minidiff/schedule.py, line 7")
    assert execute.problems_of(notebook) == []


def test_stored_errors_and_warnings_are_found():
    notebook = a_notebook()
    outputs = notebook["cells"][1]["outputs"]
    outputs.append({"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": []})
    outputs.append({"output_type": "stream", "name": "stderr", "text": "Warning: beware\n"})
    found = "\n".join(execute.problems_of(notebook))
    assert "ValueError: no" in found
    assert "beware" in found


def test_a_missing_output_is_found():
    notebook = a_notebook()
    del notebook["cells"][1]["outputs"][0]
    assert "print" in execute.differences(notebook, a_notebook())[0]
    notebook["cells"][1]["outputs"] = []
    assert "nothing" in execute.differences(notebook, a_notebook())[0]


@pytest.mark.parametrize(("source", "expected"), [("print(3)", 0), ('minidiff("train --help")', 1)])
def test_a_changed_help_text_is_found_and_changed_results_are_not(source, expected):
    notebook, fresh = a_notebook(), a_notebook()
    notebook["cells"][1]["source"] = fresh["cells"][1]["source"] = [source]
    assert execute.differences(notebook, fresh) == []
    fresh["cells"][1]["outputs"][0]["text"] = ["4\n"]
    assert len(execute.differences(notebook, fresh)) == expected


@every_notebook
def test_code_fits_the_width_of_a_cell(notebook):
    cells = stored(notebook)["cells"]
    lines = [line for cell in cells if cell["cell_type"] == "code" for line in "".join(cell["source"]).splitlines()]
    assert [line for line in lines if len(line) > 100] == []
