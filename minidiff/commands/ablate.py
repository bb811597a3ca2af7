"""`minidiff ablate`: the recipe with one thing changed at a time, trained, measured, and put into a table."""

from dataclasses import fields, replace

from minidiff.commands.printing import warn
from minidiff.errors import MinidiffError
from minidiff.evaluation.ablation import ROWS, Budget, ablate, choose_rows, time_steps
from minidiff.evaluation.measure import FEWEST

QUICK = Budget(images=200, size=16, epochs=2, samples=64)
HELP = {
    "images": "cats to train on",
    "size": "their height and width in pixels",
    "epochs": "passes over them",
    "samples": "how many to generate and measure, for each row",
    "seeds": "runs of each row",
}


def add_command(commands):
    """Adds `minidiff ablate` to the commands of a parser."""
    parser = commands.add_parser("ablate", help="the recipe with one thing changed at a time, measured")
    parser.set_defaults(run_command=run)
    parser.add_argument(
        "--out", metavar="DIR", required=True, help="folder of the runs; finished ones are not repeated"
    )
    parser.add_argument("--only", metavar="ROW,...", help=f"of: {', '.join(row.name for row in ROWS)} (default: all)")
    for field in fields(Budget):
        parser.add_argument(f"--{field.name}", type=int, help=f"{HELP[field.name]} (default: {field.default})")
    parser.add_argument("--quick", action="store_true", help="small numbers, to see that all works")
    parser.add_argument("--threads", type=int, help="threads (default: all cores)")


def run(options):
    """minidiff ablate"""
    from minidiff.evaluation import ablation_table
    from minidiff.parallel import Workers
    from minidiff.runs import pipeline

    only = options.only.split(",") if options.only else None
    rows = choose_rows(only)
    given = {field.name: getattr(options, field.name) for field in fields(Budget)}
    given = {name: value for name, value in given.items() if value is not None}
    budget = replace(QUICK if options.quick else Budget(), **given)
    for name, least in (("images", 1), ("epochs", 1), ("samples", FEWEST), ("seeds", 1)):
        if getattr(budget, name) < least:
            raise MinidiffError(f"--{name} must be {least} or more, not {getattr(budget, name)}")
    with Workers(options.threads) as workers:
        results = list(ablate(options.out, rows, budget, workers, print, warn))
        print("timing the rows in turns")
        dataset, _ = pipeline.load_data(budget.data_options())
        milliseconds = time_steps(rows, dataset, budget.epochs, workers)
    command = command_of(budget, options)
    ablation_table.save(options.out, results, milliseconds, budget, command)
    print(ablation_table.table(results, milliseconds, budget, command))
    print(f"{options.out}/{ablation_table.TABLE}, {ablation_table.IMAGE}")


def command_of(budget, options):
    """The command with all its numbers, whether they were given or not, and without the place of the folder."""
    numbers = {field.name: getattr(budget, field.name) for field in fields(Budget)}
    numbers |= {"threads": options.threads} if options.threads else {}
    chosen = ["--only", options.only] if options.only else []
    return " ".join(["minidiff ablate --out DIR", *chosen, *(f"--{name} {value}" for name, value in numbers.items())])
