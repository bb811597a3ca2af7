"""The figures of `04_points.ipynb`. Points are arrays (N, 2)."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minidiff.exercises.plots.axes import (
    BLACK,
    CLASSES,
    COLORS,
    GENERATED,
    PATH,
    RED,
    REFERENCE,
    label_axes,
    legend,
    plane,
)
from minidiff.plotting import new_figure
from minidiff.points.data import Points

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 500  # points in a panel


def scatter_classes(axes: Any, positions: np.ndarray, labels: np.ndarray) -> None:
    """Draws points with a color for each of two classes, or a color and a mark for each of more."""
    for label in np.unique(labels):
        color = CLASSES[label] if labels.max() < 2 else COLORS[label % 7]
        mark = "o" if label < 7 else "x"
        size = 1 if mark == "o" else 4
        axes.scatter(*positions[labels == label].T, s=size, marker=mark, linewidths=0.5, color=color)


def data_sets(sets: Sequence[Points]) -> "Figure":
    """Data sets side by side."""
    figure = new_figure(6.8, 2.4)
    for axes, points in zip(figure.subplots(1, len(sets)), sets, strict=True):
        scatter_classes(axes, points.positions, points.labels)
        plane(axes, f"{points.name}, {points.num_classes} classes")
    return figure


def clouds(noised: Mapping[int, np.ndarray], labels: np.ndarray) -> "Figure":
    """Noised points at several timesteps, all to the same scale."""
    figure = new_figure(7.4, 1.8)
    for axes, (t, z) in zip(figure.subplots(1, len(noised)), noised.items(), strict=True):
        scatter_classes(axes, z[:SHOWN], labels[:SHOWN])
        plane(axes, f"t = {t}", limit=3)
    return figure


def clouds_and_estimates(
    noised: Mapping[int, np.ndarray], estimates: Mapping[int, np.ndarray], labels: np.ndarray
) -> "Figure":
    """Above noised points at several timesteps, below the estimates of x0 from them, to a larger scale."""
    figure = new_figure(7.4, 3.2)
    above, below = figure.subplots(2, len(noised))
    for i, t in enumerate(noised):
        scatter_classes(above[i], noised[t][:SHOWN], labels[:SHOWN])
        plane(above[i], f"t = {t}", limit=3)
        scatter_classes(below[i], estimates[t][:SHOWN], labels[:SHOWN])
        plane(below[i], height=0.9)
    above[0].set_ylabel("z")
    below[0].set_ylabel("x0_hat")
    return figure


def losses_over_steps(losses: np.ndarray, width: int = 50) -> "Figure":
    """The loss of every fourth optimizer step, and the mean of `width` consecutive ones."""
    steps = np.arange(1, len(losses) + 1)
    smooth = np.convolve(losses, np.ones(width) / width, "valid")
    figure = new_figure(6, 2.3)
    axes = figure.add_subplot()
    axes.plot(steps[::4], losses[::4], color=REFERENCE, label="every fourth step")
    axes.plot(steps[width - 1 :], smooth, color="black", label=f"mean of {width} steps")
    label_axes(axes, "optimizer step", "loss (noise scale)")
    axes.set_ylim(0, 0.6)
    legend(axes)
    return figure


def velocity_fields(fields: Mapping[int, tuple[np.ndarray, np.ndarray]], scaled: Mapping[int, np.ndarray]) -> "Figure":
    """Streamlines of velocities (n, n, 2) on squares with n coordinates, and the data times the signal, for each t."""
    figure = new_figure(7.6, 2.2)
    for axes, (t, (side, velocity)) in zip(figure.subplots(1, len(fields)), fields.items(), strict=True):
        axes.scatter(*scaled[t][:SHOWN].T, s=0.5, color=CLASSES[1])
        axes.streamplot(side, side, *velocity.transpose(2, 0, 1), color=PATH, density=0.7, linewidth=0.7, arrowsize=0.6)
        plane(axes, f"t = {t}", limit=side[-1])
    return figure


def trajectories(data: np.ndarray, paths: Mapping[str, np.ndarray], limit: float = 2.8) -> "Figure":
    """Paths (steps + 1, N, 2) from their starts (black squares) to their ends (dots), over the data."""
    figure = new_figure(7, 3.4)
    for axes, (title, path) in zip(figure.subplots(1, len(paths)), paths.items(), strict=True):
        axes.scatter(*data[:SHOWN].T, s=1, color=REFERENCE)
        axes.plot(*path.transpose(2, 0, 1), color=PATH, linewidth=0.5)
        axes.plot(*path[0].T, "s", color=BLACK, markersize=3)
        axes.plot(*path[-1].T, "o", color=GENERATED, markersize=4)
        plane(axes, title, limit)
    return figure


def paths_and_estimates(data: np.ndarray, path: np.ndarray, estimates: np.ndarray, times: np.ndarray) -> "Figure":
    """For each of a few points, its path (steps + 1, N, 2) and its estimates (steps, N, 2), colored by timestep."""
    figure = new_figure(8, 2.6)
    panels: Any = figure.subplots(1, path.shape[1])
    for i, axes in enumerate(panels):
        axes.scatter(*data[:SHOWN].T, s=1, color=REFERENCE)
        axes.plot(*path[:, i].T, color=PATH, linewidth=1, label="z")
        shown = axes.scatter(*estimates[:, i].T, c=times, cmap="viridis", s=8, label="x0_hat")
        axes.plot(*path[0, i], "s", color=BLACK, markersize=4, label="start")
        axes.plot(*path[-1, i], "o", color=GENERATED, markersize=6, label="end")
        plane(axes, f"path {i + 1}", limit=1.5)
    figure.colorbar(shown, ax=list(panels), label="timestep of x0_hat", shrink=0.8)
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False, fontsize=8
    )
    return figure


def samples_and_distances(
    data: np.ndarray, samples: np.ndarray, far: np.ndarray, distances: Mapping[tuple[str, str], np.ndarray]
) -> "Figure":
    """The data, the samples with the `far` ones marked, and the fraction of points with a larger distance."""
    figure = new_figure(8.4, 4)
    panels: Any = figure.subplot_mosaic([["data", "distances"], ["samples", "distances"]], width_ratios=(1, 1.1))
    above, below, right = (panels[name] for name in ("data", "samples", "distances"))
    above.scatter(*data.T, s=1, color="0.5")
    plane(above, f"{len(data)} of the data", height=0.75)
    below.scatter(*samples[~far].T, s=1, color=GENERATED)
    below.scatter(*samples[far].T, s=14, marker="x", linewidths=0.8, color=RED)
    plane(below, f"{len(samples)} generated, {far.sum()} far away", height=0.75)
    for (kind, direction), distance in distances.items():
        color, width = (GENERATED, 1.5) if kind == "generated" else (BLACK, 0.9)
        style = "-" if direction == "to the data" else ":"
        larger = 1 - np.arange(len(distance)) / len(distance)
        right.plot(np.sort(distance), larger, style, color=color, linewidth=width, label=f"{kind}, {direction}")
    right.axhline(0.5, color=REFERENCE, linewidth=0.8)
    label_axes(right, "distance d to the nearest point", "fraction with a larger distance", log="xy")
    right.set(xlim=(1e-3, 1), ylim=(5e-4, 1.2))
    legend(right, loc="lower left")
    return figure


def conditioned_samples(data: np.ndarray, samples: Mapping[str, np.ndarray]) -> "Figure":
    """Samples conditioned on each of two classes, over the data."""
    figure = new_figure(6.4, 2.3)
    for axes, (name, found), color in zip(figure.subplots(1, 2), samples.items(), CLASSES, strict=True):
        axes.scatter(*data[:SHOWN].T, s=1, color=REFERENCE)
        axes.scatter(*found.T, s=1, color=color)
        plane(axes, f"class {name!r}", height=0.75)
    return figure


def errors_over_time(t: np.ndarray, errors: Mapping[str, np.ndarray]) -> "Figure":
    """The mean squared errors of a network and of the exact denoiser, (times, 2), over the timestep."""
    figure = new_figure(7.5, 2.9)
    panels = figure.subplots(1, len(errors))
    for axes, (name, pairs) in zip(panels, errors.items(), strict=True):
        axes.plot(t, pairs[:, 1], color=REFERENCE, linewidth=5, label="the exact denoiser")
        axes.plot(t, pairs[:, 0], "o-", color=GENERATED, markersize=3, label="the network")
        label_axes(axes, "timestep t", f"mean squared error of {name}", log="x")
        axes.set_ylim(0, None)
    legend(panels[1], loc="upper left")
    return figure


def error_maps(side: np.ndarray, errors: Mapping[int, np.ndarray], usual: Mapping[int, np.ndarray]) -> "Figure":
    """Errors (n, n) in the plane on a logarithmic scale for each t, and the border of the usual positions."""
    from matplotlib.colors import LogNorm

    figure = new_figure(7.4, 2.5)
    panels = figure.subplots(1, len(errors))
    for axes, (t, error) in zip(panels, errors.items(), strict=True):
        shown = axes.pcolormesh(side, side, error, norm=LogNorm(1e-3, 1), cmap="viridis", rasterized=True)
        axes.contour(side, side, usual[t], levels=[0.5], colors="white", linewidths=1)
        plane(axes, f"t = {t}", limit=side[-1])
    figure.colorbar(shown, ax=list(panels), label="error of x0_hat, log scale", shrink=0.9, extend="both")
    return figure
