"""Facts and images from a run, as plain data. What is not there is left out, with a line that says so."""

import json
import shlex
from dataclasses import dataclass, field

import numpy as np

from minidiff.data import to_bytes
from minidiff.data.dataset import Dataset
from minidiff.errors import MinidiffError
from minidiff.evaluation.nearest import nearest
from minidiff.plotting import GAP
from minidiff.runs import pipeline
from minidiff.runs.compatibility import fingerprint
from minidiff.runs.snapshots import COUNT, is_traced, snapshots
from minidiff.runs.train import read_config
from minidiff.samplers import State
from minidiff.sampling import sample, starting_noise
from minidiff.schedule import Schedule
from minidiff.training_config import TrainingConfig
from minidiff.unet import UNet, UNetConfig

SAMPLER, STEPS, SAMPLES = "heun", 12, 16  # as `minidiff demo` and `minidiff train` draw their sheet
SEEDS = (0, 1, 2, 3)  # of the images whose denoising is shown
FORWARD_STEPS, FORWARD_IMAGES = 21, 3


@dataclass(frozen=True)
class Forward:
    """Training images drowning in noise: steps t, and z at each, uint8 (len(t), images, H, W, C)."""

    t: list
    z: np.ndarray


@dataclass(frozen=True)
class Denoising:
    """From noise to images: at each step t, z and what the network sees in it, uint8 (len(t), seeds, H, W, C).

    At the last step, t = 0, nothing is asked any more, and x0_hat is that of the step before, which z has become.
    """

    t: list
    z: np.ndarray
    x0_hat: np.ndarray
    names: list


@dataclass(frozen=True)
class Samples:
    """Samples beside the training images nearest to them, and how far away those are, in gray levels.

    `spacing` is the median distance of the same training images to the nearest of all others. What needs the
    training images is None if they are not there.
    """

    images: np.ndarray
    names: list
    nearest: np.ndarray | None = None
    distances: np.ndarray | None = None
    spacing: float | None = None


@dataclass
class Facts:
    """All that the page shows. `missing` says for each part that is None or empty why it is."""

    name: str
    path: str
    config: dict
    network: UNetConfig
    training: TrainingConfig
    schedule: Schedule
    num_parameters: int
    class_names: list
    history: list
    num_images: int | None = None
    dataset: Dataset | None = None
    snapshots: dict = field(default_factory=dict)
    forward: Forward | None = None
    denoising: Denoising | None = None
    samples: Samples | None = None
    evaluation: dict | None = None
    missing: dict = field(default_factory=dict)


def collect(run, workers, say=lambda line: None, dataset=None):
    """Gathers everything about a run, and draws images with its network.

    Args:
        run: `Run`.
        workers: `Workers`.
        say: called with lines about damaged checkpoints.
        dataset: the training images, if they are at hand; read again if not.

    Returns:
        `Facts`.

    Raises:
        MinidiffError: the run's configuration cannot be read.
    """
    network, training, data_options = read_config(run)
    facts = Facts(
        name=run.path.resolve().name,
        path=shlex.quote(str(run.path)),
        config=run.config,
        network=network,
        training=training,
        schedule=training.create_schedule(),
        num_parameters=UNet(network).create_parameters().size,
        class_names=[str(name) for name in run.config.get("class_names") or []],
        history=run.history(),
    )
    if not facts.history:
        facts.missing["history"] = "No epoch has been finished yet, so there is no loss to show."
    facts.snapshots = read_snapshots(run, network)
    if not facts.snapshots:
        facts.missing["snapshots"] = "No images from the middle of the training were kept in this run."
    add_data(facts, data_options, dataset)
    add_drawings(facts, run, workers, say)
    add_evaluation(facts, run)
    return facts


def add_data(facts, options, dataset):
    """The training images, and some of them in noise."""
    try:
        facts.dataset = pipeline.load_data(options)[0] if dataset is None else dataset
        if facts.dataset.example_shape != facts.network.example_shape:
            raise MinidiffError(f"they are now of shape {facts.dataset.example_shape}")
    except MinidiffError as error:
        facts.dataset = None
        facts.missing["data"] = f"The training images are not where they were when this run was trained: {error}."
        return
    facts.num_images = len(facts.dataset)
    schedule = facts.schedule
    t = np.unique(np.rint(np.linspace(0, schedule.T, FORWARD_STEPS)).astype(int)).tolist()
    x0 = facts.dataset.pixels(np.arange(min(FORWARD_IMAGES, len(facts.dataset))))
    eps = np.random.default_rng(facts.training.seed).standard_normal(x0.shape, np.float32)
    facts.forward = Forward(t, np.stack([to_bytes(schedule.add_noise(x0, eps, step)) for step in t]))


def add_drawings(facts, run, workers, say):
    """What the network draws: the way from noise to images, and samples beside their nearest training images."""
    try:
        denoiser = pipeline.load_denoiser(run, workers, say)
        trained_on = run.find_checkpoint(facts.num_parameters, say).facts["config"]["data"]
    except MinidiffError as error:
        facts.missing["samples"] = f"The network cannot draw yet: {error}."
        return
    facts.num_images = trained_on["images"]
    if facts.dataset is not None and fingerprint(facts.dataset) != trained_on:
        facts.missing["same data"] = (
            "The training images have changed since this run was trained; what is shown of them is how they are now."
        )
    shape, steps = facts.network.example_shape, min(STEPS, facts.schedule.T)
    labels = pipeline.labels_for(facts.class_names, SAMPLES)
    z = np.concatenate([starting_noise(facts.schedule, (1, *shape), seed) for seed in SEEDS])
    start = State(z, np.zeros_like(z), facts.schedule.T)
    few = None if labels is None else labels[: len(SEEDS)]
    states = list(sample(denoiser, z.shape, sampler=SAMPLER, steps=steps, labels=few, start=start))
    facts.denoising = Denoising(
        t=[state.t for state in states],
        z=np.stack([to_bytes(state.z) for state in states]),
        x0_hat=np.stack([to_bytes(state.x0_hat) for state in [*states[1:], states[-1]]]),
        names=names_of(facts, few, len(SEEDS)),
    )
    images, _ = pipeline.generate(
        denoiser, (SAMPLES, *shape), SAMPLER, steps, facts.training.seed, labels, progress=False
    )
    facts.samples = with_nearest(to_bytes(images), names_of(facts, labels, SAMPLES), facts.dataset)


def with_nearest(images, names, dataset):
    """`Samples` with the training images nearest to them, as far as there are any."""
    if dataset is None:
        return Samples(images, names)
    positions, distances = nearest(images, dataset.images)
    others = np.delete(dataset.images, positions, axis=0)
    found = dataset.images[np.unique(positions)]
    spacing = float(np.median(nearest(found, others)[1])) if len(others) else None
    return Samples(images, names, dataset.images[positions], distances, spacing)


def names_of(facts, labels, count):
    """The class of each image; empty names without classes."""
    return [""] * count if labels is None else [facts.class_names[label] for label in labels]


def read_snapshots(run, network):
    """epoch -> images uint8 (n, H, W, C), cut out of their sheets; a sheet that cannot be read is left out."""
    from PIL import Image, UnidentifiedImageError

    height, width, channels = network.example_shape
    found = {}
    files = snapshots(run)
    for epoch, file in files.items():
        if not is_traced(epoch, max(files)):
            continue  # the last one of a training that was resumed with more epochs
        try:
            with Image.open(file) as opened:
                page = np.asarray(opened.convert("RGB"))
        except (OSError, UnidentifiedImageError):
            continue
        if page.shape != (height + 2 * GAP, COUNT * (width + GAP) + GAP, 3):
            continue
        lefts = [GAP + i * (width + GAP) for i in range(COUNT)]
        found[epoch] = np.stack([page[GAP : GAP + height, left : left + width, :channels] for left in lefts])
    return found


def add_evaluation(facts, run):
    """The figures of `minidiff evaluate`, if they were measured."""
    file = run.path / "evaluation.json"
    if not file.is_file():
        facts.missing["evaluation"] = f"Not measured yet. `minidiff evaluate {facts.path}` does, and puts it here."
        return
    try:
        figures = json.loads(file.read_text(encoding="utf-8"))
        facts.evaluation = figures if isinstance(figures, dict) else None
    except (OSError, ValueError, RecursionError):
        facts.evaluation = None
    if facts.evaluation is None:
        facts.missing["evaluation"] = (
            f"evaluation.json cannot be read. `minidiff evaluate {facts.path}` writes it anew."
        )
