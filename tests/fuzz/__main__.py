"""Random edits of every file of a run and of every data format, and random options, through every command.

    python -m tests.fuzz --minutes 10               from the seeds 0, 1, ...
    python -m tests.fuzz --seed 4711 --count 1      one case again; its folder is kept

Each case is a process with limits on memory and time. It must end with exit code 0, or with 2 and one line that starts
with "minidiff: ". Prints the cases that do not, and ends with exit code 1 if there are any.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.fuzz.cases import Case, prepare


def main() -> int:
    """Runs cases until the time is over; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Tries random edits and options.")
    parser.add_argument("--minutes", type=float, default=1.0, help="default: 1")
    parser.add_argument("--count", type=int, help="number of cases (default: as many as there is time for)")
    parser.add_argument("--seed", type=int, default=0, help="of the first case (default: 0)")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="minidiff-fuzz-"))
    try_case = prepare(folder)
    end = time.monotonic() + 60 * options.minutes
    seed, codes, failed = options.seed, Counter(), []
    while (options.count is None or seed < options.seed + options.count) and time.monotonic() < end:
        case: Case = try_case(seed, keep=options.count == 1)
        codes[case.code] += 1
        if case.problem:
            failed.append(case)
            print(case, flush=True)
        seed += 1
    print(f"{sum(codes.values())} cases from seed {options.seed}: exit codes {dict(codes)}, {len(failed)} failures")
    for problem, count in Counter(case.problem for case in failed).most_common():
        print(f"{count:6} {problem}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
