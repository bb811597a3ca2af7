"""Metadata: written into PNG and GIF files, and read again without trust."""

import hashlib
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from minidiff import plotting
from minidiff.errors import MinidiffError
from minidiff.runs.metadata import VALUES, read_metadata, weights_hash, write_metadata
from minidiff.version import __version__

IMAGES = np.zeros((2, 8, 8, 3), np.float32)
GIVEN = {
    "seed": 2**100, "label": "siamese,chat à poil", "sampler": "ddim", "steps": 7, "images": 5, "image": 4,
    "guidance": 1.5, "spacing": "karras", "eta": 0.25, "edit": "from_image", "strength": 0.6, "rounds": 3,
    "checkpoint": "best",
}  # fmt: skip
ENOUGH = {"seed": "1", "sampler": "ddim", "steps": "2", "images": "3"}


def save(path, metadata):
    if path.suffix == ".gif":
        plotting.save_animation(path, [IMAGES, IMAGES + 1], metadata=metadata)
    else:
        plotting.save_sheet(path, IMAGES, metadata=metadata)


@pytest.mark.parametrize("name", ["a.png", "a.gif"])
def test_what_was_written_is_read_again(tmp_path, name):
    p = np.linspace(-1, 1, 10, dtype=np.float32)
    metadata = write_metadata("my run", p, GIVEN | {"eta": None})
    assert list(metadata) == [key.lower() for key in metadata]
    save(tmp_path / name, metadata)
    found = read_metadata(tmp_path / name)
    about = {"run": "my run", "version": __version__, "weights": hashlib.sha256(p.tobytes()).hexdigest()[:16]}
    assert found == {key: value for key, value in GIVEN.items() if key != "eta"} | about
    assert str(tmp_path).encode() not in (tmp_path / name).read_bytes()  # no path
    assert {type(found[key]) for key in GIVEN if key in found} == {int, float, str}


def test_the_hash_is_that_of_the_values_on_every_machine():
    p = np.linspace(-1, 1, 10, dtype=np.float32)
    assert weights_hash(p.astype(">f4")) == weights_hash(p) != weights_hash(-p)


def test_a_text_file_names_its_values_in_a_gif(tmp_path):
    save(tmp_path / "a.gif", ENOUGH)
    with Image.open(tmp_path / "a.gif") as image:
        assert image.info["comment"] == b"written by minidiff\nseed: 1\nsampler: ddim\nsteps: 2\nimages: 3"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"seed": "-1"}, "seed must be a whole number from 0 to"),
        ({"seed": "1e3"}, "seed must be a whole number"),
        ({"seed": "²"}, "seed must be a whole number"),
        ({"seed": "9" * 50}, "seed must be a whole number"),
        ({"steps": "0"}, "steps must be a whole number from 1"),
        ({"images": "1000000000"}, "images must be a whole number from 1 to 100000"),
        ({"image": "3"}, "image 3 of 3 does not exist"),
        ({"sampler": "os.system"}, "sampler must be one of ddim"),
        ({"guidance": "nan"}, "guidance must be a number, at least 0"),
        ({"guidance": "inf"}, "guidance must be a number"),
        ({"strength": "0"}, "strength must be a number, more than 0"),
        ({"edit": "delete"}, "edit must be one of"),
        ({"rounds": "1001"}, "rounds must be"),
        ({"seed": "\x1b[31m1"}, r"not '\\x1b\[31m1'"),
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["a.png", "a.gif"])
def test_a_wrong_value_is_refused_in_one_line(tmp_path, wrong, message, name):
    save(tmp_path / name, ENOUGH | wrong)
    with pytest.raises(MinidiffError, match=message) as caught:
        read_metadata(tmp_path / name)
    assert str(caught.value).isprintable()


def test_unknown_names_are_left_out_and_texts_are_cleaned(tmp_path):
    more = {"run": "a\x1b[31m\nb", "out": "/etc/passwd", "__class__": "x", "label": "x" * 5000}
    save(tmp_path / "a.png", ENOUGH | more)
    found = read_metadata(tmp_path / "a.png")
    assert found.keys() == ENOUGH.keys() | {"run", "label"} <= VALUES.keys()
    assert found["run"] == r"a\x1b[31m\nb"
    assert len(found["label"]) == 1000


def test_a_file_of_another_program_has_no_metadata(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    Image.new("RGB", (8, 8)).save(tmp_path / "b.gif", comment=b"seed: 1\nsampler: ddim\nsteps: 2\nimages: 3")
    Image.new("RGB", (8, 8)).save(tmp_path / "c.jpg")
    (tmp_path / "d.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "e.png").write_text("seed: 1")
    (tmp_path / "f.png").touch()
    for name, message in (
        ("a.png", "does not say how it was sampled"), ("b.gif", "does not say how"), ("c.jpg", "not a PNG or GIF"),
        ("d.png", "not a readable image"), ("e.png", "not a PNG or GIF"), ("f.png", "not a readable image"),
        ("missing.png", "no such file"), ("", "not a readable image"),
    ):  # fmt: skip
        with pytest.raises(MinidiffError, match=message):
            read_metadata(tmp_path / name)


def test_no_pixel_is_decoded_and_no_text_is_decompressed_without_limit(tmp_path):
    """The header announces a huge image, and a compressed text of 100 MB."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 10_000, 10_000, 8, 2, 0, 0, 0))
    texts = b"".join(chunk(b"tEXt", f"{key}\0{value}".encode()) for key, value in ENOUGH.items())
    end = chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + texts + end)
    assert read_metadata(tmp_path / "a.png")["steps"] == 2
    bomb = chunk(b"zTXt", b"run\0\0" + zlib.compress(bytes(100_000_000)))
    (tmp_path / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + texts + bomb + end)
    with pytest.raises(MinidiffError, match="not a readable image"):
        read_metadata(tmp_path / "b.png")


def test_a_text_that_is_not_latin_is_read(tmp_path):
    info = PngInfo()
    for key, value in (ENOUGH | {"label": "кошка"}).items():
        info.add_itxt(key, value)
    Image.new("L", (4, 4)).save(tmp_path / "a.png", pnginfo=info)
    assert read_metadata(tmp_path / "a.png")["label"] == "кошка"
