"""Cats: the image shows the attributes."""

from dataclasses import replace

import numpy as np
import pytest

from minidiff.data.synthetic.backgrounds import SOFT_PAIRS
from minidiff.data.synthetic.cats import (
    COAT_NAMES,
    COATS,
    COLLARS,
    EYE_COLORS,
    EYE_MOODS,
    MOUTHS,
    draw_cat,
    paint_cat,
    sample_cat,
)

SIZE = 128


def plain_cat(coat="black", **factors):
    """An upright cat in the center, so that coordinates of the image are those of its features."""
    upright = {
        "center": (0.0, 0.1),
        "scale": 1.0,
        "tilt": 0.0,
        "fur_brightness": 0.0,
        "dots": None,
        "background": 0,
        "eye_mood": "open",
        "mouth": "smile",
        "collar": None,
        "eye_distance": 0.28,
        "gaze": (0.0, 0.0),
        "pupil_width": 0.07,
        "eye_color": "green",
    }
    return replace(sample_cat(np.random.default_rng(0), coat), **(upright | factors))


def color_at(image, x, y):
    """Color at a point in the cat's frame."""
    row, column = int((y + 0.1 + 1) / 2 * SIZE), int((x + 1) / 2 * SIZE)
    return image[row, column]


def test_draw_cat_paints_sampled_attributes():
    image = draw_cat(np.random.default_rng(5), "ginger", 32)
    assert image.shape == (32, 32, 3)
    assert image.dtype == np.float32
    assert image.min() >= 0
    assert image.max() <= 1
    np.testing.assert_array_equal(image, paint_cat(sample_cat(np.random.default_rng(5), "ginger"), 32))


@pytest.mark.parametrize("eye_color", EYE_COLORS)
def test_both_eyes_have_the_sampled_color(eye_color):
    image = paint_cat(plain_cat(eye_color=eye_color), SIZE)
    for side in (-1, 1):
        np.testing.assert_allclose(color_at(image, side * 0.28 + 0.105, 0.05), EYE_COLORS[eye_color], atol=0.02)


def test_both_eyes_have_the_same_gaze_and_highlight():
    image = paint_cat(plain_cat(gaze=(0.03, 0.0)), SIZE)
    left, right = (image[:, int((side * 0.28 + 0.80) / 2 * SIZE) :][44:78, : int(0.2 * SIZE)] for side in (-1, 1))
    np.testing.assert_allclose(left, right, atol=0.35)  # the centers differ by fractions of a pixel
    assert np.abs(left - right).mean() < 0.03


def test_a_half_closed_eye_hides_its_highlight():
    awake, sleepy = (paint_cat(plain_cat(eye_mood=mood), SIZE) for mood in ("open", "sleepy"))
    assert color_at(awake, 0.235, -0.085).min() > 0.5
    assert color_at(sleepy, 0.235, -0.085).max() < 0.3


@pytest.mark.parametrize("coat", COAT_NAMES)
def test_the_fur_has_the_color_of_the_coat(coat):
    image = paint_cat(plain_cat(coat), SIZE)
    np.testing.assert_allclose(color_at(image, 0.46, 0.37), COATS[coat].fur, atol=0.1)  # low on the cheek


def test_collar_and_background():
    bare, collared = paint_cat(plain_cat("white"), SIZE), paint_cat(plain_cat("white", collar=1), SIZE)
    changed = np.abs(bare - collared).max(axis=2) > 0.01
    assert changed.any()
    assert not changed[: SIZE * 2 // 3].any()  # the collar is below the face
    assert np.abs(collared - np.array(COLLARS[1])).max(axis=2).min() < 0.02
    for background, (lighter, deeper) in enumerate(SOFT_PAIRS):
        image = paint_cat(plain_cat(background=background), SIZE)
        np.testing.assert_allclose(image[0, 0], lighter, atol=0.02)
        np.testing.assert_allclose(image[-1, 0], deeper, atol=0.02)


def test_an_upright_cat_is_symmetric_without_highlights():
    image = paint_cat(plain_cat("gray tabby", eye_mood="happy"), 64)
    np.testing.assert_allclose(image, image[:, ::-1], atol=1e-5)


def test_the_calico_patches_change_sides():
    left, right = (paint_cat(plain_cat("calico", eye_mood="happy", patch_side=side), 64) for side in (-1, 1))
    np.testing.assert_allclose(left, right[:, ::-1], atol=1e-5)
    assert np.abs(left - right).max() > 0.3


def test_attributes_have_the_documented_probabilities():
    cats = [sample_cat(np.random.default_rng([0, i]), "ginger") for i in range(2000)]
    counts = {
        "eye_mood": [sum(cat.eye_mood == mood for cat in cats) for mood in EYE_MOODS],
        "mouth": [sum(cat.mouth == mouth for cat in cats) for mouth in MOUTHS],
        "collar": [sum(cat.collar is not None for cat in cats), sum(cat.collar is None for cat in cats)],
        "folded_ears": [sum(cat.folded_ears for cat in cats), sum(not cat.folded_ears for cat in cats)],
        "background": [sum(cat.background == i for cat in cats) for i in range(8)],
    }
    probabilities = {
        "eye_mood": [0.70, 0.16, 0.14],
        "mouth": [0.60, 0.24, 0.16],
        "collar": [0.5, 0.5],
        "folded_ears": [0.12, 0.88],
        "background": [1 / 8] * 8,
    }
    for factor, expected in probabilities.items():
        np.testing.assert_allclose(np.array(counts[factor]) / len(cats), expected, atol=0.05, err_msg=factor)
    assert {sample_cat(np.random.default_rng(i), "siamese").eye_color for i in range(20)} == {"blue"}


def test_the_cat_stays_in_the_image():
    for i in range(64):
        cat = replace(sample_cat(np.random.default_rng([1, i]), "black"), dots=None, background=0)
        image = paint_cat(cat, 64)
        sides = image[:, [0, -1]].max(axis=2)  # fur would be dark
        assert sides.min() > 0.5
