"""Images for notebooks: exact, in small files, with a description."""

import io

import numpy as np
import pytest
from PIL import Image

from minidiff import plotting
from minidiff.data import to_pixels
from minidiff.exercises import figures, show_figure, show_images

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 5, 7, 3), dtype=np.uint8)


@pytest.fixture
def page(monkeypatch):
    """What is shown: list of (image, width, description)."""
    shown = []
    monkeypatch.setattr(figures, "_show", lambda *what: shown.append(what))
    return shown


@pytest.mark.parametrize("images", [IMAGES, to_pixels(IMAGES)], ids=["bytes", "pixels"])
def test_images_become_a_sheet(page, images):
    show_images(images, "noise", columns=2, scale=3)
    ((image, width, description),) = page
    sheet = plotting.sheet(to_pixels(IMAGES), 2)
    np.testing.assert_array_equal(np.asarray(image), sheet.repeat(3, axis=0).repeat(3, axis=1))
    assert (width, description) == (3 * sheet.shape[1], "noise")


@pytest.mark.parametrize(("count", "size"), [(1, 8), (16, 64), (40, 128)])
def test_a_sheet_fits_the_page(page, count, size):
    show_images(np.zeros((count, size, size, 1), np.float32), "gray", columns=min(count, 5))
    assert page[0][1] <= 700


def test_a_figure_has_twice_the_pixels_of_its_size_on_the_page(page):
    figure = plotting.new_figure(4, 2)
    axes = figure.add_subplot()
    axes.plot([0, 1], color=plotting.COLORS[0])
    show_figure(figure, "a line")
    ((image, width, description),) = page
    assert description == "a line"
    assert width == pytest.approx(image.width / 2, abs=1)
    assert 250 <= width <= 4 * figures.DOTS_PER_INCH + 20  # margins are trimmed
    blue = np.abs(np.asarray(image).astype(int) - [0x00, 0x72, 0xB2]).max(axis=2) < 10
    assert blue.sum() > 100
    assert not axes.spines["top"].get_visible()


def test_few_colors_are_exact_and_many_nearly():
    few = np.random.default_rng(1).choice(np.array([[0, 0, 0], [255, 3, 7], [9, 250, 80]], np.uint8), (40, 50))
    found = Image.open(io.BytesIO(figures.small_png(Image.fromarray(few)))).convert("RGB")
    np.testing.assert_array_equal(np.asarray(found), few)
    ramp = np.stack(np.meshgrid(np.arange(0, 256, 4), np.arange(0, 256, 4), [128]), axis=-1)[:, :, 0].astype(np.uint8)
    found = Image.open(io.BytesIO(figures.small_png(Image.fromarray(ramp)))).convert("RGB")
    assert np.abs(np.asarray(found).astype(int) - ramp).mean() < 6


def test_noise_takes_less_than_0_4_bytes_per_value():
    noise = Image.fromarray(np.random.default_rng(2).integers(0, 256, (100, 100, 3), dtype=np.uint8))
    assert len(figures.small_png(noise)) < 0.4 * 100 * 100 * 3


def test_outside_of_a_notebook_the_description_is_printed(capsys):
    show_images(IMAGES, "four images of noise")
    show_figure(plotting.new_figure(2, 2), "an empty figure")
    assert capsys.readouterr().out == "four images of noise\nan empty figure\n"
