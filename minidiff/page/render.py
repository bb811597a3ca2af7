"""Joins the sections into one HTML file without external resources."""

from dataclasses import dataclass
from pathlib import Path

from minidiff.atomic import write_text
from minidiff.data.dataset import Dataset
from minidiff.page import denoising, forward, provenance, questions, samples, stages, training
from minidiff.page.markup import MAX_SIDE, SECTIONS, Markup, element, missing, subsampling, with_code
from minidiff.page.report_data import ReportData, collect
from minidiff.parallel import Workers
from minidiff.plotting import COLORS
from minidiff.runs.folder import Run

REPORT = "report.html"
HERE = Path(__file__).parent
# nothing is fetched over the network, whatever the page contains
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


@dataclass(frozen=True)
class Live:
    """What the page says about training that has not finished.

    Attributes:
        text: such as "running, epoch 7 of 20, 4 min left".
        seconds: after which the page loads itself again; 0 if the training has stopped.
        written: when the page was written, in seconds since 1970.
    """

    text: str
    seconds: int = 0
    written: float = 0.0


def write_report(run: Run, workers: Workers, path: str | Path | None = None, dataset: Dataset | None = None) -> Path:
    """Writes the report of a run, by default to RUN/report.html, and returns the file's path."""
    path = Path(path or run.path / REPORT)
    text = render(collect(run, workers, dataset))
    write_text(path, text)
    return path


def render(report: ReportData, live: Live | None = None) -> str:
    """The report as HTML."""
    links = [element("li", element("a", name, href=f"#{id}")) for id, name in SECTIONS.items()]
    colors = "".join(f"--okabe-ito-{i}:{color};" for i, color in enumerate(COLORS))
    style = f":root{{{colors}}}\n" + (HERE / "style.css").read_text(encoding="utf-8")
    head = element(
        "head",
        Markup('<meta charset="utf-8">'),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{report.name}: a diffusion model, from noise to images"),
        element("style", Markup(style)),
        element("noscript", element("style", Markup(".explanation[hidden] { display: block; }")), reload(live)),
    )
    header = element(
        "header",
        element("p", "minidiff", class_="brand"),
        element("button", "Dark theme", type="button", id="theme", aria_pressed="false"),
        element("h1", report.name),
        None if live is None else status(live),
        element("p", summary(report), class_="lead"),
        element("noscript", missing("Without JavaScript all frames of an animation are shown, and all explanations.")),
        element("nav", element("ul", links), aria_label="Sections"),
    )
    main = element(
        "main",
        stages.render(report),
        forward.render(report),
        training.render(report),
        denoising.render(report),
        samples.render_nearest(report),
        samples.render_evaluation(report),
        questions.render_insight(),
        questions.render_quiz(),
        questions.render_practice(),
        provenance.render(report),
        id="main",
    )
    script = element("script", Markup((HERE / "page.js").read_text(encoding="utf-8")))
    skip = element("a", "Skip to the content", href="#main", class_="skip")
    return "<!doctype html>\n" + element("html", head, element("body", skip, header, main, script), lang="en") + "\n"


def status(live: Live) -> Markup:
    """The line about the training; `page.js` loads the page again while it runs."""
    times = {"data_seconds": live.seconds, "data_written": round(live.written)} if live.seconds else {}
    return element("p", with_code(live.text), id="status", class_="status", **times)


def reload(live: Live | None) -> Markup | None:
    """The element that loads the page of a running training again without JavaScript, or None."""
    return element("meta", http_equiv="refresh", content=live.seconds) if live and live.seconds else None


def summary(report: ReportData) -> str:
    """The run in two sentences."""
    last = report.history[-1] if report.history else None
    trained = f"trained for {last['epoch']} epochs in {last['seconds']:,.0f} seconds" if last else "not trained yet"
    text = (
        f"A network of {report.num_parameters:,} parameters, {trained}. Every image, shape and loss on this page "
        "comes from this run."
    )
    stride = subsampling(max(report.network.example_shape[:2]))
    if stride > 1:
        text += f" Images are larger than {MAX_SIDE} pixels; one pixel in {stride} is shown in each direction."
    return text
