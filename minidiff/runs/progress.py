"""Progress of training: the figures of the current epoch, the time spent, and the best checkpoint.

A row of history.csv summarizes an epoch. Training may stop in the middle of one, so the figures of the steps so far go
into the checkpoint, and the row is the same as without the interruption.
"""

import math
import time

import numpy as np

from minidiff.examples import losses_by_timestep
from minidiff.runs.checkpoint import PER_EXAMPLE, PER_STEP
from minidiff.training import Step


class Progress:
    """Collects the `Step`s of a training run.

    Attributes:
        best_step, best_loss: step and loss of the checkpoint with the lowest loss on held-out images so far, or None
            and infinity.
    """

    def __init__(self) -> None:
        self.best_step: int | None = None
        self.best_loss = math.inf
        self._seconds_before = 0.0
        self.start()
        self._start_epoch()

    def __repr__(self) -> str:
        return f"Progress({self.images} images of the epoch, {self.seconds:.0f} s)"

    def _start_epoch(self) -> None:
        self._figures: dict[str, list] = {name: [] for name in PER_STEP | PER_EXAMPLE}
        self._step_seconds = 0.0

    def start(self) -> None:
        """Starts the clock; what came before, in this process, does not count."""
        self._start, self._steps = time.perf_counter(), 0

    @property
    def seconds(self) -> float:
        """Time spent on the training, without pauses."""
        return self._seconds_before + time.perf_counter() - self._start

    @property
    def images(self) -> int:
        """Number of examples of this epoch so far."""
        return sum(map(len, self._figures["t"]))

    @property
    def steps(self) -> int:
        """Number of optimizer steps of this epoch so far."""
        return sum(map(len, self._figures["gradient_norms"]))

    @property
    def loss(self) -> float:
        """The mean loss of this epoch so far."""
        return float(np.concatenate(self._figures["losses"]).mean())

    def seconds_left(self, steps: int) -> float:
        """The time that further optimizer steps will take, if they are as fast as those since the start; else NaN."""
        return (time.perf_counter() - self._start) / self._steps * steps if self._steps else math.nan

    def add(self, step: Step) -> None:
        """Adds a step."""
        self._steps += 1
        self._figures["t"].append(step.t)
        self._figures["losses"].append(step.losses)
        self._figures["gradient_norms"].append([step.gradient_norm])
        self._figures["update_ratios"].append([step.update_ratio])
        self._step_seconds += step.seconds

    def end_epoch(self, step: Step, T: int, held_out_losses: np.ndarray | None = None) -> dict[str, float]:
        """Ends the epoch and starts the next.

        Args:
            step: the last of the epoch.
            T: number of timesteps of the schedule.
            held_out_losses: (N,), or None without held-out images.

        Returns:
            The epoch's row of history.csv; NaN where there is no value.
        """
        figures = self._arrays()
        row = {
            "epoch": step.epoch,
            "step": step.step,
            "loss": float(f"{self.loss:.6g}"),
            "seconds": round(self.seconds, 2),
            "images_per_second": round(self.images / self._step_seconds, 2),
            "learning_rate": float(f"{step.learning_rate:.6g}"),
            "gradient_norm": round(float(figures["gradient_norms"].mean()), 5),
            "update_ratio": float(f"{np.nanmean(figures['update_ratios']):.4g}"),
        }
        for i, loss in enumerate(losses_by_timestep(figures["t"], figures["losses"], T), start=1):
            row[f"loss_quarter_{i}"] = float(f"{loss:.6g}")
        if held_out_losses is not None:
            loss = float(held_out_losses.mean())
            row["held_out_loss"] = float(f"{loss:.6g}")
            if loss < self.best_loss:
                self.best_step, self.best_loss = step.step, loss
        self._start_epoch()
        return row

    def state(self) -> tuple[dict[str, np.ndarray], dict]:
        """Everything for a checkpoint: arrays, and facts of plain types."""
        facts = {"seconds": self.seconds, "step_seconds": self._step_seconds, "best_step": self.best_step}
        return self._arrays(), facts | ({} if self.best_step is None else {"best_loss": self.best_loss})

    def restore(self, arrays: dict[str, np.ndarray], facts: dict) -> None:
        """Restores what `state` returned."""
        self._figures = {name: [arrays[name]] for name in self._figures}
        self._seconds_before = facts["seconds"]
        self.start()
        self._step_seconds = facts["step_seconds"]
        self.best_step, self.best_loss = facts.get("best_step"), facts.get("best_loss", math.inf)

    def _arrays(self) -> dict[str, np.ndarray]:
        types = PER_STEP | PER_EXAMPLE
        return {name: np.concatenate([[], *parts]).astype(types[name]) for name, parts in self._figures.items()}
