"""Data sets saved as files."""

import json

import numpy as np
import pytest

from minidiff.data import Dataset, load, save
from minidiff.data.readers.saved import OLD_KEYS
from minidiff.errors import MinidiffError
from tests.data.helpers import random_bytes


def some_dataset(**changes):
    options = {
        "images": random_bytes(6, 12, 20, 3),
        "labels": np.array([0, 1, 2, 0, 1, 2]),
        "class_names": ("ä", "b", "c d"),
        "name": "things",
        "source": "somewhere",
        "license": "CC0",
        "notes": ("first", "second"),
        "groups": np.array(["x", "y", "x", "zz", "y", "x"]),
    }
    return Dataset(**options | changes)


@pytest.mark.parametrize("changes", [{}, {"labels": None, "class_names": ()}, {"groups": None}])
def test_a_saved_data_set_is_restored(tmp_path, changes):
    dataset = some_dataset(**changes)
    save(tmp_path / "set.npz", dataset)
    back = load(tmp_path / "set.npz")
    assert back.fingerprint() == dataset.fingerprint()
    for name in ("class_names", "name", "source", "license", "notes"):
        assert getattr(back, name) == getattr(dataset, name)
    if dataset.groups is None:
        assert back.groups is None
    else:
        assert back.groups.tolist() == dataset.groups.tolist()
    assert [path.name for path in tmp_path.iterdir()] == ["set.npz"]


def test_numpy_can_load_it(tmp_path):
    save(tmp_path / "set.npz", some_dataset())
    with np.load(tmp_path / "set.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["images"], some_dataset().images)
        assert json.loads(arrays["about"].tobytes())["license"] == "CC0"


def test_fewer_images_at_another_size(tmp_path):
    dataset = some_dataset()
    save(tmp_path / "set.npz", dataset)
    back = load(tmp_path / "set.npz", size=20, num_images=3, seed=1)
    assert back.images.shape == (3, 20, 20, 3)
    assert len(back.groups) == 3
    assert any("padded" in note for note in back.notes)
    assert any("3 of 6" in note for note in back.notes)
    with pytest.raises(MinidiffError, match="from 1 to 6"):
        load(tmp_path / "set.npz", num_images=7)


def test_an_unwritable_path_is_rejected(tmp_path):
    with pytest.raises(MinidiffError, match="cannot write"):
        save(tmp_path / "nowhere" / "set.npz", some_dataset())


def test_files_of_version_0_1_0_are_read(tmp_path):
    (old_key,) = OLD_KEYS
    content = {"name": "a", "source": "b", old_key: "CC0", "class_names": [], "notes": []}
    about = np.frombuffer(json.dumps(content).encode(), np.uint8)
    np.savez(tmp_path / "old.npz", images=random_bytes(2, 8, 8, 3), about=about)
    assert load(tmp_path / "old.npz").license == "CC0"


def about(**changes):
    content = {"name": "a", "source": "b", "license": "c", "class_names": [], "notes": []} | changes
    return np.frombuffer(json.dumps(content).encode(), np.uint8)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"about": np.frombuffer(b"{", np.uint8)}, "damaged"),
        ({"about": np.frombuffer(b"[" * 100_000, np.uint8)}, "damaged"),
        ({"about": np.frombuffer(b"[]", np.uint8)}, "incomplete"),
        ({"about": about(name=5)}, "incomplete"),
        ({"about": about(notes=[5])}, "other than text"),
        ({"about": about(), "groups": np.arange(6)}, "groups are not text"),
        ({"about": about(), "labels": np.arange(5)}, "6 images"),
        ({"about": about(class_names=["a"])}, "without labels"),
        ({"about": about(), "images": np.zeros((6, 4, 4))}, "uint8"),
    ],
)
def test_damaged_files_are_rejected(tmp_path, arrays, message):
    arrays = {"images": np.zeros((6, 8, 8, 1), np.uint8)} | arrays
    np.savez(tmp_path / "set.npz", **arrays)
    with pytest.raises(MinidiffError, match=rf"set\.npz: .*{message}"):
        load(tmp_path / "set.npz")
