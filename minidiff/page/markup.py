"""HTML as nested function calls. All text is escaped unless it is already `Markup`."""

import base64
import io
from collections.abc import Sequence
from html import escape
from typing import TypeAlias

import numpy as np
from PIL import Image

VOID_ELEMENTS = {"img", "input", "circle", "line", "polyline", "meta"}  # elements without an end tag
SECTIONS = {  # id -> heading, and name in the navigation, in the order of the page
    "stages": "Four stages",
    "forward": "Forward process",
    "training": "Training",
    "denoising": "Denoising",
    "samples": "Samples and nearest training images",
    "evaluation": "Evaluation",
    "insight": "Key insight",
    "quiz": "Quiz",
    "practice": "Practice",
    "provenance": "How this run was made",
}
MAX_SIDE = 64  # pixels; larger images are subsampled, which keeps the page small

Child: TypeAlias = "str | float | Sequence[Child] | None"


class Markup(str):
    """HTML that needs no escaping; any other string is text."""

    __slots__ = ()


def element(name: str, /, *children: Child, **attributes: object) -> Markup:
    """An HTML element, such as "p", with children: `Markup`, text, or lists of these; None is left out.

    The attributes `class_` and `for_` stand for the names that are Python keywords, data_x for data-x. True gives an
    attribute without a value; None and False leave it out.
    """
    parts = [name]
    for key, value in attributes.items():
        key = key.rstrip("_").replace("_", "-")
        if value is True:
            parts.append(key)
        elif value is not None and value is not False:
            parts.append(f'{key}="{escape(str(value))}"')
    opening = " ".join(parts)
    return Markup(f"<{opening}/>" if name in VOID_ELEMENTS else f"<{opening}>{join(children)}</{name}>")


def join(children: Sequence[Child]) -> Markup:
    """Concatenates the children of an element."""
    parts: list[str] = []
    for child in children:
        if isinstance(child, (list, tuple)):
            parts.append(join(child))
        elif child is not None:
            parts.append(child if isinstance(child, Markup) else escape(str(child)))
    return Markup("".join(parts))


def with_code(text: str) -> list[Child]:
    """Text in which everything between `backticks` becomes a code element."""
    return [element("code", part) if i % 2 else part for i, part in enumerate(text.split("`"))]


def section(name: str, *children: Child) -> Markup:
    """A section of the page, with its heading of SECTIONS; `name` is its id, and text becomes paragraphs."""
    heading = element("h2", SECTIONS[name], id=f"{name}-title")
    content = [element("p", one) if type(one) is str else one for one in children]
    return element("section", heading, content, id=name, aria_labelledby=f"{name}-title")


def missing(text: str) -> Markup:
    """A paragraph that explains why something is not shown."""
    return element("p", with_code(text), class_="missing")


def table(
    head: Sequence[str] | None, rows: Sequence[Sequence[Child]], caption: str, class_: str | None = None
) -> Markup:
    """A table that scrolls if the page is too narrow; the first cell of each row is a row header."""
    lines = [
        element("tr", element("th", row[0], scope="row"), [element("td", cell) for cell in row[1:]]) for row in rows
    ]
    header = element("thead", element("tr", [element("th", cell, scope="col") for cell in head])) if head else None
    whole = element("table", element("caption", caption), header, element("tbody", lines), class_=class_)
    return element("div", whole, class_="scroll", tabindex="0", role="region", aria_label=caption)


def subsampling(side: int) -> int:
    """The stride with which an image is shown whose longer side has this many pixels."""
    return -(-side // MAX_SIDE)


def image_tag(pixels: np.ndarray, alt: str = "", whole: bool = False) -> Markup:
    """An img element with an image, uint8 (H, W, C), as PNG; `alt` is empty if the surrounding text describes it.

    A large image is subsampled, unless it is a chart, which is shown `whole`.
    """
    stride = 1 if whole else subsampling(max(pixels.shape[:2]))
    pixels = np.ascontiguousarray(pixels[::stride, ::stride])
    height, width, channels = pixels.shape
    file = io.BytesIO()
    Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels).save(file, format="PNG", optimize=True)
    source = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    return element("img", src=source, alt=alt, width=width, height=height)


def image_grid(images: np.ndarray, label: str, columns: int, alts: Sequence[str] | None = None) -> Markup:
    """A grid of images, uint8 (N, H, W, C): one image for a screen reader, or a group if `alts` describes each."""
    cells = [image_tag(image, alt) for image, alt in zip(images, alts or [""] * len(images), strict=True)]
    role = "group" if alts else "img"
    return element("div", cells, class_="images", role=role, aria_label=label, style=f"--columns: {columns}")
