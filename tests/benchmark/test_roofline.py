"""The roofline counts the operations and bytes that a kernel needs, and accounts for the whole step."""

import numpy as np
import pytest
from PIL import Image

from minidiff import UNetConfig
from minidiff.benchmark import roofline
from minidiff.benchmark.roofline import Machine, Spent, operations_of
from minidiff.kernels.sets import create_kernels

TINY = UNetConfig(height=8, width=8, channels=(16, 32), attention_levels=1, num_classes=2, head_channels=8)
MACHINE = Machine(product=100e9, copy=10e9)


def zeros(*shapes):
    return tuple(np.zeros(shape, np.float32) for shape in shapes)


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        # one product of (tiles, C) and (C, K) for each of the 36 elements of a tile; 5 x 9 pixels are 2 x 3 tiles
        ("convolve", zeros((2, 5, 9, 7), (3, 3, 7, 11), 11), 36 * 2 * (2 * 6) * 7 * 11),
        # otherwise one product of (pixels, k k C) and (k k C, K)
        ("convolve", (*zeros((2, 5, 9, 7), (1, 1, 7, 11), 11), 1, None), 2 * 90 * 7 * 11),
        ("convolve_backward", (*zeros((2, 5, 9, 7), (3, 3, 7, 11), (2, 3, 5, 11)), 2), 2 * 2 * 30 * 63 * 11),
        ("linear", zeros((4, 3), (3, 5), 5), 2 * 4 * 3 * 5),
        ("linear_backward", zeros((2, 4, 3), (3, 5), (2, 4, 5)), 2 * 2 * 8 * 3 * 5),
        ("attention", (*zeros((2, 3, 4, 3 * 16)), 2), 2 * 2 * 2 * 12 * 12 * 16),
        ("muon", zeros((4, 9)), 3 * 9 * 4**2 + 17 * 4**3),
        ("group_norm", zeros((2, 5, 9, 16)), 0),
    ],
)
def test_operations(name, arguments, expected):
    assert operations_of(name, arguments) == expected


def test_the_roof_is_the_lower_of_both_limits():
    assert MACHINE.roof(1.0) == 10e9
    assert MACHINE.roof(50.0) == 100e9
    assert MACHINE.share_of_roof(Spent(1, 2.0, operations=100e9, bytes=1e9)) == 0.5  # limited by arithmetic
    assert MACHINE.share_of_roof(Spent(1, 2.0, operations=10e9, bytes=10e9)) == 0.5  # limited by memory
    assert MACHINE.share_of_roof(Spent(1, 2.0, bytes=5e9)) == 0.25


def test_a_watched_kernel_gives_the_same_result_and_is_counted(rng):
    spent = {}
    kernels = roofline.watched(create_kernels("plain"), spent)
    x, w, b = (rng.normal(size=shape).astype(np.float32) for shape in ((2, 8, 8, 3), (3, 3, 3, 4), (4,)))
    y = kernels.convolve(x, w, b)
    np.testing.assert_array_equal(y, create_kernels("plain").convolve(x, w, b))
    kernels.convolve(x, w, b, 2)
    kernels.silu(x)
    assert [(name, sums.calls) for name, sums in spent.items()] == [
        ("convolve 3x3", 1), ("convolve 3x3 stride 2", 1), ("silu", 1),
    ]  # fmt: skip
    assert spent["convolve 3x3"].bytes == x.nbytes + w.nbytes + b.nbytes + y.nbytes
    assert spent["silu"].bytes == 2 * x.nbytes
    assert spent["silu"].seconds > 0


def test_the_table_accounts_for_the_whole_step_and_the_chart_shows_it(tmp_path):
    spent, seconds = roofline.profile(TINY, batch=2, rounds=1)
    assert {"convolve 3x3", "convolve_backward 3x3 stride 2", "attention", "muon", "adamw"} <= set(spent)
    rows = roofline.rows_of_table(spent, seconds, MACHINE)
    assert sum(row[2] for row in rows) == pytest.approx(1e3 * seconds)
    assert all(len(row) == len(roofline.HEAD) for row in rows)
    roofline.save_roofline(tmp_path / "roofline.png", spent, MACHINE)
    with Image.open(tmp_path / "roofline.png") as image:
        assert image.width > 500


def test_the_machine_is_measured(monkeypatch):
    monkeypatch.setattr(roofline, "SIDE", 64)
    monkeypatch.setattr(roofline, "COPIED", 2**16)
    machine = roofline.measure_machine()
    assert min(machine.product, machine.copy) > 1e6
