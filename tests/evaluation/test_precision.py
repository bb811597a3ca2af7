"""Precision and recall against an exhaustive search and against sets whose overlap is known."""

import numpy as np
import pytest

from minidiff.evaluation.precision import NEIGHBOR, precision, recall


def test_precision_equals_an_exhaustive_search(rng):
    x, y = rng.normal(size=(40, 3)), rng.normal(size=(50, 3))
    inside = []
    for sample in x:
        radii = [sorted(np.linalg.norm(y - real, axis=1))[NEIGHBOR] for real in y]  # itself is at distance 0
        inside.append(any(np.linalg.norm(sample - y[i]) <= radius for i, radius in enumerate(radii)))
    assert 0 < np.mean(inside) < 1
    assert precision(x, y) == np.mean(inside)


def test_recall_is_precision_with_the_roles_exchanged(rng):
    x, y = rng.normal(size=(40, 3)), 2 * rng.normal(size=(50, 3))
    assert recall(x, y) == precision(y, x)
    assert recall(x, y) != precision(x, y)


def test_samples_of_one_of_two_clusters_are_precise_and_cover_half(rng):
    real = np.concatenate([rng.normal(size=(200, 2)), 50 + rng.normal(size=(200, 2))])
    samples = rng.normal(size=(200, 2))
    assert precision(samples, real) > 0.9
    assert recall(samples, real) == pytest.approx(0.5, abs=0.05)
    half_of_them_elsewhere = np.concatenate([samples[:100], samples[100:] - 50])
    assert precision(half_of_them_elsewhere, real) == pytest.approx(0.5, abs=0.05)
