"""The recipe with one thing changed at a time: what is each part of it worth?

Every row of `ROWS` is a run in a folder of its own: 1000 drawn cats, the default recipe, and one change. All rows see
the same images, begin with the same random numbers, and are measured by the same classifier against the same unseen
images. A row that is finished is not trained again; one that was broken off goes on where it stood.

What two rows differ by means something only if it is more than what another seed does to one row: with several seeds
a row is several runs, NAME, NAME-seed1, ...
"""

import json
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from minidiff.benchmark.timing import take_turns
from minidiff.errors import MinidiffError
from minidiff.evaluation.evaluate import EVALUATION, Sampling, evaluate, generate
from minidiff.runs import pipeline, train
from minidiff.runs.checkpoint import steps_in
from minidiff.runs.folder import CONFIG, Run
from minidiff.training import Trainer
from minidiff.training_config import FAST_BATCH_SIZE, TrainingConfig
from minidiff.unet import UNet, UNetConfig

SHOWN = 8  # samples of each row in the image


@dataclass(frozen=True)
class Row:
    """A name, what is changed in words, and the changes to `TrainingConfig` and `UNetConfig`."""

    name: str
    words: str
    training: dict = field(default_factory=dict)
    network: dict = field(default_factory=dict)


ROWS = (
    Row("recipe", "the default recipe, nothing changed"),
    Row("adamw", "AdamW instead of Muon, learning rate 0.001", {"optimizer": "adamw", "learning_rate": 1e-3}),
    Row("noise", "target: the noise eps instead of the flow eps - x0", {"target": "noise"}),
    Row("image", "target: the image x0 instead of the flow", {"target": "image"}),
    Row("velocity", "target: the velocity signal eps - noise x0 instead of the flow", {"target": "velocity"}),
    Row("uniform", "steps t drawn uniformly instead of log-normal noise levels", {"time_distribution": "uniform"}),
    Row("more-noise", "all noise levels 1.5 times as high", {"shift": 1.5}),
    Row("min-snr", "errors weighted by min(SNR, 5) instead of all alike", {"loss_weight": "min_snr"}),
    Row("batch-8", "batches of 8 instead of 4, so half as many steps", {"batch_size": 8}),
    Row("batch-16", "batches of 16 instead of 4, so a quarter of the steps", {"batch_size": 16}),
    Row("faster", "twice the learning rate, 0.004", {"learning_rate": 4e-3}),
    Row("flip", "half of the images mirrored, left to right", {"flip": True}),
    Row("no-attention", "no attention", network={"attention_levels": 0}),
    Row("coarse-attention", "attention at the coarsest level only", network={"attention_levels": 1}),
    Row("shift", "time vector only added (shift) instead of scale and shift (FiLM)", network={"film": False}),
    Row("one-block", "one residual block a level instead of two", network={"blocks_per_level": 1}),
    Row(
        "fast",
        "`--fast`: batches of 16, one residual block a level, attention at the coarsest level only",
        {"batch_size": FAST_BATCH_SIZE},
        {"blocks_per_level": 1, "attention_levels": 1},
    ),
)


@dataclass(frozen=True)
class Budget:
    """How much each row is given.

    Args:
        images: cats to train on.
        size: their height and width in pixels.
        epochs: passes over them.
        samples: images to generate and measure.
        seeds: runs of each row.
    """

    images: int = 1000
    size: int = 32
    epochs: int = 8
    samples: int = 512
    seeds: int = 1

    def data_options(self):
        """The cats of all rows, for `pipeline.load_data`."""
        return {"spec": "cats", "seed": 0, "images": self.images, "size": self.size}


@dataclass(frozen=True)
class Result:
    """What came of a row, with a value for each seed.

    Attributes:
        row: `Row`.
        figures: dicts, what the evaluation.json of its runs say.
        machines: on which they were trained, in words.
        samples: the first images of the first run, (SHOWN, H, W, C) in [-1, 1].
    """

    row: Row
    figures: list
    machines: list
    samples: np.ndarray


def choose_rows(names):
    """The rows of some names, in the order of the table.

    Args:
        names: list of names, or None for all.

    Returns:
        list of `Row`s.

    Raises:
        MinidiffError: a name that no row has.
    """
    known = [row.name for row in ROWS]
    for name in names or []:
        if name not in known:
            raise MinidiffError(f"no row is called {name!r}; there are {', '.join(known)}")
    return [row for row in ROWS if names is None or row.name in names]


def ablate(folder, rows, budget, workers, say, warn):
    """Trains and measures what is not there yet, row by row, and gathers the results of all.

    Args:
        folder: of the runs.
        rows: list of `Row`s.
        budget: `Budget`.
        workers: `Workers`.
        say: called with each line of text.
        warn: called with a line for each damaged checkpoint that was passed over.

    Yields:
        `Result`, one for each row.

    Raises:
        MinidiffError: a folder holds a run with other numbers.
    """
    data_options = budget.data_options()
    dataset, _ = pipeline.load_data(data_options)
    sampling = Sampling(budget.samples)
    for row in rows:
        say(f"{row.name}: {row.words}")
        runs = []
        for seed in range(budget.seeds):
            path = Path(folder) / (f"{row.name}-seed{seed}" if seed else row.name)
            with open_run(path, row, data_options, dataset, budget.epochs, seed) as run:
                finish_training(run, dataset, workers, say)
                if figures_of(run, sampling) is None:
                    evaluate(run, sampling, workers, say, warn)
                runs.append(run)
        network = pipeline.load_denoiser(runs[0], workers, warn)
        yield Result(
            row,
            [figures_of(run, sampling) for run in runs],
            [run.config["machine"] for run in runs],
            generate(network, dataset, sampling, SHOWN)[0],
        )


def open_run(path, row, data_options, dataset, epochs, seed):
    """The run of a row and a seed, new or as it stands; locked.

    Raises:
        MinidiffError: what is there has other numbers.
    """
    network, training = configs_of(row, dataset, epochs, seed)
    if not (path / CONFIG).exists():
        return train.start_run(path, data_options, dataset, training, network=network)[0]
    run = Run.open(path, to_write=True)
    network_there, training_there, data_there = train.read_config(run)
    there = data_there | network_there.as_dict() | training_there.as_dict()
    wanted = data_options | network.as_dict() | training.as_dict()
    different = [f"{name} {there.get(name)}, not {wanted[name]}" for name in wanted if there.get(name) != wanted[name]]
    if different:
        run.close()
        raise MinidiffError(f"{path} holds a run with {'; '.join(different)}; give another --out, or the same numbers")
    return run


def configs_of(row, dataset, epochs, seed):
    """The `UNetConfig` and `TrainingConfig` of a row."""
    usual = UNetConfig.for_images(dataset.height, dataset.width, dataset.channels, dataset.num_classes)
    training = TrainingConfig(**{"epochs": epochs, "seed": seed} | row.training)
    return replace(usual, **row.network), training


def finish_training(run, dataset, workers, say):
    """Trains a run from where it stands to its end, if it is not there yet."""
    network, training, _ = train.read_config(run)
    steps = training.epochs * -(-len(dataset) // training.batch_size)
    if steps_in(run.checkpoints)[:1] == [steps]:
        return
    (run.path / EVALUATION).unlink(missing_ok=True)  # of a checkpoint before the end
    try:
        train.train_run(run, network, dataset, training, workers, say)
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(f"{run.path}: stopped; the same command goes on from there") from stop


def time_steps(rows, dataset, epochs, workers, rounds=9):
    """What a training step of each row takes, all rows in turns: whatever else the machine does, it does it to all.

    Args:
        rows: list of `Row`s.
        dataset: `Dataset`.
        epochs: of a training.
        workers: `Workers`.
        rounds: steps of each row; the median counts.

    Returns:
        dict name -> milliseconds an image.
    """
    trainers = {}
    for row in rows:
        network_config, training = configs_of(row, dataset, epochs, seed=0)
        network = UNet(network_config)
        trainers[row.name] = Trainer(network, network.create_parameters(), dataset, training, workers)
    batches = {name: np.arange(min(trainer.config.batch_size, len(dataset))) for name, trainer in trainers.items()}
    steps = {name: partial(trainers[name].train_step, 0, batch, batch) for name, batch in batches.items()}
    return {name: 1000 * seconds / len(batches[name]) for name, seconds in take_turns(steps, rounds).items()}


def figures_of(run, sampling):
    """What evaluation.json says if it is about images made in this way; None if there is none, or another."""
    try:
        figures = json.loads((run.path / EVALUATION).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    made_so = isinstance(figures, dict) and figures | asdict(sampling) == figures
    return figures if made_so else None
