"""Typical wrong answers to the exercises of notebook 00, each with a word of the hint that fits it."""

import math

SAMPLE = "minidiff sample runs/shapes -n 9 --label star --sampler heun --steps 20 --seed 7 --out stars.gif"
TRAIN = "minidiff train --data photos --size 32 --epochs 8 --held-out 0.1 --flip --out runs/photos"


def lowest_training_loss(history):
    return min(history, key=lambda row: row["loss"])["epoch"]


def position_in_the_list(history):
    losses = [row["held_out_loss"] for row in history]
    return losses.index(min(losses))


def steps(change):
    """The number of steps with a mistake; `train` is what is left to train on."""
    return lambda images, batch_size, epochs, held_out: change(images - round(held_out * images), batch_size, epochs)


def calls(heun, other=lambda steps: steps, plain=(0, 1)):
    """The number of calls, with a mistake in one of the three."""

    def network_calls(sampler, steps, guidance):
        once = heun(steps) if sampler == "heun" else other(steps)
        return once if guidance in plain else 2 * once

    return network_calls


WRONG = {
    "ex00_1": [
        (SAMPLE.removeprefix("minidiff "), "begin with minidiff"),
        (SAMPLE.replace("sample", "samplers"), "which command"),
        (SAMPLE.replace("runs/shapes", ""), "does not understand"),
        (SAMPLE.replace("--steps 20", "--step twenty"), "invalid int"),
        (SAMPLE.replace("runs/shapes", "shapes"), "first thing after sample"),
        (SAMPLE.replace("-n 9", ""), "see -n"),
        (SAMPLE.replace("--label star", ""), "in turn"),
        (SAMPLE.replace("star ", "stars "), "no class stars"),
        (SAMPLE + " --guidance 2", "does not ask for"),
        (SAMPLE.replace("--sampler heun", ""), "no other is chosen"),
        (SAMPLE.replace("--steps 20", ""), "not 20"),
        (SAMPLE.replace("--seed 7", ""), "seed 7"),
        (SAMPLE.replace("--out stars.gif", ""), "where the film goes"),
        (SAMPLE.replace("gif", "png"), "a film is"),
        (SAMPLE + ' --out "stars.gif', "no terminal"),
        (SAMPLE.split(), "line of text"),
    ],
    "ex00_2": [
        (TRAIN.replace("train", "demo"), "which command"),
        ("minidiff train --resume runs/photos --epochs 8", "exists"),
        (TRAIN.replace("photos --size", "photographs --size"), "see --data"),
        (TRAIN.replace("--size 32", ""), "64 is taken"),
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
        (lowest_training_loss, "by heart"),
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
        (calls(lambda steps: steps), "looks twice"),
        (calls(lambda steps: 2 * steps), "nothing is asked there"),
        (calls(lambda steps: 2 * steps - 1, lambda steps: 2 * steps - 1), "only heun"),
        (calls(lambda steps: 2 * steps - 1, plain=(0, 1, 2, 3)), "two answers"),
        (calls(lambda steps: 2 * steps - 1, plain=()), "needs one answer"),
        (calls(lambda steps: 2 * steps - 1, plain=(1,)), "needs one answer"),
    ],
}
