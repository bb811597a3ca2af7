"""Solutions of the exercises of `tutorials/09_sampling.ipynb`."""

import math


# Equation (1) holds at t and at s with the same x0_hat and eps_hat. Multiply each by the noise of the other and
# subtract: eps_hat cancels.
def guess_between(z_t, z_s, signal_t, noise_t, signal_s, noise_s):
    return (noise_t * z_s - noise_s * z_t) / (signal_s * noise_t - signal_t * noise_s)


# Equation (2) is the largest standard deviation of fresh noise, and eta its fraction. Variances add up.
def noise_factors(sigma_t, sigma_s, noise_s, eta):
    fresh = eta * noise_s * math.sqrt(1 - (sigma_s / sigma_t) ** 2)
    old = math.sqrt(noise_s**2 - fresh**2)
    return old, fresh


# Half a step to evaluate the slope there, and then the whole step from its start.
def midpoint(slope, z_bar, sigma_t, sigma_s):
    h = sigma_s - sigma_t
    half_way = z_bar + h / 2 * slope(z_bar, sigma_t)
    return z_bar + h * slope(half_way, sigma_t + h / 2)


# The line through both slopes rises by (slope - slope_before) / h_before per sigma, and the middle is h / 2 away. For
# steps of equal length this is the Adams-Bashforth method, 1.5 slope - 0.5 slope_before.
def look_back(z_bar, slope_before, slope, sigma_before, sigma_t, sigma_s):
    h, h_before = sigma_s - sigma_t, sigma_t - sigma_before
    middle = slope + h / 2 * (slope - slope_before) / h_before
    return z_bar + h * middle


# A step from T to 0 gives x0_hat, since signal is 1 and noise 0 there. For normal data of mean 0 the exact denoiser is
# x0_hat = signal d^2 / (signal^2 d^2 + noise^2) z, and z has the standard deviation noise.
def deviation_after_one_step(signal, noise, d):
    return signal * d**2 / (signal**2 * d**2 + noise**2) * noise


# n steps have the error `error (steps / n)^p`. Set it to the target, solve for n, and round up.
def steps_needed(p, steps, error, target):
    return math.ceil(steps * (error / target) ** (1 / p))
