"""Measures a run: generates images with it, compares them with real ones that it never saw, and keeps the figures.

RUN/evaluation.json      the figures of `measure.py`, and how they were made
RUN/evaluation.png       samples above their nearest training images
"""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from minidiff.atomic import write_whole
from minidiff.denoiser import Guided
from minidiff.evaluation import measure
from minidiff.runs import pipeline
from minidiff.runs.train import read_config

EVALUATION = "evaluation.json"


@dataclass(frozen=True)
class Sampling:
    """How the images to be measured are made.

    Args:
        count: how many.
        sampler, steps: from noise to image.
        guidance: 1 for none.
        seed: of the noise.
        best: take the checkpoint with the lowest loss on held-out images instead of the newest.
    """

    count: int = 2048
    sampler: str = "heun"
    steps: int = 12
    guidance: float = 1.0
    seed: int = 0
    best: bool = False


def evaluate(run, sampling, workers, say, warn, out=None):
    """Generates images with a run, measures them, and writes evaluation.json and evaluation.png.

    Args:
        run: `Run`.
        sampling: `Sampling`.
        workers: `Workers`.
        say: called with each line of text.
        warn: called with a line for each damaged checkpoint that was passed over.
        out: folder for the files; that of the run if not given.

    Returns:
        dict of plain numbers, as in evaluation.json.

    Raises:
        MinidiffError: no checkpoint, no images that the run has not seen, or too few samples.
    """
    out = Path(out or run.path)
    _, training_config, data_options = read_config(run)
    start = time.perf_counter()
    network = pipeline.load_denoiser(run, workers, warn, sampling.best)
    training, _ = pipeline.load_data(data_options)
    real = measure.unseen(data_options, training, 2 * sampling.count)
    say(f"data: {training.name}, {pipeline.describe(training)}; {len(real)} more that were not trained on")
    say(f"generating {sampling.count} images: {sampling.sampler}, {sampling.steps} steps")
    samples, labels = generate(network, training, sampling)
    generated = time.perf_counter() - start
    figures, details = measure.measure(samples, labels, training, real, workers)
    figures |= measure.unseen_loss(network, training_config, real)
    figures |= asdict(sampling)
    figures |= {"seconds_generating": round(generated, 1), "seconds": round(time.perf_counter() - start, 1)}
    say("\n".join(measure.table(figures)))
    measure.save_figure(out / "evaluation.png", samples, training, figures, details)
    text = json.dumps(figures, indent=2) + "\n"
    write_whole(out / EVALUATION, lambda file: file.write(text.encode()))
    say(f"{out / 'evaluation.png'}, {EVALUATION}; {figures['seconds']:.0f} s")
    return figures


def generate(network, training, sampling, count=None):
    """The images that are measured, or the first of them, each class in turn.

    Args:
        network: `NetworkDenoiser` of the run.
        training: `Dataset` that it was trained on.
        sampling: `Sampling`.
        count: how many of the images; all if not given.

    Returns:
        images (count, H, W, C) in [-1, 1], and their labels (count,) or None.
    """
    count = count or sampling.count
    labels = pipeline.labels_for(training.class_names, count)
    denoiser, shape = Guided(network, sampling.guidance), (count, *training.example_shape)
    return pipeline.generate(denoiser, shape, sampling.sampler, sampling.steps, sampling.seed, labels)[0], labels
