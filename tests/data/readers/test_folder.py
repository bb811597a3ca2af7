"""Folders of image files."""

import contextlib
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from minidiff.data import load
from minidiff.errors import MinidiffError
from tests.data.helpers import memory_below

RED, GREEN, BLUE, WHITE, GRAY = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (128, 128, 128)


def load_folder(path, size=64, **options):
    return load(path, size, cache_folder=None, **options)


def quarters(size=32, colors=(RED, GREEN, BLUE, WHITE)):
    """Image of four squares: top left, top right, bottom left, bottom right."""
    pixels = np.empty((size, size, 3), np.uint8)
    half = size // 2
    pixels[:half, :half], pixels[:half, half:], pixels[half:, :half], pixels[half:, half:] = colors
    return Image.fromarray(pixels)


def centers(image):
    """Colors at the centers of the four quarters of (H, W, C)."""
    near, far = image.shape[0] // 4, 3 * image.shape[0] // 4
    return [image[near, near], image[near, far], image[far, near], image[far, far]]


def only(path, size=32):
    """The only image of a folder."""
    dataset = load_folder(path, size)
    assert len(dataset) == 1
    return dataset.images[0]


def png(width, height, bit_depth, color_type, rows):
    """A PNG file from raw rows, for modes that Pillow does not write."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, bit_depth, color_type, 0, 0, 0)
    content = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", content) + chunk(b"IEND", b"")


def test_a_flat_folder_is_sorted_by_name(tmp_path):
    for name, color in (("b.png", GREEN), ("a.png", RED), ("c.bmp", BLUE)):
        Image.new("RGB", (16, 16), color).save(tmp_path / name)
    dataset = load_folder(tmp_path, 16)
    assert dataset.images.shape == (3, 16, 16, 3)
    assert [tuple(image[8, 8]) for image in dataset.images] == [RED, GREEN, BLUE]
    assert dataset.labels is None
    assert dataset.class_names == ()
    assert dataset.name == tmp_path.name


def test_each_subfolder_is_a_class(tmp_path):
    for name, color in (("dogs/deep/er/1.png", RED), ("cats/2.png", GREEN), ("cats/1.png", BLUE)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), color).save(tmp_path / name)
    Image.new("RGB", (8, 8), WHITE).save(tmp_path / "cover.png")
    dataset = load_folder(tmp_path, 8)
    assert dataset.class_names == ("cats", "dogs")
    assert dataset.labels.tolist() == [0, 0, 1]
    assert [tuple(image[4, 4]) for image in dataset.images] == [BLUE, GREEN, RED]
    assert any("1 files beside" in note for note in dataset.notes)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotates_the_image_upright(tmp_path, orientation):
    upright = quarters()
    # The transpose that the orientation inverts (EXIF 2.3, tag 274).
    inverse = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright if orientation == 1 else upright.transpose(inverse[orientation])
    exif = Image.Exif()
    exif[274] = orientation
    stored.save(tmp_path / "photo.png", exif=exif)
    np.testing.assert_array_equal(centers(only(tmp_path)), [RED, GREEN, BLUE, WHITE])


def test_transparency_becomes_white_before_resizing(tmp_path):
    pixels = np.zeros((64, 64, 4), np.uint8)  # transparent black
    pixels[:, :32] = (255, 255, 255, 255)  # opaque white
    Image.fromarray(pixels).save(tmp_path / "half.png")
    assert only(tmp_path, 16).min() == 255  # resizing first would leave a gray line


def test_half_transparent_is_half_white(tmp_path):
    Image.new("RGBA", (8, 8), (0, 0, 255, 128)).save(tmp_path / "glass.png")
    np.testing.assert_allclose(only(tmp_path, 8)[4, 4], (127, 127, 255), atol=1)


@pytest.mark.parametrize("transparent", [False, True])
def test_palettes(tmp_path, transparent):
    image = quarters().convert("P", palette=Image.Palette.ADAPTIVE)
    red = image.getpixel((0, 0))
    image.save(tmp_path / "few.png", **({"transparency": red} if transparent else {}))
    expected = [WHITE if transparent else RED, GREEN, BLUE, WHITE]
    np.testing.assert_allclose(centers(only(tmp_path)), expected, atol=2)


def test_gray_with_alpha(tmp_path):
    pixels = np.stack([np.full((16, 16), 100), np.repeat([[0, 255]], 16, 0).repeat(8, 1)], axis=-1).astype(np.uint8)
    Image.fromarray(pixels, "LA").save(tmp_path / "la.png")
    image = only(tmp_path, 16)
    assert image[8, 2].tolist() == [255, 255, 255]
    assert image[8, 13].tolist() == [100, 100, 100]


def test_sixteen_bit_gray(tmp_path):
    values = np.array([0, 32768, 65300, 65535], np.uint16)
    Image.fromarray(np.repeat(values[:, None], 4, axis=1)).save(tmp_path / "deep.png")
    assert Image.open(tmp_path / "deep.png").mode in ("I;16", "I")
    assert only(tmp_path, 4)[:, 0, 0].tolist() == [0, 128, 254, 255]


def test_sixteen_bit_color(tmp_path):
    rows = [struct.pack(">12H", *([65535, 32768, 256] * 4))] * 4
    (tmp_path / "deep.png").write_bytes(png(4, 4, 16, 2, rows))
    np.testing.assert_allclose(only(tmp_path, 4)[0, 0], (255, 128, 1), atol=1)


def test_cmyk(tmp_path):
    quarters(64).convert("CMYK").save(tmp_path / "print.jpg", quality=95)
    assert Image.open(tmp_path / "print.jpg").mode == "CMYK"
    np.testing.assert_allclose(centers(only(tmp_path).astype(int)), [RED, GREEN, BLUE, WHITE], atol=6)


def test_the_central_square_is_kept(tmp_path):
    wide = Image.new("RGB", (60, 20), RED)
    wide.paste(quarters(20), (20, 0))
    wide.save(tmp_path / "a.png")
    wide.transpose(Image.Transpose.TRANSPOSE).save(tmp_path / "b.png")
    dataset = load_folder(tmp_path, 20)
    np.testing.assert_array_equal(dataset.images[0], np.asarray(quarters(20)))
    np.testing.assert_array_equal(dataset.images[1], np.asarray(quarters(20)).transpose(1, 0, 2))
    assert any("2 images cropped" in note for note in dataset.notes)


def test_a_large_jpeg_becomes_its_local_average(tmp_path):
    waves = np.indices((600, 760)).sum(axis=0) / 200
    pixels = (127.5 + 120 * np.stack([np.sin(waves), np.cos(waves), np.sin(2 * waves)], axis=-1)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "large.jpg", quality=95)
    expected = pixels[:, 80:680].reshape(30, 20, 30, 20, 3).mean(axis=(1, 3))
    assert np.abs(only(tmp_path, 30) - expected).mean() < 1


def test_gray_images_have_one_channel_unless_one_is_in_color(tmp_path):
    Image.new("L", (8, 8), 77).save(tmp_path / "a.png")
    Image.new("1", (8, 8), 1).save(tmp_path / "b.png")
    dataset = load_folder(tmp_path, 8)
    assert dataset.images.shape == (2, 8, 8, 1)
    assert dataset.images[:, 4, 4, 0].tolist() == [77, 255]
    assert any("gray" in note for note in dataset.notes)
    Image.new("RGB", (8, 8), RED).save(tmp_path / "c.png")
    assert load_folder(tmp_path, 8).images[:, 4, 4].tolist() == [[77] * 3, [255] * 3, list(RED)]


def test_unreadable_files_are_left_out_counted_and_listed(tmp_path):
    quarters().save(tmp_path / "good.png")
    (tmp_path / "broken.png").write_bytes((tmp_path / "good.png").read_bytes()[:60])
    (tmp_path / "readme.txt").write_text("not an image")
    (tmp_path / "empty.jpg").write_bytes(b"")
    dataset = load_folder(tmp_path, 16)
    assert len(dataset) == 1
    note = next(note for note in dataset.notes if "left out" in note)
    assert note.startswith("2 files")
    assert all(name in note for name in ("broken.png", "empty.jpg"))
    assert "1 other files not read: readme.txt" in dataset.notes


def test_no_readable_file_is_an_error(tmp_path):
    (tmp_path / "a.png").write_text("nonsense")
    with pytest.raises(MinidiffError, match=r"none of 1 files.*a\.png"):
        load_folder(tmp_path)


def test_hidden_files_are_ignored(tmp_path):
    quarters().save(tmp_path / "a.png")
    (tmp_path / ".hidden").mkdir()
    for name in ("._a.png", "Thumbs.db", ".hidden/b.png"):
        (tmp_path / name).write_bytes(b"?")
    hidden, resized = load_folder(tmp_path, 8).notes
    assert resized == "resized to 8 x 8"
    assert hidden.startswith("3 hidden or system files ignored: ")


def test_a_length_in_a_file_is_not_trusted(tmp_path):
    quarters().save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    start = content.index(b"IDAT") - 4
    length = struct.pack(">I", 2**31 - 1)  # two gigabytes of pixels, for a few bytes
    (tmp_path / "a.png").write_bytes(content[:start] + length + content[start + 4 :])
    with memory_below(5_000_000), contextlib.suppress(MinidiffError):  # Pillow may read the image all the same
        load_folder(tmp_path, 8)


def test_tiny_and_huge_images(tmp_path):
    Image.new("RGB", (1, 1), GRAY).save(tmp_path / "dot.png")
    Image.new("1", (20000, 20000)).save(tmp_path / "wall.png")
    Image.new("1", (9000, 10000)).save(tmp_path / "window.png")
    dataset = load_folder(tmp_path, 8)
    assert len(dataset) == 1
    assert (dataset.images == 128).all()
    assert any("1 images smaller" in note for note in dataset.notes)
    assert any("2 files left out" in note and "wall.png" in note for note in dataset.notes)


def test_num_images_chooses_at_random(tmp_path):
    for i in range(20):
        Image.new("RGB", (4, 4), (10 * i, 0, 0)).save(tmp_path / f"{i:02}.png")
    first, again, other = (load_folder(tmp_path, 4, num_images=8, seed=seed).images[:, 0, 0, 0] for seed in (1, 1, 2))
    assert len(set(first.tolist())) == 8
    assert first.tolist() == sorted(first.tolist())
    assert first.tolist() == again.tolist() != other.tolist()


def test_parts_by_folder(tmp_path):
    for name in ("train/cats/1", "train/dogs/2", "train/dogs/3", "Validation/cats/4", "Validation/dogs/5"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), RED if "cats" in name else BLUE).save(tmp_path / f"{name}.png")
    train, held_out = load_folder(tmp_path, 8), load_folder(tmp_path, 8, part="val")
    assert train.class_names == held_out.class_names == ("cats", "dogs")
    assert (train.labels.tolist(), held_out.labels.tolist()) == ([0, 1, 1], [0, 1])
    assert any("train part of train, val" in note for note in train.notes)
    with pytest.raises(MinidiffError, match="unknown part 'test'; choose from train, val"):
        load_folder(tmp_path, 8, part="test")
    with pytest.raises(MinidiffError, match="not divided into parts"):
        load_folder(tmp_path / "train", 8, part="train")


def test_common_parent_folders_are_skipped(tmp_path):
    for name in ("archive/PetImages/Cat/1", "archive/PetImages/Dog/2"):
        (tmp_path / name).parent.mkdir(parents=True)
        quarters().save(tmp_path / f"{name}.png")
    dataset = load_folder(tmp_path, 8)
    assert dataset.class_names == ("Cat", "Dog")
    assert any("all images are in archive/PetImages" in note for note in dataset.notes)


def test_unprintable_names_are_escaped(tmp_path):
    folder = os.fsencode(tmp_path) + b"/cat\xff\x1b[31m"
    os.mkdir(folder)
    quarters().save(os.fsdecode(folder + b"/1.png"))
    (tmp_path / "dogs").mkdir()
    quarters().save(tmp_path / "dogs" / "2.png")
    dataset = load_folder(tmp_path, 8)
    assert dataset.class_names == (r"cat\udcff\x1b[31m", "dogs")
    "".join(dataset.class_names).encode()  # does not raise


def test_formats_that_start_another_program_are_rejected(tmp_path):
    quarters().save(tmp_path / "page.png", format="EPS")
    quarters().save(tmp_path / "good.png")
    dataset = load_folder(tmp_path, 8)
    assert len(dataset) == 1
    assert any("page.png (not an image of a supported format)" in note for note in dataset.notes)


def test_error_messages(tmp_path):
    with pytest.raises(MinidiffError, match="contains no images"):
        load_folder(tmp_path)
    with pytest.raises(MinidiffError, match="no data at"):
        load_folder(tmp_path / "nowhere")
    quarters().save(tmp_path / "a.png")
    with pytest.raises(MinidiffError, match="from 1 to 1"):
        load_folder(tmp_path, num_images=2)
    with pytest.raises(MinidiffError, match="smaller size"):
        load_folder(tmp_path, 64, max_bytes=64 * 64 * 3 - 1)
    with pytest.raises(MinidiffError, match="size from 1"):
        load_folder(tmp_path, 0)


def test_transparency_and_several_images_in_a_file_are_noted(tmp_path):
    quarters().save(tmp_path / "a.gif", save_all=True, append_images=[quarters().rotate(90)])
    quarters().save(tmp_path / "b.gif")
    Image.new("RGBA", (8, 8), (0, 0, 255, 128)).save(tmp_path / "c.png")
    dataset = load_folder(tmp_path, 8)
    assert "1 files with several images: the first is used" in dataset.notes
    assert "1 images with transparency: transparent pixels became white" in dataset.notes
    np.testing.assert_array_equal(dataset.images[0], dataset.images[1])
