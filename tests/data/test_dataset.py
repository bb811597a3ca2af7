"""Data sets: conversions, checks, subsets, splits and fingerprints."""

import numpy as np
import pytest

from minidiff.data import Dataset, to_bytes, to_pixels
from minidiff.errors import MinidiffError
from tests.data.helpers import random_bytes


def random_images(num_images=5, channels=3):
    return random_bytes(num_images, 4, 6, channels)


def test_bytes_to_pixels_and_back_is_the_identity():
    every_byte = np.arange(256, dtype=np.uint8)
    pixels = to_pixels(every_byte)
    assert pixels.dtype == np.float32
    assert pixels[0] == -1
    assert pixels[255] == 1
    np.testing.assert_allclose(pixels, np.linspace(-1, 1, 256), atol=1e-6)
    np.testing.assert_array_equal(to_bytes(pixels), every_byte)


def test_to_bytes_rounds_and_clips():
    pixels = np.array([-3.0, -1.0, 0.01, 0.99, 1.0, 7.0], np.float32)
    np.testing.assert_array_equal(to_bytes(pixels), [0, 0, 129, 254, 255, 255])


def test_shape_properties_and_pixels_of_a_batch():
    images = random_images()
    dataset = Dataset(images, np.array([0, 1, 0, 1, 1]), ("a", "b"))
    assert (len(dataset), dataset.height, dataset.width, dataset.channels, dataset.num_classes) == (5, 4, 6, 3, 2)
    batch = dataset.pixels(np.array([3, 0]))
    assert batch.dtype == np.float32
    np.testing.assert_allclose(batch, images[[3, 0]].astype(float) / 127.5 - 1, atol=1e-6)


def test_subset_selects_images_and_labels_alike():
    images = random_images()
    dataset = Dataset(images, np.array([0, 1, 0, 1, 1]), ("a", "b"), name="pairs", notes=("kept",))
    some = dataset.subset([4, 0])
    np.testing.assert_array_equal(some.images, images[[4, 0]])
    assert some.labels.tolist() == [1, 0]
    assert (some.name, some.notes, some.class_names) == ("pairs", ("kept",), ("a", "b"))
    assert Dataset(images).subset([1]).labels is None


def test_split_partitions_the_images():
    images = random_images(20)
    dataset = Dataset(images, np.arange(20) % 2, ("a", "b"))
    train, held_out = dataset.split(0.25, seed=3)
    assert (len(train), len(held_out)) == (15, 5)
    rows = {image.tobytes(): i for i, image in enumerate(images)}
    sides = [[rows[image.tobytes()] for image in part.images] for part in (train, held_out)]
    assert sorted(sides[0] + sides[1]) == list(range(20))
    assert sides[0] == sorted(sides[0])
    assert train.labels.tolist() == [i % 2 for i in sides[0]]
    assert any("held out" in note for note in held_out.notes)
    again, other = dataset.split(0.25, seed=3)[1], dataset.split(0.25, seed=4)[1]
    np.testing.assert_array_equal(again.images, held_out.images)
    assert (other.images != held_out.images).any()


def test_split_keeps_groups_together():
    groups = np.array(["cook", "pilot", "cook", "judge", "pilot", "cook", "nurse", "judge"])
    dataset = Dataset(random_images(8), groups=groups)
    for seed in range(10):
        train, held_out = dataset.split(0.5, seed)
        assert set(train.groups) | set(held_out.groups) == set(groups)
        assert not set(train.groups) & set(held_out.groups)
        assert len(set(held_out.groups)) == 2


@pytest.mark.parametrize(("num_images", "fraction"), [(5, 0.0), (5, 1.0), (5, -0.5), (1, 0.5), (5, float("nan"))])
def test_split_rejects_invalid_fractions_and_single_images(num_images, fraction):
    with pytest.raises(MinidiffError, match="cannot hold out"):
        Dataset(random_images(num_images)).split(fraction)


@pytest.mark.parametrize("fraction", [0.001, 0.999])
def test_both_sides_of_a_split_have_images(fraction):
    train, held_out = Dataset(random_images(5)).split(fraction)
    assert min(len(train), len(held_out)) == 1


def test_distinct_removes_exact_copies():
    images = random_images(4)
    dataset = Dataset(images[[2, 0, 2, 1, 0]], np.array([0, 1, 0, 1, 1]), ("a", "b"))
    distinct = dataset.distinct()
    np.testing.assert_array_equal(distinct.images, images[[2, 0, 1]])
    assert distinct.labels.tolist() == [0, 1, 1]
    assert any("2 exact copies" in note for note in distinct.notes)
    assert Dataset(images).distinct().notes == ()


def test_repr_is_one_line_without_arrays():
    dataset = Dataset(random_images(), np.array([0, 1, 0, 1, 1]), ("a", "b"), name="pairs")
    assert repr(dataset) == "Dataset('pairs', 5 images of 4 x 6 x 3, 2 classes)"


def test_labels_are_converted_to_int64():
    assert Dataset(random_images(), np.zeros(5, np.uint8), ("a",)).labels.dtype == np.int64


def test_fingerprint_depends_on_pixels_labels_and_shape():
    images, labels, names = random_images(), np.array([0, 1, 0, 1, 1]), ("a", "b")
    fingerprint = Dataset(images, labels, names).fingerprint()
    assert len(fingerprint) == 16
    assert Dataset(images.copy(), labels.astype(np.int32), names).fingerprint() == fingerprint
    changed_pixel, changed_label = images.copy(), labels.copy()
    changed_pixel[2, 1, 1, 0] ^= 1
    changed_label[3] = 0
    others = [
        Dataset(changed_pixel, labels, names),
        Dataset(images, changed_label, names),
        Dataset(images),
        Dataset(images.reshape(5, 6, 4, 3), labels, names),
        Dataset(images[::-1], labels, names),
    ]
    assert len({fingerprint, *(other.fingerprint() for other in others)}) == 6


@pytest.mark.parametrize(
    ("images", "labels", "names", "message"),
    [
        (random_images().astype(np.float32), None, (), "uint8"),
        (random_images(channels=2), None, (), "1 or 3"),
        (random_images()[0], None, (), "shape"),
        (random_images(num_images=0), None, (), "at least one"),
        (random_images(), np.zeros(4, int), ("a",), "5 images"),
        (random_images(), np.zeros(5), ("a",), "one integer for each"),
        (random_images(), np.arange(5), ("a", "b", "c", "d"), "0 to 4"),
        (random_images(), np.arange(5) - 1, ("a", "b", "c", "d", "e"), "-1"),
        (random_images(), None, ("a",), "without labels"),
    ],
)
def test_inconsistent_arrays_are_rejected(images, labels, names, message):
    with pytest.raises(MinidiffError, match=message):
        Dataset(images, labels, names)


def test_empty_classes_are_removed():
    images = random_images(4)
    dataset = Dataset(images, np.array([3, 1, 3, 1]), ("a", "b", "c", "d"))
    assert dataset.empty_classes() == ["a", "c"]
    found = dataset.without_empty_classes()
    assert (found.labels.tolist(), found.class_names) == ([1, 0, 1, 0], ("b", "d"))
    assert found.notes == ("2 of 4 classes without an image left out: a, c",)
    assert found.without_empty_classes() is found
    assert Dataset(images).without_empty_classes().labels is None
    assert Dataset(images).empty_classes() == []


def test_classes_are_matched_by_name():
    test_part = Dataset(random_images(4), np.array([0, 1, 0, 1]), ("bee", "cow"))
    found = test_part.with_classes(["ant", "bee", "cow"])
    assert (found.labels.tolist(), found.class_names) == ([1, 2, 1, 2], ("ant", "bee", "cow"))
    assert found.with_classes(("ant", "bee", "cow")) is found
    with pytest.raises(MinidiffError, match="images of 1 classes that the training data lacks: cow; give all parts"):
        test_part.with_classes(("ant", "bee"))
    only_bees = test_part.subset([0, 2]).with_classes(("ant", "bee"))  # a class without an image does not matter
    assert only_bees.labels.tolist() == [1, 1]


def test_a_class_of_held_out_images_alone_is_noted():
    dataset = Dataset(random_images(3), np.array([0, 1, 1]), ("a", "b"))
    trains = [dataset.split(0.4, seed)[0] for seed in range(12)]
    notes = ["1 classes have no training image, all are held out: a" in train.notes for train in trains]
    assert notes == [0 not in train.labels for train in trains]
    assert any(notes)
    assert not all(notes)
