"""The numbers of a training: what is trained for, how long, and with which step.

The defaults are the recipe of the reference task, found by trying: they train 1000 images of 64 x 64 in 20 epochs.
"""

from dataclasses import asdict, dataclass, fields
from numbers import Integral, Real

from minidiff.errors import MinidiffError
from minidiff.schedule import Schedule

SAVE_MINUTES = 2.0  # between checkpoints within an epoch; no part of the recipe, since it changes no result
FAST_BATCH_SIZE = 16  # of `--fast`: fewer steps of the optimizer, and each does more work at a time


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides how a run goes, besides the network and the data.

    Args:
        epochs: passes over the data.
        batch_size: examples of one optimizer step.
        schedule: "flow", "cosine", "linear", "sigmoid" or "variance_exploding".
        T: number of steps of the schedule.
        shift: multiplies every noise level of the schedule, see `curves.levels`.
        target: what the network predicts: "flow", "noise", "image" or "velocity".
        time_distribution: how training draws t: "log_normal", "logit_normal" or "uniform".
        loss_weight: which noise levels count: "uniform" or "min_snr", see `loss_weights.py`.
        optimizer: "muon" or "adamw".
        learning_rate: the highest one.
        warmup_steps: steps until it is reached.
        weight_decay, clip, ema_decay: see `optim.Optimizer`.
        class_dropout: share of the labels replaced by "any class", for guidance.
        flip: mirror half of the images, left to right.
        microbatch_size: images that go through the network together; 0 is a quarter of the batch, but at least two (one
            of a batch of two).
        seed: of everything random.

    Raises:
        MinidiffError: a value of the wrong type, or out of range. Names are checked where they are used.
    """

    epochs: int = 20
    batch_size: int = 4
    schedule: str = "flow"
    T: int = 1000
    shift: float = 1.0
    target: str = "flow"
    time_distribution: str = "log_normal"
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

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, {int: Integral, float: Real}.get(field.type, field.type)):
                raise MinidiffError(f"{field.name} must be of type {field.type.__name__}, not {value!r}")
            object.__setattr__(self, field.name, field.type(value))  # NumPy's numbers too become plain ones, for JSON
        if self.microbatch_size == 0:
            quarter, half = -(-self.batch_size // 4), -(-self.batch_size // 2)
            object.__setattr__(
                self, "microbatch_size", max(quarter, min(2, half))
            )  # small slices cost time, few cost threads
        for name in ("epochs", "batch_size", "T", "microbatch_size"):
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

    def create_schedule(self):
        """The `Schedule` of the training."""
        return Schedule(self.schedule, self.T, self.shift)
