"""The folder of a run.

    RUN/config.json          the network, the training, the data and the command that started it, see `config.py`
    RUN/history.csv          one row per epoch, see `history.py`
    RUN/checkpoints/         the state of the training, see `checkpoint.py`
    RUN/snapshots/           images generated during training, see `snapshots.py`
    RUN/.lock                the process that writes, see `lock.py`
    RUN/*.png, *.gif         images
    RUN/report.html          the report, see `minidiff/page/`

All files are written atomically (`atomic.py`), and nothing is ever pickled.
"""

import contextlib
import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minidiff.atomic import UNFINISHED, check_folder, numbered, write_text
from minidiff.errors import MinidiffError
from minidiff.runs.checkpoint import Check, Checkpoint, accept, load_checkpoint, load_newest, save_checkpoint, steps_in
from minidiff.runs.config import FORMAT, SamplerOptions, check, read_file, read_sampling
from minidiff.runs.history import read_history, write_history
from minidiff.runs.lock import LOCK_FILE, FolderLock
from minidiff.training_config import TrainingConfig
from minidiff.unet_config import UNetConfig

CONFIG, HISTORY, CHECKPOINTS = "config.json", "history.csv", "checkpoints"
SNAPSHOTS = "snapshots"
WITHOUT_CHECKPOINT = (CONFIG, HISTORY, "forward_process.png", "report.html")  # written before the first checkpoint


class Run:
    """The folder of a run: `Run.create` makes a new one, `Run.open` opens an existing one.

    A run that is written to is locked; `with run:` or `close` releases the lock. If a `MinidiffError` leaves the `with`
    block of a new run before its first checkpoint, nothing of the run is left.

    Attributes:
        path: the folder.
        checkpoints: the folder of the checkpoints.
        lock: the `FolderLock`, or None if the run is only read.
    """

    def __init__(self, path: str | Path, lock: FolderLock | None = None) -> None:
        self.path, self.lock = Path(path), lock
        self.checkpoints = self.path / CHECKPOINTS
        self._made: list[Path] | None = None  # the folders that `create` made, innermost first; None after `open`

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}, {'locked' if self.lock else 'read only'})"

    @classmethod
    def create(cls, path: str | Path, config: dict, *, any_name: bool = False) -> "Run":
        """Makes a new run and locks it.

        Args:
            path: a folder that does not exist yet or is empty.
            config: the contents of config.json, of plain types.
            any_name: whether to make PATH-2, PATH-3, ... instead if PATH exists.

        Raises:
            MinidiffError: the folder is not empty, cannot be made, or is locked by another process.
        """
        path, made = new_folder(path, any_name)
        run = cls(path)
        with contextlib.ExitStack() as stack:
            stack.callback(remove_empty, made)
            check_unused(path)
            run.lock = FolderLock(path)
            stack.callback(run.close)
            check_unused(path)  # again: another process may have used it before it was locked
            run._made = made
            stack.callback(run._discard)
            make_folder(run.checkpoints)
            run.write_config({"format": FORMAT} | config)
            stack.pop_all()
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
            command = shlex.join(["minidiff", "train", "--out", str(path)])
            raise MinidiffError(f"{path} holds no run (no {CONFIG}); train one with: {command}") from error
        except OSError as error:
            raise MinidiffError(f"{path} cannot be read: {error.strerror}") from error
        read_file(path / CONFIG)
        run = cls(path)
        if to_write:
            make_folder(run.checkpoints)  # if it was removed: the first checkpoint would fail after a long time
            run.lock = FolderLock(path)
        return run

    def close(self) -> None:
        """Releases the lock."""
        if self.lock:
            self.lock.release()

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, kind: type | None, *exception: object) -> None:
        if self._made is not None and kind is not None and issubclass(kind, MinidiffError) and not self.steps():
            self._discard()
        self.close()

    def _discard(self) -> None:
        """Removes a new run that is locked, but nothing that anybody else has put into its folder."""
        with contextlib.suppress(OSError):
            for file in self.path.iterdir():
                if file.name in WITHOUT_CHECKPOINT:
                    file.unlink()
            for file in (self.path / SNAPSHOTS).glob("epoch_*.png"):
                file.unlink()
            remove_empty([self.checkpoints, self.path / SNAPSHOTS])
        self.close()
        (self.path / LOCK_FILE).unlink(missing_ok=True)
        remove_empty(self._made or [])

    @property
    def config(self) -> dict[str, Any]:
        """The contents of config.json, with the fields that `read_config` does not return."""
        return read_file(self.path / CONFIG)

    def read_config(self) -> tuple[UNetConfig, TrainingConfig, dict[str, Any]]:
        """The configuration of the network, that of training, and the data options; see `config.check`."""
        return check(self.config, self.path / CONFIG)

    def read_sampling(self) -> SamplerOptions | None:
        """The sampler options that a distilled run was trained for; None for any other run."""
        return read_sampling(self.config, self.read_config()[1].T)

    def write_config(self, config: dict) -> None:
        """Writes config.json."""
        write_text(self.path / CONFIG, json.dumps(config, indent=2) + "\n")

    def history(self) -> list[dict[str, float]]:
        """The rows of history.csv, see `history.read_history`; empty before the first epoch."""
        return read_history(self.path / HISTORY, keep=self.lock is not None)

    def write_history(self, rows: Sequence[dict[str, float]]) -> None:
        """Writes history.csv."""
        write_history(self.path / HISTORY, rows)

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

    def find_checkpoint(self, size: int, check: Check = accept) -> Checkpoint | None:
        """The newest intact checkpoint of a network with `size` parameters, or None; see `checkpoint.load_newest`."""
        return load_newest(self.checkpoints, size, check)

    def load_checkpoint(self, size: int, check: Check = accept, *, best: bool = False) -> Checkpoint:
        """The newest intact checkpoint, or the one with the lowest loss on held-out images.

        Args:
            size: number of parameters of the run's network.
            check: as in `checkpoint.load_newest`.
            best: whether to load the best instead of the newest.

        Raises:
            MinidiffError: there is none, none is intact, or there is no best one.
        """
        newest = self.find_checkpoint(size, check)
        if newest is None:
            raise MinidiffError(f"{self.path} has no checkpoint yet; wait for the end of the first epoch")
        if not best:
            return newest
        best_step = newest.facts.get("best_step")
        if best_step not in self.steps():
            raise MinidiffError(
                f"{self.path} has no best checkpoint (trained without held-out images, or its file is gone); "
                "leave out --best"
            )
        return load_checkpoint(self.checkpoints, best_step, size, check)


def make_folder(path: Path) -> None:
    """Makes a folder unless it exists; raises an error if that is impossible."""
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise MinidiffError(f"cannot make the folder {path}: {error.strerror}") from error


def check_new(path: str | Path) -> None:
    """Raises the error that `Run.create` would raise, before the data is read; makes nothing."""
    if Path(path).is_dir():
        check_unused(Path(path))
    check_folder(path)


def check_unused(path: Path) -> None:
    """Refuses a folder with other contents than what a process killed before it wrote config.json may leave."""
    if (path / CONFIG).exists():
        command = shlex.join(["minidiff", "train", "--resume", str(path)])
        raise MinidiffError(f"{path} holds a run; give another --out, or resume it: {command}")
    checkpoints = path / CHECKPOINTS
    unused = not checkpoints.exists() or (checkpoints.is_dir() and not any(checkpoints.iterdir()))
    if not unused or not all(is_remains(file.name) for file in path.iterdir()):
        raise MinidiffError(f"{path} is not empty; give another --out, or remove it")


def is_remains(name: str) -> bool:
    """Whether a file or folder may be left by a process that was killed before it wrote config.json."""
    return name in (LOCK_FILE, CHECKPOINTS) or (name.startswith(CONFIG) and name.endswith(UNFINISHED))


def remove_empty(folders: Sequence[Path]) -> None:
    """Removes folders, innermost first, up to the first that is not empty."""
    with contextlib.suppress(OSError):
        for folder in folders:
            folder.rmdir()


def new_folder(path: str | Path, any_name: bool) -> tuple[Path, list[Path]]:
    """Makes a folder; arguments and errors as for `Run.create`.

    Returns:
        Its path, and the folders that did not exist before, innermost first.
    """
    for candidate in numbered(path):
        made = [folder for folder in (candidate, *candidate.parents) if not folder.exists()]
        try:
            candidate.mkdir(parents=True, exist_ok=not any_name)
            return candidate, made
        except FileExistsError as error:
            if not any_name:
                raise MinidiffError(f"cannot make the folder {path}: {error.strerror}; give another --out") from error
        except OSError as error:
            raise MinidiffError(f"cannot make the folder {path}: {error.strerror}; give another --out") from error
    raise AssertionError("the names never end")
