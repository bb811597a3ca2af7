"""The table: how good are the samples of a run, and how good are real images by the same measures?

Three sets of real images take part. The *training* images are those the run was trained on. The *reference* and the
*control* are two halves of images that it never saw (`judge.py`).
"""

import math
from dataclasses import replace

import numpy as np

from minidiff import data, plotting
from minidiff.divergence import losses_by_time
from minidiff.errors import MinidiffError
from minidiff.evaluation.extractor import DISTANCES, FEWEST, Judge
from minidiff.evaluation.nearest import nearest
from minidiff.training import Trainer

OTHER_SEED = 1_000_003  # added to the seed of a drawn set: other images of the same kind


def unseen(options, training, count):
    """Real images that a run was not trained on.

    Those of a drawn set are drawn with another seed: image i depends on (seed, i) alone, so they are other images.
    Of files, they are the run's own held-out images or, if it has none, the test part of the data.

    Args:
        options: of the data, as in the run's configuration.
        training: the `Dataset` that was trained on.
        count: how many are wanted.

    Returns:
        `Dataset` of at most `count` images.

    Raises:
        MinidiffError: there are none, or not enough of them.
    """
    from minidiff.runs.pipeline import load_data

    chosen = dict(options)
    if chosen["spec"] in data.SYNTHETIC_SETS:
        chosen |= {"seed": chosen["seed"] + OTHER_SEED, "images": count, "held_out": None}
        return load_data(chosen)[0]
    held_out = load_data(chosen)[1]
    if held_out is None:
        chosen |= {"part": "test", "images": None}
        try:
            held_out = load_data(chosen)[0]
        except MinidiffError as error:
            raise MinidiffError(
                f"{training.name}: there are no images that this run has not seen; train with --held-out 0.1"
            ) from error
    if len(held_out) < 2 * FEWEST:
        raise MinidiffError(
            f"{training.name}: {len(held_out)} held-out images are too few to compare with, {2 * FEWEST} are needed; "
            "train with a larger --held-out"
        )
    order = np.random.default_rng(chosen["seed"]).permutation(len(held_out))[:count]
    return held_out.subset(np.sort(order))


def measure(samples, labels, training, real, workers, **options):
    """All figures about some samples.

    Args:
        samples: generated images (N, H, W, C) in [-1, 1].
        labels: the class that was asked for, int (N,), or None.
        training: `Dataset` that was trained on.
        real: `Dataset` that was not; its halves are the reference and the control.
        workers: `Workers`.
        options: "seed", "cache_folder" and "examples" of the `Judge`.

    Returns:
        dict of plain numbers: "frechet", "kernel" as [value, error] with their "..._floor", "accuracy" and
        "accuracy_real" (or None), "nearest_pixels", "nearest_features" with "..._real", "count", "count_floor"; and
        for the figure a dict with "nearest", positions (N,) in the training set, and "distances", "distances_real",
        each image's distance in gray levels.

    Raises:
        MinidiffError: too few samples.
    """
    judge = Judge(training, real, len(samples), workers, **options)
    control = judge.control
    features, classes = judge.look(samples.__getitem__, len(samples))
    training_features, _ = judge.look(training.pixels, len(training))

    figures = {"count": len(samples), "count_floor": len(control), "count_reference": len(judge.reference)}
    for name in DISTANCES:
        figures[name] = judge.distance(name, features)
        figures[f"{name}_floor"] = judge.distance(name, judge.control_features)
    figures["accuracy"] = figures["accuracy_real"] = None
    if classes is not None and labels is not None:
        figures["accuracy"] = float((classes == labels).mean())
        figures["accuracy_real"] = float((judge.control_classes == control.labels).mean())
    details = {}
    both = ("", data.to_bytes(samples), features), ("_real", control.images, judge.control_features)
    for suffix, images, seen in both:
        positions, distances = nearest(images, training.images)
        details |= {f"nearest{suffix}": positions, f"distances{suffix}": distances}
        figures[f"nearest_pixels{suffix}"] = float(np.median(distances))
        figures[f"nearest_features{suffix}"] = float(np.median(nearest(seen, training_features)[1]))
    return figures, details


def unseen_loss(network, training_config, real):
    """The noise-scale loss on images that were not trained on.

    The noise and its levels, log-normal, are the same for all runs on images of one size, whatever they were trained
    with, so that their losses can be compared.

    Args:
        network: `NetworkDenoiser` with the parameters that are evaluated.
        training_config: `TrainingConfig` of the run.
        real: `Dataset`.

    Returns:
        dict with "loss_unseen", the mean, and "loss_quarters", list of four floats, the mean in each quarter of the
        schedule, from little noise to much; NaN where no level was drawn.
    """
    config = replace(training_config, time_distribution="log_normal", seed=0)
    trainer = Trainer(network.network, network.p, real, config, network.workers)
    t, losses = trainer.held_out_losses(real)
    quarters = [float(loss) for loss in losses_by_time(t, losses, trainer.schedule.T)]
    return {"loss_unseen": float(losses.mean()), "loss_quarters": quarters}


def rows(figures):
    """The figures as rows of three texts, each beside what real images score; the first row is the heading.

    Args:
        figures: from `measure`.

    Returns:
        List of tuples.
    """

    def pair(value):
        return f"{value[0]:.2f} +- {value[1]:.2f}"

    def percent(value):
        return "" if value is None else f"{100 * value:.1f} %"

    count = f"{figures['count']} samples", f"{figures['count_floor']} real, unseen"
    found = [("", *count)]
    found.append(("Frechet distance", pair(figures["frechet"]), pair(figures["frechet_floor"])))
    found.append(("kernel distance", pair(figures["kernel"]), pair(figures["kernel_floor"])))
    if figures["accuracy"] is not None:
        found.append(("shows its class", percent(figures["accuracy"]), percent(figures["accuracy_real"])))
    for key, name in (("pixels", "gray levels rms"), ("features", "features")):
        values = figures[f"nearest_{key}"], figures[f"nearest_{key}_real"]
        found.append((f"nearest training image, {name}", *(f"{value:.2f}" for value in values)))
    return found


def table(figures):
    """The figures as lines of text.

    Args:
        figures: from `measure`, perhaps with those from `unseen_loss`.

    Returns:
        Lines.
    """
    lines = [f"   {name:43}{sample:>20}{real:>20}" for name, sample, real in rows(figures)]
    if "loss_quarters" in figures:
        quarters = "  ".join("-" if math.isnan(loss) else f"{loss:.4f}" for loss in figures["loss_quarters"])
        mean = figures["loss_unseen"]
        lines.append(f"   loss on unseen images {mean:.4f}; from little noise to much: {quarters}")
    return lines


def save_figure(path, samples, training, figures, details, shown=8):
    """Samples above their nearest training images, and how near they are, beside unseen real ones.

    Args:
        path: of the PNG file.
        samples: images (N, H, W, C) in [-1, 1].
        training: `Dataset`.
        figures, details: from `measure`.
        shown: how many samples.
    """
    figure = plotting.new_figure(11, 3.4)
    left, right = figure.subplots(1, 2, width_ratios=(2, 1))
    shown = min(shown, len(samples))
    rows = np.concatenate([samples[:shown], training.pixels(details["nearest"][:shown])])
    left.imshow(plotting.sheet(rows, columns=shown), interpolation="nearest")
    left.set(xticks=[], yticks=[], title="samples (above) and the training images nearest to them")
    left.spines[:].set_visible(False)
    both = np.concatenate([details["distances"], details["distances_real"]])
    bins = np.linspace(both.min(), both.max() + 1e-6, 25)
    for key, name, color in (("distances", "samples", 0), ("distances_real", "unseen real", 1)):
        style = {"histtype": "stepfilled", "alpha": 0.5, "density": True, "color": plotting.COLORS[color]}
        right.hist(details[key], bins, label=name, **style)
    right.set(title="distance to the nearest", xlabel="gray levels, root mean square", yticks=[])
    right.legend(frameon=False)
    plotting.save_figure(figure, path)
