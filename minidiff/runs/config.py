"""config.json: what a run is, checked when it is read, because anyone may have edited it.

What follows the checks relies on them: every field is there, of its type and within its range, and the classes are
those of the network. Of the data options, only the types are checked here; `data.load` checks the rest.
"""

import json
import platform
import shlex
import sys
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import numba
import numpy as np

from minidiff.data.readers.options import ReadingOptions
from minidiff.errors import MinidiffError
from minidiff.fields import convert, quote
from minidiff.layers import count_parameters
from minidiff.parallel import available_cores
from minidiff.randomness import EarlierSeed
from minidiff.regular import read_text
from minidiff.runs.compatibility import current_names
from minidiff.sampling import SPACINGS, check_sampler
from minidiff.text import clean, clean_all
from minidiff.training_config import TrainingConfig
from minidiff.unet import UNet
from minidiff.unet_config import UNetConfig
from minidiff.version import __version__

FORMAT = 1
LARGEST_FILE = 2**24  # bytes
REMEDY = "change that back, or start a new run"
# texts, for people; see `information`
INFORMATION = ("command", "version", "python", "numpy", "numba", "machine", "name", "source", "license")
# of `pipeline.load_data`
DATA_OPTIONS = get_type_hints(ReadingOptions) | {"spec": str, "held_out": float | None, "cache_folder": str | None}
DATA_OPTIONS["images"] = DATA_OPTIONS.pop("num_images")
SOURCE: dict[str, Any] = {"spec": str, "sha256": str, "new_classes": tuple[str, ...]}  # see `fine_tuning.py`


@dataclass(frozen=True)
class SamplerOptions:
    """The options of `sampling.sample` that a distilled run was trained for."""

    sampler: str
    steps: int
    spacing: str

    def __str__(self) -> str:
        return f"{self.sampler} in {self.steps} step{'s' if self.steps > 1 else ''}, spacing {self.spacing}"


Config = TypeVar("Config", UNetConfig, TrainingConfig, SamplerOptions)


def information() -> dict[str, str]:
    """The command of this process, and with what it runs."""
    return {
        "command": shlex.join(["minidiff", *sys.argv[1:]]),
        "version": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": numba.__version__,
        "machine": f"{platform.system()} on {platform.machine()}, {available_cores()} cores",
    }


def read_file(file: Path) -> dict[str, Any]:
    """The contents of config.json as in `parse`; errors too, or because the file cannot be read."""
    try:
        text = read_text(file, LARGEST_FILE)
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or error
        raise MinidiffError(f"{file} cannot be read: {problem}; {REMEDY}") from error
    return parse(text, file)


def parse(text: str, file: Path, remedy: str = REMEDY) -> dict[str, Any]:
    """The contents of config.json under today's names, with all of INFORMATION, as texts, but not checked further.

    Args:
        text: of the file.
        file, remedy: for messages.

    Raises:
        MinidiffError: it is no JSON object, or of another format.
    """
    try:
        config = json.loads(text)
        if not isinstance(config, dict):
            raise ValueError("it is not a JSON object")
    except (ValueError, RecursionError) as error:
        raise MinidiffError(f"{file} cannot be read: {error}; {remedy}") from error
    if (found := config.get("format")) != FORMAT:
        raise MinidiffError(f"{file} was written in format {quote(found)}; this version reads {FORMAT}")
    config = current_names(config)
    config |= {name: clean(config.get(name, "unknown")) for name in INFORMATION}
    return config | {"class_names": clean_all(config.get("class_names"))}


def check(
    config: dict[str, Any], file: Path, remedy: str = REMEDY
) -> tuple[UNetConfig, TrainingConfig, dict[str, Any]]:
    """The configuration of the network, that of training, and the data options in the contents of config.json.

    Args:
        config: from `parse`.
        file, remedy: for messages.

    Raises:
        MinidiffError: a field is missing, unknown, of the wrong type or out of range, or they do not fit each other.
    """
    try:
        network, training = create(UNetConfig, config, "network"), create(TrainingConfig, config, "training")
        count_parameters(UNet(network).children)
        training.create_schedule()
        read_sampling(config, training.T)
        names = convert("class_names", config["class_names"], tuple[str, ...])
        if len(names) != network.num_classes:
            raise MinidiffError(f"there are {len(names)} class_names, but num_classes is {network.num_classes}")
        options = check_data(config.get("data"), needed=("spec", "seed"))
        source_of(config)
        if convert("random", config.get("random", 1), int) == 1:  # before it was recorded
            options["seed"] = EarlierSeed(options["seed"])
    except MinidiffError as error:
        raise MinidiffError(f"{file}: {error}; {remedy}") from error
    return network, training, options


def read_sampling(config: dict[str, Any], T: int) -> SamplerOptions | None:
    """The sampler options in the contents of config.json, checked; None for a run that was not distilled."""
    if config.get("sampling") is None:
        return None
    sampling = create(SamplerOptions, config, "sampling")
    for name, kind in get_type_hints(SamplerOptions).items():
        convert(f"sampling: {name}", getattr(sampling, name), kind)
    check_sampler(sampling.sampler)
    if sampling.spacing not in SPACINGS:
        raise MinidiffError(f"unknown spacing of steps {quote(sampling.spacing)}; choose from {', '.join(SPACINGS)}")
    if not 1 <= sampling.steps <= T:
        raise MinidiffError(f"{quote(sampling.steps)} sampler steps do not fit into {T} timesteps")
    return sampling


def check_data(values: Any, needed: Iterable[str] = ()) -> dict[str, Any]:
    """The data options of a configuration, converted; raises an error for a wrong name or type."""
    options = convert("data", values, dict)
    check_names("data", options, needed, DATA_OPTIONS.keys())
    return {name: convert(f"data: {name}", value, DATA_OPTIONS[name]) for name, value in options.items()}


def source_of(config: dict[str, Any]) -> dict[str, Any] | None:
    """The network that a run is fine-tuned from, with the fields SOURCE, or None."""
    if config.get("from") is None:
        return None
    values = convert("from", config["from"], dict)
    check_names("from", values, SOURCE, SOURCE)
    return {name: convert(f"from: {name}", value, SOURCE[name]) for name, value in values.items()}


def create(kind: type[Config], config: dict[str, Any], part: str) -> Config:
    """A configuration from a part of config.json, which has to have exactly its fields."""
    values = convert(part, config.get(part), dict)
    names = [field.name for field in fields(kind)]
    check_names(part, values, names, names)
    return kind(**values)


def check_names(part: str, values: dict[str, Any], needed: Iterable[str], known: Iterable[str]) -> None:
    """Raises an error if values lack a name or have an unknown one."""
    if missing := sorted(set(needed) - values.keys()):
        raise MinidiffError(f"{part} lacks {', '.join(missing)}")
    if unknown := sorted(values.keys() - set(known)):
        raise MinidiffError(f"{part} has unknown fields {', '.join(map(quote, unknown))}")
