"""`minidiff summary`: describes a run, or lists the layers of a network with shapes and operations.

minidiff summary RUN                        data, training, and the layers of its network
minidiff summary --size 32 --classes 10     the default network for these images
"""

import argparse

from minidiff.commands.options import SIZE, given, option_of, whole_numbers
from minidiff.data.readers.sizing import height_and_width
from minidiff.errors import MinidiffError
from minidiff.runs import Run
from minidiff.runs.config import source_of
from minidiff.text import clean
from minidiff.unet import UNet, UNetConfig

OF_A_NETWORK = ("size", "gray", "classes", "channels")  # options that do not go with RUN


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `minidiff summary` to its parser."""
    parser.add_argument("run", metavar="RUN", nargs="?", help="folder of a run (default: a network without a run)")
    group = parser.add_argument_group("a network without a run")
    group.add_argument("--size", **SIZE | {"help": "side, or HEIGHTxWIDTH, of the images in pixels (default: 64)"})
    gray_help = "images with one channel instead of three"
    group.add_argument("--gray", action="store_const", const=True, help=gray_help)
    group.add_argument("--classes", type=int, help="number of classes, 0 for none (default: 8)")
    group.add_argument(
        "--channels", metavar="32,64,...", help="channels of each level, finest first (default: depends on the size)"
    )


def run(options: argparse.Namespace) -> None:
    """Executes `minidiff summary`."""
    if options.run is not None:
        for name in given(options, OF_A_NETWORK):
            raise MinidiffError(f"{option_of(name)} does not go with a run, which has a network; leave it out")
        run = Run.open(options.run)
        config = run.read_config()[0]
        print("\n".join(describe(run)), end="\n\n")
    else:
        height, width = height_and_width(64 if options.size is None else options.size)
        classes = 8 if options.classes is None else options.classes
        channels = None if options.channels is None else whole_numbers("--channels", options.channels)
        config = UNetConfig.for_images(height, width, 1 if options.gray else 3, classes, channels)
    print("\n".join(UNet(config).summary()))


def describe(run: Run) -> list[str]:
    """The data and the training of a run, as lines of text."""
    config, (network, training, data_options) = run.config, run.read_config()
    names, history, source = config["class_names"], run.history(), source_of(config)
    height, width, channels = network.example_shape
    size = f"{height} x {width} x {channels}"
    images = "" if data_options.get("images") is None else f"{data_options['images']:,} images, "
    lines = [
        ("command", config["command"]),
        ("version", config["version"]),
        ("data", f"{config['name']}: {images}{size}, from {data_options['spec']}"),
        ("classes", f"{len(names)}: {', '.join(names)}" if names else "none"),
        ("training", f"{training.epochs} epochs, batch size {training.batch_size}, {training.optimizer}"),
        ("schedule", f"{training.schedule}, target {training.target}, T = {training.T}, seed {training.seed}"),
    ]
    if source:
        lines.append(("from", source["spec"]))
    if history:
        row = history[-1]
        validated = f", held-out loss {row['held_out_loss']:.4f}" if row.get("held_out_loss", 0) > 0 else ""
        so_far = f"epoch {row['epoch']} of {training.epochs}, {row['step']:,} optimizer steps, {row['seconds']:.0f} s"
        lines.append(("progress", f"{so_far}; loss {row['loss']:.4f}{validated}"))
    steps = run.steps()
    lines.append(("checkpoints", ", ".join(f"step {step:,}" for step in steps) or "none yet"))
    return [f"{name:12} {clean(text)}" for name, text in lines]
