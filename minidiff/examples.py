"""Training examples: a clean image, a timestep, noise and a label for each, and the weight of its loss.

All random values of an example come from its own random stream (`randomness.py`), which depends on the seed, the epoch
and the index of the image. So they are the same for every division into microbatches, for any number of threads, and
after training was interrupted and resumed.

The timesteps are *stratified*: of four consecutive examples in an epoch, each takes its timestep from a different
quarter of the distribution of t. So every batch covers low and high noise in nearly the same proportions, which reduces
the variance of the gradient.

Training can emphasize some noise levels in two ways: by drawing their timesteps more often (`draw_timesteps`), or by a
larger weight of their errors (`loss_weight`):

    loss = weight[t] (y_hat - y)^2

    uniform      weight = 1
    min_snr      (x0_hat - x0)^2 has the weight min(SNR, 5), SNR = signal^2 / noise^2   (Hang et al., 2023, section 3.4)

An error of y causes an error of x0_hat that is |noise / determinant| times as large, with determinant = signal b -
noise a (`Schedule.error_scales`). So min_snr weights (y_hat - y)^2 with

    weight = min(SNR, 5) (noise / determinant)^2

which is the paper's min(SNR, 5) / SNR for the noise target and min(SNR, 5) / (SNR + 1) for the velocity target.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Protocol

import numpy as np

from minidiff.denoiser import NetworkConfig
from minidiff.errors import MinidiffError
from minidiff.randomness import stream
from minidiff.schedule import Schedule
from minidiff.training_config import LOSS_WEIGHTS, TrainingConfig

STRATA = 4  # quarters of the distribution of t
SMALLEST_WIDTH = 1e-9  # of a range of log_sigma, to avoid a division by zero
GAMMA = 5.0  # the largest weight of min_snr for an error of x0_hat (gamma of Hang et al., 2023)
TIME_BUCKETS = 4  # equal ranges of timesteps whose losses are reported separately; not the strata


class TrainingData(Protocol):
    """The interface of a data set for training; `Dataset` (images) and `Points` implement it."""

    @property
    def labels(self) -> np.ndarray | None:
        """Class of each example, int64 (N,), or None."""

    @property
    def num_classes(self) -> int:
        """Number of classes; 0 without labels."""

    @property
    def example_shape(self) -> tuple[int, ...]:
        """The shape of one example: (H, W, C) or (D,)."""

    def __len__(self) -> int: ...

    def pixels(self, indices: np.ndarray) -> np.ndarray:
        """The chosen examples, float32 (n, *example_shape), in [-1, 1]."""


@dataclass(frozen=True)
class Examples:
    """Some examples; `examples[part]` are those of a slice, or with the given indices.

    Attributes:
        x0, eps: clean images and noise (n, H, W, C).
        t: timesteps (n,).
        labels: classes (n,), with num_classes (the null class) for a dropped label; None without classes.
    """

    x0: np.ndarray
    eps: np.ndarray
    t: np.ndarray
    labels: np.ndarray | None

    def __getitem__(self, part: slice | np.ndarray) -> "Examples":
        labels = None if self.labels is None else self.labels[part]
        return Examples(x0=self.x0[part], eps=self.eps[part], t=self.t[part], labels=labels)


def check_fit(network: NetworkConfig, dataset: TrainingData) -> None:
    """Raises `MinidiffError` if the data is empty, or if its shape or classes differ from those of the network."""
    if len(dataset) == 0:
        raise MinidiffError("the data set is empty; give at least one example")
    expected, found = network.example_shape, dataset.example_shape
    if expected != found:
        raise MinidiffError(f"the network takes examples of shape {expected}, the data has {found}; use equal shapes")
    if network.num_classes and (dataset.labels is None or dataset.num_classes != network.num_classes):
        raise MinidiffError(
            f"the network has {network.num_classes} classes, the data has {dataset.num_classes}; use the same number"
        )


def order_of_epoch(seed: int, epoch: int, count: int) -> np.ndarray:
    """The random order of the examples in an epoch, a permutation of 0 .. count - 1."""
    return stream("order", seed, epoch).permutation(count)


def draw_examples(
    dataset: TrainingData,
    indices: np.ndarray,
    positions: np.ndarray,
    rng_of: Callable[[int], np.random.Generator],
    schedule: Schedule,
    config: TrainingConfig,
    num_classes: int,
    needed: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Examples:
    """Draws the examples of a batch: timesteps, noise, flips and dropped labels.

    Args:
        dataset: the clean examples.
        indices: of the examples in the data set, (n,).
        positions: of the examples in the order of the epoch, (n,).
        rng_of: the generator of an example, from its index in the data set.
        schedule: the noise schedule.
        config: its distribution of the timesteps, `flip` and `class_dropout` are used.
        num_classes: of the network; 0 for examples without labels.
        needed: from the timesteps (n,) to the positions of the examples that this process works on, of which alone x0
            and eps are drawn; default: all.
    """
    rngs = [rng_of(int(index)) for index in indices]
    in_stratum, flip_draw, drop_draw = np.array([rng.random(3) for rng in rngs]).T  # (n,) each
    t = draw_timesteps(schedule, (positions % STRATA + in_stratum) / STRATA, config)
    labels = None
    if num_classes and dataset.labels is not None:
        labels = np.where(drop_draw < config.class_dropout, num_classes, dataset.labels[indices])
    drawn = np.arange(len(indices)) if needed is None else needed(t)
    pixels = dataset.pixels(indices[drawn])
    x0 = np.zeros((len(indices), *pixels.shape[1:]), np.float32)  # (n, H, W, C)
    eps = np.zeros_like(x0)
    x0[drawn] = pixels
    for i in drawn:
        if config.flip and flip_draw[i] < 0.5:
            x0[i] = x0[i, :, ::-1].copy()
        rngs[i].standard_normal(dtype=np.float32, out=eps[i])
    return Examples(x0=x0, eps=eps, t=t, labels=labels)


def draw_timesteps(schedule: Schedule, u: np.ndarray, config: TrainingConfig) -> np.ndarray:
    """Maps uniform random numbers to timesteps for training.

    uniform: all timesteps 1 .. T have the same probability.
    log_normal: log_sigma is normal (after Karras et al., 2022), with the mean and standard deviation of the
        configuration. By default, noise and signal have similar strength in most examples, and at such noise levels
        training reduces the loss most. The normal distribution hardly reaches sigma_T, where sampling starts, so in a
        small fraction of the examples log_sigma is uniform between the mean and its value at T.
    logit_normal: t / T = 1 / (1 + exp(-n)) with n standard normal, so most timesteps are near T / 2 (Esser et al.,
        2024, eq. 19). For the schedule "flow", log_sigma is then about normal with standard deviation 1.

    Args:
        schedule: the noise schedule.
        u: uniform random numbers in [0, 1), float64 (n,).
        config: its `time_distribution`, `log_sigma_mean`, `log_sigma_std` and `high_noise_fraction` are used.

    Returns:
        t, int64 (n,), from 1 to T, never decreasing with u.
    """
    if config.time_distribution == "log_normal":
        normal = NormalDist(config.log_sigma_mean, config.log_sigma_std)
        uniform_width = max(schedule.log_sigma[-1] - normal.mean, SMALLEST_WIDTH)
        fraction = config.high_noise_fraction

        def probability_up_to(t: int) -> float:
            """The probability that log_sigma is below the middle between those of the timesteps t and t + 1."""
            log_sigma = (schedule.log_sigma[t] + schedule.log_sigma[t + 1]) / 2
            uniform = min(max((log_sigma - normal.mean) / uniform_width, 0), 1)
            return (1 - fraction) * normal.cdf(log_sigma) + fraction * uniform

        # t is the first timestep whose probability_up_to exceeds u
        t = [1 + bisect_right(range(1, schedule.T), value, key=probability_up_to) for value in u.tolist()]
        return np.array(t, np.int64)
    if config.time_distribution == "logit_normal":
        n = [NormalDist().inv_cdf(value) for value in np.clip(u, 1e-12, 1 - 1e-12).tolist()]
        u = 1 / (1 + np.exp(-np.array(n)))
    return np.minimum(1 + np.floor(u * schedule.T).astype(np.int64), schedule.T)


def loss_weight(schedule: Schedule, name: str, target: str, t: int | np.ndarray) -> np.ndarray:
    """The weight of (y_hat - y)^2 in the loss.

    Args:
        schedule: the noise schedule.
        name: "uniform" or "min_snr".
        target: what y is: "flow", "noise", "image" or "velocity".
        t: timesteps, (n,), at least 1.

    Returns:
        float64, of t's shape.

    Raises:
        MinidiffError: an unknown weight or target.
    """
    if name not in LOSS_WEIGHTS:
        raise MinidiffError(f"unknown loss weight {name!r}; choose from {', '.join(LOSS_WEIGHTS)}")
    x0_scale, _ = schedule.error_scales(target, t)
    if name == "uniform":
        return np.ones_like(x0_scale)
    return np.minimum(schedule.sigma[t] ** -2.0, GAMMA) * x0_scale**2


def mean_square(x: np.ndarray) -> np.ndarray:
    """The mean of x^2 for each example, (n,), for x (n, ...)."""
    return np.square(x).mean(axis=tuple(range(1, x.ndim)))


def losses_by_timestep(t: np.ndarray, losses: np.ndarray, T: int) -> np.ndarray:
    """The mean loss in each quarter of the timesteps, from low to high noise.

    Args:
        t: timesteps (n,), 1 to T.
        losses: (n,).
        T: number of timesteps of the schedule.

    Returns:
        float64 (TIME_BUCKETS,); NaN for quarters without examples.
    """
    bucket = (t - 1) * TIME_BUCKETS // T
    counts = np.bincount(bucket, minlength=TIME_BUCKETS)
    sums = np.bincount(bucket, losses, minlength=TIME_BUCKETS)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
