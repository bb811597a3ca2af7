"""A second process that compiles the kernels of the backward pass while the first one compiles all others.

Numba compiles on one thread, and half of the time goes to the backward pass. The second process runs it once, after a
forward pass with the plain kernels, which are NumPy and need no compilation. Its compiled kernels reach the first
process through Numba's cache on the disk. If it fails, the first process compiles everything itself.
"""

import contextlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from numba.core.event import Event, Listener

from minidiff.kernels import CACHE
from minidiff.kernels.sets import fast_kernels, plain_kernels
from minidiff.unet import UNet, UNetConfig

ROOT = Path(__file__).parents[2]  # where this copy of minidiff is, even if the working directory has another one


class SecondCompiler(Listener):
    """Starts the second process when the first compilation begins; if nothing is compiled, it never starts.

    Args:
        config: of the network.
    """

    def __init__(self, config: UNetConfig) -> None:
        self.config = config
        self._process: subprocess.Popen | None = None
        self._started = False

    def __repr__(self) -> str:
        return f"SecondCompiler({'not started' if self._process is None else self._process.pid})"

    def on_start(self, event: Event) -> None:
        """Called before a kernel is compiled."""
        if self._started:
            return
        self._started = True
        folder = CACHE.name if CACHE else os.environ.get("NUMBA_CACHE_DIR")
        environment = os.environ | ({"NUMBA_CACHE_DIR": os.path.abspath(folder)} if folder else {})
        with contextlib.suppress(OSError):  # no memory or no more processes
            self._process = subprocess.Popen(
                [sys.executable, "-m", "minidiff.runs.second_compiler", json.dumps(self.config.as_dict())],
                cwd=ROOT, env=environment,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip

    def on_end(self, event: Event) -> None:
        """Called after a kernel was compiled."""

    def wait(self) -> None:
        """Returns when the second process has ended."""
        if self._process is not None:
            self._process.wait()

    def end(self) -> None:
        """Ends the second process, if it is running."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def compile_backward(config: UNetConfig) -> None:
    """Compiles the kernels of a network's backward pass."""
    plain = plain_kernels()
    kernels = replace(
        fast_kernels(),
        convolve=plain.convolve,
        linear=plain.linear,
        group_norm=plain.group_norm,
        silu=plain.silu,
        attention=plain.attention,
    )
    network = UNet(config, kernels)
    p = network.create_parameters()
    z = np.zeros((2, *config.example_shape), np.float32)
    labels = np.zeros(2, np.int64) if config.num_classes else None
    y_hat, caches = network.forward(p, z, np.zeros(2), labels)
    network.backward(p, p.zeros_like(), caches, y_hat)


if __name__ == "__main__":
    compile_backward(UNetConfig.from_dict(json.loads(sys.argv[1])))
