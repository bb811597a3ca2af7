"""Notebooks of every format are read, and damaged ones are refused in one line."""

import codecs
import json

import pytest

from minidiff.errors import MinidiffError
from minidiff.exercises.grading.notebook import MOST_CELLS, read_notebook
from tests.exercises.grading.notebooks import notebook

TEXT = notebook("x = 'ü'\ny", "## Exercises", "### ex05_1: one", "a", "b", "### ex05_2: two", "c", "## More", "d")
CELLS = [
    ("x = 'ü'\ny", False, ""), ("a", True, "ex05_1"), ("b", True, "ex05_1"), ("c", True, "ex05_2"), ("d", False, ""),
]  # fmt: skip


def cells(content):
    return [(cell.source, cell.in_exercises, cell.exercise) for cell in read_notebook(content).cells]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_encodings(encoding):
    assert cells(TEXT.encode(encoding)) == CELLS
    assert TEXT.encode("utf-8-sig").startswith(codecs.BOM_UTF8)


def test_nbformat_3_has_worksheets_inputs_and_headings():
    old = []
    for cell in json.loads(TEXT)["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code":
            old.append({"cell_type": "code", "input": source, "language": "python"})
        else:
            marks, _, title = source.partition(" ")
            old.append({"cell_type": "heading", "level": len(marks), "source": title})
    assert cells(json.dumps({"nbformat": 3, "worksheets": [{"cells": old[:2]}, {"cells": old[2:]}]}).encode()) == CELLS


def test_later_versions_and_damaged_cells_do_not_matter():
    found = json.loads(TEXT)
    found["nbformat"] = 9
    found["cells"] += [1, None, {}, {"cell_type": "code"}, {"cell_type": "code", "source": 3}, {"cell_type": "raw"}]
    assert cells(json.dumps(found).encode())[:5] == CELLS


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"3", b"{}", b'{"cells": []}', b'{"cells": [1]}', b'{"cells": 1, "worksheets": [1]}',
     b"\xff\xfe\xff", b"[" * 100_000, b'{"worksheets": {"cells": 1}}'],
)  # fmt: skip
def test_files_that_are_not_notebooks(content):
    with pytest.raises(MinidiffError, match=r"^not a notebook.*; save it again$"):
        read_notebook(content)


def test_too_many_cells():
    cell = '{"cell_type":"code","source":""},'
    with pytest.raises(MinidiffError, match="10,000 are allowed"):
        read_notebook(f'{{"cells": [{cell * MOST_CELLS}{cell[:-1]}]}}'.encode())


def test_headings_of_other_spelling():
    assert cells(notebook("#Exercises:", "a").encode())[-1] != ("a", True, "")
    assert cells(notebook("# EXERCISES", "a").encode()) == [("a", True, "")]
