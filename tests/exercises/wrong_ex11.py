"""Typical wrong answers to the exercises of notebook 11, each with words of its hint."""

import numpy as np

from minidiff.exercises.solutions.ex11_what_goes_wrong import diagnose, first_loss, shortest_T


def from_alpha_bar(first, last, largest):
    return next(T for T in range(1, 5000) if np.prod(1 - np.linspace(first, last, T)) <= largest)


def middle_beta_as_signal(first, last, largest):
    return int(np.ceil(np.log(largest) / np.log(1 - (first + last) / 2)))


def middle_beta(first, last, largest):
    return int(np.ceil(2 * np.log(largest) / np.log(1 - (first + last) / 2)))


def loss_changed(change):
    """The first loss with a mistake: a function of both coefficients, the scale of the error and the mean square."""

    def answer(schedule, target, t, mean_square):
        a, b = schedule.target_coefficients(target, t)
        return change(a, b, schedule.error_scales(target, t)[1], mean_square)

    return answer


def on_the_flow_schedule(schedule, target, t, mean_square):
    if target == "flow":
        return schedule.signal[t] ** 2 * (1 + mean_square)
    return first_loss(schedule, target, t, mean_square)


def step(old_noise=None, signal=None, fresh_noise=None):
    """A step from t to s with a mistake in the old noise, in the signal, or in the fresh noise."""

    def answer(schedule, x0_hat, eps_hat, eps, t, s, eta):
        fresh = eta * schedule.posterior(t, s)[2]
        noise = schedule.noise
        old = old_noise(noise[t], noise[s], fresh) if old_noise else np.sqrt(noise[s] ** 2 - fresh**2)
        size = schedule.signal[t] if signal == "t" else schedule.signal[s]
        return size * x0_hat + old * eps_hat + fresh * (eps_hat if fresh_noise == "old" else eps)

    return answer


def plain_ddim(schedule, x0_hat, eps_hat, eps, t, s, eta):
    return schedule.signal[s] * x0_hat + schedule.noise[s] * eps_hat


def keep_at(n, decay):
    return np.minimum(decay, (1 + n) / (10 + n))


def fraction(plain=None, warm=None):
    """The fraction of the start with a mistake in the formula without warm-up, or in that with it."""

    def answer(decay, steps, warm_up):
        if warm_up:
            return warm(decay, steps) if warm else np.prod(keep_at(np.arange(steps), decay))
        return plain(decay, steps) if plain else decay**steps

    return answer


def doctor(**changes):
    """The right diagnosis with some measurements ignored: replaced by these."""
    return lambda m: diagnose({**m, **changes})


def oracle_first(m):
    return "wrong sampler" if m["oracle"] > 0.05 else diagnose(m)


def signal_first(m):
    return "short schedule" if m["final_signal"] > 0.05 else diagnose(m)


def bytes_only(m):
    return diagnose({**m, "lowest": -1.0})


WRONG = {
    "ex11_1": [
        (from_alpha_bar, "square root"),
        (middle_beta_as_signal, "square root"),
        (middle_beta, "mean of the betas"),
        (lambda *betas: shortest_T(*betas) - 1, "too few"),
        (lambda *betas: shortest_T(*betas) + 1, "too many"),
        (lambda first, last, largest: None, "return"),
        (lambda first, last, largest: "1000", "real numbers"),
    ],
    "ex11_2": [
        (loss_changed(lambda a, b, scale, m: a**2 * m + b**2), "mean square of y"),
        (loss_changed(lambda a, b, scale, m: scale * (a**2 * m + b**2)), "squared"),
        (loss_changed(lambda a, b, scale, m: scale**2 * (a**2 + b**2)), "mean square of x0"),
        (on_the_flow_schedule, "flow schedule only"),
        (loss_changed(lambda a, b, scale, m: np.mean(scale**2 * (a**2 * m + b**2))), "shape"),
    ],
    "ex11_3": [
        (step(lambda noise_t, noise_s, fresh: noise_s - fresh), "standard deviations do not add"),
        (step(lambda noise_t, noise_s, fresh: noise_s), "too much"),
        (step(lambda noise_t, noise_s, fresh: np.sqrt(noise_s**2 + fresh**2)), "a sign"),
        (step(lambda noise_t, noise_s, fresh: np.sqrt(noise_t**2 - fresh**2)), "noise[t]"),
        (step(signal="t"), "signal[t]"),
        (step(fresh_noise="old"), "once more"),
        (plain_ddim, "eta is not used"),
    ],
    "ex11_4": [
        (fraction(plain=lambda decay, steps: 1 - decay**steps), "all later parameters"),
        (fraction(plain=lambda decay, steps: (1 - decay) ** steps), "adds 1 - decay"),
        (fraction(plain=lambda decay, steps: 1 - steps * (1 - decay)), "same amount"),
        (fraction(plain=lambda decay, steps: decay ** (steps + 1)), "one step too many"),
        (fraction(plain=lambda decay, steps: decay), "one step only"),
        (lambda decay, steps, warm_up: np.prod(keep_at(np.arange(steps), decay)), "without warm_up"),
        (lambda decay, steps, warm_up: decay**steps, "without warm-up"),
        (fraction(warm=lambda decay, steps: keep_at(steps - 1, decay)), "one factor"),
        (fraction(warm=lambda decay, steps: keep_at(steps - 1, decay) ** steps), "last keep"),
        (fraction(warm=lambda decay, steps: np.prod(keep_at(np.arange(1, steps + 1), decay))), "n = 0"),
        (fraction(warm=lambda decay, steps: np.prod(keep_at(np.arange(steps), 1))), "minimum"),
    ],
    "ex11_5": [
        (lambda m: "nothing", "0.05 or less"),
        (signal_first, "growing is 0"),
        (oracle_first, "growing is 0"),
        (doctor(last_step=0.0), "the last step distinguishes it"),
        (bytes_only, "within [-1, 1]"),
        (doctor(reaction=0.4), "does not depend on t"),
        (doctor(spread=0.9), "nearly identical"),
        (lambda m: diagnose({**m, "spread": min(m["spread"], 0.9)}), "too much"),
        (doctor(oracle=0.0), "none of the images"),
        (doctor(raw_loss=1.0), "20 % above"),
        (doctor(length=1.0), "have grown"),
        (lambda m: "ill", "names"),
        (lambda m: True, "names"),
    ],
}
