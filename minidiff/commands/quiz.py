"""`minidiff quiz`: asks questions about diffusion models, with hints and explanations.

minidiff quiz --level easy --count 5
minidiff quiz --practice                short coding tasks
"""

import argparse

from minidiff.commands.options import check_at_least
from minidiff.quiz import choose, choose_practice
from minidiff.quiz.practice import practice_all
from minidiff.quiz.question import LEVELS
from minidiff.quiz.terminal import ask_all


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `minidiff quiz` to its parser."""
    parser.add_argument("--level", help=f"{', '.join(LEVELS)} (default: all, easy ones first)")
    parser.add_argument("--seed", type=int, help="shuffle the questions with this seed (default: do not shuffle)")
    parser.add_argument("--count", type=int, help="number of questions (default: all)")
    parser.add_argument(
        "--practice", action="store_true", help="short programming exercises instead, to be answered here"
    )


def run(options: argparse.Namespace) -> None:
    """Executes `minidiff quiz`."""
    if options.count is not None:
        check_at_least("--count", options.count, 1)
    if options.practice:
        practice_all(choose_practice(options.level)[: options.count])
    else:
        ask_all(choose(options.level, options.seed, options.count))
