"""Decodes one image file to an upright, opaque image of a given size.

The image is rotated upright (EXIF), composited over white, cropped at the center to the proportions of the result, and
resized with a Lanczos filter. Compositing precedes resizing: otherwise the invisible colors of transparent pixels would
bleed into their visible neighbors.
"""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import IO, BinaryIO, TypeVar

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from minidiff.data.dataset import Notes, to_pixels
from minidiff.data.readers.limits import DAMAGED, MAX_PIXELS
from minidiff.errors import MinidiffError
from minidiff.regular import open_regular
from minidiff.text import clean

Decoded = TypeVar("Decoded")

# Raster formats only. For one of the others (EPS), Pillow would start another program.
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "AVIF", "TIFF", "PPM")
SIXTEEN_BIT = ("I", "I;16", "I;16L", "I;16B", "I;16N")
GRAY = ("1", "L", *SIXTEEN_BIT)
ANIMATED = "minidiff: is animated"  # key in the metadata of a decoded image
# What Pillow's decoders raise on damaged files.
UNREADABLE = (
    *DAMAGED, SyntaxError, TypeError, IndexError, KeyError, AttributeError, AssertionError, OverflowError, MemoryError,
    ZeroDivisionError, Image.DecompressionBombError,
)  # fmt: skip


def open_image(stream: IO[bytes], size: int, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decodes an image, upright, opaque, with 8 bits per channel (mode "L" or "RGB").

    Arguments and errors as in `decode_image`.
    """
    return opaque(decode_image(stream, size, max_pixels))


def decode_image(stream: IO[bytes], size: int | None = None, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decodes an image, upright, in its own mode.

    With a `size`, a JPEG may be decoded at a reduced scale, but not below twice `size`. An image of more than
    `max_pixels` is rejected before it is decoded. If it is not an image, damaged, or too large, one of UNREADABLE is
    raised.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # max_pixels is stricter than Pillow's limit, and damaged EXIF is harmless
        Image.init()  # an older Pillow may lack one of the formats
        try:
            image: Image.Image = Image.open(stream, formats=[name for name in FORMATS if name in Image.OPEN])
        except UnidentifiedImageError as error:  # its own message gives the stream's address in memory
            raise ValueError("not an image of a supported format") from error
        with image:
            if image.width * image.height > max_pixels:
                raise ValueError(f"{image.width} x {image.height} is more than {max_pixels:,} pixels")
            if size is not None:
                image.draft(None, (2 * size, 2 * size))
            is_animated = getattr(image, "is_animated", False)
            image.load()
            upright = ImageOps.exif_transpose(image)
            upright.info[ANIMATED] = is_animated
            return upright


def opaque(image: Image.Image) -> Image.Image:
    """Converts any mode to "L" or "RGB": 16 bits to 8, palettes to colors, transparent pixels to white."""
    if image.mode in SIXTEEN_BIT:
        values = np.clip(np.asarray(image), 0, 65535).astype(np.uint32)
        return Image.fromarray(((values + 128) // 257).astype(np.uint8))  # 65535 / 255 = 257
    if image.mode == "F":
        raise ValueError("floating-point image of unknown range")
    if is_transparent(image):
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("L" if image.mode in GRAY else "RGB")


def is_transparent(image: Image.Image) -> bool:
    """Whether an image has an opacity channel or a transparent color."""
    return "A" in image.mode or "a" in image.mode or "transparency" in image.info


def is_animated(image: Image.Image) -> bool:
    """Whether the file of a decoded image contains more images, of which this is the first."""
    return bool(image.info.get(ANIMATED))


def central_part(image: Image.Image, height: int, width: int) -> tuple[int, int, int, int]:
    """The largest central part with the proportions height : width, as left, top, right, bottom."""
    scale = min(image.height / height, image.width / width)
    h, w = max(1, round(scale * height)), max(1, round(scale * width))
    left, top = (image.width - w) // 2, (image.height - h) // 2
    return left, top, left + w, top + h


def crop(image: Image.Image, height: int, width: int) -> Image.Image:
    """The largest central part with these proportions, resized to height x width."""
    box = central_part(image, height, width)
    return image.resize((width, height), Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)


def read_file(path: str | Path, decode: Callable[[BinaryIO], Decoded]) -> Decoded:
    """What `decode` finds in an image file; `MinidiffError` if it cannot be read."""
    try:
        with open_regular(path) as stream:
            return decode(stream)
    except FileNotFoundError as error:
        raise MinidiffError(f"{path}: no such file; give the path of an image") from error
    except UNREADABLE as error:
        reason = getattr(error, "strerror", None) or error
        raise MinidiffError(f"{path}: not a readable image ({reason}); give a PNG, JPEG or similar") from error


def image_notes(path: str | Path, height: int, width: int) -> Notes:
    """What `read_image` with these arguments changes besides the size."""
    image, notes = read_file(path, decode_image), []
    W, H = image.size
    if abs(W * height - H * width) > max(height, width):
        notes.append(f"{W} pixels wide and {H} high, cropped at the center to {width} : {height}")
    if is_transparent(image):
        notes.append("transparent pixels became white")
    if is_animated(image):
        notes.append("only the first of its images is used")
    return tuple(f"{clean(str(path))}: {note}" for note in notes)


def read_image(path: str | Path, height: int, width: int, channels: int) -> np.ndarray:
    """Reads one image file, cropped at the center and resized: float32 (height, width, channels) in [-1, 1]."""
    image = read_file(path, lambda stream: open_image(stream, max(height, width)))
    image = ImageOps.fit(image.convert("L" if channels == 1 else "RGB"), (width, height), Image.Resampling.LANCZOS)
    return to_pixels(np.asarray(image).reshape(height, width, channels))
