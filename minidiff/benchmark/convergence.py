"""How fast a sampler gets it right: its error against its number of steps, on data whose perfect denoiser is known.

The data is a mixture of three blobs in the plane. All deterministic samplers follow one and the same path from a noise
to a point, and differ in how far they stray from it. The path itself is found with very many steps of Heun's method.

Measured down to the level where karras steps end, before the last jump to the clean image: that jump leaves out the
same little noise whatever was done before, and would hide the rest.
"""

import numpy as np

from minidiff.oracles import MixtureDenoiser
from minidiff.samplers import SAMPLERS, STOCHASTIC, State
from minidiff.sampling import follow
from minidiff.schedule import Schedule
from minidiff.steps import choose_steps

DETERMINISTIC = tuple(name for name in SAMPLERS if name not in STOCHASTIC)
MEANS, DEVIATION = ((0.5, 0.3), (-0.5, -0.2), (0.1, -0.7)), 0.3
FINE_T, FINE_STEPS = 2**16, 2048  # so many that rounding to whole steps and the error of the path do not show


def convergence(samplers=DETERMINISTIC, steps=(4, 8, 16, 32, 64, 128), schedule="flow", points=100, seed=0):
    """The error of samplers at numbers of steps.

    Args:
        samplers: names; deterministic ones.
        steps: numbers of steps.
        schedule: name of the schedule.
        points: how many paths to average over.
        seed: of their starting noise.

    Returns:
        Dict from sampler to errors, float64 (len(steps),): the root mean square distance from the path, for data of
        deviation 0.5.
    """
    schedule = Schedule(schedule, FINE_T)
    denoiser = MixtureDenoiser(schedule, MEANS, DEVIATION)
    z = schedule.noise[-1] * np.random.default_rng(seed).standard_normal((points, 2))
    start = State(z, np.zeros_like(z), FINE_T)

    def end(sampler, count):
        pairs = choose_steps(schedule, count + 1, "karras")[:-1]
        *_, state = follow(denoiser, start, pairs, sampler, clip=False)
        return state.z / schedule.signal[state.t]

    path = end("heun", FINE_STEPS)
    return {
        sampler: np.array([np.sqrt(np.square(end(sampler, count) - path).mean()) for count in steps])
        for sampler in samplers
    }


def order(errors, steps):
    """The order of convergence: minus the slope of ln(error) over ln(steps)."""
    return float(-np.polyfit(np.log(steps), np.log(errors), 1)[0])
