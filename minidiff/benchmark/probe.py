"""Time of the first step and peak memory of training or sampling, measured in a new process.

    python -m minidiff.benchmark.probe minidiff 16 2 '{"channels": [32, 64]}'      # program, batch, threads, network

prints one line of JSON. `probe` starts such a process.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from minidiff.benchmark.memory import peak_memory
from minidiff.benchmark.network import sampling_step, training_step
from minidiff.errors import MinidiffError
from minidiff.parallel import Workers
from minidiff.runs.warm_up import compile_kernels
from minidiff.unet import UNetConfig

ROOT = Path(__file__).parents[2]  # where this copy of minidiff is, even if the working directory has another one
STEPS = 3
TIME_IMPORT = "import time; start = time.perf_counter(); import minidiff.cli; print(time.perf_counter() - start)"


def probe(
    program: str, batch: int, threads: int, cold: bool = False, config: UNetConfig | None = None
) -> dict[str, float]:
    """Does a few steps in a new process: of training with "minidiff" (Muon) or "torch" (AdamW), or of "sampling".

    If cold, Numba's cache is an empty folder, so that every kernel is compiled. The default network is the reference
    network. Returns "first_step_seconds" and "peak_mb".
    """
    config = config or UNetConfig()
    with tempfile.TemporaryDirectory() as folder:
        environment = {"NUMBA_CACHE_DIR": folder} if cold else {}
        arguments = [program, str(batch), str(threads), json.dumps(config.as_dict())]
        return json.loads(_output_of("-m", "minidiff.benchmark.probe", *arguments, environment=environment))


def import_seconds() -> float:
    """The time to import minidiff in a new process."""
    return float(_output_of("-c", TIME_IMPORT, environment={}))


def _output_of(*arguments: str, environment: dict[str, str]) -> str:
    """The standard output of Python, run with this copy of minidiff."""
    result = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=os.environ | environment, capture_output=True, text=True
    )
    if result.returncode:
        reason = (result.stderr.strip().splitlines() or [f"exit code {result.returncode}"])[-1]
        raise MinidiffError(f"the measured process failed: {reason}; close other programs, or leave this part out")
    return result.stdout


def main(program: str, batch: int, threads: int, config: UNetConfig) -> None:
    """Does a few steps and prints the measurements; arguments as in `probe`."""
    step: Callable[[], object]
    with Workers(threads) as workers:
        if program == "torch":
            from minidiff.benchmark.against_torch import Mode, torch_training_step  # needs PyTorch

            step = torch_training_step(config, batch, threads, Mode())
        elif program == "sampling":
            step = sampling_step(config, batch, workers)
        else:
            step, trainer = training_step(config, batch, "muon", workers)
        ready = time.perf_counter()
        if program == "minidiff":
            compile_kernels(trainer)
        step()
        first = time.perf_counter()
        for _ in range(STEPS - 1):
            step()
    print(json.dumps({"first_step_seconds": first - ready, "peak_mb": peak_memory()}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), UNetConfig.from_dict(json.loads(sys.argv[4])))
