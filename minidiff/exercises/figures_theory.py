"""The figures of the notebooks on theory, 12 and 13: curves, histograms and paths in panels side by side.

Each function takes a dict from the title of each panel to its content, and ends with `show_figure`. The legend is below
the panels, where it covers no data.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minidiff.exercises.figures import show_figure
from minidiff.plotting import COLORS, new_figure

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Line = tuple[Any, ...]  # x, y, and if needed a dict of matplotlib options
STYLES = ("-", "--", "-.", ":")  # so that lines can be told apart without colors


def show_lines(
    panels: Mapping[str, Mapping[str, Line]],
    description: str,
    xlabel: str,
    ylabel: str = "",
    log: str = "",
    size: tuple[float, float] = (8.0, 3.0),
    sharey: bool = True,
    **limits: Any,
) -> None:
    """Shows curves: {title: {label: (x, y, options)}}; a label has the same color and style in all panels.

    Args:
        panels: the curves of each panel.
        description: one sentence on what the figure shows.
        xlabel, ylabel: of the axes, with units.
        log: the logarithmic axes: "", "x", "y" or "xy".
        size: of the figure in inches.
        sharey: whether the panels have the same vertical axis.
        limits: further properties of the axes, such as ylim.
    """
    figure, axes_of = _panels(list(panels), size, sharey, xlabel, ylabel)
    labels = list(dict.fromkeys(label for lines in panels.values() for label in lines))
    for axes, lines in zip(axes_of, panels.values(), strict=True):
        for label, (x, y, *options) in lines.items():
            i = labels.index(label)
            style = {"color": COLORS[i % len(COLORS)], "linestyle": STYLES[i % len(STYLES)], "label": label}
            axes.plot(x, y, **style | (options[0] if options else {}))
        axes.set(xscale="log" if "x" in log else "linear", yscale="log" if "y" in log else "linear", **limits)
        if "xticks" in limits:
            axes.set_xticks([], minor=True)  # a logarithmic axis would label them, between those that are given
    _legend(figure, axes_of)
    show_figure(figure, description)


def show_histograms(
    panels: Mapping[str, tuple[np.ndarray, Mapping[str, Line]]],
    description: str,
    xlabel: str,
    bins: np.ndarray,
    name: str = "samples",
    size: tuple[float, float] = (8.0, 2.6),
) -> None:
    """Shows histograms with curves above them: {title: (samples, {label: (x, y, options)})}.

    Args:
        panels: the samples and the curves of each panel.
        description: one sentence on what the figure shows.
        xlabel: of the axes.
        bins: borders of the bins.
        name: of the samples in the legend.
        size: of the figure in inches.
    """
    figure, axes_of = _panels(list(panels), size, True, xlabel, "density")
    for axes, (samples, lines) in zip(axes_of, panels.values(), strict=True):
        heights = np.histogram(samples, bins)[0] / (len(samples) * np.diff(bins))
        axes.stairs(heights, bins, fill=True, color="lightgray", label=name)
        for i, (label, (x, y, *options)) in enumerate(lines.items()):
            style = {"color": COLORS[i], "label": label}
            axes.plot(x, y, **style | (options[0] if options else {}))
        axes.set_xlim(bins[0], bins[-1])
    axes_of[0].set_ylim(0)  # that of all panels, after everything is drawn
    _legend(figure, axes_of)
    show_figure(figure, description)


def show_paths(
    panels: Mapping[str, tuple[np.ndarray, np.ndarray]],
    description: str,
    density: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None,
    xlabel: str = "timestep t",
    ylabel: str = "z",
    size: tuple[float, float] = (8.0, 3.0),
) -> None:
    """Shows paths over time, on a map of the density: {title: (times (S,), paths (S, N))}.

    Args:
        panels: the paths of each panel.
        description: one sentence on what the figure shows.
        density: times (T,), positions (P,) and the density (P, T), drawn darker where it is higher; each time is
            divided by its largest density.
        xlabel, ylabel: of the axes.
        size: of the figure in inches.
    """
    figure, axes_of = _panels(list(panels), size, True, xlabel, ylabel)
    for axes, (times, paths) in zip(axes_of, panels.values(), strict=True):
        if density is not None:
            t, z, p = density
            p = p / p.max(axis=0)
            axes.pcolormesh(t, z, p, cmap="binary", vmax=1.6, shading="nearest", rasterized=True)
            axes.set(xlim=(t.min(), t.max()), ylim=(z.min(), z.max()))
        axes.plot(times, paths, color=COLORS[0], linewidth=0.7, alpha=0.8)
    show_figure(figure, description)


def show_points(
    panels: Mapping[str, Sequence[tuple[np.ndarray, str, float]]],
    description: str,
    limit: float = 1.1,
    size: tuple[float, float] = (8.0, 2.6),
) -> None:
    """Shows points of the plane: {title: [(points (N, 2), color, size of the dots), ...]}, without axes."""
    figure, axes_of = _panels(list(panels), size, True, "", "")
    for axes, layers in zip(axes_of, panels.values(), strict=True):
        for points, color, dot in layers:
            axes.scatter(points[:, 0], points[:, 1], s=dot, color=color, linewidths=0)
        axes.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    show_figure(figure, description)


def _panels(
    titles: list[str], size: tuple[float, float], sharey: bool, xlabel: str, ylabel: str
) -> "tuple[Figure, list[Axes]]":
    """A figure with one panel for each title, from left to right."""
    figure = new_figure(*size)
    axes_of = list(figure.subplots(1, len(titles), sharey=sharey, squeeze=False)[0])
    for axes, title in zip(axes_of, titles, strict=True):
        axes.set(title=title, xlabel=xlabel)
    axes_of[0].set_ylabel(ylabel)
    return figure, axes_of


def _legend(figure: "Figure", axes_of: "list[Axes]") -> None:
    """A legend below all panels with each label once; none for a single label."""
    handles: dict[str, Artist] = {}
    for axes in axes_of:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    if len(handles) > 1:
        columns = 1 if max(map(len, handles)) > 40 else min(len(handles), 4)
        shown, labels = list(handles.values()), list(handles)
        figure.legend(shown, labels, loc="outside lower center", ncols=columns, frameon=False)
