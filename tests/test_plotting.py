"""Files of images and figures, read back with Pillow or NumPy."""

import numpy as np
import pytest
from PIL import Image

from minidiff import plotting
from minidiff.data import to_pixels
from minidiff.errors import MinidiffError

HISTORY = [{"epoch": epoch, "loss": 0.5 / epoch} for epoch in range(1, 6)]


def random_images(count, height=3, width=5, channels=3):
    """Random images without white pixels, as uint8 and as pixels in [-1, 1]."""
    images = np.random.default_rng(0).integers(0, 255, (count, height, width, channels), np.uint8)
    return images, to_pixels(images)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("count", "columns", "expected_rows", "expected_columns"),
    [(5, 2, 3, 2), (5, None, 2, 3), (1, None, 1, 1), (3, 10, 1, 3), (9, None, 3, 3), (4, 1, 4, 1)],
)
def test_a_sheet_is_a_grid_of_images_with_white_gaps(count, columns, expected_rows, expected_columns, channels):
    images, pixels = random_images(count, channels=channels)
    page = plotting.sheet(pixels, columns)
    assert page.dtype == np.uint8
    assert page.shape == (expected_rows * (3 + 2) + 2, expected_columns * (5 + 2) + 2, 3)
    for i in range(count):
        top, left = 2 + i // expected_columns * 5, 2 + i % expected_columns * 7
        tile = page[top : top + 3, left : left + 5]
        np.testing.assert_array_equal(tile, np.broadcast_to(images[i], (3, 5, 3)))
        tile[:] = 255
    assert (page == 255).all()  # the rest is white


def test_pixels_outside_the_range_are_clipped():
    page = plotting.sheet(np.array([-7.0, 7.0]).reshape(2, 1, 1, 1), columns=2)
    assert page[2, 2].tolist() == [0, 0, 0]
    assert page[2, 5].tolist() == [255, 255, 255]


def test_a_saved_sheet_is_the_enlarged_sheet(tmp_path):
    _, pixels = random_images(4)
    plotting.save_sheet(tmp_path / "sheet.png", pixels, columns=2, scale=3)
    found = np.asarray(Image.open(tmp_path / "sheet.png"))
    np.testing.assert_array_equal(found, np.kron(plotting.sheet(pixels, 2), np.ones((3, 3, 1), np.uint8)))


def test_an_animation_has_every_frame_and_shows_the_last_one_longer(tmp_path):
    frames = [to_pixels(np.full((2, 4, 4, 3), value, np.uint8)) for value in (0, 100, 200)]
    plotting.save_animation(tmp_path / "animation.gif", frames, scale=2, milliseconds=50)
    with Image.open(tmp_path / "animation.gif") as animation:
        assert animation.n_frames == 3
        assert animation.info["loop"] == 0  # forever
        durations = []
        for i, value in enumerate((0, 100, 200)):
            animation.seek(i)
            durations.append(animation.info["duration"])
            found = np.asarray(animation.convert("RGB"))
            assert found.shape == (16, 28, 3)
            assert np.abs(found[4:12, 4:12].astype(int) - value).max() <= 4  # a GIF has 256 colors
    assert durations == [50, 50, 2000]


def test_images_as_npz(tmp_path):
    images, pixels = random_images(3)
    plotting.save_images(tmp_path / "some.npz", pixels, labels=[2, 0, 1])
    with np.load(tmp_path / "some.npz", allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["images"], images)
        assert archive["labels"].tolist() == [2, 0, 1]
    plotting.save_images(tmp_path / "other.NPZ", pixels)
    with np.load(tmp_path / "other.NPZ", allow_pickle=False) as archive:
        assert archive.files == ["images"]


def test_images_as_png(tmp_path):
    _, pixels = random_images(3)
    plotting.save_images(tmp_path / "some.png", pixels)
    # two columns and two rows of images 5 wide, each pixel 128 // 5 pixels of the file
    assert Image.open(tmp_path / "some.png").size == (25 * 16, 25 * 12)


@pytest.mark.parametrize("name", ["image.jpg", "image", "image.npy"])
def test_an_unknown_suffix_is_refused(tmp_path, name):
    with pytest.raises(MinidiffError, match=r"\.png, \.gif or \.npz"):
        plotting.save_images(tmp_path / name, random_images(1)[1])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("history", [HISTORY, HISTORY[:1]])
def test_a_loss_curve_is_plotted(tmp_path, history):
    plotting.save_loss_curve(tmp_path / "loss.png", history)
    found = np.asarray(Image.open(tmp_path / "loss.png").convert("RGB"))
    assert found.shape == (432, 768, 3)
    blue = np.abs(found.astype(int) - [0x00, 0x72, 0xB2]).max(axis=2) < 10
    assert blue.sum() > 20  # at least one marker


def test_a_decreasing_loss_decreases_in_the_plot(tmp_path):
    plotting.save_loss_curve(tmp_path / "loss.png", HISTORY)
    found = np.asarray(Image.open(tmp_path / "loss.png").convert("RGB")).astype(int)
    rows, columns = np.nonzero(np.abs(found - [0x00, 0x72, 0xB2]).max(axis=2) < 10)
    assert rows[columns == columns.min()].mean() < rows[columns == columns.max()].mean()


@pytest.mark.parametrize(
    "save",
    [
        lambda path: plotting.save_sheet(path / "a.png", random_images(1)[1]),
        lambda path: plotting.save_animation(path / "a.gif", [random_images(1)[1]] * 2),
        lambda path: plotting.save_images(path / "a.png", random_images(1)[1]),
        lambda path: plotting.save_images(path / "a.npz", random_images(1)[1]),
        lambda path: plotting.save_loss_curve(path / "a.png", HISTORY),
    ],
)
def test_a_missing_folder_is_an_error_in_one_line(tmp_path, save):
    with pytest.raises(MinidiffError, match=r"cannot write .*missing.*No such file"):
        save(tmp_path / "missing")
