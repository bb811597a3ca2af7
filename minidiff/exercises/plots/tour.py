"""The figure of `00_tour.ipynb`."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from minidiff.exercises.plots.axes import COLORS, HELD_OUT, STYLES, TRAINING, label_axes, legend
from minidiff.plotting import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def loss_curves(history: Sequence[Mapping[str, float]]) -> "Figure":
    """The loss of each epoch, left on training and held-out images, right in each quarter of the timesteps."""
    epochs = [row["epoch"] for row in history]
    figure = new_figure(7.5, 3)
    left, right = figure.subplots(1, 2)
    left.plot(epochs, [row["loss"] for row in history], color=TRAINING, label="training images")
    left.plot(epochs, [row["held_out_loss"] for row in history], "--", color=HELD_OUT, label="held-out images")
    names = ("lowest noise", "second quarter", "third quarter", "highest noise")
    for quarter, (name, style) in enumerate(zip(names, STYLES, strict=False), start=1):
        losses = [row[f"loss_quarter_{quarter}"] for row in history]
        right.plot(epochs, losses, linestyle=style, color=COLORS[(2, 4, 5, 6)[quarter - 1]], label=name)
    label_axes(left, "epoch", "loss", log="y", title="loss")
    label_axes(right, "epoch", "loss", log="y", title="training loss by noise level")
    right.set_ylim(top=3 * max(row["loss_quarter_1"] for row in history))  # room for the legend
    for axes in (left, right):
        axes.set_xticks(range(0, int(epochs[-1]) + 1, 5))
    legend(left)
    legend(right, ncols=2)
    return figure
