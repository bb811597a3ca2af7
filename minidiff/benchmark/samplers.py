"""All samplers side by side: on data whose perfect denoiser is known, and on a trained network.

On known data (`convergence.py`) the question is how the error falls with the number of steps: in proportion to
1 / steps for a method of order 1, to 1 / steps^2 for one of order 2. On a trained network it is what one sees, and how
long it takes: every sampler starts from the same noises, for the same labels.
"""

import time
from dataclasses import dataclass

import numpy as np

from minidiff import plotting
from minidiff.benchmark.convergence import convergence, order
from minidiff.sampling import SAMPLERS, generate

STEPS = (5, 10, 20, 50)
ORACLE_STEPS = (4, 8, 16, 32, 64, 128)


@dataclass(frozen=True)
class Cell:
    """What one sampler made in one number of steps: images (n, H, W, C), and the seconds for each."""

    sampler: str
    steps: int
    images: np.ndarray
    seconds: float


def measure_convergence(say, path=None):
    """Prints the errors and the order of every deterministic sampler on the oracle.

    Args:
        say: called with each line.
        path: of a chart, if one is wanted.
    """
    errors = convergence(steps=ORACLE_STEPS)
    say(f"{'sampler':14}" + "".join(f"{count:>10}" for count in ORACLE_STEPS) + "     order")
    orders = {}
    for sampler, row in errors.items():
        orders[sampler] = order(row[2:], ORACLE_STEPS[2:])  # from 16 steps on, where the highest order rules
        say(f"{sampler:14}" + "".join(f"{error:10.2g}" for error in row) + f"{orders[sampler]:10.2f}")
    if path is not None:
        save_convergence(path, errors, orders)
        say(str(path))


def save_convergence(path, errors, orders):
    """A chart of error against steps, both on logarithmic scales.

    Args:
        path: of the PNG file.
        errors: sampler -> errors at ORACLE_STEPS.
        orders: sampler -> order.
    """
    figure = plotting.new_figure(6.4, 4.2)
    axes = figure.add_subplot()
    styles = zip(plotting.COLORS, "os^D", ("-", "--", "-", "--"), strict=False)  # ddim and euler lie on each other
    for (sampler, row), (color, marker, line) in zip(errors.items(), styles, strict=False):
        label = f"{sampler}, order {orders[sampler]:.1f}"
        axes.loglog(ORACLE_STEPS, row, line, color=color, marker=marker, fillstyle="none", label=label)
    axes.set_xticks(ORACLE_STEPS, [str(count) for count in ORACLE_STEPS])
    axes.minorticks_off()
    axes.set(xlabel="steps", ylabel="error (data has deviation 0.5)", title="Distance from the exact path")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    plotting.save_figure(figure, path)


def compare(denoiser, shape, labels, steps=STEPS, seed=0, samplers=tuple(SAMPLERS)):
    """Every sampler at every number of steps.

    Args:
        denoiser: any.
        shape: (n, H, W, C).
        labels: class of each, or None.
        steps: numbers of steps.
        seed: of the noises.
        samplers: names.

    Yields:
        `Cell`s, sampler by sampler.
    """
    generate(denoiser, shape, steps=1, seed=seed, labels=labels)  # the first call of all compiles
    for sampler in samplers:
        for count in steps:
            start = time.perf_counter()
            images = generate(denoiser, shape, sampler=sampler, steps=count, seed=seed, labels=labels)
            yield Cell(sampler, count, images, (time.perf_counter() - start) / len(images))


def compare_samplers(denoiser, shape, labels, steps, seed, say, path, samplers=tuple(SAMPLERS)):
    """Prints a table sampler x steps of seconds an image, and draws a sheet of the same form.

    Args:
        denoiser, shape, labels, steps, seed, samplers: as for `compare`.
        say: called with each line.
        path: of the sheet.
    """
    say("seconds an image" + " " * 3 + "".join(f"{f'{count} steps':>10}" for count in steps))
    cells = []
    for cell in compare(denoiser, shape, labels, steps, seed, samplers):
        cells.append(cell)
        row = cells[-len(steps) :]
        if cell.steps == steps[-1]:
            say(f"{cell.sampler:20}" + "".join(f"{other.seconds:10.3f}" for other in row))
    save_comparison(path, cells, steps)
    say(str(path))


def save_comparison(path, cells, steps, shown=2):
    """A sheet with a row for each sampler and a column for each number of steps.

    Args:
        path: of the PNG file.
        cells: from `compare`.
        steps: numbers of steps, the columns.
        shown: images in a cell.
    """
    rows, columns = len(cells) // len(steps), len(steps)
    figure = plotting.new_figure(1 + 0.8 * shown * columns, 0.3 + 0.9 * rows)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes, cell in zip(grid.flat, cells, strict=True):
        axes.imshow(plotting.sheet(cell.images[:shown], columns=shown), interpolation="nearest")
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    for axes, count in zip(grid[0], steps, strict=True):
        axes.set_title(f"{count} steps")
    for axes, cell in zip(grid[:, 0], cells[::columns], strict=True):
        axes.set_ylabel(cell.sampler, rotation=0, ha="right", va="center", fontsize=11)
    plotting.save_figure(figure, path)
