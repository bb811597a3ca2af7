"""Finds the answers in a notebook and the cells that they need, before anything is run.

Students rename files and functions, delete checks and headings, and leave cells as they were. An answer is found by its
name or by its check; if there is neither, by the heading above it, or by a name that is nearly right.
"""

import ast
import copy
import difflib
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from minidiff.exercises.course import NOTEBOOKS
from minidiff.exercises.grading.jupyter import plain_python
from minidiff.exercises.grading.names import EVERYTHING, Names, names_of
from minidiff.exercises.grading.notebook import Cell, Notebook

EXERCISE = re.compile(r"\b(ex\d\d)_\d+\b")
SIMILAR = 0.8  # of a name with a typing error and the right one, in [0, 1]


@dataclass(frozen=True)
class Sought:
    """An exercise as the process of a hand-in knows it: its name, the name of its answer, and the notebook's start."""

    name: str
    answer: str
    start: str


@dataclass(frozen=True)
class Found:
    """What a notebook contains for an exercise.

    Attributes:
        state: "answered", "renamed" (something may be the answer, under another name), "unanswered" (as the notebook
            starts) or "missing".
        names: the name of the answer, or those that may be its.
        cells: numbers of its cells.
    """

    state: str
    names: list[str]
    cells: list[int]


@dataclass(frozen=True)
class Survey:
    """The exercises of a notebook, the cells to run for them, and all cells of code."""

    by_exercise: dict[str, Found]
    run: list[int]
    all: list[int]


def survey(notebook: Notebook, stem: str, sought: list[Sought]) -> Survey:
    """Surveys a notebook; `stem` is the name of its file, which counts if nothing in it says which notebook it is."""
    names = [names_of(plain_python(cell.source)) for cell in notebook.cells]
    prefixes = _prefixes(notebook, stem, names, sought)
    answers = {one.answer for one in sought}
    by_exercise = {one.name: _find(one, notebook.cells, names, answers) for one in sought if one.name[:4] in prefixes}
    run = {cell.number for cell in notebook.cells if cell.in_exercises}
    run |= _with_needs({number for one in by_exercise.values() for number in one.cells}, names)
    return Survey(by_exercise, sorted(run), [cell.number for cell in notebook.cells])


def _prefixes(notebook: Notebook, stem: str, names: list[Names], sought: list[Sought]) -> set[str]:
    """The prefixes, such as "ex05", of the notebooks of the course whose exercises are in this one."""
    known = {one.name[:4] for one in sought}
    prefixes = {prefix for cell in notebook.cells for prefix in EXERCISE.findall(cell.source)}
    prefixes |= {cell.exercise[:4] for cell in notebook.cells if cell.exercise}
    if not prefixes:
        headings = {line.strip() for text in notebook.texts for line in text.splitlines() if line.startswith("#")}
        for one in NOTEBOOKS:
            if f"# {one.name[:2]} {one.title}" in headings or stem.startswith(one.name):
                prefixes.add(one.prefix)
    if not prefixes:
        defined = {name for one in names for name in one.defined}
        count = {prefix: len({one.answer for one in sought if one.name[:4] == prefix} & defined) for prefix in known}
        prefixes = {prefix for prefix in known if count[prefix] == max(count.values()) > 0}
    return prefixes & known


def _find(sought: Sought, cells: list[Cell], names: list[Names], answers: set[str]) -> Found:
    """What the cells contain for an exercise; those under the heading "Exercises" have precedence."""
    below = {cell.number for cell in cells if cell.exercise == sought.name}
    section = [cell for cell in cells if cell.in_exercises]
    defining: set[int] = set()
    mentioning: set[int] = set()
    for part in (section, cells):
        if not defining and not mentioning:
            defining = {cell.number for cell in part if sought.answer in names[cell.number].defined}
            mentioning = {cell.number for cell in part if _mentions(cell, sought, names[cell.number])}
    near = set() if defining else {cell.number for cell in section or cells}
    others = _other_names(sought, names, below, near, answers)
    statements = [one for number in sorted(defining) for one in names[number].definitions[sought.answer]]
    changed = any(not sought.start or _dump(one) != _dump(ast.parse(sought.start).body[0]) for one in statements)
    if changed:
        state, candidates = "answered", [sought.answer]
    elif others:
        state, candidates = "renamed", others
    elif any(_checks_another(sought, cells[number]) for number in mentioning):
        state, candidates = "answered", []
    else:
        state, candidates = "unanswered" if statements else "missing", []
    with_others = {number for number, one in enumerate(names) if one.defined & set(others)} if not changed else set()
    return Found(state, candidates, sorted(defining | mentioning | below | with_others))


def _mentions(cell: Cell, sought: Sought, names: Names) -> bool:
    """Whether a cell contains the name of an exercise or, if it is not Python, that of its answer."""
    words = sought.name if names.parsed else rf"{sought.name}|{sought.answer}"
    return bool(re.search(rf"\b({words})\b", cell.source))


def _checks_another(sought: Sought, cell: Cell) -> bool:
    """Whether a cell checks something else than the answer's own name, or is not Python."""
    try:
        calls = [node for node in ast.walk(ast.parse(plain_python(cell.source))) if isinstance(node, ast.Call)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True
    for call in calls:
        arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
        if any(isinstance(one, ast.Constant) and one.value == sought.name for one in arguments):
            others = [one for one in arguments if not isinstance(one, ast.Constant) or one.value != sought.name]
            return not (len(others) == 1 and isinstance(others[0], ast.Name) and others[0].id == sought.answer)
    return False


def _other_names(sought: Sought, names: list[Names], below: set[int], near: set[int], answers: set[str]) -> list[str]:
    """Names of definitions like that of the answer: those below its heading, and among those near it a similar one."""
    pattern = ast.parse(sought.start).body[0] if sought.start else None

    def like_it(numbers: Iterable[int]) -> list[str]:
        return [
            name
            for number in sorted(numbers)
            for name, statements in names[number].definitions.items()
            if name not in answers and any(_similar(one, pattern) for one in statements)
        ]

    candidates = like_it(below)[::-1]
    return [
        *candidates,
        *difflib.get_close_matches(sought.answer, set(like_it(near)) - set(candidates), n=1, cutoff=SIMILAR),
    ]


def _similar(statement: ast.stmt, start: ast.stmt | None) -> bool:
    """Whether a definition has the form of an answer: a function with as many arguments, or a value."""
    if isinstance(start, ast.FunctionDef) and isinstance(statement, ast.FunctionDef):
        return len(statement.args.args) == len(start.args.args)
    return isinstance(statement, ast.Assign) and not isinstance(start, ast.FunctionDef)


def _dump(statement: ast.stmt) -> str:
    """A statement without its layout, comments and docstring."""
    if isinstance(statement, ast.FunctionDef) and ast.get_docstring(statement) is not None and len(statement.body) > 1:
        statement = copy.copy(statement)  # the statement is the caller's
        statement.body = statement.body[1:]
    return ast.dump(statement)


def _with_needs(cells: set[int], names: list[Names]) -> set[int]:
    """Cells, and all that they need: for each name the last definition before, or else the next, and its changes."""
    defining: defaultdict[str, list[int]] = defaultdict(list)
    changing: defaultdict[str, list[int]] = defaultdict(list)
    for number, one in enumerate(names):
        for name in one.defined:
            defining[name].append(number)
        for name in one.changed:
            changing[name].append(number)
    needed_cells, todo = set(cells), list(cells)
    while todo:
        user = todo.pop()
        for name in names[user].needed:
            sources = defining.get(name) or defining[EVERYTHING]
            source = next((one for one in reversed(sources) if one < user), sources[0] if sources else user)
            added = {source, *(one for one in changing[name] if source < one < user)}
            todo += added - needed_cells
            needed_cells |= added
    return needed_cells
