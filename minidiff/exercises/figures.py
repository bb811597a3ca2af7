"""Images and figures in a notebook, each with a description for readers who cannot see it.

They are stored with twice the pixels of their size on the page, for sharpness on high-resolution screens, and with a
palette of at most 256 colors, for small notebooks. Pillow is imported when something is shown: it is slow to import.
"""

import io
from typing import TYPE_CHECKING

import numpy as np

from minidiff.data import to_pixels
from minidiff.exercises.source import show_bundle
from minidiff.plotting import sheet

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

DOTS_PER_INCH = 80  # on the page
COLORS = 256  # in a palette


def show_figure(figure: "Figure", description: str) -> None:
    """Shows a matplotlib figure made with `plotting.new_figure`, with one sentence on what it shows."""
    from PIL import Image

    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=2 * DOTS_PER_INCH, bbox_inches="tight", pad_inches=0.05)
    image = Image.open(file).convert("RGB")
    _show(image, round(image.width / 2), description)


def show_images(images: np.ndarray, description: str, columns: int | None = None, scale: int | None = None) -> None:
    """Shows images (N, H, W, C), in [-1, 1] or uint8, side by side, with one sentence on what they show.

    There are `columns` images in a row, by default about as many as rows; a pixel becomes `scale` pixels wide, by
    default such that a row is about 640 wide.
    """
    from PIL import Image

    page = sheet(to_pixels(images) if images.dtype == np.uint8 else images, columns)
    scale = scale or max(1, min(8, 640 // page.shape[1]))
    image = Image.fromarray(page.repeat(scale, axis=0).repeat(scale, axis=1))
    _show(image, image.width, description)


def small_png(image: "Image") -> bytes:
    """A Pillow image as a PNG file with a palette; exact if it has at most 256 colors."""
    from PIL import Image

    file = io.BytesIO()
    count = len(image.getcolors(COLORS) or range(COLORS))
    image.quantize(count, dither=Image.Dither.NONE).save(file, format="PNG", optimize=True)
    return file.getvalue()


def _show(image: "Image", width: int, description: str) -> None:
    """Shows a Pillow image in a notebook; prints the description elsewhere."""
    bundle = {"text/plain": description, "image/png": small_png(image)}
    show_bundle(bundle, {"image/png": {"width": width, "alt": description}})
