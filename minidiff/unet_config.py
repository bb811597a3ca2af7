"""The hyperparameters of a U-Net, their defaults for images of a given size, and the check that they fit each other.

Read more: `minidiff/unet.py`, `tutorials/07_unet.ipynb`.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

from minidiff.errors import MinidiffError
from minidiff.fields import Range, check_fields

SMALLEST_ENTRY = 32  # pixels; the smallest image that enters the default network, however strong the noise
SIDE, WIDTH = Range(1, 4096), Range(1, 4096)  # of images in pixels, of layers in channels
RANGES = {
    "height": SIDE,
    "width": SIDE,
    "channels": WIDTH,
    "blocks_per_level": Range(1, 64),
    "time_channels": WIDTH,
    "num_groups": WIDTH,
    "head_channels": WIDTH,
    "num_classes": Range(0, 1_000_000),
}


@dataclass(frozen=True)
class UNetConfig:
    """The hyperparameters of a U-Net.

    Args:
        height, width: H and W of the images, both divisible by 2 ** (len(channels) - 1).
        image_channels: 1 (gray) or 3 (color).
        channels: of each level, from the finest to the coarsest.
        blocks_per_level: number of residual blocks at each level, both on the way down and on the way up.
        attention_levels: how many levels have attention, counted from the coarsest.
        time_channels: length of the time vector, which conditions each block on the noise level and the label.
        num_groups: of the channels in every normalization; divides all `channels`.
        head_channels: channels of an attention head.
        num_classes: 0 for a network without labels.
        film: whether the time vector scales and shifts the activations of each block, or only shifts them.
        entry_levels: number of levels at which images can enter and predictions leave, see `entry_level`; 1 for the
            finest level only.

    Raises:
        MinidiffError: a value of the wrong type or out of range.
    """

    height: int = 64
    width: int = 64
    image_channels: int = 3
    channels: tuple[int, ...] = (32, 64, 128, 128)
    blocks_per_level: int = 2
    attention_levels: int = 2
    time_channels: int = 128
    num_groups: int = 8
    head_channels: int = 32
    num_classes: int = 0
    film: bool = True
    entry_levels: int = 1

    def __post_init__(self) -> None:
        check_fields(self, RANGES)

    @staticmethod
    def for_images(
        height: int, width: int, image_channels: int, num_classes: int = 0, channels: tuple[int, ...] | None = None,
    ) -> "UNetConfig":  # fmt: skip
        """The default network for an image size: up to four levels, down to 8 pixels, and attention from 16 pixels on.

        A head has 32 channels, or the largest power of two that divides the channels of all levels with attention.

        Args:
            height, width, image_channels: of the images.
            num_classes: 0 for a network without labels.
            channels: of each level; default: chosen by size.
        """
        side = min(height, width)
        if channels is None:
            channels = (32, 64, 128, 128)[: 4 if side >= 64 else 3 if side >= 32 else 2 if side >= 16 else 1]
        sizes = [side // 2**level for level in range(len(channels))]
        attention_levels = sum(max(height, width) // 2**level <= 16 for level in range(len(channels)))
        return UNetConfig(
            height=height,
            width=width,
            image_channels=image_channels,
            channels=channels,
            attention_levels=attention_levels,
            head_channels=math.gcd(32, *channels[len(channels) - attention_levels :]),
            num_classes=num_classes,
            entry_levels=max(1, sum(size >= SMALLEST_ENTRY for size in sizes)),
        )

    def entry_level(self, log_sigma: float) -> int:
        """The level at which an image with this noise level ln(noise / signal) enters the network.

        From sigma = 1 on, the image enters at level 1, with half the size; from sigma = 2 on at level 2, and so on, but
        at most at level entry_levels - 1. See `pyramid.py`.
        """
        return int(min(max(0, 1 + log_sigma // math.log(2)), self.entry_levels - 1))

    @property
    def example_shape(self) -> tuple[int, int, int]:
        """The shape of one image: (H, W, C)."""
        return self.height, self.width, self.image_channels

    def as_dict(self) -> dict[str, Any]:
        """The configuration in plain types, for JSON."""
        return asdict(self) | {"channels": list(self.channels)}

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "UNetConfig":
        """The inverse of `as_dict`."""
        return UNetConfig(**values)


def check_config(config: UNetConfig) -> None:
    """Checks that the hyperparameters, each of which is valid, fit each other.

    Raises:
        MinidiffError: a size that cannot be halved often enough, or another invalid value.
    """
    if not config.channels:
        raise MinidiffError("channels must have at least one level")
    divisor = 2 ** (len(config.channels) - 1)
    for side, length in (("height", config.height), ("width", config.width)):
        if length < divisor or length % divisor:
            below, above = length // divisor * divisor, (length // divisor + 1) * divisor
            raise MinidiffError(
                f"{side} {length} cannot be halved {len(config.channels) - 1} times; "
                f"choose {f'{below} or ' if below else ''}{above}"
            )
    if config.image_channels not in (1, 3):
        raise MinidiffError(f"images must have 1 or 3 channels, not {config.image_channels}")
    if not 1 <= config.entry_levels <= len(config.channels):
        raise MinidiffError(f"entry_levels must be 1 to {len(config.channels)}, not {config.entry_levels}")
    if not 0 <= config.attention_levels <= len(config.channels):
        raise MinidiffError(f"attention_levels must be 0 to {len(config.channels)}, not {config.attention_levels}")
