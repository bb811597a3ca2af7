"""Solutions of the exercises of `tutorials/10_editing.ipynb`."""

import numpy as np


# Each difference is the effect of its label on the estimate. For a fixed z, eps_hat follows from the combined x0_hat.
def steer(denoiser, z, t, wanted, unwanted, w, v):
    any_class, _ = denoiser(z, t, None)
    towards, _ = denoiser(z, t, wanted)
    away, _ = denoiser(z, t, unwanted)
    x0_hat = any_class + w * (towards - any_class) - v * (away - any_class)
    return x0_hat, denoiser.schedule.eps_from_x0(z, x0_hat, t)


# The known part is the forward process at t_next, the hole is z.
def paste(schedule, z, image, mask, eps, t_next):
    return np.where(mask, z, schedule.signal[t_next] * image + schedule.noise[t_next] * eps)


# z = signal x0 + noise eps has mean signal x0 and standard deviation noise, and x is linear in z: the formula maps the
# mean, and its slope multiplies the standard deviation. With little noise the mean is x0, with much noise m.
def what_stays(x0, signal, noise, m, d):
    slope = d / np.sqrt(signal**2 * d**2 + noise**2)
    return m + slope * signal * (x0 - m), slope * noise


# Variances of independent noises add up with the squares of the weights. For two orthogonal noises this is slerp: the
# weights are a cosine and a sine, whose squares add up to 1.
def blend(noises, weights):
    return np.tensordot(weights / np.linalg.norm(weights), noises, axes=1)


# Fixed-point iteration: estimate the noise in z_t, and compute a better z_t from z_s with it. Each round reduces the
# error by a factor, which is smaller for shorter steps.
def undo_ddim(denoiser, schedule, z_s, s, t):
    z_bar = z_s / schedule.signal[s]
    z_t = schedule.signal[t] * z_bar
    for _ in range(100):
        _, eps_hat = denoiser(z_t, t)
        z_t = schedule.signal[t] * (z_bar + (schedule.sigma[t] - schedule.sigma[s]) * eps_hat)
    return z_t
