"""`minidiff train`: trains on any data that minidiff reads, or resumes a run.

minidiff train --data photographs/ --size 64 --epochs 40 --out runs/mine
minidiff train --resume runs/mine
minidiff train --from pretrained:cats --data photographs/ --out runs/tuned
minidiff train --data cats --print-config > recipe.json
minidiff train --config recipe.json --out runs/again
mpiexec -n 4 minidiff train --data photographs/ --batch-size 16 --out runs/mine
"""

import argparse
import time
from contextlib import ExitStack
from dataclasses import fields, replace

from minidiff import runs
from minidiff.commands.new_run import NEEDED, prepare
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
)
from minidiff.commands.printing import print_done
from minidiff.errors import MinidiffError
from minidiff.optim import OPTIMIZERS
from minidiff.parallel import Workers
from minidiff.runs.fine_tuning import EPOCHS
from minidiff.runs.follow import follow
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
    "schedule": "the forward process; log-normal noise levels do not depend on it, uniform timesteps do",
    "T": "number of timesteps",
    "shift": "factor on every noise level",
    "sigma_max": "noise level at the last timestep; 0 for the end of the published curve",
    "target": "what the network predicts",
    "time_distribution": "distribution of the timesteps in training",
    "log_sigma_mean": "mean of ln sigma, of log-normal noise levels",
    "log_sigma_std": "standard deviation of ln sigma, of log-normal noise levels",
    "high_noise_fraction": "fraction of examples with ln sigma uniform from --log-sigma-mean to ln of --sigma-max",
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
DEPENDENT = {  # defaults that depend on something
    "epochs": f"{TrainingConfig.epochs}, or {EPOCHS} with --from",
    "sigma_max": "8 times the largest standard deviation of the images in any direction, at least 100",
    "log_sigma_mean": "ln(side / 28) for images of more than 28 pixels, otherwise 0",
    "batch_size": "8 for images of 64 pixels or more, otherwise 4",
}
FIXED = {  # options that a run cannot change
    "out": "--out", "channels": "--channels", "size": "--size", "images": "--images", "held_out": "--held-out",
    "source": "--from", "config": "--config", "print_config": "--print-config",
}  # fmt: skip
SIZE_HELP = "side, or HEIGHTxWIDTH, in pixels (default: that of the network with --from, else the data's own, or 64)"
GROUPS = {  # of the fields of TrainingConfig
    "optimizer": (
        "epochs", "batch_size", "optimizer", "learning_rate", "warmup_steps", "weight_decay", "clip", "ema_decay",
        "microbatch_size",
    ),
    "noise levels and loss": (
        "schedule", "T", "shift", "sigma_max", "target", "time_distribution", "log_sigma_mean", "log_sigma_std",
        "high_noise_fraction", "loss_weight",
    ),
    "training examples": ("class_dropout", "flip", "seed"),
}  # fmt: skip


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `minidiff train` to its parser."""
    group = parser.add_argument_group("the run")
    group.add_argument("--out", metavar="RUN", help="folder of the new run")
    group.add_argument("--resume", metavar="RUN", help="resume this run instead of starting a new one")
    group.add_argument("--accept-changes", action="store_true", help="resume although data or options differ")
    group.add_argument(
        "--from",
        dest="source",
        metavar="NETWORK",
        help="fine-tune pretrained:NAME, the network of a run, or a .safetensors file; images of its size, any classes",
    )
    group.add_argument(
        "--config", metavar="FILE", help="a file with defaults for all options, in the format of config.json"
    )
    group.add_argument(
        "--print-config", action="store_const", const=True, help="print a file for --config, and do not train"
    )
    group.add_argument(
        "--save-minutes",
        type=float,
        default=SAVE_MINUTES,
        metavar="M",
        help=f"time between checkpoints within an epoch (default: {SAVE_MINUTES:g})",
    )
    group = parser.add_argument_group("data and network")
    group.add_argument("--data", metavar="SPEC", help=SPEC)
    group.add_argument(
        "--held-out", type=float, metavar="FRACTION", help="of the images to validate on, such as 0.1 (default: none)"
    )
    group.add_argument("--size", **SIZE | {"help": SIZE_HELP})
    group.add_argument("--images", type=int, help="number of images (default: all; 1000 of a synthetic set)")
    group.add_argument(
        "--channels", metavar="32,64,...", help="channels of each level, finest first (default: depends on the size)"
    )
    add_threads(parser)
    add_kernels(parser)
    kinds = {field.name: field for field in fields(TrainingConfig)}
    for title, names in GROUPS.items():
        group = parser.add_argument_group(title)
        for name in names:  # None stands for "not given": a resumed run then keeps its value
            kind, text = kinds[name].type, f"{HELP[name]} (default: {DEPENDENT.get(name, kinds[name].default)})"
            if kind is bool:
                group.add_argument(option_of(name), action=argparse.BooleanOptionalAction, default=None, help=text)
            else:
                group.add_argument(option_of(name), type=kind, choices=CHOICES.get(name), help=text)
    add_reading_options(parser)


def run(options: argparse.Namespace) -> None:
    """Executes `minidiff train`."""
    from minidiff.page import run_with_report  # loads Pillow, which takes time

    start = time.perf_counter()
    chosen = given(options, HELP)
    check_at_least("--save-minutes", options.save_minutes, 0)
    with Workers(options.threads) as workers, ExitStack() as stack:
        if options.ranks.rank > 0:
            return None if options.print_config else follow(workers, options.ranks)
        if options.resume:
            refuse_fixed(options)
            run = stack.enter_context(runs.Run.open(options.resume, to_write=True))
            network, training, data_options = run.read_config()
            training = replace(training, **chosen)
            data_options |= {"spec": options.data} if options.data else {}
            dataset, held_out = runs.load_data(data_options)
        else:
            if not (options.out or options.print_config):
                raise MinidiffError(NEEDED)
            if not options.print_config:
                runs.check_new(options.out)
            new = prepare(options, chosen)
            if options.print_config:
                print(new.as_json())
                return
            dataset, held_out, network, training = new.dataset, new.held_out, new.network, new.training
            data_options = new.data_options
            run = stack.enter_context(
                runs.start_run(options.out, data_options, dataset, network, training, source=new.source)
            )
        run_with_report(
            run, network, dataset, training, workers,
            held_out=held_out, accept_changes=options.accept_changes, data_options=data_options,
            save_minutes=options.save_minutes, kernels=options.kernels, ranks=options.ranks,
        )  # fmt: skip
    print_done(start, run.path)


def refuse_fixed(options: argparse.Namespace) -> None:
    """Refuses options that cannot change in a run: its folder, its network, and which images it is trained on."""
    fixed = FIXED | {name: option for name, (option, _) in READING_OPTIONS.items()}
    if refused := [fixed[name] for name in given(options, fixed)]:
        raise MinidiffError(f"--resume takes {', '.join(refused)} from the run; leave that out, or start a new run")
