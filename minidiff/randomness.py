"""Random streams: one independent generator for every use of a seed.

A run has one seed but many uses of random numbers. If two of them read the same stream, they are correlated: the noise
of an example could repeat the noise that a sample started from. So each use has a purpose, and a stream belongs to a
purpose, a seed, and keys such as the epoch and the index of an image. NumPy hashes them together (`SeedSequence`), with
the seed padded to a fixed length, so that no two combinations give the same stream.

A stream depends on nothing else. An example therefore gets the same noise for every number of threads, and after
training was interrupted and resumed.

The only random numbers that do not come from here decide which images a data set contains (`data/`): a run draws or
chooses its images anew whenever it is opened, so their streams stay those of version 0.1.0.
"""

import numpy as np

VERSION = 2  # raise it when a stream changes: a run that began with other random numbers cannot be resumed

PURPOSES = {  # numbers are never used again for another purpose
    "parameters": 1,  # initial values
    "order": 2,  # of the examples; key: epoch
    "example": 3,  # timestep, noise, flip and dropped label; keys: epoch, index of the example
    "held-out order": 4,
    "held-out example": 5,  # key: index of the example
    "starting noise": 6,  # of sampling; key: index of the image
    "fresh noise": 7,  # of samplers in every step; key: index of the image
    "image noise": 8,  # added to an image that is edited; key: index of the image
    "figure": 9,
    "points": 10,
    "estimate": 11,  # images from which a property of the data is estimated
    "held-out images": 12,  # which real images are compared with samples
    "halves": 13,  # which of them are the reference
    "jackknife": 14,  # subsets for an error bar
    "classifier": 15,  # order of the examples of the networks that measure; key: epoch
    "parts": 16,  # synthetic images with independent parts; key: index of the image
    "splice pool": 17,  # which images are spliced
    "splices": 18,
    "spliced share": 19,  # which images are spliced first in the table of metrics
}


def stream(purpose: str, seed: int, *keys: int) -> np.random.Generator:
    """Creates the generator of a purpose.

    Args:
        purpose: one of `PURPOSES`.
        seed: a non-negative integer.
        keys: non-negative integers below 2^32, always the same number of them for a purpose.

    Returns:
        A generator that is independent of those of all other purposes, seeds and keys.
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(PURPOSES[purpose], *keys)))
