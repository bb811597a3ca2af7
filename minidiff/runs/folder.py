"""The folder of a run.

    RUN/config.json          the network, the training, the data and the command that started it
    RUN/history.csv          one row per epoch
    RUN/checkpoints/         the state of the training, see `checkpoint.py`
    RUN/snapshots/           images generated during training, see `snapshots.py`
    RUN/.lock                the process that writes, see `lock.py`
    RUN/*.png, *.gif         images

All files are written atomically (`atomic.py`), and nothing is ever pickled.
"""

import csv
import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minidiff.atomic import UNFINISHED, write_text
from minidiff.errors import MinidiffError
from minidiff.runs.checkpoint import FORMAT, Checkpoint, load_checkpoint, load_newest, save_checkpoint, steps_in
from minidiff.runs.compatibility import current_names
from minidiff.runs.lock import LOCK_FILE, FolderLock

CONFIG, HISTORY, CHECKPOINTS = "config.json", "history.csv", "checkpoints"


class Run:
    """The folder of a run: `Run.create` makes a new one, `Run.open` opens an existing one.

    A run that is written to is locked; `with run:` or `close` releases the lock.

    Attributes:
        path: the folder.
        checkpoints: the folder of the checkpoints.
        lock: the `FolderLock`, or None if the run is only read.
    """

    def __init__(self, path: str | Path, lock: FolderLock | None = None) -> None:
        self.path, self.lock = Path(path), lock
        self.checkpoints = self.path / CHECKPOINTS

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}, {'locked' if self.lock else 'read only'})"

    @classmethod
    def create(cls, path: str | Path, config: dict) -> "Run":
        """Makes a new run and locks it.

        Args:
            path: a folder that does not exist yet or is empty.
            config: the contents of config.json, of plain types.

        Raises:
            MinidiffError: the folder is not empty, cannot be made, or is locked by another process.
        """
        path = Path(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
            check_unused(path)
            run = cls(path, FolderLock(path))
            check_unused(path)  # again: another process may have used it before it was locked
            run.checkpoints.mkdir(exist_ok=True)
        except OSError as error:
            raise MinidiffError(f"cannot make the folder {path}: {error.strerror}; give another --out") from error
        run.write_config({"format": FORMAT} | config)
        return run

    @classmethod
    def open(cls, path: str | Path, to_write: bool = False) -> "Run":
        """Opens an existing run.

        Args:
            path: its folder.
            to_write: whether to lock it.

        Raises:
            MinidiffError: there is no run, this version cannot read it, or another process writes to it.
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

    def close(self) -> None:
        """Releases the lock."""
        if self.lock:
            self.lock.release()

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def config(self) -> dict:
        """The contents of config.json."""
        file = self.path / CONFIG
        try:
            config = json.loads(file.read_text(encoding="utf-8"))
            if isinstance(config, dict):
                return current_names(config)
        except (OSError, ValueError, RecursionError) as error:
            raise MinidiffError(f"{file} cannot be read: {error}") from error
        raise MinidiffError(f"{file} cannot be read: it is not a JSON object")

    def write_config(self, config: dict) -> None:
        """Writes config.json."""
        write_text(self.path / CONFIG, json.dumps(config, indent=2) + "\n")

    def history(self) -> list[dict[str, float]]:
        """The rows of history.csv, column -> value; empty before the first epoch."""
        file = self.path / HISTORY
        if not file.is_file():
            return []
        try:
            with file.open(newline="", encoding="utf-8") as lines:
                rows = [current_names(row) for row in csv.DictReader(lines)]
            return [{name: _number(value) for name, value in row.items()} for row in rows]
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise MinidiffError(f"{file} was changed and cannot be read ({error}); move it away") from error

    def write_history(self, rows: Sequence[dict[str, float]]) -> None:
        """Writes history.csv; the first row determines the columns, and NaN becomes an empty cell."""
        lines = [",".join(row) for row in rows[:1]] + [",".join(map(_text, row.values())) for row in rows]
        write_text(self.path / HISTORY, "".join(f"{line}\n" for line in lines))

    def add_history(self, row: dict[str, float]) -> None:
        """Adds a row to history.csv."""
        self.write_history([*self.history(), row])

    def steps(self) -> list[int]:
        """The optimizer steps of the checkpoints, the newest first."""
        return steps_in(self.checkpoints)

    def save_checkpoint(
        self, step: int, arrays: dict[str, np.ndarray], facts: dict, best_step: int | None = None
    ) -> None:
        """Writes a checkpoint, see `checkpoint.save_checkpoint`."""
        save_checkpoint(self.checkpoints, step, arrays, facts, best_step)

    def find_checkpoint(self, size: int) -> Checkpoint | None:
        """The newest intact checkpoint of a network with `size` parameters, or None; see `checkpoint.load_newest`."""
        return load_newest(self.checkpoints, size)

    def load_checkpoint(self, size: int, *, best: bool = False) -> Checkpoint:
        """The newest intact checkpoint, or the one with the lowest loss on held-out images.

        Args:
            size: number of parameters of the run's network.
            best: whether to load the best instead of the newest.

        Raises:
            MinidiffError: there is none, none is intact, or there is no best one.
        """
        newest = self.find_checkpoint(size)
        if newest is None:
            raise MinidiffError(f"{self.path} has no checkpoint yet; the first is saved at the end of the first epoch")
        if not best:
            return newest
        best_step = newest.facts.get("best_step")
        if best_step not in self.steps():
            raise MinidiffError(f"{self.path} has no best checkpoint: it was trained without held-out images")
        return load_checkpoint(self.checkpoints, best_step, size)


def check_unused(path: Path) -> None:
    """Refuses a folder with other contents than what a process killed before it wrote config.json may leave."""
    if (path / CONFIG).exists():
        raise MinidiffError(f"{path} holds a run; give another --out, or resume it: minidiff train --resume {path}")
    if {file.name for file in path.iterdir()} - {LOCK_FILE, CHECKPOINTS, CONFIG + UNFINISHED}:
        raise MinidiffError(f"{path} is not empty; give another --out, or remove it")


def free_folder(path: str | Path) -> Path:
    """`path`, or the first of path-2, path-3, ... that does not exist."""
    path, number = Path(path), 1
    candidate = path
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.name}-{number}")
    return candidate


def _text(value: float) -> str:
    return "" if isinstance(value, float) and math.isnan(value) else str(value)


def _number(text: str) -> float:
    if text == "":
        return math.nan
    return int(text) if text.lstrip("-").isdigit() else float(text)
