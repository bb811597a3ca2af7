"""Random commands: every subcommand, with options drawn from its parser, on a damaged run or damaged data."""

import argparse
import json
import shutil
from pathlib import Path
from random import Random

from minidiff.cli import build_parser
from minidiff.evaluation.extractor import FEWEST
from tests.data.readers.test_fuzz import IMAGES_IDX, READERS
from tests.fuzz.edits import edit_bytes, edit_file, edit_tree

NUMBERS = ["-1", "0", "1", "2", "3", "8", "16", "1000000000", "1000000000000", "-100000000000000000000", "1e3", "x", ""]
FLOATS = ["0", "1", "-1", "0.5", "1e-320", "1e308", "-1e308", "nan", "inf", "-inf", "1e9", "x", "", "1,5"]
WORDS = [
    "",
    "x",
    "none",
    "cats",
    "3",
    "1,2",
    "8,16",
    "-1",
    "1,x",
    "NHWC",
    "NCHW",
    "ф",
    "a b",
    "\x1b[31m",
    "../x",
    "/dev/null",
]
# these only multiply the work, and any large number of them is a wish that can be fulfilled
PATIENT = {
    "epochs",
    "seeds",
    "minutes",
    "warmup_steps",
    "rounds",
    "samples",
    "count",
    "seconds",
    "evaluations",
    "steps",
    "n",
}
SMALL = ["-1", "0", "1", "2", "x", "", "nan"]
ENORMOUS = {"n": "1000000000", "steps": "1000000000000", "samples": "1000000000000", "evaluations": "3,1000000000"}
SKIPPED = {"help", "threads", "against", "long", "only"}
FILES = {"config.json": 4, "history.csv": 2, "step_*.json": 3, "step_*.npz": 2, "*": 1}  # how often each is edited
ON_RUN = {
    "sample": 6, "resume": 5, "report": 3, "samplers": 2, "data": 1, "evaluate": 1, "summary": 2, "export": 1,
    "recipe": 3, "source": 2,
}  # fmt: skip
NOTEBOOK = [("markdown", "# 03 Without a network"), ("markdown", "## Exercises"), ("code", "x = 1"), ("code", "x += 1")]
SHAPES = ["--data", "shapes", "--images", "4"]
TINY = ["--size", "8", "--channels", "8,8", "--T", "6", "--epochs", "1", "--batch-size", "4"]


def random_options(command: str, random: Random, often: bool = False) -> list[str]:
    """Some options of a subcommand, right or wrong; mostly none unless `often`, because a wrong one hides the rest."""
    subcommands = next(a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction))
    actions = [a for a in subcommands.choices[command]._actions if a.option_strings and a.dest not in SKIPPED]
    words = []
    for action in random.sample(
        actions, min(len(actions), random.choice([1, 1, 2, 3] if often else [0, 0, 0, 0, 1, 2]))
    ):
        values = [] if action.nargs == 0 else [random_value(action, random) for _ in range(action.nargs or 1)]
        option = action.option_strings[-1]
        words += [f"{option}={values[0]}"] if len(values) == 1 and option.startswith("--") else [option, *values]
    return words


def random_value(action: argparse.Action, random: Random) -> str:
    """A value for an option."""
    if action.dest in PATIENT:
        return random.choice([*SMALL, ENORMOUS.get(action.dest, "3")])
    if action.choices and random.random() < 0.8:
        return str(random.choice(list(action.choices)))
    if action.dest in ("out", "json"):
        return random.choice(
            ["a.png", "a.npz", "a.gif", "a.html", "missing/a.png", "new", ".", "/dev/null", "/dev/full", "link.png"]
        )
    return random.choice(NUMBERS if action.type is int else FLOATS if action.type is float else WORDS)


def on_run(source: Path, random: Random) -> list[str]:
    """Damages a copy of a run in the working directory, and returns a command that uses it."""
    shutil.copytree(source, "run")
    run = Path("run")
    for _ in range(random.choice([0, 1, 1, 1, 2])):
        if random.random() < 0.1:
            edit_tree(run, random)
        else:
            pattern = random.choices(list(FILES), list(FILES.values()))[0]
            files = sorted(path for path in run.rglob(pattern) if path.is_file() and not path.is_symlink())
            edit_file(random.choice(files), random) if files else edit_tree(run, random)
    command = random.choices(list(ON_RUN), list(ON_RUN.values()))[0]
    few = {
        "sample": ["-n", "2", "--steps", "2"],
        "samplers": ["-n", "1", "--steps", "1"],
        "evaluate": ["--samples", str(FEWEST), "--steps", "2"],
        "export": ["--to", "new.safetensors"],
    }
    if command in ("recipe", "source"):
        option = ["--config", "run/config.json"] if command == "recipe" else ["--from", "run", *SHAPES]
        return ["train", *option, "--epochs", "1", "--images", "4", "--out", "new", *random_options("train", random)]
    if command == "resume":
        more = random.choice([[], ["--epochs", "3", "--accept-changes"]])
        return ["train", "--resume", "run", *more, *random_options("train", random)]
    return [command, "run", *few.get(command, []), *random_options(command, random)]


def on_weights(source: Path, random: Random) -> list[str]:
    """Damages an exported network, and returns a command that reads it."""
    file = shutil.copy(source, "a.safetensors")
    if random.random() < 0.9:
        edit_file(Path(file), random)
    if random.random() < 0.5:
        return ["import", file, "--out", "new"]
    return ["train", "--from", file, *SHAPES, "--epochs", "1", "--out", "new", *random_options("train", random)]


def on_data(seeds: dict[str, bytes], random: Random) -> list[str]:
    """Writes a damaged file of a random format to the working directory, and returns a command that reads it."""
    kind = random.choice(list(READERS))
    name, _, finish = READERS[kind]
    folder = Path("data")
    folder.mkdir()
    (folder / name).write_bytes(seeds[kind])
    if kind == "idx labels":
        (folder / "train-images-idx3-ubyte").write_bytes(IMAGES_IDX)
    if random.random() < 0.9:
        edit_bytes(folder / name, random)
    if finish:
        (folder / name).write_bytes(finish((folder / name).read_bytes()))
    if random.random() < 0.1:
        edit_file(folder / name, random)
    if random.random() < 0.1:
        edit_tree(folder, random)
    spec = str(random.choice([folder, folder / name]))
    if random.random() < 0.2:
        return ["train", "--data", spec, "--out", "new", *TINY, *random_options("train", random)]
    return ["data", spec, *random_options("data", random)]


def on_image(source: Path, seeds: dict[str, bytes], random: Random) -> list[str]:
    """Damages an image and a mask, and returns a command that edits the image."""
    images = [kind for kind, (name, *_) in READERS.items() if name.startswith("a.")]
    for name in ("image", "mask"):
        Path(name).write_bytes(seeds[random.choice(images)])
        if random.random() < 0.5:
            edit_file(Path(name), random)
    edit = random.choice([["--from-image", "image"], ["--inpaint", "image", "--mask", "mask"], ["--interpolate"]])
    few = ["-n", "2", "--steps", "2", "--out", "new.png"]
    return ["sample", str(source), *few, *edit, *random_options("sample", random)]


def on_nothing(source: Path, random: Random) -> list[str]:
    """A command that reads no damaged files, with random options; sometimes only a part of it."""
    commands = [
        ["demo", "--quick", "--size", "8", "--images", "4", "--epochs", "1"],
        ["train", "--data", "shapes", "--out", "new", "--images", "4", *TINY],
        ["data", random.choice(["cats", "shapes", "landscapes"]), "--images", "3"],
        ["sample", str(source), "-n", "2", "--steps", "2", "--out", "new.png"],
        ["samplers", str(source), "-n", "1", "--steps", "1", "--out", "new.png"],
        ["schedules"],
        ["quiz"],
        ["summary"],
        ["grade", "."],
        ["bench", "--only", "x"],
        ["ablate", "--only", "x", "--out", "new"],
        ["metrics", "shapes", "--size", "8", "--samples", str(FEWEST)],
        ["evaluate", str(source), "--samples", str(FEWEST), "--steps", "2"],
        ["report", str(source), "--out", "new.html"],
        ["distill", str(source), "--steps", "2", "--epochs", "1", "--out", "new"],
        ["export", str(source), "--to", "new.safetensors"],
        ["import", "pretrained:shapes", "--out", "new"],
        ["sample", "--pretrained", "shapes", "-n", "1", "--steps", "1", "--out", "new.png"],
    ]
    words = random.choice(commands)
    words = [*words, *random_options(words[0], random, often=True)]
    if random.random() < 0.1:
        del words[random.randrange(len(words))]
    return words


def on_notebook(random: Random) -> list[str]:
    """Damages a student's notebook, and returns a command that grades it."""
    Path("student").mkdir()
    notebook = Path("student/03.ipynb")
    cells = [{"cell_type": kind, "source": [text], "metadata": {}} for kind, text in NOTEBOOK]
    notebook.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    edit_file(notebook, random)
    return ["grade", "student", *random_options("grade", random)]
