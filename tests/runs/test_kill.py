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


def minidiff(*arguments):
    command = [sys.executable, "-m", "minidiff", *map(str, arguments)]
    return subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def test_sigterm_saves_the_run_and_exits_with_130(tmp_path):
    undisturbed, path = tmp_path / "undisturbed", tmp_path / "run"
    first = minidiff("train", *TRAIN, "--out", undisturbed)
    second = minidiff("train", *TRAIN, "--out", path, "--save-minutes", "0")
    while not list(path.glob("checkpoints/*.json")):
        assert second.poll() is None, second.stderr.read()
        time.sleep(0.005)
    second.send_signal(signal.SIGTERM)
    _, said = second.communicate(timeout=60)
    assert second.returncode == 130, said
    assert said.startswith("minidiff: stopped after step ")
    assert said.endswith(f"and saved; resume with: minidiff train --resume {path}\n")
    third = minidiff("train", "--resume", path)
    _, said = third.communicate(timeout=60)
    assert third.returncode == 0, said
    first.communicate(timeout=60)
    assert outcome(path) == outcome(undisturbed)
