"""Puts the sections into one page that needs nothing but itself."""

from pathlib import Path

from minidiff.atomic import write_whole
from minidiff.page import denoising, forward, making, progress, questions, samples, stages
from minidiff.page.collect import collect
from minidiff.page.markup import LARGEST_SIDE, Markup, element, missing, shown_step
from minidiff.plotting import COLORS

HERE = Path(__file__).parent
SECTIONS = {  # in the order of the page, and how the list at its top calls them
    "stages": "Four stages",
    "forward": "Forward process",
    "training": "Training",
    "prediction": "Prediction",
    "samples": "Samples",
    "figures": "Figures",
    "insight": "Key insight",
    "quiz": "Quiz",
    "practice": "Practice",
    "making": "How it was made",
}
# Nothing may be fetched from anywhere, whatever the page contains.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def write_report(run, workers, path=None, say=lambda line: None, dataset=None):
    """Writes the page of a run.

    Args:
        run: `Run`.
        workers: `Workers`.
        path: of the file; RUN/report.html if not given.
        say, dataset: as in `collect`.

    Returns:
        The file's path.

    Raises:
        MinidiffError: the run cannot be read, or the file cannot be written.
    """
    path = Path(path or run.path / "report.html")
    text = render(collect(run, workers, say, dataset))
    write_whole(path, lambda file: file.write(text.encode()))
    return path


def render(facts):
    """The page, as text.

    Args:
        facts: from `collect`.

    Returns:
        HTML.
    """
    links = [element("li", element("a", name, href=f"#{place}")) for place, name in SECTIONS.items()]
    head = element(
        "head",
        Markup('<meta charset="utf-8">'),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{facts.name}: a diffusion model, from noise to images"),
        element("style", Markup(colors() + (HERE / "style.css").read_text(encoding="utf-8"))),
        element("noscript", element("style", Markup(".explanation[hidden] { display: block; }"))),
    )
    header = element(
        "header",
        element("p", "minidiff", class_="brand"),
        element("button", "Dark theme", type="button", id="theme", aria_pressed="false"),
        element("h1", facts.name),
        element("p", summary(facts), class_="lead"),
        element("noscript", missing("Without JavaScript all frames of a film are shown, and all answers.")),
        element("nav", element("ul", links), aria_label="Sections"),
    )
    main = element(
        "main",
        stages.render(facts),
        forward.render(facts),
        progress.render(facts),
        denoising.render(facts),
        samples.render_nearest(facts),
        samples.render_evaluation(facts),
        questions.render_insight(),
        questions.render_quiz(),
        questions.render_practice(),
        making.render(facts),
        id="main",
    )
    script = element("script", Markup((HERE / "page.js").read_text(encoding="utf-8")))
    skip = element("a", "Skip to the content", href="#main", class_="skip")
    return "<!doctype html>\n" + element("html", head, element("body", skip, header, main, script), lang="en") + "\n"


def summary(facts):
    """The run in two sentences."""
    side = max(facts.network.example_shape[:2])
    step = shown_step(side)
    last = facts.history[-1] if facts.history else None
    trained = f"trained for {last['epoch']} epochs in {last['seconds']:,.0f} seconds" if last else "not trained yet"
    return (
        f"A network of {facts.num_parameters:,} parameters, {trained}. Every image, shape and loss on this "
        "page was measured in this run."
        + (f" Images are more than {LARGEST_SIDE} pixels wide: one in {step} is shown, each way." if step > 1 else "")
    )


def colors():
    """The colors of `plotting.py`, as variables of the page's style."""
    return ":root{" + "".join(f"--okabe-ito-{i}:{color};" for i, color in enumerate(COLORS)) + "}\n"
