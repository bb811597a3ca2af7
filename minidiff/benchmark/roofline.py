"""The roofline of a training step: how long each kernel takes, a function such as `convolve`, and how fast it could be.

A kernel computes, and moves its arrays between memory and processor. Its *intensity* is the number of operations for
each byte that it moves. The highest speed that it can have, in operations per second, is

    roof = min(speed of a matrix product in FLOP/s, intensity * speed of a copy in bytes/s)

With a low intensity, memory is the limit, with a high one arithmetic. Both speeds are measured in the same run and on
one thread, as the step.

Counted are the operations of the matrix products, as the fast kernels do them: Winograd needs a quarter of those of the
direct method, and its transforms do not count. The bytes are those of all arguments and results, each once. A kernel
that finds them in the cache may therefore be above the roof; one that updates arrays in place, as the optimizers do,
reads and writes them and is nearer to it than it seems.

Read more: `tutorials/speed.md`; Williams, Waterman, Patterson, "Roofline: an insightful visual performance model for
multicore architectures", 2009.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from minidiff import plotting
from minidiff.benchmark.network import training_step
from minidiff.benchmark.timing import take_turns
from minidiff.kernels.sets import Kernels, create_kernels
from minidiff.parallel import Workers
from minidiff.unet import UNetConfig

COPIED = 2**26  # bytes of the array whose copy is timed, more than most caches hold
SIDE = 1024  # of the matrices whose product is timed
MUON_PRODUCTS = 17  # of symmetric matrices, half of each, in the five rounds of `fast/muon.py`
HEAD = ["kernel", "calls", "ms", "share", "GFLOP/s", "GB/s", "of the roof"]


@dataclass
class Spent:
    """All calls of one kernel in a step: their number, seconds, operations of matrix products, and bytes."""

    calls: int = 0
    seconds: float = 0.0
    operations: float = 0.0
    bytes: float = 0.0

    @property
    def intensity(self) -> float:
        """Operations for each byte."""
        return self.operations / self.bytes


@dataclass(frozen=True)
class Machine:
    """What one thread reaches: FLOP/s in a matrix product, and bytes/s in a copy, read and written."""

    product: float
    copy: float

    def roof(self, intensity: float) -> float:
        """The highest rate in FLOP/s at this intensity."""
        return min(self.product, intensity * self.copy)

    def share_of_roof(self, spent: Spent) -> float:
        """How much of the roof a kernel reaches; of the rate of a copy, if it has no matrix product."""
        if not spent.operations:
            return spent.bytes / spent.seconds / self.copy
        return spent.operations / spent.seconds / self.roof(spent.intensity)


def measure_machine() -> Machine:
    """Times a matrix product and a copy on one thread."""
    a = np.random.default_rng(0).standard_normal((SIDE, SIDE), np.float32)
    source, target = np.ones((2, COPIED // 4), np.float32)

    def copy() -> None:
        target[:] = source

    with Workers(1) as one:
        seconds = one.map(lambda _: take_turns({"product": lambda: a @ a, "copy": copy}), [0])[0]
    return Machine(2 * SIDE**3 / seconds["product"], 2 * COPIED / seconds["copy"])


def profile(config: UNetConfig, batch: int, rounds: int = 3) -> tuple[dict[str, Spent], float]:
    """Times all kernels in a training step with Muon, on one thread.

    Args:
        config: of the network.
        batch: images.
        rounds: number of steps; the fastest one counts.

    Returns:
        The kernels by name, the longest first, and the seconds of the whole step.
    """
    spent: dict[str, Spent] = {}
    with Workers(1) as one:
        step, _ = training_step(config, batch, "muon", one, kernels=watched(create_kernels("fast"), spent))
        step()  # compiles, and fills the buffers
        steps = []
        for _ in range(rounds):
            spent.clear()
            start = time.perf_counter()
            step()
            steps.append((time.perf_counter() - start, dict(spent)))
    seconds, fastest = min(steps, key=lambda one_step: one_step[0])
    return dict(sorted(fastest.items(), key=lambda item: -item[1].seconds)), seconds


def watched(kernels: Kernels, spent: dict[str, Spent]) -> Kernels:
    """The same kernels; each call adds to `spent`."""

    def watch(name: str, kernel: Callable) -> Callable:
        def run(*arguments: Any) -> Any:
            start = time.perf_counter()
            result = kernel(*arguments)
            seconds = time.perf_counter() - start
            sums = spent.setdefault(label_of(name, arguments), Spent())
            sums.calls += 1
            sums.seconds += seconds
            sums.operations += operations_of(name, arguments)
            arrays = [*arguments, *(result if isinstance(result, tuple) else [result])]
            sums.bytes += sum(array.nbytes for array in arrays if isinstance(array, np.ndarray))
            return result

        return run

    names = [field.name for field in fields(kernels) if field.name not in ("name", "empty")]
    changes: dict[str, Any] = {name: watch(name, getattr(kernels, name)) for name in names}
    return replace(kernels, **changes)


def label_of(name: str, arguments: tuple) -> str:
    """The name of a kernel, with the size of the weights for convolutions, such as "convolve 3x3"."""
    if not name.startswith("convolve"):
        return name
    k, stride = len(arguments[1]), stride_of(name, arguments)
    return f"{name} {k}x{k}" + (f" stride {stride}" if stride > 1 else "")


def operations_of(name: str, arguments: tuple) -> float:
    """The operations of the matrix products in a call; a backward pass has twice as many, in attention 5 for 2."""
    passes = 2 if name.endswith("backward") else 1
    if name.startswith("convolve"):
        (N, H, W, _), (k, _, C, K) = arguments[0].shape, arguments[1].shape
        stride = stride_of(name, arguments)
        if (
            k == 3 and stride == 1
        ):  # Winograd: for every tile of 4 x 4, 36 products of a vector (C,) and a matrix (C, K)
            return passes * 2.0 * 36 * N * -(-H // 4) * -(-W // 4) * C * K
        return passes * 2.0 * N * -(-H // stride) * -(-W // stride) * k * k * C * K
    if name.startswith("linear"):
        C, K = arguments[1].shape
        return passes * 2.0 * arguments[0].size // C * C * K
    if name.startswith("attention"):
        N, H, W, channels = arguments[0].shape  # two products forward; backward five, with the weights again
        return (5 if passes == 2 else 2) * 2.0 * N * (H * W) ** 2 * channels // 3
    if name == "muon":
        rows, side = max(arguments[0].shape), min(arguments[0].shape)
        return 3.0 * rows * side**2 + MUON_PRODUCTS * side**3  # half of X' X, and X P
    return 0.0


def stride_of(name: str, arguments: tuple) -> int:
    """The stride of a convolution; it stands in the fourth place, also of the backward pass."""
    return arguments[3] if len(arguments) > 3 else 1


def rows_of_table(spent: dict[str, Spent], seconds: float, machine: Machine) -> list[list]:
    """The table of `profile`, with HEAD; "everything else" is Python, drawing examples, and adding gradients."""
    rows = []
    for name, sums in spent.items():
        rate = f"{sums.operations / sums.seconds / 1e9:.1f}" if sums.operations else ""
        share = f"{sums.seconds / seconds:.1%}"
        roof = f"{machine.share_of_roof(sums):.0%}"
        rows.append([name, sums.calls, 1e3 * sums.seconds, share, rate, sums.bytes / sums.seconds / 1e9, roof])
    rest = seconds - sum(sums.seconds for sums in spent.values())
    return [*rows, ["everything else", "", 1e3 * rest, f"{rest / seconds:.1%}", "", "", ""]]


def save_roofline(path: Path, spent: dict[str, Spent], machine: Machine) -> None:
    """Draws the roof, and each kernel with matrix products as a disc whose area is its share of the time."""
    figure = plotting.new_figure(8, 4.6)
    axes = figure.add_subplot()
    products = {name: sums for name, sums in spent.items() if sums.operations}
    total = sum(sums.seconds for sums in spent.values())
    intensities = [sums.intensity for sums in products.values()]
    bend = machine.product / machine.copy
    line = np.geomspace(min(bend, *intensities) / 2, 2 * max(intensities), 100)
    axes.plot(line, [machine.roof(intensity) / 1e9 for intensity in line], color="black", label="roof")
    for i, (name, sums) in enumerate(products.items()):
        rate, area = sums.operations / sums.seconds / 1e9, 3000 * sums.seconds / total
        color = plotting.COLORS[i % len(plotting.COLORS)]
        axes.scatter(sums.intensity, rate, area, color=color, alpha=0.6)
        axes.plot([], [], "o", color=color, label=f"{i + 1} {name}")  # for the legend, all of one size
        axes.annotate(str(i + 1), (sums.intensity, rate), ha="center", va="center", fontsize=8)
    axes.set(xscale="log", yscale="log", xlabel="intensity, operations per byte", ylabel="GFLOP/s")
    axes.set_title("Kernels of a training step on one thread; area: share of the time")
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    plotting.save_figure(figure, path)
