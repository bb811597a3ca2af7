"""`minidiff report`: writes the report of a run, one HTML file with charts, images and a quiz.

minidiff report RUN
minidiff report RUN --out cats.html
"""

import argparse

from minidiff.atomic import check_writable
from minidiff.commands.options import add_threads
from minidiff.parallel import Workers
from minidiff.runs import Run
from minidiff.text import clean


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `minidiff report` to its parser."""
    parser.add_argument("run", metavar="RUN", help="folder of the run")
    parser.add_argument("--out", metavar="FILE", help="the file to write (default: RUN/report.html)")
    add_threads(parser)


def run(options: argparse.Namespace) -> None:
    """Executes `minidiff report`."""
    from minidiff.page import REPORT, write_report  # loads Pillow, which takes time

    run = Run.open(options.run)
    out = options.out or run.path / REPORT
    check_writable(out)
    with Workers(options.threads) as workers:
        print(clean(write_report(run, workers, out)))
