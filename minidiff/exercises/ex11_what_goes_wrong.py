"""The exercises of `tutorials/11_what_goes_wrong.ipynb`: mistakes to measure, to repair and to tell apart.

Answers are held to the library's own schedule equations, to sums and products done one by one, and to made-up runs.
"""

import math

import numpy as np

from minidiff.exercises.exercise import Exercise, Wrong
from minidiff.exercises.expecting import as_numbers, call, expect
from minidiff.schedule import Schedule

HEALTHY = {
    "lowest": -1.0,
    "highest": 1.0,
    "growing": 1.0,
    "final_signal": 0.01,
    "reaction": 0.35,
    "oracle": 0.0002,
    "spread": 0.88,
    "last_step": 0.0,
    "raw_loss": 1.0,
    "length": 1.2,
}
RUNS = (  # what is wrong, what it does to the measurements, and what the student may have overlooked
    ("nothing", {}, "all of its measurements are sound"),
    ("nothing", {"final_signal": 0.03, "highest": 0.97, "length": 1.6, "spread": 1.04}, "all are near sound"),
    ("short schedule", {"final_signal": 0.6}, "final_signal should be 0.05 or less"),
    ("short schedule", {"final_signal": 0.12, "reaction": 0.2}, "final_signal should be 0.05 or less"),
    ("reversed schedule", {"growing": 0.0, "final_signal": 1.0, "oracle": 80.0, "spread": 0.04, "last_step": 4.0},
     "where growing is 0, the signal at T and what is drawn are wrong for that reason"),
    ("wrong pixels", {"lowest": 0.0, "highest": 255.0, "reaction": 0.3}, "pixels belong into [-1, 1]"),
    ("wrong pixels", {"lowest": 0.0, "highest": 1.0}, "pixels in [0, 1] are inside of [-1, 1], and still wrong"),
    ("no time input", {"reaction": 0.0}, "its answer does not react to t at all"),
    ("wrong sampler", {"spread": 0.004}, "with an oracle its sampler draws nearly the same number every time"),
    ("wrong sampler", {"spread": 2.6, "reaction": 0.2}, "with an oracle its sampler spreads far too much"),
    ("wrong sampler", {"oracle": 0.4}, "with the oracle its sampler draws none of the images, and its end is exact"),
    ("noise at the last step", {"oracle": 0.1, "last_step": 0.4},
     "it fails the oracle because z and x0_hat differ at the end: the last step tells it from a wrong sampler"),
    ("no average", {"raw_loss": 1.2}, "the parameters it draws with have a loss 20 % above that of the average"),
    ("learning rate", {"length": 40.0, "reaction": 0.3}, "its parameters have grown to 40 times their length"),
)  # fmt: skip
NAMES = tuple(dict.fromkeys(name for name, _, _ in RUNS))


def final_signal(first, last, T):
    """signal[T] of a schedule made of betas: the root of the product of 1 - beta."""
    return math.sqrt(math.prod(1 - beta for beta in np.linspace(first, last, T).tolist()))


def _examine_shortest(answer):
    for first, last, largest in ((0.01, 0.5, 0.001), (1e-4, 0.02, 0.05)):
        found = as_numbers("T", call(answer, first, last, largest))
        right = next(T for T in range(1, 2000) if final_signal(first, last, T) <= largest)
        squared = next(T for T in range(1, 2000) if final_signal(first, last, T) ** 2 <= largest)
        mean = math.ceil(2 * math.log(largest) / math.log(1 - (first + last) / 2))
        if found.shape == () and abs(found - squared) <= 2:  # about half of what is right
            raise Wrong("this is where the product, alpha_bar, is small enough: the signal is its square root")
        mistakes = [
            (mean, "near, but with the mean of the betas for all of them: multiply the 1 - beta themselves"),
            (right - 1, "one step too few: at this T the signal is still above the limit"),
            (right + 1, "one step too many: with one less the limit is kept, too"),
        ]
        expect("T", found, right, mistakes)


def _examine_first_loss(answer):
    schedule, t, mean_square = Schedule("linear", 200), np.array([3, 60, 111, 200]), 0.7
    signal, noise = schedule.signal[t], schedule.noise[t]
    right = {
        "noise": np.ones(4),
        "velocity": signal**2 * (signal**2 + noise**2 * mean_square),
        "image": signal**2 / noise**2 * mean_square,
        "flow": signal**2 / (signal + noise) ** 2 * (1 + mean_square),
    }
    square = {"velocity": signal**2 + noise**2 * mean_square, "image": mean_square * np.ones(4),
              "flow": (1 + mean_square) * np.ones(4)}  # fmt: skip
    scale = {name: schedule.error_scales(name, t)[1] for name in right}
    for name in ("noise", "image", "velocity", "flow"):
        mistakes = []
        if name in square:
            mistakes = [
                (square[name], f"for {name} this is the mean square of y: the loss is reported on the noise scale"),
                (square[name] * scale[name], f"for {name} the scale has to be squared: it multiplies the error"),
                (
                    right[name] / mean_square,
                    f"for {name} the mean square of x0 is missing, or where it does not belong",
                ),
            ]
        if name == "flow":
            mistakes.append((signal**2 * (1 + mean_square), "for flow this holds on the flow schedule only, where "
                             "signal + noise = 1: use schedule.error_scales"))  # fmt: skip
        expect(f"the loss for {name}", call(answer, schedule, name, t, mean_square), right[name], mistakes)


def _examine_step(answer):
    schedule = Schedule("flow", 100)
    rng = np.random.default_rng(11)
    x0_hat, eps_hat, eps = rng.normal(size=(3, 2, 4, 3, 1))
    for t, s, eta in ((90, 60, 1.0), (60, 25, 0.6), (30, 0, 1.0), (50, 20, 0.0)):
        fresh = eta * schedule.posterior(t, s)[2]
        signal, noise, noise_t = schedule.signal[s], schedule.noise[s], schedule.noise[t]
        right = signal * x0_hat + math.sqrt(noise**2 - fresh**2) * eps_hat + fresh * eps
        full = noise * eps_hat + fresh * eps
        mistakes = [
            (signal * x0_hat + full, "the old noise is taken whole and fresh noise is added to it: together too much"),
            (signal * x0_hat + (noise - fresh) * eps_hat + fresh * eps,
             "deviations do not add: of independent noises the squares do, old^2 + fresh^2 = noise[s]^2"),
            (signal * x0_hat + math.sqrt(noise**2 + fresh**2) * eps_hat + fresh * eps,
             "a sign: old^2 is what is left of noise[s]^2 when fresh^2 is taken away"),
            (signal * x0_hat + math.sqrt(max(noise_t**2 - fresh**2, 0)) * eps_hat + fresh * eps,
             "the noise at the end of the step is noise[s], not noise[t]"),
            (schedule.signal[t] * x0_hat + math.sqrt(noise**2 - fresh**2) * eps_hat + fresh * eps,
             "the signal at the end of the step is signal[s], not signal[t]"),
            (signal * x0_hat + math.sqrt(noise**2 - fresh**2) * eps_hat + fresh * eps_hat,
             "the fresh noise has to be fresh: eps, and not eps_hat once more"),
            (signal * x0_hat + noise * eps_hat, "without any fresh noise this is plain ddim: eta is not used"),
        ]  # fmt: skip
        if noise == 0:  # at s = 0 most mistakes give the image, as they should
            mistakes = mistakes[4:5]
        expect(f"z at eta = {eta}, from {t} to {s},", call(answer, schedule, x0_hat, eps_hat, eps, t, s, eta), right,
               mistakes)  # fmt: skip


def _examine_share(answer):
    for decay, steps, warm_up in ((0.9999, 320, False), (0.98, 5, False), (0.9999, 320, True), (0.9, 150, True)):
        if warm_up:
            right = math.prod(min(decay, (1 + n) / (10 + n)) for n in range(steps))
            one_late = math.prod(min(decay, (1 + n) / (10 + n)) for n in range(1, steps + 1))
            mistakes = [
                (decay**steps, "this is the share without the slow start: decay is used where warm_up says not to"),
                (min(decay, steps / (9 + steps)), "one factor only: each step multiplies the share by its own keep"),
                (min(decay, steps / (9 + steps)) ** steps, "the last keep for all steps: keep grows from step to step"),
                (one_late, "n is the number of steps done before, so the first keep is that of n = 0, 1 / 10"),
                (math.prod((1 + n) / (10 + n) for n in range(steps)), "keep never exceeds decay: take the minimum"),
            ]
        else:
            right = decay**steps
            mistakes = [
                (1 - right, "this is the share of all that came later: what is left of the start is the rest"),
                ((1 - decay) ** steps, "each step keeps decay, and lets in 1 - decay"),
                (1 - steps * (1 - decay), "shares do not fall by the same amount, but by the same factor"),
                (decay ** (steps + 1), "one step too many"),
                (decay, "one step only: each of them multiplies the share by decay"),
                (math.prod(min(decay, (1 + n) / (10 + n)) for n in range(steps)), "without warm_up keep is decay"),
            ]
        expect(f"the share (decay {decay}, {steps} steps, warm_up {warm_up})", call(answer, decay, steps, warm_up),
               right, mistakes, tolerance=1e-9)  # fmt: skip


def _examine_diagnosis(answer):
    for name, changes, reason in RUNS:
        found = call(answer, {**HEALTHY, **changes})
        if not isinstance(found, str) or found not in NAMES:
            raise Wrong(f"the answer should be one of the names {', '.join(NAMES)}, not {str(found)[:40]!r}")
        if found != name:
            shown = ", ".join(f"{key} {number:g}" for key, number in changes.items()) or "nothing unusual"
            raise Wrong(f"a run with {shown} was taken for {found!r}: {reason}")


EXERCISES = (
    Exercise("ex11_1", "how many steps end in noise", 2, "shortest_T", _examine_shortest),
    Exercise("ex11_2", "the loss before the first step", 2, "first_loss", _examine_first_loss),
    Exercise("ex11_3", "images too smooth", 2, "eta_step", _examine_step),
    Exercise("ex11_4", "an average that forgets too slowly", 2, "share_of_start", _examine_share),
    Exercise("ex11_5", "the doctor", 3, "diagnose", _examine_diagnosis),
)
