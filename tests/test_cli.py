"""The command, in this process: what it makes, and that every mistake is one line and exit code 2."""

import json

import numpy as np
import pytest
from PIL import Image

from minidiff.cli import main

TINY = ["--size", "16", "--images", "8", "--epochs", "1", "--threads", "1"]
TRAIN = ["train", "--data", "shapes", "--channels", "32,32", "--T", "20", *TINY]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A trained run with classes."""
    path = tmp_path_factory.mktemp("runs") / "run"
    assert main([*TRAIN, "--out", str(path)]) == 0
    return path


def test_demo_does_all_four_stages(tmp_path, capsys):
    assert main(["demo", "--out", str(tmp_path / "demo"), *TINY]) == 0
    said = capsys.readouterr().out
    for stage in ("1. Data: cats", "2. Noise", "3. Training: 1 epochs", "4. Generation"):
        assert stage in said
    assert "(8, 16, 16, 3)" in said
    made = {file.name for file in (tmp_path / "demo").iterdir()}
    expected = {"config.json", "history.csv", "checkpoints", "forward_process.png", "loss.png", "samples.png"}
    assert made >= expected | {"denoising.gif"}
    assert Image.open(tmp_path / "demo" / "samples.png").size == (2 * (8 * 18 + 2), 2 * (2 * 18 + 2))


def test_demo_finds_a_free_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("demo", "demo-2"):
        assert main(["demo", *TINY]) == 0
        assert (tmp_path / "runs" / name / "samples.png").is_file()


def test_train_keeps_every_option(run):
    config = json.loads((run / "config.json").read_text())
    assert config["data"]["spec"] == "shapes"
    assert config["data"]["images"] == 8
    assert config["network"]["channels"] == [32, 32]
    assert config["training"]["T"] == 20
    assert config["training"]["epochs"] == 1


def test_train_on_a_folder_of_pictures(tmp_path, capsys):
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
    with Image.open(out) as film:
        assert film.n_frames == 4


def test_sample_as_png_in_the_run_by_default(run):
    assert main(["sample", str(run), "-n", "4", "--steps", "3", "--sampler", "ddpm", "--seed", "7"]) == 0
    assert Image.open(run / "samples_ddpm_3_7.png").size == (2 * 38, 2 * 38)


def images_of(run, tmp_path, *options):
    out = tmp_path / "images.npz"
    assert main(["sample", str(run), "--steps", "3", "--out", str(out), *options]) == 0
    with np.load(out, allow_pickle=False) as archive:
        return archive["images"]


def test_the_same_seed_gives_the_same_pictures_whatever_their_number_and_the_threads(run, tmp_path):
    three = images_of(run, tmp_path, "-n", "3", "--threads", "1")
    np.testing.assert_array_equal(images_of(run, tmp_path, "-n", "2", "--threads", "2"), three[:2])
    assert (images_of(run, tmp_path, "-n", "3", "--seed", "1") != three).any()


def test_guidance_changes_pictures_and_zero_ignores_the_label(run, tmp_path):
    plain = images_of(run, tmp_path, "-n", "2", "--label", "ring")
    assert (images_of(run, tmp_path, "-n", "2", "--label", "ring", "--guidance", "40") != plain).any()
    without = [images_of(run, tmp_path, "-n", "2", "--label", name, "--guidance", "0") for name in ("ring", "disc")]
    np.testing.assert_array_equal(*without)


def test_summary_is_a_table_of_the_layers(capsys):
    assert main(["summary", "--size", "16", "--channels", "32,32", "--classes", "0", "--grey"]) == 0
    said = capsys.readouterr().out
    assert "16 x 16 x 1" in said
    assert "MFLOP" in said
    assert "conv_in" in said


@pytest.mark.parametrize("arguments", [["--help"], ["demo", "--help"], ["train", "--help"], ["sample", "--help"]])
def test_help_fits_a_terminal_and_exits_with_0(arguments, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 0
    assert max(len(line) for line in capsys.readouterr().out.splitlines()) <= 100


MISTAKES = [
    (["train", "--data", "no-such-folder", "--out", "NEW"], "no data at 'no-such-folder'"),
    ([*TRAIN, "--out", "RUN"], "not empty"),
    ([*TRAIN, "--out", "NEW", "--epochs", "0"], "epochs must be 1 or more"),
    ([*TRAIN, "--out", "NEW", "--threads", "0"], "at least one thread"),
    ([*TRAIN, "--out", "NEW", "--seed", "-1"], "seed"),
    ([*TRAIN, "--out", "NEW", "--images", "0"], "0"),
    ([*TRAIN, "--out", "NEW", "--size", "17"], "16 and 18"),
    ([*TRAIN, "--out", "NEW", "--size", "0"], "size"),
    ([*TRAIN, "--out", "NEW", "--T", "0"], "at least one step"),
    ([*TRAIN, "--out", "NEW", "--channels", "8,many"], "whole numbers"),
    ([*TRAIN, "--out", "NEW", "--channels", "32,0"], "channels"),
    ([*TRAIN, "--out", "NEW", "--channels", "32,13"], "13"),
    ([*TRAIN, "--out", "FILE/run"], "cannot make the folder"),
    (["demo", "--out", "NEW", "--size", "20", "--images", "4", "--epochs", "0"], "epochs must be 1 or more"),
    (["demo", "--out", "NEW", "--images", "0", "--size", "16"], "0"),
    (["demo", "--out", "NEW", "--size", "0"], "0"),
    (["demo", "--out", "NEW", "--seed", "-1"], "seed"),
    (["sample", "NEW"], "holds no run"),
    (["sample", "RUN", "--label", "cube"], "disc, square, triangle"),
    (["sample", "RUN", "--sampler", "magic"], "ddim"),
    (["sample", "RUN", "-n", "0"], "-n must be 1 or more"),
    (["sample", "RUN", "--steps", "0"], "number of steps"),
    (["sample", "RUN", "--steps", "21"], "number of steps"),
    (["sample", "RUN", "--guidance", "-1"], "guidance"),
    (["sample", "RUN", "--guidance", "nan"], "guidance"),
    (["sample", "RUN", "--seed", "-1"], "seed"),
    (["sample", "RUN", "--threads", "0"], "at least one thread"),
    (["sample", "RUN", "--out", "picture.jpg"], ".png, .gif or .npz"),
    (["sample", "RUN", "-n", "1", "--steps", "1", "--out", "NEW/picture.png"], "cannot write"),
    (["sample", "RUN", "-n", "1", "--steps", "1", "--out", "NEW/picture.npz"], "cannot write"),
    (["summary", "--size", "20", "--channels", "8,8,8,8"], "16 and 24"),
    (["summary", "--channels", ""], "whole numbers"),
    (["summary", "--classes", "-1"], "classes"),
]


@pytest.mark.parametrize(
    ("arguments", "message"), MISTAKES, ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else ""
)
def test_a_mistake_is_one_line_that_says_what_to_do(run, tmp_path, capsys, arguments, message):
    (tmp_path / "file").touch()
    places = {"RUN": run, "NEW": tmp_path / "new", "FILE": tmp_path / "file"}
    for word, place in places.items():
        arguments = [argument.replace(word, str(place)) for argument in arguments]
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("minidiff: ")
    assert said.count("\n") == 1
    assert message in said
    assert not (tmp_path / "new").exists()  # nothing was made on the way


@pytest.mark.parametrize(
    "arguments",
    [[], ["paint"], ["train", "--out", "x"], ["train", "--data", "cats", "--out", "x", "--epochs", "some"]],
)
def test_a_command_that_cannot_be_read_exits_with_2_too(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "minidiff" in capsys.readouterr().err
