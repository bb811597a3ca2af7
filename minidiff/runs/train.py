"""Training in a run folder: checkpoints, resuming, and what stops a run.

save      at the end of every epoch, every few minutes, and on a request to terminate (`interruption.py`)
resume    from the newest intact checkpoint; the result is bit-for-bit identical to that of an uninterrupted run
reject    other data or another configuration when resuming, unless the change is possible and the user accepts it
stop      at a loss, a gradient or a parameter that is NaN or infinite, with the last good checkpoint intact
"""

import contextlib
import logging
import math
import shlex
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from minidiff import data, plotting
from minidiff.data import Dataset
from minidiff.divergence import Diverged
from minidiff.errors import MinidiffError
from minidiff.kernels.sets import create_kernels
from minidiff.layers import count_parameters
from minidiff.parallel import Workers
from minidiff.randomness import VERSION as RANDOM_VERSION
from minidiff.randomness import stream
from minidiff.ranks import ALONE, Ranks
from minidiff.runs.agreement import agree, check_data
from minidiff.runs.checkpoint import tidy
from minidiff.runs.compatibility import check_differences, differences, fingerprint
from minidiff.runs.config import information
from minidiff.runs.fine_tuning import initial_parameters
from minidiff.runs.folder import Run
from minidiff.runs.interruption import Interruption
from minidiff.runs.last_save import LastSave
from minidiff.runs.progress import Progress
from minidiff.runs.resources import check_enough_memory, check_space
from minidiff.runs.snapshots import is_snapshot_epoch, remove_snapshots, save_snapshot
from minidiff.runs.status import Status, table_header, table_line, time_text
from minidiff.runs.warm_up import compile_kernels
from minidiff.schedule import sufficient_sigma_max
from minidiff.training import Step, Trainer
from minidiff.training_config import SAVE_MINUTES, TrainingConfig
from minidiff.unet import UNet, UNetConfig
from minidiff.unet_config import SMALLEST_ENTRY
from minidiff.version import __version__

logger = logging.getLogger(__name__)

SIDE_AT_MEAN_0 = 28  # pixels; up to this size, most examples have as much noise as signal
MOST_IMAGES = 200  # from which `training_for` estimates how different the images are


def network_for(dataset: Dataset, channels: tuple[int, ...] | None = None) -> UNetConfig:
    """The default network for a data set; `channels` sets those of each level."""
    return UNetConfig.for_images(dataset.height, dataset.width, dataset.channels, dataset.num_classes, channels)


def training_for(dataset: Dataset, **chosen: Any) -> TrainingConfig:
    """The default configuration of training for a data set; `chosen` sets fields of it."""
    # at random, because images are often sorted by class, or of each class in turn
    indices = stream("estimate", 0).permutation(len(dataset))[:MOST_IMAGES]
    side = min(dataset.height, dataset.width)
    fitting = {
        "sigma_max": sufficient_sigma_max(dataset.pixels(indices)),
        # with twice the side, the parts of an image are visible through twice the noise (Hoogeboom et al., 2023)
        "log_sigma_mean": max(0.0, math.log(side / SIDE_AT_MEAN_0)),
        # a quarter of the examples, those with sigma below 1, enter at full size; two of them fill a microbatch
        "batch_size": TrainingConfig.batch_size * (2 if side >= 2 * SMALLEST_ENTRY else 1),
    }
    return TrainingConfig(**fitting | chosen)


def start_run(
    path: str | Path,
    data_options: dict[str, Any],
    dataset: Dataset,
    network: UNetConfig,
    training: TrainingConfig,
    *,
    source: dict[str, Any] | None = None,
    any_name: bool = False,
) -> Run:
    """Creates a run folder.

    Args:
        path: of the folder.
        data_options: for `pipeline.load_data`.
        dataset: the data they describe.
        network, training: recorded in config.json.
        source: the network to fine-tune from, from `fine_tuning.record`; by default, the parameters are random.
        any_name: as in `Run.create`.

    Returns:
        The run, locked.

    Raises:
        MinidiffError: an invalid configuration, or a folder that cannot be used.
    """
    count_parameters(
        UNet(network).children
    )  # both raise an error for an invalid configuration before the folder is created
    training.create_schedule()
    config = information() | {
        "random": RANDOM_VERSION,
        "data": with_absolute_path(data_options),
        "name": dataset.name,
        "source": dataset.source,
        "license": dataset.license,
        "class_names": list(dataset.class_names),
        "network": network.as_dict(),
        "training": training.as_dict(),
    }
    config |= {"from": source} if source else {}
    return Run.create(path, config, any_name=any_name)


def with_absolute_path(data_options: dict[str, Any]) -> dict[str, Any]:
    """The data options with an absolute path, which is valid in any working directory."""
    spec = str(data_options["spec"])
    return data_options | {"spec": spec if spec in data.SYNTHETIC_SETS else str(Path(spec).resolve())}


def train_run(
    run: Run,
    network_config: UNetConfig,
    dataset: Dataset,
    training: TrainingConfig,
    workers: Workers,
    *,
    held_out: Dataset | None = None,
    accept_changes: bool = False,
    data_options: dict[str, Any] | None = None,
    save_minutes: float = SAVE_MINUTES,
    kernels: str = "fast",
    watch: Callable[[Status], None] | None = None,
    ranks: Ranks = ALONE,
) -> Trainer:
    """Trains to the last epoch, from the newest checkpoint if there is one.

    Every epoch ends with a log message, a row in history.csv, and a checkpoint. Of several ranks, this is what rank 0
    does; the others call `follow`.

    Args:
        run: locked for writing.
        network_config, training: as recorded in config.json, or changed.
        dataset: training data.
        workers: threads for training.
        held_out: images on which the loss is measured after each epoch.
        accept_changes: resume although the data or the configuration differ from those of the checkpoint.
        data_options: to be recorded in config.json; needed only if the data has moved.
        save_minutes: time between checkpoints within an epoch.
        kernels: name of the set of kernels; no part of the configuration, so a resumed run may use the other one.
        watch: called after each step, and after the epoch's row of history.csv was written.
        ranks: the processes that train together; needs `data_options`.

    Returns:
        The `Trainer` at the end.

    Raises:
        MinidiffError: a checkpoint of another training run or without optimizer state, a full disk, or a value that is
            NaN or infinite.
        KeyboardInterrupt: Ctrl-C or a request to terminate, after saving; the message contains the command to resume.
    """
    if run.read_sampling():
        raise MinidiffError(f"{run.path} was distilled and cannot be trained further; distill the first run again")
    network = UNet(network_config, create_kernels(kernels))
    p = initial_parameters(run, network, dataset.class_names, training.seed)
    trainer = Trainer(network, p, dataset, training, workers, ranks)
    config = {
        "network": network_config.as_dict(),
        "training": training.as_dict(),
        "data": fingerprint(dataset),
        "held_out": held_out and fingerprint(held_out),
        "class_names": list(dataset.class_names),
        "random": RANDOM_VERSION,
    }
    shape = (training.batch_size, *dataset.example_shape)
    logger.info("   in:  noisy images %s, a noise level and a label for each", shape)
    logger.info(
        "   out: a prediction of the same shape; %s parameters, %d threads", f"{trainer.p.size:,}", workers.threads
    )
    check_space(run, trainer.p.size)
    check_enough_memory(trainer, dataset)
    ranks.gather(config | {"data": data_options, "kernels": kernels})  # for `follow`
    check_data(trainer, held_out)
    progress = restore_progress(run, trainer, config, accept_changes)
    changed = {"training": config["training"]}
    changed |= {"data": with_absolute_path(data_options)} if data_options else {}
    if run.config | changed != run.config:
        run.write_config(run.config | changed)
    compile_kernels(trainer)
    progress.start()
    logger.info(table_header(held_out is not None))
    bar, saved = None, time.monotonic()
    last = LastSave(trainer, progress, lambda: save(run, trainer, progress, config))
    on_request = last.begin if ranks.size > 1 else lambda: None
    with Interruption(on_request=on_request) as interruption, contextlib.ExitStack() as stack:
        stack.enter_context(remedy_for_divergence(run, trainer))
        for step in trainer.train():
            progress.add(step)
            left = progress.seconds_left(trainer.total_steps - step.step)
            bar = bar or stack.enter_context(open_bar(len(dataset), progress.images - step.images, step.epoch))
            bar.update(step.images)
            bar.set_postfix_str(f"loss {progress.loss:.4f}, {time_text(left)} left", refresh=False)
            if step.last_of_epoch:
                bar.close()
                bar = None
                end_epoch(run, trainer, progress, step, held_out)
            if watch is not None:
                watch(Status(step.epoch, training.epochs, left))
            stopped, due = agree(ranks, interruption, time.monotonic() - saved >= 60 * save_minutes)
            if stopped and ranks.size > 1:
                last.finish()
            if step.last_of_epoch or stopped or due:
                save(run, trainer, progress, config)
                ranks.gather()
                saved = time.monotonic()
            if stopped:
                command = shlex.join(["minidiff", "train", "--resume", str(run.path)])
                interruption.message = (
                    f"stopped after step {step.step} of {trainer.total_steps} (epoch {step.epoch}) and saved; "
                    f"resume with: {command}"
                )
                break
    if history := run.history():  # it may have been removed
        plotting.save_loss_curve(run.path / "loss.png", history)
    return trainer


def end_epoch(run: Run, trainer: Trainer, progress: Progress, step: Step, held_out: Dataset | None) -> None:
    """Writes the epoch's row of history.csv and its snapshot, and logs it."""
    losses = trainer.held_out_losses(held_out)[1] if held_out else None
    row = progress.end_epoch(step, trainer.schedule.T, losses)
    run.add_history(row)
    if is_snapshot_epoch(step.epoch, trainer.config.epochs):
        save_snapshot(run, trainer, step.epoch)
    left = progress.seconds_left(trainer.total_steps - step.step)
    logger.info(table_line(row, left, progress.best_step == step.step))


@contextlib.contextmanager
def remedy_for_divergence(run: Run, trainer: Trainer) -> Iterator[None]:
    """Adds to the message of `Diverged` what is saved, and how to go on with a lower learning rate."""
    try:
        yield
    except Diverged as error:
        steps, lower = run.steps(), f"--learning-rate {trainer.config.learning_rate / 2:g}"
        if not steps:
            raise Diverged(f"{error}; there is no checkpoint yet; try {lower}") from error
        command = f"minidiff train --resume {shlex.quote(str(run.path))} {lower} --accept-changes"
        raise Diverged(f"{error}; the checkpoint of step {steps[0]} is good; resume with: {command}") from error


def save(run: Run, trainer: Trainer, progress: Progress, config: dict[str, Any]) -> None:
    """Writes a checkpoint with the configuration for `differences`; raises `Diverged` if a vector is not finite."""
    state = trainer.state()
    for name, vector in state.items():
        if not np.isfinite(vector).all():
            raise Diverged(
                f"training diverged in step {trainer.step}: {name} has infinite or NaN values and is not saved"
            )
    arrays, facts = progress.state()
    epoch, step_in_epoch = divmod(trainer.step, trainer.steps_per_epoch)
    facts |= {"epoch": epoch, "step_in_epoch": step_in_epoch, "seed": trainer.config.seed, "config": config}
    run.save_checkpoint(trainer.step, state | arrays, facts, progress.best_step)


def restore_progress(run: Run, trainer: Trainer, config: dict[str, Any], accept_changes: bool) -> Progress:
    """Restores the trainer and the run folder to their state at the newest checkpoint.

    Args:
        run: locked for writing.
        trainer: new; not changed if there is no checkpoint.
        config: compared with that of the checkpoint by `differences`.
        accept_changes: as in `train_run`.

    Raises:
        MinidiffError: the checkpoint is of another training run.
    """
    if run.lock and run.lock.left_by:
        logger.info("   %s ended without saving", run.lock.left_by)
    progress = Progress()

    def check(step: int, before: dict[str, Any]) -> None:
        check_differences(run.path, step, differences(before, config), accept_changes)

    checkpoint = run.find_checkpoint(trainer.p.size, check)
    if checkpoint is None:
        if run.history():
            logger.warning("%s holds no checkpoint; the training starts anew", run.checkpoints)
            run.write_history([])
        remove_snapshots(run, after_epoch=0)
        return progress
    if (version := checkpoint.facts["version"]) != __version__:
        logger.info("   the checkpoint is of version %s, this is %s: last digits may differ", version, __version__)
    trainer.restore(checkpoint.step, checkpoint.arrays)
    progress.restore(checkpoint.arrays, checkpoint.facts)
    if checkpoint.step == run.steps()[0]:
        tidy(run.checkpoints, checkpoint.step, progress.best_step)  # a killed process may have left files
    run.write_history([row for row in run.history() if row["step"] <= checkpoint.step])
    remove_snapshots(run, after_epoch=checkpoint.step // trainer.steps_per_epoch)
    if differences(checkpoint.facts["config"], config):
        save(run, trainer, progress, config)
    logger.info("   resuming after step %d of %d", checkpoint.step, trainer.total_steps)
    if checkpoint.step >= trainer.total_steps:
        command = f"minidiff train --resume {shlex.quote(str(run.path))} --epochs N --accept-changes"
        logger.info("   the training is complete; to continue it with more epochs: %s", command)
        logger.info("   (the learning rate falls to 0 over all N epochs; to start at its maximum again, use --from)")
    return progress


def open_bar(total: int, done: int, epoch: int) -> tqdm:
    """The progress bar of an epoch; it appears only if standard error is a terminal."""
    shown = "{desc} |{bar}| {n_fmt} of {total_fmt} images, {rate_fmt}{postfix}"
    options = {"unit": "img", "leave": False, "disable": None, "bar_format": shown}
    return tqdm(total=total, initial=done, desc=f"   {epoch:5}", **options)
