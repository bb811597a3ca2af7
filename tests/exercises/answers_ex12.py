"""Wrong answers to the exercises of notebook 12, each with words of its hint, and right ones in other styles."""

import numpy as np


def slope_times(factor, h=1e-4, divisor=2e-4):
    """The slope of denoise, times factor(signal, noise)."""

    def answer(denoise, z, signal, noise):
        return factor(signal, noise) * (denoise(z + h) - denoise(z - h)) / divisor

    return answer


def chain(drift, diffusion):
    """Langevin dynamics with drift(step) and diffusion(step)."""

    def answer(score, x, step, noise):
        for eps in noise:
            x = x + drift(step) * score(x) + diffusion(step) * eps
        return x

    return answer


def root(step):
    return np.sqrt(2 * step)


def frozen_chain(score, x, step, noise):
    start = score(x)
    for eps in noise:
        x = x + step * start + root(step) * eps
    return x


def whole_chain(score, x, step, noise):
    xs = []
    for eps in noise:
        x = x + step * score(x) + root(step) * eps
        xs.append(x)
    return np.array(xs)


def chain_in_place(score, x, step, noise):
    for eps in noise:
        x += step * score(x) + root(step) * eps
    return x


def chain_by_recursion(score, x, step, noise):
    if len(noise) == 0:
        return x
    return chain_by_recursion(score, x + step * score(x) + (2 * step) ** 0.5 * noise[0], step, noise[1:])


def chain_by_index(score, x, step, noise):
    x = np.array(x, copy=True)
    for i in range(noise.shape[0]):
        x += score(x) * step + noise[i] * np.sqrt(2) * np.sqrt(step)
    return x.tolist()


def backwards(change):
    """The reverse step with a change: change(f z, g^2 score, g sqrt(dt) eps, dt, g) is added to z."""

    def answer(z, score, f, g, dt, eps):
        return z + change(f * z, g**2 * score, g * np.sqrt(dt) * eps, dt, g)

    return answer


def velocities(power=1.0, of=None, stable=True):
    """The marginal velocity with a mistake in the weights or in what is averaged."""

    def answer(z, data, signal, noise, dsignal, dnoise):
        difference = z[:, None] - signal * data
        exponent = -(power(noise) if callable(power) else power) * np.square(difference).sum(axis=2) / (2 * noise**2)
        p = np.exp(exponent - exponent.max(axis=1, keepdims=True) if stable else exponent)
        p = p / p.sum(axis=1, keepdims=True)
        each = (
            dsignal * data + dnoise * difference / noise
            if of is None
            else of(data, difference / noise, dsignal, dnoise)
        )
        return np.einsum("nk,nkd->nd", p, each)

    return answer


def velocity_by_estimates(z, data, signal, noise, dsignal, dnoise):
    log_p = [[-np.sum((a - signal * b) ** 2) / 2 / noise**2 for b in data] for a in z]
    p = np.exp([np.array(row) - max(row) for row in log_p])
    x0_hat = p @ data / p.sum(axis=1)[:, None]
    return dsignal * x0_hat + dnoise * (z - signal * x0_hat) / noise


def velocity_by_loops(z, data, signal, noise, dsignal, dnoise):
    rows = []
    for one in z:
        squares = ((one - signal * data) ** 2).sum(axis=1)
        weights = np.exp(-(squares - squares.min()) / (2 * noise * noise))
        each = [dsignal * x + dnoise / noise * (one - signal * x) for x in data]
        rows.append(sum(w * v for w, v in zip(weights, each, strict=True)) / weights.sum())
    return rows


def solve_two_equations(z, v, signal, noise, dsignal, dnoise):
    both = np.stack([z.ravel(), v.ravel()])
    return -np.linalg.solve([[signal, noise], [dsignal, dnoise]], both)[1].reshape(z.shape) / noise


def score_by_x0(z, v, signal, noise, dsignal, dnoise):
    x0_hat = (dnoise * z - noise * v) / (dnoise * signal - noise * dsignal)
    return (signal * x0_hat - z) / noise**2


def of_forward_difference(denoise, z, signal, noise):
    return (denoise(z + 1e-5) - denoise(z)) / 1e-5 / signal * noise * noise


def of_five_points(denoise, z, signal, noise):
    h = 1e-3
    slope = (8 * (denoise(z + h) - denoise(z - h)) - denoise(z + 2 * h) + denoise(z - 2 * h)) / (12 * h)
    return (slope * noise**2 / signal).tolist()


WRONG = {
    "ex12_1": [
        (lambda z, x0, s, n: (s * x0 - z) / n, "divide by the noise once more"),
        (lambda z, x0, s, n: (z - s * x0) / n**2, "the sign"),
        (lambda z, x0, s, n: (z - s * x0) / n, "this is eps_hat"),
        (lambda z, x0, s, n: (x0 - z) / n**2, "not around x0"),
        (lambda z, x0, s, n: (x0 - z / s) / (n / s) ** 2, "z / signal"),
        (lambda z, x0, s, n: -z / n**2, "pure noise"),
        (lambda z, x0, s, n: np.empty((4, 3)) * 0, "zero everywhere"),
    ],
    "ex12_2": [
        (slope_times(lambda s, n: 1.0), "this is the slope"),
        (slope_times(lambda s, n: n**2), "divide by it"),
        (slope_times(lambda s, n: n / s), "noise is squared"),
        (slope_times(lambda s, n: (n / s) ** 2), "divide by signal once"),
        (slope_times(lambda s, n: n**2 / s, divisor=1e-4), "by 2 h, not by h"),
        (slope_times(lambda s, n: n**2 / s, divisor=1.0), "is the difference divided"),
        (lambda denoise, z, s, n: 0 * z + (n / s) ** 2, "not z / signal"),
        (lambda denoise, z, s, n: np.sqrt(slope_times(lambda s, n: n**2 / s)(denoise, z, s, n)), "no root"),
    ],
    "ex12_3": [
        (chain(lambda step: step, np.sqrt), "variance 2 step"),
        (chain(lambda step: step, lambda step: 2 * step), "needs a root"),
        (chain(lambda step: step / 2, root), "not by half"),
        (chain(lambda step: -step, root), "the sign"),
        (chain(lambda step: step, lambda step: 0.0), "noise is missing"),
        (chain(lambda step: 0.0, root), "score is missing"),
        (chain(root, root), "only the noise by its root"),
        (frozen_chain, "in every step"),
        (whole_chain, "whole chain"),
        (lambda score, x, step, noise: x + step * score(x) + root(step) * noise[0], "this is one step"),
        (chain_in_place, "in place"),
    ],
    "ex12_4": [
        (backwards(lambda fz, push, noise, dt, g: dt * (fz - push) + noise), "time runs backwards"),
        (backwards(lambda fz, push, noise, dt, g: -dt * (fz + push) + noise), "sign of the score"),
        (backwards(lambda fz, push, noise, dt, g: -dt * (fz - push / 2) + noise), "belongs to the ODE"),
        (backwards(lambda fz, push, noise, dt, g: -dt * (fz - push / 2)), "probability-flow ODE"),
        (backwards(lambda fz, push, noise, dt, g: -dt * (fz - push)), "fresh noise is missing"),
        (backwards(lambda fz, push, noise, dt, g: -dt * (fz - push) + noise * np.sqrt(dt)), "not g dt"),
        (backwards(lambda fz, push, noise, dt, g: -dt * (fz - push) + noise / np.sqrt(dt)), "multiply by sqrt(dt)"),
        (backwards(lambda fz, push, noise, dt, g: -dt * (fz - push) + noise * g), "not g squared"),
        (backwards(lambda fz, push, noise, dt, g: -dt * (fz - push / g) + noise), "score is g squared"),
        (backwards(lambda fz, push, noise, dt, g: dt * push + noise), "f z of the forward SDE is missing"),
        (backwards(lambda fz, push, noise, dt, g: -dt * fz + noise), "the score is missing"),
    ],
    "ex12_5": [
        (velocities(power=0.0), "same weight"),
        (velocities(power=2.0), "a factor of 2"),
        (velocities(power=lambda noise: noise), "noise has to be squared"),
        (velocities(power=1e6), "most probable point"),
        (velocities(of=lambda x, eps, ds, dn: ds * x + 0 * eps), "noise moves, too"),
        (velocities(of=lambda x, eps, ds, dn: dn * eps), "data moves, too"),
        (velocities(of=lambda x, eps, ds, dn: x + 0 * eps), "this is x0_hat"),
        (velocities(of=lambda x, eps, ds, dn: eps), "this is eps_hat"),
        (velocities(of=lambda x, eps, ds, dn: eps - x), "flow schedule only"),
        (velocities(stable=False), "not at low noise"),
    ],
    "ex12_6": [
        (lambda z, v, s, n, ds, dn: (s * v - ds * z) / (s * dn - n * ds), "this is eps_hat"),
        (lambda z, v, s, n, ds, dn: -(s * v - ds * z) / (s * dn - n * ds), "divide it by the noise"),
        (lambda z, v, s, n, ds, dn: (s * v - ds * z) / (s * dn - n * ds) / n, "the sign"),
        (lambda z, v, s, n, ds, dn: (dn * z - n * v) / (s * dn - n * ds), "this is x0_hat"),
        (lambda z, v, s, n, ds, dn: -(s * v - ds * z) / n, "determinant"),
        (lambda z, v, s, n, ds, dn: -v / n, "also contains dsignal"),
        (lambda z, v, s, n, ds, dn: -z / n**2, "pure noise"),
        (lambda z, v, s, n, ds, dn: -(z + s * v) / n, "the flow schedule"),
    ],
}

RIGHT = {
    "ex12_1": [
        lambda z, x0, s, n: -((z - s * x0) / n) / n,
        lambda z, x0, s, n: ((s * x0 - z) / n**2).tolist(),
        lambda z, x0, s, n: np.divide(np.multiply(s, x0) - z, n * n),
    ],
    "ex12_2": [
        of_forward_difference,
        of_five_points,
        slope_times(lambda s, n: n * n / s, h=1e-3, divisor=2e-3),
    ],
    "ex12_3": [chain(lambda step: step, root), chain_by_recursion, chain_by_index],
    "ex12_4": [
        lambda z, score, f, g, dt, eps: z - f * z * dt + g**2 * score * dt + g * dt**0.5 * eps,
        lambda z, score, f, g, dt, eps: ((1 - f * dt) * z + g * g * dt * score + np.sqrt(g * g * dt) * eps).tolist(),
        backwards(lambda fz, push, noise, dt, g: noise - dt * (fz - push)),
    ],
    "ex12_5": [velocities(), velocity_by_estimates, velocity_by_loops],
    "ex12_6": [
        solve_two_equations,
        score_by_x0,
        lambda z, v, s, n, ds, dn: ((ds * z - s * v) / (n * (s * dn - n * ds))).tolist(),
    ],
}
