"""A film: frames of which a slider shows one. Without a script all frames are there, one below the other."""

from minidiff.page.markup import element


def film(name, label, frames, start=0, shared=()):
    """Frames with a slider and a button that plays them.

    Args:
        name: unique on the page.
        label: what the slider moves along.
        frames: list of (text, children, positions): where the slider stands, what is shown there, and positions of
            dots as a dict of data attributes.
        start: the frame that is shown first.
        shared: elements that are the same for all frames; `page.js` moves the circles in them that have data-dot.

    Returns:
        `Markup`.
    """
    slider = f"{name}-slider"
    controls = element(
        "div",
        element("label", label, for_=slider),
        element("input", type="range", id=slider, min=0, max=len(frames) - 1, value=start, step=1),
        element("output", frames[start][0], for_=slider, aria_live="off"),  # the slider says the same
        element("button", "Play", type="button", class_="play"),
        class_="controls",
    )
    shown = [
        element("div", children, class_="frame", data_label=text, **{f"data_{key}": at for key, at in places.items()})
        for text, children, places in frames
    ]
    return element("div", controls, shown, *shared, class_="film", id=name)


def numbers(pairs):
    """Names and values side by side."""
    return element(
        "dl", [element("div", element("dt", name), element("dd", value)) for name, value in pairs], class_="numbers"
    )
