"""The gradient check finds mistakes: backward passes with one mistake each."""

import numpy as np
import pytest

from minidiff.errors import MinidiffError
from minidiff.gradient_check import (
    check_layer,
    directional_derivative,
    numerical_gradient,
    random_parameters,
    relative_error,
)
from minidiff.layers import Linear


class Standardize:
    """y = (x - mean) / std over the last axis, the core of every norm, with a backward pass that may be wrong."""

    children = ()

    def __init__(self, forget=None):
        self.forget = forget

    def shapes(self):
        return {}

    def forward(self, p, x):
        inverse_std = 1 / np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
        y = (x - x.mean(axis=-1, keepdims=True)) * inverse_std
        return y, (y, inverse_std)

    def backward(self, p, g, cache, dy):
        y, inverse_std = cache
        dx = dy.copy()
        if self.forget != "mean":
            dx -= dy.mean(axis=-1, keepdims=True)
        if self.forget != "variance":
            dx -= y * (dy * y).mean(axis=-1, keepdims=True)
        return dx * inverse_std if self.forget != "everything" else np.zeros_like(dx)


class Scale:
    """y = a x, with a gradient with respect to a that may be wrong."""

    children = ()

    def __init__(self, fault=None):
        self.fault = fault

    def shapes(self):
        return {"a": (3,)}

    def forward(self, p, x):
        return p["a"] * x, x

    def backward(self, p, g, cache, dy):
        da = (dy * cache).sum(axis=0)
        if self.fault == "overwrites":
            g["a"][:] = da
        else:
            g["a"] += -da if self.fault == "sign" else da
        return dy * p["a"]


def test_numerical_gradient_of_a_known_function(rng):
    a = rng.normal(size=(3, 4))
    before = a.copy()
    gradient = numerical_gradient(lambda: np.sum(np.sin(a)), a)
    assert gradient.shape == a.shape
    np.testing.assert_allclose(gradient, np.cos(a), rtol=0, atol=1e-9)
    np.testing.assert_array_equal(a, before)


def test_numerical_gradient_of_some_entries(rng):
    a = rng.normal(size=(3, 4))
    gradient = numerical_gradient(lambda: np.sum(np.sin(a)), a, entries=[7, 2])
    np.testing.assert_allclose(gradient, np.cos(a.ravel()[[7, 2]]), rtol=0, atol=1e-9)


def test_numerical_gradient_changes_a_view_in_place(rng):
    whole = rng.normal(size=(4, 6))
    view = whole[:, ::2]  # not contiguous: a flattened copy would not affect the loss
    gradient = numerical_gradient(lambda: np.sum(whole**2), view)
    np.testing.assert_allclose(gradient, 2 * view, rtol=0, atol=1e-9)


def test_the_error_is_proportional_to_the_square_of_the_step():
    a = np.array([0.7])
    errors = [abs(numerical_gradient(lambda: np.exp(a[0]), a, step)[0] - np.exp(0.7)) for step in (1e-1, 1e-2, 1e-3)]
    assert errors[0] / errors[1] == pytest.approx(100, rel=0.01)
    assert errors[1] / errors[2] == pytest.approx(100, rel=0.01)


def test_directional_derivative_is_the_gradient_along_a_direction(rng):
    a, direction = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    before = a.copy()
    slope = directional_derivative(lambda: np.sum(np.sin(a)), a, direction)
    assert slope == pytest.approx(np.sum(np.cos(a) * direction), abs=1e-9)
    np.testing.assert_array_equal(a, before)


@pytest.mark.parametrize("check", [numerical_gradient, lambda loss, a: directional_derivative(loss, a, a)])
def test_float32_is_rejected(check):
    with pytest.raises(MinidiffError, match="float64"):
        check(lambda: 0.0, np.zeros(2, np.float32))


def test_relative_error():
    assert relative_error(np.zeros(3), np.zeros(3)) == 0
    assert relative_error(np.array([1.0, 200.0]), np.array([2.0, 200.0])) == 1 / 200
    assert relative_error(np.array([0.0]), np.array([1e-9])) == 1
    assert np.isnan(relative_error(np.array([np.nan]), np.array([0.0])))
    assert np.isnan(relative_error(np.array([0.0]), np.array([np.nan])))
    with pytest.raises(MinidiffError, match="shapes"):
        relative_error(np.zeros(1), np.zeros(3))


def test_a_correct_backward_passes(rng):
    x = rng.normal(size=(4, 3))
    assert check_layer(Standardize(), x, rng=rng)["input 0"] < 1e-7
    errors = check_layer(Scale(), x, rng=rng)
    assert list(errors) == ["input 0", "a"]
    assert max(errors.values()) < 1e-7


@pytest.mark.parametrize("forget", ["mean", "variance", "everything"])
def test_a_norm_without_a_term_is_found(rng, forget):
    assert check_layer(Standardize(forget), rng.normal(size=(4, 8)), rng=rng)["input 0"] > 1e-2


@pytest.mark.parametrize("fault", ["sign", "overwrites"])
def test_a_wrong_parameter_gradient_is_found(rng, fault):
    errors = check_layer(Scale(fault), rng.normal(size=(4, 3)), rng=rng)
    assert errors["input 0"] < 1e-7
    assert errors["a"] > 1e-2


def test_a_fault_is_found_with_few_entries(rng):
    assert check_layer(Standardize("variance"), rng.normal(size=(4, 8)), rng=rng, entries=3)["input 0"] > 1e-2


@pytest.mark.parametrize("forget", ["variance", "everything"])
def test_an_upstream_of_ones_hides_the_fault(rng, forget):
    """With ones, the wrong backward passes agree with finite differences."""
    x = rng.normal(size=(4, 8))
    layer = Standardize(forget)
    dx = layer.backward(None, None, layer.forward(None, x)[1], np.ones_like(x))
    measured = numerical_gradient(lambda: np.sum(layer.forward(None, x)[0]), x)
    np.testing.assert_allclose(dx, measured, rtol=0, atol=1e-9)


def test_random_parameters_are_never_zero(rng):
    p = random_parameters(Linear("linear", 4, 5, zero=True), rng)
    assert p.vector.dtype == np.float64
    assert np.all(p.vector != 0)
