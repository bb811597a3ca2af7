"""The `minidiff` command: reads arguments, calls, prints. What it does is in `pipeline.py`.

A mistake in an argument or a file is one line on standard error and exit code 2; Ctrl-C is exit code 130.
"""

import argparse
import sys
import time
from contextlib import ExitStack
from dataclasses import fields, replace
from pathlib import Path

from minidiff import __version__
from minidiff.data_command import READING_OPTIONS, add_data_command, add_reading_options, reading_options
from minidiff.errors import MinidiffError
from minidiff.loss_weights import LOSS_WEIGHTS
from minidiff.memory import peak_memory
from minidiff.optim import OPTIMISERS
from minidiff.sampling import SAMPLERS
from minidiff.schedule import CURVES, TARGETS, TIME_DISTRIBUTIONS
from minidiff.training_config import SAVE_MINUTES, TrainingConfig

CHOICES = {
    "schedule": list(CURVES),
    "target": list(TARGETS),
    "time_distribution": list(TIME_DISTRIBUTIONS),
    "loss_weight": list(LOSS_WEIGHTS),
    "optimiser": list(OPTIMISERS),
}


def main(arguments=None):
    """Runs the command.

    Args:
        arguments: list of strings; those of the process if None.

    Returns:
        Exit code: 0, 2 for a mistake of the user, 130 for Ctrl-C.
    """
    options = build_parser().parse_args(arguments)
    try:
        options.run_command(options)
    except MinidiffError as error:
        print(f"minidiff: {one_line(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        print(f"minidiff: {stop or 'stopped'}", file=sys.stderr)
        return 130
    return 0


def build_parser():
    """The parser of all commands and their options."""
    parser = argparse.ArgumentParser(
        prog="minidiff",
        description="A diffusion model you can read: train one on your processor, and let it draw.",
        epilog="Start with: minidiff demo --quick",
    )
    parser.add_argument("--version", action="version", version=f"minidiff {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    demo = commands.add_parser("demo", help="all four stages: data, noise, training, generation")
    demo.set_defaults(run_command=run_demo)
    demo.add_argument("--out", metavar="DIR", help="folder of the run (default: runs/demo, or the next free name)")
    demo.add_argument("--epochs", type=int, help="passes over the data (default: 20)")
    demo.add_argument("--images", type=int, help="pictures to draw and train on (default: 1000)")
    demo.add_argument("--size", type=int, help="height and width in pixels (default: 64)")
    demo.add_argument("--seed", type=int, default=0, help="of everything random (default: 0)")
    demo.add_argument("--threads", type=int, help="threads (default: all cores)")
    demo.add_argument("--quick", action="store_true", help="small and under a minute: 400 shapes of 16 x 16, 10 epochs")

    add_data_command(commands)

    train = commands.add_parser("train", help="train on your own data, or go on with a run")
    train.set_defaults(run_command=run_train)
    train.add_argument("--data", metavar="SPEC", help="cats, shapes, landscapes, or a path")
    train.add_argument("--out", metavar="RUN", help="folder of the run")
    train.add_argument("--resume", metavar="RUN", help="go on with a run that was stopped, instead of a new one")
    train.add_argument(
        "--accept-changes", action="store_true", help="with --resume: go on although data or options differ"
    )
    train.add_argument(
        "--save-minutes", type=float, default=SAVE_MINUTES, metavar="M",
        help=f"between checkpoints, besides the one after each epoch (default: {SAVE_MINUTES:g})",
    )  # fmt: skip
    train.add_argument("--held-out", type=float, metavar="SHARE", help="of the pictures to measure on, such as 0.1")
    train.add_argument("--size", type=int, help="height and width in pixels (default: the data's own, or 64)")
    train.add_argument("--images", type=int, help="how many pictures to use (default: all; 1000 of a drawn set)")
    train.add_argument("--threads", type=int, help="threads (default: all cores)")
    train.add_argument("--channels", metavar="32,64,...", help="channels of each level of the network, finest first")
    for field in fields(TrainingConfig):  # None stands for "not given", so that a resumed run keeps what it has
        option = "--" + field.name.replace("_", "-")
        if field.type is bool:
            flip = "mirror half of the pictures, left to right"
            train.add_argument(option, action=argparse.BooleanOptionalAction, default=None, help=flip)
        else:
            choices, default = CHOICES.get(field.name), f"(default: {field.default})"
            train.add_argument(option, type=field.type, choices=choices, help=default)

    add_reading_options(train)

    sample = commands.add_parser("sample", help="generate pictures with a trained run")
    sample.set_defaults(run_command=run_sample)
    sample.add_argument("run", metavar="RUN", help="folder of the run")
    sample.add_argument("-n", type=int, default=16, help="how many pictures (default: 16)")
    sample.add_argument("--steps", type=int, default=50, help="steps from noise to picture (default: 50)")
    sample.add_argument("--sampler", default="ddim", help=f"{', '.join(SAMPLERS)} (default: ddim)")
    sample.add_argument("--label", metavar="NAME", help="class of all pictures (default: each class in turn)")
    sample.add_argument(
        "--guidance", type=float, default=1.0, metavar="W", help="0: no label, 1: plain, more: exaggerated"
    )
    sample.add_argument(
        "--best", action="store_true", help="the checkpoint with the lowest held-out loss, not the newest"
    )
    sample.add_argument("--seed", type=int, default=0, help="of the noise (default: 0)")
    sample.add_argument("--threads", type=int, help="threads (default: all cores)")
    sample.add_argument(
        "--out", metavar="FILE", help=".png, .gif or .npz (default: RUN/samples_SAMPLER_STEPS_SEED.png)"
    )

    bench = commands.add_parser("bench", help="how fast minidiff is on this machine, and why")
    bench.set_defaults(run_command=run_bench)
    bench.add_argument("--only", metavar="PART,...", help="of: kernels, layers, tricks, step, memory, growth")
    bench.add_argument("--against", choices=["torch"], help="let PyTorch do the same work, in turns")
    bench.add_argument("--quick", action="store_true", help="fewer rounds and sizes, no torch.compile")
    bench.add_argument("--threads", type=int, help="threads (default: all cores)")
    bench.add_argument("--out", metavar="DIR", help="an existing folder for the charts")

    summary = commands.add_parser("summary", help="the layers of a network, their shapes, parameters and operations")
    summary.set_defaults(run_command=run_summary)
    summary.add_argument("--size", type=int, default=64, help="height and width of the pictures (default: 64)")
    summary.add_argument("--grey", action="store_true", help="pictures of one channel instead of three")
    summary.add_argument("--classes", type=int, default=8, help="number of classes, 0 for none (default: 8)")
    summary.add_argument("--channels", metavar="32,64,...", help="channels of each level, finest first")
    return parser


def run_demo(options):
    """minidiff demo"""
    from minidiff import pipeline, training_run
    from minidiff.parallel import Workers
    from minidiff.run import free_folder

    start = time.perf_counter()
    spec, images, size, epochs = ("shapes", 400, 16, 10) if options.quick else ("cats", 1000, 64, 20)
    usual = {"images": images, "size": size, "epochs": epochs}
    given = {name: value for name in usual if (value := getattr(options, name)) is not None}
    chosen = {"spec": spec, "seed": options.seed} | usual | given
    training = TrainingConfig(epochs=chosen.pop("epochs"), seed=options.seed)
    with Workers(options.threads) as workers, ExitStack() as stack:
        dataset, _ = pipeline.load_data(chosen)
        run, network = training_run.start_run(options.out or free_folder("runs/demo"), chosen, dataset, training)
        stack.enter_context(run)
        print(f"1. Data: {dataset.name}, {pipeline.describe(dataset)}")
        print(f"   in:  a seed, {options.seed};  out: pictures {dataset.images.shape}, pixels in [-1, 1]")
        print("2. Noise: every picture can be drowned in it")
        pipeline.show_noise(run, dataset, training, print)
        print(f"3. Training: {training.epochs} epochs")
        trainer = training_run.train(run, network, dataset, training, workers, print)
        print("\n".join(["   training trace", *pipeline.training_trace(run.history())]))
        print("4. Generation: from noise, step by step, to pictures")
        labels = pipeline.labels_for(dataset.class_names, 16)
        shape = (16, dataset.height, dataset.width, dataset.channels)
        print(f"   in:  noise {shape} and a label for each;  out: pictures of the same shape, in [-1, 1]")
        pictures, trajectory = pipeline.generate(trainer.denoiser(), shape, "heun", 12, options.seed, labels)
        pipeline.show_samples(run, pictures, trajectory, columns=8)
    print(f"   {run.path / 'samples.png'}, denoising.gif, loss.png, history.csv")
    print(f"Done in {time.perf_counter() - start:.0f} s{memory_taken()}. More: minidiff sample {run.path} -n 64")


def run_train(options):
    """minidiff train"""
    from minidiff import pipeline, training_run
    from minidiff.parallel import Workers
    from minidiff.run import Run

    given = {field.name: getattr(options, field.name) for field in fields(TrainingConfig)}
    given = {name: value for name, value in given.items() if value is not None}
    if not options.save_minutes >= 0:
        raise MinidiffError(f"--save-minutes must be 0 or more, not {options.save_minutes}")
    with Workers(options.threads) as workers, ExitStack() as stack:
        if options.resume:
            refuse_with_resume(options)
            run = stack.enter_context(Run.open(options.resume, to_write=True))
            network, training, chosen = training_run.read_config(run)
            training = replace(training, **given)
            chosen |= {"spec": options.data} if options.data else {}
            dataset, held_out = pipeline.load_data(chosen)
        else:
            if not (options.data and options.out):
                raise MinidiffError("train needs --data SPEC and --out RUN, or --resume RUN; see minidiff train --help")
            training = TrainingConfig(**given)
            chosen = {"spec": options.data, "images": options.images, "size": options.size}
            chosen |= {"seed": training.seed, "held_out": options.held_out} | reading_options(options)
            dataset, held_out = pipeline.load_data(chosen)
            channels = parse_channels(options.channels)
            run, network = training_run.start_run(options.out, chosen, dataset, training, channels)
            stack.enter_context(run)
        print(f"data: {dataset.name}, {pipeline.describe(dataset)}")
        for note in dataset.notes:
            print(f"   {note}")
        if not (run.path / "forward_process.png").exists():
            pipeline.show_noise(run, dataset, training, print)
        print(f"training: {training.epochs} epochs")
        trainer = training_run.train(
            run, network, dataset, training, workers, print,
            held_out=held_out, accept_changes=options.accept_changes, data_options=chosen,
            save_minutes=options.save_minutes,
        )  # fmt: skip
        print("\n".join(["   training trace", *pipeline.training_trace(run.history())]))
        shape = (16, dataset.height, dataset.width, dataset.channels)
        labels = pipeline.labels_for(dataset.class_names, 16)
        pictures, trajectory = pipeline.generate(trainer.denoiser(), shape, "heun", 12, training.seed, labels)
        pipeline.show_samples(run, pictures, trajectory, columns=8)
    print(f"{run.path / 'samples.png'}{memory_taken()}. More: minidiff sample {run.path} -n 64")


def refuse_with_resume(options):
    """Refuses options that cannot be changed in a run: its folder, its network, and which pictures it learns from."""
    fixed = {name: "--" + name.replace("_", "-") for name in ("out", "channels", "size", "images", "held_out")}
    fixed |= {name: option for name, (option, _) in READING_OPTIONS.items()}
    given = [option for name, option in fixed.items() if getattr(options, name) is not None]
    if given:
        raise MinidiffError(f"--resume takes {', '.join(given)} from the run; leave that out, or start a new run")


def run_sample(options):
    """minidiff sample"""
    from minidiff import pipeline, plotting
    from minidiff.denoiser import Guided
    from minidiff.parallel import Workers
    from minidiff.run import Run

    run = Run.open(options.run)
    if options.n < 1:
        raise MinidiffError(f"-n must be 1 or more, not {options.n}")
    if options.seed < 0:
        raise MinidiffError(f"--seed must be 0 or more, not {options.seed}")
    out = Path(options.out or run.path / f"samples_{options.sampler}_{options.steps}_{options.seed}.png")
    if out.suffix.lower() not in (".png", ".gif", ".npz"):
        raise MinidiffError(f"--out {out}: pictures are written as .png, .gif or .npz")
    if not out.parent.is_dir():
        raise MinidiffError(f"--out {out}: there is no folder {out.parent}; make it first")
    with Workers(options.threads) as workers:
        network = pipeline.load_denoiser(run, workers, warn, options.best)
        config = network.network.config
        labels = pipeline.labels_for(run.config["class_names"], options.n, options.label)
        shape = (options.n, config.height, config.width, config.image_channels)
        denoiser = Guided(network, options.guidance)
        images, trajectory = pipeline.generate(denoiser, shape, options.sampler, options.steps, options.seed, labels)
    if out.suffix.lower() == ".gif":
        plotting.save_animation(out, trajectory)
    else:
        plotting.save_images(out, images, labels)
    print(out)


def run_bench(options):
    """minidiff bench"""
    from minidiff.benchmark import report
    from minidiff.parallel import Workers

    sections = options.only.split(",") if options.only else report.SECTIONS
    with Workers(options.threads) as workers:
        report.bench(workers, sections, options.against == "torch", options.quick, options.out, print)


def run_summary(options):
    """minidiff summary"""
    from minidiff.unet import UNet, UNetConfig

    image_channels = 1 if options.grey else 3
    config = UNetConfig.for_pictures(
        options.size, options.size, image_channels, options.classes, parse_channels(options.channels)
    )
    print("\n".join(UNet(config).summary()))


def memory_taken():
    """ ", at most 512 MB of memory", or nothing where that is not known."""
    peak = peak_memory()
    return "" if peak is None else f", at most {peak:.0f} MB of memory"


def warn(line):
    """Says something on standard error that does not stop the command."""
    print(f"minidiff: {one_line(line)}", file=sys.stderr)


def one_line(message):
    """A message without line breaks and control characters, whatever is in the names of files and classes it quotes."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(message))


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
