"""Solutions of the exercises of `tutorials/00_tour.ipynb`."""

import math

# The ending .gif asks for a film. Heun is not the usual sampler, so it has to be named.
sample_command = "minidiff sample runs/shapes -n 9 --label star --sampler heun --steps 20 --seed 7 --out stars.gif"

# Everything else is left as it is; sub-folders become classes by themselves.
train_command = "minidiff train --data photos --size 32 --epochs 8 --held-out 0.1 --flip --out runs/photos"


# The loss on images that were not trained on says how well the network does on what is new. That of the training
# falls on when this one has turned.
def best_epoch(history):
    return min(history, key=lambda row: row["held_out_loss"])["epoch"]


# Batches are cut anew in each epoch, and the last one may be smaller: rounded up in every epoch, not in the end.
def training_steps(images, batch_size, epochs, held_out):
    train = images - round(held_out * images)
    return epochs * math.ceil(train / batch_size)


# Heun asks twice in every step but the last, which ends at a clean image. Guidance needs two answers each time.
def network_calls(sampler, steps, guidance):
    calls = 2 * steps - 1 if sampler == "heun" else steps
    return calls if guidance in (0, 1) else 2 * calls
