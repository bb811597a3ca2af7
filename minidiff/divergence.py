"""Diagnosis of a diverged training step: when, at which timesteps and in which layer a value became NaN or infinite.

One overflow gives an infinity, the next operation a NaN, and soon all parameters are NaN. So the trainer checks the
losses and the norm of the gradient, which depends on every element, before it changes any parameter. Only if one of
them is not finite does it repeat the step, layer by layer, to find the origin.

Read more: `tutorials/11_what_goes_wrong.ipynb`.
"""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from minidiff.errors import MinidiffError
from minidiff.examples import Examples
from minidiff.layers import leaves
from minidiff.ranks import ALONE


class Diverged(MinidiffError):
    """A loss or a gradient is NaN or infinite; the message names the step, the timesteps and the layer."""


def explain_divergence(
    trainer: Any, epoch: int, indices: np.ndarray, positions: np.ndarray, losses: np.ndarray, norm: float
) -> Diverged:
    """Repeats a step to find the origin of NaN or infinity.

    Args:
        trainer: a `Trainer` whose parameters are those before the step.
        epoch, indices, positions: as in `Trainer.train_step`.
        losses: of the step, (batch,).
        norm: of its gradient.

    Returns:
        The error to be raised.
    """
    trainer = copy.copy(trainer)
    trainer.ranks = ALONE  # each rank repeats it by itself
    if np.isfinite(losses).all():
        what, bad = f"the gradient is {norm}", np.ones(len(losses), bool)
    else:
        bad = ~np.isfinite(losses)
        what = f"the loss is {losses[bad][0]}"
    examples = trainer.draw(epoch, indices[bad], positions[bad])
    timesteps = ", ".join(str(t) for t in sorted({*examples.t.tolist()})[:8])
    return Diverged(
        f"training diverged in step {trainer.step + 1} (epoch {epoch + 1}): {what} at t = {timesteps}; "
        f"it began in {first_bad_layer(trainer, examples)}"
    )


def first_bad_layer(trainer: Any, examples: Examples) -> str:
    """The first parameter, forward pass or backward pass with a value that is not finite, in words."""
    for name in trainer.p.shapes:
        if not np.isfinite(trainer.p[name]).all():
            return f"the parameter {name}"
    found: list[str] = []
    checked = copy.copy(trainer)
    checked.network = copy.deepcopy(trainer.network)
    for layer in leaves(checked.network):
        layer.forward, layer.backward = _checked(layer, "forward", found), _checked(layer, "backward", found)
    with np.errstate(all="ignore"):
        checked.add_gradient(trainer.p.zeros_like(), examples, len(examples.t))
    return found[0] if found else "the sum over the batch"


def _checked(layer: Any, direction: str, found: list[str]) -> Callable:
    """A layer's method "forward" or "backward" that also notes in `found` if one of its results is not finite."""
    method = getattr(layer, direction)

    def call(*arguments: Any, **options: Any) -> Any:
        result = method(*arguments, **options)
        if direction == "forward":
            arrays = result[:1]  # y, not the cache
        else:
            dx = result if isinstance(result, tuple) else () if result is None else (result,)
            arrays = [*dx, *(arguments[1][name] for name in layer.shapes())]  # and the layer's gradients in g
        if not all(np.isfinite(array).all() for array in arrays):
            found.append(f"the {direction} pass of {layer.name}")
        return result

    return call
