"""The distances against closed forms, and their standard error."""

import numpy as np
import pytest

from minidiff.evaluation.distances import (
    frechet_distance,
    gaussian_distance,
    kernel_distance,
    scale_of,
    symmetric_root,
    with_standard_error,
)


def covariance(rng, size):
    A = rng.normal(size=(size, 2 * size))
    return A @ A.T / size


def test_distance_of_two_normal_distributions_in_closed_form(rng):
    """Diagonal covariances: |m1 - m2|^2 + sum (s1 - s2)^2; and scaling by c: (1 - c)^2 tr C."""
    m1, m2, s1, s2 = rng.normal(size=(2, 5)).tolist() + rng.uniform(0.1, 2, (2, 5)).tolist()
    m1, m2, s1, s2 = map(np.array, (m1, m2, s1, s2))
    expected = np.square(m1 - m2).sum() + np.square(s1 - s2).sum()
    assert gaussian_distance(m1, np.diag(s1**2), m2, np.diag(s2**2)) == pytest.approx(expected)
    C = covariance(rng, 5)
    assert gaussian_distance(m1, C, m1, 9 * C) == pytest.approx(4 * np.trace(C))


def test_the_distance_does_not_depend_on_order_or_axes(rng):
    m1, m2, C1, C2 = rng.normal(size=4), rng.normal(size=4), covariance(rng, 4), covariance(rng, 4)
    Q = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    d = gaussian_distance(m1, C1, m2, C2)
    assert gaussian_distance(m2, C2, m1, C1) == pytest.approx(d)
    assert gaussian_distance(Q @ m1, Q @ C1 @ Q.T, Q @ m2, Q @ C2 @ Q.T) == pytest.approx(d)


def test_the_square_root_of_a_singular_matrix(rng):
    C = covariance(rng, 4)
    C[:, 3] = C[3] = 0
    root = symmetric_root(C)
    np.testing.assert_allclose(root @ root, C, atol=1e-12)


def test_a_set_has_distance_zero_from_itself(rng):
    x = rng.normal(size=(50, 8))
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9)


def test_large_samples_of_normal_distributions_approach_the_closed_form():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(20_000, 3)), 1 + 2 * rng.normal(size=(20_000, 3))
    assert frechet_distance(x, y) == pytest.approx(3 * (1 + 1), rel=0.03)


def test_the_kernel_distance_equals_its_formula_in_moments():
    """E k(x, y) of independent x and y with D = 1 is E (x y + 1)^3; for N(0, 1) and N(1, 1) by moments:
    within N(0, 1): 1 + 3 = 4; within N(1, 1), moments 1, 2, 4: 16 + 3 * 4 + 3 + 1 = 32; between, 0 * ... : 4 - 0."""
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(4000, 1)), 1 + rng.normal(size=(4000, 1))
    between = 0 * 4 + 3 * 1 * 2 + 3 * 0 * 1 + 1  # E x^3 E y^3 + 3 E x^2 E y^2 + 3 E x E y + 1
    assert kernel_distance(x, y) == pytest.approx(4 + 32 - 2 * between, rel=0.1)


def test_the_kernel_distance_of_one_distribution_is_zero_on_average():
    rng = np.random.default_rng(6)
    distances = [kernel_distance(*rng.normal(size=(2, 40, 4))) for _ in range(200)]
    assert abs(np.mean(distances)) < 4 * np.std(distances) / np.sqrt(200)
    assert min(distances) < 0


def test_the_standard_error_is_close_to_the_std_over_new_samples():
    rng = np.random.default_rng(7)
    y = rng.normal(size=(4000, 4))
    draws = [rng.normal(size=(400, 4)) * [1, 1, 1, 2] for _ in range(40)]
    values, errors = zip(*(with_standard_error(frechet_distance, x, y) for x in draws), strict=True)
    assert 0.5 < np.mean(errors) / np.std(values) < 2


def test_features_are_scaled_to_a_total_variance_of_100(rng):
    x = rng.normal(size=(1000, 7)) * np.arange(7)
    assert (scale_of(x) * x).var(axis=0).sum() == pytest.approx(100)
