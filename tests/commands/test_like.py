"""`minidiff sample --like` and `--single`: files that say how they were sampled, and are sampled again."""

import numpy as np
import pytest
from PIL import Image

from minidiff import plotting
from minidiff.captions import LINE
from minidiff.cli import main
from minidiff.runs.metadata import read_metadata

TRAIN = ["train", "--data", "shapes", "--channels", "16,16", "--T", "20", "--size", "16x24", "--images", "8"]
STEPS = ["--epochs", "4", "--batch-size", "1", "--learning-rate", "0.02", "--warmup-steps", "0", "--threads", "1"]
FEW = ["-n", "3", "--steps", "3"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of images that are not square, in large steps so that its images depend on the labels."""
    path = tmp_path_factory.mktemp("runs") / "run"
    assert main([*TRAIN, *STEPS, "--out", str(path)]) == 0
    return path


@pytest.fixture
def given(tmp_path):
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (32, 48, 3), np.uint8)).save(tmp_path / "given.png")
    mask = np.zeros((32, 48), np.uint8)
    mask[:, 24:] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    return str(tmp_path / "given.png"), str(tmp_path / "mask.png")


def pixels(path):
    return np.asarray(Image.open(path).convert("RGB"))


OPTIONS = [
    [],
    ["--label", "RING,ring,disc", "--guidance", "2", "--seed", "5"],
    ["--label", "any", "--sampler", "heun", "--spacing", "trailing"],
    ["--eta", "0.5", "--seed", "340282366920938463463374607431768211455"],
    ["--interpolate", "--label", "star"],
]


@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
@pytest.mark.parametrize("suffix", [".png", ".gif"])
def test_a_file_is_sampled_again(run, tmp_path, options, suffix, capsys):
    first, second = tmp_path / f"first{suffix}", tmp_path / f"second{suffix}"
    assert main(["sample", str(run), *FEW, *options, "--out", str(first)]) == 0
    capsys.readouterr()
    assert main(["sample", str(run), "--like", str(first), "--out", str(second)]) == 0
    assert capsys.readouterr().err == ""
    assert second.read_bytes() == first.read_bytes()


def test_options_take_precedence(run, tmp_path):
    first, second = tmp_path / "first.png", tmp_path / "second.png"
    assert main(["sample", str(run), *FEW, "--label", "ring", "--seed", "4", "--out", str(first)]) == 0
    like = ["sample", str(run), "--like", str(first), "--label", "star", "-n", "2", "--out", str(second)]
    assert main(like) == 0
    found = read_metadata(second)
    assert (found["label"], found["seed"], found["images"], found["steps"]) == ("star", 4, 2, 3)


def test_edits_need_their_images_again(run, tmp_path, given, capsys):
    image, mask = given
    for options, message in (
        (["--inpaint", image, "--mask", mask, "--rounds", "2"], "add --inpaint IMAGE --mask MASK"),
        (["--from-image", image, "--strength", "0.3"], "add --from-image IMAGE"),
    ):
        first, second = tmp_path / "first.png", tmp_path / "second.png"
        assert main(["sample", str(run), *FEW, *options, "--out", str(first)]) == 0
        capsys.readouterr()
        assert main(["sample", str(run), "--like", str(first)]) == 2
        assert message in capsys.readouterr().err
        files = options[: 4 if "--mask" in options else 2]
        assert main(["sample", str(run), "--like", str(first), *files, "--out", str(second)]) == 0
        np.testing.assert_array_equal(pixels(second), pixels(first))
        assert b"given" not in first.read_bytes()
    assert main(["sample", str(run), "--like", str(first), "--inpaint", image, "--mask", mask]) == 2
    assert "was not made with --inpaint" in capsys.readouterr().err


def test_other_weights_are_reported(run, tmp_path, capsys):
    first = tmp_path / "first.png"
    texts = {"seed": "0", "sampler": "ddim", "steps": "2", "images": "1", "weights": "0123456789abcdef"}
    plotting.save_sheet(first, np.zeros((1, 8, 8, 3)), metadata=texts)
    assert main(["sample", str(run), "--like", str(first), "--out", str(tmp_path / "second.png")]) == 0
    error = capsys.readouterr().err
    assert "was sampled with other weights (0123456789abcdef, not" in error
    assert error.count("\n") == 1
    plotting.save_sheet(first, np.zeros((1, 8, 8, 3)), metadata=texts | {"label": "unicorn"})
    assert main(["sample", str(run), "--like", str(first)]) == 2
    assert "unknown class 'unicorn'" in capsys.readouterr().err
    plotting.save_sheet(first, np.zeros((1, 8, 8, 3)), metadata=texts | {"seed": "x"})
    assert main(["sample", str(run), "--like", str(first)]) == 2
    assert "seed must be a whole number" in capsys.readouterr().err


def test_single_images_are_those_of_the_sheet_and_can_be_sampled_again(run, tmp_path, capsys):
    out = tmp_path / "some.npz"
    assert main(["sample", str(run), *FEW, "--out", str(out)]) == 0
    with np.load(out) as archive:
        images = archive["images"]
    capsys.readouterr()
    assert main(["sample", str(run), *FEW, "--single", "--out", str(tmp_path / "one.png")]) == 0
    files = [tmp_path / f"one_{i:03}.png" for i in range(3)]
    assert capsys.readouterr().out.split() == list(map(str, files))
    for file, image in zip(files, images, strict=True):
        np.testing.assert_array_equal(pixels(file), image)
        assert main(["sample", str(run), "--like", str(file), "--out", str(tmp_path / "again.png")]) == 0
        np.testing.assert_array_equal(pixels(tmp_path / "again.png"), image)
    assert main(["sample", str(run), *FEW, "--single", "--out", str(out)]) == 2
    assert main(["sample", str(run), *FEW, "--single", "--out", str(tmp_path / "one.gif")]) == 0
    assert len(list(tmp_path.glob("one_*.gif"))) == 3


def test_single_images_with_default_names_do_not_replace_others(run):
    for _ in range(2):
        assert main(["sample", str(run), "-n", "1", "--steps", "2", "--seed", "9", "--single"]) == 0
    names = sorted(file.name for file in run.glob("samples_dpmpp_2m_sde_2_9*"))
    assert names == ["samples_dpmpp_2m_sde_2_9_000-2.png", "samples_dpmpp_2m_sde_2_9_000.png"]


def test_the_original_and_the_mask_are_beside_what_was_inpainted(run, tmp_path, given):
    image, mask = given
    out = tmp_path / "sheet.png"
    assert main(["sample", str(run), *FEW, "--inpaint", image, "--mask", mask, "--out", str(out)]) == 0
    scale, sheet = 128 // 24, pixels(out)
    assert sheet.shape == ((2 * 18 + 2) * scale + 2 * LINE, (3 * 26 + 2) * scale, 3)  # 2 + 3 images, three in a row
    tiles = [sheet[2 * scale : 18 * scale, (2 + 26 * i) * scale : (26 + 26 * i) * scale] for i in range(3)]
    assert (tiles[1][:, : 12 * scale] == 0).all()
    assert (tiles[1][:, 12 * scale :] == 255).all()
    kept, made = tiles[0][:, : 11 * scale].astype(int), tiles[2][:, : 11 * scale].astype(int)
    assert np.abs(kept - made).max() <= 1
    assert read_metadata(out)["label"] == "any"
