"""Converts arrays to images: the layout of the axes, and the values of black and white.

An array specifies neither. If its shape and values allow one interpretation, it is taken and noted. Otherwise the user
specifies `layout`, the axes as letters N (image), H (height), W (width) and C (channel), or `value_range`, the values
of black and white; without them, ambiguous arrays raise `MinidiffError`.

    (60000, 28, 28)    is NHW          (5000, 3, 32, 32)  is NCHW
    (5000, 32, 32, 3)  is NHWC         (100000, 784)      is NHW, flattened
"""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minidiff.data.dataset import Notes
from minidiff.errors import MinidiffError

CHANNELS = (1, 3, 4)
CHUNK_ELEMENTS = 2**20
TOLERANCE = 1e-3  # relative to the range: overshoot from rounding or resizing in floating point


def to_images(array: np.ndarray, value_range: Sequence[float] | None, where: Path) -> tuple[np.ndarray, Notes]:
    """Converts values to bytes, with white behind transparent pixels.

    Args:
        array: (N, H, W, C), integers, floats or booleans; four channels are red, green, blue and opacity.
        value_range: (black, white), such as (0, 1). Default: guessed from the values.
        where: the file, for error messages.

    Returns:
        uint8 (N, H, W, C) with C 1 or 3, and notes.
    """
    images, notes = to_gray_levels(array, value_range, where)
    if images.shape[3] == 4:
        return on_white(images), (*notes, "transparent pixels became white")
    return images, notes


def arrange(array: np.ndarray, layout: str | None, where: Path) -> tuple[np.ndarray, Notes]:
    """Brings the axes of an array into the order NHWC, as a view if possible; a note if the layout was guessed."""
    if array.dtype.kind not in "buif":
        raise MinidiffError(f"{where}: contains {array.dtype}, which cannot be pixels; give an array of numbers")
    if array.size == 0:
        raise MinidiffError(f"{where}: shape {array.shape} contains no image; give another array")
    notes: Notes = ()
    if not layout:
        layout, notes = guess_layout(array.shape, where)
    layout = layout.upper()
    if sorted(layout) not in (sorted(axes) for axes in ("NHWC", "NHW", "HWC", "HW")):
        raise MinidiffError(f"{where}: unknown layout {layout!r}; give the axes as letters, such as NHWC or NCHW")
    if array.ndim == 2 and layout[0] == "N":
        array = unflatten(array, layout, where)
    if array.ndim != len(layout):
        raise MinidiffError(f"{where}: layout {layout} does not fit shape {array.shape}; give another layout")
    array = array.transpose([layout.index(axis) for axis in "NHWC" if axis in layout])
    array = array[..., None] if "C" not in layout else array
    array = array[None] if "N" not in layout else array
    if array.shape[3] not in CHANNELS:
        raise MinidiffError(f"{where}: {array.shape[3]} channels with layout {layout}; give a layout with 1, 3 or 4")
    return array, notes


def guess_layout(shape: tuple[int, ...], where: Path) -> tuple[str, Notes]:
    """The only layout that a shape allows, and a note if it is not the usual one."""
    if len(shape) == 4:
        first, last = shape[1] in CHANNELS, shape[3] in CHANNELS
        if first != last:
            return ("NHWC", ()) if last else ("NCHW", (f"shape {shape} read as NCHW: channels before rows",))
    elif len(shape) == 3 and shape[2] not in CHANNELS:
        return "NHW", ()
    elif len(shape) == 2 and math.isqrt(shape[1]) ** 2 == shape[1] > 1:
        side = math.isqrt(shape[1])
        return "NHW", (f"each row of {shape[1]} values read as a gray image of {side} x {side}",)
    raise MinidiffError(
        f"{where}: shape {shape} is ambiguous or not that of images; specify the axes with layout, "
        "such as NHWC, NCHW, NHW (gray) or HWC (a single image)"
    )


def unflatten(array: np.ndarray, layout: str, where: Path) -> np.ndarray:
    """Reshapes flattened square images (N, D) to the layout."""
    for channels in (3, 1) if "C" in layout else (1,):
        side = math.isqrt(array.shape[1] // channels)
        if channels * side * side == array.shape[1]:
            lengths = {"H": side, "W": side, "C": channels}
            return array.reshape(len(array), *(lengths[axis] for axis in layout[1:]))
    raise MinidiffError(
        f"{where}: {array.shape[1]} values are not a square {layout[1:]} image; reshape the array first"
    )


def to_gray_levels(array: np.ndarray, value_range: Sequence[float] | None, where: Path) -> tuple[np.ndarray, Notes]:
    """Maps values linearly to uint8 from 0 (black) to 255 (white); a note if the range was guessed."""
    low, high = array.min().item(), array.max().item()
    if not (math.isfinite(low) and math.isfinite(high)):
        bad = sum(not np.isfinite(image).all() for image in array)
        raise MinidiffError(f"{where}: NaN or infinity in {bad} of {len(array)} images; remove those first")
    black, white = value_range or guess_range(array.dtype, low, high, where)
    if not (math.isfinite(black) and math.isfinite(white) and black != white):
        raise MinidiffError(f"{where}: invalid range {black:g} to {white:g}; give two different finite values")
    slack = TOLERANCE * abs(white - black) if array.dtype.kind == "f" else 0
    if low < min(black, white) - slack or high > max(black, white) + slack:
        raise MinidiffError(
            f"{where}: values from {low:g} to {high:g} are outside the range {black:g} to {white:g}; give another range"
        )
    if (black, white) == (0, 255) and array.dtype == np.uint8:
        # a copy of a file that is mapped into memory; an array that was read is used as it is
        return np.array(array, order="C") if isinstance(array, np.memmap) else np.ascontiguousarray(array), ()
    images = np.empty(array.shape, np.uint8)
    for chunk in chunks(array):
        images[chunk] = np.clip(np.rint((array[chunk].astype(np.float64) - black) * (255 / (white - black))), 0, 255)
    note = f"values from {low:g} to {high:g}: {black:g} taken as black, {white:g} as white"
    return images, () if value_range else (note,)


def guess_range(dtype: np.dtype, low: float, high: float, where: Path) -> tuple[float, float]:
    """(black, white) from the smallest and the largest value of all images."""
    if dtype.kind == "b":
        return 0, 1
    if dtype == np.uint8 and (low == high or high >= 32):
        return 0, 255
    slack = TOLERANCE if dtype.kind == "f" else 0
    if low >= -slack and high <= 1 + slack:
        return 0, 1
    if low >= -1 - slack and high <= 1 + slack:
        return -1, 1
    if low >= 0 and 32 <= high <= 255:
        return 0, 255
    raise MinidiffError(
        f"{where}: values from {low:g} to {high:g} do not tell black from white; give the range, such as 0 16 or -1 1"
    )


def on_white(images: np.ndarray) -> np.ndarray:
    """Composites colors and opacity (N, H, W, 4) over white: uint8 (N, H, W, 3)."""
    opaque = np.empty((*images.shape[:3], 3), np.uint8)
    for chunk in chunks(images):
        color, opacity = images[chunk, ..., :3].astype(np.uint32), images[chunk, ..., 3:].astype(np.uint32)
        opaque[chunk] = (color * opacity + 255 * (255 - opacity) + 127) // 255
    return opaque


def chunks(images: np.ndarray) -> list[slice]:
    """Slices of about a million elements, to bound the memory of intermediate results."""
    size = max(1, CHUNK_ELEMENTS // images[0].size)
    return [slice(start, start + size) for start in range(0, len(images), size)]
