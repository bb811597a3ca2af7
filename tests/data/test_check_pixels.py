"""`check_pixels`: data that cannot be learned from is refused."""

import numpy as np
import pytest

from minidiff.data import Dataset
from minidiff.data.dataset import check_pixels
from minidiff.errors import MinidiffError
from tests import tiny


class Pixels:
    """A data set with the given pixels."""

    def __init__(self, pixels):
        self.array = np.asarray(pixels, np.float32)

    def __len__(self):
        return len(self.array)

    def pixels(self, indices):
        return self.array[indices]


def changed(index, value, count=600):
    """Valid pixels, with one changed."""
    pixels = np.random.default_rng(0).uniform(-1, 1, (count, 4, 4, 1))
    pixels[index] = value
    return Pixels(pixels)


@pytest.mark.parametrize("index", [0, 300, -1])
@pytest.mark.parametrize(
    ("value", "message"),
    [(1.01, "to 1.01"), (-200.0, "from -200 to"), (np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf")],
)
def test_pixels_outside_the_range_are_refused(index, value, message):
    with pytest.raises(MinidiffError, match=message):
        check_pixels(changed(index, value))


def test_pixels_within_the_range_are_accepted():
    check_pixels(changed(5, 1.0))
    check_pixels(changed(5, -1.0))
    check_pixels(tiny.dataset())


@pytest.mark.parametrize("low", [0, 1, 128, 254])
def test_images_without_contrast_are_refused(low):
    """Images of one color, or of two adjacent bytes, as when images in [0, 1] are converted to bytes."""
    images = np.random.default_rng(0).integers(low, low + 2, (20, 8, 8, 3), np.uint8)
    for data in (images, np.full_like(images, low)):
        with pytest.raises(MinidiffError, match="the images have no contrast"):
            check_pixels(Dataset(data))
    images[0, 0, 0, 0] = 100 if low != 100 else 0
    check_pixels(Dataset(images))
