"""A data set kept as one .npz file, with everything that is known about it.

    images.npy, labels.npy, groups.npy      as in `Dataset`
    about.npy                               the rest as JSON in UTF-8: name, source, license, class names, notes

A slow source (an archive of emoji, a folder of photographs) is read once and kept so; any NumPy can open it.
"""

import json
import os
import tempfile
from pathlib import Path

import numpy as np

from minidiff.data.dataset import Dataset, choose
from minidiff.data.readers.limits import MAX_BYTES
from minidiff.data.readers.npy import read_npy
from minidiff.data.readers.sizing import fit
from minidiff.errors import MinidiffError

ABOUT = {"name": str, "source": str, "license": str, "class_names": list, "notes": list}
MAX_ABOUT_BYTES = 2**22


def save(path, dataset):
    """Keep a data set as a file, written beside and renamed, so that it is whole or not there.

    Args:
        path: of the .npz file.
        dataset: `Dataset`.

    Raises:
        MinidiffError: the file cannot be written.
    """
    about = {key: getattr(dataset, key) for key in ABOUT}
    arrays = {"images": dataset.images, "about": np.frombuffer(json.dumps(about).encode(), np.uint8)}
    arrays |= {} if dataset.labels is None else {"labels": dataset.labels}
    arrays |= {} if dataset.groups is None else {"groups": dataset.groups}
    write_npz(Path(path), arrays, compress=True)


def write_npz(path, arrays, compress):
    """Write arrays (a dict by name) as an .npz file; the arguments and errors are those of `save`."""
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(suffix=".npz", prefix=".", dir=path.parent)
        with os.fdopen(handle, "wb") as stream:
            (np.savez_compressed if compress else np.savez)(stream, **arrays)
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise MinidiffError(f"{path}: cannot be written ({error.strerror}); give another place") from error


def is_saved(files):
    """Whether these are the arrays of a file that `save` wrote."""
    return files.path.suffix == ".npz" and {"images.npy", "about.npy"} <= set(files.names)


def load_saved(files, size=None, num_images=None, seed=0, max_bytes=MAX_BYTES):
    """A data set that `save` wrote.

    Args:
        files: `Files` of the .npz.
        size: see `sizing.fit`; as saved by default.
        num_images: take this many, chosen at random; all of them by default.
        seed: of that choice.
        max_bytes: limit on each array and on the outcome.

    Returns:
        Dataset, equal to what was saved.

    Raises:
        MinidiffError: the file is damaged, or was not written by `save`.
    """
    about = _read_about(files)
    images = read_npy(files, "images.npy", max_bytes)
    labels, groups = (
        read_npy(files, f"{key}.npy", max_bytes) if f"{key}.npy" in files.names else None
        for key in ("labels", "groups")
    )
    if groups is not None and groups.dtype.kind != "U":
        raise MinidiffError(f"{files.path}: its groups are no texts; save the data set again")
    try:
        dataset = Dataset(images, labels, groups=groups, **about)
    except MinidiffError as error:
        raise MinidiffError(f"{files.path}: {error}") from error
    chosen, choice = choose(len(dataset), num_images, seed, files.path)
    dataset = dataset.subset(chosen)
    if size is not None:
        images, notes = fit(dataset.images, size, max_bytes, files.path)
        dataset = Dataset(images, dataset.labels, groups=dataset.groups, **about | {"notes": (*dataset.notes, *notes)})
    return dataset.noted(choice[0]) if choice else dataset


def _read_about(files):
    content = read_npy(files, "about.npy", MAX_ABOUT_BYTES)
    try:
        about = json.loads(content.tobytes())
    except (ValueError, RecursionError) as error:
        raise MinidiffError(f"{files.path}: about.npy is damaged; save the data set again") from error
    if not isinstance(about, dict) or any(not isinstance(about.get(key), kind) for key, kind in ABOUT.items()):
        raise MinidiffError(f"{files.path}: about.npy is incomplete; save the data set again")
    about = {key: tuple(about[key]) if kind is list else about[key] for key, kind in ABOUT.items()}
    if not all(isinstance(text, str) for text in about["class_names"] + about["notes"]):
        raise MinidiffError(f"{files.path}: about.npy holds other things than texts; save the data set again")
    return about
