"""Arrays of labels in every form."""

from pathlib import Path

import numpy as np
import pytest

from minidiff.data.readers.labels import to_labels
from minidiff.errors import MinidiffError

WHERE = Path("labels.npy")


@pytest.mark.parametrize(
    "array",
    [
        np.array([2, 0, 1, 2]),
        np.array([2, 0, 1, 2], np.uint8),
        np.array([[2], [0], [1], [2]], ">i4"),
        np.array([2.0, 0.0, 1.0, 2.0]),
        np.eye(3)[[2, 0, 1, 2]],
        np.eye(3, dtype=bool)[[2, 0, 1, 2]],
    ],
)
def test_classes_that_start_at_zero(array):
    labels, names, _ = to_labels(array, 4, WHERE)
    assert labels.tolist() == [2, 0, 1, 2]
    assert names == ("0", "1", "2")


@pytest.mark.parametrize(
    ("array", "expected", "names"),
    [
        ([1, 3, 2, 1], [0, 2, 1, 0], ("1", "2", "3")),  # no class 0
        ([70, 5, 70, 5], [1, 0, 1, 0], ("5", "70")),
        ([2**62, 3, 3, 3], [1, 0, 0, 0], ("3", str(2**62))),
    ],
)
def test_classes_with_gaps(array, expected, names):
    labels, found, _ = to_labels(np.array(array), 4, WHERE)
    assert labels.tolist() == expected
    assert found == names


@pytest.mark.parametrize(
    "array",
    [
        np.array([0.5, 1, 2, 3]),
        np.array([np.nan, 1, 2, 3]),
        np.ones((4, 14)),
        np.zeros((4, 2, 2)),
        np.array(["a", "b", "c", "d"]),
    ],
)
def test_other_arrays_are_left_out_with_a_note(array):
    labels, names, notes = to_labels(array, 4, WHERE)
    assert labels is None
    assert names == ()
    assert "left out" in notes[0]
    assert "labels.npy" in notes[0]


def test_too_many_distinct_values_are_left_out():
    assert to_labels(np.arange(20_000), 20_000, WHERE)[0] is None


@pytest.mark.parametrize("array", [np.arange(5), np.arange(3), np.array(3), np.zeros((0,), int)])
def test_a_wrong_number_of_labels_is_rejected(array):
    with pytest.raises(MinidiffError, match=r"labels\.npy.*4 images"):
        to_labels(array, 4, WHERE)


def test_negative_labels_are_rejected():
    with pytest.raises(MinidiffError, match="from -1 to 2"):
        to_labels(np.array([0, -1, 2, 2]), 4, WHERE)
