"""The exercises of `tutorials/10_editing.ipynb`: two labels, pasting, what stays, blending, a step undone."""

import numpy as np

from minidiff.exercises.exercise import Exercise
from minidiff.exercises.expecting import call, expect, unpack
from minidiff.oracles import GaussianDenoiser, MixtureDenoiser
from minidiff.samplers import ddim
from minidiff.schedule import Schedule

T = 40


def _examine_steer(answer):
    rng = np.random.default_rng(0)
    schedule = Schedule("cosine", T)
    means = rng.normal(0, 0.7, (3, 2))
    oracle = MixtureDenoiser(schedule, means, 0.4)
    z, t, w, v = rng.normal(size=(5, 2)), 17, 2.5, 0.7
    wanted, unwanted = np.array([0, 1, 2, 0, 1]), np.array([1, 2, 0, 2, 0])
    any_class, towards, away = (oracle(z, t, labels)[0] for labels in (None, wanted, unwanted))
    x0_hat = any_class + w * (towards - any_class) - v * (away - any_class)
    found_x0, found_eps = unpack(call(answer, oracle, z, t, wanted, unwanted, w, v), "x0_hat, eps_hat")
    mistakes = [
        (towards, "this is the plain answer for the class that is wanted: w and v do nothing yet"),
        (any_class + w * (towards - any_class), "nothing leads away from the unwanted class: v is missing"),
        (any_class + w * (towards - any_class) + v * (away - any_class), "v leads to the unwanted class: its sign"),
        (w * (towards - any_class) - v * (away - any_class), "only the differences: add them to the unlabeled answer"),
        (w * towards - v * away, "the answers themselves are mixed: take their differences to the unlabeled one"),
        (any_class + w * (towards - away), "this goes from one class to the other by w; v has a difference of its own"),
        (any_class + (w - v) * (towards - away), "each strength has a difference of its own, to the unlabeled answer"),
        (any_class + w * (away - any_class) - v * (towards - any_class), "wanted and unwanted are mixed up"),
        (towards + w * (towards - any_class) - v * (away - any_class),
         "begin at the answer without a label, not at that for the wanted class"),
    ]  # fmt: skip
    expect("x0_hat", found_x0, x0_hat, mistakes)
    eps_hat = schedule.eps_from_x0(z, x0_hat, t)
    mistakes = [
        (oracle(z, t, labels)[1], f"eps_hat is that {named}: it has to move with x0_hat, so that both add up to z")
        for labels, named in ((wanted, "for the wanted class"), (None, "without label"), (unwanted, "for the unwanted"))
    ]  # fmt: skip
    expect("eps_hat", found_eps, eps_hat, mistakes)


def _examine_paste(answer):
    rng = np.random.default_rng(1)
    schedule = Schedule("cosine", T)
    z, image, eps = rng.normal(size=(3, 2, 4, 5, 1))
    mask = rng.random(z.shape) < 0.5
    t_next = 13
    noised = schedule.add_noise(image, eps, t_next)
    signal, noise = schedule.signal[t_next], schedule.noise[t_next]
    mistakes = [
        (np.where(mask, z, image), "the clean image is pasted: z is noisy as at step t_next, and so must it be"),
        (np.where(mask, noised, z), "the mask is the wrong way round: True is the hole, and z stays there"),
        (np.where(mask, image, z), "the mask is the wrong way round, and the image needs the noise of step t_next"),
        (noised, "this forgets z: in the hole, where mask is True, z stays"),
        (np.where(mask, z, image + noise * eps), "the image has to shrink, too: signal[t_next] times the image"),
        (np.where(mask, z, image + eps), "how much image, and how much noise, is there at step t_next?"),
        (np.where(mask, z, signal * image), "the noise is missing: signal times image, plus noise times eps"),
        (np.where(mask, z, noise * image + signal * eps), "signal and noise have changed places"),
        (np.where(mask, z, schedule.add_noise(image, eps, t_next + 1)), "one step too noisy: z has arrived at t_next"),
        (mask * z + noised, "the pasted image must be zero in the hole, or both are added up there"),
    ]  # fmt: skip
    expect("z", call(answer, schedule, z, image, mask, eps, t_next), np.where(mask, z, noised), mistakes)


def _examine_what_stays(answer):
    rng = np.random.default_rng(2)
    x0, signal, noise, m, d = rng.normal(size=(3, 4)), 0.63, 0.48, 0.35, 0.7
    total = np.sqrt(signal**2 * d**2 + noise**2)
    mean, deviation = unpack(call(answer, x0, signal, noise, m, d), "mean, deviation")
    mistakes = [
        (signal * x0, "this is the mean of z, where the sampler starts; put it into the formula for x"),
        (m + d * (x0 - m) / total, "z is not x0: its mean is signal times x0"),
        (m + d * (signal * x0 - m) / total, "the formula subtracts signal m from z, and not m"),
        (d * signal * (x0 - m) / total, "the m at the front of the formula is lost"),
        (x0, "that would be so only without noise; the sampler draws the image towards m"),
        (np.full_like(x0, m), "this forgets the image altogether, as at t = T: something of it shines through"),
        (m + d * signal * (x0 - m) / total**2, "total stands under a root in the formula"),
        (m + d * signal * (x0 - m) / (signal * d + noise), "the root of a sum of squares is not the sum"),
    ]
    expect("mean", mean, m + d * signal * (x0 - m) / total, mistakes)
    mistakes = [
        (noise, "this is the deviation of z; the formula multiplies it"),
        ((d * noise / total) ** 2, "this is the variance: take the root"),
        (d, "that is the deviation of the data, reached only at t = T; the image x0 is the same for all noises"),
        (noise / total, "the factor d of the formula is missing"),
        (d / total, "eps has the deviation 1, and z has noise times that"),
        (d * noise**2 / total, "noise is squared: a deviation is multiplied by a factor as it is"),
    ]
    expect("deviation", deviation, d * noise / total, mistakes)


def _examine_blend(answer):
    rng = np.random.default_rng(3)
    noises, weights = rng.normal(size=(4, 3, 5)), np.array([0.9, 0.0, 1.7, 0.4])
    summed = np.tensordot(weights, noises, axes=1)
    length = np.sqrt(np.square(weights).sum())
    mistakes = [
        (summed, "the variances add up to the sum of the squared weights, which should be 1"),
        (summed / weights.sum(), "a mean is less noisy than noise: the sum of the *squared* weights should be 1"),
        (summed / np.sqrt(weights.sum()), "variances add up with squared weights: which sum should be under the root?"),
        (summed / length**2, "the root is missing: a deviation is the root of a variance"),
        (summed / np.sqrt(len(weights)), "right for weights of 1 only: the number of noises is not the variance"),
        (summed.mean() + (summed - summed.mean()) / summed.std(),
         "scaled by what it happens to be: noise has deviation 1 on average, not each time; use the weights"),
        (summed / summed.std(),
         "scaled by what it happens to be: noise has deviation 1 on average, not each time; use the weights"),
        (np.tensordot(np.sqrt(weights / weights.sum()), noises, axes=1),
         "the result is standard normal, but the shares are not in the proportion of the weights"),
    ]  # fmt: skip
    expect("the blend", call(answer, noises, weights), summed / length, mistakes)
    alone = call(answer, noises, np.array([0.0, 0.0, 2.0, 0.0]))
    expect("the blend with one weight that is not zero", alone, noises[2])


def _examine_undo(answer):
    schedule = Schedule("flow", T)
    oracle = GaussianDenoiser(schedule, 0.3, 0.5)
    z_t, s, t = np.random.default_rng(4).normal(0.1, 0.9, (6, 3)), 16, 24
    (state,) = ddim(oracle, schedule, z_t, [(t, s)], None)
    z_s = state.z
    ratio, change = schedule.signal[t] / schedule.signal[s], schedule.sigma[t] - schedule.sigma[s]

    def step_up(z, at):
        return ratio * z_s + schedule.signal[t] * change * oracle(z, at)[1]

    def repeated(at, start, times):
        z = start
        for _ in range(times):
            z = step_up(z, at)
        return z

    found = call(answer, oracle, schedule, z_s, s, t)
    mistakes = [
        (step_up(z_s, s), "this is ddim upwards, as encode does: eps_hat is that of z_s, and should be that of z_t"),
        (step_up(z_s, t), "one round is not enough: put the new z_t into the denoiser and repeat"),
        (step_up(ratio * z_s, t), "one round is not enough: put the new z_t into the denoiser and repeat"),
        (step_up(step_up(z_s, s), t), "one round is not enough: put the new z_t into the denoiser and repeat"),
        (z_s, "nothing has happened to z_s yet"),
        (repeated(s, z_s, 100), "z_t is a guess of step t: ask the denoiser about it at t, not at s"),
        (repeated(t, z_s, 100) / schedule.signal[t], "this is z_bar: z = signal times z_bar, at step t"),
        (repeated(t, z_s, 100) / ratio, "z_bar is multiplied by the signal of s: at step t it is signal[t]"),
    ]  # fmt: skip
    expect("z_t", found, z_t, mistakes)


EXERCISES = (
    Exercise("ex10_1", "towards one, away from another", 2, "steer", _examine_steer),
    Exercise("ex10_2", "paste the noisy image", 2, "paste", _examine_paste),
    Exercise("ex10_3", "how much of an image stays", 3, "what_stays", _examine_what_stays),
    Exercise("ex10_4", "between many noises", 2, "blend", _examine_blend),
    Exercise("ex10_5", "a step undone exactly", 3, "undo_ddim", _examine_undo),
)
