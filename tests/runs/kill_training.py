"""A program for `test_kill.py`: kills training processes at random, resumes them, and compares with an undisturbed run.

    python -m tests.runs.kill_training FOLDER KILLS SEED

Each training is a process of its own. It is sent SIGKILL, which cannot be caught (half-written files stay), or one of
the others, or two signals within a millisecond. To start many processes quickly, this one imports minidiff and loads
its kernels once and then forks. Every step is saved, so that many kills hit a file being written. Prints one line of
JSON.
"""

import contextlib
import json
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

from PIL import Image
from tqdm import tqdm

from minidiff.__main__ import run
from minidiff.cli import main
from minidiff.runs.checkpoint import steps_in
from minidiff.runs.folder import Run

TRAIN = ["--data", "shapes", "--size", "8", "--images", "10", "--channels", "32", "--epochs", "8", "--T", "20"]
STEPS = 24  # eight epochs of three
EVERY_STEP = ["--save-minutes", "0"]
KILLING = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def start(arguments, log):
    """Starts a process that runs the `minidiff` command; returns its process ID."""
    child = os.fork()
    if child:
        return child
    code = 99
    try:
        with log.open("a") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # even if this runs in the background
        sys.argv = ["minidiff", *arguments]
        code = run()
    finally:
        os._exit(code)


def command(folder, threads):
    """The command for a new run, or for resuming it if it has its config.json."""
    begun = (folder / "config.json").exists()
    options = ["--resume", str(folder)] if begun else [*TRAIN, "--out", str(folder)]
    return ["train", *options, *EVERY_STEP, "--threads", str(threads)]


def finish(child):
    """Waits for a process; returns its exit code, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def outcome(folder):
    """Everything that must be identical: the last checkpoint, the history without its times, and the images."""
    checkpoints = sorted(file.name for file in (folder / "checkpoints").iterdir())
    times = {"seconds", "images_per_second"}
    rows = Run.open(folder).history()
    history = [[(key, str(value)) for key, value in row.items() if key not in times] for row in rows]
    files = [folder / "checkpoints" / checkpoints[-1], folder / "forward_process.png"]
    files += sorted((folder / "snapshots").iterdir())
    contents = [file.read_bytes() for file in files]
    with Image.open(folder / "samples.png") as image:  # the file also has the name of the run
        contents.append(image.tobytes())
    return checkpoints, history, contents, sorted(file.name for file in folder.iterdir())


def send(child, signals, rng):
    """Sends signals to a process, which may have ended."""
    for number in signals:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)
        time.sleep(rng.uniform(0, 0.001))


def newest_step(folder):
    """The step of the newest checkpoint, 0 if there is none."""
    return max(steps_in(folder / "checkpoints"), default=0)


def kill_and_compare(folder, kills, seed):
    """Trains and kills until the number of kills is reached; returns the counts and failures."""
    rng, log = random.Random(seed), folder / "log.txt"
    tqdm.set_lock(threading.RLock())  # forked processes share the default lock, and a killed one keeps it
    main([*command(folder / "warm-up", 1)])  # loads the kernels into this process
    begin = time.time()
    assert finish(start(command(folder / "undisturbed", 1), log)) == 0
    training = (folder / "undisturbed" / "loss.png").stat().st_mtime - begin  # written after training
    expected = outcome(folder / "undisturbed")
    found = {"kills": 0, "runs": 0, "lost": [], "resumed_at": [], "pairs": []}
    while found["kills"] < kills:
        path = folder / f"run{found['runs']}"
        found["runs"] += 1
        while True:
            child = start(command(path, rng.choice([1, 2])), log)
            left = 1 - newest_step(path) / STEPS
            sent = [rng.choice(KILLING) for _ in range(rng.choice([1, 2]))]
            if left > 0 or rng.random() < 0.1:  # a trained run is mostly left to generate its images
                time.sleep(rng.uniform(0, training))  # long enough for some progress
                send(child, sent, rng)
            code = finish(child)
            if code not in {-signal.SIGKILL, *(128 + number for number in sent)}:
                break
            found["kills"] += 1
            found["resumed_at"].append(newest_step(path))
            found["pairs"].append([*map(int, sent), code])
        if code != 0 or outcome(path) != expected:
            found["lost"].append(f"{path.name}: exit code {code}")
    return found


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):
        result = kill_and_compare(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    print(json.dumps(result))
