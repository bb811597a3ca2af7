"""A minimal network, data set and training with all parts, for the tests of whole runs."""

import contextlib
import json
import logging

import numpy as np

from minidiff.data import Dataset
from minidiff.ranks import ALONE
from minidiff.runs.checkpoint import checksum
from minidiff.runs.folder import Run
from minidiff.runs.train import train_run
from minidiff.training import Trainer
from minidiff.training_config import TrainingConfig
from minidiff.unet import UNet, UNetConfig

SIDE = 8
TRAINING = TrainingConfig(epochs=3, batch_size=4, warmup_steps=2, T=50)  # nine steps with the twelve images below

CHECKPOINT_CONFIG = {  # the configuration in a checkpoint's facts, as far as it is checked when it is read
    "network": {}, "training": {"T": 50}, "data": {"images": 12, "fingerprint": "0123456789abcdef"}, "held_out": None,
}  # fmt: skip


def dataset(count=12, channels=3, num_classes=3, seed=0):
    """Random images of 8 x 8, all different and none symmetric, with labels 0, 1, 2, 0, ..."""
    images = np.random.default_rng(seed).integers(0, 256, (count, SIDE, SIDE, channels), np.uint8)
    if not num_classes:
        return Dataset(images, name="tiny")
    return Dataset(images, np.arange(count) % num_classes, tuple("abcdef"[:num_classes]), name="tiny")


def network(image_channels=3, num_classes=3, entry_levels=1):
    """Two levels, attention on the coarser one, about 9,000 parameters."""
    config = UNetConfig(
        SIDE, SIDE, image_channels, channels=(8, 16), blocks_per_level=1, attention_levels=1, time_channels=8,
        num_groups=4, head_channels=8, num_classes=num_classes, entry_levels=entry_levels,
    )  # fmt: skip
    return UNet(config)


def trainer(workers, data=None, kind=Trainer, entry_levels=1, ranks=ALONE, **options):
    """A trainer on the tiny data; `options` are those of `TrainingConfig`."""
    data = dataset() if data is None else data
    net = network(data.channels, data.num_classes, entry_levels)
    config = TrainingConfig(**{"epochs": 2, "batch_size": 4, "warmup_steps": 2, "T": 50} | options)
    more = {"ranks": ranks} if ranks.size > 1 else {}
    return kind(net, net.create_parameters(0), data, config, workers, **more)


def start(path, training=None, data=None):
    """A new run folder of the tiny network."""
    data = dataset() if data is None else data
    config = {
        "data": {"spec": "tiny", "size": SIDE, "images": len(data), "seed": 0},
        "class_names": list(data.class_names),
        "network": network(data.channels, data.num_classes).config.as_dict(),
        "training": (training or TRAINING).as_dict(),
    }
    return Run.create(path, config)


def change_facts(label, change):
    """Passes the facts of a checkpoint to `change`, which may edit them, and writes them with a matching checksum."""
    facts = json.loads(label.read_text())
    del facts["checksum"]
    change(facts)
    label.write_text(json.dumps(facts | {"checksum": checksum(facts)}))


@contextlib.contextmanager
def log(on_line=lambda line: None):
    """Collects the messages that minidiff logs, and passes each to `on_line`."""
    logger, handler, lines = logging.getLogger("minidiff"), logging.Handler(), []

    def emit(record):
        lines.append(record.getMessage())
        on_line(lines[-1])

    handler.emit = emit
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def train(run, workers, training=None, data=None, on_line=lambda line: None, **options):
    """Trains from the newest checkpoint of a run to the end; returns the `Trainer` and the logged lines."""
    data = dataset() if data is None else data
    net = network(data.channels, data.num_classes)
    with log(on_line) as lines:
        return train_run(run, net.config, data, training or TRAINING, workers, **options), lines


def outcome(run):
    """Everything that must not depend on interruptions: step, bytes of the state, and history without times."""
    checkpoint = run.find_checkpoint(network().create_parameters().size)
    times = {"seconds", "images_per_second"}
    rows = [{key: str(value) for key, value in row.items() if key not in times} for row in run.history()]
    return checkpoint.step, {name: array.tobytes() for name, array in checkpoint.arrays.items()}, rows
