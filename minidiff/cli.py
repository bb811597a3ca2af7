"""The `minidiff` command: one subcommand for each module in `minidiff/commands/`.

Exit codes: 0 on success, 2 for a mistake in an argument or a file (one line on standard error), 130 for Ctrl-C. In a
process of its own (`__main__.py`) it is 128 + the number of the signal, which is 130 for Ctrl-C.

Read more: `tutorials/00_tour.ipynb`.
"""

import argparse
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import NoReturn

from minidiff.commands import (
    ablate,
    bench,
    data,
    demo,
    distill,
    evaluate,
    export,
    grade,
    import_,
    metrics,
    quiz,
    report,
    sample,
    samplers,
    schedules,
    summary,
    train,
)
from minidiff.commands.job import Job, launched
from minidiff.commands.printing import console
from minidiff.errors import MinidiffError
from minidiff.ranks import Ranks
from minidiff.runs.compatibility import OLD_OPTIONS
from minidiff.text import clean, print_in_any_encoding
from minidiff.version import __version__

INTERRUPTED = 130  # the exit code

# in the order in which --help lists them
COMMANDS = [
    demo, data, train, sample, distill, evaluate, metrics, ablate, report, export, import_, samplers, schedules, quiz,
    grade, bench, summary,
]  # fmt: skip
WITH_RANKS = [train, sample, evaluate, bench]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        arguments: of the command line (default: those of the process).

    Returns:
        The exit code.
    """
    print_in_any_encoding()
    code = 0
    try:
        with Job() as job:
            refuse_old_options(sys.argv[1:] if arguments is None else arguments)
            options = build_parser().parse_args(arguments)
            refuse_ranks(job.ranks, options)
            job.prepare(options)
            with console():
                options.run_command(options)
    except MinidiffError as error:
        print(f"minidiff: {error}", file=sys.stderr)
        code = 2
    except MemoryError as error:
        problem = clean(error) or "the system has no more"
        print(f"minidiff: not enough memory: {problem}; use smaller numbers or smaller data", file=sys.stderr)
        code = 2
    except KeyboardInterrupt as interrupt:
        print(f"minidiff: {clean(interrupt) or 'stopped'}", file=sys.stderr)
        code = INTERRUPTED
    return code if launched()[1] == 0 else 0  # mpiexec ends rank 0 when another rank returns another code


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, as all others."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"minidiff: {clean(message)}; see {self.prog} --help\n")


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands and their options."""
    parser = Parser(
        prog="minidiff",
        description="Train a diffusion model on your CPU and generate images with it.",
        epilog="Start with: minidiff demo --quick",
    )
    parser.add_argument("-V", "--version", action="version", version=f"minidiff {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in COMMANDS:
        description = (module.__doc__ or "").partition(": ")[2]
        command = commands.add_parser(
            name_of(module),
            help=description.splitlines()[0].rstrip("."),
            description=description[:1].upper() + description[1:],
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.set_defaults(run_command=module.run)
        module.add_options(command)
    return parser


def refuse_ranks(ranks: Ranks, options: argparse.Namespace) -> None:
    """Refuses a command that was started by mpiexec and would do all its work in each process."""
    if ranks.size > 1 and options.run_command not in [module.run for module in WITH_RANKS]:
        names = ", ".join(name_of(module) for module in WITH_RANKS)
        raise MinidiffError(f"only {names} run on several ranks; start this command without mpiexec")


def name_of(module: ModuleType) -> str:
    """The name of the command in a module; the module of `import` has another one, because that is a keyword."""
    return module.__name__.rpartition(".")[2].rstrip("_")


def refuse_old_options(arguments: Sequence[str]) -> None:
    """Refuses options that had another name in version 0.1.0."""
    for argument in arguments:
        if new := OLD_OPTIONS.get(argument.partition("=")[0]):
            raise MinidiffError(f"unknown option {argument}; use {new}")
