"""Group normalization with FiLM: the statistics of the result, the formula, and gradients."""

import numpy as np
import pytest

from minidiff.gradient_check import check_layer, random_parameters, relative_error
from minidiff.layers import GroupNorm, create_parameters

# N, H, W, C, num_groups: "tiny" ones also run without the compiler, see ../kernels/test_pure_python.py
SHAPES = [
    pytest.param((2, 1, 3, 4, 2), id="tiny-1x3-4-2"),
    pytest.param((1, 5, 7, 3, 1), id="5x7-3-1"),
    pytest.param((2, 4, 3, 6, 6), id="4x3-6-6"),
]


def formula(x, num_groups, gamma, beta, a, b, activate):
    """SiLU( (x_hat gamma + beta) (1 + a) + b ), group by group."""
    y = np.empty_like(x)
    size = x.shape[-1] // num_groups
    for n in range(len(x)):
        for first in range(0, x.shape[-1], size):
            group = x[n, :, :, first : first + size]
            y[n, :, :, first : first + size] = (group - group.mean()) / np.sqrt(group.var() + 1e-5)
        y[n] = (y[n] * gamma + beta) * (1 + a[n]) + b[n]
    return y / (1 + np.exp(-y)) if activate else y


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("conditioned", [True, False])
@pytest.mark.parametrize("activate", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_agrees_with_the_formula(rng, shape, activate, conditioned, dtype, kernels):
    N, H, W, C, num_groups = shape
    layer = GroupNorm("norm", C, num_groups, activate, kernels=kernels)
    p = random_parameters(layer, rng, dtype)
    x, a, b = (rng.normal(size=size).astype(dtype) for size in ((N, H, W, C), (N, C), (N, C)))
    y, _ = layer.forward(p, x, np.concatenate([a, b], axis=1)) if conditioned else layer.forward(p, x)
    a, b = (a, b) if conditioned else (np.zeros((N, C)), np.zeros((N, C)))
    assert y.dtype == dtype
    expected = formula(x.astype(np.float64), num_groups, p["norm.gamma"], p["norm.beta"], a, b, activate)
    assert relative_error(y, expected) < {np.float32: 1e-5, np.float64: 1e-12}[dtype]


@pytest.mark.parametrize("conditioned", [True, False])
@pytest.mark.parametrize("activate", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_gradients(rng, shape, activate, conditioned, kernels):
    N, H, W, C, num_groups = shape
    layer = GroupNorm("norm", C, num_groups, activate, kernels=kernels)
    inputs = [rng.normal(size=(N, H, W, C))] + ([rng.normal(size=(N, 2 * C))] if conditioned else [])
    errors = check_layer(layer, *inputs, rng=rng)
    assert len(errors) == len(inputs) + 2
    assert max(errors.values()) < 1e-6


@pytest.mark.parametrize("activate", [True, False])
def test_the_gradient_of_a_residual_connection_is_added(rng, activate, kernels):
    layer = GroupNorm("norm", 4, 2, activate, kernels=kernels)
    p = random_parameters(layer, rng)
    x, dy, dresidual = rng.normal(size=(3, 2, 5, 6, 4))
    _, cache = layer.forward(p, x)
    alone = layer.backward(p, p.zeros_like(), cache, dy)
    np.testing.assert_allclose(layer.backward(p, p.zeros_like(), cache, dy, dresidual), alone + dresidual, atol=1e-14)


@pytest.mark.parametrize("offset", [-3e4, 1e3])
def test_float32_normalizes_far_from_zero(rng, offset, kernels):
    layer = GroupNorm("norm", 4, 2, activate=False, kernels=kernels)
    p = create_parameters([layer])
    x = (offset + rng.normal(size=(2, 16, 16, 4))).astype(np.float32)
    exact = x.astype(np.float64).reshape(2, -1, 2, 2)
    exact = (exact - exact.mean(axis=(1, 3), keepdims=True)) / exact.std(axis=(1, 3), keepdims=True)
    assert relative_error(layer.forward(p, x)[0], exact.reshape(x.shape)) < 3e-3 * abs(offset) / 3e4


def test_a_new_layer_normalizes(rng, kernels):
    layer = GroupNorm("norm", 6, 2, activate=False, kernels=kernels)
    p = create_parameters([layer], dtype=np.float64)
    y = layer.forward(p, 3 + 5 * rng.normal(size=(2, 4, 5, 6)))[0].reshape(2, 20, 2, 3)
    np.testing.assert_allclose(y.mean(axis=(1, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(y.std(axis=(1, 3)), 1, atol=1e-5)


def test_arrays_that_are_not_contiguous(rng, kernels):
    """A view with channels last of an image that is stored with channels first."""
    layer = GroupNorm("norm", 4, 2, kernels=kernels)
    p = random_parameters(layer, rng)
    x, dy = rng.normal(size=(2, 2, 4, 3, 5)).transpose(0, 1, 3, 4, 2)
    results = []
    for x_as_stored, dy_as_stored in ((x, dy), (np.ascontiguousarray(x), np.ascontiguousarray(dy))):
        y, cache = layer.forward(p, x_as_stored)
        results.append((y, layer.backward(p, p.zeros_like(), cache, dy_as_stored)))
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=0, atol=1e-13)
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=0, atol=1e-13)


def test_cost_keeps_the_shape():
    assert GroupNorm("norm", 6, 2).cost((2, 4, 5, 6))[0] == (2, 4, 5, 6)
