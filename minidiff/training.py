"""Training: the training step, and the loop over batches and epochs.

For every example of a batch of N:

    draw a timestep t and noise eps                                                 (examples.draw_examples)
    z = signal[t] x0 + noise[t] eps                                                 (schedule.add_noise)
    with much noise: x0, eps and z at half the size or less                         (pyramid.pool)
    y_hat = network(input_scale z, log_sigma[t], label)                             (unet.forward)
    y = a x0 + b eps, the target; for flow a = -1 and b = 1                         (schedule.target)
    loss = weight[t] * mean over the elements of (y_hat - y)^2
    dy_hat = 2 weight[t] (y_hat - y) / (N * number of elements)
    add the gradient with respect to the parameters to g                            (unet.backward)

The loss of the batch is the mean over its examples, and dy_hat is its gradient with respect to y_hat. One optimizer
step follows. The reported loss is a different value: the unweighted mean squared error of eps_hat at full size, which
can be compared between targets. eps_hat - eps = (y_hat - y) * signal / (signal b - noise a).

The step itself is three calls: `draw` the examples, `accumulate_gradient`, `optimizer.step`. The same loop without
threads has 20 lines in `tutorials/one_file.py`. How a batch is split into microbatches for threads and ranks is in
`parallel.py`; `divergence.py` finds the layer in which a value became infinite or NaN. Every example has a random
stream of its own (`examples.py`), so the result is bit-for-bit identical whatever the number of threads. Everything
that changes between steps is in the vectors of `Trainer.state` and in `Trainer.step`: after `restore`, training
continues as if it had never stopped.

`Trainer.train` is a generator that yields a `Step` after each optimizer step. The caller writes checkpoints and logs.

Read more: `tutorials/08_training.ipynb`.
"""

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from minidiff.data.dataset import check_pixels
from minidiff.denoiser import Network, NetworkDenoiser
from minidiff.divergence import explain_divergence
from minidiff.errors import MinidiffError
from minidiff.examples import (
    STRATA,
    Examples,
    TrainingData,
    check_fit,
    draw_examples,
    loss_weight,
    mean_square,
    order_of_epoch,
)
from minidiff.optim import Optimizer, learning_rate_at
from minidiff.parallel import GradientAccumulators, Workers, chunks
from minidiff.parameters import Parameters
from minidiff.pyramid import pool, repeat, slices_of_levels
from minidiff.randomness import stream
from minidiff.ranks import ALONE, Ranks
from minidiff.schedule import per_example
from minidiff.training_config import TrainingConfig

__all__ = ["Step", "Trainer", "TrainingConfig", "check_fit"]

UPDATE_RATIO_EVERY = 20  # steps; measuring it requires a copy of the parameters


@dataclass(frozen=True, repr=False)
class Step:
    """The loss and other measurements of one training step.

    Attributes:
        epoch: from 1.
        step: number of the optimizer step, counted from 1 through all epochs.
        last_of_epoch: whether it is the last step of its epoch.
        loss: mean squared error of eps_hat over the batch.
        t, losses: timestep and mean squared error of eps_hat of each example, (batch,).
        learning_rate, gradient_norm: of this step; the norm is that before clipping.
        update_ratio: norm(new p - old p) / norm(new p), usually a few thousandths; measured in every twentieth
            step and the last step of an epoch, otherwise NaN.
        images: number of examples in the batch.
        seconds: duration of the step.
    """

    epoch: int
    step: int
    last_of_epoch: bool
    loss: float
    t: np.ndarray
    losses: np.ndarray
    learning_rate: float
    gradient_norm: float
    update_ratio: float
    images: int
    seconds: float

    def __repr__(self) -> str:
        return f"Step(epoch {self.epoch}, step {self.step}, loss {self.loss:.4f})"


class Trainer:
    """Trains a network on a data set, and holds the state of the training run.

    Args:
        network: a `UNet` or a `PointNetwork`.
        p: its parameters; changed in place.
        dataset: examples of the network's shape.
        config: hyperparameters.
        workers: threads that process the microbatches.
        ranks: processes that train together, each on a part of every batch; all hold the same state.

    Attributes:
        optimizer: holds the moments, and in `average` the moving average of the parameters.
        step: number of completed optimizer steps.

    Raises:
        MinidiffError: images or classes that do not fit the network, images without contrast, or an unknown name.
    """

    def __init__(
        self,
        network: Network,
        p: Parameters,
        dataset: TrainingData,
        config: TrainingConfig,
        workers: Workers,
        ranks: Ranks = ALONE,
    ) -> None:
        check_fit(network.config, dataset)
        check_pixels(dataset)
        if config.flip and len(dataset.example_shape) < 3:
            raise MinidiffError("flip mirrors images and does not apply to points; leave it out")
        self.network, self.p, self.dataset, self.config, self.workers = network, p, dataset, config, workers
        self.ranks = ranks
        self.schedule = config.create_schedule()
        self.optimizer = Optimizer(
            p,
            config.optimizer,
            weight_decay=config.weight_decay,
            clip=config.clip,
            ema_decay=config.ema_decay,
            kernels=network.kernels,
        )
        self.steps_per_epoch = -(-len(dataset) // config.batch_size)
        self.total_steps = config.epochs * self.steps_per_epoch
        self.step = 0
        batch = min(config.batch_size, len(dataset))
        self.accumulators = GradientAccumulators(p, batch, config.microbatch_size, workers, ranks)

    def __repr__(self) -> str:
        return (
            f"Trainer(step {self.step} of {self.total_steps}, {self.p.size:,} parameters, {len(self.dataset)} images)"
        )

    def train(self) -> Iterator[Step]:
        """Yields a `Step` after each training step, from the current one to the end of the last epoch."""
        size = self.config.batch_size
        self.synchronize()
        while self.step < self.total_steps:
            epoch, step_in_epoch = divmod(self.step, self.steps_per_epoch)
            order = order_of_epoch(self.config.seed, epoch, len(self.dataset))
            for i in range(step_in_epoch, self.steps_per_epoch):
                positions = np.arange(i * size, min((i + 1) * size, len(order)))
                yield self.train_step(epoch, order[positions], positions)
            self.synchronize()

    def train_step(self, epoch: int, indices: np.ndarray, positions: np.ndarray) -> Step:
        """Draws the examples of a batch, accumulates the gradient, and makes one optimizer step.

        Args:
            epoch: from 0.
            indices: of the batch in the data, (batch,).
            positions: of the batch in the order of the epoch, (batch,); they decide the quarter of t's distribution.

        Raises:
            Diverged: a loss or the gradient is not finite; parameters, moments and average are left unchanged.
        """
        start, config = time.perf_counter(), self.config
        last_of_epoch = (self.step + 1) % self.steps_per_epoch == 0
        # for update_ratio
        before = self.p.vector.copy() if last_of_epoch or (self.step + 1) % UPDATE_RATIO_EVERY == 0 else None

        examples = self.draw(epoch, indices, positions)
        g, losses = self.accumulate_gradient(examples)
        learning_rate = learning_rate_at(self.step, self.total_steps, config.learning_rate, config.warmup_steps)
        norm = math.nan
        if np.isfinite(losses).all():
            norm = self.optimizer.step(self.p, g, learning_rate, self.workers)  # changes nothing if it is not finite
        if not math.isfinite(norm):
            raise explain_divergence(self, epoch, indices, positions, losses, norm)
        self.step += 1

        return Step(
            epoch=epoch + 1,
            step=self.step,
            last_of_epoch=last_of_epoch,
            loss=float(losses.mean()),
            t=examples.t,
            losses=losses,
            learning_rate=learning_rate,
            gradient_norm=norm,
            update_ratio=math.nan if before is None else _update_ratio(before, self.p.vector),
            images=len(indices),
            seconds=time.perf_counter() - start,
        )

    def draw(self, epoch: int, indices: np.ndarray, positions: np.ndarray) -> Examples:
        """Draws the examples of a batch; arguments as in `train_step`."""
        rng_of = partial(stream, "example", self.config.seed, epoch)
        num_classes = self.network.config.num_classes
        needed = self._own_examples if self.ranks.size > 1 else None
        return draw_examples(self.dataset, indices, positions, rng_of, self.schedule, self.config, num_classes, needed)

    def accumulate_gradient(self, examples: Examples) -> tuple[Parameters, np.ndarray]:
        """The gradient of the mean loss of a batch, accumulated over its microbatches.

        Args:
            examples: of the batch.

        Returns:
            g, which is overwritten in the next step, and the mean squared error of eps_hat of each example, (batch,).
        """
        batch = len(examples.t)
        order, losses = self._order_in_batch(examples.t), np.zeros(batch)

        def add_microbatch(part_g: Parameters, part: slice) -> None:
            losses[order[part]] = self.add_gradient(part_g, examples[order[part]], batch)

        # calls add_microbatch once per microbatch, on several threads and ranks, and adds up the gradients
        g = self.accumulators.sum(batch, add_microbatch)
        return g, self.ranks.merge(losses)

    def _order_in_batch(self, t: np.ndarray) -> np.ndarray:
        """The order in which the examples of a batch are split: those of equal levels together in a microbatch."""
        return np.argsort(self._entry_levels(t), kind="stable")

    def _own_examples(self, t: np.ndarray) -> np.ndarray:
        """The positions in a batch, with timesteps t, of the examples in this rank's microbatches."""
        parts = [part for parts in self.accumulators.parts(len(t)) for part in parts]
        return self._order_in_batch(t)[np.r_[tuple(parts)]] if parts else np.empty(0, np.int64)

    def synchronize(self) -> None:
        """Copies the state of rank 0 to all ranks; at the end of an epoch, since other processors round differently."""
        self.step, self.optimizer.steps = self.ranks.gather([self.step, self.optimizer.steps])[0]
        for vector in self.state().values():
            self.ranks.copy(vector)

    def state(self) -> dict[str, np.ndarray]:
        """All vectors that training changes: name -> vector (size,), not copied."""
        optimizer = self.optimizer
        return {"parameters": self.p.vector, "average": optimizer.average, "m": optimizer.m, "v": optimizer.v}

    def restore(self, step: int, state: Mapping[str, np.ndarray]) -> None:
        """Restores an earlier state.

        Args:
            step: number of optimizer steps completed in that state.
            state: the vectors that `state` returned.
        """
        for name, vector in self.state().items():
            vector[:] = state[name]
        self.step = self.optimizer.steps = step

    def denoiser(self) -> NetworkDenoiser:
        """A denoiser with a copy of the averaged parameters."""
        p = Parameters(self.p.shapes, vector=self.optimizer.average.copy())
        return NetworkDenoiser(self.network, p, self.schedule, self.config.target, self.workers)

    def add_gradient(self, g: Parameters, examples: Examples, batch: int) -> np.ndarray:
        """Forward and backward pass of a microbatch; adds the gradient of the batch's mean loss to g.

        Args:
            g: gradient accumulator.
            examples: the microbatch.
            batch: number of examples in the whole batch.

        Returns:
            The mean squared error of eps_hat of each example, (n,).
        """
        losses = []
        for level, part in slices_of_levels(self._entry_levels(examples.t)):
            same = examples[part]
            error, losses_of_level, cache = self._forward(self.p, same, level)
            weight = loss_weight(self.schedule, self.config.loss_weight, self.config.target, same.t)
            elements = batch * error[0].size  # of the whole batch
            dy_hat = error * per_example(2 * weight / elements, error)
            self.network.backward(self.p, g, cache, dy_hat)
            losses.append(losses_of_level)
        return np.concatenate(losses)

    def _entry_levels(self, t: np.ndarray) -> list[int]:
        """The level at which an example with each of these timesteps enters the network."""
        return [self.network.config.entry_level(log_sigma) for log_sigma in self.schedule.log_sigma[t].tolist()]

    def _forward(self, p: Parameters, examples: Examples, level: int) -> tuple[np.ndarray, np.ndarray, Any]:
        """y_hat - y (n, h, w, C), the mean squared errors of eps_hat (n,), and the cache for the backward pass."""
        schedule, target, t = self.schedule, self.config.target, examples.t
        x0, eps = pool(examples.x0, level), pool(examples.eps, level)
        z = schedule.add_noise(x0, eps, t)
        y_hat, cache = self.network.forward(
            p, z * per_example(schedule.input_scale_at(t, level), z), schedule.log_sigma[t], examples.labels
        )
        error = y_hat - schedule.target(target, x0, eps, t)
        _, eps_scale = schedule.error_scales(target, t)
        losses = eps_scale**2 * mean_square(error)
        if level:
            # x0_hat lacks the detail x0 - repeat(pool(x0)). Its mean in every block is zero, so it is orthogonal to the
            # error of the pooled x0_hat, and the squares add. An error of eps_hat is that of x0_hat / sigma.
            losses += mean_square(examples.x0 - repeat(x0, level)) / schedule.sigma[t] ** 2
        return error, losses, cache

    def held_out_losses(self, dataset: TrainingData) -> tuple[np.ndarray, np.ndarray]:
        """The losses on held-out examples with the averaged parameters; every call uses the same timesteps and noise.

        Args:
            dataset: examples of the network's shape.

        Returns:
            The timesteps, int64 (N,), and the mean squared errors of eps_hat, (N,).
        """
        check_fit(self.network.config, dataset)
        p = Parameters(self.p.shapes, vector=self.optimizer.average.copy())
        rng_of = partial(stream, "held-out example", self.config.seed)
        # The position decides the quarter of t. Data sets often have the classes in turn, so positions are shuffled.
        rng = stream("held-out order", self.config.seed)
        positions = rng.permutation(len(dataset)) + rng.integers(STRATA)  # so each quarter has the same probability
        config, num_classes = replace(self.config, flip=False, class_dropout=0.0), self.network.config.num_classes

        t, losses = np.zeros(len(dataset), np.int64), np.zeros(len(dataset))

        def measure(part: slice) -> None:
            indices = np.arange(part.start, part.stop)
            examples = draw_examples(dataset, indices, positions[part], rng_of, self.schedule, config, num_classes)
            levels = slices_of_levels(self._entry_levels(examples.t))
            t[part] = examples.t
            losses[part] = np.concatenate([self._forward(p, examples[same], level)[1] for level, same in levels])

        microbatches = chunks(len(dataset), config.microbatch_size)
        self.workers.map(measure, microbatches[self.ranks.part(len(microbatches))])
        return self.ranks.merge(t), self.ranks.merge(losses)


def _update_ratio(before: np.ndarray, after: np.ndarray) -> float:
    return float(np.linalg.norm(after - before) / (np.linalg.norm(after) or 1))
