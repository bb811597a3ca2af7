"""The figures of `05_backpropagation.ipynb`."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minidiff.exercises.plots.axes import (
    BLUE,
    COLORS,
    ORANGE,
    PATH,
    RED,
    REFERENCE,
    draw_matrix,
    label_axes,
    legend,
)
from minidiff.plotting import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def difference_errors(
    h: np.ndarray, errors32: Sequence[float], errors64: Sequence[float], expected: np.ndarray
) -> "Figure":
    """Errors of a central difference over its step h in both precisions, the expected ones, and h = 1e-5."""
    figure = new_figure(7.6, 3)
    axes = figure.add_subplot()
    axes.axvline(1e-5, color=REFERENCE, linewidth=3, label="h = $10^{-5}$")
    axes.plot(h, errors32, "--", color=RED, label="float32")
    axes.plot(h, errors64, color=BLUE, label="float64")
    axes.plot(h, expected, ":", color="black", label=r"$h^2 \cos(u) / 6$")
    label_axes(axes, "step h", "error of the derivative", log="xy")
    axes.set_ylim(1e-13, 10)
    legend(axes, outside=True)
    return figure


def matrix_products(products: Sequence[Sequence[tuple[str, np.ndarray]]]) -> "Figure":
    """Matrix products side by side; each is a list of named matrices: two factors and the result."""
    gap = ("", np.empty((1, 2)))
    columns = [pair for product in products for pair in (*product, gap)][:-1]
    figure = new_figure(8, 2.4)
    panels = figure.subplots(1, len(columns), width_ratios=[matrix.shape[1] for _, matrix in columns])
    for axes, (name, matrix) in zip(panels, columns, strict=True):
        if name:
            draw_matrix(axes, matrix, f"{name}\n{matrix.shape[0]} x {matrix.shape[1]}")
        else:
            axes.axis("off")
    return figure


def silu_and_slope(u: np.ndarray, y: np.ndarray, slope: np.ndarray, dots: np.ndarray, measured: np.ndarray) -> "Figure":
    """ReLU, SiLU, and SiLU's derivative by its formula and measured."""
    figure = new_figure(6.5, 2.8)
    axes = figure.add_subplot()
    axes.plot(u, np.maximum(u, 0), color=REFERENCE, label="ReLU")
    axes.plot(u, y, color=BLUE, label="SiLU")
    axes.plot(u, slope, "--", color=RED, label="derivative of SiLU, by the formula")
    axes.plot(dots, measured, "o", color=RED, markersize=4, label="derivative of SiLU, measured")
    label_axes(axes, "u", "y and dy/du")
    axes.set_ylim(-0.7, 3)
    legend(axes)
    return figure


def jacobian_terms(terms: Mapping[str, np.ndarray]) -> "Figure":
    """Matrices (m, m) of the derivatives of x_hat[j] with respect to x[i], with one color scale."""
    figure = new_figure(7.6, 2.2)
    panels = figure.subplots(1, len(terms))
    for axes, (title, matrix) in zip(panels, terms.items(), strict=True):
        shown = draw_matrix(axes, matrix, title, limit=1)
        axes.set(xlabel="i", ylabel="j" if axes is panels[0] else "")
    figure.colorbar(shown, ax=list(panels), shrink=0.8, ticks=(-1, 0, 1))
    return figure


def attention_matrices(P: np.ndarray, dP: np.ndarray, dZ: np.ndarray) -> "Figure":
    """The weights in gray on a logarithmic scale, and the two gradients, each with its own color scale."""
    from matplotlib.colors import LogNorm

    figure = new_figure(8.2, 2.6)
    panels = figure.subplots(1, 3)
    shown = [panels[0].imshow(np.maximum(P, 0.01), norm=LogNorm(0.01, 1), cmap="Grays")]
    panels[0].set(title="P, the weights", xticks=[], yticks=[])
    shown += [draw_matrix(panels[1], dP, "dP"), draw_matrix(panels[2], dZ, "dZ")]
    for axes, image in zip(panels, shown, strict=True):
        axes.set(xlabel="pixel of the key", ylabel="pixel of the query" if axes is panels[0] else "")
        figure.colorbar(image, ax=axes, shrink=0.8, label="log scale" if axes is panels[0] else None)
    return figure


def differences_by_upstream(names: Sequence[str], found: Mapping[tuple[str, str], float]) -> "Figure":
    """Bars of the largest difference from finite differences, for each backward pass and upstream gradient."""
    figure = new_figure(7, 2.6)
    axes = figure.add_subplot()
    for offset, upstream, color, hatch in ((0.18, "ones", ORANGE, "//"), (-0.18, "random", BLUE, "")):
        lengths = [found[name, upstream] for name in names]
        bars: dict[str, Any] = {"color": color, "hatch": hatch, "edgecolor": "white", "label": f"upstream: {upstream}"}
        axes.barh(np.arange(len(names)) + offset, lengths, 0.34, **bars)
    axes.axvline(1e-6, color=PATH, linestyle=":", label="tolerance $10^{-6}$")
    label_axes(axes, "largest difference from finite differences", log="x")
    axes.set_xlim(1e-13, 1e2)
    axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    axes.invert_yaxis()
    legend(axes, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    return figure


def learned_curves(
    x: np.ndarray, target: np.ndarray, curves: Mapping[int, np.ndarray], losses: Sequence[float]
) -> "Figure":
    """Left the target and the curve after several steps, right the loss over the steps."""
    figure = new_figure(7.2, 2.8)
    left, right = figure.subplots(1, 2)
    left.plot(x, target, color=REFERENCE, linewidth=5, label="target")
    for (step, curve), color, style in zip(curves.items(), COLORS, (":", "--", "-"), strict=False):
        left.plot(x, curve, linestyle=style, color=color, label=f"after {step} steps")
    label_axes(left, "x", "y")
    left.set_ylim(-1.5, 2.3)
    legend(left, ncols=2, loc="upper left")
    right.plot(np.arange(1, len(losses) + 1), losses, color="black")
    label_axes(right, "optimizer step", "loss", log="xy")
    return figure
