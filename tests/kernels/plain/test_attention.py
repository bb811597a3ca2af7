"""Attention and softmax against sums written out and finite differences."""

import numpy as np
import pytest

from minidiff.gradient_check import numerical_gradient, relative_error
from minidiff.kernels.plain.attention import attention, attention_backward, softmax, softmax_backward


def test_softmax_by_its_definition_and_without_overflow(rng):
    z = rng.normal(size=(3, 7))
    np.testing.assert_allclose(softmax(z), np.exp(z) / np.exp(z).sum(axis=1, keepdims=True), rtol=1e-14)
    np.testing.assert_allclose(softmax(np.array([[1e4, 1e4, -1e4]])), [[0.5, 0.5, 0]], rtol=1e-14)


def test_softmax_backward_agrees_with_finite_differences(rng):
    z, dP = rng.normal(size=(2, 3, 7))
    measured = numerical_gradient(lambda: np.sum(dP * softmax(z)), z)
    assert relative_error(softmax_backward(softmax(z), dP), measured) < 1e-8


@pytest.mark.parametrize("num_heads", [1, 2])
def test_attention_is_a_weighted_mean_of_v_for_every_pixel_and_head(rng, num_heads):
    N, H, W, C = 2, 2, 3, 4
    d, qkv = C // num_heads, rng.normal(size=(N, H, W, 3 * C))
    pixels = qkv.reshape(N, H * W, 3, num_heads, d)
    y = attention(qkv, num_heads).reshape(N, H * W, num_heads, d)
    for n in range(N):
        for head in range(num_heads):
            q, k, v = pixels[n, :, :, head].transpose(1, 0, 2)
            for s in range(H * W):
                weights = np.exp(k @ q[s] / np.sqrt(d))
                np.testing.assert_allclose(y[n, s, head], weights @ v / weights.sum(), rtol=1e-12)


@pytest.mark.parametrize("num_heads", [1, 2])
def test_backward_agrees_with_finite_differences(rng, num_heads):
    qkv, dy = rng.normal(size=(2, 2, 3, 12)), rng.normal(size=(2, 2, 3, 4))
    measured = numerical_gradient(lambda: np.sum(dy * attention(qkv, num_heads)), qkv)
    assert relative_error(attention_backward(qkv, num_heads, dy), measured) < 1e-8
