"""The cache of decoded images."""

import os

import numpy as np
import pytest
from PIL import Image

from minidiff.data import load
from minidiff.data.readers import folder
from minidiff.data.readers.cache import MAX_ENTRIES, default_cache_folder, find, keep


@pytest.fixture
def decoded(monkeypatch):
    """The calls of `folder.decode`."""
    calls, original = [], folder.decode
    monkeypatch.setattr(folder, "decode", lambda *arguments: calls.append(arguments) or original(*arguments))
    return calls


def write_images(path, count=4):
    for i in range(count):
        (path / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (10, 8), (40 * i, 0, 0)).save(path / "ab"[i % 2] / f"{i}.bmp")


def test_the_second_load_is_identical_and_decodes_nothing(tmp_path, decoded):
    write_images(tmp_path / "in")
    (tmp_path / "in" / "a" / "bad.bmp").write_bytes(b"?")
    first, second = (load(tmp_path / "in", size=8, cache_folder=tmp_path / "cache") for _ in range(2))
    assert len(decoded) == 1
    assert first.fingerprint() == second.fingerprint()
    for name in ("class_names", "name", "source", "license", "notes"):
        assert getattr(first, name) == getattr(second, name)
    assert any("1 files left out" in note for note in second.notes)


def test_options_and_contents_lead_to_new_entries(tmp_path, decoded):
    write_images(tmp_path / "in")
    options = {"size": 8, "cache_folder": tmp_path / "cache"}
    load(tmp_path / "in", **options)
    load(tmp_path / "in", **options | {"size": 9})
    load(tmp_path / "in", num_images=2, **options)
    load(tmp_path / "in", max_pixels=1000, **options)
    assert len(decoded) == 4
    file = tmp_path / "in" / "a" / "0.bmp"
    times = (os.stat(file).st_atime, os.stat(file).st_mtime)
    size = os.stat(file).st_size
    Image.new("RGB", (10, 8), (1, 0, 0)).save(file)  # same size and time as before, only the content differs
    assert os.stat(file).st_size == size
    os.utime(file, times)
    assert load(tmp_path / "in", **options).images[0, 0, 0, 0] == 1
    assert len(decoded) == 5
    file.rename(file.with_name("9.bmp"))
    load(tmp_path / "in", **options)
    assert len(decoded) == 6


def test_a_damaged_entry_is_replaced(tmp_path, decoded):
    write_images(tmp_path / "in")
    options = {"size": 8, "cache_folder": tmp_path / "cache"}
    expected = load(tmp_path / "in", **options).fingerprint()
    (entry,) = (tmp_path / "cache").iterdir()
    for damage in (lambda content: content[:100], lambda content: b"", lambda content: content[:-300] + bytes(300)):
        entry.write_bytes(damage(entry.read_bytes()))
        assert load(tmp_path / "in", **options).fingerprint() == expected
    assert len(decoded) == 4
    load(tmp_path / "in", **options)
    assert len(decoded) == 4


def test_old_entries_are_deleted(tmp_path):
    write_images(tmp_path / "in")
    for size in range(1, MAX_ENTRIES + 5):
        load(tmp_path / "in", size=size, cache_folder=tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == MAX_ENTRIES


def test_a_cache_that_cannot_be_written_gives_a_note(tmp_path):
    write_images(tmp_path / "in")
    (tmp_path / "cache").write_text("a file instead of a folder")
    dataset = load(tmp_path / "in", size=8, cache_folder=tmp_path / "cache")
    assert len(dataset) == 4
    assert any("not cached" in note for note in dataset.notes)


def test_the_default_folder_and_no_cache(tmp_path, decoded):
    write_images(tmp_path / "in")
    load(tmp_path / "in", size=8, cache_folder=None)
    assert not default_cache_folder().exists()
    load(tmp_path / "in", size=8)
    load(tmp_path / "in", size=8)
    assert len(decoded) == 2
    assert len(list(default_cache_folder().glob("*.npz"))) == 1


def test_changing_loaded_images_does_not_change_the_cache(tmp_path):
    write_images(tmp_path / "in")
    for _ in range(2):
        images = load(tmp_path / "in", size=8, cache_folder=tmp_path / "cache").images
        assert images[0, 0, 0, 0] == 0
        np.add(images, 1, out=images)


def test_where_the_home_is_unknown_nothing_is_cached(monkeypatch):
    """As for a user id without a name, in a container: no error, and no folder "~" in the working directory."""
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    entry = default_cache_folder() / "a.npz"
    assert entry.is_absolute()
    assert find(entry, 1000) is None
    (note,) = keep(entry, np.zeros((1, 2, 2, 3), np.uint8), np.zeros(1, int), ())
    assert note.startswith("not cached: ")
