"""Arrays to images: guessed and specified layouts and ranges."""

from pathlib import Path

import numpy as np
import pytest

from minidiff.data.readers.layouts import arrange, chunks, to_images
from minidiff.errors import MinidiffError
from tests.data.helpers import random_bytes

WHERE = Path("some.npy")


@pytest.mark.parametrize(
    ("shape", "guess"),
    [
        ((5, 28, 28), "NHW"),
        ((5, 20, 30), "NHW"),
        ((5, 20, 30, 3), "NHWC"),
        ((5, 20, 30, 1), "NHWC"),
        ((5, 20, 30, 4), "NHWC"),
        ((5, 3, 20, 30), "NCHW"),
        ((5, 1, 20, 30), "NCHW"),
        ((3, 20, 30, 3), "NHWC"),
    ],
)
def test_unambiguous_shapes(shape, guess):
    array = random_bytes(*shape)
    guessed, notes = arrange(array, None, WHERE)
    np.testing.assert_array_equal(guessed, arrange(array, guess, WHERE)[0])
    assert guessed.ndim == 4
    assert any("NCHW" in note for note in notes) == (guess == "NCHW")


@pytest.mark.parametrize("shape", [(5, 3, 32, 3), (5, 1, 20, 1), (5, 20, 30, 2), (64, 64, 3), (5, 6), (7,), (2,) * 5])
def test_ambiguous_shapes_are_rejected(shape):
    with pytest.raises(MinidiffError, match=r"some\.npy: shape .* specify the axes with layout"):
        arrange(random_bytes(*shape), None, WHERE)


@pytest.mark.parametrize("layout", ["NHWC", "NCHW", "HWCN", "CNWH", "nwhc"])
def test_every_order_of_axes(layout):
    expected = random_bytes(5, 6, 7, 3)
    stored = np.einsum(f"NHWC->{layout.upper()}", expected)
    np.testing.assert_array_equal(arrange(stored, layout, WHERE)[0], expected)


def test_missing_axes_are_added():
    image = random_bytes(6, 7, 3)
    assert arrange(image, "HWC", WHERE)[0].shape == (1, 6, 7, 3)
    assert arrange(image[..., 0], "HW", WHERE)[0].shape == (1, 6, 7, 1)
    assert arrange(image, "NHW", WHERE)[0].shape == (6, 7, 3, 1)


def test_flattened_images_are_reshaped():
    gray, color = random_bytes(5, 8, 8), random_bytes(5, 8, 8, 3)
    reshaped, notes = arrange(gray.reshape(5, 64), None, WHERE)
    np.testing.assert_array_equal(reshaped[..., 0], gray)
    assert any("8 x 8" in note for note in notes)
    np.testing.assert_array_equal(arrange(color.reshape(5, -1), "NHWC", WHERE)[0], color)
    planes = color.transpose(0, 3, 1, 2).reshape(5, -1)
    np.testing.assert_array_equal(arrange(planes, "NCHW", WHERE)[0], color)
    with pytest.raises(MinidiffError, match="layout"):  # the order of channels is ambiguous
        arrange(planes, None, WHERE)


@pytest.mark.parametrize(
    ("shape", "layout", "message"),
    [
        ((5, 6, 7), "NHWC", "layout NHWC does not fit"),
        ((5, 6, 7), "NHX", "unknown layout 'NHX'"),
        ((5, 6, 7), "NNH", "unknown layout"),
        ((5, 6, 7, 3), "NCHW", "6 channels with layout NCHW"),
        ((5, 60), "NHW", "60 values are not a square"),
    ],
)
def test_layouts_that_do_not_fit_are_rejected(shape, layout, message):
    with pytest.raises(MinidiffError, match=message):
        arrange(random_bytes(*shape), layout, WHERE)


@pytest.mark.parametrize(
    "array", [np.array(["a"]), np.zeros((2, 3, 3), complex), np.zeros(3, "M8[s]"), np.zeros((0, 8, 8))]
)
def test_arrays_that_are_not_images_are_rejected(array):
    with pytest.raises(MinidiffError, match=r"some\.npy"):
        arrange(array, None, WHERE)


def convert(values, dtype, value_range=None):
    """Gray levels and notes of values that form an image of one row."""
    images, notes = to_images(np.array(values, dtype).reshape(1, 1, -1, 1), value_range, WHERE)
    return images.ravel().tolist(), notes


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([0, 100, 255], np.uint8, [0, 100, 255]),
        ([0, 7, 32], np.uint8, [0, 7, 32]),
        ([0, 1, 1], np.uint8, [0, 255, 255]),
        ([5, 5, 5], np.uint8, [5, 5, 5]),
        ([0, 100, 255], np.int64, [0, 100, 255]),
        ([0, 100, 255], ">i4", [0, 100, 255]),
        ([False, True, True], bool, [0, 255, 255]),
        ([0.0, 0.5, 1.0], np.float32, [0, 128, 255]),
        ([0.2, 0.5, 0.8], np.float64, [51, 128, 204]),
        ([-1.0, 0.0, 1.0], np.float32, [0, 128, 255]),
        ([-1.0, 0.0, 0.6], np.float16, [0, 128, 204]),
        ([0.0, 100.4, 255.0], np.float32, [0, 100, 255]),
        ([-0.0005, 0.5, 1.0005], np.float32, [0, 128, 255]),
    ],
)
def test_unambiguous_ranges(values, dtype, expected):
    assert convert(values, dtype)[0] == expected


@pytest.mark.parametrize("values", [[0.0, 0.5, 1.0], [-1.0, 0.0, 1.0], [0.0, 100.0, 255.0]])
def test_a_guessed_range_is_noted(values):
    assert any("taken as black" in note for note in convert(values, np.float32)[1])
    assert convert(values, np.float32, (values[0], values[-1]))[1] == ()
    assert convert([0, 255], np.uint8)[1] == ()


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([0, 7, 16], np.uint8),
        ([0, 7, 16], np.float32),
        ([-0.42, 0, 2.82], np.float32),
        ([-5, 0, 5], np.int32),
        ([0, 65535], np.uint16),
        ([0, 300.0], np.float64),
    ],
)
def test_ambiguous_ranges_are_rejected(values, dtype):
    with pytest.raises(MinidiffError, match=r"some\.npy: values from .* give the range"):
        convert(values, dtype)


def test_a_specified_range():
    assert convert([0, 8, 16], np.uint8, (0, 16))[0] == [0, 128, 255]
    assert convert([0, 32768, 65535], np.uint16, (0, 65535))[0] == [0, 128, 255]
    assert convert([0, 1, 2], np.float32, (2, 0))[0] == [255, 128, 0]  # black and white exchanged
    with pytest.raises(MinidiffError, match="outside the range 0 to 1"):
        convert([0, 2.0], np.float32, (0, 1))
    for invalid in ((1, 1), (0, float("nan")), (0, float("inf"))):
        with pytest.raises(MinidiffError, match="different finite values"):
            convert([0, 1.0], np.float32, invalid)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_images_with_nan_or_infinity_are_counted(bad):
    array = np.zeros((5, 4, 4, 1), np.float32)
    array[[1, 3], 2, 2] = bad
    with pytest.raises(MinidiffError, match="NaN or infinity in 2 of 5"):
        to_images(array, None, WHERE)


def test_transparent_pixels_become_white():
    array = np.array([[10, 20, 30, 255], [10, 20, 30, 0], [0, 100, 200, 51]], np.uint8).reshape(1, 1, 3, 4)
    images, notes = to_images(array, None, WHERE)
    np.testing.assert_allclose(images[0, 0], [[10, 20, 30], [255, 255, 255], [204, 224, 244]], atol=0)
    assert any("white" in note for note in notes)


def test_conversion_in_several_chunks():
    array = np.random.default_rng(0).random((70, 150, 150, 1))  # more than one chunk
    assert len(chunks(array)) > 1
    np.testing.assert_array_equal(to_images(array, (0, 1), WHERE)[0], np.rint(array * 255))


def test_the_images_are_a_copy_of_a_mapped_file(tmp_path):
    array = np.memmap(tmp_path / "x", np.uint8, "w+", shape=(2, 8, 8, 1))
    array[:] = random_bytes(2, 8, 8, 1)
    images, _ = to_images(array, None, WHERE)
    array[:] = 0
    assert images.any()
    assert type(images) is np.ndarray
