"""Divergence is detected before any parameter changes, and its origin is named."""

import numpy as np
import pytest

from minidiff.data import Dataset
from minidiff.divergence import Diverged
from minidiff.errors import MinidiffError
from minidiff.layers import leaves
from tests import tiny


def layers_of(network):
    return leaves(network)


def test_a_trainer_refuses_images_without_contrast(workers):
    with pytest.raises(MinidiffError, match="the images have no contrast"):
        tiny.trainer(workers, Dataset(np.zeros((8, 8, 8, 3), np.uint8)))


def spoil(trainer, layer_name, direction, value=np.nan):
    """Makes one layer return one bad value in its forward or backward pass."""
    layer = next(leaf for leaf in layers_of(trainer.network) if leaf.name == layer_name)
    method = getattr(layer, direction)

    def spoiled(*arguments, **options):
        result = method(*arguments, **options)
        first = result[0] if isinstance(result, tuple) else result
        first.flat[3] = value
        return result

    setattr(layer, direction, spoiled)


def copies(trainer):
    return [vector.copy() for vector in trainer.state().values()]


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize(
    "name", [layer.name for layer in layers_of(tiny.network()) if not layer.name.startswith("time")]
)
def test_the_layer_of_the_origin_is_named_and_nothing_is_changed(workers, name, direction, value):
    if (name, direction) == ("conv_in", "backward"):
        direction = "forward"  # the gradient with respect to the noisy images is not used
    trainer = tiny.trainer(workers)
    steps = trainer.train()
    next(steps)  # so that no parameter is zero
    before = copies(trainer)
    spoil(trainer, name, direction, value)
    with pytest.raises(Diverged) as caught, np.errstate(all="ignore"):
        next(steps)
    message = str(caught.value)
    assert message.startswith("training diverged in step 2 (epoch 1): ")
    assert message.endswith(f"it began in the {direction} pass of {name}")
    assert "\n" not in message
    assert trainer.step == 1
    for vector, old in zip(copies(trainer), before, strict=True):
        np.testing.assert_array_equal(vector, old)


def test_the_message_names_the_loss_and_its_timesteps(workers):
    trainer = tiny.trainer(workers, microbatch_size=1)
    forward = trainer.network.forward
    calls = []

    def spoiled(p, z, log_sigma, labels):
        y, cache = forward(p, z, log_sigma, labels)
        calls.append(log_sigma)
        if len(calls) in (2, 5):  # the second example of the batch, and its repetition
            y = y * np.float32(np.inf)
        return y, cache

    trainer.network.forward = spoiled
    with pytest.raises(Diverged) as caught, np.errstate(all="ignore"):
        next(trainer.train())
    t = int(np.argmin(np.abs(trainer.schedule.log_sigma - calls[1])))
    assert f"the loss is inf at t = {t}; it began in" in str(caught.value) or f"nan at t = {t};" in str(caught.value)


def test_a_bad_parameter_is_named(workers):
    trainer = tiny.trainer(workers)
    trainer.p["middle.block1.conv1.weight"][0, 0, 0, 0] = np.inf
    with pytest.raises(Diverged) as caught, np.errstate(all="ignore"):
        next(trainer.train())
    assert str(caught.value).endswith("it began in the parameter middle.block1.conv1.weight")


def test_divergence_from_a_high_learning_rate_is_detected_at_once(workers):
    trainer = tiny.trainer(workers, epochs=50, optimizer="adamw", learning_rate=1e30, warmup_steps=0)
    with pytest.raises(Diverged, match=r"training diverged in step [2-5] "), np.errstate(all="ignore"):
        for _ in trainer.train():
            pass
