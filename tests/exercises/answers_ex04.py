"""Answers to the exercises of notebook 04: wrong ones, each with words of its hint, and right ones in other styles."""

import math

import numpy as np


def ring(change=None, turn=2 * np.pi, radius=0.7, noise=0.05):
    """Points on a ring with a mistake; `change` maps the points on the curve to the result."""

    def draw(rng, count):
        angle = rng.uniform(0, turn, count)
        curve = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        return change(rng, curve) if change else curve + rng.normal(0, noise, (count, 2))

    return draw


def uneven_ring(rng, count):
    angle = np.pi * rng.normal(0, 0.55, count)
    return 0.7 * np.stack([np.cos(angle), np.sin(angle)], axis=1) + rng.normal(0, 0.05, (count, 2))


def velocity(change):
    """The velocity from the slopes of signal and noise, with a mistake."""

    def answer(schedule, x0_hat, eps_hat, t):
        slopes = [(array[t + 1] - array[t - 1]) / 2 for array in (schedule.signal, schedule.noise)]
        return change(*slopes, x0_hat, eps_hat)

    return answer


def forward_velocity(schedule, x0_hat, eps_hat, t):
    signal, noise = schedule.signal, schedule.noise
    return (signal[t + 1] - signal[t]) * x0_hat + (noise[t + 1] - noise[t]) * eps_hat


def lengths(paths):
    return np.linalg.norm(np.diff(paths, axis=0), axis=-1)


def distance(paths):
    return np.linalg.norm(paths[-1] - paths[0], axis=-1)


def energy(mean, first=2.0, power=1.0):
    return lambda x, y: (first * mean(x, y) - mean(x, x) - mean(y, y)) ** power


def mean_length(x, y):
    return np.linalg.norm(x[:, None] - y, axis=-1).mean()


def mean_square(x, y):
    return np.square(x[:, None] - y).sum(axis=-1).mean()


def mean_absolute(x, y):
    return np.abs(x[:, None] - y).sum(axis=-1).mean()


def mean_of_others(x, y):
    total = np.linalg.norm(x[:, None] - y, axis=-1).sum()
    return total / (len(x) * (len(y) - (x is y)))


def total_length(x, y):
    return np.linalg.norm(x[:, None] - y, axis=-1).sum()


def evenly_spaced(rng, count):
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return 0.7 * np.stack([np.cos(angle), np.sin(angle)], axis=1) + rng.normal(0, 0.05, (count, 2))


def velocity_at_37(schedule, x0_hat, eps_hat):
    return velocity(lambda ds, dn, x0_hat, eps_hat: ds * x0_hat + dn * eps_hat)(schedule, x0_hat, eps_hat, 37)


def ring_of_directions(rng, count):
    directions = rng.standard_normal((count, 2))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return 0.7 * directions + 0.05 * rng.standard_normal((count, 2))


def ring_point_by_point(rng, count):
    points = 0.7 * np.exp(2j * np.pi * rng.random(count)) + rng.normal(0, 0.05, count) + 1j * rng.normal(0, 0.05, count)
    return list(zip(points.real, points.imag, strict=True))


def path_in_loops(paths):
    steps, N, _ = paths.shape
    found = []
    for n in range(N):
        length = sum(math.dist(paths[i, n], paths[i + 1, n]) for i in range(steps - 1))
        found.append(length / math.dist(paths[0, n], paths[-1, n]))
    return found


def energy_in_loops(x, y):
    def mean(a, b):
        return sum(math.dist(p, q) for p in a for q in b) / len(a) / len(b)

    return 2 * mean(x, y) - mean(x, x) - mean(y, y)


WRONG = {
    "ex04_1": [
        (lambda rng, count: rng.uniform(-0.7, 0.7, (count, 2)), "fill an area"),
        (ring(radius=1.0), "mean distance"),
        (ring(turn=np.pi), "radians"),
        (uneven_ring, "more often"),
        (ring(lambda rng, curve: curve), "too little noise"),
        (ring(noise=0.05**2), "not the variance"),
        (ring(noise=0.08), "width"),
        (ring(lambda rng, curve: curve + rng.normal(0, 0.05, (len(curve), 1))), "same noise"),
        (ring(lambda rng, curve: (curve + rng.normal(0, 0.05, curve.shape)).T), "row for each point"),
        (lambda rng, count: ring()(np.random.default_rng(), count), "same seed"),
        (lambda rng, count: None, "return"),
        (lambda rng, count: ring()(np.random.default_rng(0), count), "another rng"),
        (ring(lambda rng, curve: curve * (1 + rng.normal(0, 0.05 / 0.7, (len(curve), 1)))), "one direction"),
        (ring(lambda rng, curve: curve + rng.uniform(-0.05, 0.05, curve.shape) * 3**0.5), "not normal"),
        (evenly_spaced, "evenly spaced"),
        (lambda rng, count: ring()(rng, 80_000), "shape"),
    ],
    "ex04_2": [
        (lambda schedule, x0_hat, eps_hat, t: (eps_hat - x0_hat) / schedule.T, "other rates"),
        (velocity(lambda ds, dn, x0_hat, eps_hat: 2 * (ds * x0_hat + dn * eps_hat)), "two timesteps"),
        (velocity(lambda ds, dn, x0_hat, eps_hat: 100 * (ds * x0_hat + dn * eps_hat)), "per timestep"),
        (velocity(lambda ds, dn, x0_hat, eps_hat: -ds * x0_hat - dn * eps_hat), "reversed"),
        (velocity(lambda ds, dn, x0_hat, eps_hat: dn * eps_hat), "x0_hat is missing"),
        (velocity(lambda ds, dn, x0_hat, eps_hat: ds * x0_hat), "eps_hat is missing"),
        (velocity(lambda ds, dn, x0_hat, eps_hat: dn * x0_hat + ds * eps_hat), "belongs to"),
        (forward_velocity, "one-sided"),
        (lambda schedule, x0_hat, eps_hat, t: schedule.signal[t] * x0_hat + schedule.noise[t] * eps_hat, "z itself"),
        (lambda schedule, x0_hat, eps_hat, t: velocity_at_37(schedule, x0_hat, eps_hat), "not right"),
    ],
    "ex04_3": [
        (lambda s, n, d: np.ones_like(s), "eps_hat = 0"),
        (lambda s, n, d: n**2 / (s**2 * d**2 + n**2), "left of 1"),
        (lambda s, n, d: n**2 * d**2 / (s**2 * d**2 + n**2), "error of x0_hat"),
        (lambda s, n, d: np.sqrt(s**2 * d**2 / (s**2 * d**2 + n**2)), "mean square"),
        (lambda s, n, d: s**2 / (s**2 + n**2), "that of the data"),
        (lambda s, n, d: s * d / (s * d + n), "standard deviations do not"),
        (lambda s, n, d: s**2 * d / (s**2 * d + n**2), "square d"),
        (lambda s, n, d: s**2 * d**2 / n**2, "divisor"),
        (lambda s, n, d: n**2 * s**2 * d**2 / (s**2 * d**2 + n**2), "noise eps"),
        (lambda s, n, d: s**2 * 0.16 / (s**2 * 0.16 + n**2), "not right"),
    ],
    "ex04_4": [
        (distance, "has to be divided by it"),
        (lambda paths: lengths(paths).sum(axis=0), "divide it"),
        (lambda paths: distance(paths) / lengths(paths).sum(axis=0), "inverted"),
        (lambda paths: lengths(paths).mean(axis=0) / distance(paths), "not their mean"),
        (lambda paths: np.sqrt(np.square(lengths(paths)).sum(axis=0)) / distance(paths), "squares"),
        (lambda paths: np.abs(np.diff(paths, axis=0)).sum(axis=(0, 2)) / distance(paths), "|a| + |b|"),
        (lambda paths: (lengths(paths).sum(axis=0) / distance(paths)).mean(), "each point"),
        (lambda paths: lengths(paths).sum() / distance(paths).sum(), "steps alone"),
        (lambda paths: lengths(paths)[:8].sum(axis=0) / distance(paths), "not right"),
    ],
    "ex04_5": [
        (lambda x, y: np.linalg.norm(x.mean(axis=0) - y.mean(axis=0)), "compares the means"),
        (energy(mean_length, first=1.0), "counts twice"),
        (lambda x, y: 2 * mean_length(x, y), "subtracted"),
        (lambda x, y: -energy(mean_length)(x, y), "negative"),
        (energy(mean_square), "nothing but the means"),
        (energy(mean_length, power=0.5), "root of it"),
        (energy(mean_of_others), "with itself"),
        (energy(mean_absolute), "|a| + |b|"),
        (energy(total_length), "not sums"),
        (lambda x, y: 0.0, "zero"),
    ],
}


RIGHT = {
    "ex04_1": [
        ring_of_directions,
        ring_point_by_point,
        ring(turn=8 * np.pi),
        lambda rng, count: (
            np.array([rng.normal(0, 0.05, count), rng.normal(0, 0.05, count)]).T
            + 0.7 * np.stack([np.sin(a := rng.uniform(-np.pi, np.pi, count)), np.cos(a)], axis=-1)
        ),
    ],
    "ex04_2": [
        velocity(lambda ds, dn, x0_hat, eps_hat: (dn * eps_hat + ds * x0_hat).tolist()),
        lambda schedule, x0_hat, eps_hat, t: (
            np.gradient(schedule.signal)[t] * x0_hat + np.gradient(schedule.noise)[t] * eps_hat
        ),
        lambda schedule, x0_hat, eps_hat, t: sum(
            (
                np.convolve(array, [0.5, 0, -0.5], "same")[t] * hat
                for array, hat in ((schedule.signal, x0_hat), (schedule.noise, eps_hat))
            )
        ),
    ],
    "ex04_3": [
        lambda s, n, d: 1 - n**2 / (s**2 * d**2 + n**2),
        lambda s, n, d: 1 / (1 + (n / (s * d)) ** 2),
        lambda s, n, d: ((s * d) ** 2 / np.hypot(s * d, n) ** 2).tolist(),
    ],
    "ex04_4": [
        path_in_loops,
        lambda paths: (
            sum(np.hypot(*(paths[i + 1] - paths[i]).T) for i in range(len(paths) - 1))
            / np.hypot(*(paths[-1] - paths[0]).T)
        ),
        lambda paths: (
            np.sqrt(((paths[1:] - paths[:-1]) ** 2).sum(2)).sum(0) / np.sqrt(((paths[0] - paths[-1]) ** 2).sum(1))
        ),
    ],
    "ex04_5": [
        energy_in_loops,
        lambda x, y: np.array([energy(mean_length)(x, y)]),
        lambda x, y: (
            np.mean(2 * np.sqrt(((x[:, None] - y) ** 2).sum(2)))
            - np.sum(abs((x[:, None] - x) @ [1, 1j])) / len(x) ** 2
            - np.sum(abs((y[:, None] - y) @ [1, 1j])) / len(y) ** 2
        ),
    ],
}
