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

from minidiff.benchmark.memory import peak_memory
from minidiff.benchmark.network import sampling_step, training_step
from minidiff.parallel import Workers
from minidiff.runs.warm_up import compile_kernels
from minidiff.unet import UNetConfig

STEPS = 3
TIME_IMPORT = "import time; start = time.perf_counter(); import minidiff.cli; print(time.perf_counter() - start)"


def probe(
    program: str, batch: int, threads: int, cold: bool = False, config: UNetConfig | None = None
) -> dict[str, float]:
    """Does a few steps in a new process: of training with "minidiff" (Muon) or "torch" (AdamW), or of "sampling".

    If cold, Numba's cache is an empty folder, so that every kernel is compiled. The default network is the reference
    network. Returns "import_seconds", "first_step_seconds" and "peak_mb".
    """
    config = config or UNetConfig()
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | ({"NUMBA_CACHE_DIR": folder} if cold else {})
        arguments = [program, str(batch), str(threads), json.dumps(config.as_dict())]
        command = [sys.executable, "-m", "minidiff.benchmark.probe", *arguments]
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    import_seconds = subprocess.run([sys.executable, "-c", TIME_IMPORT], capture_output=True, text=True, check=True)
    return json.loads(result.stdout) | {"import_seconds": float(import_seconds.stdout)}


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
