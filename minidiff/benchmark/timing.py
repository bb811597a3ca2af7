"""Timing: several functions side by side in one run, in turns, with medians and without the warm-up.

The speed of a machine changes with its temperature and its other load. So two programs are never timed one after the
other: they take turns, and the result is the ratio of their medians.
"""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence

REST = 0.02  # seconds between turns, until the idle threads of the other program have stopped spinning
TURN = 0.05  # seconds that a turn takes at least


def take_turns(functions: Mapping[str, Callable[[], object]], rounds: int = 7, warm_up: int = 2) -> dict[str, float]:
    """Times functions in turns: the median seconds per call of each.

    After a rest, caches are cold and the clock rate is low. That hardly matters for a long function. A short one is
    called several times in its turn, and the first call does not count.
    """
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for turn in range(warm_up + rounds):
        for name, function in functions.items():
            time.sleep(REST)
            first = _seconds_of(function, 1)
            if turn >= warm_up:
                calls = round(TURN / first)
                seconds[name].append(_seconds_of(function, calls) if calls > 1 else first)
    return {name: statistics.median(times) for name, times in seconds.items()}


def _seconds_of(function: Callable[[], object], calls: int) -> float:
    """The mean seconds per call."""
    start = time.perf_counter()
    for _ in range(calls):
        function()
    return (time.perf_counter() - start) / calls


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Lines of text with the first column aligned to the left and the others to the right."""
    cells = [list(head), *([_text(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])] for row in cells)
    return "\n".join("   " + "  ".join(line) for line in lines)


def _text(cell: object) -> str:
    if not isinstance(cell, float):
        return str(cell)
    return f"{cell:.3g}" if abs(cell) < 100 else f"{cell:,.0f}"
