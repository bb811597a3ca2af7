"""The metrics on images: new real ones score the floor, worse ones more, and copies are detected."""

import json

import numpy as np
import pytest
from PIL import Image

from minidiff import data
from minidiff.cli import main
from minidiff.evaluation.agreement import Readers
from minidiff.evaluation.evaluate import EVALUATION, MEASURES, Sampling, read_evaluation
from minidiff.evaluation.extractor import FeatureExtractor
from minidiff.evaluation.measure import held_out_images, learning_images, measure, table
from minidiff.evaluation.nearest import nearest
from minidiff.parallel import Workers
from minidiff.runs.folder import Run


def test_nearest_equals_an_exhaustive_search(rng):
    queries, references = rng.integers(0, 256, (7, 4, 4, 1), np.uint8), rng.integers(0, 256, (600, 4, 4, 1), np.uint8)
    queries[3] = references[599]
    positions, distances = nearest(queries, references)
    differences = queries[:, None].astype(float) - references
    rms = np.sqrt(np.square(differences).mean(axis=(2, 3, 4)))
    np.testing.assert_array_equal(positions, rms.argmin(axis=1))
    np.testing.assert_allclose(distances, rms.min(axis=1), atol=1e-3)


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    """The metrics of several sets of images, measured against the same real ones."""
    folder = tmp_path_factory.mktemp("cache")
    training = data.load("cats", size=16, num_images=240)
    real = data.load("cats", size=16, num_images=240, seed=7)
    new = data.load("cats", size=16, num_images=120, seed=8)
    x, rng = new.pixels(slice(None)), np.random.default_rng(0)
    noise = rng.standard_normal(x.shape).astype(np.float32)
    sets = {
        "new": x,
        "slightly noisy": np.clip(x + 0.2 * noise, -1, 1),
        "noisy": np.clip(x + 0.8 * noise, -1, 1),
        "blurred": (x + np.roll(x, 1, 1) + np.roll(x, 1, 2) + np.roll(x, (1, 1), (1, 2))) / 4,
        "copies": training.pixels(slice(0, 120)),
    }
    with Workers(1) as workers:
        extractor = FeatureExtractor(training, real, 120, workers, cache_folder=folder, examples=2000)
        readers = Readers("cats", 16, workers, folder, drawn=200)
        return {name: measure(images, new.labels, training, extractor, readers)[0] for name, images in sets.items()}


@pytest.mark.parametrize("distance", ["frechet", "kernel"])
def test_new_real_images_score_the_floor_and_worse_ones_more(scored, distance):
    value, error = scored["new"][distance]
    floor, floor_error = scored["new"][f"{distance}_floor"]
    assert abs(value - floor) < 5 * (error + floor_error)
    assert value < scored["slightly noisy"][distance][0] < scored["noisy"][distance][0]
    assert scored["blurred"][distance][0] > value + 3 * error


def test_the_accuracy_is_high_for_real_images_and_lower_for_noisy_ones(scored):
    assert scored["new"]["accuracy"] > 0.8
    assert scored["noisy"]["accuracy"] < scored["new"]["accuracy"]


def test_copies_are_closer_to_the_training_images_than_held_out_ones(scored):
    assert scored["copies"]["nearest_pixels"] == pytest.approx(0, abs=0.01)
    assert scored["new"]["nearest_pixels"] == pytest.approx(scored["new"]["nearest_pixels_real"], rel=0.3)
    assert scored["new"]["nearest_pixels"] > 1


def test_the_table_shows_samples_and_floor(scored):
    lines = table(scored["new"] | {"loss_held_out": 0.25, "loss_quarters": [0.1, 0.2, float("nan"), 0.3]}).splitlines()
    assert "120 samples" in lines[0]
    assert "120 real, held-out" in lines[0]
    assert any(line.split()[:2] == ["Frechet", "distance"] and line.count("+-") == 2 for line in lines)
    assert "held-out images 0.2500; " in lines[-1]
    assert "0.1000  0.2000  -  0.3000" in lines[-1]


def test_held_out_images_of_synthetic_data_are_different_images():
    options = {"spec": "shapes", "seed": 0, "size": 16, "images": 64}
    training = data.load("shapes", size=16, num_images=64)
    other = held_out_images(options, training, 64)
    assert len(other) == 64
    assert nearest(other.images, training.images)[1].min() > 0


def test_the_command_writes_a_table_a_figure_and_metrics(run, capsys):
    assert main(["evaluate", str(run), "--samples", "32", "--steps", "2", "--threads", "1"]) == 0
    printed = capsys.readouterr().out
    assert "Frechet distance" in printed
    assert "classifier accuracy" in printed
    metrics = json.loads((run / "evaluation.json").read_text())
    assert metrics["count"] == 32
    assert metrics["frechet"][0] > metrics["frechet_floor"][0]
    assert len(metrics["loss_quarters"]) == 4
    assert (run / "evaluation.png").read_bytes().startswith(b"\x89PNG")


def test_metrics_are_read_unless_they_are_of_another_version_or_of_other_samples(tmp_path):
    sampling = Sampling(count=64)
    assert read_evaluation(Run(tmp_path), sampling) is None
    metrics = vars(sampling) | {"loss_held_out": 0.25}
    (tmp_path / EVALUATION).write_text(json.dumps(metrics))
    assert read_evaluation(Run(tmp_path), sampling) is None
    (tmp_path / EVALUATION).write_text(json.dumps(metrics | {"measures": MEASURES}))
    assert read_evaluation(Run(tmp_path), sampling) == metrics | {"measures": MEASURES}
    assert read_evaluation(Run(tmp_path), Sampling(count=32)) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--samples", "3"], "--samples must be 32 or more, not 3"),
        (["--seed", "-1"], "--seed must be 0 or more, not -1"),
        (["--out", "nowhere/at/all"], "no such folder"),
    ],
)
def test_mistakes_print_one_line(run, capsys, arguments, message):
    assert main(["evaluate", str(run), *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_run_without_held_out_images_is_refused_with_a_remedy(tmp_path, capsys, rng):
    folder = tmp_path / "images"
    folder.mkdir()
    for i in range(12):
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8)).save(folder / f"{i}.png")
    arguments = ["--data", str(folder), "--channels", "32", "--T", "20", "--size", "16", "--epochs", "1"]
    assert main(["train", *arguments, "--threads", "1", "--out", str(tmp_path / "run")]) == 0
    assert main(["evaluate", str(tmp_path / "run"), "--samples", "32"]) == 2
    assert "--held-out" in capsys.readouterr().err


def test_the_halves_of_real_images_are_random_even_if_they_are_sorted_by_class(tmp_path, workers):
    training = data.load("shapes", size=16, num_images=36)
    real = data.load("shapes", size=16, num_images=120, seed=7)
    real = real.subset(np.argsort(real.labels, kind="stable"))
    extractor = FeatureExtractor(training, real, 60, workers, cache_folder=tmp_path, examples=36)
    for half in (extractor.reference, extractor.control):
        counts = np.bincount(half.labels, minlength=6)
        assert counts.sum() == 60
        assert counts.min() >= 4  # of 10 on average
    both = [*extractor.reference.images, *extractor.control.images]
    assert sorted(image.tobytes() for image in both) == sorted(image.tobytes() for image in real.images)


def test_runs_on_synthetic_data_are_measured_by_networks_that_learned_from_the_same_images():
    few, many = ({"spec": "shapes", "seed": seed, "size": 16, "images": 24} for seed in (0, 1))
    learned = [learning_images(options, data.load("shapes", size=16, num_images=24)) for options in (few, many)]
    np.testing.assert_array_equal(learned[0].images, learned[1].images)
    training = data.load("shapes", size=16, num_images=24, seed=3)
    assert learning_images({"spec": "folder/", "seed": 0}, training) is training
