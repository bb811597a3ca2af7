"""Diagrams of the notebooks 06 to 11 that are not plots of curves: a roofline, a network as bars, tables, tiles.

Colors are distinguished by hatching or by order as well, so that the diagrams can be read in gray.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from minidiff.exercises.figures import show_figure
from minidiff.exercises.figures_network import BLUE, GREEN, ORANGE, RED, frame
from minidiff.plotting import COLORS, new_figure

HATCHES = ("", "///", "...", "\\\\\\", "xxx", "---")
GAP = 1.5  # between the bars of a network, in units of four channels
SHOWN = 1e-13  # smaller errors are drawn here


def show_roofline(
    points: Mapping[str, tuple[float, float]], peak: float, bandwidths: Mapping[str, float], description: str,
) -> None:  # fmt: skip
    """Shows rates (10^9 operations per second) against arithmetic intensity, below one roof for each bandwidth.

    Args:
        points: name to (operations per byte, rate).
        peak: in 10^9 operations per second.
        bandwidths: name to 10^9 bytes per second.
    """
    figure = new_figure(7.5, 4)
    axes = figure.add_subplot()
    line = np.geomspace(0.03, 1000, 200)
    for (name, bandwidth), style in zip(bandwidths.items(), ("-", "--", ":"), strict=False):
        axes.loglog(line, np.minimum(peak, bandwidth * line), style, color="black", label=f"roof, {name}")
    for number, (intensity, rate) in enumerate(points.values(), 1):
        axes.plot(intensity, rate, "o", color=BLUE, markersize=13)
        axes.text(intensity, rate, str(number), color="white", ha="center", va="center", fontsize=8)
    names = "\n".join(f"{number}  {name}" for number, name in enumerate(points, 1))
    axes.text(1.02, 0.5, names, transform=axes.transAxes, va="center", fontsize=9)
    axes.set(
        xlabel="arithmetic intensity: operations per byte, log scale",
        ylabel="10^9 operations per second, log scale",
        ylim=(0.3, 3 * peak),
    )
    axes.legend(frameon=False, fontsize=9, loc="lower right")
    show_figure(figure, description)


def show_bars(
    panels: Mapping[str, Mapping[str, Sequence[float]]],
    groups: Sequence[str],
    ylabel: str,
    description: str,
    line: tuple[str, float] | None = None,
) -> None:
    """Shows groups of bars: title to name to one value for each group.

    `line` is the name and the height of a dotted line.
    """
    figure = new_figure(8, 3.4)
    every_axes = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for axes, (title, bars) in zip(every_axes, panels.items(), strict=True):
        width = 0.88 / len(bars)
        for i, (name, values) in enumerate(bars.items()):
            left = np.arange(len(groups)) + width * (i - (len(bars) - 1) / 2)
            drawn = axes.bar(
                left, values, 0.9 * width, color=COLORS[i], label=name, hatch=HATCHES[i], edgecolor="white", linewidth=0
            )
            axes.bar_label(drawn, fmt="%.0f", fontsize=7)
        if line:
            axes.axhline(line[1], color="black", linestyle=":", label=line[0])
        axes.set_xticks(range(len(groups)), groups, fontsize=8)
        axes.set_title(title, fontsize=10)
    figure.axes[0].set_ylabel(ylabel)
    handles = figure.axes[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=6, frameon=False, fontsize=9)
    show_figure(figure, description)


def show_layers(
    layers: Sequence[tuple[str, int, int]], skips: Sequence[tuple[int, int]], labels: Mapping[int, str],
    description: str,
) -> None:  # fmt: skip
    """Shows a network as bars, one for each layer.

    Args:
        layers: (kind, height of the output, channels of the output) in the order of the forward pass.
        skips: pairs of layers, joined by a dashed arrow above them.
        labels: layer to the text below it.
    """
    figure = new_figure(8, 3.2)
    axes = figure.add_subplot()
    kinds = list(dict.fromkeys(kind for kind, _, _ in layers))
    lefts = np.cumsum([0] + [C / 4 + 4 * GAP for _, _, C in layers])
    for i, (kind, H, C) in enumerate(layers):
        number = kinds.index(kind)
        axes.bar(lefts[i], H, C / 4, bottom=-H / 2, align="edge", color=COLORS[number], edgecolor="white", linewidth=0,
                 hatch=HATCHES[number], label=kind)  # fmt: skip
        if i in labels:
            axes.text(lefts[i] + C / 8, -H / 2 - 1, labels[i], ha="center", va="top", fontsize=8)
    for start, stop in skips:
        height = layers[start][1] / 2 + 2
        ends = [lefts[i] + layers[i][2] / 8 for i in (start, stop)]
        arrow = {"arrowstyle": "->", "linestyle": "--"}
        axes.annotate("", (ends[1], height), (ends[0], height), arrowprops=arrow)
        axes.text(sum(ends) / 2, height + 0.7, "skip connection", ha="center", fontsize=8)
    handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=6, frameon=False, fontsize=9)
    highest = max(H for _, H, _ in layers)
    axes.set(xticks=[], yticks=[], ylim=(-highest / 2 - 6, highest / 2 + 5))
    axes.spines[:].set_visible(False)
    show_figure(figure, description)


def show_errors(errors: Mapping[str, Mapping[str, float]], description: str, hidden: Sequence[str] = ()) -> None:
    """Shows relative errors of all arrays of several networks, grouped by the part of the name before the dot.

    Args:
        errors: name of the network to name of the array to error, in the order of the forward pass.
        hidden: groups that are too narrow for their label.
    """
    figure = new_figure(8, 3)
    axes = figure.add_subplot()
    for (name, found), color, marker in zip(errors.items(), (BLUE, RED), ("o", "x"), strict=True):
        axes.semilogy(np.maximum(list(found.values()), SHOWN), marker, color=color, markersize=4, label=name)
    parts = [name.split(".")[0] for name in next(iter(errors.values()))]
    starts = [i for i, part in enumerate(parts) if i == 0 or part != parts[i - 1]]
    axes.set_xticks(
        starts, ["" if parts[i] in hidden else parts[i] for i in starts], rotation=30, ha="right", fontsize=8
    )
    for start in starts:
        axes.axvline(start - 0.5, color="lightgray", linewidth=0.5)
    axes.set(ylabel="relative error, log scale", xlabel="array, in the order of the forward pass")
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    show_figure(figure, description)


def show_costs(names: Sequence[str], costs: Mapping[str, Sequence[float]], description: str) -> None:
    """Shows bars for all layers in rows: label of the row, with its unit, to one value for each layer."""
    figure = new_figure(8, 3.2)
    for axes, (label, values) in zip(figure.subplots(len(costs), 1, sharex=True), costs.items(), strict=True):
        axes.bar(range(len(names)), values, color=BLUE)
        axes.set_ylabel(label)
    figure.axes[-1].set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize=7)
    show_figure(figure, description)


def show_gradient_maps(maps: Mapping[str, np.ndarray], boxes: Mapping[str, tuple[int, int]], description: str) -> None:
    """Shows absolute gradients (side, side) on a logarithmic scale, each with a frame from (first, last) pixel."""
    figure = new_figure(8, 2.4)
    panels = figure.subplots(1, len(maps))
    for axes, (name, values) in zip(panels, maps.items(), strict=True):
        image = axes.imshow(np.log10(values / values.max() + 1e-12), vmin=-8, vmax=0, cmap="gray_r")
        low, high = boxes[name]
        frame(axes, low, low, high - low + 1, high - low + 1, ORANGE)
        axes.set_title(name, fontsize=8)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=list(panels), shrink=0.7, label="log10 of |gradient| / largest")
    bar.ax.tick_params(labelsize=8)
    show_figure(figure, description)


def show_tiles(image: np.ndarray, rows_and_columns: Sequence[tuple[int, int]], description: str) -> None:
    """Shows Winograd's input tiles (6 x 6) and output tiles (4 x 4) on an image with a border of 1 pixel."""
    figure = new_figure(6.5, 3.3)
    for axes, title, begin, size in zip(figure.subplots(1, 2), ("input", "output"), (0, 1), (6, 4), strict=True):
        axes.imshow(image, alpha=0.6)
        for (r, q), color in zip(rows_and_columns, (RED, BLUE, GREEN), strict=False):
            frame(axes, 4 * q + begin, 4 * r + begin, size, size, color)
        axes.set_title(f"{title} tiles, {size} x {size}", fontsize=10)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    show_figure(figure, description)


def show_forward_and_backward(
    positions: Mapping[str, tuple[float, float]], steps: Sequence[tuple[str, str, str, str]], description: str
) -> None:
    """Shows values as boxes with arrows between them, and below the same for their gradients, in reverse.

    Args:
        positions: value to its (x, y).
        steps: (value, result, formula of the result, formula of the gradient).
    """
    figure = new_figure(8, 3)
    axes = figure.add_subplot()
    passes = ((2.2, "", BLUE, "->", 2), (0.0, "d", RED, "<-", 3))
    for top, prefix, color, style, formula in passes:
        box = {"boxstyle": "round", "facecolor": "white", "edgecolor": color}
        for name, (x, y) in positions.items():
            axes.text(x, top + y, prefix + name, ha="center", va="center", fontsize=11, bbox=box)
        for step in steps:
            (x0, y0), (x1, y1) = positions[step[0]], positions[step[1]]
            arrow = {"arrowstyle": style, "color": color, "shrinkA": 16, "shrinkB": 16}
            axes.annotate("", (x1, top + y1), (x0, top + y0), arrowprops=arrow)
            height = top + (y0 + y1) / 2 + (0.17 if y0 > 0.2 else -0.17)
            axes.text((x0 + x1) / 2, height, step[formula], ha="center", va="center", fontsize=9, color=color)
    axes.text(-0.5, 3.75, "forward", fontsize=9, color=BLUE)
    axes.text(-0.5, 1.55, "backward", fontsize=9, color=RED)
    axes.set(xlim=(-0.6, 6.5), ylim=(-0.4, 3.9))
    axes.axis("off")
    show_figure(figure, description)


def show_valley(paths: Mapping[str, np.ndarray], steepness: np.ndarray, description: str) -> None:
    """Shows paths (steps, 2) of optimizers on L = sum of steepness p^2 / 2, and L over the optimizer steps."""
    figure = new_figure(8, 3.2)
    left, right = figure.subplots(1, 2, width_ratios=[3, 2])
    p, q = np.meshgrid(np.linspace(-4.5, 1.5, 200), np.linspace(-1.2, 1.2, 200))
    height = (steepness[0] * p**2 + steepness[1] * q**2) / 2
    left.contour(p, q, height, levels=np.geomspace(0.1, 40, 9), colors="lightgray", linewidths=0.8)
    for (name, path), color, line in zip(paths.items(), (RED, BLUE), (":", "-"), strict=True):
        left.plot(*path.T, "." + line, color=color, linewidth=1.2, markersize=4, label=name)
        right.semilogy(path**2 @ steepness / 2, line, color=color)
    left.set(xlabel="first parameter", ylabel="second parameter")
    right.set(xlabel="optimizer step", ylabel="L, log scale")
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    show_figure(figure, description)


def show_alarms(
    values: Mapping[str, Mapping[str, float]], alarms: Mapping[str, Sequence[str]], description: str
) -> None:
    """Shows a table of measurements, run to name to value; the alarms of a run are framed and colored."""
    columns = list(next(iter(values.values())))
    figure = new_figure(8, 3.4)
    axes = figure.add_subplot()
    axes.set(xlim=(0, len(columns)), ylim=(len(values), 0))
    axes.set_xticks(np.arange(len(columns)) + 0.5, [key.replace("_", "\n") for key in columns])
    axes.set_yticks(np.arange(len(values)) + 0.5, list(values))
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    for row, (name, found) in enumerate(values.items()):
        for column, key in enumerate(columns):
            is_alarm = key in alarms[name]
            if is_alarm:
                axes.bar(column, 0.9, 0.94, bottom=row + 0.05, align="edge", color=ORANGE, alpha=0.6)
            weight = "bold" if is_alarm else "normal"
            axes.text(column + 0.5, row + 0.5, f"{found[key]:.3g}", ha="center", va="center", fontsize=9, weight=weight)
    axes.spines[:].set_visible(False)
    show_figure(figure, description)
