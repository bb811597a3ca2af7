"""Loading from every kind of source."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from minidiff.data import SYNTHETIC_SETS, draw, load
from minidiff.errors import MinidiffError
from tests.data.helpers import random_bytes
from tests.data.readers.test_idx import write_pair


@pytest.mark.parametrize("name", SYNTHETIC_SETS)
def test_synthetic_data_by_name(name):
    dataset = load(name, size=16, num_images=5, seed=2)
    np.testing.assert_array_equal(dataset.images, draw(name, 5, 16, 2).images)


def test_defaults_of_synthetic_data():
    dataset = load("shapes")
    assert dataset.images.shape == (1000, 64, 64, 3)


def test_idx_by_folder_and_by_file(tmp_path):
    write_pair(tmp_path)
    (tmp_path / "image.png").write_bytes(b"ignored")
    assert load(tmp_path).images.shape == (6, 32, 32, 1)
    assert load(str(tmp_path / "train-images-idx3-ubyte"), size=48).images.shape == (6, 48, 48, 1)


def test_some_images_of_an_idx_set(tmp_path):
    write_pair(tmp_path, num_images=30)
    dataset = load(tmp_path, num_images=10, seed=1)
    indices = dataset.images[:, 2, 2, 0]  # the first pixel of an image is its index
    assert len(dataset) == 10
    assert (np.diff(indices.astype(int)) > 0).all()
    np.testing.assert_array_equal(dataset.labels, indices % 10)
    assert any("10 of 30" in note for note in dataset.notes)
    assert (load(tmp_path, num_images=10, seed=2).images[:, 2, 2, 0] != indices).any()
    with pytest.raises(MinidiffError, match="1 to 30"):
        load(tmp_path, num_images=31)


def test_a_folder_of_images(tmp_path):
    for i in range(3):
        Image.new("RGB", (20, 30), (40 * i, 0, 0)).save(tmp_path / f"{i}.png")
    assert load(tmp_path).images.shape == (3, 64, 64, 3)
    assert load(tmp_path, size=16, num_images=2).images.shape == (2, 16, 16, 3)


def test_a_folder_named_like_synthetic_data(tmp_path, monkeypatch):
    (tmp_path / "cats").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "cats" / "one.png")
    monkeypatch.chdir(tmp_path)
    assert len(load("./cats")) == 1
    assert load("cats", size=8, num_images=3).labels is not None


def test_unknown_names_are_rejected():
    with pytest.raises(MinidiffError, match="cats, shapes, landscapes"):
        load("dogs")


def test_a_file_of_another_kind_is_rejected(tmp_path):
    (tmp_path / "essay.txt").write_text("Once upon a time")
    with pytest.raises(MinidiffError, match=r"essay\.txt: unknown kind of file, begins with 4f 6e 63 65"):
        load(tmp_path / "essay.txt")


def test_a_single_image_is_rejected(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "one.png")
    with pytest.raises(MinidiffError, match=r"one\.png: a single image; give the folder"):
        load(tmp_path / "one.png")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("layout", "NHWC"),
        ("value_range", (0, 1)),
        ("part", "train"),
        ("subset", "people"),
        ("images_key", "x"),
        ("labels_key", "y"),
        ("max_pixels", 5),
    ],
)
def test_options_that_do_not_apply_are_rejected(option, value):
    with pytest.raises(MinidiffError, match=f"{option} does not apply to synthetic data"):
        load("shapes", size=8, num_images=6, **{option: value})


def test_a_part_of_a_single_file_is_rejected(tmp_path):
    write_pair(tmp_path)
    np.save(tmp_path / "x.npy", np.zeros((2, 8, 8), np.uint8))
    for name in ("train-images-idx3-ubyte", "x.npy"):
        with pytest.raises(MinidiffError, match="a single file has no parts"):
            load(tmp_path / name, part="train")


def test_distinct_leaves_out_exact_copies(tmp_path):
    images = random_bytes(5, 8, 8)
    np.save(tmp_path / "x.npy", images[[0, 1, 0, 2, 1, 3, 4]])
    dataset = load(tmp_path / "x.npy", distinct=True)
    np.testing.assert_array_equal(dataset.images[..., 0], images)
    assert any("2 exact copies" in note for note in dataset.notes)


def test_importing_does_not_import_pillow_or_matplotlib():
    program = "import minidiff.data, sys; print([m for m in ('PIL', 'matplotlib') if m in sys.modules])"
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[]"
