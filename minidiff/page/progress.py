"""The training trace: curves, a table with what its numbers say, and images from the same noise."""

import math

from minidiff.page.charts import Axes, chart
from minidiff.page.markup import element, image_grid, missing, section, table
from minidiff.runs.snapshots import TRACE_EPOCHS

QUARTERS = ("the least noise", "little noise", "much noise", "the most noise")


def render(facts):
    """The section."""
    return section(
        "training",
        "The training trace",
        element(
            "p",
            "The loss is the mean square error of the predicted noise. Noise has variance 1, so always answering 0 "
            "would score 1, and whatever is below 1 was learned.",
        ),
        missing(facts.missing["history"]) if not facts.history else curves(facts.history),
        element("h3", "The same noise, again and again"),
        element(
            "p",
            "After some of the epochs the network drew images, always from the same noises and in few steps. What "
            "changes from row to row is what it has learned in between.",
        ),
        missing(facts.missing["snapshots"]) if not facts.snapshots else snapshots(facts),
    )


def curves(history):
    """Charts and the table."""
    quarters = [[row.get(f"loss_quarter_{i}", math.nan) for row in history] for i in range(1, 5)]
    epochs = [row["epoch"] for row in history]
    names = ["training", "held out"] if len(loss_lines(history)) > 1 else []
    parts = [
        chart("Loss of each epoch", loss_axes(history).draw("The loss of each epoch", loss_lines(history)), names),
        chart(
            "The same, logarithmic",
            loss_axes(history, log=True).draw("The loss of each epoch, logarithmic", loss_lines(history)),
            names,
        ),
    ]
    explanation = None
    finite = [loss for losses in quarters for loss in losses if loss > 0]
    if finite:
        axes = Axes(epochs, finite, "epoch", "loss", log=True)
        lines = [(epochs, losses, i) for i, losses in enumerate(quarters)]
        parts.append(chart("Loss by noise level", axes.draw("The loss in each quarter of t", lines), QUARTERS))
        explanation = element(
            "div",
            element("p", about_quarters([losses[-1] for losses in quarters])),
            class_="beside",
        )
    return [
        element("div", parts, explanation, class_="charts"),
        observations(history),
    ]


def loss_axes(history, log=False):
    """Axes that fit the losses of all epochs."""
    losses = [loss for _, line, _ in loss_lines(history) for loss in line]
    return Axes([row["epoch"] for row in history], losses, "epoch", "loss", log)


def loss_lines(history):
    """The loss of the training, and that on held-out images if there are any."""
    epochs = [row["epoch"] for row in history]
    lines = [(epochs, [row["loss"] for row in history], 0)]
    if any("held_out_loss" in row for row in history):
        lines.append((epochs, [row.get("held_out_loss", math.nan) for row in history], 1))
    return lines


def about_quarters(losses):
    """What the last epoch says about easy and hard noise levels."""
    known = {name: loss for name, loss in zip(QUARTERS, losses, strict=True) if math.isfinite(loss)}
    text = "These are the steps t in four quarters."
    if len(known) < 2:
        return f"{text} In the last epoch no more than one of them was drawn."
    hardest, easiest = max(known, key=known.get), min(known, key=known.get)
    text += (
        f" In the last epoch the loss was highest where there is {hardest} ({known[hardest]:.4f}) and lowest where "
        f"there is {easiest} ({known[easiest]:.4f})."
    )
    if (hardest, easiest) != (QUARTERS[0], QUARTERS[-1]):
        return text
    return (
        f"{text} Faint noise is hard to tell from the grain of an image. Strong noise is nearly all there is to see, "
        "and so easily named; that does not make the image behind it any clearer."
    )


def observations(history):
    """The table of some epochs, with a sentence about each."""
    rows, before = [], None
    for row in chosen_rows(history):
        rows.append((row["epoch"], f"{row['loss']:.4f}", f"{row['seconds']:.0f}", observe(row, before, history)))
        before = row
    return table(("epoch", "loss", "seconds", "what the numbers say"), rows, "Some of the epochs", class_="long-end")


def chosen_rows(history):
    """The rows of epochs 1, 5, 10, 20, or those nearest to them, and of the last."""
    chosen = {min(history, key=lambda row: abs(row["epoch"] - wanted))["epoch"] for wanted in TRACE_EPOCHS}
    chosen.add(history[-1]["epoch"])
    return [row for row in history if row["epoch"] in chosen]


def observe(row, before, history):
    """A sentence or two about an epoch, derived from its numbers.

    Args:
        row: of the history.
        before: the row before it in the table, or None.
        history: all rows.
    """
    parts = [about_first(row) if before is None else about_change(row, before)]
    held_out = row.get("held_out_loss", math.nan)
    if math.isfinite(held_out):
        difference = held_out / row["loss"] - 1
        side = "about the same"
        if abs(difference) >= 0.05:
            side = f"{percent(abs(difference))} {'higher' if difference > 0 else 'lower'}"
        parts.append(f"On held-out images {held_out:.4f}, {side}.")
    highest = max(other["learning_rate"] for other in history)
    if before is not None and row["learning_rate"] < 0.5 * highest:
        parts.append(f"The learning rate is at {percent(row['learning_rate'] / highest)} of its highest.")
    return " ".join(parts)


def about_first(row):
    """The first row is compared with knowing nothing."""
    if row["loss"] >= 1:
        return "No better yet than always answering 0."
    return f"Always answering 0 would score 1: {percent(1 - row['loss'])} of the noise is explained already."


def about_change(row, before):
    """Any other row is compared with the one above it."""
    change = row["loss"] / before["loss"] - 1
    if abs(change) < 0.02:
        return f"Much as in epoch {before['epoch']}."
    if change > 0:
        return f"{percent(change)} higher than in epoch {before['epoch']}: a step back."
    text = f"{percent(-change)} lower than in epoch {before['epoch']}"
    changes = {}
    for i, name in enumerate(QUARTERS, start=1):
        now, then = row.get(f"loss_quarter_{i}", math.nan), before.get(f"loss_quarter_{i}", math.nan)
        if now > 0 and then > 0:
            changes[name] = now / then - 1
    if len(changes) > 1:
        name = min(changes, key=changes.get)
        text += f"; most where there is {name}, by {percent(-changes[name])}" if changes[name] < 0 else ""
    return text + "."


def percent(share):
    """A share as text, such as "12 %", with a space that is not broken."""
    return "less than 1\u00a0%" if 0 < share < 0.005 else f"{100 * share:.0f}\u00a0%"


def snapshots(facts):
    """A row of images for each epoch that was looked at."""
    losses = {row["epoch"]: row["loss"] for row in facts.history}
    rows = []
    for epoch, images in facts.snapshots.items():
        loss = f", loss {losses[epoch]:.4f}" if epoch in losses else ""
        text = element("figcaption", f"epoch {epoch}{loss}")
        rows.append(element("figure", text, image_grid(images, f"Images after epoch {epoch}", len(images))))
    return element("div", rows, class_="epochs")
