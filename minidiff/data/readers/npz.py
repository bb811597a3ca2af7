"""Sets in .npy and .npz files: Keras, MedMNIST, Quick, Draw!, sprites, and what you saved yourself.

Which array holds the images is told by its name. Known are, with or without `train_`, `x_` and the like:

    Keras          x_train, y_train, x_test, y_test
    MedMNIST       train_images, train_labels, val_images, ..., test_labels
    dSprites       imgs
    Quick, Draw!   one .npy file for each class, (N, 784): a folder of them is a set
    sprites        sprites_1788_16x16.npy beside sprite_labels_nc_1788_16x16.npy
"""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from minidiff.data.dataset import Dataset, choose
from minidiff.data.readers.archives import printable
from minidiff.data.readers.labels import to_labels
from minidiff.data.readers.layouts import arrange, to_images
from minidiff.data.readers.limits import MAX_BYTES
from minidiff.data.readers.npy import open_npy, read_npy
from minidiff.data.readers.sizing import fit
from minidiff.errors import MinidiffError

IMAGE_WORDS = {"images", "image", "imgs", "x", "data", "sprites"}
LABEL_WORDS = {"labels", "label", "y", "targets", "target", "classes"}
PART_WORDS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}


@dataclass(frozen=True)
class ArrayName:
    """What the name of an array tells: what it holds ("images", "labels" or None), and of which part of the set."""

    name: str
    holds: str | None
    part: str | None

    @classmethod
    def of(cls, name):
        words = re.split(r"[_\W]+", PurePosixPath(name).stem.lower())
        parts = [PART_WORDS[word] for word in words if word in PART_WORDS]
        holds = "labels" if LABEL_WORDS & set(words) else "images" if IMAGE_WORDS & set(words) else None
        return cls(name, holds, parts[0] if parts else None)


def load_arrays(
    files,
    size=None,
    num_images=None,
    seed=0,
    layout=None,
    value_range=None,
    part=None,
    images_key=None,
    labels_key=None,
    max_bytes=MAX_BYTES,
):
    """A data set from .npy files: in a folder, in an .npz, or one alone.

    Args:
        files: `Files` that hold them.
        size: see `sizing.fit`.
        num_images: take this many, chosen at random; all of them by default.
        seed: of that choice.
        layout: see `arrays.arrange`.
        value_range: see `arrays.to_images`.
        part: "train", "val" or "test", where there are several; by default "train".
        images_key, labels_key: names of the arrays, where they do not tell it themselves; "none" for no labels.
        max_bytes: limit on each array and on the outcome.

    Returns:
        Dataset.

    Raises:
        MinidiffError: nothing there, several ways to read it, or damaged files.
    """
    arrays = [ArrayName.of(name) for name in files.names if name.endswith(".npy")]
    if _is_file_per_class(files, arrays) and (images_key, labels_key, part) == (None, None, None):
        names, labels_array, found = [array.name for array in arrays], None, ("each .npy file taken for one class",)
    else:
        images_array, found = _find_images(files, arrays, images_key, part)
        labels_array = _find_labels(files, arrays, images_array, labels_key)
        names = [images_array.name]
    where = files.where(names[0])

    opened = [arrange(open_npy(files, name, max_bytes), layout, files.where(name)) for name in names]
    if len({array.shape[1:] for array, _ in opened}) > 1:
        raise MinidiffError(f"{files.path}: images of different shapes in its .npy files; give one of the files")
    ends = np.cumsum([len(array) for array, _ in opened])
    chosen, choice = choose(int(ends[-1]), num_images, seed, where)
    pieces = [
        array[_within(chosen, end - len(array), end)] for (array, _), end in zip(opened, ends.tolist(), strict=True)
    ]
    if sum(piece.size for piece in pieces) > max_bytes:
        raise MinidiffError(
            f"{where}: the images take more than {max_bytes:,} bytes; give a smaller num_images, or raise max_bytes"
        )
    array = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
    images, image_notes = to_images(array, value_range, where)
    images, size_notes = fit(images, size, max_bytes, where)

    labels, class_names, label_notes = None, (), ()
    if len(names) > 1:
        labels = np.repeat(np.arange(len(names)), [len(piece) for piece in pieces])
        class_names = tuple(_class_name(name) for name in names)
    elif labels_array is not None:
        numbers = read_npy(files, labels_array.name, max_bytes)
        labels, class_names, label_notes = to_labels(numbers, int(ends[-1]), files.where(labels_array.name))
        labels = None if labels is None else labels[chosen]
    elif labels_key != "none":
        label_notes = ("no labels were found",)
    notes = (*files.notes, *found, *opened[0][1], *image_notes, *size_notes, *choice, *label_notes)
    return Dataset(images, labels, class_names, files.title, files.source, "unknown", notes)


def _is_file_per_class(files, arrays):
    """Quick, Draw! comes so: a folder of .npy files whose names tell neither what they hold nor a part."""
    plain = [array for array in arrays if array.holds is None and array.part is None]
    return files.only is None and files.path.suffix != ".npz" and len(plain) == len(arrays) > 1


def _find_images(files, arrays, images_key, part):
    """The array of images, and notes on how it was found."""
    if images_key is not None:
        return _by_key(files, arrays, images_key, "images_key"), ()
    if files.only is not None:
        return ArrayName.of(files.only), ()
    found = [array for array in arrays if array.holds == "images"]
    if not found:  # one array of another name will do
        found = [array for array in arrays if array.holds is None]
    parts = sorted({array.part for array in found if array.part})
    if part is not None and part not in parts:
        has = f"it has {', '.join(parts)}" if parts else "it is not divided into parts"
        raise MinidiffError(f"{files.path}: there is no part called {part!r}; {has}")
    notes = ()
    if parts:
        part = part or ("train" if "train" in parts else parts[0])
        found = [array for array in found if array.part == part]
        notes = (f"the {part} part was taken" + (f" of {', '.join(parts)}" if len(parts) > 1 else ""),)
    if len(found) != 1:
        listed = ", ".join(PurePosixPath(array.name).stem for array in (found or arrays)[:12]) or "nothing"
        raise MinidiffError(f"{files.path}: which array holds the images? Name one by images_key; there are {listed}")
    if found[0].holds is None and len(arrays) > 1:
        notes += (f"{PurePosixPath(found[0].name).stem} taken for the images",)
    return found[0], notes


def _find_labels(files, arrays, images_array, labels_key):
    """The array of labels that belongs to the images, or None."""
    if labels_key == "none":
        return None
    if labels_key is not None:
        return _by_key(files, arrays, labels_key, "labels_key")
    found = [array for array in arrays if array.holds == "labels" and array.part == images_array.part]
    if len(found) > 1:
        listed = ", ".join(PurePosixPath(array.name).stem for array in found[:12])
        raise MinidiffError(
            f"{files.path}: which array holds the labels? Name one by labels_key, or give none; there are {listed}"
        )
    return found[0] if found and found[0].name != images_array.name else None


def _by_key(files, arrays, key, option):
    for array in arrays:
        if key in (array.name, array.name.removesuffix(".npy")):
            return array
    listed = ", ".join(array.name.removesuffix(".npy") for array in arrays[:12]) or "nothing"
    raise MinidiffError(f"{files.path}: {option} is {key!r}, but there are {listed}")


def _class_name(name):
    return printable(PurePosixPath(name).stem).removeprefix("full_numpy_bitmap_")


def _within(chosen, start, end):
    """What of the chosen images lies between two positions, counted from the first of them."""
    if isinstance(chosen, slice):
        return chosen
    return chosen[(chosen >= start) & (chosen < end)] - start
