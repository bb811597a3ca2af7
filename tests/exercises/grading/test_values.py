"""Values cross between the processes unchanged; hostile data are refused before anything is allocated."""

import json
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from minidiff.exercises.grading.values import (
    Decoder,
    Encoder,
    NotAValueError,
    Other,
    from_npy,
    other,
    restore,
    to_npy,
)
from minidiff.oracles import GaussianDenoiser
from minidiff.schedule import Schedule


def across(value, objects=False):
    """The value after it has crossed, with functions as (number, attributes) and objects as their attributes."""
    encoder = Encoder(lambda function: 7, objects)
    data = json.loads(json.dumps(encoder.encode(value)))
    create = (lambda module, name, attributes: (module, name, attributes)) if objects else None
    return Decoder(encoder.arrays, lambda number, attributes: (number, attributes), create).decode(data)


@pytest.mark.parametrize(
    "value",
    [None, True, 3, -(2**70), 2.5, "text\ud800", [1, [2.0]], (1, (2,)), {"a": 1, 3: (4,)}, {1, 2}, Fraction(1, 3),
     Decimal("0.1"), 1 + 2j, [], {}],
)  # fmt: skip
def test_python_values(value):
    found = across(value)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "array",
    [np.arange(6.0).reshape(2, 3), np.float32([[1], [2]]), np.asfortranarray(np.arange(6).reshape(2, 3)),
     np.empty((0, 3)), np.array(5), np.array(["a", "bc"]), np.array([True]), np.arange(3, dtype=">i2"),
     np.array([1j]), np.array([np.nan])],
)  # fmt: skip
def test_arrays(array):
    found = across([array])[0]
    np.testing.assert_array_equal(found, array)
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    assert found.flags.writeable


def test_scalars_of_numpy_keep_their_type():
    for one in (np.float32(0.1), np.uint8(255), np.bool_(True), np.complex64(1j), np.longdouble(1) / 3, np.str_("a")):
        assert across(one) == one
        assert type(across(one)) is type(one)
    assert len(json.dumps(Encoder(id, objects=False).encode([np.float64(1 / 3)] * 1000))) < 50_000
    assert across(Fraction(np.int64(1), np.int64(3))) == Fraction(1, 3)
    assert type(across(np.float32(2.5))) is np.float32
    assert across(np.int64(3)) == 3


def test_arrays_of_objects_and_iterators():
    found = across(np.array([[Fraction(1, 2)], [3]], dtype=object))
    assert found.tolist() == [[Fraction(1, 2)], [3]]
    assert across(x * x for x in range(3)) == (0, 1, 4)
    assert across(range(3)) == (0, 1, 2)


def test_a_generator_continues_where_it_was():
    rng = np.random.default_rng(3)
    rng.normal(size=5)
    assert across(rng).normal() == rng.normal()
    rng = np.random.Generator(np.random.MT19937(3))
    assert across(rng).normal() == rng.normal()


def test_other_values_keep_the_name_of_their_type():
    class Thing:
        pass

    for value, name in ((Thing(), "Thing"), (b"bytes", "bytes"), (Schedule(), "Schedule"), (10**5000, "int")):
        found = across(value)
        assert isinstance(found, Other)
        assert type(found).__name__ == name
    assert type(other("<b>")).__name__ == type(other("x" * 1000)).__name__ == "object"


def test_functions_and_objects_of_the_exercise():
    assert across(len) == (7, {})
    schedule = Schedule("cosine", 4)
    module, name, attributes = across(schedule, objects=True)
    assert (module, name) == ("minidiff.schedule", "Schedule")
    np.testing.assert_array_equal(attributes["signal"], schedule.signal)
    number, attributes = across(GaussianDenoiser(schedule, 0.3, 0.5), objects=True)
    assert number == 7
    assert attributes["schedule"][1] == "Schedule"
    assert across(GaussianDenoiser(schedule, 0.3, 0.5)) == (7, {})


@pytest.mark.parametrize(
    "data",
    [
        {}, {"array": 0}, {"array": "x"}, {"object": ["os", "system"], "attributes": {"dict": []}}, {"nothing": 1},
        {"tuple": 3}, {"dict": [[{"dict": []}, 1]]}, {"dict": [1]}, {"function": "x", "attributes": None},
        {"function": 1}, {"fraction": [1, 0]}, {"decimal": "x"}, {"decimal": "1e9999"}, {"number": ["O", 1]},
        {"number": ["<f8", {}]}, {"number": 3}, {"number": ["f4,(", 1]}, {"number": ["<i4", 10**30]},
        {"number": ["<f8", [1, 2]]}, {"number": ["<i3", 1]}, {"number": [["<f8"], 1]},
        {"objects": [[3], [1]]}, {"generator": {"dict": []}},
        {"generator": {"dict": [["bit_generator", "RandomState"]]}},
    ],
)  # fmt: skip
def test_data_that_describe_no_value_are_refused(data):
    with pytest.raises(NotAValueError):
        Decoder([], lambda number, attributes: None).decode(data)


def test_deeply_nested_data_are_refused():
    data = []
    for _ in range(100_000):
        data = [data]
    with pytest.raises(NotAValueError):
        Decoder([], lambda number, attributes: None).decode(data)


def header(descr, shape):
    return with_header(repr({"descr": descr, "fortran_order": False, "shape": shape}).encode())


def with_header(text):
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    "content",
    [header("<f8", (10**13,)), header("|O", (1,)) + b"\x80\x04N.", header("<f8", (-1,)), header("<M8[s]", (0,)),
     header([("a", "<f8")], (0,)), header("<f8", (2,)) + bytes(15), b"", b"\x93NUMPY\x03\x00", header("<f8", "x"),
     with_header(b"'''"), with_header(b"{'descr': '<f"), header("<f8", (0,))[:-1], header("f4,(", (0,)),
     header("<f3", (0,)), header("<S0", (10**13,)), header("<f8", (0, 10**18 - 1, 10**18 - 1)),
     header("<f8", (0,) * 100),
     with_header(b"{'descr': '<f8', 'fortran_order': False, 'shape': (" + b"1" * 60_000)],
)  # fmt: skip
def test_hostile_arrays_are_refused(content):
    with pytest.raises(NotAValueError):
        Decoder([content], lambda number, attributes: None).decode({"array": 0})


def test_an_array_is_that_of_its_file():
    array = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(from_npy(to_npy(array)), array)


def test_changes_of_arguments_are_repeated():
    array, inner, numbers, table = np.zeros(3), np.zeros(2), [1, 2], {"a": 1}
    rng, advanced = np.random.default_rng(0), np.random.default_rng(0)
    advanced.normal()
    given = (array, [inner, 5], numbers, table, rng, 3)
    restore(given, (np.ones(3), [np.ones(2), 6], [2, 1, 0], {"b": 2}, advanced, 3))
    assert array.tolist() == [1, 1, 1]
    assert inner.tolist() == [1, 1]
    assert given[1][0] is inner
    assert (given[1][1], numbers, table) == (6, [2, 1, 0], {"b": 2})
    assert rng.normal() == advanced.normal()
    restore((array,), (np.zeros(4),))
    assert array.tolist() == [1, 1, 1]
