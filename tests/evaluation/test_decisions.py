"""When the halves of an image are decided: on denoisers whose answers are known, and a reader that cannot err."""

import numpy as np
import pytest

from minidiff.data.synthetic import cats
from minidiff.data.synthetic.parts import DIVISIONS, HIDDEN
from minidiff.denoiser import NetworkDenoiser
from minidiff.evaluation import decisions
from minidiff.layers import SelfAttention
from minidiff.schedule import Schedule
from minidiff.unet import UNet, UNetConfig

SCHEDULE = Schedule("flow", 50)


class ByBrightness:
    """Reads whether each half of an image is bright (1) or dark (0)."""

    def __init__(self, division):
        self.readers = [(division, None, None)]

    def read_parts(self, x):
        halves = np.split(x, 2, axis=2)
        return {"light": np.stack([(half.mean(axis=(1, 2, 3)) > 0).astype(int) for half in halves], axis=1)}


class Halves:
    """A division whose images have a bright or dark left half, and a right half that agrees or not."""

    label, odd, attributes, draw_odd = "light", (), {"light": 2}, None

    @staticmethod
    def draw(rng, size):
        one, other = (int(value) for value in rng.integers(2, size=2))
        image = np.zeros((size, size, 3), np.float32)
        image[:, : size // 2], image[:, size // 2 :] = 0.25 + 0.5 * one, 0.25 + 0.5 * other
        return image, {"light": one}, {"light": other}


class Mean:
    """Estimates every half alone, or both together, as their mean brightness with the sign of +-1/2."""

    schedule = SCHEDULE

    def __init__(self, together):
        self.together = together

    def __call__(self, z, t, labels=None):
        means = [half.mean(axis=(1, 2, 3), keepdims=True) for half in np.split(z, 2, axis=2)]
        means = [sum(means)] * 2 if self.together else means
        x0_hat = np.concatenate(
            [np.broadcast_to(np.sign(mean) / 2, (*z.shape[:2], z.shape[2] // 2, 3)) for mean in means], 2
        )
        return x0_hat.astype(z.dtype), SCHEDULE.eps_from_x0(z, x0_hat, t).astype(z.dtype)


def test_a_denoiser_that_reads_each_half_alone_does_not_heed_the_other():
    found = decisions.heeded(Mean(together=False), ByBrightness(Halves), 8, levels=(-2.0, 3.0), pairs=2000).shares
    assert found["light, other agrees"][0] == found["light, other differs"][0] == 1
    assert found["light, other agrees"][1] == pytest.approx(found["light, other differs"][1], abs=0.05)
    assert 0.5 < found["light, other agrees"][1] < 0.95


def test_a_denoiser_that_reads_both_halves_together_heeds_the_other():
    found = decisions.heeded(Mean(together=True), ByBrightness(Halves), 8, levels=(2.0,), pairs=2000).shares
    assert found["light, other differs"][0] == pytest.approx(0.5, abs=0.05)  # one of two is always wrong
    assert found["light, other agrees"][0] > 0.7


def test_halves_are_settled_at_the_end(workers):
    curves = decisions.settled(
        Mean(together=False), ByBrightness(Halves), (64, 8, 8, 3), None, sampler="ddim", steps=10
    )
    assert curves.log_sigma.shape == curves.shares["light"].shape == (10,)
    assert np.all(np.diff(curves.log_sigma) < 0)
    assert curves.shares["light"][-1] == 1
    assert curves.shares["light"][0] > 0.9  # ddim follows the first sign


def test_odd_eyes_differ_in_nothing_else():
    division = DIVISIONS["cats"][0]
    seen = set()
    for i in range(60):
        image, one, other = division.draw_odd(np.random.default_rng(i), 32)
        assert image.shape == (32, 32, 3)
        different = {name for name in one if one[name] != other[name]}
        assert different <= {"eye mood", "eye color"}
        seen |= different
        assert (one["eye color"] == HIDDEN) == (one["eye mood"] == cats.EYE_MOODS.index("happy"))
    assert seen == {"eye mood", "eye color"}


def test_the_pixel_of_the_left_eye_is_its_pupil():
    for i in range(20):
        cat = cats.sample_cat(np.random.default_rng(i), "white")
        if cat.eye_mood != "open":
            continue
        row, column = decisions.pixel_of_left_eye(cat, 64)
        assert column < 32
        around = cats.paint_cat(cat, 64)[row - 2 : row + 3, column - 2 : column + 3]
        assert around.max(axis=2).min() < 0.3


def test_attention_weights_give_the_output_of_the_kernel(rng):
    layer = SelfAttention("attention", 8, head_channels=8)
    qkv = rng.normal(size=(2, 3, 5, 24))
    weights = decisions.attention_weights(layer, qkv)
    np.testing.assert_allclose(weights.sum(axis=(3, 4)), 1)
    expected = layer.kernels.attention(qkv, 1)
    np.testing.assert_allclose(np.einsum("nijkl,nklc->nijc", weights, qkv[..., 16:]), expected, atol=1e-10)


def test_maps_and_their_figure(workers, tmp_path):
    config = UNetConfig(32, 32, 3, (8, 16), 1, attention_levels=1, num_groups=4, head_channels=8, num_classes=8)
    network = UNet(config)
    p = network.create_parameters(seed=0)
    denoiser = NetworkDenoiser(network, p, SCHEDULE, "flow", workers)
    maps = decisions.attention_of_left_eyes(denoiser, 32, count=3)
    assert maps.images.shape == (3, 32, 32, 3)
    assert maps.weights.shape == (3, 16, 16)
    np.testing.assert_allclose(maps.weights.sum(axis=(1, 2)), 1, rtol=1e-5)
    curves = decisions.Curves(np.array([1.0, 0.0]), {"light": np.array([0.5, 1.0])})
    decisions.save_decisions(tmp_path / "decisions.png", curves, curves, maps)
    assert (tmp_path / "decisions.png").stat().st_size > 10_000
