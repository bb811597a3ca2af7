"""`minidiff report`: the page of a run, one HTML file to look at, to play with, and to be quizzed on."""

from minidiff.commands.printing import warn


def add_command(commands):
    """Adds `minidiff report` to the commands of a parser."""
    parser = commands.add_parser("report", help="a page that shows a run: one HTML file, with a quiz")
    parser.set_defaults(run_command=run)
    parser.add_argument("run", metavar="RUN", help="folder of the run")
    parser.add_argument("--out", metavar="FILE", help="the file to write (default: RUN/report.html)")
    parser.add_argument("--threads", type=int, help="threads (default: all cores)")


def run(options):
    """minidiff report"""
    from minidiff.page import write_report
    from minidiff.parallel import Workers
    from minidiff.runs.folder import Run

    with Workers(options.threads) as workers:
        print(write_report(Run.open(options.run), workers, options.out, warn))
