"""Wrong answers to the exercises of notebook 13, each with words of its hint, and right ones in other styles."""

import math

import numpy as np


def term(weight):
    return lambda eps_error, sigma_t, sigma_s: weight(sigma_t, sigma_s) * eps_error


def prior(each, reduce=np.sum):
    return lambda x0, signal, noise, std: reduce(each(x0.reshape(len(x0), -1), signal, noise, std), axis=1)


def divergence(x0, signal, noise, std):
    return math.log(std / noise) + (noise**2 + (signal * x0) ** 2) / (2 * std**2) - 0.5


def prior_by_loops(x0, signal, noise, std):
    found = []
    for image in x0:
        total = 0.0
        for value in image.ravel():
            total += math.log(std) - math.log(noise) - 0.5 + (noise * noise + signal**2 * value**2) / std**2 / 2
        found.append(total)
    return found


def prior_of_sums(x0, signal, noise, std):
    D = x0[0].size
    squares = np.square(x0).sum(axis=tuple(range(1, x0.ndim)))
    ratio = (noise / std) ** 2
    return (D * (ratio - 1 - np.log(ratio)) + (signal / std) ** 2 * squares) / 2


def trace(combine):
    """combine(e, e' J) of every probe (P, N, D)."""
    return lambda pullback, probes: combine(probes, np.array([pullback(e) for e in probes]))


def trace_by_loop(pullback, probes):
    total = 0
    for e in probes:
        total = total + np.einsum("nd,nd->n", e, pullback(e))
    return total / len(probes)


def guided(factor):
    return lambda x0_hat, gradient, signal, noise, w: x0_hat + factor(signal, noise, w) * gradient


def guided_by_the_score(x0_hat, gradient, signal, noise, w):
    score = (signal * x0_hat - 0.3) / noise**2  # at z = 0.3, which cancels
    return (0.3 + noise**2 * (score + w * gradient)) / signal


def weighted_score(weights, stable=True, temperature=1.0):
    """The score of a noised set with weights(q, w)."""

    def answer(z, data, q, signal, noise, w):
        log_p = -temperature * np.square(z[:, None] - signal * data).sum(axis=2) / (2 * noise**2)
        p = weights(q, w) * np.exp(log_p - log_p.max(axis=1, keepdims=True) if stable else log_p)
        return (signal * p @ data / p.sum(axis=1, keepdims=True) - z) / noise**2

    return answer


def tilted_by_loops(z, data, q, signal, noise, w):
    rows = []
    for one in z:
        logs = [w * math.log(b) - sum((one - signal * a) ** 2) / 2 / noise**2 for a, b in zip(data, q, strict=True)]
        p = [math.exp(value - max(logs)) for value in logs]
        rows.append(sum(b / sum(p) * (signal * a - one) for a, b in zip(data, p, strict=True)) / noise**2)
    return rows


conditional, unconditional = weighted_score(lambda q, w: q), weighted_score(lambda q, w: q**0)

WRONG = {
    "ex13_1": [
        (term(lambda t, s: t**2 / s**2 - 1), "factor 1/2"),
        (term(lambda t, s: (1 / s**2 - 1 / t**2) / 2), "error of x0_hat, which is"),
        (term(lambda t, s: (1 / s**2 - 1 / t**2) / 2 * s**2), "evaluated at t"),
        (term(lambda t, s: (1 / t**2 - 1 / s**2) / 2 * t**2), "the SNR is larger at s"),
        (term(lambda t, s: (1 / s - 1 / t) / 2 * t**2), "1 / sigma squared"),
        (term(lambda t, s: math.log(t / s)), "limit of short steps"),
        (term(lambda t, s: 0.5), "weight is missing"),
        (lambda error, t, s: np.mean((t**2 / s**2 - 1) / 2 * error), "one value for each image"),
    ],
    "ex13_2": [
        (prior(divergence, np.mean), "this is a mean"),
        (prior(lambda x0, s, n, std: divergence(x0, s, std, n)), "swapped"),
        (prior(lambda x0, s, n, std: divergence(x0, s, n, std) + 0.5), "-1/2 is missing"),
        (prior(lambda x0, s, n, std: divergence(x0, 1.0, n, std)), "signal * x0"),
        (prior(lambda x0, s, n, std: divergence(x0, s, n, std) - 2 * math.log(std / n)), "sign of the logarithm"),
        (prior(lambda x0, s, n, std: divergence(x0, s, n, std) + math.log(std / n)), "not of the variances"),
        (prior(lambda x0, s, n, std: (s * x0) ** 2 / (2 * std**2)), "part of the means"),
        (lambda x0, s, n, std: np.sum(divergence(x0, s, n, std)), "one value for each image"),
    ],
    "ex13_3": [
        (trace(lambda e, product: (e * product).mean(axis=2).mean(axis=0)), "not a mean"),
        (trace(lambda e, product: product.sum(axis=2).mean(axis=0)), "before the sum"),
        (trace(lambda e, product: (e * product).sum(axis=2).sum(axis=0)), "not their sum"),
        (trace(lambda e, product: (e * product).sum(axis=2)[0]), "first probe"),
        (trace(lambda e, product: (e * product).sum(axis=2).mean(axis=1)), "axis 0"),
        (trace(lambda e, product: (e * product).sum(axis=2)), "mean over the probes"),
        (trace(lambda e, product: np.abs((e * product).sum(axis=2).mean(axis=0))), "absolute value"),
        (trace(lambda e, product: (e * product).sum(axis=2).mean()), "one estimate for each image"),
    ],
    "ex13_4": [
        (lambda log_p, H, W, C: -log_p / (H * W * C * math.log(2)), "interval of width"),
        (lambda log_p, H, W, C: -log_p / (H * W * C), "without the width"),
        (lambda log_p, H, W, C: math.log(127.5) - log_p / (H * W * C), "divide by ln 2"),
        (lambda log_p, H, W, C: math.log2(2 / 255) - log_p / (H * W * C * math.log(2)), "sign of the width"),
        (lambda log_p, H, W, C: math.log2(127.5) + log_p / (H * W * C * math.log(2)), "more bits"),
        (lambda log_p, H, W, C: 8 - log_p / (H * W * C * math.log(2)), "from 0 to 256"),
        (lambda log_p, H, W, C: math.log2(255) - log_p / (H * W * C * math.log(2)), "in [0, 1]"),
        (lambda log_p, H, W, C: math.log2(127.5) - log_p / (H * W * math.log(2)), "channels count"),
    ],
    "ex13_5": [
        (guided(lambda s, n, w: w), "so is the gradient"),
        (guided(lambda s, n, w: w * n**2), "divide by the signal"),
        (guided(lambda s, n, w: -w * n), "this is for eps_hat"),
        (guided(lambda s, n, w: w * n / s), "squared"),
        (guided(lambda s, n, w: -w * n**2 / s), "the sign"),
        (guided(lambda s, n, w: n**2 / s), "w is missing"),
        (guided(lambda s, n, w: (w - 1) * n**2 / s), "not w - 1"),
        (lambda x0_hat, gradient, s, n, w: x0_hat, "not used"),
    ],
    "ex13_6": [
        (
            lambda z, data, q, s, n, w: (
                (1 - w) * unconditional(z, data, q, s, n, w) + w * conditional(z, data, q, s, n, w)
            ),
            "this is guidance",
        ),
        (conditional, "for w = 1"),
        (unconditional, "q is not used"),
        (weighted_score(lambda q, w: q ** (w + 1)), "equal weights"),
        (weighted_score(lambda q, w: q**-w), "sign of the exponent"),
        (weighted_score(lambda q, w: q**w, temperature=2.0), "a factor of 2"),
        (weighted_score(lambda q, w: q**w, stable=False), "not at low noise"),
        (lambda *inputs: -weighted_score(lambda q, w: q**w)(*inputs), "the sign"),
    ],
}

RIGHT = {
    "ex13_1": [
        term(lambda t, s: (1 / s**2 - 1 / t**2) * t**2 / 2),
        lambda error, t, s: (0.5 * (t * t - s * s) / (s * s) * error).tolist(),
        lambda error, t, s: np.array([np.expm1(2 * math.log(t / s)) / 2 * one for one in error]),
    ],
    "ex13_2": [prior(divergence), prior_by_loops, prior_of_sums],
    "ex13_3": [
        trace(lambda e, product: np.einsum("pnd,pnd->n", e, product) / len(e)),
        trace_by_loop,
        trace(lambda e, product: (e * product).mean(axis=0).sum(axis=-1).tolist()),
    ],
    "ex13_4": [
        lambda log_p, H, W, C: [math.log2(127.5) - value / (H * W * C) / math.log(2) for value in log_p],
        lambda log_p, H, W, C: -(log_p / (H * W * C) + np.log(2 / 255)) / np.log(2),
        lambda log_p, H, W, C: -log_p * np.log2(np.e) / (H * W * C) + np.log2(255) - 1,
    ],
    "ex13_5": [
        guided(lambda s, n, w: w * n**2 / s),
        guided_by_the_score,
        lambda x0_hat, gradient, s, n, w: (x0_hat + n * n * w * gradient / s).tolist(),
    ],
    "ex13_6": [
        weighted_score(lambda q, w: q**w),
        tilted_by_loops,
        weighted_score(lambda q, w: (q / q.sum()) ** w),
    ],
}
