"""Captions: the name below each image of a sheet, and a title above all.

They are drawn after the images were enlarged, so that the text is sharp, in the font that matplotlib brings.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # matplotlib and Pillow are imported inside functions, because that takes time
    from PIL import Image, ImageFont

FONT_SIZE, LINE = 12, 17  # pixels
DOTS = "…"


def with_captions(
    page: np.ndarray, cell: tuple[int, int], gap: int, names: Sequence[str] | None = None, title: str = ""
) -> "Image.Image":
    """Inserts a line of text below each row of images, and one above the first.

    Args:
        page: uint8 (height, width, 3), a grid of images with gaps around each.
        cell: height and width of an image.
        gap: between two images.
        names: of the images, row by row; those that are too long end in dots. None leaves the lines out.
        title: "" leaves the line out.

    Returns:
        A Pillow image.
    """
    from PIL import Image, ImageDraw

    height, width = cell
    columns, rows = (page.shape[1] - gap) // (width + gap), (page.shape[0] - gap) // (height + gap)
    top, below = LINE * bool(title), LINE * (names is not None)
    strips = [np.full((top + gap, page.shape[1], 3), 255, np.uint8)]
    for row in range(rows):
        start = gap + row * (height + gap)
        strips += [page[start : start + height], np.full((below + gap, page.shape[1], 3), 255, np.uint8)]
    image = Image.fromarray(np.concatenate(strips))
    draw = ImageDraw.Draw(image)
    if title:
        draw.text((gap, LINE // 2), fitting(title, page.shape[1] - 2 * gap), "black", font(), anchor="lm")
    for i, name in enumerate(names or ()):
        row, column = divmod(i, columns)
        bottom = top + gap + (row + 1) * height + row * (below + gap)
        center = gap + column * (width + gap) + width // 2, bottom + LINE // 2
        draw.text(center, fitting(name, width), "black", font(), anchor="mm")
    return image


def fitting(text: str, width: int) -> str:
    """The text, or as much of its beginning as fits into a width in pixels, with dots at the end."""
    if font().getlength(text) <= width:
        return text
    while text and font().getlength(text + DOTS) > width:
        text = text[:-1]
    return text + DOTS


@cache
def font() -> "ImageFont.FreeTypeFont":
    """DejaVu Sans."""
    from matplotlib import get_data_path
    from PIL import ImageFont

    return ImageFont.truetype(Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", FONT_SIZE)
