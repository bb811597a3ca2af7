"""The contract of all layers."""

import numpy as np
import pytest

from minidiff.errors import MinidiffError
from minidiff.layers import (
    ClassEmbedding,
    Conv2d,
    Downsample,
    GroupNorm,
    Linear,
    ResidualBlock,
    SelfAttention,
    TimeEmbedding,
    UpsampleAndJoin,
    create_parameters,
    leaves,
)
from minidiff.parameters import Parameters
from minidiff.randomness import stream

LAYERS = [
    ClassEmbedding("layer", 3, 5),
    Conv2d("layer", 3, 5),
    Downsample("layer", 3, 5),
    GroupNorm("layer", 8, 2),
    Linear("layer", 3, 5, zero=True),
    ResidualBlock("layer", 8, 16, time_channels=3),
    SelfAttention("layer", 8, 4),
    TimeEmbedding("layer", 5, 3),
    UpsampleAndJoin("layer", 3, 5),
]
every_layer = pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)


@every_layer
def test_a_layer_owns_parameters_or_has_children(layer):
    owners = leaves(layer)
    assert all(not owner.children for owner in owners)
    assert layer.shapes() == {name: shape for owner in owners for name, shape in owner.shapes().items()}
    assert layer.shapes()
    assert all(name.startswith("layer.") for name in layer.shapes())


@every_layer
def test_initialize_writes_every_parameter(layer):
    p = Parameters(layer.shapes())
    p.vector[:] = np.nan
    layer.initialize(p, stream("parameters", 0))
    assert np.isfinite(p.vector).all()
    np.testing.assert_array_equal(p.vector, create_parameters([layer], seed=0).vector)


def test_repr_names_the_settings():
    expected = "Linear(name='layer', in_channels=3, out_channels=5, zero=True)"
    assert repr(Linear("layer", 3, 5, zero=True)) == expected
    assert all("array" not in repr(layer) and "\n" not in repr(layer) for layer in LAYERS)


def test_a_network_that_is_too_large_is_refused_before_its_memory_is_allocated():
    layer = Conv2d("layer", 2**20, 2**20)
    with pytest.raises(MinidiffError, match=r"9,895,605,.* parameters, and at most 268,435,456"):
        create_parameters([layer])
