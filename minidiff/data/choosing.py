"""Some of many, at random: the same choice for every reader."""

import numpy as np

from minidiff.errors import MinidiffError


def choose(count, num_images, seed, where, what="images"):
    """Which images to take.

    Args:
        count: how many there are.
        num_images: how many to take; all of them if None.
        seed: of the choice.
        where: names the source in the message.
        what: is counted.

    Returns:
        Indices (num_images,) in rising order, or a slice of all, and a note on the choice.

    Raises:
        MinidiffError: more than there are, fewer than one, or a negative seed.
    """
    if num_images is None:
        return slice(None), ()
    if not 1 <= num_images <= count:
        raise MinidiffError(f"{where}: {num_images} {what} asked for; give a number from 1 to {count}")
    if seed < 0:
        raise MinidiffError(f"{where}: seed is {seed}; give a whole number from 0 up")
    indices = np.sort(np.random.default_rng(seed).permutation(count)[:num_images])
    return indices, (f"{num_images} of {count} {what} chosen at random, seed {seed}",)
