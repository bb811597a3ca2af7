"""Converts arrays of labels to classes 0, 1, 2, ... and class names."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from minidiff.data.dataset import Notes
from minidiff.errors import MinidiffError
from minidiff.text import clean

MAX_CLASSES = 10_000


class ClassLabels(NamedTuple):
    """Labels (N,), int64, or None; class names and notes."""

    labels: np.ndarray | None = None
    class_names: tuple[str, ...] = ()
    notes: Notes = ()


def to_labels(array: np.ndarray, num_images: int, where: Path) -> ClassLabels:
    """Converts labels of any common form: (N,) or (N, 1) integers of any type, or (N, K) one-hot.

    The integers that occur become the class names. Measurements and several labels per image are left out, with a note.
    """
    if array.shape[:1] != (num_images,):
        raise MinidiffError(
            f"{where}: {array.dtype} {array.shape} cannot be the labels of {num_images} images; give labels_key"
        )

    def left_out(reason: str) -> ClassLabels:
        return ClassLabels(notes=(f"{where.name} left out: {reason}",))

    if array.ndim > 2 or array.dtype.kind not in "buif":
        return left_out(f"{array.dtype} {array.shape} cannot be labels")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2:
        K = array.shape[1]
        if not (np.isin(array, (0, 1)).all() and (array.sum(axis=1) == 1).all()):
            return left_out(f"{K} values per image instead of one class")
        note = f"one-hot labels: column 0 to {K - 1} became class 0 to {K - 1}"
        return ClassLabels(array.argmax(axis=1), tuple(str(label) for label in range(K)), (note,))
    if array.dtype.kind == "f" and not (np.isfinite(array).all() and (array == np.rint(array)).all()):
        return left_out("measurements instead of classes")
    values, labels = np.unique(array, return_inverse=True)
    if values[0] < 0:
        raise MinidiffError(f"{where}: labels range from {values[0]} to {values[-1]}; number the classes from 0")
    if len(values) > MAX_CLASSES:
        return left_out(f"{len(values)} distinct values, too many for classes")
    notes = (
        () if values[-1] == len(values) - 1 else (f"classes are the {len(values)} labels that occur in {where.name}",)
    )
    return ClassLabels(labels.reshape(-1), tuple(str(int(value)) for value in values), notes)


def named(labels: tuple[str, ...], names: np.ndarray) -> tuple[str, ...]:
    """The names of classes whose labels are numbers, from an array of texts (K,); the numbers if it does not fit."""
    if names.ndim != 1 or names.dtype.kind != "U" or len(set(names.tolist())) < len(names):
        return labels
    fits = all(label.isdecimal() and int(label) < len(names) for label in labels)
    return tuple(clean(names[int(label)]) for label in labels) if fits else labels
