"""HTML as nested function calls. Text is escaped unless it is `Markup` already, so nothing can be forgotten."""

import base64
import io
from html import escape

import numpy as np

WITHOUT_END = {"img", "input", "circle", "line", "polyline", "rect", "meta"}
LARGEST_SIDE = 64  # images with a longer side are shown by every second, third, ... pixel: it keeps the page small


class Markup(str):
    """HTML that is ready. Any other string is text."""

    __slots__ = ()


def element(name, /, *children, **attributes):
    """An HTML element.

    Args:
        name: such as "p".
        children: `Markup`, text, or lists of these; None is left out.
        attributes: as keywords, with `class_` and `for_` for the words that Python keeps to itself and data_x for
            data-x. True means an attribute without a value; None and False leave it out.

    Returns:
        `Markup`.
    """
    parts = [name]
    for key, value in attributes.items():
        if value is True:
            parts.append(attribute_name(key))
        elif value is not None and value is not False:
            parts.append(f'{attribute_name(key)}="{escape(str(value))}"')
    opening = " ".join(parts)
    return Markup(f"<{opening}/>" if name in WITHOUT_END else f"<{opening}>{join(children)}</{name}>")


def attribute_name(key):
    """ "data_x" as "data-x", "class_" as "class"; viewBox and the like stay."""
    return key.rstrip("_").replace("_", "-")


def join(children):
    """Children of an element, one after the other, as `Markup`."""
    parts = []
    for child in children:
        if isinstance(child, (list, tuple)):
            parts.append(join(child))
        elif child is not None:
            parts.append(child if isinstance(child, Markup) else escape(str(child)))
    return Markup("".join(parts))


def with_code(text):
    """Text with what stands between `backticks` as code."""
    parts = text.split("`")
    return [element("code", part) if i % 2 else part for i, part in enumerate(parts)]


def section(name, title, *children):
    """A section of the page, with a heading that can be linked to."""
    return element(
        "section", element("h2", title, id=f"{name}-title"), *children, id=name, aria_labeledby=f"{name}-title"
    )


def missing(text):
    """A friendly line about something that is not there."""
    return element("p", with_code(text), class_="missing")


def table(head, rows, caption, class_=None):
    """A table; the first cell of each row is its heading. It scrolls by itself where the page is too narrow."""
    lines = [
        element("tr", element("th", row[0], scope="row"), [element("td", cell) for cell in row[1:]]) for row in rows
    ]
    header = element("thead", element("tr", [element("th", cell, scope="col") for cell in head])) if head else None
    whole = element("table", element("caption", caption), header, element("tbody", lines), class_=class_)
    return element("div", whole, class_="scroll", tabindex="0", role="region", aria_label=caption)


def shown_step(side):
    """Every how many pixels an image with this longer side is shown."""
    return -(-side // LARGEST_SIDE)


def image_tag(pixels, alt=""):
    """An image as an element that holds it.

    Args:
        pixels: uint8 (H, W, C).
        alt: what it shows, for those who do not see it; nothing if the text around it says so.

    Returns:
        `Markup`.
    """
    from PIL import Image

    step = shown_step(max(pixels.shape[:2]))
    pixels = np.ascontiguousarray(pixels[::step, ::step])
    height, width, channels = pixels.shape
    file = io.BytesIO()
    Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels).save(file, format="PNG", optimize=True)
    source = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    return element("img", src=source, alt=alt, width=width, height=height)


def image_grid(images, label, columns, alts=None):
    """Images in a grid that is read out as one, or one by one if each has a text of its own.

    Args:
        images: uint8 (n, H, W, C).
        label: what they show.
        columns: of the grid.
        alts: a text for each.
    """
    cells = [image_tag(image, alt) for image, alt in zip(images, alts or [""] * len(images), strict=True)]
    role = "group" if alts else "img"
    return element("div", cells, class_="images", role=role, aria_label=label, style=f"--columns: {columns}")
