"""The network: a U-Net that predicts the target (noise, image, velocity or flow; `schedule.py`) from a noised image.

             z                                                      prediction
             |                                                          ^
          conv_in                                                    conv_out
             |                                                          |
        DownLevel 0  ------------------- skip ------------------->  UpLevel 0        H x W
             |                                                          ^
        DownLevel 1  ------------------- skip ------------------->  UpLevel 1        H/2 x W/2
             |                                                          ^
             +------------------------>  Middle  -----------------------+            H/4 x W/4

A level is a resolution. On the way down the image is halved and gets more channels, so that a 3x3 convolution covers
more of the image. On the way up it is doubled again, and a skip connection joins each level with the activation of the
same size from the way down, which keeps fine detail. Every level has residual blocks; the coarsest levels also have
self-attention. The time vector, computed from noise level and label, conditions every block.

Each class lists its layers once, in the order of `forward`; `backward` calls them in reverse order. The cache of a
layer is what its backward pass needs from its forward pass. `forward` appends the caches to a list, and `backward`
takes them off its end, so that a cache is freed after its last use.

Read more: `tutorials/07_unet.ipynb`; Ronneberger, Fischer, Brox, "U-Net", 2015; Ho, Jain, Abbeel, "Denoising Diffusion
Probabilistic Models", 2020, appendix B.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from minidiff.errors import MinidiffError
from minidiff.kernels.sets import Kernels, create_kernels
from minidiff.layers import (
    Conv2d,
    Downsample,
    GroupNorm,
    Module,
    ResidualBlock,
    SelfAttention,
    TimeEmbedding,
    UpsampleAndJoin,
    create_parameters,
)
from minidiff.parameters import Parameters
from minidiff.unet_config import UNetConfig, check_config

__all__ = ["DownLevel", "Middle", "UNet", "UNetConfig", "UpLevel"]


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
        C, K = config.channels[i], config.channels[i + 1]  # of this level and of the next, coarser one
        self.name = f"down{i}"
        self.blocks = [
            create_block(f"{self.name}.block{j}", C, C, config, kernels) for j in range(config.blocks_per_level)
        ]
        self.attention = create_attention(f"{self.name}.attention", i, config, kernels)  # a list of one layer, or none
        self.downsample = Downsample(f"{self.name}.downsample", C, K, kernels)
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
    """The coarsest level: the residual blocks of a level, then block, attention, block.

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
        C, K = config.channels[i + 1], config.channels[i]  # of the next, coarser level and of this one
        self.name = f"up{i}"
        self.upsample = UpsampleAndJoin(f"{self.name}.upsample", C, K, kernels)
        self.blocks = [
            create_block(f"{self.name}.block{j}", K if j else 2 * K, K, config, kernels)  # 2K: joined with the skip
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


class UNet:
    """The levels of a U-Net, with its forward and backward pass; it holds no parameters.

    Args:
        config: the hyperparameters.
        kernels: the set of kernels; default: "fast".

    Attributes:
        children: layers and levels, in the order of `forward`.

    Raises:
        MinidiffError: the hyperparameters do not fit each other.
    """

    def __init__(self, config: UNetConfig, kernels: Kernels | None = None) -> None:
        check_config(config)
        self.config, self.kernels = config, kernels or create_kernels()
        C, levels = config.channels[0], range(len(config.channels) - 1)
        self.time = TimeEmbedding("time", config.time_channels, config.num_classes, self.kernels)
        self.conv_in = Conv2d("conv_in", config.image_channels, C, kernels=self.kernels)
        self.down = [DownLevel(config, i, self.kernels) for i in levels]
        self.middle = Middle(config, self.kernels)
        self.up = [UpLevel(config, i, self.kernels) for i in reversed(levels)]
        self.norm_out = GroupNorm("norm_out", C, config.num_groups, kernels=self.kernels)
        self.conv_out = Conv2d("conv_out", C, config.image_channels, zero=True, kernels=self.kernels)
        self.children: list[Module] = [
            self.time, self.conv_in, *self.down, self.middle, *self.up, self.norm_out, self.conv_out
        ]  # fmt: skip

    def __repr__(self) -> str:
        return f"UNet({self.config})"

    def forward(
        self, p: Parameters, z: np.ndarray, log_sigma: np.ndarray, labels: np.ndarray | None = None, keep: bool = True,
    ) -> tuple[np.ndarray, list]:  # fmt: skip
        """Predicts the target for noised images.

        Args:
            p: the parameters.
            z: noised images (N, H, W, C) times `Schedule.input_scale`, so that signal^2 + noise^2 = 1.
            log_sigma: ln(noise / signal) of each image, (N,).
            labels: class of each image, int (N,), or None for the null class, which means no label.
            keep: False for sampling: there are no caches, and layers reuse each other's memory.

        Returns:
            prediction (N, H, W, C), and the caches for `backward`.

        Raises:
            MinidiffError: arrays of other shapes, or a label out of range.
        """
        self._check_input(z, log_sigma, labels)
        z = z.astype(p.vector.dtype, copy=False)  # kernels need one dtype; z may come from float64 arithmetic
        caches: list | None = [] if keep else None
        skips = []
        time_vector = push(caches, self.time.forward(p, log_sigma, labels))  # (N, time_channels)
        h = push(caches, self.conv_in.forward(p, z))
        for down in self.down:
            h, skip = down.forward(p, h, time_vector, caches)
            skips.append(skip)
        h = self.middle.forward(p, h, time_vector, caches)
        for up in self.up:
            h = up.forward(p, h, skips.pop(), time_vector, caches)
        h = push(caches, self.norm_out.forward(p, h))
        return push(caches, self.conv_out.forward(p, h)), caches or []

    def backward(self, p: Parameters, g: Parameters, caches: list, dprediction: np.ndarray) -> np.ndarray:
        """Adds the gradient of the loss with respect to every parameter to g.

        Args:
            p: the parameters.
            g: accumulates the gradients.
            caches: from `forward`; emptied.
            dprediction: gradient of the loss with respect to the prediction, (N, H, W, C).

        Returns:
            dz, the gradient with respect to the noised images, (N, H, W, C); training does not need it.
        """
        dskips = []
        dtime_vector: Any = 0  # every block adds its part
        dh = self.conv_out.backward(p, g, caches.pop(), dprediction)
        dh = self.norm_out.backward(p, g, caches.pop(), dh)
        for up in reversed(self.up):
            dh, dskip, dtime_vector = up.backward(p, g, caches, dh, dtime_vector)
            dskips.append(dskip)
        dh, dtime_vector = self.middle.backward(p, g, caches, dh, dtime_vector)
        for down in reversed(self.down):
            dh, dtime_vector = down.backward(p, g, caches, dh, dskips.pop(), dtime_vector)
        dz = self.conv_in.backward(p, g, caches.pop(), dh)
        self.time.backward(p, g, caches.pop(), dtime_vector)
        return dz

    def summary(self) -> list[str]:
        """A table of the layers, as lines of text: output shape for one image, parameters and operations."""
        shape: tuple[int, ...] = (1, *self.config.example_shape)
        lines = [f"{'layer':22} {'output (H, W, C)':>20} {'parameters':>12} {'MFLOP':>10}"]
        total_parameters = total_flops = 0
        layers = [
            layer for child in self.children for layer in (child.children if isinstance(child, Level) else [child])
        ]
        for layer in layers:
            output, flops = layer.cost(shape)
            shape = shape if layer is self.time else output  # the time vector is no input of the next layer
            count = sum(math.prod(parameter) for parameter in layer.shapes().values())
            total_parameters, total_flops = total_parameters + count, total_flops + flops
            size = " x ".join(map(str, output[1:]))
            lines.append(f"{layer.name:22} {size:>20} {count:12,} {flops / 1e6:10.1f}")
        lines.append(f"{'all, for one image':22} {'':>20} {total_parameters:12,} {total_flops / 1e6:10.1f}")
        return lines

    def create_parameters(self, seed: int = 0, dtype: DTypeLike = np.float32) -> Parameters:
        """Creates the parameters, with their initial values; dtype is float32, or float64 for gradient checks."""
        return create_parameters(self.children, seed, dtype)

    def _check_input(self, z: np.ndarray, log_sigma: np.ndarray, labels: np.ndarray | None) -> None:
        if np.shape(z)[1:] != self.config.example_shape:
            expected = ", ".join(map(str, self.config.example_shape))
            raise MinidiffError(f"the network takes images of shape (N, {expected}), not {np.shape(z)}")
        for name, values in (("log_sigma", log_sigma), ("labels", labels)):
            if values is not None and np.shape(values) != (len(z),):
                raise MinidiffError(f"{name} must have shape ({len(z)},), one value per image, not {np.shape(values)}")


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
