"""The folder of a hand-in: too many and too large files are noticed, and it is removed whatever it contains."""

import pytest

from minidiff.exercises.grading import scratch
from minidiff.exercises.grading.scratch import files_exceed, remove_folder


@pytest.mark.parametrize(("constant", "limit"), [("MOST_FILES", 3), ("LARGEST_FILES", 15_000)])
def test_too_many_and_too_large_files_are_noticed_in_all_folders(tmp_path, monkeypatch, constant, limit):
    monkeypatch.setattr(scratch, constant, limit)
    (tmp_path / "inner").mkdir()
    (tmp_path / "a").write_bytes(bytes(10_000))
    (tmp_path / "link").symlink_to(tmp_path)
    assert not files_exceed(str(tmp_path))
    (tmp_path / "inner" / "b").write_bytes(bytes(10_000))
    assert files_exceed(str(tmp_path))
    assert not files_exceed(str(tmp_path / "nowhere"))


def test_a_folder_is_removed_and_what_its_links_lead_to_is_left(tmp_path):
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    (tmp_path / "kept").write_text("kept")
    (folder / "link").symlink_to(tmp_path / "kept")
    remove_folder(str(folder))
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    remove_folder(str(folder))  # again does no harm
