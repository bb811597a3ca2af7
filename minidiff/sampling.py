"""From pure noise to an image: the loop around the samplers.

Start at z_T, which is noise. At each step ask the denoiser what image and what noise z_t is made of, and mix them
again with less noise. How that is done is the sampler's business (`samplers.py`), at which steps, that of `steps.py`.

`sample` is a generator: it yields a `State` after each step, so that progress bars and animations live outside of it.
Image i draws all its noise from its own stream (seed, i): it comes out the same whatever is generated beside it.

Read more: `tutorials/09_sampling.ipynb`.
"""

import numpy as np

from minidiff.errors import MinidiffError
from minidiff.samplers import SAMPLERS, SECOND_ORDER, STOCHASTIC, State
from minidiff.steps import SPACINGS, choose_steps, trailing_steps

__all__ = [
    "SAMPLERS",
    "SPACINGS",
    "STOCHASTIC",
    "State",
    "choose_steps",
    "default_spacing",
    "follow",
    "generate",
    "noise_streams",
    "sample",
    "starting_noise",
    "trailing_steps",
]

NOISE_STREAM = 2  # keeps the random numbers of sampling apart from those of training


def sample(
    denoiser, shape, sampler="ddim", steps=50, seed=0, labels=None, clip=True, spacing=None, eta=0.0, start=None
):
    """Generate images from noise.

    Args:
        denoiser: see `denoiser.py`.
        shape: of the result, (N, H, W, C), or (N, ...) for an oracle.
        sampler: "ddim", "ddpm", "euler", "heun", "dpmpp_2m" or "dpmpp_2m_sde".
        steps: how many, 1 to T.
        seed: of the noise; image i depends on (seed, i) alone.
        labels: class of each image, int (N,), or None for any class.
        clip: keep x0_hat in [-1, 1], where pixels live; to be left out where data does not live there.
        spacing: "trailing", "uniform" or "karras", see `steps.py`; as in `default_spacing` if not given.
        eta: for ddim, the share of fresh noise; 0 is none, 1 as much as ddpm has.
        start: a `State` to begin from, its z of that shape; pure noise at T if not given.

    Yields:
        The `State` at the start, and one after each step.

    Raises:
        MinidiffError: an unknown name, a number of steps the schedule does not have, or options that do not agree.
    """
    schedule = denoiser.schedule
    draw_noise = noise_streams(seed, shape)
    if start is None:
        z = float(schedule.noise[-1]) * draw_noise()
        start = State(z, np.zeros_like(z), schedule.T)
    if start.z.shape != tuple(shape):
        raise MinidiffError(f"the start has shape {start.z.shape} and {tuple(shape)} was asked for; give the same")
    pairs = choose_steps(schedule, steps, spacing or default_spacing(sampler), start.t)
    yield from follow(denoiser, start, pairs, sampler, draw_noise, labels, clip, eta)


def follow(denoiser, start, pairs, sampler, draw_noise=None, labels=None, clip=True, eta=0.0):
    """Runs a sampler along given steps: what `sample` does once it knows where to begin and where to step.

    Args:
        denoiser, sampler, labels, clip, eta: as in `sample`.
        start: a `State` at the first pair's t.
        pairs: (t, t_next); upwards, from image to noise, too, if the sampler is deterministic.
        draw_noise: fresh noise for samplers that want it, see `noise_streams`.

    Yields:
        `start`, and a `State` after each step.

    Raises:
        MinidiffError: as in `sample`.
    """
    check_sampler(sampler, eta, deterministic=draw_noise is None)
    schedule = denoiser.schedule

    def denoise(z, t):
        x0_hat, eps_hat = denoiser(z, t, labels)
        if not clip:
            return x0_hat, eps_hat
        x0_hat = np.clip(x0_hat, -1, 1)
        return x0_hat, schedule.eps_from_x0(z, x0_hat, t)

    options = {"eta": eta} if eta else {}
    yield start
    yield from SAMPLERS[sampler](denoise, schedule, start.z, pairs, draw_noise, **options)


def generate(denoiser, shape, **options):
    """The images that `sample` ends with, (N, H, W, C); same arguments."""
    for state in sample(denoiser, shape, **options):
        last = state
    return last.z


def default_spacing(sampler):
    """Where a sampler takes its steps if nobody says: "karras" for those of order 2, and "trailing" for the others.

    Methods of order 2 gain most by steps that are short where there is little noise, and what they see along a step
    leads astray if the first one is as long as trailing steps are.
    """
    return "karras" if sampler in SECOND_ORDER else "trailing"


def noise_streams(seed, shape, stream=NOISE_STREAM):
    """A function that draws standard normal noise of a shape, each image from a stream of its own.

    Args:
        seed: of all streams.
        shape: (N, ...).
        stream: a number that keeps this use of the seed apart from others.

    Returns:
        () -> float32 array of that shape, new at each call.
    """
    streams = [np.random.default_rng([seed, stream, i]) for i in range(shape[0])]
    return lambda: np.stack([rng.standard_normal(shape[1:], np.float32) for rng in streams])


def starting_noise(schedule, shape, seed):
    """The pure noise z_T that `sample` begins with for this seed, float32 of that shape."""
    return float(schedule.noise[-1]) * noise_streams(seed, shape)()


def check_sampler(sampler, eta=0.0, deterministic=False):
    """Refuses samplers that do not exist, and combinations that do not make sense.

    Args:
        sampler: its name.
        eta: of ddim.
        deterministic: whether fresh noise is out of the question.

    Raises:
        MinidiffError: with the reason.
    """
    if sampler not in SAMPLERS:
        raise MinidiffError(f"no sampler is called {sampler!r}; there are {', '.join(SAMPLERS)}")
    if eta and sampler != "ddim":
        raise MinidiffError(f"eta says how much fresh noise ddim takes; {sampler} has no such choice, leave eta out")
    if not 0 <= eta <= 1:
        raise MinidiffError(f"eta must lie between 0 (no fresh noise) and 1 (as much as ddpm), not at {eta}")
    if deterministic and (eta or sampler in STOCHASTIC):
        able = ", ".join(name for name in SAMPLERS if name not in STOCHASTIC)
        raise MinidiffError(
            f"{sampler}{f' with eta {eta}' if eta else ''} adds fresh noise in every step, and here the path must "
            f"depend on its start alone; use {able}, without eta"
        )
