"""The exercises of `tutorials/00_tour.ipynb`: commands for given tasks, and reading what a run has written.

Commands are read by the parser of the `minidiff` command itself, and steps are counted by what does them.
"""

import contextlib
import io
import math
import shlex

import numpy as np

from minidiff.cli import build_parser
from minidiff.denoiser import Guided
from minidiff.exercises.attempt import Attempt
from minidiff.exercises.exercise import Exercise, Wrong
from minidiff.exercises.expecting import call, expect
from minidiff.oracles import MixtureDenoiser
from minidiff.sampling import generate
from minidiff.schedule import Schedule


def read_command(line, name):
    """The options of a command line, as the parser of minidiff sees them.

    Args:
        line: the answer, a string.
        name: of the command that it should be.

    Raises:
        Wrong: it is no such command.
    """
    if not isinstance(line, str):
        raise Wrong(f'the answer should be a line of text, "minidiff ...", and not of type {type(line).__name__}')
    try:
        words = shlex.split(line.removeprefix("!").replace("\\\n", " "))
    except ValueError as error:
        raise Wrong(f"no terminal could read this line: {error}") from error
    if words[:1] != ["minidiff"]:
        raise Wrong("the line should begin with minidiff, as in a terminal")
    if words[1:2] != [name]:
        raise Wrong(f"which command does this? Here it is {' '.join(words[1:2]) or 'none'}; see minidiff --help")
    said = io.StringIO()
    with Attempt() as attempt, contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        return build_parser().parse_args(words[1:])
    reason = said.getvalue().strip().splitlines()[-1] if isinstance(attempt.error, SystemExit) else attempt.error
    raise Wrong(f"minidiff does not understand this: {reason}")


def _examine_sample_command(answer):
    options = read_command(answer, "sample")
    if options.run.rstrip("/") != "runs/shapes":
        raise Wrong(f"the run is the first thing after sample, runs/shapes; here it is {options.run}")
    if options.n != 9:
        raise Wrong(f"this draws {options.n} images, not nine: see -n")
    if options.label is None:
        raise Wrong("without a label the classes come in turn, and only every sixth image is a star")
    if options.label != "star":
        raise Wrong(f"the run knows no class {options.label}: labels are named as the data names them")
    if (options.guidance, options.best, options.interpolate) != (1.0, False, False):
        raise Wrong("there is an option that the task does not ask for: plain stars, from noise alone")
    if options.sampler != "heun":
        raise Wrong(f"the sampler is {options.sampler}, which it is if no other is chosen, and should be heun")
    if options.steps != 20:
        raise Wrong(f"this takes {options.steps} steps, not 20")
    if options.seed != 7:
        raise Wrong(f"the seed is {options.seed}, so these are other stars: ask for the noise of seed 7")
    if options.out is None:
        raise Wrong("nothing says where the film goes; it would be a .png among the files of the run")
    if options.out != "stars.gif":
        raise Wrong(f"the name of the file decides what is written, and a film is a .gif; here it is {options.out}")


def _examine_train_command(answer):
    options = read_command(answer, "train")
    if options.resume:
        raise Wrong("--resume goes on with a run that exists; a new one has --data and --out")
    if (options.data or "").rstrip("/") != "photos":
        raise Wrong(f"the data is the folder photos, and here it is {options.data}: see --data")
    if options.size != 32:
        what = "--images is how many images are used" if options.images == 32 else "64 is taken unless you say"
        raise Wrong(f"the size is not 32; {what}")
    if options.images is not None:
        raise Wrong("--images uses only so many images; all of them are wanted")
    if options.epochs != 8:
        raise Wrong("the number of passes over the data is not 8: such a pass is called an epoch")
    if options.held_out is None:
        raise Wrong("nothing is held out: without that, nobody knows how well new images are understood")
    if not math.isclose(options.held_out, 0.1):
        raise Wrong(f"held out is {options.held_out:g}; it is the share of all images, between 0 and 1")
    if options.flip is not True:
        raise Wrong("the images are not mirrored: look for the option in minidiff train --help")
    if (options.out or "").rstrip("/") != "runs/photos":
        raise Wrong(f"the run should be the folder runs/photos, and here it is {options.out}: see --out")


def _examine_best_epoch(answer):
    loss = [0.21, 0.09, 0.055, 0.041, 0.032, 0.026]  # still falling when the held-out loss has turned
    held_out = [0.22, 0.11, 0.081, 0.079, 0.084, 0.093]
    rows = zip(range(4, 10), loss, held_out, strict=True)  # a history need not begin with epoch 1
    history = [{"epoch": epoch, "loss": a, "held_out_loss": b} for epoch, a, b in rows]
    everywhere_lowest = "training loss is lowest, and it keeps falling while a network learns its own images by heart"
    mistakes = [
        (3, "this is where the row stands in the list; the row itself says which epoch it is"),
        (9, f"this is the last epoch, where the {everywhere_lowest}. Look at images that it never trained on"),
        (4, "this is the first epoch"),
        (0.079, "this is the loss itself; the epoch is wanted"),
    ]
    expect("the epoch", call(answer, history), 7, mistakes)


def _examine_training_steps(answer):
    for images, batch_size, epochs, held_out in ((600, 4, 10, 0.0), (50, 16, 3, 0.2), (70, 8, 5, 0.1)):
        train = images - round(held_out * images)
        right = epochs * math.ceil(train / batch_size)
        given = f"for {images} images, batches of {batch_size}, {epochs} epochs and {held_out:g} held out"
        mistakes = [
            (math.ceil(train / batch_size), f"{given} these are the steps of one epoch"),
            (epochs * (train // batch_size), f"{given} an epoch's last batch is left out: it is smaller, and counts"),
            (epochs * train / batch_size, f"{given} a part of a step is counted: an epoch has a whole number of steps"),
            (math.ceil(epochs * train / batch_size), f"{given} a batch runs over the end of an epoch, and must not"),
            (epochs * train, f"{given} these are the images shown; a step shows a whole batch of them"),
            (epochs * math.ceil(images / batch_size), f"{given} the held-out images are counted, too"),
            (epochs * math.ceil(round(held_out * images) / batch_size), f"{given} only the held-out images count"),
        ]
        expect("the number of steps", call(answer, images, batch_size, epochs, held_out), right, mistakes)


def _examine_network_calls(answer):
    for sampler, steps, w in (("ddim", 7, 3.0), ("heun", 12, 1), ("ddpm", 9, 0), ("heun", 5, 2.0), ("ddim", 50, 1)):
        right = count_calls(sampler, steps, w)
        given = f"for {sampler} with {steps} steps and guidance {w:g}"
        each = 1 if w in (0, 1) else 2
        looks = "heun looks twice in a step: at its beginning, and at its end"
        if sampler == "heun":
            mistakes = [
                (
                    each * 2 * steps,
                    f"{given}: at the end of the last step the image is clean: nothing is asked there",
                ),
                (each * steps, f"{given}: {looks}"),
            ]
        else:
            alone = f"{given}: only {looks}"
            mistakes = [(each * (2 * steps - 1), alone), (each * 2 * steps, alone)] if each == 2 else []
        if each == 2:
            mistakes.append((right / 2, f"{given}: guidance compares two answers, with the label and without"))
        else:
            mistakes.append((2 * right, f"{given}: a guidance of 0 or 1 needs one answer, not two"))
        expect("the number of calls", call(answer, sampler, steps, w), right, mistakes)


def count_calls(sampler, steps, w):
    """How often sampling asks for a denoiser's answer: counted, by asking one that counts."""
    schedule, calls = Schedule(T=100), []
    oracle = MixtureDenoiser(schedule, [[-0.5], [0.5]], 0.1)

    def counting(z, t, labels=None):
        calls.append(t)
        return oracle(z, t, labels)

    counting.schedule = schedule
    generate(Guided(counting, w), (1, 1), sampler=sampler, steps=steps, labels=np.array([1]))
    return len(calls)


EXERCISES = (
    Exercise("ex00_1", "nine stars on film", 1, "sample_command", _examine_sample_command),
    Exercise("ex00_2", "your photographs", 1, "train_command", _examine_train_command),
    Exercise("ex00_3", "the best epoch", 2, "best_epoch", _examine_best_epoch),
    Exercise("ex00_4", "how many steps", 2, "training_steps", _examine_training_steps),
    Exercise("ex00_5", "what an image costs", 2, "network_calls", _examine_network_calls),
)
