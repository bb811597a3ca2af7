"""Self-attention against its definition, one pixel and one head at a time."""

import numpy as np
import pytest

from minidiff.gradient_check import check_layer, random_parameters, relative_error
from minidiff.layers import SelfAttention, create_parameters


def attend(layer, p, x):
    """y = x + Linear( softmax(q k' / sqrt(d)) v ), with every sum written out."""
    N, H, W, C = x.shape
    d, S = layer.head_channels, H * W
    h = layer.norm.forward(p, x)[0].reshape(N, S, C)
    qkv = (h @ p["attention.qkv.weight"] + p["attention.qkv.bias"]).astype(np.float64)  # (N, S, 3C)
    mixed = np.zeros((N, S, C))
    for n in range(N):
        for first in range(0, C, d):
            q, k, v = (qkv[n, :, part * C + first : part * C + first + d] for part in range(3))
            for s in range(S):
                weights = np.exp(k @ q[s] / np.sqrt(d))
                mixed[n, s, first : first + d] = weights @ v / weights.sum()
    return x + (mixed @ p["attention.projection.weight"] + p["attention.projection.bias"]).reshape(x.shape)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("channels", "head_channels"), [(4, 4), (6, 2)])
def test_agrees_with_the_definition(rng, channels, head_channels, dtype, kernels):
    layer = SelfAttention("attention", channels, head_channels, num_groups=2, kernels=kernels)
    p = random_parameters(layer, rng, dtype)
    x = rng.normal(size=(2, 3, 5, channels)).astype(dtype)
    y, _ = layer.forward(p, x)
    assert y.dtype == dtype
    assert relative_error(y, attend(layer, p, x)) < {np.float32: 1e-5, np.float64: 1e-13}[dtype]


@pytest.mark.parametrize(
    ("shape", "head_channels"),
    [pytest.param((1, 1, 3, 2), 2, id="tiny-1x3-2-2"), ((2, 3, 2, 4), 4), ((2, 2, 3, 6), 2), ((1, 1, 1, 4), 2)],
)
def test_gradients(rng, shape, head_channels, kernels):
    layer = SelfAttention("attention", shape[-1], head_channels, num_groups=1, kernels=kernels)
    errors = check_layer(layer, rng.normal(size=shape), rng=rng)
    assert len(errors) == 7
    if shape[1:3] == (1, 1):  # a single pixel attends to itself for any q and k, so their gradient is rounding error
        assert errors["input 0"] < 1e-6
    else:
        assert max(errors.values()) < 1e-6


def test_a_new_layer_is_the_identity(rng, kernels):
    layer = SelfAttention("attention", 8, 4, kernels=kernels)
    p = create_parameters([layer])
    x = rng.normal(size=(2, 3, 5, 8)).astype(np.float32)
    np.testing.assert_array_equal(layer.forward(p, x)[0], x)


def test_permuting_the_pixels_permutes_the_result(rng, kernels):
    """Attention does not depend on positions."""
    layer = SelfAttention("attention", 4, 2, num_groups=2, kernels=kernels)
    p = random_parameters(layer, rng)
    x = rng.normal(size=(1, 1, 6, 4))
    order = rng.permutation(6)
    np.testing.assert_allclose(layer.forward(p, x[:, :, order])[0], layer.forward(p, x)[0][:, :, order], atol=1e-13)


def test_large_scores_do_not_overflow(rng, kernels):
    layer = SelfAttention("attention", 4, 2, num_groups=2, kernels=kernels)
    p = random_parameters(layer, rng, np.float32)
    p["attention.qkv.weight"] *= 100  # scores of some ten thousand, whose exp is infinite
    x = rng.normal(size=(1, 2, 3, 4)).astype(np.float32)
    y, cache = layer.forward(p, x)
    assert np.isfinite(y).all()
    assert np.isfinite(layer.backward(p, p.zeros_like(), cache, y)).all()


def test_nan_propagates(rng, kernels):
    layer = SelfAttention("attention", 4, 2, num_groups=2, kernels=kernels)
    p = random_parameters(layer, rng, np.float32)
    x = rng.normal(size=(2, 2, 3, 4)).astype(np.float32)
    x[0, 1, 1, 0] = np.nan
    y, _ = layer.forward(p, x)
    assert np.isnan(y[0]).all()
    assert np.isfinite(y[1]).all()


def test_cost_counts_the_products_and_the_norm():
    """qkv and projection take 4 C^2 per pixel, q k' and weights v take 2 S C per pixel; each is two operations."""
    S, C = 3 * 5, 8
    products, norm = 2 * 2 * (4 * S * C**2 + 2 * S**2 * C), 2 * 8 * S * C
    assert SelfAttention("attention", C, 4).cost((2, 3, 5, C)) == ((2, 3, 5, C), products + norm)
