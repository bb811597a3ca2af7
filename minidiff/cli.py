"""The `minidiff` command: gathers the commands of `minidiff/commands/` and runs the one that is asked for.

A mistake in an argument or a file is one line on standard error and exit code 2; Ctrl-C is exit code 130.

Read more: `tutorials/00_tour.ipynb`.
"""

import argparse
import sys

from minidiff import __version__
from minidiff.commands import (
    ablate,
    bench,
    data,
    demo,
    evaluate,
    grade,
    quiz,
    report,
    sample,
    samplers,
    schedules,
    summary,
    train,
)  # fmt: skip
from minidiff.commands.printing import one_line
from minidiff.errors import MinidiffError

COMMANDS = [
    demo,
    data,
    train,
    sample,
    evaluate,
    ablate,
    report,
    samplers,
    schedules,
    quiz,
    grade,
    bench,
    summary,
]  # in the order in which --help lists them


def main(arguments=None):
    """Runs the command.

    Args:
        arguments: list of strings; those of the process if None.

    Returns:
        Exit code: 0, 2 for a mistake of the user, 130 for Ctrl-C.
    """
    options = build_parser().parse_args(arguments)
    try:
        options.run_command(options)
    except MinidiffError as error:
        print(f"minidiff: {one_line(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        print(f"minidiff: {stop or 'stopped'}", file=sys.stderr)
        return 130
    return 0


def build_parser():
    """The parser of all commands and their options."""
    parser = argparse.ArgumentParser(
        prog="minidiff",
        description="A diffusion model you can read: train one on your processor, and let it draw.",
        epilog="Start with: minidiff demo --quick",
    )
    parser.add_argument("-V", "--version", action="version", version=f"minidiff {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_command(commands)
    return parser
