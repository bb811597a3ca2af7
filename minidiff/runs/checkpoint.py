"""Checkpoints: all that changes while a network learns, as files.

    RUN/checkpoints/step_000001250.npz     the numbers: parameters, AdamW's moments, moving average, the epoch so far
    RUN/checkpoints/step_000001250.json    what they are: step, epoch, configuration, data, version, SHA-256 of the .npz

The JSON file is written last, and without it there is no checkpoint: a process killed between the two leaves the
checkpoint before as the newest. Where a training stands in its random numbers need not be saved: every example draws
from (seed, epoch, example), and every epoch its order from (seed, epoch), so the seed and the step are all there is.

What is read is checked first: names, types, shapes and the checksum. Nothing is ever unpickled, so a checkpoint from
a stranger can hold nonsense, but it cannot run a program.
"""

import hashlib
import json
import math
import re
import zipfile
from dataclasses import dataclass

import numpy as np

from minidiff.atomic import UNFINISHED, write_whole
from minidiff.data.readers.limits import DAMAGED
from minidiff.data.readers.npy import read_header
from minidiff.errors import MinidiffError
from minidiff.version import __version__

FORMAT = 1
KEPT = 2  # how many of the newest checkpoints stay
LARGEST_JSON = 2**20  # bytes

PER_PARAMETER = dict.fromkeys(("parameters", "average", "m", "v"), np.float32)
PER_STEP = {"gradient_norms": np.float64, "update_ratios": np.float64}  # of the epoch so far
PER_EXAMPLE = {"t": np.int64, "losses": np.float64}  # of the epoch so far
FACTS = {
    "step": int, "epoch": int, "bytes": int, "sha256": str, "version": str, "config": dict, "seconds": float,
    "step_seconds": float,
}  # fmt: skip


class DamagedCheckpoint(MinidiffError):
    """A checkpoint that cannot be read; the one before it may be whole."""


@dataclass(frozen=True)
class Checkpoint:
    """What was read.

    Attributes:
        step: steps done.
        arrays: name -> array; the names are those of PER_PARAMETER, PER_STEP and PER_EXAMPLE.
        facts: contents of the JSON file, plain types.
    """

    step: int
    arrays: dict
    facts: dict


def save_checkpoint(folder, step, arrays, facts, best_step=None):
    """Writes a checkpoint and removes those that are no longer needed.

    Args:
        folder: of the checkpoints.
        step: steps done.
        arrays: as in `Checkpoint`.
        facts: of plain types, for the JSON file: "epoch", "config", "seconds" and what else is worth knowing.
        best_step: of a checkpoint that is to stay however old it gets.

    Raises:
        MinidiffError: it cannot be written; the checkpoints there are stay as they are.
    """
    numbers = folder / f"step_{step:09}.npz"
    write_whole(numbers, lambda file: np.savez(file, **arrays))
    label = {"format": FORMAT, "version": __version__, "step": step}
    label |= {"bytes": numbers.stat().st_size, "sha256": sha256(numbers)}
    text = json.dumps(label | facts, indent=2) + "\n"
    write_whole(numbers.with_suffix(".json"), lambda file: file.write(text.encode()))
    tidy(folder, step, best_step)


def tidy(folder, step, best_step=None):
    """Keeps the checkpoint of a step that is known to be whole, the one before it and the best; removes all the rest.

    The rest is what became too old, what a killed process left half-written, and, if a training had to go back because
    its newest checkpoint was damaged, the damaged one.
    """
    newest = [old for old in steps_in(folder) if old <= step][:KEPT]
    kept = {*newest, step if best_step is None else best_step}
    for pattern in (f"*{UNFINISHED}", "step_*.json", "step_*.npz"):  # the JSON first: no checkpoint ever lacks numbers
        for file in folder.glob(pattern):
            if step_of(file) not in kept:
                file.unlink(missing_ok=True)


def steps_in(folder):
    """The steps of the checkpoints in a folder, the newest first."""
    return sorted((step_of(file) for file in folder.glob("step_*.json") if step_of(file) is not None), reverse=True)


def step_of(file):
    """The step that the name of a checkpoint's file tells, or None."""
    match = re.fullmatch(r"step_(\d{9})\.(json|npz)", file.name)
    return int(match[1]) if match else None


def load_newest(folder, size, say):
    """The newest checkpoint that is whole.

    Args:
        folder: of the checkpoints.
        size: number of the network's parameters.
        say: called with a line for each damaged checkpoint that was passed over.

    Returns:
        `Checkpoint`, or None if there is none at all.

    Raises:
        MinidiffError: all are damaged, or one was written in another format.
    """
    steps = steps_in(folder)
    for step in steps:
        try:
            return load_checkpoint(folder, step, size)
        except DamagedCheckpoint as error:
            say(f"{error}; the checkpoint before it is tried")
    if steps:
        raise MinidiffError(f"no checkpoint in {folder} can be read; train again")
    return None


def load_checkpoint(folder, step, size):
    """One checkpoint, checked.

    Args:
        folder: of the checkpoints.
        step: of the checkpoint.
        size: number of the network's parameters.

    Returns:
        `Checkpoint`.

    Raises:
        DamagedCheckpoint: something is missing, cut off, changed or impossible.
        MinidiffError: it was written in another format.
    """
    label, numbers = folder / f"step_{step:09}.json", folder / f"step_{step:09}.npz"
    try:
        facts = read_facts(label)
        if (found := numbers.stat().st_size) != facts["bytes"]:
            raise DamagedCheckpoint(f"{numbers} is damaged: it has {found:,} bytes and should have {facts['bytes']:,}")
        if sha256(numbers) != facts["sha256"]:
            raise DamagedCheckpoint(f"{numbers} is damaged: its checksum is not the one in {label.name}")
        return Checkpoint(step, read_arrays(numbers, size), facts)
    except DAMAGED as error:
        reason = getattr(error, "strerror", None) or error
        raise DamagedCheckpoint(f"the checkpoint {numbers} cannot be read: {reason}") from error


def read_facts(label):
    """The contents of a checkpoint's JSON file, checked; errors as in `load_checkpoint`."""
    if label.stat().st_size > LARGEST_JSON:
        raise DamagedCheckpoint(f"{label} is damaged: it is far too long")
    facts = json.loads(label.read_text(encoding="utf-8"))
    if not isinstance(facts, dict):
        raise DamagedCheckpoint(f"{label} is damaged: it holds no names and values")
    if facts.get("format") != FORMAT:
        raise MinidiffError(f"{label} was written in format {facts.get('format')!r}; this version reads {FORMAT}")
    for name, kind in FACTS.items():
        if not isinstance(facts.get(name), kind):
            raise DamagedCheckpoint(f"{label} is damaged: {name!r} is missing or of a wrong type")
    if not isinstance(facts.get("best_step"), int | None) or not isinstance(facts.get("best_loss", 0.0), float):
        raise DamagedCheckpoint(f"{label} is damaged: the best checkpoint is of a wrong type")
    if facts["step"] != step_of(label):
        raise DamagedCheckpoint(f"{label} is damaged: its name and its contents tell different steps")
    return facts


def read_arrays(numbers, size):
    """The arrays of a checkpoint's .npz file, each judged before it is read; errors as in `load_checkpoint`."""
    expected = PER_PARAMETER | PER_STEP | PER_EXAMPLE
    with zipfile.ZipFile(numbers) as archive:
        if sorted(archive.namelist()) != sorted(f"{name}.npy" for name in expected):
            raise DamagedCheckpoint(f"{numbers} is not a checkpoint of minidiff: other arrays are in it")
        arrays = {name: _read_array(archive, numbers, name, dtype, size) for name, dtype in expected.items()}
    for group in (PER_STEP, PER_EXAMPLE):
        if len({arrays[name].size for name in group}) > 1:
            raise DamagedCheckpoint(f"{numbers} is damaged: {' and '.join(group)} are not equally many")
    return arrays


def _read_array(archive, numbers, name, dtype, size):
    entry = archive.getinfo(f"{name}.npy")
    with archive.open(entry) as stream:
        try:
            shape, _, found = read_header(stream, f"{numbers}/{name}")
        except MinidiffError as error:
            raise DamagedCheckpoint(str(error)) from error
        fits = shape == (size,) if name in PER_PARAMETER else len(shape) == 1
        if found != dtype or not fits:
            wanted = f"{np.dtype(dtype)} {f'({size},)' if name in PER_PARAMETER else '(n,)'}"
            raise DamagedCheckpoint(f"{numbers} does not fit this run: {name!r} is {found} {shape}, not {wanted}")
        num_bytes = math.prod(shape) * found.itemsize
        if entry.compress_type != zipfile.ZIP_STORED or num_bytes != entry.file_size - stream.tell():
            raise DamagedCheckpoint(f"{numbers} is damaged: {name!r} is not as long as it says")
        content = np.frombuffer(bytearray(stream.read(num_bytes)), dtype)
    if content.shape != shape or (name in PER_PARAMETER and not np.isfinite(content).all()):
        raise DamagedCheckpoint(f"{numbers} is damaged: {name!r} is cut off or not finite")
    return content


def sha256(path):
    """The SHA-256 of a file's contents, in hexadecimal digits, as `sha256sum` prints it."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(2**20):
            digest.update(chunk)
    return digest.hexdigest()
