"""Every command works on a run with few timesteps, with its default options."""

import numpy as np
import pytest
from PIL import Image

from minidiff.cli import main
from minidiff.evaluation.evaluate import Sampling
from minidiff.runs.folder import Run
from minidiff.runs.snapshots import snapshots

TRAIN = ["train", "--data", "shapes", "--size", "8", "--images", "12", "--channels", "8", "--epochs", "1"]
TIMESTEPS = (1, 3)


@pytest.fixture(scope="module", params=TIMESTEPS)
def run(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "run"
    assert main([*TRAIN, "--T", str(request.param), "--threads", "1", "--out", str(path)]) == 0
    return Run.open(path)


@pytest.fixture
def T(run):
    return run.read_config()[1].T


def test_train(run):
    assert list(snapshots(run)) == [1]
    assert Image.open(run.path / "samples.png").width > 100
    assert Image.open(run.path / "denoising.gif").n_frames == run.read_config()[1].T + 1


def test_sample(run, T, capsys):
    assert main(["sample", str(run.path), "-n", "2", "--threads", "1"]) == 0
    said, file = capsys.readouterr().out.splitlines()
    assert said == f"   {T} sampler steps instead of 25, because there are no more timesteps"
    assert file == str(run.path / f"samples_dpmpp_2m_sde_{T}_0.png")


@pytest.mark.parametrize("strength", ["0.02", "0.6", "1"])
def test_edit(run, capsys, tmp_path, strength):
    image = str(tmp_path / "image.png")
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)).save(image)
    out = tmp_path / "out.npz"
    arguments = ["--from-image", image, "--strength", strength, "-n", "2", "--out", str(out), "--threads", "1"]
    assert main(["sample", str(run.path), *arguments]) == 0
    assert np.load(out)["images"].shape == (2, 8, 8, 3)


def test_samplers(run, T, capsys):
    assert main(["samplers", str(run.path), "-n", "2", "--threads", "1"]) == 0
    assert f"--steps {T}, because there are only {T} timesteps" in capsys.readouterr().out


def test_evaluate(run, T, monkeypatch):
    chosen = []
    monkeypatch.setattr("minidiff.commands.evaluate.evaluate", lambda run, sampling, *rest: chosen.append(sampling))
    assert main(["evaluate", str(run.path), "--threads", "1"]) == 0
    assert chosen == [Sampling(steps=T)]


def test_report(run):
    assert main(["report", str(run.path), "--threads", "1"]) == 0
