"""The page: whole, closed in itself, small enough, harmless, and right about what is missing."""

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import minidiff.page
from minidiff import plotting
from minidiff.cli import main
from minidiff.page.collect import COUNT, SAMPLES, SEEDS, STEPS, Denoising, Forward, Samples, collect
from minidiff.page.render import render, write_report
from minidiff.quiz import PRACTICE, QUESTIONS
from tests import tiny
from tests.page.pages import EVIL, Page, evil_run

SECTIONS = [
    "stages",
    "forward",
    "training",
    "prediction",
    "samples",
    "figures",
    "insight",
    "quiz",
    "practice",
    "making",
]
HERE = Path(minidiff.page.__file__).parent
FIGURES = {
    "count": 64, "count_floor": 60, "frechet": [3.21, 0.1], "frechet_floor": [0.5, 0.05], "kernel": [1.0, 0.1],
    "kernel_floor": [0.0, 0.01], "accuracy": None, "accuracy_real": None, "nearest_pixels": 31.5,
    "nearest_pixels_real": 30.25, "nearest_features": 2.0, "nearest_features_real": 2.5,
}  # fmt: skip


@pytest.fixture(scope="module")
def facts(tmp_path_factory, workers):
    run, data = evil_run(tmp_path_factory.mktemp("runs") / "evil", workers)
    with run:
        return collect(run, workers, dataset=data)


@pytest.fixture(scope="module")
def page(facts):
    return Page(render(facts))


def test_every_section_is_there_and_linked_to(page):
    assert [section["id"] for section in page.all("section")] == list(SECTIONS)
    links = [link["href"] for link in page.all("a")]
    assert links == ["#main", *(f"#{name}" for name in SECTIONS)]
    levels = [int(name[1]) for name, _, _ in page.elements if name in ("h1", "h2", "h3", "h4")]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))  # no level is left out


def test_true_shapes(page):
    said = page.text["dd"]
    assert "12 images x 8 x 8 x 3 channels" in said
    assert "x0: 4 images x 8 x 8 x 3 channels" in said
    assert "prediction: 4 images x 8 x 8 x 3 channels" in said
    assert "16 images x 8 x 8 x 3 channels" in said


def test_the_whole_quiz_is_there(page):
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


def test_everything_can_be_read_out(page):
    ids = [attributes["id"] for _, attributes, _ in page.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert all("alt" in image for image in page.all("img"))
    labeled = {label["for"] for label in page.all("label") if "for" in label}
    assert labeled <= set(ids)
    for name, attributes, around in page.elements:
        if name in ("input", "select"):
            assert attributes.get("id") in labeled or "label" in around
        if "aria-labeledby" in attributes:
            assert attributes["aria-labeledby"] in ids
        if name == "svg":
            assert attributes["aria-label"]


def test_nothing_is_fetched_from_anywhere(page, facts):
    for name, attributes, _ in page.elements:
        for key, value in attributes.items():
            assert not key.startswith("on"), (name, key)
            if key in ("src", "href"):
                assert value.startswith(("data:image/png;base64,", "#"))
    style, script = (HERE / "style.css").read_text(), (HERE / "page.js").read_text()
    assert "url(" not in style
    assert "@import" not in style
    assert not any(word in script for word in ("http", "fetch", "import", "XMLHttp", "innerHTML", "eval"))
    source = render(facts)
    assert "http://" not in source
    assert "https://" not in source


def test_names_from_data_do_no_harm(page, facts):
    assert [script.strip() for script in page.text["script"]] == [(HERE / "page.js").read_text().strip()]
    assert len(page.all("script")) == 1
    assert EVIL not in render(facts)
    assert page.whole_text.count(EVIL) > 5  # it is shown all the same, as text
    assert "</" not in (HERE / "page.js").read_text()  # a script ends at the first of these, even inside of a string
    assert "</" not in (HERE / "style.css").read_text()


def test_lines_have_the_colors_of_the_other_figures(facts):
    source = render(facts)
    for i, color in enumerate(plotting.COLORS):
        assert f"--okabe-ito-{i}:{color};" in source


def test_the_largest_page_has_less_than_5_megabytes(facts):
    """Images of noise, which no format makes smaller, at the largest size that is shown, and a long history."""
    noise = np.random.default_rng(0).integers(0, 256, (300, 64, 64, 3), np.uint8)
    t = list(range(21))
    steps, seeds = STEPS + 1, len(SEEDS)
    names = ["x" * 40] * SAMPLES
    history = [facts.history[-1] | {"epoch": epoch, "held_out_loss": 0.1} for epoch in range(1, 10_001)]
    large = replace(
        facts,
        dataset=replace(facts.dataset, images=noise[:12]),
        forward=Forward(t, noise[:63].reshape(21, 3, 64, 64, 3)),
        denoising=Denoising(
            list(range(STEPS, -1, -1)), noise[: steps * seeds].reshape(steps, seeds, 64, 64, 3),
            noise[-steps * seeds :].reshape(steps, seeds, 64, 64, 3), names[:seeds],
        ),
        samples=Samples(noise[:SAMPLES], names, noise[-SAMPLES:], np.ones(SAMPLES), 1.0),
        snapshots={epoch: noise[epoch : epoch + COUNT] for epoch in (1, 5, 10, 20, 40)},
        history=history,
    )  # fmt: skip
    size = len(render(large).encode())
    assert 2_000_000 < size < 5_000_000


@pytest.mark.parametrize("part", ["forward", "denoising", "samples", "dataset", "evaluation"])
def test_a_page_with_a_part_missing_is_whole(facts, part):
    missing = {name: f"{name} is gone" for name in ("data", "samples", "evaluation")}
    gone = replace(facts, **{part: None}, missing=missing)
    assert "is gone" in Page(render(gone)).whole_text


def test_a_run_that_has_just_begun(tmp_path, workers):
    with tiny.start(tmp_path / "run") as run:
        page = Page(render(collect(run, workers)))
    said = page.whole_text
    assert [section["id"] for section in page.all("section")] == list(SECTIONS)
    assert "no checkpoint yet" in said
    assert "No epoch has been finished yet" in said
    assert "not where they were" in said
    assert "not trained yet" in said
    assert "minidiff evaluate" in said


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
    said = page.text["dd"]
    assert f"12 images x 8 x 8 x {channels} channel{'s' if channels > 1 else ''}" in said
    assert ("3 classes" in said) == (classes == 3)
    assert ("no classes" in said) == (classes == 0)
    assert "held-out images" in page.whole_text
    assert "gone" not in page.whole_text
    gone = [around for name, attributes, around in page.elements if attributes.get("class") == "missing"]
    assert len([around for around in gone if "noscript" not in around]) == 1  # not measured yet


def test_samples_that_are_copies_are_called_copies(facts):
    def said(distance, spacing):
        samples = replace(facts.samples, distances=np.full(SAMPLES, distance), spacing=spacing)
        return Page(render(replace(facts, samples=samples))).whole_text

    assert "probably copies" in said(10.0, 30.0)
    assert "somewhat nearer" in said(20.0, 30.0)
    assert "no nearer than" in said(30.0, 30.0)
    assert "of all others" not in said(30.0, None)


def test_the_figures_of_evaluate(facts):
    said = Page(render(replace(facts, evaluation=FIGURES))).text["td"]
    assert "3.21 ± 0.10" in said
    assert "30.25" in said
    strange = Page(render(replace(facts, evaluation={"count": EVIL})))
    assert "of another version" in strange.whole_text


def test_the_command_writes_the_page_where_it_is_told(tmp_path, capsys):
    path = tmp_path / "run"
    options = "--data shapes --size 8 --images 8 --epochs 1 --channels 32 --T 20 --threads 1"
    assert main(["train", *options.split(), "--out", str(path)]) == 0
    (path / "evaluation.json").write_text(json.dumps(FIGURES))
    assert main(["report", str(path), "--threads", "1"]) == 0
    assert capsys.readouterr().out.endswith(f"{path / 'report.html'}\n")
    first = (path / "report.html").read_bytes()
    assert main(["report", str(path), "--out", str(tmp_path / "other.html"), "--threads", "2"]) == 0
    assert (tmp_path / "other.html").read_bytes() == first
    said = Page(first.decode()).whole_text
    assert "8 images x 8 x 8 x 3 channels" in said
    assert "3.21 ± 0.10" in said
    assert main(["report", str(path), "--out", str(tmp_path / "no" / "folder.html")]) == 2
    assert main(["report", str(tmp_path)]) == 2
    assert "holds no run" in capsys.readouterr().err


def test_the_page_is_written_whole_or_not_at_all(facts, tmp_path, workers, monkeypatch):
    monkeypatch.setattr("minidiff.page.render.collect", lambda *arguments: facts)
    (tmp_path / "report.html").write_text("old")
    with tiny.start(tmp_path / "run") as run:
        assert write_report(run, workers, tmp_path / "report.html") == tmp_path / "report.html"
    assert not list(tmp_path.glob("*.part"))
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == render(facts)
