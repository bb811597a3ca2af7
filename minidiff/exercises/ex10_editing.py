"""The exercises of `tutorials/10_editing.ipynb`: guidance by two labels, inpainting, image-to-image, blending, DDIM
inversion."""

from typing import Any

import numpy as np

from minidiff.exercises.exercise import exercise
from minidiff.exercises.expecting import call, expect, unpack
from minidiff.oracles import GaussianDenoiser, MixtureDenoiser
from minidiff.samplers import ddim
from minidiff.schedule import Schedule

T = 40


@exercise("ex10_1", "toward one class, away from another", points=2)
def _check_steer(answer: Any) -> None:
    rng = np.random.default_rng(0)
    schedule = Schedule("cosine", T)
    oracle = MixtureDenoiser(schedule, rng.normal(0, 0.7, (3, 2)), 0.4)
    z, t, w, v = rng.normal(size=(5, 2)), 17, 2.5, 0.7
    wanted, unwanted = np.array([0, 1, 2, 0, 1]), np.array([1, 2, 0, 2, 0])
    any_class, towards, away = (oracle(z, t, labels)[0] for labels in (None, wanted, unwanted))
    x0_hat = any_class + w * (towards - any_class) - v * (away - any_class)
    found_x0, found_eps = unpack(call(answer, oracle, z, t, wanted, unwanted, w, v), "x0_hat, eps_hat")
    mistakes = [
        (towards, "this is the plain estimate for the wanted class: w and v are not used yet"),
        (any_class + w * (towards - any_class), "nothing leads away from the unwanted class: v is missing"),
        (any_class + w * (towards - any_class) + v * (away - any_class), "v leads to the unwanted class: its sign"),
        (w * (towards - any_class) - v * (away - any_class), "only the differences: add the unconditional estimate"),
        (w * towards - v * away, "the estimates themselves are mixed: use their differences to the unconditional one"),
        (any_class + w * (towards - away), "this goes from one class to the other by w; v has a difference of its own"),
        (any_class + (w - v) * (towards - away), "each strength has a difference of its own, to the unconditional one"),
        (any_class + w * (away - any_class) - v * (towards - any_class), "wanted and unwanted are exchanged"),
        (x0_hat - any_class + towards, "begin at the unconditional estimate, not at that for the wanted class"),
    ]
    expect("x0_hat", found_x0, x0_hat, mistakes)
    mistakes = [
        (oracle(z, t, labels)[1], f"eps_hat is that {named}: it has to change with x0_hat, so that they add up to z")
        for labels, named in ((wanted, "for the wanted class"), (None, "without label"), (unwanted, "for the unwanted"))
    ]
    expect("eps_hat", found_eps, schedule.eps_from_x0(z, x0_hat, t), mistakes)


@exercise("ex10_2", "paste the noised image", points=2)
def _check_paste(answer: Any) -> None:
    rng = np.random.default_rng(1)
    schedule = Schedule("cosine", T)
    z, image, eps = rng.normal(size=(3, 2, 4, 5, 1))
    mask = rng.random(z.shape) < 0.5
    t_next = 13
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
    x0, signal, noise, m, d = rng.normal(size=(3, 4)), 0.63, 0.48, 0.35, 0.7
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
    noises, weights = rng.normal(size=(4, 3, 5)), np.array([0.9, 0.0, 1.7, 0.4])
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
    alone = call(answer, noises, np.array([0.0, 0.0, 2.0, 0.0]))
    expect("the blend with one weight that is not zero", alone, noises[2])


@exercise("ex10_5", "the exact inverse of a DDIM step", points=3)
def _check_undo_ddim(answer: Any) -> None:
    schedule = Schedule("flow", T)
    oracle = GaussianDenoiser(schedule, 0.3, 0.5)
    z_t, s, t = np.random.default_rng(4).normal(0.1, 0.9, (6, 3)), 16, 24
    (state,) = ddim(oracle, schedule, z_t, [(t, s)], lambda: np.zeros_like(z_t))
    z_s = state.z
    ratio, change = schedule.signal[t] / schedule.signal[s], schedule.sigma[t] - schedule.sigma[s]

    def step_up(z: np.ndarray, at: int) -> np.ndarray:
        return ratio * z_s + schedule.signal[t] * change * oracle(z, at)[1]

    def repeated(at: int, times: int = 100) -> np.ndarray:
        z = z_s
        for _ in range(times):
            z = step_up(z, at)
        return z

    few_rounds = step_up(z_s, t), step_up(ratio * z_s, t), step_up(step_up(z_s, s), t)
    mistakes = [
        (step_up(z_s, s), "this is a DDIM step upwards, as in encode: eps_hat should be that of z_t, not of z_s"),
        (*few_rounds, "one round is not enough: evaluate the denoiser at the new z_t and repeat"),
        (z_s, "this is z_s, unchanged"),
        (repeated(s), "z_t is at timestep t: evaluate the denoiser at t, not at s"),
        (repeated(t) / schedule.signal[t], "this is z_bar: z = signal times z_bar, at timestep t"),
        (repeated(t) / ratio, "z_bar is multiplied by the signal of s: at timestep t it is signal[t]"),
    ]
    expect("z_t", call(answer, oracle, schedule, z_s, s, t), z_t, mistakes)
