"""Training: loss curves, a table with observations about single epochs, and images generated from the same noise."""

import math
from collections.abc import Sequence

from minidiff.page.charts import Axes, chart
from minidiff.page.markup import Markup, element, image_grid, missing, section, table
from minidiff.page.report_data import ReportData
from minidiff.runs.snapshots import SNAPSHOT_EPOCHS

QUARTERS = ("quarter 1", "quarter 2", "quarter 3", "quarter 4")  # of the timesteps, from low to high noise
Y_LABEL = "loss, noise scale"
TARGETS = {
    "noise": "the noise eps",
    "image": "the image x0",
    "velocity": "the velocity, signal[t]\u00a0eps\u00a0-\u00a0noise[t]\u00a0x0",
    "flow": "the flow, eps\u00a0-\u00a0x0",
}
LEGEND = ("quarter 1, lowest noise", "quarter 2", "quarter 3", "quarter 4, highest noise")


def render(report: ReportData) -> Markup:
    """The section."""
    return section(
        "training",
        f"{about_loss(report.training.target)} {about_start(report.training.target)}",
        curves(report.history) if report.history else missing(report.missing["history"]),
        element("h3", "Images from the same noise"),
        "After some epochs, images were generated in a few sampler steps from the same noise. The rows differ only "
        "in the training between them.",
        snapshots(report) if report.snapshots else missing(report.missing["snapshots"]),
    )


def about_start(target: str) -> str:
    """The loss of a network whose outputs are 0, as before training."""
    if target == "noise":
        return "Noise has variance 1, so a prediction of 0 has a loss of 1, and anything below that was learned."
    return "Before training, the network's output is 0. Its loss is not 1 then, but depends on the noise levels."


def about_loss(target: str) -> str:
    """What the network predicts, and what the loss measures."""
    if target == "noise":
        return "The network predicts the noise eps. The loss is the mean squared error of this prediction, eps_hat."
    return (
        f"The network predicts {TARGETS[target]}, and training minimizes the mean squared error of this prediction. "
        "The prediction and z are two equations for x0 and eps, so they also give the predicted noise, eps_hat. The "
        "loss that is shown is the mean squared error of eps_hat. It is on the scale of the noise whatever the network "
        "predicts, so runs with different targets can be compared."
    )


def curves(history: Sequence[dict]) -> list[Markup]:
    """Charts and the table."""
    quarters = [[row.get(f"loss_quarter_{i}", math.nan) for row in history] for i in range(1, 5)]
    parts = [loss_chart(history), loss_chart(history, log=True)]
    finite = [loss for losses in quarters for loss in losses if loss > 0]
    if finite:
        epochs = [row["epoch"] for row in history]
        axes = Axes(epochs, finite, "epoch", Y_LABEL, log=True)
        by_quarter = [(epochs, losses, i) for i, losses in enumerate(quarters)]
        parts.append(chart("Loss by noise", axes.draw("The loss in each quarter of the timesteps", by_quarter), LEGEND))
        about = element("p", about_quarters([losses[-1] for losses in quarters]))
        parts.append(element("div", about, class_="beside"))
    return [element("div", parts, class_="charts"), observations(history)]


def loss_chart(history: Sequence[dict], log: bool = False) -> Markup:
    """The training loss, and the loss on held-out images if there are any."""
    epochs = [row["epoch"] for row in history]
    keys = [key for key in ("loss", "held_out_loss") if any(key in row for row in history)]
    losses = [[row.get(key, math.nan) for row in history] for key in keys]
    title = "Loss of each epoch" + (", logarithmic" if log else "")
    axes = Axes(epochs, [loss for line in losses for loss in line], "epoch", Y_LABEL, log)
    drawing = axes.draw(title, [(epochs, line, i) for i, line in enumerate(losses)])
    return chart(title, drawing, ["training", "held out"] if len(keys) > 1 else [])


def about_quarters(losses: Sequence[float]) -> str:
    """A comparison of the losses of the four quarters of the timesteps in the last epoch."""
    known = {name: loss for name, loss in zip(QUARTERS, losses, strict=True) if math.isfinite(loss)}
    text = "Each curve is the mean loss over a quarter of the timesteps t."
    if len(known) < 2:
        return f"{text} In the last epoch no more than one of them was drawn."
    highest, lowest = max(known, key=lambda name: known[name]), min(known, key=lambda name: known[name])
    text += (
        f" In the last epoch the loss was highest in {highest} ({known[highest]:.4f}) and lowest in {lowest} "
        f"({known[lowest]:.4f})."
    )
    if (highest, lowest) != (QUARTERS[0], QUARTERS[-1]):
        return text
    return (
        f"{text} Low noise is hard to separate from the texture of an image. At high noise, z is nearly equal to the "
        "noise, so the noise is easy to predict; the image is not."
    )


def observations(history: Sequence[dict]) -> Markup:
    """The table of some epochs, with a sentence about each."""
    rows, before = [], None
    for row in chosen_rows(history):
        rows.append((row["epoch"], f"{row['loss']:.4f}", f"{row['seconds']:.0f}", observe(row, before, history)))
        before = row
    return table(("epoch", "loss", "seconds", "observation"), rows, "Some of the epochs", class_="long-end")


def chosen_rows(history: Sequence[dict]) -> list[dict]:
    """The rows of the epochs 1, 5, 10, 20, or those nearest to them, and of the last epoch."""
    chosen = {min(history, key=lambda row: abs(row["epoch"] - wanted))["epoch"] for wanted in SNAPSHOT_EPOCHS}
    chosen.add(history[-1]["epoch"])
    return [row for row in history if row["epoch"] in chosen]


def observe(row: dict, before: dict | None, history: Sequence[dict]) -> str:
    """A sentence or two about the epoch of a row; `before` is the previous row of the table."""
    parts = [about_change(row, before)] if before is not None else ["The first of these epochs."]
    held_out = row.get("held_out_loss", math.nan)
    if math.isfinite(held_out):
        difference = held_out / row["loss"] - 1
        side = "about the same"
        if abs(difference) >= 0.05:
            side = f"{percent(abs(difference))} {'higher' if difference > 0 else 'lower'}"
        parts.append(f"On held-out images {held_out:.4f}, {side}.")
    highest = max(other["learning_rate"] for other in history)
    if before is not None and row["learning_rate"] < 0.5 * highest:
        parts.append(f"The learning rate is at {percent(row['learning_rate'] / highest)} of its maximum.")
    return " ".join(parts)


def about_change(row: dict, before: dict) -> str:
    """A comparison with the previous row of the table."""
    change = row["loss"] / before["loss"] - 1
    if abs(change) < 0.02:
        return f"About the same as in epoch {before['epoch']}."
    if change > 0:
        return f"{percent(change)} higher than in epoch {before['epoch']}."
    text = f"{percent(-change)} lower than in epoch {before['epoch']}"
    changes = {}
    for i, name in enumerate(QUARTERS, start=1):
        now, then = row.get(f"loss_quarter_{i}", math.nan), before.get(f"loss_quarter_{i}", math.nan)
        if now > 0 and then > 0:
            changes[name] = now / then - 1
    if len(changes) > 1:
        name = min(changes, key=lambda name: changes[name])
        text += f"; most in {name}, by {percent(-changes[name])}" if changes[name] < 0 else ""
    return text + "."


def percent(fraction: float) -> str:
    """A fraction as text, such as "12 %", with a no-break space."""
    return "less than 1\u00a0%" if 0 < fraction < 0.005 else f"{100 * fraction:.0f}\u00a0%"


def snapshots(report: ReportData) -> Markup:
    """A row of generated images for each snapshot."""
    losses = {row["epoch"]: row["loss"] for row in report.history}
    rows = []
    for epoch, images in report.snapshots.items():
        loss = f", loss {losses[epoch]:.4f}" if epoch in losses else ""
        caption = element("figcaption", f"epoch {epoch}{loss}")
        rows.append(element("figure", caption, image_grid(images, f"Images after epoch {epoch}", len(images))))
    return element("div", rows, class_="epochs")
