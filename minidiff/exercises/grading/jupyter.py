"""Cells of Jupyter as plain Python: magics (%time), shell commands (!ls) and help (f?) are left out.

Only lines that Python cannot parse are replaced, so a line of an expression may begin with % or !=.
"""

import ast
import re
import textwrap

PYTHON_MAGICS = ("%%time", "%%timeit", "%%capture", "%%prun")  # the rest of their cells is Python
STATEMENT_MAGIC = re.compile(r"%(?:time|prun)\b\s*(.*)")  # what follows is run
MAGIC = re.compile(r"(\s*)([%!?].*)")
ASSIGNED = re.compile(r"(\s*[\w., ]+?=\s*)([%!].*)")  # x = %time f(), files = !ls
HELP = re.compile(r"(\s*).*\?\s*")
TAB = 4  # spaces


def plain_python(source: str) -> str:
    """The source of a cell in plain Python, line by line; empty if its magic (%%bash) makes it something else."""
    lines = re.split(r"\r\n|\r|\n", source)
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    if lines[first].startswith("%%"):
        if lines[first].split()[0] not in PYTHON_MAGICS:
            return ""
        lines[first] = ""
    replaced: set[int] = set()
    while True:
        text = "\n".join(lines)
        try:
            ast.parse(text)
            return text
        except TabError:
            lines = text.expandtabs(TAB).split("\n")
            if "\n".join(lines) == text:
                return text
        except SyntaxError as error:
            number = (error.lineno or 0) - 1
            if isinstance(error, IndentationError) and textwrap.dedent(text) != text:
                lines = textwrap.dedent(text).split("\n")
            elif 0 <= number < len(lines) and _replace(lines, number, number in replaced):
                replaced.add(number)
            else:
                return text
        except (ValueError, RecursionError, MemoryError):  # null characters, deep nesting
            return text


def _replace(lines: list[str], number: int, again: bool) -> bool:
    """Replaces a line of Jupyter's own syntax by a line of Python; False if it is none."""
    line = lines[number]
    if again and line.strip() != "pass":  # the statement of a magic is not Python either
        lines[number] = re.sub(r"\S.*", "pass", line)
        return True
    if match := ASSIGNED.fullmatch(line):
        start, magic = match.groups()
        statement = STATEMENT_MAGIC.fullmatch(magic)
        lines[number] = start + (statement[1] if statement else "[]" if magic.startswith("!") else "None")
    elif match := MAGIC.fullmatch(line):
        start, magic = match.groups()
        statement = STATEMENT_MAGIC.fullmatch(magic)
        lines[number] = start + (statement[1] if statement and statement[1] else "pass")
    elif match := HELP.fullmatch(line):
        lines[number] = match[1] + "pass"
    else:
        return False
    while line.endswith("\\") and number + 1 < len(lines):  # a command on several lines
        number += 1
        line, lines[number] = lines[number], ""
    return True
