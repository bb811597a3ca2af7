"""Editing: inpainting, image-to-image, inversion and interpolation with a trained denoiser.

None of them trains anything; each adds a few lines to any sampler. Guidance by a label is `Guided` in `denoiser.py`.

    inpainting        completes an image with a hole: where the image is known, x0_hat is replaced by it
    image to image    starts from a given image with noise added, instead of pure noise
    inversion         runs a deterministic sampler in reverse: from an image to the noise that generates it
    interpolation     generates images from noises between two given ones

Inpainting repeats every step. With x0_hat replaced by the known part, the sampler takes that part of z through the
forward process in reverse, and the network completes the rest. At high noise, however, much of the unknown part is
determined while the network gets little information about the known one, so that after one pass they match badly.
Therefore each step is taken, reverted by adding noise, and taken again, and the unknown part adapts each time (Lugmayr
et al., 2022, algorithm 1). For example, of two values with correlation 0.9 the first is known to be 0.6, and the mean
of the second should be 0.54. In a test, one round gives 0.26, five give 0.46 and twenty 0.52.

Interpolation follows an arc, because in many dimensions normal noise lies close to a sphere of radius sqrt(dimensions).
The straight line between two noises leaves the sphere, and the arc stays on it:

    slerp(a, b, w) = sin((1 - w) phi) / sin(phi) a + sin(w phi) / sin(phi) b          phi = the angle between a and b

Read more: `tutorials/10_editing.ipynb`; Shoemake, "Animating Rotation with Quaternion Curves", 1985; Meng et al.,
"SDEdit", 2022; Song, Meng and Ermon, "Denoising Diffusion Implicit Models", 2021, sections 4.3 and 5.3.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from minidiff.denoiser import Denoiser
from minidiff.errors import MinidiffError
from minidiff.samplers import State
from minidiff.sampling import STEPS, check_sampler, choose_steps, default_steps, follow, generate, noise_streams, sample

INPAINTING_STEPS = 20  # by default; each is taken several times


class Inpainting:
    """A denoiser conditioned on the known part of an image.

    Args:
        denoiser: that estimates the unknown part.
        image: float, (H, W, C) for all, or (N, H, W, C); its values inside the hole are ignored.
        mask: bool (H, W), or anything that broadcasts to the image; True is the hole.
    """

    def __init__(self, denoiser: Denoiser, image: np.ndarray, mask: np.ndarray) -> None:
        self.denoiser, self.schedule, self.image = denoiser, denoiser.schedule, check_floats(image)
        mask = np.asarray(mask, bool)
        if mask.ndim == 2 and self.image.ndim > 2:
            mask = mask[:, :, None]
        try:
            self.mask = np.broadcast_to(mask, self.image.shape)
        except ValueError as error:
            raise MinidiffError(
                f"a mask of shape {mask.shape} does not fit an image of shape {self.image.shape}; give one of its size"
            ) from error

    def __repr__(self) -> str:
        return f"Inpainting({self.denoiser}, image of shape {self.image.shape})"

    def __call__(self, z: np.ndarray, t: int, labels: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """x0_hat and eps_hat for z (N, ...); arguments as in `Denoiser`."""
        x0_hat, _ = self.denoiser(z, t, labels)
        x0_hat = np.where(self.mask, x0_hat, self.image.astype(z.dtype))
        return x0_hat, self.schedule.eps_from_x0(z, x0_hat, t)


def inpaint(
    denoiser: Denoiser,
    shape: tuple[int, ...],
    image: np.ndarray,
    mask: np.ndarray,
    rounds: int = 5,
    sampler: str = "ddim",
    steps: int | None = None,
    seed: int = 0,
    labels: np.ndarray | None = None,
    clip: bool = True,
) -> Iterator[State]:
    """Completes an image that has a hole (after Lugmayr et al., 2022, algorithm 1).

    Args:
        shape: of the result, (N, H, W, C).
        image, mask: as in `Inpainting`.
        rounds: how often each step is taken; NFE is about rounds x steps (twice that for heun).
        steps: number of sampler steps; default: 20, see `default_steps`.
        sampler, seed, labels, clip: as in `sampling.sample`, with trailing steps. Each step is run separately, so that
            samplers that use the previous step are of order 1 here.

    Yields:
        A `State` for the noise at the start, and one after the last round of each step.
    """
    if rounds < 1:
        raise MinidiffError(f"inpainting with {rounds} rounds does nothing; use at least 1 round")
    schedule, denoiser = denoiser.schedule, Inpainting(denoiser, image, mask)
    if denoiser.image.shape not in (tuple(shape), tuple(shape[1:])):
        raise MinidiffError(f"an image of shape {denoiser.image.shape} does not fit {tuple(shape)}; resize it")
    draw_noise = noise_streams("inpainting", seed, shape)  # not that of sampling, which may have generated the image
    z = float(schedule.noise[-1]) * draw_noise()
    state = State(z=z, x0_hat=np.zeros_like(z), t=schedule.T)
    yield state
    steps = default_steps(INPAINTING_STEPS, schedule.T) if steps is None else steps
    for t, t_next in choose_steps(schedule, steps):
        for round_number in range(rounds if t_next > 0 else 1):
            if round_number > 0:
                z = schedule.add_more_noise(state.z, draw_noise(), t_next, t)
                state = State(z=z, x0_hat=state.x0_hat, t=t)
            _, state = follow(denoiser, state, [(t, t_next)], sampler, draw_noise, labels, clip)
        yield state


def image_to_image(
    denoiser: Denoiser, images: np.ndarray, strength: float = 0.6, seed: int = 0, **options: Any
) -> Iterator[State]:
    """Generates variants of images: adds noise to them, and samples from there (Meng et al., 2022).

    Args:
        images: float (N, H, W, C), in [-1, 1].
        strength: the timestep to start from, divided by T: near 0 the image hardly changes, at 1 it is replaced.
        seed: of the noise.
        options: as in `sampling.sample`; `steps` is the number of sampler steps from there to the clean image, and
            cannot be larger than the timestep there.

    Yields:
        A `State` for the noised images, and one after each step.
    """
    schedule, images = denoiser.schedule, check_floats(images).astype(np.float32)
    t = first_timestep(strength, schedule.T)
    if (steps := options.get("steps")) is not None and steps > t:
        raise MinidiffError(
            f"a strength of {strength:g} starts at timestep {t} of {schedule.T}, too few for {steps} sampler steps; "
            f"use a larger strength, or at most {t} steps"
        )
    eps = noise_streams("image noise", seed, images.shape)()
    z = schedule.add_noise(images, eps, t) if t < schedule.T else float(schedule.noise[-1]) * eps  # at T: pure noise
    start = State(z=z, x0_hat=images, t=t)
    yield from sample(denoiser, images.shape, seed=seed, start=start, **options)


def first_timestep(strength: float, T: int) -> int:
    """The timestep from 1 to T that `image_to_image` starts from; raises an error for an invalid strength."""
    if not 0 < strength <= 1:
        raise MinidiffError(f"invalid strength {strength}; it must be more than 0 and at most 1")
    return max(1, round(strength * T))


def encode(
    denoiser: Denoiser,
    images: np.ndarray,
    sampler: str = "heun",
    steps: int | None = None,
    labels: np.ndarray | None = None,
    spacing: str = "karras",
) -> np.ndarray:
    """Inversion: the noise z_T from which a deterministic sampler generates these images.

    At t = 0 the noise in an image is undefined. The image, scaled by the signal, is therefore used as z at t = 1, from
    which it hardly differs if T is large.

    Args:
        images: float (N, H, W, C), in [-1, 1].
        sampler: "ddim", "euler", "heun" or "dpmpp_2m".
        steps: number of sampler steps, 1 to T; default: 50, see `default_steps`.
        labels: class of each image, or None.
        spacing: "karras", whose short steps at low noise make the inversion accurate; "trailing" or "uniform".

    Returns:
        z_T, of the images' shape and dtype.
    """
    schedule = denoiser.schedule
    if schedule.T < 2:
        raise MinidiffError("a schedule of one timestep cannot be inverted; use a larger T")
    steps = default_steps(STEPS, schedule.T) if steps is None else steps
    up = [(t_next, t) for t, t_next in reversed(choose_steps(schedule, steps, spacing))]
    pairs = [(max(t, 1), t_next) for t, t_next in up if t_next > 1]
    images = check_floats(images)
    start = State(z=float(schedule.signal[1]) * images, x0_hat=images, t=1)
    for state in follow(denoiser, start, pairs, sampler, labels=labels, clip=False):
        last = state
    return last.z


def decode(
    denoiser: Denoiser,
    z: np.ndarray,
    sampler: str = "heun",
    steps: int | None = None,
    labels: np.ndarray | None = None,
    spacing: str = "karras",
) -> np.ndarray:
    """The images that a deterministic sampler generates from z_T (N, H, W, C); the inverse of `encode`."""
    check_sampler(sampler, deterministic=True)
    start = State(z=z, x0_hat=np.zeros_like(z), t=denoiser.schedule.T)
    return generate(
        denoiser, z.shape, start=start, sampler=sampler, steps=steps, labels=labels, spacing=spacing, clip=False
    )


def interpolate(
    denoiser: Denoiser, first: np.ndarray, last: np.ndarray, count: int, sampler: str = "ddim", **options: Any
) -> Iterator[State]:
    """Generates `count` images from noises between two given ones, both ends included.

    Args:
        first, last: noises z_T, (H, W, C), from `sampling.starting_noise` or from `encode`.
        sampler: "ddim", "euler", "heun" or "dpmpp_2m".
        options: as in `sampling.sample`; labels (count,).

    Yields:
        A `State` for the noises, and one after each step.
    """
    check_sampler(sampler, options.get("eta", 0.0), deterministic=True)
    if count < 2:
        raise MinidiffError(f"cannot interpolate with {count} images; use at least 2")
    z = np.stack([slerp(first, last, weight) for weight in np.linspace(0, 1, count)])
    start = State(z=z, x0_hat=np.zeros_like(z), t=denoiser.schedule.T)
    yield from sample(denoiser, z.shape, sampler=sampler, start=start, **options)


def slerp(a: np.ndarray, b: np.ndarray, weight: float) -> np.ndarray:
    """Spherical linear interpolation: the point at `weight` in [0, 1] on the arc from a to b (Shoemake, 1985).

    The arrays have one shape, which the result has too, and are not zero; if they are parallel, it is linear.
    """
    lengths = np.linalg.norm(a) * np.linalg.norm(b)
    phi = np.arccos(np.clip(np.vdot(a, b) / lengths, -1, 1))
    if np.sin(phi) < 1e-6:
        return ((1 - weight) * a + weight * b).astype(a.dtype)
    return ((np.sin((1 - weight) * phi) * a + np.sin(weight * phi) * b) / np.sin(phi)).astype(a.dtype)


def check_floats(images: np.ndarray) -> np.ndarray:
    """The images as an array; raises an error for bytes, which have not been scaled to [-1, 1]."""
    images = np.asarray(images)
    if not np.issubdtype(images.dtype, np.floating):
        raise MinidiffError(f"images must be floats in [-1, 1], not {images.dtype}; use minidiff.data.to_pixels")
    return images
