"""The folder of a run: creating, opening, locking, and reading back."""

import contextlib
import json
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest

from minidiff.errors import MinidiffError
from minidiff.runs.folder import Run, check_new
from tests import tiny


@contextlib.contextmanager
def without_a_superusers_rights():
    """Runs the block as the user nobody, since root may write everywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder():
    """A folder that every user can access; pytest's folders belong to one user."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder
    folder.chmod(0o777)
    shutil.rmtree(folder)


def test_a_new_run_can_be_opened(tmp_path):
    with Run.create(tmp_path / "deep" / "run", {"data": "cats"}) as run:
        assert run.config["data"] == "cats"
    found = Run.open(tmp_path / "deep" / "run").config
    assert (found["format"], found["data"], found["machine"]) == (1, "cats", "unknown")


def test_an_empty_folder_can_become_a_run(tmp_path):
    with Run.create(tmp_path, {}):
        assert json.loads((tmp_path / "config.json").read_text()) == {"format": 1}


def test_a_folder_with_other_files_is_refused_and_unchanged(tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(MinidiffError, match="is not empty; give another --out"):
        Run.create(tmp_path, {})
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_existing_run_is_not_overwritten(tmp_path):
    Run.create(tmp_path, {"first": 1}).close()
    with pytest.raises(MinidiffError, match=r"holds a run; .*minidiff train --resume"):
        Run.create(tmp_path, {})
    assert Run.open(tmp_path).config["first"] == 1


def test_the_remains_of_a_killed_process_are_accepted(tmp_path):
    (tmp_path / ".lock").touch()
    (tmp_path / "config.json.0a1b2c3d.part").write_text('{"form')
    (tmp_path / "checkpoints").mkdir()
    with Run.create(tmp_path, {"data": "cats"}) as run:
        assert run.config["data"] == "cats"
    assert not (tmp_path / "config.json.0a1b2c3d.part").exists()


def test_a_second_writer_is_refused_and_a_reader_is_not(tmp_path):
    with Run.create(tmp_path, {}):
        with pytest.raises(MinidiffError, match="is writing to"):
            Run.open(tmp_path, to_write=True)
        assert Run.open(tmp_path).lock is None
    with Run.open(tmp_path, to_write=True), pytest.raises(MinidiffError, match="is writing to"):
        Run.open(tmp_path, to_write=True)


@pytest.mark.parametrize(
    ("path", "message"), [("file/run", "cannot make the folder .*Not a directory"), ("file", "cannot make the folder")]
)
def test_a_path_where_no_folder_can_be_made_is_one_clear_line(tmp_path, path, message):
    (tmp_path / "file").touch()
    with pytest.raises(MinidiffError, match=message):
        Run.create(tmp_path / path, {})


def test_a_folder_without_write_permission_is_one_clear_line(open_folder):
    (open_folder / "read-only").mkdir()
    (open_folder / "read-only").chmod(0o555)
    with without_a_superusers_rights():
        with pytest.raises(MinidiffError, match=r"cannot make the folder .*run: Permission denied; give another --out"):
            Run.create(open_folder / "read-only" / "run", {})
        with pytest.raises(MinidiffError, match=r"cannot write to the folder .*read-only: Permission denied"):
            Run.create(open_folder / "read-only", {})


def test_a_read_only_run_can_be_read_but_not_resumed(open_folder):
    Run.create(open_folder, {"data": "cats"}).close()
    (open_folder / ".lock").chmod(0o444)
    open_folder.chmod(0o555)
    with without_a_superusers_rights():
        assert Run.open(open_folder).config["data"] == "cats"
        with pytest.raises(MinidiffError, match=r"cannot write to the folder .*: Permission denied"):
            Run.open(open_folder, to_write=True)


def test_a_folder_without_read_permission_is_one_clear_line(open_folder):
    Run.create(open_folder / "run", {}).close()
    (open_folder / "run" / "config.json").chmod(0)
    with without_a_superusers_rights(), pytest.raises(MinidiffError, match=r"config\.json cannot be read: .*denied"):
        Run.open(open_folder / "run")
    (open_folder / "run").chmod(0)
    with without_a_superusers_rights(), pytest.raises(MinidiffError, match=r"run cannot be read: Permission denied"):
        Run.open(open_folder / "run")
    (open_folder / "run").chmod(0o777)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[1]", "null", '{"format": 2}', '{"format": "one"}', "\x00\xff", "[" * 10**5],
    ids=["empty", "open", "list", "null", "newer", "words", "binary", "deep"],
)
def test_an_invalid_config_is_one_clear_line(tmp_path, text):
    Run.create(tmp_path, {}).close()
    (tmp_path / "config.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(MinidiffError) as caught:
        Run.open(tmp_path)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("path", ["missing", "."])
def test_a_folder_without_a_run_is_one_clear_line(tmp_path, path):
    with pytest.raises(MinidiffError, match=r"holds no run.*minidiff train --out"):
        Run.open(tmp_path / path)


def save(run, step, best_step=None, size=7):
    arrays = {name: np.full(size, step, np.float32) for name in ("parameters", "average", "m", "v")}
    arrays |= {name: np.empty(0) for name in ("losses", "gradient_norms", "update_ratios")} | {"t": np.empty(0, int)}
    facts = {"epoch": 1, "seconds": 1.0, "step_seconds": 1.0, "config": tiny.CHECKPOINT_CONFIG, "best_step": best_step}
    run.save_checkpoint(step, arrays, facts | ({"best_loss": 0.5} if best_step else {}), best_step)


def test_the_newest_and_the_best_checkpoint(tmp_path):
    with Run.create(tmp_path, {}) as run:
        assert run.find_checkpoint(7) is None
        with pytest.raises(MinidiffError, match="no checkpoint yet"):
            run.load_checkpoint(7)
        save(run, 1)
        with pytest.raises(MinidiffError, match="without held-out images"):
            run.load_checkpoint(7, best=True)
        for step in (2, 3, 4):
            save(run, step, best_step=2)
    run = Run.open(tmp_path)
    assert run.load_checkpoint(7).step == 4
    assert run.load_checkpoint(7, best=True).step == 2
    assert run.load_checkpoint(7, best=True).arrays["average"].tolist() == [2.0] * 7
    with pytest.raises(MinidiffError, match="can be read"):
        run.load_checkpoint(8)  # of another network


def test_checkpoints_without_their_config_are_not_an_unused_folder(tmp_path):
    """A new run would have resumed from them."""
    with Run.create(tmp_path, {}) as run:
        save(run, 1)
    (tmp_path / "config.json").unlink()
    with pytest.raises(MinidiffError, match="is not empty; give another --out"):
        Run.create(tmp_path, {})
    assert Run(tmp_path).steps() == [1]


def test_a_missing_folder_of_checkpoints_is_made_when_a_run_is_opened_to_write(tmp_path):
    Run.create(tmp_path, {}).close()
    (tmp_path / "checkpoints").rmdir()
    assert Run.open(tmp_path).steps() == []
    assert not (tmp_path / "checkpoints").exists()
    with Run.open(tmp_path, to_write=True) as run:
        save(run, 1)
        assert run.steps() == [1]


def test_a_file_in_its_place_is_one_clear_line(tmp_path):
    Run.create(tmp_path, {}).close()
    (tmp_path / "checkpoints").rmdir()
    (tmp_path / "checkpoints").touch()
    with pytest.raises(MinidiffError, match=r"cannot make the folder .*checkpoints: File exists"):
        Run.open(tmp_path, to_write=True)


def test_any_name_is_the_first_that_does_not_exist(tmp_path):
    for name in ("run", "run-2", "run-3"):
        with Run.create(tmp_path / "run", {}, any_name=True) as run:
            assert run.path == tmp_path / name
    (tmp_path / "run-4").mkdir()  # of a process that has not written anything yet
    with Run.create(tmp_path / "run", {}, any_name=True) as run:
        assert run.path == tmp_path / "run-5"


def names_in(path):
    return sorted(str(file.relative_to(path)) for file in path.rglob("*"))


@pytest.mark.parametrize("made_before", [False, True])
def test_an_error_before_the_first_checkpoint_leaves_nothing(tmp_path, made_before):
    path = tmp_path / "deep" / "run"
    if made_before:
        path.mkdir(parents=True)
    before = names_in(tmp_path)
    with pytest.raises(MinidiffError, match="refused"), Run.create(path, {}) as run:  # noqa: PT012
        (run.path / "forward_process.png").touch()
        raise MinidiffError("refused")
    assert names_in(tmp_path) == before


def test_files_of_somebody_else_stay_after_an_error(tmp_path):
    with pytest.raises(MinidiffError, match="refused"), Run.create(tmp_path / "run", {}) as run:  # noqa: PT012
        (run.path / "thesis.txt").touch()
        (run.checkpoints / "notes.txt").touch()
        raise MinidiffError("refused")
    assert {"run/thesis.txt", "run/checkpoints/notes.txt"} <= set(names_in(tmp_path))


def test_a_run_with_a_checkpoint_and_an_opened_one_stay_after_an_error(tmp_path):
    with pytest.raises(MinidiffError, match="refused"), tiny.start(tmp_path / "run") as run:  # noqa: PT012
        (run.checkpoints / "step_000000003.json").touch()
        raise MinidiffError("refused")
    assert (tmp_path / "run" / "config.json").is_file()
    (tmp_path / "run" / "checkpoints" / "step_000000003.json").unlink()
    with pytest.raises(MinidiffError, match="refused"), Run.open(tmp_path / "run", to_write=True):
        raise MinidiffError("refused")
    assert (tmp_path / "run" / "config.json").is_file()


def test_a_new_run_that_is_interrupted_can_be_resumed(tmp_path):
    with pytest.raises(KeyboardInterrupt), tiny.start(tmp_path / "run"):
        raise KeyboardInterrupt
    assert Run.open(tmp_path / "run").config["class_names"] == ["a", "b", "c"]


def test_what_cannot_become_a_run_is_refused_and_nothing_is_made(tmp_path):
    (tmp_path / "file").touch()
    tiny.start(tmp_path / "run").close()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").touch()
    before = names_in(tmp_path)
    for name, message in {"file/run": "file is not a folder", "run": "holds a run", "full": "is not empty"}.items():
        with pytest.raises(MinidiffError, match=message):
            check_new(tmp_path / name)
    check_new(tmp_path / "new" / "run")
    assert names_in(tmp_path) == before


def test_the_tiny_run_is_a_run(tmp_path):
    with tiny.start(tmp_path / "run") as run:
        assert run.config["class_names"] == ["a", "b", "c"]
