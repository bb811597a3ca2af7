"""Small files in the formats of CIFAR-10, CIFAR-100 and STL-10."""

import tarfile
from pickle import dumps

import numpy as np
import pytest

from minidiff.data import load
from minidiff.errors import MinidiffError
from tests.data.helpers import random_bytes
from tests.data.readers.test_safe_pickle import Calls, python2_batch

TEN = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def planes(images):
    """(N, 32, 32, 3) as stored: red, green, blue, each row by row."""
    return np.stack([np.concatenate([image[..., c].ravel() for c in range(3)]) for image in images])


def write_cifar10(folder, batches=(3, 4), names=True):
    folder.mkdir(parents=True, exist_ok=True)
    images = random_bytes(sum(batches) + 2, 32, 32, 3)
    labels = np.arange(len(images), dtype=np.uint8) % 10
    records = np.concatenate([labels[:, None], planes(images)], axis=1).tobytes()
    ends = np.cumsum((0, *batches, 2)) * 3073
    for i, name in enumerate([*(f"data_batch_{i + 1}.bin" for i in range(len(batches))), "test_batch.bin"]):
        (folder / name).write_bytes(records[ends[i] : ends[i + 1]])
    if names:
        (folder / "batches.meta.txt").write_text("\n".join(TEN) + "\n\n")
    return images, labels


def test_cifar10_binary(tmp_path):
    images, labels = write_cifar10(tmp_path / "cifar-10-batches-bin")
    dataset = load(tmp_path / "cifar-10-batches-bin")
    np.testing.assert_array_equal(dataset.images, images[:7])
    np.testing.assert_array_equal(dataset.labels, labels[:7])
    assert dataset.class_names == tuple(TEN)
    assert any("CIFAR-10, train part" in note for note in dataset.notes)
    test = load(tmp_path / "cifar-10-batches-bin", part="test")
    np.testing.assert_array_equal(test.images, images[7:])
    assert test.num_classes == 10
    one = load(tmp_path / "cifar-10-batches-bin" / "data_batch_2.bin")
    np.testing.assert_array_equal(one.images, images[3:7])
    some = load(tmp_path, num_images=4, seed=1)
    rows = [np.flatnonzero((images == image).all(axis=(1, 2, 3)))[0] for image in some.images]
    assert some.labels.tolist() == labels[rows].tolist()


def test_the_archive_as_downloaded(tmp_path):
    images, _ = write_cifar10(tmp_path / "in" / "cifar-10-batches-bin")
    with tarfile.open(tmp_path / "cifar-10-binary.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "in", ".")
    dataset = load(tmp_path / "cifar-10-binary.tar.gz")
    np.testing.assert_array_equal(dataset.images, images[:7])
    assert dataset.class_names == tuple(TEN)


def test_classes_are_numbered_without_a_file_of_names(tmp_path):
    write_cifar10(tmp_path, names=False)
    assert load(tmp_path).class_names == tuple("0123456789")


def test_cifar100_binary(tmp_path):
    images = random_bytes(5, 32, 32, 3)
    coarse, fine = np.array([19, 0, 3, 3, 7], np.uint8), np.array([99, 0, 50, 51, 98], np.uint8)
    records = np.concatenate([coarse[:, None], fine[:, None], planes(images)], axis=1)
    (tmp_path / "train.bin").write_bytes(records.tobytes())
    (tmp_path / "fine_label_names.txt").write_text("\n".join(f"fine {i}" for i in range(100)))
    dataset = load(tmp_path)
    np.testing.assert_array_equal(dataset.images, images)
    assert dataset.labels.tolist() == fine.tolist()
    assert dataset.class_names[99] == "fine 99"
    by_coarse = load(tmp_path, labels_key="coarse")
    assert by_coarse.labels.tolist() == coarse.tolist()
    assert by_coarse.num_classes == 20
    with pytest.raises(MinidiffError, match="unknown labels 'middling'; choose from fine, coarse"):
        load(tmp_path, labels_key="middling")
    with pytest.raises(MinidiffError, match="unknown part 'test'; choose from train"):
        load(tmp_path, part="test")


def test_stl10(tmp_path):
    images = random_bytes(3, 96, 96, 3)
    stored = images.transpose(0, 3, 2, 1)  # channel by channel, column by column
    (tmp_path / "train_X.bin").write_bytes(stored.tobytes())
    (tmp_path / "train_y.bin").write_bytes(bytes([10, 1, 5]))
    (tmp_path / "unlabeled_X.bin").write_bytes(stored[:1].tobytes())
    (tmp_path / "class_names.txt").write_text("\n".join(TEN))
    dataset = load(tmp_path)
    np.testing.assert_array_equal(dataset.images, images)
    assert dataset.labels.tolist() == [9, 0, 4]
    assert dataset.class_names == tuple(TEN)
    assert load(tmp_path, part="unlabeled").labels is None
    half = load(tmp_path, size=48)
    assert np.abs(half.images - images.reshape(3, 48, 2, 48, 2, 3).mean(axis=(2, 4))).mean() < 25
    (tmp_path / "train_y.bin").write_bytes(bytes([10, 0, 5]))
    with pytest.raises(MinidiffError, match="1 to 10"):
        load(tmp_path)


@pytest.mark.parametrize("protocol", [None, 2, 3, 4, 5])
def test_cifar10_python(tmp_path, protocol):
    images, labels = random_bytes(5, 32, 32, 3), [3, 1, 4, 1, 9]
    if protocol is None:
        content = python2_batch(planes(images), labels)
    else:
        content = dumps({b"data": planes(images), b"labels": labels, b"filenames": [b"x"] * 5}, protocol)
    (tmp_path / "data_batch_1").write_bytes(content)
    (tmp_path / "batches.meta").write_bytes(dumps({"label_names": TEN, "num_vis": 3072}, 2))
    for path in (tmp_path, tmp_path / "data_batch_1"):
        dataset = load(path)
        np.testing.assert_array_equal(dataset.images, images)
        assert dataset.labels.tolist() == labels
    assert load(tmp_path).class_names == tuple(TEN)


def test_cifar100_python(tmp_path):
    images = random_bytes(3, 32, 32, 3)
    batch = {b"data": planes(images), b"fine_labels": [99, 0, 1], b"coarse_labels": [19, 0, 0]}
    (tmp_path / "train").write_bytes(dumps(batch, 2))
    names = {b"fine_label_names": [b"f%d" % i for i in range(100)], b"coarse_label_names": [b"c"] * 20}
    (tmp_path / "meta").write_bytes(dumps(names, 2))
    dataset = load(tmp_path)
    np.testing.assert_array_equal(dataset.images, images)
    assert dataset.labels.tolist() == [99, 0, 1]
    assert dataset.class_names[98:] == ("f98", "f99")
    assert load(tmp_path, labels_key="coarse").labels.tolist() == [19, 0, 0]


def test_a_malicious_batch_is_rejected_and_runs_nothing(tmp_path):
    (tmp_path / "data_batch_1").write_bytes(dumps({"data": Calls(open, str(tmp_path / "executed"), "w")}, 4))
    with pytest.raises(MinidiffError, match=r"data_batch_1: cannot be read safely"):
        load(tmp_path)
    assert not (tmp_path / "executed").exists()


GOOD = {"data": np.zeros((2, 3072), np.uint8), "labels": [0, 1]}


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ({}, "not uint8"),
        (GOOD | {"data": [1, 2]}, "not uint8"),
        (GOOD | {"data": np.zeros((2, 3071), np.uint8)}, "not uint8"),
        (GOOD | {"data": np.zeros((2, 3072))}, "not uint8"),
        (GOOD | {"data": np.zeros((0, 3072), np.uint8), "labels": []}, "0 labels for 0 images"),
        (GOOD | {"labels": [0]}, "1 labels for 2"),
        (GOOD | {"labels": ["a", "b"]}, "not a list of labels"),
        (GOOD | {"labels": [0, 2**80]}, "not a list of labels"),
        (GOOD | {"labels": [0, 10]}, "label 10 with 10 classes"),
    ],
)
def test_unexpected_contents_are_rejected(tmp_path, batch, message):
    (tmp_path / "data_batch_1").write_bytes(dumps(batch, 2))
    with pytest.raises(MinidiffError, match=message):
        load(tmp_path)


def test_damaged_records_are_rejected(tmp_path):
    write_cifar10(tmp_path)
    path = tmp_path / "data_batch_1.bin"
    content = path.read_bytes()
    for wrong in (content[:-1], b"", content + b"\0"):
        path.write_bytes(wrong)
        with pytest.raises(MinidiffError, match=r"data_batch_1\.bin: .* bytes are not a multiple of 3073"):
            load(tmp_path)
    path.write_bytes(b"\x0a" + content[1:])
    with pytest.raises(MinidiffError, match="label 10 with 10 classes"):
        load(tmp_path)
    path.write_bytes(content)
    with pytest.raises(MinidiffError, match="raise max_bytes"):
        load(tmp_path, max_bytes=len(content))


def test_a_binary_file_of_another_name_is_rejected(tmp_path):
    (tmp_path / "cifar.bin").write_bytes(bytes(3073))
    with pytest.raises(MinidiffError, match="recognized by name"):
        load(tmp_path / "cifar.bin")
