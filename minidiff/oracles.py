"""Oracles: exact denoisers, for data whose distribution is known.

The best estimate of x0 given z, in mean square error, is the conditional expectation x0_hat = E[x0 | z]. In general it
has to be learned. For some data it has a closed form:

    one normal distribution N(m, C)
        x0_hat = m + signal C (signal^2 C + noise^2 I)^-1 (z - signal m)

    a mixture of K normal distributions N(m_k, d_k^2 I) with weights w_k
        p(k | z)  proportional to  w_k N(z; signal m_k, (signal^2 d_k^2 + noise^2) I)
        x0_hat = sum over k of p(k | z) (m_k + signal d_k^2 / (signal^2 d_k^2 + noise^2) (z - signal m_k))

    a finite set of images: the mixture with all d_k = 0
        x0_hat = sum over k of p(k | z) x_k           a mean of the images, weighted with their probability given z

Samplers are tested with oracles instead of a network. The last one also shows what a network must not learn: the exact
denoiser of a training set generates only its images.

Oracles are denoisers (`denoiser.Denoiser`) and return arrays of z's dtype; they compute in float64.

Read more: `tutorials/03_without_a_network.ipynb`; Karras et al., 2022, appendix B.3.
"""

import numpy as np
from numpy.typing import ArrayLike

from minidiff.errors import MinidiffError
from minidiff.schedule import Schedule


class GaussianDenoiser:
    """The exact denoiser of data from one normal distribution.

    Args:
        mean: scalar, or an array that broadcasts to an image; (D,) with a covariance.
        std: standard deviation of independent elements: scalar, or an array that broadcasts to an image.
        covariance: instead of `std`, (D, D), for points in D dimensions.
    """

    def __init__(
        self, schedule: Schedule, mean: ArrayLike, std: ArrayLike | None = None, covariance: ArrayLike | None = None
    ) -> None:
        if (std is None) == (covariance is None):
            raise MinidiffError("a normal distribution needs either std or covariance; give one of them")
        self.schedule, self.mean = schedule, np.asarray(mean, np.float64)
        self.variance = np.asarray(0.0 if std is None else std, np.float64) ** 2
        self.covariance = None if covariance is None else np.asarray(covariance, np.float64)
        if self.covariance is not None:
            symmetric = np.allclose(self.covariance, self.covariance.T)
            if not symmetric or np.linalg.eigvalsh(self.covariance).min() < -1e-12:
                raise MinidiffError("invalid covariance matrix; it must be symmetric, without negative eigenvalues")

    def __repr__(self) -> str:
        return f"GaussianDenoiser({self.schedule}, {'std' if self.covariance is None else 'covariance'} given)"

    def __call__(self, z: np.ndarray, t: int, labels: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """x0_hat and eps_hat for z (N, ...); arguments as in `Denoiser`, labels are ignored."""
        signal, noise = self.schedule.signal[t], self.schedule.noise[t]
        if self.covariance is None:
            gain = signal * self.variance / (signal**2 * self.variance + noise**2)
            x0_hat = self.mean + gain * (z - signal * self.mean)
        else:
            covariance_of_z = signal**2 * self.covariance + noise**2 * np.eye(len(self.covariance))  # (D, D)
            gain = signal * np.linalg.solve(covariance_of_z, self.covariance)  # symmetric, since the two commute
            x0_hat = self.mean + (z - signal * self.mean) @ gain  # (N, D)
        x0_hat = x0_hat.astype(z.dtype)
        return x0_hat, self.schedule.eps_from_x0(z, x0_hat, t)

    def vjp(
        self, z: np.ndarray, t: int, e: np.ndarray, labels: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """x0_hat and e' dx0_hat/dz for z, e (N, ...), as `NetworkDenoiser.vjp`; the Jacobian is the gain."""
        at_e, _ = self(e + self.schedule.signal[t] * self.mean, t)  # m + gain e
        return self(z, t)[0], (at_e - self.mean).astype(z.dtype)


class MixtureDenoiser:
    """The exact denoiser of data from a mixture of isotropic normal distributions.

    Args:
        means: m_k, (K, ...), each of an image's shape.
        stds: standard deviations d_k, (K,), or a scalar for all; 0 if the data are the means themselves.
        weights: w_k, (K,), any positive values; default: all equal.
        labels: class of each component, int (K,); default: 0 .. K - 1. With labels, only the components of those
            classes count.
    """

    def __init__(
        self,
        schedule: Schedule,
        means: ArrayLike,
        stds: ArrayLike,
        weights: ArrayLike | None = None,
        labels: ArrayLike | None = None,
    ) -> None:
        self.schedule = schedule
        means = np.asarray(means, np.float64)
        K = len(means)
        self.means = means.reshape(K, -1)  # (K, D)
        self.variances = np.broadcast_to(np.asarray(stds, np.float64) ** 2, (K,))
        weights = np.ones(K) if weights is None else np.asarray(weights, np.float64)
        self.labels = np.arange(K) if labels is None else np.asarray(labels)
        if weights.shape != (K,) or self.labels.shape != (K,) or not (weights > 0).all():
            raise MinidiffError(f"a mixture of {K} means needs {K} positive weights and {K} labels; give one per mean")
        self.log_weights = np.log(weights / weights.sum())
        self.squared_lengths = np.square(self.means).sum(axis=1)  # (K,)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.schedule}, K={len(self.means)})"

    def __call__(self, z: np.ndarray, t: int, labels: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """x0_hat and eps_hat for z (N, ...); arguments as in `Denoiser`."""
        signal = self.schedule.signal[t]
        probability = self.responsibilities(z, t, labels)  # (N, K)
        gain = signal * self.variances / self._variances_of_z(t)  # (K,)
        # the sum over k of p_k (m_k + gain_k (z - signal m_k)), separated into the factors of m_k and of z
        x0_hat = (probability * (1 - gain * signal)) @ self.means  # (N, D)
        x0_hat += (probability @ gain)[:, None] * z.reshape(len(z), -1)
        x0_hat = x0_hat.reshape(z.shape).astype(z.dtype)
        return x0_hat, self.schedule.eps_from_x0(z, x0_hat, t)

    def vjp(
        self, z: np.ndarray, t: int, e: np.ndarray, labels: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """x0_hat and e' J with J = dx0_hat/dz for z, e (N, ...), as `NetworkDenoiser.vjp`.

        The Jacobian is signal / noise^2 times the covariance of x0 given z (tutorial 12). With the mean mu_k and the
        variance v_k of component k given z, that covariance is

            sum over k of p(k | z) (v_k I + (mu_k - x0_hat) (mu_k - x0_hat)')
        """
        signal, noise = self.schedule.signal[t], self.schedule.noise[t]
        p = self.responsibilities(z, t, labels)  # (N, K)
        gain = signal * self.variances / self._variances_of_z(t)  # (K,); v_k = gain noise^2 / signal
        z_flat, e_flat = (array.reshape(len(z), -1).astype(np.float64) for array in (z, e))  # (N, D)
        along_e = e_flat @ self.means.T * (1 - gain * signal)  # e . mu_k, mu_k = m_k + gain_k (z - signal m_k); (N, K)
        along_e += (e_flat * z_flat).sum(axis=1, keepdims=True) * gain
        weight = p * (along_e - (p * along_e).sum(axis=1, keepdims=True))  # its sum over k is 0, so x0_hat drops out
        product = (weight * (1 - gain * signal)) @ self.means + (weight @ gain)[:, None] * z_flat
        product = signal / noise**2 * product + (p @ gain)[:, None] * e_flat
        return self(z, t, labels)[0], product.reshape(z.shape).astype(z.dtype)

    def responsibilities(self, z: np.ndarray, t: int, labels: np.ndarray | None = None) -> np.ndarray:
        """p(k | z): the probability that z came from each component, float64 (N, K), rows sum to one."""
        log_p = self.log_joint(z, t, labels)
        log_p -= log_p.max(axis=1, keepdims=True)
        p = np.exp(log_p)
        return p / p.sum(axis=1, keepdims=True)

    def log_density(self, z: np.ndarray, t: int, labels: np.ndarray | None = None) -> np.ndarray:
        """ln p_t(z) of the noised data at timestep t, or ln p_t(z | labels), float64 (N,)."""
        log_p = self.log_joint(z, t, labels)
        largest = log_p.max(axis=1)
        log_p = largest + np.log(np.exp(log_p - largest[:, None]).sum(axis=1))
        if labels is not None:
            log_p -= np.log(self._belongs(labels) @ np.exp(self.log_weights))
        return log_p

    def log_joint(self, z: np.ndarray, t: int, labels: np.ndarray | None = None) -> np.ndarray:
        """ln w_k N(z; signal m_k, variance_k I), float64 (N, K); minus infinity for components of other classes."""
        signal, variance = self.schedule.signal[t], self._variances_of_z(t)  # variance (K,)
        z = z.reshape(len(z), -1).astype(np.float64)  # (N, D)
        distance = np.square(z).sum(axis=1)[:, None] - 2 * signal * z @ self.means.T + signal**2 * self.squared_lengths
        log_p = self.log_weights - distance / (2 * variance) - z.shape[1] / 2 * np.log(2 * np.pi * variance)
        return log_p if labels is None else np.where(self._belongs(labels), log_p, -np.inf)

    def _variances_of_z(self, t: int) -> np.ndarray:
        return self.schedule.signal[t] ** 2 * self.variances + self.schedule.noise[t] ** 2

    def _belongs(self, labels: np.ndarray) -> np.ndarray:
        """Whether component k has the label of example n, bool (N, K)."""
        belongs = self.labels == np.asarray(labels)[:, None]
        if not belongs.any(axis=1).all():
            raise MinidiffError(f"labels contain a class without data; choose from {np.unique(self.labels)}")
        return belongs


class IdealDenoiser(MixtureDenoiser):
    """The exact denoiser of a finite set of images, float (K, H, W, C) in [-1, 1], which generates only these."""

    def __init__(self, schedule: Schedule, images: np.ndarray, labels: ArrayLike | None = None) -> None:
        super().__init__(schedule, images, 0.0, labels=labels)
