"""Reads `questions.md`, which contains all questions and programming exercises.

`## name` begins an entry. The beginning of a line shows what it is: three backticks a program, `- [x]` an answer, a
hyphen after two spaces why the answer is right or wrong, `1.` a step of the explanation, and `Hint:`, `Mistake:`,
`Module:` or `Tutorial:`. Any other line continues the line above it, unless a blank line is between them.
"""

import re
from pathlib import Path

from minidiff.quiz.question import Choice, Practice, Question

FILE = Path(__file__).with_name("questions.md")
PROGRAM = re.compile(r"^```python(.*)\n((?:.*\n)*?)^```$", re.MULTILINE)
FIELD = re.compile(r"(Hint|Mistake|Module|Tutorial): ")
LINE_START = re.compile(rf"- \[[ x]\] |  - |\d+\. |{FIELD.pattern}")


def read(text: str | None = None) -> tuple[tuple[Question, ...], tuple[Practice, ...]]:
    """All questions and exercises of a text, by default of `questions.md`; ValueError if one is incomplete."""
    text = FILE.read_text(encoding="utf-8") if text is None else text
    entries = []
    for entry in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        name, body = entry.split("\n", 1)
        try:
            entries.append(read_entry(name.strip(), body))
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(f"the entry {name!r} is incomplete: {error!r}") from error
    questions = tuple(entry for entry in entries if isinstance(entry, Question))
    return questions, tuple(entry for entry in entries if isinstance(entry, Practice))


def read_entry(name: str, body: str) -> Question | Practice:
    """A `Practice` if the entry has a program named "solution", else a `Question`."""
    programs = {kind.strip(): program for kind, program in PROGRAM.findall(body)}
    texts, choices, reasons, steps, fields, mistakes = [], [], [], [], {}, []
    for line in join_lines(PROGRAM.sub("", body)):
        if line.startswith("- ["):
            choices.append((line[6:], line[3] == "x"))
        elif line.startswith("  - "):
            reasons.append(line[4:])
        elif re.match(r"\d+\. ", line):
            steps.append(line.split(" ", 1)[1])
        elif line.startswith("Mistake: "):
            mistakes.append(line.removeprefix("Mistake: "))
        elif FIELD.match(line):
            field, value = line.split(": ", 1)
            fields[field.lower()] = value
        else:
            texts.append(line)
    level, topic = texts[0].split(", ")
    common = {"name": name, "level": level, "topic": topic, "text": "\n\n".join(texts[1:])}
    common |= {field: fields[field] for field in ("hint", "module", "tutorial")}
    if "solution" in programs:
        code = {"starting_code": programs["start"], "solution": programs["solution"], "check": programs["check"]}
        return Practice(**code, **common)
    return Question(
        choices=tuple(Choice(text, right, why) for (text, right), why in zip(choices, reasons, strict=True)),
        explanation=tuple(steps),
        mistakes=tuple(mistakes),
        code=programs.get(""),
        **common,
    )


def join_lines(text: str) -> list[str]:
    """The lines of a text, with continuation lines joined to the line above."""
    lines: list[str] = []
    after_blank = True
    for line in text.splitlines():
        if not line.strip():
            after_blank = True
        elif after_blank or LINE_START.match(line):
            lines.append(line.rstrip())
            after_blank = False
        else:
            lines[-1] += " " + line.strip()
    return lines
