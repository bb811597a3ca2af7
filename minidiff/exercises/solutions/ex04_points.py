"""Solutions of the exercises of `tutorials/04_points.ipynb`."""

import numpy as np


# A uniform angle, in radians, gives the direction; then add noise to each coordinate of each point.
def ring(rng, count):
    angle = rng.uniform(0, 2 * np.pi, count)
    curve = 0.7 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return curve + rng.normal(0, 0.05, (count, 2))


# In z = signal x0_hat + noise eps_hat only signal and noise change with t: replace each by its slope. There are two
# timesteps from t - 1 to t + 1.
def velocity(schedule, x0_hat, eps_hat, t):
    slope_signal = (schedule.signal[t + 1] - schedule.signal[t - 1]) / 2
    slope_noise = (schedule.noise[t + 1] - schedule.noise[t - 1]) / 2
    return slope_signal * x0_hat + slope_noise * eps_hat


# z has variance signal^2 d^2 + noise^2, and its covariance with eps is noise. The best line is therefore
# eps_hat = noise / (signal^2 d^2 + noise^2) (z - signal m). It explains noise^2 / (signal^2 d^2 + noise^2) of the
# variance of eps, which is 1. The loss is the rest.
def lowest_loss(signal, noise, deviation):
    variance = signal**2 * deviation**2 + noise**2
    return signal**2 * deviation**2 / variance


# The length of a path is the sum of the lengths of its steps.
def straightness(paths):
    lengths = np.linalg.norm(np.diff(paths, axis=0), axis=-1)  # (steps, N)
    return lengths.sum(axis=0) / np.linalg.norm(paths[-1] - paths[0], axis=-1)


# All pairs at once: (N, 1, 2) minus (M, 2) is (N, M, 2).
def energy_distance(x, y):
    def mean_distance(a, b):
        return np.linalg.norm(a[:, None] - b, axis=-1).mean()

    return 2 * mean_distance(x, y) - mean_distance(x, x) - mean_distance(y, y)
