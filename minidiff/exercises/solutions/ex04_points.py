"""Solutions of the exercises of `tutorials/04_points.ipynb`."""

import numpy as np


# An angle from the whole circle, in radians, gives the direction; then noise for each coordinate of each point.
def ring(rng, count):
    angle = rng.uniform(0, 2 * np.pi, count)
    curve = 0.7 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return curve + rng.normal(0, 0.05, (count, 2))


# z = signal x0_hat + noise eps_hat, of which only signal and noise change: each is replaced by its slope. From t - 1 to
# t + 1 there are two steps.
def velocity(schedule, x0_hat, eps_hat, t):
    slope_signal = (schedule.signal[t + 1] - schedule.signal[t - 1]) / 2
    slope_noise = (schedule.noise[t + 1] - schedule.noise[t - 1]) / 2
    return slope_signal * x0_hat + slope_noise * eps_hat


# z has variance signal^2 d^2 + noise^2, and its covariance with eps is noise. The best line is therefore
# eps_hat = noise / (signal^2 d^2 + noise^2) (z - signal m), which explains noise^2 / (signal^2 d^2 + noise^2) of the
# variance of eps, which is 1. What is left is the rest.
def lowest_loss(signal, noise, deviation):
    variance = signal**2 * deviation**2 + noise**2
    return signal**2 * deviation**2 / variance


# The length of a way is the sum of the lengths of its steps.
def straightness(paths):
    lengths = np.linalg.norm(np.diff(paths, axis=0), axis=-1)  # (steps, N)
    return lengths.sum(axis=0) / np.linalg.norm(paths[-1] - paths[0], axis=-1)


# All pairs at once: (N, 1, 2) minus (M, 2) is (N, M, 2).
def energy_distance(x, y):
    def mean_distance(a, b):
        return np.linalg.norm(a[:, None] - b, axis=-1).mean()

    return 2 * mean_distance(x, y) - mean_distance(x, x) - mean_distance(y, y)
