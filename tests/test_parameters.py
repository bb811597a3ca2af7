"""The flat vector and its views."""

import numpy as np
import pytest

from minidiff.errors import MinidiffError
from minidiff.parallel import Workers
from minidiff.parameters import Parameters

SHAPES = {"weight": (2, 3), "bias": (3,), "scale": ()}


def test_views_lie_in_the_vector_in_order():
    p = Parameters(SHAPES)
    assert p.size == 10
    assert p.vector.dtype == np.float32
    p.vector[:] = np.arange(10)
    np.testing.assert_array_equal(p["weight"], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(p["bias"], [6, 7, 8])
    np.testing.assert_array_equal(p["scale"], 9)
    for name in SHAPES:
        np.testing.assert_array_equal(p.vector[p.slices[name]], p[name].ravel())


def test_writing_to_a_view_writes_to_the_vector():
    p = Parameters(SHAPES)
    p["bias"][1] = 5
    p["weight"] = np.ones((2, 3))
    p["weight"] += 1
    np.testing.assert_array_equal(p.vector, [2, 2, 2, 2, 2, 2, 0, 5, 0, 0])
    assert np.shares_memory(p["weight"], p.vector)


def test_an_existing_vector_is_looked_into_and_not_copied():
    vector = np.arange(10.0)
    p = Parameters(SHAPES, vector=vector)
    p["bias"] = -1
    np.testing.assert_array_equal(vector[6:9], -1)
    assert p["bias"].dtype == np.float64


def test_a_vector_of_another_network_is_refused():
    with pytest.raises(MinidiffError, match=r"hold 11 numbers and the network needs 10"):
        Parameters(SHAPES, vector=np.zeros(11, np.float32))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_zeros_like_is_a_place_of_its_own(dtype):
    p = Parameters(SHAPES, dtype)
    p.vector[:] = 1
    g = p.zeros_like()
    assert g.shapes == p.shapes
    assert g.vector.dtype == dtype
    np.testing.assert_array_equal(g.vector, 0)
    g.vector[:] = 2
    np.testing.assert_array_equal(p.vector, 1)


def test_derived_is_computed_once_until_the_numbers_change():
    p = Parameters(SHAPES)
    calls = []

    def double(out):
        calls.append(1)
        out[:] = 2 * p["bias"]

    def derived():
        return p.derived("double", p["bias"].shape, double)

    first = derived()
    assert derived() is first
    assert len(calls) == 1
    p["bias"][:] = 3
    p.changed()
    np.testing.assert_array_equal(derived(), 6)
    assert len(calls) == 2


@pytest.mark.parametrize("threads", [1, 3])
def test_refresh_brings_everything_derived_up_to_date_in_its_place(threads):
    p = Parameters(SHAPES)
    calls = []

    def times(factor):
        def function(out):
            calls.append(factor)
            out[:] = factor * p["bias"]

        return p.derived(f"times {factor}", p["bias"].shape, function)

    before = [times(factor) for factor in (2, 3, 4)]
    p["bias"][:] = 5
    p.changed()
    times(4)
    with Workers(threads) as workers:
        p.refresh(workers)
    assert sorted(calls) == [2, 2, 3, 3, 4, 4]  # none twice after the change
    for factor, array in zip((2, 3), before, strict=False):
        assert times(factor) is array
        np.testing.assert_array_equal(array, factor * 5)
    assert sorted(calls) == [2, 2, 3, 3, 4, 4]


def test_a_gradient_does_not_share_what_was_derived():
    p = Parameters(SHAPES)
    p.derived("answer", (1,), lambda out: out.fill(1))
    assert p.zeros_like().derived("answer", (1,), lambda out: out.fill(2)) == 2
