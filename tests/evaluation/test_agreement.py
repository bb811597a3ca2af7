"""The readers: real images agree, images with independent parts as often as chance has it, and no part is guessed."""

import numpy as np
import pytest

from minidiff import data
from minidiff.data.dataset import to_bytes, to_pixels
from minidiff.data.synthetic.parts import DIVISIONS, HIDDEN
from minidiff.evaluation.agreement import Readers, share, visible


@pytest.fixture(scope="module")
def divided():
    """Images of cats with independent halves, and the attributes of the halves."""
    division = DIVISIONS["cats"][0]
    images, *attributes = zip(*(division.draw(np.random.default_rng([9, i]), 16) for i in range(200)), strict=True)
    left, right = ({key: np.array([a[key] for a in half]) for key in division.attributes} for half in attributes)
    return to_pixels(to_bytes(2 * np.stack(images) - 1)), left, right


def test_real_cats_agree_and_divided_ones_as_often_as_their_attributes_do(divided, tmp_path, workers):
    x, left, right = divided
    readers = Readers("cats", 16, workers, tmp_path, drawn=600)
    real = readers.agreement(data.load("cats", size=16, num_images=200, seed=8).pixels(slice(None)))
    found = readers.agreement(x)
    assert list(real) == list(found)
    assert list(real)[-1] == "all"
    for key in ("eye color", "coat", "background"):
        chance = (left[key] == right[key]).mean()
        assert real[key][0] > 0.9
        assert found[key][0] == pytest.approx(chance, abs=0.12)
    assert found["all"][0] < 0.05


def test_a_hidden_attribute_does_not_count(divided):
    division = DIVISIONS["cats"][0]
    _, left, right = divided
    counted = visible(division, "eye color", left, right)
    np.testing.assert_array_equal(counted, (left["eye color"] != HIDDEN) & (right["eye color"] != HIDDEN))
    assert visible(division, "eye mood", left, right).all()


def test_a_share_has_the_standard_error_of_a_binomial_distribution(rng):
    found, error = share(rng.random(400) < 0.3)
    assert found == pytest.approx(0.3, abs=0.1)
    draws = [share(rng.random(400) < 0.3)[0] for _ in range(300)]
    assert error == pytest.approx(np.std(draws), rel=0.2)
    assert np.isnan(share(np.zeros(0, bool))).all()
