"""`minidiff summary`: lists the layers of a network with their shapes, parameters and operations."""

import argparse

from minidiff.commands.options import SIZE, whole_numbers
from minidiff.data.readers.sizing import height_and_width
from minidiff.unet import UNet, UNetConfig


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `minidiff summary` to its parser."""
    size_help = "side, or HEIGHTxWIDTH, of the images in pixels (default: 64)"
    parser.add_argument("--size", **SIZE | {"default": 64, "help": size_help})
    parser.add_argument("--gray", action="store_true", help="images with one channel instead of three")
    parser.add_argument("--classes", type=int, default=8, help="number of classes, 0 for none (default: 8)")
    parser.add_argument(
        "--channels", metavar="32,64,...", help="channels of each level, finest first (default: depends on the size)"
    )


def run(options: argparse.Namespace) -> None:
    """Executes `minidiff summary`."""
    channels = None if options.channels is None else whole_numbers("--channels", options.channels)
    image_channels = 1 if options.gray else 3
    config = UNetConfig.for_images(*height_and_width(options.size), image_channels, options.classes, channels)
    print("\n".join(UNet(config).summary()))
