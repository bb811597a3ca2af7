"""`minidiff export`: writes the network of a run to one file, for PyTorch and other programs.

minidiff export RUN --to weights.safetensors
minidiff export RUN --to cats.safetensors --half      half the size, rounded

minidiff/benchmark/torch_unet.py is the network in PyTorch. It loads the file.
"""

import argparse
from pathlib import Path

from minidiff.atomic import check_writable
from minidiff.errors import MinidiffError
from minidiff.runs import Run
from minidiff.runs.weights import SUFFIX, weights_of, write_weights
from minidiff.text import clean


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `minidiff export` to its parser."""
    parser.add_argument("run", metavar="RUN", help="folder of the run")
    parser.add_argument("--to", metavar="FILE", required=True, help=f"the {SUFFIX} file to write")
    parser.add_argument("--half", action="store_true", help="half precision, float16 instead of float32")
    parser.add_argument("--best", action="store_true", help="use the checkpoint with the lowest held-out loss")


def run(options: argparse.Namespace) -> None:
    """Executes `minidiff export`."""
    if Path(options.to).suffix.lower() != SUFFIX:
        raise MinidiffError(f"--to {options.to}: networks are written as {SUFFIX}")
    check_writable(options.to)
    weights = weights_of(Run.open(options.run), best=options.best)
    write_weights(options.to, weights, half=options.half)
    count, steps, size = len(weights.vector), weights.trained["step"], Path(options.to).stat().st_size / 1e6
    print(f"{clean(options.to)}: {count:,} parameters after {steps:,} optimizer steps, {size:.1f} MB")
