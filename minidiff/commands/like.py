"""`--like FILE` of `minidiff sample`: fills in what the command line leaves open from the metadata of a file."""

import argparse
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from minidiff.commands.options import option_of
from minidiff.errors import MinidiffError
from minidiff.runs.metadata import DIGITS, read_metadata, weights_hash
from minidiff.runs.pipeline import classes_named
from minidiff.runs.weights import PRETRAINED
from minidiff.text import clean

logger = logging.getLogger(__name__)

DEFAULTS = {"n": 16, "seed": 0, "guidance": 1.0}
ALWAYS = ("seed", "label", "sampler", "steps", "guidance")
# of an edit, or of sampling from noise
MORE = {None: ("spacing", "eta"), "inpaint": ("rounds",), "from_image": ("strength", "spacing", "eta")}
FILES = {"inpaint": "--inpaint IMAGE --mask MASK", "from_image": "--from-image IMAGE"}


def fill_in(options: argparse.Namespace) -> None:
    """Gives every option of `minidiff sample` that the user left out its value in the file of --like, or its default.

    Raises:
        MinidiffError: the file does not say how it was sampled, or needs images, whose paths no file holds.
    """
    options.weights, options.only_image = None, None
    if options.like:
        found = read_metadata(options.like)
        edit, shown = found.get("edit"), clean(options.like)
        given = next((name for name in ("inpaint", "from_image", "interpolate") if getattr(options, name)), None)
        if given is None and edit == "interpolate":
            options.interpolate = True
        elif given is None and edit is not None:
            raise MinidiffError(f"{shown} was made with {option_of(edit)} and holds no paths; add {FILES[edit]}")
        elif given != edit:
            raise MinidiffError(f"{shown} was not made with {option_of(str(given))}; leave that out, or --like")
        for name in (*ALWAYS, *MORE.get(edit, ("spacing",))):
            if getattr(options, name) is None and name in found:
                setattr(options, name, found[name])
        if options.run is None and options.pretrained is None and found.get("run", "").startswith(PRETRAINED):
            options.pretrained = found["run"].removeprefix(PRETRAINED)
        options.best = options.best or found.get("checkpoint") == "best"
        options.weights = found.get("weights")
        if options.n is None:
            options.n, options.only_image = found["images"], found.get("image")
            if options.only_image is not None and not options.interpolate:
                options.n = options.only_image + 1  # the images after it do not affect it
        parts = [f"{name} {found[name]}" for name in found if name not in ("weights", "version", "image")]
        print(f"like {shown}: {', '.join(parts)}")
        if options.run is None and options.pretrained is None:
            run = found.get("run", "a run")
            raise MinidiffError(
                f"{shown} was sampled from {run}; give its folder: minidiff sample FOLDER --like {shown}"
            )
    for name, default in DEFAULTS.items():
        if getattr(options, name) is None:
            setattr(options, name, default)


def check_weights(options: argparse.Namespace, p: np.ndarray) -> None:
    """Warns if the images of the file of --like were sampled with other parameters than p (size,)."""
    if options.weights and (found := weights_hash(p)[:DIGITS]) != options.weights:
        logger.warning(
            "%s was sampled with other weights (%s, not %s), so these images differ",
            options.like, options.weights, found,
        )  # fmt: skip


def metadata_values(
    options: argparse.Namespace, edit: str | None, classes: Sequence[str], labels: np.ndarray | None
) -> dict[str, Any]:
    """What the images were sampled with, for `write_metadata`."""
    label = "any" if labels is None else "each"
    if labels is not None and options.label not in (None, "each"):
        label = ",".join(classes[i] for i in classes_named(classes, options.label))
    values = {name: getattr(options, name) for name in ("seed", "sampler", "steps", "guidance", "spacing", "eta")}
    edited = {"edit": edit, "strength": options.strength, "rounds": options.rounds}
    return values | edited | {"label": label, "images": options.n, "checkpoint": "best" if options.best else None}
