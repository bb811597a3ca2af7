"""A classifier of noised points, and guidance by its gradient.

The network predicts the class of a point from z and its noise level. With logits l,

    p(y | z) = exp(l_y) / (sum over k of exp(l_k))
    d ln p(y | z) / d l = onehot(y) - p

Training maximizes ln p(y | z) over examples with noise. Guidance needs the gradient of the same ln p(y | z), but with
respect to z: the backward pass with that upstream gradient returns it. Classifier guidance (Dhariwal and Nichol, 2021,
section 4) adds it to the score:

    score = grad ln p(z) + w grad ln p(y | z)
    x0_hat = x0_hat of p(z) + w noise^2 / signal grad ln p(y | z)

So the gradient has to be right, which the loss does not measure: a small ripple of p(y | z) hardly changes the loss,
but it changes the gradient in proportion to its frequency. The fastest wave in the input of `PointNetwork` is sin(8 z).
Here z is first divided by `stretch`, so that all of them are slow, and the batches are large.

Read more: `tutorials/13_likelihood_and_guidance.ipynb`.
"""

from collections.abc import Iterator

import numpy as np

from minidiff.denoiser import Denoiser
from minidiff.errors import MinidiffError
from minidiff.optim import Optimizer
from minidiff.parallel import Workers
from minidiff.parameters import Parameters
from minidiff.points.data import Points
from minidiff.points.network import PointNetwork, PointNetworkConfig
from minidiff.randomness import stream
from minidiff.schedule import Schedule, per_example

BATCH, LEARNING_RATE = 512, 2e-3


class NoisyClassifier:
    """A classifier p(y | z) of points at every noise level.

    Args:
        schedule: the noise schedule.
        num_classes: number of classes.
        channels: length of the network's hidden vector.
        stretch: divides the network's input; more makes p(y | z) smoother, 1 uses the points as they are.
        seed: of the initial parameters.

    Raises:
        MinidiffError: less than two classes.
    """

    def __init__(
        self, schedule: Schedule, num_classes: int, channels: int = 32, stretch: float = 16.0, seed: int = 0
    ) -> None:
        if num_classes < 2:
            raise MinidiffError(f"a classifier of {num_classes} classes has nothing to learn; use at least 2")
        self.schedule, self.stretch = schedule, stretch
        self.network = PointNetwork(PointNetworkConfig(channels=channels, outputs=num_classes))
        self.p = self.network.create_parameters(seed)

    def __repr__(self) -> str:
        return f"NoisyClassifier({self.network.config.outputs} classes, {self.schedule})"

    def train(self, points: Points, steps: int, workers: Workers, seed: int = 0) -> Iterator[float]:
        """Trains with AdamW on batches of points with noise, t uniform; yields the cross-entropy of each step."""
        rng, optimizer = stream("noisy classifier", seed), Optimizer(self.p, "adamw")
        for step in range(steps):
            chosen = rng.integers(0, len(points), BATCH)
            t = rng.integers(1, self.schedule.T + 1, BATCH)
            x0, labels = points.positions[chosen], points.labels[chosen]
            z = self.schedule.add_noise(x0, rng.standard_normal(x0.shape, np.float32), t)
            # the only item of `map`, so that BLAS has one thread: more would only wait for each other
            ((g, loss),) = workers.map(lambda batch: self._gradient_of_loss(*batch), [(z, t, labels)])
            optimizer.step(self.p, g, LEARNING_RATE * (1 - step / steps), workers)
            yield loss
        self.p.vector[:] = optimizer.average

    def log_probability(self, z: np.ndarray, t: int, labels: np.ndarray) -> np.ndarray:
        """ln p(label | z), float32 (N,), for z (N, 2) at timestep t."""
        return self._forward(z, np.full(len(z), t), labels)[0]

    def gradient(self, z: np.ndarray, t: int, labels: np.ndarray) -> np.ndarray:
        """The gradient of ln p(label | z) with respect to z, (N, 2), by one backward pass."""
        _, dlogits, cache = self._forward(z, np.full(len(z), t), labels)
        unused = self.p.zeros_like()  # gradient with respect to the parameters
        dinput = self.network.backward(self.p, unused, cache, dlogits)
        return (dinput * (self.schedule.input_scale[t] / self.stretch)).astype(z.dtype)

    def _gradient_of_loss(self, z: np.ndarray, t: np.ndarray, labels: np.ndarray) -> tuple[Parameters, float]:
        """The gradient with respect to the parameters of the cross-entropy, -mean of ln p, and its value."""
        g = self.p.zeros_like()
        log_p, dlogits, cache = self._forward(z, t, labels)
        self.network.backward(self.p, g, cache, -dlogits / np.float32(len(z)))
        return g, -float(log_p.mean())

    def _forward(self, z: np.ndarray, t: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple]:
        """ln p(label | z) (N,), its gradient with respect to the logits (N, K), and the cache."""
        scaled = z * per_example(self.schedule.input_scale[t] / self.stretch, z)
        logits, cache = self.network.forward(self.p, scaled, self.schedule.log_sigma[t])
        logits = logits - logits.max(axis=1, keepdims=True)  # so that exp does not overflow
        log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        onehot = np.eye(logits.shape[1], dtype=logits.dtype)[labels]
        return (log_p * onehot).sum(axis=1), onehot - np.exp(log_p), cache


class ClassifierGuided:
    """Classifier guidance of any denoiser.

    Args:
        denoiser: the unconditional one; it gets no labels.
        classifier: of points with the same schedule's noise.
        w: guidance weight; 0 ignores the label, 1 follows Bayes' rule.
    """

    def __init__(self, denoiser: Denoiser, classifier: NoisyClassifier, w: float) -> None:
        self.denoiser, self.classifier, self.w, self.schedule = denoiser, classifier, w, denoiser.schedule

    def __repr__(self) -> str:
        return f"ClassifierGuided({self.denoiser}, w={self.w})"

    def __call__(self, z: np.ndarray, t: int, labels: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """x0_hat and eps_hat for z (N, 2); arguments as in `Denoiser`.

        Raises:
            MinidiffError: no labels.
        """
        if labels is None:
            raise MinidiffError("classifier guidance needs a class for each point; give labels")
        factor = self.w * self.schedule.noise[t] ** 2 / self.schedule.signal[t]
        x0_hat = self.denoiser(z, t)[0] + float(factor) * self.classifier.gradient(z, t, labels)
        return x0_hat, self.schedule.eps_from_x0(z, x0_hat, t)
