"""A run is a folder.

    RUN/config.json          the network, the training, the data and the command that made it
    RUN/history.csv          one row an epoch
    RUN/checkpoints/         where the training stood, see `checkpoint.py`
    RUN/.lock                who is writing, see `lock.py`
    RUN/*.png, *.gif         images

All files are written whole or not at all (`atomic.py`), and nothing is ever pickled.
"""

import csv
import json
import math
from pathlib import Path

from minidiff.atomic import UNFINISHED, write_whole
from minidiff.errors import MinidiffError
from minidiff.runs.checkpoint import FORMAT, load_checkpoint, load_newest, save_checkpoint, steps_in
from minidiff.runs.lock import LOCK_FILE, FolderLock

CONFIG, HISTORY, CHECKPOINTS = "config.json", "history.csv", "checkpoints"


class Run:
    """The folder of a run: `Run.create` makes a new one to write to, `Run.open` takes one that exists.

    A run that is written to is locked; `with run:` or `close` gives the lock back.

    Attributes:
        path: the folder.
        checkpoints: the folder of the checkpoints.
        lock: the `FolderLock`, or None if the run is only read.
    """

    def __init__(self, path, lock=None):
        self.path, self.lock = Path(path), lock
        self.checkpoints = self.path / CHECKPOINTS

    @classmethod
    def create(cls, path, config):
        """A new run, locked.

        Args:
            path: a folder that does not exist yet or is empty.
            config: what makes the run, of plain types, for config.json.

        Returns:
            `Run`.

        Raises:
            MinidiffError: the folder holds something, cannot be made, or belongs to another process.
        """
        path = Path(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
            check_unused(path)
            run = cls(path, FolderLock(path))
            check_unused(path)  # again: another process may have been as fast until here
            run.checkpoints.mkdir(exist_ok=True)
        except OSError as error:
            raise MinidiffError(f"cannot make the folder {path}: {error.strerror}; give another --out") from error
        run.write_config({"format": FORMAT} | config)
        return run

    @classmethod
    def open(cls, path, to_write=False):
        """An existing run.

        Args:
            path: its folder.
            to_write: whether to lock it.

        Raises:
            MinidiffError: there is no run, or one that this version cannot read, or another process writes to it.
        """
        path = Path(path)
        try:
            (path / CONFIG).stat()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise MinidiffError(
                f"{path} holds no run (no {CONFIG}); train one with: minidiff train --out {path}"
            ) from error
        except OSError as error:
            raise MinidiffError(f"{path} cannot be read: {error.strerror}") from error
        found = cls(path).config.get("format")
        if found != FORMAT:
            raise MinidiffError(f"{path} was written in format {found!r}; this version reads {FORMAT}")
        return cls(path, FolderLock(path) if to_write else None)

    def close(self):
        """Gives the lock back."""
        if self.lock:
            self.lock.release()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    @property
    def config(self):
        """The contents of config.json."""
        file = self.path / CONFIG
        try:
            config = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise MinidiffError(f"{file} cannot be read: {error}") from error
        if not isinstance(config, dict):
            raise MinidiffError(f"{file} was changed: it holds no names and values")
        return config

    def write_config(self, config):
        """Writes config.json."""
        self.write_text(CONFIG, json.dumps(config, indent=2) + "\n")

    def write_text(self, name, text):
        """Writes a text file of the run, whole or not at all."""
        write_whole(self.path / name, lambda file: file.write(text.encode()))

    def history(self):
        """The rows of history.csv, a list of dicts of numbers; empty before the first epoch."""
        file = self.path / HISTORY
        if not file.is_file():
            return []
        try:
            with file.open(newline="", encoding="utf-8") as lines:
                return [{key: _number(value) for key, value in row.items()} for row in csv.DictReader(lines)]
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise MinidiffError(f"{file} was changed and cannot be read ({error}); move it away") from error

    def write_history(self, rows):
        """Writes history.csv; the first row, a dict of numbers, decides the columns, and NaN becomes an empty cell."""
        lines = [",".join(row) for row in rows[:1]] + [",".join(map(_text, row.values())) for row in rows]
        self.write_text(HISTORY, "".join(f"{line}\n" for line in lines))

    def add_history(self, row):
        """Adds a row to history.csv."""
        self.write_history([*self.history(), row])

    def save_checkpoint(self, step, arrays, facts, best_step=None):
        """Writes a checkpoint, see `checkpoint.save_checkpoint`."""
        save_checkpoint(self.checkpoints, step, arrays, facts, best_step)

    def load_checkpoint(self, size, say, best=False):
        """The newest checkpoint that is whole, or the one with the lowest loss on held-out images.

        Args:
            size: how many parameters the network of the run has.
            say: called with a line for each damaged checkpoint that was passed over.
            best: whether to take the best instead of the newest.

        Returns:
            `Checkpoint`.

        Raises:
            MinidiffError: there is none, none is whole, or there is no best one.
        """
        newest = self.find_checkpoint(size, say)
        if newest is None:
            raise MinidiffError(f"{self.path} has no checkpoint yet; the first is saved at the end of the first epoch")
        if not best:
            return newest
        best_step = newest.facts.get("best_step")
        if best_step not in steps_in(self.checkpoints):
            raise MinidiffError(f"{self.path} has no best checkpoint: it was trained without held-out images")
        return load_checkpoint(self.checkpoints, best_step, size)

    def find_checkpoint(self, size, say):
        """As `load_checkpoint`, and None if there is none yet."""
        return load_newest(self.checkpoints, size, say)


def check_unused(path):
    """Refuses a folder with anything in it but what a process leaves that was killed before it wrote config.json."""
    if (path / CONFIG).exists():
        raise MinidiffError(f"{path} holds a run; give another --out, or go on with it: minidiff train --resume {path}")
    if {file.name for file in path.iterdir()} - {LOCK_FILE, CHECKPOINTS, CONFIG + UNFINISHED}:
        raise MinidiffError(f"{path} is not empty; give another --out, or remove it")


def free_folder(path):
    """`path`, or the first of path-2, path-3, ... that does not exist."""
    path, number = Path(path), 1
    candidate = path
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.name}-{number}")
    return candidate


def _text(value):
    return "" if isinstance(value, float) and math.isnan(value) else str(value)


def _number(text):
    if text == "":
        return math.nan
    return int(text) if text.lstrip("-").isdigit() else float(text)
