"""`minidiff data`, and the options for reading data."""

import json

import numpy as np
import pytest
from PIL import Image

from minidiff.cli import main
from minidiff.data import load


@pytest.fixture
def arrays(tmp_path):
    """An .npz file with two parts, channels first, from -1 to 1."""
    rng = np.random.default_rng(0)
    parts = {f"{part}_images": rng.random((count, 3, 16, 16)) * 2 - 1 for part, count in (("train", 12), ("test", 5))}
    np.savez(tmp_path / "set.npz", **parts)
    return str(tmp_path / "set.npz")


def test_the_contents_are_described(arrays, capsys):
    assert main(["data", arrays, "--part", "test"]) == 0
    printed = capsys.readouterr().out
    for part in ("set: 5 images of 16 x 16, color", "classes  none", "NCHW", "-1 taken as black", "test part"):
        assert part in printed


def test_every_option_is_passed_on(arrays, capsys):
    options = ["--layout", "NCWH", "--range", "-2", "2", "--images-key", "train_images", "--labels-key", "none"]
    assert main(["data", arrays, *options, "--images", "4", "--seed", "3", "--size", "24", "--distinct"]) == 0
    printed = capsys.readouterr().out
    assert "4 images of 24 x 24" in printed
    assert "4 of 12 images chosen at random, seed 3" in printed
    assert "taken as black" not in printed
    assert main(["data", arrays, "--max-bytes", "100"]) == 2
    assert "limit 100" in capsys.readouterr().err


def test_a_contact_sheet(arrays, tmp_path, capsys):
    assert main(["data", arrays, "--out", str(tmp_path / "sheet.png")]) == 0
    assert str(tmp_path / "sheet.png") in capsys.readouterr().out
    sheet = np.asarray(Image.open(tmp_path / "sheet.png"))
    scale = sheet.shape[0] // (3 * 18 + 2)  # 12 images of 16 with a gap of 2, four in a row
    assert sheet.shape[:2] == ((3 * 18 + 2) * scale, (4 * 18 + 2) * scale)
    assert sheet[4 * scale : 14 * scale, 4 * scale : 14 * scale].std() > 20


def test_images_are_saved(arrays, tmp_path):
    assert main(["data", arrays, "--out", str(tmp_path / "kept.npz")]) == 0
    assert load(tmp_path / "kept.npz").fingerprint() == load(arrays).fingerprint()
    assert main(["data", str(tmp_path / "kept.npz"), "--images", "3"]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "no data at"),
        (["shapes", "--images", "4", "--size", "16", "--out", "sheet.jpg"], "written as .png or .npz"),
        (["shapes", "--layout", "NHWC"], "layout does not apply to synthetic data"),
    ],
)
def test_mistakes_are_one_line(arguments, message, capsys):
    assert main(["data", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_the_cache_can_be_disabled(tmp_path, monkeypatch):
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (20, 20), "red").save(tmp_path / "photos" / "a.png")
    assert main(["data", str(tmp_path / "photos"), "--no-cache"]) == 0
    assert not (tmp_path / "cache").exists()
    assert main(["data", str(tmp_path / "photos")]) == 0
    assert len(list((tmp_path / "cache").rglob("*.npz"))) == 1


def test_train_has_the_same_options_and_records_them(arrays, tmp_path, capsys):
    run = tmp_path / "run"
    small = ["--epochs", "1", "--channels", "32,32", "--T", "20", "--threads", "1"]
    reading = ["--part", "test", "--range", "-1.5", "1.5"]
    assert main(["train", "--data", arrays, "--out", str(run), *small, *reading]) == 0
    assert "5 images x 16 x 16 x 3" in capsys.readouterr().out
    kept = json.loads((run / "config.json").read_text())["data"]
    assert (kept["part"], kept["value_range"]) == ("test", [-1.5, 1.5])
    assert main(["train", "--resume", str(run), "--epochs", "2", "--accept-changes"]) == 0
    assert "5 images x 16 x 16 x 3" in capsys.readouterr().out
    assert main(["train", "--resume", str(run), "--range", "0", "1", "--part", "train"]) == 2
    assert "--resume takes --range, --part from the run" in capsys.readouterr().err
