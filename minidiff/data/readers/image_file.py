"""One image file of any kind to an upright, opaque, square image of one size.

Turned upright (EXIF), laid on white where it is transparent, cut to the largest square in its middle, and resized with
a Lanczos filter. Transparency goes before resizing: afterwards the invisible colors of transparent pixels would have
leaked into the rim of the visible ones.
"""

import warnings

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from minidiff.data.dataset import to_pixels
from minidiff.data.readers.limits import DAMAGED, MAX_PIXELS
from minidiff.errors import MinidiffError

# Formats of images proper. Pillow knows more, and starts another program to read one of them (EPS).
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "AVIF", "TIFF", "PPM")
SIXTEEN_BIT = ("I", "I;16", "I;16L", "I;16B", "I;16N")
GRAY = ("1", "L", *SIXTEEN_BIT)
# What Pillow's decoders raise on damaged files, beside what reading from a damaged archive does.
UNREADABLE = (
    *DAMAGED,
    SyntaxError,
    TypeError,
    IndexError,
    KeyError,
    AttributeError,
    AssertionError,
    OverflowError,
    MemoryError,
    ZeroDivisionError,
    Image.DecompressionBombError,
)


def open_image(stream, size, max_pixels=MAX_PIXELS):
    """One image, upright, opaque, 8 bits a channel.

    Args:
        stream: the file, open for reading bytes.
        size: a JPEG may be decoded at reduced scale, but not below twice this size.
        max_pixels: a larger image is refused before it is decoded.

    Returns:
        PIL.Image.Image of mode "L" or "RGB".

    Raises:
        OSError, ValueError and others (see UNREADABLE): the file is no image, damaged, or too large.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the limit below is stricter, and damaged EXIF is no matter
        Image.init()  # an older Pillow may lack one of the formats
        try:
            image = Image.open(stream, formats=[name for name in FORMATS if name in Image.OPEN])
        except UnidentifiedImageError as error:  # its own message names the stream, by its address in memory
            raise ValueError("no image of a known format") from error
        with image:
            if image.width * image.height > max_pixels:
                raise ValueError(f"{image.width} x {image.height} is more than {max_pixels:,} pixels")
            image.draft(None, (2 * size, 2 * size))
            image.load()
            return opaque(ImageOps.exif_transpose(image))


def opaque(image):
    """Any mode to "L" or "RGB": 16 bits become 8, palettes become colors, transparency becomes white."""
    if image.mode in SIXTEEN_BIT:
        values = np.clip(np.asarray(image), 0, 65535).astype(np.uint32)
        return Image.fromarray(((values + 128) // 257).astype(np.uint8))  # 65535 / 255 = 257
    if image.mode == "F":
        raise ValueError("floating-point image, its range is not known")
    if "A" in image.mode or "a" in image.mode or "transparency" in image.info:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("L" if image.mode in GRAY else "RGB")


def square(image, size):
    """The largest square in the middle, resized to size x size."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    box = (left, top, left + side, top + side)
    return image.resize((size, size), Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)


def read_image(path, height, width, channels):
    """One image file, cut in the middle and resized to what a network takes.

    Args:
        path: of the file.
        height, width, channels: of the result; channels 1 (gray) or 3.

    Returns:
        float32 (height, width, channels) in [-1, 1].

    Raises:
        MinidiffError: there is no such file, or it is no image.
    """
    try:
        with open(path, "rb") as stream:
            image = open_image(stream, max(height, width))
    except FileNotFoundError as error:
        raise MinidiffError(f"{path}: there is no such file; give the path of an image") from error
    except UNREADABLE as error:
        raise MinidiffError(f"{path}: cannot be read as an image ({error}); give a PNG, JPEG or the like") from error
    image = ImageOps.fit(image.convert("L" if channels == 1 else "RGB"), (width, height), Image.Resampling.LANCZOS)
    return to_pixels(np.asarray(image).reshape(height, width, channels))
