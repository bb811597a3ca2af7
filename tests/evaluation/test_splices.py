"""Splices: their seams, their partners, and a network that tells them from whole images."""

import numpy as np
import pytest

from minidiff import data
from minidiff.evaluation.classifier_training import train_classifier
from minidiff.evaluation.splices import (
    KINDS,
    SEAMS,
    SPLICED,
    WHOLE,
    blur,
    distances,
    draw_seam,
    find_partners,
    splice,
    spliced,
    splicing,
)


@pytest.mark.parametrize("kind", KINDS)
def test_a_seam_divides_the_image_and_is_narrow(kind):
    for seed in range(20):
        m = draw_seam(np.random.default_rng(seed), kind, 32, 24)
        assert m.shape == (32, 24, 1)
        assert m.dtype == np.float32
        sides = (m == 0).mean(), (m == 1).mean()
        assert min(sides) > 0.02
        assert sum(sides) > 0.6


def test_a_seam_has_the_same_place_at_any_size():
    for kind in KINDS:
        small, large = (draw_seam(np.random.default_rng(1), kind, size, size) for size in (16, 64))
        np.testing.assert_allclose(large.reshape(16, 4, 16, 4, 1).mean(axis=(1, 3)), small, atol=0.13)


def test_the_parts_of_a_splice_are_those_of_the_two_images(rng):
    a, b = rng.normal(size=(2, 3, 16, 16, 1)).astype(np.float32)
    m = draw_seam(rng, "left and right", 16, 16)
    x = splice(a, b, m)
    left, right = (m == 0)[..., 0], (m == 1)[..., 0]
    np.testing.assert_array_equal(x[:, left], b[:, left])
    np.testing.assert_array_equal(x[:, right], a[:, right])


def test_a_whole_image_changes_along_the_seam_only(rng):
    a = rng.normal(size=(1, 16, 16, 3)).astype(np.float32)
    m = draw_seam(rng, "top and bottom", 16, 16)
    changed = np.abs(splice(a, a, m) - a).max(axis=(0, 3)) > 1e-6
    np.testing.assert_array_equal(changed, ((m > 0) & (m < 1))[..., 0])


def test_blur_is_the_mean_of_nine_pixels_and_keeps_constants(rng):
    x = rng.normal(size=(2, 5, 6, 1))
    y = blur(x)
    assert y[1, 2, 3, 0] == pytest.approx(x[1, 1:4, 2:5, 0].mean())
    assert y[0, 0, 0, 0] == pytest.approx(np.pad(x[0, :, :, 0], 1, "edge")[:3, :3].mean())
    np.testing.assert_allclose(blur(np.ones((1, 4, 4, 3))), 1)


def test_weighted_distances_equal_the_formula(rng):
    a, b, w = rng.normal(size=(3, 4, 4, 2)), rng.normal(size=(5, 4, 4, 2)), rng.uniform(0.1, 1, (4, 4, 1))
    expected = (w * np.square(a[:, None] - b)).sum(axis=(2, 3, 4))
    np.testing.assert_allclose(distances(a, b, w), expected)


def test_partners_are_other_images_that_resemble_along_the_seam():
    x = data.load("cats", size=16, num_images=400).pixels(slice(None))
    seams, which, partners = find_partners(x, np.random.default_rng(0))
    assert seams.shape == (SEAMS, 16, 16, 1)
    assert (partners != np.arange(400)).all()
    along = [4 * m * (1 - m) for m in seams]
    chosen = [
        float((along[k] * np.square(x[i] - x[j])).sum()) for i, (k, j) in enumerate(zip(which, partners, strict=True))
    ]
    others = np.random.default_rng(1).permutation(400)
    any_other = [
        float((along[k] * np.square(x[i] - x[j])).sum()) for i, (k, j) in enumerate(zip(which, others, strict=True))
    ]
    assert np.mean(chosen) < 0.6 * np.mean(any_other)


def test_a_closer_match_resembles_more_along_the_seam():
    x = data.load("cats", size=16, num_images=200).pixels(slice(None))
    means = []
    for nearest in (0.02, 0.2, 1.0):
        seams, which, partners = find_partners(x, np.random.default_rng(0), [nearest])
        along = 4 * seams[which] * (1 - seams[which])
        means.append((along * np.square(x - x[partners])).mean())
    assert means[0] < 0.7 * means[1] < 0.7 * means[2]


def test_every_image_is_an_example_whole_and_spliced_with_the_same_seam():
    dataset = data.load("shapes", size=16, num_images=60)
    task = splicing(dataset)
    x, labels = task.examples(np.random.default_rng(0))(np.arange(120))
    np.testing.assert_array_equal(labels["whole"], [SPLICED, WHOLE] * 60)
    one, whole = x[::2], x[1::2]
    rng = np.random.default_rng(0)
    seams, which, _ = find_partners(dataset.pixels(slice(None)), rng)
    mirrored = rng.random(60) < 0.5
    for images in (one, whole):
        images[mirrored] = images[mirrored, :, ::-1]
    np.testing.assert_array_equal(
        whole[0][(seams[which[0]] == 1)[..., 0]], dataset.pixels([0])[0][(seams[which[0]] == 1)[..., 0]]
    )
    kept = (seams[which] == 1) & np.ones(3, bool)  # where only the image itself is
    np.testing.assert_array_equal(one[kept], whole[kept])
    assert np.abs(one - whole).max(axis=(1, 2, 3)).mean() > 0.3
    assert task.together == 2


def test_a_network_learns_to_tell_spliced_images_from_whole_ones(workers):
    """Four dots, all bright or all dark, on a gray ground, where most seams run."""
    rng = np.random.default_rng(0)
    images = np.full((200, 16, 16, 1), 128)
    for row, column in ((2, 2), (2, 11), (11, 2), (11, 11)):
        images[:, row : row + 3, column : column + 3] = np.where(np.arange(200) % 2, 40, 210)[:, None, None, None]
    images = np.clip(images + rng.normal(0, 4, images.shape), 0, 255).astype(np.uint8)
    dataset = data.Dataset(images)
    task = splicing(dataset, examples=4000)
    p = train_classifier(task, workers)
    x = dataset.pixels(slice(None))

    def share(images):
        return (task.network.extract(p, images)[2]["whole"] == WHOLE).mean()

    joined = spliced(x, 0, [1.0])
    corners = joined[:, [3, 3, 12, 12], [3, 12, 3, 12], 0] > 0
    differ = corners.any(axis=1) & ~corners.all(axis=1)
    assert differ.mean() > 0.2
    assert share(spliced(x, 0, None)) > 0.95
    assert share(joined[differ]) < 0.05
