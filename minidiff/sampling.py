"""Sampling: the choice of timesteps, and the loop from noise to images.

Sampling starts at z_T, which is noise. In each sampler step from t to t_next, the denoiser estimates the image and the
noise in z_t, and the sampler (`samplers.py`) combines them into z at t_next, which is less noisy.

A schedule has many timesteps, for instance T = 1000, and a sampler uses some of them. The fewer it uses, the more their
spacing matters:

    trailing   T, ..., 2 T/steps, T/steps, then 0: equally spaced             (Lin et al., 2024, section 3.3)
    uniform    T, ..., 1, then 0: equally spaced, except for a last step from 1 to 0
    karras     equally spaced in sigma^(1/7), so that steps get shorter as the noise decreases
                                                                              (Karras et al., 2022, eq. 5)

From pure noise, all start at T: at a lower timestep the network expects part of the image in z.

`sample` is a generator: it yields a `State` after each step, from which the caller makes progress bars and animations.
All noise of image i comes from its own random streams, of the seed and i, so images do not depend on each other.

Read more: `tutorials/09_sampling.ipynb`.
"""

import logging
from collections.abc import Iterator
from typing import Any

import numpy as np

from minidiff.curves import RHO
from minidiff.denoiser import Denoiser
from minidiff.errors import MinidiffError
from minidiff.randomness import stream
from minidiff.samplers import SAMPLERS, SECOND_ORDER, STOCHASTIC, DrawNoise, Pairs, State
from minidiff.schedule import Schedule

logger = logging.getLogger(__name__)

STEPS = 50  # by default, or fewer if there are fewer timesteps
SPACINGS = ("trailing", "uniform", "karras")
LOWEST_SIGMA = 0.02  # where the last karras step starts: noise with a standard deviation of 2.5 gray levels of 255


def sample(
    denoiser: Denoiser,
    shape: tuple[int, ...],
    sampler: str = "ddim",
    steps: int | None = None,
    seed: int = 0,
    labels: np.ndarray | None = None,
    clip: bool = True,
    spacing: str | None = None,
    eta: float = 0.0,
    start: State | None = None,
) -> Iterator[State]:
    """Generates images from noise.

    Args:
        denoiser: a `NetworkDenoiser`, for instance.
        shape: of the result, (N, H, W, C), or (N, ...) for other data than images.
        sampler: "ddim", "ddpm", "euler", "heun", "dpmpp_2m" or "dpmpp_2m_sde".
        steps: number of sampler steps, 1 to T; default: 50, see `default_steps`.
        seed: of the noise; the noise of image i depends only on seed and i.
        labels: class of each image, int (N,), or None for no class.
        clip: whether to clip x0_hat to [-1, 1]; use False for data outside this range.
        spacing: "trailing", "uniform" or "karras"; default: "karras" for samplers of order 2, else "trailing".
        eta: for ddim, how much of the noise is fresh, from 0 (none) to 1 (as much as in ddpm).
        start: state to start from, with z of the shape `shape`; default: pure noise at T.

    Yields:
        The `State` at the start, and one after each step.

    Raises:
        MinidiffError: an unknown name, more steps than timesteps, or incompatible options.
    """
    schedule = denoiser.schedule
    fresh = "fresh noise" if start is None else "fresh noise of edits"
    if start is None:
        z = starting_noise(schedule, shape, seed)
        start = State(z=z, x0_hat=np.zeros_like(z), t=schedule.T)
    if start.z.shape != tuple(shape):
        raise MinidiffError(f"the start has shape {start.z.shape}, the result {tuple(shape)}; give the same shape")
    # Order 2 gains most from short steps at low noise; with "trailing", the first step is too long for it.
    spacing = spacing or ("karras" if sampler in SECOND_ORDER else "trailing")
    steps = default_steps(STEPS, start.t) if steps is None else steps
    pairs = choose_steps(schedule, steps, spacing, start.t)
    yield from follow(denoiser, start, pairs, sampler, noise_streams(fresh, seed, shape), labels, clip, eta)


def follow(
    denoiser: Denoiser,
    start: State,
    pairs: Pairs,
    sampler: str,
    draw_noise: DrawNoise | None = None,
    labels: np.ndarray | None = None,
    clip: bool = True,
    eta: float = 0.0,
) -> Iterator[State]:
    """Runs a sampler through given pairs of timesteps.

    Args:
        denoiser, sampler, labels, clip, eta: as in `sample`.
        start: state at the first pair's t.
        pairs: (t, t_next) of each sampler step; with deterministic samplers, t may also increase, from image to noise.
        draw_noise: draws fresh noise, see `noise_streams`; None allows only deterministic samplers.

    Yields:
        `start`, and a `State` after each step.

    Raises:
        MinidiffError: as in `sample`.
    """
    check_sampler(sampler, eta, deterministic=draw_noise is None)
    schedule = denoiser.schedule

    def denoise(z: np.ndarray, t: int) -> tuple[np.ndarray, np.ndarray]:
        x0_hat, eps_hat = denoiser(z, t, labels)
        if not clip:
            return x0_hat, eps_hat
        x0_hat = np.clip(x0_hat, -1, 1)
        return x0_hat, schedule.eps_from_x0(z, x0_hat, t)

    options = {"eta": eta} if eta else {}
    yield start
    yield from SAMPLERS[sampler](denoise, schedule, start.z, pairs, draw_noise, **options)


def generate(denoiser: Denoiser, shape: tuple[int, ...], **options: Any) -> np.ndarray:
    """The images at the end of `sample`, (N, H, W, C); same arguments."""
    for state in sample(denoiser, shape, **options):
        last = state
    return last.z


def default_steps(usual: int, T: int) -> int:
    """The number of sampler steps if none is given: the usual one, or T if there are fewer timesteps."""
    if usual > T:
        logger.info("   %d sampler steps instead of %d, because there are no more timesteps", T, usual)
    return min(usual, T)


def choose_steps(schedule: Schedule, steps: int, spacing: str = "trailing", start: int | None = None) -> Pairs:
    """The timesteps (t, t_next) of each sampler step.

    Args:
        schedule: the noise schedule.
        steps: number of sampler steps, 1 to `start`.
        spacing: "trailing", "uniform" or "karras".
        start: timestep to start from; default: T.

    Returns:
        `steps` pairs of ints; each starts where the previous one ends, and the last ends at 0.

    Raises:
        MinidiffError: an unknown spacing, or fewer than 1 or more than `start` steps.
    """
    start = schedule.T if start is None else start
    if spacing not in SPACINGS:
        raise MinidiffError(f"unknown spacing of steps {spacing!r}; choose from {', '.join(SPACINGS)}")
    if not 1 <= steps <= start:
        raise MinidiffError(f"{steps} sampler steps do not fit into {start} timesteps; choose from 1 to {start}")
    if spacing == "trailing":
        return _pairs(np.linspace(start, 0, steps + 1)[:-1])
    if spacing == "uniform":
        return _pairs(np.linspace(start, 1, steps))
    highest = schedule.sigma[start]
    lowest = min(max(LOWEST_SIGMA, schedule.sigma[1]), highest)
    sigma = np.linspace(highest ** (1 / RHO), lowest ** (1 / RHO), steps) ** RHO
    sigma[0] = highest  # exactly; the powers cause a rounding error
    return _pairs(schedule.nearest_timestep(np.log(sigma)))


def _pairs(times: np.ndarray) -> Pairs:
    """Rounds decreasing times to strictly decreasing timesteps; pairs each with the next, and the last with 0."""
    timesteps = [round(float(times[0]))]
    for i, time in enumerate(times[1:], start=1):
        remaining = len(times) - i
        timesteps.append(max(min(round(float(time)), timesteps[-1] - 1), remaining))
    return list(zip(timesteps, [*timesteps[1:], 0], strict=True))


def noise_streams(purpose: str, seed: int, shape: tuple[int, ...]) -> DrawNoise:
    """Creates a function that draws standard normal noise, for each image from its own random stream.

    Args:
        purpose: one of `randomness.PURPOSES`.
        seed: of all streams.
        shape: (N, ...).

    Returns:
        () -> float32 array of that shape, new at each call.
    """
    streams = [stream(purpose, seed, i) for i in range(shape[0])]
    return lambda: np.stack([rng.standard_normal(shape[1:], np.float32) for rng in streams])


def starting_noise(schedule: Schedule, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """The pure noise z_T that `sample` starts from with this seed, float32 of that shape."""
    return float(schedule.noise[-1]) * noise_streams("starting noise", seed, shape)()


def check_sampler(sampler: str, eta: float = 0.0, deterministic: bool = False) -> None:
    """Raises an error for an unknown sampler or incompatible options; `deterministic` forbids fresh noise."""
    if sampler not in SAMPLERS:
        raise MinidiffError(f"unknown sampler {sampler!r}; choose from {', '.join(SAMPLERS)}")
    if eta and sampler != "ddim":
        raise MinidiffError(f"eta sets the fresh noise of ddim, and {sampler} has no such option; leave eta out")
    if not 0 <= eta <= 1:
        raise MinidiffError(f"invalid eta {eta}; it must lie between 0 (no fresh noise) and 1 (as much as ddpm)")
    if deterministic and (eta or sampler in STOCHASTIC):
        able = ", ".join(name for name in SAMPLERS if name not in STOCHASTIC)
        raise MinidiffError(
            f"{sampler}{f' with eta {eta}' if eta else ''} adds fresh noise in every step, but a deterministic sampler "
            f"is needed here; use {able}, without eta"
        )
