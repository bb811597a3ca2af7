"""Checkpoints: everything that changes during training, as files.

    RUN/checkpoints/step_000001250.npz     arrays: parameters, optimizer moments, moving average, the epoch so far
    RUN/checkpoints/step_000001250.json    facts: step, epoch, configuration, data, version; SHA-256 of the .npz and of
                                           the facts themselves

The JSON file is written last, and a checkpoint without one does not count: if the process is killed in between, the
previous checkpoint stays the newest. The state of the random number generators need not be saved. Every example draws
from (seed, epoch, example) and every epoch's order from (seed, epoch), so the seed and the step are enough.

A file is checked before it is used: checksums, names, types, shapes and ranges. Nothing is ever unpickled, so a
checkpoint from an untrusted source may hold wrong values but cannot run code.
"""

import hashlib
import json
import logging
import math
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minidiff.atomic import UNFINISHED, write_text, write_whole
from minidiff.data.readers.limits import DAMAGED
from minidiff.data.readers.npy import read_header
from minidiff.errors import MinidiffError
from minidiff.fields import Range, convert, quote
from minidiff.regular import read_text
from minidiff.runs.compatibility import current_names
from minidiff.text import clean_all
from minidiff.version import __version__

logger = logging.getLogger(__name__)

FORMAT = 2
WITHOUT_CHECKSUM = 1  # the format of earlier versions, whose facts have no checksum
CHECKSUM = "checksum"  # of all other facts
KEPT = 2  # how many of the newest checkpoints stay
LARGEST_JSON = 2**20  # bytes

PER_PARAMETER: dict[str, type] = dict.fromkeys(("parameters", "average", "m", "v"), np.float32)
PER_STEP: dict[str, type] = {"gradient_norms": np.float64, "update_ratios": np.float64}  # of the epoch so far
PER_EXAMPLE: dict[str, type] = {"t": np.int64, "losses": np.float64}  # of the epoch so far
FACTS: dict[str, Any] = {
    "version": str, "step": int, "epoch": int, "bytes": int, "sha256": str, "config": dict, "seconds": float,
    "step_seconds": float, "best_step": int | None,
}  # fmt: skip
CONFIG: dict[str, Any] = {"network": dict, "training": dict, "data": dict, "held_out": dict | None}
DATA: dict[str, Any] = {"images": int, "fingerprint": str}
SECONDS = Range(0, 1e12)


Check = Callable[[int, dict[str, Any]], None]


class DamagedCheckpoint(MinidiffError):
    """A checkpoint that cannot be read; the previous one may be intact."""


@dataclass(frozen=True, repr=False)
class Checkpoint:
    """A checkpoint in memory.

    Attributes:
        step: optimizer steps done.
        arrays: name -> array, with the names of PER_PARAMETER, PER_STEP and PER_EXAMPLE.
        facts: contents of the JSON file, of plain types.
    """

    step: int
    arrays: dict[str, np.ndarray]
    facts: dict

    def __repr__(self) -> str:
        return f"Checkpoint(step {self.step}, {len(self.arrays['parameters']):,} parameters)"


def accept(step: int, config: dict[str, Any]) -> None:
    """The `Check` that accepts every checkpoint."""


def save_checkpoint(
    folder: Path, step: int, arrays: dict[str, np.ndarray], facts: dict, best_step: int | None = None
) -> None:
    """Writes a checkpoint and removes those that are no longer needed.

    Args:
        folder: of the checkpoints.
        step: optimizer steps done.
        arrays: as in `Checkpoint`.
        facts: of plain types, for the JSON file: "epoch", "config", "seconds" and others.
        best_step: of a checkpoint that is kept regardless of its age.

    Raises:
        MinidiffError: it cannot be written; the existing checkpoints stay as they are.
    """
    archive = folder / f"step_{step:09}.npz"
    write_whole(archive, lambda file: np.savez(file, **arrays))  # type: ignore[arg-type]  # of one dtype each
    label = {"format": FORMAT, "version": __version__, "step": step}
    label |= {"bytes": archive.stat().st_size, "sha256": sha256(archive)} | facts
    write_text(archive.with_suffix(".json"), json.dumps(label | {CHECKSUM: checksum(label)}, indent=2) + "\n")
    tidy(folder, step, best_step)


def tidy(folder: Path, step: int, best_step: int | None = None) -> None:
    """Keeps the intact checkpoint of a step, the one before it and the best one; removes all others.

    The others are too old, were left unfinished by a killed process, or are damaged and newer than `step`.
    """
    newest = [old for old in steps_in(folder) if old <= step][:KEPT]
    kept = {*newest, step if best_step is None else best_step}
    for ending in (UNFINISHED, "json", "npz"):  # JSON before .npz: it must never be without it
        for file in folder.glob(f"*{ending}"):
            if (found := step_of(file)) is not None and (ending == UNFINISHED or found not in kept):
                remove(file)


def remove(file: Path) -> None:
    """Removes a file that is not needed any more; if that fails, it does no harm but takes space."""
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        logger.warning("cannot remove %s, which is not needed any more: %s", file, error.strerror)


def steps_in(folder: Path) -> list[int]:
    """The steps of the checkpoints in a folder, the newest first."""
    steps = [step_of(file) for file in folder.glob("*.json")]
    return sorted((step for step in steps if step is not None), reverse=True)


def step_of(file: Path) -> int | None:
    """The step in the name of a checkpoint's file, unfinished or not; None for any other file, which is the user's."""
    match = re.fullmatch(rf"\.?step_(\d{{9}})\.(json|npz)(.*{re.escape(UNFINISHED)})?", file.name, re.ASCII)
    return int(match[1]) if match else None


def load_newest(folder: Path, size: int, check: Check = accept) -> Checkpoint | None:
    """The newest intact checkpoint; each damaged one on the way is logged.

    Args:
        folder: of the checkpoints.
        size: number of the network's parameters.
        check: called with the step and the configuration of a checkpoint before its arrays are read; raises an error
            if they are not those of this run.

    Returns:
        The checkpoint, or None if there is none at all.

    Raises:
        MinidiffError: all are damaged, or one was written in another format.
    """
    steps = steps_in(folder)
    for step in steps:
        try:
            return load_checkpoint(folder, step, size, check)
        except DamagedCheckpoint as error:
            logger.warning("%s; trying the checkpoint before it", error)
    if steps:
        raise MinidiffError(f"no checkpoint in {folder} can be read; train again")
    return None


def load_checkpoint(folder: Path, step: int, size: int, check: Check = accept) -> Checkpoint:
    """The checkpoint of a step, checked; arguments as in `load_newest`.

    Raises:
        DamagedCheckpoint: something is missing, truncated, changed or impossible.
        MinidiffError: it was written in another format.
    """
    label, archive = folder / f"step_{step:09}.json", folder / f"step_{step:09}.npz"
    try:
        facts = read_facts(label)
        check(step, facts["config"])
        if (found := archive.stat().st_size) != facts["bytes"]:
            raise DamagedCheckpoint(f"{archive} is damaged: it has {found:,} bytes and should have {facts['bytes']:,}")
        if sha256(archive) != facts["sha256"]:
            raise DamagedCheckpoint(f"{archive} is damaged: its checksum is not the one in {label.name}")
        arrays = read_arrays(archive, size)
    except DAMAGED as error:
        reason = getattr(error, "strerror", None) or error
        raise DamagedCheckpoint(f"the checkpoint {archive} cannot be read: {reason}") from error
    t, T = arrays["t"], facts["config"]["training"]["T"]
    if not ((t >= 1) & (t <= T)).all() or not all(
        np.isfinite(arrays[name]).all() for name in ("losses", "gradient_norms")
    ):
        raise DamagedCheckpoint(f"{archive} is damaged: timesteps outside of 1 to {T}, or losses that are not finite")
    return Checkpoint(step=step, arrays=arrays, facts=facts)


def read_facts(label: Path) -> dict:
    """The contents of a checkpoint's JSON file, checked; errors as in `load_checkpoint`."""
    facts = json.loads(read_text(label, LARGEST_JSON))
    if not isinstance(facts, dict):
        raise DamagedCheckpoint(f"{label} is damaged: it is not a JSON object")
    found, expected = facts.get("format"), facts.pop(CHECKSUM, None)
    if found != WITHOUT_CHECKSUM and checksum(facts) != expected:
        raise DamagedCheckpoint(f"{label} is damaged: its checksum is not that of its contents")
    if found not in (FORMAT, WITHOUT_CHECKSUM):
        raise MinidiffError(f"{label} was written in format {quote(found)}; this version reads {FORMAT}")
    facts = current_names(clean_all(facts))
    try:
        check_facts(facts)
    except MinidiffError as error:
        raise DamagedCheckpoint(f"{label} is damaged: {error}") from error
    if facts["step"] != step_of(label):
        raise DamagedCheckpoint(f"{label} is damaged: its name and its contents give different steps")
    return facts


def check_facts(facts: dict) -> None:
    """Raises an error if a fact is missing, of the wrong type or impossible."""
    config = check_kinds("config", check_kinds("facts", facts, FACTS)["config"], CONFIG)
    check_kinds("training", config["training"], {"T": int})
    for name in ("data", "held_out"):
        if config.get(name) is not None:
            check_kinds(name, config[name], DATA)
    if facts["best_step"] is not None:
        check_kinds("facts", facts, {"best_loss": float})
    for name in ("seconds", "step_seconds"):
        if facts[name] not in SECONDS:
            raise MinidiffError(f"{name} must be {SECONDS}, not {quote(facts[name])}")


def check_kinds(where: str, values: dict, kinds: dict[str, Any]) -> dict:
    """Returns the values if each of the named ones is of its kind, and raises an error otherwise."""
    for name, kind in kinds.items():
        convert(f"{where}: {name}", values.get(name), kind)
    return values


def checksum(facts: dict) -> str:
    """The SHA-256 of facts, in any order and layout."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def read_arrays(path: Path, size: int) -> dict[str, np.ndarray]:
    """The arrays of a checkpoint's .npz file, each checked before it is read; errors as in `load_checkpoint`."""
    expected = PER_PARAMETER | PER_STEP | PER_EXAMPLE
    with zipfile.ZipFile(path) as archive:
        if sorted(archive.namelist()) != sorted(f"{name}.npy" for name in expected):
            raise DamagedCheckpoint(f"{path} is not a checkpoint of minidiff: it holds other arrays")
        arrays = {name: _read_array(archive, path, name, dtype, size) for name, dtype in expected.items()}
    for group in (PER_STEP, PER_EXAMPLE):
        if len({arrays[name].size for name in group}) > 1:
            raise DamagedCheckpoint(f"{path} is damaged: {' and '.join(group)} differ in length")
    return arrays


def _read_array(archive: zipfile.ZipFile, path: Path, name: str, dtype: type, size: int) -> np.ndarray:
    """One array, checked first against the expected shape and dtype and then against the length of its entry."""
    entry = archive.getinfo(f"{name}.npy")
    with archive.open(entry) as stream:
        try:
            shape, _, found = read_header(stream, f"{path}/{name}")
        except MinidiffError as error:
            raise DamagedCheckpoint(str(error)) from error
        fits = shape == (size,) if name in PER_PARAMETER else len(shape) == 1
        if found != dtype or not fits:
            wanted = f"{np.dtype(dtype)} {f'({size},)' if name in PER_PARAMETER else '(n,)'}"
            raise DamagedCheckpoint(f"{path} does not fit this run: {name!r} is {found} {shape}, not {wanted}")
        num_bytes = math.prod(shape) * found.itemsize
        if entry.compress_type != zipfile.ZIP_STORED or num_bytes != entry.file_size - stream.tell():
            raise DamagedCheckpoint(f"{path} is damaged: the length of {name!r} differs from its header")
        content: np.ndarray = np.frombuffer(bytearray(stream.read(num_bytes)), dtype)
    if content.shape != shape or (name in PER_PARAMETER and not np.isfinite(content).all()):
        raise DamagedCheckpoint(f"{path} is damaged: {name!r} is truncated or not finite")
    return content


def sha256(path: Path) -> str:
    """The SHA-256 of a file's contents, in hexadecimal digits, as `sha256sum` prints it."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(2**20):
            digest.update(chunk)
    return digest.hexdigest()
