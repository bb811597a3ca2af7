"""How things are timed here: side by side in one run, medians, warm-up left out.

The speed of a machine drifts with its temperature and with whatever else it is doing, so two programs are never timed
one after the other: they take turns, and what is quoted is the ratio of their medians.
"""

import statistics
import time

REST = 0.02  # seconds between turns, so that a rival's idle threads have stopped waiting for work and gone to sleep
TURN = 0.05  # seconds that a turn takes at least


def take_turns(functions, rounds=7, warm_up=2):
    """Seconds each function takes, measured in turns.

    A rest cools down caches and clocks. A function that takes long does not notice; a short one is called several times
    in its turn, of which the first call is not counted.

    Args:
        functions: dict name -> function without arguments.
        rounds: how often each has its turn.
        warm_up: how often each is called before.

    Returns:
        dict name -> median seconds of a call.
    """
    seconds = {name: [] for name in functions}
    for turn in range(warm_up + rounds):
        for name, function in functions.items():
            time.sleep(REST)
            first = _seconds_of(function, 1)
            if turn >= warm_up:
                calls = round(TURN / first)
                seconds[name].append(_seconds_of(function, calls) if calls > 1 else first)
    return {name: statistics.median(times) for name, times in seconds.items()}


def _seconds_of(function, calls):
    """Seconds a call takes, on average over some."""
    start = time.perf_counter()
    for _ in range(calls):
        function()
    return (time.perf_counter() - start) / calls


def table(head, rows):
    """Lines of text with columns set flush: the first to the left, the others to the right."""
    cells = [head, *[[_text(cell) for cell in row] for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    return [
        "   " + "  ".join([row[0].ljust(widths[0]), *[c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True)]])
        for row in cells
    ]


def _text(cell):
    return (
        f"{cell:.3g}"
        if isinstance(cell, float) and abs(cell) < 100
        else f"{cell:,.0f}"
        if isinstance(cell, float)
        else str(cell)
    )
