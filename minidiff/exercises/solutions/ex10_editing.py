"""Solutions of the exercises of `tutorials/10_editing.ipynb`."""

import numpy as np


# Each difference says what its label is about. x0_hat and eps_hat are linear in each other for a fixed z, so x0_hat may
# be mixed, and eps_hat is what is left of z.
def steer(denoiser, z, t, wanted, unwanted, w, v):
    any_class, _ = denoiser(z, t, None)
    towards, _ = denoiser(z, t, wanted)
    away, _ = denoiser(z, t, unwanted)
    x0_hat = any_class + w * (towards - any_class) - v * (away - any_class)
    return x0_hat, denoiser.schedule.eps_from_x0(z, x0_hat, t)


# The known part comes from the forward process at the step where z has arrived, the hole from z.
def paste(schedule, z, image, mask, eps, t_next):
    return np.where(mask, z, schedule.signal[t_next] * image + schedule.noise[t_next] * eps)


# z = signal x0 + noise eps has mean signal x0 and deviation noise, and x is a straight line in z: the mean goes through
# the formula as it is, the deviation is multiplied by the slope. Little noise: mean x0; much: mean m, deviation d.
def what_stays(x0, signal, noise, m, d):
    slope = d / np.sqrt(signal**2 * d**2 + noise**2)
    return m + slope * signal * (x0 - m), slope * noise


# Variances of independent noises add up with the squares of the weights. For two noises at a right angle this is slerp:
# there the weights are a cosine and a sine, whose squares add up to 1.
def blend(noises, weights):
    return np.tensordot(weights / np.linalg.norm(weights), noises, axes=1)


# Guess z_t, ask what noise is in it, go up from z_s with that noise: a better z_t. Each round brings the guess nearer,
# by a factor that is smaller the shorter the step is.
def undo_ddim(denoiser, schedule, z_s, s, t):
    z_bar = z_s / schedule.signal[s]
    z_t = schedule.signal[t] * z_bar
    for _ in range(100):
        _, eps_hat = denoiser(z_t, t)
        z_t = schedule.signal[t] * (z_bar + (schedule.sigma[t] - schedule.sigma[s]) * eps_hat)
    return z_t
