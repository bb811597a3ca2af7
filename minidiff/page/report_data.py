"""Everything that the report shows, as plain data. Missing parts are None or empty, with the reason in `missing`."""

import json
import shlex
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from minidiff.data import to_bytes
from minidiff.data.dataset import Dataset
from minidiff.data.readers.image_file import UNREADABLE, open_image
from minidiff.errors import MinidiffError
from minidiff.evaluation.evaluate import DECISIONS
from minidiff.evaluation.nearest import nearest
from minidiff.parallel import Workers
from minidiff.plotting import GAP
from minidiff.randomness import stream
from minidiff.regular import read_text
from minidiff.runs import pipeline
from minidiff.runs.compatibility import fingerprint
from minidiff.runs.folder import Run
from minidiff.runs.pipeline import SAMPLER, SAMPLES, STEPS
from minidiff.runs.snapshots import COUNT, is_snapshot_epoch, snapshots
from minidiff.samplers import State
from minidiff.sampling import sample, starting_noise
from minidiff.schedule import Schedule
from minidiff.text import clean, clean_all
from minidiff.training_config import TrainingConfig
from minidiff.unet import UNet, UNetConfig

SEEDS = (0, 1, 2, 3)  # of the images whose denoising is shown
PATH_SAMPLER, PATH_STEPS = "heun", 12  # of the denoising: deterministic, so that its start alone decides the image
LARGEST_SHEET = 8192  # pixels, of a side
NO_HISTORY = "No epoch has been finished yet, or history.csv was removed, so there is no loss to show."
NO_SNAPSHOTS = "This run has no snapshots from the course of the training."
FORWARD_TIMES, FORWARD_IMAGES = 21, 3


@dataclass(frozen=True)
class Forward:
    """Noised training images z, uint8 (len(t), images, H, W, C), at the timesteps t."""

    t: list[int]
    z: np.ndarray


@dataclass(frozen=True)
class Denoising:
    """z and the prediction x0_hat from it, uint8 (len(t), seeds, H, W, C), before each sampler step.

    The last entry, t = 0, is the result; there x0_hat repeats the prediction before it, which z is then equal to.
    """

    t: list[int]
    z: np.ndarray
    x0_hat: np.ndarray
    names: list[str]
    sampler: str = PATH_SAMPLER


@dataclass(frozen=True)
class Samples:
    """Generated images and, if the training images are there, the nearest of them.

    Attributes:
        images: uint8 (N, H, W, C).
        names: the class of each, or "".
        nearest: the training image nearest to each, uint8 (N, H, W, C).
        distances: the root mean square differences of the pairs, in gray levels, (N,).
        spacing: the median distance of these training images to the nearest other training image.
    """

    images: np.ndarray
    names: list[str]
    nearest: np.ndarray | None = None
    distances: np.ndarray | None = None
    spacing: float | None = None


@dataclass
class ReportData:
    """The content of the report. `missing` maps the name of a missing part to the reason."""

    name: str
    path: str
    config: dict
    source: str
    network: UNetConfig
    training: TrainingConfig
    schedule: Schedule
    num_parameters: int
    class_names: list[str]
    history: list[dict]
    num_images: int | None = None
    dataset: Dataset | None = None
    snapshots: dict[int, np.ndarray] = field(default_factory=dict)
    forward: Forward | None = None
    denoising: Denoising | None = None
    samples: Samples | None = None
    evaluation: dict | None = None
    decisions: np.ndarray | None = None
    missing: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"ReportData({self.name!r}, missing={sorted(self.missing)})"


def collect(run: Run, workers: Workers, dataset: Dataset | None = None, generate_images: bool = True) -> ReportData:
    """Reads everything about a run, and generates images with its network; the default data set is read again."""
    network, training, data_options = run.read_config()
    config = run.config
    report = ReportData(
        name=clean(run.path.resolve().name),
        path=shlex.quote(clean(run.path)),
        config=config,
        source=clean(config["source"] or config["data"]["spec"]),
        network=network,
        training=training,
        schedule=training.create_schedule(),
        num_parameters=UNet(network).create_parameters().size,
        class_names=config["class_names"],
        history=[],
    )
    add_progress(report, run)
    add_data(report, data_options, dataset)
    if generate_images:
        add_generated(report, run, workers)
    else:
        report.missing["samples"] = "Images are generated when the training has finished."
    add_evaluation(report, run)
    return report


def add_progress(report: ReportData, run: Run) -> None:
    """Adds what grows while a run is trained: the history and the snapshots."""
    report.history, report.snapshots = run.history(), read_snapshots(run, report.network)
    report.missing |= {} if report.history else {"history": NO_HISTORY}
    report.missing |= {} if report.snapshots else {"snapshots": NO_SNAPSHOTS}


def add_data(report: ReportData, options: dict, dataset: Dataset | None) -> None:
    """Adds the training images, and some of them with noise."""
    try:
        dataset = pipeline.load_data(options)[0] if dataset is None else dataset
        if dataset.example_shape != report.network.example_shape:
            raise MinidiffError(f"they are now of shape {dataset.example_shape}")
    except MinidiffError as error:
        report.missing["data"] = f"The training images of this run cannot be loaded again: {error}."
        return
    report.dataset, report.num_images = dataset, len(dataset)
    schedule = report.schedule
    times = np.unique(np.rint(np.linspace(0, schedule.T, FORWARD_TIMES)).astype(int)).tolist()
    x0 = dataset.pixels(np.arange(min(FORWARD_IMAGES, len(dataset))))
    eps = stream("figure", report.training.seed).standard_normal(x0.shape, np.float32)
    report.forward = Forward(times, np.stack([to_bytes(schedule.add_noise(x0, eps, t)) for t in times]))


def add_generated(report: ReportData, run: Run, workers: Workers) -> None:
    """Adds the denoising of some images, and samples with the training images nearest to them."""
    try:
        denoiser = pipeline.load_denoiser(run, workers)
        trained_on = run.load_checkpoint(report.num_parameters).facts["config"]["data"]
    except MinidiffError as error:
        report.missing["samples"] = f"No images can be generated yet: {error}."
        return
    report.num_images = trained_on["images"]
    if report.dataset is not None and fingerprint(report.dataset) != trained_on:
        report.missing["same data"] = "The training images have changed since this run; the new ones are shown."
    shape, T = report.network.example_shape, report.schedule.T
    labels = pipeline.labels_for(report.class_names, SAMPLES)
    names = [""] * SAMPLES if labels is None else [report.class_names[label] for label in labels]
    z = np.concatenate([starting_noise(report.schedule, (1, *shape), seed) for seed in SEEDS])
    start = State(z, np.zeros_like(z), report.schedule.T)
    few = None if labels is None else labels[: len(SEEDS)]
    distilled = run.read_sampling()  # of no use with any other sampler
    sampler, steps = (distilled.sampler, distilled.steps) if distilled else (PATH_SAMPLER, min(PATH_STEPS, T))
    states = list(sample(denoiser, z.shape, sampler, steps, labels=few, start=start))
    report.denoising = Denoising(
        t=[state.t for state in states],
        z=np.stack([to_bytes(state.z) for state in states]),
        x0_hat=np.stack([to_bytes(state.x0_hat) for state in [*states[1:], states[-1]]]),
        names=names[: len(SEEDS)],
        sampler=sampler,
    )
    if not distilled:
        sampler, steps = SAMPLER, min(STEPS, T)
    seed = report.training.seed
    drawn = sample(denoiser, (SAMPLES, *shape), sampler, steps, seed, labels)
    images = pipeline.collect(drawn, steps).images  # with a progress bar
    report.samples = with_nearest(to_bytes(images), names, report.dataset)


def with_nearest(images: np.ndarray, names: list[str], dataset: Dataset | None) -> Samples:
    """`Samples` with the nearest training images if there are any."""
    if dataset is None:
        return Samples(images, names)
    positions, distances = nearest(images, dataset.images)
    others = np.delete(dataset.images, positions, axis=0)
    found = dataset.images[np.unique(positions)]
    spacing = float(np.median(nearest(found, others)[1])) if len(others) else None
    return Samples(images, names, dataset.images[positions], distances, spacing)


def read_snapshots(run: Run, network: UNetConfig) -> dict[int, np.ndarray]:
    """epoch -> images uint8 (N, H, W, C), cut out of the saved sheet; an unreadable sheet is left out."""
    height, width, channels = network.example_shape
    found = {}
    files = snapshots(run)
    for epoch, file in files.items():
        if not is_snapshot_epoch(epoch, max(files)):
            continue  # it was the last epoch before a resume with more epochs
        sheet = read_sheet(file)
        if sheet is None or sheet.shape != (height + 2 * GAP, COUNT * (width + GAP) + GAP, 3):
            continue
        lefts = [GAP + i * (width + GAP) for i in range(COUNT)]
        found[epoch] = np.stack([sheet[GAP : GAP + height, left : left + width, :channels] for left in lefts])
    return found


def add_evaluation(report: ReportData, run: Run) -> None:
    """Adds the results of `minidiff evaluate` if there are any."""
    file, command = run.path / "evaluation.json", f"`minidiff evaluate {report.path}`"
    if not file.is_file():
        report.missing["evaluation"] = f"Not evaluated yet; {command} adds the results here."
        return
    try:
        results = clean_all(json.loads(read_text(file)))
    except (OSError, ValueError, RecursionError):
        results = None
    if isinstance(results, dict):
        report.evaluation = results
        report.decisions = read_sheet(run.path / DECISIONS)  # a figure that is drawn for cats only
    else:
        report.missing["evaluation"] = f"evaluation.json cannot be read; {command} writes it again."


def read_sheet(file: Path) -> np.ndarray | None:
    """An image file of the run, uint8 (H, W, 3); None if there is none that can be read."""
    if not file.is_file():
        return None
    try:
        with file.open("rb") as stream:
            return np.asarray(open_image(stream, LARGEST_SHEET, LARGEST_SHEET**2).convert("RGB"))
    except UNREADABLE:
        return None
