"""The report while a run is trained: written from the first step on, refreshed, and complete at the end."""

import math
import time

import pytest

from minidiff.divergence import Diverged
from minidiff.errors import MinidiffError
from minidiff.page import live
from minidiff.page.live import LiveReport, run_with_report
from minidiff.page.render import Live, render
from minidiff.page.report_data import collect
from minidiff.runs.status import Status
from tests import tiny
from tests.page.pages import Page, evil_run


def status_of(path):
    """The text and the attributes of the line about the training, or None."""
    page = Page((path / "report.html").read_text())
    found = [attributes for _, attributes, _ in page.elements if attributes.get("id") == "status"]
    return (page.whole_text[page.whole_text.index("running") :][:40] if found else None), (found or [None])[0]


@pytest.fixture(scope="module")
def evil(tmp_path_factory, workers):
    run, data = evil_run(tmp_path_factory.mktemp("runs") / "evil", workers)
    with run:
        yield run, data


def test_a_running_page_says_so_and_loads_itself_again(evil, workers):
    report = collect(evil[0], workers, evil[1], generate_images=False)
    text = render(report, Live("running, epoch 7 of 20, 4 min left", 5, 1234567.8))
    page = Page(text)
    (line,) = [found for found in page.all("p") if found.get("id") == "status"]
    assert (line["data-seconds"], line["data-written"]) == ("5", "1234568")
    assert "running, epoch 7 of 20, 4 min left" in page.whole_text
    refresh = [found for found in page.all("meta") if found.get("http-equiv") == "refresh"]
    assert [found["content"] for found in refresh] == ["5"]
    assert "Images are generated when the training has finished." in page.whole_text
    stopped = Page(render(report, Live("stopped in epoch 2 of 3; `minidiff train` goes on")))
    (line,) = [found for found in stopped.all("p") if found.get("id") == "status"]
    assert "data-seconds" not in line
    assert "minidiff train" in stopped.text["code"]
    finished = Page(render(report))
    for other in (stopped, finished):
        assert not [found for found in other.all("meta") if found.get("http-equiv") == "refresh"]
    assert not [found for found in finished.all("p") if found.get("id") == "status"]


def test_refreshes_take_a_small_share_of_the_time(evil, workers, monkeypatch):
    now, written = [0.0], []
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def write(self, page):
        written.append((now[0], page.text))
        now[0] += 0.2

    monkeypatch.setattr(LiveReport, "_write", write)
    report = LiveReport(evil[0], evil[1], workers)
    for step in range(1000):
        report.refresh(Status(1 + step // 100, 10, 100.0))
        now[0] += 0.1
    assert written[0] == (0.0, "running, epoch 1 of 10, 2 min left")
    assert len(written) == pytest.approx(100 / (0.2 / live.LARGEST_SHARE), abs=1)
    report.stop(KeyboardInterrupt())
    assert written[-1][1].startswith("stopped in epoch 10 of 10; `minidiff train --resume ")


@pytest.mark.parametrize("stop", [None, KeyboardInterrupt, MinidiffError])
def test_the_report_of_a_training(tmp_path, workers, monkeypatch, stop):
    data, seen = tiny.dataset(), []
    real, finish = LiveReport.refresh, LiveReport.finish

    def finish_and_look(self):
        finish(self)
        seen.append((self.run.path / "report.html").read_text())

    def refresh(self, status):
        self._next = -math.inf
        real(self, status)
        seen.append((self.run.path / "report.html").read_text())
        if stop and len(seen) == 4:
            raise stop("enough")

    monkeypatch.setattr(LiveReport, "refresh", refresh)
    monkeypatch.setattr(LiveReport, "finish", finish_and_look)
    run = tiny.start(tmp_path / "run", data=data)
    arguments = (run, tiny.network().config, data, tiny.TRAINING, workers)
    with run:
        if stop:
            with pytest.raises(stop, match="enough"):
                run_with_report(*arguments)
        else:
            run_with_report(*arguments)
    assert "running, epoch 1 of 3" in seen[0]
    assert "No epoch has been finished yet" in seen[0]
    assert "No epoch has been finished yet" not in seen[3]  # in the second epoch
    assert "running, epoch 2 of 3" in seen[3]
    assert ("trained; the images of this page are being generated" in seen[-1]) == (not stop)
    final = (run.path / "report.html").read_text()
    assert "running" not in Page(final).whole_text.split("Four stages")[0]
    assert ("stopped in epoch 2 of 3" in final) == bool(stop)
    assert ("Images are generated when the training has finished." in final) == bool(stop)


def test_a_report_that_was_interrupted_at_the_end_says_how_it_is_completed(evil, workers):
    report = LiveReport(evil[0], evil[1], workers)
    report.finish()
    report.stop(KeyboardInterrupt())
    text = (evil[0].path / "report.html").read_text()
    assert "trained; <code>minidiff report" in text
    assert "--resume" not in text.split("<nav")[0]


def test_after_a_divergence_the_page_shows_the_remedy(evil, workers):
    report = LiveReport(evil[0], evil[1], workers)
    report.refresh(Status(1, 3, 60.0))
    report.stop(Diverged("loss NaN; resume with: minidiff train --resume RUN --learning-rate 0.001"))
    assert "training diverged: loss NaN; resume with" in Page((evil[0].path / "report.html").read_text()).whole_text


def test_training_goes_on_if_the_report_cannot_be_written(evil, workers, monkeypatch, caplog):
    def write(*_):
        raise MinidiffError("the disk is full; make room")

    monkeypatch.setattr(live, "write_text", write)
    report = LiveReport(evil[0], evil[1], workers)
    report.refresh(Status(1, 3, 60.0))
    report.refresh(Status(1, 3, 50.0))
    assert caplog.messages == ["the disk is full; make room; training goes on without a report"]


def test_a_run_that_never_started_leaves_no_report(tmp_path, workers, monkeypatch):
    run, data = tiny.start(tmp_path / "run"), tiny.dataset()

    def train():
        with run:
            LiveReport(run, data, workers).refresh(Status(1, 3, math.nan))
            assert (run.path / "report.html").is_file()
            raise MinidiffError("diverged in the first step")

    with pytest.raises(MinidiffError, match="diverged"):
        train()
    assert not run.path.exists()
