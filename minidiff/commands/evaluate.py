"""`minidiff evaluate`: measures the images that a run generates against held-out ones.

minidiff evaluate RUN
minidiff evaluate RUN --samples 512 --sampler ddim --steps 50
"""

import argparse
from pathlib import Path

from minidiff.atomic import check_writable
from minidiff.commands.options import add_threads, check_at_least, check_count
from minidiff.errors import MinidiffError
from minidiff.evaluation.evaluate import DECISIONS, EVALUATION, Sampling, evaluate
from minidiff.evaluation.measure import FEWEST
from minidiff.parallel import Workers
from minidiff.runs import Run
from minidiff.runs.pipeline import SAMPLER, STEPS
from minidiff.sampling import SAMPLERS, default_steps


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `minidiff evaluate` to its parser."""
    parser.add_argument("run", metavar="RUN", help="folder of the run")
    parser.add_argument("--samples", type=int, default=2048, help="number of images to generate (default: 2048)")
    parser.add_argument("--sampler", help=f"{', '.join(SAMPLERS)} (default: {SAMPLER}; that of a distilled run)")
    steps_help = f"number of sampler steps (default: {STEPS}, or all if there are fewer; those of a distilled run)"
    parser.add_argument("--steps", type=int, help=steps_help)
    parser.add_argument("--guidance", type=float, default=1.0, metavar="W", help="guidance weight (default: 1, none)")
    parser.add_argument("--best", action="store_true", help="use the checkpoint with the lowest held-out loss")
    parser.add_argument("--seed", type=int, default=0, help="seed of the noise (default: 0)")
    parser.add_argument(
        "--out",
        metavar="DIR",
        help="folder for evaluation.json, evaluation.png and, of cats, decisions.png (default: RUN)",
    )
    add_threads(parser)


def run(options: argparse.Namespace) -> None:
    """Executes `minidiff evaluate`."""
    run = Run.open(options.run)
    check_at_least("--samples", options.samples, FEWEST)
    check_at_least("--seed", options.seed, 0)
    check_count("--samples", (options.samples, *run.read_config()[0].example_shape))
    out = Path(options.out or run.path)
    if not out.is_dir():
        raise MinidiffError(f"--out {out}: there is no such folder; make it first")
    for name in (EVALUATION, DECISIONS, "evaluation.png"):
        check_writable(out / name)
    distilled = run.read_sampling()
    usual = distilled.steps if distilled else STEPS
    sampling = Sampling(
        count=options.samples,
        sampler=options.sampler or (distilled.sampler if distilled else SAMPLER),
        steps=default_steps(usual, run.read_config()[1].T) if options.steps is None else options.steps,
        guidance=options.guidance,
        seed=options.seed,
        best=options.best,
    )
    with Workers(options.threads) as workers:
        evaluate(run, sampling, workers, out, options.ranks)
