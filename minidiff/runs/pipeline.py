"""The four stages of a diffusion model on a run: data, noise, training, generation.

Each stage logs the shapes that go in and come out, and leaves its images in the run's folder. Training itself is in
`train.py`.
"""

import logging
import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from minidiff import data, plotting
from minidiff.data import Dataset
from minidiff.denoiser import NetworkDenoiser
from minidiff.errors import MinidiffError
from minidiff.parallel import Workers
from minidiff.randomness import stream
from minidiff.runs.compatibility import fingerprint
from minidiff.runs.folder import Run
from minidiff.runs.metadata import write_metadata
from minidiff.runs.snapshots import is_snapshot_epoch
from minidiff.runs.train import train_run
from minidiff.runs.weights import weights_of
from minidiff.sampling import State, default_steps, sample
from minidiff.text import clean
from minidiff.training_config import TrainingConfig
from minidiff.unet import UNetConfig

logger = logging.getLogger(__name__)

# of stage 4, `minidiff sample` and `minidiff evaluate`; a distilled run has its own sampler and steps
SAMPLES, SAMPLER, STEPS = 16, "dpmpp_2m_sde", 25


def load_data(options: dict[str, Any]) -> tuple[Dataset, Dataset | None]:
    """Loads a data set and holds out a part of it.

    Args:
        options: "spec", "images", "held_out" and other arguments of `data.load`; None stands for the default.

    Returns:
        The training data, and the held-out data or None.
    """
    options = dict(options)
    fraction = options.pop("held_out", None)
    dataset = data.load(options.pop("spec"), num_images=options.pop("images", None), **options)
    return dataset.split(fraction, options["seed"]) if fraction is not None else (dataset, None)


def describe(dataset: Dataset) -> str:
    """One line on a data set, such as "1000 images x 64 x 64 x 3 channels, 8 classes"."""
    shape = f"{len(dataset)} images x {dataset.height} x {dataset.width} x {dataset.channels} channels"
    return shape + (f", {dataset.num_classes} classes" if dataset.num_classes else ", no classes")


def run_stages(
    run: Run, network: UNetConfig, dataset: Dataset, training: TrainingConfig, workers: Workers, **options: Any
) -> None:
    """Runs all four stages on a run and logs what they do.

    Args:
        run: locked.
        network, dataset, training, workers: as in `train_run`.
        options: keyword arguments of `train_run`.

    Raises:
        MinidiffError, KeyboardInterrupt: as in `train_run`.
    """
    logger.info("1. Data: %s, %s", dataset.name, describe(dataset))
    for note in dataset.notes:
        logger.info("   %s", note)
    logger.info("   out: images %s, pixels in [-1, 1]", dataset.images.shape)
    if not (run.path / "forward_process.png").exists():  # it does in a resumed run
        logger.info("2. Noise: the forward process")
        show_noise(run, dataset, training)
    logger.info("3. Training: %d epochs", training.epochs)
    trainer = train_run(run, network, dataset, training, workers, **options)
    if history := run.history():  # it may have been removed
        logger.info("   loss, on a logarithmic scale\n%s", "\n".join(loss_table(history)))
    steps = default_steps(STEPS, training.T)
    logger.info("4. Generation: from noise to images in %d sampler steps", steps)
    shape, labels = (SAMPLES, *dataset.example_shape), labels_for(dataset.class_names, SAMPLES)
    logger.info("   in:  noise %s and a label for each", shape)
    logger.info("   out: images of the same shape, in [-1, 1]")
    denoiser = trainer.denoiser()
    found = collect(sample(denoiser, shape, SAMPLER, steps, training.seed, labels), steps)
    names = None if labels is None else [dataset.class_names[label] for label in labels]
    values = {"seed": training.seed, "label": "any" if labels is None else "each", "sampler": SAMPLER, "steps": steps}
    metadata = write_metadata(run.path.resolve().name, denoiser.p.vector, values | {"images": SAMPLES})
    plotting.save_sheet(run.path / "samples.png", found.images, columns=8, names=names, metadata=metadata)
    plotting.save_animation(
        run.path / "denoising.gif", found.trajectory, columns=8, names=names, titles=found.titles(), metadata=metadata
    )
    logger.info("   %s, denoising.gif, loss.png, history.csv", run.path / "samples.png")


def show_noise(run: Run, dataset: Dataset, training: TrainingConfig) -> None:
    """Stage 2: images with noise of increasing timesteps, saved as `forward_process.png`."""
    schedule = training.create_schedule()
    times = np.rint(np.linspace(0, schedule.T, 9)).astype(int)
    count = min(3, len(dataset))
    x0 = dataset.pixels(np.arange(count))
    eps = stream("figure", training.seed).standard_normal(x0.shape, np.float32)
    sheet = np.stack([schedule.add_noise(x0, eps, t) for t in times], axis=1)  # (count, 9, H, W, C)
    names = [f"t = {t}" for t in times] * count
    images = sheet.reshape(-1, *x0.shape[1:])
    plotting.save_sheet(run.path / "forward_process.png", images, columns=len(times), names=names)
    logger.info(
        "   in:  images x0 %s, noise eps of the same shape, a timestep t from 1 to %d", dataset.images.shape, schedule.T
    )
    logger.info(
        "   out: z = signal[t] x0 + noise[t] eps, the same shape; signal falls from 1 to %.3g", schedule.signal[-1]
    )
    logger.info("   %s", run.path / "forward_process.png")


def loss_table(history: Sequence[dict[str, float]], width: int = 40) -> list[str]:
    """The loss of epochs 1, 5, 10, 20 and the last as a text table, with bars on a logarithmic scale.

    Args:
        history: rows with "epoch", "loss" and, with held-out images, "held_out_loss"; then the best epoch is named.
        width: of the longest bar.

    Returns:
        Lines of text.
    """
    last = int(history[-1]["epoch"])
    held_out = {row["epoch"]: row["held_out_loss"] for row in history if row.get("held_out_loss", math.nan) > 0}
    best = min(held_out, key=lambda epoch: held_out[epoch]) if held_out else None
    rows = [row for row in history if is_snapshot_epoch(int(row["epoch"]), last) or row["epoch"] == best]
    logs = [math.log(row["loss"]) for row in rows]
    span = max(logs) - min(logs) or 1.0
    lines = ["   epoch     loss" + ("   held out" if held_out else "")]
    for row, log in zip(rows, logs, strict=True):
        bar = "█" * (1 + round((width - 1) * (log - min(logs)) / span))
        loss = f"   {held_out.get(row['epoch'], math.nan):8.4f}" if held_out else ""
        lines.append(f"   {row['epoch']:5} {row['loss']:8.4f}{loss}  {bar}")
    if best is not None:
        lines.append(f"   best epoch {best}, held-out loss {held_out[best]:.4f} (minidiff sample --best uses it)")
    return lines


def load_denoiser(run: Run, workers: Workers, *, best: bool = False) -> NetworkDenoiser:
    """The trained network of a run, with its averaged parameters.

    Args:
        run: with at least one checkpoint.
        workers: for the network.
        best: load the checkpoint with the lowest loss on held-out images instead of the newest.

    Raises:
        MinidiffError: config.json or the checkpoint does not fit.
    """
    return weights_of(run, best=best).denoiser(workers)


def load_training_data(run: Run, denoiser: NetworkDenoiser) -> Dataset:
    """The images that a run was trained on; `MinidiffError` if they are not there any more, or have changed."""
    trained_on = run.load_checkpoint(denoiser.p.size).facts["config"]["data"]
    dataset, _ = load_data(run.read_config()[2])
    if fingerprint(dataset) != trained_on:
        raise MinidiffError(
            f"{dataset.name}: the images have changed since {run.path} was trained on them; restore them or train again"
        )
    return dataset


def labels_for(class_names: Sequence[str], count: int, names: str | None = None) -> np.ndarray | None:
    """Labels for a number of images: some classes in turn, by default all of them.

    Args:
        class_names: of the run, possibly none.
        count: number of labels.
        names: as in `classes_named`.

    Returns:
        int (count,), or None for no class.

    Raises:
        MinidiffError: an unknown name.
    """
    chosen = classes_named(class_names, names)
    return np.resize(chosen, count) if chosen else None


def classes_named(class_names: Sequence[str], names: str | None = None) -> list[int]:
    """The indices of classes by their names.

    Args:
        class_names: of the run, possibly none.
        names: of one class or several, separated by commas; upper and lower case are the same if only one class has
            that name. "each" or None for all, "any" for none.

    Raises:
        MinidiffError: an unknown name.
    """
    if names is None:
        return list(range(len(class_names)))
    names = clean(names)  # as those of the run
    parts = [names] if names in class_names else [part.strip() for part in names.split(",")]
    if parts in (["any"], ["each"]) and names not in class_names:
        return [] if parts == ["any"] else list(range(len(class_names)))
    return [index_of_class(class_names, part) for part in parts]


def index_of_class(class_names: Sequence[str], name: str) -> int:
    """The index of a class by its name; arguments and errors as in `classes_named`."""
    same = [i for i, other in enumerate(class_names) if other.casefold() == name.casefold()]
    same = [i for i in same if class_names[i] == name] or same
    if len(same) != 1:
        problem = f"{'ambiguous' if same else 'unknown'} class {name!r}"
        known = f"choose from {', '.join(class_names)}" if class_names else "this run was trained without classes"
        raise MinidiffError(f"{problem}; {known}")
    return same[0]


class Collected(NamedTuple):
    """Images (N, H, W, C) in [-1, 1], and the noisy images and timesteps before the first and after each step."""

    images: np.ndarray
    trajectory: list[np.ndarray]
    times: list[int]

    def titles(self) -> list[str]:
        """A line of text for each entry of the trajectory."""
        return [f"step {i} of {len(self.times) - 1}, t = {t}" for i, t in enumerate(self.times)]


def collect(states: Iterable[State], steps: int) -> Collected:
    """Runs a sampling generator to its end, with a progress bar if standard error is a terminal.

    Args:
        states: from `sampling.sample` or `editing`.
        steps: number of sampler steps.
    """
    bar = tqdm(states, total=steps + 1, desc="   steps", leave=False, disable=None)
    trajectory, times = zip(*((state.z, state.t) for state in bar), strict=True)
    return Collected(trajectory[-1], list(trajectory), list(times))
