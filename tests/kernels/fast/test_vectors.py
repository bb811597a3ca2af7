"""Each operation on vectors does the same, compiled or in NumPy."""

import numba
import numpy as np
import pytest

from minidiff.kernels.fast.vectors import LANES, load, load_if, store, store_if, zeros


def copy_row(A, i, j, out, row, column):
    store(out, row, column, load(A, i, j))


def copy_row_if(inside, A, i, j, out, row, column):
    store_if(inside[1], out, row, column, load_if(inside[0], A, i, j))


def combine(scalar, A, i, j, out):
    """out[0] = scalar A[i, j:] + scalar A[i + 1, j:] - 3 A[i, j:]."""
    total = zeros(A) + scalar * load(A, i, j)
    store(out, 0, 0, total + scalar * load(A, i + 1, j) - 3 * load(A, i, j))


def in_both_ways(function):
    return [pytest.param(function, id="tiny-as-numpy"), pytest.param(numba.njit(function), id="compiled")]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("j", [0, 1, 5])
@pytest.mark.parametrize("way", in_both_ways(copy_row))
def test_load_and_store_at_any_index(way, j, dtype):
    A = np.arange(3 * (LANES + 9), dtype=dtype).reshape(3, -1)
    out = np.full((4, LANES + 7), -1, dtype)
    way(A, 2, j, out, 1, 3)
    expected = np.full_like(out, -1)
    expected[1, 3 : 3 + LANES] = A[2, j : j + LANES]
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("way", in_both_ways(copy_row))
def test_arrays_may_be_views_of_others(way):
    whole = np.arange(5.0 * (LANES + 20)).reshape(5, -1)
    out = np.zeros((1, LANES))
    way(whole[::2, 4:-3], 1, 2, out, 0, 0)
    np.testing.assert_array_equal(out[0], whole[2, 6 : 6 + LANES])


@pytest.mark.parametrize("way", in_both_ways(copy_row_if))
def test_elements_outside_are_zero_and_not_written(way):
    A = np.arange(1.0, 2 * LANES + 1).reshape(2, LANES)
    out = np.full((2, LANES), -1.0)
    way((True, True), A, 1, 0, out, 0, 0)
    np.testing.assert_array_equal(out, [A[1], np.full(LANES, -1.0)])
    way((False, True), A, -(10**9), 10**9, out, 1, 0)  # no such index: not read
    np.testing.assert_array_equal(out, [A[1], np.zeros(LANES)])
    way((True, False), A, 0, 0, out, -(10**9), 10**9)
    np.testing.assert_array_equal(out, [A[1], np.zeros(LANES)])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scalar", [np.float32(1.5), 1.5, 2])
@pytest.mark.parametrize("way", in_both_ways(combine))
def test_arithmetic_has_the_dtype_of_the_vectors(way, scalar, dtype):
    A = np.random.default_rng(0).normal(size=(3, LANES + 4)).astype(dtype)
    out = np.empty((1, LANES), dtype)
    way(scalar, A, 1, 3, out)
    first, second = A[1:, 3 : 3 + LANES].astype(np.float64)
    np.testing.assert_allclose(out[0], scalar * (first + second) - 3 * first, rtol=0, atol=16 * np.finfo(dtype).eps)


def test_nan_and_infinity_propagate():
    A = np.zeros((2, LANES), np.float32)
    A[0, 1], A[1, 2] = np.nan, np.inf
    out = np.empty((1, LANES), np.float32)
    numba.njit(combine)(np.float32(1), A, 0, 0, out)
    assert np.isnan(out[0, 1])
    assert np.isposinf(out[0, 2])
    assert not out[0, 3:].any()
