"""The whole way, with words and pictures: what the `minidiff` command does once its arguments are read.

The four stages of a diffusion model are data, noise, training and generation. Each function here runs one of them on a
`Run`, says what goes in and what comes out, and leaves the pictures in the run's folder.

Read more: `tutorials/00_tour.ipynb`.
"""

import math
import platform
import sys
import time

import numpy as np
from tqdm import tqdm

from minidiff import data, plotting
from minidiff.denoiser import NetworkDenoiser
from minidiff.errors import MinidiffError
from minidiff.parameters import Parameters
from minidiff.run import Run
from minidiff.sampling import sample
from minidiff.schedule import Schedule
from minidiff.training import Trainer, TrainingConfig
from minidiff.unet import UNet, UNetConfig

TRACE_EPOCHS = (1, 5, 10, 20)


def load_data(options):
    """The data set that some options describe.

    Args:
        options: dict with "spec", "size", "images" and "seed"; what is None takes its default.

    Returns:
        `Dataset`.
    """
    return data.load(options["spec"], size=options["size"], num_images=options["images"], seed=options["seed"])


def describe(dataset):
    """One line on a data set, such as "1000 images x 64 x 64 x 3 channels, 8 classes"."""
    shape = f"{len(dataset)} images x {dataset.height} x {dataset.width} x {dataset.channels} channels"
    return shape + (f", {dataset.num_classes} classes" if dataset.num_classes else ", no classes")


def start_run(path, data_options, dataset, training, channels=None):
    """Stage 0: a new run folder, and the network that fits the data.

    Args:
        path: of the run's folder.
        data_options: for `load_data`.
        dataset: what they describe.
        training: `TrainingConfig`.
        channels: of each level of the network; chosen by the size of the pictures if not given.

    Returns:
        `Run` and `UNetConfig`.
    """
    network = UNetConfig.for_pictures(
        dataset.height, dataset.width, dataset.channels, dataset.num_classes, channels=channels
    )
    UNet(network)  # numbers that do not fit are refused before a folder is made
    config = {
        "command": " ".join(["minidiff", *sys.argv[1:]]),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "data": data_options | {"name": dataset.name, "source": dataset.source, "licence": dataset.licence},
        "fingerprint": dataset.fingerprint(),
        "class_names": list(dataset.class_names),
        "network": network.as_dict(),
        "training": training.as_dict(),
    }
    return Run.create(path, config), network


def show_noise(run, dataset, training, say):
    """Stage 2: a strip that shows pictures of the data turning into noise, `forward_process.png`."""
    schedule = Schedule(training.schedule, training.T)
    times = np.rint(np.linspace(0, schedule.T, 9)).astype(int)
    count = min(3, len(dataset))
    x0 = dataset.pixels(np.arange(count))
    eps = np.random.default_rng(training.seed).standard_normal(x0.shape, np.float32)
    strip = np.stack([schedule.add_noise(x0, eps, t) for t in times], axis=1)  # (count, 9, H, W, C)
    plotting.save_sheet(run.path / "forward_process.png", strip.reshape(-1, *x0.shape[1:]), columns=len(times))
    say(f"   in:  pictures x0 {dataset.images.shape}, noise eps of the same shape, a step t from 1 to {schedule.T}")
    say(f"   out: z = signal[t] x0 + noise[t] eps, the same shape; signal falls from 1 to {schedule.signal[-1]:.3g}")
    say(f"   {run.path / 'forward_process.png'}")


def train(run, network_config, dataset, training, workers, say, progress=True):
    """Stage 3: trains a new network; a bar for each epoch, then a row of figures, a row of history and a checkpoint.

    Args:
        run: `Run`.
        network_config: `UNetConfig`.
        dataset: `Dataset`.
        training: `TrainingConfig`.
        workers: `Workers`.
        say: called with each line of text.
        progress: whether to draw bars.

    Returns:
        The `Trainer` when it is done.
    """
    network = UNet(network_config)
    p = network.create_parameters(training.seed)
    trainer = Trainer(network, p, dataset, training, workers)
    picture = (dataset.height, dataset.width, dataset.channels)
    say(f"   in:  noisy pictures {(training.batch_size, *picture)}, a noise level and a label for each")
    say(f"   out: a prediction of the same shape; {p.size:,} parameters, {workers.threads} threads")
    say("   epoch     loss   learning rate   gradient   images/s   seconds")
    steps, start, bar = [], time.perf_counter(), None
    for step in trainer.train():
        if bar is None:
            bar = tqdm(total=len(dataset), unit="img", desc=f"   {step.epoch:5}", leave=False, disable=not progress)
        steps.append(step)
        bar.update(step.images)
        bar.set_postfix_str(f"loss {np.mean([s.loss for s in steps]):.4f}", refresh=False)
        if step.last_of_epoch:
            bar.close()
            row = _epoch_row(steps, time.perf_counter() - start)
            say(
                f"   {row['epoch']:5} {row['loss']:8.4f} {row['learning_rate']:15.2e} {row['gradient_norm']:10.3f}"
                f" {row['images_per_second']:10.1f} {row['seconds']:9.1f}"
            )
            run.add_history(row)
            run.save_checkpoint(
                {"parameters": p.vector, "average": trainer.optimiser.average, "step": np.array(trainer.step)}
            )
            steps, bar = [], None
    plotting.save_loss_curve(run.path / "loss.png", run.history())
    return trainer


def _epoch_row(steps, seconds):
    images = sum(step.images for step in steps)
    losses = np.concatenate([step.losses for step in steps])
    return {
        "epoch": steps[-1].epoch,
        "step": steps[-1].step,
        "loss": round(float(losses.mean()), 6),
        "seconds": round(seconds, 2),
        "images_per_second": round(images / sum(step.seconds for step in steps), 2),
        "learning_rate": float(f"{steps[-1].learning_rate:.6g}"),
        "gradient_norm": round(float(np.mean([step.gradient_norm for step in steps])), 5),
    }


def training_trace(history, width=40):
    """The training trace as text: epochs 1, 5, 10, 20 and the last, with their loss and a bar for each.

    Bars are on a logarithmic scale, from the smallest loss to the largest.

    Args:
        history: rows with "epoch" and "loss".
        width: of the longest bar.

    Returns:
        Lines of text.
    """
    last = history[-1]["epoch"]
    rows = [row for row in history if row["epoch"] in TRACE_EPOCHS or row["epoch"] == last]
    logs = [math.log(row["loss"]) for row in rows]
    span = max(logs) - min(logs) or 1.0
    lines = ["   epoch     loss"]
    for row, log in zip(rows, logs, strict=True):
        bar = "█" * (1 + round((width - 1) * (log - min(logs)) / span))
        lines.append(f"   {row['epoch']:5} {row['loss']:8.4f}  {bar}")
    return lines


def load_denoiser(run, workers):
    """The trained network of a run, with its averaged parameters.

    Args:
        run: `Run`.
        workers: `Workers`.

    Returns:
        `NetworkDenoiser`.

    Raises:
        MinidiffError: config.json or the checkpoint does not fit.
    """
    try:
        network = UNet(UNetConfig.from_dict(run.config["network"]))
        training = TrainingConfig(**run.config["training"])
    except (KeyError, TypeError) as error:
        raise MinidiffError(f"{run.path / 'config.json'} was changed or is of another version: {error}") from error
    p = network.create_parameters()
    p = Parameters(p.shapes, vector=run.load_checkpoint(p.size)["average"])
    schedule = Schedule(training.schedule, training.T)
    return NetworkDenoiser(network, p, schedule, training.target, workers, training.slice_size)


def labels_for(class_names, count, name=None):
    """Labels for `count` pictures: all of one class, or each class in turn.

    Args:
        class_names: of the run, possibly none.
        count: how many labels.
        name: of the class; each in turn if None.

    Returns:
        int (count,), or None for a network without classes.

    Raises:
        MinidiffError: a name that is not among them.
    """
    if name is None:
        return np.arange(count) % len(class_names) if class_names else None
    if name not in class_names:
        known = f"it knows {', '.join(class_names)}" if class_names else "it was trained without classes"
        raise MinidiffError(f"this run knows no class {name!r}; {known}")
    return np.full(count, list(class_names).index(name))


def generate(denoiser, shape, sampler, steps, seed, labels, progress=True):
    """Stage 4: from noise to pictures, with a bar.

    Args:
        denoiser: any.
        shape: (N, H, W, C).
        sampler, steps, seed, labels: as in `sampling.sample`.
        progress: whether to draw the bar.

    Returns:
        pictures (N, H, W, C) in [-1, 1], and the list of the noisy pictures after each step.
    """
    states = sample(denoiser, shape, sampler=sampler, steps=steps, seed=seed, labels=labels)
    trajectory = [
        state.z for state in tqdm(states, total=steps + 1, desc="   steps", leave=False, disable=not progress)
    ]
    return trajectory[-1], trajectory


def show_samples(run, images, trajectory, columns):
    """The sheet `samples.png` and the animation `denoising.gif` of a run."""
    plotting.save_sheet(run.path / "samples.png", images, columns)
    frames = (
        trajectory
        if len(trajectory) <= 30
        else [trajectory[i] for i in np.linspace(0, len(trajectory) - 1, 30, dtype=int)]
    )
    plotting.save_animation(run.path / "denoising.gif", frames, columns)
