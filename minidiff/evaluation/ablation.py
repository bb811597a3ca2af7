"""Ablation: the default recipe with one change per row.

Every row of `ROWS` is a run in a folder of its own: 1000 synthetic images of cats, the default recipe, and one change.
All rows have the same images and the same random initial values. They are measured with the same feature extractor
against the same held-out images. All rows train for the same time, so that a cheaper network gets more epochs; or, on
request, for the same number of epochs. A finished row is not trained again, and an interrupted one resumes.

A difference between two rows is meaningful only if it is larger than that between two seeds of one row. With several
seeds a row is several runs: NAME, NAME-seed1, ...
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from minidiff.benchmark.timing import take_turns
from minidiff.data import Dataset
from minidiff.errors import MinidiffError
from minidiff.evaluation.evaluate import EVALUATION, Sampling, evaluate, generate, read_evaluation
from minidiff.parallel import Workers
from minidiff.runs import pipeline, train
from minidiff.runs.folder import CONFIG, Run
from minidiff.training import Trainer
from minidiff.training_config import TrainingConfig
from minidiff.unet import UNet, UNetConfig

logger = logging.getLogger(__name__)

SHOWN = 8  # samples of each row in the image


@dataclass(frozen=True)
class Row:
    """A name, a description, and the changes to `TrainingConfig` and `UNetConfig`."""

    name: str
    description: str
    training: dict[str, Any] = field(default_factory=dict)
    network: dict[str, Any] = field(default_factory=dict)


ROWS = (
    Row("recipe", "the default recipe, unchanged"),
    Row("adamw", "AdamW instead of Muon, learning rate 0.001", {"optimizer": "adamw", "learning_rate": 1e-3}),
    Row("noise", "target: the noise eps instead of the flow eps - x0", {"target": "noise"}),
    Row("image", "target: the image x0 instead of the flow", {"target": "image"}),
    Row("velocity", "target: the velocity signal eps - noise x0 instead of the flow", {"target": "velocity"}),
    Row("uniform", "uniform timesteps t instead of log-normal noise levels", {"time_distribution": "uniform"}),
    Row("more-noise", "all noise levels 1.5 times as high", {"shift": 1.5}),
    Row("min-snr", "loss weight min(SNR, 5) instead of 1", {"loss_weight": "min_snr"}),
    Row("one-size", "all images enter at full size, whatever their noise level", network={"entry_levels": 1}),
    Row("three-sizes", "images with sigma of 2 or more enter at a quarter of the size", network={"entry_levels": 3}),
    Row("low-noise", "mean of ln sigma 0, as for images of 28 pixels", {"log_sigma_mean": 0.0}),
    Row("wide-noise", "standard deviation of ln sigma 1.7 instead of 1.2", {"log_sigma_std": 1.7}),
    Row("batch-4", "batch size 4 instead of 8", {"batch_size": 4}),
    Row("batch-16", "batch size 16 instead of 8", {"batch_size": 16}),
    Row("faster", "twice the learning rate, 0.004", {"learning_rate": 4e-3}),
    Row("slower", "half the learning rate, 0.001", {"learning_rate": 1e-3}),
    Row("flip", "half of the images mirrored horizontally", {"flip": True}),
    Row("no-attention", "no attention", network={"attention_levels": 0}),
    Row("coarse-attention", "attention at the coarsest level only", network={"attention_levels": 1}),
    Row("fine-attention", "attention at one level more, 32 x 32", network={"attention_levels": 3}),
    Row("shift", "the time vector shifts activations instead of scaling and shifting (FiLM)", network={"film": False}),
    Row("one-block", "one residual block per level instead of two", network={"blocks_per_level": 1}),
)


@dataclass(frozen=True)
class Budget:
    """The data of each row (cats to train on, size in pixels), minutes of training or, if they are 0, epochs, samples
    to be measured, and runs (seeds).
    """

    images: int = 1000
    size: int = 64
    minutes: float = 4.0
    epochs: int = 8
    samples: int = 512
    seeds: int = 1

    def data_options(self) -> dict[str, Any]:
        """The data of all rows, for `pipeline.load_data`."""
        return {"spec": "cats", "seed": 0, "images": self.images, "size": self.size}


@dataclass(frozen=True)
class Result:
    """The result of a row.

    Attributes:
        metrics: contents of evaluation.json for each seed.
        machines: descriptions of the machines of the training runs, one for each seed.
        samples: the first images of the first run, (SHOWN, H, W, C) in [-1, 1].
        epochs: of training.
    """

    row: Row
    epochs: int
    metrics: list[dict[str, Any]]
    machines: list[str]
    samples: np.ndarray


def choose_rows(names: Sequence[str] | None) -> list[Row]:
    """The rows with the given names, by default all, in the order of the table; `MinidiffError` for an unknown name."""
    known = [row.name for row in ROWS]
    for name in names or []:
        if name not in known:
            raise MinidiffError(f"unknown row {name!r}; choose from {', '.join(known)}")
    return [row for row in ROWS if names is None or row.name in names]


def ablate(
    folder: str | Path, rows: Sequence[Row], budget: Budget, milliseconds: dict[str, float], workers: Workers
) -> Iterator[Result]:
    """Trains and measures the rows that are not finished in a folder of runs, and yields the results of all.

    `milliseconds` are those of `time_steps`.
    """
    dataset, _ = pipeline.load_data(budget.data_options())
    sampling = Sampling(budget.samples)
    for row in rows:
        logger.info(f"{row.name}: {row.description}")
        runs, metrics = [], []
        epochs = epochs_of(Path(folder) / row.name, budget, milliseconds[row.name])
        for seed in range(budget.seeds):
            path = Path(folder) / (f"{row.name}-seed{seed}" if seed else row.name)
            with open_run(path, row, budget, dataset, epochs, seed) as run:
                finish_training(run, dataset, workers)
                metrics.append(read_evaluation(run, sampling) or evaluate(run, sampling, workers))
                runs.append(run)
        yield Result(
            row=row,
            epochs=epochs,
            metrics=metrics,
            machines=[run.config["machine"] for run in runs],
            samples=generate(pipeline.load_denoiser(runs[0], workers), dataset, sampling, SHOWN)[0],
        )


def epochs_of(path: Path, budget: Budget, milliseconds: float) -> int:
    """The epochs of a row: those of its run in a folder, or as many as fit into the budget at this time per image."""
    if not budget.minutes:
        return budget.epochs
    if (path / CONFIG).exists():  # another measurement of the time would give another number
        return Run.open(path).read_config()[1].epochs
    return max(1, round(60_000 * budget.minutes / (milliseconds * budget.images)))


def open_run(path: Path, row: Row, budget: Budget, dataset: Dataset, epochs: int, seed: int) -> Run:
    """Creates or opens the run of a row and a seed, locked; `MinidiffError` if the folder holds a different run."""
    data_options = budget.data_options()
    network, training = configs_of(row, dataset, epochs, seed)
    if not (path / CONFIG).exists():
        return train.start_run(path, data_options, dataset, network, training)
    run = Run.open(path, to_write=True)
    network_there, training_there, data_there = run.read_config()
    there = data_there | network_there.as_dict() | training_there.as_dict()
    wanted = data_options | network.as_dict() | training.as_dict()
    different = [f"{name} {there.get(name)}, not {wanted[name]}" for name in wanted if there.get(name) != wanted[name]]
    if different:
        run.close()
        raise MinidiffError(f"{path} holds a run with {'; '.join(different)}; give another --out, or the same options")
    return run


def configs_of(row: Row, dataset: Dataset, epochs: int, seed: int) -> tuple[UNetConfig, TrainingConfig]:
    """The configurations of a row."""
    training = train.training_for(dataset, **{"epochs": epochs, "seed": seed} | row.training)
    return replace(train.network_for(dataset), **row.network), training


def finish_training(run: Run, dataset: Dataset, workers: Workers) -> None:
    """Trains a run from its newest checkpoint to the end, unless it is finished."""
    network, training, _ = run.read_config()
    steps = training.epochs * -(-len(dataset) // training.batch_size)
    if run.steps()[:1] == [steps]:
        return
    (run.path / EVALUATION).unlink(missing_ok=True)  # of an earlier checkpoint
    try:
        train.train_run(run, network, dataset, training, workers)
    except KeyboardInterrupt as interrupt:
        raise KeyboardInterrupt(f"{run.path}: stopped; the same command resumes the training") from interrupt


def time_steps(rows: Sequence[Row], dataset: Dataset, workers: Workers) -> dict[str, float]:
    """Times a training step of each row, in ms per image, all in turns, so that other load affects all rows alike."""
    trainers = {}
    for row in rows:
        network_config, training = configs_of(row, dataset, epochs=1, seed=0)
        network = UNet(network_config)
        trainers[row.name] = Trainer(network, network.create_parameters(), dataset, training, workers)
    batches = {name: np.arange(min(trainer.config.batch_size, len(dataset))) for name, trainer in trainers.items()}
    steps = {name: partial(trainers[name].train_step, 0, batch, batch) for name, batch in batches.items()}
    return {name: 1000 * seconds / len(batches[name]) for name, seconds in take_turns(steps, rounds=9).items()}
