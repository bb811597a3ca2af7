"""Muon's orthogonalization against the polynomial on singular values, and the update rules against scalar loops."""

import math

import numpy as np
import pytest

from minidiff.kernels.plain.optimizers import NEWTON_SCHULZ, adamw, muon, orthogonalize, sum_of_squares


def apply_polynomial(s, rounds=5):
    a, b, c = NEWTON_SCHULZ
    for _ in range(rounds):
        s = a * s + b * s**3 + c * s**5
    return s


def matrix_with_singular_values(rows, columns, values, seed=0):
    rng = np.random.default_rng(seed)
    U, _ = np.linalg.qr(rng.normal(size=(rows, len(values))))
    V, _ = np.linalg.qr(rng.normal(size=(columns, len(values))))
    return U @ np.diag(values) @ V.T, U, V


@pytest.mark.parametrize(("rows", "columns"), [(20, 20), (72, 16), (16, 72), (17, 18)])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_orthogonalize_keeps_the_singular_vectors_and_equalizes_the_values(rows, columns, scale):
    values = np.geomspace(1, 0.02, min(rows, columns))
    X, U, V = matrix_with_singular_values(rows, columns, values)
    equalized = U.T @ orthogonalize(scale * X) @ V
    singular_values = np.diag(equalized)
    np.testing.assert_allclose(equalized - np.diag(singular_values), 0, atol=1e-6)
    assert singular_values.min() > 0.68
    assert singular_values.max() < 1.21
    norm = scale * np.linalg.norm(values)
    expected = apply_polynomial(scale * values / (norm + 1e-7))
    np.testing.assert_allclose(singular_values, expected, rtol=1e-8)


@pytest.mark.parametrize(("rows", "columns"), [(20, 20), (72, 16), (16, 72)])
@pytest.mark.parametrize("rounds", [1, 2, 5])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-11), (np.float32, 2e-3)])
def test_orthogonalize_is_the_newton_schulz_iteration(rows, columns, rounds, dtype, tolerance):
    """Jordan et al., 2024: X <- a X + b (X X') X + c (X X')^2 X, with the whole matrix in every round."""
    X = np.random.default_rng(rounds).normal(size=(rows, columns))
    a, b, c = NEWTON_SCHULZ
    expected = X / (np.linalg.norm(X) + 1e-7)
    for _ in range(rounds):
        A = expected @ expected.T
        expected = a * expected + (b * A + c * A @ A) @ expected
    found = orthogonalize(X.astype(dtype), rounds)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, atol=tolerance)


def test_a_gradient_of_zeros_stays_zero():
    np.testing.assert_array_equal(orthogonalize(np.zeros((16, 20), np.float32)), 0)


def test_adamw_element_by_element(rng):
    """Algorithm 2 of Loshchilov and Hutter on one element after the other."""
    p, g, m, v, average = rng.normal(size=(5, 7))
    v **= 2
    before = [array.copy() for array in (p, g, m, v, average)]
    scale, rate, beta1, beta2, n, weight_decay, ema_decay = 0.3, 0.01, 0.9, 0.95, 3, 0.1, 0.8
    adamw(p, g, m, v, average, scale, rate, beta1, beta2, 1 - beta1**n, 1 - beta2**n, weight_decay, ema_decay)
    for i, (p_i, g_i, m_i, v_i, average_i) in enumerate(zip(*before, strict=True)):
        m_i = beta1 * m_i + (1 - beta1) * scale * g_i
        v_i = beta2 * v_i + (1 - beta2) * (scale * g_i) ** 2
        p_i -= rate * (m_i / (1 - beta1**n) / (math.sqrt(v_i / (1 - beta2**n)) + 1e-8) + weight_decay * p_i)
        expected = p_i, m_i, v_i, ema_decay * average_i + (1 - ema_decay) * p_i
        np.testing.assert_allclose((p[i], m[i], v[i], average[i]), expected, rtol=1e-12)


def test_muon_moves_along_the_singular_vectors_of_the_momentum(rng):
    """The step has the singular vectors of g + mu m, and the polynomial of its singular values."""
    p, g, m, average = rng.normal(size=(4, 20, 9))
    p_before, average_before, expected_m = p.copy(), average.copy(), 0.95 * m + 0.3 * g
    muon(p, g, m, average, 0.3, 0.95, 0.05, 0.8)
    np.testing.assert_allclose(m, expected_m, rtol=0, atol=1e-14)
    U, values, V = np.linalg.svd(0.3 * g + 0.95 * expected_m, full_matrices=False)
    direction = U @ np.diag(apply_polynomial(values / np.linalg.norm(values))) @ V
    np.testing.assert_allclose(p, p_before - 0.05 * direction, rtol=0, atol=1e-8)
    np.testing.assert_allclose(average, 0.8 * average_before + 0.2 * p, rtol=0, atol=1e-14)


def test_sum_of_squares_in_float64():
    g = np.full(1_000_000, 1e-4, np.float32)
    assert sum_of_squares(g) == pytest.approx(0.01, rel=1e-6)
    assert isinstance(sum_of_squares(g), float)
