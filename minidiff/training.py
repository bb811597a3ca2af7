"""Training: noise a picture, ask the network what it sees, and move the parameters so that it sees better.

One step, for every example of a batch:

    draw a step t and noise eps
    z = signal[t] x0 + noise[t] eps                                                (schedule.add_noise)
    y_hat = network(z, log_noise[t], label)                                        (unet.forward)
    loss = mean of (y_hat - y)^2,   y = a x0 + b eps                               (schedule.target)
    dy_hat = 2 (y_hat - y) / number of numbers                                     (its derivative)
    add the gradient by every parameter to g                                       (unet.backward)

then one step of the optimiser. Losses are reported on the noise scale, as the mean square error of eps_hat, whatever
the target is, so that runs can be compared: eps_hat - eps = signal / (signal b - noise a) (y_hat - y).

A batch is cut into slices of a few pictures, small enough for a core's cache, and the slices are dealt to a fixed
number of *shares*, each with a gradient vector of its own. Threads work on shares; the shares are then added in their
order. Neither this nor the random numbers, of which each example draws its own from (seed, epoch, example), depend on
the number of threads, so neither does the result.

`train` is a generator: it yields a `Step` after each step, and progress bars, checkpoints and plots live outside.

Read more: `tutorials/08_training.ipynb`.
"""

import time
from dataclasses import asdict, dataclass

import numpy as np

from minidiff.denoiser import NetworkDenoiser
from minidiff.errors import MinidiffError
from minidiff.optim import Optimiser, learning_rate_at
from minidiff.parallel import slices
from minidiff.parameters import Parameters
from minidiff.schedule import Schedule

ORDER_STREAM, EXAMPLE_STREAM = 0, 1  # keep the random numbers of different uses apart
MAX_SHARES = 4  # gradient vectors of one step; more would let more threads help, and cost memory
STRATA = 4  # neighbouring examples draw their noise levels from different quarters of the distribution


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides how a run goes, besides the network and the data.

    Args:
        epochs: passes over the data.
        batch_size: examples of one optimiser step.
        schedule: "flow", "cosine" or "linear".
        T: number of steps of the schedule.
        target: what the network predicts: "flow", "noise", "image" or "velocity".
        time_distribution: how training draws t: "log_normal" or "uniform".
        optimiser: "muon" or "adamw".
        learning_rate: the highest one.
        warmup_steps: steps until it is reached.
        weight_decay, clip, ema_decay: see `optim.Optimiser`.
        class_dropout: share of the labels replaced by "any class", for guidance.
        flip: mirror half of the pictures, left to right.
        slice_size: pictures that go through the network together.
        seed: of everything random.
    """

    epochs: int = 20
    batch_size: int = 4
    schedule: str = "flow"
    T: int = 1000
    target: str = "flow"
    time_distribution: str = "log_normal"
    optimiser: str = "muon"
    learning_rate: float = 2e-3
    warmup_steps: int = 100
    weight_decay: float = 0.0
    clip: float = 1.0
    ema_decay: float = 0.999
    class_dropout: float = 0.1
    flip: bool = False
    slice_size: int = 2
    seed: int = 0

    def __post_init__(self):
        for name in ("epochs", "batch_size", "slice_size"):
            if getattr(self, name) < 1:
                raise MinidiffError(f"{name} must be 1 or more, not {getattr(self, name)}")
        for name in ("warmup_steps", "weight_decay", "seed"):
            if not getattr(self, name) >= 0:
                raise MinidiffError(f"{name} must be 0 or more, not {getattr(self, name)}")
        for name in ("learning_rate", "clip"):
            if not getattr(self, name) > 0:
                raise MinidiffError(f"{name} must be more than 0, not {getattr(self, name)}")
        for name in ("class_dropout", "ema_decay"):
            if not 0 <= getattr(self, name) < 1:
                raise MinidiffError(f"{name} must lie between 0 and 1, not at {getattr(self, name)}")

    as_dict = asdict


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
    images: int
    seconds: float


@dataclass(frozen=True)
class Examples:
    """What is drawn for the examples of a slice: the network's inputs and the answer it should give.

    Attributes:
        x0, eps: clean pictures and noise (n, H, W, C).
        t: steps (n,).
        labels: classes (n,), the null class where dropped; None without classes.
    """

    x0: np.ndarray
    eps: np.ndarray
    t: np.ndarray
    labels: np.ndarray


class Trainer:
    """A network, its data and all that changes while it learns.

    Args:
        network: a `UNet`.
        p: its `Parameters`; changed in place.
        dataset: a `Dataset` of the network's picture size.
        config: a `TrainingConfig`.
        workers: `Workers` that share the work.

    Attributes:
        optimiser: holds the moments, and in `average` the parameters to make pictures with.
        step: steps done.

    Raises:
        MinidiffError: pictures or classes that do not fit the network.
    """

    def __init__(self, network, p, dataset, config, workers):
        check_fit(network.config, dataset)
        self.network, self.p, self.dataset, self.config, self.workers = network, p, dataset, config, workers
        self.schedule = Schedule(config.schedule, config.T)
        self.schedule.target_coefficients(config.target, 1)  # an unknown target fails here, not in a thread
        self.schedule.draw_timesteps([0.5], config.time_distribution)
        self.optimiser = Optimiser(
            p, config.optimiser, weight_decay=config.weight_decay, clip=config.clip, ema_decay=config.ema_decay
        )
        self.steps_per_epoch = -(-len(dataset) // config.batch_size)
        self.total_steps = config.epochs * self.steps_per_epoch
        self.step = 0
        num_slices = -(-min(config.batch_size, len(dataset)) // config.slice_size)
        self.gradients = [p.zeros_like() for _ in range(min(MAX_SHARES, num_slices))]

    def train(self):
        """Yields a `Step` after each step, from where the trainer stands to the end of the last epoch."""
        size = self.config.batch_size
        while self.step < self.total_steps:
            epoch, step_in_epoch = divmod(self.step, self.steps_per_epoch)
            order = np.random.default_rng([self.config.seed, ORDER_STREAM, epoch]).permutation(len(self.dataset))
            for i in range(step_in_epoch, self.steps_per_epoch):
                positions = np.arange(i * size, min((i + 1) * size, len(order)))
                yield self.train_step(epoch, order[positions], positions)

    def denoiser(self):
        """A `NetworkDenoiser` with the averaged parameters as they stand now."""
        p = Parameters(self.p.shapes, vector=self.optimiser.average.copy())
        return NetworkDenoiser(self.network, p, self.schedule, self.config.target, self.workers, self.config.slice_size)

    def train_step(self, epoch, indices, positions):
        """Forward, backward and one step of the optimiser on the examples `indices` of the data; returns a `Step`.

        Args:
            epoch: from 0.
            indices: of the batch in the data, (batch,).
            positions: of the batch in the epoch, (batch,); neighbours draw from different quarters of the noise levels.
        """
        start = time.perf_counter()
        batch, config = len(indices), self.config
        parts = slices(batch, config.slice_size)
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
        norm = self.optimiser.step(self.p, g, learning_rate, self.workers)
        self.step += 1
        return Step(
            epoch + 1, self.step, self.step % self.steps_per_epoch == 0, float(losses.mean()), t, losses,
            learning_rate, norm, batch, time.perf_counter() - start,
        )  # fmt: skip

    def draw(self, epoch, indices, positions):
        """What is random about some examples, each from its own stream (seed, epoch, index); returns `Examples`."""
        config, dataset = self.config, self.dataset
        x0 = dataset.pixels(indices)  # (n, H, W, C)
        eps, u = np.empty_like(x0), np.empty(len(indices))
        labels = dataset.labels[indices].copy() if self.network.config.num_classes else None
        for i, (index, position) in enumerate(zip(indices, positions, strict=True)):
            stream = np.random.default_rng([config.seed, EXAMPLE_STREAM, epoch, int(index)])
            stratum, flipped, dropped = stream.random(3)
            u[i] = (position % STRATA + stratum) / STRATA
            if config.flip and flipped < 0.5:
                x0[i] = x0[i, :, ::-1].copy()
            if labels is not None and dropped < config.class_dropout:
                labels[i] = self.network.config.num_classes
            stream.standard_normal(dtype=np.float32, out=eps[i])
        return Examples(x0, eps, self.schedule.draw_timesteps(u, config.time_distribution), labels)

    def add_gradient(self, g, examples, batch):
        """Forward and backward for a slice; adds the gradient of the batch's mean loss to g.

        Args:
            g: `Parameters` that collect the gradient.
            examples: `Examples`.
            batch: examples in the whole batch.

        Returns:
            The noise-scale loss of each example, (n,).
        """
        schedule, target, t = self.schedule, self.config.target, examples.t
        z = schedule.add_noise(examples.x0, examples.eps, t)
        z *= schedule.input_scale[t].astype(z.dtype)[:, None, None, None]
        y = schedule.target(target, examples.x0, examples.eps, t)
        y_hat, cache = self.network.forward(self.p, z, schedule.log_noise[t], examples.labels)
        error = y_hat - y  # (n, H, W, C)
        dy_hat = error * z.dtype.type(2 / (batch * error[0].size))
        self.network.backward(self.p, g, cache, dy_hat)
        a, b = schedule.target_coefficients(target, t)
        to_noise_scale = schedule.signal[t] / (schedule.signal[t] * b - schedule.noise[t] * a)
        return to_noise_scale**2 * np.square(error).mean(axis=(1, 2, 3))


def check_fit(network, dataset):
    """Refuses data that a network was not made for.

    Args:
        network: a `UNetConfig`.
        dataset: a `Dataset`.

    Raises:
        MinidiffError: naming what differs.
    """
    expected = (network.height, network.width, network.image_channels)
    found = (dataset.height, dataset.width, dataset.channels)
    if len(dataset) == 0:
        raise MinidiffError("the data set is empty: nothing to learn from")
    if expected != found:
        raise MinidiffError(f"the network takes pictures of {expected} (height, width, channels), the data has {found}")
    if network.num_classes and (dataset.labels is None or dataset.num_classes != network.num_classes):
        raise MinidiffError(f"the network knows {network.num_classes} classes, the data has {dataset.num_classes}")


def _add_up(gradients, piece):
    """Adds the other shares to the first, in their order, for one piece of the vector."""
    for other in gradients[1:]:
        gradients[0].vector[piece] += other.vector[piece]
