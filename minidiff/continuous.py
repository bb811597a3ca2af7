"""The forward process in continuous time: the score, and the differential equations that it determines.

Time t runs continuously from 0 to T; one unit is one timestep. A dash is the derivative with respect to t, computed
from the schedule's arrays by differences. All equations have the same densities p_t(z), those of the noised data:

    score        grad ln p_t(z) = (signal x0_hat - z) / noise^2 = -eps_hat / noise      (Tweedie's formula; Efron, 2011)
    forward SDE  dz = f z dt + g dw                                                     (Song et al., 2021, eq. 5)
                 f = signal' / signal,  g^2 = (noise^2)' - 2 f noise^2                  (Kingma et al., 2021)
    reverse SDE  dz = (f z - g^2 score) dt + g dw,  t decreasing                        (Anderson, 1982; Song, eq. 6)
    ODE          dz = (f z - g^2 score / 2) dt                                          (Song, eq. 13)
                    = (signal' x0_hat + noise' eps_hat) dt      the velocity of flow matching (Lipman et al., 2023)

An SDE is a stochastic differential equation, an ODE an ordinary one; dw is noise with the standard deviation sqrt(dt).
The equations hold for the exact denoiser, whose x0_hat is E[x0 | z].

Read more: `tutorials/12_why_it_works.ipynb`; Lai et al., "The Principles of Diffusion Models", 2025.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from minidiff.denoiser import Denoiser
from minidiff.errors import MinidiffError
from minidiff.schedule import Schedule


def score(denoiser: Denoiser, z: np.ndarray, t: int, labels: np.ndarray | None = None) -> np.ndarray:
    """The gradient of ln p_t(z) with respect to z, of z's shape; arguments as in `Denoiser`, t at least 1."""
    _, eps_hat = denoiser(z, t, labels)
    return -eps_hat / float(denoiser.schedule.noise[t])


def velocity(denoiser: Denoiser, z: np.ndarray, t: int, labels: np.ndarray | None = None) -> np.ndarray:
    """dz/dt of the probability-flow ODE, of z's shape; arguments as in `Denoiser`, t at least 1."""
    dsignal, dnoise = rates(denoiser.schedule)
    x0_hat, eps_hat = denoiser(z, t, labels)
    return float(dsignal[t]) * x0_hat + float(dnoise[t]) * eps_hat


def rates(schedule: Schedule) -> tuple[np.ndarray, np.ndarray]:
    """The derivatives of signal and noise with respect to t, by differences of order 2; float64 (T + 1,) each."""
    if schedule.T < 2:
        raise MinidiffError("a schedule of one timestep has no derivative; use a larger T")
    return np.gradient(schedule.signal, edge_order=2), np.gradient(schedule.noise, edge_order=2)


def forward_sde(schedule: Schedule) -> tuple[np.ndarray, np.ndarray]:
    """The coefficients f and g of the forward SDE dz = f z dt + g dw at every timestep, float64 (T + 1,) each."""
    dsignal, dnoise = rates(schedule)
    f = dsignal / schedule.signal
    g_squared = 2 * schedule.noise * (dnoise - f * schedule.noise)
    return f, np.sqrt(np.maximum(g_squared, 0))


def reverse(
    denoiser: Denoiser, z: np.ndarray, times: np.ndarray, eta: float, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Solves dz = (f z - (1 + eta^2) / 2 g^2 score) dt + eta g dw backwards in time, with the Euler-Maruyama method.

    For every eta, the densities at all times are those of the forward process (tutorial 12, section 6).

    Args:
        denoiser: the exact or a learned one.
        z: noised data at the first time, (N, ...).
        times: decreasing timesteps, the last at least 0.
        eta: the amount of fresh noise: 0 for the probability-flow ODE, 1 for the reverse SDE.
        rng: source of the noise.

    Yields:
        z at every time, the first included.
    """
    f, g = forward_sde(denoiser.schedule)
    yield z
    for t, s in pairwise(int(time) for time in times):
        drift = f[t] * z - (1 + eta**2) / 2 * g[t] ** 2 * score(denoiser, z, t)
        z = z - (t - s) * drift
        if eta:
            z = z + eta * g[t] * np.sqrt(t - s) * rng.standard_normal(z.shape)
        yield z


def langevin(
    score: Callable[[np.ndarray], np.ndarray], x: np.ndarray, step: float, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Langevin dynamics: x + step score(x) + sqrt(2 step) noise, again and again.

    For small steps, the distribution of x approaches the density whose score it is, from any start.

    Args:
        score: x -> gradient of the logarithm of the density at x.
        x: the start, (N, ...).
        step: the step size.
        rng: source of the noise.

    Yields:
        x after each step, without end.
    """
    while True:
        x = x + step * score(x) + np.sqrt(2 * step) * rng.standard_normal(x.shape)
        yield x
