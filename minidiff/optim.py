"""The optimizers AdamW and Muon, gradient clipping, the moving average of the parameters, and the learning rate.

AdamW (Loshchilov and Hutter, 2019, algorithm 2, but with the weight decay multiplied by lr, as in PyTorch),
elementwise, at optimizer step n:

    m = beta1 m + (1 - beta1) g              v = beta2 v + (1 - beta2) g^2
    p = (1 - lr weight_decay) p - lr (m / (1 - beta1^n)) / (sqrt(v / (1 - beta2^n)) + stability)

Muon (Jordan et al., 2024) treats the weight of a convolution as a matrix W, with a row for each input and a column for
each output. A few singular values of a gradient matrix U S V' are usually much larger than the others. Muon replaces it
by the nearest semi-orthogonal matrix U V', whose singular values are all one, so the step has the same length in every
singular direction:

    m = mu m + g          X = (g + mu m) / its norm          W -= lr 0.2 sqrt(larger side) orthogonalize(X)

The update rules themselves are in `kernels/plain/optimizers.py`. This file clips the gradient and distributes the work
over the threads.

Images are generated with an exponential moving average (EMA) of the parameters. At optimizer step n = 1, 2, ... its
decay is min(ema_decay, n / (9 + n)).

Read more: `tutorials/08_training.ipynb`.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from minidiff.errors import MinidiffError
from minidiff.kernels.sets import Kernels, create_kernels
from minidiff.parallel import CHUNK, Workers, chunks
from minidiff.parameters import Parameters

SMALLEST_SIDE = 16  # Muon updates weights with at least so many inputs and outputs; narrower ones have few directions
TASKS = 8  # groups of small weights and AdamW's chunks: a few for each thread, so that all threads end together

OPTIMIZERS = ("muon", "adamw")


def learning_rate_at(step: int, total_steps: int, peak: float, warmup_steps: int) -> float:
    """The learning rate of an optimizer step: linear warmup to `peak`, then cosine decay to zero.

    Args:
        step: 0 to total_steps - 1.
        total_steps: of the training run.
        peak: the highest learning rate.
        warmup_steps: length of the warmup; limited to half of all steps.
    """
    warmup_steps = min(warmup_steps, total_steps // 2)
    if step < warmup_steps:
        return peak * (step + 1) / warmup_steps
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup_steps) / max(1, total_steps - warmup_steps)))


class Optimizer:
    """AdamW or Muon, with gradient clipping and the moving average of the parameters.

    Args:
        p: the parameters to train; the moving average starts as a copy of them.
        name: "muon" (Muon for large weights of convolutions, AdamW for the rest) or "adamw" (for all).
        betas: of AdamW.
        mu: momentum of Muon.
        weight_decay: of AdamW; weights that Muon updates do not decay, unlike in Liu et al., 2025.
        clip: largest norm of the gradient; a longer gradient is scaled down to it.
        ema_decay: of the moving average.
        kernels: the set of kernels; default: "fast".

    Raises:
        MinidiffError: an unknown name.
    """

    def __init__(
        self, p: Parameters, name: str = "muon", betas: tuple[float, float] = (0.9, 0.95), mu: float = 0.95,
        weight_decay: float = 0.0, clip: float = 1.0, ema_decay: float = 0.999, kernels: Kernels | None = None,
    ) -> None:  # fmt: skip
        if name not in OPTIMIZERS:
            raise MinidiffError(f"unknown optimizer {name!r}; choose from {', '.join(OPTIMIZERS)}")
        self.name, self.betas, self.mu, self.kernels = name, betas, mu, kernels or create_kernels()
        self.weight_decay, self.clip, self.ema_decay = weight_decay, clip, ema_decay
        self.m, self.v, self.average = np.zeros_like(p.vector), np.zeros_like(p.vector), p.vector.copy()
        self.steps = 0
        weights = [key for key, shape in p.shapes.items() if name == "muon" and is_for_muon(shape)]
        self.tasks = group_tasks(weights, chunks_without(p, weights), p.shapes)

    def __repr__(self) -> str:
        return f"Optimizer({self.name}, {self.m.size:,} parameters, after {self.steps} steps)"

    def step(self, p: Parameters, g: Parameters, learning_rate: float, workers: Workers) -> float:
        """Updates the parameters, the moments and the moving average, in place.

        Args:
            p: the parameters.
            g: their gradient.
            learning_rate: of this step.
            workers: the threads.

        Returns:
            The norm of the gradient before clipping. If it is NaN or infinity, nothing has been changed.
        """
        norm = math.sqrt(
            sum(workers.map(lambda chunk: self.kernels.sum_of_squares(g.vector[chunk]), chunks(p.size, CHUNK)))
        )
        if not math.isfinite(norm):
            return norm
        scale = min(1.0, self.clip / (norm + 1e-12))
        self.steps += 1
        ema_decay = min(self.ema_decay, self.steps / (9 + self.steps))

        def update(task: list[str | slice]) -> None:
            for item in task:
                if isinstance(item, str):
                    self._muon(p, g, item, scale, learning_rate, ema_decay)
                else:
                    self._adamw(p, g, item, scale, learning_rate, ema_decay)

        workers.map(update, self.tasks)
        return norm

    def _adamw(
        self, p: Parameters, g: Parameters, chunk: slice, scale: float, learning_rate: float, ema_decay: float
    ) -> None:
        corrections = [1 - beta**self.steps for beta in self.betas]
        self.kernels.adamw(
            p.vector[chunk], g.vector[chunk], self.m[chunk], self.v[chunk], self.average[chunk],
            scale, learning_rate, *self.betas, *corrections, self.weight_decay, ema_decay,
        )  # fmt: skip

    def _muon(
        self, p: Parameters, g: Parameters, key: str, scale: float, learning_rate: float, ema_decay: float
    ) -> None:
        part, outputs = p.slices[key], p.shapes[key][-1]
        matrices = [vector[part].reshape(-1, outputs) for vector in (p.vector, g.vector, self.m, self.average)]
        step_size = learning_rate * 0.2 * math.sqrt(max(matrices[0].shape))
        self.kernels.muon(*matrices, scale, self.mu, step_size, ema_decay)


def group_tasks(
    weights: Sequence[str], vector_chunks: Sequence[slice], shapes: Mapping[str, tuple[int, ...]]
) -> list[list[str | slice]]:
    """Groups the work of an optimizer step into tasks for the workers: large weights one by one, the rest in groups.

    Starting a task takes longer than AdamW needs for a bias.

    Args:
        weights: names of the weights that Muon updates.
        vector_chunks: slices of the flat vector that AdamW updates.
        shapes: name -> shape.

    Returns:
        Tasks, each a list of names and slices; the large weights come first, in descending order of cost.
    """
    cost = {key: math.prod(shapes[key]) * shapes[key][-1] for key in weights}
    longest_first = sorted(weights, key=lambda key: cost[key], reverse=True)
    large = [key for key in longest_first if cost[key] > cost[longest_first[0]] / 20]
    # the others are grouped: starting a task costs as much as computing a small one
    tasks: list[list[str | slice]] = [[key] for key in large]
    small: list[str | slice] = [*longest_first[len(large) :], *vector_chunks]
    return tasks + [small[i::TASKS] for i in range(TASKS)]


def is_for_muon(shape: tuple[int, ...]) -> bool:
    """Whether a parameter is a convolution's weight with at least SMALLEST_SIDE inputs (k k C) and outputs (K)."""
    return len(shape) == 4 and min(math.prod(shape[:-1]), shape[-1]) >= SMALLEST_SIDE


def chunks_without(p: Parameters, keys: Iterable[str]) -> list[slice]:
    """The flat vector without the given parameters, as slices of at most CHUNK elements."""
    borders = [*sorted((p.slices[key].start, p.slices[key].stop) for key in keys), (p.size, p.size)]
    found, first = [], 0
    for start, stop in borders:
        found += [slice(first + chunk.start, first + chunk.stop) for chunk in chunks(start - first, CHUNK)]
        first = stop
    return found
