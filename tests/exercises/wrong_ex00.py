"""Typical wrong answers to the exercises of notebook 00, each with words of its hint."""

import math

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


WRONG = {
    "ex00_1": [
        (SAMPLE.removeprefix("minidiff "), "begin with minidiff"),
        (SAMPLE.replace("sample", "samplers"), "wrong command"),
        (SAMPLE.replace("runs/shapes", ""), "cannot parse"),
        (SAMPLE.replace("--steps 20", "--step twenty"), "invalid int"),
        (SAMPLE.replace("runs/shapes", "shapes"), "first argument after sample"),
        (SAMPLE.replace("-n 9", ""), "see -n"),
        (SAMPLE.replace("--label star", ""), "take turns"),
        (SAMPLE.replace("star ", "stars "), "no class stars"),
        (SAMPLE + " --guidance 2", "does not mention"),
        (SAMPLE.replace("--sampler heun", ""), "the default, and should be heun"),
        (SAMPLE.replace("--steps 20", ""), "not 20"),
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
    ],
    "ex00_3": [
        (lowest_training_loss, "memorizes"),
        (position_in_the_list, "row itself"),
        (lambda history: history[0]["epoch"], "first epoch"),
        (lambda history: min(row["held_out_loss"] for row in history), "loss itself"),
        (lambda history: min(history, key=lambda row: row["held_out_loss"]), "real numbers"),
    ],
    "ex00_4": [
        (steps(lambda train, batch, epochs: math.ceil(train / batch)), "one epoch"),
        (steps(lambda train, batch, epochs: epochs * (train // batch)), "left out"),
        (steps(lambda train, batch, epochs: epochs * train / batch), "whole number"),
        (steps(lambda train, batch, epochs: math.ceil(epochs * train / batch)), "must not"),
        (steps(lambda train, batch, epochs: epochs * train), "whole batch"),
        (lambda images, batch, epochs, held_out: epochs * math.ceil(images / batch), "held-out images are counted"),
        (lambda images, batch, epochs, held_out: epochs * math.ceil(held_out * images / batch), "only the held-out"),
    ],
    "ex00_5": [
        (calls(lambda steps: steps), "two evaluations per step"),
        (calls(lambda steps: 2 * steps), "no evaluation there"),
        (calls(lambda steps: 2 * steps - 1, lambda steps: 2 * steps - 1), "only heun"),
        (calls(lambda steps: 2 * steps - 1, plain=(0, 1, 2, 3)), "two predictions"),
        (calls(lambda steps: 2 * steps - 1, plain=()), "needs one prediction"),
        (calls(lambda steps: 2 * steps - 1, plain=(1,)), "needs one prediction"),
    ],
}
