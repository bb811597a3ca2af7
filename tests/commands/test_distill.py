"""`minidiff distill`: the new run, what it records, and that `sample` uses it."""

import json
import shutil

import numpy as np
import pytest

from minidiff.cli import main
from minidiff.errors import MinidiffError
from minidiff.runs.distill import stages_for
from minidiff.runs.folder import Run
from minidiff.schedule import Schedule

TRAIN = ["train", "--data", "shapes", "--size", "16", "--images", "8", "--epochs", "4", "--channels", "16,16"]
TRAIN += ["--T", "20", "--threads", "1"]


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "teacher"
    assert main([*TRAIN, "--out", str(path)]) == 0
    return path


@pytest.fixture(scope="module")
def student(teacher):
    path = teacher.parent / "student"
    assert main(["distill", str(teacher), "--steps", "2", "--out", str(path), "--threads", "1"]) == 0
    return path


def images_of(path, *options):
    out = path / "test.npz"
    assert main(["sample", str(path), "-n", "3", "--threads", "1", "--out", str(out), *options]) == 0
    with np.load(out, allow_pickle=False) as archive:
        return archive["images"]


def test_the_new_run_records_sampler_steps_and_spacing_and_sample_uses_them(teacher, student, capsys):
    config = json.loads((student / "config.json").read_text())
    assert config["sampling"] == {"sampler": "ddim", "steps": 2, "spacing": "trailing"}
    assert "minidiff" in config["command"]
    images = images_of(student)
    assert "distilled" not in capsys.readouterr().out
    explicit = images_of(student, "--sampler", "ddim", "--steps", "2", "--spacing", "trailing")
    np.testing.assert_array_equal(images, explicit)
    assert (images != images_of(teacher, "--sampler", "ddim", "--steps", "2")).any()


def test_other_sampler_options_are_possible_with_a_note(student, capsys):
    images_of(student, "--steps", "5")
    note = "this run was distilled for ddim in 2 steps, spacing trailing; with other timesteps its images are worse"
    assert note in capsys.readouterr().out
    images_of(student, "--sampler", "heun")
    assert note in capsys.readouterr().out


def test_the_history_counts_the_epochs_of_all_stages(teacher, student):
    with Run.open(student) as run:
        rows = run.history()
        assert [row["epoch"] for row in rows] == [1, 2, 3]  # one of each stage: 8, 4 and 2 steps
        assert [row["step"] for row in rows] == [2, 4, 6]
        assert run.steps() == [6]
        assert run.read_config()[1].epochs == 3
        assert run.read_sampling().steps == 2
    with Run.open(teacher) as run:
        assert run.read_sampling() is None


def test_a_distilled_run_has_a_report_and_can_be_evaluated(student, tmp_path):
    report = tmp_path / "report.html"
    assert main(["report", str(student), "--out", str(report), "--threads", "1"]) == 0
    assert "sampler ddim, 2 steps" in report.read_text()


def test_it_can_be_neither_distilled_nor_trained_again(student, tmp_path, capsys):
    assert main(["distill", str(student), "--out", str(tmp_path / "new")]) == 2
    assert "was distilled; distill the run that it came from" in capsys.readouterr().err
    assert main(["train", "--resume", str(student)]) == 2
    assert "was distilled and cannot be trained further" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--steps", "0"], "0 sampler steps generate nothing; give at least 1"),
        (["--steps", "11"], "11 sampler steps are more than half of the 20 timesteps of this run; give fewer"),
        (["--epochs", "0"], "--epochs must be 1 or more, not 0"),
    ],
)
def test_impossible_options_are_refused_before_anything_is_written(teacher, tmp_path, capsys, options, message):
    assert main(["distill", str(teacher), "--out", str(tmp_path / "new"), *options]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_folder_that_is_not_empty_is_refused_before_the_work(teacher, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("minidiff.runs.distill.load_denoiser", None)  # an error if it is used
    (tmp_path / "thesis.txt").touch()
    assert main(["distill", str(teacher), "--out", str(tmp_path)]) == 2
    assert "is not empty" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sampler": "foo"}, "unknown sampler 'foo'; choose from ddim"),
        ({"steps": 0}, "0 sampler steps do not fit into 20 timesteps"),
        ({"steps": "2"}, "sampling: steps must be a whole number, not '2'"),
        ({"spacing": "even"}, "unknown spacing of steps 'even'; choose from trailing"),
        ({"eta": 1}, "sampling has unknown fields 'eta'"),
    ],
)
def test_edited_sampler_options_are_refused(student, tmp_path, values, message):
    shutil.copytree(student, tmp_path / "run")
    file = tmp_path / "run/config.json"
    config = json.loads(file.read_text())
    config["sampling"] |= values
    file.write_text(json.dumps(config))
    with pytest.raises(MinidiffError, match=message):
        Run.open(tmp_path / "run").read_config()


def test_stages_halve_the_steps_from_at_least_24():
    schedule = Schedule("flow", 1000)
    assert stages_for(4, schedule) == [32, 16, 8, 4]
    assert stages_for(1, schedule) == [32, 16, 8, 4, 2, 1]
    assert stages_for(3, schedule) == [24, 12, 6, 3]
    assert stages_for(30, schedule) == [60, 30]
    assert stages_for(4, Schedule("flow", 20)) == [16, 8, 4]
