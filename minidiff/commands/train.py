"""`minidiff train`: trains on any data that minidiff reads, or resumes a run."""

import argparse
import time
from contextlib import ExitStack
from dataclasses import fields, replace

from minidiff import runs
from minidiff.commands.options import (
    READING_OPTIONS,
    SIZE,
    SPEC,
    add_kernels,
    add_reading_options,
    add_threads,
    check_at_least,
    given,
    option_of,
    reading_options,
    whole_numbers,
)
from minidiff.commands.printing import print_done
from minidiff.errors import MinidiffError
from minidiff.optim import OPTIMIZERS
from minidiff.parallel import Workers
from minidiff.schedule import CURVES, TARGETS
from minidiff.training_config import LOSS_WEIGHTS, SAVE_MINUTES, TIME_DISTRIBUTIONS, TrainingConfig

CHOICES = {
    "schedule": list(CURVES),
    "target": list(TARGETS),
    "time_distribution": list(TIME_DISTRIBUTIONS),
    "loss_weight": list(LOSS_WEIGHTS),
    "optimizer": list(OPTIMIZERS),
}
HELP = {
    "epochs": "passes over the data",
    "batch_size": "images per optimizer step",
    "schedule": "the forward process",
    "T": "number of timesteps",
    "shift": "factor on every noise level",
    "sigma_max": "noise level at the last timestep; 0 for the end of the published curve",
    "target": "what the network predicts",
    "time_distribution": "distribution of the timesteps in training",
    "log_sigma_mean": "mean of ln sigma, of log-normal noise levels",
    "log_sigma_std": "standard deviation of ln sigma, of log-normal noise levels",
    "high_noise_fraction": "fraction of examples with ln sigma uniform from its mean to the last timestep",
    "loss_weight": "weight of the loss at each noise level",
    "optimizer": "muon trains the large convolution weights with Muon and the rest with AdamW",
    "learning_rate": "the highest learning rate",
    "warmup_steps": "optimizer steps until the highest learning rate",
    "weight_decay": "weight decay of AdamW",
    "clip": "largest norm of the gradient",
    "ema_decay": "decay of the moving average of the parameters",
    "class_dropout": "fraction of labels dropped, for guidance",
    "flip": "mirror half of the images horizontally",
    "microbatch_size": "images that go through the network together; 0 for a quarter of the batch",
    "seed": "seed of everything random",
}
FROM_DATA = {  # defaults
    "sigma_max": "8 times the largest spread of the images in any direction, at least 100",
    "log_sigma_mean": "ln(side / 28) for images of more than 28 pixels, otherwise 0",
    "batch_size": "8 for images of 64 pixels or more, otherwise 4",
}
FIXED = ("out", "channels", "size", "images", "held_out")  # options that a run cannot change


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `minidiff train` to its parser."""
    parser.add_argument("--data", metavar="SPEC", help=SPEC)
    parser.add_argument("--out", metavar="RUN", help="folder of the new run")
    parser.add_argument("--resume", metavar="RUN", help="resume this run instead of starting a new one")
    parser.add_argument("--accept-changes", action="store_true", help="resume although data or options differ")
    parser.add_argument(
        "--save-minutes",
        type=float,
        default=SAVE_MINUTES,
        metavar="M",
        help=f"time between checkpoints within an epoch (default: {SAVE_MINUTES:g})",
    )
    parser.add_argument(
        "--held-out", type=float, metavar="FRACTION", help="of the images to validate on, such as 0.1 (default: none)"
    )
    parser.add_argument("--size", **SIZE)
    parser.add_argument("--images", type=int, help="number of images (default: all; 1000 of a synthetic set)")
    parser.add_argument(
        "--channels", metavar="32,64,...", help="channels of each level, finest first (default: depends on the size)"
    )
    add_threads(parser)
    add_kernels(parser)
    for field in fields(TrainingConfig):  # None stands for "not given": a resumed run then keeps its value
        text = f"{HELP[field.name]} (default: {FROM_DATA.get(field.name, field.default)})"
        if field.type is bool:
            parser.add_argument(option_of(field.name), action=argparse.BooleanOptionalAction, default=None, help=text)
        else:
            choices = CHOICES.get(field.name)
            parser.add_argument(option_of(field.name), type=field.type, choices=choices, help=text)
    add_reading_options(parser)


def run(options: argparse.Namespace) -> None:
    """Executes `minidiff train`."""
    from minidiff.page import run_with_report  # loads Pillow, which takes time

    start = time.perf_counter()
    chosen = given(options, HELP)
    check_at_least("--save-minutes", options.save_minutes, 0)
    with Workers(options.threads) as workers, ExitStack() as stack:
        if options.resume:
            refuse_fixed(options)
            run = stack.enter_context(runs.Run.open(options.resume, to_write=True))
            network, training, data_options = runs.read_config(run)
            training = replace(training, **chosen)
            data_options |= {"spec": options.data} if options.data else {}
            dataset, held_out = runs.load_data(data_options)
        else:
            if not (options.data and options.out):
                raise MinidiffError("train needs --data SPEC and --out RUN, or --resume RUN; see minidiff train --help")
            runs.check_new(options.out)
            seed = TrainingConfig(**chosen).seed  # raises an error for an invalid value before the data is read
            data_options = {"spec": options.data, "images": options.images, "size": options.size}
            data_options |= {"seed": seed, "held_out": options.held_out} | reading_options(options)
            dataset, held_out = runs.load_data(data_options)
            training = runs.training_for(dataset, **chosen)
            channels = None if options.channels is None else whole_numbers("--channels", options.channels)
            network = runs.network_for(dataset, channels)
            run = stack.enter_context(runs.start_run(options.out, data_options, dataset, network, training))
        run_with_report(
            run, network, dataset, training, workers,
            held_out=held_out, accept_changes=options.accept_changes, data_options=data_options,
            save_minutes=options.save_minutes, kernels=options.kernels,
        )  # fmt: skip
    print_done(start, run.path)


def refuse_fixed(options: argparse.Namespace) -> None:
    """Refuses options that cannot change in a run: its folder, its network, and which images it is trained on."""
    fixed = {name: option_of(name) for name in FIXED} | {name: option for name, (option, _) in READING_OPTIONS.items()}
    if refused := [fixed[name] for name in given(options, fixed)]:
        raise MinidiffError(f"--resume takes {', '.join(refused)} from the run; leave that out, or start a new run")
