"""Denoisers: functions that estimate the clean image and the noise from z and t; samplers need nothing else.

    x0_hat, eps_hat = denoiser(z, t, labels)

`NetworkDenoiser` computes them from a network's prediction, the exact denoisers of `oracles.py` from a formula.
`Guided` and `editing.Inpainting` wrap another denoiser and modify its output.

In training, a label is sometimes replaced by the *null class*, which means no label. So one network gives estimates
with the label (conditional) and without it (unconditional). Classifier-free guidance (Ho and Salimans, 2022, eq. 6; w
here is their 1 + w) moves the estimate along the line from the unconditional to the conditional one:

    eps = eps_unconditional + w (eps_conditional - eps_unconditional)

w = 0 is the unconditional estimate, w = 1 the conditional one, and w > 1 goes beyond it, which makes the class clearer.

Read more: `tutorials/03_without_a_network.ipynb`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from minidiff.errors import MinidiffError
from minidiff.kernels.sets import Kernels
from minidiff.layers import Module
from minidiff.parallel import Workers, chunks
from minidiff.parameters import Parameters
from minidiff.pyramid import pool, repeat
from minidiff.ranks import ALONE, Ranks
from minidiff.schedule import Schedule

MAX_MICROBATCH = 8  # images; more are no faster and take more memory
MIN_MICROBATCH_ELEMENTS = 256  # with fewer, as for points in the plane, the overhead of the calls dominates


class Denoiser(Protocol):
    """The interface that samplers use: a schedule, and a call that returns x0_hat and eps_hat."""

    @property
    def schedule(self) -> Schedule:
        """The schedule that z and t refer to."""

    def __call__(self, z: np.ndarray, t: int, labels: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Estimates the clean images and the noise.

        Args:
            z: noised images, (N, H, W, C).
            t: timestep, the same for all.
            labels: class of each image, int (N,), or None for no class.

        Returns:
            x0_hat, eps_hat, of z's shape and dtype.
        """


class NetworkConfig(Protocol):
    """The interface of a network's configuration."""

    @property
    def num_classes(self) -> int:
        """Number of classes; 0 for a network without labels."""

    @property
    def example_shape(self) -> tuple[int, ...]:
        """The shape of one example: (H, W, C) or (D,)."""

    def entry_level(self, log_sigma: float) -> int:
        """How many times an example with this noise level is halved before it enters the network; 0 for points."""


class Network(Protocol):
    """The interface of a network for training and denoising; `UNet` and `PointNetwork` implement it."""

    @property
    def config(self) -> NetworkConfig:
        """Its configuration."""

    @property
    def kernels(self) -> Kernels:
        """The functions that do its layers' arithmetic (`kernels/sets.py`)."""

    def forward(
        self, p: Parameters, z_in: np.ndarray, log_sigma: np.ndarray, labels: np.ndarray | None = None,
        keep: bool = True,
    ) -> tuple[np.ndarray, Any]:  # fmt: skip
        """The prediction for z_in, z times `Schedule.input_scale_at`; and, with keep, the cache for `backward`."""

    def backward(self, p: Parameters, g: Parameters, cache: Any, dprediction: np.ndarray, /) -> Any:
        """Adds the gradient with respect to p to g; `dprediction` is the gradient with respect to the prediction."""

    @property
    def children(self) -> Sequence[Module]:
        """The layers, in the order of `forward`."""

    def create_parameters(self, seed: int = 0) -> Parameters:
        """New parameters with their initial values."""


@dataclass(eq=False, repr=False)
class NetworkDenoiser:
    """A denoiser that uses a trained network.

    The images are split into small groups, the microbatches, which the threads process. No layer mixes images, so the
    result for an image is bit-for-bit identical for any other images and any number of threads.

    Args:
        network: a `UNet` or a `PointNetwork`.
        p: its parameters.
        schedule: the schedule it was trained with.
        target: the target it was trained with.
        workers: threads that process the microbatches.
        microbatch_size: images per microbatch; default: N / threads, at most 8, but of tiny examples as many as have
            256 elements (128 points in the plane).
        class_names: names of the classes, as far as they are known; label i is the class `class_names[i]`.
        ranks: processes that share the images; all call the denoiser with the same arguments.
    """

    network: Network
    p: Parameters
    schedule: Schedule
    target: str
    workers: Workers
    microbatch_size: int | None = None
    class_names: tuple[str, ...] = ()
    ranks: Ranks = ALONE

    def __repr__(self) -> str:
        return f"NetworkDenoiser({type(self.network).__name__}, {self.schedule}, target={self.target!r})"

    def __call__(self, z: np.ndarray, t: int, labels: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """x0_hat and eps_hat for z (N, H, W, C), float32; arguments as in `Denoiser`.

        Raises:
            MinidiffError: labels for a network without classes, or unknown classes.
        """
        if labels is not None and not self.network.config.num_classes:
            raise MinidiffError("this network was trained without classes and cannot take labels; leave them out")
        level = self.network.config.entry_level(float(self.schedule.log_sigma[t]))
        small = pool(z, level)
        scaled = small * self.schedule.input_scale_at(t, level).astype(z.dtype)
        labels = None if labels is None else np.asarray(labels)

        prediction = np.zeros_like(small)

        def predict(part: slice) -> None:
            log_sigma = np.full(part.stop - part.start, self.schedule.log_sigma[t])
            part_labels = None if labels is None else labels[part]
            prediction[part] = self.network.forward(self.p, scaled[part], log_sigma, part_labels, keep=False)[0]

        size = self.microbatch_size or self._default_microbatch_size(len(z))
        microbatches = chunks(len(z), size)
        self.workers.map(predict, microbatches[self.ranks.part(len(microbatches))])
        prediction = self.ranks.merge(prediction)
        x0_hat, eps_hat = self.schedule.solve(self.target, small, prediction, t)
        if level == 0:
            return x0_hat, eps_hat
        x0_hat = repeat(x0_hat, level)
        return x0_hat, self.schedule.eps_from_x0(z, x0_hat, t)

    def vjp(
        self, z: np.ndarray, t: int, e: np.ndarray, labels: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """x0_hat and e' J, the vector-Jacobian product with J = dx0_hat/dz, by one forward and one backward pass.

        Args:
            z, t, labels: as in `__call__`; the labels must belong to the network.
            e: the vector of each image, of z's shape.

        Returns:
            x0_hat and e' J, of z's shape and dtype.
        """
        schedule, labels = self.schedule, None if labels is None else np.asarray(labels)
        level = self.network.config.entry_level(float(schedule.log_sigma[t]))
        small, scale = pool(z, level), schedule.input_scale_at(t, level).astype(z.dtype)
        e = pool(e, level)  # transposed, `repeat` is 4^level `pool`; at the end, `pool` is `repeat` / 4^level
        a, b = schedule.target_coefficients(self.target, t)
        determinant = schedule.signal[t] * b - schedule.noise[t] * a  # x0_hat = (b z - noise y) / determinant
        dy = (float(-schedule.noise[t] / determinant) * e).astype(self.p.vector.dtype)

        def differentiate(part: slice) -> tuple[np.ndarray, np.ndarray]:
            log_sigma = np.full(part.stop - part.start, schedule.log_sigma[t])
            part_labels = None if labels is None else labels[part]
            y, cache = self.network.forward(self.p, scale * small[part], log_sigma, part_labels)
            unused = self.p.zeros_like()  # gradient with respect to the parameters
            return y, self.network.backward(self.p, unused, cache, dy[part])

        size = self.microbatch_size or self._default_microbatch_size(len(z))
        results = self.workers.map(differentiate, chunks(len(z), size))
        y, dinput = (np.concatenate(arrays) for arrays in zip(*results, strict=True))
        product = float(b / determinant) * e + scale * dinput
        return repeat(schedule.solve(self.target, small, y, t)[0], level), repeat(product.astype(z.dtype), level)

    def _default_microbatch_size(self, count: int) -> int:
        elements = math.prod(self.network.config.example_shape)
        return max(
            MIN_MICROBATCH_ELEMENTS // elements,
            min(MAX_MICROBATCH, -(-count // (self.workers.threads * self.ranks.size))),
        )


class Guided:
    """Classifier-free guidance of any denoiser that accepts labels.

    Args:
        denoiser: the denoiser to evaluate with and without labels.
        w: guidance weight; 0 ignores the label, 1 is the conditional estimate.

    Raises:
        MinidiffError: w is negative or not finite.
    """

    def __init__(self, denoiser: Denoiser, w: float) -> None:
        if not 0 <= w < np.inf:
            raise MinidiffError(f"invalid guidance weight {w}; it must be 0 or more")
        self.denoiser, self.w, self.schedule = denoiser, w, denoiser.schedule

    def __repr__(self) -> str:
        return f"Guided({self.denoiser}, w={self.w})"

    def __call__(self, z: np.ndarray, t: int, labels: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """x0_hat and eps_hat for z (N, ...); arguments as in `Denoiser`.

        Raises:
            MinidiffError: no labels, although w is neither 0 nor 1.
        """
        if self.w in (0, 1):
            return self.denoiser(z, t, labels if self.w == 1 else None)
        if labels is None:
            raise MinidiffError(f"guidance with weight {self.w} needs a class for each image; give labels")
        x0_unconditional, _ = self.denoiser(z, t, None)
        x0_conditional, _ = self.denoiser(z, t, labels)
        # For a given z, x0_hat is an affine function of eps_hat, so that extrapolating one extrapolates the other.
        x0_hat = x0_unconditional + float(self.w) * (x0_conditional - x0_unconditional)
        return x0_hat, self.schedule.eps_from_x0(z, x0_hat, t)
