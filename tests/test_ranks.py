"""Ranks: a single process, and several over MPI that exchange values and compute the same."""

import hashlib
import json
import sys

import numpy as np
import pytest

from minidiff.parallel import Workers
from minidiff.ranks import ALONE, Ranks
from tests import mpi, tiny

STEPS = 50


@pytest.mark.parametrize("count", [0, 1, 2, 7, 64])
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_every_item_belongs_to_one_rank_and_no_rank_has_two_more_than_another(count, size):
    ranks = Ranks()
    ranks.size = size
    parts = [range(count)[ranks.part(count, rank)] for rank in range(size)]
    assert [item for part in parts for item in part] == list(range(count))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_a_single_process_exchanges_nothing():
    vectors = [np.arange(3.0), np.arange(4.0, 7.0)]
    assert ALONE.exchange(vectors, 1)[0] is vectors[0]
    assert ALONE.merge(vectors[0]) is vectors[0]
    assert ALONE.gather("value") == ["value"]
    ALONE.copy(vectors[0])
    ALONE.collect(vectors[0], vectors[0])
    np.testing.assert_array_equal(vectors[0], np.arange(3.0))


def train(ranks, workers):
    """The result of 50 steps: a hash of the state, and the losses. An epoch ends with a small batch of 4 of 20."""
    trainer = tiny.trainer(workers, tiny.dataset(20), ranks=ranks, epochs=30, batch_size=8, flip=True)
    losses = []
    for step in trainer.train():
        losses += step.losses.tolist()
        if step.step == STEPS:
            break
    state = hashlib.sha256(b"".join(vector.tobytes() for vector in trainer.state().values())).hexdigest()
    t, held_out = trainer.held_out_losses(tiny.dataset(7, seed=1))
    denoiser = trainer.denoiser()
    denoiser.ranks = ranks
    z = np.random.default_rng(0).standard_normal((5, 8, 8, 3)).astype(np.float32)
    x0_hat, _ = denoiser(z, 30, np.arange(5) % 3)
    return {"state": state, "losses": losses, "held_out": held_out.tolist(), "t": t.tolist(), "x0": x0_hat.tolist()}


EXCHANGES = """
import sys, json
import numpy as np
from mpi4py import MPI
from minidiff.ranks import MpiRanks
ranks, rng = MpiRanks(MPI), np.random.default_rng(0)
for size in (1, 5, 1000):
    for count in (1, 2, 4, 7):
        every = rng.standard_normal((count, size)).astype(np.float32)
        own = [vector.copy() for vector in every[ranks.part(count)]] or [np.full(size, np.nan, np.float32)]
        sections = ranks.exchange(own, count)
        for mine, whole in zip(sections, every, strict=True):
            np.testing.assert_array_equal(mine, whole[ranks.part(size)])
        vector = np.full(size, np.nan, np.float32)
        ranks.collect(vector, sections[-1])
        np.testing.assert_array_equal(vector, every[-1])
array = np.zeros((7, 2))
array[ranks.part(7)] = [[-0.0, np.nan]] * len(range(7)[ranks.part(7)])
assert np.signbit(ranks.merge(array)[:, 0]).all() and np.isnan(array[:, 1]).all()
vector = np.arange(3.0) + 10 * ranks.rank
ranks.copy(vector)
np.testing.assert_array_equal(vector, np.arange(3.0))
assert ranks.gather([ranks.rank, "é" * ranks.rank]) == [[i, "é" * i] for i in range(ranks.size)]
assert repr(ranks) == f"MpiRanks({ranks.rank} of {ranks.size})"
"""


@pytest.mark.parametrize("count", [2, 3])
def test_ranks_exchange_values(count):
    code, _, errors = mpi.run(count, sys.executable, "-c", EXCHANGES)
    assert code == 0, errors


TRAIN = """
import json, sys
from mpi4py import MPI
from minidiff.parallel import Workers
from minidiff.ranks import MpiRanks
from tests.test_ranks import train
ranks = MpiRanks(MPI)
with Workers(1) as workers:
    result = train(ranks, workers)
results = ranks.gather(result)
if ranks.rank == 0:
    print(json.dumps(results))
"""


@pytest.mark.parametrize("count", [2, 3, 4])
def test_fifty_steps_are_bit_for_bit_identical_on_any_number_of_ranks(count, workers):
    code, output, errors = mpi.run(count, sys.executable, "-c", TRAIN)
    assert code == 0, errors
    alone = train(ALONE, workers)
    assert json.loads(output) == [json.loads(json.dumps(alone))] * count


def test_more_ranks_than_accumulators_differ_only_by_rounding():
    """Six ranks have six gradient vectors, of eight microbatches; a single process has four."""
    program = TRAIN.replace("tests.test_ranks import train", "tests.test_ranks import small_microbatches as train")
    code, output, errors = mpi.run(6, sys.executable, "-c", program)
    assert code == 0, errors
    results = json.loads(output)
    assert results == [results[0]] * 6
    with Workers(1) as workers:
        np.testing.assert_allclose(results[0], small_microbatches(ALONE, workers), rtol=1e-4)


def small_microbatches(ranks, workers):
    """The losses of three steps with a microbatch for each image."""
    trainer = tiny.trainer(workers, tiny.dataset(24), ranks=ranks, epochs=1, batch_size=8, microbatch_size=1)
    return [step.loss for step in trainer.train()]
