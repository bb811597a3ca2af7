"""Which steps a sampler takes: pairs (t, t_next) from pure noise down to t = 0.

A schedule has many steps, T = 1000 for instance, and a sampler takes few of them, the larger ones that it jumps over.
Where it sets its feet matters most when they are few:

    trailing   T, ..., 2 T/steps, T/steps, then 0: equally far apart          (Lin et al., 2024, section 3.3)
    uniform    T, ..., 1, then 0: equally far apart, and the last jump is the smallest there is
    karras     equally far apart in noise_level^(1/7), so that steps get shorter as the image gets cleaner
                                                                              (Karras et al., 2022, eq. 5)

Samplers of order 1 take trailing steps unless told otherwise, those of order 2 karras steps (`sampling.py`).

All begin at T itself: a sampler that starts lower tells the network that there is some image in what is pure noise.
"""

import numpy as np

from minidiff.errors import MinidiffError

SPACINGS = ("trailing", "uniform", "karras")
RHO = 7.0
LOWEST_NOISE = 0.02  # the level from which karras steps jump to the clean image: a gray level or two, of 255


def choose_steps(schedule, steps, spacing="trailing", T=None):
    """The pairs (t, t_next) of a sampler.

    Args:
        schedule: a `Schedule`.
        steps: how many pairs, 1 to T.
        spacing: "trailing", "uniform" or "karras".
        T: where to begin; the schedule's own T if not given.

    Returns:
        List of `steps` pairs of ints; each begins where the one before ended, and the last ends at 0.

    Raises:
        MinidiffError: an unknown spacing, or fewer than 1 or more than T steps.
    """
    T = schedule.T if T is None else T
    if spacing not in SPACINGS:
        raise MinidiffError(f"no spacing of steps is called {spacing!r}; there are {', '.join(SPACINGS)}")
    if spacing == "karras":
        return karras_steps(schedule, T, steps)
    return uniform_steps(T, steps) if spacing == "uniform" else trailing_steps(T, steps)


def trailing_steps(T, steps):
    """Equally far apart, the last as long as the others (Lin et al., 2024, section 3.3)."""
    check_count(T, steps)
    return _pairs(np.linspace(T, 0, steps + 1)[:-1])


def uniform_steps(T, steps):
    """Equally far apart from T to 1, and then one last step from 1 to 0."""
    check_count(T, steps)
    return _pairs(np.linspace(T, 1, steps))


def karras_steps(schedule, T, steps):
    """The schedule's steps nearest to levels that fall linearly in sigma^(1/7) (Karras et al., 2022, eq. 5)."""
    check_count(T, steps)
    highest = schedule.sigma[T]
    lowest = min(max(LOWEST_NOISE, schedule.sigma[1]), highest)
    levels = np.linspace(highest ** (1 / RHO), lowest ** (1 / RHO), steps) ** RHO
    levels[0] = highest  # not a rounding error less
    return _pairs(schedule.nearest_step(np.log(levels)))


def check_count(T, steps):
    """Refuses fewer than one step, and more than there are from T to the clean image."""
    if not 1 <= steps <= T:
        raise MinidiffError(f"the number of steps must be 1 to {T}, as many as there are, not {steps}")


def _pairs(times):
    """Pairs of falling times, rounded to whole steps, all different: where two would coincide, the later makes way."""
    whole = [round(float(times[0]))]
    for i, time in enumerate(times[1:], start=1):
        still_to_come = len(times) - i
        whole.append(max(min(round(float(time)), whole[-1] - 1), still_to_come))
    return list(zip(whole, [*whole[1:], 0], strict=True))
