"""Training on several ranks: measured step times, a model of the cost, and what it predicts for a network of computers.

    step(n) = compute / n + optimizer + 2 (n - 1) a + 2 (n - 1) / n bytes / bandwidth

A ring or, as here, pairs of ranks add up a vector in two phases: each rank receives its section from n - 1 others, and
sends the sum to n - 1 others. A message takes the latency a and its length divided by the bandwidth.

Weak scaling: the batch grows with the ranks, each has the same work, and the efficiency is step(1) / step(n).

Read more: `tutorials/cluster.md`.
"""

import logging
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from minidiff import plotting
from minidiff.benchmark.network import random_images
from minidiff.benchmark.timing import table
from minidiff.errors import MinidiffError
from minidiff.optim import Optimizer
from minidiff.parallel import MAX_ACCUMULATORS, Workers
from minidiff.parameters import Parameters
from minidiff.ranks import ALONE, MpiRanks, Ranks
from minidiff.training import Trainer, TrainingConfig
from minidiff.unet import UNet, UNetConfig

logger = logging.getLogger(__name__)

CHART = "cluster.png"
BATCH = 16  # images; four microbatches
PER_COMPUTER = 8  # images, for weak scaling
SIZES = (1, 2, 4, 8, 16, 32, 64)
NETWORKS = {"1 Gbit/s": 1e9 / 8, "10 Gbit/s": 1e10 / 8, "100 Gbit/s": 1e11 / 8}  # bytes per second
LATENCY = 50e-6  # seconds; assumed, usual for TCP over Ethernet


@dataclass(frozen=True)
class Timing:
    """Seconds of the calls of a function: `median` and `fastest`, and the median processor time, `cpu`, of the rank
    that waited least.

    Other programs hardly affect the processor time, but a rank that waits for another one uses the processor, too.
    """

    median: float
    fastest: float
    cpu: float


@dataclass(frozen=True)
class Cost:
    """The parameters of the model: seconds of `compute` of a batch on one rank and of the `optimizer`, the `latency` of
    a message in seconds, the `num_bytes` of the gradient, and the `bandwidth` in bytes per second.
    """

    compute: float
    optimizer: float
    latency: float
    num_bytes: int
    bandwidth: float

    def step(self, n: int) -> float:
        """Seconds of a training step on n ranks that divide a batch."""
        return self.compute / n + self.optimizer + self.exchange(n)

    def exchange(self, n: int) -> float:
        """Seconds of adding up the gradients of n ranks."""
        return 2 * (n - 1) * self.latency + 2 * (n - 1) / n * self.num_bytes / self.bandwidth

    def efficiency(self, n: int) -> float:
        """Weak scaling: the time of one rank with `compute`, relative to n ranks with as much work each."""
        alone = self.compute + self.optimizer
        return alone / (alone + self.exchange(n))


def bench_ranks(ranks: Ranks, config: UNetConfig, threads: int, quick: bool, out: str | Path | None) -> None:
    """Measures training steps on one and on all ranks, prints tables, and draws the chart.

    Args:
        ranks: of this job.
        config: of the network.
        threads: that one rank alone uses in the comparison; each of several ranks uses one.
        quick: fewer rounds.
        out: folder for the chart, or None.

    Raises:
        MinidiffError: a single rank.
    """
    if not isinstance(ranks, MpiRanks):
        raise MinidiffError("the part ranks needs several: mpiexec --bind-to none -n 2 minidiff bench --only ranks")
    rounds = 3 if quick else 9
    counts = [n for n in SIZES if 1 < n < ranks.size] + [ranks.size]
    groups = {n: group_of(ranks, n) for n in counts}
    with Workers(1) as one, Workers(threads) as several:
        steps: dict[str, Callable[[], object] | None] = {}
        for name, workers, members in [
            ("1 rank, 1 thread", one, None),
            (f"1 rank, {threads} threads", several, None),
            *((f"{n} ranks, 1 thread each", one, n) for n in counts),
        ]:
            takes_part = ranks.rank == 0 if members is None else ranks.rank < members
            group = ALONE if members is None else groups[members]
            steps[name] = training_step(config, workers, group) if takes_part and group else None
        times = take_turns(ranks, steps, rounds)
        trainer = new_trainer(config, one, ranks)
        optimizer = optimizer_seconds(ranks, trainer, rounds)
        links = {n: link(ranks, groups[n], trainer.p.size, rounds) for n in counts}
    if ranks.rank > 0:
        return
    compute = times["1 rank, 1 thread"].cpu - optimizer["on each rank"]
    latency, bandwidth = links[ranks.size]
    cost = Cost(compute, optimizer["on each rank"], latency, trainer.p.vector.nbytes, bandwidth)
    both = f"1 rank, {threads} threads"
    times[both] = replace(times[both], cpu=times[both].cpu / threads)
    report(cost, times, optimizer, counts, threads, out)


def report(
    cost: Cost, times: dict[str, Timing], optimizer: dict[str, float], counts: list[int], threads: int,
    out: str | Path | None,
) -> None:  # fmt: skip
    """Prints the measurement, the model and its prediction."""
    logger.info(f"A training step at batch {BATCH}, {cost.num_bytes / 1e6:.1f} MB of parameters, in turns")
    alone = times["1 rank, 1 thread"]
    model = {1: cost.step(1)} | {n: cost.step(n) for n in counts}
    names = {f"{n} ranks, 1 thread each": n for n in counts} | {"1 rank, 1 thread": 1}
    rows = [
        [
            name, 1e3 * time.median, f"{alone.median / time.median:.2f}x", 1e3 * time.cpu,
            f"{alone.cpu / time.cpu:.2f}x", 1e3 * model[names[name]] if name in names else "",
        ]
        for name, time in times.items()
    ]  # fmt: skip
    logger.info(table(["", "ms, median", "speed", "CPU ms a core", "speed", "model, ms"], rows))
    name, other = f"{threads} ranks, 1 thread each", f"1 rank, {threads} threads"
    if name in times:
        logger.info(f"   {name}: {times[other].median / times[name].median:.2f} of the throughput of {other}")
    logger.info(
        f"   the model: compute {1e3 * cost.compute:.0f} ms, optimizer {1e3 * cost.optimizer:.0f} ms, latency "
        f"{1e6 * cost.latency:.0f} us, bandwidth {cost.bandwidth / 1e9:.2g} GB/s"
    )
    listed = ", ".join(f"{name} {1e3 * seconds:.1f} ms" for name, seconds in optimizer.items())
    logger.info(f"   the optimizer's work on {counts[-1]} ranks: {listed}")
    # a computer of a network: all threads of this one
    part = PER_COMPUTER / BATCH
    compute = (times[other].cpu - cost.optimizer / threads) * part
    networks = {
        name: Cost(compute, cost.optimizer / threads, LATENCY, cost.num_bytes, bandwidth)
        for name, bandwidth in NETWORKS.items()
    }
    logger.info(
        f"Predicted efficiency of weak scaling on computers like this one, {PER_COMPUTER} images each, latency "
        f"{1e6 * LATENCY:.0f} us (assumed)"
    )
    head = ["ranks", *map(str, SIZES)]
    rows = [[name, *(f"{network.efficiency(n):.2f}" for n in SIZES)] for name, network in networks.items()]
    logger.info(table(head, rows))
    if out:
        save_chart(Path(out) / CHART, times, cost, counts, networks)


def group_of(ranks: MpiRanks, n: int) -> MpiRanks | None:
    """The first n ranks, or None on the others."""
    world = ranks.world.Split(0 if ranks.rank < n else 1, ranks.rank)
    return MpiRanks(ranks.mpi, world) if ranks.rank < n else None


def new_trainer(config: UNetConfig, workers: Workers, ranks: Ranks) -> Trainer:
    """A trainer with Muon at batch BATCH, on images of noise."""
    network = UNet(config)
    training = TrainingConfig(batch_size=BATCH)
    return Trainer(network, network.create_parameters(), random_images(config, 50 * BATCH), training, workers, ranks)


def training_step(config: UNetConfig, workers: Workers, ranks: Ranks) -> Callable[[], object]:
    """A function that makes one training step, always on the same batch."""
    trainer, batch = new_trainer(config, workers, ranks), np.arange(BATCH)
    return lambda: trainer.train_step(0, batch, batch)


def take_turns(ranks: Ranks, functions: dict[str, Callable[[], object] | None], rounds: int) -> dict[str, Timing]:
    """Times functions that are called in turns; ranks for which one is None wait."""
    walls: dict[str, list[float]] = {name: [] for name in functions}
    cpus: dict[str, list[float]] = {name: [] for name in functions}
    for turn in range(rounds + 1):  # the first does not count
        for name, function in functions.items():
            ranks.gather()
            start, cpu = time.perf_counter(), time.process_time()
            if function:
                function()
            wall, cpu = time.perf_counter() - start, time.process_time() - cpu
            used = [other for other in ranks.gather(cpu if function else None) if other is not None]
            if turn > 0:
                walls[name].append(wall)
                cpus[name].append(min(used))
    median = statistics.median
    return {name: Timing(median(walls[name]), min(walls[name]), median(cpus[name])) for name in functions}


def link(ranks: Ranks, group: MpiRanks | None, size: int, rounds: int) -> tuple[float, float]:
    """The latency in seconds and the bandwidth in bytes per second with which a group adds up a vector of this size."""
    count = MAX_ACCUMULATORS
    functions: dict[str, Callable[[], object] | None] = {}
    for length in (1, size):
        vectors = [np.zeros(length, np.float32) for _ in range(count)]

        def add_up(vectors: list[np.ndarray] = vectors) -> None:
            if group:
                own = range(count)[group.part(count)]
                sections = group.exchange(vectors[: max(1, len(own))], count)
                group.collect(vectors[0], sections[0])

        functions[str(length)] = add_up
    short, long = (timing.fastest for timing in take_turns(ranks, functions, 3 * rounds).values())
    n = group.size if group else 2
    return short / (2 * (n - 1)), 2 * (n - 1) / n * 4 * size / max(long - short, 1e-9)


def optimizer_seconds(ranks: MpiRanks, trainer: Trainer, rounds: int) -> dict[str, float]:
    """The seconds of an optimizer step that each rank makes, and of one whose tasks are dealt out and gathered."""
    p, g = trainer.p, trainer.p.zeros_like()
    g.vector[:] = np.random.default_rng(0).standard_normal(g.size).astype(np.float32)
    dealt = Optimizer(p)
    every = [dealt.tasks[rank :: ranks.size] for rank in range(ranks.size)]
    dealt.tasks = every[ranks.rank]
    slices = [[slice_of(p, item) for task in tasks for item in task] for tasks in every]
    counts = [sum(part.stop - part.start for part in parts) for parts in slices]

    def step() -> None:
        dealt.step(p, g, 1e-6, trainer.workers)
        received = np.empty(p.size, np.float32)
        own = np.concatenate([p.vector[part] for part in slices[ranks.rank]])
        ranks.world.Allgatherv(own, [received, counts])
        first = 0
        for part in (part for parts in slices for part in parts):
            p.vector[part] = received[first : first + part.stop - part.start]
            first += part.stop - part.start

    functions: dict[str, Callable[[], object] | None] = {
        "on each rank": lambda: trainer.optimizer.step(p, g, 1e-6, trainer.workers),
        "dealt out and gathered": step,
    }
    return {name: timing.cpu for name, timing in take_turns(ranks, functions, 3 * rounds).items()}


def slice_of(p: Parameters, item: str | slice) -> slice:
    """The elements of the flat vector that an item of an optimizer's task updates."""
    return p.slices[item] if isinstance(item, str) else item


def save_chart(path: Path, times: dict[str, Timing], cost: Cost, counts: list[int], networks: dict[str, Cost]) -> None:
    """Draws the measured step time beside the model, and the efficiency of weak scaling."""
    figure = plotting.new_figure(9, 3.4)
    left, right = figure.subplots(1, 2)
    measured = {1: times["1 rank, 1 thread"].cpu} | {n: times[f"{n} ranks, 1 thread each"].cpu for n in counts}
    n = np.linspace(1, max(measured), 100)
    left.plot(n, [1e3 * cost.step(x) for x in n], color=plotting.COLORS[1], label="model")
    left.plot([*measured], [1e3 * s for s in measured.values()], "o", color=plotting.COLORS[0], label="measured")
    left.set(
        xlabel="ranks of one thread", ylabel=f"CPU ms per step, batch {BATCH}", title="one computer", ylim=(0, None)
    )
    left.set_xticks([*measured])
    left.legend(frameon=False)
    n = np.geomspace(1, SIZES[-1], 200)
    for (name, network), color in zip(networks.items(), plotting.COLORS, strict=False):
        right.plot(n, [network.efficiency(x) for x in n], color=color, label=name)
    right.set(xscale="log", xlabel=f"computers, {PER_COMPUTER} images each", ylabel="efficiency", ylim=(0, 1.05))
    right.set_title("predicted weak scaling")
    right.set_xticks(SIZES, [str(size) for size in SIZES])
    right.minorticks_off()
    right.legend(frameon=False)
    plotting.save_figure(figure, path)
