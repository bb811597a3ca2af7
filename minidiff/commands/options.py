"""Options and checks that several commands share."""

import argparse
import math
import re
from pathlib import Path
from typing import Any

from minidiff.atomic import check_writable
from minidiff.data.readers.sizing import Size
from minidiff.errors import MinidiffError
from minidiff.kernels.sets import KERNEL_SETS
from minidiff.memory import check_memory

# Arguments of `data.load`: name, option, and how it is parsed
READING_OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "layout": ("--layout", {"metavar": "AXES", "help": "axes of arrays, such as NHWC or NCHW"}),
    "value_range": (
        "--range",
        {"type": float, "nargs": 2, "metavar": ("BLACK", "WHITE"), "help": "range of values of arrays, such as 0 1"},
    ),
    "part": ("--part", {"help": "train, val or test, if the data is divided so (default: train)"}),
    "subset": ("--subset", {"help": "of an emoji package: people, faces or all (default: people)"}),
    "images_key": ("--images-key", {"metavar": "NAME", "help": "the array with the images in an .npz file or folder"}),
    "labels_key": ("--labels-key", {"metavar": "NAME", "help": "the array with the labels, or none"}),
    "distinct": ("--distinct", {"action": "store_const", "const": True, "help": "leave out exact copies"}),
    "max_bytes": ("--max-bytes", {"type": int, "metavar": "N", "help": "refuse larger data (default: 2^31)"}),
    "max_pixels": ("--max-pixels", {"type": int, "metavar": "N", "help": "leave out larger images (default: 8e7)"}),
    "cache_folder": (
        "--no-cache",
        {"action": "store_const", "const": "", "help": "do not keep decoded images for the next time"},
    ),
}
COPIES = 4  # of sampled images, in float32: the noisy images, x0_hat, the noise, and the result
SPEC = "cats, shapes or landscapes (synthetic), or the path of your images"


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    """Adds READING_OPTIONS to a parser, as a group."""
    group = parser.add_argument_group("reading data", "rarely needed: minidiff prints what it assumes")
    for name, (option, settings) in READING_OPTIONS.items():
        group.add_argument(option, dest=name, **settings)


def reading_options(options: argparse.Namespace) -> dict[str, Any]:
    """The given READING_OPTIONS, as arguments of `data.load`."""
    return given(options, READING_OPTIONS)


def add_threads(parser: argparse.ArgumentParser) -> None:
    """Adds the option --threads."""
    parser.add_argument("--threads", type=int, help="number of threads (default: one per core)")


def add_kernels(parser: argparse.ArgumentParser) -> None:
    """Adds the option --kernels."""
    text = "fast, or plain: the same formulas, written to be read (default: fast)"
    parser.add_argument("--kernels", choices=list(KERNEL_SETS), default="fast", help=text)


def given(options: argparse.Namespace, names: Any) -> dict[str, Any]:
    """name -> value of the named options that are not None."""
    return {name: value for name in names if (value := getattr(options, name)) is not None}


def option_of(name: str) -> str:
    """ "from_image" as "--from-image"; "n" as "-n"."""
    return "-n" if name == "n" else "--" + name.replace("_", "-")


def check_at_least(option: str, value: float, least: float) -> None:
    """Refuses a value below `least`."""
    if not value >= least:
        raise MinidiffError(f"{option} must be {least} or more, not {value}")


def check_count(option: str, shape: tuple[int, ...]) -> None:
    """Refuses a number of images of a shape (N, H, W, C) that do not fit in memory."""
    what = f"{option} {shape[0]}: {shape[0]:,} images of {shape[1]} x {shape[2]}"
    check_memory(math.prod(shape) * COPIES * 4, what, f"give a smaller {option}")


def check_out(path: str | Path | None, suffixes: tuple[str, ...], what: str) -> None:
    """Refuses a file to write, if one is given, with another suffix or at a place where it cannot be written."""
    if not path:
        return
    if Path(path).suffix.lower() not in suffixes:
        names = " or ".join([", ".join(suffixes[:-1]), suffixes[-1]] if len(suffixes) > 1 else suffixes)
        raise MinidiffError(f"--out {path}: {what} are written as {names}")
    check_writable(path)


def size_of(text: str) -> Size:
    """The type of --size: "64" as 64, "48x64" as (48, 64), height before width."""
    if not re.fullmatch(r"-?\d{1,9}(x\d{1,9})?", text.lower(), re.ASCII):
        raise argparse.ArgumentTypeError(f"give a side or HEIGHTxWIDTH in pixels, such as 64 or 48x64, not {text!r}")
    sides = text.lower().split("x")
    height, width = int(sides[0]), int(sides[-1])  # what follows checks their range
    return height if height == width else (height, width)


SIZE_HELP = "side, or HEIGHTxWIDTH, in pixels (default: the data's own, or 64)"
SIZE: dict[str, Any] = {"type": size_of, "metavar": "SIZE", "help": SIZE_HELP}


def whole_numbers(option: str, text: str) -> tuple[int, ...]:
    """ "32,64,128" as (32, 64, 128); refuses anything else."""
    try:
        return tuple(int(number) for number in text.split(","))
    except ValueError as error:
        raise MinidiffError(f"{option} takes whole numbers separated by commas, not {text!r}") from error
