"""CIFAR-10, CIFAR-100 and STL-10: color images in records of fixed length.

Binary versions (Alex Krizhevsky, "The CIFAR-10 dataset"; Adam Coates, Honglak Lee, Andrew Ng, "STL-10 dataset"):

    CIFAR-10     record = 1 label + 3072 bytes: 1024 red, 1024 green, 1024 blue, row by row, 32 x 32
    CIFAR-100    record = 2 labels (coarse, fine) + the same 3072 bytes
    STL-10       record = 27648 bytes: red, green, blue, COLUMN by column, 96 x 96; labels 1 to 10 in another file

The Python versions of CIFAR hold the same 3072 bytes an image in pickle files; `safe_pickle.py` reads those.
"""

import re
from dataclasses import dataclass

import numpy as np

from minidiff.data.dataset import Dataset, choose
from minidiff.data.readers.archives import beside
from minidiff.data.readers.limits import DAMAGED, MAX_BYTES, check_promise, read_exactly
from minidiff.data.readers.safe_pickle import read_opcodes
from minidiff.data.readers.sizing import fit
from minidiff.errors import MinidiffError


@dataclass(frozen=True)
class Version:
    """One way in which such a set is stored.

    Args:
        title: of the set.
        parts: pattern of the names of the files of each part; they are read in the order of their names.
        record: bytes an image takes, with its labels; 0 for the Python versions.
        label_column: which byte of the record is the label, by the name it is asked for.
        num_classes: how many, by the same names.
        names: files with the names of the classes, by the same names.
    """

    title: str
    parts: dict
    record: int
    label_column: dict
    num_classes: dict
    names: dict


CIFAR10_CLASSES = {"labels": 10}
CIFAR100_CLASSES = {"fine": 100, "coarse": 20}
VERSIONS = (
    Version(
        "CIFAR-10",
        {"train": r"data_batch_\d+\.bin", "test": r"test_batch\.bin"},
        3073,
        {"labels": 0},
        CIFAR10_CLASSES,
        {"labels": "batches.meta.txt"},
    ),
    Version(
        "CIFAR-100",
        {"train": r"train\.bin", "test": r"test\.bin"},
        3074,
        {"fine": 1, "coarse": 0},
        CIFAR100_CLASSES,
        {"fine": "fine_label_names.txt", "coarse": "coarse_label_names.txt"},
    ),
    Version(
        "STL-10",
        {"train": r"train_X\.bin", "test": r"test_X\.bin", "unlabeled": r"unlabeled_X\.bin"},
        27648,
        {},
        {"labels": 10},
        {"labels": "class_names.txt"},
    ),
    Version(
        "CIFAR-10",
        {"train": r"data_batch_\d+", "test": r"test_batch"},
        0,
        {"labels": "labels"},
        CIFAR10_CLASSES,
        {"labels": "batches.meta"},
    ),
    Version(
        "CIFAR-100",
        {"train": "train", "test": "test"},
        0,
        {"fine": "fine_labels", "coarse": "coarse_labels"},
        CIFAR100_CLASSES,
        {"fine": "meta", "coarse": "meta"},
    ),
)
META_KEYS = {"labels": "label_names", "fine": "fine_label_names", "coarse": "coarse_label_names"}


def find_version(files):
    """The version that the names of the files tell, with its parts and their files; None if there is none.

    Returns:
        `Version` and dict from part to list of names, or None.
    """
    names = {name: name.rsplit("/", 1)[-1] for name in ([files.only] if files.only else files.names)}
    for version in VERSIONS:
        found = {
            part: sorted(name for name, last in names.items() if re.fullmatch(pattern, last))
            for part, pattern in version.parts.items()
        }
        found = {part: names_found for part, names_found in found.items() if names_found}
        if found and (version.record or _is_pickle(files, next(iter(found.values()))[0])):
            return version, found
    return None


def load_cifar(files, size=None, num_images=None, seed=0, part=None, labels_key=None, max_bytes=MAX_BYTES):
    """A data set from the files of CIFAR-10, CIFAR-100 or STL-10, binary or Python version.

    Args:
        files: `Files` in which `find_version` finds one.
        size: see `sizing.fit`.
        num_images: take this many, chosen at random; all of them by default.
        seed: of that choice.
        part: "train", "test" or (STL-10) "unlabeled"; by default the first that is there.
        labels_key: "fine" (by default) or "coarse" for CIFAR-100.
        max_bytes: limit on each file and on the outcome.

    Returns:
        Dataset.

    Raises:
        MinidiffError: the files are damaged, or there is no such part.
    """
    version, found = find_version(files)
    if part is not None and part not in found:
        raise MinidiffError(f"{files.source}: there is no part called {part!r}; it has {', '.join(found)}")
    part = part or next(iter(found))
    key = labels_key or next(iter(version.num_classes))
    if key not in version.num_classes:
        raise MinidiffError(f"{files.source}: no labels are called {key!r}; give {' or '.join(version.num_classes)}")
    if sum(files.size(name) for name in found[part]) > max_bytes:
        raise MinidiffError(f"{files.source}: holds more than {max_bytes:,} bytes; raise max_bytes if that is right")
    read = _read_records if version.record else _read_batch
    pieces = [read(files, name, version, key, max_bytes) for name in found[part]]
    images = np.concatenate([piece[0] for piece in pieces])
    labels = None if pieces[0][1] is None else np.concatenate([piece[1] for piece in pieces])

    notes = (f"{version.title}, {part} part", *files.notes)
    class_names = ()
    if labels is not None:
        if labels.max() >= version.num_classes[key]:
            raise MinidiffError(
                f"{files.source}: labels run to {labels.max()}, but {version.title} has {version.num_classes[key]} "
                "classes; the file is damaged or of another set"
            )
        class_names = _class_names(files, found[part][0], version, key, max_bytes)
    chosen, choice = choose(len(images), num_images, seed, files.source)
    images, size_notes = fit(images[chosen], size, max_bytes, files.source)
    labels = None if labels is None else labels[chosen]
    return Dataset(images, labels, class_names, files.title, files.source, "unknown", (*notes, *choice, *size_notes))


def _read_records(files, name, version, key, max_bytes):
    """Images (N, H, W, 3) and labels (N,) or None from a binary file."""
    content, where = _read(files, name, max_bytes), files.where(name)
    if len(content) == 0 or len(content) % version.record:
        raise MinidiffError(
            f"{where}: {len(content):,} bytes are no whole number of records of {version.record} ({version.title}); "
            "fetch the file again"
        )
    records = content.reshape(-1, version.record)
    if version.label_column:
        planes = records[:, -3072:].reshape(-1, 3, 32, 32)
        return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), records[:, version.label_column[key]]
    images = np.ascontiguousarray(records.reshape(-1, 3, 96, 96).transpose(0, 3, 2, 1))
    labels_name = name.replace("_X.bin", "_y.bin")
    if labels_name not in files.names:
        return images, None
    labels = _read(files, labels_name, max_bytes)
    if len(labels) != len(images) or labels.min() < 1:
        raise MinidiffError(
            f"{files.where(labels_name)}: {len(labels)} labels cannot belong to {len(images)} images, or are not "
            "1 to 10; fetch both files again"
        )
    return images, labels - 1


def _read_batch(files, name, version, key, max_bytes):
    """Images (N, 32, 32, 3) and labels (N,) from a Python batch."""
    where = files.where(name)
    batch = read_opcodes(_read(files, name, max_bytes).tobytes(), where)
    data, labels = batch.get("data"), batch.get(version.label_column[key])
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.ndim != 2 or data.shape[1] != 3072:
        raise MinidiffError(f"{where}: holds no images of 3072 bytes as 'data'; this is no CIFAR batch")
    if isinstance(labels, np.ndarray):
        labels = labels.ravel()
    elif not isinstance(labels, list) or not all(isinstance(label, int) and 0 <= label < 256 for label in labels):
        raise MinidiffError(f"{where}: holds no labels as {version.label_column[key]!r}; this is no CIFAR batch")
    if len(labels) != len(data) or len(data) == 0:
        raise MinidiffError(f"{where}: {len(labels)} labels for {len(data)} images; fetch the file again")
    return np.ascontiguousarray(data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)), np.asarray(labels)


def _class_names(files, batch_name, version, key, max_bytes):
    """From the file of names beside a batch; numbers if it is missing or has not enough of them."""
    num_classes = version.num_classes[key]
    name = beside(batch_name, version.names[key])
    names = []
    if name in files.names and version.record:
        names = _read(files, name, max_bytes).tobytes().decode(errors="replace").split("\n")
    elif name in files.names:
        meta = read_opcodes(_read(files, name, max_bytes).tobytes(), files.where(name)).get(META_KEYS[key])
        meta = meta if isinstance(meta, list) else []
        names = [text.decode(errors="replace") if isinstance(text, bytes) else text for text in meta]
        names = [text for text in names if isinstance(text, str)]
    names = [name.strip() for name in names if name.strip()]
    return tuple(names[:num_classes] if len(names) >= num_classes else [str(label) for label in range(num_classes)])


def _read(files, name, max_bytes):
    """All bytes of a file as uint8 (n,)."""
    where = files.where(name)
    try:
        size = files.size(name)
        check_promise(size, files.most_bytes(name), max_bytes, where)
        with files.open(name) as stream:
            return read_exactly(stream, size, where)
    except DAMAGED as error:
        raise MinidiffError(f"{where}: cannot be read ({error}); fetch the file again") from error


def _is_pickle(files, name):
    try:
        with files.open(name) as stream:
            return stream.read(1) == b"\x80"
    except DAMAGED:
        return False
