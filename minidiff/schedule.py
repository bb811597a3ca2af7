"""The process: how an image turns into noise, step by step, and the algebra that leads back.

There is one formula. An image x0 and standard normal noise eps of the same shape give, at time t,

    z_t = signal[t] x0 + noise[t] eps                                              (the forward process)

and a *schedule* is nothing but the two arrays `signal` and `noise`, at the times t = 0, 1, ..., T. At t = 0 the
image is clean: signal 1, noise 0. At t = T it must be noise: a schedule whose signal[T] is not small is refused,
because generation starts from pure noise, and a network that never saw any would not know what to do with it.

A schedule is first a curve over the time u in [0, 1] (`curves.py`) and only then T steps of it, so any T will do.

What a network predicts is its *target*, one more mixture of the same two, y = a x0 + b eps:

    noise      y = eps                           a = 0                b = 1                (Ho et al., 2020)
    image      y = x0                            a = 1                b = 0
    velocity   y = (signal eps - noise x0) / r   a = -noise[t] / r    b = signal[t] / r    (Salimans and Ho, 2022)
    flow       y = eps - x0                      a = -1               b = 1                (Lipman et al., 2023)

with r = sqrt(signal^2 + noise^2), which is 1 for the schedules that velocity was invented for.

From z and a prediction of y, two equations in two unknowns, follow x0_hat and eps_hat, by Cramer's rule. Everything
that generates (`sampling.py`) asks only for these two, so it works with any schedule and any target.

The sizes of signal and noise do not matter on their own, only their ratio does, the *noise level* sigma. Its logarithm,
log_sigma = ln(noise / signal), is what the network is told about t; the literature's log-SNR is -2 log_sigma.

Read more: `tutorials/02_noise.ipynb`; Kingma et al., "Variational Diffusion Models", 2021.
"""

from statistics import NormalDist

import numpy as np

from minidiff.curves import CURVES, levels
from minidiff.errors import MinidiffError

LARGEST_FINAL_SIGNAL = 0.05  # a schedule with more signal than this at t = T does not end in noise
SCHEDULES = tuple(CURVES)
TARGETS = ("flow", "noise", "image", "velocity")
TIME_DISTRIBUTIONS = ("log_normal", "uniform", "logit_normal")


class Schedule:
    """signal[t] and noise[t] for t = 0 .. T.

    Args:
        name: "flow", "cosine", "linear", "sigmoid" or "variance_exploding".
        T: number of steps, 1 or more.
        shift: multiplies every noise level; more than 1 for large images, see `curves.levels`.

    Attributes:
        signal, noise: float64 (T + 1,); index 0 is clean.
        sigma: the noise level, noise / signal, float64 (T + 1,).
        log_sigma: ln(noise / signal), float64 (T + 1,); minus infinity at 0.
        log_snr: the logarithm of the signal-to-noise ratio, -2 log_sigma, float64 (T + 1,); infinity at 0.
        input_scale: 1 / sqrt(signal^2 + noise^2), float64 (T + 1,). A network is shown z times this: then all schedules
            look alike to it, and what it sees depends on log_sigma alone.

    Raises:
        MinidiffError: an unknown name, T below 1, or a curve that does not end in noise.
    """

    def __init__(self, name="flow", T=1000, shift=1.0):
        if T < 1:
            raise MinidiffError(f"a schedule needs at least one step, T = {T} has none")
        self.name, self.T, self.shift = name, T, shift
        self.signal, self.noise = levels(name, np.arange(T + 1) / T, shift)
        check_is_schedule(self.signal, self.noise)
        self.sigma = self.noise / self.signal
        with np.errstate(divide="ignore"):
            self.log_sigma = np.log(self.sigma)
        self.log_snr = -2 * self.log_sigma
        self.input_scale = 1 / np.hypot(self.signal, self.noise)

    def add_noise(self, x0, eps, t):
        """The forward process: z_t = signal[t] x0 + noise[t] eps.

        Args:
            x0: clean images in [-1, 1], (N, ...).
            eps: standard normal noise of the same shape.
            t: step of each image, int (N,), or one int for all.

        Returns:
            z, of x0's shape and dtype.
        """
        return self._at(self.signal, t, x0) * x0 + self._at(self.noise, t, x0) * eps

    def add_more_noise(self, z, eps, t, t_up):
        """The forward process from one step to a noisier one (Kingma et al., 2021, appendix A.1).

        Args:
            z: noisy images at step t, (N, ...).
            eps: fresh standard normal noise of the same shape.
            t, t_up: steps, 0 <= t < t_up <= T.

        Returns:
            z at step t_up, of z's shape and dtype; distributed as if x0 had been noised to t_up at once.
        """
        ratio = self.signal[t_up] / self.signal[t]
        deviation = np.sqrt(self.noise[t_up] ** 2 - (ratio * self.noise[t]) ** 2)
        return float(ratio) * z + float(deviation) * eps

    def target(self, target, x0, eps, t):
        """What a network with this target is to predict: y = a x0 + b eps.

        Args:
            target: "flow", "noise", "image" or "velocity".
            x0, eps, t: as in `add_noise`.

        Returns:
            y, of x0's shape and dtype.
        """
        a, b = self.target_coefficients(target, t)
        return per_example(a, x0) * x0 + per_example(b, x0) * eps

    def solve(self, target, z, y, t):
        """x0_hat and eps_hat from a noisy image and a prediction of the target: the two equations

            z = signal x0 + noise eps
            y =      a x0 +     b eps

        Args:
            target: what y is, "flow", "noise", "image" or "velocity".
            z: noisy images (N, ...).
            y: predictions, of z's shape.
            t: step of each image, int (N,), or one int for all; at least 1.

        Returns:
            x0_hat, eps_hat, of z's shape and dtype.
        """
        a, b = (per_example(coefficient, z) for coefficient in self.target_coefficients(target, t))
        signal, noise = self._at(self.signal, t, z), self._at(self.noise, t, z)
        determinant = signal * b - noise * a
        return (b * z - noise * y) / determinant, (signal * y - a * z) / determinant

    def error_scales(self, target, t):
        """By how much an error of the prediction y shows in x0_hat and in eps_hat; from the two lines of `solve`.

        Args:
            target: "flow", "noise", "image" or "velocity".
            t: step of each image, int (N,), or one int; at least 1.

        Returns:
            noise / determinant and signal / determinant, float64 of t's shape, as absolute values.
        """
        a, b = self.target_coefficients(target, t)
        determinant = np.abs(self.signal[t] * b - self.noise[t] * a)
        return self.noise[t] / determinant, self.signal[t] / determinant

    def target_coefficients(self, target, t):
        """(a, b) of a target, float64 arrays of t's shape; see the table at the top of this file."""
        signal, noise, scale = self.signal[t], self.noise[t], self.input_scale[t]
        zero, one = np.zeros_like(signal), np.ones_like(signal)
        table = {
            "noise": (zero, one),
            "image": (one, zero),
            "velocity": (-noise * scale, signal * scale),
            "flow": (-one, one),
        }
        if target not in table:
            raise MinidiffError(f"no target is called {target!r}; there are {', '.join(TARGETS)}")
        return table[target]

    def eps_from_x0(self, z, x0_hat, t):
        """The noise that is left if the image is x0_hat: eps = (z - signal x0) / noise."""
        return (z - self._at(self.signal, t, z) * x0_hat) / self._at(self.noise, t, z)

    def posterior(self, t, t_next):
        """Where a less noisy z_s lies when z_t and x0 are known, s = t_next < t: a normal distribution.

            mean = z_coefficient z_t + x0_coefficient x0,    standard deviation = deviation

        (Ho et al., 2020, eq. 6 and 7; for any s < t: Kingma et al., 2021, appendix A.2. Written with the ratio of the
        squared noise levels, sigma_s^2 / sigma_t^2, it is short: the more noise the step removes, the more x0 counts.)

        Args:
            t, t_next: steps, 0 <= t_next < t <= T.

        Returns:
            z_coefficient, x0_coefficient, deviation: floats.
        """
        ratio = (self.sigma[t_next] / self.sigma[t]) ** 2
        z_coefficient = self.signal[t_next] / self.signal[t] * ratio
        x0_coefficient = self.signal[t_next] * (1 - ratio)
        return float(z_coefficient), float(x0_coefficient), float(self.noise[t_next] * np.sqrt(1 - ratio))

    def draw_timesteps(self, u, distribution="log_normal"):
        """Steps for training, from uniform random numbers.

        "uniform": every step 1 .. T alike. "log_normal": ln(noise / signal) normal with mean 0 and deviation 1.2, so
        that most examples have about as much noise as signal, where there is most to learn (after Karras et al., 2022).
        "logit_normal": the middle of the time axis more often than its ends, t / T = 1 / (1 + exp(-n)) with n standard
        normal (Esser et al., 2024, eq. 19). On the flow schedule, where t / T is about noise / (signal + noise), that
        is log-normal with deviation 1.

        Args:
            u: uniform random numbers in [0, 1), (N,).
            distribution: "log_normal", "uniform" or "logit_normal".

        Returns:
            t, int64 (N,), from 1 to T.
        """
        if distribution not in TIME_DISTRIBUTIONS:
            names = ", ".join(TIME_DISTRIBUTIONS)
            raise MinidiffError(f"no distribution of timesteps is called {distribution!r}; there are {names}")
        u = np.asarray(u, np.float64)
        if distribution != "uniform":
            normal = NormalDist()
            n = np.array([normal.inv_cdf(number) for number in np.clip(u, 1e-12, 1 - 1e-12).tolist()])
            if distribution == "log_normal":
                return self.nearest_step(1.2 * n)
            u = 1 / (1 + np.exp(-n))
        return np.minimum(1 + np.floor(u * self.T).astype(np.int64), self.T)

    def nearest_step(self, log_sigma):
        """The step t >= 1 whose ln(noise / signal) lies nearest to each of the given ones; int64, of their shape."""
        middles = (self.log_sigma[1:-1] + self.log_sigma[2:]) / 2
        return 1 + np.searchsorted(middles, log_sigma)

    def _at(self, array, t, x):
        return per_example(array[t], x)


def check_is_schedule(signal, noise):
    """Refuses arrays that are no schedule: clean at 0, ever noisier, and noise at T.

    Args:
        signal, noise: (T + 1,).

    Raises:
        MinidiffError: naming what is wrong.
    """
    if signal[0] != 1 or noise[0] != 0:
        raise MinidiffError("a schedule must start clean: signal[0] = 1 and noise[0] = 0")
    if not (signal > 0).all() or not np.isfinite(noise).all() or not (np.diff(noise / signal) > 0).all():
        raise MinidiffError("a schedule must grow noisier at every step, in finite numbers, and keep some signal")
    share = signal[-1] / np.hypot(signal[-1], noise[-1])
    if share > LARGEST_FINAL_SIGNAL:
        raise MinidiffError(
            f"the schedule does not end in noise: at t = T the share of signal is still {share:.3f}, "
            f"more than {LARGEST_FINAL_SIGNAL}; make it noisier towards the end"
        )


def per_example(coefficient, x):
    """A coefficient for each example, shaped to multiply the examples and in their dtype.

    Args:
        coefficient: (N,), or one number for all.
        x: examples, (N, ...).

    Returns:
        Array (N, 1, ...) of x's dtype, or one number.
    """
    coefficient = np.asarray(coefficient, x.dtype)
    return coefficient.reshape(coefficient.shape + (1,) * (x.ndim - 1)) if coefficient.ndim else coefficient
