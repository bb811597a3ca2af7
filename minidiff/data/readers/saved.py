"""A data set saved as one .npz file, with its metadata.

    images.npy, labels.npy, groups.npy      as in `Dataset`
    about.npy                               the rest as JSON in UTF-8: name, source, license, class names, notes

This is faster to load than an archive of emoji or a folder of photographs, and NumPy alone can read it.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from minidiff.atomic import write_whole
from minidiff.data.dataset import Dataset, choose
from minidiff.data.readers.files import Files
from minidiff.data.readers.npy import read_npy
from minidiff.data.readers.options import ReadingOptions
from minidiff.data.readers.sizing import fit
from minidiff.errors import MinidiffError

ABOUT = {"name": str, "source": str, "license": str, "class_names": list, "notes": list}
OLD_KEYS = {"licence": "license"}  # in files of version 0.1.0
MAX_ABOUT_BYTES = 2**22


def save(path: str | Path, dataset: Dataset) -> None:
    """Saves a data set as an .npz file, atomically."""
    about = {key: getattr(dataset, key) for key in ABOUT}
    arrays = {"images": dataset.images, "about": np.frombuffer(json.dumps(about).encode(), np.uint8)}
    arrays |= {} if dataset.labels is None else {"labels": dataset.labels}
    arrays |= {} if dataset.groups is None else {"groups": dataset.groups}
    write_whole(path, lambda file: np.savez_compressed(file, **arrays))  # type: ignore[arg-type]


def is_saved(files: Files) -> bool:
    """Whether these are the arrays of a file written by `save`."""
    return files.path.suffix == ".npz" and {"images.npy", "about.npy"} <= set(files.names)


def load_saved(files: Files, options: ReadingOptions) -> Dataset:
    """Loads a data set written by `save`; its size stays by default."""
    max_bytes = options.max_bytes
    about = _read_about(files)
    images = read_npy(files, "images.npy", max_bytes)
    labels, groups = (
        read_npy(files, f"{key}.npy", max_bytes) if f"{key}.npy" in files.names else None
        for key in ("labels", "groups")
    )
    if groups is not None and groups.dtype.kind != "U":
        raise MinidiffError(f"{files.path}: its groups are not text; save the data set again")
    try:
        dataset = Dataset(images, labels, groups=groups, **about)
    except MinidiffError as error:
        raise MinidiffError(f"{files.path}: {error}") from error
    chosen, choice = choose(len(dataset), options.num_images, options.seed, files.path)
    dataset = dataset.subset(chosen)
    images, notes = dataset.images, dataset.notes
    if options.size is not None:
        images, size_notes = fit(images, options.size, max_bytes, files.path)
        notes += size_notes
    return replace(dataset, images=images, notes=notes + choice)


def _read_about(files: Files) -> dict[str, Any]:
    """The metadata, checked, as keyword arguments of `Dataset`."""
    content = read_npy(files, "about.npy", MAX_ABOUT_BYTES)
    try:
        about = json.loads(content.tobytes())
    except (ValueError, RecursionError) as error:
        raise MinidiffError(f"{files.path}: about.npy is damaged; save the data set again") from error
    about = {OLD_KEYS.get(key, key): value for key, value in about.items()} if isinstance(about, dict) else {}
    if any(not isinstance(about.get(key), kind) for key, kind in ABOUT.items()):
        raise MinidiffError(f"{files.path}: about.npy is incomplete; save the data set again")
    about = {key: tuple(about[key]) if kind is list else about[key] for key, kind in ABOUT.items()}
    if not all(isinstance(text, str) for text in about["class_names"] + about["notes"]):
        raise MinidiffError(f"{files.path}: about.npy contains values other than text; save the data set again")
    return about
