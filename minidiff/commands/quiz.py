"""`minidiff quiz`: questions about diffusion models, in the terminal."""

from minidiff.quiz.question import LEVELS


def add_command(commands):
    """Adds `minidiff quiz` to the commands of a parser."""
    parser = commands.add_parser("quiz", help="questions about diffusion models, with hints and explanations")
    parser.set_defaults(run_command=run)
    parser.add_argument("--level", help=f"{', '.join(LEVELS)} (default: all, easy ones first)")
    parser.add_argument("--seed", type=int, help="ask in an order that this number decides (default: the given order)")
    parser.add_argument("--count", type=int, help="how many questions (default: all)")
    parser.add_argument("--practice", action="store_true", help="small pieces of code to write, instead of questions")


def run(options):
    """minidiff quiz"""
    from minidiff.errors import MinidiffError
    from minidiff.quiz import choose, choose_practice
    from minidiff.quiz.terminal import ask_all, practise_all, sort_by_level

    if options.count is not None and options.count < 1:
        raise MinidiffError(f"--count must be 1 or more, not {options.count}")
    if options.practice:
        practise_all(choose_practice(options.level)[: options.count], input, print)
        return
    ask_all(sort_by_level(choose(options.level, options.seed)[: options.count]), input, print)
