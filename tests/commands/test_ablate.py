"""`minidiff ablate`: the table matches the files of the runs, and finished work is not repeated."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from minidiff import data
from minidiff.cli import main
from minidiff.evaluation.ablation import ROWS, Budget, Result, choose_rows, configs_of, epochs_of
from minidiff.evaluation.ablation_table import save_strips, several, table
from minidiff.evaluation.evaluate import MEASURES
from minidiff.runs import train
from minidiff.runs.folder import Run
from minidiff.unet import UNet
from tests import tiny

SHARES = {
    "agreement": {"eyes": [0.25, 0.05], "all": [0.125, 0.025]}, "agreement_floor": {"eyes": [1.0, 0], "all": [1.0, 0]},
    "whole": [0.5, 0.05], "whole_floor": [1.0, 0], "precision": [0.75, 0.05], "precision_floor": [0.9, 0],
    "recall": [0.625, 0.05], "recall_floor": [0.9, 0],
}  # fmt: skip
TINY = ["--images", "24", "--size", "16", "--minutes", "0", "--epochs", "1", "--samples", "32", "--threads", "1"]


@pytest.fixture(autouse=True)
def _short_training(monkeypatch):
    """Of the networks that measure."""
    short = {"recognition.EXAMPLES": 400, "splices.EXAMPLES": 400, "agreement.DRAWN": 48, "measure.LEARNING_IMAGES": 48}
    short |= {"decisions.PATHS": 8, "decisions.PAIRS": 32}
    for name, value in short.items():
        monkeypatch.setattr(f"minidiff.evaluation.{name}", value)


def cells_of(text):
    """The rows of a Markdown table: name -> texts of the other cells."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return {row[0]: row[1:] for row in rows[2:]}


def test_every_row_but_the_first_differs_and_is_valid():
    dataset = data.load("cats", num_images=8, size=64, seed=0)
    assert len({row.name for row in ROWS}) == len(ROWS)
    configs = [configs_of(row, dataset, epochs=20, seed=0) for row in ROWS]
    assert configs[0] == (train.network_for(dataset), train.training_for(dataset))
    assert all(one != other for i, one in enumerate(configs) for other in configs[:i])
    for network, training in configs:
        UNet(network)
        training.create_schedule().target_coefficients(training.target, 1)


def test_rows_come_in_the_order_of_the_table():
    assert choose_rows(None) == list(ROWS)
    assert [row.name for row in choose_rows(["shift", "recipe"])] == ["recipe", "shift"]


def test_two_rows_end_to_end_without_repetition(tmp_path, capsys, monkeypatch):
    out, stepped = tmp_path / "ablation", []

    def quarter_of_a_second(functions, rounds):
        stepped.extend(function().images for function in functions.values())
        return dict.fromkeys(functions, 0.25)

    monkeypatch.setattr("minidiff.evaluation.ablation.take_turns", quarter_of_a_second)
    arguments = ["ablate", "--out", str(out), "--only", "shift,recipe", *TINY]
    assert main(arguments) == 0
    assert json.loads((out / "shift" / "config.json").read_text())["network"]["film"] is False
    assert json.loads((out / "recipe" / "config.json").read_text())["network"]["film"] is True

    text = (out / "ablation.md").read_text()
    assert text in capsys.readouterr().out
    budget = "--images 24 --size 16 --minutes 0 --epochs 1 --samples 32 --seeds 1 --threads 1"
    assert f"`minidiff ablate --out DIR --only shift,recipe {budget}`" in text
    assert str(tmp_path) not in text
    rows = cells_of(text)
    assert list(rows) == ["recipe", "shift", "*real*"]
    for name in ("recipe", "shift"):
        figures = json.loads((out / name / "evaluation.json").read_text())
        _, eyes, everything, whole, distance, precision, recall, loss, accuracy, *times = rows[name]
        for cell, pair in (
            (eyes, figures["agreement"]["eyes"]), (everything, figures["agreement"]["all"]),
            (whole, figures["whole"]), (precision, figures["precision"]), (recall, figures["recall"]),
        ):  # fmt: skip
            assert cell == "{:.1f} +- {:.1f} %".format(*(100 * value for value in pair))
        assert distance == "{:.2f} +- {:.2f}".format(*figures["frechet"])
        assert float(loss) == pytest.approx(figures["loss_held_out"], abs=6e-5)
        assert accuracy == f"{100 * figures['accuracy']:.1f} %"
        assert times == ["62.5 ms", "2 s"]  # a quarter of a second for 4 images; 24 of them in one epoch
    assert stepped == [4, 4]
    assert rows["*real*"][4] == "{:.2f} +- {:.2f}".format(*figures["frechet_floor"])

    (image,) = re.findall(r"!\[[^]]*\]\(([^)]*)\)", text)
    assert Image.open(out / image).size == (140 + 4 * (2 + 8 * 18), 4 * (2 + 2 * 18))

    def refuse(*arguments, **options):
        raise AssertionError("trained or measured again")

    before = (out / "ablation.md").read_bytes(), (out / image).read_bytes()
    monkeypatch.setattr(train, "train_run", refuse)
    monkeypatch.setattr("minidiff.evaluation.ablation.evaluate", refuse)
    assert main(arguments) == 0
    assert ((out / "ablation.md").read_bytes(), (out / image).read_bytes()) == before

    capsys.readouterr()
    assert main([*arguments, "--epochs", "2"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "recipe holds a run with epochs 1, not 2; give another --out" in error


def test_an_interrupted_row_is_resumed(tmp_path, capsys, monkeypatch):
    """Stopped and measured after one of two epochs: the second call trains one more epoch and measures again."""
    out, trained, measured = tmp_path / "ablation", [], []
    real_save, figures = Run.save_checkpoint, {"frechet": [1.0, 0.1], "frechet_floor": [0.5, 0.1], "loss_held_out": 0.3}
    figures |= {"accuracy": 0.5, "accuracy_real": 1.0, "count_floor": 32, "count_reference": 32} | SHARES

    def save_and_stop(self, step, *rest):
        real_save(self, step, *rest)
        trained.append(step)
        if step == 6 and len(trained) == 1:
            raise KeyboardInterrupt

    def measure(run, sampling, workers):
        measured.append(run.path.name)
        (run.path / "evaluation.json").write_text(json.dumps(figures | vars(sampling) | {"measures": MEASURES}))
        return figures | vars(sampling)

    monkeypatch.setattr(Run, "save_checkpoint", save_and_stop)
    monkeypatch.setattr("minidiff.evaluation.ablation.evaluate", measure)
    arguments = ["ablate", "--out", str(out), "--only", "one-block", *TINY, "--epochs", "2"]
    assert main(arguments) == 130
    assert "the same command resumes the training" in capsys.readouterr().err
    (out / "one-block" / "evaluation.json").write_text(json.dumps(figures))
    assert main(arguments) == 0
    assert trained == [6, 12]
    assert measured == ["one-block"]
    assert cells_of((out / "ablation.md").read_text())["one-block"][4] == "1.00 +- 0.10"
    assert main([*arguments, "--samples", "33"]) == 0  # other samples: measured again, not trained again
    assert trained == [6, 12]
    assert measured == ["one-block"] * 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "recipe,flop"], "unknown row 'flop'; choose from recipe, adamw, "),
        (["--only", ","], "unknown row ''"),
        (["--samples", "3"], "--samples must be 32 or more, not 3"),
        (["--seeds", "0"], "--seeds must be 1 or more, not 0"),
        (["--size", "0"], "0"),
        (["--size", "17"], "17"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(tmp_path, capsys, arguments, message):
    assert main(["ablate", "--out", str(tmp_path / "out"), *TINY, *arguments]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert message in error
    assert list(tmp_path.iterdir()) == []


def test_a_cheaper_row_gets_more_epochs_in_the_same_time(tmp_path):
    budget = Budget(images=1000, minutes=5)
    assert epochs_of(tmp_path / "new", budget, milliseconds=30.0) == 10
    assert epochs_of(tmp_path / "new", budget, milliseconds=15.0) == 20
    assert epochs_of(tmp_path / "new", budget, milliseconds=1e6) == 1
    assert epochs_of(tmp_path / "new", Budget(minutes=0, epochs=3), milliseconds=30.0) == 3
    tiny.start(tmp_path / "run").close()  # three epochs
    assert epochs_of(tmp_path / "run", budget, milliseconds=30.0) == tiny.TRAINING.epochs


def test_several_seeds_give_their_mean_and_range():
    assert several([2.0], "{:.1f}") == "2.0"
    assert several([1.0, 4.0], "{:.1f}", errors=[0.2, 0.4]) == "2.5 +- 0.3 (1.0 to 4.0)"
    figures = {"frechet": [3.0, 0.5], "frechet_floor": [1.0, 0.25], "loss_held_out": 0.1, "accuracy": 1.0}
    figures |= {"accuracy_real": 1.0, "count_floor": 64, "count_reference": 64, "sampler": "heun", "steps": 12} | SHARES
    figures = [figures, figures | {"frechet": [5.0, 0.5], "loss_held_out": 0.2}]
    result = Result(ROWS[0], 8, figures, ["Linux, 2 cores"] * 2, np.zeros((8, 4, 4, 3)))
    text = table([result], {"recipe": 2.5}, Budget(seeds=2), "the command")
    assert cells_of(text)["recipe"][1:] == [
        "25.0 +- 5.0 % (25.0 to 25.0)", "12.5 +- 2.5 % (12.5 to 12.5)", "50.0 +- 5.0 % (50.0 to 50.0)",
        "4.00 +- 0.50 (3.00 to 5.00)", "75.0 +- 5.0 % (75.0 to 75.0)", "62.5 +- 5.0 % (62.5 to 62.5)",
        "0.1500 (0.1000 to 0.2000)", "100.0 % (100.0 to 100.0)",
        "2.5 ms", "20 s",
    ]  # fmt: skip
    assert "means over 2 seeds" in " ".join(text.split())
    assert "`the command`" in text
    assert " ".join(text.split()).count("Linux, 2 cores") == 1


def test_the_sheet_has_the_samples_and_names_of_the_rows(tmp_path):
    strips = [np.full((8, 32, 32, 3), value) for value in (-1.0, 0.5)]
    save_strips(tmp_path / "strips.png", ["one", "other"], strips)
    page = np.asarray(Image.open(tmp_path / "strips.png").convert("RGB")).astype(int)
    assert page.shape == (2 * (2 + 2 * 34), 140 + 2 * (2 + 8 * 34), 3)
    assert (page[4:68, 144:208] == 0).all()
    assert np.abs(page[72:136, 144:208] - 191).max() <= 1
    assert (page[:70, :140] < 128).any()
    assert (page[70:, :140] < 128).any()
