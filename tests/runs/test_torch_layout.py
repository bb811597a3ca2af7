"""Names and axes of the parameters in PyTorch."""

import numpy as np
import pytest

from minidiff.gradient_check import random_parameters
from minidiff.layers import shapes_of
from minidiff.runs.torch_layout import from_torch, to_torch, torch_name, torch_shapes
from tests import tiny


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("down0.block1.norm1.gamma", "down.0.blocks.1.norm1.weight"),
        ("down1.block0.film.bias", "down.1.blocks.0.film.bias"),
        ("down0.downsample.weight", "down.0.resample.weight"),
        ("up0.upsample.convolution.weight", "up.0.resample.weight"),
        ("middle.block2.conv1.weight", "middle.block2.conv1.weight"),
        ("time.classes.table", "time.classes.weight"),
        ("conv_in.weight", "entries.0.weight"),
        ("conv_in2.bias", "entries.2.bias"),
        ("norm_out.beta", "exits.0.norm.bias"),
        ("conv_out1.weight", "exits.1.conv.weight"),
    ],
)
def test_names(name, expected):
    assert torch_name(name) == expected


def test_axes():
    network = tiny.network(entry_levels=2)
    p = random_parameters(network, np.random.default_rng(0), np.float32)
    tensors = to_torch(p)
    assert len(tensors) == len(p.shapes)
    weight = p["down0.block0.conv1.weight"]  # (k, k, C, K)
    np.testing.assert_array_equal(tensors["down.0.blocks.0.conv1.weight"][5, 2], weight[:, :, 2, 5])
    np.testing.assert_array_equal(tensors["time.linear1.weight"][3], p["time.linear1.weight"][:, 3])
    np.testing.assert_array_equal(tensors["time.classes.weight"], p["time.classes.table"])
    assert {name: tensor.shape for name, tensor in tensors.items()} == torch_shapes(p.shapes)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_way_back_gives_the_same_vector(dtype):
    network = tiny.network(entry_levels=2)
    p = random_parameters(network, np.random.default_rng(0), dtype)
    back = from_torch(shapes_of(network.children), to_torch(p))
    assert back.dtype == dtype
    np.testing.assert_array_equal(back, p.vector)
