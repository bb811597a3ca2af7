"""The table: how good are the samples of a run, and how good are real pictures by the same measures?

Three sets of real pictures take part. The *training* pictures are those the run was trained on. The *reference* and the
*control* are two halves of pictures that it never saw. Samples are compared with the reference; so is the control, and
what it scores is the floor: no honest network can be expected to do better.
"""

import math
from dataclasses import replace

import numpy as np

from minidiff import data, plotting
from minidiff.data.cache import default_cache_folder
from minidiff.errors import MinidiffError
from minidiff.evaluation.distances import frechet_distance, kernel_distance, scale_of, with_error
from minidiff.evaluation.learning import EXAMPLES, find_classifier, look_at
from minidiff.evaluation.nearest import nearest
from minidiff.training import Trainer
from minidiff.watch import losses_by_time

OTHER_SEED = 1_000_003  # added to the seed of a drawn set: other pictures of the same kind
FEWEST = 32  # pictures, below which a distance says nothing


def unseen(options, training, count):
    """Real pictures that a run was not trained on.

    Those of a drawn set are drawn with another seed: picture i depends on (seed, i) alone, so they are other pictures.
    Of files, they are the run's own held-out pictures or, if it has none, the test part of the data.

    Args:
        options: of the data, as in the run's configuration.
        training: the `Dataset` that was trained on.
        count: how many are wanted.

    Returns:
        `Dataset` of at most `count` pictures.

    Raises:
        MinidiffError: there are none, or not enough of them.
    """
    from minidiff.pipeline import load_data

    chosen = dict(options)
    if chosen["spec"] in data.DRAWN_SETS:
        chosen |= {"seed": chosen["seed"] + OTHER_SEED, "images": count, "held_out": None}
        return load_data(chosen)[0]
    held_out = load_data(chosen)[1]
    if held_out is None:
        chosen |= {"part": "test", "images": None}
        try:
            held_out = load_data(chosen)[0]
        except MinidiffError as error:
            raise MinidiffError(
                f"{training.name}: there are no pictures that this run has not seen; train with --held-out 0.1"
            ) from error
    if len(held_out) < 2 * FEWEST:
        raise MinidiffError(
            f"{training.name}: {len(held_out)} held-out pictures are too few to compare with, {2 * FEWEST} are needed; "
            "train with a larger --held-out"
        )
    order = np.random.default_rng(chosen["seed"]).permutation(len(held_out))[:count]
    return held_out.subset(np.sort(order))


def measure(samples, labels, training, real, workers, seed=0, cache_folder="default", examples=EXAMPLES):
    """All figures about some samples.

    Args:
        samples: generated pictures (N, H, W, C) in [-1, 1].
        labels: the class that was asked for, int (N,), or None.
        training: `Dataset` that was trained on.
        real: `Dataset` that was not; its halves are the reference and the control.
        workers: `Workers`.
        seed, examples: of the classifier's training.
        cache_folder: where classifiers are kept: "default" is the platform's place, None is nowhere.

    Returns:
        dict of plain numbers: "frechet", "kernel" as [value, error] with their "..._floor", "accuracy" and
        "accuracy_real" (or None), "nearest_pixels", "nearest_features" with "..._real", "count", "count_floor"; and
        for the figure a dict with "nearest", positions (N,) in the training set, and "distances", "distances_real",
        each picture's distance in grey levels.

    Raises:
        MinidiffError: too few samples.
    """
    if len(samples) < FEWEST:
        raise MinidiffError(f"{len(samples)} samples are too few to measure; give at least {FEWEST}")
    folder = default_cache_folder() if cache_folder == "default" else cache_folder
    network, p, _ = find_classifier(training, workers, folder, seed, examples)
    half = len(real) // 2
    reference, control = real.subset(slice(0, half)), real.subset(slice(half, 2 * half))
    control = control.subset(slice(0, len(samples)))
    pixels = {"reference": reference.pixels, "control": control.pixels, "training": training.pixels}
    pixels["samples"] = samples.__getitem__
    counts = {"reference": half, "control": len(control), "training": len(training), "samples": len(samples)}
    features, classes = {}, {}
    for name, count in counts.items():
        features[name], classes[name] = look_at(network, p, pixels[name], count, workers)
    scale = scale_of(features["reference"])
    features = {name: scale * values for name, values in features.items()}

    figures = {"count": len(samples), "count_floor": len(control), "count_reference": len(reference)}
    for name, distance in (("frechet", frechet_distance), ("kernel", kernel_distance)):
        figures[name] = with_error(distance, features["samples"], features["reference"])
        figures[f"{name}_floor"] = with_error(distance, features["control"], features["reference"])
    figures["accuracy"] = figures["accuracy_real"] = None
    if network.kind and labels is not None:
        for name, answers, key in (("samples", labels, "accuracy"), ("control", control.labels, "accuracy_real")):
            figures[key] = float((classes[name] == answers).mean())
    grey_levels, details = {"samples": data.to_bytes(samples), "control": control.images}, {}
    for name, suffix in (("samples", ""), ("control", "_real")):
        positions, distances = nearest(grey_levels[name], training.images)
        details |= {f"nearest{suffix}": positions, f"distances{suffix}": distances}
        figures[f"nearest_pixels{suffix}"] = float(np.median(distances))
        figures[f"nearest_features{suffix}"] = float(np.median(nearest(features[name], features["training"])[1]))
    return figures, details


def unseen_loss(network, training_config, real):
    """The noise-scale loss on pictures that were not trained on.

    The noise and its levels, log-normal, are the same for all runs on pictures of one size, whatever they were trained
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
    """The figures as rows of three texts, each beside what real pictures score; the first row is the heading.

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
    for key, name in (("pixels", "grey levels rms"), ("features", "features")):
        values = figures[f"nearest_{key}"], figures[f"nearest_{key}_real"]
        found.append((f"nearest training picture, {name}", *(f"{value:.2f}" for value in values)))
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
        lines.append(f"   loss on unseen pictures {mean:.4f}; from little noise to much: {quarters}")
    return lines


def save_figure(path, samples, training, figures, details, shown=8):
    """Samples above their nearest training pictures, and how near they are, beside unseen real ones.

    Args:
        path: of the PNG file.
        samples: pictures (N, H, W, C) in [-1, 1].
        training: `Dataset`.
        figures, details: from `measure`.
        shown: how many samples.
    """
    figure = plotting.new_figure(11, 3.4)
    left, right = figure.subplots(1, 2, width_ratios=(2, 1))
    shown = min(shown, len(samples))
    rows = np.concatenate([samples[:shown], training.pixels(details["nearest"][:shown])])
    left.imshow(plotting.sheet(rows, columns=shown), interpolation="nearest")
    left.set(xticks=[], yticks=[], title="samples (above) and the training pictures nearest to them")
    left.spines[:].set_visible(False)
    both = np.concatenate([details["distances"], details["distances_real"]])
    bins = np.linspace(both.min(), both.max() + 1e-6, 25)
    for key, name, colour in (("distances", "samples", 0), ("distances_real", "unseen real", 1)):
        style = {"histtype": "stepfilled", "alpha": 0.5, "density": True, "color": plotting.COLOURS[colour]}
        right.hist(details[key], bins, label=name, **style)
    right.set(title="distance to the nearest", xlabel="grey levels, root mean square", yticks=[])
    right.legend(frameon=False)
    plotting.save_figure(figure, path)
