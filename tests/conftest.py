"""Nothing that the tests decode ends up in the cache of whoever runs them, and the kernels are those in the source.

Numba keeps compiled kernels on disk and compiles again when the file of a kernel has changed, but not when a kernel
that it calls has changed in another file, nor when the options have. So what was compiled before the newest of the
source files was written goes.
"""

import signal
import threading
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from hypothesis import settings
from tqdm import TMonitor

import minidiff.kernels
from minidiff.parallel import Workers

KERNELS = Path(minidiff.kernels.__file__).parent

settings.register_profile("minidiff", deadline=None)  # a busy machine is slow at any moment
settings.load_profile("minidiff")


def pytest_configure():
    newest = max(source.stat().st_mtime for source in KERNELS.rglob("*.py"))
    for compiled in KERNELS.rglob("*.nb[ic]"):
        if compiled.stat().st_mtime < newest:
            compiled.unlink(missing_ok=True)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)  # under nohup; the processes of tests would ignore it too


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    """A cache folder for each test; matplotlib keeps its own, since it needs seconds to make a new one."""
    monkeypatch.setenv("MPLCONFIGDIR", str(matplotlib.get_cachedir()))
    folder = str(tmp_path_factory.mktemp("cache"))
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, folder)


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    """A thread that computes for ever slows down all tests that follow, tenfold if it holds the GIL."""
    before = set(threading.enumerate())
    yield
    left = [one for one in set(threading.enumerate()) - before if one.daemon and not isinstance(one, TMonitor)]
    for one in left:
        one.join(10)
        assert not one.is_alive(), f"{one} is left by this test"


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def workers():
    with Workers(1) as workers:
        yield workers
