"""Data sets: images as bytes, their labels, and a record of their origin.

Images are stored as uint8 (a thousand of 64 x 64 x 3 take 12 MB) and converted to float32 in [-1, 1] one batch at a
time. This range is centered at 0, as is the noise.

    pixels = bytes / 127.5 - 1          0 -> -1, 255 -> +1
    bytes  = round((pixels + 1) * 127.5)

Every reader records its assumptions and changes (padding, cropping, files left out) in `notes`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from minidiff.errors import MinidiffError
from minidiff.randomness import stream
from minidiff.text import clean

Notes = tuple[str, ...]  # assumptions and changes made by a reader, one sentence each
MIN_CONTRAST = 8 / 255  # highest minus lowest pixel; with less, images in [0, 1] were probably stored as bytes
LISTED = 8  # names in a message
CHECKED_TOGETHER = 256  # images that `check_pixels` converts at a time


class HasPixels(Protocol):
    """The interface of data that `check_pixels` can check, such as a `Dataset`."""

    def __len__(self) -> int: ...

    def pixels(self, indices: np.ndarray) -> np.ndarray:
        """The chosen examples, float32 (n, ...)."""


def to_pixels(images: np.ndarray) -> np.ndarray:
    """Converts bytes (uint8, any shape) to pixels: float32 of the same shape in [-1, 1]."""
    return images.astype(np.float32) / np.float32(127.5) - np.float32(1)


def to_bytes(pixels: np.ndarray) -> np.ndarray:
    """Converts pixels (float, any shape) to bytes: uint8 of the same shape, rounded; clips values outside [-1, 1]."""
    return np.clip(np.rint((pixels + 1) * 127.5), 0, 255).astype(np.uint8)


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Images with labels and a record of their origin.

    Args:
        images: uint8 (N, H, W, C), C is 1 (gray) or 3 (color).
        labels: integers (N,) from 0 to len(class_names) - 1, stored as int64, or None.
        class_names: one for each class, in label order; empty without labels.
        name: short name, such as "cats".
        source: where the images came from: a path, or how they were generated.
        license: terms of use, as far as they are known.
        notes: assumptions and changes, one sentence each. All texts are cleaned, since they may come from files.
        groups: strings (N,), or None. Images of the same group are variants of one design; `split` keeps them together.

    Raises:
        MinidiffError: wrong shapes or types, or labels that do not match the images or the class names.
    """

    images: np.ndarray
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] = ()
    name: str = "images"
    source: str = ""
    license: str = "unknown"
    notes: Notes = ()
    groups: np.ndarray | None = None

    def __post_init__(self) -> None:
        images, labels = self.images, self.labels
        for name in ("name", "source", "license"):
            object.__setattr__(self, name, clean(getattr(self, name)))
        for name in ("class_names", "notes"):
            object.__setattr__(self, name, tuple(map(clean, getattr(self, name))))
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3):
            raise MinidiffError(
                f"{self.name}: images must be uint8 of shape (N, H, W, 1 or 3), not {images.dtype} {images.shape}; "
                "convert them first, for instance with minidiff.data.to_bytes"
            )
        if images.size == 0:
            raise MinidiffError(f"{self.name}: shape {images.shape} contains no image; give at least one")
        if self.groups is not None and self.groups.shape != images.shape[:1]:
            raise MinidiffError(f"{self.name}: groups have shape {self.groups.shape}; give one for each image")
        if labels is None:
            if self.class_names:
                raise MinidiffError(f"{self.name}: class names without labels; give both or neither")
            return
        if labels.shape != images.shape[:1] or not np.issubdtype(labels.dtype, np.integer):
            raise MinidiffError(
                f"{self.name}: {len(images)} images but labels {labels.dtype} {labels.shape}; give one integer for each"
            )
        if labels.min() < 0 or labels.max() >= len(self.class_names):
            raise MinidiffError(
                f"{self.name}: labels range from {labels.min()} to {labels.max()} with {len(self.class_names)} "
                "class names; number the classes from 0 and give one name for each"
            )
        object.__setattr__(self, "labels", labels.astype(np.int64, copy=False))

    def __repr__(self) -> str:
        shape = f"{len(self)} images of {self.height} x {self.width} x {self.channels}"
        return f"Dataset({self.name!r}, {shape}, {self.num_classes} classes)"

    def __len__(self) -> int:
        return len(self.images)

    @property
    def height(self) -> int:
        """Height of an image in pixels."""
        return self.images.shape[1]

    @property
    def width(self) -> int:
        """Width of an image in pixels."""
        return self.images.shape[2]

    @property
    def channels(self) -> int:
        """Number of channels: 1 (gray) or 3 (color)."""
        return self.images.shape[3]

    @property
    def example_shape(self) -> tuple[int, ...]:
        """The shape of one image: (H, W, C)."""
        return self.images.shape[1:]

    @property
    def num_classes(self) -> int:
        """Number of classes; 0 without labels."""
        return len(self.class_names)

    def pixels(self, indices: np.ndarray | slice) -> np.ndarray:
        """The images at `indices` (integers (n,), a slice or a mask) as float32 (n, H, W, C) in [-1, 1]."""
        return to_pixels(self.images[indices])

    def subset(self, indices: np.ndarray | slice | Sequence[int]) -> "Dataset":
        """The data set of the images at `indices`, with their labels and groups."""
        labels = None if self.labels is None else self.labels[indices]
        groups = None if self.groups is None else self.groups[indices]
        return replace(self, images=self.images[indices], labels=labels, groups=groups)

    def split(self, fraction: float = 0.1, seed: int = 0) -> tuple["Dataset", "Dataset"]:
        """Splits the data set at random into a training set and a held-out set.

        Images of the same group stay together, for instance all six skin tones of an emoji. Otherwise, held-out images
        could be near copies of training images.

        Args:
            fraction: of the groups (of the images if there are no groups) to hold out, between 0 and 1.
            seed: of the random choice.

        Returns:
            Training set and held-out set, both in the original order.

        Raises:
            MinidiffError: the fraction is not between 0 and 1, or there is only one group.
        """
        _, group = np.unique(np.arange(len(self)) if self.groups is None else self.groups, return_inverse=True)
        num_groups = int(group.max()) + 1
        what = "images" if self.groups is None else "designs"
        if not 0 < fraction < 1 or num_groups < 2:
            raise MinidiffError(
                f"{self.name}: cannot hold out {fraction} of {num_groups} {what}; give a fraction between 0 and 1, "
                f"and at least two {what}"
            )
        num_held_out = min(max(1, round(fraction * num_groups)), num_groups - 1)
        is_held_out = np.zeros(num_groups, bool)
        is_held_out[stream("split", seed).permutation(num_groups)[:num_held_out]] = True
        train, held_out = self.subset(~is_held_out[group]), self.subset(is_held_out[group])
        if lost := [name for name in train.empty_classes() if name not in self.empty_classes()]:
            train = train.noted(f"{len(lost)} classes have no training image, all are held out: {_listed(lost)}")
        return (
            train.noted(f"{num_groups - num_held_out} of {num_groups} {what}, the others are held out, seed {seed}"),
            held_out.noted(f"{num_held_out} of {num_groups} {what}, held out, seed {seed}"),
        )

    def distinct(self) -> "Dataset":
        """The data set without exact copies: of identical images, the first is kept."""
        first = self.first_of_copies()
        num_copies = len(self) - len(first)
        return self.subset(first).noted(f"{num_copies} exact copies left out") if num_copies else self

    def first_of_copies(self) -> np.ndarray:
        """The indices of the images that are no exact copies of an earlier one, in increasing order."""
        found: dict[bytes, int] = {}
        for i, image in enumerate(self.images):
            found.setdefault(hashlib.sha256(image.tobytes()).digest(), i)
        return np.array(list(found.values()))

    def empty_classes(self) -> list[str]:
        """The names of the classes that have no image."""
        counts = np.bincount([] if self.labels is None else self.labels, minlength=self.num_classes)
        return [name for name, count in zip(self.class_names, counts, strict=True) if count == 0]

    def without_empty_classes(self) -> "Dataset":
        """The data set without the classes that have no image, which a network could not learn."""
        empty = self.empty_classes()
        if self.labels is None or not empty:
            return self
        occurring, labels = np.unique(self.labels, return_inverse=True)
        names = tuple(self.class_names[label] for label in occurring)
        note = f"{len(empty)} of {self.num_classes} classes without an image left out: {_listed(empty)}"
        return replace(self, labels=labels.reshape(-1), class_names=names).noted(note)

    def with_classes(self, class_names: Sequence[str]) -> "Dataset":
        """The data set with the classes of another one, matched by their names.

        Raises:
            MinidiffError: images of a class that is not among `class_names`.
        """
        if self.labels is None or tuple(class_names) == self.class_names:
            return self
        occurring = [self.class_names[label] for label in np.unique(self.labels)]
        if unknown := [name for name in occurring if name not in class_names]:
            raise MinidiffError(
                f"{self.name}: images of {len(unknown)} classes that the training data lacks: "
                f"{_listed(unknown)}; give all parts of the data the same classes"
            )
        label_of = {name: label for label, name in enumerate(class_names)}
        new_labels = np.array([label_of.get(name, 0) for name in self.class_names])
        return replace(self, labels=new_labels[self.labels], class_names=tuple(class_names))

    def noted(self, *notes: str) -> "Dataset":
        """The data set with more notes."""
        return replace(self, notes=(*self.notes, *notes)) if notes else self

    def fingerprint(self) -> str:
        """A hash of the shape, the pixels and the labels: the first 16 hexadecimal digits of SHA-256."""
        digest = hashlib.sha256(repr(self.images.shape).encode())
        digest.update(np.ascontiguousarray(self.images).data)
        if self.labels is not None:
            digest.update(np.ascontiguousarray(self.labels, dtype="<i8").data)
        return digest.hexdigest()[:16]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:LISTED]) + (", ..." if len(names) > LISTED else "")


def choose(
    count: int, num_images: int | None, seed: int, where: str | Path, what: str = "images"
) -> tuple[np.ndarray | slice, Notes]:
    """Chooses `num_images` of `count` images at random, or all if it is None.

    Returns:
        Indices (num_images,) in increasing order, or slice(None) for all images; and a note on the choice.

    Raises:
        MinidiffError: fewer than one or more than `count`.
    """
    if num_images is None:
        return slice(None), ()
    if not 1 <= num_images <= count:
        raise MinidiffError(f"{where}: {num_images} of {count} {what} requested; give a number from 1 to {count}")
    indices = np.sort(stream("chosen images", seed).permutation(count)[:num_images])
    return indices, (f"{num_images} of {count} {what} chosen at random, seed {seed}",)


def check_pixels(dataset: HasPixels) -> None:
    """Raises an error for images that are unsuitable for training.

    Raises:
        MinidiffError: pixels that are not finite or outside [-1, 1], or hardly any contrast.
    """
    lowest, highest = np.inf, -np.inf
    for first in range(0, len(dataset), CHECKED_TOGETHER):
        pixels = dataset.pixels(np.arange(first, min(first + CHECKED_TOGETHER, len(dataset))))
        lowest, highest = np.minimum(lowest, pixels.min()), np.maximum(highest, pixels.max())  # they keep NaN
    if not (lowest >= -1 and highest <= 1):
        raise MinidiffError(f"pixels range from {lowest:.4g} to {highest:.4g}; scale them to [-1, 1]")
    if highest - lowest < MIN_CONTRAST:
        raise MinidiffError(
            f"the images have no contrast, all pixels lie between {lowest:.4f} and {highest:.4f}; "
            "if they are in [0, 1], multiply them by 255 before converting them to bytes"
        )
