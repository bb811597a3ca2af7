"""Arrays to images: what is guessed, what is asked, what is refused."""

from pathlib import Path

import numpy as np
import pytest

from minidiff.data.readers.layouts import arrange, batches, to_images
from minidiff.errors import MinidiffError

WHERE = Path("some.npy")


def random_bytes(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


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
def test_shapes_with_one_reading(shape, guess):
    array = random_bytes(*shape)
    guessed, notes = arrange(array, None, WHERE)
    np.testing.assert_array_equal(guessed, arrange(array, guess, WHERE)[0])
    assert guessed.ndim == 4
    assert any("NCHW" in note for note in notes) == (guess == "NCHW")


@pytest.mark.parametrize("shape", [(5, 3, 32, 3), (5, 1, 20, 1), (5, 20, 30, 2), (64, 64, 3), (5, 6), (7,), (2,) * 5])
def test_shapes_with_several_readings_or_none_ask_for_the_layout(shape):
    with pytest.raises(MinidiffError, match=r"some\.npy: shape .* name its axes with layout"):
        arrange(random_bytes(*shape), None, WHERE)


@pytest.mark.parametrize("layout", ["NHWC", "NCHW", "HWCN", "CNWH", "nwhc"])
def test_any_order_of_axes(layout):
    expected = random_bytes(5, 6, 7, 3)
    stored = np.einsum(f"NHWC->{layout.upper()}", expected)
    np.testing.assert_array_equal(arrange(stored, layout, WHERE)[0], expected)


def test_axes_that_are_missing():
    image = random_bytes(6, 7, 3)
    assert arrange(image, "HWC", WHERE)[0].shape == (1, 6, 7, 3)
    assert arrange(image[..., 0], "HW", WHERE)[0].shape == (1, 6, 7, 1)
    assert arrange(image, "NHW", WHERE)[0].shape == (6, 7, 3, 1)


def test_rows_are_rolled_up():
    gray, color = random_bytes(5, 8, 8), random_bytes(5, 8, 8, 3)
    rolled, notes = arrange(gray.reshape(5, 64), None, WHERE)
    np.testing.assert_array_equal(rolled[..., 0], gray)
    assert any("8 x 8" in note for note in notes)
    np.testing.assert_array_equal(arrange(color.reshape(5, -1), "NHWC", WHERE)[0], color)
    planes = color.transpose(0, 3, 1, 2).reshape(5, -1)
    np.testing.assert_array_equal(arrange(planes, "NCHW", WHERE)[0], color)
    with pytest.raises(MinidiffError, match="layout"):  # planes or pixels first?
        arrange(planes, None, WHERE)


@pytest.mark.parametrize(
    ("shape", "layout", "message"),
    [
        ((5, 6, 7), "NHWC", "4 axes"),
        ((5, 6, 7), "NHX", "no layout is called 'NHX'"),
        ((5, 6, 7), "NNH", "no layout"),
        ((5, 6, 7, 3), "NCHW", "6 channels"),
        ((5, 60), "NHW", "60 numbers are no square"),
    ],
)
def test_layouts_that_do_not_fit_are_refused(shape, layout, message):
    with pytest.raises(MinidiffError, match=message):
        arrange(random_bytes(*shape), layout, WHERE)


@pytest.mark.parametrize(
    "array", [np.array(["a"]), np.zeros((2, 3, 3), complex), np.zeros(3, "M8[s]"), np.zeros((0, 8, 8))]
)
def test_what_are_no_pixels_is_refused(array):
    with pytest.raises(MinidiffError, match=r"some\.npy"):
        arrange(array, None, WHERE)


def convert(values, dtype, value_range=None):
    """The values as one image of a row; gray levels and notes."""
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
def test_ranges_that_can_be_told(values, dtype, expected):
    assert convert(values, dtype)[0] == expected


@pytest.mark.parametrize("values", [[0.0, 0.5, 1.0], [-1.0, 0.0, 1.0], [0.0, 100.0, 255.0]])
def test_a_guess_is_noted_and_the_given_is_not(values):
    assert any("taken for black" in note for note in convert(values, np.float32)[1])
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
def test_ranges_that_cannot_be_told_are_asked(values, dtype):
    with pytest.raises(MinidiffError, match=r"some\.npy: values run from .* give the range"):
        convert(values, dtype)


def test_a_given_range():
    assert convert([0, 8, 16], np.uint8, (0, 16))[0] == [0, 128, 255]
    assert convert([0, 32768, 65535], np.uint16, (0, 65535))[0] == [0, 128, 255]
    assert convert([0, 1, 2], np.float32, (2, 0))[0] == [255, 128, 0]  # black and white exchanged
    with pytest.raises(MinidiffError, match="outside the range 0 to 1"):
        convert([0, 2.0], np.float32, (0, 1))
    for nonsense in ((1, 1), (0, float("nan")), (0, float("inf"))):
        with pytest.raises(MinidiffError, match="different numbers"):
            convert([0, 1.0], np.float32, nonsense)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_not_a_number_is_counted(bad):
    array = np.zeros((5, 4, 4, 1), np.float32)
    array[[1, 3], 2, 2] = bad
    with pytest.raises(MinidiffError, match="NaN or infinite numbers in 2 of 5"):
        to_images(array, None, WHERE)


def test_transparency_becomes_white():
    array = np.array([[10, 20, 30, 255], [10, 20, 30, 0], [0, 100, 200, 51]], np.uint8).reshape(1, 1, 3, 4)
    images, notes = to_images(array, None, WHERE)
    np.testing.assert_allclose(images[0, 0], [[10, 20, 30], [255, 255, 255], [204, 224, 244]], atol=0)
    assert any("white" in note for note in notes)


def test_many_small_pieces_make_the_whole():
    array = np.random.default_rng(0).random((70, 150, 150, 1))  # more than one batch
    assert len(batches(array)) > 1
    np.testing.assert_array_equal(to_images(array, (0, 1), WHERE)[0], np.rint(array * 255))


def test_the_callers_array_is_not_kept():
    array = random_bytes(2, 8, 8, 1)
    images, _ = to_images(array, None, WHERE)
    array[:] = 0
    assert images.any()
