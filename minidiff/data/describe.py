"""Describes a data set in text and by a contact sheet, for a check before training."""

import numpy as np

from minidiff.data.dataset import Dataset
from minidiff.data.readers.layouts import chunks
from minidiff.randomness import stream

SHEET_IMAGES = 64
LISTED_CLASSES = 40


def describe(dataset: Dataset) -> list[str]:
    """Lines of text: number and shape of the images, values, copies, classes, license and notes."""
    colors = "color" if dataset.channels == 3 else "gray"
    classes = f"{dataset.num_classes} classes" if dataset.num_classes else "no classes"
    lines = [
        f"{dataset.name}: {len(dataset):,} images of {dataset.height} x {dataset.width}, {colors}, {classes}, "
        f"{dataset.images.nbytes / 1e6:.1f} MB",
        f"source   {dataset.source}",
        f"license  {dataset.license}",
        values_line(dataset.images),
    ]
    num_copies = len(dataset) - len(dataset.first_of_copies())
    if num_copies:
        lines.append(f"copies   {num_copies:,} images are exact copies of others")
    if dataset.groups is not None:
        lines.append(f"designs  {len(np.unique(dataset.groups)):,}, kept together when images are held out")
    lines += class_lines(dataset)
    return lines + [f"note     {note}" for note in dataset.notes]


def values_line(images: np.ndarray) -> str:
    """Range, mean and standard deviation, computed from a histogram of the 256 values."""
    counts = np.sum([np.bincount(images[chunk].ravel(), minlength=256) for chunk in chunks(images)], axis=0)
    values, total = np.arange(256), counts.sum()
    mean = (counts * values).sum() / total
    std = np.sqrt((counts * (values - mean) ** 2).sum() / total)
    present = np.flatnonzero(counts)
    return (
        f"values   {present[0]} to {present[-1]}, mean {mean:.1f}, std {std:.1f} "
        f"(as pixels: {present[0] / 127.5 - 1:.2f} to {present[-1] / 127.5 - 1:.2f}, mean {mean / 127.5 - 1:.2f}, "
        f"std {std / 127.5:.2f})"
    )


def class_lines(dataset: Dataset) -> list[str]:
    """The number of images of each class."""
    if dataset.labels is None:
        return ["classes  none"]
    counts = np.bincount(dataset.labels, minlength=dataset.num_classes)
    lines = [f"classes  {dataset.num_classes}, of {counts.min():,} to {counts.max():,} images"]
    width = max(len(name) for name in dataset.class_names)
    shown = zip(dataset.class_names[:LISTED_CLASSES], counts, strict=False)
    lines += [f"         {name:{width}} {count:7,}" for name, count in shown]
    num_more = dataset.num_classes - LISTED_CLASSES
    return lines + ([f"         ... and {num_more} more"] if num_more > 0 else [])


def contact_sheet(dataset: Dataset, count: int = SHEET_IMAGES, seed: int = 0) -> np.ndarray:
    """The images of a contact sheet, (n, H, W, C) in [-1, 1]."""
    return dataset.pixels(choose_for_sheet(dataset, count, seed))


def choose_for_sheet(dataset: Dataset, count: int = SHEET_IMAGES, seed: int = 0) -> np.ndarray:
    """The indices of up to `count` images: at random, balanced over the classes, sorted by class."""
    order = stream("contact sheet", seed).permutation(len(dataset))
    if dataset.labels is not None:
        labels = dataset.labels[order]
        rank = np.empty(len(order), int)  # 0 for the first of its class, 1 for the second ...
        for label in range(dataset.num_classes):
            rank[labels == label] = np.arange((labels == label).sum())
        order = order[np.argsort(rank, kind="stable")][:count]
        order = order[np.argsort(dataset.labels[order], kind="stable")]
    return order[:count]
