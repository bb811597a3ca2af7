"""The forward process, which turns an image into noise, and the equations that recover the image and the noise.

An image x0 and standard normal noise eps of the same shape give the noised image at timestep t:

    z_t = signal[t] x0 + noise[t] eps                                              (forward process)

A *schedule* is the two arrays `signal` and `noise` at the timesteps t = 0, 1, ..., T. At t = 0 the image is clean:
signal 1, noise 0. At t = T the signal must be small compared with the noise, because sampling starts from pure noise;
how small depends on the images (`sufficient_sigma_max`). The ratio sigma = noise / signal is the *noise level*. A
schedule is defined as a curve over the time u in [0, 1] (`curves.py`) and evaluated at u = t / T, for any T.

The network predicts a *target*, a linear combination y = a x0 + b eps:

    noise      y = eps                           a = 0                b = 1                (Ho et al., 2020)
    image      y = x0                            a = 1                b = 0
    velocity   y = (signal eps - noise x0) / r   a = -noise[t] / r    b = signal[t] / r    (Salimans and Ho, 2022)
    flow       y = eps - x0                      a = -1               b = 1                (Lipman et al., 2023)

with r = sqrt(signal^2 + noise^2), which is 1 for variance-preserving schedules.

If z and y are known, the equations for z and y are two linear equations for the two unknowns x0 and eps (Cramer's rule,
`Schedule.solve`). With the network's estimate y_hat, the solution is an estimate too, which a hat marks: x0_hat and
eps_hat. Samplers use only these two, so every sampler works with every schedule and every target.

Names in the papers, for those who know them:

    here                             in the papers
    z, z_t                           x_t (Ho et al., 2020; Song et al., 2021), z_t (Kingma et al., 2021)
    signal[t]                        sqrt(alpha_bar_t) (Ho), alpha_t (Kingma; Lu et al., 2022), s (Karras et al., 2022)
    noise[t]                         sqrt(1 - alpha_bar_t) (Ho), sigma_t (Kingma; Lu)
    sigma[t] = noise / signal        sigma of EDM (Karras)
    log_sigma[t] = ln sigma          -lambda_t (Lu)
    log_snr[t] = -2 log_sigma        log-SNR = ln(signal^2 / noise^2), -gamma_t (Kingma)
    input_scale[t]                   c_in / s (Karras), for data of unit variance
    u = t / T                        the continuous t of Song et al. and Kingma et al.
    noise[t] of the schedule "flow"  t of Esser et al., 2024; 1 - t of Lipman et al., 2023, whose time ends at the image

The signal is sqrt(alpha_bar) and the noise sqrt(1 - alpha_bar) only for variance-preserving schedules, where
signal^2 + noise^2 = 1.

Read more: `tutorials/02_noise.ipynb`; Kingma et al., "Variational Diffusion Models", 2021.
"""

import numpy as np

from minidiff.curves import CURVES, levels
from minidiff.errors import MinidiffError

LARGEST_FINAL_SIGNAL = 0.05  # of signal / sqrt(signal^2 + noise^2) at t = T; with more, z_T is not close to pure noise
LARGEST_T = 1_000_000
SIGMA_MAX_PER_SPREAD = 8.0  # sigma_max, divided by the largest standard deviation of the images in any direction
SMALLEST_SIGMA_MAX = 100.0  # for any images
SCHEDULES = tuple(CURVES)
TARGETS = ("flow", "noise", "image", "velocity")


class Schedule:
    """A noise schedule: signal[t] and noise[t] at the timesteps t = 0 .. T.

    Args:
        name: "flow", "cosine", "linear", "sigmoid" or "variance_exploding".
        T: number of timesteps, 1 to LARGEST_T.
        shift: factor that multiplies every noise level; more than 1 for large images, see `curves.levels`.
        sigma_max: the noise level at t = T, see `sufficient_sigma_max`; 0 for the default end of the curve.

    Attributes:
        signal, noise: float64 (T + 1,); index 0 is the clean image.
        sigma: the noise level, noise / signal, float64 (T + 1,).
        log_sigma: ln(noise / signal), float64 (T + 1,); minus infinity at t = 0.
        log_snr: log signal-to-noise ratio, -2 log_sigma, float64 (T + 1,); infinity at t = 0.
        input_scale: 1 / sqrt(signal^2 + noise^2), float64 (T + 1,). The network's input is z times this,
            (x0 + sigma eps) / sqrt(1 + sigma^2), the same for all schedules at the same noise level.

    Raises:
        MinidiffError: an unknown name, an invalid shift or sigma_max, T out of range, or too much signal at t = T.
    """

    def __init__(self, name: str = "flow", T: int = 1000, shift: float = 1.0, sigma_max: float = 0.0) -> None:
        if not 1 <= T <= LARGEST_T:
            raise MinidiffError(f"a schedule cannot have {T} timesteps; T must lie between 1 and {LARGEST_T:,}")
        self.name, self.T, self.shift, self.sigma_max = name, T, shift, sigma_max
        self.signal, self.noise = levels(name, np.arange(T + 1) / T, shift, sigma_max)
        check_is_schedule(self.signal, self.noise)
        self.sigma = self.noise / self.signal
        with np.errstate(divide="ignore"):
            self.log_sigma = np.log(self.sigma)
        self.log_snr = -2 * self.log_sigma
        self.input_scale = 1 / np.hypot(self.signal, self.noise)

    def __repr__(self) -> str:
        return f"Schedule({self.name!r}, T={self.T}, shift={self.shift}, sigma_max={self.sigma_max})"

    def add_noise(self, x0: np.ndarray, eps: np.ndarray, t: int | np.ndarray) -> np.ndarray:
        """The forward process: z_t = signal[t] x0 + noise[t] eps.

        Args:
            x0: clean images in [-1, 1], (N, ...).
            eps: standard normal noise of the same shape.
            t: timestep of each image, (N,), or one for all.

        Returns:
            z, of x0's shape and dtype.
        """
        return per_example(self.signal[t], x0) * x0 + per_example(self.noise[t], x0) * eps

    def add_more_noise(self, z: np.ndarray, eps: np.ndarray, t: int, t_up: int) -> np.ndarray:
        """The forward process from one timestep to a noisier one (Kingma et al., 2021, appendix A.1).

        Args:
            z: noised images at timestep t, (N, ...).
            eps: standard normal noise of the same shape, independent of z.
            t, t_up: timesteps, 0 <= t < t_up <= T.

        Returns:
            z at timestep t_up, of z's shape and dtype; distributed as if x0 had been noised to t_up directly.
        """
        ratio = self.signal[t_up] / self.signal[t]
        std = np.sqrt(self.noise[t_up] ** 2 - (ratio * self.noise[t]) ** 2)
        return float(ratio) * z + float(std) * eps

    def target(self, target: str, x0: np.ndarray, eps: np.ndarray, t: int | np.ndarray) -> np.ndarray:
        """The target that the network learns to predict: y = a x0 + b eps.

        Args:
            target: "flow", "noise", "image" or "velocity".
            x0, eps, t: as in `add_noise`.

        Returns:
            y, of x0's shape and dtype.
        """
        a, b = self.target_coefficients(target, t)
        return per_example(a, x0) * x0 + per_example(b, x0) * eps

    def solve(self, target: str, z: np.ndarray, y: np.ndarray, t: int | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Computes x0_hat and eps_hat from noised images and predictions of the target, as the solution of

            z = signal x0 + noise eps
            y =      a x0 +     b eps

        Args:
            target: the target that y predicts, as in `target`.
            z: noised images (N, ...).
            y: predictions, of z's shape.
            t: timestep of each image, (N,), or one for all; at least 1.

        Returns:
            x0_hat, eps_hat, of z's shape and dtype.
        """
        a, b = (per_example(coefficient, z) for coefficient in self.target_coefficients(target, t))
        signal, noise = per_example(self.signal[t], z), per_example(self.noise[t], z)
        determinant = signal * b - noise * a
        return (b * z - noise * y) / determinant, (signal * y - a * z) / determinant

    def error_scales(self, target: str, t: int | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """By how much x0_hat and eps_hat of `solve` are wrong if y is wrong by 1; t is at least 1.

        Returns:
            |noise / determinant| and |signal / determinant|, with determinant = signal b - noise a; float64, of t's
            shape.
        """
        a, b = self.target_coefficients(target, t)
        determinant = np.abs(self.signal[t] * b - self.noise[t] * a)
        return self.noise[t] / determinant, self.signal[t] / determinant

    def target_coefficients(self, target: str, t: int | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
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
            raise MinidiffError(f"unknown target {target!r}; choose from {', '.join(TARGETS)}")
        return table[target]

    def eps_from_x0(self, z: np.ndarray, x0_hat: np.ndarray, t: int | np.ndarray) -> np.ndarray:
        """The noise in z if the clean image is x0_hat: eps = (z - signal x0) / noise."""
        return (z - per_example(self.signal[t], z) * x0_hat) / per_example(self.noise[t], z)

    def input_scale_at(self, t: int | np.ndarray, level: int) -> np.ndarray:
        """The factor of the network's input for images that `pyramid.pool` has halved `level` times, float64."""
        return 1 / np.hypot(self.signal[t], self.noise[t] / 2**level)

    def posterior(self, t: int, t_next: int) -> tuple[float, float, float]:
        """The posterior q(z_s | z_t, x0) of the less noisy z_s, s = t_next < t: a normal distribution with

            mean = z_coefficient z_t + x0_coefficient x0,    standard deviation = std

        if both z_t and x0 are known (Ho et al., 2020, eq. 6 and 7, for s = t - 1; Kingma et al., 2021, appendix A.2,
        for any s < t). With ratio = sigma_s^2 / sigma_t^2, the coefficients are signal_s / signal_t ratio and
        signal_s (1 - ratio), and std is noise_s sqrt(1 - ratio).

        Returns:
            z_coefficient, x0_coefficient, std.
        """
        ratio = (self.sigma[t_next] / self.sigma[t]) ** 2
        z_coefficient = self.signal[t_next] / self.signal[t] * ratio
        x0_coefficient = self.signal[t_next] * (1 - ratio)
        return float(z_coefficient), float(x0_coefficient), float(self.noise[t_next] * np.sqrt(1 - ratio))

    def nearest_timestep(self, log_sigma: float | np.ndarray) -> np.ndarray:
        """The timestep t >= 1 whose log_sigma is nearest to each given value; int64, of the same shape."""
        middles = (self.log_sigma[1:-1] + self.log_sigma[2:]) / 2
        return 1 + np.searchsorted(middles, log_sigma)


def check_is_schedule(signal: np.ndarray, noise: np.ndarray) -> None:
    """Raises an error unless a schedule is clean at 0, noisier at every timestep, and noise at T.

    Args:
        signal, noise: (T + 1,).

    Raises:
        MinidiffError: naming the violated condition.
    """
    if signal[0] != 1 or noise[0] != 0:
        raise MinidiffError("the schedule does not start clean; set signal[0] to 1 and noise[0] to 0")
    if not (signal > 0).all() or not np.isfinite(noise).all() or not (np.diff(noise / signal) > 0).all():
        raise MinidiffError(
            "the schedule is not noisier at every timestep; noise / signal must be finite and increase, with signal > 0"
        )
    final_signal = signal[-1] / np.hypot(signal[-1], noise[-1])
    if final_signal > LARGEST_FINAL_SIGNAL:
        raise MinidiffError(
            f"the schedule does not end in noise: at t = T, signal / sqrt(signal^2 + noise^2) is {final_signal:.3f}; "
            f"increase the noise until it is at most {LARGEST_FINAL_SIGNAL}"
        )


def sufficient_sigma_max(x0: np.ndarray) -> float:
    """The noise level sigma_T at which a schedule for images like these should end (Lin et al., 2024, section 3.1).

    z_T = signal[T] (x0 + sigma_T eps) still contains a little of the image, but sampling starts from pure noise. This
    reduces the standard deviation of the generated images. Project all images onto a unit vector, and let S be the
    standard deviation of the results. If they are normally distributed, the images that a deterministic sampler
    generates with an exact denoiser have the smaller standard deviation

        S / sqrt(1 + (S / sigma_T)^2)

    S is usually largest where all pixels change together, as with brightness: if the mean over all values of an image
    has the standard deviation s, then S = sqrt(H W C) s for the unit vector of equal values. So large images need a
    larger sigma_T. Here it is 8 times the largest S, which preserves 99.2 % of S. It is at least 100, because pure
    noise does not contain the mean of all images either.

    Args:
        x0: images in [-1, 1], float (N, ...).

    Returns:
        sigma_T, rounded to three significant digits.
    """
    x = x0.reshape(len(x0), -1)
    x = x - x.mean(axis=0)
    # x x' / N has the same nonzero eigenvalues as the covariance x' x / N, and is smaller if there are few images
    largest_variance = np.linalg.eigvalsh(x @ x.T / len(x))[-1]
    return max(SMALLEST_SIGMA_MAX, float(f"{SIGMA_MAX_PER_SPREAD * np.sqrt(largest_variance):.3g}"))


def per_example(coefficient: float | np.ndarray, x: np.ndarray) -> np.ndarray:
    """Coefficients (N,) as (N, 1, ...) in x's dtype, to multiply the examples x (N, ...); a scalar stays a scalar."""
    coefficient = np.asarray(coefficient, x.dtype)
    return coefficient.reshape(coefficient.shape + (1,) * (x.ndim - 1)) if coefficient.ndim else coefficient
