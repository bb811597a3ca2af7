"""`minidiff bench`: measures, prints tables, and draws them.

Read more: "Speed" in the README.
"""

import platform
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info

from minidiff.benchmark import kernels, network
from minidiff.benchmark.probe import probe
from minidiff.benchmark.timing import table
from minidiff.errors import MinidiffError
from minidiff.unet import UNetConfig

SECTIONS = ("kernels", "layers", "tricks", "step", "memory", "growth")


def bench(workers, sections, against_torch, quick, out, say):
    """Runs the benchmarks and says what they found.

    Args:
        workers: `Workers`.
        sections: which to run, of SECTIONS.
        against_torch: whether PyTorch takes part.
        quick: fewer rounds, no torch.compile, small sizes.
        out: folder for the charts, or None.
        say: called with each line of text.
    """
    unknown = set(sections) - set(SECTIONS)
    if unknown:
        raise MinidiffError(f"no part of the benchmark is called {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    config = UNetConfig()
    peak = kernels.matmul_peak()
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    blas = ", ".join(f"{pool['internal_api']} {pool.get('architecture', '')}".strip() for pool in pools)
    versions = f"Python {platform.python_version()}, NumPy {np.__version__} ({blas})"
    say(f"{platform.machine()}, {workers.threads} threads, {versions}")
    say(f"float32 matrix product, all cores: {peak:.0f} GFLOP/s")
    if "kernels" in sections:
        _kernels(workers, against_torch, quick, out, say)
    if "layers" in sections:
        say("Where the time goes, one thread, 2 images forward and backward, ms")
        say("\n".join(table(["layer", "forward", "backward"], network.time_by_layer(config, workers))))
    if "tricks" in sections:
        say("What each trick is worth: a training step (AdamW, batch 4) with one of them taken back")
        say("\n".join(table(["", "ms an image", "times as long"], network.tricks(config, workers))))
    if "step" in sections:
        _steps(config, workers, against_torch, quick, say)
    if "memory" in sections:
        _memory(workers, against_torch, say)
    if "growth" in sections:
        _growth(config, workers, quick, out, say)


def _kernels(workers, against_torch, quick, out, say):
    rivals = {}
    if against_torch:
        from minidiff.benchmark.against_torch import torch_convolution

        rivals = {
            "torch": torch_convolution(False, workers.threads),
            "torch channels_last": torch_convolution(True, workers.threads),
        }
    shapes = kernels.SHAPES[-2:] if quick else kernels.SHAPES
    rows, ways = kernels.convolution_rates(workers, rivals, shapes)
    say("3x3 convolution, forward and backward, batch 16, GFLOP/s counted as the direct method's")
    head = ["channels and size", *ways]
    if rivals:
        head.append("winograd / torch's best")
        rows = [[*row, row[3] / max(row[4:])] for row in rows]
    say("\n".join(table(head, rows)))
    if out:
        _chart_kernels(Path(out) / "bench_kernels.png", rows, ways)


def _steps(config, workers, against_torch, quick, say):
    if against_torch:
        from minidiff.benchmark.against_torch import agreement, race

        outputs, gradients = agreement(config)
        say(f"The same U-Net in PyTorch, same weights: outputs differ by {outputs:.1e}, gradients by {gradients:.1e}")
        if max(outputs, gradients) > 1e-3:
            raise MinidiffError("the two networks do not agree within 1e-3, so comparing their speed means nothing")
        say("ms an image, in turns, against PyTorch's best" + ("" if quick else " (compiling, this takes minutes)"))
        head = ["", "minidiff", "torch", "torch's best way", "torch / minidiff"]
        for row in race(config, workers, rounds=3 if quick else 7, compiled=not quick):
            say("\n".join(table(head, [row])))
    seconds = {}
    for batch in (16, 4):
        for optimizer in ("adamw", "muon"):
            step, trainer = network.training_step(config, batch, optimizer, workers)
            seconds[batch, optimizer] = network.take_turns({"step": step}, rounds=5)["step"]
    sampling = network.take_turns({"step": network.sampling_step(config, 16, workers)}, rounds=5)["step"]
    rows = [[f"training step, batch {batch}, {name}", 1e3 * s / batch] for (batch, name), s in seconds.items()]
    say("\n".join(table(["minidiff alone", "ms an image"], [*rows, ["sampling, batch 16", 1e3 * sampling / 16]])))
    optimizer_ms = (
        1e3
        * network.take_turns(
            {"step": lambda: trainer.optimizer.step(trainer.p, trainer.gradients[0], 1e-6, workers)}, rounds=7
        )["step"]
    )
    say(f"   of which one step of Muon and AdamW: {optimizer_ms:.1f} ms a batch")


def _memory(workers, against_torch, say):
    rows = []
    for cold in (True, False):
        found = probe("minidiff", 16, workers.threads, cold)
        name = "minidiff, nothing compiled yet" if cold else "minidiff, compiled before"
        rows.append([name, found["import_seconds"], found["first_step_seconds"], found["peak_mb"]])
    if against_torch:
        found = probe("torch", 16, workers.threads)
        rows.append(
            ["torch, eager, channels_last", found["import_seconds"], found["first_step_seconds"], found["peak_mb"]]
        )
    say("A fresh process: training step at batch 16")
    say("\n".join(table(["", "import minidiff, s", "first step, s", "peak memory, MB"], rows)))


def _growth(config, workers, quick, out, say):
    found = network.growth(workers, config, quick)
    say("Growth: ms an image of a training step (AdamW, batch 4 unless said), and MB that the process takes at most")
    for name, points in found.items():
        say(f"   {name:9}" + "".join(f"{value:>6}: {ms:.1f} ms, {mb:.0f} MB" for value, ms, mb in points))
    if out:
        _chart_growth(Path(out) / "bench_growth.png", found)


def _chart_kernels(path, rows, ways):
    from minidiff import plotting

    figure = plotting.new_figure(8, 4)
    axes = figure.add_subplot()
    width = 0.8 / len(ways)
    for i, way in enumerate(ways):
        positions = np.arange(len(rows)) + (i - (len(ways) - 1) / 2) * width
        axes.bar(positions, [row[1 + i] for row in rows], width, label=way, color=plotting.COLORS[i])
    axes.set_xticks(range(len(rows)), [row[0].replace(" at ", "\nat ") for row in rows])
    axes.set(ylabel="GFLOP/s, counted as direct", title="3x3 convolution, forward and backward", yscale="log")
    axes.legend(ncols=len(ways), loc="upper center", bbox_to_anchor=(0.5, -0.14), frameon=False)
    plotting.save_figure(figure, path)


def _chart_growth(path, found):
    from matplotlib.ticker import LogLocator, StrMethodFormatter

    from minidiff import plotting

    figure = plotting.new_figure(9, 4.6)
    titles = {"side": "side of the image", "channels": "channels at the top", "batch": "batch", "threads": "threads"}
    panels = figure.subplots(2, len(found), sharex="col")
    for (name, points), column in zip(found.items(), panels.T, strict=True):
        values, *measured = zip(*points, strict=True)
        for axes, numbers, what, color in zip(column, measured, ("ms an image", "MB"), plotting.COLORS, strict=False):
            axes.plot(values, numbers, marker="o", color=color)
            if name != "threads":
                axes.set_xscale("log")
            if name in ("side", "channels"):
                axes.set_yscale("log")
                axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
                axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
                axes.grid(axis="y", alpha=0.3)
            else:
                axes.set_ylim(0, 1.1 * max(numbers))
            axes.set_xticks(values, [str(value) for value in values], minor=False)
            axes.minorticks_off()
            axes.set_ylabel(what if name == "side" else "")
        column[1].set_xlabel(titles[name])
    plotting.save_figure(figure, path)
