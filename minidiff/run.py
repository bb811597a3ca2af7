"""A run is a folder.

    RUN/config.json          the network, the training, the data and the command that made it
    RUN/history.csv          one row an epoch
    RUN/checkpoints/         the parameters and their moving average, as .npz
    RUN/*.png, *.gif         pictures

Files are written beside their place, flushed to the disk and renamed, so that what is there is always whole. Nothing
is ever pickled: a checkpoint is numbers and nothing else, whoever sent it to you.
"""

import csv
import json
import os
import zipfile
from pathlib import Path

import numpy as np

from minidiff.errors import MinidiffError

FORMAT = 1
CHECKPOINT = "latest.npz"


class Run:
    """The folder of a run.

    Args:
        path: the folder; `Run.create` makes a new one, `Run.open` takes an existing one.
    """

    def __init__(self, path):
        self.path = Path(path)

    @classmethod
    def create(cls, path, config):
        """A new run.

        Args:
            path: a folder that does not exist yet or is empty.
            config: what makes the run, of plain types, for config.json.

        Returns:
            `Run`.

        Raises:
            MinidiffError: the folder holds something, or cannot be made.
        """
        run = cls(path)
        try:
            (run.path / "checkpoints").parent.mkdir(parents=True, exist_ok=True)
            if any(run.path.iterdir()):
                raise MinidiffError(f"{run.path} is not empty; give another --out, or remove it")
            (run.path / "checkpoints").mkdir()
        except OSError as error:
            raise MinidiffError(f"cannot make the folder {run.path}: {error.strerror}; give another --out") from error
        run.write_text("config.json", json.dumps({"format": FORMAT} | config, indent=2) + "\n")
        return run

    @classmethod
    def open(cls, path):
        """An existing run.

        Raises:
            MinidiffError: there is no run, or one that this version cannot read.
        """
        run = cls(path)
        if not (run.path / "config.json").is_file():
            raise MinidiffError(f"{path} holds no run (no config.json); train one with: minidiff train --out {path}")
        if run.config.get("format") != FORMAT:
            raise MinidiffError(f"{path} was written in format {run.config.get('format')}; this version reads {FORMAT}")
        return run

    @property
    def config(self):
        """The contents of config.json."""
        file = self.path / "config.json"
        try:
            return json.loads(file.read_text())
        except (OSError, ValueError) as error:
            raise MinidiffError(f"{file} cannot be read: {error}") from error

    def write_text(self, name, text):
        """Writes a text file of the run, whole or not at all."""
        write_whole(self.path / name, lambda file: file.write(text.encode()))

    def add_history(self, row):
        """Adds a row, a dict of numbers, to history.csv; the first row decides the columns."""
        rows = [*self.history(), row]
        lines = [",".join(row)] + [",".join(str(value) for value in r.values()) for r in rows]
        self.write_text("history.csv", "\n".join(lines) + "\n")

    def history(self):
        """The rows of history.csv, a list of dicts of numbers; empty before the first epoch."""
        file = self.path / "history.csv"
        if not file.is_file():
            return []
        with file.open(newline="") as lines:
            return [{key: _number(value) for key, value in row.items()} for row in csv.DictReader(lines)]

    def save_checkpoint(self, arrays):
        """Writes the checkpoint: a dict of arrays."""
        write_whole(self.path / "checkpoints" / CHECKPOINT, lambda file: np.savez(file, **arrays))

    def load_checkpoint(self, size):
        """Reads the checkpoint.

        Args:
            size: how many parameters the network of the run has.

        Returns:
            Dict of arrays; "parameters" and "average" are float32 (size,).

        Raises:
            MinidiffError: it is missing, damaged, or of another network.
        """
        file = self.path / "checkpoints" / CHECKPOINT
        if not file.is_file():
            raise MinidiffError(f"{self.path} has no checkpoint yet; it gets one at the end of each epoch")
        try:
            with np.load(file, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
        except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
            raise MinidiffError(f"{file} is damaged ({error}); train again") from error
        for name in ("parameters", "average"):
            if name not in arrays or arrays[name].shape != (size,) or arrays[name].dtype != np.float32:
                raise MinidiffError(f"{file} does not hold the {size} parameters of this run's network")
        return arrays


def free_folder(path):
    """`path`, or the first of path-2, path-3, ... that does not exist."""
    path, number = Path(path), 1
    candidate = path
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.name}-{number}")
    return candidate


def write_whole(path, write):
    """Writes a file beside its place, flushes it to the disk, and renames it: it is there whole or not at all.

    Args:
        path: of the file.
        write: called with a binary file to write to.

    Raises:
        MinidiffError: the disk is full or the folder cannot be written to.
    """
    path = Path(path)
    beside = path.with_name(path.name + ".part")
    try:
        with beside.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise MinidiffError(f"cannot write {path}: {error.strerror or error}") from error


def _number(text):
    return int(text) if text.lstrip("-").isdigit() else float(text)
