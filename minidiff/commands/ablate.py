"""`minidiff ablate`: trains variants of the default recipe, and measures and tabulates their images.

minidiff ablate --out runs/ablation --quick                 a test of everything
minidiff ablate --out runs/ablation --only recipe,adamw     two rows of the table
"""

import argparse
from dataclasses import fields, replace

from minidiff.atomic import check_folder
from minidiff.commands.options import add_threads, check_at_least, given
from minidiff.evaluation import ablation_table
from minidiff.evaluation.ablation import ROWS, Budget, ablate, choose_rows, time_steps
from minidiff.evaluation.measure import FEWEST
from minidiff.parallel import Workers
from minidiff.runs import load_data

QUICK = Budget(images=200, size=16, minutes=0, epochs=2, samples=64)
HELP = {
    "images": "number of training images of cats",
    "size": "their height and width in pixels",
    "minutes": "of training of each row, 0 for the same number of epochs instead",
    "epochs": "passes over the data, with --minutes 0",
    "samples": "number of images to generate and measure for each row",
    "seeds": "number of training runs for each row",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `minidiff ablate` to its parser."""
    parser.add_argument("--out", metavar="DIR", required=True, help="folder of the runs; finished ones are kept")
    parser.add_argument(
        "--only", metavar="ROW,...", help=f"rows of the table: {', '.join(row.name for row in ROWS)} (default: all)"
    )
    for field in fields(Budget):
        parser.add_argument(f"--{field.name}", type=field.type, help=f"{HELP[field.name]} (default: {field.default})")
    parser.add_argument("--quick", action="store_true", help="a small budget, to test that everything works")
    add_threads(parser)


def run(options: argparse.Namespace) -> None:
    """Executes `minidiff ablate`."""
    rows = choose_rows(options.only.split(",") if options.only else None)
    budget = replace(QUICK if options.quick else Budget(), **given(options, HELP))
    for name, least in (("images", 1), ("minutes", 0), ("epochs", 1), ("samples", FEWEST), ("seeds", 1)):
        check_at_least(f"--{name}", getattr(budget, name), least)
    check_folder(options.out)
    with Workers(options.threads) as workers:
        print("timing training steps of all rows in turns")
        dataset, _ = load_data(budget.data_options())
        milliseconds = time_steps(rows, dataset, workers)
        results = list(ablate(options.out, rows, budget, milliseconds, workers))
    command = command_of(budget, options)
    ablation_table.save(options.out, results, milliseconds, budget, command)
    print(ablation_table.table(results, milliseconds, budget, command))
    print(f"{options.out}/{ablation_table.TABLE}, {ablation_table.IMAGE}")


def command_of(budget: Budget, options: argparse.Namespace) -> str:
    """The command with the complete budget, and DIR instead of the folder."""
    values = {field.name: getattr(budget, field.name) for field in fields(Budget)}
    values |= {"threads": options.threads} if options.threads else {}
    only = ["--only", options.only] if options.only else []
    return " ".join(["minidiff ablate --out DIR", *only, *(f"--{name} {value:g}" for name, value in values.items())])
