"""Linear map and class embedding."""

import numpy as np
import pytest

from minidiff.errors import MinidiffError
from minidiff.gradient_check import check_layer, random_parameters
from minidiff.layers import ClassEmbedding, Linear, create_parameters


@pytest.mark.parametrize("shape", [(4, 3), (2, 5, 2, 3)])
def test_linear_agrees_with_the_formula_on_the_last_axis(rng, shape, kernels):
    layer = Linear("linear", 3, 6, kernels=kernels)
    p = random_parameters(layer, rng)
    x = rng.normal(size=shape)
    expected = np.einsum("...i,io->...o", x, p["linear.weight"]) + p["linear.bias"]
    np.testing.assert_allclose(layer.forward(p, x)[0], expected, rtol=0, atol=1e-13)
    assert layer.cost(shape) == (expected.shape, 2 * x.size * 6)


@pytest.mark.parametrize("shape", [pytest.param((2, 3), id="tiny-rows"), pytest.param((2, 5, 2, 3), id="images")])
def test_linear_gradients(rng, shape, kernels):
    errors = check_layer(Linear("linear", 3, 6, kernels=kernels), rng.normal(size=shape), rng=rng)
    assert set(errors) == {"input 0", "linear.weight", "linear.bias"}
    assert max(errors.values()) < 1e-6


def test_linear_keeps_float32(rng, kernels):
    layer = Linear("linear", 3, 6, kernels=kernels)
    p = random_parameters(layer, rng, np.float32)
    y, cache = layer.forward(p, rng.normal(size=(4, 3)).astype(np.float32))
    assert y.dtype == layer.backward(p, p.zeros_like(), cache, y).dtype == np.float32


def test_initial_values():
    for zero in (False, True):
        layer = Linear("linear", 100, 50, zero)
        p = create_parameters([layer])
        assert np.all(p["linear.bias"] == 0)
        assert p["linear.weight"].std() == pytest.approx(0 if zero else 0.1 / 3**0.5, rel=0.03)


def test_embedding_looks_up_rows_and_the_last_is_the_null_class(rng):
    layer = ClassEmbedding("classes", 3, 5)
    p = random_parameters(layer, rng)
    assert p["classes.table"].shape == (4, 5)
    y, _ = layer.forward(p, np.array([2, 0, 3, 2]))
    np.testing.assert_array_equal(y, p["classes.table"][[2, 0, 3, 2]])
    assert layer.cost((4,))[0] == y.shape


def test_embedding_gradients_with_a_repeated_label(rng):
    """Row 2 is looked up twice and gets two gradients, row 1 gets none."""
    layer = ClassEmbedding("classes", 3, 5)
    labels = np.array([2, 0, 3, 2])
    assert check_layer(layer, labels, rng=rng)["classes.table"] < 1e-6
    p = random_parameters(layer, rng)
    g = p.zeros_like()
    layer.backward(p, g, layer.forward(p, labels)[1], np.ones((4, 5)))
    np.testing.assert_array_equal(g["classes.table"][:, 0], [1, 0, 2, 1])


@pytest.mark.parametrize("label", [-1, 4])
def test_a_label_out_of_range_is_rejected(rng, label):
    layer = ClassEmbedding("classes", 3, 5)
    with pytest.raises(MinidiffError, match=r"outside 0 \.\. 3"):
        layer.forward(random_parameters(layer, rng), np.array([0, label]))
