"""The process of a command: signals at any moment, streams that are closed or full, and strange environments."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import minidiff

ROOT = Path(minidiff.__file__).parents[1]
MINIDIFF = [sys.executable, "-m", "minidiff"]
DATA = ["data", "shapes", "--images", "2", "--size", "8"]
pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and streams of POSIX")


def environment(**changes):
    """That of the tests with changes; None removes a variable."""
    changed = os.environ | {"PYTHONPATH": str(ROOT)} | changes
    return {name: value for name, value in changed.items() if value is not None}


def shell(command, *arguments, **changes):
    """Runs a shell command, in which "$@" is `minidiff` with arguments."""
    whole = ["bash", "-c", command, "bash", *MINIDIFF, *map(str, arguments)]
    return subprocess.run(
        whole,
        env=environment(**changes),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
    )


# Interrupts the process when a module is imported, which is the same moment every time
INTERRUPTED = """
import os, runpy, signal, sys
name, number, *sys.argv[1:] = sys.argv[1:]
seen = []
def hook(event, arguments):
    if event == "import" and arguments[0] == name and not seen:
        seen.append(name)
        os.kill(os.getpid(), int(number))
        os.kill(os.getpid(), int(number))
signal.signal(signal.SIGINT, signal.default_int_handler)  # even if the tests run in the background
sys.addaudithook(hook)
runpy.run_module("minidiff", run_name="__main__", alter_sys=True)
"""
MOMENTS = ["minidiff.cli", "numpy", "numba", "llvmlite", "minidiff.training", "matplotlib", "matplotlib.figure", "PIL"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("moment", MOMENTS)
def test_signals_during_imports_end_the_process_with_one_line(tmp_path, moment, number):
    command = [
        sys.executable,
        "-c",
        INTERRUPTED,
        moment,
        str(int(number)),
        "schedules",
        "--out",
        str(tmp_path / "a.png"),
    ]
    result = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=60, check=False)
    assert result.stderr == "minidiff: stopped\n"
    assert result.returncode == 128 + number
    assert list(tmp_path.iterdir()) == []


def test_an_ignored_signal_stays_ignored():
    """As under `nohup`."""
    program = f"import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n{INTERRUPTED}"
    command = [sys.executable, "-c", program, "numba", str(int(signal.SIGHUP)), *DATA]
    result = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("shapes: 2 images")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_command_works_with_closed_streams(tmp_path, closed):
    out = tmp_path / "a.png"
    result = shell(f'"$@" {closed}', *DATA, "--out", out)
    assert (result.returncode, result.stderr) == (0, "")
    assert out.read_bytes().startswith(b"\x89PNG")
    assert ("2 images" in result.stdout) == (">&-" not in closed.replace("2>&-", ""))
    failed = shell(f'"$@" {closed}', "data", tmp_path / "missing")
    assert failed.returncode == 2
    assert failed.stdout == ""  # an error goes to standard error or nowhere
    assert failed.stderr.count("\n") == ("2>&-" not in closed)


def test_training_continues_if_nobody_reads_its_output_any_more(tmp_path):
    train = [
        "train",
        "--data",
        "shapes",
        "--size",
        "8",
        "--images",
        "4",
        "--channels",
        "32",
        "--epochs",
        "2",
        "--T",
        "9",
    ]
    result = shell('"$@" | head -1; exit ${PIPESTATUS[0]}', *train, "--threads", "1", "--out", tmp_path / "run")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.count("\n") == 1
    assert (tmp_path / "run" / "denoising.gif").is_file()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux only")
def test_output_that_cannot_be_written_is_one_line_at_the_end(tmp_path):
    result = shell('"$@" > /dev/full', *DATA, "--out", tmp_path / "a.png")
    assert result.stderr == "minidiff: cannot write the output: No space left on device\n"
    assert result.returncode == 2
    assert (tmp_path / "a.png").is_file()
    result = shell('"$@" 2> /dev/full', "data", tmp_path / "missing")
    assert (result.returncode, result.stdout) == (2, "")


def test_output_waits_for_a_pipe_that_does_not_block(tmp_path):
    """As Node.js gives to its children: when it is full, a write fails instead of waiting."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with subprocess.Popen([*MINIDIFF, "train", "--help"], env=environment(), stdout=writer) as process:
        os.close(writer)
        with open(reader) as stream:
            text = stream.read()
        assert process.wait(60) == 0
    assert text.startswith("usage: minidiff train")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_characters_that_the_output_cannot_encode_are_escaped(tmp_path, encoding):
    result = shell('"$@"', "data", tmp_path / "ф █", PYTHONIOENCODING=encoding)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("backend", ["module://not_installed.backend", "nonsense", "tkagg"])
def test_figures_do_not_depend_on_the_backend(tmp_path, backend):
    result = shell('"$@"', "schedules", "--out", tmp_path / "a.png", MPLBACKEND=backend)
    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / "a.png").is_file()


@pytest.mark.parametrize("home", [None, "", "/nonexistent/home"])
def test_a_command_works_without_a_home_folder(tmp_path, home):
    folder = {"HOME": home, "XDG_CACHE_HOME": None, "MPLCONFIGDIR": None}
    result = shell('"$@"', *DATA, "--out", tmp_path / "a.png", **folder)
    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / "a.png").is_file()
