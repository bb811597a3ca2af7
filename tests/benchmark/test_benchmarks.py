"""The benchmarks run, and count and compare the right work. No test depends on a measured time."""

import sys

import numpy as np
import pytest

from minidiff import UNetConfig, Workers
from minidiff.benchmark import growth, kernels, network, probe, timing
from minidiff.cli import main
from minidiff.kernels.plain.convolution import convolve_naive, convolve_naive_backward
from minidiff.layers import Conv2d
from minidiff.parameters import Parameters

TINY = UNetConfig(height=8, width=8, channels=(16, 32), attention_levels=1, num_classes=2, head_channels=8)


def test_functions_take_turns_and_the_warm_up_does_not_count(monkeypatch):
    calls, clock = [], [0.0]
    cost = {"a": iter([9.0, 1.0, 2.0, 3.0]), "b": iter([9.0, 10.0, 30.0, 20.0])}

    def run(name):
        calls.append(name)
        clock[0] += next(cost[name])

    monkeypatch.setattr(timing.time, "perf_counter", lambda: clock[0])
    seconds = timing.take_turns({"a": lambda: run("a"), "b": lambda: run("b")}, rounds=3, warm_up=1)
    assert calls == ["a", "b"] * 4
    assert seconds == {"a": 2.0, "b": 20.0}


def test_a_short_function_is_called_several_times_and_the_first_call_does_not_count(monkeypatch):
    clock, calls = [0.0], []
    cost = iter([0.01, *[0.01, *[0.005] * 5, 0.02, *[0.006] * 2]])

    def run():
        calls.append(1)
        clock[0] += next(cost)

    monkeypatch.setattr(timing.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(timing, "TURN", 0.05)
    seconds = timing.take_turns({"a": run}, rounds=2, warm_up=1)
    assert len(calls) == 1 + (1 + 5) + (1 + 2)
    assert seconds["a"] == pytest.approx(0.0055)


def test_a_table_is_aligned():
    lines = timing.table(["what", "ms"], [["long name", 1.23456], ["x", 1234.5]]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[1].endswith(" 1.23")
    assert lines[2].endswith(" 1,234")


def test_a_timed_convolution_computes_the_gradient_of_the_whole_batch(monkeypatch, rng):
    x, dy = rng.normal(size=(5, 6, 7, 3)).astype(np.float32), rng.normal(size=(5, 6, 7, 4)).astype(np.float32)
    collected = []
    monkeypatch.setattr(Parameters, "zeros_like", collect(Parameters.zeros_like, collected))
    layer = Conv2d("c", 3, 4)
    with Workers(2) as workers:
        kernels.in_microbatches(layer, x, dy, workers)()
    dweight, dbias = convolve_naive_backward(x, np.ones((3, 3, 3, 4), np.float32), 1, dy)[1:]
    np.testing.assert_allclose(sum(g["c.weight"] for g in collected), dweight, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(sum(g["c.bias"] for g in collected), dbias, rtol=1e-4, atol=1e-4)


def collect(method, collected):
    """`method`, which also appends its results to `collected`."""

    def collecting(*arguments):
        collected.append(method(*arguments))
        return collected[-1]

    return collecting


def test_rates_count_three_times_the_forward_operations(monkeypatch, workers):
    monkeypatch.setattr(kernels, "take_turns", lambda ways: dict.fromkeys(ways, 2.0))
    rows, ways = kernels.convolution_rates(workers, {"rival": lambda x, w, dy: lambda: None}, shapes=[(8, 3, 4)])
    work = 3 * 2 * 8 * 8 * 9 * 3 * 4 / 1e9
    assert ways == ["naive", "im2col", "winograd", "fast", "rival"]
    assert rows[0][1:] == pytest.approx([work / 2, *[kernels.BATCH * work / 2] * 4])


def test_the_im2col_kernels_are_the_convolution(rng):
    x, w, b = rng.normal(size=(2, 5, 7, 3)), rng.normal(size=(3, 3, 3, 4)), rng.normal(size=4)
    dy, dw, db = rng.normal(size=(2, 5, 7, 4)), np.zeros_like(w), np.zeros_like(b)
    im2col = kernels.im2col_kernels()
    np.testing.assert_allclose(im2col.convolve(x, w, b, 1, dy) - dy, convolve_naive(x, w, b, 1), rtol=0, atol=1e-12)
    dx = im2col.convolve_backward(x, w, dy, 1, dw, db)
    for found, expected in zip((dx, dw, db), convolve_naive_backward(x, w, 1, dy), strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_disabling_a_trick_does_not_change_the_loss(monkeypatch):
    losses = []

    def run_once(ways):
        losses.extend(function().loss for function in ways.values())
        return dict.fromkeys(ways, 1.0)

    monkeypatch.setattr(network, "take_turns", run_once)
    with Workers(2) as workers:
        rows = network.tricks(TINY, workers)
    assert len(rows) == 5
    assert losses == pytest.approx([losses[0]] * 5, rel=1e-4)


def test_sampling_and_growth_run():
    with Workers(2) as workers:
        x0_hat, eps_hat = network.sampling_step(TINY, 3, workers)()
        assert x0_hat.shape == eps_hat.shape == (3, 8, 8, 3)
        measured = growth.growth(2, TINY, quick=True)
    assert [value for value, _, _ in measured["threads"]] == [1, 2]
    assert all(min(values) > 0 for points in measured.values() for _, *values in points)


def test_the_probe_measures_a_new_process():
    measured = probe.probe("minidiff", 1, 1)
    assert set(measured) == {"first_step_seconds", "peak_mb"}
    assert 0 < probe.import_seconds() < 60
    assert measured["peak_mb"] > 50


def test_the_naive_method_runs_the_loops(rng):
    x = rng.normal(size=(1, 4, 4, 2)).astype(np.float32)
    y = convolve_naive(x, np.ones((3, 3, 2, 3), np.float32), np.zeros(3, np.float32), 1)
    kernels.naive(x, 2, 3, y)()
    assert y.shape == (1, 4, 4, 3)


def test_an_unknown_part_and_missing_pytorch_print_one_line_each(capsys, monkeypatch):
    monkeypatch.setattr(kernels, "matmul_peak", lambda: 1.0)
    monkeypatch.setitem(sys.modules, "torch", None)  # as if it were not installed
    monkeypatch.delitem(sys.modules, "minidiff.benchmark.against_torch", raising=False)
    monkeypatch.delattr("minidiff.benchmark.against_torch", raising=False)
    assert main(["bench", "--only", "kernel", "--threads", "1"]) == 2
    assert "choose from kernels, roofline" in capsys.readouterr().err
    assert main(["bench", "--only", "step", "--against", "torch", "--threads", "1"]) == 2
    assert "PyTorch is not installed" in capsys.readouterr().err
