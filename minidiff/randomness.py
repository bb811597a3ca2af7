"""Random streams: one independent generator for every use of a seed.

A run has one seed but many uses of random numbers. If two of them read the same stream, they are correlated: the noise
of an example could repeat the noise that a sample started from. So each use has a purpose, and a stream belongs to a
purpose, a seed, and keys such as the epoch and the index of an image. NumPy hashes them together (`SeedSequence`), with
the seed padded to a fixed length, so that no two combinations give the same stream.

A stream depends on nothing else. An example therefore gets the same noise for every number of threads, and after
training was interrupted and resumed.

Random numbers that nothing else in a run depends on, such as the inputs of exercises and benchmarks, do not come from
here.
"""

import numpy as np

from minidiff.errors import MinidiffError

VERSION = 2  # raise it when a stream changes: a run that began with other random numbers cannot be resumed
MAX_SEED = 2**128 - 1  # NumPy pads seeds to this length before it appends the purpose and the keys
MAX_IMAGE_SEED = 2**32 - 1  # a larger one would be two words, those of another seed and image

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
    "chosen images": 21,  # of those in files
    "split": 22,  # which images are held out
    "contact sheet": 23,
    "inpainting": 24,  # starting and fresh noise; key: index of the image
    "fresh noise of edits": 25,  # of samplers that start from a given state; key: index of the image
    "quiz": 26,  # order of the questions
    "odd halves": 27,  # images whose halves differ in a few attributes; key: index of the image
    "noise of odd halves": 28,  # key: index of the image
    "probes": 29,  # of the divergence along the ODE; key: index of the example
    "noisy classifier": 30,  # examples of the classifier of noised points
}
DATA = ("chosen images", "split")  # decide which images a run is trained on


class EarlierSeed(int):
    """The seed of the data of a run that began before the streams had purposes.

    Its data is chosen anew whenever the run is opened, and has to be the same as before.
    """


def stream(purpose: str, seed: int, *keys: int) -> np.random.Generator:
    """Creates the generator of a purpose.

    Args:
        purpose: one of `PURPOSES`.
        seed: from 0 to `MAX_SEED`.
        keys: non-negative integers below 2^32, always the same number of them for a purpose.

    Returns:
        A generator that is independent of those of all other purposes, seeds and keys.

    Raises:
        MinidiffError: a seed that is negative or too large.
    """
    if not 0 <= seed <= MAX_SEED:
        raise MinidiffError(f"the seed is {seed}; give an integer from 0 to 2^128 - 1")
    if isinstance(seed, EarlierSeed) and purpose in DATA:
        return np.random.default_rng([seed, *keys])
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(PURPOSES[purpose], *keys)))


def image_stream(seed: int, i: int) -> np.random.Generator:
    """Creates the generator of synthetic image i of a data set.

    It is that of version 0.1.0, because the course and earlier runs rely on these images. No other stream has its key,
    since all others are hashed with a purpose.

    Raises:
        MinidiffError: a seed that is negative or too large.
    """
    if not 0 <= seed <= MAX_IMAGE_SEED:
        raise MinidiffError(f"the seed of synthetic images is {seed}; give an integer from 0 to 2^32 - 1")
    return np.random.default_rng([seed, i])
