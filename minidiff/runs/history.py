"""history.csv: one row per epoch, for people, charts and the report; a run resumes without it.

The file may have been saved by a spreadsheet: with a byte-order mark, with semicolons or tabs between cells and commas
in numbers, or with its rows in another order. Rows that cannot be read, for instance because a cell was deleted, are
left out with a warning.
"""

import csv
import logging
import math
from collections.abc import Sequence
from pathlib import Path

from minidiff.atomic import write_text, write_whole
from minidiff.regular import read_text
from minidiff.runs.compatibility import current_names
from minidiff.text import clean_all

logger = logging.getLogger(__name__)

COLUMNS = (  # of every row; further ones may follow
    "epoch", "step", "loss", "seconds", "images_per_second", "learning_rate", "gradient_norm", "update_ratio",
)  # fmt: skip
NEEDED = COLUMNS[:3]
COUNTS = ("epoch", "step")
LOSSES = ("loss", "held_out_loss", "loss_quarter_1", "loss_quarter_2", "loss_quarter_3", "loss_quarter_4")
LARGEST_FILE = 2**24  # bytes
UNREADABLE = ".unreadable"


def read_history(file: Path, keep: bool = False) -> list[dict[str, float]]:
    """The rows of a history.csv by epoch, column -> value, with all COLUMNS; NaN where there is no value.

    "epoch", "step" and "loss" always have one; rows without are left out with a warning. A missing file has no rows.
    With `keep`, a copy of a file that cannot be read completely is kept beside it, because it will be written again.
    """
    if not file.is_file():
        return []
    cells, problem = [], ""
    try:
        cells = read_cells(read_text(file, LARGEST_FILE))
    except (OSError, ValueError, csv.Error) as error:
        problem = f"it cannot be read: {getattr(error, 'strerror', None) or error}"
    rows = {row["epoch"]: row for row in map(convert_row, cells) if row}
    if len(rows) < len(cells):
        problem = f"{len(cells) - len(rows)} of {len(cells)} rows cannot be read"
    if problem:
        copy = file.with_name(file.name + UNREADABLE)
        if keep:
            write_whole(copy, lambda target: target.write(file.read_bytes()))
        logger.warning("%s: %s; going on without%s", file, problem, f", and kept as {copy.name}" if keep else "")
    return [rows[epoch] for epoch in sorted(rows)]


def read_cells(text: str) -> list[dict[str, str]]:
    """The rows of a table, column -> text, with a point in each number."""
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    if delimiter != ",":  # then a comma stands for the decimal point
        text = text.replace(",", ".")
    table = csv.DictReader(text.splitlines(), delimiter=delimiter, restkey="", restval="")
    names = current_names(dict.fromkeys(table.fieldnames or ()))
    if text and not names.keys() >= set(NEEDED):
        raise ValueError(f"its first line must name the columns {', '.join(NEEDED)}")
    return [current_names(clean_all(row)) for row in table]


def convert_row(cells: dict[str, str]) -> dict[str, float] | None:
    """A row with numbers instead of texts; None if it lacks the epoch, the step or the loss."""
    row: dict[str, float] = dict.fromkeys(COLUMNS, math.nan)
    for name, text in cells.items():
        if name in COUNTS:
            row[name] = int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else 0
        elif name:
            row[name] = to_number(text)
            if name in LOSSES and not row[name] > 0:
                row[name] = math.nan
    complete = row["epoch"] >= 1 and row["step"] >= 1 and not math.isnan(row["loss"])
    return row if complete else None


def to_number(text: str) -> float:
    """A finite number, or NaN for anything else."""
    try:
        number = float(text)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan


def write_history(file: Path, rows: Sequence[dict[str, float]]) -> None:
    """Writes a history.csv; NaN becomes an empty cell."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [",".join(columns)] if rows else []
    lines += [",".join(to_text(row.get(name, math.nan)) for name in columns) for row in rows]
    write_text(file, "".join(f"{line}\n" for line in lines))


def to_text(value: float) -> str:
    """A number as the text of a cell."""
    return "" if math.isnan(value) else str(value)
