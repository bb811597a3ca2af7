"""Writes sampled images to files: one sheet or animation of all, or one file for each image."""

import argparse
import contextlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minidiff import plotting
from minidiff.atomic import free_name
from minidiff.runs.pipeline import Collected
from minidiff.text import clean


def write_together(
    out: str | None,
    default: Path,
    found: Collected,
    inputs: dict[str, np.ndarray],
    labels: np.ndarray | None,
    classes: Sequence[str],
    metadata: dict[str, str],
) -> None:
    """Writes all images to one file and prints its path.

    Args:
        out: the file; None for the default name or the next free one.
        default: the default name.
        found: the images.
        inputs: images (H, W, C) by their names, to show before the others.
        labels: of the images, or None.
        classes: the names of all classes.
        metadata: of the file.
    """
    names = None
    if labels is not None or inputs:
        names = [*inputs, *([""] * len(found.images) if labels is None else [classes[label] for label in labels])]
    before = np.stack(list(inputs.values())) if inputs else found.images[:0]
    with contextlib.nullcontext(Path(out)) if out else free_name(default) as file:
        if file.suffix.lower() == ".gif":
            frames = [np.concatenate([before, z]) for z in found.trajectory]
            plotting.save_animation(file, frames, names=names, titles=found.titles(), metadata=metadata)
        elif file.suffix.lower() == ".png":
            plotting.save_sheet(file, np.concatenate([before, found.images]), names=names, metadata=metadata)
        else:
            plotting.save_images(file, found.images, labels)
    print(clean(file))


def write_single(options: argparse.Namespace, default: Path, found: Collected, metadata: dict[str, str]) -> None:
    """Writes each image to a file of its own, or only `options.only_image`, and prints the paths."""
    out = Path(options.out or default)
    for i in range(options.n) if options.only_image is None else [options.only_image]:
        path = out if options.only_image is not None else out.with_name(f"{out.stem}_{i:03}{out.suffix}")
        with contextlib.nullcontext(path) if options.out else free_name(path) as file:
            about = metadata | {"image": str(i)}
            if file.suffix.lower() == ".gif":
                frames = [z[i : i + 1] for z in found.trajectory]
                plotting.save_animation(file, frames, titles=found.titles(), metadata=about)
            else:
                plotting.save_single(file, found.images[i], about)
        print(clean(file))
