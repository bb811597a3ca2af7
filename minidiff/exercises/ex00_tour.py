"""The exercises of `tutorials/00_tour.ipynb`: commands for given tasks, and the history of a run.

Command lines are parsed with the commands' own parsers. The number of network evaluations is counted.
"""

import argparse
import contextlib
import io
import math
import shlex
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from minidiff.commands import sample, train
from minidiff.commands.like import DEFAULTS
from minidiff.denoiser import Guided
from minidiff.evaluation.quality import CountingDenoiser
from minidiff.exercises.attempt import Attempt
from minidiff.exercises.exercise import Wrong, exercise
from minidiff.exercises.expecting import call, expect
from minidiff.oracles import MixtureDenoiser
from minidiff.sampling import generate
from minidiff.schedule import Schedule

COMMANDS = {"sample": sample, "train": train}


def _parse(line: Any, name: str, smallest: str) -> tuple[argparse.Namespace, argparse.Namespace]:
    """The options of a command line, an answer, and the defaults; raises `Wrong` if it does not call the command.

    Args:
        line: the answer.
        name: of the command.
        smallest: its arguments in a valid line that leaves out all options with a default.
    """
    if not isinstance(line, str):
        raise Wrong(f'the answer should be a line of text, "minidiff ...", and not of type {type(line).__name__}')
    try:
        words = shlex.split(str.__str__(line).lstrip("!$ ").replace("\\\n", " "))
    except ValueError as error:
        raise Wrong(f"a terminal cannot read this line: {error}") from error
    if words[:3] in (["python", "-m", "minidiff"], ["python3", "-m", "minidiff"]):
        words = words[2:]
    if words[:1] != ["minidiff"]:
        raise Wrong("the line should begin with minidiff, as in a terminal")
    if words[1:2] != [name]:
        raise Wrong(f"this is the wrong command, {' '.join(words[1:2]) or 'none'}: see minidiff --help")
    parser = argparse.ArgumentParser(prog="minidiff")
    COMMANDS[name].add_options(parser.add_subparsers().add_parser(name))
    printed = io.StringIO()
    with Attempt() as attempt, contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        return parser.parse_args(words[1:]), parser.parse_args([name, *smallest.split()])
    shown = printed.getvalue().strip().splitlines() or ["it only shows a text"]
    raise Wrong(f"minidiff cannot parse this: {shown[-1] if isinstance(attempt.error, SystemExit) else attempt.error}")


def _path(text: str | None) -> str:
    """A path without "./" at its beginning and "/" at its end; "" for None."""
    return "" if text is None else str(PurePosixPath(text))


def _refuse_other_options(options: argparse.Namespace, defaults: argparse.Namespace, task: str) -> None:
    """Raises `Wrong` if an option differs from its default, except for those of the task and the number of threads."""
    for name in vars(defaults):
        value, default = (
            DEFAULTS.get(name) if one is None else one for one in (vars(options)[name], vars(defaults)[name])
        )
        if name not in (*task.split(), "threads") and value != default:
            raise Wrong(f"there is an option that the task does not mention: --{name.replace('_', '-')}")


@exercise("ex00_1", "an animation of nine stars", points=1)
def _check_sample_command(answer: Any) -> None:
    options, defaults = _parse(answer, "sample", "runs/shapes")
    if _path(options.run) != "runs/shapes":
        raise Wrong(f"the run is the first argument after sample, runs/shapes; here it is {options.run}")
    if options.n != 9:
        raise Wrong(f"this generates {options.n or 16} images, not nine: see -n")
    if options.label is None:
        raise Wrong("without a label the classes take turns, and only every sixth image is a star")
    if options.label.casefold() != "star":
        raise Wrong(f"the run has no class {options.label}: labels are the class names of the data")
    if options.sampler is None:
        raise Wrong("the sampler is the default, and should be heun: see --sampler")
    if options.sampler != "heun":
        raise Wrong(f"the sampler is {options.sampler} and should be heun")
    if options.steps is None:
        raise Wrong("the number of sampler steps is the default, and should be 20: see --steps")
    if options.steps != 20:
        raise Wrong(f"this takes {options.steps} sampler steps, not 20")
    if options.seed != 7:
        raise Wrong(f"the seed is {options.seed or 0}, which gives other stars: use the noise of seed 7")
    if options.out is None:
        raise Wrong("the output file is missing; the default is a .png among the files of the run")
    if _path(options.out) != "stars.gif":
        raise Wrong(f"the suffix determines the format, and an animation is a .gif; here it is {options.out}")
    _refuse_other_options(options, defaults, "run n label sampler steps seed out")


@exercise("ex00_2", "your photographs", points=1)
def _check_train_command(answer: Any) -> None:
    options, defaults = _parse(answer, "train", "--data photos --out runs/photos")
    if options.resume:
        raise Wrong("--resume continues a run that exists; a new one has --data and --out")
    if _path(options.data) != "photos":
        raise Wrong(f"the data is the folder photos, and here it is {options.data}: see --data")
    if options.size != 32:
        what = "--images is how many images are used" if options.images == 32 else "the default is 64"
        raise Wrong(f"the size is not 32; {what}")
    if options.images is not None:
        raise Wrong("--images limits the number of images, and the task is to use all of them")
    if options.epochs != 8:
        raise Wrong("the number of passes over the data, called epochs, is not 8")
    if options.held_out is None:
        raise Wrong("nothing is held out: the loss on new images would not be known")
    if not math.isclose(options.held_out, 0.1):
        raise Wrong(f"held out is {options.held_out:g}; it is the fraction of all images, between 0 and 1")
    if options.flip is not True:
        raise Wrong("the images are not mirrored: look for the option in minidiff train --help")
    if _path(options.out) != "runs/photos":
        raise Wrong(f"the run should be the folder runs/photos, and here it is {options.out}: see --out")
    _refuse_other_options(options, defaults, "data out size epochs held_out flip seed")


@exercise("ex00_3", "the best epoch", points=2)
def _check_best_epoch(answer: Any) -> None:
    histories: list[tuple[range, list[float], list[float]]] = [  # epochs, losses, held-out losses
        (range(5, 11), [0.21, 0.09, 0.055, 0.041, 0.032, 0.026], [0.22, 0.11, 0.081, 0.079, 0.084, 0.093]),
        (range(1, 7), [0.4, 0.3, 0.25, 0.2, 0.15, 0.1], [0.41, 0.2, 0.26, 0.24, 0.17, 0.19]),  # a second minimum
        (range(11, 14), [0.5, 0.2, 0.3], [0.6, 0.5, 0.4]),
        (range(3, 7), [0.3, 0.4, 0.5, 0.2], [0.1, 0.2, 0.3, 0.4]),
        (range(20, 21), [0.3], [0.5]),
    ]
    for epochs, loss, held_out in histories:
        rows = zip(epochs, loss, held_out, strict=True)
        history = [{"epoch": epoch, "loss": a, "held_out_loss": b} for epoch, a, b in rows]
        best = int(np.argmin(held_out))
        rises = [i for i in range(len(held_out) - 1) if held_out[i + 1] > held_out[i]]
        last = "this is the last epoch: the training loss falls on while the network memorizes; use the held-out loss"
        mistakes: list[tuple] = [
            (epochs[0], "this is the first epoch"),
            (best, "this is the index of the row in the list; the epoch is in the row itself"),
            (best + 1, "epochs need not begin with 1: the epoch is in the row itself"),
            (epochs[-1], last),
            (epochs[int(np.argmin(loss))], "this is the epoch of the lowest training loss; use the held-out loss"),
            (epochs[int(np.argmax(held_out))], "this is the largest held-out loss, and a loss should be small"),
            (epochs[rises[0]] if rises else 0, "this is the first minimum: a later one may be lower"),
            (min(held_out), "this is the loss itself; return the epoch"),
        ]
        expect("the epoch", call(answer, history), epochs[best], mistakes)


@exercise("ex00_4", "number of optimizer steps", points=2)
def _check_training_steps(answer: Any) -> None:
    for images, batch_size, epochs, held_out in (
        (600, 4, 10, 0.0), (50, 16, 3, 0.2), (70, 8, 5, 0.1), (64, 16, 2, 0.25), (40, 100, 7, 0.5), (13, 1, 1, 0.0),
    ):  # fmt: skip
        train = images - round(held_out * images)
        right = epochs * math.ceil(train / batch_size)
        given = f"for {images} images, batches of {batch_size}, {epochs} epochs and {held_out:g} held out"
        mistakes = [
            (math.ceil(train / batch_size), f"{given} these are the steps of one epoch"),
            (epochs * (train // batch_size), f"{given} an epoch's last batch is left out: it is smaller, and counts"),
            (epochs * (train // batch_size + 1), f"{given} a batch is counted that has no images: round up"),
            (epochs * train / batch_size, f"{given} a part of a step is counted: an epoch has a whole number of steps"),
            (math.ceil(epochs * train / batch_size), f"{given} a batch has images of two epochs, and must not"),
            (epochs * train, f"{given} these are the training examples; a step uses a whole batch of them"),
            (epochs * math.ceil(images / batch_size), f"{given} the held-out images are counted, too"),
            (epochs * math.ceil(round(held_out * images) / batch_size), f"{given} only the held-out images count"),
        ]
        expect("the number of steps", call(answer, images, batch_size, epochs, held_out), right, mistakes)


@exercise("ex00_5", "network evaluations per image", points=2)
def _check_network_calls(answer: Any) -> None:
    for sampler, steps, w in (
        ("ddim", 7, 3.0), ("heun", 12, 1), ("ddpm", 9, 0), ("heun", 5, 2.0), ("ddim", 50, 1), ("dpmpp_2m", 6, 1.5),
        ("heun", 1, 4.0), ("heun", 8, 0.0), ("dpmpp_2m_sde", 11, 1.0), ("euler", 4, 0.5),
    ):  # fmt: skip
        counting = CountingDenoiser(MixtureDenoiser(Schedule(T=100), np.array([[-0.5], [0.5]]), 0.1))
        generate(Guided(counting, w), (1, 1), sampler=sampler, steps=steps, labels=np.array([1]))
        right = counting.evaluations
        given = f"for {sampler} with {steps} steps and guidance {w:g}: "
        each = 1 if w in (0, 1) else 2
        heun = "heun has two evaluations per step, at its beginning and at its end"
        mistakes: list[tuple] = []
        if sampler == "heun":
            mistakes = [
                (2 * each * steps, given + "the last step ends at the clean image, with no evaluation there"),
                (each * steps, given + heun),
                (2 * each * steps - 1, given + "guidance doubles every evaluation, and one of the last step is saved"),
            ]
        elif each == 2:
            mistakes = [(each * (2 * steps - 1), each * 2 * steps, f"{given}only {heun}")]
        if each == 2:
            mistakes.append((right / 2, given + "guidance needs two predictions, with the label and without"))
        else:
            mistakes.append((2 * right, given + "a guidance of 0 or 1 needs one prediction, not two"))
        expect("the number of evaluations", call(answer, sampler, steps, w), right, mistakes)
