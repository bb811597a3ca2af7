"""Reads a mask for inpainting: white where an image is to be filled, black where it is kept.

A mask is an image in which nothing may be ambiguous, because a wrong guess would fill another part in silence. Colors,
gray areas, other proportions than those of the image, and masks that fill nothing or everything are refused.
Transparent pixels are kept, and values of 0 and 1 are black and white.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from minidiff.data.dataset import Notes
from minidiff.data.readers.image_file import SIXTEEN_BIT, decode_image, read_file
from minidiff.errors import MinidiffError
from minidiff.text import clean

MAX_SPREAD = 64  # between the channels of a pixel; with more, it has a color
BLACK, WHITE = 63, 192  # at most this is black, at least this white; between them are only the blurred edges
EDGE = 4  # pixels to either side of an edge
REMEDY = "paint the part to replace white and the rest black"


def read_mask(path: str | Path, image_path: str | Path, height: int, width: int) -> tuple[np.ndarray, Notes]:
    """Reads the mask of an image, cropped and resized like it.

    Args:
        path: of the mask.
        image_path: of the image, which has the same proportions.
        height, width: of the result. A pixel is to be filled if any of the mask's pixels in it are white.

    Returns:
        bool (height, width, 1), True where the image is to be filled; and notes.

    Raises:
        MinidiffError: a file that cannot be read, or a mask that is ambiguous, as described above.
    """
    shown = clean(str(path))
    values, notes = _gray_values(read_file(path, decode_image), shown)
    white = values >= (BLACK + WHITE + 1) // 2
    _check_edges(values, shown)
    (image_width, image_height), (H, W) = read_file(image_path, decode_image).size, white.shape
    if abs(W * image_height - H * image_width) > max(image_width, image_height):
        raise MinidiffError(
            f"{shown}: {W} pixels wide and {H} high, in other proportions than the image; "
            f"give a mask {image_width} pixels wide and {image_height} high"
        )
    covered = Image.fromarray(white.astype(np.float32))
    mask = np.asarray(ImageOps.fit(covered, (width, height), Image.Resampling.BOX)) > 0
    if mask.all() or not mask.any():
        what = "white everywhere, nothing would be kept" if mask.all() else "nothing is white, nothing would be filled"
        where = "" if white.all() or not white.any() else " in the central part of the image, which is used"
        raise MinidiffError(f"{shown}: {what}{where}; {REMEDY}")
    return mask[:, :, None], (*notes, f"{100 * mask.mean():.3g} % of the image are filled")


def _gray_values(image: Image.Image, shown: str) -> tuple[np.ndarray, Notes]:
    """The values of a mask (H, W), 0 to 255, with black behind transparent pixels; refuses colors."""
    if image.mode == "F" or image.mode in SIXTEEN_BIT:
        values = np.asarray(image, np.float32)
    elif image.mode in ("1", "L"):
        values = np.asarray(image.convert("L"), np.float32)
    else:
        colors = np.asarray(image.convert("RGBA"), np.float32)  # (H, W, 4)
        channels = colors[..., :3] * (colors[..., 3:] / 255)
        values = channels.max(axis=2)
        spread = values - channels.min(axis=2)
        if spread.max() > MAX_SPREAD:
            y, x = np.unravel_index(spread.argmax(), spread.shape)
            color = "#" + "".join(f"{int(value):02x}" for value in channels[y, x])
            raise MinidiffError(f"{shown}: has colors, such as {color} at column {x} of row {y}; {REMEDY}")
    highest = values.max()
    if not (np.isfinite(highest) and values.min() >= 0 and highest <= 65535):
        raise MinidiffError(f"{shown}: has values from {values.min():g} to {highest:g}; {REMEDY}")
    if 0 < highest <= 1:
        return values * 255, ("mask values 0 and 1 read as black and white",)
    return (values / 257 if highest > 255 else values), ()


def _check_edges(values: np.ndarray, shown: str) -> None:
    """Refuses gray values other than those of a blurred edge, with black and white nearby."""
    gray = (values > BLACK) & (values < WHITE)
    for part in (values <= BLACK, values >= WHITE):
        nearby = Image.fromarray(part.astype(np.uint8) * 255).filter(ImageFilter.BoxBlur(EDGE))
        unclear = gray & (np.asarray(nearby) == 0)
        if unclear.any():
            y, x = np.argwhere(unclear)[0]
            raise MinidiffError(
                f"{shown}: neither black nor white, such as value {values[y, x]:.0f} at column {x} of row {y}; {REMEDY}"
            )
