"""`minidiff demo`: runs all four stages on synthetic data: data, noise, training, generation.

minidiff demo                          10 minutes on two cores: cats of 64 x 64
minidiff demo --quick                  under a minute: shapes of 16 x 16
minidiff demo --fast --out runs/cats   four minutes, in a folder of this name
"""

import argparse
import time

from minidiff import runs
from minidiff.atomic import check_folder
from minidiff.commands.options import SIZE, add_kernels, add_threads, given
from minidiff.commands.printing import print_done
from minidiff.parallel import Workers

BUDGETS = {  # data and epochs
    "": {"spec": "cats", "images": 2000, "size": 64, "epochs": 20},
    "quick": {"spec": "shapes", "images": 400, "size": 16, "epochs": 10},
    "fast": {"spec": "cats", "images": 1000, "size": 64, "epochs": 15},
    "long": {"spec": "cats", "images": 4000, "size": 64, "epochs": 36},
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `minidiff demo` to its parser."""
    parser.add_argument("--out", metavar="DIR", help="folder of the run (default: runs/demo, or the next free name)")
    parser.add_argument("--epochs", type=int, help="passes over the data (default: 20)")
    parser.add_argument("--images", type=int, help="number of images to generate and train on (default: 2000)")
    parser.add_argument("--size", **SIZE | {"help": "side, or HEIGHTxWIDTH, in pixels (default: 64)"})
    parser.add_argument("--seed", type=int, default=0, help="seed of everything random (default: 0)")
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--quick", action="store_true", help="under a minute: 400 shapes of 16 x 16, 10 epochs")
    budget.add_argument("--fast", action="store_true", help="four minutes: 1000 images, 15 epochs")
    budget.add_argument("--long", action="store_true", help="forty minutes: 4000 images, 36 epochs")
    add_threads(parser)
    add_kernels(parser)


def run(options: argparse.Namespace) -> None:
    """Executes `minidiff demo`."""
    from minidiff.page import run_with_report  # loads Pillow, which takes time

    start = time.perf_counter()
    budget = next((name for name in ("quick", "fast", "long") if getattr(options, name)), "")
    chosen = BUDGETS[budget] | given(options, ("images", "size", "epochs"))
    epochs = chosen.pop("epochs")
    data_options = {"seed": options.seed} | chosen
    if options.out:
        runs.check_new(options.out)
    else:
        check_folder("runs")
    with Workers(options.threads) as workers:
        dataset, _ = runs.load_data(data_options)
        training = runs.training_for(dataset, epochs=epochs, seed=options.seed)
        network = runs.network_for(dataset)
        folder, any_name = options.out or "runs/demo", not options.out
        with runs.start_run(folder, data_options, dataset, network, training, any_name=any_name) as run:
            run_with_report(run, network, dataset, training, workers, kernels=options.kernels)
    print_done(start, run.path)
