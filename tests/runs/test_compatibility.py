"""A run of version 0.1.0 (`tests/fixtures/run_0_1_0`) can be opened, sampled, resumed and reported on."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from minidiff import runs
from minidiff.cli import main
from minidiff.page import write_report
from minidiff.runs.compatibility import current_names, find_folder
from minidiff.runs.snapshots import snapshots
from minidiff.sampling import generate

FIXTURE = Path(__file__).parents[1] / "fixtures" / "run_0_1_0"


@pytest.fixture
def run(tmp_path):
    shutil.copytree(FIXTURE, tmp_path / "run")
    with runs.Run.open(tmp_path / "run", to_write=True) as run:
        yield run


@pytest.fixture(scope="module")
def expected():
    """The outcome of the same training in version 0.1.0 without interruption, and samples from step 9."""
    with np.load(FIXTURE / "expected.npz") as archive:
        return dict(archive)


def test_its_configuration_is_read(run):
    assert "optimiser" in json.loads((run.path / "config.json").read_text())["training"]
    _, training, data_options = runs.read_config(run)
    assert (training.optimizer, training.microbatch_size) == ("muon", 2)
    assert data_options["spec"] == "shapes"
    assert (training.sigma_max, training.high_noise_fraction) == (0.0, 0.0)
    np.testing.assert_array_equal(training.create_schedule().noise, 0.99 * (np.arange(1001) / 1000))
    assert run.config["license"].startswith("free to use")
    assert list(snapshots(run)) == [1]


def test_it_is_sampled(run, workers, expected):
    denoiser = runs.load_denoiser(run, workers)
    samples = generate(denoiser, (4, 8, 8, 3), sampler="heun", steps=6, labels=[0, 1, 2, 3])
    np.testing.assert_allclose(samples, expected["samples"], atol=1e-3)


def test_it_is_resumed_and_ends_as_in_its_own_version(run, workers, expected, caplog):
    caplog.set_level("INFO", logger="minidiff")
    network, training, data_options = runs.read_config(run)
    dataset, _ = runs.load_data(data_options)
    trainer = runs.train_run(run, network, dataset, training, workers)
    assert any("the checkpoint is of version 0.1.0, this is 1" in message for message in caplog.messages)
    assert "   resuming after step 9 of 12" in caplog.messages
    np.testing.assert_allclose([row["loss"] for row in run.history()], expected["losses"], atol=1e-3)
    np.testing.assert_allclose(trainer.p.vector, expected["parameters"], atol=1e-3)
    np.testing.assert_allclose(trainer.optimizer.average, expected["average"], atol=1e-3)
    assert (trainer.p.vector != expected["average"]).any()
    assert list(snapshots(run)) == [1, 2]
    assert not (run.path / "snapshots").exists()  # they stay in one folder


def test_it_is_reported_on(run, workers):
    assert write_report(run, workers).stat().st_size > 10_000


def test_names_and_missing_fields_are_translated():
    old = {"licence": "MIT", "network": {"height": 8}, "training": {"optimiser": "muon", "slice_size": 2, "seed": 0}}
    network = {"height": 8, "film": True}
    training = {"optimizer": "muon", "microbatch_size": 2, "seed": 0, "log_sigma_mean": 0.0, "log_sigma_std": 1.2}
    training |= {"sigma_max": 0.0, "high_noise_fraction": 0.0}
    current = {"license": "MIT", "network": network, "training": training}
    assert current_names(old) == current
    assert current_names(current) == current
    assert current_names({"network": {"film": False}}) == {"network": {"film": False}}


def test_a_new_run_has_the_new_folders(tmp_path):
    assert find_folder(tmp_path, "snapshots") == tmp_path / "snapshots"


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["train", "--optimiser", "adamw"], "unknown option --optimiser; use --optimizer"),
        (["train", "--optimiser=adamw"], "unknown option --optimiser=adamw; use --optimizer"),
        (["train", "--slice-size", "2"], "use --microbatch-size"),
        (["summary", "--grey"], "use --gray"),
    ],
)
def test_old_options_are_refused_with_the_new_name(capsys, arguments, remedy):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert remedy in error
    assert error.count("\n") == 1
