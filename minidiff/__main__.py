"""The process of a command, `minidiff` or `python -m minidiff`: signals, streams, and the exit code.

Importing minidiff takes a second. A signal must end that time with one line too, so this module imports the rest only
after it has prepared for signals, and the package itself imports nothing until something of it is used.
"""

import contextlib
import logging
import os
import signal
import sys
from types import FrameType

from minidiff.streams import failure, open_standard_streams

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def run() -> int:
    """Runs the command of `sys.argv` and returns the exit code: as `cli.main`, or 128 + the number of a signal."""
    output, _ = open_standard_streams()
    handle_signals(end_at_once)
    os.environ["MPLBACKEND"] = "agg"  # figures are files; a notebook's backend may not be installed here
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it warns of a home folder that is not writable

    from minidiff.cli import INTERRUPTED, main
    from minidiff.runs.interruption import Interruption

    interruption = Interruption(at_once=True)
    try:
        interruption.__enter__()  # until the process ends
        code = main()
    except SystemExit as end:  # of --help, or of an option that is wrong
        code = int(end.code or 0)
    except KeyboardInterrupt:
        code = INTERRUPTED
    interruption.ending = True
    handle_signals(signal.SIG_IGN)
    if code == INTERRUPTED and interruption.number is not None:
        code = 128 + interruption.number
    sys.stdout.flush()
    if problem := failure(output):
        print(f"minidiff: cannot write the output: {problem}", file=sys.stderr)
        code = code or 2
    return code


def handle_signals(handler: object) -> None:
    """Sets what a signal to terminate does, except those that are ignored, as SIGHUP under `nohup`."""
    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)  # type: ignore[arg-type]


def end_at_once(number: int, frame: FrameType | None) -> None:
    """The handler during imports, which may discard an exception or turn it into another one."""
    with contextlib.suppress(OSError):
        os.write(2, b"minidiff: stopped\n")
    os._exit(128 + number)


if __name__ == "__main__":
    sys.exit(run())
