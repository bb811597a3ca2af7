"""Every layer runs with both sets of kernels."""

import pytest

from minidiff.kernels.sets import KERNEL_SETS, create_kernels


@pytest.fixture(params=list(KERNEL_SETS))
def kernels(request):
    return create_kernels(request.param)
