"""Nothing goes wrong in silence: bad data is refused, and the first number gone bad is found where it arose."""

import numpy as np
import pytest

from minidiff.data import Dataset
from minidiff.divergence import Diverged, check_pixels, losses_by_time
from minidiff.errors import MinidiffError
from minidiff.unet import leaves
from tests import tiny


def layers_of(network):
    return [leaf for child in network.children() for leaf in leaves(child)]


class Pixels:
    """A data set of given pixels, whatever they are."""

    def __init__(self, pixels):
        self.array = np.asarray(pixels, np.float32)

    def __len__(self):
        return len(self.array)

    def pixels(self, indices):
        return self.array[indices]


def changed(index, value, count=600):
    """Pixels that are fine but for one."""
    pixels = np.random.default_rng(0).uniform(-1, 1, (count, 4, 4, 1))
    pixels[index] = value
    return Pixels(pixels)


@pytest.mark.parametrize("index", [0, 300, -1])
@pytest.mark.parametrize(
    ("value", "message"),
    [(1.01, "to 1.01"), (-200.0, "from -200 to"), (np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf")],
)
def test_pixels_outside_of_the_range_are_refused(index, value, message):
    with pytest.raises(MinidiffError, match=message):
        check_pixels(changed(index, value))


def test_pixels_within_the_range_are_fine():
    check_pixels(changed(5, 1.0))
    check_pixels(changed(5, -1.0))
    check_pixels(tiny.dataset())


@pytest.mark.parametrize("low", [0, 1, 128, 254])
def test_images_with_nothing_in_them_are_refused(low):
    """All of one color, or of the bytes 0 and 1, as when images from 0 to 1 are taken for bytes."""
    images = np.random.default_rng(0).integers(low, low + 2, (20, 8, 8, 3), np.uint8)
    for data in (images, np.full_like(images, low)):
        with pytest.raises(MinidiffError, match="the images show nothing"):
            check_pixels(Dataset(data))
    images[0, 0, 0, 0] = 100 if low != 100 else 0
    check_pixels(Dataset(images))


def test_a_trainer_refuses_such_images_before_its_first_step(workers):
    with pytest.raises(MinidiffError, match="the images show nothing"):
        tiny.trainer(workers, Dataset(np.zeros((8, 8, 8, 3), np.uint8)))


def poison(trainer, layer_name, way, value=np.nan):
    """Makes one layer return one bad number, forward or backward."""
    layer = next(leaf for leaf in layers_of(trainer.network) if leaf.name == layer_name)
    method = getattr(layer, way)

    def spoilt(*arguments):
        result = method(*arguments)
        first = result[0] if isinstance(result, tuple) else result
        first.flat[3] = value
        return result

    setattr(layer, way, spoilt)


def copies(trainer):
    return [vector.copy() for vector in trainer.state().values()]


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("way", ["forward", "backward"])
@pytest.mark.parametrize(
    "name", [layer.name for layer in layers_of(tiny.network()) if not layer.name.startswith("time")]
)
def test_the_layer_in_which_it_began_is_named_and_nothing_was_changed(workers, name, way, value):
    if (name, way) == ("conv_in", "backward"):
        way = "forward"  # the gradient by the noisy images goes nowhere
    trainer = tiny.trainer(workers)
    steps = trainer.train()
    next(steps)  # so that no parameter is zero any more
    before = copies(trainer)
    poison(trainer, name, way, value)
    with pytest.raises(Diverged) as caught, np.errstate(all="ignore"):
        next(steps)
    message = str(caught.value)
    assert message.startswith("training diverged in step 2 (epoch 1): ")
    assert message.endswith(f"it began in the {way} pass of {name}")
    assert "\n" not in message
    assert trainer.step == 1
    for vector, old in zip(copies(trainer), before, strict=True):
        np.testing.assert_array_equal(vector, old)


def test_the_message_tells_the_loss_and_its_timesteps(workers):
    trainer = tiny.trainer(workers, microbatch_size=1)
    forward = trainer.network.forward
    calls = []

    def spoilt(p, z, log_sigma, labels):
        y, cache = forward(p, z, log_sigma, labels)
        calls.append(log_sigma)
        if len(calls) in (2, 5):  # the second example of the batch, and again when it is looked into
            y = y * np.float32(np.inf)
        return y, cache

    trainer.network.forward = spoilt
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


def test_a_learning_rate_much_too_high_is_noticed_when_it_happens(workers):
    trainer = tiny.trainer(workers, epochs=50, optimizer="adamw", learning_rate=1e30, warmup_steps=0)
    with pytest.raises(Diverged, match=r"training diverged in step [2-5] "), np.errstate(all="ignore"):
        for _ in trainer.train():
            pass


def test_losses_by_time_are_the_means_of_the_quarters():
    t = np.array([1, 25, 26, 50, 51, 100, 100])
    losses = np.array([1.0, 3.0, 5.0, 5.0, 7.0, 1.0, 2.0])
    np.testing.assert_allclose(losses_by_time(t, losses, 100), [2.0, 5.0, 7.0, 1.5])
    np.testing.assert_array_equal(losses_by_time(t[:2], losses[:2], 100), [2.0, np.nan, np.nan, np.nan])


@pytest.mark.parametrize("T", [1, 2, 3, 4, 7, 1000])
def test_every_step_of_a_schedule_is_in_its_quarter(T):
    """Step t stands for the times from (t - 1) / T to t / T; it belongs where that begins."""
    for t in {1, 2, T // 4, T // 4 + 1, T // 2, T // 2 + 1, T - 1, T} & set(range(1, T + 1)):
        found = losses_by_time(np.array([t]), np.array([0.5]), T)
        expected = [0.5 if quarter <= 4 * (t - 1) / T < quarter + 1 else np.nan for quarter in range(4)]
        np.testing.assert_array_equal(found, expected)
