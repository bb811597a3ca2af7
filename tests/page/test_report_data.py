"""The content of the report belongs to the run."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from minidiff.data import Dataset, to_bytes
from minidiff.page.report_data import COUNT, PATH_SAMPLER, PATH_STEPS, SEEDS, collect, read_sheet, with_nearest
from minidiff.randomness import stream
from minidiff.runs import pipeline
from minidiff.runs.folder import Run
from minidiff.runs.pipeline import SAMPLER, SAMPLES, STEPS
from minidiff.runs.snapshots import snapshots
from minidiff.sampling import generate, sample
from tests import tiny
from tests.page.pages import NAMES, evil_run


@pytest.fixture(scope="module")
def evil(tmp_path_factory, workers):
    run, data = evil_run(tmp_path_factory.mktemp("runs") / "evil", workers)
    run.close()
    return run, data


@pytest.fixture
def run(tmp_path, evil):
    """A copy, from which tests remove parts."""
    shutil.copytree(evil[0].path, tmp_path / "evil")
    return Run.open(tmp_path / "evil")


@pytest.fixture(scope="module")
def report(evil, workers):
    return collect(evil[0], workers, dataset=evil[1])


def test_the_run_is_described(report, evil):
    run, data = evil
    assert report.name == "evil"
    assert report.num_images == len(data) == 12
    assert report.num_parameters == tiny.network().create_parameters().size
    assert report.history == run.history()
    assert [row["epoch"] for row in report.history] == [1, 2, 3, 4, 5, 6]
    assert report.class_names == list(NAMES)
    assert set(report.missing) == {"evaluation"}


def test_the_forward_process_uses_the_schedule(report, evil):
    assert report.forward.t[0] == 0
    assert report.forward.t[-1] == report.schedule.T == 50
    np.testing.assert_array_equal(report.forward.z[0], evil[1].images[:3])
    i = len(report.forward.t) // 2
    eps = stream("figure", report.training.seed).standard_normal((3, 8, 8, 3), np.float32)
    expected = report.schedule.add_noise(evil[1].pixels(np.arange(3)), eps, report.forward.t[i])
    np.testing.assert_array_equal(report.forward.z[i], to_bytes(expected))


def test_denoising_starts_with_the_noise_of_each_seed_and_ends_with_its_image(report, evil, workers):
    denoiser = pipeline.load_denoiser(evil[0], workers)
    found = report.denoising
    assert found.t[0] == report.schedule.T
    assert found.t[-1] == 0
    assert len(found.t) == PATH_STEPS + 1
    for i, seed in enumerate(SEEDS):
        labels = np.array([i % 3])
        states = list(sample(denoiser, (1, 8, 8, 3), sampler=PATH_SAMPLER, steps=PATH_STEPS, seed=seed, labels=labels))
        np.testing.assert_array_equal(found.z[0, i], to_bytes(states[0].z)[0])
        np.testing.assert_array_equal(found.z[-1, i], to_bytes(states[-1].z)[0])
        x0_hat = denoiser(states[4].z, states[4].t, labels)[0]
        np.testing.assert_array_equal(found.x0_hat[4, i], to_bytes(x0_hat)[0])
    np.testing.assert_array_equal(found.x0_hat[-1], found.z[-1])


def test_samples_are_those_of_the_command_and_the_nearest_images_are_nearest(report, evil, workers):
    data, found = evil[1], report.samples
    labels = np.arange(SAMPLES) % 3
    denoiser = pipeline.load_denoiser(evil[0], workers)
    sheet = generate(denoiser, (SAMPLES, 8, 8, 3), sampler=SAMPLER, steps=STEPS, seed=0, labels=labels)
    np.testing.assert_array_equal(found.images, to_bytes(sheet))
    assert found.names == [NAMES[label] for label in labels]
    for image, near, distance in zip(found.images, found.nearest, found.distances, strict=True):
        distances = np.sqrt(np.square(data.images.astype(float) - image).mean(axis=(1, 2, 3)))
        assert distance == pytest.approx(distances.min(), rel=1e-4)
        np.testing.assert_array_equal(near, data.images[distances.argmin()])


def test_the_spacing_is_the_distance_between_training_images():
    levels = np.array([0, 10, 30, 100], np.uint8)
    dataset = Dataset(np.broadcast_to(levels[:, None, None, None], (4, 2, 2, 1)).copy())
    found = with_nearest(np.full((2, 2, 2, 1), 1, np.uint8), ["", ""], dataset)
    assert found.distances == pytest.approx([1, 1], abs=1e-3)
    assert found.spacing == pytest.approx(10, abs=1e-3)  # from 0 to 10
    assert with_nearest(dataset.images[:1], [""], dataset.subset([0])).spacing is None


def test_snapshots_are_cut_out_of_their_sheets(report, evil):
    from PIL import Image

    assert list(report.snapshots) == [1, 5, 6]
    sheet = np.asarray(Image.open(snapshots(evil[0])[5]))
    assert report.snapshots[5].shape == (COUNT, 8, 8, 3)
    np.testing.assert_array_equal(report.snapshots[5][1], sheet[2:10, 12:20])


def test_unreadable_snapshots_and_those_of_another_size_are_left_out(run, evil, workers):
    files = snapshots(run)
    files[1].write_bytes(b"no image")
    shutil.copy(run.path / "loss.png", files[5])
    assert list(collect(run, workers, dataset=evil[1]).snapshots) == [6]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 400), value=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_image_is_left_out_or_has_its_size(evil, tmp_path, position, value, cut):
    """Pillow raises more than OSError: SyntaxError, ValueError, DecompressionBombError."""
    content = bytearray(snapshots(evil[0])[6].read_bytes())
    content[position : None if cut else position + 1] = bytes([value])
    (tmp_path / "image.png").write_bytes(content)
    found = read_sheet(tmp_path / "image.png")
    assert found is None or (found.ndim == 3 and found.dtype == np.uint8)


def test_a_run_whose_data_has_moved(run, workers):
    found = collect(run, workers)  # its configuration names "tiny", which cannot be loaded
    assert found.dataset is found.forward is found.samples.nearest is None
    assert "cannot be loaded again" in found.missing["data"]
    assert found.num_images == 12  # from the checkpoint
    assert len(found.samples.images) == SAMPLES


def test_changed_data_is_reported(run, workers, evil):
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


def test_results_of_evaluate_are_read_and_damaged_ones_are_not(run, workers, evil):
    file = run.path / "evaluation.json"
    file.write_text(json.dumps({"count": 32}))
    found = collect(run, workers, dataset=evil[1])
    assert found.evaluation == {"count": 32}
    assert found.decisions is None
    Image.new("RGB", (12, 8)).save(run.path / "decisions.png")
    assert collect(run, workers, dataset=evil[1]).decisions.shape == (8, 12, 3)
    (run.path / "decisions.png").write_bytes(b"no image")
    assert collect(run, workers, dataset=evil[1]).decisions is None
    assert collect(run, workers, dataset=evil[1]).evaluation == {"count": 32}
    file.write_text(json.dumps({"sampler": "\x1b[31m"}))
    assert collect(run, workers, dataset=evil[1]).evaluation == {"sampler": r"\x1b[31m"}
    for text in ("{", "[1]", "\udcff".encode("utf-8", "surrogatepass")):
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        found = collect(run, workers, dataset=evil[1])
        assert found.evaluation is None
        assert "cannot be read" in found.missing["evaluation"]
