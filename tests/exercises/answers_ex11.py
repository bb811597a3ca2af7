"""Answers to the exercises of notebook 11: wrong ones, each with words of its hint, and right ones in other styles."""

import math
from fractions import Fraction

import numpy as np

from minidiff.exercises.ex11_what_goes_wrong import HEALTHY, RUNS
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


class AlwaysEqual(str):
    """A text that claims to be equal to every other."""

    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    __hash__ = str.__hash__


def loss_of_x0(schedule, target, t, mean_square):
    a, b = schedule.target_coefficients(target, t)
    scale = schedule.error_scales(target, t)[0 if target == "flow" else 1]
    return scale**2 * (a**2 * mean_square + b**2)


def looked_up(m):
    """The runs of the check, recognized by their measurements."""
    for name, changes, _ in RUNS:
        if m == {**HEALTHY, **changes}:
            return name
    return "nothing"


def shortest_by_logarithms(first, last, largest):
    T = 1
    while np.log1p(-np.linspace(first, last, T)).sum() / 2 > math.log(largest):
        T = T + 1
    return T


def shortest_by_bisection(first, last, largest):
    def signal(T):
        return math.sqrt(math.prod((1 - np.linspace(first, last, T)).tolist()))

    low, high = 0, 1
    while signal(high) > largest:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if signal(middle) > largest else (low, middle)
    return np.array(high)


def loss_by_families(schedule, target, t, mean_square):
    signal, noise = schedule.signal[t], schedule.noise[t]
    power = signal**2 + noise**2
    return {
        "noise": 1 + 0 * signal,
        "image": mean_square * (signal / noise) ** 2,
        "velocity": (signal / power) ** 2 * (signal**2 + mean_square * noise**2),
        "flow": (1 + mean_square) / (1 + noise / signal) ** 2,
    }[target]


def loss_by_solving(schedule, target, t, mean_square):
    """The error of eps_hat is linear in x0 and in eps: solve for unit vectors."""
    parts = []
    for x0, eps in ((1.0, 0.0), (0.0, 1.0)):
        z = schedule.signal[t] * x0 + schedule.noise[t] * eps
        parts.append(schedule.solve(target, z.ravel(), np.zeros(z.size), np.ravel(t))[1].reshape(z.shape) - eps)
    return parts[0] ** 2 * mean_square + parts[1] ** 2


def share_in_a_loop(decay, steps, warm_up):
    share = 1.0
    for n in range(steps):
        share *= min(decay, (1 + n) / (10 + n)) if warm_up else decay
    return share


def share_by_an_average(decay, steps, warm_up):
    average = np.array([1.0, 0.0])  # of the start, of everything later
    for n in range(steps):
        keep = np.min([decay, (1 + n) / (10 + n)]) if warm_up else decay
        average = keep * average + (1 - keep) * np.array([0.0, 1.0])
    return average[0]


def diagnose_by_a_table(m):
    table = [
        ("wrong pixels", m["lowest"] >= -0.5 or m["highest"] > 1.5),
        ("reversed schedule", m["growing"] == 0),
        ("short schedule", m["final_signal"] > 0.06),
        ("no time input", m["reaction"] == 0),
        ("noise at the last step", m["last_step"] > 0),
        ("wrong sampler", m["oracle"] > 0.02 or abs(math.log(m["spread"] + 1e-9)) > 0.6),
        ("no average", m["raw_loss"] > 1.07),
        ("learning rate", m["length"] > 4),
    ]
    return next((name for name, found in table if found), "nothing")


def diagnose_by_alarms(m):
    """With the limits of section 11, from the last cause to the first."""
    name = "nothing"
    name = "learning rate" if m["length"] > 3 else name
    name = "no average" if m["raw_loss"] > 1.05 else name
    name = "wrong sampler" if m["oracle"] > 0.02 or not 0.5 < m["spread"] < 1.5 else name
    name = "noise at the last step" if m["last_step"] > 0.01 else name
    name = "no time input" if m["reaction"] < 0.01 else name
    name = "short schedule" if m["final_signal"] > 0.05 else name
    name = "reversed schedule" if m["growing"] < 1 else name
    return "wrong pixels" if not -1 <= m["lowest"] <= -0.9 or not 0.9 <= m["highest"] <= 1 else name


WRONG = {
    "ex11_1": [
        (from_alpha_bar, "square root"),
        (middle_beta_as_signal, "square root"),
        (middle_beta, "mean of the betas"),
        (lambda *betas: shortest_T(*betas) - 1, "too few"),
        (lambda *betas: shortest_T(*betas) + 1, "too many"),
        (lambda first, last, largest: None, "return"),
        (lambda first, last, largest: "1000", "real numbers"),
        (lambda first, last, largest: {0.001: 17}.get(largest, 100), "not right"),
    ],
    "ex11_2": [
        (loss_changed(lambda a, b, scale, m: a**2 * m + b**2), "mean square of y"),
        (loss_changed(lambda a, b, scale, m: scale * (a**2 * m + b**2)), "squared"),
        (loss_changed(lambda a, b, scale, m: scale**2 * (a**2 + b**2)), "mean square of x0"),
        (on_the_flow_schedule, "flow schedule only"),
        (loss_changed(lambda a, b, scale, m: np.mean(scale**2 * (a**2 * m + b**2))), "shape"),
        (lambda schedule, target, t, mean_square: first_loss(schedule, target, t, 0.7), "except for a factor"),
        (loss_of_x0, "error of x0_hat"),
    ],
    "ex11_3": [
        (step(lambda noise_t, noise_s, fresh: noise_s - fresh), "standard deviations do not add"),
        (step(lambda noise_t, noise_s, fresh: noise_s), "too much"),
        (step(lambda noise_t, noise_s, fresh: np.sqrt(noise_s**2 + fresh**2)), "a sign"),
        (step(lambda noise_t, noise_s, fresh: np.sqrt(noise_t**2 - fresh**2)), "noise[t]"),
        (step(signal="t"), "signal[t]"),
        (step(fresh_noise="old"), "once more"),
        (plain_ddim, "eta is not used"),
        (
            lambda schedule, x0_hat, eps_hat, eps, t, s, eta: step()(
                schedule, x0_hat, eps_hat, eps, t, s, min(eta, 0.6)
            ),
            "not right",
        ),
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
        (lambda decay, steps, warm_up: fraction()(decay, 320, warm_up), "not right"),
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
        (looked_up, "nothing"),
        (lambda m: diagnose({**m, "spread": 0.9 if 0.1 < m["spread"] < 2.6 else m["spread"]}), "too much"),
        (lambda m: "nothing" if m["length"] < 30 else diagnose(m), "0.05 or less"),
        (lambda m: diagnose({**m, "length": m["length"] / 12}), "grown too much"),
        (lambda m: AlwaysEqual("nothing"), "0.05 or less"),
    ],
}


RIGHT = {
    "ex11_1": [shortest_by_logarithms, shortest_by_bisection, lambda *given: float(shortest_by_bisection(*given))],
    "ex11_2": [
        loss_by_families,
        loss_by_solving,
        lambda *given: loss_by_families(*given).tolist(),
    ],
    "ex11_3": [
        step(lambda noise_t, noise_s, fresh: math.sqrt((noise_s - fresh) * (noise_s + fresh))),
        lambda schedule, x0_hat, eps_hat, eps, t, s, eta: (
            schedule.signal[s] * x0_hat
            + schedule.noise[s]
            * math.cos(a := math.asin(eta * math.sqrt(1 - (schedule.sigma[s] / schedule.sigma[t]) ** 2)))
            * eps_hat
            + schedule.noise[s] * math.sin(a) * eps
        ),
        lambda *given: step()(*given).astype(np.float32).tolist(),
    ],
    "ex11_4": [
        share_in_a_loop,
        share_by_an_average,
        lambda decay, steps, warm_up: (
            Fraction(decay) ** steps if not warm_up else math.prod(keep_at(n, decay) for n in range(steps))
        ),
    ],
    "ex11_5": [
        diagnose_by_a_table,
        diagnose_by_alarms,
        lambda m: np.str_(diagnose(m)),
    ],
}
