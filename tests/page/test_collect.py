"""The facts on the page are those of the run."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from minidiff.data import Dataset, to_bytes
from minidiff.page.collect import COUNT, SAMPLES, SEEDS, STEPS, collect, with_nearest
from minidiff.runs import pipeline
from minidiff.runs.folder import Run
from minidiff.runs.snapshots import snapshots
from minidiff.sampling import sample
from tests import tiny
from tests.page.pages import NAMES, evil_run


@pytest.fixture(scope="module")
def evil(tmp_path_factory, workers):
    run, data = evil_run(tmp_path_factory.mktemp("runs") / "evil", workers)
    run.close()
    return run, data


@pytest.fixture
def run(tmp_path, evil):
    """A copy, to take parts away from."""
    shutil.copytree(evil[0].path, tmp_path / "evil")
    return Run.open(tmp_path / "evil")


@pytest.fixture(scope="module")
def facts(evil, workers):
    return collect(evil[0], workers, dataset=evil[1])


def test_numbers(facts, evil):
    run, data = evil
    assert facts.name == "evil"
    assert facts.num_images == len(data) == 12
    assert facts.num_parameters == tiny.network().create_parameters().size
    assert facts.history == run.history()
    assert [row["epoch"] for row in facts.history] == [1, 2, 3, 4, 5, 6]
    assert facts.class_names == list(NAMES)
    assert set(facts.missing) == {"evaluation"}


def test_the_forward_process_is_the_schedules(facts, evil):
    assert facts.forward.t[0] == 0
    assert facts.forward.t[-1] == facts.schedule.T == 50
    np.testing.assert_array_equal(facts.forward.z[0], evil[1].images[:3])
    i = len(facts.forward.t) // 2
    eps = np.random.default_rng(facts.training.seed).standard_normal((3, 8, 8, 3), np.float32)
    expected = facts.schedule.add_noise(evil[1].pixels(np.arange(3)), eps, facts.forward.t[i])
    np.testing.assert_array_equal(facts.forward.z[i], to_bytes(expected))


def test_denoising_begins_with_the_noise_of_each_seed_and_ends_with_its_image(facts, evil, workers):
    denoiser = pipeline.load_denoiser(evil[0], workers, print)
    found = facts.denoising
    assert found.t[0] == facts.schedule.T
    assert found.t[-1] == 0
    assert len(found.t) == STEPS + 1
    for i, seed in enumerate(SEEDS):
        labels = np.array([i % 3])
        states = list(sample(denoiser, (1, 8, 8, 3), sampler="heun", steps=STEPS, seed=seed, labels=labels))
        np.testing.assert_array_equal(found.z[0, i], to_bytes(states[0].z)[0])
        np.testing.assert_array_equal(found.z[-1, i], to_bytes(states[-1].z)[0])
        asked = denoiser(states[4].z, states[4].t, labels)[0]  # the right answers about the left
        np.testing.assert_array_equal(found.x0_hat[4, i], to_bytes(asked)[0])
    np.testing.assert_array_equal(found.x0_hat[-1], found.z[-1])


def test_samples_are_those_of_the_sheet_and_nearest_is_nearest(facts, evil, workers):
    data, found = evil[1], facts.samples
    labels = np.arange(SAMPLES) % 3
    denoiser = pipeline.load_denoiser(evil[0], workers, print)
    sheet, _ = pipeline.generate(denoiser, (SAMPLES, 8, 8, 3), "heun", 12, 0, labels)
    np.testing.assert_array_equal(found.images, to_bytes(sheet))
    assert found.names == [NAMES[label] for label in labels]
    for image, near, distance in zip(found.images, found.nearest, found.distances, strict=True):
        distances = np.sqrt(np.square(data.images.astype(float) - image).mean(axis=(1, 2, 3)))
        assert distance == pytest.approx(distances.min(), rel=1e-4)
        np.testing.assert_array_equal(near, data.images[distances.argmin()])


def test_the_spacing_is_that_of_the_training_images_themselves():
    levels = np.array([0, 10, 30, 100], np.uint8)
    dataset = Dataset(np.broadcast_to(levels[:, None, None, None], (4, 2, 2, 1)).copy())
    found = with_nearest(np.full((2, 2, 2, 1), 1, np.uint8), ["", ""], dataset)
    assert found.distances == pytest.approx([1, 1], abs=1e-3)
    assert found.spacing == pytest.approx(10, abs=1e-3)  # from 0 to 10
    assert with_nearest(dataset.images[:1], [""], dataset.subset([0])).spacing is None


def test_snapshots_are_cut_out_of_their_sheets(facts, evil):
    from PIL import Image

    assert list(facts.snapshots) == [1, 5, 6]
    page = np.asarray(Image.open(snapshots(evil[0])[5]))
    assert facts.snapshots[5].shape == (COUNT, 8, 8, 3)
    np.testing.assert_array_equal(facts.snapshots[5][1], page[2:10, 12:20])


def test_snapshots_that_are_no_images_of_this_run_are_left_out(run, evil, workers):
    files = snapshots(run)
    files[1].write_bytes(b"no image")
    shutil.copy(run.path / "loss.png", files[5])
    assert list(collect(run, workers, dataset=evil[1]).snapshots) == [6]


def test_data_that_has_moved_leaves_the_rest(run, workers):
    found = collect(run, workers)  # its configuration says "tiny", and there is no such place
    assert found.dataset is found.forward is found.samples.nearest is None
    assert "not where they were" in found.missing["data"]
    assert found.num_images == 12  # the checkpoint knows
    assert len(found.samples.images) == SAMPLES


def test_data_that_has_changed_is_said(run, workers, evil):
    changed = replace(evil[1], images=255 - evil[1].images)
    assert "have changed" in collect(run, workers, dataset=changed).missing["same data"]
    smaller = replace(evil[1], images=evil[1].images[:, :4])
    found = collect(run, workers, dataset=smaller)
    assert found.dataset is None
    assert "(4, 8, 3)" in found.missing["data"]


def test_a_run_without_a_checkpoint_or_history(tmp_path, workers):
    with tiny.start(tmp_path / "run") as run:
        found = collect(run, workers, dataset=tiny.dataset())
    assert found.samples is found.denoising is None
    assert "no checkpoint yet" in found.missing["samples"]
    assert found.history == []
    assert set(found.missing) == {"samples", "history", "snapshots", "evaluation"}
    assert found.num_images == 12


def test_figures_that_were_measured_are_taken_and_others_are_not(run, workers, evil):
    file = run.path / "evaluation.json"
    file.write_text(json.dumps({"count": 32}))
    assert collect(run, workers, dataset=evil[1]).evaluation == {"count": 32}
    for text in ("{", "[1]", "\udcff".encode("utf-8", "surrogatepass")):
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        found = collect(run, workers, dataset=evil[1])
        assert found.evaluation is None
        assert "cannot be read" in found.missing["evaluation"]
