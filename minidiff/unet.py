"""The network: a U-Net that predicts the target from a noisy image.

Each `level` is a resolution. On the way down the image is halved and gets more channels, so that a 3x3 convolution
covers more of the image. On the way up it is doubled again, and a skip connection joins each level with the activation
of the same size from the way down, which keeps fine detail. Every level has residual blocks; the coarsest levels also
have self-attention.

    z (N, H, W, C), log_sigma (N,), labels (N,)  ->  prediction (N, H, W, C)

`backward` calls the layers of `forward` in reverse order.

Read more: `tutorials/07_unet.ipynb`; Ronneberger, Fischer, Brox, "U-Net", 2015; Ho, Jain, Abbeel, "Denoising Diffusion
Probabilistic Models", 2020, appendix B.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from minidiff.errors import MinidiffError
from minidiff.layers import (
    Conv2d,
    Downsample,
    GroupNorm,
    Layer,
    ResidualBlock,
    SelfAttention,
    TimeEmbedding,
    UpsampleAndJoin,
    create_parameters,
)
from minidiff.parameters import Parameters
from minidiff.unet_config import UNetConfig, check_config

__all__ = ["UNet", "UNetConfig"]


class UNet:
    """The layers of a U-Net, with its forward and backward pass; it holds no parameters.

    Args:
        config: the hyperparameters.

    Raises:
        MinidiffError: the hyperparameters do not fit each other.
    """

    def __init__(self, config: UNetConfig) -> None:
        self.config = config
        check_config(config)
        channels, levels = config.channels, range(len(config.channels))
        time, groups = config.time_channels, config.num_groups

        def block(name: str, in_channels: int, out_channels: int) -> ResidualBlock:
            return ResidualBlock(name, in_channels, out_channels, time, groups, config.film)

        def attention(name: str, level: int) -> SelfAttention | None:
            if level < len(channels) - config.attention_levels:
                return None
            return SelfAttention(name, channels[level], config.head_channels, groups)

        self.time = TimeEmbedding("time", time, config.num_classes)
        self.conv_in = Conv2d("conv_in", config.image_channels, channels[0])
        self.down_blocks = [
            [block(f"down{i}.block{j}", channels[i], channels[i]) for j in range(config.blocks_per_level)]
            for i in levels
        ]
        self.down_attention = [attention(f"down{i}.attention", i) for i in levels[:-1]]
        self.downsample = [Downsample(f"down{i}.downsample", channels[i], channels[i + 1]) for i in levels[:-1]]
        self.middle1 = block("middle.block1", channels[-1], channels[-1])
        self.middle_attention = attention("middle.attention", levels[-1])
        self.middle2 = block("middle.block2", channels[-1], channels[-1])
        self.upsample = [UpsampleAndJoin(f"up{i}.upsample", channels[i + 1], channels[i]) for i in levels[:-1]]
        self.up_blocks = [
            [
                block(f"up{i}.block{j}", channels[i] * (1 if j else 2), channels[i])
                for j in range(config.blocks_per_level)
            ]
            for i in levels[:-1]
        ]
        self.up_attention = [attention(f"up{i}.attention", i) for i in levels[:-1]]
        self.norm_out = GroupNorm("norm_out", channels[0], groups)
        self.conv_out = Conv2d("conv_out", channels[0], config.image_channels, zero=True)

    def __repr__(self) -> str:
        return f"UNet({self.config})"

    def forward(
        self, p: Parameters, z: np.ndarray, log_sigma: np.ndarray, labels: np.ndarray | None = None, keep: bool = True,
    ) -> tuple[np.ndarray, list]:  # fmt: skip
        """Predicts the target for noisy images.

        Args:
            p: the parameters.
            z: noisy images (N, H, W, C), scaled so that signal^2 + noise^2 = 1.
            log_sigma: ln(noise / signal) of each image, (N,).
            labels: class of each image, int (N,), or None for the null class.
            keep: whether to keep the caches; without them, the memory of a layer is reused by the next layers.

        Returns:
            prediction (N, H, W, C), and the caches for `backward`.

        Raises:
            MinidiffError: arrays of other shapes, or a label out of range.
        """
        self._check_input(z, log_sigma, labels)
        caches, skips = [], []

        def run(layer: Layer, *inputs: np.ndarray | None) -> np.ndarray:
            y, cache = layer.forward(p, *inputs)
            if keep:
                caches.append(cache)
            return y

        time_vector = run(self.time, log_sigma, labels)  # (N, time_channels)
        h = run(self.conv_in, z)
        for level, blocks in enumerate(self.down_blocks):
            for block in blocks:
                h = run(block, h, time_vector)
            if level < len(self.downsample):
                if attention := self.down_attention[level]:
                    h = run(attention, h)
                skips.append(h)
                h = run(self.downsample[level], h)
        h = run(self.middle1, h, time_vector)
        if self.middle_attention:
            h = run(self.middle_attention, h)
        h = run(self.middle2, h, time_vector)
        for level in reversed(range(len(self.upsample))):
            h = run(self.upsample[level], h, skips.pop())
            for block in self.up_blocks[level]:
                h = run(block, h, time_vector)
            if attention := self.up_attention[level]:
                h = run(attention, h)
        h = run(self.norm_out, h)
        return run(self.conv_out, h), caches

    def backward(self, p: Parameters, g: Parameters, caches: list, dprediction: np.ndarray) -> np.ndarray:
        """Adds the gradient of the loss with respect to every parameter to g.

        Args:
            p: the parameters.
            g: accumulates the gradients.
            caches: from `forward`; emptied.
            dprediction: gradient of the loss with respect to the prediction, (N, H, W, C).

        Returns:
            dz, the gradient with respect to the noisy images, (N, H, W, C).
        """
        dskips = []
        dtime_vector: Any = 0

        def run_backward(layer: Layer, dy: np.ndarray) -> Any:
            return layer.backward(p, g, caches.pop(), dy)

        dh = run_backward(self.conv_out, dprediction)
        dh = run_backward(self.norm_out, dh)
        for level in range(len(self.upsample)):
            if attention := self.up_attention[level]:
                dh = run_backward(attention, dh)
            for block in reversed(self.up_blocks[level]):
                dh, dtime = run_backward(block, dh)
                dtime_vector = dtime_vector + dtime
            dh, dskip = run_backward(self.upsample[level], dh)
            dskips.append(dskip)
        dh, dtime = run_backward(self.middle2, dh)
        dtime_vector = dtime_vector + dtime
        if self.middle_attention:
            dh = run_backward(self.middle_attention, dh)
        dh, dtime = run_backward(self.middle1, dh)
        dtime_vector = dtime_vector + dtime
        for level, blocks in reversed(list(enumerate(self.down_blocks))):
            if level < len(self.downsample):
                dh = run_backward(self.downsample[level], dh)
                dh += dskips.pop()
                if attention := self.down_attention[level]:
                    dh = run_backward(attention, dh)
            for block in reversed(blocks):
                dh, dtime = run_backward(block, dh)
                dtime_vector = dtime_vector + dtime
        dz = run_backward(self.conv_in, dh)
        run_backward(self.time, dtime_vector)
        return dz

    @property
    def children(self) -> list[Layer]:
        """Every layer of the network, in the order of `forward`."""
        order: list[Layer | None] = [self.time, self.conv_in]
        for level, blocks in enumerate(self.down_blocks):
            order += blocks
            if level < len(self.downsample):
                order += [self.down_attention[level], self.downsample[level]]
        order += [self.middle1, self.middle_attention, self.middle2]
        for level in reversed(range(len(self.upsample))):
            order += [self.upsample[level], *self.up_blocks[level], self.up_attention[level]]
        order += [self.norm_out, self.conv_out]
        return [layer for layer in order if layer is not None]

    def summary(self) -> list[str]:
        """A table of the layers, as lines of text: output shape for one image, parameters and operations."""
        shape: tuple[int, ...] = (1, *self.config.example_shape)
        lines = [f"{'layer':22} {'output (H, W, C)':>20} {'parameters':>12} {'MFLOP':>10}"]
        total_parameters = total_flops = 0
        for layer in self.children:
            output, flops = layer.cost(shape)
            shape = shape if layer is self.time else output
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
