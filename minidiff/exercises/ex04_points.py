"""The exercises of `tutorials/04_points.ipynb`: data sets, velocities and distances in the plane.

Random points are compared with the statistics of their distribution, everything else with closed forms.
"""

from typing import Any

import numpy as np

from minidiff.curves import levels
from minidiff.exercises.exercise import Wrong, exercise
from minidiff.exercises.expecting import as_array, call, expect, finite_array
from minidiff.schedule import Schedule

COUNT = 80_000  # of points: the statistics of a right answer vary by a fifth of what the check allows


@exercise("ex04_1", "a data set of your own", points=1)
def _check_ring(answer: Any) -> None:
    points, again, other = (as_array("ring", call(answer, np.random.default_rng(seed), COUNT)) for seed in (0, 0, 1))
    if points.shape != (COUNT, 2):
        raise Wrong(f"the points have the shape {points.shape} and should have ({COUNT}, 2): a row for each point")
    if not np.array_equal(points, again):
        raise Wrong("the same seed gives other points: draw all random values from rng, not from np.random")
    if np.array_equal(points, other):
        raise Wrong("another rng gives the same points: draw all random values from rng, without a seed of your own")
    few = [finite_array("ring", call(answer, np.random.default_rng(seed), 7), (7, 2)) for seed in range(12)]
    first = np.mean([points[0] / np.hypot(*points[0]) for points in few], axis=0)  # direction of the first point
    if np.hypot(*first) > 0.95:
        raise Wrong("the angles are evenly spaced, the same in every set: draw each of them at random")
    for found in (points, other):
        _check_points(finite_array("ring", found, (COUNT, 2)))


def _check_points(points: np.ndarray) -> None:
    """Raises `Wrong` unless the points have the distribution of the exercise."""
    radius, angle = np.hypot(*points.T), np.arctan2(*points.T[::-1])
    if radius.std() > 0.12:
        raise Wrong("the points fill an area: on a ring all of them have nearly the same distance from the origin")
    if abs(radius.mean() - 0.7) > 0.01:
        raise Wrong(f"the mean distance from the origin is {radius.mean():.3f} and should be 0.7")
    fraction = np.histogram(angle, bins=8, range=(-np.pi, np.pi))[0] / COUNT
    if fraction.min() < 0.5 / 8:
        raise Wrong("a part of the ring is empty: draw the angle from the whole circle, in radians")
    if fraction.max() > 1.05 / 8 or fraction.min() < 0.95 / 8:
        raise Wrong("some directions occur more often than others: draw the angle uniformly")
    spread = [radius[np.sin(2 * angle) * sign > 0.7].std() for sign in (1, -1)]  # near one diagonal and the other
    if max(spread) > 1.1 * min(spread) + 1e-3:
        raise Wrong("both coordinates have the same noise: draw noise of the shape (count, 2)")
    if radius.std() < 0.01:
        raise Wrong("there is too little noise: 0.05 is the standard deviation, as in rng.normal, not the variance")
    if abs(radius.std() - 0.05) > 0.001:
        raise Wrong(f"the width, the standard deviation of the radius, is {radius.std():.3f} and should be 0.05")
    if abs(np.mean(radius**2) - 0.7**2 - 2 * 0.05**2) > 0.00125:
        raise Wrong("the noise moves the points in one direction only, such as the radius: add it to each coordinate")
    kurtosis = np.mean((radius - radius.mean()) ** 4) / radius.var() ** 2
    if abs(kurtosis - 3) > 0.3:
        raise Wrong("the noise is not normal: rng.normal, as for the moons")


@exercise("ex04_2", "the velocity field of any schedule", points=2)
def _check_velocity(answer: Any) -> None:
    rng, h = np.random.default_rng(1), 1e-4
    for name, T, t, count in (("cosine", 100, 37, 6), ("linear", 200, 150, 1), ("flow", 50, 10, 4)):
        schedule = Schedule(name, T)
        x0_hat, eps_hat = rng.normal(size=(2, count, 2))
        signal, noise = schedule.signal, schedule.noise
        ahead, behind = (levels(name, np.array([(t + change) / T]))[:2] for change in (h, -h))
        slope_signal, slope_noise = (float((a - b)[0]) / (2 * h) for a, b in zip(ahead, behind, strict=True))
        signal_change, noise_change = np.diff(signal), np.diff(noise)
        one_sided = [signal_change[i] * x0_hat + noise_change[i] * eps_hat for i in (t - 1, t)]
        flow = (eps_hat - x0_hat) / T
        right = slope_signal * x0_hat + slope_noise * eps_hat
        mistakes = [
            (flow, 0.99 * flow, "this is for the flow schedule: here signal and noise change at other rates"),
            (signal[t] * x0_hat + noise[t] * eps_hat, "this is z itself: use the slopes of signal and noise"),
            (2 * right, "a factor of 2: from t - 1 to t + 1 there are two timesteps"),
            (T * right, "this is the slope with respect to t / T; return the slope per timestep"),
            (-right, "the sign is reversed: dz/dt is the direction of growing t, from image to noise"),
            (slope_noise * eps_hat, "signal changes with t, too: the term with x0_hat is missing"),
            (slope_signal * x0_hat, "noise changes with t, too: the term with eps_hat is missing"),
            (slope_noise * x0_hat + slope_signal * eps_hat, "signal belongs to x0_hat, and noise to eps_hat"),
            (*one_sided, "one-sided differences are less exact: use the values at t + 1 and t - 1"),
        ]
        expect("the velocity", call(answer, schedule, x0_hat, eps_hat, t), right, mistakes, tolerance=4e-4)


@exercise("ex04_3", "the lowest possible loss", points=2)
def _check_lowest_loss(answer: Any) -> None:
    few = np.array([0.95, 0.7, 0.4, 0.1]), np.array([0.05, 0.3, 0.65, 0.9])
    more = np.array([[1.0, 1.0, 1.0], [0.6, 0.8, 0.3]]), np.array([[0.2, 3.0, 40.0], [0.8, 0.6, 0.95]])
    for (signal, noise), d in ((few, 0.4), (more, 1.6), (few, 2.5)):
        variance = signal**2 * d**2 + noise**2  # of z
        right = signal**2 * d**2 / variance
        mistakes = [
            (
                np.ones_like(signal),
                "eps_hat = 0 has the error 1: the best line in z has less, and the more noise, the less",
            ),
            (noise**2 / variance, "this is the part of eps that z determines: the error is what is left of 1"),
            (noise**2 * d**2 / variance, "this is the error of x0_hat: that of eps_hat is (signal / noise)^2 times it"),
            (np.sqrt(right), "this is the root: the loss is a mean square"),
            (signal**2 / (signal**2 + noise**2), "the variance of signal x0 contains that of the data, d^2"),
            (signal * d / (signal * d + noise), "variances add up, and standard deviations do not"),
            (signal * d**2 / variance, "the variance of signal x0 is signal^2 d^2: square the signal as well"),
            (signal**2 * d / (signal**2 * d + noise**2), "the variance of signal x0 is signal^2 d^2: square d as well"),
            (noise**2 / (signal**2 * d**2), "this is the noise-to-signal ratio: it exceeds 1, and the error does not"),
            (signal**2 * d**2 / noise**2, "this is unbounded as the noise falls: the variance of z is the divisor"),
            (right * noise**2, "this is the error of noise eps: return the error of eps"),
        ]
        expect("the loss", call(answer, signal, noise, d), right, mistakes)


@exercise("ex04_4", "straightness of a path", points=1)
def _check_straightness(answer: Any) -> None:
    rng = np.random.default_rng(2)
    for shape in ((9, 5, 2), (3, 4, 2), (2, 1, 2), (30, 30, 2)):
        paths = np.cumsum(rng.normal(0.3, 1.0, shape), axis=0)
        steps = np.diff(paths, axis=0)  # (steps, N, 2)
        lengths, ends = np.linalg.norm(steps, axis=-1), paths[-1] - paths[0]
        distance = np.linalg.norm(ends, axis=-1)
        right = lengths.sum(axis=0) / distance
        squares, absolute = (lengths**2).sum(axis=0), np.abs(steps).sum(axis=(0, 2))
        mistakes = [
            (distance, "this is the distance from start to end: the length of the path has to be divided by it"),
            (lengths.sum(axis=0), "this is the length of the path: divide it by the distance from start to end"),
            (1 / right, "this is inverted: no path is shorter than the straight line, so the result is at least 1"),
            (lengths.mean(axis=0) / distance, "the length of the path is the sum of its steps, not their mean"),
            (squares / distance**2, np.sqrt(squares) / distance, "lengths add up, their squares do not: root first"),
            (absolute / np.abs(ends).sum(axis=-1), absolute / distance, "the length of (a, b) is not |a| + |b|"),
            (right.mean(), "return one value for each point, not their mean"),
            (lengths.sum() / distance.sum(), "return one value for each point: sum over the steps alone"),
            (lengths.sum(axis=1) / shape[1], "axis 0 counts the steps and axis 1 the points"),
        ]
        expect("the straightness", call(answer, paths), right, mistakes)


@exercise("ex04_5", "the energy distance", points=2)
def _check_energy_distance(answer: Any) -> None:
    rng = np.random.default_rng(3)
    for N, M, mean, std in ((7, 11, 0.8, 1.5), (5, 5, -3.0, 0.2), (1, 6, 0.0, 1.0), (12, 2, 0.0, 4.0)):
        x, y = rng.normal(size=(N, 2)), rng.normal(mean, std, (M, 2))
        _compare_energies(answer, x, y)
        itself = as_array("the distance", call(answer, x, x))
        expect("1 + the distance of a cloud from itself", 1 + itself, 1.0)


def _compare_energies(answer: Any, x: np.ndarray, y: np.ndarray) -> None:
    """One comparison of `_check_energy_distance`."""
    N, M = len(x), len(y)

    def mean(a: np.ndarray, b: np.ndarray, norm: int = 2, power: int = 1) -> float:
        return (np.linalg.norm(a[:, None] - b, norm, axis=-1) ** power).mean()

    def energy(norm: int = 2, power: int = 1) -> float:
        return 2 * mean(x, y, norm, power) - mean(x, x, norm, power) - mean(y, y, norm, power)

    right = energy()
    others_only = 2 * mean(x, y) - mean(x, x) * N / max(N - 1, 1) - mean(y, y) * M / max(M - 1, 1)
    mistakes = [
        (np.linalg.norm(x.mean(axis=0) - y.mean(axis=0)), "this compares the means: rings around a point share theirs"),
        (mean(x, y) - mean(x, x) - mean(y, y), "the first mean counts twice"),
        (2 * mean(x, y), "the distances within each cloud have to be subtracted"),
        (-right, "the sign is reversed: the distance is not negative"),
        (energy(power=2), "squared lengths compare nothing but the means; take the root of each before the mean"),
        (np.sqrt(max(right, 0)), "this is the root of it: the formula has no root"),
        (others_only, "the means are over all pairs, including those of a point with itself"),
        (energy(norm=1), "the length of (a, b) is not |a| + |b|"),
        (right / 2, "a factor of 2: the first mean counts twice, and the others once"),
        (2 * N * M * mean(x, y) - N * N * mean(x, x) - M * M * mean(y, y), "means, not sums: the sizes differ"),
    ]
    expect("the distance", call(answer, x, y), right, mistakes)
