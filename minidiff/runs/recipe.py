"""The file of `minidiff train --config`: a config.json as that of a run, which may lack parts and fields.

What it lacks is chosen for the data, as without a file. `minidiff train --print-config` prints a complete one.
"""

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from minidiff.errors import MinidiffError
from minidiff.fields import convert, quote
from minidiff.regular import read_text
from minidiff.runs.compatibility import current_names
from minidiff.runs.config import FORMAT, LARGEST_FILE, check_data, check_names, source_of
from minidiff.training_config import TrainingConfig
from minidiff.unet_config import UNetConfig

REMEDY = "change that; minidiff train --print-config prints a complete example"


@dataclass(frozen=True)
class Recipe:
    """Parts of a configuration, each as far as it is given.

    Args:
        network: fields of `UNetConfig`.
        training: fields of `TrainingConfig`.
        data: options for `pipeline.load_data`.
        source: the network to fine-tune from, as in `weights.load_weights`, or None.
    """

    network: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    source: str | None = None


def read_recipe(file: Path) -> Recipe:
    """Reads a recipe.

    Raises:
        MinidiffError: it cannot be read, or a field is unknown, of the wrong type or out of range.
    """
    try:
        config = json.loads(read_text(file, LARGEST_FILE))
        if not isinstance(config, dict):
            raise ValueError("it is not a JSON object")
    except (OSError, ValueError, RecursionError) as error:
        problem = getattr(error, "strerror", None) or error
        raise MinidiffError(f"{file} cannot be read: {problem}; {REMEDY}") from error
    try:
        if (found := config.get("format", FORMAT)) != FORMAT:
            raise MinidiffError(f"it is of format {quote(found)}, and this version reads {FORMAT}")
        config = current_names(config, defaults={})
        network = convert("network", config.get("network", {}), dict)
        check_names("network", network, (), [known.name for known in fields(UNetConfig)])
        UNetConfig(**network)  # raises an error for an invalid value
        training = convert("training", config.get("training", {}), dict)
        check_names("training", training, (), [known.name for known in fields(TrainingConfig)])
        TrainingConfig(**training)
        source = source_of(config)
        spec = source["spec"] if source else None
        return Recipe(network, training, check_data(config.get("data", {})), spec)
    except MinidiffError as error:
        raise MinidiffError(f"{file}: {error}; {REMEDY}") from error
