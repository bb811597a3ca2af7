"""The vectorised exponential against NumPy's."""

import numpy as np
import pytest

from minidiff.kernels.exponential import exponential_run


def run(x, factor):
    y = np.full_like(x, np.nan)
    exponential_run(x, x.dtype.type(factor), np.empty(x.size, np.int32), y)
    return y


@pytest.mark.parametrize("factor", [1, -1, 0.3])
def test_float32_is_as_exact_as_float32_allows(factor):
    """A float32 x is itself uncertain by 6e-8 |x|, and so, relatively, is exp(x)."""
    x = (np.linspace(-87, 87, 200_001) / factor).astype(np.float32)
    expected = np.exp(np.float64(np.float32(factor)) * x.astype(np.float64))
    error = np.abs(run(x, factor) / expected - 1)
    assert np.max(error / (2e-7 + 2e-7 * np.abs(factor * x))) < 1
    assert error[np.abs(factor * x) < 1].max() < 3e-7


@pytest.mark.parametrize("factor", [1, -1, 0.3])
def test_float64_is_numpys(factor):
    x = np.linspace(-700, 700, 2001)
    np.testing.assert_allclose(run(x, factor), np.exp(factor * x), rtol=1e-15, atol=0)


@pytest.mark.parametrize("size", [1, 7, 16, 100])
def test_a_power_of_two_is_exact_enough_at_any_length(size):
    x = (np.arange(size, dtype=np.float32) - size // 2) * np.float32(np.log(2) / 2)
    np.testing.assert_allclose(run(x, 1), np.exp2((np.arange(size) - size // 2) / 2), rtol=3e-6)


@pytest.mark.parametrize("dtype", [pytest.param(np.float32, id="tiny-float32"), pytest.param(np.float64, id="tiny-64")])
def test_extremes(dtype):
    y = run(np.array([-1e4, -100, 0, 100, np.nan], dtype), 1)
    assert 0 <= y[0] < 2e-38
    assert 0 <= y[1] < 1e-37
    assert y[2] == 1
    assert y[3] > 1e37
    assert np.isnan(y[4])
