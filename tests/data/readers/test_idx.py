"""IDX files, written byte by byte."""

import gzip
import struct
import tarfile
import zipfile

import numpy as np
import pytest

from minidiff.data import load, read_idx
from minidiff.data.readers.idx import FASHION_CLASSES
from minidiff.errors import MinidiffError
from tests.data.helpers import memory_below, random_bytes

TYPES = {0x08: ("B", np.uint8), 0x09: ("b", np.int8), 0x0B: ("h", np.int16), 0x0C: ("i", np.int32)}
TYPES |= {0x0D: ("f", np.float32), 0x0E: ("d", np.float64)}


def idx_bytes(shape, values, code=0x08):
    """The content of an IDX file, big-endian."""
    header = bytes([0, 0, code, len(shape)]) + b"".join(struct.pack(">I", length) for length in shape)
    return header + struct.pack(f">{len(values)}{TYPES[code][0]}", *values)


def write_pair(folder, num_images=6, side=28, names=("train-images-idx3-ubyte", "train-labels-idx1-ubyte"), pack=False):
    """Writes a pair of files; the first pixel of image i is i. Returns the images (N, side, side)."""
    folder.mkdir(parents=True, exist_ok=True)
    images = np.random.default_rng(0).integers(1, 256, (num_images, side, side), dtype=np.uint8)
    images[:, 0, 0] = np.arange(num_images)
    contents = (idx_bytes(images.shape, images.ravel().tolist()), idx_bytes((num_images,), np.arange(num_images) % 10))
    for name, content in zip(names, contents, strict=True):
        (folder / name).write_bytes(gzip.compress(content) if pack else content)
    return images


@pytest.mark.parametrize("code", TYPES)
@pytest.mark.parametrize("pack", [False, True])
def test_every_type_with_and_without_gzip(tmp_path, code, pack):
    values = [0, 1, 2, 100, 101, 127] if code <= 0x08 else [0, -1, 2, -100, 101, 127]
    if code == 0x0C:
        values[3] = -(2**31)
    content = idx_bytes((2, 3), values, code)
    path = tmp_path / "numbers"  # gzip is recognized by the content
    path.write_bytes(gzip.compress(content) if pack else content)
    array = read_idx(path)
    assert array.dtype == TYPES[code][1]
    assert array.dtype.isnative
    np.testing.assert_array_equal(array, np.array(values).reshape(2, 3))


def test_more_than_one_chunk_of_gzip(tmp_path):
    content = random_bytes(3_000_001)
    (tmp_path / "big.gz").write_bytes(gzip.compress(idx_bytes((len(content),), []) + content.tobytes(), 1))
    np.testing.assert_array_equal(read_idx(tmp_path / "big.gz"), content)


GOOD = idx_bytes((2, 2, 2), range(8))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "begins with nothing"),
        (GOOD[:3], "not an IDX file"),
        (b"\x89PNG" + GOOD, "not an IDX file"),
        (b"\0\0\x07\x01" + GOOD[4:], "not an IDX file"),
        (b"\0\0\x08\x00", "not an IDX file"),
        (GOOD[:9], "within its header"),
        (GOOD[:-1], "truncated"),
        (GOOD + b"\0", "continues"),
        (idx_bytes((2**32 - 1,) * 3, []), "raise max_bytes"),
        (idx_bytes((2**29,), []), "truncated"),
        (idx_bytes((1,) * 40, [5]), "40 dimensions"),
    ],
)
@pytest.mark.parametrize("pack", [False, True])
def test_damaged_files_are_rejected(tmp_path, content, message, pack):
    path = tmp_path / "some-file"
    path.write_bytes(gzip.compress(content) if pack else content)
    with pytest.raises(MinidiffError, match=message) as caught:
        read_idx(path)
    assert "some-file" in str(caught.value)


@pytest.mark.parametrize("damage", [lambda c: c[:-12], lambda c: c[:40] + b"\xff" * 8 + c[48:], lambda c: c + b"junk"])
def test_damaged_gzip_is_rejected(tmp_path, damage):
    packed = gzip.compress(idx_bytes((500,), random_bytes(500)))
    (tmp_path / "x.gz").write_bytes(damage(packed))
    with pytest.raises(MinidiffError, match=r"x\.gz"):
        read_idx(tmp_path / "x.gz")


def test_a_missing_file_is_rejected(tmp_path):
    with pytest.raises(MinidiffError, match="nowhere"):
        read_idx(tmp_path / "nowhere")


def test_memory_is_bounded_by_the_content(tmp_path):
    zeros = bytes(50_000_000)
    bomb = gzip.compress(idx_bytes((1000,), []) + zeros, 9)  # 50 MB behind a header that says 1000 bytes
    (tmp_path / "bomb").write_bytes(bomb)
    (tmp_path / "announced").write_bytes(idx_bytes((2**29,), []))  # half a gigabyte announced, none present
    del zeros, bomb
    for name in ("bomb", "announced"):
        with memory_below(5_000_000), pytest.raises(MinidiffError):
            read_idx(tmp_path / name)


def test_a_folder_is_not_an_idx_file(tmp_path):
    with pytest.raises(MinidiffError, match=r"use minidiff\.data\.load"):
        read_idx(tmp_path)


def test_max_bytes_limits_the_array(tmp_path):
    (tmp_path / "eight").write_bytes(GOOD)
    assert read_idx(tmp_path / "eight", max_bytes=8).shape == (2, 2, 2)
    with pytest.raises(MinidiffError, match="max_bytes"):
        read_idx(tmp_path / "eight", max_bytes=7)


SPELLINGS = [
    ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    ("train-images.idx3-ubyte", "train-labels.idx1-ubyte"),
    ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    ("train-images-idx3-ubyte.gz", "train-labels.idx1-ubyte"),
    ("t10k-images.idx3-ubyte", "t10k-labels-idx1-ubyte.gz"),
]


@pytest.mark.parametrize("names", SPELLINGS)
@pytest.mark.parametrize("by_folder", [False, True])
def test_a_pair_is_found_in_every_spelling(tmp_path, names, by_folder):
    images = write_pair(tmp_path / "digits", names=names)
    dataset = load(tmp_path / "digits" if by_folder else tmp_path / "digits" / names[0])
    assert dataset.images.shape == (6, 32, 32, 1)
    np.testing.assert_array_equal(dataset.images[:, 2:30, 2:30, 0], images)
    assert dataset.labels.tolist() == [0, 1, 2, 3, 4, 5]
    assert dataset.class_names == ("0", "1", "2", "3", "4", "5")
    assert dataset.name == "digits"
    assert dataset.source.endswith(names[0])


def test_the_training_set_is_the_default(tmp_path):
    write_pair(tmp_path, 4, names=("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"))
    write_pair(tmp_path, 7)
    assert len(load(tmp_path)) == 7
    assert len(load(tmp_path / "t10k-images-idx3-ubyte")) == 4


def test_padding_is_black_symmetric_and_noted(tmp_path):
    images = write_pair(tmp_path, side=21)
    dataset = load(tmp_path)
    assert dataset.images.shape == (6, 24, 24, 1)
    np.testing.assert_array_equal(dataset.images[:, 1:22, 1:22, 0], images)
    assert dataset.images.sum() == images.sum()  # everything else is 0
    assert any("21 x 21 to 24 x 24" in note for note in dataset.notes)
    assert load(tmp_path, size=40).images.shape == (6, 40, 40, 1)


def test_multiples_of_eight_are_not_padded(tmp_path):
    images = write_pair(tmp_path, side=16)
    dataset = load(tmp_path)
    np.testing.assert_array_equal(dataset.images[..., 0], images)
    assert dataset.notes == ()


def test_fashion_classes_are_recognized_by_the_folder(tmp_path):
    write_pair(tmp_path / "fashion-mnist", num_images=20, side=8)
    dataset = load(tmp_path / "fashion-mnist")
    assert dataset.class_names == FASHION_CLASSES
    assert dataset.class_names[9] == "ankle boot"
    assert "Zalando" in dataset.license


def test_images_without_labels(tmp_path):
    write_pair(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    dataset = load(tmp_path)
    assert dataset.labels is None
    assert any("no labels" in note for note in dataset.notes)


def test_mismatched_files_are_rejected(tmp_path):
    write_pair(tmp_path, 6)
    labels = tmp_path / "train-labels-idx1-ubyte"
    labels.write_bytes(idx_bytes((5,), range(5)))
    with pytest.raises(MinidiffError, match="6 images"):
        load(tmp_path)
    labels.write_bytes(idx_bytes((6,), [0, 1, 2, -3, 4, 5], 0x09))
    with pytest.raises(MinidiffError, match="from -3 to 5"):
        load(tmp_path)
    with pytest.raises(MinidiffError, match="images file of the pair"):
        load(labels)


def test_no_images_are_rejected(tmp_path):
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(idx_bytes((0, 28, 28), []))
    with pytest.raises(MinidiffError, match="images"):
        load(path)


def test_smaller_sizes_resize_the_images(tmp_path):
    images = write_pair(tmp_path, side=24)
    dataset = load(tmp_path, size=12)
    averages = images.reshape(6, 12, 2, 12, 2).mean(axis=(2, 4))
    assert np.abs(dataset.images[..., 0] - averages).mean() < 25  # Lanczos keeps more detail than averaging
    assert np.abs(np.roll(dataset.images, 1, axis=0)[..., 0] - averages).mean() > 35
    assert any("from 24 x 24 to 12 x 12" in note for note in dataset.notes)


def test_the_part_is_chosen_by_name(tmp_path):
    write_pair(tmp_path, 4, names=("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"))
    assert len(load(tmp_path)) == 4
    with pytest.raises(MinidiffError, match="unknown part 'train'; choose from test"):
        load(tmp_path, part="train")
    write_pair(tmp_path, 7)
    assert len(load(tmp_path, part="test")) == 4
    assert len(load(tmp_path, part="train")) == 7


def test_layout_nwh_transposes_the_images(tmp_path):
    images = write_pair(tmp_path, side=16)
    dataset = load(tmp_path, layout="NWH")
    np.testing.assert_array_equal(dataset.images[..., 0], images.transpose(0, 2, 1))


def test_huge_labels_need_little_memory(tmp_path):
    write_pair(tmp_path, 3)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes((3,), [7, 2**31 - 1, 7], 0x0C))
    dataset = load(tmp_path)
    assert dataset.class_names == ("7", "2147483647")
    assert dataset.labels.tolist() == [0, 1, 0]


def test_a_pair_in_an_archive(tmp_path):
    images = write_pair(tmp_path / "package" / "data")
    with tarfile.open(tmp_path / "digits.tgz", "w:gz") as archive:
        archive.add(tmp_path / "package", "package")
    with zipfile.ZipFile(tmp_path / "digits.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in (tmp_path / "package").rglob("*-ubyte"):
            archive.write(file, file.relative_to(tmp_path))
    for name in ("digits.tgz", "digits.zip"):
        dataset = load(tmp_path / name)
        np.testing.assert_array_equal(dataset.images[:, 2:30, 2:30, 0], images)
        assert dataset.labels.tolist() == [0, 1, 2, 3, 4, 5]
        assert dataset.name == "digits"


def test_labels_of_qmnist_are_in_the_first_column(tmp_path):
    write_pair(tmp_path, 3, names=("qmnist-train-images-idx3-ubyte", "qmnist-train-labels-idx2-int"))
    facts = [4, 0, 2433, 8, 0, 9, 0, 0, 9, 0, 2433, 8, 1, 9, 0, 0, 4, 0, 2433, 8, 2, 9, 0, 0]
    (tmp_path / "qmnist-train-labels-idx2-int").write_bytes(idx_bytes((3, 8), facts, 0x0C))
    dataset = load(tmp_path)
    assert dataset.class_names == ("4", "9")
    assert dataset.labels.tolist() == [0, 1, 0]


def test_labels_that_begin_at_1(tmp_path):
    write_pair(tmp_path, 26)
    labels = [i % 26 + 1 for i in range(26)]
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes((26,), labels))
    dataset = load(tmp_path)
    assert dataset.class_names == tuple(map(str, range(1, 27)))
    assert dataset.labels.tolist() == list(range(26))
    assert "classes are the 26 labels that occur in train-labels-idx1-ubyte" in dataset.notes
