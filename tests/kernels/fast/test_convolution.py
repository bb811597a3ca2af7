"""The fast convolution: blocks of any size, padded channels, and memory that is written before it is read."""

import numpy as np
import pytest

from minidiff.kernels.buffers import Buffers
from minidiff.kernels.fast.convolution import (
    block_memory,
    block_size,
    convolve,
    convolve_backward,
    convolve_im2col,
    convolve_im2col_backward,
    crop_channels,
    pad_channels,
    whole_vectors,
)
from minidiff.kernels.fast.vectors import LANES
from minidiff.kernels.plain.convolution import convolve_naive, convolve_naive_backward


class FullOfNaN(Buffers):
    """Buffers whose memory contains NaN."""

    def empty(self, shape, dtype):
        return np.full(shape, np.nan, dtype)


@pytest.mark.parametrize(
    ("rows_that_fit", "block"), [(1, (1, 1)), (8, (1, 7)), (12, (1, 7)), (13, (1, 13)), (38, (2, 13))]
)
@pytest.mark.parametrize("has_residual", [False, True])
def test_winograd_in_blocks_of_any_size(rng, monkeypatch, rows_that_fit, block, has_residual):
    """Blocks of some rows of tiles, of one image, of two images, the last one smaller; 50 rows of pixels are 13 tiles.

    C and K need two panels each, and are padded with zeros.
    """
    wide = whole_vectors(34)
    assert wide == whole_vectors(36)
    x, dy, residual = (rng.normal(size=(3, 50, 86, channels)) for channels in (34, 36, 36))
    w, b = rng.normal(size=(3, 3, 34, 36)) / 18, rng.normal(size=36)
    monkeypatch.setattr("minidiff.kernels.fast.convolution.BLOCK_ELEMENTS", 36 * 22 * 2 * wide * rows_that_fit)
    assert block_size((3, 50, 86, wide), wide) == (block, False)
    dw, db = np.zeros_like(w), np.zeros_like(b)
    y = convolve(Buffers(), x, w, b, 1, residual if has_residual else None)
    y = y - residual if has_residual else y
    dx = convolve_backward(Buffers(), x, w, dy, 1, dw, db)
    expected_dx, expected_dw, expected_db = convolve_naive_backward(x, w, 1, dy)
    np.testing.assert_allclose(y, convolve_naive(x, w, b, 1), rtol=0, atol=1e-12)
    np.testing.assert_allclose(dx, expected_dx, rtol=0, atol=1e-12)
    np.testing.assert_allclose(dw, expected_dw, rtol=0, atol=1e-10)
    np.testing.assert_allclose(db, expected_db, rtol=0, atol=1e-10)


@pytest.mark.parametrize("size", [1, 500, 2**14, 2**30])
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (5, 13, 10, 3), (3, 64, 64, 8), (2, 8, 8, 70)])
def test_the_memory_for_a_block_is_large_enough(monkeypatch, shape, size):
    monkeypatch.setattr("minidiff.kernels.fast.convolution.BLOCK_ELEMENTS", size)
    N, H, W, C = shape
    (images, rows), one_block = block_size(shape, 40)
    assert 1 <= images <= N
    assert 1 <= rows <= -(-H // 4)
    assert images == 1 or rows == -(-H // 4)  # some rows of one image, or whole images
    V_and_M = block_memory(Buffers(), (images, rows), np.empty(shape, np.float32), 40)
    assert V_and_M.size == 36 * (images * rows * -(-W // 4) + 1) * (C + 40)
    assert one_block == ((images, rows) == (N, -(-H // 4)))


@pytest.mark.parametrize("channels", [1, LANES - 1, LANES, LANES + 1, 3 * LANES])
def test_whole_vectors(channels):
    wide = whole_vectors(channels)
    assert wide % LANES == 0
    assert channels <= wide < channels + LANES


def test_pad_and_crop_channels_copy_only_if_needed():
    buffers = Buffers()
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert pad_channels(buffers, array, 3) is array
    assert crop_channels(buffers, array, 3) is array
    wide = pad_channels(buffers, array, 5)
    np.testing.assert_array_equal(wide, [[0, 1, 2, 0, 0], [3, 4, 5, 0, 0]])
    back = crop_channels(buffers, wide, 3)
    assert back.flags.c_contiguous
    np.testing.assert_array_equal(back, array)
    every_other = np.arange(12, dtype=np.float32).reshape(2, 6)[:, ::2]
    assert pad_channels(buffers, every_other, 3).flags.c_contiguous


@pytest.mark.parametrize(("kernel_size", "stride"), [(1, 1), (1, 2), (3, 1), (3, 2), (5, 1), (5, 2)])
def test_nothing_is_read_before_it_is_written(rng, kernel_size, stride):
    x, w, b = rng.normal(size=(2, 7, 6, 3)), rng.normal(size=(kernel_size, kernel_size, 3, 5)), rng.normal(size=5)
    for forward, backward in ((convolve, convolve_backward), (convolve_im2col, convolve_im2col_backward)):
        dw, db = np.zeros_like(w), np.zeros_like(b)
        y = forward(FullOfNaN(), x, w, b, stride)
        dx = backward(FullOfNaN(), x, w, rng.normal(size=y.shape), stride, dw, db)
        assert all(np.isfinite(array).all() for array in (y, dx, dw, db))


@pytest.mark.parametrize(("kernel_size", "stride"), [(1, 1), (3, 1), (3, 2), (5, 1)])
def test_im2col_agrees_with_naive_for_every_convolution(rng, kernel_size, stride):
    x, w, b = rng.normal(size=(2, 5, 7, 3)), rng.normal(size=(kernel_size, kernel_size, 3, 5)), rng.normal(size=5)
    y = convolve_im2col(Buffers(), x, w, b, stride)
    dy, dw, db = rng.normal(size=y.shape), np.zeros_like(w), np.zeros_like(b)
    dx = convolve_im2col_backward(Buffers(), x, w, dy, stride, dw, db)
    np.testing.assert_allclose(y, convolve_naive(x, w, b, stride), rtol=0, atol=1e-12)
    for found, expected in zip((dx, dw, db), convolve_naive_backward(x, w, stride, dy), strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
