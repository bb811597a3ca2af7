"""The Muon kernel against its plain version, `plain/optimizers.py`."""

import numpy as np
import pytest

from minidiff.kernels.fast.muon import (
    BLOCK_ROWS,
    MORE_COLUMNS,
    inverse_root,
    inverse_root_naive,
    mirror,
    muon_tall,
    symmetric_product,
    upper_product,
)
from minidiff.kernels.fast.vectors import LANES
from minidiff.kernels.plain.optimizers import NEWTON_SCHULZ, orthogonalize

# rows and columns: "tiny" ones also run without the compiler, see test_pure_python.py
SHAPES = [
    pytest.param((1, 1), id="tiny-1-1"),
    pytest.param((7, 3), id="tiny-7-3"),
    (17, 17),
    (LANES + 1, LANES),
    (BLOCK_ROWS, 2 * LANES + 3),
    (2 * BLOCK_ROWS + 5, 33),
]
both_types = pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 2e-4), (np.float64, 1e-12)])


def memory(rows, side, dtype):
    """The memory for the kernel, filled with NaN."""
    X = np.full((rows, side + MORE_COLUMNS), np.nan, dtype)
    return X, np.full((5, side, side + MORE_COLUMNS), np.nan, dtype)


@both_types
@pytest.mark.parametrize("shape", SHAPES)
def test_a_step_is_momentum_orthogonalization_and_descent(shape, dtype, tolerance):
    rng = np.random.default_rng([*shape])
    p, g, m, average = rng.normal(size=(4, *shape)).astype(dtype)
    p64, g64, m64, average64 = (array.astype(np.float64) for array in (p, g, m, average))
    g_before = g.copy()
    muon_tall(p, g, m, average, 0.3, 0.95, 0.05, 0.8, *memory(*shape, dtype))

    m64 = 0.95 * m64 + 0.3 * g64
    p64 = p64 - 0.05 * orthogonalize(0.3 * g64 + 0.95 * m64)
    average64 = 0.8 * average64 + 0.2 * p64
    for found, expected in zip((p, m, average), (p64, m64, average64), strict=True):
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)
    np.testing.assert_array_equal(g, g_before)


@pytest.mark.parametrize("rounds", [1, 2, 4, 5])
@pytest.mark.parametrize("shape", SHAPES)
def test_inverse_root_after_any_number_of_rounds(shape, rounds):
    X = np.random.default_rng([*shape]).normal(size=shape)
    P = inverse_root(X, rounds, memory(*shape, np.float64)[1])
    np.testing.assert_allclose(X @ P, orthogonalize(X, rounds), rtol=0, atol=1e-12)
    np.testing.assert_allclose(P, inverse_root_naive(X, rounds), rtol=1e-10, atol=1e-10)
    np.testing.assert_array_equal(P, P.T)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 2e-3), (np.float64, 1e-10)])
@pytest.mark.parametrize("condition_number", [1, 1e2, 1e4, 1e6])
@pytest.mark.parametrize("equal", [False, True], ids=["geometric", "all-but-one-equal"])
def test_singular_values_are_those_of_the_polynomial(condition_number, equal, dtype, tolerance):
    rng, (rows, side) = np.random.default_rng(0), (320, 64)
    U, V = (np.linalg.qr(rng.normal(size=(n, side)))[0] for n in (rows, side))
    s = np.geomspace(1, 1 / condition_number, side)
    if equal:
        s[1:] = s[-1]
    X = ((U * s) @ V.T).astype(dtype)
    found = X @ inverse_root(X, 5, memory(rows, side, dtype)[1])
    a, b, c = NEWTON_SCHULZ
    s /= np.linalg.norm(s) + 1e-7
    for _ in range(5):
        s = a * s + b * s**3 + c * s**5
    assert np.linalg.norm(found - (U * s) @ V.T, ord=2) < tolerance


@pytest.mark.parametrize("side", [pytest.param(1, id="tiny-1"), pytest.param(5, id="tiny-5"), LANES - 1, 3 * LANES + 2])
def test_product_of_commuting_symmetric_matrices(side):
    rng = np.random.default_rng(side)
    root = rng.normal(size=(side, side)) / side**0.5
    A = root @ root.T
    B = A @ A - 2 * A
    wide_A, wide_B, out = np.full((3, side, side + MORE_COLUMNS), np.nan)
    wide_A[:, :side], wide_B[:, :side] = A, B
    symmetric_product(wide_A, wide_B, side, out)
    np.testing.assert_allclose(out[:, :side], A @ B, rtol=0, atol=1e-12)
    assert np.isnan(out[:, side:]).all()


@pytest.mark.parametrize("side", [pytest.param(3, id="tiny-3"), LANES + 5, 2 * LANES])
def test_upper_product_and_mirror(side):
    A = np.random.default_rng(side).normal(size=(side + 4, side))
    out = np.full((side, side + 1), np.nan)
    upper_product(A.T, A, False, out)
    upper_product(A.T, A, True, out)
    upper = np.triu_indices(side)
    np.testing.assert_allclose(out[upper], 2 * (A.T @ A)[upper], rtol=0, atol=1e-11)
    mirror(out, side)
    np.testing.assert_allclose(out[:, :side], 2 * A.T @ A, rtol=0, atol=1e-11)


def test_zero_gradient_changes_nothing_and_nan_propagates():
    p, g, m, average = np.zeros((4, 20, 16), np.float32)
    muon_tall(p, g, m, average, 1.0, 0.9, 0.1, 0.5, *memory(20, 16, np.float32))
    assert not p.any()
    g[3, 2] = np.nan
    muon_tall(p, g, m, average, 1.0, 0.9, 0.1, 0.5, *memory(20, 16, np.float32))
    assert np.isnan(p).all()
