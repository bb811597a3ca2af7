"""`minidiff train`: trains on any data that minidiff reads, or goes on with a run that was stopped."""

import argparse
from contextlib import ExitStack
from dataclasses import fields, replace

from minidiff.commands.data import READING_OPTIONS, add_reading_options, reading_options
from minidiff.commands.printing import memory_taken
from minidiff.commands.summary import parse_channels
from minidiff.errors import MinidiffError
from minidiff.loss_weights import LOSS_WEIGHTS
from minidiff.optim import OPTIMIZERS
from minidiff.schedule import CURVES, TARGETS, TIME_DISTRIBUTIONS
from minidiff.training_config import FAST_BATCH_SIZE, SAVE_MINUTES, TrainingConfig

CHOICES = {
    "schedule": list(CURVES),
    "target": list(TARGETS),
    "time_distribution": list(TIME_DISTRIBUTIONS),
    "loss_weight": list(LOSS_WEIGHTS),
    "optimizer": list(OPTIMIZERS),
}


def add_command(commands):
    """Adds `minidiff train` to the commands of a parser."""
    parser = commands.add_parser("train", help="train on your own data, or go on with a run")
    parser.set_defaults(run_command=run)
    parser.add_argument("--data", metavar="SPEC", help="cats, shapes, landscapes, or a path")
    parser.add_argument("--out", metavar="RUN", help="folder of the run")
    parser.add_argument("--resume", metavar="RUN", help="go on with a run that was stopped, instead of a new one")
    parser.add_argument(
        "--accept-changes", action="store_true", help="with --resume: go on although data or options differ"
    )
    parser.add_argument(
        "--save-minutes", type=float, default=SAVE_MINUTES, metavar="M",
        help=f"between checkpoints, besides the one after each epoch (default: {SAVE_MINUTES:g})",
    )  # fmt: skip
    parser.add_argument("--held-out", type=float, metavar="SHARE", help="of the images to measure on, such as 0.1")
    parser.add_argument("--size", type=int, help="height and width in pixels (default: the data's own, or 64)")
    parser.add_argument("--images", type=int, help="how many images to use (default: all; 1000 of a drawn set)")
    parser.add_argument("--threads", type=int, help="threads (default: all cores)")
    parser.add_argument("--channels", metavar="32,64,...", help="channels of each level of the network, finest first")
    parser.add_argument(
        "--fast", action="store_true", default=None,
        help="half the time: a lighter network, and batches of 16 if --batch-size is not given",
    )  # fmt: skip
    for field in fields(TrainingConfig):  # None stands for "not given", so that a resumed run keeps what it has
        option = "--" + field.name.replace("_", "-")
        if field.type is bool:
            flip = "mirror half of the images, left to right"
            parser.add_argument(option, action=argparse.BooleanOptionalAction, default=None, help=flip)
        else:
            choices, default = CHOICES.get(field.name), f"(default: {field.default})"
            parser.add_argument(option, type=field.type, choices=choices, help=default)

    add_reading_options(parser)


def run(options):
    """minidiff train"""
    from minidiff.parallel import Workers
    from minidiff.runs import pipeline, train
    from minidiff.runs.folder import Run

    given = {field.name: getattr(options, field.name) for field in fields(TrainingConfig)}
    given = {name: value for name, value in given.items() if value is not None}
    if not options.save_minutes >= 0:
        raise MinidiffError(f"--save-minutes must be 0 or more, not {options.save_minutes}")
    with Workers(options.threads) as workers, ExitStack() as stack:
        if options.resume:
            refuse_with_resume(options)
            run = stack.enter_context(Run.open(options.resume, to_write=True))
            network, training, chosen = train.read_config(run)
            training = replace(training, **given)
            chosen |= {"spec": options.data} if options.data else {}
            dataset, held_out = pipeline.load_data(chosen)
        else:
            if not (options.data and options.out):
                raise MinidiffError("train needs --data SPEC and --out RUN, or --resume RUN; see minidiff train --help")
            training = TrainingConfig(**({"batch_size": FAST_BATCH_SIZE} if options.fast else {}) | given)
            chosen = {"spec": options.data, "images": options.images, "size": options.size}
            chosen |= {"seed": training.seed, "held_out": options.held_out} | reading_options(options)
            dataset, held_out = pipeline.load_data(chosen)
            channels = parse_channels(options.channels)
            run, network = train.start_run(options.out, chosen, dataset, training, channels, fast=options.fast)
            stack.enter_context(run)
        print(f"data: {dataset.name}, {pipeline.describe(dataset)}")
        for note in dataset.notes:
            print(f"   {note}")
        if not (run.path / "forward_process.png").exists():
            pipeline.show_noise(run, dataset, training, print)
        print(f"training: {training.epochs} epochs")
        trainer = train.train_run(
            run, network, dataset, training, workers, print,
            held_out=held_out, accept_changes=options.accept_changes, data_options=chosen,
            save_minutes=options.save_minutes,
        )  # fmt: skip
        print("\n".join(["   training trace", *pipeline.training_trace(run.history())]))
        shape = (16, dataset.height, dataset.width, dataset.channels)
        labels = pipeline.labels_for(dataset.class_names, 16)
        images, trajectory = pipeline.generate(trainer.denoiser(), shape, "heun", 12, training.seed, labels)
        pipeline.show_samples(run, images, trajectory, columns=8)
    print(f"{run.path / 'samples.png'}{memory_taken()}. More: minidiff sample {run.path} -n 64")


def refuse_with_resume(options):
    """Refuses options that cannot be changed in a run: its folder, its network, and which images it learns from."""
    names = ("out", "channels", "fast", "size", "images", "held_out")
    fixed = {name: "--" + name.replace("_", "-") for name in names}
    fixed |= {name: option for name, (option, _) in READING_OPTIONS.items()}
    given = [option for name, option in fixed.items() if getattr(options, name) is not None]
    if given:
        raise MinidiffError(f"--resume takes {', '.join(given)} from the run; leave that out, or start a new run")
