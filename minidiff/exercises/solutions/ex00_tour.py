"""Solutions of the exercises of `tutorials/00_tour.ipynb`."""

import math

# The suffix .gif gives an animation. Heun is not the default sampler, so it has to be named.
sample_command = "minidiff sample runs/shapes -n 9 --label star --sampler heun --steps 20 --seed 7 --out stars.gif"

# All other options have their defaults; sub-folders become classes.
train_command = "minidiff train --data photos --size 32 --epochs 8 --held-out 0.1 --flip --out runs/photos"


# The held-out loss measures how well the network does on new images; the training loss does not.
def best_epoch(history):
    return min(history, key=lambda row: row["held_out_loss"])["epoch"]


# Each epoch begins with a new batch, and its last batch may be smaller: round up in every epoch.
def training_steps(images, batch_size, epochs, held_out):
    train = images - round(held_out * images)
    return epochs * math.ceil(train / batch_size)


# Heun has two evaluations per step, except for the last, which ends at a clean image. Guidance doubles them.
def network_calls(sampler, steps, guidance):
    calls = 2 * steps - 1 if sampler == "heun" else steps
    return calls if guidance in (0, 1) else 2 * calls
