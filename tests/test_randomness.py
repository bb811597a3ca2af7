"""Random streams: no two uses of a seed give the same numbers."""

import itertools

import numpy as np
import pytest

from minidiff.data import draw
from minidiff.errors import MinidiffError
from minidiff.examples import order_of_epoch
from minidiff.randomness import PURPOSES, stream
from minidiff.sampling import noise_streams, starting_noise
from minidiff.schedule import Schedule

SEEDS = (0, 1, 2, 4, 2**32, 2**32 + 1, 2**64, 2**64 + 2**32)
KEYS = ((), (0,), (1,), (2,), (0, 0), (0, 1), (1, 0), (0, 0, 0))


def first_word(rng):
    return int(rng.bit_generator.random_raw())


def test_all_pairs_of_streams_differ():
    """Equal first words of 64 bits would be a chance of one in 10^14 for the 900 streams."""
    streams = itertools.product(PURPOSES, SEEDS, KEYS)
    words = [first_word(stream(purpose, seed, *keys)) for purpose, seed, keys in streams]
    assert len(set(words)) == len(words) == len(PURPOSES) * len(SEEDS) * len(KEYS)


def test_streams_differ_from_generators_seeded_directly():
    """Images are drawn from the key (seed, index), and users seed generators with a number."""
    ours = {first_word(stream(purpose, seed, *keys)) for purpose in PURPOSES for seed in range(4) for keys in KEYS}
    seeds = [*range(40), *itertools.product(range(20), range(20)), *itertools.product(range(5), range(5), range(5))]
    assert not ours & {first_word(np.random.default_rng(seed)) for seed in seeds}


def test_a_stream_depends_on_its_arguments_alone():
    first = stream("example", 3, 1, 7).random(4)
    stream("example", 3, 1, 8).random(100)
    assert np.array_equal(stream("example", 3, 1, 7).random(4), first)


def test_purposes_have_numbers_of_their_own():
    assert len(set(PURPOSES.values())) == len(PURPOSES)


def test_the_order_of_an_epoch_is_not_that_of_a_generator_with_the_same_seed():
    assert not np.array_equal(order_of_epoch(5, 0, 50), np.random.default_rng(5).permutation(50))
    assert not np.array_equal(order_of_epoch(5, 0, 50), order_of_epoch(5, 1, 50))


def test_fresh_noise_is_not_the_starting_noise():
    """They are uncorrelated; with one stream for both, a start given by the user would be repeated."""
    start = starting_noise(Schedule(), (2, 5000), seed=3)
    fresh = noise_streams("fresh noise", 3, (2, 5000))()
    for i in range(2):
        assert abs(np.corrcoef(start[i], fresh[i])[0, 1]) < 4 / np.sqrt(5000)


def test_synthetic_data_refuses_seeds_of_more_than_one_word():
    with pytest.raises(MinidiffError, match="a seed from 0 to 4294967295"):
        draw("shapes", 1, 8, seed=2**32)
