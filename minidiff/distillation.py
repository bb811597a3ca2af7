"""Distillation: training a network that generates in few sampler steps, with the help of one that needs many.

The path from noise to an image is curved, and a long sampler step leaves it. At high noise the estimate x0_hat is the
mean of all images that z may have come from, so a single step from pure noise gives a blurred mean. Three methods train
a network, the *student*, whose estimates are the ends of paths instead. The *teacher* is the trained network.

    reflow                       x0 is the image that the teacher generates from eps            (Liu et al., 2023)
    progressive distillation     one ddim step of the student replaces several of the teacher   (Salimans and Ho, 2022)
    consistency training         x0_hat at one noise level is that at the next lower one        (Song et al., 2023)

All of them use the training step of `training.py`, with its hand-written gradients. They replace x0 in the target by
another image x0', and eps by the eps' that keeps z as it is:

    z = signal x0 + noise eps = signal x0' + noise eps'        eps' = (z - signal x0') / noise

Reflow replaces the noise of each example by the one that its image belongs to. In progressive distillation, the teacher
takes ddim steps from z at t to s, through timesteps between them. In the variables of `samplers.py`, a ddim step is
z_bar_s = x0_hat + (sigma_s / sigma_t) (z_bar_t - x0_hat), and the steps together are one step with a weighted mean of
their estimates (`mean_estimate`), which is x0'. In consistency training, the same x0 and eps with the noise of the next
lower level s give z_s, and x0' is the student's own x0_hat from z_s, without a gradient; at s = 0 it is x0.

Read more: `tutorials/15_fewer_steps.ipynb`.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from minidiff.denoiser import Denoiser, Network, NetworkDenoiser
from minidiff.errors import MinidiffError
from minidiff.examples import Examples, TrainingData
from minidiff.parallel import Workers
from minidiff.parameters import Parameters
from minidiff.pyramid import pool, repeat
from minidiff.samplers import State
from minidiff.sampling import choose_steps, generate, starting_noise
from minidiff.schedule import Schedule, per_example
from minidiff.training import Trainer
from minidiff.training_config import TrainingConfig


@dataclass(frozen=True, eq=False, repr=False)
class Pairs:
    """Noise and the images generated from it; a data set for `ReflowTrainer`, see `examples.TrainingData`.

    Attributes:
        x0, eps: float32 (N, ...).
        labels: class that each image was conditioned on, int64 (N,), or None.
        num_classes: 0 without labels.
    """

    x0: np.ndarray
    eps: np.ndarray
    labels: np.ndarray | None = None
    num_classes: int = 0

    def __repr__(self) -> str:
        return f"Pairs({len(self)} of shape {self.example_shape})"

    def __len__(self) -> int:
        return len(self.x0)

    @property
    def example_shape(self) -> tuple[int, ...]:
        """The shape of one example."""
        return self.x0.shape[1:]

    def pixels(self, indices: np.ndarray) -> np.ndarray:
        """The chosen images, float32 (n, ...)."""
        return self.x0[indices]


def draw_pairs(
    teacher: Denoiser,
    shape: tuple[int, ...],
    labels: np.ndarray | None = None,
    num_classes: int = 0,
    sampler: str = "heun",
    steps: int = 25,
    seed: int = 0,
) -> Pairs:
    """Generates images with a deterministic sampler, and keeps the noise of each; arguments as in `sampling.sample`."""
    noise = float(teacher.schedule.noise[-1])
    z = starting_noise(teacher.schedule, shape, seed)
    start = State(z=z, x0_hat=np.zeros_like(z), t=teacher.schedule.T)
    x0 = generate(teacher, shape, sampler=sampler, steps=steps, labels=labels, start=start)
    return Pairs(np.clip(x0, -1, 1), z / np.float32(noise), labels, num_classes)


class ReflowTrainer(Trainer):
    """Trains on `Pairs`: the noise of an example is the one from which its image was generated.

    Random pairs of image and noise give paths that cross, and where they cross, the best velocity is a mean of several.
    The teacher's paths do not cross, so with its pairs the velocity along a path is nearly constant: the paths of the
    student are nearly straight, and few steps follow them.
    """

    def __init__(self, network: Network, p: Parameters, pairs: Pairs, config: TrainingConfig, workers: Workers) -> None:
        if config.flip:
            raise MinidiffError("flip would mirror images without their noise; leave it out")
        super().__init__(network, p, pairs, config, workers)
        self.eps = pairs.eps

    def draw(self, epoch: int, indices: np.ndarray, positions: np.ndarray) -> Examples:
        return replace(super().draw(epoch, indices, positions), eps=self.eps[indices])


class StepTrainer(Trainer):
    """A trainer for the timesteps of few sampler steps, that replaces x0 in the target.

    Args:
        network, p, dataset, config, workers: as for `Trainer`; all steps are equally frequent in training.
        times: timesteps of each step, from its start to its end, int (steps, k), in the order of sampling.
    """

    def __init__(
        self,
        network: Network,
        p: Parameters,
        dataset: TrainingData,
        config: TrainingConfig,
        workers: Workers,
        times: np.ndarray,
    ) -> None:
        super().__init__(network, p, dataset, replace(config, time_distribution="uniform"), workers)
        self.times = times[::-1]  # by increasing noise
        self.step_of = np.zeros(self.schedule.T + 1, np.int64)  # timestep of a start -> its step
        self.step_of[self.times[:, 0]] = np.arange(len(times))

    def draw(self, epoch: int, indices: np.ndarray, positions: np.ndarray) -> Examples:
        examples = super().draw(epoch, indices, positions)
        step = (examples.t - 1) * len(self.times) // self.schedule.T  # t is uniform on 1 .. T
        return replace(examples, t=self.times[step, 0])

    def add_gradient(self, g: Parameters, examples: Examples, batch: int) -> np.ndarray:
        z = self.schedule.add_noise(examples.x0, examples.eps, examples.t)
        x0 = self.new_x0(examples, z, self.times[self.step_of[examples.t]].T)
        eps = self.schedule.eps_from_x0(z, x0, examples.t)
        return super().add_gradient(g, replace(examples, x0=x0, eps=eps), batch)

    def new_x0(self, examples: Examples, z: np.ndarray, times: np.ndarray) -> np.ndarray:
        """The x0' of examples (n, ...), given their z and the timesteps of their steps (k, n)."""
        raise NotImplementedError


class ProgressiveTrainer(StepTrainer):
    """Trains a student, which starts as a copy of the teacher, so that one ddim step replaces `parts` of the teacher's.

    Args:
        teacher: the teacher; if it is itself a student, one for `parts` times `steps` sampler steps.
        dataset, config: data and hyperparameters; schedule and target have to be those of the teacher.
        steps: number of ddim steps of the student, with spacing "trailing".
        parts: number of steps of the teacher for each.

    Raises:
        MinidiffError: a configuration that does not fit the teacher, or more steps than timesteps.
    """

    def __init__(
        self, teacher: NetworkDenoiser, dataset: TrainingData, config: TrainingConfig, steps: int, parts: int = 2
    ) -> None:
        check_same_process(teacher, config)
        p = Parameters(teacher.p.shapes, vector=teacher.p.vector.copy())
        times = split_steps(teacher.schedule, steps, parts)
        super().__init__(teacher.network, p, dataset, config, teacher.workers, times)
        self.teacher = teacher

    def new_x0(self, examples: Examples, z: np.ndarray, times: np.ndarray) -> np.ndarray:
        return mean_estimate(self.teacher, z, times, examples.labels)


class ConsistencyTrainer(StepTrainer):
    """Trains a network whose x0_hat is the same along each path from noise to image (consistency training).

    As the noise vanishes, x0_hat has to become z itself. For the targets flow, noise and velocity it does, whatever the
    network predicts, because x0_hat is then z / signal plus a multiple of the noise. For the target image it does not.

    Args:
        network, p, dataset, config, workers: as for `Trainer`.
        levels: number of noise levels, spaced as "karras" steps; more are more accurate and train more slowly.
    """

    def __init__(
        self,
        network: Network,
        p: Parameters,
        dataset: TrainingData,
        config: TrainingConfig,
        workers: Workers,
        levels: int,
    ) -> None:
        if config.target == "image":
            raise MinidiffError("consistency training needs another target than image; choose flow, noise or velocity")
        times = np.array(choose_steps(config.create_schedule(), levels, "karras"))
        super().__init__(network, p, dataset, config, workers, times)

    def new_x0(self, examples: Examples, z: np.ndarray, times: np.ndarray) -> np.ndarray:
        student = NetworkDenoiser(self.network, self.p, self.schedule, self.config.target, self.workers)
        x0, lower, noisy = examples.x0.copy(), times[-1], times[-1] > 0
        if noisy.any():
            chosen = examples[noisy]
            z_lower = self.schedule.add_noise(chosen.x0, chosen.eps, lower[noisy])
            x0[noisy] = estimate(student, z_lower, lower[noisy], chosen.labels)
        return x0


def mean_estimate(teacher: NetworkDenoiser, z: np.ndarray, times: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
    """The x0_hat for which one ddim step from t to s ends where several steps of a teacher end.

    A step from a to b moves z_bar to x0_hat + (sigma_b / sigma_a) (z_bar - x0_hat). After steps from t to a, the result
    is that of one step with a mean m of the estimates so far. One more step, to b, gives

        m' = m + w (x0_hat - m)        w = (1 - sigma_b / sigma_a) / (1 - sigma_b / sigma_t)

    which follows from equating the two results. At b = 0, w is 1: the last estimate is the image.

    Args:
        teacher: the denoiser of the teacher.
        z: noised images (n, ...).
        times: timesteps of each image, from t to s, int (k, n), decreasing.
        labels: class of each, or None.

    Returns:
        A weighted mean of the k - 1 estimates, of z's shape, within [-1, 1].
    """
    schedule, sigma = teacher.schedule, teacher.schedule.sigma
    mean, z_now, t = np.zeros_like(z), z, times[0]
    for a, b in pairwise(times):
        x0_hat = estimate(teacher, z_now, a, labels)
        weight = (1 - sigma[b] / sigma[a]) / (1 - sigma[b] / sigma[t])
        mean = mean + per_example(weight, z) * (x0_hat - mean)
        z_now = schedule.add_noise(mean, schedule.eps_from_x0(z, mean, t), b)
    return mean


def estimate(denoiser: NetworkDenoiser, z: np.ndarray, t: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
    """x0_hat, clipped as in sampling, of images z (n, ...) at timesteps of their own, t (n,); on the current thread."""
    network, schedule = denoiser.network, denoiser.schedule
    x0_hat = np.empty_like(z)
    levels = np.array([network.config.entry_level(log_sigma) for log_sigma in schedule.log_sigma[t].tolist()])
    for level in np.unique(levels).tolist():
        own = levels == level
        small, t_own = pool(z[own], level), t[own]
        scaled = small * per_example(schedule.input_scale_at(t_own, level), small)
        labels_own = None if labels is None else labels[own]
        y_hat, _ = network.forward(denoiser.p, scaled, schedule.log_sigma[t_own], labels_own, keep=False)
        x0_hat[own] = repeat(schedule.solve(denoiser.target, small, y_hat, t_own)[0], level)
    return np.clip(x0_hat, -1, 1)


def split_steps(schedule: Schedule, steps: int, parts: int) -> np.ndarray:
    """The timesteps of "trailing" sampler steps, each divided into equal parts: int (steps, parts + 1).

    Raises:
        MinidiffError: fewer timesteps than parts of steps.
    """
    if steps * parts > schedule.T:
        raise MinidiffError(
            f"{steps} sampler steps in {parts} parts do not fit into {schedule.T} timesteps; use fewer steps"
        )
    pairs = np.array(choose_steps(schedule, steps, "trailing"))  # (steps, 2)
    return np.rint(np.linspace(pairs[:, 0], pairs[:, 1], parts + 1, axis=1)).astype(np.int64)


def check_same_process(teacher: NetworkDenoiser, config: TrainingConfig) -> None:
    """Raises an error unless a configuration has the schedule and the target of the teacher."""
    schedule = config.create_schedule()
    same = np.array_equal(schedule.signal, teacher.schedule.signal) and config.target == teacher.target
    if not same or not np.array_equal(schedule.noise, teacher.schedule.noise):
        raise MinidiffError(
            f"the student has {schedule} and the target {config.target}, the teacher {teacher.schedule} and "
            f"{teacher.target}; use the same"
        )
