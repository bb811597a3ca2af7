"""What a training has to show so far: the figures of its epoch, its time, and its best checkpoint.

A row of `history.csv` sums up an epoch. A training may be stopped in the middle of one, so the figures of the steps
so far go into the checkpoint, and the row comes out the same as if it had not been stopped.
"""

import math
import time

import numpy as np

from minidiff.divergence import losses_by_time
from minidiff.runs.checkpoint import PER_EXAMPLE, PER_STEP


class Progress:
    """Collects `Step`s.

    Attributes:
        best_step: step of the checkpoint with the lowest loss on held-out images so far, or None.
    """

    def __init__(self):
        self.best_step, self.best_loss = None, math.inf
        self._seconds_before, self._start = 0.0, time.perf_counter()
        self._start_epoch()

    def _start_epoch(self):
        self._figures = {name: [] for name in PER_STEP | PER_EXAMPLE}
        self._step_seconds = 0.0

    @property
    def seconds(self):
        """Spent on the training, pauses left out."""
        return self._seconds_before + time.perf_counter() - self._start

    @property
    def images(self):
        """Examples seen in this epoch."""
        return sum(map(len, self._figures["t"]))

    @property
    def loss(self):
        """The mean loss of this epoch."""
        return float(np.concatenate(self._figures["losses"]).mean())

    def add(self, step):
        """Takes in a `Step`."""
        self._figures["t"].append(step.t)
        self._figures["losses"].append(step.losses)
        self._figures["gradient_norms"].append([step.gradient_norm])
        self._figures["update_ratios"].append([step.update_ratio])
        self._step_seconds += step.seconds

    def end_epoch(self, step, T, held_out_losses=None):
        """The row of history of the epoch that has just ended.

        Args:
            step: its last `Step`.
            T: of the schedule.
            held_out_losses: (N,), or None if no images are held out.

        Returns:
            dict of numbers; NaN where there is no figure.
        """
        figures = self._arrays()
        row = {
            "epoch": step.epoch,
            "step": step.step,
            "loss": round(self.loss, 6),
            "seconds": round(self.seconds, 2),
            "images_per_second": round(self.images / self._step_seconds, 2),
            "learning_rate": float(f"{step.learning_rate:.6g}"),
            "gradient_norm": round(float(figures["gradient_norms"].mean()), 5),
            "update_ratio": float(f"{np.nanmean(figures['update_ratios']):.4g}"),
        }
        for i, loss in enumerate(losses_by_time(figures["t"], figures["losses"], T), start=1):
            row[f"loss_quarter_{i}"] = round(float(loss), 6)
        if held_out_losses is not None:
            loss = float(held_out_losses.mean())
            row["held_out_loss"] = round(loss, 6)
            if loss < self.best_loss:
                self.best_step, self.best_loss = step.step, loss
        self._start_epoch()
        return row

    def save(self):
        """Everything, for a checkpoint: arrays, and facts of plain types."""
        facts = {"seconds": self.seconds, "step_seconds": self._step_seconds, "best_step": self.best_step}
        return self._arrays(), facts | ({} if self.best_step is None else {"best_loss": self.best_loss})

    def restore(self, arrays, facts):
        """Takes up what `save` gave."""
        self._figures = {name: [arrays[name]] for name in self._figures}
        self._seconds_before, self._start = facts["seconds"], time.perf_counter()
        self._step_seconds = facts["step_seconds"]
        self.best_step, self.best_loss = facts.get("best_step"), facts.get("best_loss", math.inf)

    def _arrays(self):
        types = PER_STEP | PER_EXAMPLE
        return {name: np.concatenate([[], *parts]).astype(types[name]) for name, parts in self._figures.items()}
