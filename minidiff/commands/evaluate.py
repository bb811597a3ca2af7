"""`minidiff evaluate`: how good the images of a run are, measured beside real ones."""

from pathlib import Path

from minidiff.commands.printing import warn
from minidiff.errors import MinidiffError
from minidiff.sampling import SAMPLERS


def add_command(commands):
    """Adds `minidiff evaluate` to the commands of a parser."""
    parser = commands.add_parser("evaluate", help="measure the images of a run beside real ones")
    parser.set_defaults(run_command=run)
    parser.add_argument("run", metavar="RUN", help="folder of the run")
    parser.add_argument("--samples", type=int, default=2048, help="how many to generate (default: 2048)")
    parser.add_argument("--sampler", default="heun", help=f"{', '.join(SAMPLERS)} (default: heun)")
    parser.add_argument("--steps", type=int, default=12, help="steps from noise to image (default: 12)")
    parser.add_argument("--guidance", type=float, default=1.0, metavar="W", help="as for minidiff sample")
    parser.add_argument("--best", action="store_true", help="the checkpoint with the lowest held-out loss")
    parser.add_argument("--seed", type=int, default=0, help="of the noise (default: 0)")
    parser.add_argument("--threads", type=int, help="threads (default: all cores)")
    parser.add_argument("--out", metavar="DIR", help="folder for evaluation.json and evaluation.png (default: RUN)")


def run(options):
    """minidiff evaluate"""
    from minidiff.evaluation.evaluate import Sampling, evaluate
    from minidiff.evaluation.measure import FEWEST
    from minidiff.parallel import Workers
    from minidiff.runs.folder import Run

    run = Run.open(options.run)
    if options.samples < FEWEST or options.seed < 0:
        raise MinidiffError(
            f"--samples {options.samples} --seed {options.seed}: give at least {FEWEST} samples, a seed from 0"
        )
    out = Path(options.out or run.path)
    if not out.is_dir():
        raise MinidiffError(f"--out {out}: there is no such folder; make it first")
    sampling = Sampling(
        options.samples, options.sampler, options.steps, options.guidance, options.seed, options.best
    )  # fmt: skip
    with Workers(options.threads) as workers:
        evaluate(run, sampling, workers, print, warn, out)
