"""The network: a U-Net that looks at a noisy image and says what is noise in it.

On the way down the image gets smaller and its channels more, so that a 3x3 convolution sees more and more of it; on
the way up it gets its size back, and at each level it is joined with what was there on the way down, so that no edge
is lost. Each `level` is a size; every level has the same layers: residual blocks, and attention where the image is
small enough for every pixel to look at every other.

    z (N, H, W, C), log_sigma (N,), labels (N,)  ->  prediction (N, H, W, C)

`backward` is `forward` read upwards: the last line of one is undone by the first line of the other.

Read more: `tutorials/07_unet.ipynb`; Ronneberger, Fischer, Brox, "U-Net", 2015; Ho, Jain, Abbeel, "Denoising Diffusion
Probabilistic Models", 2020, appendix B.
"""

import numpy as np

from minidiff.errors import MinidiffError
from minidiff.layers import Conv2d, Downsample, GroupNorm, ResidualBlock, SelfAttention, TimeEmbedding, UpsampleAndJoin
from minidiff.parameters import Parameters
from minidiff.unet_config import UNetConfig, check_config

__all__ = ["UNet", "UNetConfig", "leaves"]


class UNet:
    """The U-Net of a configuration: its layers, `forward` and `backward`. It holds no parameters itself.

    Args:
        config: a `UNetConfig`.

    Raises:
        MinidiffError: a size that cannot be halved often enough, or another number that does not fit.
    """

    def __init__(self, config):
        self.config = config
        check_config(config)
        channels, levels = config.channels, range(len(config.channels))
        time, groups = config.time_channels, config.num_groups

        def block(name, in_channels, out_channels):
            return ResidualBlock(name, in_channels, out_channels, time, groups, config.film)

        def attention(name, level):
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

    def forward(self, p, z, log_sigma, labels=None, keep=True):
        """The network's prediction for noisy images.

        Args:
            p: `Parameters`.
            z: noisy images (N, H, W, C), signal and noise scaled to unit power together.
            log_sigma: ln(noise / signal) of each, (N,).
            labels: class of each, (N,), or None for any class.
            keep: whether to keep the caches; without them, a layer's memory serves the next ones at once.

        Returns:
            prediction (N, H, W, C) and the caches for `backward`.

        Raises:
            MinidiffError: arrays of other shapes, or a label that is no class.
        """
        self._check_input(z, log_sigma, labels)
        caches, skips = [], []

        def run(layer, *inputs):
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
                if self.down_attention[level]:
                    h = run(self.down_attention[level], h)
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
            if self.up_attention[level]:
                h = run(self.up_attention[level], h)
        h = run(self.norm_out, h)
        return run(self.conv_out, h), caches

    def backward(self, p, g, caches, dprediction):
        """Adds the gradient of the loss by every parameter to g.

        Args:
            p: `Parameters`.
            g: `Parameters` that collect the gradient.
            caches: from `forward`; used up.
            dprediction: gradient of the loss by the prediction, (N, H, W, C).

        Returns:
            dz, the gradient by the noisy images, (N, H, W, C).
        """
        dskips = []
        dtime_vector = 0

        def undo(layer, dy):
            return layer.backward(p, g, caches.pop(), dy)

        dh = undo(self.conv_out, dprediction)
        dh = undo(self.norm_out, dh)
        for level in range(len(self.upsample)):
            if self.up_attention[level]:
                dh = undo(self.up_attention[level], dh)
            for block in reversed(self.up_blocks[level]):
                dh, dtime = undo(block, dh)
                dtime_vector = dtime_vector + dtime
            dh, dskip = undo(self.upsample[level], dh)
            dskips.append(dskip)
        dh, dtime = undo(self.middle2, dh)
        dtime_vector = dtime_vector + dtime
        if self.middle_attention:
            dh = undo(self.middle_attention, dh)
        dh, dtime = undo(self.middle1, dh)
        dtime_vector = dtime_vector + dtime
        for level, blocks in reversed(list(enumerate(self.down_blocks))):
            if level < len(self.downsample):
                dh = undo(self.downsample[level], dh)
                dh += dskips.pop()
                if self.down_attention[level]:
                    dh = undo(self.down_attention[level], dh)
            for block in reversed(blocks):
                dh, dtime = undo(block, dh)
                dtime_vector = dtime_vector + dtime
        dz = undo(self.conv_in, dh)
        undo(self.time, dtime_vector)
        return dz

    def children(self):
        """Every layer of the network in the order of `forward`."""
        order = [self.time, self.conv_in]
        for level, blocks in enumerate(self.down_blocks):
            order += blocks
            if level < len(self.downsample):
                order += [self.down_attention[level], self.downsample[level]]
        order += [self.middle1, self.middle_attention, self.middle2]
        for level in reversed(range(len(self.upsample))):
            order += [self.upsample[level], *self.up_blocks[level], self.up_attention[level]]
        order += [self.norm_out, self.conv_out]
        return [layer for layer in order if layer is not None]

    def summary(self):
        """The layers as a table: output shape for one image, parameters and operations.

        Returns:
            Lines of text.
        """
        config = self.config
        shape = (1, config.height, config.width, config.image_channels)
        lines = [f"{'layer':22} {'output (H, W, C)':>20} {'parameters':>12} {'MFLOP':>10}"]
        total_parameters = total_flops = 0
        for layer in self.children():
            output, flops = layer.cost(shape)
            shape = shape if layer is self.time else output
            count = sum(int(np.prod(s)) for leaf in leaves(layer) for s in leaf.shapes().values())
            total_parameters, total_flops = total_parameters + count, total_flops + flops
            size = " x ".join(str(number) for number in output[1:])
            lines.append(f"{layer.name:22} {size:>20} {count:12,} {flops / 1e6:10.1f}")
        lines.append(f"{'all, for one image':22} {'':>20} {total_parameters:12,} {total_flops / 1e6:10.1f}")
        return lines

    def create_parameters(self, seed=0, dtype=np.float32):
        """New parameters with their first values.

        Args:
            seed: of the random numbers.
            dtype: float32, or float64 for gradient checks.

        Returns:
            `Parameters`.
        """
        owners = [leaf for layer in self.children() for leaf in leaves(layer)]
        shapes = {}
        for owner in owners:
            shapes |= owner.shapes()
        p = Parameters(shapes, dtype)
        rng = np.random.default_rng(seed)
        for owner in owners:
            owner.initialize(p, rng)
        return p

    def _check_input(self, z, log_sigma, labels):
        image = (self.config.height, self.config.width, self.config.image_channels)
        if np.shape(z)[1:] != image:
            expected = ", ".join(str(number) for number in image)
            raise MinidiffError(f"the network takes images of shape (N, {expected}), not {np.shape(z)}")
        for name, values in (("log_sigma", log_sigma), ("labels", labels)):
            if values is not None and np.shape(values) != (len(z),):
                raise MinidiffError(f"{name} must hold one number for each of the {len(z)} images")


def leaves(layer):
    """The layers inside a layer that own parameters."""
    return [leaf for child in layer.children for leaf in leaves(child)] if hasattr(layer, "children") else [layer]
