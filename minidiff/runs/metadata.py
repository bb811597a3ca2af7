"""How images were sampled, as metadata of their files, and read again for `minidiff sample --like`.

The metadata maps names to texts: `seed`, `label`, `sampler`, `steps`, `images`, `guidance`, and what else was chosen;
`run`, `version` and `weights`, the first digits of the SHA-256 of the network's parameters, say with what. It holds no
path. Files come from anywhere, so nothing in them is trusted: unknown names are left out, and each value is cleaned,
converted to its type and checked against its range.
"""

import hashlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from minidiff.data.readers.signatures import MARK
from minidiff.errors import MinidiffError
from minidiff.fields import Range, quote
from minidiff.randomness import MAX_SEED
from minidiff.sampling import SAMPLERS, SPACINGS
from minidiff.schedule import LARGEST_T
from minidiff.text import clean
from minidiff.version import __version__

EDITS = ("inpaint", "from_image", "interpolate")
CHECKPOINTS = ("newest", "best")
LONGEST = 1000  # characters of a text
DIGITS = 16  # of the hash of the weights


def whole(most: int, least: int = 0) -> Callable[[str], int]:
    """Converts a text to a whole number in a range; ValueError for anything else."""

    def convert(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and len(text) <= 40 and least <= int(text) <= most):
            raise ValueError(f"a whole number from {least} to {most}")
        return int(text)

    return convert


def real(allowed: Range) -> Callable[[str], float]:
    """Converts a text to a number in a range; ValueError for anything else."""

    def convert(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if value not in allowed:
            raise ValueError(f"a number, {allowed}")
        return value

    return convert


def one_of(names: Sequence[str]) -> Callable[[str], str]:
    """Accepts a text if it is one of some names; ValueError otherwise."""

    def convert(text: str) -> str:
        if text not in names:
            raise ValueError(f"one of {', '.join(names)}")
        return text

    return convert


VALUES: dict[str, Callable[[str], Any]] = {
    "seed": whole(MAX_SEED),
    "label": str,
    "sampler": one_of(tuple(SAMPLERS)),
    "steps": whole(LARGEST_T, 1),
    "images": whole(100_000, 1),
    "image": whole(99_999),  # index of the image, if the file shows one of them alone
    "guidance": real(Range(0, 1000)),
    "spacing": one_of(SPACINGS),
    "eta": real(Range(0, 1)),
    "edit": one_of(EDITS),
    "strength": real(Range(0, 1, above=True)),
    "rounds": whole(1000, 1),
    "checkpoint": one_of(CHECKPOINTS),
    "run": str,
    "version": str,
    "weights": str,
}
NEEDED = ("seed", "sampler", "steps", "images")


def weights_hash(p: np.ndarray) -> str:
    """The SHA-256 of all parameters (size,) in hexadecimal digits, the same on every machine."""
    return hashlib.sha256(np.ascontiguousarray(p, "<f4").tobytes()).hexdigest()


def write_metadata(name: str, p: np.ndarray, values: Mapping[str, Any]) -> dict[str, str]:
    """The metadata of a file with sampled images.

    Args:
        name: of the run that the network belongs to, or of the pretrained network.
        p: the parameters of the network (size,).
        values: with names of VALUES; None is left out.
    """
    about = {"run": name, "version": __version__, "weights": weights_hash(p)[:DIGITS]}
    return {name: clean(value) for name, value in (*values.items(), *about.items()) if value is not None}


def read_metadata(path: str | Path) -> dict[str, Any]:
    """How the images of a PNG or GIF file were sampled: values by their names, with all of NEEDED.

    Raises:
        MinidiffError: the file cannot be read, was not sampled by minidiff, or holds a value that is out of range.
    """
    from minidiff.data.readers.image_file import read_file  # imports Pillow, which takes time

    texts, shown = read_file(path, read_texts), clean(path)
    values: dict[str, Any] = {}
    for name, convert in VALUES.items():
        if name in texts:
            try:
                values[name] = convert(clean(texts[name]))
            except ValueError as error:
                raise MinidiffError(
                    f"{shown}: {name} must be {error}, not {quote(texts[name])}; give another file"
                ) from error
    if missing := [name for name in NEEDED if name not in values]:
        raise MinidiffError(
            f"{shown} does not say how it was sampled ({', '.join(missing)} missing); "
            "give a PNG or GIF of minidiff sample"
        )
    if values.get("image", 0) >= values["images"]:
        raise MinidiffError(f"{shown}: image {values['image']} of {values['images']} does not exist; give another file")
    return values


def read_texts(stream: IO[bytes]) -> dict[str, str]:
    """The metadata of a PNG or GIF file that minidiff has written, as name -> text; no pixel is decoded."""
    from PIL import Image, UnidentifiedImageError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about its size, which does not matter here
        try:
            image = Image.open(stream, formats=("PNG", "GIF"))
        except UnidentifiedImageError as error:  # its own message gives the stream's address in memory
            raise ValueError("not a PNG or GIF") from error
    with image:
        found: dict[Any, Any] = dict(image.info)
    comment = found.get("comment", b"")
    if isinstance(comment, bytes) and comment.startswith(MARK):
        lines = comment.decode(errors="replace").splitlines()
        found = dict(line.split(": ", 1) for line in lines if ": " in line)
    return {name: text[:LONGEST] for name, text in found.items() if isinstance(name, str) and isinstance(text, str)}
