"""`minidiff train` with --print-config, --config and --from: what a new run consists of."""

import json
from dataclasses import fields

import numpy as np
import pytest
from PIL import Image

from minidiff.cli import main
from minidiff.commands.train import GROUPS
from minidiff.runs.folder import Run
from minidiff.runs.weights import load_weights
from minidiff.training_config import TrainingConfig

SHAPES = ["--data", "shapes", "--size", "16", "--images", "8"]
TINY = [*SHAPES, "--channels", "16,16", "--T", "20", "--epochs", "1", "--threads", "1"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run."""
    path = tmp_path_factory.mktemp("new_run") / "run"
    assert main(["train", *TINY, "--out", str(path)]) == 0
    return path


def printed(capsys, *arguments):
    """What --print-config prints."""
    capsys.readouterr()
    assert main(["train", *arguments, "--print-config"]) == 0
    return json.loads(capsys.readouterr().out)


def write(tmp_path, config):
    """A file with a configuration."""
    file = tmp_path / "recipe.json"
    file.write_text(json.dumps(config))
    return str(file)


def test_the_groups_have_every_field_of_training_once():
    names = [name for group in GROUPS.values() for name in group]
    assert sorted(names) == sorted(field.name for field in fields(TrainingConfig))


def test_the_printed_configuration_is_that_of_the_run(run, capsys):
    config = printed(capsys, *TINY)
    recorded = json.loads((run / "config.json").read_text())
    assert config == {name: recorded[name] for name in ("format", "data", "network", "training")}


def test_a_printed_configuration_gives_the_same_run(run, tmp_path, capsys):
    file = write(tmp_path, printed(capsys, *TINY))
    assert main(["train", "--config", file, "--out", str(tmp_path / "again"), "--threads", "1"]) == 0
    assert load_weights(str(tmp_path / "again")).hash() == load_weights(str(run)).hash()
    assert Run.open(tmp_path / "again").read_config() == Run.open(run).read_config()


def test_the_configuration_of_a_run_is_a_recipe_and_options_come_first(run, tmp_path, capsys):
    config = printed(capsys, "--config", str(run / "config.json"), "--T", "30", "--images", "9", "--seed", "4")
    assert (config["training"]["T"], config["training"]["epochs"]) == (30, 1)
    assert (config["data"]["images"], config["data"]["seed"], config["data"]["size"]) == (9, 4, 16)
    assert config["network"]["channels"] == [16, 16]


def test_a_recipe_may_be_short(tmp_path, capsys):
    file = write(tmp_path, {"training": {"epochs": 3}, "network": {"num_groups": 4}})
    config = printed(capsys, "--config", file, *SHAPES)
    usual = printed(capsys, *SHAPES)
    assert config["training"] == usual["training"] | {"epochs": 3}
    assert config["network"] == usual["network"] | {"num_groups": 4}
    assert config["training"]["sigma_max"] >= 100  # chosen for the data


def test_with_other_data_the_network_fits_them(run, capsys):
    config = printed(capsys, "--config", str(run / "config.json"), "--data", "cats", "--size", "24")
    assert (config["network"]["height"], config["network"]["num_classes"]) == (24, 8)
    assert config["network"]["channels"] == [16, 16]
    config = printed(capsys, "--config", str(run / "config.json"), "--channels", "8,8,8")
    assert config["network"]["channels"] == [8, 8, 8]


MISTAKES = [
    (["--print-config"], "train needs --data SPEC"),
    (["--resume", "RUN", "--print-config"], "--resume takes --print-config from the run"),
    (["--resume", "RUN", "--config", "FILE"], "--resume takes --config from the run"),
    (["--resume", "RUN", "--from", "RUN"], "--resume takes --from from the run"),
    (["--config", "FILE", "--out", "NEW"], "height is 32, and that of the data is 16; change one of them"),
    (["--config", "NEW", "--out", "NEW"], "cannot be read: No such file"),
    (
        ["--from", "RUN", *SHAPES, "--size", "32", "--out", "NEW"],
        "images of 16 x 16 x 3, and these are 32 x 32 x 3; give",
    ),
    (["--from", "RUN", *SHAPES, "--channels", "8,8", "--out", "NEW"], "leave --channels out"),
    (["--from", "RUN", *SHAPES, "--target", "noise", "--out", "NEW"], "leave --target out"),
    (
        ["--from", "pretrained:dogs", *SHAPES, "--out", "NEW"],
        "unknown pretrained network 'dogs'; choose from cats, shapes",
    ),
    (["--from", "NEW", *SHAPES, "--out", "NEW"], "holds no run"),
    (["--from", "RUN", "--config", "OTHER", *SHAPES, "--out", "NEW"], "num_groups is 4, and that of"),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES, ids=[message[:40] for _, message in MISTAKES])
def test_a_mistake_is_one_line(run, tmp_path, capsys, arguments, message):
    config = json.loads((run / "config.json").read_text())
    config["network"]["height"] = 32
    paths = {"RUN": run, "NEW": tmp_path / "new", "FILE": write(tmp_path, config), "OTHER": tmp_path / "other.json"}
    paths["OTHER"].write_text(json.dumps({"network": {"num_groups": 4}}))
    words = [str(paths.get(word, word)) for word in arguments]
    capsys.readouterr()
    assert main(["train", *words]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_fine_tuning_on_other_classes_of_the_size_of_the_network(run, tmp_path, capsys):
    for kind in ("ring", "stripes"):
        (tmp_path / "photos" / kind).mkdir(parents=True)
        for i in range(3):
            pixels = np.random.default_rng(i).integers(0, 256, (20, 20, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / kind / f"{i}.png")
    arguments = [
        "--from",
        str(run),
        "--data",
        str(tmp_path / "photos"),
        "--epochs",
        "1",
        "--threads",
        "1",
        "--no-cache",
    ]
    assert main(["train", *arguments, "--out", str(tmp_path / "tuned")]) == 0
    assert f"initial parameters: {run}; new classes: stripes" in capsys.readouterr().out
    config = json.loads((tmp_path / "tuned" / "config.json").read_text())
    assert config["from"]["new_classes"] == ["stripes"]
    assert config["from"]["spec"] == str(run)
    assert (config["network"]["height"], config["network"]["num_classes"]) == (16, 2)
    assert config["training"]["T"] == 20  # that of the trained network
    assert main(["summary", str(tmp_path / "tuned")]) == 0
    assert f"from         {run}\n" in capsys.readouterr().out
    again = printed(capsys, "--config", str(tmp_path / "tuned" / "config.json"))
    assert again["from"] == config["from"]
    assert again["training"] == config["training"]
