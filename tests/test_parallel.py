"""Threads run in parallel, keep the order, and restore the threads of BLAS."""

import os
import subprocess
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

from minidiff.errors import MinidiffError
from minidiff.parallel import Workers, available_cores, chunks


def blas_threads():
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 7])
def test_results_come_in_the_order_of_the_items(threads, count):
    with Workers(threads) as workers:
        assert workers.map(lambda item: item**2, range(count)) == [item**2 for item in range(count)]


def test_items_run_in_parallel_and_results_keep_their_order():
    second_is_done = threading.Event()

    def work(item):
        if item == "first":
            assert second_is_done.wait(timeout=20)  # never set if the items ran one after the other
        else:
            second_is_done.set()
        return item

    with Workers(2) as workers:
        assert workers.map(work, ["first", "second"]) == ["first", "second"]


@pytest.mark.parametrize("threads", [1, 2])
def test_an_exception_in_a_task_reaches_the_caller(threads):
    with Workers(threads) as workers, pytest.raises(ZeroDivisionError):
        workers.map(lambda item: 1 / item, [1, 2, 0, 3])


@pytest.mark.parametrize("threads", [1, 2])
def test_blas_is_limited_to_one_thread_and_restored(threads):
    before = blas_threads()
    assert before  # NumPy's BLAS must be one that can be limited
    with Workers(threads) as workers:
        inside = workers.map(lambda _: blas_threads(), [0, 1])
        assert inside == [[1] * len(before)] * 2
        assert blas_threads() == before
        with pytest.raises(ZeroDivisionError):
            workers.map(lambda item: 1 / item, [0, 0])
        assert blas_threads() == before


def test_two_workers_in_two_threads_restore_the_threads_of_blas():
    """In the order that restores too much and too little: the first to begin is the first to end."""
    before, first_is_done = blas_threads(), threading.Event()
    first_is_inside, second_is_inside = threading.Event(), threading.Event()
    inside = []

    def first(_):
        first_is_inside.set()
        assert second_is_inside.wait(20)

    def second(_):
        second_is_inside.set()
        assert first_is_done.wait(20)
        inside.append(blas_threads())

    def train(task, done):
        with Workers(1) as workers:
            workers.map(task, [0])
        done.set()

    one = threading.Thread(target=train, args=(first, first_is_done))
    two = threading.Thread(target=train, args=(second, threading.Event()))
    one.start()
    assert first_is_inside.wait(20)
    two.start()
    one.join()
    two.join()
    assert inside == [[1] * len(before)]  # the first has ended, the second still computes
    assert blas_threads() == before


FORK = """
import os, sys
from minidiff import MinidiffError, Workers
from minidiff.parallel import ONE_BLAS_THREAD
from threadpoolctl import threadpool_info
threads = lambda: [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
workers, before = Workers(2), threads()
workers.map(abs, range(-4, 0))
with ONE_BLAS_THREAD:  # another thread may be computing at the moment of the fork
    child = os.fork()
    if not child:
        try:
            workers.map(abs, [-1, -2])
        except MinidiffError as error:
            print(error)
        workers.close()
        print(threads() == before, flush=True)
        with Workers(2) as own:
            print(own.map(abs, [-1, -2]), threads() == before, flush=True)
        os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), threads() == before, workers.map(abs, [-7, 8]))
workers.close()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows does not fork")
def test_a_forked_process_is_told_to_create_its_own_workers():
    """Its copy of the pool has no threads, and would wait for them for ever."""
    result = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, timeout=60, check=False)
    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        "a forked process has no threads of these workers; create Workers after the fork",
        "True",
        "[1, 2] True",
        "0 True [7, 8]",
    ]


def test_all_cores_are_used_by_default():
    with Workers() as workers:
        assert workers.threads == available_cores() >= 1
    with Workers(3) as workers:
        assert workers.threads == 3
        assert repr(workers) == "Workers(threads=3)"


@pytest.mark.parametrize("threads", [0, -1])
def test_fewer_than_one_thread_is_rejected(threads):
    with pytest.raises(MinidiffError, match="at least one thread"):
        Workers(threads)


@given(st.integers(0, 100), st.integers(1, 30))
def test_chunks_cover_everything_once_in_order(count, size):
    parts = chunks(count, size)
    assert [i for part in parts for i in range(count)[part]] == list(range(count))
    assert all(part.stop - part.start == size for part in parts[:-1])
