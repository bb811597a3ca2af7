"""Typical wrong answers to the exercises of notebook 15, each with words of its hint, and right answers."""

from fractions import Fraction

import numpy as np


def curvature(change):
    return lambda paths: change(np.diff(paths, axis=0), paths[-1] - paths[0], len(paths) - 1)


def curvature_by_loops(paths):
    steps, total, count = len(paths) - 1, 0.0, 0
    for i in range(steps):
        for n in range(paths.shape[1]):
            v = [steps * (b - a) for a, b in zip(paths[i, n], paths[i + 1, n], strict=True)]
            whole = [b - a for a, b in zip(paths[0, n], paths[-1, n], strict=True)]
            total += sum((p - q) ** 2 for p, q in zip(v, whole, strict=True))
            count += 1
    return total / count


def ratios(sigma):
    return sigma[1:] / sigma[:-1]


def weights_by_running_mean(sigma):
    """As in `distillation.mean_estimate`: each estimate in turn, as a row of the identity."""
    count = len(sigma) - 1
    mean = np.zeros(count)
    for i, row in enumerate(np.eye(count)):
        w = (1 - sigma[i + 1] / sigma[i]) / (1 - sigma[i + 1] / sigma[0])
        mean = mean + w * (row - mean)
    return mean


def weights_backward(sigma):
    found, kept = [], 1.0
    for a, b in zip(sigma[-2::-1].tolist(), sigma[:0:-1].tolist(), strict=True):
        found.append((1 - b / a) * kept)
        kept *= b / a
    return [weight / (1 - kept) for weight in reversed(found)]


def weights_as_fractions(sigma):
    exact = [Fraction(value) for value in sigma.tolist()]
    found, kept = [], Fraction(1)
    for a, b in zip(exact[-2::-1], exact[:0:-1], strict=True):
        found.append((1 - b / a) * kept)
        kept *= b / a
    return np.array([float(weight / (1 - kept)) for weight in reversed(found)])


def end(change):
    return lambda z, signal, noise, m, d: change(z, signal, noise, m, d, signal**2 * d**2 + noise**2)


def loop(change, first=lambda noise, t: noise[t]):
    """Several steps of a consistency model with a mistake; `change` maps x0_hat, z, t, i and the rest to the next z."""

    def answer(f, times, signal, noise, eps):
        z = first(noise, times[0]) * eps[0]
        x0_hat = f(z, times[0])
        for i in range(1, len(times)):
            z = change(x0_hat, z, times[i], i, signal, noise, eps, times)
            x0_hat = f(z, times[i])
        return x0_hat

    return answer


def ddim_step(x0_hat, z, t, i, signal, noise, eps, times):
    before = times[i - 1]
    return signal[t] * x0_hat + noise[t] / noise[before] * (z - signal[before] * x0_hat)


def multistep_recursive(f, times, signal, noise, eps):
    def estimate(i):
        x0_hat = 0 if i == 0 else estimate(i - 1)
        mean = 0 if i == 0 else signal[times[i]] * x0_hat
        return f(mean + noise[times[i]] * eps[i], times[i])

    return estimate(len(times) - 1)


def multistep_while(f, times, signal, noise, eps):
    times, eps = list(times), list(eps)
    x = f(noise[times[0]] * eps.pop(0), times.pop(0))
    while times:
        t = times.pop(0)
        x = f(signal[t] * x + noise[t] * eps.pop(0), t)
    return np.asarray(x).tolist()


def shortcut(change):
    def answer(s, z, u, d):
        first = s(z, u, d)
        return change(first, s, z, u, d)

    return answer


def shortcut_as_distance(s, z, u, d):
    middle = z + d * s(z, u, d)
    end = middle + d * s(middle, u + d, d)
    return (end - z) / (2 * d)


WRONG = {
    "ex15_1": [
        (curvature(lambda parts, whole, n: np.square(parts - whole).sum(-1).mean()), "1 / steps of the time"),
        (curvature(lambda parts, whole, n: np.square((n + 1) * parts - whole).sum(-1).mean()), "one step less"),
        (curvature(lambda parts, whole, n: np.square(n * parts - whole).sum()), "not their sum"),
        (curvature(lambda parts, whole, n: np.square(n * parts - whole).sum(-1).mean(0)), "over the points as well"),
        (curvature(lambda parts, whole, n: np.square(n * parts - whole).mean()), "over the coordinates"),
        (curvature(lambda parts, whole, n: np.linalg.norm(n * parts - whole, axis=-1).mean()), "without a root"),
        (curvature(lambda parts, whole, n: np.square(n * parts + whole).sum(-1).mean()), "end minus the start, as"),
        (curvature(lambda parts, whole, n: np.square(n * parts).sum(-1).mean()), "has to be subtracted"),
    ],
    "ex15_2": [
        (lambda sigma: (1 - ratios(sigma)) / (1 - sigma[-1] / sigma[0]), "shrink what a step has added"),
        (lambda sigma: weights_by_running_mean(sigma) * (1 - sigma[-1] / sigma[0]), "divide by their sum"),
        (lambda sigma: weights_by_running_mean(sigma)[::-1], "the order"),
        (lambda sigma: -np.diff(sigma) / (sigma[0] - sigma[-1]), "lengths of the steps"),
        (lambda sigma: np.full(len(sigma) - 1, 1 / (len(sigma) - 1)), "do not count equally"),
        (lambda sigma: (1 - ratios(sigma)) / (1 - ratios(sigma)).sum(), "by their ratios first"),
        (
            lambda sigma: (1 - ratios(sigma)) * (sigma[-1] / np.maximum(sigma[1:], 1e-9)) / (1 - sigma[-1] / sigma[0]),
            "last sigma of 0",
        ),
    ],
    "ex15_3": [
        (end(lambda z, s, n, m, d, v: m + s * d**2 / v * (z - s * m)), "a mean of all ends"),
        (end(lambda z, s, n, m, d, v: m + d * (z - m) / np.sqrt(v)), "centered at signal m"),
        (end(lambda z, s, n, m, d, v: d * (z - s * m) / np.sqrt(v)), "add the mean"),
        (end(lambda z, s, n, m, d, v: m + d * (z - s * m) / v), "not with its variance"),
        (end(lambda z, s, n, m, d, v: m + d**2 * (z - s * m) / v), "not of the variances"),
        (end(lambda z, s, n, m, d, v: m + d * (z - s * m) / n), "contains the data"),
        (end(lambda z, s, n, m, d, v: m + d * (z - s * m) / np.sqrt(d**2 + n**2)), "signal d"),
        (end(lambda z, s, n, m, d, v: m + d * (z / s - m) / np.sqrt(v)), "both or none"),
        (end(lambda z, s, n, m, d, v: z / s), "at sigma = 0"),
    ],
    "ex15_4": [
        (loop(ddim_step), "this is ddim"),
        (loop(lambda x, z, t, i, s, n, e, ts: s[t] * x + n[t] * e[0]), "its own noise"),
        (loop(lambda x, z, t, i, s, n, e, ts: x + n[t] * e[i]), "by the signal of t"),
        (loop(lambda x, z, t, i, s, n, e, ts: s[t] * x), "has to be added again"),
        (loop(lambda x, z, t, i, s, n, e, ts: n[t] * e[i]), "not from noise alone"),
        (loop(lambda x, z, t, i, s, n, e, ts: s[t] * z + n[t] * e[i]), "not from z"),
        (loop(lambda x, z, t, i, s, n, e, ts: s[t] * x + n[t] * e[i], lambda noise, t: 1.0), "z at the start"),
        (lambda f, times, signal, noise, eps: f(noise[times[0]] * eps[0], times[0]), "this is one step"),
    ],
    "ex15_5": [
        (shortcut(lambda first, s, z, u, d: first), "mean velocity of two"),
        (shortcut(lambda first, s, z, u, d: s(z + d * first, u + d, d)), "second velocity alone"),
        (shortcut(lambda first, s, z, u, d: first + s(z + d * first, u + d, d)), "not their sum"),
        (shortcut(lambda first, s, z, u, d: d * (first + s(z + d * first, u + d, d))), "how far both steps go"),
        (shortcut(lambda first, s, z, u, d: z + d * (first + s(z + d * first, u + d, d))), "the target is a velocity"),
        (shortcut(lambda first, s, z, u, d: (first + s(z, u + d, d)) / 2), "where the first one ends"),
        (shortcut(lambda first, s, z, u, d: (first + s(z + d * first, u, d)) / 2), "at the time u + d"),
        (shortcut(lambda first, s, z, u, d: (first + s(z - d * first, u + d, d)) / 2), "from noise to data"),
        (shortcut(lambda first, s, z, u, d: s(z, u, 2 * d)), "both steps have the length d"),
    ],
}

RIGHT = {
    "ex15_1": [
        curvature_by_loops,
        lambda paths: np.mean(
            [((v - (paths[-1] - paths[0])) ** 2).sum(-1) for v in (len(paths) - 1) * (paths[1:] - paths[:-1])]
        ),
        lambda paths: float(
            np.einsum("snd,snd->", *2 * [(len(paths) - 1) * np.diff(paths, axis=0) - (paths[-1] - paths[0])])
            / (len(paths) - 1)
            / paths.shape[1]
        ),
    ],
    "ex15_2": [weights_by_running_mean, weights_backward, weights_as_fractions],
    "ex15_3": [
        end(lambda z, s, n, m, d, v: m + (z - s * m) * np.sqrt(d**2 / v)),
        lambda z, signal, noise, m, d: m + (z / signal - m) / np.hypot(1, noise / signal / d),
        lambda z, signal, noise, m, d: (m + (z - signal * m) / np.hypot(signal, noise / d)).tolist(),
    ],
    "ex15_4": [
        loop(lambda x, z, t, i, s, n, e, ts: s[t] * x + n[t] * e[i]),
        multistep_recursive,
        multistep_while,
    ],
    "ex15_5": [
        shortcut_as_distance,
        shortcut(lambda first, s, z, u, d: np.mean([first, s(z + d * first, u + d, d)], axis=0)),
        shortcut(lambda first, s, z, u, d: (0.5 * first + 0.5 * s(z + d * first, u + d, d)).tolist()),
    ],
}
