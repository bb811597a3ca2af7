"""Typical wrong answers to the exercises of notebook 10, each with words of its hint."""

import numpy as np


def steer(change, eps_of=None):
    """x0_hat with a mistake; eps_hat is consistent with it, or the denoiser's for some labels."""

    def answer(denoiser, z, t, wanted, unwanted, w, v):
        parts = [denoiser(z, t, labels)[0] for labels in (None, wanted, unwanted)]
        x0_hat = change(*parts, w, v)
        if eps_of is not None:
            return x0_hat, denoiser(z, t, eps_of(wanted, unwanted))[1]
        return x0_hat, denoiser.schedule.eps_from_x0(z, x0_hat, t)

    return answer


def right(any_class, towards, away, w, v):
    return any_class + w * (towards - any_class) - v * (away - any_class)


def paste(change):
    """A mistake in terms of z, image, mask, eps, signal and noise."""
    return lambda schedule, z, image, mask, eps, t: change(
        z, image, mask, eps, schedule.signal[t], schedule.noise[t]
    )  # fmt: skip


def paste_in_place(schedule, z, image, mask, eps, t_next):
    z[~mask] = (schedule.signal[t_next] * image + schedule.noise[t_next] * eps)[~mask]
    return z


def stays(change_mean=None, change_std=None):
    """Mean and standard deviation with a mistake in one of them; s, n for signal and noise, r for the root."""

    def answer(x0, s, n, m, d):
        r = np.sqrt(s**2 * d**2 + n**2)
        mean = change_mean(x0, s, n, m, d, r) if change_mean else m + d * s * (x0 - m) / r
        return mean, change_std(s, n, d, r) if change_std else d * n / r

    return answer


def undo(rounds, at_t=True, scale=None):
    def answer(denoiser, schedule, z_s, s, t):
        z_bar, z_t = z_s / schedule.signal[s], z_s
        for _ in range(rounds):
            _, eps_hat = denoiser(z_t, t if at_t else s)
            z_t = schedule.signal[t] * (z_bar + (schedule.sigma[t] - schedule.sigma[s]) * eps_hat)
        return z_t if scale is None else z_t * scale(schedule, s, t)

    return answer


WRONG = {
    "ex10_1": [
        (steer(lambda a, b, c, w, v: b), "plain estimate"),
        (steer(lambda a, b, c, w, v: a + w * (b - a)), "v is missing"),
        (steer(lambda a, b, c, w, v: a + w * (b - a) + v * (c - a)), "its sign"),
        (steer(lambda a, b, c, w, v: w * (b - a) - v * (c - a)), "only the differences"),
        (steer(lambda a, b, c, w, v: w * b - v * c), "themselves"),
        (steer(lambda a, b, c, w, v: a + w * (b - c)), "difference of its own"),
        (steer(lambda a, b, c, w, v: a + w * (c - a) - v * (b - a)), "exchanged"),
        (steer(lambda a, b, c, w, v: b + w * (b - a) - v * (c - a)), "begin at"),
        (steer(right, lambda wanted, unwanted: wanted), "for the wanted class: it has to change"),
        (steer(right, lambda wanted, unwanted: None), "without label: it has"),
        (lambda denoiser, z, t, wanted, unwanted, w, v: denoiser(z, t, wanted)[0], "2 things"),
    ],
    "ex10_2": [
        (paste(lambda z, x, mask, eps, s, n: np.where(mask, z, x)), "clean image"),
        (paste(lambda z, x, mask, eps, s, n: np.where(mask, s * x + n * eps, z)), "True is the hole"),
        (paste(lambda z, x, mask, eps, s, n: np.where(mask, x, z)), "and the image needs"),
        (paste(lambda z, x, mask, eps, s, n: s * x + n * eps), "ignores z"),
        (paste(lambda z, x, mask, eps, s, n: np.where(mask, z, x + n * eps)), "shrink"),
        (paste(lambda z, x, mask, eps, s, n: np.where(mask, z, x + eps)), "need the factors"),
        (paste(lambda z, x, mask, eps, s, n: np.where(mask, z, s * x)), "noise is missing"),
        (paste(lambda z, x, mask, eps, s, n: np.where(mask, z, n * x + s * eps)), "exchanged"),
        (paste(lambda z, x, mask, eps, s, n: mask * z + s * x + n * eps), "added up"),
        (paste_in_place, "in place"),
    ],
    "ex10_3": [
        (stays(lambda x0, s, n, m, d, r: s * x0), "where the sampler starts"),
        (stays(lambda x0, s, n, m, d, r: m + d * (x0 - m) / r), "z is not x0"),
        (stays(lambda x0, s, n, m, d, r: m + d * (s * x0 - m) / r), "signal m"),
        (stays(lambda x0, s, n, m, d, r: d * s * (x0 - m) / r), "at the front"),
        (stays(lambda x0, s, n, m, d, r: m + d * s * (x0 - m) / r**2), "under a root"),
        (stays(lambda x0, s, n, m, d, r: m + d * s * (x0 - m) / (s * d + n)), "sum of squares"),
        (stays(lambda x0, s, n, m, d, r: np.full_like(x0, m)), "independent of the image"),
        (stays(None, lambda s, n, d, r: n), "standard deviation of z"),
        (stays(None, lambda s, n, d, r: (d * n / r) ** 2), "variance"),
        (stays(None, lambda s, n, d, r: d), "reached only"),
        (stays(None, lambda s, n, d, r: n / r), "factor d"),
        (stays(None, lambda s, n, d, r: d / r), "standard deviation 1"),
    ],
    "ex10_4": [
        (lambda noises, weights: np.tensordot(weights, noises, axes=1), "should be 1"),
        (lambda noises, weights: np.tensordot(weights / weights.sum(), noises, axes=1), "less noisy"),
        (lambda noises, weights: np.tensordot(weights / np.sqrt(weights.sum()), noises, axes=1), "under the root"),
        (lambda noises, weights: np.tensordot(weights / np.square(weights).sum(), noises, axes=1), "root is missing"),
        (lambda noises, weights: np.tensordot(weights, noises, axes=1) / 2, "number of noises"),
        (lambda noises, weights: np.tensordot(np.sqrt(weights / weights.sum()), noises, axes=1), "proportion"),
        (lambda noises, weights: (b := np.tensordot(weights, noises, axes=1)) / b.std(), "rescaled"),
    ],
    "ex10_5": [
        (undo(1, at_t=False), "as in encode"),
        (undo(1), "one round"),
        (undo(0), "unchanged"),
        (undo(100, at_t=False), "not at s"),
        (undo(100, scale=lambda schedule, s, t: 1 / schedule.signal[t]), "this is z_bar"),
        (undo(100, scale=lambda schedule, s, t: schedule.signal[s] / schedule.signal[t]), "signal of s"),
    ],
}
