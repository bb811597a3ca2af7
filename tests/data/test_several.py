"""Several things below one path: data sets, kinds of files, parts; one is read, and that is said, or none."""

import re

import numpy as np
import pytest

from minidiff.data import Dataset, load, save
from minidiff.errors import MinidiffError
from tests.data.helpers import png, random_bytes, write_folder, write_zip
from tests.data.readers.test_cifar import write_cifar10
from tests.data.readers.test_idx import SPELLINGS, write_pair

COLORS = ("red", "blue", "lime", "yellow", "black", "white")
SIX = {f"{i}.png": png(color) for i, color in enumerate(COLORS)}


def pair_of(prefix):
    return f"{prefix}-images-idx3-ubyte", f"{prefix}-labels-idx1-ubyte"


def test_of_several_data_sets_one_is_to_be_chosen(tmp_path):
    for i, split in enumerate(("letters", "digits")):
        write_pair(tmp_path, 6 + i, names=pair_of(f"emnist-{split}-train"))
        write_pair(tmp_path, 3 + i, names=pair_of(f"emnist-{split}-test"))
    message = "2 data sets, emnist-digits-train-images-idx3-ubyte, emnist-letters-train.*choose one with images_key"
    with pytest.raises(MinidiffError, match=message):
        load(tmp_path)
    for part, count in (("train", 6), ("test", 3)):
        dataset = load(tmp_path, images_key="letters", part=part)
        assert len(dataset) == count
        assert f"{part} part of test, train" in dataset.notes
        assert any(note.startswith("6 other files not read: emnist-digits") for note in dataset.notes)
    with pytest.raises(MinidiffError, match="no IDX images with 'balanced' in their name"):
        load(tmp_path, images_key="balanced")


def test_two_data_sets_below_one_folder_are_refused(tmp_path):
    for name in ("MNIST", "FashionMNIST"):
        write_pair(tmp_path / name / "raw")
    with pytest.raises(MinidiffError, match="2 data sets, FashionMNIST/raw/train-images"):
        load(tmp_path)


def test_the_only_part_is_named_if_it_is_not_for_training(tmp_path):
    write_pair(tmp_path, names=SPELLINGS[4])
    assert load(tmp_path).notes[0] == "test part"


def test_a_file_beside_its_gz_is_one_data_set(tmp_path):
    images = write_pair(tmp_path, side=8)
    write_pair(tmp_path, side=8, names=SPELLINGS[2], pack=True)
    dataset = load(tmp_path)
    np.testing.assert_array_equal(dataset.images[..., 0], images)
    note = "2 other files not read: train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz"
    assert dataset.notes == (note,)


def test_data_sets_of_different_kinds_are_refused(tmp_path):
    write_pair(tmp_path / "mnist")
    (tmp_path / "cifar").mkdir()
    write_cifar10(tmp_path / "cifar")
    with pytest.raises(MinidiffError, match="several data sets, of IDX files and of CIFAR or STL; give one of them"):
        load(tmp_path)


def test_two_copies_of_cifar_are_not_read_as_one(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_cifar10(tmp_path / name)
    with pytest.raises(MinidiffError, match="several data sets, CIFAR-10 in a, b; give the folder of one"):
        load(tmp_path)
    assert load(tmp_path / "a").notes[0].startswith("CIFAR-10, train part")


def test_images_win_over_arrays_beside_them(tmp_path):
    write_folder(tmp_path, SIX | {"test.bin": bytes(5000)})
    np.save(tmp_path / "probabilities.npy", np.zeros((6, 100)))
    np.savez(tmp_path / "features.npz", x=np.zeros((6, 8, 8)))
    dataset = load(tmp_path, 8)
    assert dataset.images.shape == (6, 8, 8, 3)
    assert "3 other files not read: features.npz, probabilities.npy, test.bin" in dataset.notes


def test_idx_files_win_over_images_beside_them(tmp_path):
    write_pair(tmp_path)
    write_folder(tmp_path, {"readme/example.png": png("red")})
    dataset = load(tmp_path)
    assert len(dataset) == 6
    assert dataset.channels == 1
    assert "1 other files not read: readme/example.png" in dataset.notes


def test_the_only_npz_of_a_folder_is_read(tmp_path):
    images = random_bytes(4, 8, 8, 3)
    write_folder(tmp_path / "d", {"readme.txt": b"?"})
    save(tmp_path / "d" / "set.npz", Dataset(images))
    dataset = load(tmp_path / "d")
    np.testing.assert_array_equal(dataset.images, images)
    assert "1 other files not read: readme.txt" in dataset.notes
    np.savez(tmp_path / "d" / "other.npz", x=images)
    with pytest.raises(MinidiffError, match=r"several data sets, other.npz, set.npz; give one of them"):
        load(tmp_path / "d")


def test_images_at_the_top_win_over_fewer_in_subfolders(tmp_path):
    write_folder(tmp_path, SIX | {"labels/0.txt": b"1"})
    before = load(tmp_path, 8)
    write_folder(tmp_path, {"rejected/bad.png": png("gray")})
    dataset = load(tmp_path, 8)
    assert before.fingerprint() == dataset.fingerprint()
    assert len(dataset) == 6
    assert dataset.labels is None
    assert "1 images in subfolders ignored (rejected), because more are beside them" in dataset.notes
    assert "1 other files not read: labels/0.txt" in before.notes


def test_folders_without_images_are_no_classes(tmp_path):
    write_folder(tmp_path, {"cats/1.png": png("red"), "dogs/1.png": png("blue"), "cows/1.png": b"damaged"})
    write_folder(tmp_path, {f"annotations/{i}.xml": b"<x/>" for i in range(6)})
    dataset = load(tmp_path, 8)
    assert dataset.class_names == ("cats", "dogs")
    assert dataset.labels.tolist() == [0, 1]
    assert any(note.startswith("6 other files not read: annotations/0.xml") for note in dataset.notes)
    assert "1 of 3 classes without an image left out: cows" in dataset.notes


def test_a_class_without_an_image_among_the_chosen_ones_is_noted(tmp_path):
    write_folder(tmp_path, {"cats/1.png": png("red"), "dogs/1.png": png("blue")})
    dataset = load(tmp_path, 8, num_images=1, seed=0)
    assert dataset.class_names == ("cats", "dogs")  # as with any other seed
    assert any(note.startswith("1 of 2 classes have no image here: ") for note in dataset.notes)


def test_parts_beside_other_folders(tmp_path):
    names = ("train/cats/1", "train/dogs/1", "test/cats/1", "test/dogs/1", "example/1")
    write_folder(tmp_path, {f"{name}.png": png("red") for name in names})
    dataset = load(tmp_path, 8)
    assert dataset.class_names == ("cats", "dogs")
    assert "train part of test, train" in dataset.notes
    assert "1 images beside the parts ignored: example/1.png" in dataset.notes


def test_two_folders_of_one_part_are_noted(tmp_path):
    write_folder(tmp_path, {f"{name}/1.png": png("red") for name in ("train", "training", "test")})
    assert "train and training read as one part" in load(tmp_path, 8).notes


def test_a_class_may_be_named_like_a_part(tmp_path):
    write_folder(tmp_path, {f"{name}/1.png": png("red") for name in ("bus", "car", "train")})
    dataset = load(tmp_path, 8)
    assert dataset.class_names == ("bus", "car", "train")
    assert "the folder named train taken as a class" in dataset.notes


def test_a_folder_that_all_parts_have_is_no_class(tmp_path):
    write_folder(tmp_path, {f"{part}/images/{i}.png": png("red") for part in ("train", "val") for i in range(2)})
    write_folder(tmp_path, {f"train/labels/{i}.txt": b"0 0.5 0.5 1 1" for i in range(2)})
    dataset = load(tmp_path, 8)
    assert len(dataset) == 2
    assert dataset.labels is None


def test_images_in_folders_within_a_class_are_noted(tmp_path):
    write_zip(tmp_path / "x.zip", {"cats/1.png": png("red"), "cats/old/2.png": png("blue"), "dogs/1.png": png("lime")})
    dataset = load(tmp_path / "x.zip", 8)
    assert dataset.labels.tolist() == [0, 0, 1]
    assert "1 images in deeper folders belong to the class of the uppermost" in dataset.notes


@pytest.mark.parametrize("options", [{"seed": -1}, {"num_images": 0}, {"max_bytes": 0}, {"max_pixels": 0}])
def test_impossible_options_are_refused(tmp_path, options):
    write_folder(tmp_path, SIX)
    with pytest.raises(MinidiffError, match=r"; give (at least|a non-negative)"):
        load(tmp_path, 8, **options)


def test_a_tilde_is_a_character_like_any_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "~backup", SIX)
    assert len(load("~backup", 8)) == 6
    with pytest.raises(MinidiffError, match="no data at '~nosuch/x'"):
        load("~nosuch/x")


@pytest.mark.parametrize(("spec", "message"), [("x" * 300, "name too long"), ("a\0b", "not a possible path")])
def test_impossible_paths_are_refused(spec, message):
    with pytest.raises(MinidiffError, match=message):
        load(spec)


FOLDERS = ("cats", "dogs", "train", "test", "Training", "labels", ".git", "a")
FILES = ("1.png", "2.PNG", "3.jpg", "broken.png", "notes.txt", ".DS_Store", "features.npy", "noname")
WORDS = ("ignored", "not read", "left out")


def accounted(dataset):
    """The number of images, and of files that the notes count as ignored."""
    notes = [note for note in dataset.notes if any(word in note for word in WORDS) and "classes" not in note]
    return len(dataset) + sum(int(note.split()[0]) for note in notes)


@pytest.mark.parametrize("seed", range(60))
def test_every_file_is_read_or_counted(tmp_path, seed):
    rng = np.random.default_rng(seed)
    names = {"a/1.png"}
    for _ in range(rng.integers(1, 40)):
        names.add("/".join([*rng.choice(FOLDERS, rng.integers(0, 4)), rng.choice(FILES)]))
    contents = {f"top/{name}": b"damaged" if "broken" in name else png("red") for name in sorted(names)}
    write_folder(tmp_path / "folder", contents)
    write_zip(tmp_path / "x.zip", contents)
    problem = ""
    try:
        in_folder, in_zip = load(tmp_path / "folder", 8), load(tmp_path / "x.zip", 8)
    except MinidiffError as error:
        problem = str(error)
    if problem:
        assert re.search(r"none of \d+ files is a readable image", problem)  # of the chosen part
        return
    assert in_folder.fingerprint() == in_zip.fingerprint()
    assert in_folder.class_names == in_zip.class_names
    assert accounted(in_zip) == len(contents)
    hidden = {name.partition("/.git/")[0] + "/.git" if "/.git/" in name else name for name in contents}
    assert accounted(in_folder) == len(hidden)  # a hidden folder counts once
