"""Evaluates a run: generates images, compares them with held-out real ones, and stores the metrics.

RUN/evaluation.json      the metrics of `measure.py` and the sampling options
RUN/evaluation.png       samples above their nearest training images
RUN/decisions.png        for cats: at which noise level their halves are decided, and whether an eye heeds the other one
"""

import json
import logging
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from minidiff.atomic import write_text
from minidiff.data import SYNTHETIC_SETS, Dataset
from minidiff.data.readers.cache import default_cache_folder
from minidiff.denoiser import Guided, NetworkDenoiser
from minidiff.evaluation import decisions, measure
from minidiff.evaluation.agreement import Readers
from minidiff.evaluation.extractor import FeatureExtractor
from minidiff.parallel import Workers
from minidiff.ranks import ALONE, Ranks
from minidiff.regular import read_text
from minidiff.runs import pipeline
from minidiff.runs.folder import Run
from minidiff.sampling import sample

logger = logging.getLogger(__name__)

EVALUATION, DECISIONS = "evaluation.json", "decisions.png"
MEASURES = 2  # version of the metrics; values of different versions cannot be compared


@dataclass(frozen=True)
class Sampling:
    """Options of the images to be measured: their count, the weight of guidance, those of `sampling.sample`; `best` is
    the checkpoint with the lowest held-out loss instead of the newest.
    """

    count: int = 2048
    sampler: str = pipeline.SAMPLER
    steps: int = pipeline.STEPS
    guidance: float = 1.0
    seed: int = 0
    best: bool = False


def evaluate(
    run: Run, sampling: Sampling, workers: Workers, out: Path | None = None, ranks: Ranks = ALONE
) -> dict[str, Any]:
    """Generates images with a run, measures them, and writes evaluation.json and evaluation.png.

    The files go to the folder `out`, by default that of the run. Returns the contents of evaluation.json. All `ranks`
    generate; rank 0 measures, and the others return nothing.

    Raises:
        MinidiffError: no checkpoint, no held-out images, or too few samples.
    """
    out = out or run.path
    network_config, training_config, data_options = run.read_config()
    start = time.perf_counter()
    network = pipeline.load_denoiser(run, workers, best=sampling.best)
    training = pipeline.load_training_data(run, network)
    real = measure.held_out_images(data_options, training, 2 * sampling.count)
    logger.info(f"data: {training.name}, {pipeline.describe(training)}; {len(real)} more that were not trained on")
    logger.info(f"generating {sampling.count} images: {sampling.sampler}, {sampling.steps} steps")
    samples, labels = generate(replace(network, ranks=ranks), training, sampling)
    if ranks.rank > 0:
        return {}
    generated = time.perf_counter() - start
    learning = measure.learning_images(data_options, training)
    extractor = FeatureExtractor(learning, real, sampling.count, workers)
    readers = readers_for(data_options, training, workers)
    metrics, neighbors = measure.measure(samples, labels, training, extractor, readers)
    metrics |= measure.held_out_loss(network, training_config, real)
    metrics |= asdict(sampling) | {"measures": MEASURES}
    metrics |= {"seconds_generating": round(generated, 1), "seconds": round(time.perf_counter() - start, 1)}
    logger.info(measure.table(metrics))
    measure.save_figure(out / "evaluation.png", samples, training, neighbors)
    is_square = training.height == training.width
    if readers and data_options["spec"] == "cats" and is_square and network_config.attention_levels > 0:
        show_decisions(out / DECISIONS, network, readers, training, sampling)
    write_text(out / EVALUATION, json.dumps(metrics, indent=2) + "\n")
    logger.info(f"{out / 'evaluation.png'}, {EVALUATION}; {metrics['seconds']:.0f} s")
    return metrics


def show_decisions(
    path: Path, network: NetworkDenoiser, readers: Readers, training: Dataset, sampling: Sampling
) -> None:
    """Draws at which noise level the halves of cats are decided, and what their left eyes attend to."""
    labels = pipeline.labels_for(training.class_names, decisions.PATHS)
    shape, options = (decisions.PATHS, *training.example_shape), {"sampler": sampling.sampler, "steps": sampling.steps}
    of_samples = decisions.settled(network, readers, shape, labels, seed=sampling.seed, **options)
    of_odd = decisions.heeded(network, readers, training.height, pairs=decisions.PAIRS)
    decisions.save_decisions(path, of_samples, of_odd, decisions.attention_of_left_eyes(network, training.height))


def generate(
    network: NetworkDenoiser, training: Dataset, sampling: Sampling, count: int | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Generates the images to be measured, each class in turn: the first `count` of them, by default all.

    Returns images (count, H, W, C) in [-1, 1], and their labels (count,) or None.
    """
    count = count or sampling.count
    labels = pipeline.labels_for(training.class_names, count)
    denoiser, shape = Guided(network, sampling.guidance), (count, *training.example_shape)
    states = sample(denoiser, shape, sampling.sampler, sampling.steps, sampling.seed, labels)
    return pipeline.collect(states, sampling.steps)[0], labels


def readers_for(data_options: dict[str, Any], training: Dataset, workers: Workers) -> Readers | None:
    """The readers of the parts of a run's images; None if the data is not synthetic."""
    if data_options["spec"] not in SYNTHETIC_SETS:
        return None
    size = training.height if training.height == training.width else (training.height, training.width)
    return Readers(data_options["spec"], size, workers, default_cache_folder())


def read_evaluation(run: Run, sampling: Sampling) -> dict[str, Any] | None:
    """The contents of evaluation.json; None if it is missing, damaged, or made with other sampling options or by an
    earlier version, which measured differently.
    """
    try:
        metrics = json.loads(read_text(run.path / EVALUATION))
    except (OSError, ValueError):
        return None
    if not isinstance(metrics, dict) or metrics | asdict(sampling) | {"measures": MEASURES} != metrics:
        return None
    return metrics
