"""Folders: links, unreadable and special files, runs, and what minidiff has written; nothing is left out in silence."""

import os
import shutil

import numpy as np
import pytest

from minidiff import plotting
from minidiff.cli import main
from minidiff.data import load
from minidiff.data.readers import tree
from minidiff.data.readers.archives import open_files
from minidiff.errors import MinidiffError
from tests.data.helpers import png, write_folder

PETS = {"cats/1.png": png("red"), "cats/2.png": png("blue"), "dogs/1.png": png("lime")}


def write_pets(folder):
    write_folder(folder, PETS)
    return folder


def assert_pets(dataset):
    assert dataset.class_names == ("cats", "dogs")
    assert dataset.labels.tolist() == [0, 0, 1]
    assert dataset.images[:, 4, 4].tolist() == [[255, 0, 0], [0, 0, 255], [0, 255, 0]]


def test_class_folders_and_files_may_be_links_out_of_the_folder(tmp_path):
    write_pets(tmp_path / "real")
    for name in PETS:  # as a model hub stores them
        link = tmp_path / "files" / name
        link.parent.mkdir(parents=True, exist_ok=True)
        os.symlink(tmp_path / "real" / name, link)
    (tmp_path / "folders").mkdir()
    for name in ("cats", "dogs"):
        os.symlink(tmp_path / "real" / name, tmp_path / "folders" / name)
    for kind in ("files", "folders"):
        dataset = load(tmp_path / kind, 8)
        assert_pets(dataset)
        assert dataset.notes == ("resized to 8 x 8",)


def test_circles_of_links_are_not_followed(tmp_path):
    write_pets(tmp_path / "d")
    os.symlink(tmp_path / "d", tmp_path / "d" / "cats" / "up")
    os.symlink(tmp_path, tmp_path / "d" / "dogs" / "further")
    dataset = load(tmp_path / "d", 8)
    assert_pets(dataset)
    assert "2 links to folders around them not followed: dogs/further/d, cats/up" in dataset.notes


def test_nested_links_cannot_multiply_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(tree, "MAX_ENTRIES", 1000)
    for i in range(12):
        (tmp_path / str(i)).mkdir()
        for name in "ab":
            os.symlink(tmp_path / str(i + 1), tmp_path / str(i) / name)
    (tmp_path / "12").mkdir()
    with pytest.raises(MinidiffError, match="more than 1,000 files; give a smaller folder"):
        load(tmp_path)


def test_links_that_lead_nowhere_and_special_files_are_counted(tmp_path):
    write_pets(tmp_path)
    os.symlink(tmp_path / "gone", tmp_path / "cats" / "3.png")
    os.mkfifo(tmp_path / "cats" / "4.png")
    os.symlink("/dev/zero", tmp_path / "cats" / "5.png")
    dataset = load(tmp_path, 8)
    assert_pets(dataset)
    assert "1 links that lead nowhere ignored: cats/3.png" in dataset.notes
    assert any(note.startswith("2 devices, pipes or sockets ignored: cats/") for note in dataset.notes)


def test_a_folder_that_cannot_be_read_stops_the_reading(tmp_path, monkeypatch):
    write_pets(tmp_path)
    listdir = os.listdir

    def refuse(folder):
        if str(folder).endswith("dogs"):
            raise PermissionError(13, "Permission denied")
        return listdir(folder)

    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(MinidiffError, match=r"cannot read .*/dogs \(Permission denied\); make it readable, or move it"):
        load(tmp_path, 8)


def test_a_path_within_an_unreadable_folder_is_refused(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "stat", refuse)
    with pytest.raises(MinidiffError, match=r"cannot read hidden/data \(Permission denied\)"):
        load("hidden/data")


def test_runs_within_the_folder_are_no_data(tmp_path):
    write_pets(tmp_path)
    run = {"config.json": b"{}", "history.csv": b"", "checkpoints/step_000000003.npz": b"", "samples.png": png("red")}
    write_folder(tmp_path / "run", run | {"snapshots/epoch_00001.png": png("red")})
    dataset = load(tmp_path, 8)
    assert_pets(dataset)
    assert "1 runs of minidiff ignored: run" in dataset.notes
    with pytest.raises(MinidiffError, match="run: a run of minidiff; give the images that it was trained on"):
        load(tmp_path / "run")
    shutil.make_archive(str(tmp_path / "all"), "zip", tmp_path)
    assert_pets(load(tmp_path / "all.zip", 8))


def test_a_run_beside_its_images_is_resumed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(write_pets(tmp_path / "in"))
    tiny = ["--size", "8", "--channels", "8", "--T", "10", "--epochs", "1", "--threads", "1", "--images", "2"]
    for name in ("run", "run2"):
        assert main(["train", "--data", ".", "--out", name, *tiny]) == 0
        plotting.save_sheet("sheet.png", np.zeros((1, 8, 8, 3)))
    trained = capsys.readouterr().out
    assert trained.count("2 images x 8 x 8 x 3 channels, 2 classes") == 2
    assert main(["train", "--resume", "run", "--epochs", "2", "--accept-changes"]) == 0
    assert "images were" not in capsys.readouterr().err


def test_sheets_and_figures_of_minidiff_are_no_data(tmp_path):
    write_folder(tmp_path, {f"{i}.png": png(color) for i, color in enumerate(("red", "blue", "lime"))})
    before = load(tmp_path, 8, num_images=2, seed=1)
    images = np.zeros((4, 8, 8, 3), np.float32)
    plotting.save_sheet(tmp_path / "a.png", images)
    plotting.save_animation(tmp_path / "b.gif", [images, images + 1])
    plotting.save_figure(plotting.new_figure(2, 2), tmp_path / "c.png")
    dataset = load(tmp_path, 8)
    assert len(dataset) == 3
    assert "3 sheets or figures of minidiff ignored: a.png, b.gif, c.png" in dataset.notes
    assert load(tmp_path, 8, num_images=2, seed=1).fingerprint() == before.fingerprint()
    shutil.make_archive(str(tmp_path / "all"), "zip", tmp_path)
    archive = load(tmp_path / "all.zip", 8)
    assert len(archive) == 3
    assert any("3 files left out: a.png (a sheet or figure" in note for note in archive.notes)
    for i in range(3):
        (tmp_path / f"{i}.png").unlink()
    (tmp_path / "all.zip").unlink()
    with pytest.raises(MinidiffError, match="contains only images that minidiff has written"):
        load(tmp_path)


def test_a_file_is_opened_in_a_folder_that_cannot_be_listed(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_bytes(b"first")

    def refuse(folder):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    with open_files(tmp_path / "a.txt") as files, files.open("a.txt") as stream:
        assert (files.names, stream.read()) == (["a.txt"], b"first")
