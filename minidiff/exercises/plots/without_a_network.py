"""The figures of `03_without_a_network.ipynb`."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from minidiff.exercises.plots.axes import (
    BLUE,
    GREEN,
    HELD_OUT,
    PATH,
    RED,
    STYLES,
    TRAINING,
    label_axes,
    legend,
    plane,
)
from minidiff.plotting import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def estimates_over_z(
    pairs: Mapping[str, tuple[np.ndarray, np.ndarray]],
    middles: np.ndarray,
    estimates: Mapping[str, tuple[np.ndarray, np.ndarray]],
) -> "Figure":
    """For each data set: pairs (z, x0) as dots, and over z the oracle's estimate and the means in bins."""
    figure = new_figure(8, 2.6)
    panels = figure.subplots(1, len(pairs), sharey=True)
    for axes, (name, (z, x0)) in zip(panels, pairs.items(), strict=True):
        oracle, binned = estimates[name]
        axes.plot(z[:1500], x0[:1500], ".", color="0.85", markersize=2, label="pairs (z, x0)")
        axes.plot(middles, oracle, color=BLUE, label="oracle")
        axes.plot(middles, binned, "o", color=RED, markersize=3, label="mean of x0 in a bin")
        label_axes(axes, "z", title=name)
        axes.set(xlim=(-1.5, 1.5), ylim=(-1.5, 1.5))
    panels[0].set_ylabel("x0")
    legend(panels[-1], outside=True, markerscale=1.5)
    return figure


def paths_to_ring(ring: np.ndarray, paths: Mapping[float, np.ndarray]) -> "Figure":
    """Paths (steps + 1, N, 2) of samples for each standard deviation, with their ends, and the centers (K, 2)."""
    figure = new_figure(7, 3.5)
    for axes, (std, path) in zip(figure.subplots(1, len(paths)), paths.items(), strict=True):
        axes.plot(*path.transpose(2, 0, 1), color=PATH, linewidth=0.5, alpha=0.6)
        axes.plot(*ring.T, "o", color="black", markerfacecolor="none", markersize=11)
        axes.plot(*path[-1].T, ".", color=RED, markersize=5)
        plane(axes, f"standard deviation {std:g}", limit=2.2)
    return figure


def decision_levels(counts: Sequence[int], levels: Mapping[str, np.ndarray], measured: np.ndarray) -> "Figure":
    """Noise levels of the decision, divided by the distance, over the number of images: formulas as lines, and dots."""
    figure = new_figure(7.6, 2.9)
    axes = figure.add_subplot()
    for (name, values), color, style in zip(levels.items(), (BLUE, PATH, PATH), STYLES, strict=False):
        axes.plot(counts, values, linestyle=style, color=color, label=name)
    axes.plot(counts, measured, "o", color=RED, markersize=5, label="measured")
    label_axes(axes, "number of images K", "sigma / distance", log="x")
    axes.set_ylim(0, None)
    legend(axes, outside=True)
    return figure


def candidates_along_paths(levels: np.ndarray, counts: np.ndarray, expected: Mapping[str, float]) -> "Figure":
    """The number of candidates (steps, N) along N paths over the noise level (steps,), with vertical lines."""
    figure = new_figure(7.6, 2.9)
    axes = figure.add_subplot()
    axes.plot(levels, counts, color="0.55", linewidth=0.6)
    for (name, sigma), color, style in zip(expected.items(), (RED, BLUE), ("-", "--"), strict=False):
        axes.axvline(sigma, color=color, linestyle=style, label=name)
    label_axes(axes, "noise level sigma (sampling goes from right to left)", "candidates", log="xy")
    axes.set(xlim=(0.3, 100))
    legend(axes, outside=True)
    return figure


def errors_over_sigma(sigma: np.ndarray, errors: Mapping[str, np.ndarray]) -> "Figure":
    """Errors of denoisers, and of no denoising, over the noise level; values below 0.001 are drawn there."""
    lines = ((HELD_OUT, "-"), (TRAINING, "--"), (GREEN, "-."))
    figure = new_figure(8, 3)
    axes = figure.add_subplot()
    for (name, values), (color, style) in zip(errors.items(), lines, strict=True):
        axes.plot(sigma, np.maximum(values, 1e-3), linestyle=style, color=color, label=name)
    axes.plot(sigma, sigma, ":", color="black", label="no denoising, z / signal")
    label_axes(axes, "noise level sigma", "root mean square error of x0_hat", log="xy")
    axes.set_ylim(8e-4, 3)
    axes.yaxis.label.set_fontsize(8)
    legend(axes, outside=True)
    return figure


def errors_over_reach(
    reaches: Sequence[int | str], training: np.ndarray, held_out: Mapping[float, np.ndarray], level: float
) -> "Figure":
    """Errors over the reach: left on both sets at one noise level, right on held-out images at several."""
    figure = new_figure(8.4, 3)
    left, right = figure.subplots(1, 2, sharey=True)
    left.plot(held_out[level], "o-", color=HELD_OUT, label="held-out images")
    left.plot(training, "s--", color=TRAINING, label="training images")
    shades = np.linspace(0, 0.7, len(held_out)).astype(str)
    for (sigma, errors), shade, style in zip(held_out.items(), shades, STYLES, strict=False):
        right.plot(errors, linestyle=style, color=shade, label=f"{sigma:g}")
        right.plot(errors.argmin(), errors.min(), "o", color=shade)
    for axes, title in ((left, f"noise level {level:g}"), (right, "held-out images")):
        label_axes(axes, "reach, in pixels", title=title)
        axes.set_xticks(range(len(reaches)), [str(reach) for reach in reaches])
    left.set(ylabel="error of x0_hat", ylim=(0, 0.34))
    legend(left, loc="lower left")
    legend(right, outside=True, title="noise level")
    return figure
