"""Samples beside their nearest training images, and the results of `minidiff evaluate`."""

import numpy as np

from minidiff.evaluation import measure
from minidiff.page.markup import Markup, element, image_tag, missing, section, table
from minidiff.page.report_data import ReportData


def render_nearest(report: ReportData) -> Markup:
    """The section of samples, with the nearest training image below each."""
    found = report.samples
    if found is None:
        return section("samples", missing(report.missing["samples"]))
    pairs = []
    for i, image in enumerate(found.images):
        name = f", {found.names[i]}" if found.names[i] else ""
        parts = [image_tag(image, f"sample {i + 1}{name}")]
        if found.nearest is not None and found.distances is not None:
            parts.append(image_tag(found.nearest[i], "the nearest training image"))
            parts.append(element("figcaption", f"distance {found.distances[i]:.0f}"))
        pairs.append(element("figure", parts))
    return section(
        "samples",
        "Each pair shows an uncurated sample, above, and the training image nearest to it, below. If the network "
        "had memorized training images, the two would be equal.",
        missing(report.missing["data"]) if found.nearest is None else None,
        element("div", pairs, class_="pairs"),
        about_distances(found.distances, found.spacing) if found.distances is not None else None,
    )


def about_distances(distances: np.ndarray, spacing: float | None) -> str:
    """Whether the samples are suspiciously near to training images; arguments as in `Samples`."""
    median = float(np.median(distances))
    text = (
        "The distance is the root mean square difference of the pixels, in gray levels of 255. "
        f"Its median over the samples is {median:.1f}."
    )
    if spacing is None:
        return text
    text += f" The median distance of these training images to the nearest other training image is {spacing:.1f}."
    if median < 0.5 * spacing:
        return f"{text} The samples are much nearer, so they are probably copies: use more images or fewer epochs."
    if median < 0.8 * spacing:
        return f"{text} The samples are somewhat nearer: parts of them may be memorized."
    return f"{text} The samples are no nearer than new images would be."


def render_evaluation(report: ReportData) -> Markup:
    """The section of evaluation results, beside those of real images."""
    results, rows = report.evaluation, None
    why = report.missing.get("evaluation", "")
    if results is not None:
        try:
            rows = measure.rows(results)
        except (KeyError, TypeError, ValueError, IndexError):
            why = "evaluation.json is from another version; `minidiff evaluate` writes it again."
    if results is None or rows is None:
        return section("evaluation", missing(why))
    options = [f"{name} {results[name]}" for name in ("sampler", "steps", "guidance") if name in results]
    return section(
        "evaluation",
        "Small networks that took no part in training measure the samples, and real images that the run was not "
        "trained on. They compare features of the two sets, tell whole images from two images joined together, and, "
        "for synthetic images, read whether two parts of an image agree. The right column shows the same measures for "
        "other real images; good samples approach these values.",
        table(
            ["measure", *rows[0][1:]],
            [[cell.replace("+-", "±") for cell in row] for row in rows[1:]],
            ", ".join(["Measured by minidiff evaluate", *options]),
        ),
        render_decisions(report.decisions),
    )


def render_decisions(chart: np.ndarray | None) -> list[Markup] | None:
    """The figure of when the halves of cats are decided, with its explanation; None without it."""
    if chart is None:
        return None
    text = (
        "When are the eyes decided, and does the network use one to predict the other? Left: the share of halves "
        "that the prediction x0_hat shows as the final image does, as the noise level sigma falls. Right: drawn "
        "cats whose eyes may differ, with noise. At noise levels where one eye alone is not enough, an eye is "
        "read right more often if the other one agrees with it. Below: the pixels that the left eye attends to."
    )
    alt = "Two charts against the noise level, and four cats with the attention of their left eyes"
    return [element("p", text), element("figure", image_tag(chart, alt, whole=True))]
