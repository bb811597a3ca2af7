"""A run that is killed again and again ends bit-for-bit identical to an undisturbed one.

Twenty kills take a few seconds. For a longer test set their number: MINIDIFF_KILLS=200 pytest tests/runs/test_kill.py
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.runs.kill_training import TRAIN, outcome

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("MINIDIFF_KILLS", "20"))
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}


def test_a_training_killed_at_random_moments_ends_identical(tmp_path):
    command = [sys.executable, "-m", "tests.runs.kill_training", str(tmp_path), str(KILLS), "0"]
    result = subprocess.run(
        command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=60 * KILLS, check=False
    )
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    print(f"{found['kills']} kills of {found['runs']} runs, {len(found['lost'])} lost")
    assert found["kills"] >= KILLS
    assert found["lost"] == []
    assert len(set(found["resumed_at"])) > 3  # the kills hit different steps
    codes = {code for *_, code in found["pairs"]}
    assert len(codes) > 1
    assert all(code == -9 or code - 128 in sent for *sent, code in found["pairs"])


def minidiff(*arguments):
    command = [sys.executable, "-m", "minidiff", *map(str, arguments)]
    return subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


PAIRS = [(signal.SIGTERM,), (signal.SIGHUP, signal.SIGHUP), (signal.SIGINT, signal.SIGTERM)]


@pytest.mark.parametrize("numbers", PAIRS, ids=str)
def test_signals_save_the_run_and_exit_with_128_and_the_number(tmp_path, numbers):
    undisturbed, path = tmp_path / "undisturbed", tmp_path / "run"
    first = minidiff("train", *TRAIN, "--out", undisturbed)
    second = minidiff("train", *TRAIN, "--out", path, "--save-minutes", "0")
    while not list(path.glob("checkpoints/*.json")):
        assert second.poll() is None, second.stderr.read()
        time.sleep(0.005)
    for number in numbers:
        second.send_signal(number)
    _, said = second.communicate(timeout=60)
    assert second.returncode - 128 in numbers, said
    assert said.count("\n") == 1
    assert said.startswith("minidiff: stopped after step ")
    assert said.endswith(f"and saved; resume with: minidiff train --resume {path}\n")
    third = minidiff("train", "--resume", path)
    _, said = third.communicate(timeout=60)
    assert third.returncode == 0, said
    first.communicate(timeout=60)
    assert outcome(path) == outcome(undisturbed)
