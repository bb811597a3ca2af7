"""`minidiff samplers`: compares the samplers, with an exact denoiser or a trained network.

minidiff samplers                    error against sampler steps
minidiff samplers RUN                a sheet of images, and their seconds
minidiff samplers RUN --quality      Frechet distance against evaluations
"""

import argparse
import logging
from pathlib import Path

from minidiff import runs
from minidiff.atomic import check_writable
from minidiff.benchmark import samplers
from minidiff.commands.options import add_threads, check_at_least, check_out, given, option_of, whole_numbers
from minidiff.denoiser import NetworkDenoiser
from minidiff.errors import MinidiffError
from minidiff.evaluation import quality
from minidiff.evaluation.evaluate import readers_for
from minidiff.evaluation.extractor import FEWEST, FeatureExtractor
from minidiff.evaluation.measure import held_out_images, learning_images
from minidiff.evaluation.quality import EVALUATIONS
from minidiff.parallel import Workers
from minidiff.runs import Run
from minidiff.sampling import SPACINGS

logger = logging.getLogger(__name__)

STEPS = "5,10,20,50"
IMAGES = 8  # of a sheet
SAMPLES = 256  # for each point of a curve
USUAL_EVALUATIONS = ",".join(map(str, EVALUATIONS))


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `minidiff samplers` to its parser."""
    parser.add_argument("run", metavar="RUN", nargs="?", help="folder of a run (default: an exact denoiser)")
    parser.add_argument("--steps", metavar="N,...", help=f"numbers of sampler steps, with RUN (default: {STEPS})")
    parser.add_argument("-n", type=int, help=f"number of images for each, with RUN (default: {IMAGES})")
    parser.add_argument("--seed", type=int, default=0, help="seed of the noise (default: 0)")
    parser.add_argument("--out", metavar="FILE", help=".png file (default: RUN/samplers.png; none without RUN)")
    add_threads(parser)
    group = parser.add_argument_group("image quality against network evaluations")
    group.add_argument(
        "--quality", action="store_true", help="measure the Frechet distance: RUN/quality.png and quality.json"
    )
    group.add_argument("--samples", type=int, help=f"number of images for each point (default: {SAMPLES})")
    group.add_argument(
        "--spacing",
        choices=SPACINGS,
        help="spacing of the sampler steps (default: karras for order 2, else trailing)",
    )
    group.add_argument(
        "--evaluations", metavar="N,...", help=f"network evaluations per image (default: {USUAL_EVALUATIONS})"
    )


def run(options: argparse.Namespace) -> None:
    """Executes `minidiff samplers`."""
    check_options(options)
    if options.run is None:
        samplers.measure_convergence(options.out)
        return
    run = runs.Run.open(options.run)
    out = Path(options.out or run.path / ("quality.png" if options.quality else "samplers.png"))
    check_out(out, (".png",), "charts")
    with Workers(options.threads) as workers:
        denoiser = runs.load_denoiser(run, workers)
        if options.quality:
            check_writable(out.with_suffix(".json"))
            measure_quality(run, denoiser, options, workers, out)
            return
        steps = numbers_up_to("--steps", options.steps, STEPS, denoiser.schedule.T)
        count = IMAGES if options.n is None else options.n
        shape = (count, *denoiser.network.config.example_shape)
        labels = runs.labels_for(run.config["class_names"], count)
        samplers.show_comparison(samplers.compare(denoiser, shape, labels, steps, options.seed), steps, out)


def measure_quality(
    run: Run, denoiser: NetworkDenoiser, options: argparse.Namespace, workers: Workers, out: Path
) -> None:
    """Executes `minidiff samplers RUN --quality`."""
    count = SAMPLES if options.samples is None else options.samples
    check_at_least("--samples", count, FEWEST)
    evaluations = numbers_up_to("--evaluations", options.evaluations, USUAL_EVALUATIONS, denoiser.schedule.T)
    _, _, data_options = run.read_config()
    training = runs.load_training_data(run, denoiser)
    real = held_out_images(data_options, training, 2 * count)
    extractor = FeatureExtractor(learning_images(data_options, training), real, count, workers)
    readers = readers_for(data_options, training, workers)
    labels = runs.labels_for(training.class_names, count)
    print(f"{count} images for each point, against {len(extractor.reference)} held-out images")
    chosen = {"evaluations": evaluations, "seed": options.seed, "spacing": options.spacing}
    quality.measure_quality(denoiser, extractor, labels, readers, out, **chosen)


def check_options(options: argparse.Namespace) -> None:
    """Refuses options that do not go together, and values out of range."""
    unused = given(options, ("steps", "n") if options.quality else ("samples", "evaluations", "spacing"))
    for name in unused:
        raise MinidiffError(f"{option_of(name)} {'does not go with' if options.quality else 'needs'} --quality")
    for name in given(options, ("steps", "n")) if options.run is None else ():
        raise MinidiffError(f"{option_of(name)} needs a run: minidiff samplers RUN")
    if options.quality and options.run is None:
        raise MinidiffError("--quality needs a run: minidiff samplers RUN --quality")
    check_out(options.out, (".png",), "charts")
    if options.n is not None:
        check_at_least("-n", options.n, 1)
    check_at_least("--seed", options.seed, 0)


def numbers_up_to(option: str, text: str | None, usual: str, T: int) -> tuple[int, ...]:
    """ "5,10" as (5, 10); refuses numbers outside 1 to T. If none are given: the usual ones up to T, or T itself."""
    if text is None:
        numbers = whole_numbers(option, usual)
        fitting = tuple(number for number in numbers if number <= T) or (T,)
        if fitting != numbers:
            logger.info("%s %s, because there are only %d timesteps", option, ",".join(map(str, fitting)), T)
        return fitting
    numbers = whole_numbers(option, text)
    if not all(1 <= number <= T for number in numbers):
        raise MinidiffError(f"{option} must be from 1 to {T}, the number of timesteps of this run, not {text}")
    return numbers
