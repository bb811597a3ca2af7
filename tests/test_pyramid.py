"""Images at half the size, for much noise."""

import numpy as np
import pytest

from minidiff.pyramid import pool, repeat, slices_of_levels


@pytest.mark.parametrize("level", [0, 1, 2])
def test_pool_is_the_mean_of_blocks(rng, level):
    x = rng.normal(size=(2, 8, 12, 3)).astype(np.float32)
    side = 2**level
    found = pool(x, level)
    assert found.shape == (2, 8 // side, 12 // side, 3)
    assert found.dtype == np.float32
    assert found.flags.c_contiguous
    for i in range(8 // side):
        for j in range(12 // side):
            block = x[:, i * side : (i + 1) * side, j * side : (j + 1) * side].astype(np.float64)
            np.testing.assert_allclose(found[:, i, j], block.mean(axis=(1, 2)), atol=1e-6)


def test_pool_undoes_repeat(rng):
    x = rng.normal(size=(2, 4, 6, 1))
    for level in (0, 1, 2):
        np.testing.assert_allclose(pool(repeat(x, level), level), x, rtol=1e-12)


def test_the_mean_of_four_pixels_has_half_the_noise(rng):
    """So an image with noise level sigma enters with sigma / 2."""
    eps = rng.normal(size=(1, 512, 512, 3))
    assert pool(eps, 1).std() == pytest.approx(1 / 2, rel=0.01)
    assert pool(eps, 2).std() == pytest.approx(1 / 4, rel=0.01)


def test_slices_of_levels_cover_everything_in_order():
    assert list(slices_of_levels([])) == []
    assert list(slices_of_levels([0, 0, 1, 2, 2, 0])) == [
        (0, slice(0, 2)), (1, slice(2, 3)), (2, slice(3, 5)), (0, slice(5, 6))
    ]  # fmt: skip
