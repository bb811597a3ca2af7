"""Watching a training: data that cannot be learned from, and the moment at which numbers stop being numbers.

A training that diverges seldom says so. One overflow gives an infinity, the next operation a NaN, from then on every
loss, every gradient and every parameter is NaN, and in the morning the images are black. So the loss and the length
of the gradient, which every number goes into, are looked at in every step, before the parameters are touched. Only if
one is not finite is the step gone through once more, layer by layer, to see where it began.

Read more: `tutorials/11_what_goes_wrong.ipynb`.
"""

import copy

import numpy as np

from minidiff.errors import MinidiffError
from minidiff.unet import leaves

LEAST_RANGE = 4 / 255  # of pixels; what has less contrast is a mistake in the data, such as 0 and 1 taken for bytes
CHECKED_TOGETHER = 256  # images
TIME_BUCKETS = 4  # parts of the schedule whose losses are told apart


class Diverged(MinidiffError):
    """A loss or a gradient is no longer a finite number; the message says when, for which t, and in which layer."""


def check_pixels(dataset):
    """Refuses images that nothing can be learned from.

    Args:
        dataset: a `Dataset`, or anything with `pixels` and a length.

    Raises:
        MinidiffError: numbers that are not finite or outside [-1, 1], or hardly any difference between them.
    """
    lowest, highest = np.inf, -np.inf
    for first in range(0, len(dataset), CHECKED_TOGETHER):
        pixels = dataset.pixels(np.arange(first, min(first + CHECKED_TOGETHER, len(dataset))))
        lowest, highest = np.minimum(lowest, pixels.min()), np.maximum(highest, pixels.max())  # they keep NaN
    if not (lowest >= -1 and highest <= 1):
        raise MinidiffError(f"pixels must lie in [-1, 1], and these run from {lowest:.4g} to {highest:.4g}: scale them")
    if highest - lowest < 2 * LEAST_RANGE:
        raise MinidiffError(
            f"the images show nothing: all their pixels lie between {lowest:.4f} and {highest:.4f}; "
            "were they scaled to [0, 1] and then taken for bytes?"
        )


def explain_divergence(trainer, epoch, indices, positions, losses, norm):
    """What went wrong in a step, found by going through it once more.

    Args:
        trainer: a `Trainer` whose parameters are those before the step.
        epoch, indices, positions: as in `Trainer.train_step`.
        losses: of the step, (batch,).
        norm: of its gradient.

    Returns:
        `Diverged`, to be raised.
    """
    if np.isfinite(losses).all():
        what, bad = f"the gradient is {norm}", slice(None)
    else:
        bad = ~np.isfinite(losses)
        what = f"the loss is {losses[bad][0]}"
    examples = trainer.draw(epoch, indices[bad], positions[bad])
    times = ", ".join(str(t) for t in sorted({*examples.t.tolist()})[:8])
    return Diverged(
        f"training diverged in step {trainer.step + 1} (epoch {epoch + 1}): {what} at t = {times}; "
        f"it began in {first_bad_layer(trainer, examples)}"
    )


def first_bad_layer(trainer, examples):
    """The first place at which a number is not finite when examples go through the network and back; a few words."""
    for name in trainer.p.shapes:
        if not np.isfinite(trainer.p[name]).all():
            return f"the parameter {name}"
    found = []
    spied = copy.copy(trainer)
    spied.network = copy.deepcopy(trainer.network)
    for layer in [leaf for child in spied.network.children() for leaf in leaves(child)]:
        layer.forward = _watched(layer.forward, f"the forward pass of {layer.name}", found, _output)
        layer.backward = _watched(layer.backward, f"the backward pass of {layer.name}", found, _gradients(layer))
    with np.errstate(all="ignore"):
        spied.add_gradient(trainer.p.zeros_like(), examples, len(examples.t))
    return found[0] if found else "the sum over the batch"


def losses_by_time(t, losses, T):
    """The mean loss in each quarter of the schedule, from little noise to much.

    Args:
        t: steps (n,), 1 to T.
        losses: (n,).
        T: of the schedule.

    Returns:
        float64 (TIME_BUCKETS,); NaN where no example fell.
    """
    bucket = (t - 1) * TIME_BUCKETS // T
    counts = np.bincount(bucket, minlength=TIME_BUCKETS)
    sums = np.bincount(bucket, losses, minlength=TIME_BUCKETS)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _watched(method, where, found, arrays_of):
    """A layer's method that does the same and notes in `found` when a result is not finite."""

    def call(*arguments):
        result = method(*arguments)
        if not all(np.isfinite(array).all() for array in arrays_of(result, arguments)):
            found.append(where)
        return result

    return call


def _output(result, arguments):
    y, _ = result
    return [y]


def _gradients(layer):
    def arrays_of(result, arguments):
        dx = result if isinstance(result, tuple) else () if result is None else (result,)
        g = arguments[1]
        return [*dx, *(g[name] for name in layer.shapes())]

    return arrays_of
