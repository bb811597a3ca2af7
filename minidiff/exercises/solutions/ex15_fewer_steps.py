"""Solutions of the exercises of `tutorials/15_fewer_steps.ipynb`."""

import numpy as np


# Along a straight path at constant velocity, every step is a fraction 1 / steps of the way from start to end.
def curvature(paths):
    steps = len(paths) - 1
    velocities = steps * np.diff(paths, axis=0)  # (steps, N, D)
    return np.square(velocities - (paths[-1] - paths[0])).sum(axis=-1).mean()


# A step keeps the fraction r = sigma[i + 1] / sigma[i] of z_bar and adds 1 - r of its estimate. All later steps
# multiply what it added by their own r. The last sigma may be 0, so multiply the r and never divide by it.
def estimate_weights(sigma):
    r = sigma[1:] / sigma[:-1]
    later = np.array([np.prod(r[i + 1 :]) for i in range(len(r))])
    return (1 - r) * later / (1 - np.prod(r))


# The slope eps_hat is linear in z_bar, so z_bar - m grows in proportion to sqrt(d^2 + sigma^2), from d at sigma = 0.
# Divide by the signal twice: in z_bar = z / signal, and in sigma = noise / signal.
def end_of_path(z, signal, noise, m, d):
    return m + d * (z - signal * m) / np.sqrt(signal**2 * d**2 + noise**2)


# The estimate gets fresh noise of the next lower level, and is estimated again.
def multistep(f, times, signal, noise, eps):
    x0_hat = f(noise[times[0]] * eps[0], times[0])
    for t, fresh in zip(times[1:], eps[1:], strict=True):
        x0_hat = f(signal[t] * x0_hat + noise[t] * fresh, t)
    return x0_hat


# Two steps of length d, one after the other; the step of length 2 d has the mean of their velocities.
def shortcut_target(s, z, u, d):
    first = s(z, u, d)
    second = s(z + d * first, u + d, d)
    return (first + second) / 2
