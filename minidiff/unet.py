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

The drawing has three levels; the default network for 64 x 64 has four. They are in `unet_levels.py`: each has residual
blocks, and the coarsest have attention. With `entry_levels` of 2 or more, an image with much noise is halved
(`pyramid.py`). Then level 0 is not used: the image enters level 1 by the convolution conv_in1, and the prediction
leaves after UpLevel 1 by conv_out1, at half the size.

`forward` appends the caches of all layers to a list, and `backward` takes them off its end.

Read more: `tutorials/07_unet.ipynb`; Ronneberger, Fischer, Brox, "U-Net", 2015; Ho, Jain, Abbeel, "Denoising Diffusion
Probabilistic Models", 2020, appendix B.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from minidiff.errors import MinidiffError
from minidiff.kernels.sets import Kernels, create_kernels
from minidiff.layers import Module, TimeEmbedding, create_parameters
from minidiff.parameters import Parameters
from minidiff.unet_config import UNetConfig, check_config
from minidiff.unet_levels import DownLevel, Exit, Level, Middle, UpLevel, create_entry, push

__all__ = ["DownLevel", "Middle", "UNet", "UNetConfig", "UpLevel"]


class UNet:
    """The levels of a U-Net, with its forward and backward pass; it holds no parameters.

    Args:
        config: the hyperparameters.
        kernels: the functions that do the layers' arithmetic (`kernels/sets.py`); default: "fast".

    Attributes:
        children: all layers and levels, in the order of `forward`; an image passes one entry and one exit.

    Raises:
        MinidiffError: the hyperparameters do not fit each other.
    """

    def __init__(self, config: UNetConfig, kernels: Kernels | None = None) -> None:
        check_config(config)
        self.config, self.kernels = config, kernels or create_kernels()
        levels = range(len(config.channels) - 1)
        self.time = TimeEmbedding("time", config.time_channels, config.num_classes, self.kernels)
        self.entries = [create_entry(i, config, self.kernels) for i in range(config.entry_levels)]
        self.down = [DownLevel(config, i, self.kernels) for i in levels]
        self.middle = Middle(config, self.kernels)
        self.up = [UpLevel(config, i, self.kernels) for i in reversed(levels)]
        self.exits = [Exit(i, config, self.kernels) for i in range(config.entry_levels)]
        self.children: list[Module] = [
            self.time, *reversed(self.entries), *self.down, self.middle, *self.up, *self.exits
        ]  # fmt: skip

    def __repr__(self) -> str:
        return f"UNet({self.config})"

    def forward(
        self, p: Parameters, z_in: np.ndarray, log_sigma: np.ndarray, labels: np.ndarray | None = None,
        keep: bool = True,
    ) -> tuple[np.ndarray, list]:  # fmt: skip
        """Predicts the target for noised images.

        Args:
            p: the parameters.
            z_in: the input, noised images z times `Schedule.input_scale_at`, (N, H, W, C). With `entry_levels` of 2, H
                and W may be half of those of the configuration, and so on.
            log_sigma: ln(noise / signal) of each image at full size, (N,).
            labels: class of each image, int (N,), or None for the null class, which means no label.
            keep: False for sampling: there are no caches, and layers reuse each other's memory.

        Returns:
            prediction (N, H, W, C), and the caches for `backward`.

        Raises:
            MinidiffError: arrays of other shapes, or a label out of range.
        """
        self._check_input(z_in, log_sigma, labels)
        z_in = z_in.astype(p.vector.dtype, copy=False)  # kernels need one dtype; z_in may come from float64 arithmetic
        caches: list | None = [] if keep else None
        skips = []
        time_vector = push(caches, self.time.forward(p, log_sigma, labels))  # (N, time_channels)
        level = self._entry_level(z_in)
        h = push(caches, self.entries[level].forward(p, z_in))
        for down in self.down[level:]:
            h, skip = down.forward(p, h, time_vector, caches)
            skips.append(skip)
        h = self.middle.forward(p, h, time_vector, caches)
        for up in self.up[: len(self.up) - level]:
            h = up.forward(p, h, skips.pop(), time_vector, caches)
        return self.exits[level].forward(p, h, caches), caches or []

    def backward(self, p: Parameters, g: Parameters, caches: list, dprediction: np.ndarray) -> np.ndarray:
        """Adds the gradient of the loss with respect to every parameter to g.

        Args:
            p: the parameters.
            g: accumulates the gradients.
            caches: from `forward`; emptied.
            dprediction: gradient of the loss with respect to the prediction, (N, H, W, C).

        Returns:
            dz_in, the gradient with respect to z_in, (N, H, W, C); training does not need it.
        """
        dskips = []
        dtime_vector: Any = 0  # every block adds its part
        level = self._entry_level(dprediction)
        dh = self.exits[level].backward(p, g, caches, dprediction)
        for up in reversed(self.up[: len(self.up) - level]):
            dh, dskip, dtime_vector = up.backward(p, g, caches, dh, dtime_vector)
            dskips.append(dskip)
        dh, dtime_vector = self.middle.backward(p, g, caches, dh, dtime_vector)
        for down in reversed(self.down[level:]):
            dh, dtime_vector = down.backward(p, g, caches, dh, dskips.pop(), dtime_vector)
        dz_in = self.entries[level].backward(p, g, caches.pop(), dh)
        self.time.backward(p, g, caches.pop(), dtime_vector)
        return dz_in

    def _entry_level(self, z_in: np.ndarray) -> int:
        """The level whose activations have the size of z_in."""
        return (self.config.height // z_in.shape[1]).bit_length() - 1

    def summary(self) -> list[str]:
        """A table of the layers, as lines of text: output shape for one image, parameters and operations."""
        shape: tuple[int, ...] = (1, *self.config.example_shape)
        H, W, C = self.config.example_shape
        enters_with = {self.entries[i].name: (1, H >> i, W >> i, C) for i in range(self.config.entry_levels)}
        enters_with |= {
            leave.norm.name: (1, H >> i, W >> i, self.config.channels[i]) for i, leave in enumerate(self.exits)
        }
        lines = [f"{'layer':22} {'output (H, W, C)':>20} {'parameters':>12} {'MFLOP':>10}"]
        total_parameters = total_flops = 0
        for child in self.children:
            for layer in child.children if isinstance(child, Level) else [child]:
                output, flops = layer.cost(enters_with.get(layer.name, shape))
                shape = shape if layer is self.time else output  # the time vector is no input of the next layer
                count = sum(math.prod(parameter) for parameter in layer.shapes().values())
                total_parameters += count
                total_flops += 0 if child in self.entries[1:] or child in self.exits[1:] else flops
                size = " x ".join(map(str, output[1:]))
                lines.append(f"{layer.name:22} {size:>20} {count:12,} {flops / 1e6:10.1f}")
        lines.append(f"{'all, for one image':22} {'':>20} {total_parameters:12,} {total_flops / 1e6:10.1f}")
        for level in range(1, self.config.entry_levels):
            at_least = f"An image with sigma of {2 ** (level - 1)} or more"
            lines.append(f"{at_least} enters at conv_in{level} and leaves at conv_out{level}.")
        return lines

    def create_parameters(self, seed: int = 0, dtype: DTypeLike = np.float32) -> Parameters:
        """Creates the parameters, with their initial values; dtype is float32, or float64 for gradient checks."""
        return create_parameters(self.children, seed, dtype)

    def _check_input(self, z_in: np.ndarray, log_sigma: np.ndarray, labels: np.ndarray | None) -> None:
        height, width, image_channels = self.config.example_shape
        shapes = [(height >> i, width >> i, image_channels) for i in range(self.config.entry_levels)]
        if np.shape(z_in)[1:] not in shapes:
            expected = " or ".join(f"(N, {', '.join(map(str, shape))})" for shape in shapes)
            raise MinidiffError(f"the network takes images of shape {expected}, not {np.shape(z_in)}")
        for name, values in (("log_sigma", log_sigma), ("labels", labels)):
            if values is not None and np.shape(values) != (len(z_in),):
                shape = f"({len(z_in)},), one value per image"
                raise MinidiffError(f"{name} must have shape {shape}, not {np.shape(values)}")
