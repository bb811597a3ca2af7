"""Training in the folder of a run: saved on the way, stopped and resumed at any step, and never wrong in silence.

save      at the end of every epoch, every few minutes, and when the process is asked to end (`interruption.py`)
resume    from the newest checkpoint that is whole, with the same result, bit for bit, as if never stopped
refuse    to go on with other data or another configuration, unless that is wanted and possible
stop      when a loss, a gradient or a parameter is no longer a finite number, with the last good checkpoint intact
"""

import contextlib
import platform
import shutil
import sys
import time
from pathlib import Path

import numba
import numpy as np
from tqdm import tqdm

from minidiff import data, plotting
from minidiff.divergence import Diverged
from minidiff.errors import MinidiffError
from minidiff.parallel import available_cores
from minidiff.runs.checkpoint import KEPT, steps_in, tidy
from minidiff.runs.compatibility import check_differences, differences, fingerprint
from minidiff.runs.folder import Run
from minidiff.runs.interruption import Interruption
from minidiff.runs.progress import Progress
from minidiff.runs.snapshots import forget_snapshots, is_traced, save_snapshot
from minidiff.training import Trainer
from minidiff.training_config import SAVE_MINUTES, TrainingConfig
from minidiff.unet import UNet, UNetConfig
from minidiff.version import __version__


def start_run(path, data_options, dataset, training, channels=None, network=None, fast=False):
    """A new run folder, and the network that fits the data.

    Args:
        path: of the run's folder.
        data_options: for `pipeline.load_data`.
        dataset: what they describe.
        training: `TrainingConfig`.
        channels: of each level of the network; chosen by the size of the images if not given.
        network: `UNetConfig`, if it is not to be the usual.
        fast: whether it is to be the lighter one.

    Returns:
        `Run`, locked, and `UNetConfig`.

    Raises:
        MinidiffError: numbers that do not fit each other, or a folder that cannot be used.
    """
    network = network or UNetConfig.for_images(
        dataset.height, dataset.width, dataset.channels, dataset.num_classes, channels=channels
    )
    network = network.lighter() if fast else network
    UNet(network)  # numbers that do not fit are refused before a folder is made
    config = {
        "command": " ".join(["minidiff", *sys.argv[1:]]),
        "version": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": numba.__version__,
        "machine": f"{platform.system()} on {platform.machine()}, {available_cores()} cores",
        "data": at_place(data_options),
        "name": dataset.name,
        "source": dataset.source,
        "license": dataset.license,
        "class_names": list(dataset.class_names),
        "network": network.as_dict(),
        "training": training.as_dict(),
    }
    return Run.create(path, config), network


def at_place(data_options):
    """The options of the data, with a path that leads there from any folder."""
    spec = str(data_options["spec"])
    return data_options | {"spec": spec if spec in data.SYNTHETIC_SETS else str(Path(spec).expanduser().resolve())}


def read_config(run):
    """What config.json says, checked.

    Args:
        run: `Run`.

    Returns:
        `UNetConfig`, `TrainingConfig` and the options of the data.

    Raises:
        MinidiffError: something is missing or of a wrong type.
    """
    config = run.config
    try:
        network, training = UNetConfig.from_dict(config["network"]), TrainingConfig(**config["training"])
        UNet(network)
        options = {"spec": str(config["data"]["spec"])} | config["data"]
    except (KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError) as error:
        raise MinidiffError(f"{run.path / 'config.json'} was changed or is of another version: {error}") from error
    return network, training, options


def train_run(
    run, network_config, dataset, training, workers, say,
    held_out=None, accept_changes=False, data_options=None, save_minutes=SAVE_MINUTES, progress=True,
):  # fmt: skip
    """Trains from where the run stands to the end.

    After each epoch there is a row of figures, a row of history, and a checkpoint.

    Args:
        run: `Run`, locked.
        network_config: `UNetConfig`.
        dataset: `Dataset`.
        training: `TrainingConfig`.
        workers: `Workers`.
        say: called with each line of text.
        held_out: a `Dataset` to measure the loss on after each epoch, or None.
        accept_changes: go on although the data or the configuration differ from those of the checkpoint.
        data_options: for config.json, if they have changed: where the data is now.
        save_minutes: time from one checkpoint to the next within an epoch.
        progress: whether to draw bars, if standard error is a terminal.

    Returns:
        The `Trainer` when it is done.

    Raises:
        MinidiffError: a checkpoint of another training, a disk that is full, or numbers that are no longer finite.
        KeyboardInterrupt: the process was asked to end; the run is saved, and the message says how to go on.
    """
    network = UNet(network_config)
    trainer = Trainer(network, network.create_parameters(training.seed), dataset, training, workers)
    config = {
        "network": network_config.as_dict(),
        "training": training.as_dict(),
        "data": fingerprint(dataset),
        "held_out": held_out and fingerprint(held_out),
    }
    image = (dataset.height, dataset.width, dataset.channels)
    say(f"   in:  noisy images {(training.batch_size, *image)}, a noise level and a label for each")
    say(f"   out: a prediction of the same shape; {trainer.p.size:,} parameters, {workers.threads} threads")
    check_space(run, trainer.p.size)
    so_far = take_up(run, trainer, config, accept_changes, say)
    changed = {"training": config["training"]} | ({"data": at_place(data_options)} if data_options else {})
    if run.config | changed != run.config:
        run.write_config(run.config | changed)
    say("   epoch     loss   learning rate   gradient   images/s   seconds")
    bar, saved = None, time.monotonic()
    with Interruption() as interruption, contextlib.ExitStack() as stack:
        for step in steps_until_divergence(run, trainer):
            so_far.add(step)
            bar = bar or stack.enter_context(open_bar(len(dataset), so_far.images - step.images, step.epoch, progress))
            bar.update(step.images)
            bar.set_postfix_str(f"loss {so_far.loss:.4f}", refresh=False)
            if step.last_of_epoch:
                bar.close()
                bar = None
                losses = trainer.held_out_losses(held_out)[1] if held_out else None
                row = so_far.end_epoch(step, training.T, losses)
                run.add_history(row)
                if is_traced(step.epoch, training.epochs):
                    save_snapshot(run, trainer, step.epoch)
                say(
                    f"   {row['epoch']:5} {row['loss']:8.4f} {row['learning_rate']:15.2e} {row['gradient_norm']:10.3f}"
                    f" {row['images_per_second']:10.1f} {row['seconds']:9.1f}"
                )
            if step.last_of_epoch or interruption.asked or time.monotonic() - saved >= 60 * save_minutes:
                save(run, trainer, so_far, config)
                saved = time.monotonic()
            if interruption.asked and step.step < trainer.total_steps:
                raise KeyboardInterrupt(
                    f"stopped after step {step.step} of {trainer.total_steps} (epoch {step.epoch}) and saved; "
                    f"go on with: minidiff train --resume {run.path}"
                )
    plotting.save_loss_curve(run.path / "loss.png", run.history())
    return trainer


def steps_until_divergence(run, trainer):
    """The steps of a trainer; if it diverges, the message also names the last good checkpoint and what to do."""
    try:
        yield from trainer.train()
    except Diverged as error:
        steps = steps_in(run.checkpoints)
        last = f"the checkpoint of step {steps[0]} is good" if steps else "there is no checkpoint yet"
        rate = trainer.config.learning_rate
        raise Diverged(f"{error}; {last}; try a learning rate below {rate:g}") from error


def save(run, trainer, so_far, config):
    """Writes a checkpoint of a training that is still sound.

    Args:
        run: `Run`.
        trainer: `Trainer`.
        so_far: `Progress`.
        config: of plain types.

    Raises:
        Diverged: a parameter or a moment is not finite; the checkpoints before stay.
    """
    state = trainer.state()
    for name, vector in state.items():
        if not np.isfinite(vector).all():
            raise Diverged(f"training diverged in step {trainer.step}: {name}: not all finite, so nothing was saved")
    arrays, facts = so_far.save()
    epoch, step_in_epoch = divmod(trainer.step, trainer.steps_per_epoch)
    facts |= {"epoch": epoch, "step_in_epoch": step_in_epoch, "seed": trainer.config.seed, "config": config}
    run.save_checkpoint(trainer.step, state | arrays, facts, so_far.best_step)


def take_up(run, trainer, config, accept_changes, say):
    """Puts a trainer to where its run stands; a new run stands at its beginning.

    Args:
        run: `Run`, locked.
        trainer: a new `Trainer`.
        config: of plain types, to be compared with that of the checkpoint.
        accept_changes: see `train`.
        say: called with each line of text.

    Returns:
        `Progress`.

    Raises:
        MinidiffError: the checkpoint is of another training.
    """
    if run.lock and run.lock.left_by:
        say(f"   {run.lock.left_by} ended without a chance to save")
    so_far = Progress()
    checkpoint = run.find_checkpoint(trainer.p.size, lambda line: say(f"   {line}"))
    if checkpoint is None:
        if run.history():
            run.write_history([])
        forget_snapshots(run, 0)
        return so_far
    found = differences(checkpoint.facts["config"], config)
    check_differences(run, checkpoint, found, accept_changes)
    if (version := checkpoint.facts["version"]) != __version__:
        say(f"   the checkpoint is of version {version}, this is {__version__}: the last digits may come out different")
    trainer.restore(checkpoint.step, checkpoint.arrays)
    so_far.restore(checkpoint.arrays, checkpoint.facts)
    if checkpoint.step == steps_in(run.checkpoints)[0]:
        tidy(run.checkpoints, checkpoint.step, so_far.best_step)  # a process killed while doing so may have left things
    run.write_history([row for row in run.history() if row["step"] <= checkpoint.step])
    forget_snapshots(run, checkpoint.step // trainer.steps_per_epoch)
    if found:
        save(run, trainer, so_far, config)
    say(f"   going on after step {checkpoint.step} of {trainer.total_steps}")
    return so_far


def check_space(run, size):
    """Refuses a disk too full for the checkpoints of a network of `size` parameters, before time is spent on it."""
    missing = KEPT + 2 - min(len(steps_in(run.checkpoints)), KEPT + 1)  # one more is written before the oldest goes
    needed, free = missing * 4 * 4 * size, shutil.disk_usage(run.path).free  # four vectors of float32 each
    if free < needed:
        raise MinidiffError(
            f"{run.path}: checkpoints need {needed / 2**20:.0f} MB and the disk has {free / 2**20:.0f} MB left; "
            "make room, or use another disk"
        )


def open_bar(total, done, epoch, progress):
    """The bar of an epoch."""
    disable = None if progress else True  # None: unless standard error is a terminal
    return tqdm(total=total, initial=done, unit="img", desc=f"   {epoch:5}", leave=False, disable=disable)
