"""Animations: a slider and a Play button select one of several frames. Without JavaScript all frames are shown."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from minidiff.page.markup import Child, Markup, element


class Frame(NamedTuple):
    """One frame: the text beside the slider, the content, and the coordinates that `page.js` gives to the dots."""

    label: str
    content: Sequence[Child]
    dots: Mapping[str, float]


def animation(name: str, label: str, frames: Sequence[Frame], start: int = 0, *shared: Child) -> Markup:
    """Frames with a slider and a Play button.

    The shared elements are below all frames; `page.js` moves the circles in them that have a data-dot attribute.
    """
    slider = f"{name}-slider"
    controls = element(
        "div",
        element("label", label, for_=slider),
        element("input", type="range", id=slider, min=0, max=len(frames) - 1, value=start, step=1),
        element("output", frames[start].label, for_=slider, aria_live="off"),  # the slider's text is read out already
        element("button", "Play", type="button", class_="play"),
        class_="controls",
    )
    shown = []
    for frame in frames:
        dots = {f"data_{key}": value for key, value in frame.dots.items()}
        shown.append(element("div", frame.content, class_="frame", data_label=frame.label, **dots))
    return element("div", controls, shown, *shared, class_="animation", id=name)
