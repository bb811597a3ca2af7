"""`minidiff bench`: measures the speed of minidiff on this machine.

minidiff bench --only step,memory
minidiff bench --only step --against torch --quick     beside PyTorch
minidiff bench --only growth --out .                   charts of time and memory
"""

import argparse
from pathlib import Path

from minidiff.atomic import check_writable
from minidiff.benchmark import report
from minidiff.commands.options import add_threads
from minidiff.parallel import Workers


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `minidiff bench` to its parser."""
    parser.add_argument(
        "--only", metavar="PART,...", help="parts: kernels, roofline, tricks, step, memory, growth (default: all)"
    )
    parser.add_argument("--against", choices=["torch"], help="measure the same work in PyTorch, in turns")
    parser.add_argument("--quick", action="store_true", help="fewer rounds and sizes, no torch.compile")
    parser.add_argument("--out", metavar="DIR", help="an existing folder for the charts (default: no charts)")
    add_threads(parser)


def run(options: argparse.Namespace) -> None:
    """Executes `minidiff bench`."""
    for name in report.CHARTS.values() if options.out else ():
        check_writable(Path(options.out) / name)
    sections = options.only.split(",") if options.only else report.SECTIONS
    with Workers(options.threads) as workers:
        report.bench(workers, sections, options.against == "torch", options.quick, options.out)
