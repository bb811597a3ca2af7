"""The smallest network, data and training that still have every part: what the tests of whole runs are made of."""

import numpy as np

from minidiff.data import Dataset
from minidiff.training import Trainer, TrainingConfig
from minidiff.unet import UNet, UNetConfig

SIDE = 8


def dataset(count=12, channels=3, num_classes=3, seed=0):
    """Random pictures of 8 x 8, no two alike and none symmetric, with labels 0, 1, 2, 0, ..."""
    images = np.random.default_rng(seed).integers(0, 256, (count, SIDE, SIDE, channels), np.uint8)
    if not num_classes:
        return Dataset(images, name="tiny")
    return Dataset(images, np.arange(count) % num_classes, tuple("abcdef"[:num_classes]), name="tiny")


def network(image_channels=3, num_classes=3):
    """Two levels, attention on the coarser one, about 9,000 parameters."""
    config = UNetConfig(
        SIDE, SIDE, image_channels, channels=(8, 16), blocks_per_level=1, attention_levels=1, time_channels=8,
        num_groups=4, head_channels=8, num_classes=num_classes,
    )  # fmt: skip
    return UNet(config)


def trainer(workers, data=None, kind=Trainer, **options):
    """A trainer for the tiny data; options go to its `TrainingConfig`."""
    data = dataset() if data is None else data
    net = network(data.channels, data.num_classes)
    config = TrainingConfig(**{"epochs": 2, "batch_size": 4, "warmup_steps": 2, "T": 50} | options)
    return kind(net, net.create_parameters(0), data, config, workers)
