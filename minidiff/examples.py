"""What training shows the network: images with noise on them, drawn anew in every epoch.

Everything random about an example comes from its own stream of random numbers, named by (seed, use, epoch, index of the
image). So what is drawn for an image depends neither on the batch it is in, nor on the slice, nor on the thread,
nor on whether the training was stopped and resumed before it.

The noise levels are *stratified*: of four neighbors in the order of the epoch, one draws from each quarter of the
distribution of t. Batches then have much the same mixture of levels, and the gradient jumps about less.
"""

from dataclasses import dataclass

import numpy as np

ORDER_STREAM, EXAMPLE_STREAM, HELD_OUT_STREAM = 0, 1, 4  # keep the random numbers of different uses apart
STRATA = 4


@dataclass(frozen=True)
class Examples:
    """The network's inputs, and the answer it should give.

    Attributes:
        x0, eps: clean images and noise (n, H, W, C).
        t: steps (n,).
        labels: classes (n,), the null class where dropped; None without classes.
    """

    x0: np.ndarray
    eps: np.ndarray
    t: np.ndarray
    labels: np.ndarray | None


def order_of_epoch(seed, epoch, count):
    """All indices from 0 to count - 1, in the order in which an epoch shows them."""
    return np.random.default_rng([seed, ORDER_STREAM, epoch]).permutation(count)


def draw_examples(dataset, indices, positions, key, schedule, config, num_classes):
    """Draws noise, noise levels, and what else is random.

    Args:
        dataset: a `Dataset`.
        indices: of the images in it, (n,).
        positions: of the images in the order of the epoch, (n,).
        key: list of numbers that with an index name a stream, such as [seed, EXAMPLE_STREAM, epoch].
        schedule: a `Schedule`.
        config: a `TrainingConfig`; its `time_distribution`, `flip` and `class_dropout` are used.
        num_classes: of the network; 0 for examples without labels.

    Returns:
        `Examples`.
    """
    x0 = dataset.pixels(indices)  # (n, H, W, C)
    eps, u = np.empty_like(x0), np.empty(len(indices))
    labels = dataset.labels[indices].copy() if num_classes else None
    for i, (index, position) in enumerate(zip(indices, positions, strict=True)):
        stream = np.random.default_rng([*key, int(index)])
        stratum, flipped, dropped = stream.random(3)
        u[i] = (position % STRATA + stratum) / STRATA
        if config.flip and flipped < 0.5:
            x0[i] = x0[i, :, ::-1].copy()
        if labels is not None and dropped < config.class_dropout:
            labels[i] = num_classes
        stream.standard_normal(dtype=np.float32, out=eps[i])
    return Examples(x0, eps, schedule.draw_timesteps(u, config.time_distribution), labels)
