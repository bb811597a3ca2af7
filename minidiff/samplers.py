"""The samplers: six ways to go from z_t to z_s, s = t_next.

Each asks `denoise` what image and what noise z_t is made of, and mixes them again with less noise:

    z_s = signal[s] x0_hat + noise[s] eps_hat

That line is ddim, and the others are ddim with a thought added. There are two thoughts. The first: some of the noise
may be fresh instead of the old (ddpm; ddim with eta > 0). The second: x0_hat and eps_hat change along the step, and
their value at its start is not the best for all of it (heun looks ahead, dpmpp_2m looks back).

             old noise only          fresh noise in every step
    order 1  ddim = euler            ddpm
    order 2  heun, dpmpp_2m          dpmpp_2m_sde

The left column follows the *probability-flow* path, an ordinary differential equation. In the variables of "image +
noise level * noise", sigma = noise / signal and z_bar = z / signal = x0 + sigma eps, it is as short as can be:

    d z_bar / d sigma = eps_hat                                                   (Karras et al., 2022, eq. 1 and 3)

and order says how fast the error falls: with twice as many steps to a half (order 1) or to a quarter (order 2).

All take the same arguments, see `ddim`, and yield a `State` after each step. To add one, write it and enter it in the
table at the end.

Read more: `tutorials/09_sampling.ipynb`.
"""

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class State:
    """Where a sampler stands after a step.

    Attributes:
        z: the images at step t, (N, H, W, C).
        x0_hat: the denoiser's latest guess of the clean images, (N, H, W, C).
        t: the step reached; 0 when done, and then z is the result.
    """

    z: np.ndarray
    x0_hat: np.ndarray
    t: int


def ddim(denoise, schedule, z, pairs, draw_noise, eta=0.0):
    """The same image and the same noise, mixed anew (Song, Meng, Ermon, 2021, eq. 12; for eta, eq. 16).

    Args:
        denoise: z, t -> x0_hat, eps_hat.
        schedule: a `Schedule`.
        z: where to begin, (N, ...), at the first t.
        pairs: the steps (t, t_next).
        draw_noise: () -> fresh standard normal noise of z's shape.
        eta: how much of the noise is fresh: 0 none, 1 as much as in ddpm.

    Yields:
        A `State` after each step.
    """
    signal, noise = _floats(schedule.signal), _floats(schedule.noise)
    for t, s in pairs:
        x0_hat, eps_hat = denoise(z, t)
        fresh = eta * schedule.posterior(t, s)[2] if eta else 0.0  # sigma_t(eta), eq. 16; 0 at s = 0
        old = math.sqrt(noise[s] ** 2 - fresh**2)
        z = signal[s] * x0_hat + old * eps_hat
        if fresh > 0:
            z = z + fresh * draw_noise()
        yield State(z, x0_hat, s)


def ddpm(denoise, schedule, z, pairs, draw_noise):
    """Draws z_s as if x0 were x0_hat (Ho et al., 2020, algorithm 2), for steps of any length."""
    for t, s in pairs:
        x0_hat, _ = denoise(z, t)
        z_coefficient, x0_coefficient, deviation = schedule.posterior(t, s)
        z = z_coefficient * z + x0_coefficient * x0_hat  # mu_tilde, eq. 7
        if s > 0:
            z = z + deviation * draw_noise()  # no noise in the last step
        yield State(z, x0_hat, s)


def euler(denoise, schedule, z, pairs, draw_noise):
    """Euler's method on the probability-flow path (Karras et al., 2022, algorithm 1, without its lines 6 to 8).

    Nothing new: work it out, and every step is the step of ddim. A test holds the two together.
    """
    signal, sigma = _floats(schedule.signal), _floats(schedule.sigma)
    for t, s in pairs:
        x0_hat, slope = denoise(z, t)  # d z_bar / d sigma = eps_hat
        z_bar = z / signal[t]
        z_bar = z_bar + (sigma[s] - sigma[t]) * slope
        z = signal[s] * z_bar
        yield State(z, x0_hat, s)


def heun(denoise, schedule, z, pairs, draw_noise):
    """Heun's second-order method on the probability-flow path (Karras et al., 2022, algorithm 1).

    Euler's step first; then the whole step again with the mean of the slopes at both of its ends. At sigma = 0 there is
    no slope to ask for, so the last step is Euler's. The denoiser is asked 2 steps - 1 times.
    """
    signal, sigma = _floats(schedule.signal), _floats(schedule.sigma)
    for t, s in pairs:
        x0_hat, slope = denoise(z, t)
        z_bar = z / signal[t]
        z = signal[s] * (z_bar + (sigma[s] - sigma[t]) * slope)
        if s > 0:
            _, slope_ahead = denoise(z, s)
            z = signal[s] * (z_bar + (sigma[s] - sigma[t]) * (slope + slope_ahead) / 2)
        yield State(z, x0_hat, s)


def dpmpp_2m(denoise, schedule, z, pairs, draw_noise):
    """DPM-Solver++(2M) (Lu et al., 2022, "DPM-Solver++", algorithm 2): ddim with x0_hat extrapolated from the last two.

    Their lambda is -log_sigma, and the formula is theirs with e^-h = sigma_s / sigma_t.
    """
    signal, noise, sigma = _floats(schedule.signal), _floats(schedule.noise), _floats(schedule.sigma)
    before = None
    for t, s in pairs:
        x0_hat, _ = denoise(z, t)
        D = _extrapolate(schedule, x0_hat, t, s, before)
        z = noise[s] / noise[t] * z - signal[s] * (sigma[s] / sigma[t] - 1) * D
        before = x0_hat, t
        yield State(z, x0_hat, s)


def dpmpp_2m_sde(denoise, schedule, z, pairs, draw_noise):
    """SDE-DPM-Solver++(2M) (Lu et al., 2022, "DPM-Solver++", on diffusion SDEs): ddpm with x0_hat extrapolated.

    Their coefficients sigma_s / sigma_t e^-h, alpha_s (1 - e^-2h) and sigma_s sqrt(1 - e^-2h) are the posterior's.
    """
    before = None
    for t, s in pairs:
        x0_hat, _ = denoise(z, t)
        D = _extrapolate(schedule, x0_hat, t, s, before)
        z_coefficient, x0_coefficient, deviation = schedule.posterior(t, s)
        z = z_coefficient * z + x0_coefficient * D
        if s > 0:
            z = z + deviation * draw_noise()
        before = x0_hat, t
        yield State(z, x0_hat, s)


def _extrapolate(schedule, x0_hat, t, s, before):
    """D = (1 + 1 / 2r) x0_hat - 1 / 2r x0_before: what x0_hat will be in the middle of the step (algorithm 2, line 7).

    r = h_before / h compares the step before to this one, in lengths h of log_sigma. The first step has nothing before
    it, and the last is infinitely long: both take x0_hat as it is.
    """
    if before is None or s == 0:
        return x0_hat
    x0_before, t_before = before
    h, h_before = schedule.log_sigma[t] - schedule.log_sigma[s], schedule.log_sigma[t_before] - schedule.log_sigma[t]
    half = float(h / h_before / 2)  # 1 / 2r
    return (1 + half) * x0_hat - half * x0_before


def _floats(array):
    """An array as plain floats: multiplied by them, z keeps its float32."""
    return array.tolist()


SAMPLERS = {
    "ddim": ddim,
    "ddpm": ddpm,
    "euler": euler,
    "heun": heun,
    "dpmpp_2m": dpmpp_2m,
    "dpmpp_2m_sde": dpmpp_2m_sde,
}
SECOND_ORDER = ("heun", "dpmpp_2m", "dpmpp_2m_sde")
STOCHASTIC = ("ddpm", "dpmpp_2m_sde")  # these draw noise in every step; ddim does with eta > 0
