"""`minidiff data`: describes a data set, or saves a contact sheet of it.

minidiff data photos/                               its contents
minidiff data set.npz --layout NCHW --range -1 1    with what cannot be inferred
minidiff data emoji.tgz --out people.png            a contact sheet
minidiff data emoji.tgz --out people.npz            the images, faster to load
"""

import argparse

import numpy as np

from minidiff import data, plotting
from minidiff.commands.options import SIZE, SPEC, add_reading_options, check_out, reading_options
from minidiff.data.describe import choose_for_sheet
from minidiff.text import clean


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `minidiff data` to its parser."""
    parser.add_argument("spec", metavar="SPEC", help=SPEC)
    parser.add_argument("--size", **SIZE)
    parser.add_argument("--images", type=int, help="number of images (default: all; 1000 of a synthetic set)")
    parser.add_argument("--seed", type=int, default=0, help="seed of synthetic data or a random subset (default: 0)")
    parser.add_argument("--out", metavar="FILE", help=".png for a contact sheet, .npz for the images (default: none)")
    add_reading_options(parser)


def run(options: argparse.Namespace) -> None:
    """Executes `minidiff data`."""
    check_out(options.out, (".png", ".npz"), "a contact sheet and images")
    dataset = data.load(options.spec, options.size, options.images, options.seed, **reading_options(options))
    print("\n".join(data.describe(dataset)))
    if not options.out:
        return
    if options.out.lower().endswith(".npz"):
        data.save(options.out, dataset)
    else:
        chosen = dataset.subset(choose_for_sheet(dataset, seed=options.seed))
        names = None if chosen.labels is None else [chosen.class_names[label] for label in chosen.labels]
        plotting.save_sheet(options.out, chosen.pixels(np.arange(len(chosen))), names=names)
    print(clean(options.out))
