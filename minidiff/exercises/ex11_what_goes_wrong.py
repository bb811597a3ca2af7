"""The exercises of `tutorials/11_what_goes_wrong.ipynb`: measure mistakes, correct them, and tell them apart.

Answers are compared with the library's schedules, with explicit sums and products, and with invented runs.
"""

import math
from typing import Any

import numpy as np

from minidiff.exercises.exercise import Wrong, exercise
from minidiff.exercises.expecting import as_array, call, expect
from minidiff.schedule import Schedule

HEALTHY = {
    "lowest": -1.0, "highest": 1.0, "growing": 1.0, "final_signal": 0.01, "reaction": 0.35,
    "oracle": 0.0002, "spread": 0.88, "last_step": 0.0, "raw_loss": 1.0, "length": 1.2,
}  # fmt: skip
RUNS: tuple[tuple[str, dict[str, float], str], ...] = (  # the mistake, its effect on the measurements, a hint
    ("nothing", {}, "all of its measurements are normal"),
    ("nothing", {"final_signal": 0.03, "highest": 0.97, "length": 1.6, "spread": 1.04}, "all are nearly normal"),
    ("short schedule", {"final_signal": 0.6}, "final_signal should be 0.05 or less"),
    ("short schedule", {"final_signal": 0.12, "reaction": 0.2}, "final_signal should be 0.05 or less"),
    ("reversed schedule", {"growing": 0.0, "final_signal": 1.0, "oracle": 80.0, "spread": 0.04, "last_step": 4.0},
     "if growing is 0, the signal at T and the samples are wrong for that reason"),
    ("wrong pixels", {"lowest": 0.0, "highest": 255.0, "reaction": 0.3}, "pixels should be in [-1, 1]"),
    ("wrong pixels", {"lowest": 0.0, "highest": 1.0}, "pixels in [0, 1] are within [-1, 1], and still wrong"),
    ("no time input", {"reaction": 0.0}, "its prediction does not depend on t at all"),
    ("wrong sampler", {"spread": 0.004}, "with an oracle its samples are nearly identical"),
    ("wrong sampler", {"spread": 2.6, "reaction": 0.2}, "with an oracle its samples spread far too much"),
    ("wrong sampler", {"oracle": 0.4}, "with the oracle its samples are none of the images, and its end is exact"),
    ("noise at the last step", {"oracle": 0.1, "last_step": 0.4},
     "it fails the oracle because z and x0_hat differ at the end: the last step distinguishes it from a wrong sampler"),
    ("no average", {"raw_loss": 1.2}, "the parameters for sampling have a loss 20 % above that of the average"),
    ("learning rate", {"length": 40.0, "reaction": 0.3}, "its parameters have grown to 40 times their length"),
)  # fmt: skip
NORMAL = {
    "lowest": (-1.0, -0.96), "highest": (0.95, 1.0), "growing": (1.0, 1.0), "final_signal": (0.002, 0.03),
    "reaction": (0.1, 0.6), "oracle": (0.0, 0.003), "spread": (0.8, 1.1), "last_step": (0.0, 0.0),
    "raw_loss": (0.98, 1.02), "length": (0.8, 1.8),
}  # fmt: skip
RANGES: tuple[tuple[str, dict[str, tuple[float, float]], str], ...] = (
    ("nothing", {}, "all of its measurements are normal"),
    ("short schedule", {"final_signal": (0.08, 0.9)}, "final_signal should be 0.05 or less"),
    ("reversed schedule", {"growing": (0.0, 0.0), "final_signal": (0.99, 1.0), "oracle": (0.5, 90.0),
                           "spread": (0.01, 3.0), "last_step": (0.0, 5.0)},
     "if growing is 0, the signal at T and the samples are wrong for that reason"),
    ("wrong pixels", {"lowest": (0.0, 0.1), "highest": (150.0, 255.0)}, "pixels should be in [-1, 1]"),
    ("wrong pixels", {"lowest": (0.0, 0.1)}, "pixels in [0, 1] are within [-1, 1], and still wrong"),
    ("no time input", {"reaction": (0.0, 0.0)}, "its prediction does not depend on t at all"),
    ("wrong sampler", {"spread": (0.0, 0.3)}, "with an oracle its samples are too much alike"),
    ("wrong sampler", {"spread": (2.0, 9.0)}, "with an oracle its samples spread far too much"),
    ("wrong sampler", {"oracle": (0.1, 3.0)}, "with the oracle its samples are none of the images, its end is exact"),
    ("noise at the last step", {"oracle": (0.06, 0.2), "last_step": (0.03, 0.6)},
     "z and x0_hat differ at the end, which is also why it fails the oracle: it is not a wrong sampler"),
    ("noise at the last step", {"last_step": (0.03, 0.6)}, "z and x0_hat differ at the end"),
    ("no average", {"raw_loss": (1.1, 2.0)}, "the loss of its parameters for sampling is too far above the average's"),
    ("learning rate", {"length": (5.0, 60.0)}, "its parameters have grown too much"),
)  # fmt: skip
NAMES = tuple(dict.fromkeys(name for name, _, _ in RUNS))


def _final_signal(first: float, last: float, T: int) -> float:
    """signal[T] of a schedule of betas: the root of the product of 1 - beta."""
    return math.sqrt(math.prod(1 - beta for beta in np.linspace(first, last, T).tolist()))


@exercise("ex11_1", "the shortest schedule that ends in noise", points=2)
def _check_shortest_T(answer: Any) -> None:
    for first, last, largest in (
        (0.01, 0.5, 0.001), (1e-4, 0.02, 0.05), (0.05, 0.05, 0.3), (0.3, 0.02, 0.01), (0.2, 0.9, 0.9),
    ):  # fmt: skip
        found = as_array("T", call(answer, first, last, largest))
        right = next(T for T in range(1, 2000) if _final_signal(first, last, T) <= largest)
        squared = next(T for T in range(1, 2000) if _final_signal(first, last, T) ** 2 <= largest)
        mean = math.ceil(2 * math.log(largest) / math.log(1 - (first + last) / 2))
        if found.size == 1 and abs(found - squared) <= 2 < abs(right - squared) - 2:  # about half of the right T
            raise Wrong("this is where the product, alpha_bar, is small enough: the signal is its square root")
        mistakes = [
            (mean, "nearly, but with the mean of the betas for all of them: multiply the 1 - beta themselves"),
            (right - 1, "one timestep too few: at this T the signal is still above the limit"),
            (right + 1, "one timestep too many: with one less the signal is below the limit, too"),
        ]
        expect("T", found, right, mistakes)


@exercise("ex11_2", "the loss before the first optimizer step", points=2)
def _check_first_loss(answer: Any) -> None:
    for name, T, timesteps, mean_square in (
        ("linear", 200, [3, 60, 111, 200], 0.7), ("flow", 50, [1, 30], 0.25), ("cosine", 90, [[5, 40], [77, 90]], 1.3),
        ("variance_exploding", 60, [20, 35, 50], 0.9),
    ):  # fmt: skip
        _compare_losses(answer, Schedule(name, T), np.array(timesteps), mean_square)


def _compare_losses(answer: Any, schedule: Schedule, t: np.ndarray, mean_square: float) -> None:
    """One comparison of `_check_first_loss`, with the closed form for each target."""
    signal, noise = schedule.signal[t], schedule.noise[t]
    power = signal**2 + noise**2
    right = {
        "noise": np.ones(t.shape),
        "velocity": signal**2 * (signal**2 + noise**2 * mean_square) / power**2,
        "image": signal**2 / noise**2 * mean_square,
        "flow": signal**2 / (signal + noise) ** 2 * (1 + mean_square),
    }
    square = {"velocity": (signal**2 + noise**2 * mean_square) / power, "image": np.full(t.shape, mean_square),
              "flow": np.full(t.shape, 1 + mean_square)}  # fmt: skip
    for name in ("noise", "image", "velocity", "flow"):
        mistakes = []
        if name in square:
            scale = schedule.error_scales(name, t)[1]
            mistakes = [
                (square[name], f"for {name} this is the mean square of y: the loss is reported on the noise scale"),
                (square[name] * scale, f"for {name} the scale has to be squared: it multiplies the error"),
                (right[name] / mean_square, f"for {name} the mean square of x0 is missing, or misplaced"),
                (square[name] * schedule.error_scales(name, t)[0] ** 2, f"for {name} this is the error of x0_hat"),
            ]
        if name == "flow":
            hint = "for flow this holds on the flow schedule only, where signal + noise = 1: use schedule.error_scales"
            mistakes.append((signal**2 * (1 + mean_square), hint))
        expect(f"the loss for {name}", call(answer, schedule, name, t, mean_square), right[name], mistakes)


@exercise("ex11_3", "samples that are too smooth", points=2)
def _check_eta_step(answer: Any) -> None:
    rng = np.random.default_rng(11)
    for name, shape, t, s, eta in (
        ("flow", (2, 4, 3, 1), 90, 60, 1.0), ("cosine", (5,), 60, 25, 0.6), ("flow", (3, 2), 30, 0, 1.0),
        ("variance_exploding", (1, 2, 2, 3), 50, 20, 0.0), ("linear", (4, 1), 100, 80, 0.3),
    ):  # fmt: skip
        schedule = Schedule(name, 100)
        x0_hat, eps_hat, eps = rng.normal(size=(3, *shape))
        fresh = eta * schedule.posterior(t, s)[2]
        signal_s, noise_s, noise_t = schedule.signal[s], schedule.noise[s], schedule.noise[t]
        old, noisy = (math.sqrt(max(noise**2 - fresh**2, 0)) for noise in (noise_s, noise_t))

        def step(
            old: float, signal: float = signal_s, fresh_eps: np.ndarray = fresh * eps, hats: tuple = (x0_hat, eps_hat)
        ) -> np.ndarray:
            return signal * hats[0] + old * hats[1] + fresh_eps

        mistakes = [
            (step(noise_s), "fresh noise is added to all of the old noise: the sum is too much"),
            (step(noise_s - fresh), "standard deviations do not add: variances do, old^2 + fresh^2 = noise[s]^2"),
            (step(math.sqrt(noise_s**2 + fresh**2)), "a sign: old^2 is noise[s]^2 minus fresh^2"),
            (step(noisy), "the noise at the end of the step is noise[s], not noise[t]"),
            (step(old, signal=schedule.signal[t]), "the signal at the end of the step is signal[s], not signal[t]"),
            (step(old, fresh_eps=fresh * eps_hat), "the fresh noise should be eps, and not eps_hat once more"),
            (step(noise_s, fresh_eps=np.zeros_like(eps)), "without fresh noise this is plain DDIM: eta is not used"),
        ]
        if noise_s == 0:  # at s = 0 most mistakes give the image, which is right
            mistakes = mistakes[4:5]
        found = call(answer, schedule, x0_hat, eps_hat, eps, t, s, eta)
        expect(f"z at eta = {eta}, from {t} to {s},", found, step(old), mistakes)


@exercise("ex11_4", "a moving average that is too slow", points=2)
def _check_share_of_start(answer: Any) -> None:
    for decay, steps, warm_up in (
        (0.9999, 320, False), (0.98, 5, False), (0.9999, 320, True), (0.9, 150, True), (0.5, 1, False),
        (0.995, 3, True), (0.15, 4, True),
    ):  # fmt: skip
        keep = [min(decay, (1 + n) / (10 + n)) for n in range(steps + 1)]  # with warm-up
        if warm_up:
            right = math.prod(keep[:steps])
            mistakes = [
                (decay**steps, "this is the fraction without warm-up: with warm_up, keep is not the decay at first"),
                (keep[steps - 1], "one factor only: each step multiplies the fraction by its own keep"),
                (keep[steps - 1] ** steps, "the last keep for all steps: keep grows from step to step"),
                (math.prod(keep[1:]), "n is the number of steps before, so the first keep is that of n = 0, 1 / 10"),
                (math.prod((1 + n) / (10 + n) for n in range(steps)), "keep never exceeds decay: take the minimum"),
            ]
        else:
            right = decay**steps
            mistakes = [
                (1 - right, "this is the fraction of all later parameters: the start has the rest"),
                ((1 - decay) ** steps, "each step keeps decay, and adds 1 - decay"),
                (1 - steps * (1 - decay), "the fraction does not fall by the same amount, but by the same factor"),
                (decay ** (steps + 1), "one step too many"),
                (decay, "one step only: each of them multiplies the fraction by decay"),
                (math.prod(keep[:steps]), "without warm_up keep is decay"),
            ]
        name = f"the fraction (decay {decay}, {steps} steps, warm_up {warm_up})"
        expect(name, call(answer, decay, steps, warm_up), right, mistakes, tolerance=1e-7)


@exercise("ex11_5", "diagnosis of a run", points=3)
def _check_diagnose(answer: Any) -> None:
    for name, measured, reason in (*RUNS, *_more_runs(np.random.default_rng(5))):
        found = call(answer, {**HEALTHY, **measured})
        if not isinstance(found, str) or str.__str__(found) not in NAMES:
            raise Wrong(f"the answer should be one of the names {', '.join(NAMES)}, not {str(found)[:40]!r}")
        if str.__str__(found) != name:
            changes = {key: value for key, value in measured.items() if not _is_normal(key, value)}
            shown = ", ".join(f"{key} {value:.3g}" for key, value in changes.items()) or "nothing unusual"
            raise Wrong(f"the diagnosis of a run with {shown} was {str.__str__(found)!r}: {reason}")


def _is_normal(key: str, value: float) -> bool:
    lowest, highest = NORMAL[key]
    return lowest <= value <= highest


def _more_runs(rng: np.random.Generator) -> list[tuple[str, dict[str, float], str]]:
    """Ten runs for each mistake, with random measurements, as `RUNS`; none is close to a limit of section 11."""
    runs = []
    for name, ranges, reason in RANGES:
        for _ in range(10):
            drawn = {key: float(rng.uniform(*limits)) for key, limits in {**NORMAL, **ranges}.items()}
            runs.append((name, drawn, reason))
    return runs
