"""Answers to the exercises of notebook 10: wrong ones, each with words of its hint, and right ones in other styles."""

import math

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


def eps_after(denoiser, schedule, z_s, s, t):
    """The right-hand side of the iteration, as a function of z_t."""

    def repeat(z_t):
        change = schedule.sigma[t] - schedule.sigma[s]
        return schedule.signal[t] * (z_s / schedule.signal[s] + change * denoiser(z_t, t)[1])

    return repeat


def by_two_evaluations(denoiser, schedule, z_s, s, t):
    """Elementwise secant step, exact only for a denoiser that is linear in each element."""
    repeat = eps_after(denoiser, schedule, z_s, s, t)
    first, second = repeat(z_s), repeat(z_s + 1)
    return z_s + (first - z_s) / (1 - (second - first))


def with_the_formula_of_normal_data(denoiser, schedule, z_s, s, t):
    mean, std = 0.3, 0.5
    spread = [np.hypot(schedule.signal[at] * std, schedule.noise[at]) for at in (s, t)]
    return schedule.signal[t] * mean + spread[1] / spread[0] * (z_s - schedule.signal[s] * mean)


def undo_with_damping(denoiser, schedule, z_s, s, t):
    repeat, z_t = eps_after(denoiser, schedule, z_s, s, t), np.zeros_like(z_s)
    for _ in range(300):
        z_t = 0.5 * z_t + 0.5 * repeat(z_t)
    return z_t


def undo_until_it_stays(denoiser, schedule, z_s, s, t):
    repeat, before, z_t = eps_after(denoiser, schedule, z_s, s, t), z_s, z_s + 1
    while not np.allclose(before, z_t, rtol=0, atol=1e-6):
        before, z_t = z_t, repeat(z_t)
    return z_t


def undo_by_newton(denoiser, schedule, z_s, s, t):
    """Newton's method on all elements of an example, with a Jacobian by differences."""
    z_t = z_s.reshape(len(z_s), -1).copy()
    repeat = eps_after(denoiser, schedule, z_s, s, t)
    N, D = z_t.shape
    for _ in range(8):
        rest = repeat(z_t.reshape(z_s.shape)).reshape(N, D) - z_t
        jacobian = np.empty((N, D, D))
        for i in range(D):
            moved = z_t.copy()
            moved[:, i] += 1e-6
            jacobian[:, :, i] = (repeat(moved.reshape(z_s.shape)).reshape(N, D) - moved - rest) / 1e-6
        z_t = z_t - np.linalg.solve(jacobian, rest[:, :, None])[:, :, 0]
    return z_t.reshape(z_s.shape)


def undo_by_x0(denoiser, schedule, z_s, s, t):
    """The same equation with x0_hat: z_s = (noise_s / noise_t) z_t + factor x0_hat(z_t)."""
    ratio = schedule.noise[t] / schedule.noise[s]
    z_t = ratio * z_s
    for _ in range(400):
        x0_hat, _ = denoiser(z_t, t)
        new = ratio * (z_s - (schedule.signal[s] - schedule.signal[t] / ratio) * x0_hat)
        z_t = 0.5 * (z_t + new)
    return z_t


def paste_by_indices(schedule, z, image, mask, eps, t_next):
    found = z.copy()
    found[~mask] = schedule.add_noise(image, eps, t_next)[~mask]
    return found


def blend_in_a_loop(noises, weights):
    total = np.zeros(noises.shape[1:])
    for noise, weight in zip(noises, weights, strict=True):
        total = total + weight * noise
    return total / sum(weight**2 for weight in weights) ** 0.5


def blend_two_at_a_time(noises, weights):
    """Rotations: each noise is blended with what was blended before."""
    found, length = np.zeros(noises.shape[1:]), 0.0
    for noise, weight in zip(noises, weights, strict=True):
        angle = math.atan2(weight, length) if weight or length else 0.0
        found, length = math.cos(angle) * found + math.sin(angle) * noise, math.hypot(length, weight)
    return found


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
        (steer(right, lambda wanted, unwanted: unwanted), "for the unwanted class: it has to change"),
        (steer(lambda a, b, c, w, v: a + 2.5 * (b - a) - 0.7 * (c - a)), "not right"),
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
        (
            lambda schedule, z, image, mask, eps, t: paste(
                lambda z, x, mask, eps, s, n: np.where(mask, z, s * x + n * eps)
            )(schedule, z, image, mask, eps, t + 1),
            "too noisy",
        ),
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
        (stays(None, lambda s, n, d, r: d * n**2 / r), "squared"),
    ],
    "ex10_4": [
        (lambda noises, weights: np.tensordot(weights, noises, axes=1), "should be 1"),
        (lambda noises, weights: np.tensordot(weights / weights.sum(), noises, axes=1), "less noisy"),
        (lambda noises, weights: np.tensordot(weights / np.sqrt(weights.sum()), noises, axes=1), "under the root"),
        (lambda noises, weights: np.tensordot(weights / np.square(weights).sum(), noises, axes=1), "root is missing"),
        (lambda noises, weights: np.tensordot(weights, noises, axes=1) / 2, "number of noises"),
        (lambda noises, weights: np.tensordot(np.sqrt(weights / weights.sum()), noises, axes=1), "proportion"),
        (lambda noises, weights: (b := np.tensordot(weights, noises, axes=1)) / b.std(), "rescaled"),
        (lambda noises, weights: noises[0], "not right"),
    ],
    "ex10_5": [
        (undo(1, at_t=False), "as in encode"),
        (undo(1), "one round"),
        (undo(0), "unchanged"),
        (undo(100, at_t=False), "not at s"),
        (undo(100, scale=lambda schedule, s, t: 1 / schedule.signal[t]), "this is z_bar"),
        (undo(100, scale=lambda schedule, s, t: schedule.signal[s] / schedule.signal[t]), "signal of s"),
        (undo(2), "not exact yet"),
        (undo(10), "not exact yet"),
        (by_two_evaluations, "not right"),
        (with_the_formula_of_normal_data, "not right"),
        (lambda denoiser, schedule, z_s, s, t: schedule.signal[t] / schedule.signal[s] * z_s, "still that of s"),
    ],
}


RIGHT = {
    "ex10_1": [
        steer(lambda a, b, c, w, v: (1 - w + v) * a + w * b - v * c),
        lambda denoiser, z, t, wanted, unwanted, w, v: np.stack(steer(right)(denoiser, z, t, wanted, unwanted, w, v)),
        lambda denoiser, z, t, wanted, unwanted, w, v: [
            np.tensordot([1 - w + v, w, -v], [denoiser(z, t, one)[i] for one in (None, wanted, unwanted)], axes=1)
            for i in range(2)
        ],
    ],
    "ex10_2": [
        paste_by_indices,
        paste(lambda z, x, mask, eps, s, n: mask * z + (1 - mask) * (s * x + n * eps)),
        paste(lambda z, x, mask, eps, s, n: np.where(~mask, s * x + n * eps, z).tolist()),
    ],
    "ex10_3": [
        lambda x0, s, n, m, d: (m + (x0 - m) / math.hypot(1, n / (s * d)), d / math.hypot(1, s * d / n)),
        lambda x0, s, n, m, d: [
            (m + s * d / np.hypot(s * d, n) * (x0 - m)).tolist(),
            np.array([d * math.sin(math.atan2(n, s * d))]),
        ],
        lambda x0, s, n, m, d: (
            x0 * (keep := s / np.sqrt(s * s + n * n / d**2)) + m * (1 - keep),
            np.float32(np.sqrt(d * d * (1 - keep**2))),
        ),
    ],
    "ex10_4": [blend_in_a_loop, blend_two_at_a_time, lambda *given: np.float32(blend_in_a_loop(*given))],
    "ex10_5": [undo(100), undo_with_damping, undo_until_it_stays, undo_by_newton, undo_by_x0],
}
