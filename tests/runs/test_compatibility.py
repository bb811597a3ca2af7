"""A run of version 0.1.0 (`tests/fixtures/run_0_1_0`) can be opened, sampled and reported on."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from minidiff import runs
from minidiff.cli import main
from minidiff.errors import MinidiffError
from minidiff.page import write_report
from minidiff.runs.compatibility import current_names, differences, find_folder, fingerprint
from minidiff.runs.snapshots import snapshots
from minidiff.samplers import State
from minidiff.sampling import generate

FIXTURE = Path(__file__).parents[1] / "fixtures" / "run_0_1_0"


@pytest.fixture
def run(tmp_path):
    shutil.copytree(FIXTURE, tmp_path / "run")
    with runs.Run.open(tmp_path / "run", to_write=True) as run:
        yield run


@pytest.fixture(scope="module")
def expected():
    """Samples of version 0.1.0 from step 9."""
    with np.load(FIXTURE / "expected.npz") as archive:
        return dict(archive)


def test_its_configuration_is_read(run):
    assert "optimiser" in json.loads((run.path / "config.json").read_text())["training"]
    _, training, data_options = run.read_config()
    assert (training.optimizer, training.microbatch_size) == ("muon", 2)
    assert data_options["spec"] == "shapes"
    assert (training.sigma_max, training.high_noise_fraction) == (0.0, 0.0)
    np.testing.assert_array_equal(training.create_schedule().noise, 0.99 * (np.arange(1001) / 1000))
    assert run.config["license"].startswith("free to use")
    assert list(snapshots(run)) == [1]


def test_it_is_sampled(run, workers, expected):
    denoiser = runs.load_denoiser(run, workers)
    noise = np.stack([np.random.default_rng([0, 2, i]).standard_normal((8, 8, 3), np.float32) for i in range(4)])
    z = np.float32(denoiser.schedule.noise[-1]) * noise  # as in version 0.1.0
    start = State(z=z, x0_hat=np.zeros_like(z), t=denoiser.schedule.T)
    samples = generate(denoiser, z.shape, sampler="heun", steps=6, labels=[0, 1, 2, 3], start=start)
    np.testing.assert_allclose(samples, expected["samples"], atol=1e-3)


def test_its_images_are_those_that_it_was_trained_on(run):
    _, _, data_options = run.read_config()
    trained_on = run.load_checkpoint(runs.load_denoiser(run, None).p.size).facts["config"]["data"]
    assert fingerprint(runs.load_data(data_options)[0]) == trained_on


def test_it_is_not_resumed_because_its_random_numbers_were_others(run, workers):
    network, training, data_options = run.read_config()
    dataset, _ = runs.load_data(data_options)
    with pytest.raises(MinidiffError, match="began with the random numbers of another version of minidiff; start a"):
        runs.train_run(run, network, dataset, training, workers, accept_changes=True)
    assert run.steps()[0] == 9


def test_it_is_reported_on(run, workers):
    assert write_report(run, workers).stat().st_size > 10_000


def test_a_renamed_class_is_a_difference_although_the_labels_are_the_same():
    old = {"network": {}, "training": {}, "data": {}, "held_out": None, "random": 2}
    now = old | {"class_names": ["ant", "bee"]}
    assert differences(old, now) == []  # an older checkpoint
    assert differences(now, now) == []
    found = differences(old | {"class_names": ["ant", "cow"]}, now)
    assert found == [("the classes were ant, cow and are ant, bee", True)]


def test_names_and_missing_fields_are_translated():
    old = {"licence": "MIT", "network": {"height": 8}, "training": {"optimiser": "muon", "slice_size": 2, "seed": 0}}
    network = {"height": 8, "film": True, "entry_levels": 1}
    training = {"optimizer": "muon", "microbatch_size": 2, "seed": 0, "log_sigma_mean": 0.0, "log_sigma_std": 1.2}
    training |= {"sigma_max": 0.0, "high_noise_fraction": 0.0}
    current = {"license": "MIT", "network": network, "training": training}
    assert current_names(old) == current
    assert current_names(current) == current
    assert current_names({"network": {"film": False}})["network"]["film"] is False


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
