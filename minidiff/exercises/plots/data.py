"""The figures of `01_data.ipynb`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from minidiff.exercises.plots.axes import COLORS, REFERENCE, SIGNED, SKY, STYLES, label_axes, legend
from minidiff.plotting import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def distance_and_coverage(distance: np.ndarray, hard: np.ndarray, soft: np.ndarray) -> "Figure":
    """A signed distance with the edge of the figure as a line, the test for inside, and the coverage; all (H, W)."""
    figure = new_figure(7.6, 2.4)
    panels = figure.subplots(1, 3)
    square, gray = {"extent": (-1, 1, 1, -1)}, {"vmin": 0, "vmax": 1, "cmap": "Grays"}
    shown = panels[0].imshow(distance, vmin=-1, vmax=1, cmap=SIGNED, **square)
    centers = (np.arange(len(distance)) + 0.5) * 2 / len(distance) - 1
    panels[0].contour(centers, centers, distance, levels=[0], colors="black", linewidths=1)
    figure.colorbar(shown, ax=panels[0], label="negative inside", ticks=(-1, 0, 1))
    panels[1].imshow(hard, **square, **gray)
    shown = panels[2].imshow(soft, **square, **gray)
    figure.colorbar(shown, ax=panels[2], label="fraction", ticks=(0, 0.5, 1))
    for axes, title in zip(panels, ("distance", "distance < 0", "coverage"), strict=True):
        label_axes(axes, "x", "y" if title == "distance" else "", title=title)
        axes.set(xticks=(-1, 0, 1), yticks=(-1, 0, 1))
    return figure


def coverage_curves(d: np.ndarray, formula: np.ndarray, counted: Mapping[int, np.ndarray]) -> "Figure":
    """Coverage over the distance d: the formula, and what was counted for edges at several angles in degrees."""
    figure = new_figure(6.5, 2.7)
    axes = figure.add_subplot()
    axes.plot(d, formula, color=REFERENCE, linewidth=6, label="formula")
    for (degrees, values), color, style in zip(counted.items(), COLORS, STYLES, strict=False):
        axes.plot(d, values, linestyle=style, color=color, label=f"counted, edge at {degrees}°")
    label_axes(axes, "distance of the pixel's center from the edge, in pixels", "coverage")
    legend(axes)
    return figure


def combined_figures(x: np.ndarray, y: np.ndarray, combined: Mapping[str, np.ndarray]) -> "Figure":
    """Six figures, each with its expression as the title, its inside, and lines of equal distance."""
    figure = new_figure(7.2, 4.8)
    for axes, (title, distance) in zip(figure.subplots(2, 3).ravel(), combined.items(), strict=True):
        axes.contourf(x, y, distance, levels=[-9, 0, 9], colors=[SKY, "white"])
        axes.contour(x, y, distance, levels=np.arange(-0.6, 1.5, 0.15), colors="gray", linewidths=0.5)
        axes.contour(x, y, distance, levels=[0], colors="black", linewidths=1.5)
        axes.set(title=title, aspect="equal", xticks=[], yticks=[], ylim=(1, -1))
        axes.title.set(fontfamily="monospace", fontsize=10)
        axes.spines[:].set_visible(False)
    return figure
