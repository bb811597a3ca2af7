"""Training with a live figure, in a shell of IPython without a screen."""

import builtins
import io

import numpy as np
import pytest
from PIL import Image

from minidiff import train_live
from minidiff.errors import MinidiffError
from minidiff.live import draw
from tests import tiny

IPython = pytest.importorskip("IPython")


class Handle:
    def __init__(self):
        self.shown = []

    def update(self, image):
        self.shown.append(image.data)


@pytest.fixture
def notebook(monkeypatch):
    """What is shown: the first figure, and all after it."""
    handle = Handle()
    monkeypatch.setattr(IPython, "get_ipython", lambda: object())
    monkeypatch.setattr("IPython.display.display", lambda image, display_id: handle.update(image) or handle)
    return handle.shown


def test_a_training_in_a_notebook_is_the_same_and_shows_figures(workers, notebook, monkeypatch):
    monkeypatch.setattr("minidiff.live.INTERVAL", 0.0)
    monkeypatch.setattr("minidiff.live.LARGEST_SHARE", 1e9)
    trainer, other = tiny.trainer(workers), tiny.trainer(workers)
    rows = train_live(trainer, tiny.dataset(seed=1))
    list(other.train())
    np.testing.assert_array_equal(trainer.p.vector, other.p.vector)
    assert [row["epoch"] for row in rows] == [1, 2]
    assert all(row["held_out_loss"] > 0 for row in rows)
    assert len(notebook) == 2 + 6  # before, after each of six steps, and at the end
    assert all(Image.open(io.BytesIO(image)).size == (960, 360) for image in notebook)
    assert notebook[0] != notebook[-1]


def test_figures_are_rare_if_they_take_long(workers, notebook):
    train_live(tiny.trainer(workers))
    assert len(notebook) == 2


def test_elsewhere_it_is_refused(workers, monkeypatch):
    with pytest.raises(MinidiffError, match="a live figure needs a notebook"):
        train_live(tiny.trainer(workers))
    real = builtins.__import__

    def without(name, *arguments):
        if name == "IPython":
            raise ImportError(name)
        return real(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MinidiffError, match="a live figure needs a notebook"):
        train_live(tiny.trainer(workers))


def test_images_without_classes_and_with_one_channel_are_drawn(workers):
    trainer = tiny.trainer(workers, data=tiny.dataset(channels=1, num_classes=0))
    assert draw(trainer, [], "starting").startswith(b"\x89PNG")
