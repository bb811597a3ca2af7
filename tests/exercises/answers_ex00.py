"""Answers to the exercises of notebook 00: wrong ones, each with words of its hint, and right ones in other styles."""

import math

import numpy as np

SAMPLE = "minidiff sample runs/shapes -n 9 --label star --sampler heun --steps 20 --seed 7 --out stars.gif"
TRAIN = "minidiff train --data photos --size 32 --epochs 8 --held-out 0.1 --flip --out runs/photos"


def lowest_training_loss(history):
    return min(history, key=lambda row: row["loss"])["epoch"]


def position_in_the_list(history):
    losses = [row["held_out_loss"] for row in history]
    return losses.index(min(losses))


def steps(change):
    """The number of steps with a mistake in the formula of (training images, batch size, epochs)."""
    return lambda images, batch_size, epochs, held_out: change(images - round(held_out * images), batch_size, epochs)


def calls(heun, other=lambda steps: steps, plain=(0, 1)):
    """The number of network evaluations with a mistake in one of the three arguments."""

    def network_calls(sampler, steps, guidance):
        once = heun(steps) if sampler == "heun" else other(steps)
        return once if guidance in plain else 2 * once

    return network_calls


class AlwaysEqual(str):
    """A text that claims to be equal to every other."""

    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    __hash__ = str.__hash__


def first_minimum(history):
    losses = [row["held_out_loss"] for row in history] + [float("inf")]
    return next(row["epoch"] for i, row in enumerate(history) if losses[i + 1] > losses[i])


def loop_over_rows(history):
    best = history[0]
    for row in history:
        if row["held_out_loss"] < best["held_out_loss"]:
            best = row
    return best["epoch"]


def count_steps(images, batch_size, epochs, held_out):
    count = 0
    for _ in range(epochs):
        left = images - round(held_out * images)
        while left > 0:
            count, left = count + 1, left - batch_size
    return count


def table_of_calls(sampler, steps, guidance):
    per_step, saved = {"heun": (2, 1)}.get(sampler, (1, 0))
    return (steps * per_step - saved) * (1 + (guidance not in {0, 1}))


WRONG = {
    "ex00_1": [
        (SAMPLE.removeprefix("minidiff "), "begin with minidiff"),
        (SAMPLE.replace("sample", "samplers"), "wrong command"),
        (SAMPLE.replace("runs/shapes", ""), "the run is the first argument"),
        (SAMPLE.replace("--steps 20", "--step twenty"), "invalid int"),
        (SAMPLE.replace("runs/shapes", "shapes"), "first argument after sample"),
        (SAMPLE.replace("-n 9", ""), "see -n"),
        (SAMPLE.replace("--label star", ""), "take turns"),
        (SAMPLE.replace("star ", "stars "), "no class stars"),
        (SAMPLE + " --guidance 2", "does not mention"),
        (SAMPLE.replace("--sampler heun", ""), "the default, and should be heun"),
        (SAMPLE.replace("--steps 20", ""), "should be 20"),
        (SAMPLE.replace("--steps 20", "--steps 30"), "not 20"),
        (SAMPLE.replace("heun", "ddim"), "the sampler is ddim"),
        (SAMPLE + " --rounds 3", "does not mention: --rounds"),
        (SAMPLE + " --eta 0.5", "does not mention: --eta"),
        (AlwaysEqual("minidiff"), "wrong command"),
        (SAMPLE.replace("--seed 7", ""), "seed 7"),
        (SAMPLE.replace("--out stars.gif", ""), "output file is missing"),
        (SAMPLE.replace("gif", "png"), "an animation is"),
        (SAMPLE + ' --out "stars.gif', "a terminal cannot"),
        (SAMPLE.split(), "line of text"),
    ],
    "ex00_2": [
        (TRAIN.replace("train", "demo"), "wrong command"),
        ("minidiff train --resume runs/photos --epochs 8", "exists"),
        (TRAIN.replace("photos --size", "photographs --size"), "see --data"),
        (TRAIN.replace("--size 32", ""), "default is 64"),
        (TRAIN.replace("--size", "--images"), "how many images"),
        (TRAIN + " --images 1000", "all of them"),
        (TRAIN.replace("--epochs 8", ""), "epoch"),
        (TRAIN.replace("--held-out 0.1", ""), "nothing is held out"),
        (TRAIN.replace("0.1", "10"), "between 0 and 1"),
        (TRAIN.replace("--flip", ""), "mirrored"),
        (TRAIN.replace("--flip", "--no-flip"), "mirrored"),
        (TRAIN.replace("--flip", "--mirror"), "unrecognized"),
        (TRAIN.replace("runs/photos", "photos"), "runs/photos"),
        (TRAIN + " --batch-size 2", "does not mention"),
        (TRAIN.replace("runs/photos", "runs/photographs"), "runs/photos"),
    ],
    "ex00_3": [
        (lowest_training_loss, "memorizes"),
        (position_in_the_list, "row itself"),
        (lambda history: history[0]["epoch"], "first epoch"),
        (lambda history: min(row["held_out_loss"] for row in history), "loss itself"),
        (lambda history: min(history, key=lambda row: row["held_out_loss"]), "real numbers"),
        (first_minimum, "a later one"),
        (lambda history: min(range(len(history)), key=lambda i: history[i]["held_out_loss"]) + 1, "need not begin"),
        (lambda history: 8, "not right"),
    ],
    "ex00_4": [
        (steps(lambda train, batch, epochs: math.ceil(train / batch)), "one epoch"),
        (steps(lambda train, batch, epochs: epochs * (train // batch)), "left out"),
        (steps(lambda train, batch, epochs: epochs * train / batch), "whole number"),
        (steps(lambda train, batch, epochs: math.ceil(epochs * train / batch)), "must not"),
        (steps(lambda train, batch, epochs: epochs * train), "whole batch"),
        (lambda images, batch, epochs, held_out: epochs * math.ceil(images / batch), "held-out images are counted"),
        (lambda images, batch, epochs, held_out: epochs * math.ceil(held_out * images / batch), "only the held-out"),
        (steps(lambda train, batch, epochs: epochs * (train // batch + 1)), "no images"),
        (lambda images, batch, epochs, held_out: 1500, "not right"),
    ],
    "ex00_5": [
        (calls(lambda steps: steps), "two evaluations per step"),
        (calls(lambda steps: 2 * steps), "no evaluation there"),
        (calls(lambda steps: 2 * steps - 1, lambda steps: 2 * steps - 1), "only heun"),
        (calls(lambda steps: 2 * steps - 1, plain=(0, 1, 2, 3)), "two predictions"),
        (calls(lambda steps: 2 * steps - 1, plain=()), "needs one prediction"),
        (calls(lambda steps: 2 * steps - 1, plain=(1,)), "needs one prediction"),
        (calls(lambda steps: 2 * steps - 1, lambda steps: steps + 1), "not right"),
        (
            lambda sampler, steps, guidance: (
                calls(lambda steps: 2 * steps)(sampler, steps, guidance) - (sampler == "heun")
            ),
            "guidance doubles",
        ),
    ],
}


RIGHT = {
    "ex00_1": [
        "! " + SAMPLE,
        SAMPLE.replace("minidiff", "python -m minidiff") + " --guidance 1.0 --threads 2",
        "minidiff sample --seed=7 --steps=20 --sampler=heun --label 'star' --out ./stars.gif -n9 runs/shapes/",
        SAMPLE.replace(" --sampler", " \\\n    --sampler"),
    ],
    "ex00_2": [
        "!" + TRAIN,
        "minidiff train --out runs/photos/ --flip --held-out=.1 --epochs=8 --size=32 --data=photos/",
        TRAIN.replace("photos --size", "./photos --size").replace("0.1", "1e-1") + " --seed 3",
    ],
    "ex00_3": [
        loop_over_rows,
        lambda history: sorted(history, key=lambda row: row["held_out_loss"])[0]["epoch"],
        lambda history: np.array([row["epoch"] for row in history])[np.argmin([r["held_out_loss"] for r in history])],
        lambda history: min((row["held_out_loss"], row["epoch"]) for row in history)[1],
    ],
    "ex00_4": [
        count_steps,
        lambda images, batch, epochs, held_out: epochs * -(-(images - round(images * held_out)) // batch),
        lambda images, batch, epochs, held_out: np.ceil((images - images * held_out) / batch) * epochs,
        lambda images, batch, epochs, held_out: sum(
            len(range(0, round(images * (1 - held_out)), batch)) for _ in range(epochs)
        ),
    ],
    "ex00_5": [
        table_of_calls,
        lambda sampler, steps, w: (
            sum(2 if sampler == "heun" and i < steps - 1 else 1 for i in range(steps)) * (1 if w in (0, 1) else 2)
        ),
        lambda sampler, steps, w: np.int64(steps + (steps - 1) * (sampler == "heun")) * (2 - (w == 0 or w == 1)),
    ],
}
