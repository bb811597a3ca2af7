"""`minidiff metrics`: tests the metrics on real images, some of them spliced.

minidiff metrics cats --size 32             synthetic images
minidiff metrics photos.npz --samples 150   your own
"""

import argparse
import time

from minidiff import data, runs
from minidiff.commands.options import SIZE, SPEC, add_threads, check_at_least
from minidiff.evaluation.evaluate import readers_for
from minidiff.evaluation.extractor import FEWEST, FeatureExtractor
from minidiff.evaluation.measure import held_out_images, learning_images
from minidiff.evaluation.metrics_table import measure_spliced, table, told
from minidiff.parallel import Workers


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `minidiff metrics` to its parser."""
    parser.add_argument("spec", metavar="SPEC", help=SPEC)
    parser.add_argument("--size", **SIZE)
    parser.add_argument("--samples", type=int, default=1024, help="number of images to measure (default: 1024)")
    parser.add_argument(
        "--held-out",
        type=float,
        default=0.2,
        metavar="FRACTION",
        help="of the images, to measure and compare with; not for synthetic data (default: 0.2)",
    )
    add_threads(parser)


def run(options: argparse.Namespace) -> None:
    """Executes `minidiff metrics`."""
    check_at_least("--samples", options.samples, FEWEST)
    held_out = None if options.spec in data.SYNTHETIC_SETS else options.held_out
    data_options = {"spec": options.spec, "size": options.size, "seed": 0, "images": None, "held_out": held_out}
    training, _ = runs.load_data(data_options)
    real = held_out_images(data_options, training, 2 * options.samples)
    with Workers(options.threads) as workers:
        start = time.perf_counter()
        extractor = FeatureExtractor(learning_images(data_options, training), real, options.samples, workers)
        readers = readers_for(data_options, training, workers)
        print(f"{len(extractor.control)} images, against {len(extractor.reference)} others")
        print(f"networks that measure: {time.perf_counter() - start:.0f} s")
        print(table(list(measure_spliced(extractor, readers))))
        print(told(extractor))
