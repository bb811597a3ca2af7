"""CIFAR-10, CIFAR-100 and STL-10: color images in records of fixed length.

Binary versions (Alex Krizhevsky, "The CIFAR-10 dataset"; Adam Coates, Honglak Lee, Andrew Ng, "STL-10 dataset"):

    CIFAR-10     record = 1 label + 3072 bytes: 1024 red, 1024 green, 1024 blue, row by row, 32 x 32
    CIFAR-100    record = 2 labels (coarse, fine) + the same 3072 bytes
    STL-10       record = 27648 bytes: red, green, blue, COLUMN by column, 96 x 96; labels 1 to 10 in another file

The Python versions of CIFAR store the same 3072 bytes per image in pickle files; `safe_pickle.py` reads those.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from minidiff.data.dataset import Dataset, choose
from minidiff.data.readers.archives import Files, beside
from minidiff.data.readers.limits import DAMAGED
from minidiff.data.readers.options import ReadingOptions, choose_part
from minidiff.data.readers.safe_pickle import read_pickle
from minidiff.data.readers.sizing import fit
from minidiff.errors import MinidiffError


@dataclass(frozen=True)
class Labels:
    """One kind of labels, and where they are."""

    num_classes: int
    key: Any  # byte of the binary record, or key in the Python batch; None for a separate file
    names_file: str  # contains the class names
    names_key: str = ""  # their key in that file, in the Python versions


@dataclass(frozen=True)
class Version:
    """One way in which a data set is stored."""

    title: str
    parts: dict[str, str]  # part -> pattern of the names of its files
    record: int  # bytes per image, labels included; 0 for the Python versions
    labels: dict[str, Labels]  # by the value of `labels_key`; the first is the default


VERSIONS = (
    Version(
        "CIFAR-10",
        {"train": r"data_batch_\d+\.bin", "test": r"test_batch\.bin"},
        3073,
        {"labels": Labels(10, 0, "batches.meta.txt")},
    ),
    Version(
        "CIFAR-100",
        {"train": r"train\.bin", "test": r"test\.bin"},
        3074,
        {"fine": Labels(100, 1, "fine_label_names.txt"), "coarse": Labels(20, 0, "coarse_label_names.txt")},
    ),
    Version(
        "STL-10",
        {"train": r"train_X\.bin", "test": r"test_X\.bin", "unlabeled": r"unlabeled_X\.bin"},
        27648,
        {"labels": Labels(10, None, "class_names.txt")},
    ),
    Version(
        "CIFAR-10",
        {"train": r"data_batch_\d+", "test": "test_batch"},
        0,
        {"labels": Labels(10, "labels", "batches.meta", "label_names")},
    ),
    Version(
        "CIFAR-100",
        {"train": "train", "test": "test"},
        0,
        {
            "fine": Labels(100, "fine_labels", "meta", "fine_label_names"),
            "coarse": Labels(20, "coarse_labels", "meta", "coarse_label_names"),
        },
    ),
)


def find_version(files: Files) -> tuple[Version, dict[str, list[str]]] | None:
    """Recognizes the version by the names of the files; returns it and the names for each part, or None."""
    names = {name: name.rsplit("/", 1)[-1] for name in ([files.only] if files.only else files.names)}
    for version in VERSIONS:
        found = {
            part: sorted(name for name, last in names.items() if re.fullmatch(pattern, last))
            for part, pattern in version.parts.items()
        }
        found = {part: batches for part, batches in found.items() if batches}
        if found and (version.record or _is_pickle(files, next(iter(found.values()))[0])):
            return version, found
    return None


def load_cifar(files: Files, options: ReadingOptions) -> Dataset:
    """Loads CIFAR-10, CIFAR-100 or STL-10 from files among which `find_version` finds one.

    `part` may also be "unlabeled" (STL-10), and `labels_key` "fine" or "coarse" (CIFAR-100).
    """
    found_version = find_version(files)
    assert found_version is not None  # or this reader would not have been chosen
    version, found = found_version
    part = choose_part(options.part, found, files.source)
    key = options.labels_key or next(iter(version.labels))
    if key not in version.labels:
        raise MinidiffError(f"{files.source}: unknown labels {key!r}; choose from {', '.join(version.labels)}")
    kind, max_bytes = version.labels[key], options.max_bytes
    if sum(files.size(name) for name in found[part]) > max_bytes:
        raise MinidiffError(f"{files.source}: contains more than {max_bytes:,} bytes; raise max_bytes if intended")
    batches = [
        _read_records(files, name, version, kind, max_bytes)
        if version.record
        else _read_batch(files, name, kind, max_bytes)
        for name in found[part]
    ]
    images = np.concatenate([batch_images for batch_images, _ in batches])
    all_labels = [batch_labels for _, batch_labels in batches if batch_labels is not None]
    labels = np.concatenate(all_labels) if len(all_labels) == len(batches) else None

    class_names: tuple[str, ...] = ()
    if labels is not None:
        if labels.max() >= kind.num_classes:
            raise MinidiffError(
                f"{files.source}: label {labels.max()} with {kind.num_classes} classes; download {version.title} again"
            )
        class_names = _class_names(files, found[part][0], kind, max_bytes)
    chosen, choice = choose(len(images), options.num_images, options.seed, files.source)
    images, size_notes = fit(images[chosen], options.size, max_bytes, files.source)
    return Dataset(
        images,
        None if labels is None else labels[chosen],
        class_names,
        name=files.title,
        source=files.source,
        notes=(f"{version.title}, {part} part", *files.notes, *choice, *size_notes),
    )


def _read_records(
    files: Files, name: str, version: Version, kind: Labels, max_bytes: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """Images (N, H, W, 3) and labels (N,) or None from a binary file."""
    content, where = files.read(name, max_bytes), files.where(name)
    if len(content) == 0 or len(content) % version.record:
        raise MinidiffError(
            f"{where}: {len(content):,} bytes are not a multiple of {version.record}; download {version.title} again"
        )
    records = content.reshape(-1, version.record)
    if kind.key is not None:
        planes = records[:, -3072:].reshape(-1, 3, 32, 32)
        return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), records[:, kind.key]
    images = np.ascontiguousarray(records.reshape(-1, 3, 96, 96).transpose(0, 3, 2, 1))
    labels_name = name.replace("_X.bin", "_y.bin")
    if labels_name not in files.names:
        return images, None
    labels = files.read(labels_name, max_bytes)
    if len(labels) != len(images) or labels.min() < 1:
        raise MinidiffError(
            f"{files.where(labels_name)}: not {len(images)} labels from 1 to 10; download both files again"
        )
    return images, labels - 1


def _read_batch(files: Files, name: str, kind: Labels, max_bytes: int) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, 32, 32, 3) and labels (N,) from a Python batch."""
    where = files.where(name)
    batch = read_pickle(files.read(name, max_bytes).tobytes(), where)
    data, labels = batch.get("data"), batch.get(kind.key)
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.ndim != 2 or data.shape[1] != 3072:
        raise MinidiffError(f"{where}: 'data' is not uint8 (N, 3072); this is not a CIFAR batch")
    if isinstance(labels, np.ndarray):
        labels = labels.ravel()
    elif not isinstance(labels, list) or not all(isinstance(label, int) and 0 <= label < 256 for label in labels):
        raise MinidiffError(f"{where}: {kind.key!r} is not a list of labels; this is not a CIFAR batch")
    if len(labels) != len(data) or len(data) == 0:
        raise MinidiffError(f"{where}: {len(labels)} labels for {len(data)} images; download the file again")
    return np.ascontiguousarray(data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)), np.asarray(labels)


def _class_names(files: Files, batch_name: str, kind: Labels, max_bytes: int) -> tuple[str, ...]:
    """The class names from the file beside a batch; "0", "1", ... if it is missing or has too few."""
    name = beside(batch_name, kind.names_file)
    names = []
    if name in files.names:
        content = files.read(name, max_bytes).tobytes()
        if kind.names_key:
            listed = read_pickle(content, files.where(name)).get(kind.names_key)
            texts = listed if isinstance(listed, list) else []
        else:
            texts = content.split(b"\n")
        names = [text.decode(errors="replace") if isinstance(text, bytes) else text for text in texts]
        names = [text.strip() for text in names if isinstance(text, str) and text.strip()]
    if len(names) < kind.num_classes:
        names = [str(label) for label in range(kind.num_classes)]
    return tuple(names[: kind.num_classes])


def _is_pickle(files: Files, name: str) -> bool:
    try:
        with files.open(name) as stream:
            return stream.read(1) == b"\x80"
    except DAMAGED:
        return False
