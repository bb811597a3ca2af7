"""Order of convergence of the deterministic samplers, on data with a known exact denoiser.

The data is a mixture of three normal distributions in the plane. All deterministic samplers approximate the same ODE,
so from the same noise they approximate the same point. The exact point is computed with a large number of steps of
Heun's method.

The error is measured at the lowest noise level of the karras spacing, before the last step to the clean image. That
step leaves out the same small amount of noise for every sampler, which would hide the differences.
"""

from collections.abc import Sequence

import numpy as np

from minidiff.oracles import MixtureDenoiser
from minidiff.samplers import SAMPLERS, STOCHASTIC, State
from minidiff.sampling import choose_steps, follow
from minidiff.schedule import Schedule

DETERMINISTIC = tuple(name for name in SAMPLERS if name not in STOCHASTIC)
MEANS, STD = np.array([[0.5, 0.3], [-0.5, -0.2], [0.1, -0.7]]), 0.3
FINE_T, FINE_STEPS = 2**16, 2048  # high enough to neglect rounding to timesteps, and the error of the exact point


def convergence(steps: Sequence[int] = (4, 8, 16, 32, 64, 128), schedule: str = "flow") -> dict[str, np.ndarray]:
    """The error of each deterministic sampler at several numbers of steps, float64 (len(steps),).

    It is the root mean square distance from the exact points, for data of standard deviation 0.5.
    """
    fine = Schedule(schedule, FINE_T)
    denoiser = MixtureDenoiser(fine, MEANS, STD)
    z = fine.noise[-1] * np.random.default_rng(0).standard_normal((100, 2))
    start = State(z, np.zeros_like(z), FINE_T)

    def end(sampler: str, count: int) -> np.ndarray:
        pairs = choose_steps(fine, count + 1, "karras")[:-1]
        *_, state = follow(denoiser, start, pairs, sampler, clip=False)
        return state.z / fine.signal[state.t]

    exact = end("heun", FINE_STEPS)
    return {
        sampler: np.array([np.sqrt(np.square(end(sampler, count) - exact).mean()) for count in steps])
        for sampler in DETERMINISTIC
    }


def order(errors: np.ndarray, steps: Sequence[int]) -> float:
    """The order of convergence: minus the slope of ln(error) over ln(steps)."""
    return float(-np.polyfit(np.log(steps), np.log(errors), 1)[0])
