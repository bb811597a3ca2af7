"""Fine-tuning: training that starts from the parameters of a trained network, on other images of the same size.

The classes may be others. The class embedding (`layers/linear.py`) has a vector for each class, and one for the null
class, which stands for any class. A class with a name that the trained network knows keeps its vector. A new one starts
with the vector of the null class, so that at first it means any class.

config.json records the trained network as "from", see `record`. A run reads it until its first checkpoint.

Read more: `tutorials/models.md`.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minidiff.data import Dataset
from minidiff.errors import MinidiffError
from minidiff.layers import shapes_of
from minidiff.parameters import Parameters
from minidiff.runs.compatibility import FORWARD_PROCESS
from minidiff.runs.config import source_of
from minidiff.runs.folder import Run
from minidiff.runs.weights import PRETRAINED, Weights, load_weights
from minidiff.training_config import TrainingConfig
from minidiff.unet import UNet
from minidiff.unet_config import UNetConfig

logger = logging.getLogger(__name__)

EPOCHS = 10  # by default; half of those from scratch
TABLE, BIAS = "time.classes.table", "time.linear2.bias"


def check_source(spec: str, weights: Weights, dataset: Dataset, training: TrainingConfig) -> None:
    """Refuses data of another size than that of a trained network, and another target.

    Args:
        spec: of the network, for messages.
        weights: the trained network.
        dataset: to train on.
        training: the new configuration.
    """
    needed, found = (" x ".join(map(str, shape)) for shape in (weights.network.example_shape, dataset.example_shape))
    if needed != found:
        height, width, channels = weights.network.example_shape
        size = f"--size {height}" if height == width else f"--size {height}x{width}"
        remedy = f"give {size}" if channels == dataset.channels else "convert them to the same number of channels"
        raise MinidiffError(
            f"{spec} is a network for images of {needed}, and these are {found}; {remedy}, or train without --from"
        )
    if training.target != weights.training.target:
        raise MinidiffError(
            f"{spec} predicts the target {weights.training.target}, not {training.target}; leave --target out"
        )


def network_from(weights: Weights, num_classes: int) -> UNetConfig:
    """The configuration of a trained network, with another number of classes."""
    return UNetConfig.from_dict(weights.network.as_dict() | {"num_classes": num_classes})


def training_from(weights: Weights, usual: TrainingConfig, chosen: dict[str, Any]) -> TrainingConfig:
    """The default configuration for fine-tuning: the forward process of the trained network, and fewer epochs.

    Args:
        weights: the trained network.
        usual: the default configuration for the data.
        chosen: fields with other values.
    """
    process = {name: getattr(weights.training, name) for name in FORWARD_PROCESS}
    process["sigma_max"] = max(usual.sigma_max, weights.training.sigma_max)  # the images may be more different
    return TrainingConfig(**usual.as_dict() | process | {"epochs": EPOCHS} | chosen)


def record(spec: str, weights: Weights, class_names: Sequence[str]) -> dict[str, Any]:
    """The field "from" of config.json: which network the training starts from, and which classes are new."""
    new = [name for name in class_names if name not in weights.class_names]
    where = spec if spec.startswith(PRETRAINED) else str(Path(spec).resolve())
    return {"spec": where, "sha256": weights.hash(), "new_classes": new}


def initial_parameters(run: Run, network: UNet, class_names: Sequence[str], seed: int) -> Parameters:
    """The parameters at the start of a run: random, or those of the network that it is fine-tuned from.

    Args:
        run: with its configuration.
        network: of the run.
        class_names: of the run.
        seed: of random parameters.

    Raises:
        MinidiffError: the trained network is gone or has changed, or the run was imported and cannot be trained.
    """
    if run.config.get("imported"):
        raise MinidiffError(
            f"{run.path} was imported without the state of the optimizer; "
            "fine-tune it instead: minidiff train --from RUN --data SPEC --out NEW"
        )
    source = source_of(run.config)
    if source is None or run.steps():  # a checkpoint replaces all parameters
        return network.create_parameters(seed)
    weights = load_weights(source["spec"])
    if weights.hash() != source["sha256"]:
        raise MinidiffError(f"{source['spec']} has changed since {run.path} was started; start a new run")
    new = source["new_classes"]
    logger.info("   initial parameters: %s%s", source["spec"], f"; new classes: {', '.join(new)}" if new else "")
    if new and (known := [name for name in class_names if name not in new]):
        logger.info("   classes that it knows already: %s", ", ".join(known))
    return parameters_from(weights, network, class_names)


def parameters_from(weights: Weights, network: UNet, class_names: Sequence[str]) -> Parameters:
    """The parameters of a trained network for one that differs from it in its classes only.

    Without labels, both give the same output. If the new network has no classes, the vector of the null class is
    added to the bias in its place.
    """
    old, p = weights.parameters, Parameters(shapes_of(network.children))
    for name in p.shapes.keys() - {TABLE}:
        p[name] = old[name]
    rows = dict(zip(weights.class_names, old[TABLE], strict=False)) if TABLE in old.shapes else {}
    null = old[TABLE][-1] if TABLE in old.shapes else np.zeros_like(p[BIAS])
    if TABLE in p.shapes:
        p[TABLE] = np.stack([*(rows.get(name, null) for name in class_names), null])
    else:
        p[BIAS] += null
    return p
