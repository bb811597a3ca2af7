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
from minidiff.data.readers.files import Files
from minidiff.data.readers.limits import CHUNK, DAMAGED, check_size, read_next
from minidiff.data.readers.names import IMAGE_NAME, beside
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
    """Recognizes the version by the names of the files; returns it and the names for each part, or None.

    Raises:
        MinidiffError: there are several data sets.
    """
    names = {name: name.rsplit("/", 1)[-1] for name in ([files.only] if files.only else files.names)}
    has_images = any(map(IMAGE_NAME.search, names))
    versions = []
    for version in VERSIONS:
        found = {
            part: sorted(name for name, last in names.items() if re.fullmatch(pattern, last))
            for part, pattern in version.parts.items()
        }
        found = {part: batches for part, batches in found.items() if batches}
        batches = [name for part in found.values() for name in part]
        if not found or not (version.record or _is_pickle(files, batches[0])):
            continue
        if has_images and version.record and any(files.size(name) % version.record for name in batches):
            continue  # a file such as test.bin beside images may be anything
        versions.append((version, found))
    folders = {name.rpartition("/")[0] for _, found in versions for part in found.values() for name in part}
    if len(versions) > 1 or len(folders) > 1:
        titles = ", ".join(sorted({version.title for version, _ in versions}))
        where = ", ".join(sorted(folders)[:4]) or "one folder"
        raise MinidiffError(f"{files.source}: several data sets, {titles} in {where}; give the folder of one")
    return versions[0] if versions else None


def load_cifar(files: Files, options: ReadingOptions) -> Dataset:
    """Loads CIFAR-10, CIFAR-100 or STL-10 from files among which `find_version` finds one.

    `part` may also be "unlabeled" (STL-10), and `labels_key` "fine" or "coarse" (CIFAR-100).
    """
    found_version = find_version(files)
    assert found_version is not None  # or this reader would not have been chosen
    version, found = found_version
    part, part_notes = choose_part(options.part, found, files.source)
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
    images = batches[0][0] if len(batches) == 1 else np.concatenate([batch_images for batch_images, _ in batches])
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
        notes=(
            f"{version.title}, {part_notes[0] if part_notes else 'train part'}: {len(batches)} files",
            *files.notes,
            *choice,
            *size_notes,
        ),
    )


def _read_records(
    files: Files, name: str, version: Version, kind: Labels, max_bytes: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """Images (N, H, W, 3) and labels (N,) or None from a binary file."""
    num_bytes, where = files.size(name), files.where(name)
    if num_bytes == 0 or num_bytes % version.record:
        raise MinidiffError(
            f"{where}: {num_bytes:,} bytes are not a multiple of {version.record}; download {version.title} again"
        )
    N, side = num_bytes // version.record, 96 if kind.key is None else 32
    per_chunk = max(1, CHUNK // version.record)
    with files.reading(name) as stream:
        check_size(num_bytes, files.most_bytes(name), max_bytes, where)
        images, labels = np.empty((N, side, side, 3), np.uint8), np.empty(N, np.uint8)
        for start in range(0, N, per_chunk):  # in chunks, so that the file is not in memory beside the images
            stop = min(start + per_chunk, N)
            records = read_next(stream, (stop - start) * version.record, where).reshape(stop - start, version.record)
            planes = records[:, -3 * side * side :].reshape(-1, 3, side, side)
            images[start:stop] = planes.transpose((0, 2, 3, 1) if kind.key is not None else (0, 3, 2, 1))
            labels[start:stop] = 0 if kind.key is None else records[:, kind.key]
        if stream.read(1):
            raise MinidiffError(f"{where}: longer than its size of {num_bytes:,} bytes; download the file again")
    if kind.key is not None:
        return images, labels
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
