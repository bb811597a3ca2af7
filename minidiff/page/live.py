"""The report of a run that is being trained: written from the first step on, refreshed, and completed at the end."""

import contextlib
import logging
import math
import shlex
import time
from typing import Any

from minidiff.atomic import write_text
from minidiff.data.dataset import Dataset
from minidiff.divergence import Diverged
from minidiff.errors import MinidiffError
from minidiff.page.render import REPORT, Live, render, write_report
from minidiff.page.report_data import ReportData, add_progress, collect
from minidiff.parallel import Workers
from minidiff.runs.folder import Run
from minidiff.runs.pipeline import run_stages
from minidiff.runs.status import Status
from minidiff.text import clean
from minidiff.training_config import TrainingConfig
from minidiff.unet_config import UNetConfig

logger = logging.getLogger(__name__)

INTERVAL = 5.0  # seconds between two refreshes, at least
LARGEST_SHARE = 0.01  # of the time that refreshes may take


def run_with_report(
    run: Run, network: UNetConfig, dataset: Dataset, training: TrainingConfig, workers: Workers, **options: Any
) -> None:
    """Runs all four stages as `run_stages` does, and keeps the report up to date meanwhile.

    Arguments and errors are those of `run_stages`. If the training is stopped, the report says so.
    """
    report = LiveReport(run, dataset, workers)
    try:
        run_stages(run, network, dataset, training, workers, watch=report.refresh, **options)
        logger.info("   the report: the denoising of four images, samples and their nearest training images")
        report.finish()
        logger.info("   %s", write_report(run, workers, dataset=dataset))
    except (KeyboardInterrupt, MinidiffError) as error:
        report.stop(error)
        raise


class LiveReport:
    """Writes the report of a run while it is trained, without images that only the finished network generates.

    Args:
        run: locked.
        dataset: its training images.
        workers: as for `collect`.
    """

    def __init__(self, run: Run, dataset: Dataset, workers: Workers) -> None:
        self.run, self.dataset, self.workers = run, dataset, workers
        self._report: ReportData | None = None
        self._status: Status | None = None
        self._finished = False
        self._next, self._interval = -math.inf, INTERVAL

    def __repr__(self) -> str:
        return f"LiveReport({self.run})"

    def refresh(self, status: Status) -> None:
        """Writes the report again, unless that was done a short time ago."""
        self._status = status
        start = time.monotonic()
        if start < self._next:
            return
        try:
            self._write(Live(f"running, {status}", math.ceil(self._interval), time.time()))
        except MinidiffError as error:  # a page to look at is no reason to stop
            logger.warning("%s; training goes on without a report", error)
            self._next = math.inf
            return
        now = time.monotonic()
        self._interval = max(INTERVAL, (now - start) / LARGEST_SHARE)
        self._next = now + self._interval

    def finish(self) -> None:
        """Writes the report of a finished training, before the images that it still lacks are generated."""
        self._finished = True
        self._write(Live("trained; the images of this page are being generated", math.ceil(INTERVAL), time.time()))

    def stop(self, error: BaseException) -> None:
        """Writes the report of training that an error stopped after its first step."""
        path = shlex.quote(clean(self.run.path))
        if self._finished:
            text = f"trained; `minidiff report {path}` completes this page"
        elif isinstance(error, Diverged):
            text = f"stopped, because training diverged: {clean(error)}"
        elif self._status is not None:
            where = f"epoch {self._status.epoch} of {self._status.epochs}"
            text = f"stopped in {where}; `minidiff train --resume {path}` continues the training"
        else:
            return
        with contextlib.suppress(MinidiffError):  # the one that stopped the training is more important
            self._write(Live(text))

    def _write(self, live: Live) -> None:
        if self._report is None:
            self._report = collect(self.run, self.workers, self.dataset, generate_images=False)
        add_progress(self._report, self.run)
        write_text(self.run.path / REPORT, render(self._report, live))
