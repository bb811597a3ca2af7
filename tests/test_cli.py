"""The command line, in this process: its results, and that every mistake is one line and exit code 2."""

import argparse
import io
import json
import logging
import os
import re
import shlex
import shutil
import signal
import sys

import numpy as np
import pytest
from PIL import Image

from minidiff import data, runs
from minidiff.captions import LINE
from minidiff.cli import COMMANDS, build_parser, main, name_of
from minidiff.commands.printing import console
from minidiff.data import to_bytes
from minidiff.data.readers.image_file import read_image
from minidiff.errors import MinidiffError
from minidiff.runs.folder import Run
from minidiff.runs.progress import Progress

TINY = ["--size", "16", "--images", "8", "--epochs", "1", "--threads", "1"]
NAMES = [name_of(command) for command in COMMANDS]
TRAIN = ["train", "--data", "shapes", "--channels", "32,32", "--T", "20", *TINY]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run with classes, trained in eight large steps so that its images depend on the labels."""
    path = tmp_path_factory.mktemp("runs") / "run"
    large_steps = ["--batch-size", "1", "--learning-rate", "0.02", "--warmup-steps", "0"]
    assert main([*TRAIN, *large_steps, "--out", str(path)]) == 0
    return path


def test_demo_runs_all_four_stages(tmp_path, capsys):
    assert main(["demo", "--out", str(tmp_path / "demo"), *TINY]) == 0
    printed = capsys.readouterr().out
    for stage in ("1. Data: cats", "2. Noise", "3. Training: 1 epochs", "4. Generation"):
        assert stage in printed
    assert "(8, 16, 16, 3)" in printed
    peak = re.search(r"Done in \d+ s, at most (\d+) MB of memory", printed)
    assert 50 < int(peak[1]) < 5000
    made = {file.name for file in (tmp_path / "demo").iterdir()}
    expected = {"config.json", "history.csv", "checkpoints", "forward_process.png", "loss.png", "samples.png"}
    assert made >= expected | {"denoising.gif", "report.html"}
    sheet = Image.open(tmp_path / "demo" / "samples.png")
    # two rows of eight, each 16 pixels enlarged to 128, with its class below
    assert sheet.size == (8 * (8 * 18 + 2), 8 * (2 * 18 + 2) + 2 * LINE)


@pytest.mark.parametrize(
    ("option", "images", "size", "epochs"),
    [
        ([], 2000, 64, 20),
        (["--long"], 4000, 64, 36),
        (["--fast"], 1000, 64, 15),
        (["--quick"], 400, 16, 10),
        (["--images", "9"], 9, 64, 20),
    ],
)
def test_the_budgets_of_demo(tmp_path, monkeypatch, option, images, size, epochs):
    """What is loaded and how long it is trained, without doing it."""
    asked = {}

    def stop(spec, num_images=None, **options):
        asked.update(options, images=num_images)
        return data.draw("shapes", 2, size=16)

    def training_for(dataset, **chosen):
        asked.update(chosen)
        raise MinidiffError("enough")

    monkeypatch.setattr(data, "load", stop)
    monkeypatch.setattr(runs, "training_for", training_for)
    assert main(["demo", *option, "--out", str(tmp_path / "demo")]) == 2
    assert (asked["images"], asked["size"], asked["epochs"]) == (images, size, epochs)


def test_a_training_ends_with_its_report_and_with_what_to_do_next(run, tmp_path, capsys):
    path = tmp_path / "copy"
    shutil.copytree(run, path)
    (path / "report.html").unlink()
    assert main(["train", "--resume", str(path), "--threads", "1"]) == 0
    assert 'id="status"' not in (path / "report.html").read_text()
    *_, see, more = capsys.readouterr().out.splitlines()
    assert see.endswith(str(path / "report.html"))
    assert main([word for word in more.split("minidiff ")[1].split() if word != "64"] + ["1"]) == 0


def test_demo_finds_a_free_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("demo", "demo-2"):
        assert main(["demo", *TINY]) == 0
        assert (tmp_path / "runs" / name / "samples.png").is_file()


def test_train_records_every_option(run):
    config = json.loads((run / "config.json").read_text())
    assert config["data"]["spec"] == "shapes"
    assert config["data"]["images"] == 8
    assert config["network"]["channels"] == [32, 32]
    assert config["training"]["T"] == 20
    assert config["training"]["epochs"] == 1
    assert config["training"]["sigma_max"] == 100  # the least that is chosen for a data set


def test_the_noise_levels_are_options(tmp_path, capsys):
    levels = {"sigma_max": 45.0, "log_sigma_mean": 0.5, "log_sigma_std": 1.5, "high_noise_fraction": 0.1}
    options = [text for name, value in levels.items() for text in ("--" + name.replace("_", "-"), str(value))]
    assert main([*TRAIN, *options, "--out", str(tmp_path / "run")]) == 0
    training = json.loads((tmp_path / "run" / "config.json").read_text())["training"]
    assert {name: training[name] for name in levels} == levels
    assert main([*TRAIN, "--log-sigma-std", "0", "--out", str(tmp_path / "other")]) == 2
    assert "log_sigma_std must be more than 0" in capsys.readouterr().err


def test_train_on_a_folder_of_images(tmp_path, capsys):
    for kind in ("dark", "light"):
        (tmp_path / "photos" / kind).mkdir(parents=True)
        for i in range(3):
            value = 40 if kind == "dark" else 200
            Image.new("RGB", (20, 24), (value, 10 * i, value)).save(tmp_path / "photos" / kind / f"{i}.png")
    arguments = ["train", "--data", str(tmp_path / "photos"), "--out", str(tmp_path / "run"), "--size", "16"]
    assert main([*arguments, "--epochs", "1", "--channels", "32,32", "--threads", "1"]) == 0
    assert "6 images x 16 x 16 x 3" in capsys.readouterr().out
    assert json.loads((tmp_path / "run" / "config.json").read_text())["class_names"] == ["dark", "light"]


def test_sample_as_npz(run, tmp_path, capsys):
    out = tmp_path / "some.npz"
    assert main(["sample", str(run), "-n", "3", "--steps", "3", "--label", "ring", "--out", str(out)]) == 0
    assert capsys.readouterr().out.strip().endswith(str(out))
    with np.load(out, allow_pickle=False) as archive:
        assert archive["images"].shape == (3, 16, 16, 3)
        assert archive["images"].dtype == np.uint8
        assert archive["labels"].tolist() == [5, 5, 5]


def test_sample_as_gif(run, tmp_path):
    out = tmp_path / "some.gif"
    assert main(["sample", str(run), "-n", "2", "--steps", "3", "--out", str(out)]) == 0
    with Image.open(out) as animation:
        assert animation.n_frames == 4


def test_sample_as_png_in_the_run_by_default(run):
    assert main(["sample", str(run), "-n", "4", "--steps", "3", "--sampler", "ddpm", "--seed", "7"]) == 0
    assert Image.open(run / "samples_ddpm_3_7.png").size == (8 * 38, 8 * 38 + 2 * LINE)


def images_of(run, tmp_path, *options):
    out = tmp_path / "images.npz"
    assert main(["sample", str(run), "--steps", "3", "--out", str(out), *options]) == 0
    with np.load(out, allow_pickle=False) as archive:
        return archive["images"]


def test_images_depend_on_the_seed_and_not_on_their_number_or_the_threads(run, tmp_path):
    three = images_of(run, tmp_path, "-n", "3", "--threads", "1")
    np.testing.assert_array_equal(images_of(run, tmp_path, "-n", "2", "--threads", "2"), three[:2])
    assert (images_of(run, tmp_path, "-n", "3", "--seed", "1") != three).any()


def test_guidance_changes_images_and_zero_ignores_the_label(run, tmp_path):
    plain = images_of(run, tmp_path, "-n", "2", "--label", "ring")
    assert (images_of(run, tmp_path, "-n", "2", "--label", "ring", "--guidance", "40") != plain).any()
    without = [images_of(run, tmp_path, "-n", "2", "--label", name, "--guidance", "0") for name in ("ring", "disc")]
    np.testing.assert_array_equal(*without)


def test_summary_is_a_table_of_the_layers(capsys):
    assert main(["summary", "--size", "16", "--channels", "32,32", "--classes", "0", "--gray"]) == 0
    printed = capsys.readouterr().out
    assert "16 x 16 x 1" in printed
    assert "MFLOP" in printed
    assert "conv_in" in printed


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in NAMES)], ids=" ".join)
def test_help_fits_a_terminal_and_exits_with_0(arguments, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 0
    assert max(len(line) for line in capsys.readouterr().out.splitlines()) <= 100


def test_help_describes_each_command_on_one_line(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit):
        main(["--help"])
    lines = capsys.readouterr().out.partition("COMMAND\n")[2].partition("\n\n")[0].splitlines()
    assert len(lines) == len(COMMANDS)
    assert all(re.match(r"    [a-z]+  +[a-z]", line) for line in lines)


def subcommands():
    """The parsers of all commands, by name."""
    actions = build_parser()._actions
    return next(action.choices for action in actions if isinstance(action, argparse._SubParsersAction))


@pytest.mark.parametrize("name", NAMES)
def test_every_option_is_described(name):
    assert [action.dest for action in subcommands()[name]._actions if not action.help] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_examples_that_can_be_parsed(name):
    lines = subcommands()[name].description.splitlines()
    examples = [re.split(r"   | > ", line)[0] for line in lines if line.startswith(f"minidiff {name} ")]
    assert examples
    for example in examples:
        build_parser().parse_args(shlex.split(example)[1:])


@pytest.fixture
def images(tmp_path):
    """An image that is not square and larger than the run's, and a mask with a white right half."""
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (40, 60, 3), np.uint8)).save(tmp_path / "given.png")
    mask = np.zeros((40, 60), np.uint8)
    mask[:, 30:] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    return tmp_path / "given.png", tmp_path / "mask.png"


def test_inpainting_says_what_is_cropped_and_how_much_is_filled(run, tmp_path, images, capsys):
    given, mask = map(str, images)
    images_of(run, tmp_path, "-n", "1", "--inpaint", given, "--mask", mask, "--rounds", "1")
    cropped, filled, _ = capsys.readouterr().out.splitlines()
    assert cropped.endswith("given.png: 60 pixels wide and 40 high, cropped at the center to 16 : 16")
    assert filled == "50 % of the image are filled"
    Image.new("L", (40, 40), "white").save(mask)
    assert main(["sample", str(run), "--inpaint", given, "--mask", mask]) == 2
    assert "give a mask 60 pixels wide and 40 high" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["sample", "RUN", "-n"], ["evaluate", "RUN", "--samples"]])
def test_impossible_numbers_of_images_are_refused_with_an_estimate(run, command, capsys):
    assert main([str(run) if word == "RUN" else word for word in command] + ["1000000000"]) == 2
    assert f"{command[-1]} 1000000000: 1,000,000,000 images of 16 x 16 take about 12.3 TB of" in capsys.readouterr().err


def test_inpainting_keeps_the_black_part_of_the_mask(run, tmp_path, images):
    given, mask = map(str, images)
    made = images_of(run, tmp_path, "-n", "3", "--inpaint", given, "--mask", mask, "--rounds", "2")
    kept = to_bytes(read_image(given, 16, 16, 3))
    assert np.abs(made[:, :, :7].astype(int) - kept[:, :7]).max() <= 1
    assert (made[0, :, 9:] != made[1, :, 9:]).any()


def test_the_strength_determines_the_distance_from_the_image(run, tmp_path, images):
    given = str(images[0])
    kept = to_bytes(read_image(given, 16, 16, 3)).astype(float)
    errors = [
        np.abs(images_of(run, tmp_path, "-n", "2", "--from-image", given, "--strength", strength) - kept).mean()
        for strength in ("0.15", "0.6", "1")
    ]
    assert errors == sorted(errors)
    assert errors[0] < 0.6 * errors[2]


def test_the_sheet_shows_the_given_image_first(run, tmp_path, images):
    given, out = str(images[0]), tmp_path / "sheet.png"
    arguments = ["sample", str(run), "-n", "3", "--steps", "2", "--strength", "0.3", "--from-image", given]
    assert main([*arguments, "--out", str(out)]) == 0
    sheet = np.asarray(Image.open(out))
    scale = sheet.shape[1] // (2 * 18 + 2)
    first = sheet[scale // 2 :: scale, scale // 2 :: scale][2:18, 2:18]
    np.testing.assert_array_equal(first, to_bytes(read_image(given, 16, 16, 3)))


def test_interpolation_leads_from_one_seed_to_the_next(run, tmp_path):
    found = images_of(run, tmp_path, "-n", "5", "--interpolate", "--label", "ring", "--seed", "3")
    for position, seed in ((0, "3"), (-1, "4")):
        end = images_of(run, tmp_path, "-n", "1", "--label", "ring", "--seed", seed, "--sampler", "ddim")[0]
        assert np.abs(found[position].astype(int) - end).max() <= 1
    steps = np.abs(np.diff(found.astype(float), axis=0)).mean(axis=(1, 2, 3))
    assert steps.max() < np.abs(found[0].astype(float) - found[-1]).mean()


def test_eta_and_spacing_change_the_images(run, tmp_path):
    plain = images_of(run, tmp_path, "-n", "2", "--sampler", "ddim")
    for option in (["--eta", "1"], ["--sampler", "ddim", "--spacing", "karras"]):
        assert (images_of(run, tmp_path, "-n", "2", *option) != plain).any()


MISTAKES = [
    (["sample", "RUN", "--inpaint", "FILE"], "needs --mask"),
    (["sample", "RUN", "--mask", "FILE"], "--mask belongs to --inpaint"),
    (["sample", "RUN", "--rounds", "3"], "--rounds belongs to --inpaint"),
    (["sample", "RUN", "--strength", "0.5", "--interpolate"], "--strength belongs to --from-image"),
    (["sample", "RUN", "--from-image", "FILE", "--interpolate"], "--from-image and --interpolate cannot be combined"),
    (["sample", "RUN", "--inpaint", "FILE", "--mask", "FILE", "--eta", "1"], "--inpaint does not use --eta"),
    (["sample", "RUN", "--from-image", "FILE"], "not a readable image"),
    (["sample", "RUN", "--from-image", "NEW"], "no such file"),
    (["sample", "RUN", "--interpolate", "--sampler", "ddpm"], "adds fresh noise"),
    (["sample", "RUN", "--interpolate", "-n", "1"], "use at least 2"),
    (["sample", "RUN", "--spacing", "wide"], "trailing, uniform, karras"),
    (["sample", "RUN", "--steps", "5", "--eta", "2"], "between 0"),
    (["sample", "RUN", "--steps", "5", "--sampler", "heun", "--eta", "1"], "heun has no such option"),
    (["samplers", "RUN", "--steps", "5,many"], "whole numbers"),
    (["samplers", "RUN", "--steps", "0"], "from 1 to 20"),
    (["samplers", "RUN", "--out", "chart.jpg"], ".png"),
    (["schedules", "--T", "0"], "T"),
    (["train", "--data", "no-such-folder", "--out", "NEW"], "no data at 'no-such-folder'"),
    ([*TRAIN, "--out", "RUN"], "holds a run; give another --out"),
    ([*TRAIN, "--out", "NEW", "--epochs", "0"], "epochs must be at least 1"),
    ([*TRAIN, "--out", "NEW", "--threads", "0"], "at least one thread"),
    ([*TRAIN, "--out", "NEW", "--seed", "-1"], "seed"),
    ([*TRAIN, "--out", "NEW", "--images", "0"], "0"),
    ([*TRAIN, "--out", "NEW", "--size", "17"], "16 or 18"),
    ([*TRAIN, "--out", "NEW", "--size", "0"], "size"),
    ([*TRAIN, "--out", "NEW", "--T", "0"], "T must be at least 1"),
    ([*TRAIN, "--out", "NEW", "--channels", "8,many"], "whole numbers"),
    ([*TRAIN, "--out", "NEW", "--channels", "32,0"], "channels"),
    ([*TRAIN, "--out", "NEW", "--channels", "32,13"], "13"),
    ([*TRAIN, "--out", "FILE/run"], "cannot make the folder"),
    (["demo", "--out", "NEW", "--size", "20", "--images", "4", "--epochs", "0"], "epochs must be at least 1"),
    (["demo", "--out", "NEW", "--images", "0", "--size", "16"], "0"),
    (["demo", "--out", "NEW", "--size", "0"], "0"),
    (["demo", "--out", "NEW", "--seed", "-1"], "seed"),
    (["train", "--out", "NEW"], "--data SPEC and --out RUN, or --resume RUN"),
    (["train", "--resume", "NEW"], "holds no run"),
    (["train", "--resume", "RUN", "--size", "16"], "takes --size from the run"),
    (["train", "--resume", "RUN", "--out", "NEW", "--held-out", "0.1"], "takes --out, --held-out from the run"),
    ([*TRAIN, "--out", "NEW", "--save-minutes", "-1"], "--save-minutes must be 0 or more"),
    ([*TRAIN, "--out", "NEW", "--held-out", "1.5"], "cannot hold out 1.5"),
    (["sample", "RUN", "--best"], "trained without held-out images"),
    (["sample", "NEW"], "holds no run"),
    (["sample", "RUN", "--label", "cube"], "disc, square, triangle"),
    (["sample", "RUN", "--sampler", "magic", "--steps", "3"], "ddim"),
    ([*TRAIN, "--out", "NEW", "--shift", "1e9"], "shift must be at least 0.001 and at most 1,000, not 1000000000.0"),
    ([*TRAIN, "--out", "NEW", "--T", "1000000000000"], "T must be at least 1 and at most 1,000,000"),
    (
        ["train", "--data", "shapes", "--size", "8", "--images", "4", "--channels", "4096,4096", "--out", "NEW"],
        "parameters, and at most 268,435,456 are possible; use fewer levels",
    ),
    (["summary", "--size", "-8"], "height must be at least 1 and at most 4,096, not -8"),
    (["summary", "--classes", "-1"], "num_classes must be at least 0"),
    (["schedules", "--shift", "1e9"], "invalid shift 1e+09 of a schedule"),
    (["sample", "RUN", "-n", "0"], "-n must be 1 or more"),
    (["sample", "RUN", "--steps", "0"], "choose from 1 to 20"),
    (["sample", "RUN", "--steps", "21"], "choose from 1 to 20"),
    (["sample", "RUN", "--guidance", "-1"], "guidance"),
    (["sample", "RUN", "--guidance", "nan"], "guidance"),
    (["sample", "RUN", "--seed", "-1"], "seed"),
    (["sample", "RUN", "--threads", "0"], "at least one thread"),
    (["sample", "RUN", "--out", "image.jpg"], ".png, .gif or .npz"),
    (["sample", "RUN", "-n", "1", "--steps", "1", "--out", "NEW/image.png"], "there is no folder"),
    (["sample", "RUN", "-n", "1", "--steps", "1", "--out", "NEW/image.npz"], "there is no folder"),
    (["summary", "--size", "20", "--channels", "8,8,8,8"], "16 or 24"),
    (["summary", "--channels", ""], "whole numbers"),
    (["summary", "--classes", "-1"], "classes"),
]


@pytest.mark.parametrize(
    ("arguments", "message"), MISTAKES, ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else ""
)
def test_a_mistake_is_one_line_with_a_remedy(run, tmp_path, capsys, arguments, message):
    (tmp_path / "file").touch()
    paths = {"RUN": run, "NEW": tmp_path / "new", "FILE": tmp_path / "file"}
    for word, path in paths.items():
        arguments = [argument.replace(word, str(path)) for argument in arguments]
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("minidiff: ")
    assert error.count("\n") == 1
    assert message in error
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "arguments",
    [[], ["paint"], ["train", "--data", "cats", "--out", "x", "--epochs", "some"]],
)
def test_a_command_that_cannot_be_parsed_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "minidiff" in capsys.readouterr().err


def test_an_interrupted_run_is_resumed(run, tmp_path, capsys, monkeypatch):
    """A signal in the middle of a step: exit code 130, and the printed command resumes the run, with any kernels."""
    path, stopped = tmp_path / "run", []
    real_add = Progress.add

    def add(self, step):
        real_add(self, step)
        if not stopped:
            stopped.append(step.step)
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Progress, "add", add)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # even if the tests run in the background
    assert main([*TRAIN, "--out", str(path)]) == 130
    signal.signal(signal.SIGINT, before)
    error = capsys.readouterr().err
    assert error.startswith("minidiff: stopped after step 1 of 2 (epoch 1) and saved; resume with: minidiff train ")
    assert main([*error.split("minidiff ")[-1].split(), "--kernels", "plain"]) == 0
    assert "resuming after step 1 of 2" in capsys.readouterr().out
    assert [row["step"] for row in Run.open(path).history()] == [2]


def test_changes_stop_a_resumed_run_unless_accepted(run, tmp_path, capsys):
    path = tmp_path / "run"
    shutil.copytree(run, path)
    arguments = ["train", "--resume", str(path), "--epochs", "2", "--learning-rate", "0.001", "--threads", "1"]
    assert main(arguments) == 2
    assert "epochs was 1 and is 2; learning_rate was 0.02 and is 0.001" in capsys.readouterr().err
    assert main([*arguments, "--accept-changes"]) == 0
    assert Run.open(path).config["training"]["epochs"] == 2
    assert [row["epoch"] for row in Run.open(path).history()] == [1, 2]


def test_the_new_path_of_moved_data_can_be_given(tmp_path, capsys):
    photos = tmp_path / "photos"
    photos.mkdir()
    for i in range(4):
        Image.new("RGB", (16, 16), (60 * i, 100, 200)).save(photos / f"{i}.png")
    options = ["--epochs", "1", "--size", "16", "--channels", "32,32", "--threads", "1", "--no-cache"]
    assert main(["train", "--data", str(photos), "--out", str(tmp_path / "run"), *options]) == 0
    photos.rename(tmp_path / "moved")
    resume = ["train", "--resume", str(tmp_path / "run"), "--threads", "1"]
    assert main(resume) == 2
    assert f"no data at '{photos}'" in capsys.readouterr().err
    assert main([*resume, "--data", str(tmp_path / "moved")]) == 0
    assert main(resume) == 0  # now it is recorded
    (tmp_path / "moved" / "3.png").unlink()
    assert main(resume) == 2
    assert "the images were 4" in capsys.readouterr().err


def test_held_out_images_and_the_best_checkpoint(tmp_path, capsys):
    path = tmp_path / "run"
    assert main([*TRAIN, "--epochs", "2", "--held-out", "0.25", "--out", str(path)]) == 0
    assert "6 images" in capsys.readouterr().out
    assert all(row["held_out_loss"] > 0 for row in Run.open(path).history())
    assert main(["sample", str(path), "-n", "1", "--steps", "1", "--best", "--out", str(tmp_path / "best.png")]) == 0


def test_a_damaged_checkpoint_is_reported_and_the_previous_one_is_used(run, tmp_path, capsys):
    path = tmp_path / "run"
    assert main([*TRAIN, "--epochs", "2", "--out", str(path)]) == 0
    capsys.readouterr()
    (path / "checkpoints" / "step_000000004.npz").write_bytes(b"\x1b[2J\nhostile")
    arguments = ["sample", str(path), "-n", "1", "--steps", "1", "--out", str(tmp_path / "one.png")]
    assert main(arguments) == 0
    error = capsys.readouterr().err
    assert error.startswith("minidiff: ")
    assert error.endswith("trying the checkpoint before it\n")
    assert error.count("\n") == 1
    (path / "checkpoints" / "step_000000002.npz").unlink()
    assert main(arguments) == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith("can be read; train again")


def test_a_second_writer_is_refused(run, capsys):
    with Run.open(run, to_write=True):
        assert main(["train", "--resume", str(run)]) == 2
        assert f"process {os.getpid()} on" in capsys.readouterr().err
        assert main(["sample", str(run), "-n", "1", "--steps", "1"]) == 0  # reading needs no lock


def test_control_characters_in_names_are_escaped(run, tmp_path, capsys):
    path = tmp_path / "run"
    shutil.copytree(run, path)
    config = json.loads((path / "config.json").read_text())
    config["class_names"][0] = "\x1b]0;owned\x07\nsecond line"
    (path / "config.json").write_text(json.dumps(config))
    assert main(["sample", str(path), "--label", "cube"]) == 2
    error = capsys.readouterr().err
    assert r"\x1b]0;owned\x07\nsecond line, square" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_training_prints_its_table_of_losses_in_every_encoding(run, tmp_path, monkeypatch, encoding):
    """It failed at the first bar, after the training and before the samples, and again when it was resumed."""
    path = tmp_path / "猫"
    shutil.copytree(run, path)
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    assert main(["train", "--resume", str(path), "--threads", "1"]) == 0
    stream.flush()
    printed = stream.buffer.getvalue().decode(encoding)
    assert re.search(r"^       1 +[\d.]+  #+$", printed, re.MULTILINE)
    assert r"\u732b" in printed


def test_log_messages_are_shown_only_while_the_command_runs(capsys):
    """Messages go to the current standard output, warnings to standard error, and no handler stays."""
    logger = logging.getLogger("minidiff")
    before = list(logger.handlers), logger.level
    with console():
        logger.getChild("runs").info("%d epochs", 3)
        logger.warning("two\nlines")
    logger.info("not shown")
    printed = capsys.readouterr()
    assert printed.out == "3 epochs\n"
    assert printed.err == "minidiff: two\\nlines\n"
    assert (list(logger.handlers), logger.level) == before
