"""From an array of numbers to images: which axis is which, and which number is black?

An array says neither, so both are guessed where the shape and the values leave one answer, and every guess is noted.
Where they leave several, the reader is asked: by `layout`, which names the axes with the letters N (number of the
image), H (height), W (width) and C (channel), and by `value_range`, the numbers for black and for white.

    (60000, 28, 28)    is NHW          (5000, 3, 32, 32)  is NCHW
    (5000, 32, 32, 3)  is NHWC         (100000, 784)      is NHW, laid out flat
"""

import math

import numpy as np

from minidiff.errors import MinidiffError

CHANNELS = (1, 3, 4)
BATCH_NUMBERS = 2**20
TOLERANCE = 1e-3  # of the range: what rounding or resizing in floating point may overshoot


def to_images(array, value_range, where):
    """Images from an array whose axes are in order.

    Args:
        array: (N, H, W, C), whole numbers, floats or truth values; four channels are red, green, blue and opacity.
        value_range: (black, white), such as (0, 1); guessed by default.
        where: names the file in messages.

    Returns:
        uint8 (N, H, W, C) with C 1 or 3, and notes.

    Raises:
        MinidiffError: NaN among the numbers, or several ways to read them.
    """
    images, notes = to_gray_levels(array, value_range, where)
    if images.shape[3] == 4:
        return on_white(images), (*notes, "transparent parts became white")
    return images, notes


def arrange(array, layout, where):
    """Bring the axes into order.

    Args:
        array: numbers of any layout.
        layout: its axes, such as "NCHW"; guessed by default.
        where: names the file in messages.

    Returns:
        The same numbers (N, H, W, C), as a view where that is possible, and a note if the layout was guessed.

    Raises:
        MinidiffError: not images, or several ways to read them.
    """
    if array.dtype.kind not in "buif":
        raise MinidiffError(f"{where}: holds {array.dtype}, not numbers that could be pixels; give another array")
    if array.size == 0:
        raise MinidiffError(f"{where}: shape {array.shape} holds not a single image; give another array")
    layout, notes = (layout.upper(), ()) if layout else guess_layout(array.shape, where)
    if sorted(layout) not in (sorted(axes) for axes in ("NHWC", "NHW", "HWC", "HW")):
        raise MinidiffError(f"{where}: no layout is called {layout!r}; give the axes by letters, such as NHWC or NCHW")
    if array.ndim == 2 and layout[0] == "N":
        array = unroll(array, layout, where)
    if array.ndim != len(layout):
        raise MinidiffError(f"{where}: layout {layout} has {len(layout)} axes, but the array is {array.shape}")
    array = array.transpose([layout.index(axis) for axis in "NHWC" if axis in layout])
    array = array[..., None] if "C" not in layout else array
    array = array[None] if "N" not in layout else array
    if array.shape[3] not in CHANNELS:
        raise MinidiffError(
            f"{where}: as {layout} the images have {array.shape[3]} channels instead of 1, 3 or 4; "
            "give another layout, such as NHWC, NCHW or NHW"
        )
    return array, notes


def guess_layout(shape, where):
    """The only layout that a shape allows, and a note if another was thinkable."""
    if len(shape) == 4:
        first, last = shape[1] in CHANNELS, shape[3] in CHANNELS
        if first != last:
            return ("NHWC", ()) if last else ("NCHW", (f"shape {shape} read as NCHW: channels before rows",))
    elif len(shape) == 3 and shape[2] not in CHANNELS:
        return "NHW", ()
    elif len(shape) == 2 and math.isqrt(shape[1]) ** 2 == shape[1] > 1:
        side = math.isqrt(shape[1])
        return "NHW", (f"each row of {shape[1]} numbers read as a gray image of {side} x {side}",)
    raise MinidiffError(
        f"{where}: shape {shape} can be read in several ways or none; name its axes with layout, "
        "such as NHWC, NCHW, NHW (gray) or HWC (a single image)"
    )


def unroll(array, layout, where):
    """Rows of numbers (N, D) as square images in the order of the layout."""
    for channels in (3, 1) if "C" in layout else (1,):
        side = math.isqrt(array.shape[1] // channels)
        if channels * side * side == array.shape[1]:
            lengths = {"H": side, "W": side, "C": channels}
            return array.reshape(len(array), *(lengths[axis] for axis in layout[1:]))
    raise MinidiffError(
        f"{where}: rows of {array.shape[1]} numbers are no square images of layout {layout}; "
        "reshape the array to (N, H, W, C) first"
    )


def to_gray_levels(array, value_range, where):
    """uint8 from 0 (black) to 255 (white), and a note if that changed the numbers."""
    low, high = array.min().item(), array.max().item()
    if not (math.isfinite(low) and math.isfinite(high)):
        bad = sum(not np.isfinite(image).all() for image in array)
        raise MinidiffError(f"{where}: NaN or infinite numbers in {bad} of {len(array)} images; remove those first")
    black, white = value_range or guess_range(array.dtype, low, high, where)
    if not (math.isfinite(black) and math.isfinite(white) and black != white):
        raise MinidiffError(f"{where}: the range {black:g} to {white:g} is none; give two different numbers")
    slack = TOLERANCE * abs(white - black) if array.dtype.kind == "f" else 0
    if low < min(black, white) - slack or high > max(black, white) + slack:
        raise MinidiffError(
            f"{where}: values run from {low:g} to {high:g}, outside the range {black:g} to {white:g}; "
            "give the right range"
        )
    notes = () if value_range else (f"values from {low:g} to {high:g}: {black:g} taken for black, {white:g} for white",)
    if (black, white) == (0, 255) and array.dtype == np.uint8:
        return np.array(array, order="C"), ()
    images = np.empty(array.shape, np.uint8)
    for some in batches(array):
        images[some] = np.clip(np.rint((array[some].astype(np.float64) - black) * (255 / (white - black))), 0, 255)
    return images, notes


def guess_range(dtype, low, high, where):
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
        f"{where}: values run from {low:g} to {high:g}, and it is not clear which is black and which is white; "
        "give the range, such as 0 16 or -1 1"
    )


def on_white(images):
    """Colors and opacity (N, H, W, 4) laid on white: uint8 (N, H, W, 3)."""
    opaque = np.empty((*images.shape[:3], 3), np.uint8)
    for some in batches(images):
        color, opacity = images[some, ..., :3].astype(np.uint32), images[some, ..., 3:].astype(np.uint32)
        opaque[some] = (color * opacity + 255 * (255 - opacity) + 127) // 255
    return opaque


def batches(images):
    """Slices of about a million numbers, so that what is computed on the way stays small."""
    step = max(1, BATCH_NUMBERS // images[0].size)
    return [slice(start, start + step) for start in range(0, len(images), step)]
