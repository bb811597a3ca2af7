"""Options of all readers, and the parts (train, val, test) of a data set."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from minidiff.data.dataset import Notes
from minidiff.data.readers.limits import MAX_BYTES, MAX_PIXELS
from minidiff.data.readers.sizing import Size
from minidiff.errors import MinidiffError

# Words in the names of files, folders and arrays -> part.
PART_WORDS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}


@dataclass(frozen=True)
class ReadingOptions:
    """How to read a data set; `loading.KINDS` lists which options apply to which files.

    Every reader is a function `load_...(files, options) -> Dataset` that raises `MinidiffError` if files are missing,
    damaged, ambiguous or too large, or if an option does not fit them.

    Args:
        size, num_images, seed: as in `loading.load`.
        layout: of arrays: the order of the axes, such as "NHWC" or "NCHW".
        value_range: of arrays: the values of black and white, such as (0, 1).
        part: "train", "val" or "test", if the data set is divided; default: "train".
        subset: of emoji: "people", "faces" or "all".
        images_key, labels_key: of arrays: their names in an .npz or folder; labels_key "none" reads no labels.
            CIFAR-100: labels_key is "fine" (default) or "coarse". IDX files: images_key is a part of their names, if
            there are several data sets.
        distinct: whether to leave out exact copies.
        max_bytes: limit on each array and on the whole data set in memory.
        max_pixels: of image files: larger ones are left out.
        cache_folder: of image files: where decoded images are cached. "default" is the platform's cache folder; None
            or "" disables the cache.
    """

    size: Size | None = None
    num_images: int | None = None
    seed: int = 0
    layout: str | None = None
    value_range: tuple[float, float] | None = None
    part: str | None = None
    subset: str = "people"
    images_key: str | None = None
    labels_key: str | None = None
    distinct: bool = False
    max_bytes: int = MAX_BYTES
    max_pixels: int = MAX_PIXELS
    cache_folder: str | Path | None = "default"

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise MinidiffError(f"seed is {self.seed}; give a non-negative integer")
        if self.num_images is not None and self.num_images < 1:
            raise MinidiffError(f"{self.num_images} images requested; give at least 1")
        if self.max_bytes < 1 or self.max_pixels < 1:
            raise MinidiffError(f"max_bytes is {self.max_bytes}, max_pixels {self.max_pixels}; give at least 1")


def choose_part(wanted: str | None, parts: Collection[str], where: str | Path) -> tuple[str, Notes]:
    """The part to read, `wanted` or, by default, "train" or the first, and a note on the choice.

    `parts` contains "" if files belong to no part. Raises `MinidiffError` if there is no such part.
    """
    named = [part for part in parts if part]
    if wanted is None:
        wanted = "train" if "train" in parts else next(iter(parts), "")
    elif not named:
        raise MinidiffError(f"{where}: is not divided into parts; leave out part={wanted!r}")
    elif wanted not in named:
        raise MinidiffError(f"{where}: unknown part {wanted!r}; choose from {', '.join(named)}")
    if not named or list(parts) == ["train"]:
        return wanted, ()
    return wanted, (f"{wanted or 'unnamed'} part" + (f" of {', '.join(named)}" if len(parts) > 1 else ""),)
