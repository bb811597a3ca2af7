"""What a new run of `minidiff train` consists of: from its options, a file given with --config, and a trained network.

An option of the command line comes before --config, that before --from, and that before the default for the data.
"""

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from minidiff import runs
from minidiff.commands.options import given, reading_options, whole_numbers
from minidiff.data import Dataset
from minidiff.errors import MinidiffError
from minidiff.runs import fine_tuning
from minidiff.runs.config import FORMAT
from minidiff.runs.recipe import Recipe, read_recipe
from minidiff.runs.train import with_absolute_path
from minidiff.runs.weights import load_weights
from minidiff.training_config import TrainingConfig
from minidiff.unet_config import UNetConfig

NEEDED = "train needs --data SPEC and --out RUN, or --resume RUN; see minidiff train --help"
OF_THE_DATA = ("height", "width", "image_channels", "num_classes")  # fields of the network that follow from the data
OF_THE_LEVELS = ("channels", "attention_levels", "head_channels", "entry_levels")  # and those from --channels


@dataclass(frozen=True)
class NewRun:
    """Everything that `runs.start_run` and `runs.run_stages` need.

    Args:
        data_options, dataset, network, training, source: for `runs.start_run`.
        held_out: images for the validation, or None.
    """

    data_options: dict[str, Any]
    dataset: Dataset
    held_out: Dataset | None
    network: UNetConfig
    training: TrainingConfig
    source: dict[str, Any] | None

    def as_json(self) -> str:
        """The configuration as the text of a file for --config."""
        config = {
            "format": FORMAT,
            "data": with_absolute_path(self.data_options),
            "network": self.network.as_dict(),
            "training": self.training.as_dict(),
        }
        return json.dumps(config | ({"from": self.source} if self.source else {}), indent=2)


def prepare(options: argparse.Namespace, chosen: dict[str, Any]) -> NewRun:
    """Reads the data and decides everything that the options leave open.

    Args:
        options: of `minidiff train`.
        chosen: the fields of the training configuration that they give.

    Raises:
        MinidiffError: options, data, network and --config do not fit each other.
    """
    recipe = read_recipe(Path(options.config)) if options.config else Recipe()
    chosen = recipe.training | chosen
    seed = TrainingConfig(**chosen).seed  # raises an error for an invalid value before the data is read
    spec: str = options.source or recipe.source or ""  # of the network to fine-tune
    weights = load_weights(spec) if spec else None
    data_options: dict[str, Any] = {"spec": None, "images": None, "size": None, "seed": seed, "held_out": None}
    if weights:
        height, width, _ = weights.network.example_shape
        data_options["size"] = height if height == width else (height, width)
    data_options |= {name: value for name, value in recipe.data.items() if value is not None}
    data_options |= given(options, ("images", "size", "held_out", "seed")) | reading_options(options)
    data_options["spec"] = options.data or data_options["spec"]
    if not data_options["spec"]:
        raise MinidiffError(NEEDED)
    dataset, held_out = runs.load_data(data_options)

    channels = None if options.channels is None else whole_numbers("--channels", options.channels)
    dropped = (OF_THE_LEVELS if channels else ()) + (OF_THE_DATA if options.data or options.size else ())
    fields = {name: value for name, value in recipe.network.items() if name not in dropped}
    if weights is None:
        usual = runs.network_for(dataset, channels)
        training = runs.training_for(dataset, **chosen)
    elif channels:
        raise MinidiffError(f"--from takes the channels from {spec}; leave --channels out")
    else:
        usual = fine_tuning.network_from(weights, dataset.num_classes)
        training = fine_tuning.training_from(weights, runs.training_for(dataset), chosen)
        fine_tuning.check_source(spec, weights, dataset, training)
    network = replace(usual, **fields)
    for name in OF_THE_DATA if weights is None else network.as_dict():
        if getattr(network, name) != getattr(usual, name):
            owner = "the data" if name in OF_THE_DATA else spec
            raise MinidiffError(
                f"{options.config}: {name} is {getattr(network, name)}, and that of {owner} is {getattr(usual, name)}; "
                "change one of them"
            )
    source = fine_tuning.record(spec, weights, dataset.class_names) if weights else None
    return NewRun(data_options, dataset, held_out, network, training, source)
