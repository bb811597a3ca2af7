"""`minidiff samplers`: all samplers side by side, on data whose answer is known or on a trained run."""

from pathlib import Path

from minidiff.commands.printing import warn
from minidiff.errors import MinidiffError


def add_command(commands):
    """Adds `minidiff samplers` to the commands of a parser."""
    parser = commands.add_parser("samplers", help="every sampler side by side: error, pictures, seconds")
    parser.set_defaults(run_command=run)
    parser.add_argument("run", metavar="RUN", nargs="?", help="folder of a run; without it, data whose answer is known")
    parser.add_argument("--steps", default="5,10,20,50", metavar="N,...", help="of a run (default: 5,10,20,50)")
    parser.add_argument("-n", type=int, default=8, help="pictures for each, of a run (default: 8)")
    parser.add_argument("--seed", type=int, default=0, help="of the noise (default: 0)")
    parser.add_argument("--threads", type=int, help="threads (default: all cores)")
    parser.add_argument("--out", metavar="FILE", help=".png of the sheet or chart (default: RUN/samplers.png, or none)")


def run(options):
    """minidiff samplers"""
    from minidiff import pipeline
    from minidiff.benchmark import samplers
    from minidiff.parallel import Workers
    from minidiff.run import Run

    if options.out and Path(options.out).suffix.lower() != ".png":
        raise MinidiffError(f"--out {options.out}: charts are written as .png")
    if options.run is None:
        samplers.measure_convergence(print, options.out)
        return
    if options.n < 1:
        raise MinidiffError(f"-n must be 1 or more, not {options.n}")
    run = Run.open(options.run)
    with Workers(options.threads) as workers:
        denoiser = pipeline.load_denoiser(run, workers, warn)
        steps = parse_steps(options.steps, denoiser.schedule.T)
        shape = (options.n, *denoiser.network.config.example_shape)
        labels = pipeline.labels_for(run.config["class_names"], options.n)
        out = options.out or run.path / "samplers.png"
        samplers.compare_samplers(denoiser, shape, labels, steps, options.seed, print, out)


def parse_steps(text, T):
    """ "5,10" as (5, 10), each at most T."""
    try:
        steps = tuple(int(number) for number in text.split(","))
    except ValueError as error:
        raise MinidiffError(
            f"--steps takes whole numbers with commas between, such as 5,10,20, not {text!r}"
        ) from error
    if not all(1 <= count <= T for count in steps):
        raise MinidiffError(f"--steps must be numbers from 1 to {T}, the steps of this run's schedule, not {text}")
    return steps
