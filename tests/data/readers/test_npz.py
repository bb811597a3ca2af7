"""NumPy files: the key names of common data sets, and damaged files."""

import io
import struct
import zipfile

import numpy as np
import pytest

from minidiff.data import describe, load
from minidiff.errors import MinidiffError
from tests.data.helpers import memory_below, random_bytes


def test_keras(tmp_path):
    train, test = random_bytes(7, 16, 16), random_bytes(4, 16, 16, seed=1)
    path = tmp_path / "mnist.npz"
    np.savez(path, x_train=train, y_train=np.arange(7) % 3, x_test=test, y_test=np.arange(4) % 3)
    dataset = load(path)
    np.testing.assert_array_equal(dataset.images[..., 0], train)
    assert dataset.labels.tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert dataset.class_names == ("0", "1", "2")
    assert (dataset.name, dataset.source) == ("mnist", str(path))
    assert any("train part of test, train" in note for note in dataset.notes)
    np.testing.assert_array_equal(load(path, part="test").images[..., 0], test)
    with pytest.raises(MinidiffError, match="unknown part 'val'; choose from test, train"):
        load(path, part="val")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["shirt", "hat", "shoe"], ("shirt", "shoe")),
        (["shirt", "hat"], ("0", "2")),  # too few
        (["shirt", "shirt", "shoe"], ("0", "2")),
        ([0, 1, 2], ("0", "2")),
    ],
)
def test_an_array_names_the_classes(tmp_path, names, expected):
    np.savez(tmp_path / "a.npz", images=random_bytes(4, 8, 8, 3), labels=[0, 2, 2, 0], class_names=names)
    dataset = load(tmp_path / "a.npz")
    assert dataset.class_names == expected
    assert dataset.labels.tolist() == [0, 1, 1, 0]


def test_medmnist(tmp_path):
    arrays = {}
    for i, part in enumerate(("train", "val", "test")):
        arrays[f"{part}_images"] = random_bytes(5, 16, 16, 3, seed=i)
        arrays[f"{part}_labels"] = np.array([[0], [2], [1], [1], [2]], np.uint8)
    np.savez_compressed(tmp_path / "bloodmnist.npz", **arrays)
    for part in ("train", "val", "test"):
        dataset = load(tmp_path / "bloodmnist.npz", part=part)
        np.testing.assert_array_equal(dataset.images, arrays[f"{part}_images"])
        assert dataset.labels.tolist() == [0, 2, 1, 1, 2]


def test_several_labels_per_image_are_left_out_with_a_note(tmp_path):
    np.savez(tmp_path / "chest.npz", train_images=random_bytes(5, 8, 8), train_labels=random_bytes(5, 14) % 2)
    dataset = load(tmp_path / "chest.npz")
    assert dataset.labels is None
    assert any("14 values per image" in note for note in dataset.notes)


def test_dsprites_with_its_pickled_part(tmp_path):
    images = random_bytes(6, 64, 64) % 2
    about = np.array({"author": "somebody"}, dtype=object)
    np.savez(tmp_path / "d.npz", imgs=images, latents_values=np.eye(6), metadata=about)
    dataset = load(tmp_path / "d.npz")
    np.testing.assert_array_equal(dataset.images[..., 0], images * 255)
    assert any("0 taken as black, 1 as white" in note for note in dataset.notes)


def test_quick_draw_one_file(tmp_path):
    images = random_bytes(30, 28, 28)
    np.save(tmp_path / "full_numpy_bitmap_cat.npy", images.reshape(30, 784))
    dataset = load(tmp_path / "full_numpy_bitmap_cat.npy", num_images=8, seed=2)
    assert dataset.images.shape == (8, 32, 32, 1)
    rows = {image.tobytes(): i for i, image in enumerate(images)}
    found = [rows[np.ascontiguousarray(image[2:30, 2:30, 0]).tobytes()] for image in dataset.images]
    assert found == sorted(found)
    assert dataset.labels is None
    assert any("28 x 28" in note for note in dataset.notes)
    assert any("8 of 30" in note for note in dataset.notes)


def test_quick_draw_one_file_per_class(tmp_path):
    cats, dogs = random_bytes(5, 64), random_bytes(9, 64, seed=1)
    np.save(tmp_path / "cat.npy", cats)
    np.save(tmp_path / "full_numpy_bitmap_dog.npy", dogs)
    dataset = load(tmp_path)
    assert dataset.class_names == ("cat", "dog")
    assert dataset.labels.tolist() == [0] * 5 + [1] * 9
    np.testing.assert_array_equal(dataset.images.reshape(14, 64), np.concatenate([cats, dogs]))
    some = load(tmp_path, num_images=6, seed=1)
    known = {row.tobytes(): label for rows, label in ((cats, 0), (dogs, 1)) for row in rows}
    assert [known[image.tobytes()] for image in some.images] == some.labels.tolist()
    assert len(some) == 6
    with pytest.raises(MinidiffError, match="not divided into parts"):
        load(tmp_path, part="test")


def test_sprites(tmp_path):
    images = random_bytes(6, 16, 16, 3)
    np.save(tmp_path / "sprites_1788_16x16.npy", images)
    np.save(tmp_path / "sprite_labels_nc_1788_16x16.npy", np.eye(5)[[4, 0, 1, 1, 2, 3]])
    for path in (tmp_path, tmp_path / "sprites_1788_16x16.npy"):
        dataset = load(path)
        np.testing.assert_array_equal(dataset.images, images)
        assert dataset.labels.tolist() == [4, 0, 1, 1, 2, 3]
        assert any("one-hot" in note for note in dataset.notes)
    some = load(tmp_path, num_images=3)
    rows = [np.flatnonzero((images == image).all(axis=(1, 2, 3)))[0] for image in some.images]
    assert some.labels.tolist() == np.array([4, 0, 1, 1, 2, 3])[rows].tolist()


def test_a_range_and_a_layout(tmp_path):
    images = np.random.default_rng(0).random((4, 3, 8, 8)).astype(np.float32) * 2 - 1
    np.savez(tmp_path / "torch.npz", data=images)
    dataset = load(tmp_path / "torch.npz")
    np.testing.assert_allclose(dataset.pixels(slice(None)), images.transpose(0, 2, 3, 1), atol=1 / 255)
    assert any("NCHW" in note for note in dataset.notes)
    assert any("-1 taken as black" in note for note in dataset.notes)
    same = load(tmp_path / "torch.npz", layout="NCHW", value_range=[-1, 1])
    np.testing.assert_array_equal(same.images, dataset.images)
    turned = load(tmp_path / "torch.npz", layout="NCWH", num_images=4)
    np.testing.assert_array_equal(turned.images, dataset.images.transpose(0, 2, 1, 3))


@pytest.mark.parametrize("order", ["C", "F"])
def test_both_orders_of_storage(tmp_path, order):
    images = random_bytes(3, 8, 16)
    np.save(tmp_path / "a.npy", np.asarray(images, order=order))
    np.savez(tmp_path / "a.npz", images=np.asarray(images, order=order))
    for name in ("a.npy", "a.npz"):
        np.testing.assert_array_equal(load(tmp_path / name).images[..., 0], images)


def test_ambiguous_arrays_are_rejected(tmp_path):
    first, second = random_bytes(3, 8, 8), random_bytes(3, 8, 8, seed=1)
    np.savez(tmp_path / "two.npz", first=first, second=second)
    with pytest.raises(MinidiffError, match="ambiguous images; give images_key, one of first, second"):
        load(tmp_path / "two.npz")
    np.testing.assert_array_equal(load(tmp_path / "two.npz", images_key="second").images[..., 0], second)
    with pytest.raises(MinidiffError, match="unknown images_key 'third'; choose from first, second"):
        load(tmp_path / "two.npz", images_key="third")
    np.savez(tmp_path / "labels.npz", images=first, fine_labels=np.arange(3), coarse_labels=np.zeros(3, int))
    with pytest.raises(MinidiffError, match="ambiguous labels; give labels_key"):
        load(tmp_path / "labels.npz")
    assert load(tmp_path / "labels.npz", labels_key="fine_labels").labels.tolist() == [0, 1, 2]
    assert load(tmp_path / "labels.npz", labels_key="none").labels is None


def test_a_single_array_of_any_name_is_the_images(tmp_path):
    images = random_bytes(3, 8, 8)
    np.savez(tmp_path / "a.npz", images)
    np.testing.assert_array_equal(load(tmp_path / "a.npz").images[..., 0], images)
    np.savez(tmp_path / "b.npz", paintings=images, labels=np.arange(3))
    assert any("paintings taken as the images" in note for note in load(tmp_path / "b.npz").notes)


def test_a_wrong_number_of_labels_is_rejected(tmp_path):
    np.savez(tmp_path / "a.npz", images=random_bytes(3, 8, 8), labels=np.arange(4))
    with pytest.raises(MinidiffError, match="labels of 3 images"):
        load(tmp_path / "a.npz")


class Executable:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_objects_are_never_unpickled(tmp_path):
    executable = np.empty(1, object)
    executable[0] = Executable(tmp_path / "executed")
    np.save(tmp_path / "x.npy", executable, allow_pickle=True)
    np.savez(tmp_path / "x.npz", images=executable)
    for name in ("x.npy", "x.npz"):
        with pytest.raises(MinidiffError, match="Python objects, which are never loaded"):
            load(tmp_path / name)
    assert not (tmp_path / "executed").exists()
    np.load(tmp_path / "x.npy", allow_pickle=True)
    assert (tmp_path / "executed").exists()  # the attack works


def npy_bytes(header, data=b"", version=1):
    header = header.encode()
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + data


def header(shape, descr="'|u1'"):
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n"


DAMAGED = {
    "huge": (npy_bytes(header((2**40, 8, 8))), "announces|raise max_bytes|instead of"),
    "announced": (npy_bytes(header((2**20, 8, 8)), bytes(64)), "announces|instead of"),
    "short": (npy_bytes(header((2, 8, 8)), bytes(127)), "truncated|instead of"),
    "long": (npy_bytes(header((2, 8, 8)), bytes(129)), "continues|instead of"),
    "negative": (npy_bytes(header((-2, -8, 8)), bytes(128)), "invalid"),
    "no header": (npy_bytes("nonsense"), "not a readable .npy file"),
    "cut header": (npy_bytes(header((2, 8, 8)))[:20], "not a readable .npy file"),
    "deep header": (npy_bytes("(" * 5000), "not a readable .npy file"),
    "long header": (npy_bytes(header((2, 8, 8)) + " " * 50_000, bytes(128)), "not a readable .npy file"),
    "giant header": (b"\x93NUMPY\2\0\xff\xff\xff\x70" + bytes(100), "not a readable .npy file"),
    "version": (npy_bytes(header((2, 8, 8)), bytes(128), version=9), "version"),
    "structure": (npy_bytes(header((2,), "[('a', '<i4')]"), bytes(8)), "plain numbers"),
    "text": (npy_bytes(header((2, 4, 4), "'<U1'"), bytes(128)), "cannot be pixels"),
    "nothing": (npy_bytes(header((0, 8, 8))), "contains no image"),
    "number": (npy_bytes(header(()), b"a"), "layout"),
}


@pytest.mark.parametrize("name", DAMAGED)
@pytest.mark.parametrize("pack", [False, True])
def test_damaged_files_are_rejected_in_little_memory(tmp_path, name, pack):
    content, message = DAMAGED[name]
    path = tmp_path / ("some.npz" if pack else "some.npy")
    if pack:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("images.npy", content)
    else:
        path.write_bytes(content)
    with memory_below(5_000_000), pytest.raises(MinidiffError, match=message) as caught:
        load(path)
    assert "some.np" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_valid_headers_of_both_versions(tmp_path):
    for version in (1, 2):
        (tmp_path / "good.npy").write_bytes(npy_bytes(header((2, 8, 8)), bytes(range(128)), version))
        np.testing.assert_array_equal(load(tmp_path / "good.npy").images.ravel(), np.arange(128))


def test_a_damaged_npz_is_rejected(tmp_path):
    stream = io.BytesIO()
    np.savez_compressed(stream, images=random_bytes(3, 8, 8))
    content = bytearray(stream.getvalue())
    content[200] ^= 255
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(MinidiffError, match=r"x\.npz"):
        load(tmp_path / "x.npz")


def test_max_bytes_limits_the_chosen_images(tmp_path):
    np.save(tmp_path / "a.npy", random_bytes(10, 8, 8))
    assert len(load(tmp_path / "a.npy", max_bytes=640)) == 10
    with pytest.raises(MinidiffError, match="max_bytes"):
        load(tmp_path / "a.npy", max_bytes=639)
    assert len(load(tmp_path / "a.npy", num_images=9, max_bytes=639)) == 9


def test_images_are_a_copy_of_the_file(tmp_path):
    images = random_bytes(3, 8, 8)
    np.save(tmp_path / "a.npy", images)
    dataset = load(tmp_path / "a.npy")
    np.save(tmp_path / "a.npy", np.zeros_like(images))
    np.testing.assert_array_equal(dataset.images[..., 0], images)


def test_an_array_in_an_archive_is_in_memory_once(tmp_path):
    np.savez_compressed(tmp_path / "x.npz", images=np.zeros((5000, 64, 64), np.uint8))  # 20 MB
    with memory_below(36_000_000):
        dataset = load(tmp_path / "x.npz")
        assert "copies   4,999 images are exact copies of others" in describe(dataset)
    assert dataset.images.shape == (5000, 64, 64, 1)
