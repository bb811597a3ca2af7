"""The exercises of `tutorials/04_points.ipynb`: sets, arrows and distances in the plane.

Points drawn at random are held to the statistics of their distribution, everything else to closed forms.
"""

import numpy as np

from minidiff.curves import levels
from minidiff.exercises.exercise import Exercise, Wrong
from minidiff.exercises.expecting import as_numbers, call, expect
from minidiff.schedule import Schedule

COUNT = 8000


def _examine_ring(answer):
    points, again = (as_numbers("ring", call(answer, np.random.default_rng(0), COUNT)) for _ in range(2))
    if points.shape != (COUNT, 2):
        raise Wrong(f"the points have the shape {points.shape} and should have ({COUNT}, 2): a row for each point")
    if not np.array_equal(points, again):
        raise Wrong("the same seed gives other points: draw everything random from rng, not from np.random")
    if not np.isfinite(points).all():
        raise Wrong("some points are NaN or infinite")
    radius, angle = np.hypot(*points.T), np.arctan2(*points.T[::-1])
    if radius.std() > 0.12:
        raise Wrong("the points fill an area: on a ring all of them have nearly the same distance from the origin")
    if abs(radius.mean() - 0.7) > 0.01:
        raise Wrong(f"the mean distance from the origin is {radius.mean():.3f} and should be 0.7")
    share = np.histogram(angle, bins=8, range=(-np.pi, np.pi))[0] / COUNT
    if share.min() < 0.5 / 8:
        raise Wrong("a part of the ring is empty: how far does the angle have to go, in radians?")
    if share.max() > 1.3 / 8:
        raise Wrong("some directions come more often than others: draw the angle evenly")
    spread = [radius[np.sin(2 * angle) * sign > 0.7].std() for sign in (1, -1)]  # near one diagonal, and the other
    if max(spread) > 1.5 * min(spread) + 1e-3:
        raise Wrong("both coordinates are moved by the same number: draw noise of the shape (count, 2)")
    if radius.std() < 0.01:
        raise Wrong("there is too little noise: 0.05 is a deviation, which is what rng.normal takes, and no variance")
    if abs(radius.std() - 0.05) > 0.005:
        raise Wrong(f"the ring's width, the deviation of the distances, is {radius.std():.3f} and should be 0.05")


def _examine_velocity(answer):
    rng = np.random.default_rng(1)
    schedule, t, h = Schedule("cosine", 100), 37, 1e-4
    x0_hat, eps_hat = rng.normal(size=(2, 6, 2))
    signal, noise = schedule.signal, schedule.noise
    ahead, behind = (levels("cosine", np.array([(t + step) / 100]))[:2] for step in (h, -h))
    slope_signal, slope_noise = (float(a[0] - b[0]) / (2 * h) for a, b in zip(ahead, behind, strict=True))

    def forward(array):
        return array[t + 1] - array[t]

    def backward(array):
        return array[t] - array[t - 1]

    one_sided = "one-sided differences are less exact: take the step after t and the step before it"
    right = slope_signal * x0_hat + slope_noise * eps_hat
    mistakes = [
        ((eps_hat - x0_hat) / 100, "this is the flow schedule's: here signal and noise change at other rates"),
        (0.99 * (eps_hat - x0_hat) / 100, "this is the flow schedule's: here signal and noise change at other rates"),
        (signal[t] * x0_hat + noise[t] * eps_hat, "this is z itself: take the slopes of signal and noise"),
        (2 * right, "twice too much: from t - 1 to t + 1 there are two steps"),
        (100 * right, "this is the slope by t / T: asked for is the slope by t, per step"),
        (-right, "the sign is turned round: dz/dt says where z goes as t grows, from image to noise"),
        (slope_noise * eps_hat, "signal changes with t, too: the term with x0_hat is missing"),
        (slope_signal * x0_hat, "noise changes with t, too: the term with eps_hat is missing"),
        (slope_noise * x0_hat + slope_signal * eps_hat, "signal belongs to x0_hat, and noise to eps_hat"),
        (forward(signal) * x0_hat + forward(noise) * eps_hat, one_sided),
        (backward(signal) * x0_hat + backward(noise) * eps_hat, one_sided),
    ]
    found = call(answer, schedule, x0_hat, eps_hat, t)
    expect("the velocity", found, right, mistakes, tolerance=2e-4)


def _examine_lowest_loss(answer):
    signal, noise, d = np.array([0.95, 0.7, 0.4, 0.1]), np.array([0.05, 0.3, 0.65, 0.9]), 0.4
    variance = signal**2 * d**2 + noise**2  # of z
    right = signal**2 * d**2 / variance
    mistakes = [
        (
            np.ones(4),
            "with eps_hat = 0 the error is 1: the best line in z does better, and the more noise, the more so",
        ),
        (noise**2 / variance, "that is the part of eps that z does tell: the error is what is left of 1"),
        (noise**2 * d**2 / variance, "that is the error of x0_hat: the one of eps_hat is (signal / noise)^2 times it"),
        (np.sqrt(right), "the root of it: the loss is a mean square"),
        (signal**2 / (signal**2 + noise**2), "where is the deviation of the data? the variance of signal x0 has it"),
        (signal * d / (signal * d + noise), "variances add up, and deviations do not"),
        (signal * d**2 / variance, "the variance of signal x0 is signal^2 d^2: square the signal as well"),
        (signal**2 * d / (signal**2 * d + noise**2), "the variance of signal x0 is signal^2 d^2: square the deviation"),
        (noise**2 / (signal**2 * d**2), "this is the noise-to-signal ratio: it grows beyond 1, and no error has to"),
        (signal**2 * d**2 / noise**2, "this grows without end as the noise falls: the variance of z is the divisor"),
        (right * noise**2, "that is the error of noise eps: asked for is the error of eps"),
    ]
    expect("the loss", call(answer, signal, noise, d), right, mistakes)


def _examine_straightness(answer):
    rng = np.random.default_rng(2)
    paths = np.cumsum(rng.normal(0.3, 1.0, (9, 5, 2)), axis=0)
    steps = np.diff(paths, axis=0)  # (8, 5, 2)
    lengths, ends = np.linalg.norm(steps, axis=-1), paths[-1] - paths[0]
    distance = np.linalg.norm(ends, axis=-1)
    right = lengths.sum(axis=0) / distance
    mistakes = [
        (distance, "this is the distance from start to end: the length of the way has to be divided by it"),
        (lengths.sum(axis=0), "this is the length of the way: divide it by the distance from start to end"),
        (1 / right, "it is upside down: the way is never shorter than the straight line, so 1 or more comes out"),
        (lengths.mean(axis=0) / distance, "a length is the sum of its pieces, not their mean"),
        ((lengths**2).sum(axis=0) / distance**2, "lengths add up, and their squares do not"),
        (
            np.sqrt((lengths**2).sum(axis=0)) / distance,
            "lengths add up, and their squares do not: the root comes first",
        ),
        (np.abs(steps).sum(axis=(0, 2)) / np.abs(ends).sum(axis=-1), "the length of (a, b) is not |a| + |b|"),
        (np.abs(steps).sum(axis=(0, 2)) / distance, "the length of (a, b) is not |a| + |b|"),
        (right.mean(), "one number for each point, not their mean"),
        (lengths.sum() / distance.sum(), "one number for each point: sum over the steps alone"),
        (lengths.sum(axis=1) / 5, "axis 0 counts the steps and axis 1 the points"),
    ]
    expect("the straightness", call(answer, paths), right, mistakes)


def _examine_energy_distance(answer):
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(7, 2)), rng.normal(0.8, 1.5, (11, 2))

    def mean(a, b, power=1.0):
        return (np.square(a[:, None] - b).sum(axis=-1) ** (power / 2)).mean()

    def absolute(a, b):
        return np.abs(a[:, None] - b).sum(axis=-1).mean()

    right = 2 * mean(x, y) - mean(x, x) - mean(y, y)
    squared = 2 * mean(x, y, 2) - mean(x, x, 2) - mean(y, y, 2)
    others_only = 2 * mean(x, y) - mean(x, x) * 7 / 6 - mean(y, y) * 11 / 10
    mistakes = [
        (np.linalg.norm(x.mean(axis=0) - y.mean(axis=0)), "this compares the means: two rings around one point differ"),
        (mean(x, y) - mean(x, x) - mean(y, y), "the first mean counts twice"),
        (2 * mean(x, y), "the distances within each cloud have to be subtracted"),
        (-right, "the sign is turned round: no distance is negative"),
        (squared, "squares of lengths: these compare nothing but the means; take the root of each before the mean"),
        (np.sqrt(max(right, 0)), "the root of it: asked for is the formula as it stands"),
        (others_only, "the means are over all pairs, those of a point with itself among them"),
        (2 * absolute(x, y) - absolute(x, x) - absolute(y, y), "the length of (a, b) is not |a| + |b|"),
        (right / 2, "half of it: the first mean counts twice, and the others once"),
        (2 * 77 * mean(x, y) - 49 * mean(x, x) - 121 * mean(y, y), "means, not sums: the clouds differ in size"),
    ]
    expect("the distance", call(answer, x, y), right, mistakes)
    expect("the distance of a cloud from itself", call(answer, x, x) + 1.0, 1.0)


EXERCISES = (
    Exercise("ex04_1", "a set of your own", 1, "ring", _examine_ring),
    Exercise("ex04_2", "the arrows of any schedule", 2, "velocity", _examine_velocity),
    Exercise("ex04_3", "the loss that nobody can beat", 2, "lowest_loss", _examine_lowest_loss),
    Exercise("ex04_4", "how straight is a way", 1, "straightness", _examine_straightness),
    Exercise("ex04_5", "one number for two clouds", 2, "energy_distance", _examine_energy_distance),
)
