"""`minidiff bench`: runs the benchmarks, prints tables and draws charts.

Read more: `tutorials/speed.md` and `tutorials/results.md`.
"""

import logging
import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
from threadpoolctl import threadpool_info

from minidiff import plotting
from minidiff.benchmark import kernels, network, roofline
from minidiff.benchmark.growth import growth
from minidiff.benchmark.probe import import_seconds, probe
from minidiff.benchmark.timing import table, take_turns
from minidiff.errors import MinidiffError
from minidiff.parallel import Workers
from minidiff.unet import UNetConfig

logger = logging.getLogger(__name__)

SECTIONS = ("kernels", "roofline", "tricks", "step", "memory", "growth")
CHARTS = {"kernels": "bench_kernels.png", "roofline": "bench_roofline.png", "growth": "bench_growth.png"}


def bench(workers: Workers, sections: Sequence[str], against_torch: bool, quick: bool, out: str | Path | None) -> None:
    """Runs benchmarks and prints their results.

    Args:
        workers: PyTorch gets the same number of threads.
        sections: from SECTIONS.
        against_torch: whether to compare with PyTorch.
        quick: fewer rounds, no torch.compile, smaller sizes.
        out: folder for the charts, or None for no charts.
    """
    if "ranks" in sections:
        raise MinidiffError("ranks are measured alone; give --only ranks")
    unknown = ", ".join(repr(name) for name in sections if name not in SECTIONS)
    if unknown:
        raise MinidiffError(f"unknown part of the benchmark {unknown}; choose from {', '.join(SECTIONS)}")
    rival = import_against_torch() if against_torch else None
    config = UNetConfig()
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    blas = ", ".join(f"{pool['internal_api']} {pool.get('architecture', '')}".strip() for pool in pools)
    versions = f"Python {platform.python_version()}, NumPy {np.__version__} ({blas})"
    logger.info(f"{platform.machine()}, {workers.threads} threads, {versions}")
    logger.info(f"float32 matrix product, all cores: {kernels.matmul_peak():.0f} GFLOP/s")
    if "kernels" in sections:
        _kernels(workers, rival, quick, out)
    if "roofline" in sections:
        _roofline(config, quick, out)
    if "tricks" in sections:
        logger.info("Effect of each trick: a training step (AdamW, batch 4) with one of them disabled")
        logger.info(table(["", "ms per image", "times as long"], network.tricks(config, workers)))
    if "step" in sections:
        if rival:
            _compare(config, workers, rival, quick)
        _steps(config, workers)
    if "memory" in sections:
        _memory(workers, against_torch)
    if "growth" in sections:
        _growth(config, workers, quick, out)


def import_against_torch() -> ModuleType:
    """The module `against_torch`, imported here because PyTorch is optional."""
    try:
        from minidiff.benchmark import against_torch
    except ImportError as error:
        raise MinidiffError("PyTorch is not installed; pip install torch, or leave out --against torch") from error
    return against_torch


def _kernels(workers: Workers, rival: ModuleType | None, quick: bool, out: str | Path | None) -> None:
    rivals = {}
    if rival:
        rivals["torch"] = rival.torch_convolution(False, workers.threads)
        rivals["torch channels_last"] = rival.torch_convolution(True, workers.threads)
    rows, ways = kernels.convolution_rates(workers, rivals, kernels.SHAPES[-2:] if quick else kernels.SHAPES)
    logger.info("3x3 convolution, forward and backward, batch 16, GFLOP/s with the operations of the direct method")
    head = ["channels and size", *ways]
    if rivals:
        head.append("fast / fastest torch")
        rows = [[*row, row[4] / max(row[5:])] for row in rows]
    logger.info(table(head, rows))
    if out:
        _save_kernels(Path(out) / CHARTS["kernels"], rows, ways)


def _roofline(config: UNetConfig, quick: bool, out: str | Path | None) -> None:
    machine = roofline.measure_machine()
    logger.info(
        f"One thread of this machine: {machine.product / 1e9:.0f} GFLOP/s in a matrix product, "
        f"{machine.copy / 1e9:.1f} GB/s in a copy"
    )
    recipe = UNetConfig.for_images(*config.example_shape, num_classes=config.num_classes)
    for name, measured in (("the network that is compared with PyTorch", config), ("that of the recipe", recipe)):
        spent, seconds = roofline.profile(measured, 4 if quick else 16)
        logger.info(f"A training step with Muon, one thread, {name}: {1e3 * seconds:.0f} ms")
        logger.info(table(roofline.HEAD, roofline.rows_of_table(spent, seconds, machine)))
        if out and measured is config:
            roofline.save_roofline(Path(out) / CHARTS["roofline"], spent, machine)


def _compare(config: UNetConfig, workers: Workers, rival: ModuleType, quick: bool) -> None:
    outputs, gradients = rival.agreement(config)
    logger.info(f"The same U-Net in PyTorch: relative errors {outputs:.1e} (outputs), {gradients:.1e} (gradients)")
    if max(outputs, gradients) > 1e-3:
        raise MinidiffError("the two networks differ by more than 1e-3; a comparison of their speed is meaningless")
    compiling = "" if quick else " (compiling takes minutes)"
    logger.info(f"ms per image, in turns, with PyTorch in its fastest mode{compiling}")
    head = ["", "minidiff", "torch", "fastest mode of torch", "torch / minidiff"]
    for row in rival.race(config, workers, rounds=3 if quick else 7, compiled=not quick):
        logger.info(table(head, [[*row[:-1], f"{row[-1]:.2f}x"]]))


def _steps(config: UNetConfig, workers: Workers) -> None:
    def seconds(function: Callable[[], object], rounds: int = 5) -> float:
        return take_turns({"step": function}, rounds)["step"]

    rows = []
    for batch in (16, 4):
        for optimizer in ("adamw", "muon"):
            step, trainer = network.training_step(config, batch, optimizer, workers)
            rows.append([f"training step, batch {batch}, {optimizer}", 1e3 * seconds(step) / batch])
    rows.append(["sampling, batch 16", 1e3 * seconds(network.sampling_step(config, 16, workers)) / 16])
    logger.info(table(["minidiff alone", "ms per image"], rows))
    p, g = trainer.p, trainer.accumulators.gradients[0]
    optimizer_seconds = seconds(lambda: trainer.optimizer.step(p, g, 1e-6, workers), rounds=7)
    logger.info(f"   of which one optimizer step, Muon and AdamW: {1e3 * optimizer_seconds:.1f} ms per batch")


def _memory(workers: Workers, against_torch: bool) -> None:
    processes = [("minidiff, nothing compiled yet", "minidiff", True), ("minidiff, compiled before", "minidiff", False)]
    if against_torch:
        processes.append(("torch, eager, channels_last", "torch", False))
    rows = []
    probe("minidiff", 16, workers.threads)  # so that the kernels of the second row are compiled
    for name, program, cold in processes:
        measured = probe(program, 16, workers.threads, cold)
        rows.append([name, import_seconds(), measured["first_step_seconds"], measured["peak_mb"]])
    logger.info("A new process: training step at batch 16")
    logger.info(table(["", "import minidiff, s", "first step, s", "peak memory, MB"], rows))


def _growth(config: UNetConfig, workers: Workers, quick: bool, out: str | Path | None) -> None:
    measured = growth(workers.threads, config, quick)
    what = "a training step (AdamW, by default batch 4) and of one evaluation (sampling)"
    logger.info(f"Growth: ms per image of {what}, and peak memory of the process")
    for name, points in measured.items():
        logger.info(f"   {name:9}" + "".join(f"{value:>6}: {ms:.1f} ms, {mb:.0f} MB" for value, ms, mb in points))
    if out:
        _save_growth(Path(out) / CHARTS["growth"], measured)


def _save_kernels(path: Path, rows: list[list], ways: list[str]) -> None:
    figure = plotting.new_figure(8, 4)
    axes = figure.add_subplot()
    width = 0.8 / len(ways)
    for i, way in enumerate(ways):
        positions = np.arange(len(rows)) + (i - (len(ways) - 1) / 2) * width
        axes.bar(positions, [row[1 + i] for row in rows], width, label=way, color=plotting.COLORS[i])
    axes.set_xticks(range(len(rows)), [row[0].replace(" at ", "\nat ") for row in rows])
    title = "3x3 convolution, forward and backward"
    axes.set(ylabel="GFLOP/s (operations of the direct method)", title=title, yscale="log")
    axes.legend(ncols=len(ways), loc="upper center", bbox_to_anchor=(0.5, -0.14), frameon=False)
    plotting.save_figure(figure, path)


def _save_growth(path: Path, measured: dict[str, list[tuple[int, float, float]]]) -> None:
    from matplotlib.ticker import LogLocator, StrMethodFormatter

    figure = plotting.new_figure(11, 4.6)
    titles = {
        "side": "side of the image",
        "channels": "channels at the top",
        "batch": "batch",
        "sampling": "images sampled at once",
        "threads": "threads",
    }
    panels = figure.subplots(2, len(measured), sharex="col")
    for (name, points), column in zip(measured.items(), panels.T, strict=True):
        values, *series = zip(*points, strict=True)
        for axes, heights, unit, color in zip(column, series, ("ms per image", "MB"), plotting.COLORS, strict=False):
            axes.plot(values, heights, marker="o", color=color)
            if name != "threads":
                axes.set_xscale("log")
            if name in ("side", "channels"):
                axes.set_yscale("log")
                axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
                axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
                axes.grid(axis="y", alpha=0.3)
            else:
                axes.set_ylim(0, 1.1 * max(heights))
            axes.set_xticks(values, [str(value) for value in values], minor=False)
            axes.minorticks_off()
            axes.set_ylabel(unit if name == "side" else "")
        column[1].set_xlabel(titles[name])
    plotting.save_figure(figure, path)
