"""Steps: whole, all different, from T to 0 without a gap, and spaced as they say."""

from itertools import pairwise

import numpy as np
import pytest

from minidiff.curves import CURVES
from minidiff.errors import MinidiffError
from minidiff.schedule import Schedule
from minidiff.steps import SPACINGS, choose_steps, trailing_steps, uniform_steps


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("T", [1, 2, 10, 50, 1000])
def test_steps_lead_from_T_to_0_without_a_gap(name, spacing, T):
    schedule = Schedule(name, T)
    for steps in {1, 2, 3, 7, 49, T - 1, T} & set(range(1, T + 1)):
        pairs = choose_steps(schedule, steps, spacing)
        assert len(pairs) == steps
        assert pairs[0][0] == T
        assert pairs[-1][1] == 0
        assert all(isinstance(t, int) and t > t_next for t, t_next in pairs)
        assert all(first[1] == second[0] for first, second in pairwise(pairs))


def test_trailing_steps_are_equally_far_apart():
    assert trailing_steps(1000, 4) == [(1000, 750), (750, 500), (500, 250), (250, 0)]


def test_uniform_steps_reach_the_least_noisy_step():
    assert uniform_steps(1000, 4) == [(1000, 667), (667, 334), (334, 1), (1, 0)]


@pytest.mark.parametrize("name", CURVES)
def test_karras_steps_are_equally_far_apart_in_the_seventh_root_of_the_noise_level(name):
    schedule = Schedule(name, 100_000)
    times = [t for t, _ in choose_steps(schedule, 20, "karras")]
    roots = schedule.sigma[times] ** (1 / 7)
    np.testing.assert_allclose(np.diff(roots), (roots[-1] - roots[0]) / 19, rtol=0.01)
    assert schedule.sigma[times[-1]] == pytest.approx(0.02, rel=0.01)


@pytest.mark.parametrize("spacing", SPACINGS)
def test_steps_may_begin_below_T(spacing):
    pairs = choose_steps(Schedule("flow", 100), 5, spacing, T=60)
    assert pairs[0][0] == 60
    assert len(pairs) == 5


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("steps", [0, -1, 51])
def test_more_steps_than_there_are_are_refused(spacing, steps):
    with pytest.raises(MinidiffError, match="1 to 50"):
        choose_steps(Schedule("flow", 50), steps, spacing)


def test_an_unknown_spacing_lists_those_that_exist():
    with pytest.raises(MinidiffError) as error:
        choose_steps(Schedule("flow", 50), 5, "leading")
    assert all(name in str(error.value) for name in SPACINGS)
