"""The figures of `02_noise.ipynb`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from minidiff.exercises.plots.axes import BLUE, COLORS, GREEN, ORANGE, RED, REFERENCE, STYLES, label_axes, legend
from minidiff.plotting import new_figure
from minidiff.schedule import Schedule

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TARGET_STYLES = {"noise": (RED, "-"), "image": (GREEN, "--"), "velocity": (BLUE, "-."), "flow": (ORANGE, ":")}


def histograms_and_densities(
    histograms: Mapping[int, np.ndarray], value: np.ndarray, densities: Mapping[int, np.ndarray]
) -> "Figure":
    """For several numbers of steps, the histogram of the results of (1) and the density of (2) over `value`."""
    figure = new_figure(8.4, 2.4)
    for axes, (t, found) in zip(figure.subplots(1, 3), histograms.items(), strict=True):
        axes.hist(found, bins=60, density=True, color=REFERENCE, label="(1), step by step")
        axes.plot(value, densities[t], color=BLUE, label="(2), closed form")
        label_axes(axes, "z", "density" if t == min(histograms) else "", title=f"after {t} steps")
        axes.set(xlim=(value[0], value[-1]), ylim=(0, None))
    legend(axes, outside=True)
    return figure


def schedule_curves(schedules: Mapping[str, Schedule]) -> "Figure":
    """Signal and noise of schedules over time, and noise against signal, the latter two up to a noise of 1.25."""
    figure = new_figure(8.4, 2.7)
    panels = figure.subplots(1, 3)
    for (name, schedule), color, style in zip(schedules.items(), COLORS, STYLES, strict=False):
        u = np.arange(schedule.T + 1) / schedule.T
        line = {"color": color, "linestyle": style, "label": name.replace("_", " ")}
        panels[0].plot(u, schedule.signal, **line)
        panels[1].plot(u, schedule.noise, **line)
        panels[2].plot(schedule.signal, schedule.noise, **line)
    label_axes(panels[0], "u = t / T", "signal")
    label_axes(panels[1], "u = t / T", "noise")
    label_axes(panels[2], "signal", "noise")
    panels[1].set_ylim(-0.05, 1.25)
    panels[2].set(ylim=(-0.05, 1.25), aspect="equal")
    legend(panels[2], outside=True)
    return figure


def log_snr_curves(schedules: Mapping[str, Schedule], fractions: Mapping[str, float]) -> "Figure":
    """The log-SNR of schedules over time, with a band from -4 to 4 and the fraction of timesteps in it."""
    figure = new_figure(7.5, 3)
    axes = figure.add_subplot()
    axes.axhspan(-4, 4, color="0.93")
    for (name, schedule), color, style in zip(schedules.items(), COLORS, STYLES, strict=False):
        u = np.arange(1, schedule.T + 1) / schedule.T
        label = f"{name.replace('_', ' ')}: {100 * fractions[name]:.0f} %"
        axes.plot(u, schedule.log_snr[1:], color=color, linestyle=style, label=label)
    label_axes(axes, "u = t / T", "log-SNR (natural logarithm)")
    axes.set(yticks=range(-8, 13, 4), ylim=(-11, 14))
    legend(axes, outside=True, title="timesteps in the band")
    return figure


def leak_of_the_mean(
    truth: np.ndarray, means: Mapping[str, np.ndarray], brightness: Mapping[str, np.ndarray]
) -> "Figure":
    """Left the mean of z_T over the brightness of 400 cards, right the distribution of the samples' brightness."""
    colors = {"data": REFERENCE, "ends in noise": BLUE, "stops early": RED}
    figure = new_figure(7.5, 3)
    left, right = figure.subplots(1, 2)
    for (name, mean), mark in zip(means.items(), ("x", "."), strict=True):
        left.plot(truth[:400], mean[:400], mark, markersize=3, color=colors[name], label=name)
    label_axes(left, "brightness of the card", "mean of $z_T$")
    left.set_ylim(-1.2, 1.9)
    legend(left, loc="upper left", markerscale=2, ncols=2)
    for (name, values), style in zip(brightness.items(), ("-", "-", "--"), strict=True):
        kind = "stepfilled" if name == "data" else "step"
        bins = np.linspace(-1.8, 1.8, 60).tolist()
        right.hist(values, bins, density=True, color=colors[name], histtype=kind, linestyle=style, label=name)
    label_axes(right, "brightness of the samples", "density")
    legend(right)
    return figure


def error_scale_curves(log_snr: np.ndarray, scales: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> "Figure":
    """For each target, the errors of x0_hat and of eps_hat that an error of 1 in y causes, over the log-SNR."""
    figure = new_figure(8.4, 2.8)
    panels = figure.subplots(1, 2, sharey=True)
    for target, both in scales.items():
        color, style = TARGET_STYLES[target]
        for axes, scale in zip(panels, both, strict=True):
            axes.plot(log_snr, scale, color=color, linestyle=style, label=target)
    for axes, name in zip(panels, ("x0_hat", "eps_hat"), strict=True):
        label_axes(
            axes,
            "log-SNR (little noise on the left)",
            "factor",
            log="y",
            title=f"error of {name} for an error of 1 in y",
        )
        axes.title.set_fontsize(10)
        axes.set_xlim(10, -9)
    legend(panels[1], outside=True)
    return figure
