"""`minidiff export`, `minidiff import`, `minidiff sample --pretrained` and `minidiff summary RUN`."""

import json

import numpy as np
import pytest
from PIL import Image

from minidiff.cli import main
from minidiff.runs.folder import Run
from minidiff.runs.weights import load_weights

TINY = ["--channels", "16,16", "--T", "20", "--size", "16", "--images", "8", "--epochs", "1", "--threads", "1"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run."""
    path = tmp_path_factory.mktemp("export") / "run"
    assert main(["train", "--data", "shapes", *TINY, "--held-out", "0.25", "--out", str(path)]) == 0
    return path


def test_there_and_back(run, tmp_path, capsys):
    file, imported = tmp_path / "a.safetensors", tmp_path / "imported"
    assert main(["export", str(run), "--to", str(file)]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{file}: ")
    assert out.endswith(f"parameters after 2 optimizer steps, {file.stat().st_size / 1e6:.1f} MB\n")
    assert main(["import", str(file), "--out", str(imported)]) == 0
    assert load_weights(str(imported)).hash() == load_weights(str(run)).hash()
    config = json.loads((imported / "config.json").read_text())
    assert config["imported"] is True
    assert config["command"].startswith("minidiff")
    for path in (run, imported):
        assert main(["sample", str(path), "-n", "2", "--steps", "2", "--out", str(path / "a.npz")]) == 0
    first, second = (np.load(path / "a.npz")["images"] for path in (run, imported))
    np.testing.assert_array_equal(first, second)
    assert main(["train", "--resume", str(imported)]) == 2
    assert "fine-tune it instead" in capsys.readouterr().err


def test_half_precision_and_the_best_checkpoint(run, tmp_path):
    assert main(["export", str(run), "--to", str(tmp_path / "a.safetensors"), "--half", "--best"]) == 0
    values = load_weights(str(tmp_path / "a.safetensors")).vector
    np.testing.assert_array_equal(values, load_weights(str(run)).vector.astype(np.float16))


def test_a_network_of_the_package_becomes_a_run(tmp_path):
    assert main(["import", "pretrained:shapes", "--out", str(tmp_path / "run")]) == 0
    assert Run.open(tmp_path / "run").config["class_names"][3] == "star"


def test_images_of_a_pretrained_network(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    sample = ["sample", "--pretrained", "shapes", "-n", "2", "--steps", "2"]
    for name in ("shapes_dpmpp_2m_sde_2_0.png", "shapes_dpmpp_2m_sde_2_0-2.png"):
        assert main(sample) == 0
        assert capsys.readouterr().out == f"{name}\n"
        assert Image.open(name).size[0] > 16
    assert main([*sample, "--label", "star", "--out", "a.npz"]) == 0
    assert np.load("a.npz")["labels"].tolist() == [3, 3]


def test_a_summary_describes_the_run(run, capsys):
    assert main(["summary", str(run)]) == 0
    out = capsys.readouterr().out
    for text in (
        "data         shapes: 8 images, 16 x 16 x 3, from shapes",
        "classes      6: disc, square, triangle, star, heart, ring",
        "progress     epoch 1 of 1, 2 optimizer steps",
        "held-out loss",
        "checkpoints  step 2",
        "MFLOP",
    ):
        assert text in out


MISTAKES = [
    (["export", "RUN", "--to", "a.pt"], "--to a.pt: networks are written as .safetensors"),
    (["export", "RUN", "--to", "NEW/a.safetensors"], "there is no folder"),
    (["export", "NEW", "--to", "a.safetensors"], "holds no run"),
    (["import", "NEW.safetensors", "--out", "NEW"], "cannot be read: No such file"),
    (["import", "pretrained:shapes", "--out", "RUN"], "holds a run; give another --out"),
    (["import", "pretrained:", "--out", "NEW"], "choose from cats, shapes"),
    (["sample"], "sample needs one of RUN and --pretrained NAME"),
    (["sample", "RUN", "--pretrained", "cats"], "sample needs one of RUN and --pretrained NAME"),
    (["sample", "--pretrained", "cats", "--best"], "sample needs RUN, and not --pretrained, with --best"),
    (["sample", "--pretrained", "dogs"], "choose from cats, shapes"),
    (["summary", "NEW"], "holds no run"),
    (["summary", "RUN", "--size", "16"], "--size does not go with a run"),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES, ids=[" ".join(words) for words, _ in MISTAKES])
def test_a_mistake_is_one_line(run, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    words = [word.replace("RUN", str(run)).replace("NEW", str(tmp_path / "new")) for word in arguments]
    assert main(words) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
