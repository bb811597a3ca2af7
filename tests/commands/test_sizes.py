"""Images that are not square, in every command that takes a size."""

import numpy as np
import pytest
from PIL import Image

from minidiff import data
from minidiff.cli import main
from minidiff.commands.options import size_of
from minidiff.runs.folder import Run

TINY = ["--channels", "16,16", "--T", "10", "--epochs", "1", "--images", "6", "--threads", "1"]


@pytest.mark.parametrize("spec", ["cats", "shapes", "landscapes"])
def test_synthetic_data_is_drawn_at_any_proportions(spec):
    square = data.load(spec, size=24, num_images=4)
    wide = data.load(spec, size=(24, 40), num_images=4)
    tall = data.load(spec, size=(40, 24), num_images=4)
    assert (wide.images.shape, tall.images.shape) == ((4, 24, 40, 3), (4, 40, 24, 3))
    if spec != "landscapes":  # the figure stays as large, and the background goes on
        middle = square.images[:, 6:18, 6:18].astype(int)
        assert np.abs(wide.images[:, 6:18, 14:26] - middle).mean() < 12
        assert np.abs(tall.images[:, 14:26, 6:18] - middle).mean() < 12


def test_an_equal_height_and_width_are_one_number():
    first, second = (data.load("shapes", size=size, num_images=2).fingerprint() for size in (16, (16, 16)))
    assert first == second
    assert (size_of("64"), size_of("48x64"), size_of("32X32")) == (64, (48, 64), 32)


def test_photographs_are_cropped_at_the_center(tmp_path, capsys):
    columns = np.arange(60) * 4
    Image.fromarray(np.broadcast_to(columns, (30, 60)).astype(np.uint8)).save(tmp_path / "a.png")
    assert main(["data", str(tmp_path), "--size", "16x24", "--no-cache"]) == 0
    printed = capsys.readouterr().out
    assert "1 images of 16 x 24" in printed
    assert "1 images cropped to the proportions 16 : 24 at the center" in printed
    (image,) = data.load(tmp_path, size=(15, 30), cache_folder="").images  # the proportions of the file
    assert np.abs(image[7, :, 0].astype(int) - (columns.reshape(30, 2).mean(axis=1))).max() <= 2
    (image,) = data.load(tmp_path, size=(15, 15), cache_folder="").images
    assert np.abs(image[7, :, 0].astype(int) - (columns[15:45].reshape(15, 2).mean(axis=1))).max() <= 3


def test_arrays_are_cropped_at_the_center(tmp_path):
    images = np.broadcast_to((4 * np.arange(60))[None, None, :, None], (2, 30, 60, 1)).astype(np.uint8)
    np.save(tmp_path / "a.npy", images)
    dataset = data.load(tmp_path / "a.npy", size=(20, 24))
    assert dataset.images.shape == (2, 20, 24, 1)
    assert "cropped from 30 x 60 to the central 30 x 36" in dataset.notes
    assert "resized from 30 x 36 to 20 x 24" in dataset.notes
    assert dataset.images[0, 10, 0, 0] == pytest.approx(4 * (12 + 0.25), abs=3)


@pytest.mark.parametrize("size", ["16x24", "24x16"])
def test_a_network_is_trained_resumed_sampled_and_reported(tmp_path, size, capsys):
    height, width = map(int, size.split("x"))
    path = tmp_path / "run"
    assert main(["train", "--data", "shapes", "--size", size, *TINY, "--out", str(path)]) == 0
    assert f"images x {height} x {width} x 3 channels" in capsys.readouterr().out
    assert Run.open(path).config["data"]["size"] == [height, width]
    more = ["--epochs", "2", "--accept-changes", "--threads", "1"]
    assert main(["train", "--resume", str(path), *more]) == 0
    assert main(["sample", str(path), "-n", "2", "--steps", "2", "--out", str(tmp_path / "a.npz")]) == 0
    with np.load(tmp_path / "a.npz") as archive:
        assert archive["images"].shape == (2, height, width, 3)
    assert main(["report", str(path)]) == 0


def test_a_summary(capsys):
    assert main(["summary", "--size", "48x64"]) == 0
    assert "48 x 64" in capsys.readouterr().out.replace("(48, 64", "48 x 64")


@pytest.mark.parametrize("size", ["48x", "x64", "48x64x3", "a", "4.5", "48 64", "٤٨"])
def test_a_size_that_cannot_be_parsed_is_refused(size, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["data", "shapes", "--size", size])
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert "give a side or HEIGHTxWIDTH in pixels" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("size", ["0x8", "8x9999", "8x2000"])
def test_a_size_out_of_range_is_refused(size, capsys):
    assert main(["data", "shapes", "--images", "2", "--size", size]) == 2
    assert "size is" in capsys.readouterr().err
