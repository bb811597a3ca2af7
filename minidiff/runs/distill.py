"""Distills a run: progressive distillation of its network in stages, each with half of the sampler steps.

The first teacher is the network of the run with at least FIRST_STEPS ddim steps. The student of a stage is the teacher
of the next one. The last student becomes a run of its own, whose config.json records the sampler options that it was
trained for, and `minidiff sample` uses them by default. It is written when the last stage has ended.
"""

import logging
from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path

from minidiff import plotting
from minidiff.data import Dataset
from minidiff.denoiser import NetworkDenoiser
from minidiff.distillation import ProgressiveTrainer
from minidiff.errors import MinidiffError
from minidiff.parallel import Workers
from minidiff.randomness import VERSION as RANDOM_VERSION
from minidiff.runs.compatibility import fingerprint
from minidiff.runs.config import SamplerOptions, information
from minidiff.runs.folder import Run, check_new
from minidiff.runs.pipeline import SAMPLES, collect, labels_for, load_data, load_denoiser
from minidiff.runs.progress import Progress
from minidiff.sampling import sample
from minidiff.schedule import Schedule
from minidiff.training_config import TrainingConfig

logger = logging.getLogger(__name__)

FIRST_STEPS = 24  # of the first teacher, or up to twice as many
EPOCHS_PER_STAGE = 0.25  # of the epochs of the run
LEARNING_RATE = 0.5  # of that of the run; each stage starts near its end


def distill_run(
    run: Run, path: str | Path, steps: int, workers: Workers, epochs: int | None = None, *, best: bool = False
) -> Run:
    """Distills a run and writes the result as a new run.

    Args:
        run: with at least one checkpoint.
        path: of the new run.
        steps: number of ddim steps in which the new run generates images.
        workers: the threads.
        epochs: passes over the data in each stage; default: a quarter of those of the run.
        best: start from the checkpoint with the lowest loss on held-out images instead of the newest.

    Returns:
        The new run.

    Raises:
        MinidiffError: a run that was distilled, a number of steps that is not possible, or a folder that is not empty.
    """
    check_new(path)
    _, training, data_options = run.read_config()
    if run.read_sampling():
        raise MinidiffError(f"{run.path} was distilled; distill the run that it came from")
    epochs = max(1, round(EPOCHS_PER_STAGE * training.epochs)) if epochs is None else epochs
    training = replace(training, epochs=epochs, learning_rate=LEARNING_RATE * training.learning_rate)
    teacher = load_denoiser(run, workers, best=best)
    stages = stages_for(steps, teacher.schedule)
    check_last_step(teacher, steps)
    dataset, _ = load_data(data_options)
    progress = Progress()
    rows: list[dict[str, float]] = []
    for trainer in train_stages(teacher, dataset, training, stages, progress, rows):
        student = trainer
    training = replace(student.config, epochs=int(rows[-1]["epoch"]))  # of all stages
    config = run.config | information() | {"training": training.as_dict()}
    config["sampling"] = asdict(SamplerOptions("ddim", steps, "trailing"))
    new = Run.create(path, config)
    with new:
        save(new, student, training, progress, dataset, rows)
        show_samples(new, student.denoiser(), training.seed)
    return new


def stages_for(steps: int, schedule: Schedule) -> list[int]:
    """The sampler steps of the first teacher and of each student: 32, 16, 8, 4 for 4.

    Raises:
        MinidiffError: no steps, or more than half of the timesteps.
    """
    if steps < 1:
        raise MinidiffError(f"{steps} sampler steps generate nothing; give at least 1")
    if 2 * steps > schedule.T:
        raise MinidiffError(
            f"{steps} sampler steps are more than half of the {schedule.T} timesteps of this run; give fewer"
        )
    stages = [2 * steps, steps]
    while stages[0] < FIRST_STEPS and 2 * stages[0] <= schedule.T:
        stages.insert(0, 2 * stages[0])
    return stages


def check_last_step(teacher: NetworkDenoiser, steps: int) -> None:
    """Refuses so few steps that the last one starts where the network takes images of half the size."""
    log_sigma, entry_level = teacher.schedule.log_sigma, teacher.network.config.entry_level
    possible = [
        n for n in range(steps, teacher.schedule.T) if entry_level(log_sigma[round(teacher.schedule.T / n)]) == 0
    ]
    if possible and possible[0] != steps:
        raise MinidiffError(
            f"with {steps} sampler steps the last one starts at so much noise that this network takes images of half "
            f"the size; use {possible[0]} or more"
        )


def train_stages(
    teacher: NetworkDenoiser,
    dataset: Dataset,
    training: TrainingConfig,
    stages: list[int],
    progress: Progress,
    rows: list[dict[str, float]],
) -> Iterator[ProgressiveTrainer]:
    """Trains the students one after the other, and yields each after its last epoch.

    Args:
        teacher: the first.
        dataset, training: of each stage.
        stages: from `stages_for`.
        progress: counts the epochs of all stages.
        rows: gets the rows of history.csv.
    """
    for number, (before, steps) in enumerate(pairwise(stages)):
        logger.info("%d sampler steps instead of %d: %d epochs", steps, before, training.epochs)
        trainer = ProgressiveTrainer(teacher, dataset, training, steps, before // steps)
        for step in trainer.train():
            step = replace(
                step, epoch=number * training.epochs + step.epoch, step=number * trainer.total_steps + step.step
            )
            progress.add(step)
            if step.last_of_epoch:
                rows.append(progress.end_epoch(step, trainer.schedule.T))
                logger.info("   epoch {epoch:4} {loss:10.5f} {seconds:9.1f} s".format(**rows[-1]))
        teacher = trainer.denoiser()
        yield trainer


def save(
    run: Run,
    student: ProgressiveTrainer,
    training: TrainingConfig,
    progress: Progress,
    dataset: Dataset,
    rows: list[dict[str, float]],
) -> None:
    """Writes the checkpoint and history.csv of the new run."""
    arrays, facts = progress.state()
    config = {
        "network": run.config["network"],
        "training": training.as_dict(),
        "data": fingerprint(dataset),
        "held_out": None,
        "class_names": list(dataset.class_names),
        "random": RANDOM_VERSION,
    }
    facts |= {"epoch": int(rows[-1]["epoch"]), "step_in_epoch": 0, "seed": training.seed, "config": config}
    run.save_checkpoint(int(rows[-1]["step"]), student.state() | arrays, facts)
    run.write_history(rows)
    plotting.save_loss_curve(run.path / "loss.png", rows)


def show_samples(run: Run, denoiser: NetworkDenoiser, seed: int) -> None:
    """Generates samples.png with the sampler options of the run."""
    names, sampling = run.config["class_names"], run.read_sampling()
    assert sampling is not None
    shape, labels = (SAMPLES, *denoiser.network.config.example_shape), labels_for(names, SAMPLES)
    states = sample(denoiser, shape, seed=seed, labels=labels, **asdict(sampling))
    found = collect(states, sampling.steps)
    shown = None if labels is None else [names[label] for label in labels]
    plotting.save_sheet(run.path / "samples.png", found.images, columns=8, names=shown)
    logger.info("%s", run.path / "samples.png")
