"""A data set: pictures as bytes, labels, and where they came from.

Pictures are kept as uint8 (a thousand of 64 x 64 x 3 take 12 MB) and become float32 in [-1, 1] a batch at a time:
the network wants numbers centred on zero, because the noise it must tell them from is centred on zero too.

    pixels = bytes / 127.5 - 1          0 -> -1, 255 -> +1
    bytes  = round((pixels + 1) * 127.5)

Every reader notes what it assumed (padding, cropping, files left out) in `notes`, so that nothing is done to somebody's
pictures in silence.
"""

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from minidiff.errors import MinidiffError


def to_pixels(images):
    """Bytes to pixels.

    Args:
        images: uint8 array of any shape, 0 to 255.

    Returns:
        float32 array of the same shape in [-1, 1].
    """
    return images.astype(np.float32) / np.float32(127.5) - np.float32(1)


def to_bytes(pixels):
    """Pixels to bytes, rounded to the nearest; what lies outside [-1, 1] is clipped.

    Args:
        pixels: float array of any shape, nominally in [-1, 1].

    Returns:
        uint8 array of the same shape.
    """
    return np.clip(np.rint((pixels + 1) * 127.5), 0, 255).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Pictures with labels, and a record of what they are.

    Args:
        images: uint8 (N, H, W, C), C is 1 (grey) or 3 (colour).
        labels: integers (N,) from 0 to len(class_names) - 1, kept as int64, or None.
        class_names: one name for each class, in label order; empty without labels.
        name: short name, such as "cats".
        source: where the pictures came from: a path, or how they were drawn.
        licence: terms of use, as far as they are known.
        notes: every assumption made on the way, one sentence each.

    Raises:
        MinidiffError: the arrays do not have these shapes and types, or do not fit together.
    """

    images: np.ndarray
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] = ()
    name: str = "pictures"
    source: str = ""
    licence: str = "unknown"
    notes: tuple[str, ...] = ()

    def __post_init__(self):
        images, labels = self.images, self.labels
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3):
            raise MinidiffError(
                f"{self.name}: pictures must be uint8 of shape (N, H, W, 1 or 3), not {images.dtype} {images.shape}; "
                "convert them first, for instance with minidiff.data.to_bytes"
            )
        if images.size == 0:
            raise MinidiffError(f"{self.name}: there is not a single picture, shape {images.shape}; give at least one")
        if labels is None:
            if self.class_names:
                raise MinidiffError(f"{self.name}: class names without labels; give both or neither")
            return
        if labels.shape != images.shape[:1] or not np.issubdtype(labels.dtype, np.integer):
            raise MinidiffError(
                f"{self.name}: {len(images)} pictures need as many whole-number labels, "
                f"not {labels.dtype} {labels.shape}"
            )
        if labels.min() < 0 or labels.max() >= len(self.class_names):
            raise MinidiffError(
                f"{self.name}: labels run from {labels.min()} to {labels.max()}, but {len(self.class_names)} "
                "class names allow 0 to one less than that; give one name for each class"
            )
        object.__setattr__(self, "labels", labels.astype(np.int64, copy=False))

    def __len__(self):
        return len(self.images)

    @property
    def height(self):
        return self.images.shape[1]

    @property
    def width(self):
        return self.images.shape[2]

    @property
    def channels(self):
        return self.images.shape[3]

    @property
    def num_classes(self):
        return len(self.class_names)

    def pixels(self, indices):
        """The chosen pictures as the network sees them.

        Args:
            indices: integers (n,), a slice or a mask: whatever indexes the first axis and keeps it.

        Returns:
            float32 (n, H, W, C) in [-1, 1].
        """
        return to_pixels(self.images[indices])

    def subset(self, indices):
        """The chosen pictures with their labels, as a data set of their own; names and notes stay."""
        return replace(self, images=self.images[indices], labels=None if self.labels is None else self.labels[indices])

    def noted(self, note):
        """The same data set with one more note."""
        return replace(self, notes=(*self.notes, note))

    def fingerprint(self):
        """Sixteen hexadecimal digits that change when the shape, a pixel or a label does (SHA-256, shortened)."""
        digest = hashlib.sha256(repr(self.images.shape).encode())
        digest.update(np.ascontiguousarray(self.images))
        if self.labels is not None:
            digest.update(np.ascontiguousarray(self.labels, dtype="<i8"))
        return digest.hexdigest()[:16]
