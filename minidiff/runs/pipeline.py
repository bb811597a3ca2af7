"""The whole way, with words and images: what the `minidiff` command does once its arguments are read.

The four stages of a diffusion model are data, noise, training and generation. Each function here runs one of them on a
`Run`, says what goes in and what comes out, and leaves the images in the run's folder. The third, training, has a
file of its own, `train.py`.
"""

import math

import numpy as np
from tqdm import tqdm

from minidiff import data, plotting
from minidiff.denoiser import NetworkDenoiser
from minidiff.errors import MinidiffError
from minidiff.parameters import Parameters
from minidiff.runs.snapshots import is_traced
from minidiff.runs.train import read_config
from minidiff.sampling import sample
from minidiff.unet import UNet


def load_data(options):
    """The data set that some options describe.

    Args:
        options: dict with "spec", "images", "held_out" and what else `data.load` takes; None means the default.

    Returns:
        `Dataset` to train on, and `Dataset` held out, or None.
    """
    options = dict(options)
    fraction = options.pop("held_out", None)
    dataset = data.load(options.pop("spec"), num_images=options.pop("images", None), **options)
    return dataset.split(fraction, options["seed"]) if fraction is not None else (dataset, None)


def describe(dataset):
    """One line on a data set, such as "1000 images x 64 x 64 x 3 channels, 8 classes"."""
    shape = f"{len(dataset)} images x {dataset.height} x {dataset.width} x {dataset.channels} channels"
    return shape + (f", {dataset.num_classes} classes" if dataset.num_classes else ", no classes")


def show_noise(run, dataset, training, say):
    """Stage 2: a strip that shows images of the data turning into noise, `forward_process.png`."""
    schedule = training.create_schedule()
    times = np.rint(np.linspace(0, schedule.T, 9)).astype(int)
    count = min(3, len(dataset))
    x0 = dataset.pixels(np.arange(count))
    eps = np.random.default_rng(training.seed).standard_normal(x0.shape, np.float32)
    strip = np.stack([schedule.add_noise(x0, eps, t) for t in times], axis=1)  # (count, 9, H, W, C)
    plotting.save_sheet(run.path / "forward_process.png", strip.reshape(-1, *x0.shape[1:]), columns=len(times))
    say(f"   in:  images x0 {dataset.images.shape}, noise eps of the same shape, a step t from 1 to {schedule.T}")
    say(f"   out: z = signal[t] x0 + noise[t] eps, the same shape; signal falls from 1 to {schedule.signal[-1]:.3g}")
    say(f"   {run.path / 'forward_process.png'}")


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
    rows = [row for row in history if is_traced(row["epoch"], last)]
    logs = [math.log(row["loss"]) for row in rows]
    span = max(logs) - min(logs) or 1.0
    lines = ["   epoch     loss"]
    for row, log in zip(rows, logs, strict=True):
        bar = "█" * (1 + round((width - 1) * (log - min(logs)) / span))
        lines.append(f"   {row['epoch']:5} {row['loss']:8.4f}  {bar}")
    return lines


def load_denoiser(run, workers, say, best=False):
    """The trained network of a run, with its averaged parameters.

    Args:
        run: `Run`.
        workers: `Workers`.
        say: called with a line for each damaged checkpoint that was passed over.
        best: take the checkpoint with the lowest loss on held-out images instead of the newest.

    Returns:
        `NetworkDenoiser`.

    Raises:
        MinidiffError: config.json or the checkpoint does not fit.
    """
    network_config, training, _ = read_config(run)
    network = UNet(network_config)
    p = network.create_parameters()
    p = Parameters(p.shapes, vector=run.load_checkpoint(p.size, say, best).arrays["average"])
    schedule = training.create_schedule()
    return NetworkDenoiser(network, p, schedule, training.target, workers)


def labels_for(class_names, count, name=None):
    """Labels for `count` images: all of one class, or each class in turn.

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
    """Stage 4: from noise to images, with a bar.

    Args:
        denoiser: any.
        shape: (N, H, W, C).
        sampler, steps, seed, labels: as in `sampling.sample`.
        progress: as in `collect`.

    Returns:
        As `collect` does.
    """
    return collect(sample(denoiser, shape, sampler=sampler, steps=steps, seed=seed, labels=labels), steps, progress)


def collect(states, steps, progress=True):
    """Runs any way of sampling to its end, with a bar.

    Args:
        states: generator of `State`s, from `sampling.sample` or `steering`.
        steps: how many it takes.
        progress: whether to draw the bar, if standard error is a terminal.

    Returns:
        images (N, H, W, C) in [-1, 1], and the list of the noisy images after each step.
    """
    disable = None if progress else True  # None: unless standard error is a terminal
    bar = tqdm(states, total=steps + 1, desc="   steps", leave=False, disable=disable)
    trajectory = [state.z for state in bar]
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
