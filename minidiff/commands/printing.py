"""Console output of the commands: log messages, and the end of training."""

import contextlib
import logging
import shlex
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from minidiff.benchmark.memory import peak_memory
from minidiff.kernels.compilation import compilation_shown
from minidiff.text import clean


class ConsoleHandler(logging.Handler):
    """Prints INFO messages to the current `sys.stdout`, and warnings as one line to `sys.stderr`."""

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if record.levelno < logging.WARNING:
            print("\n".join(map(clean, message.split("\n"))), flush=True)
        else:
            print(f"minidiff: {clean(message)}", file=sys.stderr)


@contextlib.contextmanager
def console() -> Iterator[None]:
    """Shows minidiff's log messages, and the compilation of kernels, on the console while the context is open."""
    logger, handler = logging.getLogger("minidiff"), ConsoleHandler()
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        with compilation_shown():
            yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def memory_used() -> str:
    """ ", at most 512 MB of memory", or "" on a system that does not report it."""
    peak = peak_memory()
    return "" if peak is None else f", at most {peak:.0f} MB of memory"


def print_done(start: float, path: str | Path) -> None:
    """Prints time since `start` and memory at the end of training, and two lines that say what to do next."""
    print(f"Done in {time.perf_counter() - start:.0f} s{memory_used()}.")
    print(f"Open in a browser: {clean(Path(path) / 'report.html')}")
    print(f"More images: {shlex.join(['minidiff', 'sample', str(path), '-n', '64'])}")
