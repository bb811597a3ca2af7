"""A data set: images as bytes, labels, and where they came from.

Images are kept as uint8 (a thousand of 64 x 64 x 3 take 12 MB) and become float32 in [-1, 1] a batch at a time:
the network wants numbers centered on zero, because the noise it must tell them from is centered on zero too.

    pixels = bytes / 127.5 - 1          0 -> -1, 255 -> +1
    bytes  = round((pixels + 1) * 127.5)

Every reader notes what it assumed (padding, cropping, files left out) in `notes`, so that nothing is done to somebody's
images in silence.
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
    """Images with labels, and a record of what they are.

    Args:
        images: uint8 (N, H, W, C), C is 1 (gray) or 3 (color).
        labels: integers (N,) from 0 to len(class_names) - 1, kept as int64, or None.
        class_names: one name for each class, in label order; empty without labels.
        name: short name, such as "cats".
        source: where the images came from: a path, or how they were drawn.
        license: terms of use, as far as they are known.
        notes: every assumption made on the way, one sentence each.
        groups: text (N,) or None: images of one group are variants of one design, and `split` keeps them together.

    Raises:
        MinidiffError: the arrays do not have these shapes and types, or do not fit together.
    """

    images: np.ndarray
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] = ()
    name: str = "images"
    source: str = ""
    license: str = "unknown"
    notes: tuple[str, ...] = ()
    groups: np.ndarray | None = None

    def __post_init__(self):
        images, labels = self.images, self.labels
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3):
            raise MinidiffError(
                f"{self.name}: images must be uint8 of shape (N, H, W, 1 or 3), not {images.dtype} {images.shape}; "
                "convert them first, for instance with minidiff.data.to_bytes"
            )
        if images.size == 0:
            raise MinidiffError(f"{self.name}: there is not a single image, shape {images.shape}; give at least one")
        if self.groups is not None and self.groups.shape != images.shape[:1]:
            raise MinidiffError(f"{self.name}: {len(images)} images need as many groups, not {self.groups.shape}")
        if labels is None:
            if self.class_names:
                raise MinidiffError(f"{self.name}: class names without labels; give both or neither")
            return
        if labels.shape != images.shape[:1] or not np.issubdtype(labels.dtype, np.integer):
            raise MinidiffError(
                f"{self.name}: {len(images)} images need as many whole-number labels, not {labels.dtype} {labels.shape}"
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
    def example_shape(self):
        """The shape of one image: (H, W, C)."""
        return self.images.shape[1:]

    @property
    def num_classes(self):
        return len(self.class_names)

    def pixels(self, indices):
        """The chosen images as the network sees them.

        Args:
            indices: integers (n,), a slice or a mask: whatever indexes the first axis and keeps it.

        Returns:
            float32 (n, H, W, C) in [-1, 1].
        """
        return to_pixels(self.images[indices])

    def subset(self, indices):
        """The chosen images with their labels, as a data set of their own; names and notes stay."""
        labels = None if self.labels is None else self.labels[indices]
        groups = None if self.groups is None else self.groups[indices]
        return replace(self, images=self.images[indices], labels=labels, groups=groups)

    def split(self, fraction=0.1, seed=0):
        """Cut into two sets: one to train on, and one to be held out, for a fair test.

        Groups are not torn apart: of a design that comes in six skin tones, all six fall on one side. Otherwise a
        network that has seen five of them would be tested on what it knows.

        Args:
            fraction: of the groups (of the images, where no groups are known) to hold out, between 0 and 1.
            seed: of the choice.

        Returns:
            Two data sets, each in the old order: to train on, and held out.

        Raises:
            MinidiffError: the fraction is not between 0 and 1, or there is but one group.
        """
        _, group = np.unique(np.arange(len(self)) if self.groups is None else self.groups, return_inverse=True)
        num_groups = int(group.max()) + 1
        if not 0 < fraction < 1 or num_groups < 2:
            raise MinidiffError(
                f"{self.name}: cannot hold out {fraction} of {num_groups}; give a fraction between 0 and 1, "
                "and a set of at least two images or designs"
            )
        num_held_out = min(max(1, round(fraction * num_groups)), num_groups - 1)
        is_held_out = np.zeros(num_groups, bool)
        is_held_out[np.random.default_rng(seed).permutation(num_groups)[:num_held_out]] = True
        what = "images" if self.groups is None else "designs"
        train, held_out = self.subset(~is_held_out[group]), self.subset(is_held_out[group])
        return (
            train.noted(f"{num_groups - num_held_out} of {num_groups} {what}, the others are held out, seed {seed}"),
            held_out.noted(f"{num_held_out} of {num_groups} {what}, held out, seed {seed}"),
        )

    def distinct(self):
        """The same data set without repetitions: of images that are equal in every byte, the first is kept."""
        seen = set()
        digests = (hashlib.sha256(image.tobytes()).digest() for image in self.images)
        is_first = np.array([digest not in seen and not seen.add(digest) for digest in digests])
        num_copies = len(self) - int(is_first.sum())
        return self.subset(is_first).noted(f"{num_copies} exact copies left out") if num_copies else self

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
