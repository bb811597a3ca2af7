"""Training: noise an image, ask the network what it sees, and move the parameters so that it sees better.

One step, for every example of a batch:

    draw a step t and noise eps
    z = signal[t] x0 + noise[t] eps                                                (schedule.add_noise)
    y_hat = network(z, log_sigma[t], label)                                        (unet.forward)
    loss = mean of weight[t] (y_hat - y)^2,   y = a x0 + b eps                     (schedule.target)
    dy_hat = 2 weight[t] (y_hat - y) / number of numbers                           (its derivative)
    add the gradient by every parameter to g                                       (unet.backward)

then one step of the optimizer. Losses are reported on the noise scale, as the mean square error of eps_hat, whatever
the target is, so that runs can be compared: eps_hat - eps = signal / (signal b - noise a) (y_hat - y).

A batch is cut into slices of a few images, small enough for a core's cache, and the slices are dealt to a fixed
number of *shares*, each with a gradient vector of its own. Threads work on shares; the shares are then added in their
order. Neither this nor the random numbers, of which each example draws its own (see `examples.py`), depend on
the number of threads, so neither does the result. And all that changes from step to step is in `state`: put back by
`restore`, a training goes on as if it had never stopped.

`train` is a generator: it yields a `Step` after each step, and progress bars, checkpoints and plots live outside.

Read more: `tutorials/08_training.ipynb`.
"""

import math
import time
from dataclasses import dataclass, replace

import numpy as np

from minidiff.denoiser import NetworkDenoiser
from minidiff.divergence import check_pixels, explain_divergence
from minidiff.errors import MinidiffError
from minidiff.examples import EXAMPLE_STREAM, HELD_OUT_STREAM, draw_examples, order_of_epoch
from minidiff.kernels.optimizers import sum_of_squares
from minidiff.loss_weights import loss_weight
from minidiff.optim import Optimizer, learning_rate_at
from minidiff.parallel import slices
from minidiff.parameters import Parameters
from minidiff.schedule import per_example
from minidiff.training_config import TrainingConfig

__all__ = ["Step", "Trainer", "TrainingConfig", "check_fit"]

MAX_SHARES = 4  # gradient vectors of one step; more would let more threads help, and cost memory
UPDATE_RATIO_EVERY = 20  # steps; to measure it, the parameters have to be copied


@dataclass(frozen=True)
class Step:
    """What one step of training reports.

    Attributes:
        epoch: 1 for the first.
        step: 1 for the first, counted through all epochs.
        last_of_epoch: whether the epoch ends with it.
        loss: mean square error of eps_hat over the batch (noise scale).
        t, losses: the step t and the noise-scale loss of each example, (batch,).
        learning_rate, gradient_norm: of this step.
        update_ratio: how far the step went, |new p - p| / |p|, usually some thousandths; NaN except in every
            twentieth step and the last of an epoch.
        images: examples in the batch.
        seconds: spent on this step.
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


class Trainer:
    """A network, its data and all that changes while it learns.

    Args:
        network: a `UNet`.
        p: its `Parameters`; changed in place.
        dataset: a `Dataset` of the network's image size.
        config: a `TrainingConfig`.
        workers: `Workers` that share the work.

    Attributes:
        optimizer: holds the moments, and in `average` the parameters to make images with.
        step: steps done.

    Raises:
        MinidiffError: images or classes that do not fit the network, or images with nothing in them.
    """

    def __init__(self, network, p, dataset, config, workers):
        check_fit(network.config, dataset)
        check_pixels(dataset)
        if config.flip and len(dataset.example_shape) < 3:
            raise MinidiffError("flip mirrors images; points have no left and right to swap, leave it out")
        self.network, self.p, self.dataset, self.config, self.workers = network, p, dataset, config, workers
        self.schedule = config.create_schedule()
        self.schedule.target_coefficients(config.target, 1)  # unknown names fail here, not in a thread
        loss_weight(self.schedule, config.loss_weight, config.target, 1)
        self.schedule.draw_timesteps([0.5], config.time_distribution)
        self.optimizer = Optimizer(
            p, config.optimizer, weight_decay=config.weight_decay, clip=config.clip, ema_decay=config.ema_decay
        )
        self.steps_per_epoch = -(-len(dataset) // config.batch_size)
        self.total_steps = config.epochs * self.steps_per_epoch
        self.step = 0
        num_microbatches = -(-min(config.batch_size, len(dataset)) // config.microbatch_size)
        self.gradients = [p.zeros_like() for _ in range(min(MAX_SHARES, num_microbatches))]

    def train(self):
        """Yields a `Step` after each step, from where the trainer stands to the end of the last epoch."""
        size = self.config.batch_size
        while self.step < self.total_steps:
            epoch, step_in_epoch = divmod(self.step, self.steps_per_epoch)
            order = order_of_epoch(self.config.seed, epoch, len(self.dataset))
            for i in range(step_in_epoch, self.steps_per_epoch):
                positions = np.arange(i * size, min((i + 1) * size, len(order)))
                yield self.train_step(epoch, order[positions], positions)

    def state(self):
        """What changes while the network learns, besides `step`: name -> vector (size,), not copied."""
        optimizer = self.optimizer
        return {"parameters": self.p.vector, "average": optimizer.average, "m": optimizer.m, "v": optimizer.v}

    def restore(self, step, state):
        """Puts the trainer back to where it stood.

        Args:
            step: steps done.
            state: what `state` gave then.
        """
        for name, vector in self.state().items():
            vector[:] = state[name]
        self.step = self.optimizer.steps = step

    def denoiser(self):
        """A `NetworkDenoiser` with the averaged parameters as they stand now."""
        p = Parameters(self.p.shapes, vector=self.optimizer.average.copy())
        return NetworkDenoiser(self.network, p, self.schedule, self.config.target, self.workers)

    def train_step(self, epoch, indices, positions):
        """Forward, backward and one step of the optimizer on the examples `indices` of the data; returns a `Step`.

        Args:
            epoch: from 0.
            indices: of the batch in the data, (batch,).
            positions: of the batch in the epoch, (batch,).

        Raises:
            Diverged: a loss or the gradient is not finite; parameters, moments and average are those before the step.
        """
        start = time.perf_counter()
        batch, config = len(indices), self.config
        parts = slices(batch, config.microbatch_size)
        shares = [parts[i :: len(self.gradients)] for i in range(min(len(self.gradients), len(parts)))]
        t, losses = np.empty(batch, np.int64), np.empty(batch)

        def work_on_share(number):
            g = self.gradients[number]
            g.vector.fill(0)
            for part in shares[number]:
                examples = self.draw(epoch, indices[part], positions[part])
                t[part] = examples.t
                losses[part] = self.add_gradient(g, examples, batch)

        self.workers.map(work_on_share, range(len(shares)))
        g = self.gradients[0]
        self.workers.map(lambda piece: _add_up(self.gradients[: len(shares)], piece), slices(g.size, 2**18))
        learning_rate = learning_rate_at(self.step, self.total_steps, config.learning_rate, config.warmup_steps)
        last_of_epoch = (self.step + 1) % self.steps_per_epoch == 0
        before = self.p.vector.copy() if last_of_epoch or (self.step + 1) % UPDATE_RATIO_EVERY == 0 else None
        norm = self.optimizer.step(self.p, g, learning_rate, self.workers) if np.isfinite(losses).all() else math.nan
        if not math.isfinite(norm):
            raise explain_divergence(self, epoch, indices, positions, losses, norm)
        self.step += 1
        return Step(
            epoch + 1, self.step, last_of_epoch, float(losses.mean()), t, losses, learning_rate, norm,
            math.nan if before is None else _update_ratio(before, self.p.vector), batch, time.perf_counter() - start,
        )  # fmt: skip

    def draw(self, epoch, indices, positions):
        """What is random about some examples of an epoch, each from its own stream; returns `Examples`."""
        key, num_classes = [self.config.seed, EXAMPLE_STREAM, epoch], self.network.config.num_classes
        return draw_examples(self.dataset, indices, positions, key, self.schedule, self.config, num_classes)

    def add_gradient(self, g, examples, batch):
        """Forward and backward for a slice; adds the gradient of the batch's mean loss to g.

        Args:
            g: `Parameters` that collect the gradient.
            examples: `Examples`.
            batch: examples in the whole batch.

        Returns:
            The noise-scale loss of each example, (n,).
        """
        error, losses, cache = self._forward(self.p, examples)
        weight = loss_weight(self.schedule, self.config.loss_weight, self.config.target, examples.t)
        dy_hat = error * per_example(2 * weight / (batch * error[0].size), error)
        self.network.backward(self.p, g, cache, dy_hat)
        return losses

    def _forward(self, p, examples):
        """y_hat - y (n, H, W, C), the noise-scale losses (n,), and the cache for the backward pass."""
        schedule, target, t = self.schedule, self.config.target, examples.t
        z = schedule.add_noise(examples.x0, examples.eps, t)
        z *= per_example(schedule.input_scale[t], z)
        y_hat, cache = self.network.forward(p, z, schedule.log_sigma[t], examples.labels)
        error = y_hat - schedule.target(target, examples.x0, examples.eps, t)
        _, eps_scale = schedule.error_scales(target, t)
        return error, eps_scale**2 * np.square(error).mean(axis=tuple(range(1, error.ndim))), cache

    def held_out_losses(self, dataset):
        """How well the averaged parameters do on images that were not trained on, with the same noise every time.

        Args:
            dataset: a `Dataset` that fits the network.

        Returns:
            The steps t, int64 (N,), and the noise-scale losses, (N,).
        """
        check_fit(self.network.config, dataset)
        p = Parameters(self.p.shapes, vector=self.optimizer.average.copy())
        key, num_classes = [self.config.seed, HELD_OUT_STREAM], self.network.config.num_classes
        config = replace(self.config, flip=False, class_dropout=0.0)

        def work_on_part(part):
            indices = np.arange(part.start, part.stop)
            examples = draw_examples(dataset, indices, indices, key, self.schedule, config, num_classes)
            return examples.t, self._forward(p, examples)[1]

        results = self.workers.map(work_on_part, slices(len(dataset), config.microbatch_size))
        t, losses = (np.concatenate(arrays) for arrays in zip(*results, strict=True))
        return t, losses


def check_fit(network, dataset):
    """Refuses data that a network was not made for.

    Args:
        network: a `UNetConfig`.
        dataset: a `Dataset`.

    Raises:
        MinidiffError: naming what differs.
    """
    if len(dataset) == 0:
        raise MinidiffError("the data set is empty: nothing to learn from")
    expected, found = network.example_shape, dataset.example_shape
    if expected != found:
        raise MinidiffError(f"the network takes images of {expected} (height, width, channels), the data has {found}")
    if network.num_classes and (dataset.labels is None or dataset.num_classes != network.num_classes):
        raise MinidiffError(f"the network knows {network.num_classes} classes, the data has {dataset.num_classes}")


def _update_ratio(before, after):
    np.subtract(after, before, out=before)
    return math.sqrt(sum_of_squares(before) / (sum_of_squares(after) or 1))


def _add_up(gradients, piece):
    """Adds the other shares to the first, in their order, for one piece of the vector."""
    for other in gradients[1:]:
        gradients[0].vector[piece] += other.vector[piece]
