"""The numbers that define a U-Net, the usual ones for images of a size, and which ones do not go together.

Read more: `minidiff/unet.py`, `tutorials/07_unet.ipynb`.
"""

import math
from dataclasses import asdict, dataclass, replace

from minidiff.errors import MinidiffError


@dataclass(frozen=True)
class UNetConfig:
    """The numbers that define a U-Net.

    Args:
        height, width: H and W of the images, both divisible by 2 ** (len(channels) - 1).
        image_channels: 1 (gray) or 3 (color).
        channels: of each level, from the finest to the coarsest.
        blocks_per_level: residual blocks of each level, each way.
        attention_levels: how many of the coarsest levels have attention.
        time_channels: length of the time vector.
        num_groups: of every normalization; divides every number of channels.
        head_channels: of the attention.
        num_classes: 0 for a network without labels.
        film: whether the time vector scales and shifts the activations of each block, or only shifts them.
    """

    height: int = 64
    width: int = 64
    image_channels: int = 3
    channels: tuple = (32, 64, 128, 128)
    blocks_per_level: int = 2
    attention_levels: int = 2
    time_channels: int = 128
    num_groups: int = 8
    head_channels: int = 32
    num_classes: int = 0
    film: bool = True

    @staticmethod
    def for_images(height, width, image_channels, num_classes=0, channels=None):
        """The usual network for images of a size: levels down to 8 pixels, at most four, attention from 16 down.

        Attention has heads of 32 channels, or of the largest power of two that divides its levels.

        Args:
            height, width, image_channels: of the images.
            num_classes: 0 for a network without labels.
            channels: of each level, if it is not to be the usual.

        Returns:
            `UNetConfig`.
        """
        side = min(height, width)
        if channels is None:
            channels = (32, 64, 128, 128)[: 4 if side >= 64 else 3 if side >= 32 else 2 if side >= 16 else 1]
        attention_levels = sum(max(height, width) // 2**level <= 16 for level in range(len(channels)))
        head_channels = math.gcd(32, *channels[len(channels) - attention_levels :])
        return UNetConfig(
            height, width, image_channels, channels, attention_levels=attention_levels,
            head_channels=head_channels, num_classes=num_classes,
        )  # fmt: skip

    def lighter(self):
        """A network for less time: one residual block a level, and attention at the coarsest level only.

        With batches of 16 a training takes half the time; `tutorials/ablation.md` has what each of these changes costs.

        Returns:
            `UNetConfig`.
        """
        return replace(self, blocks_per_level=1, attention_levels=min(1, self.attention_levels))

    @property
    def example_shape(self):
        """The shape of one image: (H, W, C)."""
        return self.height, self.width, self.image_channels

    def as_dict(self):
        """The configuration as plain types, for JSON."""
        return asdict(self) | {"channels": list(self.channels)}

    @staticmethod
    def from_dict(values):
        """The inverse of `as_dict`."""
        return UNetConfig(**values | {"channels": tuple(values["channels"])})


def check_config(config):
    """Refuses a size that cannot be halved often enough, or another number that does not fit.

    Args:
        config: a `UNetConfig`.

    Raises:
        MinidiffError: naming the number.
    """
    at_least_one = ("blocks_per_level", "time_channels", "num_groups", "head_channels")
    numbers = {name: getattr(config, name) for name in at_least_one}
    numbers |= {f"channels[{i}]": number for i, number in enumerate(config.channels)}
    for name, number in numbers.items():
        if number < 1:
            raise MinidiffError(f"{name} must be at least 1, not {number}")
    if not config.channels:
        raise MinidiffError("channels must name at least one level")
    divisor = 2 ** (len(config.channels) - 1)
    for side, length in (("height", config.height), ("width", config.width)):
        if length < divisor or length % divisor:
            below, above = length // divisor * divisor, (length // divisor + 1) * divisor
            raise MinidiffError(
                f"{side} {length} cannot be halved {len(config.channels) - 1} times; "
                f"the next sizes that work are {f'{below} and ' if below else ''}{above}"
            )
    if config.image_channels not in (1, 3):
        raise MinidiffError(f"images have 1 or 3 channels, not {config.image_channels}")
    if config.num_classes < 0:
        raise MinidiffError(f"the number of classes must be 0 or more, not {config.num_classes}")
    if not isinstance(config.film, bool):
        raise MinidiffError(f"film must be true or false, not {config.film!r}")
    if not 0 <= config.attention_levels <= len(config.channels):
        raise MinidiffError(f"attention_levels must be 0 to {len(config.channels)}, not {config.attention_levels}")
