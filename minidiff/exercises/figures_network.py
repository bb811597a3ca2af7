"""Figures of the notebooks 06 to 11: curves, labeled images, values and points, each shown by one call.

A name has the same look in all figures (`LOOKS`). Curves differ in color, dashes and marker, so that they can be told
apart in gray. Legends are below the panels and hide no data, and the labels of logarithmic axes say so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from minidiff.exercises.figures import show_figure
from minidiff.plotting import COLORS, new_figure, sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

BLUE, ORANGE, GREEN, RED, PINK, SKY, BLACK = COLORS
MOST_MARKERS = 24  # a curve with more points has none
LETTERS_PER_INCH = 13  # of a legend
DENSE_TICKS = 300  # a logarithmic axis that spans a smaller ratio has ticks at 1, 2 and 5


@dataclass(frozen=True)
class Look:
    """The look of a curve: color, dashes, marker and width."""

    color: str
    line: str = "-"
    marker: str = ""
    width: float = 1.5


CYCLE = (  # for names without a look, in this order
    Look(BLUE, "-", "o"),
    Look(RED, "--", "s"),
    Look(GREEN, "-.", "^"),
    Look(ORANGE, ":", "D"),
    Look(PINK, "-", "v"),
    Look(SKY, "--", "X"),
)
REFERENCE, DATA = Look(BLACK, ":"), Look("0.75", "-", "", 5)
LOOKS = {
    "exact": REFERENCE,
    "floor": REFERENCE,
    "noise in z": REFERENCE,
    "data": DATA,
    "baseline": Look("gray", "-", "o"),
    "p": Look(RED, "--", "s"),
    "average": Look(BLUE, "-", "o"),
    "ddim": Look(BLUE, "-", "o"),
    "euler": Look(SKY, "--", "s"),
    "heun": Look(GREEN, "-", "^"),
    "dpmpp_2m": Look(RED, "-", "D"),
    "ddpm": Look(ORANGE, "-.", "v"),
    "dpmpp_2m_sde": Look(PINK, "-.", "X"),
    "trailing": Look(SKY, "--", "^"),
    "uniform": Look(ORANGE, ":", "s"),
    "karras": Look(BLACK, "-", "o"),
}


@dataclass(frozen=True)
class Panel:
    """One plot of curves.

    Args:
        curves: name to (x, y); several columns of y are several curves with one name.
        xlabel, ylabel, title: texts; ", log scale" is added to the label of a logarithmic axis.
        log: the logarithmic axes, "x", "y" or "xy".
        xticks: positions on the x axis; default: matplotlib's.
        yticks: whether the y axis has ticks and a line.
        xlim, ylim: limits of the axes.
        looks: for names that need another look than that of `LOOKS`.
    """

    curves: Mapping[str, tuple[Any, Any]]
    xlabel: str
    ylabel: str = ""
    title: str = ""
    log: str = ""
    xticks: Sequence[float] = ()
    yticks: bool = True
    xlim: tuple[float | None, float | None] | None = None
    ylim: tuple[float | None, float | None] | None = None
    looks: Mapping[str, Look] = field(default_factory=dict)


def show_panels(
    panels: Sequence[Panel], description: str, size: tuple[float, float] = (8, 3), sharey: bool = False,
) -> None:  # fmt: skip
    """Shows plots side by side, with one legend for all of them below."""
    figure = new_figure(*size)
    handles: dict[str, Any] = {}
    for panel, axes in zip(panels, figure.subplots(1, len(panels), squeeze=False, sharey=sharey)[0], strict=True):
        handles |= _draw(axes, panel)
    if len(handles) > 1:
        fitting = int(LETTERS_PER_INCH * size[0] / (6 + max(len(name) for name in handles)))
        figure.legend(
            handles.values(), handles, loc="outside lower center", ncols=max(1, min(len(handles), fitting)),
            frameon=False, fontsize=9,
        )  # fmt: skip
    show_figure(figure, description)


def show_image_rows(
    rows: Mapping[str, np.ndarray], description: str, columns: Sequence[str] = (), width: float = 8.0
) -> None:
    """Shows rows of images (N, H, W, C) in [-1, 1], with the name of each row at its left.

    The names of the columns are above them; if there are fewer names than images, each names a group of images.
    """
    groups = len(columns) or 1
    lines = [[sheet(part, len(part)) for part in np.split(images, groups)] for images in rows.values()]
    page = np.concatenate([np.concatenate(line, axis=1) for line in lines])
    axes_width = width - 0.3 - 0.085 * max(len(name) for name in rows)
    figure = new_figure(width, axes_width * page.shape[0] / page.shape[1] + (0.35 if columns else 0.1))
    axes = figure.add_subplot()
    axes.imshow(page, interpolation="nearest")
    heights, widths = page.shape[0] / len(rows), page.shape[1] / groups
    axes.set_yticks((np.arange(len(rows)) + 0.5) * heights - 0.5, list(rows))
    axes.set_xticks((np.arange(len(columns)) + 0.5) * widths - 0.5, list(columns))
    axes.tick_params(length=0, labelsize=9, labeltop=True, labelbottom=False)
    axes.spines[:].set_visible(False)
    show_figure(figure, description)


def show_clouds(
    clouds: Mapping[str, np.ndarray], description: str, limit: float = 1.2, circles: Sequence[tuple[Any, float]] = ()
) -> None:
    """Shows sets of points (N, 2) side by side: data blue, generated points green.

    Args:
        clouds: name to points; the names of data begin with "data".
        circles: (center, radius) of circles in every panel; the first is solid.
    """
    from matplotlib.patches import Circle

    figure = new_figure(8, 8 / len(clouds) + 0.4)
    for axes, (name, points) in zip(figure.subplots(1, len(clouds), squeeze=False)[0], clouds.items(), strict=True):
        axes.plot(*np.asarray(points).T, ".", color=BLUE if name.startswith("data") else GREEN, markersize=2)
        for i, (center, radius) in enumerate(circles):
            axes.add_patch(Circle(center, radius, fill=False, color=BLACK, linestyle=":" if i else "-", zorder=3))
        plane(axes, name, limit)
    show_figure(figure, description)


def show_paths(
    paths: Mapping[str, np.ndarray],
    data: np.ndarray,
    description: str,
    limit: float = 1.8,
    estimates: Mapping[str, np.ndarray] | None = None,
) -> None:
    """Shows paths of points (states, N, 2) from noise (square) to the result (dot), in front of the data (gray).

    Args:
        estimates: x0_hat at each state but the last, (states - 1, N, 2): a dotted line leads to each.
    """
    figure = new_figure(8, 8 / len(paths) + 0.2)
    for axes, (name, path) in zip(figure.subplots(1, len(paths), squeeze=False)[0], paths.items(), strict=True):
        axes.plot(*data.T, ".", color="lightgray", markersize=3)
        for state, x0_hat in zip(path, (estimates or {}).get(name, ()), strict=False):
            axes.plot(*np.stack([state, x0_hat]).transpose(2, 0, 1), ":", color=RED, linewidth=1.2)
        few = len(path) <= MOST_MARKERS
        axes.plot(*path.transpose(2, 0, 1), ".-" if few else "-", color=BLUE, linewidth=0.9, markersize=5)
        axes.plot(*path[0].T, "s", color=BLACK, markersize=4)
        axes.plot(*path[-1].T, "o", color=BLACK, markersize=4)
        plane(axes, name, limit)
    show_figure(figure, description)


def show_values(
    matrices: Mapping[str, np.ndarray],
    description: str,
    digits: int = 0,
    size: tuple[float, float] = (8, 2.3),
    frames: Mapping[str, tuple[float, float, float, float]] | None = None,
    labels: tuple[str, str] = ("", ""),
) -> None:
    """Shows matrices with their values written on them, in proportion to their numbers of columns.

    Args:
        frames: for some matrices, the first column, first row, width and height of a frame.
        labels: of the columns and of the rows of the last matrix.
    """
    figure = new_figure(*size)
    panels = figure.subplots(1, len(matrices), squeeze=False, width_ratios=[m.shape[1] for m in matrices.values()])[0]
    rows = max(matrix.shape[0] for matrix in matrices.values())
    for axes, (name, matrix) in zip(panels, matrices.items(), strict=True):
        limit = 2 * np.abs(matrix).max()  # pale, so that the values are legible
        axes.imshow(matrix, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto")
        for (i, j), value in np.ndenumerate(np.round(matrix, digits) + 0.0):  # + 0.0 makes 0 of -0
            axes.text(j, i, f"{value:.{digits}f}", ha="center", va="center", fontsize=8)
        axes.set_title(name, fontsize=9)
        axes.set(xticks=[], yticks=[], ylim=(rows - 0.5, -0.5))
        axes.spines[:].set_visible(False)
        if frames and name in frames:
            frame(axes, *frames[name])
    panels[-1].set_xlabel(labels[0], fontsize=9)
    panels[-1].set_ylabel(labels[1], fontsize=9)
    show_figure(figure, description)


def frame(axes: "Axes", left: float, top: float, width: float, height: float, color: str = BLACK) -> None:
    """Draws a frame around pixels of an image: its first column and row, and its size."""
    x, y = left - 0.5 + np.array([0, 1, 1, 0, 0]) * width, top - 0.5 + np.array([0, 0, 1, 1, 0]) * height
    axes.plot(x, y, color=color, linewidth=2)


def plane(axes: "Axes", title: str, limit: float) -> None:
    """Makes a square panel from -limit to limit, with ticks that show its scale."""
    axes.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", xticks=(-1, 0, 1), yticks=(-1, 0, 1))
    axes.tick_params(labelsize=7, length=2)
    axes.set_title(title, fontsize=10)
    axes.spines[:].set_color("0.8")


def _draw(axes: "Axes", panel: Panel) -> dict[str, Any]:
    """Draws a panel; returns the line of each name, for the legend."""
    handles = {}
    for i, (name, (x, y)) in enumerate(panel.curves.items()):
        look = panel.looks.get(name) or LOOKS.get(name) or CYCLE[i % len(CYCLE)]
        marker = look.marker if np.size(x) <= MOST_MARKERS or not look.line else ""
        size = 4 if np.size(x) <= MOST_MARKERS else 2
        handles[name], *_ = axes.plot(
            x, y, color=look.color, linestyle=look.line, marker=marker, linewidth=look.width, markersize=size
        )
    axes.set_title(panel.title, fontsize=10)
    for name, label in (("x", panel.xlabel), ("y", panel.ylabel)):
        is_log = name in panel.log
        axes.set(**{f"{name}label": f"{label}, log scale" if label and is_log else label})
        if is_log:
            axes.set(**{f"{name}scale": "log"})
    axes.set(**{name: limits for name, limits in (("xlim", panel.xlim), ("ylim", panel.ylim)) if limits})
    for name, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
        if name in panel.log:
            _mark_log(axis)
    if len(panel.xticks):
        axes.set_xticks(panel.xticks, [f"{tick:g}" for tick in panel.xticks])
        axes.set_xticks([], minor=True)
    if not panel.yticks:
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
    return handles


def _mark_log(axis: "Axis") -> None:
    """Ticks of a logarithmic axis, written as decimal numbers."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    low, high = sorted(axis.get_view_interval())
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < DENSE_TICKS * low else (1,)))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(NullFormatter())
