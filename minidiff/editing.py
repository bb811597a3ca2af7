"""Steering: getting from a trained denoiser what one wants, instead of what comes.

Nothing here trains anything. Four ideas, each a few lines on top of any sampler; the fifth, guidance by a label, is
`Guided` in `denoiser.py`.

    inpainting        an image with a hole: wherever the image is known, x0_hat is the image
    image to image    start not from pure noise, but from a given image with some noise on it
    inversion         run a deterministic sampler backwards: from an image to the noise that it would come from
    interpolation     walk from one noise to another, and watch the image change

Why inpainting takes several rounds: with x0_hat set to the image where it is known, the sampler leads the known part
of z down the true forward process of that image, and the network completes what it sees. But what it sees is noisy:
much of the unknown part is decided while the known part is still hard to make out, and in one pass down the two fit
badly. So each step is taken, undone by noise, and taken again, and the unknown part adapts a little every time
(Lugmayr et al., 2022, algorithm 1). For two numbers of correlation 0.9, the first known to be 0.6, the second should be
0.54 on average; in a test, one round gives 0.26, five give 0.46 and twenty 0.52.

Why interpolation follows an arc: in many dimensions normal noise lies close to a sphere of radius sqrt(dimensions). The
straight line between two noises dives through the inside of the sphere, where no noise ever is; the arc stays on it.

    slerp(a, b, w) = sin((1 - w) phi) / sin(phi) a + sin(w phi) / sin(phi) b          phi = the angle between a and b

Read more: `tutorials/10_editing.ipynb`; Shoemake, "Animating Rotation with Quaternion Curves", 1985; Meng et al.,
"SDEdit", 2022; Song, Meng and Ermon, "Denoising Diffusion Implicit Models", 2021, section 4.3.
"""

import numpy as np

from minidiff.errors import MinidiffError
from minidiff.samplers import State
from minidiff.sampling import check_sampler, follow, generate, noise_streams, sample
from minidiff.steps import choose_steps

IMAGE_NOISE_STREAM = 3  # keeps the noise put on an image apart from the noise that samplers draw


class Inpainting:
    """Any denoiser, made to believe in the known part of an image.

    Args:
        denoiser: any.
        image: the image, (H, W, C) for all, or (N, H, W, C); what it shows inside the hole does not matter.
        mask: where to paint anew: bool (H, W), or anything that broadcasts to the image; True is the hole.

    Raises:
        MinidiffError: a mask that does not fit the image, or an image in bytes.
    """

    def __init__(self, denoiser, image, mask):
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

    def __call__(self, z, t, labels=None):
        """x0_hat and eps_hat for z (N, ...) at step t."""
        x0_hat, _ = self.denoiser(z, t, labels)
        x0_hat = np.where(self.mask, x0_hat, self.image.astype(z.dtype))
        return x0_hat, self.schedule.eps_from_x0(z, x0_hat, t)


def inpaint(denoiser, shape, image, mask, rounds=5, sampler="ddim", steps=20, seed=0, labels=None, clip=True):
    """Images that continue a given one into its hole (Lugmayr et al., 2022, algorithm 1).

    Args:
        denoiser: any.
        shape: of the result, (N, H, W, C).
        image, mask: as for `Inpainting`.
        rounds: how often each step is taken; the denoiser is asked rounds x steps times (twice that by heun).
        sampler, steps, seed, labels, clip: as for `sampling.sample`. Each step stands alone, so that samplers that look
            back at the step before do what those of order 1 do; steps are trailing ones.

    Yields:
        A `State` for the noise at the start, and one after the last round of each step.

    Raises:
        MinidiffError: fewer than one round, an image or a mask that does not fit, or as for `sample`.
    """
    if rounds < 1:
        raise MinidiffError(f"inpainting needs at least 1 round, not {rounds}")
    schedule, denoiser = denoiser.schedule, Inpainting(denoiser, image, mask)
    if denoiser.image.shape not in (tuple(shape), tuple(shape[1:])):
        raise MinidiffError(f"an image of shape {denoiser.image.shape} cannot become {tuple(shape)}; resize it")
    draw_noise = noise_streams(seed, shape)
    z = float(schedule.noise[-1]) * draw_noise()
    state = State(z, np.zeros_like(z), schedule.T)
    yield state
    for t, t_next in choose_steps(schedule, steps):
        for round_number in range(rounds if t_next > 0 else 1):
            if round_number > 0:
                state = State(schedule.add_more_noise(state.z, draw_noise(), t_next, t), state.x0_hat, t)
            _, state = follow(denoiser, state, [(t, t_next)], sampler, draw_noise, labels, clip)
        yield state


def image_to_image(denoiser, images, strength=0.6, seed=0, **options):
    """Images that begin as given ones under noise (Meng et al., 2022).

    Args:
        denoiser: any.
        images: where to begin, (N, H, W, C), in [-1, 1].
        strength: how far to go into the noise, as a share of T: near 0 the image stays, at 1 nothing of it does.
        seed: of the noise.
        options: as for `sampling.sample`; `steps` is the number of steps from there to the clean image.

    Yields:
        A `State` for the noised images, and one after each step.

    Raises:
        MinidiffError: a strength outside (0, 1], images in bytes, or as for `sample`.
    """
    if not 0 < strength <= 1:
        raise MinidiffError(f"strength must be more than 0 and at most 1, not {strength}")
    schedule = denoiser.schedule
    t = max(1, round(strength * schedule.T))
    images = check_floats(images).astype(np.float32)
    eps = noise_streams(seed, images.shape, IMAGE_NOISE_STREAM)()
    start = State(schedule.add_noise(images, eps, t), images, t)
    yield from sample(denoiser, images.shape, seed=seed, start=start, **options)


def encode(denoiser, images, sampler="heun", steps=50, labels=None, spacing="karras"):
    """The noise z_T from which a deterministic sampler would make these images: the sampler, run backwards.

    At t = 0 there is no noise to ask the denoiser about, so the image is taken for z at t = 1, the least noisy step,
    which it differs from by less than is visible if T is large.

    Args:
        denoiser: any.
        images: (N, H, W, C), in [-1, 1].
        sampler: "ddim", "euler", "heun" or "dpmpp_2m".
        steps: how many, 1 to T.
        labels: class of each, or None.
        spacing: "karras", whose short steps at little noise are what it takes to come back; "trailing" or "uniform".

    Returns:
        z_T, of the images' shape and dtype.

    Raises:
        MinidiffError: a sampler that draws noise, too many steps, a schedule of one step, or images in bytes.
    """
    schedule = denoiser.schedule
    if schedule.T < 2:
        raise MinidiffError("a schedule of one step has no way from image to noise to follow; use more steps, T")
    up = [(t_next, t) for t, t_next in reversed(choose_steps(schedule, steps, spacing))]
    pairs = [(max(t, 1), t_next) for t, t_next in up if t_next > 1]
    images = check_floats(images)
    start = State(float(schedule.signal[1]) * images, images, 1)
    for state in follow(denoiser, start, pairs, sampler, labels=labels, clip=False):
        last = state
    return last.z


def decode(denoiser, z, sampler="heun", steps=50, labels=None, spacing="karras"):
    """The images that a deterministic sampler makes of the noise z_T: what `encode` is undone by.

    Args:
        denoiser, sampler, steps, labels, spacing: as for `encode`.
        z: noises z_T, (N, H, W, C).

    Returns:
        Images, of z's shape and dtype.

    Raises:
        MinidiffError: a sampler that draws noise, or too many steps.
    """
    check_sampler(sampler, deterministic=True)
    options = {"sampler": sampler, "steps": steps, "labels": labels, "spacing": spacing, "clip": False}
    return generate(denoiser, z.shape, start=State(z, np.zeros_like(z), denoiser.schedule.T), **options)


def interpolate(denoiser, first, last, count, sampler="ddim", **options):
    """Images on the way from one noise to another.

    Args:
        denoiser: any.
        first, last: noises z_T, (H, W, C), from `sampling.starting_noise` or from `encode`.
        count: how many images, both ends included.
        sampler: "ddim", "euler", "heun" or "dpmpp_2m".
        options: as for `sampling.sample`; labels (count,).

    Yields:
        A `State` for the noises, and one after each step.

    Raises:
        MinidiffError: a sampler that draws noise, fewer than two images, or as for `sample`.
    """
    check_sampler(sampler, options.get("eta", 0.0), deterministic=True)
    if count < 2:
        raise MinidiffError(f"a way from one image to another needs at least 2 images, not {count}")
    z = np.stack([slerp(first, last, weight) for weight in np.linspace(0, 1, count)])
    start = State(z, np.zeros_like(z), denoiser.schedule.T)
    yield from sample(denoiser, z.shape, sampler=sampler, start=start, **options)


def slerp(a, b, weight):
    """The point at `weight` on the arc from a to b (Shoemake, 1985).

    Args:
        a, b: arrays of one shape, neither of them zero.
        weight: 0 is a, 1 is b.

    Returns:
        Array of that shape and dtype; a straight line where a and b point the same or opposite ways.
    """
    lengths = np.linalg.norm(a) * np.linalg.norm(b)
    phi = np.arccos(np.clip(np.vdot(a, b) / lengths, -1, 1))
    if np.sin(phi) < 1e-6:
        return ((1 - weight) * a + weight * b).astype(a.dtype)
    return ((np.sin((1 - weight) * phi) * a + np.sin(weight * phi) * b) / np.sin(phi)).astype(a.dtype)


def check_floats(images):
    """The images as an array, if they are floating-point numbers; bytes left in [0, 255] are a mistake.

    Raises:
        MinidiffError: they are whole numbers.
    """
    images = np.asarray(images)
    if not np.issubdtype(images.dtype, np.floating):
        raise MinidiffError(f"images must be numbers in [-1, 1], not {images.dtype}; use minidiff.data.to_pixels")
    return images
