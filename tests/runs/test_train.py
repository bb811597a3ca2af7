"""A resumed run is bit-for-bit identical to an uninterrupted one; errors stop a run with a clear message."""

import contextlib
import gc
import json
import math
import os
import resource
import shutil
import signal
import subprocess
import tracemalloc
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from minidiff.data import Dataset, to_bytes
from minidiff.divergence import Diverged
from minidiff.errors import MinidiffError
from minidiff.parallel import Workers
from minidiff.runs import pipeline, train
from minidiff.runs.checkpoint import read_facts
from minidiff.runs.compatibility import differences
from minidiff.runs.folder import Run
from minidiff.runs.interruption import SIGNALS
from minidiff.runs.progress import Progress
from minidiff.sampling import generate
from minidiff.training_config import TrainingConfig
from tests import tiny


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, workers):
    """The outcome of nine steps without interruption, and four images generated afterwards."""
    with tiny.start(tmp_path_factory.mktemp("undisturbed")) as run:
        trainer, _ = tiny.train(run, workers)
        return *tiny.outcome(run), samples_of(trainer)


def samples_of(trainer):
    return generate(trainer.denoiser(), (4, 8, 8, 3), sampler="ddpm", steps=5, labels=[0, 1, 2, 0]).tobytes()


@pytest.fixture
def signal_after(monkeypatch):
    """A function that sends this process a signal in the given steps."""
    real_add = Progress.add
    before = {number: signal.signal(number, signal.default_int_handler) for number in SIGNALS}  # even under `nohup`

    def send(steps, number=signal.SIGINT):
        def add(self, step):
            real_add(self, step)
            if step.step in steps:
                os.kill(os.getpid(), number)

        monkeypatch.setattr(Progress, "add", add)

    yield send
    for number, handler in before.items():
        signal.signal(number, handler)


# Interruption and resumption


@pytest.mark.parametrize(
    ("stops", "threads"),
    [([1], (1, 1)), ([2], (2, 1)), ([3], (1, 3)), ([5], (3, 2)), ([8], (2, 2)), (range(1, 9), (1, 2, 3))],
    ids=str,
)
def test_an_interrupted_run_ends_bit_for_bit_identical(tmp_path, undisturbed, signal_after, stops, threads):
    signal_after(stops)
    tiny.start(tmp_path / "run").close()
    for session in range(len(stops) + 1):
        with Workers(threads[session % len(threads)]) as workers, Run.open(tmp_path / "run", to_write=True) as run:
            if session < len(stops):
                with pytest.raises(KeyboardInterrupt, match=f"stopped after step {stops[session]} of 9"):
                    tiny.train(run, workers)
            else:
                trainer, _ = tiny.train(run, workers)
                assert (*tiny.outcome(run), samples_of(trainer)) == undisturbed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_finishes_the_step_and_saves_the_run(tmp_path, workers, signal_after, number):
    signal_after([4], number)
    with tiny.start(tmp_path / "run") as run:
        with pytest.raises(KeyboardInterrupt) as caught:
            tiny.train(run, workers)
        assert tiny.outcome(run)[0] == 4
    expected = f"stopped after step 4 of 9 (epoch 2) and saved; resume with: minidiff train --resume {run.path}"
    assert str(caught.value) == expected


def test_a_signal_in_the_last_step_stops_the_run_as_in_any_other(tmp_path, workers, signal_after, undisturbed):
    """What comes after training takes time too; resuming does it."""
    signal_after([9])
    with tiny.start(tmp_path / "run") as run:
        with pytest.raises(KeyboardInterrupt, match="stopped after step 9 of 9"):
            tiny.train(run, workers)
        assert not (run.path / "loss.png").exists()
        tiny.train(run, workers)
        assert (run.path / "loss.png").is_file()
        assert tiny.outcome(run) == undisturbed[:3]


def saved_steps(monkeypatch, run, workers, **options):
    steps = []
    real_save = Run.save_checkpoint
    monkeypatch.setattr(
        Run, "save_checkpoint", lambda self, step, *rest: (steps.append(step), real_save(self, step, *rest))
    )
    tiny.train(run, workers, **options)
    return steps


@pytest.mark.parametrize(("minutes", "expected"), [(0, list(range(1, 10))), (1e9, [3, 6, 9])])
def test_checkpoints_are_saved_after_every_epoch_and_every_few_minutes(
    tmp_path, workers, monkeypatch, minutes, expected
):
    with tiny.start(tmp_path / "run") as run:
        assert saved_steps(monkeypatch, run, workers, save_minutes=minutes) == expected


def test_resuming_a_finished_run_changes_nothing(tmp_path, workers, monkeypatch, undisturbed):
    with tiny.start(tmp_path / "run") as run:
        tiny.train(run, workers)
        assert saved_steps(monkeypatch, run, workers) == []
        assert tiny.outcome(run) == undisturbed[:3]


def test_a_history_row_without_its_checkpoint_is_not_repeated(tmp_path, workers, undisturbed, signal_after):
    signal_after([4])
    with tiny.start(tmp_path / "run") as run:
        with pytest.raises(KeyboardInterrupt):
            tiny.train(run, workers)
        run.add_history(run.history()[-1] | {"epoch": 2, "step": 6})  # the checkpoint of step 6 was never written
        tiny.train(run, workers)
        assert tiny.outcome(run) == undisturbed[:3]


def test_a_writer_that_died_is_reported(tmp_path, workers):
    tiny.start(tmp_path / "run").close()
    holder = {"process": 4711, "computer": "laptop", "since": "2020-02-02 02:02:02"}
    (tmp_path / "run" / ".lock").write_text(json.dumps(holder))
    with Run.open(tmp_path / "run", to_write=True) as run:
        _, lines = tiny.train(run, workers)
    assert any("process 4711 on laptop, since 2020-02-02 02:02:02, ended without saving" in line for line in lines)


class Killed(BaseException):
    """Simulates SIGKILL; no `except Exception` catches it."""


@contextlib.contextmanager
def killed_at(operation):
    """Simulates a kill before the n-th file operation: from then on every operation raises.

    Yields a list with the number of operations so far.
    """
    count = [0]

    def dying(real):
        def call(*arguments, **options):
            count[0] += 1
            if count[0] >= operation:
                raise Killed
            return real(*arguments, **options)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for place, name in ((os, "fsync"), (Path, "open"), (Path, "replace"), (Path, "unlink")):
            patch.setattr(place, name, dying(getattr(place, name)))
        yield count


def test_a_run_killed_at_any_file_operation_ends_the_same(tmp_path, workers, monkeypatch):
    """Killed before every opening, flush, rename and removal of a file."""
    monkeypatch.setattr("minidiff.plotting.save_loss_curve", lambda path, history: None)  # slow, and it opens fonts
    data, training = tiny.dataset(count=4), replace(tiny.TRAINING, epochs=3)  # of one step each
    options = {"training": training, "data": data, "save_minutes": 0}
    with killed_at(math.inf) as count, tiny.start(tmp_path / "undisturbed", training, data) as run:
        tiny.train(run, workers, **options)
    expected = tiny.outcome(run), sorted(file.name for file in run.path.rglob("*"))
    assert count[0] > 40
    for operation in range(1, count[0] + 1):
        path = tmp_path / f"run{operation}"
        with contextlib.suppress(Killed), killed_at(operation), tiny.start(path, training, data) as run:
            tiny.train(run, workers, **options)
        begun = (path / "config.json").exists()
        with Run.open(path, to_write=True) if begun else tiny.start(path, training, data) as run:
            tiny.train(run, workers, **options)
        assert (tiny.outcome(run), sorted(file.name for file in path.rglob("*"))) == expected


# Damaged checkpoints


@pytest.mark.parametrize("ending", ["npz", "json"])
def test_a_damaged_newest_checkpoint_is_reported_and_the_previous_one_is_used(tmp_path, workers, undisturbed, ending):
    with tiny.start(tmp_path / "run") as run:
        tiny.train(run, workers)
        newest = run.checkpoints / f"step_000000009.{ending}"
        newest.write_bytes(newest.read_bytes()[:-100])
        _, lines = tiny.train(run, workers)
        assert any("step_000000009" in line and "trying the checkpoint before it" in line for line in lines)
        assert any("resuming after step 6 of 9" in line for line in lines)
        assert tiny.outcome(run) == undisturbed[:3]


def test_without_an_intact_checkpoint_it_stops_and_keeps_the_files(tmp_path, workers):
    with tiny.start(tmp_path / "run") as run:
        tiny.train(run, workers)
        for file in run.checkpoints.glob("*.npz"):
            file.write_bytes(b"")
        with pytest.raises(MinidiffError, match=r"no checkpoint in .* can be read"):
            tiny.train(run, workers)
        assert len(list(run.checkpoints.iterdir())) == 4


# Changed data and configuration


@pytest.fixture
def stopped(tmp_path, workers, signal_after):
    """A run stopped after step 4."""
    signal_after([4])
    with tiny.start(tmp_path / "run") as run:
        with pytest.raises(KeyboardInterrupt):
            tiny.train(run, workers)
        yield run


DAMAGED_HISTORIES = {  # and the epochs that a finished run then has in it
    "removed": (lambda text: None, [2, 3]),
    "emptied": (lambda text: "", [2, 3]),
    "no header": (lambda text: text.partition("\n")[2], [2, 3]),
    "no loss": (lambda text: text.replace("\n1,3,0.", "\n1,3,x"), [2, 3]),
    "from a spreadsheet": (lambda text: "\ufeff" + text.replace(",", ";").replace(".", ","), [1, 2, 3]),
}


@pytest.mark.parametrize(("change", "epochs"), DAMAGED_HISTORIES.values(), ids=DAMAGED_HISTORIES.keys())
def test_a_run_resumes_without_its_history(stopped, workers, undisturbed, change, epochs):
    file = stopped.path / "history.csv"
    changed = change(file.read_text())
    file.unlink() if changed is None else file.write_text(changed)
    tiny.train(stopped, workers)
    step, arrays, _ = tiny.outcome(stopped)
    assert (step, arrays) == undisturbed[:2]
    assert [row["epoch"] for row in stopped.history()] == epochs
    copy = stopped.path / "history.csv.unreadable"
    assert copy.exists() == (epochs == [2, 3] and bool(changed))
    assert not copy.exists() or copy.read_text() == changed


def test_a_finished_run_without_a_history_says_how_to_continue(tmp_path, workers):
    with tiny.start(tmp_path / "run dir") as run:
        tiny.train(run, workers)
        (run.path / "history.csv").unlink()
        _, lines = tiny.train(run, workers)
    command = f"minidiff train --resume '{run.path}' --epochs N --accept-changes"
    assert f"   the training is complete; to continue it with more epochs: {command}" in lines


def test_a_run_whose_checkpoints_were_removed_starts_anew_and_says_so(tmp_path, workers, undisturbed):
    path = tmp_path / "run"
    with tiny.start(path) as run:
        tiny.train(run, workers)
    shutil.rmtree(path / "checkpoints")
    with Run.open(path, to_write=True) as run:
        _, lines = tiny.train(run, workers)
        assert tiny.outcome(run) == undisturbed[:3]
    assert f"{path / 'checkpoints'} holds no checkpoint; the training starts anew" in lines


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"learning_rate": 0.001}, "learning_rate was 0.002 and is 0.001"),
        ({"epochs": 4}, "epochs was 3 and is 4"),
        ({"flip": True, "clip": 0.5}, "clip was 1.0 and is 0.5; flip was False and is True"),
        ({"microbatch_size": 1}, "microbatch_size was 2 and is 1"),
    ],
)
def test_a_changed_configuration_stops_unless_accepted(stopped, workers, change, words):
    training = replace(tiny.TRAINING, **change)
    before = tiny.outcome(stopped)
    with pytest.raises(MinidiffError) as caught:
        tiny.train(stopped, workers, training)
    assert f"does not match its checkpoint of step 4: {words}; change that back" in str(caught.value)
    assert tiny.outcome(stopped) == before
    trainer, _ = tiny.train(stopped, workers, training, accept_changes=True)
    assert trainer.step == trainer.total_steps == 3 * training.epochs
    assert stopped.config["training"] == training.as_dict()
    assert TrainingConfig(**stopped.config["training"]) == training
    tiny.train(stopped, workers, training)  # now the run's configuration


def test_the_default_training_ends_its_schedule_at_a_noise_level_that_suits_the_data(rng):
    """For images that differ only in brightness it is 8 standard deviations of the brightness, times sqrt(H W C)."""
    brightness = rng.uniform(-0.9, 0.9, (1000, 1, 1, 1))
    dataset = Dataset(to_bytes(np.broadcast_to(brightness, (1000, 32, 32, 3))))
    training = train.training_for(dataset, epochs=3)
    assert training.sigma_max == pytest.approx(8 * brightness.std() * np.sqrt(32 * 32 * 3), rel=0.1)
    assert replace(training, sigma_max=0.0, log_sigma_mean=0.0) == TrainingConfig(epochs=3)
    for order in (np.argsort(brightness.ravel()), np.argsort(brightness.ravel()).reshape(5, 200).T.ravel()):
        assert train.training_for(dataset.subset(order)).sigma_max == pytest.approx(training.sigma_max, rel=0.2)
    assert train.training_for(dataset, sigma_max=50.0).sigma_max == 50


@pytest.mark.parametrize(("height", "width", "ratio"), [(64, 64, 64 / 28), (32, 64, 32 / 28), (28, 28, 1), (8, 8, 1)])
def test_the_default_noise_levels_of_training_grow_with_the_size(rng, height, width, ratio):
    dataset = Dataset(rng.integers(0, 256, (4, height, width, 1), np.uint8))
    assert train.training_for(dataset).log_sigma_mean == pytest.approx(np.log(ratio))
    assert train.training_for(dataset, log_sigma_mean=0.3).log_sigma_mean == 0.3
    # from 64 pixels on, three quarters of the examples enter at half the size, and there are twice as many in a batch
    assert train.training_for(dataset).batch_size == (8 if min(dataset.height, dataset.width) >= 64 else 4)
    assert train.training_for(dataset, batch_size=5).batch_size == 5


def test_the_end_of_the_schedule_is_stored_and_cannot_change(stopped, workers):
    assert stopped.config["training"]["sigma_max"] == 0
    with pytest.raises(MinidiffError, match=r"sigma_max was 0\.0 and is 60\.0; start a new run"):
        tiny.train(stopped, workers, replace(tiny.TRAINING, sigma_max=60.0), accept_changes=True)


def test_a_schedule_that_does_not_end_in_noise_is_refused_before_the_folder_is_made(tmp_path):
    dataset = tiny.dataset()
    with pytest.raises(MinidiffError, match="does not end in noise"):
        train.start_run(
            tmp_path / "run", {"spec": "x"}, dataset, train.network_for(dataset), TrainingConfig(sigma_max=5.0)
        )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "change", [{"batch_size": 3}, {"target": "noise"}, {"T": 60}, {"seed": 1}, {"optimizer": "adamw"}]
)
def test_some_changes_cannot_be_accepted(stopped, workers, change):
    with pytest.raises(MinidiffError, match=f"cannot resume from step 4: {next(iter(change))} was .* start a new run"):
        tiny.train(stopped, workers, replace(tiny.TRAINING, **change), accept_changes=True)


def test_other_images_stop_unless_accepted(stopped, workers):
    data = tiny.dataset(seed=1)
    expected = rf"the images were 12 \({tiny.dataset().fingerprint()}\) and are 12 \({data.fingerprint()}\)"
    with pytest.raises(MinidiffError, match=expected):
        tiny.train(stopped, workers, data=data)
    tiny.train(stopped, workers, data=data, accept_changes=True)


@pytest.mark.parametrize("accept", [False, True])
def test_more_or_fewer_images_cannot_be_accepted(stopped, workers, accept):
    with pytest.raises(MinidiffError, match=r"the images were 12 .* and are 16 .* start a new run"):
        tiny.train(stopped, workers, data=tiny.dataset(count=16), accept_changes=accept)


def test_held_out_images_cannot_be_added(stopped, workers):
    with pytest.raises(MinidiffError, match=r"the held-out images were none and are 12 .* start a new run"):
        tiny.train(stopped, workers, held_out=tiny.dataset(seed=1), accept_changes=True)


def test_another_network_is_refused(stopped, workers):
    net = replace(tiny.network().config, channels=(8, 8))
    with pytest.raises(MinidiffError, match=r"channels was \[8, 16\] and is \[8, 8\]"):
        train.train_run(stopped, net, tiny.dataset(), tiny.TRAINING, workers)
    net = replace(tiny.network().config, num_groups=2)  # as many parameters
    with pytest.raises(MinidiffError, match="num_groups was 4 and is 2"):
        train.train_run(stopped, net, tiny.dataset(), tiny.TRAINING, workers)


def test_a_checkpoint_without_film_was_trained_with_film(stopped, workers):
    label = stopped.checkpoints / "step_000000004.json"
    tiny.change_facts(label, lambda facts: facts["config"]["network"].pop("film"))
    before = read_facts(label)["config"]
    assert differences(before, before | {"network": tiny.network().config.as_dict()}) == []
    shift_only = replace(tiny.network().config, film=False).as_dict()
    assert differences(before, before | {"network": shift_only}) == [("film was True and is False", False)]
    trainer, _ = tiny.train(stopped, workers)
    assert trainer.step == 9


def test_another_format_stops(stopped, workers):
    label = stopped.checkpoints / "step_000000004.json"
    tiny.change_facts(label, lambda facts: facts.update(format=7))
    with pytest.raises(MinidiffError, match="was written in format 7; this version reads 2"):
        tiny.train(stopped, workers)


def test_another_version_is_reported_and_accepted(stopped, workers):
    label = stopped.checkpoints / "step_000000004.json"
    tiny.change_facts(label, lambda facts: facts.update(version="0.0.1"))
    trainer, lines = tiny.train(stopped, workers)
    assert any("the checkpoint is of version 0.0.1, this is" in line for line in lines)
    assert trainer.step == 9


# Divergence


def test_divergence_stops_the_run_and_keeps_the_last_good_checkpoint(tmp_path, workers, signal_after):
    signal_after([4])
    with tiny.start(tmp_path / "run") as run:
        with pytest.raises(KeyboardInterrupt):
            tiny.train(run, workers)
        good = tiny.outcome(run)
        training = replace(tiny.TRAINING, learning_rate=1e30)
        with pytest.raises(Diverged) as caught, np.errstate(all="ignore"):
            tiny.train(run, workers, training, accept_changes=True, save_minutes=1e9)
        message = str(caught.value)
        assert message.startswith("training diverged in step ")
        assert "the checkpoint of step 4 is good; resume with: minidiff train --resume" in message
        assert message.endswith("--learning-rate 5e+29 --accept-changes")
        assert "\n" not in message
        assert tiny.outcome(run)[:2] == good[:2]
        tiny.train(run, workers, accept_changes=True)  # back to the old rate
        assert tiny.outcome(run)[0] == 9


def test_parameters_that_are_not_finite_are_not_saved(tmp_path, workers, monkeypatch):
    """The last step may overflow with a finite gradient, and no loss would show it."""
    real_add = Progress.add

    def add(self, step):
        real_add(self, step)
        if step.step == 6:
            trainers[0].p.vector[5] = np.inf

    trainers = []
    real_restore = train.restore_progress
    monkeypatch.setattr(
        train,
        "restore_progress",
        lambda run, trainer, *rest: (trainers.append(trainer), real_restore(run, trainer, *rest))[1],
    )
    monkeypatch.setattr(Progress, "add", add)
    with tiny.start(tmp_path / "run") as run:
        with pytest.raises(Diverged, match=r"in step 6: parameters has infinite or NaN .* resume with: minidiff train"):
            tiny.train(run, workers)
        assert tiny.outcome(run)[0] == 3


def test_a_run_that_fails_before_its_first_checkpoint_leaves_nothing(tmp_path, workers, monkeypatch):
    """history.csv and a snapshot are written before the checkpoint of the first epoch."""

    def save(run, *_):
        assert (run.path / "history.csv").exists()
        assert list((run.path / "snapshots").iterdir())
        raise MinidiffError("the disk is full; make room")

    monkeypatch.setattr(train, "save", save)
    with pytest.raises(MinidiffError, match="full"), tiny.start(tmp_path / "run") as run:
        tiny.train(run, workers)
    assert not (tmp_path / "run").exists()


# Full disks


@contextlib.contextmanager
def file_size_limit(folder):
    """Limits files to 100 KB; the checkpoints are larger."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextlib.contextmanager
def filled_up(folder):
    """Fills the disk."""
    filler = folder.parent / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    try:
        yield
    finally:
        filler.unlink()


def mount(folder):
    """Mounts a file system of 2 MB; returns whether the machine allows it."""
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    return shutil.which("mount") and subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture
def small_disk(tmp_path):
    """A folder, and a way to make writing there fail: a small file system if possible, else a limit on file sizes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not mount(folder):
        yield folder, file_size_limit, "File too large"
        return
    yield folder, filled_up, "No space left on device"
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("limited_by", ["small disk", "file size"])
def test_a_full_disk_is_one_clear_line_and_only_loses_the_last_steps(
    small_disk, workers, undisturbed, limited_by, request
):
    folder, fill, reason = small_disk
    if limited_by == "file size":
        fill, reason = file_size_limit, "File too large"
    with tiny.start(folder / "run") as run, contextlib.ExitStack() as stack:

        def fill_disk(line):
            if line.split()[:1] == ["2"]:  # the row of epoch 2: its checkpoint is next
                stack.enter_context(fill(run.path))

        with pytest.raises(MinidiffError, match=rf"cannot write .*step_000000006\.npz: {reason}") as caught:
            tiny.train(run, workers, on_line=fill_disk)
        assert "\n" not in str(caught.value)
        assert tiny.outcome(run)[0] == 3
        assert list(run.checkpoints.glob("*.part")) == []
        stack.close()  # space is freed
        tiny.train(run, workers)
        assert tiny.outcome(run) == undisturbed[:3]


# Held-out images


def test_the_held_out_loss_is_recorded_and_the_best_checkpoint_stays(tmp_path, workers, monkeypatch):
    data, held_out = tiny.dataset(count=20).split(0.4)
    assert len(held_out) == 8
    losses = iter([0.5, 0.2, 0.4, 0.3, 0.6])
    with tiny.start(tmp_path / "run", data=data) as run:
        monkeypatch.setattr(
            "minidiff.training.Trainer.held_out_losses", lambda self, dataset: (None, np.array([next(losses)]))
        )
        training = replace(tiny.TRAINING, epochs=5)
        tiny.train(run, workers, training, data, held_out=held_out)
        assert [row["held_out_loss"] for row in run.history()] == [0.5, 0.2, 0.4, 0.3, 0.6]
        size = tiny.network().create_parameters().size
        assert run.load_checkpoint(size, best=True).step == 6
        assert run.load_checkpoint(size).step == 15
        denoisers = [pipeline.load_denoiser(run, workers, best=best) for best in (False, True)]
        assert (denoisers[0].p.vector != denoisers[1].p.vector).any()


def test_the_held_out_loss_uses_the_averaged_parameters_and_fixed_noise(workers):
    held_out = tiny.dataset(count=7, seed=5)
    trainer = tiny.trainer(workers, flip=True, class_dropout=0.5)
    list(islice(trainer.train(), 3))
    t, losses = trainer.held_out_losses(held_out)
    assert losses.shape == t.shape == (7,)
    again = trainer.held_out_losses(held_out)
    np.testing.assert_array_equal(again[0], t)
    np.testing.assert_array_equal(again[1], losses)
    before = trainer.p.vector.copy()
    trainer.p.vector[:] = 0  # not used
    np.testing.assert_array_equal(trainer.held_out_losses(held_out)[1], losses)
    trainer.optimizer.average[:] = before
    assert (trainer.held_out_losses(held_out)[1] != losses).all()
    with Workers(3) as more:
        trainer.optimizer.average[:], trainer.workers = before, more
        found = trainer.held_out_losses(held_out)[1]
    trainer.workers = workers
    np.testing.assert_array_equal(trainer.held_out_losses(held_out)[1], found)


def test_noise_levels_of_held_out_images_do_not_depend_on_their_class(workers):
    """The classes of many data sets come in turn. If the quarters of t did, too, some would be measured on one only."""
    data = tiny.dataset(count=400, num_classes=4)
    t, _ = tiny.trainer(workers, data).held_out_losses(data)
    quarter = np.argsort(np.argsort(t, kind="stable")) // 100  # of the 400 timesteps, sorted
    counts = np.zeros((4, 4), int)
    np.add.at(counts, (data.labels, quarter), 1)
    assert np.abs(counts - 25).max() <= 14  # more than three standard deviations


def test_the_held_out_loss_is_in_the_mean_that_of_timesteps_drawn_at_random(workers):
    """Six images, so that the quarters of t are not equally frequent, and a loss that depends on t and the class.

    With t uniform in 1 .. T, the mean of (1 + class) t is (1 + mean class) (T + 1) / 2.
    """
    data = tiny.dataset(count=6)
    trainer = tiny.trainer(workers, data, time_distribution="uniform", T=1000)
    trainer._forward = lambda p, examples, level: (None, (1.0 + examples.labels) * examples.t, None)
    means = []
    for seed in range(600):
        trainer.config = replace(trainer.config, seed=seed)
        means.append(trainer.held_out_losses(data)[1].mean())
    expected, error = (1 + data.labels.mean()) * 1001 / 2, np.std(means) / np.sqrt(len(means))
    assert error < 0.01 * expected
    assert abs(np.mean(means) - expected) < 3.5 * error


def test_held_out_images_must_fit_the_network(workers):
    with pytest.raises(MinidiffError, match="the data has"):
        tiny.trainer(workers).held_out_losses(Dataset(np.zeros((2, 16, 16, 3), np.uint8)))


# Memory


def test_training_does_not_leak_memory(workers):
    """Thirty more steps hold no more memory; a single array kept in each would be 100 KB or more."""
    trainer = tiny.trainer(workers, epochs=30)
    steps = trainer.train()
    so_far = Progress()
    tracemalloc.start()
    try:
        held = []
        for _ in range(2):
            for step in islice(steps, 30):
                so_far.add(step)
                if step.last_of_epoch:
                    so_far.end_epoch(step, 50)
            del step
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert held[1] - held[0] < 60_000
