"""Fuzzing: any bytes give a data set or a `MinidiffError`, in bounded memory.

A valid file of each kind is damaged at a few positions (bytes overwritten, inserted, deleted, the end cut off), or
replaced by random bytes, and loaded. Hypothesis chooses a few inputs for every test run. The following adds 100000
inputs for each reader, from the seeds 0, 1, ... and without Hypothesis, whose own memory grows with every input:

    MINIDIFF_FUZZ_INPUTS=100000 pytest tests/data/readers/test_fuzz.py -s
"""

import gzip
import io
import os
import sys
import tracemalloc
from pickle import dumps
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from minidiff.data import Dataset, load, save
from minidiff.errors import MinidiffError
from tests.data.helpers import random_bytes, write_tar, write_zip
from tests.data.readers.test_idx import idx_bytes
from tests.data.readers.test_safe_pickle import python2_batch

NUM_INPUTS = int(os.environ.get("MINIDIFF_FUZZ_INPUTS", "0"))
MAX_BYTES, MAX_PIXELS = 2_000_000, 100_000
MAX_PEAK = 12_000_000  # limit for one input, of Python and NumPy: a few times MAX_BYTES
MAX_GROWTH = 200_000_000  # limit on the growth of the whole process, Pillow included

BYTES = random_bytes(3 * 3072)
IMAGES_IDX = idx_bytes((5, 8, 8), BYTES[:320].tolist())
LABELS_IDX = idx_bytes((5,), range(5))


def packed(write, *arguments):
    """The bytes that a function writes to a file."""
    stream = io.BytesIO()
    write(stream, *arguments)
    return stream.getvalue()


def write_npy2(stream):
    np.lib.format.write_array(stream, BYTES[:320].reshape(5, 8, 8), version=(2, 0))


def image(kind, **options):
    stream = io.BytesIO()
    pixels = BYTES[: 16 * 24 * 3].reshape(16, 24, 3) // 2
    Image.fromarray(pixels).convert(options.pop("mode", "RGB")).save(stream, kind, **options)
    return stream.getvalue()


def saved(folder):
    save(folder / "seed.npz", Dataset(BYTES[:384].reshape(2, 8, 8, 3), np.array([0, 1]), ("a", "b")))
    return (folder / "seed.npz").read_bytes()


def archive(write, contents):
    def seed(folder):
        write(folder / "seed", contents)
        return (folder / "seed").read_bytes()

    return seed


EXIF = Image.Exif()
EXIF[274] = 6
PNG = image("PNG")
IMAGES = {"cats/1.png": PNG, "dogs/2.png": PNG}
EMOJI = {"assets/1f9d1.png": PNG, "assets/1f9d1-1f3fb.png": PNG}
NPY = packed(np.save, BYTES[:320].reshape(5, 8, 8))
NPZ = packed(lambda stream: np.savez_compressed(stream, images=BYTES[:320].reshape(5, 8, 8), labels=np.arange(5)))

# kind: (name of the file, valid content or a function (folder) -> content, function of the damaged content or None)
READERS = {
    "idx": ("train-images-idx3-ubyte", IMAGES_IDX, None),
    "idx labels": ("train-labels-idx1-ubyte", LABELS_IDX, None),
    "idx in gzip": ("train-images-idx3-ubyte", IMAGES_IDX, gzip.compress),
    "idx gzip": ("train-images-idx3-ubyte", gzip.compress(IMAGES_IDX), None),
    "npy": ("some.npy", NPY, None),
    "npy floats": ("some.npy", packed(np.save, np.linspace(0, 1, 320, dtype="<f4").reshape(5, 8, 8)), None),
    "npy version 2": ("some.npy", packed(write_npy2), None),
    "npz": ("some.npz", NPZ, None),
    "npy in npz": ("some.npz", NPY, lambda content: packed(write_zip, {"images.npy": content})),
    "saved": ("some.npz", saved, None),
    "cifar binary": ("data_batch_1.bin", b"\3" + BYTES[:3072].tobytes(), None),
    "cifar python 2": ("data_batch_1", python2_batch(BYTES[:6144].reshape(2, 3072), [1, 2]), None),
    "cifar python 3": ("data_batch_1", dumps({"data": BYTES[:3072].reshape(1, -1), "labels": [1]}, 4), None),
    "cifar names": ("batches.meta", dumps({"label_names": list("abcdefghij")}, 2), None),
    "stl labels": ("train_y.bin", b"\1", None),
    "png": ("a.png", PNG, None),
    "png palette": ("a.png", image("PNG", mode="P", transparency=3), None),
    "png 16 bits": ("a.png", image("PNG", mode="I;16"), None),
    "jpeg": ("a.jpg", image("JPEG", exif=EXIF), None),
    "jpeg cmyk": ("a.jpg", image("JPEG", mode="CMYK"), None),
    "gif": ("a.gif", image("GIF"), None),
    "bmp": ("a.bmp", image("BMP"), None),
    "webp": ("a.webp", image("WEBP", exif=EXIF), None),
    "tiff": ("a.tiff", image("TIFF", exif=EXIF), None),
    "ppm": ("a.ppm", image("PPM"), None),
    "zip": ("some.zip", archive(write_zip, IMAGES), None),
    "tar": ("some.tar", archive(lambda path, contents: write_tar(path, contents, "w"), IMAGES), None),
    "tar in gzip": (
        "some.tgz",
        archive(lambda path, contents: write_tar(path, contents, "w"), IMAGES),
        lambda content: gzip.compress(content, 1),
    ),
    "tgz": ("some.tgz", archive(write_tar, IMAGES), None),
    "emoji": ("some.zip", archive(write_zip, EMOJI), None),
}


def damaged(content, random):
    """The content damaged at a few positions; in 5 % of the cases, random bytes.

    All choices come from one `random.Random`, seeded by Hypothesis: drawing each from Hypothesis would take five times
    as long as loading the file.
    """
    if random.random() < 0.05:
        return random.randbytes(random.randrange(200))
    content = bytearray(content)
    for _ in range(random.randint(1, 4)):
        start = random.randint(0, random.choice([len(content), min(len(content), 100)]))
        what = random.choice(["overwrite", "number", "insert", "delete", "cut", "repeat"])
        if what == "overwrite":
            new = random.randbytes(random.randint(1, 8))
            content[start : start + len(new)] = new
        elif what == "number":  # perhaps a length
            size = random.choice([1, 2, 4, 8])
            value = random.choice([0, 1, 100, 2 ** (8 * size) - 1, 2 ** (8 * size - 1), 2 ** (4 * size)]) % 2 ** (
                8 * size
            )
            content[start : start + size] = value.to_bytes(size, random.choice(["little", "big"]))
        elif what == "insert":
            content[start:start] = random.randbytes(random.randint(1, 8))
        elif what == "delete":
            del content[start : start + random.randint(1, 20)]
        elif what == "cut":
            del content[len(content) - start :]
        else:
            content[start:start] = content[start : start + random.randint(1, 60)]
    return bytes(content)


def largest_memory():
    """The peak memory of this process in bytes; 0 if the platform does not report it."""
    if sys.platform == "win32":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@pytest.fixture
def tracing():
    """Starts tracemalloc once per test: each start and stop leaks five kilobytes."""
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.usefixtures("tracing")
@pytest.mark.parametrize("kind", READERS)
def test_any_bytes_give_a_data_set_or_a_minidiff_error(kind, tmp_path):
    name, seed, finish = READERS[kind]
    seed = seed(tmp_path) if callable(seed) else seed
    folder = tmp_path / "in"
    folder.mkdir()
    if kind == "idx labels":
        (folder / "train-images-idx3-ubyte").write_bytes(IMAGES_IDX)
    if kind == "cifar names":
        (folder / "data_batch_1").write_bytes(python2_batch(BYTES[:6144].reshape(2, 3072), [1, 2]))
    if kind == "stl labels":
        (folder / "train_X.bin").write_bytes(bytes(27648))
    path = folder / name if name.endswith((".npy", ".npz", ".zip", ".tar", ".tgz")) else folder
    counts = {"data sets": 0, "errors": 0}

    def read(content):
        (folder / name).write_bytes(finish(content) if finish else content)
        max_pixels = MAX_PIXELS if name[:2] == "a." else None
        return load(path, size=8, max_bytes=MAX_BYTES, max_pixels=max_pixels, cache_folder=None)

    assert isinstance(read(seed), Dataset)
    before = largest_memory()

    def try_one(random):
        content = damaged(seed, random)
        tracemalloc.reset_peak()
        held = tracemalloc.get_traced_memory()[0]
        try:
            dataset, message = read(content), None
        except MinidiffError as error:
            dataset, message = None, str(error)
        peak = tracemalloc.get_traced_memory()[1] - held
        counts["errors" if dataset is None else "data sets"] += 1
        assert dataset is not None or (str(folder) in message and "\n" not in message)
        assert peak < MAX_PEAK

    few = settings(
        max_examples=60, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    few(given(st.randoms(use_true_random=True))(try_one))()
    for number in range(NUM_INPUTS):
        try_one(Random(number))  # if this fails, the file stays in tmp_path
    growth = largest_memory() - before
    print(f"{kind}: {counts['data sets']} data sets, {counts['errors']} errors, memory grew by {growth / 1e6:.0f} MB")
    assert counts["errors"] > 0
    assert growth < MAX_GROWTH
