"""`minidiff bench`: how fast minidiff is on this machine, and why."""


def add_command(commands):
    """Adds `minidiff bench` to the commands of a parser."""
    parser = commands.add_parser("bench", help="how fast minidiff is on this machine, and why")
    parser.set_defaults(run_command=run)
    parser.add_argument("--only", metavar="PART,...", help="of: kernels, layers, tricks, step, memory, growth")
    parser.add_argument("--against", choices=["torch"], help="let PyTorch do the same work, in turns")
    parser.add_argument("--quick", action="store_true", help="fewer rounds and sizes, no torch.compile")
    parser.add_argument("--threads", type=int, help="threads (default: all cores)")
    parser.add_argument("--out", metavar="DIR", help="an existing folder for the charts")


def run(options):
    """minidiff bench"""
    from minidiff.benchmark import report
    from minidiff.parallel import Workers

    sections = options.only.split(",") if options.only else report.SECTIONS
    with Workers(options.threads) as workers:
        report.bench(workers, sections, options.against == "torch", options.quick, options.out, print)
