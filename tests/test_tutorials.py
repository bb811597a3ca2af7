"""The notebooks, without running them: links both ways, outputs that belong to the code, exercises as handed out.

That their code still runs is what `python tutorials/execute.py --check` finds out.
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
from minidiff.exercises.grading.hand_in import read_cells

ROOT = Path(__file__).parents[1]
TUTORIALS = ROOT / "tutorials"
MODULES = [pytest.param(notebook, file, id=file) for notebook in NOTEBOOKS for file in notebook.modules]
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
PAGES = [TUTORIALS / "README.md", TUTORIALS / "speed.md", TUTORIALS / "ablation.md", ROOT / "README.md"]

specification = importlib.util.spec_from_file_location("execute", TUTORIALS / "execute.py")
execute = importlib.util.module_from_spec(specification)
specification.loader.exec_module(execute)

every_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.name)


def stored(notebook):
    return json.loads((TUTORIALS / f"{notebook.name}.ipynb").read_text(encoding="utf-8"))


def texts(notebook):
    return ["".join(cell["source"]) for cell in stored(notebook)["cells"] if cell["cell_type"] == "markdown"]


@pytest.mark.parametrize(("notebook", "file"), MODULES)
def test_modules_link_to_their_notebook(notebook, file):
    docstring = ast.get_docstring(ast.parse((ROOT / file).read_text(encoding="utf-8")))
    assert " ".join(docstring.split()).count(notebook.link) == 1
    assert docstring.split("\n\n")[-1].startswith("Read more: ")
    assert (TUTORIALS / f"{notebook.name}.ipynb").is_file()


@pytest.mark.parametrize(("notebook", "file"), MODULES)
def test_notebooks_link_to_their_modules(notebook, file):
    assert f"](../{file})" in texts(notebook)[0]


def test_no_module_links_to_a_notebook_that_does_not_know_it():
    expected = {(file, notebook.link) for notebook in NOTEBOOKS for file in notebook.modules}
    found = set()
    for path in sorted((ROOT / "minidiff").rglob("*.py")):
        file = path.relative_to(ROOT).as_posix()
        if not file.startswith("minidiff/exercises/"):
            links = re.findall(r"Read more: `tutorials/\w+\.ipynb`", path.read_text(encoding="utf-8"))
            found |= {(file, link) for link in links}
    assert found == expected


@every_notebook
def test_a_notebook_has_the_parts_that_all_have(notebook):
    first, *rest = texts(notebook)
    assert first.startswith(f"# {notebook.name[:2]} {notebook.title}\n")
    for part in ("**You will**", "**You learn**", "**You need**", "**Time**"):
        assert part in first
    for heading in ("## Exercises", "## What was shown", "## Where to go next"):
        assert sum(bool(re.search(rf"^{heading}$", text, re.MULTILINE)) for text in rest) == 1
    code = ["".join(cell["source"]) for cell in stored(notebook)["cells"] if cell["cell_type"] == "code"]
    assert any(re.search(r"\bshow\(", cell) for cell in code)
    assert "assert " in code[-1]


@pytest.mark.parametrize("page", [*NOTEBOOKS, *PAGES], ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8") if isinstance(page, Path) else "\n".join(texts(page))
    folder = page.parent if isinstance(page, Path) else TUTORIALS
    for link in LINK.findall(text):
        if not re.match(r"https?://", link):
            assert (folder / link).exists(), link


@every_notebook
def test_outputs_belong_to_the_code_and_show_todays_source(notebook):
    assert execute.problems_of(stored(notebook)) == []
    assert (TUTORIALS / f"{notebook.name}.ipynb").stat().st_size <= execute.LARGEST_FILE


@every_notebook
def test_exercises_are_handed_out_with_a_start_that_runs_and_is_wrong(notebook):
    own = exercises(notebook.prefix)
    assert 3 <= len(own) <= 6
    cells = [cell for cell in read_cells(TUTORIALS / f"{notebook.name}.ipynb") if cell.in_exercises]
    for exercise in own:
        assert sum(f'check("{exercise.name}", {exercise.answer})' in cell.source for cell in cells) == 1
    for name, result in grade_notebook(cells, own, 60).items():
        assert result.outcome == "wrong", f"{name}: {result}"


def test_the_readme_has_a_row_for_each_notebook():
    page = (TUTORIALS / "README.md").read_text(encoding="utf-8")
    for notebook in NOTEBOOKS:
        assert f"[{notebook.name[:2]} {notebook.title}]({notebook.name}.ipynb)" in page
    assert "(speed.md)" in page
    assert "(ablation.md)" in page


def test_no_notebook_is_outside_of_the_table():
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


def test_a_tidy_notebook_is_well():
    notebook = a_notebook()
    assert execute.problems_of(notebook) == []
    assert execute.differences(notebook, a_notebook()) == []
    assert [cell["id"] for cell in notebook["cells"]] == ["cell-0", "cell-1"]
    assert "x" not in notebook["metadata"]


def test_code_that_changed_is_found_and_text_that_changed_is_not():
    notebook = a_notebook()
    notebook["cells"][0]["source"] = "# Another title"
    assert execute.problems_of(notebook) == []
    notebook["cells"][1]["source"] = "print(4)"
    assert "older than its code" in execute.problems_of(notebook)[0]
    del notebook["metadata"]["minidiff"]
    assert "missing" in execute.problems_of(notebook)[0]


@pytest.mark.parametrize("name", ["minidiff.schedule.TARGETS", "minidiff.schedule.GONE"])
def test_a_source_that_changed_or_went_is_found(name):
    notebook = a_notebook()
    output = notebook["cells"][1]["outputs"][1]
    output["metadata"]["minidiff"]["source"] = name
    output["data"]["text/plain"] = "# minidiff/schedule.py: TARGETS\nTARGETS = ()"
    assert f"shows {name}, which has changed" in execute.problems_of(notebook)[0]


def test_a_source_that_only_moved_is_well():
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


def test_an_output_that_is_not_stored_is_found():
    notebook = a_notebook()
    del notebook["cells"][1]["outputs"][0]
    assert "print" in execute.differences(notebook, a_notebook())[0]
    notebook["cells"][1]["outputs"] = []
    assert "nothing" in execute.differences(notebook, a_notebook())[0]


@pytest.mark.parametrize(("source", "expected"), [("print(3)", 0), ('minidiff("train --help")', 1)])
def test_another_help_text_is_found_and_other_numbers_are_not(source, expected):
    notebook, fresh = a_notebook(), a_notebook()
    notebook["cells"][1]["source"] = fresh["cells"][1]["source"] = [source]
    assert execute.differences(notebook, fresh) == []
    fresh["cells"][1]["outputs"][0]["text"] = ["4\n"]
    assert len(execute.differences(notebook, fresh)) == expected


@every_notebook
def test_code_is_no_wider_than_a_cell(notebook):
    cells = stored(notebook)["cells"]
    lines = [line for cell in cells if cell["cell_type"] == "code" for line in "".join(cell["source"]).splitlines()]
    assert [line for line in lines if len(line) > 100] == []
