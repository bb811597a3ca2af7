"""The whole measure on images: fresh real ones score the floor, worse ones more, and copies are found out."""

import json

import numpy as np
import pytest
from PIL import Image

from minidiff import data
from minidiff.cli import main
from minidiff.evaluation.measure import measure, table, unseen
from minidiff.evaluation.nearest import nearest
from minidiff.parallel import Workers


def test_nearest_is_the_plain_search():
    rng = np.random.default_rng(0)
    queries, references = rng.integers(0, 256, (7, 4, 4, 1), np.uint8), rng.integers(0, 256, (600, 4, 4, 1), np.uint8)
    queries[3] = references[599]
    positions, distances = nearest(queries, references)
    differences = queries[:, None].astype(float) - references
    rms = np.sqrt(np.square(differences).mean(axis=(2, 3, 4)))
    np.testing.assert_array_equal(positions, rms.argmin(axis=1))
    np.testing.assert_allclose(distances, rms.min(axis=1), atol=1e-3)


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    """The figures of several sets of images, measured against the same real ones."""
    folder = tmp_path_factory.mktemp("cache")
    training = data.load("cats", size=16, num_images=240)
    real = data.load("cats", size=16, num_images=240, seed=7)
    fresh = data.load("cats", size=16, num_images=120, seed=8)
    x, rng = fresh.pixels(slice(None)), np.random.default_rng(0)
    noise = rng.standard_normal(x.shape).astype(np.float32)
    sets = {
        "fresh": x,
        "slightly noisy": np.clip(x + 0.2 * noise, -1, 1),
        "noisy": np.clip(x + 0.8 * noise, -1, 1),
        "blurred": (x + np.roll(x, 1, 1) + np.roll(x, 1, 2) + np.roll(x, (1, 1), (1, 2))) / 4,
        "copies": training.pixels(slice(0, 120)),
    }
    with Workers(1) as workers:
        return {
            name: measure(images, fresh.labels, training, real, workers, cache_folder=folder, examples=2000)[0]
            for name, images in sets.items()
        }


@pytest.mark.parametrize("distance", ["frechet", "kernel"])
def test_fresh_real_images_fall_to_the_floor_and_worse_ones_rise(scored, distance):
    value, error = scored["fresh"][distance]
    floor, floor_error = scored["fresh"][f"{distance}_floor"]
    assert abs(value - floor) < 5 * (error + floor_error)
    assert value < scored["slightly noisy"][distance][0] < scored["noisy"][distance][0]
    assert scored["blurred"][distance][0] > value + 3 * error


def test_real_images_show_their_class_and_noise_hides_it(scored):
    assert scored["fresh"]["accuracy"] > 0.8
    assert scored["noisy"]["accuracy"] < scored["fresh"]["accuracy"]


def test_copies_are_nearer_to_the_training_images_than_unseen_ones(scored):
    assert scored["copies"]["nearest_pixels"] == pytest.approx(0, abs=0.01)
    assert scored["fresh"]["nearest_pixels"] == pytest.approx(scored["fresh"]["nearest_pixels_real"], rel=0.3)
    assert scored["fresh"]["nearest_pixels"] > 1


def test_the_table_names_samples_and_floor(scored):
    lines = table(scored["fresh"] | {"loss_unseen": 0.25, "loss_quarters": [0.1, 0.2, float("nan"), 0.3]})
    assert "120 samples" in lines[0]
    assert "120 real, unseen" in lines[0]
    assert any(line.split()[:2] == ["Frechet", "distance"] and line.count("+-") == 2 for line in lines)
    assert "unseen images 0.2500; " in lines[-1]
    assert "0.1000  0.2000  -  0.3000" in lines[-1]


def test_unseen_images_of_a_drawn_set_are_other_images():
    options = {"spec": "shapes", "seed": 0, "size": 16, "images": 64}
    training = data.load("shapes", size=16, num_images=64)
    other = unseen(options, training, 64)
    assert len(other) == 64
    assert nearest(other.images, training.images)[1].min() > 0


def test_the_command_writes_a_table_a_figure_and_numbers(run, capsys):
    assert main(["evaluate", str(run), "--samples", "32", "--steps", "2", "--threads", "1"]) == 0
    said = capsys.readouterr().out
    assert "Frechet distance" in said
    assert "shows its class" in said
    figures = json.loads((run / "evaluation.json").read_text())
    assert figures["count"] == 32
    assert figures["frechet"][0] > figures["frechet_floor"][0]
    assert len(figures["loss_quarters"]) == 4
    assert (run / "evaluation.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--samples", "3"], "at least 32"),
        (["--seed", "-1"], "seed from 0"),
        (["--out", "nowhere/at/all"], "no such folder"),
    ],
)
def test_mistakes_are_one_line(run, capsys, arguments, message):
    assert main(["evaluate", str(run), *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_folder_without_unseen_images_is_told_what_to_do(tmp_path, capsys):
    rng, folder = np.random.default_rng(0), tmp_path / "images"
    folder.mkdir()
    for i in range(12):
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8)).save(folder / f"{i}.png")
    arguments = ["--data", str(folder), "--channels", "32", "--T", "20", "--size", "16", "--epochs", "1"]
    assert main(["train", *arguments, "--threads", "1", "--out", str(tmp_path / "run")]) == 0
    assert main(["evaluate", str(tmp_path / "run"), "--samples", "32"]) == 2
    assert "--held-out" in capsys.readouterr().err
