"""What a running training tells: its epoch and the time left, and the lines of the table of epochs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

HEADER = "   epoch     loss{held_out}   learning rate   gradient   images/s   seconds       left"
HELD_OUT = "   held out "


@dataclass(frozen=True)
class Status:
    """Where training is after an optimizer step.

    Attributes:
        epoch, epochs: the current epoch, from 1, and their number.
        seconds_left: estimate of the time to the end of the last epoch; NaN if unknown.
    """

    epoch: int
    epochs: int
    seconds_left: float

    def __str__(self) -> str:
        left = "" if math.isnan(self.seconds_left) else f", {time_text(self.seconds_left)} left"
        return f"epoch {self.epoch} of {self.epochs}{left}"


def time_text(seconds: float) -> str:
    """A duration as text: "40 s", "4 min", "2 h 5 min"."""
    if seconds < 59.5:
        return f"{math.ceil(max(seconds, 0))} s"
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    return f"{minutes} min" if not hours else f"{hours} h {rest} min"


def table_header(held_out: bool) -> str:
    """The first line of the table of epochs."""
    return HEADER.format(held_out=HELD_OUT if held_out else "")


def table_line(row: Mapping[str, float], seconds_left: float, is_best: bool) -> str:
    """The line of an epoch.

    Args:
        row: of history.csv.
        seconds_left: of the whole training.
        is_best: whether its held-out loss is the lowest so far, which a star marks.
    """
    held_out = f"   {row['held_out_loss']:8.4f}{'*' if is_best else ' '}" if "held_out_loss" in row else ""
    line = "   {epoch:5} {loss:8.4f}{held_out} {learning_rate:15.2e} {gradient_norm:10.3f} {images_per_second:10.1f}"
    return line.format(**row, held_out=held_out) + f" {row['seconds']:9.1f} {time_text(seconds_left):>10}"
