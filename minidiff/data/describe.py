"""What is in a data set, in words and in a contact sheet: look before you train."""

import numpy as np

from minidiff.data.readers.layouts import batches

SHEET_IMAGES = 64


def describe(dataset):
    """A data set in words: count, shape, classes, values, copies, license, and everything that was assumed.

    Args:
        dataset: `Dataset`.

    Returns:
        Lines of text.
    """
    colors = "color" if dataset.channels == 3 else "gray"
    lines = [
        f"{dataset.name}: {len(dataset):,} images of {dataset.height} x {dataset.width}, {colors}, "
        f"{dataset.images.nbytes / 1e6:.1f} MB",
        f"source   {dataset.source}",
        f"license  {dataset.license}",
        values_line(dataset.images),
    ]
    num_copies = len(dataset) - len(dataset.distinct())
    if num_copies:
        lines.append(f"copies   {num_copies:,} images are exact copies of others")
    if dataset.groups is not None:
        lines.append(f"designs  {len(np.unique(dataset.groups)):,}, kept together when a part is held out")
    lines += class_lines(dataset)
    return lines + [f"note     {note}" for note in dataset.notes]


def values_line(images):
    """Smallest and largest byte, mean and standard deviation, from how often each of the 256 values occurs."""
    counts = sum(np.bincount(images[some].ravel(), minlength=256) for some in batches(images))
    values, total = np.arange(256), counts.sum()
    mean = (counts * values).sum() / total
    deviation = np.sqrt((counts * (values - mean) ** 2).sum() / total)
    present = np.flatnonzero(counts)
    return (
        f"values   {present[0]} to {present[-1]}, mean {mean:.1f}, deviation {deviation:.1f} "
        f"(as pixels: {present[0] / 127.5 - 1:.2f} to {present[-1] / 127.5 - 1:.2f}, mean {mean / 127.5 - 1:.2f}, "
        f"deviation {deviation / 127.5:.2f})"
    )


def class_lines(dataset):
    """How many images each class has."""
    if not dataset.num_classes:
        return ["classes  none"]
    counts = np.bincount(dataset.labels, minlength=dataset.num_classes)
    lines = [f"classes  {dataset.num_classes}, of {counts.min():,} to {counts.max():,} images"]
    width = max(len(name) for name in dataset.class_names)
    shown = zip(dataset.class_names[:40], counts, strict=False)
    lines += [f"         {name:{width}} {count:7,}" for name, count in shown]
    return lines + ([f"         ... and {dataset.num_classes - 40} more"] if dataset.num_classes > 40 else [])


def contact_sheet(dataset, count=SHEET_IMAGES, seed=0):
    """Images for a contact sheet: drawn at random, sorted by class, as many of each as can be.

    Args:
        dataset: `Dataset`.
        count: how many at most.
        seed: of the choice.

    Returns:
        float32 (n, H, W, C) in [-1, 1].
    """
    order = np.random.default_rng(seed).permutation(len(dataset))
    if dataset.labels is not None:
        labels = dataset.labels[order]
        rank = np.empty(len(order), int)  # 0 for the first of its class, 1 for the second ...
        for label in range(dataset.num_classes):
            rank[labels == label] = np.arange((labels == label).sum())
        order = order[np.argsort(rank, kind="stable")][:count]
        order = order[np.argsort(dataset.labels[order], kind="stable")]
    return dataset.pixels(order[:count])
