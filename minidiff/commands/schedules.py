"""`minidiff schedules`: compares the schedules by their signal, noise and log-SNR.

minidiff schedules --T 100
minidiff schedules --out schedules.png     with a chart
"""

import argparse

from minidiff import plotting
from minidiff.commands.options import check_out
from minidiff.schedule import CURVES, Schedule
from minidiff.text import clean


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `minidiff schedules` to its parser."""
    parser.add_argument("--T", type=int, default=1000, help="number of timesteps (default: 1000)")
    parser.add_argument("--shift", type=float, default=1.0, help="factor on every noise level (default: 1)")
    parser.add_argument(
        "--sigma-max", type=float, default=0.0, help="noise level at T (default: where each published curve ends)"
    )
    parser.add_argument("--out", metavar="FILE", help=".png file of a chart (default: no chart)")


def run(options: argparse.Namespace) -> None:
    """Executes `minidiff schedules`."""
    check_out(options.out, (".png",), "charts")
    schedules = {name: Schedule(name, options.T, options.shift, options.sigma_max) for name in CURVES}
    columns = ("signal at T", "noise at T", "noise level")
    print(f"{'schedule':20} {' '.join(f'{column:>12}' for column in columns)} {'log-SNR at 1':>14} {'at T':>8}")
    for name, schedule in schedules.items():
        log_snr = schedule.log_snr
        last = " ".join(f"{array[-1]:12.4g}" for array in (schedule.signal, schedule.noise, schedule.sigma))
        print(f"{name:20} {last} {log_snr[1]:14.2f} {log_snr[-1]:8.2f}")
    if options.out:
        plotting.save_schedules(options.out, schedules)
        print(clean(options.out))
