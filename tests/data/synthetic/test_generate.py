"""Synthetic data: reproducible, balanced, the same at every size."""

import numpy as np
import pytest

from minidiff.data import SYNTHETIC_SETS, draw
from minidiff.errors import MinidiffError

each_set = pytest.mark.parametrize("name", SYNTHETIC_SETS)


@each_set
def test_shape_labels_and_provenance(name):
    dataset = draw(name, num_images=13, size=20, seed=3)
    assert dataset.images.shape == (13, 20, 20, 3)
    assert dataset.labels.tolist() == [i % dataset.num_classes for i in range(13)]
    assert dataset.name == name
    assert "seed 3" in dataset.source
    assert dataset.license


@each_set
def test_an_image_depends_on_seed_and_index_alone(name):
    many, few = draw(name, 12, 24, seed=1), draw(name, 5, 24, seed=1)
    np.testing.assert_array_equal(many.images[:5], few.images)
    assert (draw(name, 5, 24, seed=2).images != few.images).any(axis=(1, 2, 3)).all()
    neighbor = draw(name, 1, 24, seed=1 + many.num_classes)
    assert (neighbor.images[0] != many.images[many.num_classes]).any()  # seed and index are not added
    assert len(np.unique(many.images.reshape(12, -1), axis=0)) == 12


@each_set
@pytest.mark.parametrize("size", [16, 32])
def test_the_same_image_at_every_size(name, size):
    large, small = draw(name, 24, 2 * size), draw(name, 24, size)
    averaged = large.images.reshape(24, size, 2, size, 2, 3).mean(axis=(2, 4))
    error = np.abs(averaged - small.images).mean(axis=(1, 2, 3))  # in gray levels
    assert error.max() < 6
    other = np.abs(averaged - np.roll(small.images, small.num_classes, axis=0)).mean(axis=(1, 2, 3))
    assert error.max() < other.min()  # closer to itself than to any other image of its class


@each_set
def test_images_use_the_range_and_vary(name):
    pixels = draw(name, 48, 16).pixels(slice(None))
    assert pixels.min() < -0.5
    assert pixels.max() > 0.8
    assert pixels.std(axis=0).mean() > 0.15


def nearest_mean_accuracy(name, size=8):
    """Accuracy of a nearest-class-mean classifier at 8 x 8 pixels."""
    train, test = draw(name, 240, size, seed=0), draw(name, 96, size, seed=1)
    x, y = train.pixels(slice(None)).reshape(240, -1), test.pixels(slice(None)).reshape(96, -1)
    means = np.stack([x[train.labels == k].mean(axis=0) for k in range(train.num_classes)])
    nearest = ((y[:, None] - means) ** 2).sum(axis=-1).argmin(axis=1)
    return (nearest == test.labels).mean()


@pytest.mark.parametrize("name", ["cats", "landscapes"])
def test_classes_are_distinguishable_by_color(name):
    assert nearest_mean_accuracy(name) > 0.6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("dogs",), "unknown synthetic data 'dogs'; choose from cats, shapes, landscapes"),
        (("cats", 0), "at least 1 image"),
        (("cats", 4, 7), "8 to 1024"),
        (("cats", 4, 5000), "8 to 1024"),
        (("cats", 4, 16, -1), "seed"),
    ],
)
def test_invalid_arguments_are_rejected(arguments, message):
    with pytest.raises(MinidiffError, match=message):
        draw(*arguments)
