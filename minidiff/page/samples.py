"""Samples beside their nearest training images, and the figures of `minidiff evaluate`."""

import numpy as np

from minidiff.evaluation import measure
from minidiff.page.markup import element, image_tag, missing, section, table


def render_nearest(facts):
    """Samples, and below each the training image nearest to it."""
    title, found = "Drawn, or copied?", facts.samples
    if found is None:
        return section("samples", title, missing(facts.missing["samples"]))
    pairs = []
    for i, image in enumerate(found.images):
        name = found.names[i]
        parts = [image_tag(image, f"sample {i + 1}{f', {name}' if name else ''}")]
        if found.nearest is not None:
            parts += [
                image_tag(found.nearest[i], "the training image nearest to it"),
                element("figcaption", f"{found.distances[i]:.0f} apart"),
            ]
        pairs.append(element("figure", parts))
    return section(
        "samples",
        title,
        element(
            "p",
            "Each pair is a sample, above, and the training image nearest to it, below. If the network had learned "
            "images by heart, the two would look the same.",
        ),
        missing(facts.missing["data"]) if found.nearest is None else None,
        element("div", pairs, class_="pairs"),
        None if found.nearest is None else element("p", about_distances(found)),
    )


def about_distances(found):
    """Whether the samples are suspiciously near to training images."""
    median = float(np.median(found.distances))
    text = (
        "How far apart they are is the root mean square difference, in gray levels of 255. For half of the samples it "
        f"is less than {median:.1f}."
    )
    if found.spacing is None:
        return text
    text += f" Half of these training images are less than {found.spacing:.1f} apart from the nearest of all others."
    if median < 0.5 * found.spacing:
        return f"{text} Samples so much nearer than that are probably copies: try more images, or fewer epochs."
    if median < 0.8 * found.spacing:
        return f"{text} The samples are somewhat nearer: some of what is in them may be learned by heart."
    return f"{text} So the samples are no nearer than one would expect of new images."


def render_evaluation(facts):
    """The figures that were measured, beside those of real images."""
    title, rows = "How good is it?", None
    why = facts.missing.get("evaluation")
    if facts.evaluation is not None:
        try:
            rows = measure.rows(facts.evaluation)
        except (KeyError, TypeError, ValueError, IndexError):
            why = "evaluation.json is of another version. `minidiff evaluate` writes it anew."
    if rows is None:
        return section("figures", title, missing(why))
    return section(
        "figures",
        title,
        element(
            "p",
            "A small classifier compares samples with real images that were never trained on. The right column is "
            "what other real images score by the same measure: nothing honest can do better.",
        ),
        table(["measure", *rows[0][1:]], [[cell.replace("+-", "±") for cell in row] for row in rows[1:]], how(facts)),
    )


def how(facts):
    """With which options `minidiff evaluate` drew its samples."""
    options = [
        f"{name} {facts.evaluation[name]}" for name in ("sampler", "steps", "guidance") if name in facts.evaluation
    ]
    return ", ".join(["Measured by minidiff evaluate", *options])
