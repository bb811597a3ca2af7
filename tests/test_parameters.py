"""The flat vector and its views."""

import numpy as np
import pytest

from minidiff.errors import MinidiffError
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


def test_an_existing_vector_is_viewed_and_not_copied():
    vector = np.arange(10.0)
    p = Parameters(SHAPES, vector=vector)
    p["bias"] = -1
    np.testing.assert_array_equal(vector[6:9], -1)
    assert p["bias"].dtype == np.float64


def test_a_vector_of_another_network_is_rejected():
    with pytest.raises(MinidiffError, match="vector has 11 parameters but the network has 10"):
        Parameters(SHAPES, vector=np.zeros(11, np.float32))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_zeros_like_has_its_own_memory(dtype):
    p = Parameters(SHAPES, dtype)
    p.vector[:] = 1
    g = p.zeros_like()
    assert g.shapes == p.shapes
    assert g.vector.dtype == dtype
    np.testing.assert_array_equal(g.vector, 0)
    g.vector[:] = 2
    np.testing.assert_array_equal(p.vector, 1)


def test_repr_has_no_arrays():
    assert repr(Parameters(SHAPES)) == "Parameters(3 arrays, 10 values, float32)"
