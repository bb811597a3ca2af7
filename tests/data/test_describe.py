"""Descriptions and contact sheets of data sets."""

import numpy as np

from minidiff.data import Dataset, contact_sheet, describe, draw


def test_a_description_covers_all_fields():
    images = np.zeros((40, 8, 12, 1), np.uint8)
    images[:, ::2] = 200
    dataset = Dataset(
        images,
        np.array([0] * 30 + [2] * 10),
        ("cats", "dogs", "mice"),
        "pets",
        "a folder",
        "CC0",
        ("padded",),
        np.array(["a", "b"] * 20),
    )
    text = "\n".join(describe(dataset))
    for part in (
        *("pets: 40 images of 8 x 12, gray, 3 classes, ", "a folder", "CC0", "note     padded", "designs  2"),
        *("values   0 to 200, mean 100.0, std 100.0", "as pixels: -1.00 to 0.57, mean -0.22, std 0.78"),
        *("classes  3, of 0 to 30 images", "cats      30", "dogs       0", "mice      10"),
        "39 images are exact copies",
    ):
        assert part in text


def test_statistics_in_several_chunks_agree_with_numpy():
    dataset = draw("shapes", 120, 64)  # more than one chunk
    line = next(line for line in describe(dataset) if line.startswith("values"))
    assert f"mean {dataset.images.mean():.1f}, std {dataset.images.std():.1f}" in line
    assert f"std {dataset.pixels(slice(None)).std():.2f})" in line


def test_no_classes_and_many_classes():
    images = np.arange(100, dtype=np.uint8).reshape(100, 1, 1, 1)
    assert "classes  none" in describe(Dataset(images))
    lines = describe(Dataset(images, np.arange(100), tuple(f"name {i}" for i in range(100))))
    assert any("and 60 more" in line for line in lines)
    assert len(lines) < 60


def test_a_contact_sheet_is_balanced_over_the_classes():
    images = np.arange(100, dtype=np.uint8).reshape(100, 1, 1, 1)
    labels = np.array([0] * 80 + [1] * 15 + [2] * 5)
    sheet = contact_sheet(Dataset(images, labels, ("a", "b", "c")), 15)
    shown = np.rint((sheet.ravel() + 1) * 127.5).astype(int)
    assert labels[shown].tolist() == [0] * 5 + [1] * 5 + [2] * 5
    assert len(set(shown)) == 15


def test_a_contact_sheet_without_classes():
    images = np.arange(100, dtype=np.uint8).reshape(100, 1, 1, 1)
    sheet = contact_sheet(Dataset(images), 64)
    assert len(np.unique(sheet)) == 64
    assert sheet.dtype == np.float32
    assert (contact_sheet(Dataset(images), 64, seed=1) != sheet).any()
    assert len(contact_sheet(Dataset(images[:3]))) == 3
