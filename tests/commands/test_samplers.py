"""`minidiff samplers` and `minidiff schedules`: their tables and charts."""

import numpy as np
import pytest
from PIL import Image

from minidiff.benchmark.samplers import compare, show_comparison
from minidiff.cli import main
from minidiff.oracles import GaussianDenoiser
from minidiff.sampling import SAMPLERS, generate
from minidiff.schedule import CURVES, Schedule


def test_the_measured_orders_are_those_of_the_methods(capsys, tmp_path):
    assert main(["samplers", "--out", str(tmp_path / "chart.png")]) == 0
    orders = {words[0]: float(words[-1]) for words in map(str.split, capsys.readouterr().out.splitlines()[1:-1])}
    assert orders == {
        "ddim": pytest.approx(1, abs=0.15), "euler": pytest.approx(1, abs=0.15),
        "heun": pytest.approx(2, abs=0.25), "dpmpp_2m": pytest.approx(2, abs=0.25),
    }  # fmt: skip
    assert Image.open(tmp_path / "chart.png").width > 500


def oracle():
    return GaussianDenoiser(Schedule("flow", 50), 0.1, 0.3)


def test_every_cell_has_the_images_of_its_sampler():
    cells = list(compare(oracle(), (2, 4, 4, 3), None, steps=(2, 5), seed=3))
    assert [(cell.sampler, cell.steps) for cell in cells] == [(name, count) for name in SAMPLERS for count in (2, 5)]
    for cell in cells:
        expected = generate(oracle(), (2, 4, 4, 3), sampler=cell.sampler, steps=cell.steps, seed=3)
        np.testing.assert_array_equal(cell.images, expected)
        assert cell.seconds > 0


def test_the_table_has_a_row_for_each_sampler(tmp_path, caplog):
    caplog.set_level("INFO", "minidiff")
    show_comparison(compare(oracle(), (2, 4, 4, 3), None, (2, 5)), (2, 5), tmp_path / "sheet.png")
    lines = caplog.messages
    assert [line.split()[0] for line in lines[1:-1]] == list(SAMPLERS)
    assert all(len(line.split()) == 3 for line in lines[1:-1])
    width, height = Image.open(tmp_path / "sheet.png").size
    assert height > width  # six samplers, two step counts


def test_the_table_of_schedules_matches_their_arrays(capsys, tmp_path):
    assert main(["schedules", "--T", "10", "--out", str(tmp_path / "chart.png")]) == 0
    rows = {words[0]: words[1:] for words in map(str.split, capsys.readouterr().out.splitlines()[1:-1])}
    assert list(rows) == list(CURVES)
    for name, (signal, noise, sigma, _, log_snr) in rows.items():
        schedule = Schedule(name, 10)
        assert float(sigma) == pytest.approx(schedule.sigma[-1], rel=1e-3)
        assert float(signal) == pytest.approx(schedule.signal[-1], rel=1e-3)
        assert float(noise) == pytest.approx(schedule.noise[-1], rel=1e-3)
        assert float(log_snr) == pytest.approx(2 * np.log(schedule.signal[-1] / schedule.noise[-1]), abs=0.01)
    assert Image.open(tmp_path / "chart.png").width > 1000
    assert main(["schedules", "--shift", "2", "--sigma-max", "187"]) == 0
    assert [line.split()[3] for line in capsys.readouterr().out.splitlines()[1:]] == ["187"] * len(CURVES)
