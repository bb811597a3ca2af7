"""history.csv: reading back what was written, as spreadsheets save it, and damaged."""

import math

import pytest

from minidiff.errors import MinidiffError
from minidiff.runs.history import COLUMNS, read_history, write_history

ROWS = [
    dict(zip(COLUMNS, (1, 5, 0.447102, 56.35, 0.34, 0.002, 1.30023, 0.008852), strict=True)) | {"held_out_loss": 0.47},
    dict(zip(COLUMNS, (2, 10, 0.366536, 56.46, 1412.12, 1.9e-7, 1.2, math.nan), strict=True)) | {"held_out_loss": 0.44},
]  # fmt: skip


@pytest.fixture
def file(tmp_path):
    write_history(tmp_path / "history.csv", ROWS)
    return tmp_path / "history.csv"


def test_rows_are_read_back(file):
    found = read_history(file)
    assert str(found) == str(ROWS)  # as text: NaN equals NaN
    assert [type(found[0][name]) for name in COLUMNS[:3]] == [int, int, float]
    assert file.read_text().splitlines()[2] == "2,10,0.366536,56.46,1412.12,1.9e-07,1.2,,0.44"
    write_history(file, ROWS[:1])
    assert read_history(file) == ROWS[:1]
    write_history(file, [])
    assert read_history(file) == []


def test_a_column_may_begin_later(file):
    row = {name: value for name, value in ROWS[0].items() if name != "held_out_loss"}
    write_history(file, [row, ROWS[1]])
    assert math.isnan(read_history(file)[0]["held_out_loss"])
    assert read_history(file)[1]["held_out_loss"] == 0.44


WHOLE = {  # what a spreadsheet makes of the file
    "a byte-order mark": lambda text: "\ufeff" + text,
    "semicolons and commas in numbers": lambda text: text.replace(",", ";").replace(".", ","),
    "tabs": lambda text: text.replace(",", "\t"),
    "quotes": lambda text: '"' + text.strip().replace(",", '","').replace("\n", '"\n"') + '"\n',
    "line ends of Windows": lambda text: text.replace("\n", "\r\n"),
    "rows in reverse": lambda text: "\n".join([text.split("\n")[i] for i in (0, 2, 1)]),
    "empty rows": lambda text: text.replace("\n", "\n\n"),
    "a row twice": lambda text: text + text.splitlines()[2] + "\n",
}  # fmt: skip


@pytest.mark.parametrize("change", WHOLE.values(), ids=WHOLE.keys())
def test_a_file_saved_by_a_spreadsheet_is_read_as_before(file, change):
    file.write_bytes(change(file.read_text()).encode())
    assert str(read_history(file)) == str(ROWS)


def without(name):
    return lambda text: text.replace(name, "other", 1)


DAMAGED = {  # a change, the epochs that are still read, and the message
    "no header": (lambda text: text.partition("\n")[2], [], "its first line must name the columns epoch, step, loss"),
    "no step": (without("step"), [], "its first line must name the columns epoch, step, loss"),
    "UTF-16": (lambda text: text.encode("utf-16"), [], "it cannot be read: 'utf-8' codec can't decode byte"),
    "a long cell": (lambda text: text + "3," + "9" * 140_000, [], "field larger than field limit"),
    "another delimiter": (lambda text: text.replace(",", "|"), [], "its first line must name the columns"),
    "loss 0": (lambda text: text.replace("0.366536", "0"), [1], "1 of 2 rows cannot be read"),
    "loss -1": (lambda text: text.replace("0.366536", "-1"), [1], "1 of 2 rows cannot be read"),
    "loss inf": (lambda text: text.replace("0.366536", "inf"), [1], "1 of 2 rows cannot be read"),
    "loss in words": (lambda text: text.replace("0.447102", "high"), [2], "1 of 2 rows cannot be read"),
    "no loss": (lambda text: text.replace("0.447102", ""), [2], "1 of 2 rows cannot be read"),
    "half a row": (lambda text: text[: text.index("0.366536")], [1], "1 of 2 rows cannot be read"),
    "epoch 1.5": (lambda text: text.replace("\n1,", "\n1.5,"), [2], "1 of 2 rows cannot be read"),
    "epoch 10 ** 20": (lambda text: text.replace("\n1,", f"\n{10**20},"), [2], "1 of 2 rows cannot be read"),
    "thousands": (lambda text: text.replace(",10,0", ',"1,000",0'), [1], "1 of 2 rows cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "epochs", "message"), DAMAGED.values(), ids=DAMAGED.keys())
def test_what_cannot_be_read_is_said_and_left_out(file, caplog, change, epochs, message):
    changed = change(file.read_text())
    file.write_bytes(changed if isinstance(changed, bytes) else changed.encode())
    assert [row["epoch"] for row in read_history(file)] == epochs
    (warning,) = caplog.messages
    assert message in warning
    assert warning.endswith("going on without")
    assert [other.name for other in file.parent.iterdir()] == ["history.csv"]


def test_a_file_that_will_be_written_again_is_kept(file, caplog):
    damaged = file.read_text().replace("0.366536", "?").encode()
    file.write_bytes(damaged)
    assert read_history(file, keep=True)[0] == ROWS[0]
    assert file.with_name("history.csv.unreadable").read_bytes() == damaged
    assert "kept as history.csv.unreadable" in caplog.text


@pytest.mark.parametrize("name", COLUMNS[3:])
def test_other_values_may_be_missing(file, name, caplog):
    file.write_text(without(name)(file.read_text()))
    found = read_history(file)
    assert [(row["epoch"], row["loss"]) for row in found] == [(1, 0.447102), (2, 0.366536)]
    assert all(math.isnan(row[name]) for row in found)
    assert not caplog.messages


def test_values_that_are_not_finite_are_missing(file):
    file.write_text(file.read_text().replace("56.46", "1e999").replace("0.47", "-inf"))
    found = read_history(file)
    assert math.isnan(found[1]["seconds"])
    assert math.isnan(found[0]["held_out_loss"])


@pytest.mark.parametrize("make", [lambda file: None, lambda file: file.mkdir()], ids=["missing", "a folder"])
def test_without_a_file_there_are_no_rows(tmp_path, make):
    make(tmp_path / "history.csv")
    assert read_history(tmp_path / "history.csv") == []


def test_a_history_that_cannot_be_written_is_one_clear_line(tmp_path):
    with pytest.raises(MinidiffError, match=r"cannot write .*history\.csv"):
        write_history(tmp_path / "missing" / "history.csv", ROWS)
