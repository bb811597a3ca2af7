"""One language: the bold words of the glossary in CONTRIBUTING.md occur in no source, notebook, page or file name.

Lines are joined before the search, so that a line break hides nothing. `EXCEPTIONS` lists where they are allowed.
"""

import bisect
import json
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

BANNED = (
    r"picture",
    r"number of numbers",
    r"(?<!standard[ _-])deviation",
    r"gradients? by\b(?! hand)",
    r"drown",
    r"\bis asked\b",
    r"steered by",
    r"steering",
    r"read upwards",
    r"(?<![a-z])twins?(?![a-z])",
    r"number by number",
    r"not by a bit",
    r"to the bit\b",
    r"\bby lot\b",
    r"optimis(?!t|m)",
    r"initialis",
    r"normalis",
    r"vectoris",
    r"colour",
    r"grey",
    r"centre",
    r"neighbour",
    r"learnt",
    r"licence",
)
PATTERN = re.compile("|".join(BANNED), re.IGNORECASE)

EXCEPTIONS = (  # file, what the line with the word contains ("" for any line), reason
    ("tests/test_language.py", "", "searches for them"),
    ("CONTRIBUTING.md", "", "the glossary lists them"),
    ("CHANGELOG.md", "", "lists the old names beside the new ones"),
    ("minidiff/runs/compatibility.py", "", "translates the names in files of version 0.1.0"),
    ("tests/runs/test_compatibility.py", "", "tests that translation"),
    ("minidiff/data/readers/saved.py", '"licence": "license"', "translates a name in files of version 0.1.0"),
    ("minidiff/exercises/*ex09_sampling.py", "deviation_after_one_step", "answers of students keep their names"),
    ("tutorials/09_sampling.ipynb", "deviation_after_one_step", "answers of students keep their names"),
    ("minidiff/exercises/solutions/ex04_points.py", "deviation", "so do their arguments"),
    ("tutorials/04_points.ipynb", "lowest_loss(signal, noise, deviation)", "so do their arguments"),
)

COMMENT_MARKS = re.compile(r"^(?:#+|//+|\*+|>+)\s+")
STRING_ENDS = re.compile(r"^[rbf]?[\"']|[\"']$")  # of a string that continues on the next line


def texts(path: Path) -> Iterator[tuple[str, str]]:
    """The texts of a file, each with its place: a notebook has one for each source and each stored output."""
    name = path.relative_to(ROOT).as_posix()
    yield f"{name} (its name)", name
    content = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        yield name, content
        return
    for number, cell in enumerate(json.loads(content)["cells"]):
        yield f"{name}, cell {number}", "".join(cell["source"])
        for output in cell.get("outputs", []):
            data = {kind: text for kind, text in output.get("data", {}).items() if kind.startswith("text/")}
            for text in (output.get("text", ""), output.get("evalue", ""), *data.values()):
                yield f"{name}, output of cell {number}", "".join(text)


def search(text: str) -> Iterator[tuple[int, str, str]]:
    """The banned words in a text: line number, word, and the line on which the word begins."""
    lines = text.splitlines()
    pieces = [STRING_ENDS.sub("", COMMENT_MARKS.sub("", line.strip())).strip() for line in lines]
    begins = [0]
    for piece in pieces:
        begins.append(begins[-1] + len(piece) + 1)
    for match in PATTERN.finditer(" ".join(pieces)):
        number = bisect.bisect_right(begins, match.start())
        yield number, match.group().lower(), lines[number - 1].strip()


def files() -> list[Path]:
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", ROOT / "minidiff/quiz/questions.md"]
    for folder, suffixes in (("minidiff", ".py .js .css"), ("tests", ".py"), ("tutorials", ".py .ipynb .md")):
        found += [path for suffix in suffixes.split() for path in sorted((ROOT / folder).rglob(f"*{suffix}"))]
    return found


def found_in(path: Path) -> Iterator[tuple[str, int, str, str]]:
    """The banned words in a file: place, line number, word, and line."""
    for place, text in texts(path):
        for number, word, line in search(text):
            yield place, number, word, line


def exceptions_for(path: Path, line: str) -> set[str]:
    """The files of the exceptions that allow a banned word on a line."""
    name = path.relative_to(ROOT).as_posix()
    return {file for file, context, _ in EXCEPTIONS if fnmatch(name, file) and context in line}


def test_banned_words_occur_nowhere():
    found = [
        f"{place}:{number}: {word!r} in: {line[:160]}"
        for path in files()
        for place, number, word, line in found_in(path)
        if not exceptions_for(path, line)
    ]
    assert not found, f"{len(found)} banned words:\n" + "\n".join(found)


def test_every_exception_is_needed():
    assert len(EXCEPTIONS) <= 20
    used = [exceptions_for(path, line) for path in files() for *_, line in found_in(path)]
    assert set().union(*used) == {file for file, _, _ in EXCEPTIONS}


def test_every_bold_word_of_the_glossary_is_banned():
    glossary = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("| write | not |")[2]
    bold = [word for group in re.findall(r"\*\*(.+?)\*\*", glossary) for word in group.split(", ")]
    assert len(bold) > 20
    assert [word for word in bold if not PATTERN.search(word)] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the std is a\ndeviation", [(2, "deviation")]),
        ("# the standard\n# deviation of x", []),
        ('say("the standard "\n    "deviation")', []),
        ('say("the gradient "\n    f"by x")', [(1, "gradient by")]),
        ("every gradient by hand", []),
        ("def plain_twin(): show_pictures()", [(1, "twin"), (1, "picture")]),
        ("a\n\nnumber of\n  numbers", [(3, "number of numbers")]),
        ("an optimistic twinkle between standard_deviation and Standard deviations", []),
    ],
)
def test_the_search_joins_lines_and_keeps_line_numbers(text, expected):
    assert [(number, word) for number, word, _ in search(text)] == expected
