"""Pickle files of plain data, read without unpickling; malicious ones are rejected.

The files are written by Python's pickle, the reference, and by hand as Python 2 wrote them.
"""

import os
import struct
from pathlib import Path
from pickle import dumps

import numpy as np
import pytest

from minidiff.data.readers import safe_pickle
from minidiff.data.readers.safe_pickle import read_pickle
from minidiff.errors import MinidiffError
from tests.data.helpers import memory_below, random_bytes

WHERE = Path("data_batch_1")
PROTOCOLS = range(2, 6)


def python2_batch(data, labels):
    """A CIFAR batch as written by Python 2 and its NumPy, protocol 2."""

    def text(content):
        return b"T" + struct.pack("<i", len(content)) + content if len(content) > 255 else short(content)

    def short(content):
        return b"U" + bytes([len(content)]) + content

    dtype = b"cnumpy\ndtype\nq\x05" + short(b"u1") + b"K\x00K\x01\x87Rq\x06"
    dtype += b"(K\x03" + short(b"|") + b"NNN" + b"J\xff\xff\xff\xff" * 2 + b"K\x00tb"
    shape = b"".join(b"M" + struct.pack("<H", length) for length in data.shape)
    array = b"cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85" + short(b"b") + b"\x87R"
    array += b"(K\x01" + shape + b"\x86" + dtype + b"\x89" + text(data.tobytes()) + b"tb"
    numbers = b"]q\x07(" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    names = b"]q\x08(" + b"".join(short(b"cat_%d.png" % i) for i in range(len(labels))) + b"e"
    items = short(b"data") + array + short(b"labels") + numbers + short(b"filenames") + names
    return b"\x80\x02}q\x01(" + items + short(b"batch_label") + short(b"training batch 1 of 5") + b"u."


def test_a_batch_of_python_2():
    data = random_bytes(5, 300)
    batch = read_pickle(python2_batch(data, [3, 1, 4, 1, 5]), WHERE)
    assert set(batch) == {"data", "labels", "filenames", "batch_label"}
    np.testing.assert_array_equal(batch["data"], data)
    assert batch["labels"] == [3, 1, 4, 1, 5]
    assert batch["filenames"][2] == b"cat_2.png"


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("dtype", [np.uint8, "<i2", ">f4", np.int64, bool])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_every_protocol(protocol, dtype, order):
    array = np.asarray(random_bytes(6, 7).astype(dtype), order=order)
    back = read_pickle(dumps({b"data": array}, protocol), WHERE)["data"]
    np.testing.assert_array_equal(back, array)
    assert back.dtype == array.dtype


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_plain_data_of_every_protocol(protocol):
    content = {
        "numbers": [0, 1, -1, 255, 256, 65536, 2**40, -(2**70), 1.5],
        "texts": ["a", "ü", "x" * 300, b"bytes", b"y" * 300, ""],
        "others": [None, True, False, (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), [], {}, {"a": [1]}],
        "one": [7],
    }
    content["again"] = content["numbers"]
    assert read_pickle(dumps(content, protocol), WHERE) == content


class Calls:
    """Pickled as a call of any function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "make",
    [
        lambda path: Calls(os.system, f"touch {path}"),
        lambda path: Calls(open, str(path), "w"),
        lambda path: Calls(eval, f"open({str(path)!r}, 'w')"),
        lambda path: Calls(np.fromfile, str(path)),
        lambda path: Calls(getattr, "text", "upper"),
    ],
)
def test_functions_are_never_called(tmp_path, protocol, make):
    malicious = {"data": make(tmp_path / "executed")}
    with pytest.raises(MinidiffError, match=r"data_batch_1.*not needed for arrays.*binary version"):
        read_pickle(dumps(malicious, protocol), WHERE)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_arrays_of_objects_are_rejected(protocol):
    with pytest.raises(MinidiffError, match="an array of"):
        read_pickle(dumps({"data": np.array([1, "a"], dtype=object)}, protocol), WHERE)


def global_name(module, name):
    return b"c" + module.encode() + b"\n" + name.encode() + b"\n"


@pytest.mark.parametrize(
    ("opcodes", "message"),
    [
        (b"", "binary version"),
        (b"\x80\x02", "binary version"),
        (b"\x80\x02}", "binary version"),
        (b"\x80\x02].", "a list instead of a dictionary"),
        (b"\x80\x02K\x05.", "a int instead"),
        (b"\x80\x02.", "binary version"),
        (b"\x80\x02}(K\x01K\x02u.", "dictionary with text keys"),
        (b"\x80\x02}(U\x01au.", "binary version"),
        (b"\x80\x02}h\x07.", "binary version"),
        (b"\x80\x02}K\x01b.", "binary version"),
        (b"\x80\x02}" + global_name("numpy", "ndarray") + b")R.", "binary version"),
        (b"\x80\x02" + global_name("numpy.core.multiarray", "_reconstruct") + b")R.", "a _Array instead"),
        (b"\x80\x02" + global_name("posix", "system") + b".", "'posix.system', which is not needed for arrays"),
        (b"\x80\x04\x8c\x05posix\x8c\x06system\x93.", "'posix.system', which is not needed for arrays"),
        (b"\x80\x02Pname\n.", "PERSID"),
        (b"\x80\x02(i__main__\nname\n.", "INST"),
        (b"\x80\x02\x82\x01.", "EXT1"),
    ],
)
def test_other_opcodes_are_rejected(opcodes, message):
    with pytest.raises(MinidiffError, match=message) as caught:
        read_pickle(opcodes, WHERE)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("shape", [(2**60,), (-1,), (2, 2), (0,), (2**20, 2**20, 2**20)])
def test_arrays_of_wrong_shape_are_rejected_in_little_memory(shape):
    good = dumps({"data": np.arange(3, dtype=np.uint8)}, 4)
    assert read_pickle(good, WHERE)["data"].tolist() == [0, 1, 2]
    lengths = b"(" + b"".join(b"\x8a\x08" + struct.pack("<q", length) for length in shape) + b"t"
    assert good.count(b"K\x03\x85") == 1
    malicious = good.replace(b"K\x03\x85", lengths)
    with memory_below(1_000_000), pytest.raises(MinidiffError, match="an array of"):
        read_pickle(malicious, WHERE)


@pytest.mark.parametrize(
    "opcodes",
    [
        b"\x80\x02}r\xff\xff\xff\x7f.",  # a position in the memo for which Python's own reader allocates 32 GB
        b"\x80\x02}" + b"U\x01a](" + b"K\x01" * 100 + b"es.",
    ],
)
def test_memory_is_bounded_by_the_content(opcodes):
    with memory_below(1_000_000):
        read_pickle(opcodes, WHERE)


@pytest.mark.parametrize(
    "opcodes",
    [
        b"\x80\x04}\x8e" + b"\xff" * 7 + b"\x00.",  # announces 2**56 bytes
        b"\x80\x02}X\xff\xff\xff\x7f.",
        b"\x80\x02" + b"(" * 100 + b"t" * 101 + b".",
        b"\x80\x02" + b")" * 1100 + b"}.",  # too many opcodes
    ],
)
def test_announced_lengths_and_floods_of_opcodes_are_rejected(opcodes, monkeypatch):
    monkeypatch.setattr(safe_pickle, "MAX_OPCODES", 1000)
    with memory_below(1_000_000), pytest.raises(MinidiffError, match="data_batch_1"):
        read_pickle(opcodes, WHERE)


def test_references_do_not_multiply():
    """Each list contains the one before ten times; a copy of the last would have 10^10 elements."""
    opcodes = b"\x80\x02}U\x01a]q\x00K\x01as"
    for level in range(1, 10):
        opcodes += b"U\x01a]q" + bytes([level]) + b"(" + (b"h" + bytes([level - 1])) * 10 + b"es"
    last = read_pickle(opcodes + b".", WHERE)["a"]
    assert len(last) == 10
    assert last[0] is last[9]
