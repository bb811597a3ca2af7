"""Comparison of all samplers: on data with a known exact denoiser, and on a trained network.

With the exact denoiser (`convergence.py`) the table shows how the error falls with the number of sampler steps: in
proportion to 1 / steps for a method of order 1, to 1 / steps^2 for order 2. With a trained network it shows the seconds
per image, beside a sheet of the images. All samplers start from the same noise, for the same labels.
"""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minidiff import plotting
from minidiff.benchmark.convergence import convergence, order
from minidiff.denoiser import Denoiser
from minidiff.sampling import SAMPLERS, generate

logger = logging.getLogger(__name__)

ORACLE_STEPS = (4, 8, 16, 32, 64, 128)
SHOWN = 2  # images in a cell of the sheet


@dataclass(frozen=True)
class Cell:
    """Images (n, H, W, C) of one sampler at one number of steps, and the seconds per image."""

    sampler: str
    steps: int
    images: np.ndarray
    seconds: float


def measure_convergence(path: str | Path | None = None) -> None:
    """Prints errors and orders of the deterministic samplers with the exact denoiser; draws them if path is given."""
    errors = convergence(steps=ORACLE_STEPS)
    logger.info(f"{'sampler':14}" + "".join(f"{count:>10}" for count in ORACLE_STEPS) + "     order")
    orders = {}
    for sampler, row in errors.items():
        orders[sampler] = order(row[2:], ORACLE_STEPS[2:])  # from 16 steps on, where the leading term dominates
        logger.info(f"{sampler:14}" + "".join(f"{error:10.2g}" for error in row) + f"{orders[sampler]:10.2f}")
    if path is not None:
        _save_convergence(path, errors, orders)
        logger.info(str(path))


def _save_convergence(path: str | Path, errors: dict[str, np.ndarray], orders: dict[str, float]) -> None:
    """Draws error against steps, both on logarithmic scales."""
    figure = plotting.new_figure(8.0, 4.2)
    axes = figure.add_subplot()
    styles = zip(plotting.COLORS, "os^D", ("-", "--", "-", "--"), strict=False)  # ddim and euler coincide
    for (sampler, row), (color, marker, line) in zip(errors.items(), styles, strict=False):
        label = f"{sampler}, order {orders[sampler]:.1f}"
        axes.loglog(ORACLE_STEPS, row, line, color=color, marker=marker, fillstyle="none", label=label)
    axes.set_xticks(ORACLE_STEPS, [str(count) for count in ORACLE_STEPS])
    axes.minorticks_off()
    axes.set(
        xlabel="sampler steps", ylabel="error (standard deviation of the data: 0.5)", title="Error of the samplers"
    )
    axes.grid(alpha=0.3)
    plotting.legend_beside(axes)
    plotting.save_figure(figure, path)


def compare(
    denoiser: Denoiser, shape: tuple[int, ...], labels: np.ndarray | None, steps: Sequence[int], seed: int = 0
) -> Iterator[Cell]:
    """Generates images (n, H, W, C) with every sampler at every number of steps; yields `Cell`s, sampler by sampler."""
    generate(denoiser, shape, steps=1, seed=seed, labels=labels)  # compiles the kernels
    for sampler in SAMPLERS:
        for count in steps:
            start = time.perf_counter()
            images = generate(denoiser, shape, sampler=sampler, steps=count, seed=seed, labels=labels)
            yield Cell(sampler, count, images, (time.perf_counter() - start) / len(images))


def show_comparison(cells: Iterable[Cell], steps: Sequence[int], path: str | Path) -> None:
    """Prints a table sampler x steps of seconds per image, and draws a sheet of the images in the same layout."""
    logger.info("seconds per image" + " " * 3 + "".join(f"{f'{count} steps':>10}" for count in steps))
    finished: list[Cell] = []
    for cell in cells:
        finished.append(cell)
        if cell.steps == steps[-1]:
            row = finished[-len(steps) :]
            logger.info(f"{cell.sampler:20}" + "".join(f"{other.seconds:10.3f}" for other in row))
    _save_comparison(path, finished, steps)
    logger.info(str(path))


def _save_comparison(path: str | Path, cells: list[Cell], steps: Sequence[int]) -> None:
    """Draws a sheet with a row for each sampler and a column for each number of steps."""
    rows, columns = len(cells) // len(steps), len(steps)
    figure = plotting.new_figure(1 + 0.8 * SHOWN * columns, 0.3 + 0.9 * rows)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes, cell in zip(grid.flat, cells, strict=True):
        axes.imshow(plotting.sheet(cell.images[:SHOWN], columns=SHOWN), interpolation="nearest")
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    for axes, count in zip(grid[0], steps, strict=True):
        axes.set_title(f"{count} steps")
    for axes, cell in zip(grid[:, 0], cells[::columns], strict=True):
        axes.set_ylabel(cell.sampler, rotation=0, ha="right", va="center", fontsize=11)
    plotting.save_figure(figure, path)
