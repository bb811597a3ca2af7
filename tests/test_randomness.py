"""Random streams: no two uses of a seed give the same numbers."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

import minidiff
from minidiff import editing, sampling
from minidiff.data import Dataset
from minidiff.data.dataset import choose
from minidiff.errors import MinidiffError
from minidiff.examples import order_of_epoch
from minidiff.oracles import GaussianDenoiser
from minidiff.randomness import PURPOSES, EarlierSeed, image_stream, stream
from minidiff.sampling import generate, noise_streams, starting_noise
from minidiff.schedule import Schedule

SEEDS = (0, 1, 2, 4, 2**32, 2**32 + 1, 2**64, 2**64 + 2**32, 2**128 - 1)
KEYS = ((), (0,), (1,), (2,), (0, 0), (0, 1), (1, 0), (0, 0, 0))


def first_word(rng):
    return int(rng.bit_generator.random_raw())


def test_all_pairs_of_streams_differ():
    """Equal first words of 64 bits would be a chance of one in 10^13 for the 1900 streams."""
    streams = itertools.product(PURPOSES, SEEDS, KEYS)
    words = [first_word(stream(purpose, seed, *keys)) for purpose, seed, keys in streams]
    assert len(set(words)) == len(words) == len(PURPOSES) * len(SEEDS) * len(KEYS)


def test_streams_differ_from_generators_seeded_directly():
    """Users seed generators with numbers, and runs of earlier versions draw images from the key (seed, index)."""
    ours = {first_word(stream(purpose, seed, *keys)) for purpose in PURPOSES for seed in range(4) for keys in KEYS}
    seeds = [*range(40), *itertools.product(range(20), range(20)), *itertools.product(range(5), range(5), range(5))]
    assert not ours & {first_word(np.random.default_rng(seed)) for seed in seeds}


def test_only_one_module_creates_generators():
    """Exercises, benchmarks and questions draw inputs on which nothing else depends."""
    package = Path(minidiff.__file__).parent
    sources = {file.relative_to(package): file.read_text(encoding="utf-8") for file in package.rglob("*.py")}
    own = [path for path, text in sources.items() if re.search(r"default_rng|SeedSequence|RandomState", text)]
    assert {path.parts[0] for path in own} == {"randomness.py", "exercises", "benchmark"}


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


def test_fresh_noise_after_a_given_start_is_not_that_which_made_the_start():
    """An image made with a seed can be edited with the same seed."""
    used = []

    def record(purpose, seed, shape):
        used.append(purpose)
        return noise_streams(purpose, seed, shape)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling, "noise_streams", record)
        patch.setattr(editing, "noise_streams", record)
        oracle = GaussianDenoiser(Schedule("flow", 20), 0.0, 0.5)
        image = generate(oracle, (1, 6), sampler="ddpm", steps=4)
        made, used[:] = set(used), []
        list(editing.image_to_image(oracle, image, sampler="ddpm", steps=4))
        list(editing.inpaint(oracle, (1, 6), image, np.ones(6, bool), steps=4))
    assert made == {"starting noise", "fresh noise"}
    assert len(set(used)) == 3
    assert not made & set(used)


def test_the_held_out_images_are_not_those_that_would_be_chosen():
    images = np.arange(100, dtype=np.uint8).repeat(64).reshape(100, 8, 8, 1)
    for seed in range(3):
        chosen, _ = choose(100, 10, seed, "here")
        held_out = Dataset(images).split(0.1, seed)[1].images[:, 0, 0, 0]
        assert len(chosen) == len(held_out) == 10
        assert set(chosen.tolist()) != set(held_out.tolist())


@pytest.mark.parametrize("seed", [-1, 2**128])
def test_seeds_out_of_range_are_refused(seed):
    """A longer one would have a word where the purpose of others is."""
    with pytest.raises(MinidiffError, match=f"the seed is {seed}; give an integer from 0 to 2\\^128 - 1"):
        stream("order", seed, 0)


def test_an_earlier_seed_leaves_the_data_as_it_was_and_nothing_else():
    assert np.array_equal(stream("split", EarlierSeed(3)).random(4), np.random.default_rng(3).random(4))
    assert np.array_equal(stream("example", EarlierSeed(3), 0, 7).random(4), stream("example", 3, 0, 7).random(4))


def test_synthetic_images_are_drawn_from_seed_and_index():
    """No other stream has these keys, see above; a seed of two words would be the key of another seed and image."""
    assert np.array_equal(image_stream(3, 7).random(4), np.random.default_rng([3, 7]).random(4))
    words = {first_word(image_stream(seed, i)) for seed in (0, 1, 2**32 - 1) for i in range(50)}
    assert len(words) == 150
    for seed in (-1, 2**32):
        with pytest.raises(MinidiffError, match=f"the seed of synthetic images is {seed}; give an integer from 0 to"):
            image_stream(seed, 0)
