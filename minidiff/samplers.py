"""Samplers: six update rules from z_t to the less noisy z_s, s = t_next.

Each evaluates the denoiser at z_t and combines x0_hat and eps_hat with the coefficients of s:

    z_s = signal[s] x0_hat + noise[s] eps_hat

This is ddim. The others modify it in two ways. ddpm, and ddim with eta > 0, replace part of eps_hat by *fresh* (newly
drawn) noise. Samplers of order 2 account for the change of x0_hat and eps_hat during the step: heun evaluates the
denoiser also at the end of the step, dpmpp_2m uses x0_hat of the previous step. dpmpp_2m_sde uses it too, and adds
fresh noise.

             deterministic           fresh noise in every step
    order 1  ddim = euler            ddpm
    order 2  heun, dpmpp_2m          dpmpp_2m_sde

Deterministic samplers integrate the *probability-flow ODE* (ordinary differential equation). In the variables
sigma = noise / signal and z_bar = z / signal = x0 + sigma eps, it is

    d z_bar / d sigma = eps_hat                                                   (Karras et al., 2022, eq. 1 and 3)

The order is the rate of convergence: doubling the number of steps divides the error of a deterministic sampler by about
2 (order 1) or 4 (order 2). A stochastic sampler is listed with the order of the one that it extends.

All samplers take the arguments of `ddim`, only ddim takes eta, and all yield a `State` after each step. `SAMPLERS`
lists them.

Read more: `tutorials/09_sampling.ipynb`.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from minidiff.schedule import Schedule

Denoise = Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]  # z, t -> x0_hat, eps_hat
DrawNoise = Callable[[], np.ndarray]  # () -> fresh standard normal noise of z's shape
Pairs = list[tuple[int, int]]  # (t, t_next) of each sampler step
States = Iterator["State"]  # one after each step


@dataclass(frozen=True)
class State:
    """The state of a sampler after a step.

    Attributes:
        z: noised images at timestep t, (N, H, W, C).
        x0_hat: the latest estimate of the clean images, (N, H, W, C).
        t: the timestep reached; at 0, z is the result.
    """

    z: np.ndarray
    x0_hat: np.ndarray
    t: int

    def __repr__(self) -> str:
        return f"State(z of shape {self.z.shape}, t={self.t})"


def ddim(
    denoise: Denoise, schedule: Schedule, z: np.ndarray, pairs: Pairs, draw_noise: DrawNoise, eta: float = 0.0
) -> States:
    """DDIM (Song, Meng, Ermon, 2021, eq. 12; for eta, eq. 16).

    Args:
        denoise: the denoiser with its labels.
        schedule: of the denoiser.
        z: noised images at the first t, (N, ...).
        pairs: timesteps (t, t_next) of each sampler step.
        draw_noise: draws fresh noise of z's shape; not called by deterministic samplers.
        eta: how much of the noise is fresh: 0 none, 1 as much as in ddpm.

    Yields:
        A `State` after each step.
    """
    signal, noise = _floats(schedule.signal), _floats(schedule.noise)
    for t, s in pairs:
        x0_hat, eps_hat = denoise(z, t)
        fresh_std = eta * schedule.posterior(t, s)[2] if eta else 0.0  # sigma_t(eta) of eq. 16; 0 at s = 0
        z = signal[s] * x0_hat + math.sqrt(noise[s] ** 2 - fresh_std**2) * eps_hat
        if fresh_std > 0:
            z = z + fresh_std * draw_noise()
        yield State(z=z, x0_hat=x0_hat, t=s)


def ddpm(denoise: Denoise, schedule: Schedule, z: np.ndarray, pairs: Pairs, draw_noise: DrawNoise) -> States:
    """DDPM: draws z_s from the posterior given x0 = x0_hat (Ho et al., 2020, algorithm 2), for steps of any length."""
    for t, s in pairs:
        x0_hat, _ = denoise(z, t)
        z_coefficient, x0_coefficient, std = schedule.posterior(t, s)
        z = z_coefficient * z + x0_coefficient * x0_hat  # mu_tilde, eq. 7
        if s > 0:
            z = z + std * draw_noise()  # no noise in the last step
        yield State(z=z, x0_hat=x0_hat, t=s)


def euler(denoise: Denoise, schedule: Schedule, z: np.ndarray, pairs: Pairs, draw_noise: DrawNoise) -> States:
    """Euler's method for the probability-flow ODE (Karras et al., 2022, algorithm 1, without its lines 6 to 8).

    In exact arithmetic it is identical to ddim.
    """
    signal, sigma = _floats(schedule.signal), _floats(schedule.sigma)
    for t, s in pairs:
        x0_hat, slope = denoise(z, t)  # d z_bar / d sigma = eps_hat
        z_bar = z / signal[t]
        z_bar = z_bar + (sigma[s] - sigma[t]) * slope
        z = signal[s] * z_bar
        yield State(z=z, x0_hat=x0_hat, t=s)


def heun(denoise: Denoise, schedule: Schedule, z: np.ndarray, pairs: Pairs, draw_noise: DrawNoise) -> States:
    """Heun's second-order method for the probability-flow ODE (Karras et al., 2022, algorithm 1).

    It takes an Euler step, evaluates the slope at its end, and repeats the step with the mean of both slopes. At
    sigma = 0 the slope is undefined, so the last step is an Euler step. It evaluates the denoiser 2 * steps - 1 times.
    """
    signal, sigma = _floats(schedule.signal), _floats(schedule.sigma)
    for t, s in pairs:
        x0_hat, slope = denoise(z, t)
        z_bar = z / signal[t]
        z = signal[s] * (z_bar + (sigma[s] - sigma[t]) * slope)
        if s > 0:
            _, slope_ahead = denoise(z, s)
            z = signal[s] * (z_bar + (sigma[s] - sigma[t]) * (slope + slope_ahead) / 2)
        yield State(z=z, x0_hat=x0_hat, t=s)


def dpmpp_2m(denoise: Denoise, schedule: Schedule, z: np.ndarray, pairs: Pairs, draw_noise: DrawNoise) -> States:
    """DPM-Solver++(2M) (Lu et al., 2022, "DPM-Solver++", algorithm 2): ddim with x0_hat extrapolated from two steps.

    Their lambda is -log_sigma. With h = lambda_s - lambda_t, e^-h = sigma_s / sigma_t.
    """
    signal, noise, sigma = _floats(schedule.signal), _floats(schedule.noise), _floats(schedule.sigma)
    before = None
    for t, s in pairs:
        x0_hat, _ = denoise(z, t)
        D = _extrapolate(schedule, x0_hat, t, s, before)
        z = noise[s] / noise[t] * z - signal[s] * (sigma[s] / sigma[t] - 1) * D
        before = x0_hat, t
        yield State(z=z, x0_hat=x0_hat, t=s)


def dpmpp_2m_sde(denoise: Denoise, schedule: Schedule, z: np.ndarray, pairs: Pairs, draw_noise: DrawNoise) -> States:
    """SDE-DPM-Solver++(2M) (Lu et al., 2022, "DPM-Solver++", on diffusion SDEs): ddpm with x0_hat extrapolated.

    Their coefficients noise_s / noise_t e^-h, signal_s (1 - e^-2h) and noise_s sqrt(1 - e^-2h), with the h of
    `dpmpp_2m`, are those of `Schedule.posterior`.
    """
    before = None
    for t, s in pairs:
        x0_hat, _ = denoise(z, t)
        D = _extrapolate(schedule, x0_hat, t, s, before)
        z_coefficient, x0_coefficient, std = schedule.posterior(t, s)
        z = z_coefficient * z + x0_coefficient * D
        if s > 0:
            z = z + std * draw_noise()
        before = x0_hat, t
        yield State(z=z, x0_hat=x0_hat, t=s)


def _extrapolate(
    schedule: Schedule, x0_hat: np.ndarray, t: int, s: int, before: tuple[np.ndarray, int] | None
) -> np.ndarray:
    """D = x0_hat + (x0_hat - x0_before) / (2 r): x0_hat extrapolated to the middle of the step (algorithm 2).

    h_before and h are the lengths of the previous step and of this one in log_sigma, and r = h_before / h. The first
    step has no previous one, and the last is infinitely long: both use x0_hat itself.
    """
    if before is None or s == 0:
        return x0_hat
    x0_before, t_before = before
    h, h_before = schedule.log_sigma[t] - schedule.log_sigma[s], schedule.log_sigma[t_before] - schedule.log_sigma[t]
    half = float(h / h_before / 2)  # 1 / 2r
    return (1 + half) * x0_hat - half * x0_before


def _floats(array: np.ndarray) -> list[float]:
    """The elements as Python floats, which do not promote z from float32 to float64."""
    return array.tolist()


SAMPLERS: dict[str, Callable[..., States]] = {
    sampler.__name__: sampler for sampler in (ddim, ddpm, euler, heun, dpmpp_2m, dpmpp_2m_sde)
}
SECOND_ORDER = ("heun", "dpmpp_2m", "dpmpp_2m_sde")
STOCHASTIC = ("ddpm", "dpmpp_2m_sde")  # these draw noise in every step; ddim does with eta > 0
