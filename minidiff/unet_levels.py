"""The levels of a U-Net: down, middle and up, and the exits at which predictions leave.

A level is a resolution. Each downsampling halves height and width, so that a 3x3 convolution covers a larger part of
the image, and increases the number of channels. Each upsampling doubles height and width again and concatenates the
activation of the same size from the way down (skip connection), which preserves fine detail. Every level has residual
blocks; the coarsest levels also have self-attention. The time vector, computed from noise level and label, conditions
every block.

Each class lists its layers once, in the order of `forward`; `backward` calls them in reverse order. The cache of a
layer is what its backward pass needs from its forward pass. `forward` appends the caches to a list, and `backward`
takes them off its end, so that a cache is freed after its last use.

Read more: `minidiff/unet.py`, which puts the levels together; `tutorials/07_unet.ipynb`.
"""

from typing import Any

import numpy as np

from minidiff.kernels.sets import Kernels
from minidiff.layers import Conv2d, Downsample, GroupNorm, Module, ResidualBlock, SelfAttention, UpsampleAndJoin
from minidiff.parameters import Parameters
from minidiff.unet_config import UNetConfig


class Level(Module):
    """The layers at one resolution. They run one after the other, in the order of `children`.

    In `forward` and `backward`, p holds the parameters, g accumulates their gradients, h is the activation.
    """


class DownLevel(Level):
    """Residual blocks, attention, then half the size; the skip connection starts before the downsampling.

    Args:
        config: hyperparameters of the network.
        i: number of the level, 0 for the finest.
        kernels: the set of kernels.
    """

    def __init__(self, config: UNetConfig, i: int, kernels: Kernels) -> None:
        this, coarser = config.channels[i], config.channels[i + 1]
        self.name = f"down{i}"
        self.blocks = [
            create_block(f"{self.name}.block{j}", this, this, config, kernels) for j in range(config.blocks_per_level)
        ]
        self.attention = create_attention(f"{self.name}.attention", i, config, kernels)  # a list of one layer, or none
        self.downsample = Downsample(f"{self.name}.downsample", this, coarser, kernels)
        self.children = [*self.blocks, *self.attention, self.downsample]

    def forward(
        self, p: Parameters, h: np.ndarray, time_vector: np.ndarray, caches: list | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns the input of the next level (N, H/2, W/2, K) and the skip connection (N, H, W, C)."""
        for block in self.blocks:
            h = push(caches, block.forward(p, h, time_vector))
        for attention in self.attention:
            h = push(caches, attention.forward(p, h))
        return push(caches, self.downsample.forward(p, h)), h

    def backward(
        self, p: Parameters, g: Parameters, caches: list, dh: np.ndarray, dskip: np.ndarray, dtime_vector: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns the gradient with respect to the input, and dtime_vector with this level's part added."""
        dh = self.downsample.backward(p, g, caches.pop(), dh)
        dh += dskip  # h went two ways, so its gradient is the sum
        for attention in self.attention:
            dh = attention.backward(p, g, caches.pop(), dh)
        for block in reversed(self.blocks):
            dh, dtime = block.backward(p, g, caches.pop(), dh)
            dtime_vector = dtime_vector + dtime  # every block read the same time vector
        return dh, dtime_vector


class Middle(Level):
    """The coarsest level: the residual blocks of a level and one more, attention if this level has it, a last block.

    Args:
        config: hyperparameters of the network.
        kernels: the set of kernels.
    """

    def __init__(self, config: UNetConfig, kernels: Kernels) -> None:
        last, C = len(config.channels) - 1, config.channels[-1]
        self.name = "middle"
        self.blocks = [  # the first ones follow the last downsampling, and are named like those of a level
            *(create_block(f"down{last}.block{j}", C, C, config, kernels) for j in range(config.blocks_per_level)),
            create_block("middle.block1", C, C, config, kernels),
        ]
        self.attention = create_attention("middle.attention", last, config, kernels)
        self.block2 = create_block("middle.block2", C, C, config, kernels)
        self.children = [*self.blocks, *self.attention, self.block2]

    def forward(self, p: Parameters, h: np.ndarray, time_vector: np.ndarray, caches: list | None) -> np.ndarray:
        """Returns an activation of the shape of h."""
        for block in self.blocks:
            h = push(caches, block.forward(p, h, time_vector))
        for attention in self.attention:
            h = push(caches, attention.forward(p, h))
        return push(caches, self.block2.forward(p, h, time_vector))

    def backward(
        self, p: Parameters, g: Parameters, caches: list, dh: np.ndarray, dtime_vector: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns the gradient with respect to the input, and dtime_vector with this level's part added."""
        dh, dtime = self.block2.backward(p, g, caches.pop(), dh)
        dtime_vector = dtime_vector + dtime
        for attention in self.attention:
            dh = attention.backward(p, g, caches.pop(), dh)
        for block in reversed(self.blocks):
            dh, dtime = block.backward(p, g, caches.pop(), dh)
            dtime_vector = dtime_vector + dtime
        return dh, dtime_vector


class UpLevel(Level):
    """Twice the size, joined with the skip connection; then residual blocks and attention.

    Args:
        config: hyperparameters of the network.
        i: number of the level, 0 for the finest.
        kernels: the set of kernels.
    """

    def __init__(self, config: UNetConfig, i: int, kernels: Kernels) -> None:
        this, coarser = config.channels[i], config.channels[i + 1]
        self.name = f"up{i}"
        self.upsample = UpsampleAndJoin(f"{self.name}.upsample", coarser, this, kernels)
        self.blocks = [
            create_block(f"{self.name}.block{j}", this if j else 2 * this, this, config, kernels)  # 2: with the skip
            for j in range(config.blocks_per_level)
        ]
        self.attention = create_attention(f"{self.name}.attention", i, config, kernels)
        self.children = [self.upsample, *self.blocks, *self.attention]

    def forward(
        self, p: Parameters, h: np.ndarray, skip: np.ndarray, time_vector: np.ndarray, caches: list | None
    ) -> np.ndarray:
        """Returns (N, 2H, 2W, K), for h (N, H, W, C) and the skip connection (N, 2H, 2W, K)."""
        h = push(caches, self.upsample.forward(p, h, skip))
        for block in self.blocks:
            h = push(caches, block.forward(p, h, time_vector))
        for attention in self.attention:
            h = push(caches, attention.forward(p, h))
        return h

    def backward(
        self, p: Parameters, g: Parameters, caches: list, dh: np.ndarray, dtime_vector: Any
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns the gradients with respect to h and skip, and dtime_vector with this level's part added."""
        for attention in self.attention:
            dh = attention.backward(p, g, caches.pop(), dh)
        for block in reversed(self.blocks):
            dh, dtime = block.backward(p, g, caches.pop(), dh)
            dtime_vector = dtime_vector + dtime
        dh, dskip = self.upsample.backward(p, g, caches.pop(), dh)
        return dh, dskip, dtime_vector


class Exit(Level):
    """From the activation of a level to the prediction.

    Args:
        i: number of the level, 0 for the finest.
        config: hyperparameters of the network.
        kernels: the set of kernels.
    """

    def __init__(self, i: int, config: UNetConfig, kernels: Kernels) -> None:
        self.name, C = f"out{i or ''}", config.channels[i]
        self.norm = GroupNorm(f"norm_{self.name}", C, config.num_groups, kernels=kernels)
        self.conv = Conv2d(f"conv_{self.name}", C, config.image_channels, zero=True, kernels=kernels)
        self.children = [self.norm, self.conv]

    def forward(self, p: Parameters, h: np.ndarray, caches: list | None) -> np.ndarray:
        """Returns the prediction (N, H, W, image_channels) for h (N, H, W, C)."""
        h = push(caches, self.norm.forward(p, h))
        return push(caches, self.conv.forward(p, h))

    def backward(self, p: Parameters, g: Parameters, caches: list, dprediction: np.ndarray) -> np.ndarray:
        """Returns dh, of the shape of h."""
        dh = self.conv.backward(p, g, caches.pop(), dprediction)
        return self.norm.backward(p, g, caches.pop(), dh)


def create_entry(i: int, config: UNetConfig, kernels: Kernels) -> Conv2d:
    """The convolution that maps an image to the activation of level i."""
    return Conv2d(f"conv_in{i or ''}", config.image_channels, config.channels[i], kernels=kernels)


def create_block(name: str, in_channels: int, out_channels: int, config: UNetConfig, kernels: Kernels) -> ResidualBlock:
    """A residual block of a configuration."""
    return ResidualBlock(
        name, in_channels, out_channels, config.time_channels, config.num_groups, config.film, kernels
    )  # fmt: skip


def create_attention(name: str, level: int, config: UNetConfig, kernels: Kernels) -> list[SelfAttention]:
    """The attention of a level, in a list that is empty for the finer levels, which have none."""
    if level < len(config.channels) - config.attention_levels:
        return []
    return [SelfAttention(name, config.channels[level], config.head_channels, config.num_groups, kernels)]


def push(caches: list | None, result: tuple[np.ndarray, Any]) -> np.ndarray:
    """The output of a layer's `forward`; its cache is appended to `caches`, unless nothing is kept (None)."""
    y, cache = result
    if caches is not None:
        caches.append(cache)
    return y
