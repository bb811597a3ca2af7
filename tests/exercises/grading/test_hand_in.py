"""Hand-ins are found in folders as students upload them, and nothing outside of a student's own folder is read."""

import os
from pathlib import Path

import pytest

from minidiff.errors import MinidiffError
from minidiff.exercises.grading import hand_in
from minidiff.exercises.grading.hand_in import find_hand_ins, read_file
from minidiff.regular import MAX_TEXT_BYTES


def write(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")


def names(folder, **options):
    return {one.name: [path.name for path in one.notebooks] for one in find_hand_ins(folder, **options)}


def problems(folder, **options):
    return {one.name: one.problems for one in find_hand_ins(folder, **options) if one.problems}


def test_hand_ins_are_found_in_a_folder_and_in_its_subfolders(tmp_path):
    write(tmp_path / "a" / "deep" / "er" / "x.ipynb", tmp_path / "a" / ".ipynb_checkpoints" / "x.ipynb")
    write(tmp_path / "b" / "X.IPYNB", tmp_path / "b" / "notes.txt", tmp_path / "b" / "folder.ipynb" / "y.ipynb")
    (tmp_path / "empty").mkdir()
    assert names(tmp_path) == {"a": ["x.ipynb"], "b": ["X.IPYNB", "y.ipynb"], "empty": []}
    assert names(tmp_path / "b") == {"b": ["X.IPYNB"], "folder.ipynb": ["y.ipynb"]}


def test_one_folder_may_hold_the_notebooks_of_one_student_or_of_all(tmp_path):
    write(tmp_path / "class" / "ada.ipynb", tmp_path / "class" / "ben.ipynb")
    assert names(tmp_path / "class") == {"class": ["ada.ipynb", "ben.ipynb"]}
    assert names(tmp_path / "class", flat=True) == {"ada": ["ada.ipynb"], "ben": ["ben.ipynb"]}


def test_links_to_others_are_refused(tmp_path):
    write(tmp_path / "class" / "ada" / "x.ipynb", tmp_path / "elsewhere.ipynb")
    for name in ("eve", "max"):
        (tmp_path / "class" / name).mkdir()
    (tmp_path / "class" / "eve" / "x.ipynb").symlink_to("../ada/x.ipynb")
    (tmp_path / "class" / "eve" / "folder").symlink_to("../ada")
    (tmp_path / "class" / "max" / "y.ipynb").symlink_to(tmp_path / "elsewhere.ipynb")
    (tmp_path / "class" / "tom").symlink_to("ada")
    assert names(tmp_path / "class") == {"ada": ["x.ipynb"], "eve": [], "max": [], "tom": []}
    found = problems(tmp_path / "class")
    assert "link" in found["eve"][0]
    assert "link" in found["max"][0]
    assert "link" in found["tom"][0]
    (tmp_path / "class" / "ada" / "again.ipynb").symlink_to("x.ipynb")  # to one's own is harmless
    assert names(tmp_path / "class")["ada"] == ["again.ipynb", "x.ipynb"]
    (tmp_path / "class" / "ada" / "eve.ipynb").symlink_to("x.ipynb")
    assert list(problems(tmp_path / "class" / "ada", flat=True)) == ["again", "eve"]


def test_a_lecturer_may_link_to_folders_elsewhere(tmp_path):
    write(tmp_path / "uploads" / "ada" / "x.ipynb")
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "ada").symlink_to(tmp_path / "uploads" / "ada")
    assert names(tmp_path / "class") == {"ada": ["x.ipynb"]}


def test_folders_without_end_and_too_many_files(tmp_path, monkeypatch):
    write(tmp_path / "class" / "ada" / "x.ipynb")
    (tmp_path / "class" / "deep").mkdir()
    here = os.getcwd()
    try:
        os.chdir(tmp_path / "class" / "deep")
        for _ in range(1500):
            os.mkdir("d")
            os.chdir("d")
        assert names(tmp_path / "class") == {"ada": ["x.ipynb"], "deep": []}
    finally:
        while Path.cwd().name == "d":
            os.chdir("..")
            os.rmdir("d")
        os.chdir(here)
    monkeypatch.setattr(hand_in, "MOST_ENTRIES", 5)
    write(*(tmp_path / "class" / "many" / f"{i}.txt" for i in range(9)))
    assert "more than 5 files" in problems(tmp_path / "class")["many"][0]


def test_a_problem_of_a_flat_folder_is_not_a_student(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(hand_in, "MOST_ENTRIES", 2)
    write(*(tmp_path / f"{name}.ipynb" for name in ("ada", "ben", "tom")))
    assert len(names(tmp_path, flat=True)) == 2
    assert problems(tmp_path, flat=True) == {}
    assert "more than 2 files" in caplog.text


def test_a_student_of_a_flat_folder_is_named_as_the_file_even_if_it_is_refused(tmp_path):
    write(tmp_path / "ada.ipynb")
    (tmp_path / "eve: 2.ipynb").symlink_to("ada.ipynb")
    assert names(tmp_path, flat=True) == {"ada": ["ada.ipynb"], "eve: 2": []}
    assert problems(tmp_path, flat=True) == {"eve: 2": ["eve: 2.ipynb: a link to a file of somebody else"]}


def test_folders_without_notebooks_are_an_error(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(MinidiffError, match="no notebooks"):
        find_hand_ins(tmp_path / "empty")
    with pytest.raises(MinidiffError, match="not a folder"):
        find_hand_ins(tmp_path / "nowhere")


def test_files_that_cannot_be_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, words in ((tmp_path / "pipe", "pipe"), (tmp_path, "directory"), (tmp_path / "none", "No such file")):
        with pytest.raises(MinidiffError, match=words):
            read_file(path)
    with (tmp_path / "large").open("wb") as file:
        file.truncate(MAX_TEXT_BYTES + 1)
    with pytest.raises(MinidiffError, match="larger than"):
        read_file(tmp_path / "large")
