"""Names within folders and archives."""

import pytest

from minidiff.data.readers.names import counted, listed, runs_among, safe_name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a.png", "a.png"),
        ("cats\\a.png", "cats/a.png"),
        ("cats\\\\a.png", "cats/a.png"),
        ("./cats/.//a.png", "cats/a.png"),
        *(
            (name, None)
            for name in ("", ".", "../a", "a/../../b", "a\\..\\b", "/a", "\\a", "C:\\a", "C:a", "a\nb", "a\0b")
        ),
    ],
)
def test_names_in_archives_become_safe(name, safe):
    assert safe_name(name) == safe


def test_notes_count_and_list_a_few():
    assert counted([], "ignored") == ()
    assert counted(["a", "b"], "ignored") == ("2 ignored: a, b",)
    assert listed(f"{i}" for i in range(9)) == "0, 1, 2, 3, ..."
    assert listed(["\x1b[31m"]) == r"\x1b[31m"


@pytest.mark.parametrize(
    ("names", "runs"),
    [
        (["a.png", "config.json", "history/history.csv"], []),
        (["r/config.json", "r/samples.png"], []),  # any program has a config.json
        (["r/config.json", "r/history.csv"], ["r"]),
        (["r/config.json", "r/forward_process.png", "s/history.csv"], ["r"]),  # stopped in its first epoch
        (["x/y/checkpoints/step_000000003.npz", "x/a.png"], ["x/y"]),  # config.json is lost
        (["checkpoints/step_000000003.json"], [""]),
        (["config.json", "forward_process.png"], [""]),
    ],
)
def test_runs_are_recognized_by_their_files(names, runs):
    assert runs_among(names) == runs
