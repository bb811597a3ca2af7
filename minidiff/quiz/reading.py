"""Reads `questions.md`, where all questions and practice tasks are written down the way a person would write them.

`## name` begins an entry. In it, a line says by its beginning what it is: ``` a program, `- [x]` an answer, `  - ` why
it is right or tempts, `1.` a step of the explanation, and `Hint:`, `Mistake:`, `Module:`, `Tutorial:` what they say.
A line that begins with none of these goes on with the line before, unless a blank line lies between.
"""

import re
from pathlib import Path

from minidiff.quiz.question import Choice, Practice, Question

FILE = Path(__file__).with_name("questions.md")
PROGRAM = re.compile(r"^```python(.*)\n((?:.*\n)*?)^```$", re.MULTILINE)
NAMED = re.compile(r"(Hint|Mistake|Module|Tutorial): ")
BEGINNING = re.compile(rf"- \[[ x]\] |  - |\d+\. |{NAMED.pattern}")


def read(text=None):
    """All questions and practice tasks, in their order.

    Args:
        text: what to read; `questions.md` if not given.

    Returns:
        Tuple of `Question`s, tuple of `Practice`s.

    Raises:
        ValueError: an entry that is not whole.
    """
    text = FILE.read_text(encoding="utf-8") if text is None else text
    questions, practice = [], []
    for entry in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        name, body = entry.split("\n", 1)
        try:
            found = read_entry(name.strip(), body)
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(f"the question {name!r} is not whole: {error!r}") from error
        (practice if isinstance(found, Practice) else questions).append(found)
    return tuple(questions), tuple(practice)


def read_entry(name, body):
    """A `Question`, or a `Practice` if there is a program called "solution"."""
    programs = {kind.strip(): program for kind, program in PROGRAM.findall(body)}
    texts, choices, steps, named = [], [], [], {"Mistake": []}
    for line in whole_lines(PROGRAM.sub("", body)):
        if line.startswith("- ["):
            choices.append([line[6:], line[3] == "x"])
        elif line.startswith("  - "):
            choices[-1].append(line[4:])
        elif re.match(r"\d+\. ", line):
            steps.append(line.split(" ", 1)[1])
        elif NAMED.match(line):
            kind, value = line.split(": ", 1)
            if kind == "Mistake":
                named[kind].append(value)
            else:
                named[kind] = value
        else:
            texts.append(line)
    level, topic = texts[0].split(", ")
    shared = {"name": name, "level": level, "topic": topic, "text": "\n\n".join(texts[1:]), "hint": named["Hint"]}
    shared |= {"module": named["Module"], "tutorial": named["Tutorial"]}
    if "solution" in programs:
        return Practice(
            starting_code=programs["start"], solution=programs["solution"], check=programs["check"], **shared
        )
    return Question(
        choices=tuple(Choice(text, right, why) for text, right, why in choices), explanation=tuple(steps),
        mistakes=tuple(named["Mistake"]), code=programs.get(""), **shared,
    )  # fmt: skip


def whole_lines(text):
    """The lines of a text, those put together that were only broken to fit the page."""
    lines, fresh = [], True
    for line in text.splitlines():
        if not line.strip():
            fresh = True
        elif fresh or BEGINNING.match(line):
            lines.append(line.rstrip())
            fresh = False
        else:
            lines[-1] += " " + line.strip()
    return lines
