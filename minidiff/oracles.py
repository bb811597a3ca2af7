"""Oracles: perfect denoisers, for data whose distribution is known.

The best guess of x0 given z is the mean of all images that z may have come from, each with its probability,
x0_hat = E[x0 | z]. Usually only a network can say, roughly, what that is. For some data it is a formula:

    one normal distribution N(m, C)
        x0_hat = m + signal C (signal^2 C + noise^2 I)^-1 (z - signal m)

    a mixture of K normal distributions N(m_k, d_k^2 I) with weights w_k
        p(k | z)  proportional to  w_k N(z; signal m_k, (signal^2 d_k^2 + noise^2) I)
        x0_hat = sum over k of p(k | z) (m_k + signal d_k^2 / (signal^2 d_k^2 + noise^2) (z - signal m_k))

    a finite set of images: the mixture with all d_k = 0, so that
        x0_hat = sum over k of p(k | z) x_k           an average of the images, weighted by how well they explain z

With these, samplers are tested without a network, and diffusion can be shown before anything is trained. The last one
also says what a network must not learn: the perfect denoiser of a data set generates nothing but its images.

They answer like every denoiser, x0_hat, eps_hat = oracle(z, t, labels), in z's dtype; inside they compute in float64.

Read more: `tutorials/03_without_a_network.ipynb`; Karras et al., 2022, appendix B.3.
"""

import numpy as np

from minidiff.errors import MinidiffError


class GaussianDenoiser:
    """The perfect denoiser of data from one normal distribution.

    Args:
        schedule: a `Schedule`.
        mean: float, or an array that broadcasts to an image; (D,) with a covariance.
        deviation: float, or an array that broadcasts to an image: the numbers of an image are independent.
        covariance: instead of the deviation, (D, D), for points of D numbers.

    Raises:
        MinidiffError: neither or both of deviation and covariance, or no covariance matrix.
    """

    def __init__(self, schedule, mean, deviation=None, covariance=None):
        if (deviation is None) == (covariance is None):
            raise MinidiffError("a normal distribution has either a deviation or a covariance; give one of them")
        self.schedule, self.mean = schedule, np.asarray(mean, np.float64)
        self.variance = None if deviation is None else np.asarray(deviation, np.float64) ** 2
        self.covariance = None if covariance is None else np.asarray(covariance, np.float64)
        if covariance is not None:
            symmetric = np.allclose(self.covariance, self.covariance.T)
            if not symmetric or np.linalg.eigvalsh(self.covariance).min() < -1e-12:
                raise MinidiffError("a covariance matrix must be symmetric, without negative eigenvalues")

    def __call__(self, z, t, labels=None):
        """x0_hat and eps_hat for z (N, ...) at step t; labels are ignored."""
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


class MixtureDenoiser:
    """The perfect denoiser of data from a mixture of normal distributions, each the same in all directions.

    Args:
        schedule: a `Schedule`.
        means: m_k, (K, ...), each of an image's shape.
        deviations: d_k, (K,), or one float for all; 0 for data that is the means themselves.
        weights: w_k, (K,), any positive numbers; equal if not given.
        labels: class of each component, int (K,); its own number if not given. Asked with labels, the oracle answers
            for the components of those classes only.

    Raises:
        MinidiffError: deviations, weights or labels that do not fit the means.
    """

    def __init__(self, schedule, means, deviations, weights=None, labels=None):
        self.schedule = schedule
        means = np.asarray(means, np.float64)
        K = len(means)
        self.means = means.reshape(K, -1)  # (K, D)
        self.variances = np.broadcast_to(np.asarray(deviations, np.float64) ** 2, (K,))
        weights = np.ones(K) if weights is None else np.asarray(weights, np.float64)
        self.labels = np.arange(K) if labels is None else np.asarray(labels)
        if weights.shape != (K,) or self.labels.shape != (K,) or not (weights > 0).all():
            raise MinidiffError(f"a mixture of {K} needs {K} positive weights and {K} labels")
        self.log_weights = np.log(weights / weights.sum())
        self.squared_lengths = np.square(self.means).sum(axis=1)  # (K,)

    def __call__(self, z, t, labels=None):
        """x0_hat and eps_hat for z (N, ...) at step t; labels (N,) or None for the whole mixture."""
        signal = self.schedule.signal[t]
        probability = self.responsibilities(z, t, labels)  # (N, K)
        gain = signal * self.variances / self._variances_of_z(t)  # (K,)
        # the sum over k of p_k (m_k + gain_k (z - signal m_k)), sorted into what multiplies m_k and what multiplies z
        x0_hat = (probability * (1 - gain * signal)) @ self.means  # (N, D)
        x0_hat += (probability @ gain)[:, None] * z.reshape(len(z), -1)
        x0_hat = x0_hat.reshape(z.shape).astype(z.dtype)
        return x0_hat, self.schedule.eps_from_x0(z, x0_hat, t)

    def responsibilities(self, z, t, labels=None):
        """p(k | z): how probable it is that z came from each component, float64 (N, K), rows sum to one."""
        log_p = self.log_joint(z, t, labels)
        log_p -= log_p.max(axis=1, keepdims=True)
        p = np.exp(log_p)
        return p / p.sum(axis=1, keepdims=True)

    def log_density(self, z, t, labels=None):
        """ln p_t(z), of the noisy data at step t; given the labels, if there are any: float64 (N,)."""
        log_p = self.log_joint(z, t, labels)
        largest = log_p.max(axis=1)
        log_p = largest + np.log(np.exp(log_p - largest[:, None]).sum(axis=1))
        if labels is not None:
            log_p -= np.log(self._belongs(labels) @ np.exp(self.log_weights))
        return log_p

    def log_joint(self, z, t, labels=None):
        """ln w_k N(z; signal m_k, variance_k I), float64 (N, K); minus infinity for components of other classes."""
        signal, variance = self.schedule.signal[t], self._variances_of_z(t)  # variance (K,)
        z = z.reshape(len(z), -1).astype(np.float64)  # (N, D)
        distance = np.square(z).sum(axis=1)[:, None] - 2 * signal * z @ self.means.T + signal**2 * self.squared_lengths
        log_p = self.log_weights - distance / (2 * variance) - z.shape[1] / 2 * np.log(2 * np.pi * variance)
        return log_p if labels is None else np.where(self._belongs(labels), log_p, -np.inf)

    def _variances_of_z(self, t):
        return self.schedule.signal[t] ** 2 * self.variances + self.schedule.noise[t] ** 2

    def _belongs(self, labels):
        """Whether component k is of the class asked for, bool (N, K)."""
        belongs = self.labels == np.asarray(labels)[:, None]
        if not belongs.any(axis=1).all():
            raise MinidiffError(f"a class was asked for that the data does not have; it has {np.unique(self.labels)}")
        return belongs


class IdealDenoiser(MixtureDenoiser):
    """The perfect denoiser of a finite set of images: it knows no others.

    Args:
        schedule: a `Schedule`.
        images: the images, float (K, H, W, C), in [-1, 1].
        labels: class of each, int (K,), or None.
    """

    def __init__(self, schedule, images, labels=None):
        super().__init__(schedule, images, 0.0, labels=labels)
