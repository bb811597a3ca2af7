"""`minidiff summary`: the layers of a network, with their shapes, parameters and operations."""

from minidiff.errors import MinidiffError


def add_command(commands):
    """Adds `minidiff summary` to the commands of a parser."""
    parser = commands.add_parser("summary", help="the layers of a network: shapes, parameters, operations")
    parser.set_defaults(run_command=run)
    parser.add_argument("--size", type=int, default=64, help="height and width of the images (default: 64)")
    parser.add_argument("--gray", action="store_true", help="images of one channel instead of three")
    parser.add_argument("--classes", type=int, default=8, help="number of classes, 0 for none (default: 8)")
    parser.add_argument("--channels", metavar="32,64,...", help="channels of each level, finest first")


def run(options):
    """minidiff summary"""
    from minidiff.unet import UNet, UNetConfig

    image_channels = 1 if options.gray else 3
    config = UNetConfig.for_images(
        options.size, options.size, image_channels, options.classes, parse_channels(options.channels)
    )
    print("\n".join(UNet(config).summary()))


def parse_channels(text):
    """ "32,64,128" as (32, 64, 128); None stays None."""
    if text is None:
        return None
    try:
        return tuple(int(number) for number in text.split(","))
    except ValueError as error:
        raise MinidiffError(
            f"--channels takes whole numbers with commas between, such as 32,64,128, not {text!r}"
        ) from error
