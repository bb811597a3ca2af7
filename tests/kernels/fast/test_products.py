"""The matrix product against NumPy's, for shapes with and without incomplete tiles."""

import numpy as np
import pytest

from minidiff.gradient_check import relative_error
from minidiff.kernels.fast.products import PANEL, ROWS, multiply, multiply_naive
from minidiff.kernels.fast.vectors import LANES

# rows of A, columns of A, columns of B: "tiny" ones also run without the compiler, see test_pure_python.py
SHAPES = [
    pytest.param((1, 1, 1), id="tiny-1-1-1"),
    pytest.param((ROWS + 1, 3, 2), id="tiny-9-3-2"),
    pytest.param((ROWS, 5, LANES), id="tiny-a-tile"),
    (ROWS + 1, 7, LANES),
    (2 * ROWS, 16, 2 * LANES),
    (ROWS - 1, 7, LANES - 1),
    (3 * ROWS + 5, 33, 2 * LANES + 1),
    (256, 32, 3),
    (3, 64, 128),
    (128, 32, 128),
]


def matrices(shape, dtype):
    rows, L, columns = shape
    rng = np.random.default_rng([*shape])
    return [rng.normal(size=size).astype(dtype) for size in ((rows, L), (L, columns), (rows, columns))]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("add", [False, True])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("way", [multiply_naive, multiply])
def test_multiply_is_the_product(way, shape, transposed, add, dtype):
    A, B, out = matrices(shape, dtype)
    expected = A.astype(np.float64) @ B + (out if add else 0)
    if not add:
        out[:] = np.nan
    way(np.ascontiguousarray(A.T).T if transposed else A, B, add, out)
    assert out.dtype == dtype
    assert relative_error(out, expected) < {np.float32: 1e-6, np.float64: 1e-15}[dtype]


@pytest.mark.parametrize("add", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_outside_the_result_is_written(shape, add):
    rows, _, columns = shape
    A, B, out = matrices(shape, np.float64)
    around = np.full((rows + 2, columns + LANES + 1), 7.0)
    window = around[1:-1, 1 : 1 + columns]
    window[:] = out
    multiply(A, B, add, window)
    np.testing.assert_allclose(window, A @ B + (out if add else 0), rtol=0, atol=1e-12)
    window[:] = 7
    assert np.all(around == 7)


@pytest.mark.parametrize("more", [1, LANES - 1, PANEL])
@pytest.mark.parametrize("shape", SHAPES)
def test_columns_of_b_beyond_the_result_are_ignored(shape, more):
    columns = shape[2]
    A, B, out = matrices(shape, np.float64)
    wide = np.full((len(B), columns + more), np.nan)
    wide[:, :columns] = B
    multiply(A, wide, False, out)
    np.testing.assert_allclose(out, A @ B, rtol=0, atol=1e-12)


def test_nan_and_infinity_affect_their_row_and_column_only():
    A, B, out = matrices((2 * ROWS + 3, 5, LANES + 3), np.float32)
    A[2 * ROWS + 2, 1], B[2, LANES + 1] = np.nan, np.inf
    multiply(A, B, False, out)
    bad = np.zeros(out.shape, bool)
    bad[2 * ROWS + 2], bad[:, LANES + 1] = True, True
    np.testing.assert_array_equal(~np.isfinite(out), bad)
