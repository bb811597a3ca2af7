"""The memory pool reuses the memory of deleted arrays, and no other."""

import threading

import numpy as np
import pytest

from minidiff.kernels.buffers import LINE, Buffers


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3,), (2, 5, 7), (1000,), ()])
def test_arrays_are_aligned_to_a_cache_line(shape, dtype):
    array = Buffers().empty(shape, dtype)
    assert array.shape == shape
    assert array.dtype == dtype
    assert array.ctypes.data % LINE == 0
    assert array.flags.c_contiguous
    array[...] = 1


def address_of_a_new(buffers, shape, dtype):
    return buffers.empty(shape, dtype).ctypes.data


def test_memory_is_reused_when_nothing_refers_to_it():
    buffers = Buffers()
    array = buffers.empty((4, 6), np.float32)
    address = array.ctypes.data
    window = array.reshape(2, 12)[1, ::2].T
    second = address_of_a_new(buffers, (24,), np.float32)
    assert second != address
    del array
    assert address_of_a_new(buffers, (3, 8), np.float32) == second  # a view of a view still refers to the first
    del window
    kept = [buffers.empty((12,), np.float64), buffers.empty((24,), np.float32)]
    assert {array.ctypes.data for array in kept} == {address, second}


def test_each_thread_has_its_own_memory():
    buffers = Buffers()
    address = address_of_a_new(buffers, (24,), np.float32)
    assert address_of_a_new(buffers, (24,), np.float32) == address
    kept = []
    thread = threading.Thread(target=lambda: kept.append(buffers.empty((24,), np.float32)))
    thread.start()
    thread.join()
    assert kept[0].ctypes.data != address
