"""The second process compiles what the backward pass needs, and exactly that."""

import json
import os
import subprocess
import sys
from pathlib import Path

from numba.core.event import Event, install_listener

from minidiff.runs.second_compiler import SecondCompiler
from minidiff.runs.warm_up import compile_kernels
from tests import tiny

ROOT = Path(__file__).parents[2]
NAMES_OF_WHAT_THIS_PROCESS_COMPILES = """
import json
from numba.core.event import install_recorder
from minidiff.parallel import Workers
from minidiff.runs.warm_up import compile_kernels
from tests import tiny

with Workers(2) as workers, install_recorder("numba:compile") as recorder:
    trainer = tiny.trainer(workers, epochs=1, optimizer="muon")
    compile_kernels(trainer)
    list(trainer.train())
print(json.dumps([event.data["dispatcher"].py_func.__name__ for _, event in recorder.buffer]))
"""


def test_the_backward_pass_is_compiled_by_the_second_process(tmp_path):
    (tmp_path / "minidiff").mkdir()  # another copy in the working directory is not used
    (tmp_path / "minidiff" / "__init__.py").write_text("raise ImportError")
    program = tmp_path / "program" / "program.py"
    program.parent.mkdir()
    program.write_text(NAMES_OF_WHAT_THIS_PROCESS_COMPILES)
    result = subprocess.run(
        [sys.executable, program],
        cwd=tmp_path,
        env=os.environ | {"NUMBA_CACHE_DIR": "cache", "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    names = json.loads(result.stdout)
    assert {"convolve_winograd", "muon_tall"} <= set(names)
    assert not [name for name in names if "backward" in name]


def test_no_process_is_started_if_nothing_is_compiled(workers):
    trainer = tiny.trainer(workers)
    compile_kernels(trainer)
    second = SecondCompiler(trainer.network.config)
    with install_listener("numba:compile", second):
        compile_kernels(trainer)
    assert repr(second) == "SecondCompiler(not started)"
    second.wait()
    second.end()


def test_the_end_of_the_second_process_is_not_awaited_after_an_error():
    second = SecondCompiler(tiny.network().config)
    second.on_start(Event("numba:compile", None))
    second.on_start(Event("numba:compile", None))  # the second compilation starts no second process
    process = second._process
    second.end()
    assert process.poll() is not None
