"""The model of the cost of training on several ranks, and its measurement."""

import logging

import pytest

from minidiff.benchmark.ranks import CHART, SIZES, Cost, Timing, report
from minidiff.cli import main
from tests import mpi

COST = Cost(compute=0.4, optimizer=0.02, latency=1e-3, num_bytes=10**7, bandwidth=1e8)


def test_the_model_of_two_ranks_by_hand():
    """Each of two ranks sends half of 10 MB twice, at 100 MB/s, and two messages one after the other."""
    assert COST.exchange(1) == 0
    assert COST.exchange(2) == pytest.approx(2 * 0.05 + 2 * 0.001)
    assert COST.step(1) == pytest.approx(0.42)
    assert COST.step(2) == pytest.approx(0.2 + 0.02 + 0.102)
    assert COST.efficiency(1) == 1
    assert COST.efficiency(2) == pytest.approx(0.42 / (0.42 + 0.102))


def test_more_ranks_are_never_more_efficient():
    values = [COST.efficiency(n) for n in SIZES]
    assert values == sorted(values, reverse=True)


def test_the_report_names_the_ratio_and_draws_the_chart(tmp_path, caplog):
    caplog.set_level(logging.INFO, "minidiff")
    times = {
        "1 rank, 1 thread": Timing(0.42, 0.41, 0.4),
        "1 rank, 2 threads": Timing(0.21, 0.2, 0.2),
        "2 ranks, 1 thread each": Timing(0.3, 0.26, 0.25),
    }
    report(COST, times, {"on each rank": 0.02}, [2], 2, tmp_path)
    text = caplog.text
    assert "2 ranks, 1 thread each: 0.70 of the throughput of 1 rank, 2 threads" in text
    assert "300  1.40x            250  1.60x        322" in text  # 0.42 / 0.3, 0.4 / 0.25, and the model from above
    assert (tmp_path / CHART).stat().st_size > 1000


def test_the_measurement_needs_several_ranks(capsys):
    assert main(["bench", "--only", "ranks"]) == 2
    assert "mpiexec --bind-to none -n 2 minidiff bench --only ranks" in capsys.readouterr().err


PROGRAM = """
from mpi4py import MPI
from minidiff.benchmark import ranks
from minidiff.commands.printing import console
from tests.benchmark.test_benchmarks import TINY
ranks.BATCH = 4
with console():
    ranks.bench_ranks(ranks.MpiRanks(MPI), TINY, 1, True, None)
"""


def test_two_ranks_measure_each_other():
    code, output, errors = mpi.run(2, mpi.MINIDIFF[0], "-c", PROGRAM)
    assert code == 0, errors
    assert output.count("Predicted efficiency of weak scaling") == 1
