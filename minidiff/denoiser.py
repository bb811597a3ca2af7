"""What every sampler asks: given z at time t, what are the image and the noise?

    x0_hat, eps_hat = denoiser(z, t, labels)

A denoiser is anything that answers this and has a `schedule`. `NetworkDenoiser` asks a network. The oracles
(`oracles.py`) know the answer. `Guided` and `steering.Inpainting` ask another denoiser and change what it says.

Guidance (Ho and Salimans, 2022, eq. 6) goes further in the direction in which the label moves the answer:

    eps = eps_unconditional + w (eps_conditional - eps_unconditional)

w = 0 ignores the label, w = 1 is the plain conditional answer, w > 1 exaggerates it.

Read more: `tutorials/03_without_a_network.ipynb`.
"""

import math

import numpy as np

from minidiff.errors import MinidiffError
from minidiff.parallel import slices

MOST_IN_A_SLICE = 8  # images: more are no faster and take more memory
NUMBERS_IN_A_SLICE = 256  # at least: with fewer, points in the plane for instance, the time goes into calls


class NetworkDenoiser:
    """Asks a trained network.

    Images are sent through the network in slices, shared out evenly among the threads. No layer lets an image's
    answer depend, by as much as a bit, on which others are in its slice: so it depends neither on how many are
    generated with it nor on the number of threads.

    Args:
        network: a `UNet`, or a `PointNetwork`.
        p: its `Parameters`.
        schedule: the `Schedule` it was trained with.
        target: the target it was trained with.
        workers: `Workers` that share the slices.
        microbatch_size: images in a slice; if not given, an equal share for each thread, at most 8, or as many as make
            256 values, which is 128 points in the plane.
    """

    def __init__(self, network, p, schedule, target, workers, microbatch_size=None):
        self.network, self.p, self.schedule, self.target = network, p, schedule, target
        self.workers, self.microbatch_size = workers, microbatch_size

    def __call__(self, z, t, labels=None):
        """x0_hat and eps_hat for noisy images.

        Args:
            z: (N, H, W, C), float32.
            t: step, one int for all.
            labels: class of each, int (N,), or None for any class.

        Returns:
            x0_hat, eps_hat, of z's shape.

        Raises:
            MinidiffError: labels for a network that knows no classes, or classes that it does not know.
        """
        if labels is not None and not self.network.config.num_classes:
            raise MinidiffError("this network was trained without classes and cannot take labels; leave them out")
        scaled = z * self.schedule.input_scale[t].astype(z.dtype)
        labels = None if labels is None else np.asarray(labels)

        def predict(part):
            log_sigma = np.full(part.stop - part.start, self.schedule.log_sigma[t])
            part_labels = None if labels is None else labels[part]
            return self.network.forward(self.p, scaled[part], log_sigma, part_labels, keep=False)[0]

        size = self.microbatch_size or self._equal_share(len(z))
        prediction = np.concatenate(self.workers.map(predict, slices(len(z), size)))
        return self.schedule.solve(self.target, z, prediction, t)

    def _equal_share(self, count):
        numbers = math.prod(self.network.config.example_shape)
        return max(NUMBERS_IN_A_SLICE // numbers, min(MOST_IN_A_SLICE, -(-count // self.workers.threads)))


class Guided:
    """Any denoiser that knows labels, with guidance.

    Args:
        denoiser: called with labels and without.
        w: strength; 0 ignores the label, 1 is the plain conditional answer.

    Raises:
        MinidiffError: w is negative or not finite.
    """

    def __init__(self, denoiser, w):
        if not 0 <= w < np.inf:
            raise MinidiffError(f"the strength of guidance must be 0 or more, not {w}")
        self.denoiser, self.w, self.schedule = denoiser, w, denoiser.schedule

    def __call__(self, z, t, labels=None):
        """x0_hat and eps_hat for z (N, ...) at step t, for labels (N,).

        Raises:
            MinidiffError: there are no labels to be guided by.
        """
        if self.w in (0, 1):
            return self.denoiser(z, t, labels if self.w == 1 else None)
        if labels is None:
            raise MinidiffError(f"guidance of strength {self.w} leads towards a label, and there is none; give labels")
        x0_unconditional, _ = self.denoiser(z, t, None)
        x0_conditional, _ = self.denoiser(z, t, labels)
        # For a given z, x0_hat is linear in eps_hat, so mixing one mixes the other in the same proportion.
        x0_hat = x0_unconditional + float(self.w) * (x0_conditional - x0_unconditional)
        return x0_hat, self.schedule.eps_from_x0(z, x0_hat, t)
