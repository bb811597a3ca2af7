"""The quality curve: its numbers of evaluations, its agreement with `measure`, and the command that draws it."""

import json

import numpy as np
import pytest
from PIL import Image

from minidiff import data
from minidiff.cli import main
from minidiff.evaluation.extractor import FeatureExtractor
from minidiff.evaluation.measure import measure
from minidiff.evaluation.quality import COMPARED, Point, quality, steps_for, table
from minidiff.oracles import GaussianDenoiser
from minidiff.sampling import SAMPLERS, generate
from minidiff.schedule import Schedule

COUNT, EXAMPLES = 32, 400


def oracle():
    return GaussianDenoiser(Schedule("flow", 50), 0.1, 0.3)


@pytest.fixture(scope="module")
def sets():
    return data.load("shapes", size=16, num_images=64), data.load("shapes", size=16, num_images=64, seed=7)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return {"cache_folder": tmp_path_factory.mktemp("cache"), "examples": EXAMPLES}


@pytest.fixture(scope="module")
def extractor(sets, cache, workers):
    return FeatureExtractor(*sets, COUNT, workers, **cache)


@pytest.fixture(scope="module")
def points(sets, extractor):
    labels = np.arange(COUNT) % sets[0].num_classes
    return list(quality(oracle(), extractor, labels, evaluations=(3, 8), seed=2))


def test_all_samplers_get_the_same_number_of_evaluations(points):
    assert {point.sampler for point in points} == set(SAMPLERS) - {"euler"}
    for point in points:
        if point.sampler == "heun":
            assert (point.steps, point.evaluations) in ((2, 3), (4, 7))  # 8 would leave one unused
        else:
            assert point.steps == point.evaluations in (3, 8)


@pytest.mark.parametrize("most", range(1, 12))
def test_heun_gets_the_largest_number_of_steps(most):
    steps = steps_for("heun", most)
    assert 2 * steps - 1 <= most < 2 * (steps + 1) - 1


def test_a_point_equals_the_metrics_of_the_same_samples(points, sets, extractor):
    point = next(point for point in points if point.sampler == "dpmpp_2m")
    labels = np.arange(COUNT) % sets[0].num_classes
    samples = generate(oracle(), (COUNT, 16, 16, 3), sampler="dpmpp_2m", steps=3, seed=2)
    metrics, _ = measure(samples, labels, sets[0], extractor)
    assert point.frechet == pytest.approx(metrics["frechet"], rel=1e-6)
    assert point.accuracy == metrics["accuracy"]
    assert point.whole == metrics["whole"]
    assert point.agreement is None


def test_the_spacing_is_passed_on(extractor):
    options = {"evaluations": (5,), "samplers": ("heun",)}
    (default,), (karras,), (trailing,) = (
        list(quality(oracle(), extractor, spacing=spacing, **options)) for spacing in (None, "karras", "trailing")
    )
    assert default.frechet == karras.frechet != trailing.frechet


def test_the_table_has_a_row_for_each_sampler_and_blanks_for_missing_points():
    points = [
        Point("ddim", 3, 3, (9.5, 1.0), (0.5, 0.1), None, None, 1.0),
        Point("ddim", 8, 8, (2.25, 0.5), (0.5, 0.1), None, None, 1.0),
        Point("heun", 4, 7, (1.5, 0.5), (0.5, 0.1), None, None, 1.0),
    ]
    lines = [line.split() for line in table(points, (0.8, 0.1), 64).splitlines()]
    assert lines[0][-3:] == ["0.80", "+-", "0.10"]
    assert lines[1:] == [["evaluations", "3", "7", "8"], ["ddim", "=", "euler", "9.50", "2.25"], ["heun", "1.50"]]


def test_the_command_writes_a_chart_and_the_values(run, capsys):
    arguments = ["--quality", "--samples", "32", "--evaluations", "3,1", "--threads", "1"]
    assert main(["samplers", str(run), *arguments]) == 0
    printed = capsys.readouterr().out
    assert [line.split()[0] for line in printed.splitlines()[-1 - len(COMPARED) : -1]] == list(COMPARED)
    facts = json.loads((run / "quality.json").read_text())
    assert facts["samples"] == facts["floor_samples"] == 32
    assert len(facts["points"]) == 2 * len(COMPARED)
    for point in facts["points"]:
        assert point["frechet"][0] > facts["floor"][0]
        assert f"{point['frechet'][0]:.2f}" in printed
        assert 0 <= point["whole"][0] <= 1
        assert 0 <= point["agreement"][0] <= 1
    assert Image.open(run / "quality.png").width > 500


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--samples", "64"], "--samples needs --quality"),
        (["--evaluations", "5"], "--evaluations needs --quality"),
        (["--spacing", "karras"], "--spacing needs --quality"),
        (["--quality", "--steps", "5"], "--steps does not go with --quality"),
        (["--quality", "-n", "5"], "-n does not go with --quality"),
        (["--quality", "--samples", "31"], "--samples must be 32 or more, not 31"),
        (["--quality", "--evaluations", "21"], "from 1 to 20"),
        (["--quality", "--evaluations", "many"], "whole numbers"),
        (["--quality", "--seed", "-1"], "--seed"),
    ],
)
def test_mistakes_print_one_line(run, capsys, arguments, message):
    assert main(["samplers", str(run), *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_curve_needs_a_run(capsys):
    assert main(["samplers", "--quality"]) == 2
    assert "needs a run" in capsys.readouterr().err
