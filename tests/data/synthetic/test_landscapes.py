"""Landscapes: sky, hills, and the light of the time of day."""

import numpy as np
import pytest

from minidiff.data.synthetic.landscapes import TIME_NAMES, TIMES, draw_landscape


def many(time, num_images=12, size=32):
    return np.stack([draw_landscape(np.random.default_rng([0, i]), time, size) for i in range(num_images)])


@pytest.mark.parametrize("time", TIME_NAMES)
def test_range_and_shape(time):
    images = many(time, 4)
    assert images.shape == (4, 32, 32, 3)
    assert images.dtype == np.float32
    assert images.min() >= 0
    assert images.max() <= 1


@pytest.mark.parametrize("time", TIME_NAMES)
def test_sky_at_the_top_and_hills_at_the_bottom(time):
    typical = np.median(many(time), axis=(0, 2))  # (row, color), without the few clouds, stars and firs
    np.testing.assert_allclose(typical[0], TIMES[time].zenith, atol=0.06)
    np.testing.assert_allclose(typical[-1], TIMES[time].hills, atol=0.06)


def test_day_is_brightest_and_night_is_darkest():
    brightness = {time: many(time).mean() for time in TIME_NAMES}
    assert max(brightness, key=brightness.get) == "day"
    assert min(brightness, key=brightness.get) == "night"


def test_every_sky_has_a_sun_or_a_moon():
    for time in ("day", "night"):
        for image in many(time, size=64):
            difference = np.abs(image[:32] - np.array(TIMES[time].sun, np.float32)).max(axis=2)
            assert (difference < 0.06).sum() > 15
