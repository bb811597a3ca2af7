"""The exercises of `tutorials/10_editing.ipynb`: guidance by two labels, inpainting, image-to-image, blending, DDIM
inversion."""

from typing import Any

import numpy as np

from minidiff.exercises.exercise import exercise
from minidiff.exercises.expecting import agree, as_array, call, expect, unpack
from minidiff.oracles import GaussianDenoiser, MixtureDenoiser
from minidiff.samplers import ddim
from minidiff.schedule import Schedule

T = 40


@exercise("ex10_1", "toward one class, away from another", points=2)
def _check_steer(answer: Any) -> None:
    rng = np.random.default_rng(0)
    for name, (N, D), t, w, v in (
        ("cosine", (5, 2), 17, 2.5, 0.7),
        ("flow", (3, 4), 30, 1.0, 1.6),
        ("cosine", (8, 1), 8, 0.0, 0.4),
    ):
        schedule = Schedule(name, T)
        oracle = MixtureDenoiser(schedule, rng.normal(0, 0.7, (3, D)), 0.4)
        z, wanted = rng.normal(size=(N, D)), rng.integers(0, 3, N)
        unwanted = (wanted + rng.integers(1, 3, N)) % 3
        any_class, towards, away = (oracle(z, t, labels)[0] for labels in (None, wanted, unwanted))
        more, less = towards - any_class, away - any_class
        x0_hat = any_class + w * more - v * less
        found_x0, found_eps = unpack(call(answer, oracle, z, t, wanted, unwanted, w, v), "x0_hat, eps_hat")
        mistakes = [
            (towards, "this is the plain estimate for the wanted class: w and v are not used yet"),
            (any_class + w * more, "nothing leads away from the unwanted class: v is missing"),
            (any_class + w * more + v * less, "v leads to the unwanted class: its sign"),
            (w * more - v * less, "only the differences: add the unconditional estimate"),
            (w * towards - v * away, "the estimates themselves are mixed: use differences to the unconditional one"),
            (any_class + w * (towards - away), "this goes from one class to the other; v has a difference of its own"),
            (any_class + (w - v) * (towards - away), "each weight has a difference of its own"),
            (any_class + w * less - v * more, "wanted and unwanted are exchanged"),
            (x0_hat + more, "begin at the unconditional estimate, not at that for the wanted class"),
        ]
        expect("x0_hat", found_x0, x0_hat, mistakes)
        named = ((wanted, "for the wanted class"), (None, "without label"), (unwanted, "for the unwanted class"))
        mistakes = [
            (
                oracle(z, t, labels)[1],
                f"eps_hat is that {which}: it has to change with x0_hat, as they add up to z",
            )
            for labels, which in named
        ]
        expect("eps_hat", found_eps, schedule.eps_from_x0(z, x0_hat, t), mistakes, tolerance=1e-4)


@exercise("ex10_2", "paste the noised image", points=2)
def _check_paste(answer: Any) -> None:
    rng = np.random.default_rng(1)
    for name, shape, t_next in (("cosine", (2, 4, 5, 1), 13), ("flow", (3, 6), 31), ("cosine", (1, 3, 3, 2), 0)):
        schedule = Schedule(name, T)
        z, image, eps = rng.normal(size=(3, *shape))
        mask = rng.random(z.shape) < 0.5
        noised = schedule.add_noise(image, eps, t_next)
        signal, noise = schedule.signal[t_next], schedule.noise[t_next]
        mistakes = [
            (np.where(mask, z, image), "the clean image is pasted: z has the noise of t_next, and so must the image"),
            (np.where(mask, noised, z), "the mask is inverted: True is the hole, where z remains"),
            (np.where(mask, image, z), "the mask is inverted, and the image needs the noise of t_next"),
            (noised, "this ignores z: in the hole, where mask is True, z remains"),
            (np.where(mask, z, image + noise * eps), "the image has to shrink, too: signal[t_next] times the image"),
            (np.where(mask, z, image + eps), "image and noise need the factors signal and noise of t_next"),
            (np.where(mask, z, signal * image), "the noise is missing: signal times image, plus noise times eps"),
            (np.where(mask, z, noise * image + signal * eps), "signal and noise are exchanged"),
            (np.where(mask, z, schedule.add_noise(image, eps, t_next + 1)), "one timestep too noisy: z is at t_next"),
            (mask * z + noised, "the pasted image must be zero in the hole; otherwise both are added up there"),
        ]
        expect("z", call(answer, schedule, z, image, mask, eps, t_next), np.where(mask, z, noised), mistakes)


@exercise("ex10_3", "how much of an image remains", points=3)
def _check_what_stays(answer: Any) -> None:
    rng = np.random.default_rng(2)
    for shape, signal, noise, m, d in (
        ((3, 4), 0.63, 0.48, 0.35, 0.7), ((2, 2, 2, 1), 0.2, 0.9, -0.5, 1.8), ((5,), 1.0, 3.0, 0.1, 0.3),
    ):  # fmt: skip
        x0 = rng.normal(size=shape)
        total = np.sqrt(signal**2 * d**2 + noise**2)
        mean, std = unpack(call(answer, x0, signal, noise, m, d), "mean, std")
        mistakes = [
            (signal * x0, "this is the mean of z, where the sampler starts; insert it into the formula for x"),
            (m + d * (x0 - m) / total, "z is not x0: its mean is signal times x0"),
            (m + d * (signal * x0 - m) / total, "the formula subtracts signal m from z, and not m"),
            (d * signal * (x0 - m) / total, "the m at the front of the formula is missing"),
            (x0, "this is right only without noise; the sampler moves the image toward m"),
            (np.full_like(x0, m), "this is independent of the image, as at t = T: here a part of it remains"),
            (m + d * signal * (x0 - m) / total**2, "the variance of z is under a root in the formula"),
            (m + d * signal * (x0 - m) / (signal * d + noise), "the root of a sum of squares is not the sum"),
        ]
        expect("mean", mean, m + d * signal * (x0 - m) / total, mistakes)
        mistakes = [
            (noise, "this is the standard deviation of z; the formula multiplies it"),
            ((d * noise / total) ** 2, "this is the variance: take the root"),
            (d, "this is the standard deviation of the data, reached only at t = T; here all noises share one x0"),
            (noise / total, "the factor d of the formula is missing"),
            (d / total, "eps has the standard deviation 1, and z has noise times that"),
            (d * noise**2 / total, "noise is squared: multiply the standard deviation by the factor once"),
        ]
        expect("std", std, d * noise / total, mistakes)


@exercise("ex10_4", "a blend of many noises", points=2)
def _check_blend(answer: Any) -> None:
    rng = np.random.default_rng(3)
    for shape, values in (
        ((3, 5), (0.9, 0.0, 1.7, 0.4)), ((6,), (5.0, 12.0)), ((2, 3, 3, 1), (0.01, 0.02, 0.05, 0.0, 0.03)),
        ((4, 2), (0.0, 0.0, 2.0)),
    ):  # fmt: skip
        weights = np.array(values)
        noises = rng.normal(size=(len(weights), *shape))
        summed, rooted = (np.tensordot(by, noises, axes=1) for by in (weights, np.sqrt(weights / weights.sum())))
        length = np.sqrt(np.square(weights).sum())
        rescaled = summed / summed.std(), summed.mean() + (summed - summed.mean()) / summed.std()
        mistakes = [
            (summed, "the variances add up to the sum of the squared weights, which should be 1"),
            (summed / weights.sum(), "a mean is less noisy than noise: the sum of the *squared* weights should be 1"),
            (summed / np.sqrt(weights.sum()), "variances add up with squared weights: put their sum under the root"),
            (summed / length**2, "the root is missing: a standard deviation is the root of a variance"),
            (summed / np.sqrt(len(weights)), "right for weights of 1 only: the number of noises is not the variance"),
            (*rescaled, "rescaled to this noise: its standard deviation is 1 on average, not exactly; use the weights"),
            (rooted, "the result is standard normal, but the noises are not in the proportion of the weights"),
        ]
        expect("the blend", call(answer, noises, weights), summed / length, mistakes)


@exercise("ex10_5", "the exact inverse of a DDIM step", points=3)
def _check_undo_ddim(answer: Any) -> None:
    rng = np.random.default_rng(4)
    flow, cosine, exploding = (Schedule(name, T) for name in ("flow", "cosine", "variance_exploding"))
    for oracle, shape, s, t in (
        (GaussianDenoiser(flow, 0.3, 0.5), (6, 3), 16, 24),
        (MixtureDenoiser(cosine, rng.normal(0, 0.7, (3, 2)), 0.4), (4, 2), 20, 27),
        (GaussianDenoiser(exploding, -0.2, 1.0), (2, 3, 3, 1), 17, 24),
    ):
        _compare_inverses(answer, oracle, rng.normal(0.1, 0.9, shape), s, t)


def _compare_inverses(
    answer: Any, denoiser: GaussianDenoiser | MixtureDenoiser, z_t: np.ndarray, s: int, t: int
) -> None:
    """One comparison of `_check_undo_ddim`. Any z_t is right from which the sampler's step leads to z_s."""
    schedule = denoiser.schedule
    z_t = z_t * np.hypot(schedule.signal[t], schedule.noise[t])
    (state,) = ddim(denoiser, schedule, z_t, [(t, s)], lambda: np.zeros_like(z_t))
    z_s = state.z
    ratio, change = schedule.signal[t] / schedule.signal[s], schedule.sigma[t] - schedule.sigma[s]

    def step_up(z: np.ndarray, at: int) -> np.ndarray:
        return ratio * z_s + schedule.signal[t] * change * denoiser(z, at)[1]

    def iterates(z: np.ndarray, at: int, rounds: int = 100) -> list[np.ndarray]:
        found = [z]
        for _ in range(rounds):
            found.append(step_up(found[-1], at))
        return found

    exact, wrong_time = iterates(z_s, t)[-1], iterates(z_s, s)[-1]
    starts = z_s, ratio * z_s, step_up(z_s, s), np.zeros_like(z_s)
    one_round = [step_up(start, t) for start in starts]
    few_rounds = [found for start in starts for found in iterates(start, t, 60)]
    mistakes = [
        (step_up(z_s, s), "this is a DDIM step upwards, as in encode: eps_hat should be that of z_t, not of z_s"),
        (*one_round, "one round is not enough: evaluate the denoiser at the new z_t and repeat"),
        (z_s, "this is z_s, unchanged"),
        (ratio * z_s, "this is z_s with the signal of t: its noise is still that of s"),
        (wrong_time, "z_t is at timestep t: evaluate the denoiser at t, not at s"),
        (exact / schedule.signal[t], "this is z_bar: z = signal times z_bar, at timestep t"),
        (exact / ratio, "z_bar is multiplied by the signal of s: at timestep t it is signal[t]"),
        (*few_rounds, "not exact yet: repeat until z_t no longer changes; a hundred rounds are sufficient here"),
    ]
    found = as_array("z_t", call(answer, denoiser, schedule, z_s, s, t))
    if found.shape == z_s.shape and np.isfinite(found).all():
        (back,) = ddim(denoiser, schedule, found, [(t, s)], lambda: np.zeros_like(z_s))
        if agree(back.z, z_s, 1e-4):
            return
    expect("z_t", found, exact, mistakes, tolerance=1e-4)
