"""Where the commands write: checked before the work, only files are replaced, and nothing is left if refused."""

import os
import shlex
import shutil

import pytest

from minidiff import data
from minidiff.cli import main
from minidiff.commands.printing import print_done
from minidiff.parallel import Workers
from minidiff.runs.folder import Run

TRAIN = ["train", "--data", "shapes", "--channels", "32", "--T", "9", "--size", "8", "--images", "4", "--epochs", "1"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "a run; with 'quotes'"
    assert main([*TRAIN, "--threads", "1", "--out", str(path)]) == 0
    return path


def refuse(*_: object, **__: object) -> None:
    raise AssertionError("the work has started")


COMMANDS = [  # {} is what to write, in a folder that is missing
    ["data", "shapes", "--out", "{}.png"],
    ["data", "shapes", "--out", "{}.npz"],
    ["sample", "RUN", "--out", "{}.png"],
    ["sample", "RUN", "--out", "{}.gif"],
    ["samplers", "--out", "{}.png"],
    ["samplers", "RUN", "--out", "{}.png"],
    ["samplers", "RUN", "--quality", "--out", "{}.png"],
    ["schedules", "--out", "{}.png"],
    ["report", "RUN", "--out", "{}.html"],
    ["evaluate", "RUN", "--out", "{}"],
    ["bench", "--out", "{}"],
    ["grade", ".", "--json", "{}.json"],
]


@pytest.fixture
def no_work(monkeypatch):
    """Any work is an error: reading data, threads, the convergence of samplers, grading."""
    monkeypatch.setattr(data, "load", refuse)
    monkeypatch.setattr(Workers, "map", refuse)
    monkeypatch.setattr("minidiff.benchmark.report.bench", refuse)
    monkeypatch.setattr("minidiff.benchmark.samplers.convergence", refuse)
    monkeypatch.setattr("minidiff.commands.schedules.Schedule", refuse)
    monkeypatch.setattr("minidiff.commands.grade.find_hand_ins", refuse)


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_target_in_a_missing_folder_is_found_before_the_work(run, tmp_path, capsys, command):
    arguments = [word.replace("RUN", str(run)).format(tmp_path / "missing" / "out") for word in command]
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "make it first" in error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("command", [command for command in COMMANDS if command[-1] != "{}"], ids=" ".join)
def test_a_target_that_is_not_a_file_is_found_before_the_work_and_stays(run, tmp_path, capsys, command):
    target = command[-1].format(tmp_path / "out")
    os.mkfifo(target)
    arguments = [word.replace("RUN", str(run)).format(tmp_path / "out") for word in command]
    assert main(arguments) == 2
    assert capsys.readouterr().err == f"minidiff: cannot write {target}: it is not a regular file\n"
    assert os.path.exists(target)
    assert not os.path.isfile(target)


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("command", [[*TRAIN, "--out"], ["demo", "--out"], ["ablate", "--out"]], ids=lambda c: c[0])
def test_a_run_in_a_file_is_found_before_the_work(tmp_path, capsys, command):
    (tmp_path / "file").touch()
    assert main([*command, str(tmp_path / "file" / "run")]) == 2
    assert capsys.readouterr().err.endswith("file is not a folder\n")
    if command[0] != "ablate":
        (tmp_path / "full").mkdir()
        (tmp_path / "full" / "thesis.txt").touch()
        assert main([*command, str(tmp_path / "full")]) == 2
        assert "is not empty" in capsys.readouterr().err
    assert {file.name for file in tmp_path.iterdir()} <= {"file", "full"}


def test_a_run_that_is_refused_after_its_folder_was_made_leaves_none(tmp_path, capsys, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    for command in (TRAIN, ["demo", "--images", "4", "--size", "8", "--epochs", "1"]):
        assert main([*command, "--threads", "1", "--out", str(tmp_path / "deep" / "run")]) == 2
        assert "free some space" in capsys.readouterr().err
        assert list(tmp_path.iterdir()) == []


def test_samples_with_a_default_name_do_not_replace_others(run, capsys):
    command = ["sample", str(run), "-n", "1", "--steps", "2", "--label"]
    made, first = [], (run / "samples.png").read_bytes()
    for label in ("disc", "star", "ring"):
        assert main([*command, label]) == 0
        made.append(capsys.readouterr().out.strip())
        content = (run / "samples_dpmpp_2m_sde_2_0.png").read_bytes()
        assert (content == first) == (label != "disc")
        first = content
    names = ["samples_dpmpp_2m_sde_2_0.png", "samples_dpmpp_2m_sde_2_0-2.png", "samples_dpmpp_2m_sde_2_0-3.png"]
    assert made == [str(run / name) for name in names]
    assert main(["sample", str(run), "-n", "1", "--steps", "2", "--out", made[0]]) == 0  # a given name is replaced
    assert capsys.readouterr().out.strip() == made[0]


def test_an_error_leaves_no_reserved_name(run):
    before = sorted(run.iterdir())
    assert main(["sample", str(run), "-n", "1", "--steps", "2", "--label", "cube"]) == 2
    assert sorted(run.iterdir()) == before


def test_suggested_commands_are_quoted_for_the_shell(run, tmp_path, capsys):
    assert main([*TRAIN, "--out", str(run)]) == 2
    error = capsys.readouterr().err.strip()
    assert shlex.split(error[error.index("minidiff train") :]) == ["minidiff", "train", "--resume", str(run)]
    missing = str(tmp_path / "a run")
    assert main(["sample", missing]) == 2
    error = capsys.readouterr().err.strip()
    assert shlex.split(error[error.index("minidiff train") :]) == ["minidiff", "train", "--out", missing]
    print_done(0, run)
    printed = capsys.readouterr().out.strip()
    assert shlex.split(printed[printed.index("minidiff sample") :]) == ["minidiff", "sample", str(run), "-n", "64"]


def test_the_command_of_a_run_is_recorded_as_it_can_be_typed(tmp_path, monkeypatch):
    arguments = [*TRAIN, "--out", str(tmp_path / "a run"), "--threads", "1"]
    monkeypatch.setattr("sys.argv", ["minidiff", *arguments])
    assert main() == 0
    assert shlex.split(Run.open(tmp_path / "a run").config["command"]) == ["minidiff", *arguments]
