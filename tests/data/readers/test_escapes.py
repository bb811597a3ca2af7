"""Terminal escape sequences, line breaks and other bytes in what every reader reads: cleaned in the data set."""

import os
from dataclasses import replace

import numpy as np
import pytest

from minidiff.cli import main
from minidiff.data import describe, load, save
from minidiff.errors import MinidiffError
from tests.data.helpers import png, random_bytes, write_folder, write_zip
from tests.data.readers.test_saved import some_dataset

EVIL = "\x1b[31m\u202e\x07red"
CLEANED = r"\x1b[31m\u202e\x07red"


def write_class_folder(path):
    write_folder(path, {f"{EVIL}/a.png": png("red"), "b/b.png": png("blue")})


def write_class_zip(path):
    write_zip(path.with_suffix(".zip"), {f"{EVIL}/a.png": png("red"), "b/b.png": png("blue")})
    return path.with_suffix(".zip")


def write_saved(path):
    dataset = some_dataset()
    for name in ("name", "source", "license"):
        object.__setattr__(dataset, name, EVIL)
    object.__setattr__(dataset, "class_names", (EVIL, "b", "two\nlines"))
    object.__setattr__(dataset, "notes", (EVIL, "\r"))
    save(path.with_suffix(".npz"), dataset)
    return path.with_suffix(".npz")


def write_cifar(path):
    names = [EVIL, *(f"class {i}" for i in range(1, 10))]
    records = np.concatenate([np.arange(20, dtype=np.uint8)[:, None] % 10, random_bytes(20, 3072)], axis=1)
    write_folder(path, {"batches.meta.txt": "\n".join(names).encode(), "data_batch_1.bin": records.tobytes()})


def write_arrays(path):
    np.savez(path.with_suffix(".npz"), **{f"images{EVIL}": random_bytes(6, 8, 8, 3), "labels": np.arange(6) % 2})
    return path.with_suffix(".npz")


WRITERS = [write_class_folder, write_class_zip, write_saved, write_cifar, write_arrays]


@pytest.mark.parametrize("write", WRITERS)
def test_every_text_of_a_data_set_is_printable(tmp_path, write, capsys):
    path = write(tmp_path / f"set{EVIL}") or tmp_path / f"set{EVIL}"
    dataset = load(path)
    texts = [dataset.name, dataset.source, dataset.license, *dataset.class_names, *dataset.notes]
    assert all(text.isprintable() for text in texts)
    assert CLEANED in "".join(texts)
    assert all(line.isprintable() for line in describe(dataset))
    assert main(["data", str(path)]) == 0
    assert all(line.isprintable() for line in capsys.readouterr().out.splitlines())


@pytest.mark.parametrize("write", WRITERS)
def test_errors_about_it_are_one_printable_line(tmp_path, write):
    path = write(tmp_path / f"set{EVIL}") or tmp_path / f"set{EVIL}"
    with pytest.raises(MinidiffError) as caught:
        load(path, part=EVIL, images_key=EVIL, labels_key=EVIL, layout=EVIL)
    assert str(caught.value).isprintable()


@pytest.mark.skipif(os.name == "nt", reason="names are not bytes there")
def test_names_that_are_not_utf_8_are_escaped(tmp_path):
    folder = os.fsencode(tmp_path) + b"/\xff\xfe"
    os.mkdir(folder)
    with open(folder + b"/a.png", "wb") as file:
        file.write(png("red"))
    write_folder(tmp_path, {"b/b.png": png("blue")})
    dataset = load(tmp_path)
    assert sorted(dataset.class_names) == [r"\udcff\udcfe", "b"]


def test_a_changed_data_set_is_cleaned_again():
    assert replace(some_dataset(), name=EVIL).noted("\n").name == CLEANED
    assert some_dataset().noted("\n").notes[-1] == r"\n"
