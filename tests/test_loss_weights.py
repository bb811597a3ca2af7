"""Weights of the loss: against the formulas of the paper for each target, and against what they mean for x0_hat."""

import numpy as np
import pytest

from minidiff.curves import CURVES
from minidiff.errors import MinidiffError
from minidiff.loss_weights import LOSS_WEIGHTS, loss_weight
from minidiff.schedule import TARGETS, Schedule

T = np.array([1, 5, 20, 50, 90, 100])


@pytest.mark.parametrize("target", TARGETS)
def test_uniform_is_one(target):
    np.testing.assert_array_equal(loss_weight(Schedule("cosine", 100), "uniform", target, T), np.ones(len(T)))


@pytest.mark.parametrize("name", ["cosine", "linear", "sigmoid"])
def test_min_snr_has_the_formulas_of_hang_et_al(name):
    schedule = Schedule(name, 100)
    snr = schedule.signal[T] ** 2 / schedule.noise[T] ** 2
    least = np.minimum(snr, 5)
    np.testing.assert_allclose(loss_weight(schedule, "min_snr", "image", T), least, rtol=1e-9)
    np.testing.assert_allclose(loss_weight(schedule, "min_snr", "noise", T), least / snr, rtol=1e-9)
    np.testing.assert_allclose(loss_weight(schedule, "min_snr", "velocity", T), least / (snr + 1), rtol=1e-9)


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("target", TARGETS)
def test_min_snr_weighs_an_error_of_the_image_the_same_whatever_is_predicted(name, target):
    rng = np.random.default_rng(0)
    schedule = Schedule(name, 100)
    z, y, error = rng.normal(size=(3, len(T), 7))
    x0_hat, _ = schedule.solve(target, z, y, T)
    x0_wrong, _ = schedule.solve(target, z, y + error, T)
    loss = loss_weight(schedule, "min_snr", target, T) * np.square(error).sum(axis=1)
    of_the_image = np.minimum(schedule.sigma[T] ** -2.0, 5) * np.square(x0_wrong - x0_hat).sum(axis=1)
    np.testing.assert_allclose(loss, of_the_image, rtol=1e-6)


def test_an_unknown_weight_lists_those_that_exist():
    with pytest.raises(MinidiffError) as error:
        loss_weight(Schedule("flow", 10), "snr", "flow", T[:2])
    assert all(name in str(error.value) for name in LOSS_WEIGHTS)
