"""Data sets in .npy and .npz files: Keras, MedMNIST, Quick, Draw!, sprites, and your own.

The names of the arrays tell which one contains the images. Recognized, with or without `train_`, `x_` and the like:

    Keras          x_train, y_train, x_test, y_test
    MedMNIST       train_images, train_labels, val_images, ..., test_labels
    dSprites       imgs
    Quick, Draw!   one .npy file for each class, (N, 784): a folder of them is a data set
    sprites        sprites_1788_16x16.npy beside sprite_labels_nc_1788_16x16.npy

An array `class_names` of texts names the classes 0, 1, 2, ...
"""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from minidiff.data.dataset import Dataset, Notes, choose
from minidiff.data.readers.files import Files
from minidiff.data.readers.labels import ClassLabels, named, to_labels
from minidiff.data.readers.layouts import arrange, to_images
from minidiff.data.readers.npy import open_npy, read_npy
from minidiff.data.readers.options import PART_WORDS, ReadingOptions, choose_part
from minidiff.data.readers.sizing import fit
from minidiff.errors import MinidiffError
from minidiff.text import clean

IMAGE_WORDS = {"images", "image", "imgs", "x", "data", "sprites"}
LABEL_WORDS = {"labels", "label", "y", "targets", "target", "classes"}


@dataclass(frozen=True)
class ArrayName:
    """The name of an array, what it contains ("images", "labels", "names" or None), and the part it belongs to."""

    name: str
    contains: str | None
    part: str | None

    @classmethod
    def of(cls, name: str) -> "ArrayName":
        """Parses a file name."""
        words = re.split(r"[_\W]+", PurePosixPath(name).stem.lower())
        parts = [PART_WORDS[word] for word in words if word in PART_WORDS]
        if {"class", "names"} <= set(words):
            return cls(name, "names", None)
        contains = "labels" if LABEL_WORDS & set(words) else "images" if IMAGE_WORDS & set(words) else None
        return cls(name, contains, parts[0] if parts else None)


def load_arrays(files: Files, options: ReadingOptions) -> Dataset:
    """Loads .npy files in a folder or an .npz, or a single one."""
    arrays = [ArrayName.of(name) for name in files.names if name.endswith(".npy")]
    max_bytes, labels_array = options.max_bytes, None
    found: Notes = ("each .npy file taken as one class",)
    is_unspecified = (options.images_key, options.labels_key, options.part) == (None, None, None)
    if is_unspecified and _is_file_per_class(files, arrays):
        names = [array.name for array in arrays]
    else:
        images_array, found = _find_images(files, arrays, options)
        labels_array = _find_labels(files, arrays, images_array, options.labels_key)
        names = [images_array.name]
    where = files.where(names[0])

    opened = [arrange(open_npy(files, name, max_bytes), options.layout, files.where(name)) for name in names]
    if len({array.shape[1:] for array, _ in opened}) > 1:
        raise MinidiffError(f"{files.path}: its .npy files have images of different shapes; give one of the files")
    counts = [len(array) for array, _ in opened]
    chosen, choice = choose(sum(counts), options.num_images, options.seed, where)
    num_bytes = (options.num_images or sum(counts)) * opened[0][0][0].size
    if num_bytes > max_bytes:
        raise MinidiffError(f"{where}: images exceed {max_bytes:,} bytes; reduce num_images, or raise max_bytes")
    indices = np.arange(sum(counts))[chosen]
    label_of_file = np.repeat(np.arange(len(names)), counts)[indices]
    starts = np.cumsum([0, *counts])
    selected = [
        array[indices[label_of_file == i] - starts[i]] if options.num_images is not None else array
        for i, (array, _) in enumerate(opened)
    ]
    array = selected[0] if len(selected) == 1 else np.concatenate(selected)
    images, image_notes = to_images(array, options.value_range, where)
    images, size_notes = fit(images, options.size, max_bytes, where)

    labels, class_names, label_notes = ClassLabels(notes=() if options.labels_key == "none" else ("no labels found",))
    if len(names) > 1:
        stems = (clean(PurePosixPath(name).stem) for name in names)
        class_names = tuple(stem.removeprefix("full_numpy_bitmap_") for stem in stems)
        labels, label_notes = label_of_file, ()
    elif labels_array is not None:
        values = read_npy(files, labels_array.name, max_bytes)
        found += (f"labels from {clean(labels_array.name)}",)
        labels, class_names, label_notes = to_labels(values, counts[0], files.where(labels_array.name))
        labels = None if labels is None else labels[chosen]
        for array in (array for array in arrays if array.contains == "names"):
            class_names = named(class_names, read_npy(files, array.name, max_bytes))
    return Dataset(
        images,
        labels,
        class_names,
        name=files.title,
        source=files.source,
        notes=(*files.notes, *found, *opened[0][1], *image_notes, *size_notes, *choice, *label_notes),
    )


def _is_file_per_class(files: Files, arrays: list[ArrayName]) -> bool:
    """Whether this is a folder of .npy files whose names tell neither contents nor part, such as Quick, Draw!"""
    plain = [array for array in arrays if array.contains is None and array.part is None]
    return files.only is None and files.path.suffix != ".npz" and len(plain) == len(arrays) > 1


def _find_images(files: Files, arrays: list[ArrayName], options: ReadingOptions) -> tuple[ArrayName, Notes]:
    """The array of images, and notes on how it was found."""
    if options.images_key is not None:
        return _by_key(files, arrays, options.images_key, "images_key"), ()
    if files.only is not None:
        return ArrayName.of(files.only), ()
    found = [array for array in arrays if array.contains == "images"]
    found = found or [array for array in arrays if array.contains is None]
    parts = sorted({array.part for array in found if array.part})
    part, notes = choose_part(options.part, parts, files.path)
    if parts:
        found = [array for array in found if array.part == part]
    if len(found) != 1:
        raise MinidiffError(f"{files.path}: ambiguous images; give images_key, one of {_listed(found or arrays)}")
    if found[0].contains is None and len(arrays) > 1:
        notes += (f"{_listed(found)} taken as the images",)
    return found[0], notes


def _find_labels(
    files: Files, arrays: list[ArrayName], images_array: ArrayName, labels_key: str | None
) -> ArrayName | None:
    """The array of labels that belongs to the images, or None."""
    if labels_key == "none":
        return None
    if labels_key is not None:
        return _by_key(files, arrays, labels_key, "labels_key")
    found = [array for array in arrays if array.contains == "labels" and array.part == images_array.part]
    if len(found) > 1:
        raise MinidiffError(f"{files.path}: ambiguous labels; give labels_key, none or one of {_listed(found)}")
    return found[0] if found and found[0].name != images_array.name else None


def _by_key(files: Files, arrays: list[ArrayName], key: str, option: str) -> ArrayName:
    for array in arrays:
        if key in (array.name, array.name.removesuffix(".npy")):
            return array
    raise MinidiffError(f"{files.path}: unknown {option} {key!r}; choose from {_listed(arrays)}")


def _listed(arrays: list[ArrayName]) -> str:
    return ", ".join(array.name.removesuffix(".npy") for array in arrays[:12]) or "nothing"
