"""Solutions of the exercises of `tutorials/11_what_goes_wrong.ipynb`."""

import numpy as np


# Each step keeps 1 - beta of the squared signal, so signal[T] is the root of the product. The betas depend on T, so
# each T needs a product of its own; try one after the other.
def shortest_T(first, last, largest):
    T = 1
    while np.sqrt(np.prod(1 - np.linspace(first, last, T))) > largest:
        T += 1
    return T


# The error of a prediction of 0 is y = a x0 + b eps. x0 and eps are independent and eps has variance 1, so the mean
# square is a^2 mean_square + b^2; error_scales gives the ratio of the errors of eps_hat and of y.
def first_loss(schedule, target, t, mean_square):
    a, b = schedule.target_coefficients(target, t)
    _, eps_scale = schedule.error_scales(target, t)
    return eps_scale**2 * (a**2 * mean_square + b**2)


# The old noise and the fresh are independent, so their variances add: old^2 + fresh^2 = noise[s]^2. The wrong step
# added the standard deviations, and so at every timestep z had less noise than noise[s].
def eta_step(schedule, x0_hat, eps_hat, eps, t, s, eta):
    fresh = eta * schedule.posterior(t, s)[2]
    old = np.sqrt(schedule.noise[s] ** 2 - fresh**2)
    return schedule.signal[s] * x0_hat + old * eps_hat + fresh * eps


# Each step multiplies the average by its keep, so the fraction of the start is the product of all of them.
def share_of_start(decay, steps, warm_up):
    n = np.arange(steps)
    keep = np.minimum(decay, (1 + n) / (10 + n)) if warm_up else np.full(steps, decay)
    return np.prod(keep)


# In the order of causes: a reversed schedule and noise at the last step fail the oracle, too, so they come before the
# sampler.
def diagnose(m):
    if m["lowest"] > -0.9 or m["highest"] > 1.1:
        return "wrong pixels"
    if m["growing"] < 1:
        return "reversed schedule"
    if m["final_signal"] > 0.05:
        return "short schedule"
    if m["last_step"] > 0.01:
        return "noise at the last step"
    if m["oracle"] > 0.05 or not 0.5 < m["spread"] < 1.5:
        return "wrong sampler"
    if m["reaction"] < 0.01:
        return "no time input"
    if m["length"] > 3:
        return "learning rate"
    if m["raw_loss"] > 1.05:
        return "no average"
    return "nothing"
