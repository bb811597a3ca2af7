"""Solutions of the exercises of `tutorials/12_why_it_works.ipynb`."""

import numpy as np


# Tweedie's formula, equation (1).
def score_from_x0(z, x0_hat, signal, noise):
    return (signal * x0_hat - z) / noise**2


# Equation (2), with the derivative as a central difference.
def posterior_variance(denoise, z, signal, noise):
    h = 1e-4
    slope = (denoise(z + h) - denoise(z - h)) / (2 * h)
    return noise**2 / signal * slope


# The noise has to balance the score: a standard deviation of sqrt(2 step), so that variances grow by 2 step.
def langevin_chain(score, x, step, noise):
    for eps in noise:
        x = x + step * score(x) + np.sqrt(2 * step) * eps
    return x


# Equation (6). Time decreases by dt, so the drift is subtracted; noise has no direction and is added.
def reverse_step(z, score, f, g, dt, eps):
    return z - dt * (f * z - g**2 * score) + g * np.sqrt(dt) * eps


# Each point of the data has its conditional velocity; their mean is weighted with the probabilities given z.
def marginal_velocity(z, data, signal, noise, dsignal, dnoise):
    difference = z[:, None] - signal * data  # (N, K, D)
    log_p = -np.square(difference).sum(axis=2) / (2 * noise**2)
    p = np.exp(log_p - log_p.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    velocities = dsignal * data + dnoise * difference / noise
    return (p[:, :, None] * velocities).sum(axis=1)


# z = signal x0 + noise eps and v = dsignal x0 + dnoise eps, solved for eps. The score is -eps / noise.
def score_from_velocity(z, v, signal, noise, dsignal, dnoise):
    eps_hat = (signal * v - dsignal * z) / (signal * dnoise - noise * dsignal)
    return -eps_hat / noise
