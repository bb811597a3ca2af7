"""`minidiff import`: makes a run of an exported network, to sample and evaluate it.

minidiff import weights.safetensors --out runs/imported
minidiff import pretrained:cats --out runs/cats

The run holds no state of the optimizer. Fine-tune it with minidiff train --from RUN.
"""

import argparse

from minidiff.runs import check_new
from minidiff.runs.weights import import_run, load_weights
from minidiff.text import clean


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `minidiff import` to its parser."""
    parser.add_argument("file", metavar="FILE", help="a .safetensors file of minidiff export, or pretrained:NAME")
    parser.add_argument("--out", metavar="RUN", required=True, help="folder of the new run")


def run(options: argparse.Namespace) -> None:
    """Executes `minidiff import`."""
    check_new(options.out)
    weights = load_weights(options.file)
    import_run(options.out, weights)
    count, steps = len(weights.vector), weights.trained["step"]
    print(f"{clean(options.out)}: {count:,} parameters after {steps:,} optimizer steps")
