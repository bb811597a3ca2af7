"""One case of the fuzz test: a folder, a command in a process with limits, and a verdict.

The processes are forked from one that has imported minidiff and loaded its kernels, so that each takes a moment.
"""

import os
import resource
import shlex
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tqdm import tqdm

from minidiff.__main__ import run
from minidiff.cli import main
from tests.data.readers.test_fuzz import READERS
from tests.fuzz import commands

MEMORY = 2**31  # bytes of address space, beyond those of the process that is forked
SECONDS = 120  # of the processor
WAIT = 300  # seconds, for a process that does nothing, such as one that opened a pipe


@dataclass(frozen=True)
class Case:
    """A case and what came of it; `problem` is empty if that is as it must be."""

    seed: int
    words: list[str]
    code: int
    errors: str
    problem: str

    def __str__(self) -> str:
        head = f"seed {self.seed}: minidiff {shlex.join(self.words)}\n   {self.problem}\n"
        return head + "".join(f"   | {line}\n" for line in self.errors.splitlines()[-12:])


def prepare(folder: Path) -> Callable[..., Case]:
    """Trains a run and writes data into a folder, and returns the function that tries a case (seed, keep)."""
    tqdm.set_lock(threading.RLock())  # forked processes share the default lock, and a killed one keeps it
    os.environ |= {"XDG_CACHE_HOME": str(folder / "cache"), "COLUMNS": "100"}
    source = folder / "source"
    options = ["--images", "12", "--held-out", "0.3", "--epochs", "2", "--threads", "1", "--save-minutes", "0"]
    with open(folder / "log", "w") as log:
        saved = os.dup(1)
        os.dup2(log.fileno(), 1)
        made = main(["train", "--data", "shapes", *commands.TINY, *options, "--out", str(source)])
        made |= main(["sample", str(source), "-n", "1", "--steps", "2"]) | main(
            ["report", str(source), "--threads", "1"]
        )
        made |= main(["export", str(source), "--to", str(folder / "weights.safetensors")])
        sys.stdout.flush()
        os.dup2(saved, 1)
    assert made == 0
    seeds = {kind: seed(folder) if callable(seed) else seed for kind, (_, seed, _) in READERS.items()}

    def try_case(seed: int, keep: bool = False) -> Case:
        place = folder / f"case{seed}"
        place.mkdir()
        case = in_a_process(place, seed, source, seeds)
        if keep:
            print(f"the files are in {place}")
        else:
            shutil.rmtree(place, ignore_errors=True)
        return case

    return try_case


def words_of(seed: int, source: Path, seeds: dict[str, bytes]) -> list[str]:
    """Makes the files of a case in the working directory, and returns the words after `minidiff`."""
    random = Random(seed)
    kinds = {
        "run": lambda: commands.on_run(source, random),
        "data": lambda: commands.on_data(seeds, random),
        "image": lambda: commands.on_image(source, seeds, random),
        "notebook": lambda: commands.on_notebook(random),
        "nothing": lambda: commands.on_nothing(source, random),
        "weights": lambda: commands.on_weights(source.with_name("weights.safetensors"), random),
    }
    return kinds[random.choices(list(kinds), [50, 25, 8, 2, 15, 10])[0]]()


def in_a_process(place: Path, seed: int, source: Path, seeds: dict[str, bytes]) -> Case:
    """Runs the command of a case, and judges how it ended."""
    before = os.getcwd()
    os.chdir(place)
    words = words_of(seed, source, seeds)
    os.chdir(before)
    log = place.parent / f"errors{seed}"
    child = os.fork()
    if not child:
        execute(place, log, words)
    code = wait(child)
    errors = log.read_text(encoding="utf-8", errors="replace")
    log.unlink()
    left = [path.name for path in place.rglob("*.part")]
    return Case(seed, words, code, errors, problem_of(code, errors, left))


def execute(place: Path, log: Path, words: list[str]) -> None:
    """Becomes the command: limits, streams, working directory; does not return."""
    code = 99
    try:
        os.chdir(place)
        os.setpgid(0, 0)
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        for number, path in enumerate((os.devnull, os.devnull, log)):
            os.dup2(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), number)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.argv = ["minidiff", *words]
        code = run()
        sys.stderr.flush()
    except BaseException:
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
    finally:
        os._exit(code)


def wait(child: int) -> int:
    """The exit code of a process, or minus the signal that ended it; kills it with its children after a while."""
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.killpg(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def problem_of(code: int, errors: str, left: list[str]) -> str:
    """What is wrong with the end of a command, in one line; "" if nothing is."""
    lines = errors.splitlines()
    if code not in (0, 2):
        ends = {-signal.SIGXCPU: "too slow", -signal.SIGKILL: "too slow, or it waits", -signal.SIGSEGV: "crashed"}
        where = [line.strip() for line in lines if line.startswith('  File "') and "minidiff" in line][-1:]
        return " ".join([ends.get(code, f"exit code {code}:"), *lines[-1:], *where])
    if code == 2 and not lines:
        return "no message"
    if other := [line for line in lines if not line.startswith("minidiff: ")]:
        return f"a line that is no message: {other[0]}"
    if any(not character.isprintable() for line in lines for character in line):
        return "control characters"
    return f"left {left[0]}" if left else ""
