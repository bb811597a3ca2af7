"""`minidiff samplers`: all samplers side by side, on data whose answer is known or on a trained run.

minidiff samplers                    error against steps, where the exact path is known
minidiff samplers RUN                a sheet of images, and the seconds they take
minidiff samplers RUN --quality      Frechet distance against the number of times the network is asked
"""

from pathlib import Path

from minidiff.commands.printing import warn
from minidiff.errors import MinidiffError
from minidiff.evaluation.quality import EVALUATIONS
from minidiff.sampling import SPACINGS

STEPS = "5,10,20,50"
IMAGES = 8  # of a sheet
SAMPLES = 256  # for each point of a curve


def add_command(commands):
    """Adds `minidiff samplers` to the commands of a parser."""
    parser = commands.add_parser("samplers", help="every sampler side by side: error, images, seconds, quality")
    parser.set_defaults(run_command=run)
    parser.add_argument("run", metavar="RUN", nargs="?", help="folder of a run; without it, data whose answer is known")
    parser.add_argument("--steps", metavar="N,...", help=f"of a run (default: {STEPS})")
    parser.add_argument("-n", type=int, help=f"images for each, of a run (default: {IMAGES})")
    parser.add_argument("--seed", type=int, default=0, help="of the noise (default: 0)")
    parser.add_argument("--threads", type=int, help="threads (default: all cores)")
    parser.add_argument("--out", metavar="FILE", help=".png of the sheet or chart (default: RUN/samplers.png, or none)")
    group = parser.add_argument_group("how good the images are, for how much work")
    group.add_argument(
        "--quality", action="store_true", help="measure the Frechet distance instead: RUN/quality.png and .json"
    )
    group.add_argument("--samples", type=int, help=f"to generate for each point (default: {SAMPLES})")
    group.add_argument(
        "--spacing", choices=SPACINGS, help="where the steps are (default: karras for order 2, else trailing)"
    )
    usual = ",".join(map(str, EVALUATIONS))
    group.add_argument(
        "--evaluations", metavar="N,...", help=f"how often to ask the network for an image (default: {usual})"
    )


def run(options):
    """minidiff samplers"""
    from minidiff.benchmark import samplers
    from minidiff.parallel import Workers
    from minidiff.runs import pipeline
    from minidiff.runs.folder import Run

    check_options(options)
    if options.run is None:
        samplers.measure_convergence(print, options.out)
        return
    run = Run.open(options.run)
    with Workers(options.threads) as workers:
        denoiser = pipeline.load_denoiser(run, workers, warn)
        if options.quality:
            measure_quality(run, denoiser, options, workers)
            return
        steps = parse_numbers("--steps", options.steps or STEPS, denoiser.schedule.T)
        count = IMAGES if options.n is None else options.n
        shape = (count, *denoiser.network.config.example_shape)
        labels = pipeline.labels_for(run.config["class_names"], count)
        out = options.out or run.path / "samplers.png"
        samplers.compare_samplers(denoiser, shape, labels, steps, options.seed, print, out)


def measure_quality(run, denoiser, options, workers):
    """minidiff samplers RUN --quality"""
    from minidiff.evaluation import quality
    from minidiff.evaluation.extractor import FEWEST, Judge
    from minidiff.evaluation.measure import unseen
    from minidiff.runs import pipeline
    from minidiff.runs.train import read_config

    count = SAMPLES if options.samples is None else options.samples
    if count < FEWEST:
        raise MinidiffError(f"--samples {count}: give at least {FEWEST}")
    usual = ",".join(map(str, EVALUATIONS))
    evaluations = parse_numbers("--evaluations", options.evaluations or usual, denoiser.schedule.T)
    _, _, data_options = read_config(run)
    training, _ = pipeline.load_data(data_options)
    judge = Judge(training, unseen(data_options, training, 2 * count), count, workers)
    labels = pipeline.labels_for(training.class_names, count)
    out = Path(options.out or run.path / "quality.png")
    print(f"{count} images for each point, beside {len(judge.reference)} real ones that were not trained on")
    chosen = {"evaluations": evaluations, "seed": options.seed, "spacing": options.spacing}
    quality.measure_quality(denoiser, judge, count, labels, print, out, **chosen)


def check_options(options):
    """Refuses options that do not belong together, and numbers that cannot be."""
    unknown = ["steps", "n"] if options.quality else ["samples", "evaluations", "spacing"]
    given = [("-" if name == "n" else "--") + name for name in unknown if getattr(options, name) is not None]
    if given:
        raise MinidiffError(f"{given[0]} {'does not go with' if options.quality else 'belongs to'} --quality")
    if options.quality and options.run is None:
        raise MinidiffError("--quality needs a run: minidiff samplers RUN --quality")
    if options.out and Path(options.out).suffix.lower() != ".png":
        raise MinidiffError(f"--out {options.out}: charts are written as .png")
    if options.n is not None and options.n < 1:
        raise MinidiffError(f"-n must be 1 or more, not {options.n}")
    if options.seed < 0:
        raise MinidiffError(f"--seed must be 0 or more, not {options.seed}")


def parse_numbers(option, text, T):
    """ "5,10" as (5, 10), each at most T."""
    try:
        numbers = tuple(int(number) for number in text.split(","))
    except ValueError as error:
        raise MinidiffError(
            f"{option} takes whole numbers with commas between, such as 5,10,20, not {text!r}"
        ) from error
    if not all(1 <= count <= T for count in numbers):
        raise MinidiffError(f"{option} must be numbers from 1 to {T}, the steps of this run's schedule, not {text}")
    return numbers
