"""The hyperparameters of training.

The defaults were tuned on the task of `minidiff demo`: drawn cats of 64 x 64, in ten minutes on two cores.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

from minidiff.curves import LARGEST_SHIFT, LARGEST_SIGMA_MAX
from minidiff.errors import MinidiffError
from minidiff.fields import Range, check_fields
from minidiff.optim import OPTIMIZERS
from minidiff.randomness import MAX_SEED
from minidiff.schedule import LARGEST_T, SCHEDULES, TARGETS, Schedule

TIME_DISTRIBUTIONS = ("log_normal", "uniform", "logit_normal")
LOSS_WEIGHTS = ("uniform", "min_snr")
NAMES = {
    "schedule": SCHEDULES,
    "target": TARGETS,
    "time_distribution": TIME_DISTRIBUTIONS,
    "loss_weight": LOSS_WEIGHTS,
    "optimizer": OPTIMIZERS,
}
FRACTION = Range(0, 1, below=True)
RANGES = {
    "epochs": Range(1, 1_000_000),
    "batch_size": Range(1, 65_536),
    "T": Range(1, LARGEST_T),
    "shift": Range(1 / LARGEST_SHIFT, LARGEST_SHIFT),
    "sigma_max": Range(0, LARGEST_SIGMA_MAX),
    "log_sigma_mean": Range(-20, 20),
    "log_sigma_std": Range(0, 20, above=True),
    "high_noise_fraction": FRACTION,
    "learning_rate": Range(0, 1e30, above=True),
    "warmup_steps": Range(0, 1_000_000_000),
    "weight_decay": Range(0, 1000),
    "clip": Range(0, math.inf, above=True),
    "ema_decay": FRACTION,
    "class_dropout": FRACTION,
    "microbatch_size": Range(0, 65_536),
    "seed": Range(0, MAX_SEED),
}
SAVE_MINUTES = 2.0  # between checkpoints within an epoch; not a hyperparameter, because it does not affect the result


@dataclass(frozen=True)
class TrainingConfig:
    """Everything besides the network and the data that affects the result of training.

    Args:
        epochs: passes over the data.
        batch_size: examples per optimizer step.
        schedule: "flow", "cosine", "linear", "sigmoid" or "variance_exploding".
        T: number of timesteps.
        shift: factor that multiplies every noise level, see `curves.levels`.
        sigma_max: the noise level at t = T; 0 for the default end of the schedule's curve. `runs.training_for` chooses
            it for a data set, with `schedule.sufficient_sigma_max`.
        target: what the network predicts: "flow", "noise", "image" or "velocity".
        time_distribution: distribution of the timesteps, "log_normal", "logit_normal" or "uniform".
        log_sigma_mean, log_sigma_std: of the log-normal noise levels: mean and standard deviation of ln sigma.
        high_noise_fraction: with log-normal noise levels, the fraction of examples whose ln sigma is instead uniform
            between log_sigma_mean and ln sigma_T, because the log-normal distribution hardly reaches sigma_T.
        loss_weight: "uniform" or "min_snr", see `examples.loss_weight`.
        optimizer: "muon" or "adamw".
        learning_rate: the peak, from which the learning rate decays to zero.
        warmup_steps: optimizer steps in which the learning rate increases to the peak.
        weight_decay, clip, ema_decay: see `optim.Optimizer`.
        class_dropout: probability that a label is replaced by the null class, for classifier-free guidance.
        flip: whether to mirror each image horizontally with probability 1/2.
        microbatch_size: images that go through the network together; 0 means a quarter of the batch, but at least two
            (one for a batch of one or two).
        seed: of all random numbers.

    Raises:
        MinidiffError: a value of the wrong type or out of range, or an unknown name.
    """

    epochs: int = 20
    batch_size: int = 4
    schedule: str = "flow"
    T: int = 1000
    shift: float = 1.0
    sigma_max: float = 0.0
    target: str = "flow"
    time_distribution: str = "log_normal"
    log_sigma_mean: float = 0.0
    log_sigma_std: float = 1.2
    high_noise_fraction: float = 0.03
    loss_weight: str = "uniform"
    optimizer: str = "muon"
    learning_rate: float = 2e-3
    warmup_steps: int = 100
    weight_decay: float = 0.0
    clip: float = 1.0
    ema_decay: float = 0.999
    class_dropout: float = 0.1
    flip: bool = False
    microbatch_size: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        check_fields(self, RANGES)
        for field_name, names in NAMES.items():
            if getattr(self, field_name) not in names:
                found, what = getattr(self, field_name), field_name.replace("_", " ")
                raise MinidiffError(f"unknown {what} {found!r}; choose from {', '.join(names)}")
        if self.microbatch_size == 0:  # small microbatches are slow, few leave threads idle
            quarter, half = -(-self.batch_size // 4), -(-self.batch_size // 2)
            object.__setattr__(self, "microbatch_size", max(quarter, min(2, half)))

    def as_dict(self) -> dict[str, Any]:
        """The hyperparameters as plain Python types, for JSON."""
        return asdict(self)

    def create_schedule(self) -> Schedule:
        """The schedule to train with."""
        return Schedule(self.schedule, self.T, self.shift, self.sigma_max)
