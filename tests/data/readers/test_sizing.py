"""Padding, cropping and resizing."""

from pathlib import Path

import numpy as np
import pytest

from minidiff.data.readers.sizing import fit
from minidiff.errors import MinidiffError
from tests.data.helpers import random_bytes

WHERE = Path("some.npy")


@pytest.mark.parametrize(
    ("shape", "size", "expected"),
    [
        ((28, 28), None, (32, 32)),
        ((25, 40), None, (32, 40)),
        ((64, 64), None, (64, 64)),
        ((28, 28), 48, (48, 48)),
        ((20, 30), 30, (30, 30)),
        ((20, 30), 24, (24, 24)),
        ((96, 96), 48, (48, 48)),
        ((1, 1), 1, (1, 1)),
    ],
)
@pytest.mark.parametrize("C", [1, 3])
def test_sizes(shape, size, expected, C):
    images, notes = fit(random_bytes(3, *shape, C), size, 10**6, WHERE)
    assert images.shape == (3, *expected, C)
    assert images.dtype == np.uint8
    assert bool(notes) == (shape != expected)


def test_padding_continues_the_background():
    images = random_bytes(4, 20, 20, 1)
    images[:, [0, -1]] = images[:, :, [0, -1]] = 200
    padded, notes = fit(images, 28, 10**6, WHERE)
    np.testing.assert_array_equal(padded[:, 4:24, 4:24], images)
    padded[:, 4:24, 4:24] = 200
    assert (padded == 200).all()
    assert "padded with 200 from 20 x 20 to 28 x 28" in notes


def test_padding_repeats_the_border_without_a_background():
    images = random_bytes(4, 6, 6, 3)
    padded, notes = fit(images, 8, 10**6, WHERE)
    np.testing.assert_array_equal(padded[:, 1:7, 0], images[:, :, 0])
    np.testing.assert_array_equal(padded[:, 7, 1:7], images[:, 5])
    assert any("border" in note for note in notes)


def test_shrinking_keeps_the_center_and_the_average():
    images = random_bytes(2, 40, 60, 3) // 4
    images[:, :, :10] = images[:, :, 50:] = 255  # cropped
    shrunk, notes = fit(images, 10, 10**6, WHERE)
    assert shrunk.max() < 100
    np.testing.assert_allclose(shrunk.mean(axis=(1, 2)), images[:, :, 10:50].mean(axis=(1, 2)), atol=2)
    assert any("cropped from 40 x 60" in note for note in notes)


@pytest.mark.parametrize("size", [0, -3, 5000])
def test_sizes_out_of_range_are_rejected(size):
    with pytest.raises(MinidiffError, match="size from 1 to"):
        fit(random_bytes(1, 8, 8, 1), size, 10**6, WHERE)


def test_max_bytes_limits_the_result():
    with pytest.raises(MinidiffError, match="take 5,120 bytes, more than the limit of 5,000 bytes"):
        fit(random_bytes(5, 8, 8, 1), 32, 5000, WHERE)
