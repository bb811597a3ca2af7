"""Pictures in a notebook: small, in the style of `plotting.py`, and each with a sentence for those who cannot see it.

A picture is drawn with twice the pixels it takes on the page, which keeps it sharp on fine screens, and stored with a
palette of at most 256 colours, which keeps notebooks small.
"""

import io

from minidiff.exercises.source import in_notebook
from minidiff.plotting import sheet

DOTS_PER_INCH = 80  # on the page


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
    picture = Image.open(file).convert("RGB")
    _show(picture, round(picture.width / 2), description)


def show_images(images, description, columns=None, scale=None):
    """Shows pictures side by side in rows.

    Args:
        images: (N, H, W, C) in [-1, 1].
        description: a sentence that says what is to be seen in them.
        columns: pictures in a row; about as many as rows if not given.
        scale: how large a pixel is on the page, each way; so that a row is about 640 wide if not given.
    """
    from PIL import Image

    page = sheet(images, columns)
    scale = scale or max(1, min(8, 640 // page.shape[1]))
    picture = Image.fromarray(page.repeat(scale, axis=0).repeat(scale, axis=1))
    _show(picture, picture.width, description)


def _show(picture, width, description):
    """Puts a Pillow picture on the page; says its description where there is no page."""
    if not in_notebook():
        print(description)
        return
    from IPython.display import display
    from PIL import Image

    file = io.BytesIO()
    colours = picture.getcolors(256)
    dither = Image.Dither.NONE
    picture.quantize(len(colours) if colours else 256, dither=dither).save(file, format="PNG", optimize=True)
    bundle = {"text/plain": description, "image/png": file.getvalue()}
    display(bundle, raw=True, metadata={"image/png": {"width": width, "alt": description}})
