"""Masks for inpainting: what is filled is what was painted, or the mask is refused."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from minidiff.data.readers.mask import read_mask
from minidiff.errors import MinidiffError

H, W = 100, 200
HALF = np.zeros((H, W), np.uint8)
HALF[:, : W // 2] = 255
STROKE = np.zeros((H, W), np.uint8)
STROKE[40:60, 90:110] = 255


@pytest.fixture
def read(tmp_path):
    """Reads a mask, an array or an image, of an image of H x W, for a run of images of 20 x 20."""

    def read(mask, name="mask.png", size=(H, W), **options):
        Image.new("RGB", size[::-1], "teal").save(tmp_path / "image.png")
        image = mask if isinstance(mask, Image.Image) else Image.fromarray(mask)
        image.save(tmp_path / name, **options)
        return read_mask(tmp_path / name, tmp_path / "image.png", 20, 20)

    return read


def rgba(color, opacity):
    """An image (H, W) of one color with an opacity (H, W)."""
    return np.concatenate([np.broadcast_to(np.uint8(color), (H, W, 3)), opacity[..., None]], axis=2)


def blurred(mask, radius):
    return Image.fromarray(mask).filter(ImageFilter.GaussianBlur(radius))


TWO_COLORS = Image.fromarray(HALF // 255, "P")
TWO_COLORS.putpalette([0, 0, 0, 255, 255, 255])


@pytest.mark.parametrize(
    "mask",
    [
        HALF,
        HALF // 255,
        HALF.astype(np.uint16) * 257,
        HALF.astype(np.uint16),
        HALF.astype(np.uint16) // 255,
        Image.fromarray(HALF).convert("1"),
        Image.fromarray(HALF).convert("RGB"),
        TWO_COLORS,
        rgba((255, 255, 255), HALF),
        np.stack([HALF, 255 - np.zeros_like(HALF)], axis=2),
        blurred(HALF, 1.5),
    ],
    ids=["8 bits", "0, 1", "16 bits", "8 in 16", "0, 1 in 16", "1 bit", "RGB", "palette", "RGBA", "LA", "blurred"],
)
def test_every_way_to_store_black_and_white(read, mask):
    filled, notes = read(mask)
    assert filled.shape == (20, 20, 1)
    assert filled[:, :10].all()
    assert not filled[:, 10:].any()
    assert notes[-1] == "50 % of the image are filled"


def test_a_jpeg_with_its_artifacts(read):
    assert read(STROKE, "mask.jpg", quality=60)[0].mean() == pytest.approx(16 / 400)  # 20 of 100 pixels are 4 of 20


def test_values_of_0_and_1_are_noted(read):
    assert "mask values 0 and 1 read as black and white" in read(HALF // 255)[1]


def test_a_hole_of_a_few_pixels_is_kept_where_it_is(read):
    large = np.zeros((20 * H, 20 * W), np.uint8)
    large[1501:1503, 1501:1503] = 255  # the central square begins at column 1000, and 100 pixels become one
    filled, notes = read(large)
    assert np.argwhere(filled[..., 0]).tolist() == [[15, 5]]
    assert notes == ("0.25 % of the image are filled",)


COLORED = np.zeros((H, W, 3), np.uint8)
COLORED[40:60, 90:110, 0] = 255
OUTSIDE = np.zeros((H, W), np.uint8)
OUTSIDE[:, :40] = 255


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (STROKE * 0, "nothing is white, nothing would be filled;"),
        (STROKE * 0 + 255, "white everywhere, nothing would be kept;"),
        (OUTSIDE, "nothing is white, nothing would be filled in the central part of the image"),
        (255 - OUTSIDE, "white everywhere, nothing would be kept in the central part of the image"),
        (COLORED, "has colors, such as #ff0000 at column 90 of row 40;"),
        (STROKE // 255 * 2, "nothing is white"),
        (STROKE // 255 * 120, "neither black nor white, such as value 120"),
        (STROKE // 255 * 136, "neither black nor white, such as value 136"),
        (np.maximum(HALF, STROKE // 2), "neither black nor white, such as value 127 at column 100"),
        (blurred(HALF, 12), "neither black nor white"),
        (rgba((255, 255, 255), STROKE // 2), "neither black nor white, such as value 127"),
        (rgba((0, 0, 0), STROKE), "nothing is white"),
        (rgba((30, 200, 90), 255 - STROKE), "has colors, such as #1ec85a"),
        (np.full((H, H), 255, np.uint8), f"100 pixels wide and 100 high, .* give a mask {W} pixels wide and {H} high"),
    ],
)
def test_a_mask_that_could_be_meant_otherwise_is_refused(read, mask, message):
    with pytest.raises(MinidiffError, match=message) as caught:
        read(mask)
    assert "\n" not in str(caught.value)


def test_the_proportions_are_those_of_the_upright_image(read, tmp_path):
    exif = Image.Exif()
    exif[274] = 6  # lying on its side
    read(HALF)
    Image.new("RGB", (H, W)).save(tmp_path / "image.png", exif=exif)
    assert read_mask(tmp_path / "mask.png", tmp_path / "image.png", 20, 20)[0].mean() == 0.5


def test_files_that_are_no_images_are_refused(read, tmp_path):
    read(HALF)
    (tmp_path / "text.png").write_text("white")
    for name, message in (("text.png", "not a readable image"), ("nowhere.png", "no such file")):
        with pytest.raises(MinidiffError, match=message):
            read_mask(tmp_path / name, tmp_path / "image.png", 20, 20)
    with pytest.raises(MinidiffError, match="a device, pipe or socket instead of a file"):
        read_mask("/dev/zero", tmp_path / "image.png", 20, 20)
