"""Fits the images of an array to a size: pads small ones, crops and resizes large ones."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np

from minidiff.data.dataset import Notes
from minidiff.errors import MinidiffError
from minidiff.memory import check_memory, readable

SIZE_MULTIPLE = 8  # so that a network can halve the size three times
MAX_SIZE = 4096

Size: TypeAlias = int | tuple[int, int]  # the side of a square, or height and width, in pixels


def height_and_width(size: int | Sequence[int]) -> tuple[int, int]:
    """A size as height and width."""
    if isinstance(size, Sequence):
        height, width = size
        return height, width
    return size, size


def fit(
    images: np.ndarray, size: Size | None, max_bytes: int, where: str | Path, fill: int | None = None
) -> tuple[np.ndarray, Notes]:
    """Fits images to a size.

    Args:
        images: uint8 (N, H, W, C).
        size: of the result; smaller images are padded, larger ones cropped at the center to its proportions and
            resized. Default: height and width are padded to the next multiple of 8 (28 becomes 32).
        max_bytes: limit on the result.
        where: the file, for error messages.
        fill: value of the padding. Default: the background, if most pixels of the border have one value; otherwise
            the border pixels are repeated.
    """
    N, H, W, C = images.shape
    padded = tuple(math.ceil(side / SIZE_MULTIPLE) * SIZE_MULTIPLE for side in (H, W))
    height, width = padded if size is None else height_and_width(size)
    check_output(size, (N, height, width, C), max_bytes, where)
    if (height, width) == (H, W):
        return images, ()
    return shrink(images, height, width) if height < H or width < W else pad(images, height, width, fill)


def check_output(size: Size | None, shape: tuple[int, ...], max_bytes: int, where: str | Path) -> None:
    """Raises `MinidiffError` if a size is out of range, or if uint8 images (N, H, W, C) exceed max_bytes."""
    for side in () if size is None else height_and_width(size):
        if not 1 <= side <= MAX_SIZE:
            raise MinidiffError(f"{where}: size is {side}; give a size from 1 to {MAX_SIZE} pixels")
    num_bytes = math.prod(shape)
    what = f"{where}: {shape[0]:,} images of {shape[1]} x {shape[2]}"
    if num_bytes > max_bytes:
        raise MinidiffError(
            f"{what} take {readable(num_bytes)}, more than the limit of {max_bytes:,} bytes; "
            "give a smaller size or num_images, or raise max_bytes"
        )
    check_memory(num_bytes, what, "give a smaller size or num_images")


def pad(images: np.ndarray, height: int, width: int, fill: int | None = None) -> tuple[np.ndarray, Notes]:
    """Pads (N, H, W, C) evenly on all sides; returns the images and a note."""
    H, W = images.shape[1:3]
    top, left = (height - H) // 2, (width - W) // 2
    margins = ((0, 0), (top, height - H - top), (left, width - W - left), (0, 0))
    fill = background(images) if fill is None else fill
    how = "their border pixels" if fill is None else str(fill)
    padded = np.pad(images, margins, "edge") if fill is None else np.pad(images, margins, constant_values=fill)
    return padded, (f"padded with {how} from {H} x {W} to {height} x {width}",)


def background(images: np.ndarray) -> int | None:
    """The value of more than half of the elements in the outermost rows and columns, or None."""
    border = (images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1])
    counts = np.sum([np.bincount(side.ravel(), minlength=256) for side in border], axis=0)
    return int(counts.argmax()) if 2 * counts.max() > counts.sum() else None


def shrink(images: np.ndarray, height: int, width: int) -> tuple[np.ndarray, Notes]:
    """Crops (N, H, W, C) at the center to height : width and resizes them (Lanczos); returns images and notes."""
    from PIL import Image  # takes time to import, and most data sets need no resizing

    N, H, W, C = images.shape
    scale = min(H / height, W / width)
    h, w = max(1, round(scale * height)), max(1, round(scale * width))  # the largest part with these proportions
    top, left = (H - h) // 2, (W - w) // 2
    shrunk = np.empty((N, height, width, C), np.uint8)
    for i in range(N):
        cropped = images[i, top : top + h, left : left + w]
        image = Image.fromarray(np.ascontiguousarray(cropped[..., 0] if C == 1 else cropped))
        shrunk[i] = np.asarray(image.resize((width, height), Image.Resampling.LANCZOS)).reshape(height, width, C)
    central = "the central square" if height == width else f"the central {h} x {w}"
    notes = (f"cropped from {H} x {W} to {central}",) if (h, w) != (H, W) else ()
    return shrunk, (*notes, f"resized from {h} x {w} to {height} x {width}")
