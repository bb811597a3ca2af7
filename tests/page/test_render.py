"""The page: complete, without external resources, small, safe, and correct about what is missing."""

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import minidiff.page
from minidiff import plotting
from minidiff.cli import main
from minidiff.page.render import render, write_report
from minidiff.page.report_data import PATH_STEPS, SEEDS, Denoising, Forward, Samples, collect
from minidiff.quiz import PRACTICE, QUESTIONS
from minidiff.runs.pipeline import SAMPLES
from minidiff.runs.snapshots import COUNT
from tests import tiny
from tests.page.pages import EVIL, Page, evil_run

SECTIONS = [
    "stages", "forward", "training", "denoising", "samples", "evaluation", "insight", "quiz", "practice", "provenance",
]  # fmt: skip
HERE = Path(minidiff.page.__file__).parent
RESULTS = {
    "count": 64, "count_floor": 60, "frechet": [3.21, 0.1], "frechet_floor": [0.5, 0.05], "kernel": [1.0, 0.1],
    "kernel_floor": [0.0, 0.01], "accuracy": None, "accuracy_real": None, "nearest_pixels": 31.5,
    "nearest_pixels_real": 30.25, "nearest_features": 2.0, "nearest_features_real": 2.5,
}  # fmt: skip


@pytest.fixture(scope="module")
def report(tmp_path_factory, workers):
    run, data = evil_run(tmp_path_factory.mktemp("runs") / "evil", workers)
    with run:
        return collect(run, workers, dataset=data)


@pytest.fixture(scope="module")
def page(report):
    return Page(render(report))


def test_every_section_exists_and_has_a_link(page):
    assert [section["id"] for section in page.all("section")] == SECTIONS
    links = [link["href"] for link in page.all("a")]
    assert links == ["#main", *(f"#{name}" for name in SECTIONS)]
    titles = {found["id"]: found for found in page.all("h2")}
    assert list(titles) == [f"{name}-title" for name in SECTIONS]
    assert page.text["h2"] == page.text["a"][1:]  # headings and navigation agree
    levels = [int(name[1]) for name, _, _ in page.elements if name in ("h1", "h2", "h3", "h4")]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))  # no level is skipped


def test_the_shapes_of_the_stages(page):
    text = page.text["dd"]
    assert "12 images x 8 x 8 x 3 channels" in text
    assert "x0: 4 images x 8 x 8 x 3 channels" in text
    assert "prediction: 4 images x 8 x 8 x 3 channels" in text
    assert "16 images x 8 x 8 x 3 channels" in text


def test_the_complete_quiz_is_included(page):
    forms = page.all("form")
    assert len(forms) == len(QUESTIONS)
    text = page.whole_text.replace("\u00a0", " ")
    for question in QUESTIONS:
        for part in [question.hint, *question.explanation, *question.mistakes]:
            assert all(piece in text for piece in part.split("`"))
        for choice in question.choices:
            assert all(piece in text for piece in (choice.text + "`" + choice.why).split("`"))
        assert question.module in text
        assert question.tutorial in text
    radios = [found for found in page.all("input") if found["type"] == "radio"]
    assert len([radio for radio in radios if "data-right" in radio]) == len(QUESTIONS)
    for task in PRACTICE:
        for part in (task.starting_code, task.solution, task.check, task.hint):
            assert part in text


def test_a_screen_reader_finds_a_text_for_everything(page):
    ids = [attributes["id"] for _, attributes, _ in page.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert all("alt" in image for image in page.all("img"))
    labeled = {label["for"] for label in page.all("label") if "for" in label}
    assert labeled <= set(ids)
    for name, attributes, around in page.elements:
        if name in ("input", "select"):
            assert attributes.get("id") in labeled or "label" in around
        if "aria-labelledby" in attributes:
            assert attributes["aria-labelledby"] in ids
        if name == "svg":
            assert attributes["aria-label"]


def test_there_are_no_external_resources(page, report):
    for name, attributes, _ in page.elements:
        for key, value in attributes.items():
            assert not key.startswith("on"), (name, key)
            if key in ("src", "href"):
                assert value.startswith(("data:image/png;base64,", "#"))
    style, script = (HERE / "style.css").read_text(), (HERE / "page.js").read_text()
    assert "url(" not in style
    assert "@import" not in style
    assert not any(word in script for word in ("http", "fetch", "import", "XMLHttp", "innerHTML", "eval"))
    source = render(report)
    assert "http://" not in source
    assert "https://" not in source


def test_names_from_data_are_escaped(page, report):
    assert [script.strip() for script in page.text["script"]] == [(HERE / "page.js").read_text().strip()]
    assert len(page.all("script")) == 1
    assert EVIL not in render(report)
    assert page.whole_text.count(EVIL) > 5  # it is shown as text
    assert "</" not in (HERE / "page.js").read_text()  # a script ends at the first of these, even inside of a string
    assert "</" not in (HERE / "style.css").read_text()


def test_lines_have_the_colors_of_plotting(report):
    source = render(report)
    for i, color in enumerate(plotting.COLORS):
        assert f"--okabe-ito-{i}:{color};" in source


def test_the_largest_page_has_less_than_5_megabytes(report):
    """Incompressible images at the largest size that is shown, and a long history."""
    noise = np.random.default_rng(0).integers(0, 256, (300, 64, 64, 3), np.uint8)
    t = list(range(21))
    steps, seeds = PATH_STEPS + 1, len(SEEDS)
    names = ["x" * 40] * SAMPLES
    history = [report.history[-1] | {"epoch": epoch, "held_out_loss": 0.1} for epoch in range(1, 10_001)]
    large = replace(
        report,
        dataset=replace(report.dataset, images=noise[:12]),
        forward=Forward(t, noise[:63].reshape(21, 3, 64, 64, 3)),
        denoising=Denoising(
            list(range(PATH_STEPS, -1, -1)), noise[: steps * seeds].reshape(steps, seeds, 64, 64, 3),
            noise[-steps * seeds :].reshape(steps, seeds, 64, 64, 3), names[:seeds],
        ),
        samples=Samples(noise[:SAMPLES], names, noise[-SAMPLES:], np.ones(SAMPLES), 1.0),
        snapshots={epoch: noise[epoch : epoch + COUNT] for epoch in (1, 5, 10, 20, 40)},
        history=history,
    )  # fmt: skip
    size = len(render(large).encode())
    assert 2_000_000 < size < 5_000_000


@pytest.mark.parametrize("part", ["forward", "denoising", "samples", "dataset", "evaluation"])
def test_a_page_with_a_missing_part_is_complete(report, part):
    missing = {name: f"{name} is gone" for name in ("data", "samples", "evaluation")}
    gone = replace(report, **{part: None}, missing=missing)
    assert "is gone" in Page(render(gone)).whole_text


def test_a_run_that_has_just_begun(tmp_path, workers):
    with tiny.start(tmp_path / "run") as run:
        page = Page(render(collect(run, workers)))
    text = page.whole_text
    assert [section["id"] for section in page.all("section")] == SECTIONS
    assert "no checkpoint yet" in text
    assert "No epoch has been finished yet" in text
    assert "cannot be loaded again" in text
    assert "not trained yet" in text
    assert "minidiff evaluate" in text


@pytest.mark.parametrize(
    ("channels", "classes", "training"),
    [
        (1, 0, {"epochs": 1}),
        (3, 0, {"epochs": 2, "schedule": "variance_exploding", "target": "image"}),
        (1, 3, {"epochs": 1, "T": 1, "schedule": "cosine", "target": "velocity"}),
        (3, 3, {"epochs": 1, "T": 2, "target": "noise"}),
    ],
)
def test_other_kinds_of_runs(tmp_path, workers, channels, classes, training):
    data, training = tiny.dataset(channels=channels, num_classes=classes), replace(tiny.TRAINING, **training)
    with tiny.start(tmp_path / "run", training, data) as run:
        tiny.train(run, workers, training, data, held_out=tiny.dataset(5, channels, classes, seed=1))
        page = Page(render(collect(run, workers, dataset=data)))
    text = page.text["dd"]
    assert f"12 images x 8 x 8 x {channels} channel{'s' if channels > 1 else ''}" in text
    assert ("3 classes" in text) == (classes == 3)
    assert ("no classes" in text) == (classes == 0)
    assert "held-out images" in page.whole_text
    assert "gone" not in page.whole_text
    missing = [around for name, attributes, around in page.elements if attributes.get("class") == "missing"]
    assert len([around for around in missing if "noscript" not in around]) == 1  # not evaluated yet


def test_samples_near_training_images_are_called_copies(report):
    def text(distance, spacing):
        samples = replace(report.samples, distances=np.full(SAMPLES, distance), spacing=spacing)
        return Page(render(replace(report, samples=samples))).whole_text

    assert "probably copies" in text(10.0, 30.0)
    assert "somewhat nearer" in text(20.0, 30.0)
    assert "no nearer than" in text(30.0, 30.0)
    assert "other training image" not in text(30.0, None)


def test_the_results_of_evaluate(report):
    text = Page(render(replace(report, evaluation=RESULTS))).text["td"]
    assert "3.21 ± 0.10" in text
    assert "30.25" in text
    agreement = {"eyes": [0.5, 0.01]}
    newer = RESULTS | {"whole": [0.625, 0.02], "whole_floor": [0.99, 0.01], "spliced": [0, 0], "spliced_floor": [0, 0]}
    newer |= {"agreement": agreement, "agreement_floor": {"eyes": [1.0, 0.0]}}
    newer |= {"precision": [0.8, 0.1], "precision_floor": [0.9, 0.1], "recall": [0.7, 0.1], "recall_floor": [0.9, 0.1]}
    text = Page(render(replace(report, evaluation=newer))).text["td"]
    assert {"62.5 ± 2.0 %", "50.0 ± 1.0 %", "0.80 ± 0.10", "0.70 ± 0.10"} <= {cell.strip() for cell in text}
    assert "When are the eyes decided" not in Page(render(replace(report, evaluation=newer))).whole_text
    chart = np.full((80, 120, 3), 200, np.uint8)
    with_chart = render(replace(report, evaluation=newer, decisions=chart))
    assert "When are the eyes decided" in Page(with_chart).whole_text
    assert 'width="120" height="80"' in with_chart  # whole, although images of more than 64 pixels are subsampled
    strange = Page(render(replace(report, evaluation={"count": EVIL})))
    assert "from another version" in strange.whole_text


def test_the_command_writes_the_page(tmp_path, capsys):
    path = tmp_path / "run"
    options = "--data shapes --size 8 --images 8 --epochs 1 --channels 32 --T 20 --threads 1"
    assert main(["train", *options.split(), "--out", str(path)]) == 0
    (path / "evaluation.json").write_text(json.dumps(RESULTS))
    assert main(["report", str(path), "--threads", "1"]) == 0
    assert capsys.readouterr().out.endswith(f"{path / 'report.html'}\n")
    first = (path / "report.html").read_bytes()
    assert main(["report", str(path), "--out", str(tmp_path / "other.html"), "--threads", "2"]) == 0
    assert (tmp_path / "other.html").read_bytes() == first
    text = Page(first.decode()).whole_text
    assert "8 images x 8 x 8 x 3 channels" in text
    assert "3.21 ± 0.10" in text
    assert main(["report", str(path), "--out", str(tmp_path / "no" / "folder.html")]) == 2
    assert main(["report", str(tmp_path)]) == 2
    assert "holds no run" in capsys.readouterr().err


def test_the_page_is_written_atomically(report, tmp_path, workers, monkeypatch):
    monkeypatch.setattr("minidiff.page.render.collect", lambda *arguments: report)
    (tmp_path / "report.html").write_text("old")
    with tiny.start(tmp_path / "run") as run:
        assert write_report(run, workers, tmp_path / "report.html") == tmp_path / "report.html"
    assert not list(tmp_path.glob("*.part"))
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == render(report)
