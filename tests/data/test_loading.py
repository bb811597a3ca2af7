"""One function for every source."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from minidiff.data import DRAWN_SETS, draw, load
from minidiff.errors import MinidiffError
from tests.data.test_idx import write_pair


@pytest.mark.parametrize("name", DRAWN_SETS)
def test_drawn_sets_by_name(name):
    dataset = load(name, size=16, num_images=5, seed=2)
    np.testing.assert_array_equal(dataset.images, draw(name, 5, 16, 2).images)


def test_defaults_of_the_drawn_sets():
    dataset = load("shapes")
    assert dataset.images.shape == (1000, 64, 64, 3)


def test_idx_by_folder_and_by_file(tmp_path):
    write_pair(tmp_path)
    (tmp_path / "picture.png").write_bytes(b"not looked at")
    assert load(tmp_path).images.shape == (6, 32, 32, 1)
    assert load(str(tmp_path / "train-images-idx3-ubyte"), size=48).images.shape == (6, 48, 48, 1)


def test_some_of_an_idx_set(tmp_path):
    write_pair(tmp_path, num_images=30)
    dataset = load(tmp_path, num_images=10, seed=1)
    numbers = dataset.images[:, 2, 2, 0]  # the first pixel of a picture is its number
    assert len(dataset) == 10
    assert (np.diff(numbers.astype(int)) > 0).all()
    np.testing.assert_array_equal(dataset.labels, numbers % 10)
    assert any("10 of 30" in note for note in dataset.notes)
    assert (load(tmp_path, num_images=10, seed=2).images[:, 2, 2, 0] != numbers).any()
    with pytest.raises(MinidiffError, match="1 to 30"):
        load(tmp_path, num_images=31)


def test_a_folder_of_pictures(tmp_path):
    for i in range(3):
        Image.new("RGB", (20, 30), (40 * i, 0, 0)).save(tmp_path / f"{i}.png")
    assert load(tmp_path).images.shape == (3, 64, 64, 3)
    assert load(tmp_path, size=16, num_images=2).images.shape == (2, 16, 16, 3)


def test_a_folder_named_like_a_drawn_set(tmp_path, monkeypatch):
    (tmp_path / "cats").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "cats" / "one.png")
    monkeypatch.chdir(tmp_path)
    assert len(load("./cats")) == 1
    assert load("cats", size=8, num_images=3).labels is not None


def test_unknown_names_are_told_what_exists():
    with pytest.raises(MinidiffError, match="cats, shapes, landscapes"):
        load("dogs")


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "essay.txt").write_text("Once upon a time")
    with pytest.raises(MinidiffError, match=r"essay\.txt: not an IDX file"):
        load(tmp_path / "essay.txt")


def test_importing_is_cheap():
    program = "import minidiff.data, sys; print([m for m in ('PIL', 'matplotlib') if m in sys.modules])"
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[]"
