"""The hyperparameters of the noise levels: what is refused, and what they mean for the schedule."""

import numpy as np
import pytest

from minidiff.errors import MinidiffError
from minidiff.schedule import SCHEDULES
from minidiff.training_config import TrainingConfig


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sigma_max", -1.0), ("sigma_max", float("nan")), ("sigma_max", None), ("log_sigma_mean", float("inf")),
        ("log_sigma_mean", "high"), ("log_sigma_std", 0.0), ("log_sigma_std", -1.2), ("high_noise_fraction", 1.0),
        ("high_noise_fraction", -0.1),
    ],
)  # fmt: skip
def test_invalid_noise_levels_are_refused(name, value):
    with pytest.raises(MinidiffError, match=f"{name} must be .*{value}"):
        TrainingConfig(**{name: value})


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_schedule_ends_at_sigma_max(schedule):
    sigma = TrainingConfig(schedule=schedule, T=100, shift=2.0, sigma_max=187).create_schedule().sigma
    assert sigma.shape == (101,)
    assert sigma[-1] == pytest.approx(187, rel=1e-8)


def test_without_sigma_max_the_schedule_ends_where_its_curve_does():
    assert TrainingConfig().create_schedule().sigma[-1] == pytest.approx(99)
    np.testing.assert_allclose(TrainingConfig(schedule="variance_exploding").create_schedule().sigma[-1], 80)
