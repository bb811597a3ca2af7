"""`minidiff distill`: trains the network of a run to generate images in few sampler steps.

The result is a new run, which records the sampler and its steps:

minidiff distill RUN --steps 4 --out NEW
minidiff sample NEW                         in four steps
"""

import argparse
import time

from minidiff import runs
from minidiff.commands.options import add_threads, check_at_least
from minidiff.commands.printing import print_done
from minidiff.parallel import Workers


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `minidiff distill` to its parser."""
    parser.add_argument("run", metavar="RUN", help="folder of the run; it is not changed")
    parser.add_argument("--out", metavar="NEW", required=True, help="folder of the new run")
    parser.add_argument("--steps", type=int, default=4, help="number of sampler steps of the new run (default: 4)")
    epochs_help = "passes over the data each time the steps are halved (default: a quarter of those of RUN)"
    parser.add_argument("--epochs", type=int, help=epochs_help)
    parser.add_argument("--best", action="store_true", help="start from the checkpoint with the lowest held-out loss")
    add_threads(parser)


def run(options: argparse.Namespace) -> None:
    """Executes `minidiff distill`."""
    start = time.perf_counter()
    run = runs.Run.open(options.run)
    if options.epochs is not None:
        check_at_least("--epochs", options.epochs, 1)
    with Workers(options.threads) as workers:
        new = runs.distill_run(run, options.out, options.steps, workers, options.epochs, best=options.best)
    print_done(start, new.path)
