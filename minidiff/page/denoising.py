"""Denoising: the path from noise to images, with z and the prediction x0_hat at every sampler step."""

import numpy as np

from minidiff.page.animation import Frame, animation
from minidiff.page.markup import Markup, element, image_grid, missing, section
from minidiff.page.report_data import SEEDS, ReportData


def render(report: ReportData) -> Markup:
    """The section."""
    found = report.denoising
    if found is None:
        return section("denoising", missing(report.missing["samples"]))
    last = len(found.t) - 1
    seeds = ", ".join(map(str, SEEDS[:-1])) + f" and {SEEDS[-1]}"
    classes = f", conditioned on {', '.join(found.names)}" if any(found.names) else ""
    frames = []
    for i, t in enumerate(found.t):
        left = "z, pure noise" if i == 0 else "the generated image" if i == last else f"z at t = {t}"
        right = "the same" if i == last else "x0_hat, the predicted image"
        pair = element("div", panel(left, found.z[i]), panel(right, found.x0_hat[i]), class_="pair")
        frames.append(Frame(f"step {i} of {last}, t = {t}", [pair], {}))
    return section(
        "denoising",
        f"Generation of four images from the noise of seeds {seeds}{classes}. On the left is z, which begins as "
        "pure noise. On the right is x0_hat, the clean image that the network predicts from z. Each sampler step "
        f"computes the next z from x0_hat and less noise (sampler {found.sampler}, {last} steps).",
        animation("denoising-animation", "Sampler step", frames),
        "At high noise many images are consistent with z, and x0_hat is close to their mean, which is blurred. At "
        "lower noise fewer images remain possible, and x0_hat becomes sharp.",
    )


def panel(title: str, images: np.ndarray) -> Markup:
    """Images in two columns under a title."""
    return element("figure", element("figcaption", title), image_grid(images, title, 2))
