"""Order of convergence: how the error decreases with the number of steps."""

import numpy as np
import pytest

from minidiff.benchmark.convergence import DETERMINISTIC, convergence, order
from minidiff.schedule import SCHEDULES

EXPECTED = {"ddim": 1, "euler": 1, "heun": 2, "dpmpp_2m": 2}


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_deterministic_sampler_has_its_known_order(schedule):
    steps = (16, 32, 64)
    errors = convergence(steps=steps, schedule=schedule)
    assert set(errors) == set(DETERMINISTIC)
    assert {name: pytest.approx(order(errors[name], steps), abs=0.25) for name in errors} == EXPECTED


def test_the_order_is_the_exponent_of_the_error():
    steps = np.array([4, 8, 16])
    assert order(3.0 * steps**-1.5, steps) == pytest.approx(1.5)
