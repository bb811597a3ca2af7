"""`minidiff bench`: measures the speed of minidiff on this machine.

minidiff bench --only step,memory
minidiff bench --only step --against torch --quick     beside PyTorch
minidiff bench --only growth --out .                   charts of time and memory
mpiexec --bind-to none -n 2 minidiff bench --only ranks
"""

import argparse
from pathlib import Path

from minidiff.atomic import check_writable
from minidiff.benchmark import report
from minidiff.benchmark.ranks import bench_ranks
from minidiff.commands.options import add_threads
from minidiff.errors import MinidiffError
from minidiff.parallel import Workers, available_cores
from minidiff.unet_config import UNetConfig


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `minidiff bench` to its parser."""
    parser.add_argument(
        "--only",
        metavar="PART,...",
        help="parts: kernels, roofline, tricks, step, memory, growth (default: all); or ranks, alone, under mpiexec",
    )
    parser.add_argument("--against", choices=["torch"], help="measure the same work in PyTorch, in turns")
    parser.add_argument("--quick", action="store_true", help="fewer rounds and sizes, no torch.compile")
    parser.add_argument("--out", metavar="DIR", help="an existing folder for the charts (default: no charts)")
    add_threads(parser)


def run(options: argparse.Namespace) -> None:
    """Executes `minidiff bench`."""
    for name in (*report.CHARTS.values(), "cluster.png") if options.out else ():
        check_writable(Path(options.out) / name)
    if options.only == "ranks" or options.ranks.size > 1:
        if options.only != "ranks":
            raise MinidiffError("on several ranks, bench has one part; give --only ranks, or start it without mpiexec")
        return bench_ranks(
            options.ranks, UNetConfig(), options.threads or available_cores(), options.quick, options.out
        )
    sections = options.only.split(",") if options.only else report.SECTIONS
    with Workers(options.threads) as workers:
        report.bench(workers, sections, options.against == "torch", options.quick, options.out)
