"""Images in a notebook: small, in the style of `plotting.py`, and each with a sentence for those who cannot see it.

An image is drawn with twice the pixels it takes on the page, which keeps it sharp on fine screens, and stored with a
palette of at most 256 colors, which keeps notebooks small.
"""

import io

import numpy as np

from minidiff.data import to_pixels
from minidiff.exercises.source import in_notebook
from minidiff.plotting import sheet

DOTS_PER_INCH = 80  # on the page
COLORS = 256  # as many as a palette has


def show_figure(figure, description):
    """Shows a matplotlib figure, made with `plotting.new_figure`.

    Args:
        figure: the figure.
        description: a sentence that says what is to be seen in it.
    """
    from PIL import Image

    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=2 * DOTS_PER_INCH, bbox_inches="tight", pad_inches=0.05)
    image = Image.open(file).convert("RGB")
    _show(image, round(image.width / 2), description)


def show_images(images, description, columns=None, scale=None):
    """Shows images side by side in rows.

    Args:
        images: (N, H, W, C) in [-1, 1], or uint8 as a `Dataset` keeps them.
        description: a sentence that says what is to be seen in them.
        columns: images in a row; about as many as rows if not given.
        scale: how large a pixel is on the page, each way; so that a row is about 640 wide if not given.
    """
    from PIL import Image

    page = sheet(to_pixels(images) if images.dtype == np.uint8 else images, columns)
    scale = scale or max(1, min(8, 640 // page.shape[1]))
    image = Image.fromarray(page.repeat(scale, axis=0).repeat(scale, axis=1))
    _show(image, image.width, description)


def small_png(image):
    """A Pillow image as the bytes of a PNG file with a palette; exact if it has no more than 256 colors."""
    from PIL import Image

    file = io.BytesIO()
    count = len(image.getcolors(COLORS) or range(COLORS))
    image.quantize(count, dither=Image.Dither.NONE).save(file, format="PNG", optimize=True)
    return file.getvalue()


def _show(image, width, description):
    """Puts a Pillow image on the page; says its description where there is no page."""
    if not in_notebook():
        print(description)
        return
    from IPython.display import display

    bundle = {"text/plain": description, "image/png": small_png(image)}
    display(bundle, raw=True, metadata={"image/png": {"width": width, "alt": description}})
