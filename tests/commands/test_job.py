"""Jobs of several ranks: one voice, collective decisions, and ends within seconds."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from minidiff.cli import main
from minidiff.commands.job import LAUNCHERS
from minidiff.kernels.compilation import TEXT
from minidiff.runs.agreement import idle_ranks
from minidiff.runs.folder import Run
from minidiff.training_config import TrainingConfig
from tests import mpi

SECONDS = 10  # in which a job ends after a rank has died
TRAIN = ["train", "--data", "shapes", "--size", "16", "--channels", "32,32", "--T", "20", "--threads", "1"]
SMALL = [*TRAIN, "--images", "20", "--batch-size", "8", "--epochs", "3", "--held-out", "0.2"]  # two steps an epoch
LONG = [*TRAIN, "--images", "40", "--batch-size", "8", "--epochs", "8", "--save-minutes", "0"]  # forty steps


def outcome(path):
    """What must not depend on the number of ranks: the arrays of the newest checkpoint, and history without times."""
    run = Run.open(path)
    newest = run.checkpoints / f"step_{run.steps()[0]:09}.npz"
    with np.load(newest) as arrays:
        found = {name: array.tobytes() for name, array in arrays.items()}
    times = {"seconds", "images_per_second"}
    return found, [{key: str(value) for key, value in row.items() if key not in times} for row in run.history()]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The folder of a run of a single process."""
    mpi.mpiexec()  # skips the tests that compare with it
    path = tmp_path_factory.mktemp("alone") / "run"
    assert main([*SMALL, "--out", str(path)]) == 0
    return path


def test_two_ranks_train_the_run_of_a_single_process_and_sample_alike(alone, tmp_path):
    two = tmp_path / "two"
    code, output, errors = mpi.run(2, *mpi.MINIDIFF, *SMALL, "--out", two)
    assert (code, errors.replace(f"minidiff: {TEXT}\n", "", 1)) == (0, "")  # kernels may be new
    assert outcome(two) == outcome(alone)
    assert sorted(file.name for file in two.iterdir()) == sorted(file.name for file in alone.iterdir())
    assert output.count("3. Training: 3 epochs") == 1
    assert "2 ranks with 1 + 1 threads" in output
    images = [tmp_path / "one.npz", tmp_path / "two.npz"]
    options = ["-n", "5", "--steps", "4", "--out"]
    assert main(["sample", str(two), *options, str(images[0])]) == 0
    assert mpi.run(2, *mpi.MINIDIFF, "sample", two, *options, images[1])[0] == 0
    assert images[0].read_bytes() == images[1].read_bytes()


def wait_for_steps(run, steps, process):
    """Waits until a run has a checkpoint of this step or a later one."""
    while not any(step >= steps for step in (Run.open(run).steps() if (run / "config.json").exists() else [])):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)


def process_of(mpiexec, rank):
    """The process number of a rank, from the environments of the children of mpiexec."""
    children = Path(f"/proc/{mpiexec.pid}/task/{mpiexec.pid}/children").read_text().split()
    wanted = f"OMPI_COMM_WORLD_RANK={rank}".encode()
    return next(int(child) for child in children if wanted in Path(f"/proc/{child}/environ").read_bytes().split(b"\0"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The outcome of LONG without interruption."""
    mpi.mpiexec()
    path = tmp_path_factory.mktemp("whole") / "run"
    assert main([*LONG, "--out", str(path)]) == 0
    return outcome(path)


@pytest.mark.skipif(sys.platform != "linux", reason="finds the ranks in /proc")
@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_rank_ends_the_job_with_its_name_and_the_run_resumes(tmp_path, whole, rank):
    run = tmp_path / "run"
    process = mpi.start(2, *mpi.MINIDIFF, *LONG, "--out", run)
    wait_for_steps(run, 6, process)
    subprocess.run(["kill", "-KILL", str(process_of(process, rank))], check=True)
    start = time.monotonic()
    _, errors = process.communicate(timeout=60)
    assert time.monotonic() - start < SECONDS
    assert process.returncode != 0
    assert f"rank {rank}" in errors
    assert main(["train", "--resume", str(run), "--threads", "1"]) == 0  # on another number of ranks
    assert outcome(run) == whole


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_sigterm_to_mpiexec_saves(tmp_path, whole):
    for attempt in range(5):  # at the end of an epoch there is nothing to save, and nothing shows that it is
        run = tmp_path / f"run{attempt}"
        process = mpi.start(2, *mpi.MINIDIFF, *LONG, "--save-minutes", "60", "--out", run)
        wait_for_steps(run, 5, process)  # the end of the first epoch
        time.sleep(0.1 + 0.03 * attempt)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        time.sleep(3)  # mpiexec does not wait for the child that writes it
        if within_an_epoch := Run.open(run).steps()[0] % 5:
            break
    assert within_an_epoch
    assert mpi.run(4, *mpi.MINIDIFF, "train", "--resume", run)[0] == 0
    assert outcome(run) == whole


def test_an_error_of_all_ranks_is_printed_once(tmp_path):
    code, output, errors = mpi.run(2, *mpi.MINIDIFF, *SMALL, "--out", tmp_path / "run", "--save-minutes", "-1")
    assert (code, output) == (2, "")
    assert errors.count("minidiff: ") == 1
    assert "--save-minutes must be 0 or more" in errors


def test_all_ranks_stop_at_a_loss_that_is_infinite(tmp_path):
    diverging = ["--optimizer", "adamw", "--learning-rate", "1e30", "--warmup-steps", "0"]
    code, _, errors = mpi.run(2, *mpi.MINIDIFF, *SMALL, *diverging, "--out", tmp_path / "run")
    assert code == 2
    assert errors.count("minidiff: ") == errors.count("training diverged in step 2") == 1


def test_an_error_of_one_rank_ends_all(tmp_path):
    """Rank 0 has the folder of the run; the others wait for the configuration."""
    (tmp_path / "file").touch()
    code, _, errors = mpi.run(2, *mpi.MINIDIFF, *SMALL, "--out", tmp_path)
    assert code == 2
    assert errors.count("minidiff: ") == 1
    assert "is not empty" in errors


STUCK = """
import sys
from minidiff.errors import MinidiffError
from minidiff.commands.job import Job
with Job() as job:
    if job.ranks.rank == 1:
        raise {error}
    job.ranks.world.Barrier()
"""


@pytest.mark.parametrize(
    ("error", "expected"),
    [("MinidiffError('the disk is full; free some space')", "the disk is full"), ("ValueError('3')", "ValueError: 3")],
)
def test_a_rank_whose_error_the_others_do_not_notice_ends_the_job_and_names_itself(error, expected):
    start = time.monotonic()
    code, _, errors = mpi.run(2, sys.executable, "-c", STUCK.format(error=error))
    assert time.monotonic() - start < 3 * SECONDS  # with the time to start
    assert code == 2
    assert f"minidiff: rank 1 of 2: {expected}" in errors
    assert ("Traceback" in errors) == ("ValueError" in error)


def test_ranks_with_other_options_or_data_are_refused_before_the_first_step(tmp_path):
    command = [*mpi.MINIDIFF, *SMALL, "--out", tmp_path / "run"]
    code, _, errors = mpi.run(1, *command, "--epochs", "3", ":", "-n", "1", *command, "--epochs", "4")
    assert code == 2
    assert "the option epochs: rank 1 of 2 has 4 and rank 0 has 3; start all ranks alike" in errors
    for name, seed in (("a", 0), ("b", 1)):
        (tmp_path / name).mkdir()
        images = np.random.default_rng(seed).integers(0, 256, (8, 16, 16, 3), np.uint8)
        np.save(tmp_path / name / "images.npy", images)
    command = [*mpi.MINIDIFF, "train", "--data", "images.npy", "--channels", "32,32", "--out", tmp_path / "run"]
    code, _, errors = mpi.run(1, *command, ":", "-n", "1", "--wdir", tmp_path / "b", *command, cwd=tmp_path / "a")
    assert code == 2
    assert "the images: rank 1 of 2 has " in errors
    assert not (tmp_path / "run").exists()


def test_other_commands_are_refused():
    code, output, errors = mpi.run(2, *mpi.MINIDIFF, "schedules")
    assert (code, output) == (2, "")
    assert "only train, sample, evaluate, bench run on several ranks; start this command without mpiexec" in errors


@pytest.mark.parametrize(("size", "rank"), LAUNCHERS)
def test_without_mpi4py_a_job_is_refused_once_with_the_line_that_installs_it(size, rank, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    monkeypatch.setenv(size, "2")
    monkeypatch.setenv(rank, "0")
    assert main(["schedules"]) == 2
    assert capsys.readouterr().err.endswith("mpi4py cannot be imported; pip install mpi4py\n")
    monkeypatch.setenv(size, "1")
    assert main(["summary", "--size", "16", "--channels", "32,32"]) == 0


def test_the_batch_size_that_fits_the_ranks():
    """Batch 4 has two microbatches, batch 16 four."""
    assert idle_ranks(TrainingConfig(batch_size=4), 4, 2) == ""
    assert idle_ranks(TrainingConfig(batch_size=16), 16, 4) == ""
    expected = "a batch of 4 has 2 microbatches of 2, so 2 of 4 ranks are idle; --batch-size 8 has one for each"
    assert idle_ranks(TrainingConfig(batch_size=4), 4, 4) == expected
    note = idle_ranks(TrainingConfig(batch_size=16), 16, 8)
    assert note.endswith("--batch-size 32 --microbatch-size 4 has one for each")
    fitting = TrainingConfig(batch_size=32, microbatch_size=4)
    assert idle_ranks(fitting, 32, 8) == ""
