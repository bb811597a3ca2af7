"""Metrics of the samples of a run, each beside the score of real images.

Three sets of real images take part: the *training* images of the run, and two halves of held-out images, the
*reference* and the *control* (`extractor.py`).
"""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from minidiff import data, plotting
from minidiff.data import Dataset
from minidiff.denoiser import NetworkDenoiser
from minidiff.errors import MinidiffError
from minidiff.evaluation.agreement import Readers
from minidiff.evaluation.extractor import COMPARISONS, FEWEST, FeatureExtractor
from minidiff.evaluation.nearest import nearest
from minidiff.evaluation.splices import NEAREST
from minidiff.examples import losses_by_timestep
from minidiff.randomness import stream
from minidiff.runs.pipeline import load_data
from minidiff.training import Trainer
from minidiff.training_config import TrainingConfig

OTHER_SEED = 1_000_003  # added to the seed of synthetic data
LEARNING_SEED, LEARNING_IMAGES = 2_000_003, 3_000  # of synthetic images for the networks that measure
SHOWN = 8  # samples in the figure
COMPARISON_NAMES = {
    "frechet": "Frechet distance", "kernel": "kernel distance", "precision": "precision", "recall": "recall"
}  # fmt: skip
# of the noise in the held-out loss, for any run
HELD_OUT_LEVELS: dict[str, Any] = {"log_sigma_mean": 0.0, "log_sigma_std": 1.2, "high_noise_fraction": 0.0}


def held_out_images(options: dict[str, Any], training: Dataset, count: int) -> Dataset:
    """At most `count` real images that a run was not trained on; `MinidiffError` if there are not enough.

    Synthetic data is generated with another seed: image i depends on (seed, i) alone, so these are different images.
    For data in files they are the run's own held-out images, or the test part of the data if the run has none.
    `options` are those of the data in the run's configuration.
    """
    if options["spec"] in data.SYNTHETIC_SETS:
        seed = options["seed"] + OTHER_SEED
        return load_data(options | {"seed": seed, "images": count, "held_out": None})[0]
    held_out = load_data(options)[1]
    if held_out is None:
        try:
            held_out = load_data(options | {"part": "test", "images": None})[0]
        except MinidiffError as error:
            raise MinidiffError(
                f"{training.name}: this run has no held-out images; train with --held-out 0.1"
            ) from error
    if len(held_out) < 2 * FEWEST:
        raise MinidiffError(
            f"{training.name}: {len(held_out)} held-out images are too few for a comparison, which needs {2 * FEWEST}; "
            "train with a larger --held-out"
        )
    order = stream("held-out images", options["seed"]).permutation(len(held_out))[:count]
    return held_out.subset(np.sort(order)).with_classes(training.class_names)


def learning_images(options: dict[str, Any], training: Dataset) -> Dataset:
    """The images that the networks which measure learn from: those of the run, or synthetic images of their own.

    All runs on one kind of synthetic images are then measured by the same networks, whatever they were trained on.
    """
    if options["spec"] not in data.SYNTHETIC_SETS:
        return training
    return load_data(options | {"seed": LEARNING_SEED, "images": LEARNING_IMAGES, "held_out": None})[0]


def measure(
    samples: np.ndarray,
    labels: np.ndarray | None,
    training: Dataset,
    extractor: FeatureExtractor,
    readers: Readers | None = None,
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Computes all metrics of samples.

    Args:
        samples: generated images (N, H, W, C) in [-1, 1].
        labels: class that each sample was conditioned on, int (N,), or None.
        training: data that was trained on.
        extractor: with held-out images, whose halves are the reference and the control.
        readers: of the parts of synthetic data, or None.

    Returns:
        metrics, a dict of plain types: "frechet", "kernel", "precision", "recall", "whole" and "spliced" as [value,
        error] with "..._floor"; "agreement", a dict of such pairs, with "agreement_floor" (or None); "accuracy" and
        "accuracy_real" (or None); "nearest_pixels", "nearest_features" with "..._real"; "count", "count_floor",
        "count_reference"; and for the figure a dict with "nearest", positions (N,) in the training set, and
        "distances", "distances_real", each image's distance in gray levels.
    """
    control = extractor.control
    features, classes = extractor.extract(samples.__getitem__, len(samples))
    training_features, _ = extractor.extract(training.pixels, len(training))

    metrics: dict[str, Any] = {
        "count": len(samples), "count_floor": len(control), "count_reference": len(extractor.reference)
    }  # fmt: skip
    for name in COMPARISONS:
        metrics[name] = extractor.compare(name, features)
        metrics[f"{name}_floor"] = extractor.compare(name, extractor.control_features)
    control_pixels = control.pixels(slice(None))
    for suffix, images in (("", samples), ("_floor", control_pixels)):
        metrics[f"whole{suffix}"] = extractor.whole(images)
        metrics[f"spliced{suffix}"] = extractor.whole(images, NEAREST)
        metrics[f"agreement{suffix}"] = readers.agreement(images) if readers else None
    metrics["accuracy"] = accuracy(classes, labels)
    metrics["accuracy_real"] = None if labels is None else accuracy(extractor.control_classes, control.labels)
    neighbors: dict[str, np.ndarray] = {}
    both = ("", data.to_bytes(samples), features), ("_real", control.images, extractor.control_features)
    for suffix, images, own_features in both:
        positions, distances = nearest(images, training.images)
        neighbors |= {f"nearest{suffix}": positions, f"distances{suffix}": distances}
        metrics[f"nearest_pixels{suffix}"] = float(np.median(distances))
        metrics[f"nearest_features{suffix}"] = float(np.median(nearest(own_features, training_features)[1]))
    return metrics, neighbors


def accuracy(classes: np.ndarray | None, labels: np.ndarray | None) -> float | None:
    """The fraction of predicted classes that are the labels; None without classes or labels."""
    return None if classes is None or labels is None else float((classes == labels).mean())


def held_out_loss(network: NetworkDenoiser, training_config: TrainingConfig, real: Dataset) -> dict[str, Any]:
    """The noise-scale loss on held-out images: "loss_held_out" is its mean, "loss_quarters" the means by quarter of the
    schedule, in the order of increasing noise; NaN where no level was drawn.

    The noise and its log-normal levels are the same for all runs on images of one size, whatever their training
    configuration, so that their losses are comparable.
    """
    config = replace(training_config, seed=0, time_distribution="log_normal", **HELD_OUT_LEVELS)
    trainer = Trainer(network.network, network.p, real, config, network.workers)
    t, losses = trainer.held_out_losses(real)
    quarters = [float(loss) for loss in losses_by_timestep(t, losses, trainer.schedule.T)]
    return {"loss_held_out": float(losses.mean()), "loss_quarters": quarters}


def rows(metrics: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The metrics as rows (name, of samples, of real images); the first row is the heading."""

    def pair(value: tuple[float, float]) -> str:
        return f"{value[0]:.2f} +- {value[1]:.2f}"

    def percent(value: float | None) -> str:
        return "" if value is None else f"{100 * value:.1f} %"

    def percents(value: tuple[float, float]) -> str:
        return f"{100 * value[0]:.1f} +- {100 * value[1]:.1f} %"

    result = [("", f"{metrics['count']} samples", f"{metrics['count_floor']} real, held-out")]
    for key, name in COMPARISON_NAMES.items():
        if key in metrics:
            result.append((name, pair(metrics[key]), pair(metrics[f"{key}_floor"])))
    for key, name in (("whole", "taken for whole images"), ("spliced", "the same, spliced with one another")):
        if key in metrics:
            result.append((name, percents(metrics[key]), percents(metrics[f"{key}_floor"])))
    for name, value in (metrics.get("agreement") or {}).items():
        result.append((f"parts agree in {name}", percents(value), percents(metrics["agreement_floor"][name])))
    if metrics["accuracy"] is not None:
        result.append(("classifier accuracy", percent(metrics["accuracy"]), percent(metrics["accuracy_real"])))
    for key, name in (("pixels", "gray levels rms"), ("features", "features")):
        of_samples, of_real = metrics[f"nearest_{key}"], metrics[f"nearest_{key}_real"]
        result.append((f"nearest training image, {name}", f"{of_samples:.2f}", f"{of_real:.2f}"))
    return result


def table(metrics: dict[str, Any]) -> str:
    """The metrics as a text table; those from `held_out_loss` are optional."""
    lines = [f"   {name:43}{sample:>20}{real:>20}" for name, sample, real in rows(metrics)]
    if "loss_quarters" in metrics:
        quarters = "  ".join("-" if math.isnan(loss) else f"{loss:.4f}" for loss in metrics["loss_quarters"])
        mean = metrics["loss_held_out"]
        lines.append(
            f"   loss on held-out images {mean:.4f}; by quarter of the schedule, least noise first: {quarters}"
        )
    return "\n".join(lines)


def save_figure(path: Path, samples: np.ndarray, training: Dataset, neighbors: dict[str, np.ndarray]) -> None:
    """Draws samples (N, H, W, C) above their nearest training images, and a histogram of the distances.

    The histogram also shows the distances of held-out images; `neighbors` are those from `measure`.
    """
    figure = plotting.new_figure(11, 3.4)
    left, right = figure.subplots(1, 2, width_ratios=(2, 1))
    shown = min(SHOWN, len(samples))
    pairs = np.concatenate([samples[:shown], training.pixels(neighbors["nearest"][:shown])])
    left.imshow(plotting.sheet(pairs, columns=shown), interpolation="nearest")
    left.set(xticks=[], yticks=[], title="samples (above) and their nearest training images")
    left.spines[:].set_visible(False)
    both = np.concatenate([neighbors["distances"], neighbors["distances_real"]])
    bins = np.linspace(both.min(), both.max() + 1e-6, 25)
    for key, name, color in (("distances", "samples", 0), ("distances_real", "held-out images", 1)):
        style = {"histtype": "stepfilled", "alpha": 0.5, "density": True, "color": plotting.COLORS[color]}
        right.hist(neighbors[key], bins, label=name, **style)
    right.set(title="distance to the nearest", xlabel="gray levels, root mean square", yticks=[])
    plotting.legend_below(right, 2)
    plotting.save_figure(figure, path)
