"""Quality against cost: the Frechet distance of every sampler at equal numbers of network evaluations.

Network evaluations dominate the cost of sampling, so samplers are compared at equal numbers of them, not of sampler
steps. heun needs two evaluations in each step but the last, so it gets half as many steps. All samplers start from the
same noise, for the same labels, and are compared with the same real images. Therefore the differences between them are
more accurate than their error bars. The steps of euler are identical to those of ddim, so they are taken once.
"""

import json
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minidiff import plotting
from minidiff.atomic import write_text
from minidiff.denoiser import Denoiser
from minidiff.evaluation.agreement import Readers
from minidiff.evaluation.extractor import FeatureExtractor
from minidiff.evaluation.measure import accuracy
from minidiff.sampling import SAMPLERS, generate

logger = logging.getLogger(__name__)

EVALUATIONS = (3, 5, 9, 15, 23, 35)  # odd, so that heun can use all of them
TICKS = tuple(digit * scale for scale in (0.01, 0.1, 1, 10, 100) for digit in (1, 2, 5))  # of a distance
COMPARED = tuple(name for name in SAMPLERS if name != "euler")
NAMES = {"ddim": "ddim = euler"}  # in the table and the chart


@dataclass(frozen=True)
class Point:
    """The result of one sampler at one number of steps.

    Attributes:
        evaluations: number of network evaluations per image.
        frechet: distance from the reference, and its standard error.
        whole: share of samples taken for whole, and its standard error.
        agreement: share of samples whose parts all agree, and its standard error; None without readers.
        accuracy: fraction of samples classified as their label, or None.
        seconds: for all images.
    """

    sampler: str
    steps: int
    evaluations: int
    frechet: tuple[float, float]
    whole: tuple[float, float]
    agreement: tuple[float, float] | None
    accuracy: float | None
    seconds: float


class CountingDenoiser:
    """A denoiser that counts the evaluations of another one."""

    def __init__(self, denoiser: Denoiser) -> None:
        self.denoiser, self.schedule, self.evaluations = denoiser, denoiser.schedule, 0

    def __call__(self, z: np.ndarray, t: int, labels: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        self.evaluations += 1
        return self.denoiser(z, t, labels)


def steps_for(sampler: str, evaluations: int) -> int:
    """The largest number of sampler steps within a number of evaluations: heun needs 2 in each step but the last."""
    return (evaluations + 1) // 2 if sampler == "heun" else evaluations


def quality(
    denoiser: Denoiser,
    extractor: FeatureExtractor,
    labels: np.ndarray | None = None,
    readers: Readers | None = None,
    evaluations: Sequence[int] = EVALUATIONS,
    seed: int = 0,
    spacing: str | None = None,
    samplers: Sequence[str] = COMPARED,
) -> Iterator[Point]:
    """Yields a `Point` for every sampler at every number of evaluations, sampler by sampler.

    Args:
        extractor: its `count` is the number of images for each point.
        labels: class of each image, int (count,), or None.
        readers: of the parts of synthetic data, or None.
        evaluations: maximum numbers of network evaluations per image, ascending.
        spacing: of the sampler steps; by default that of each sampler.
    """
    shape = (extractor.count, *extractor.reference.example_shape)
    for sampler in samplers:
        for most in evaluations:
            start, counting, steps = time.perf_counter(), CountingDenoiser(denoiser), steps_for(sampler, most)
            samples = generate(counting, shape, sampler=sampler, steps=steps, seed=seed, labels=labels, spacing=spacing)
            seconds = time.perf_counter() - start
            features, classes = extractor.extract(samples.__getitem__, len(samples))
            yield Point(
                sampler=sampler,
                steps=steps,
                evaluations=counting.evaluations,
                frechet=extractor.compare("frechet", features),
                whole=extractor.whole(samples),
                agreement=readers.agreement(samples)["all"] if readers else None,
                accuracy=accuracy(classes, labels),
                seconds=round(seconds, 2),
            )


def measure_quality(
    denoiser: Denoiser,
    extractor: FeatureExtractor,
    labels: np.ndarray | None,
    readers: Readers | None,
    path: Path,
    **options: Any,
) -> None:
    """Measures all points, prints them as they are found and in a table, and writes a chart and the values.

    Arguments and options are those of `quality`. `path` is that of the chart, a .png; the values are written beside
    it, as .json.
    """
    start = time.perf_counter()
    floor = extractor.compare("frechet", extractor.control_features)
    points = []
    for point in quality(denoiser, extractor, labels, readers, **options):
        points.append(point)
        value, error = point.frechet
        shares = f"whole {100 * point.whole[0]:5.1f} %"
        shares += f"  agree {100 * point.agreement[0]:5.1f} %" if point.agreement else ""
        steps, seconds = f"{point.sampler:13} {point.steps:3} steps", f"{point.seconds:6.1f} s"
        logger.info(f"   {steps}  {value:7.2f} +- {error:.2f}  {shares}  {seconds}")
    took = time.perf_counter() - start
    logger.info(table(points, floor, extractor.count))
    _save_quality(path, points, floor, extractor.count)
    facts = {"samples": extractor.count, "floor": floor, "floor_samples": len(extractor.control)} | options
    facts |= {"seconds": round(took, 1), "points": [asdict(point) for point in points]}
    write_text(path.with_suffix(".json"), json.dumps(facts, indent=2) + "\n")
    logger.info(f"{path}, {path.with_suffix('.json').name}; {took:.0f} s")


def table(points: Sequence[Point], floor: tuple[float, float], count: int) -> str:
    """The points as a text table, samplers x evaluations, below the floor: distance and error of real images."""
    columns = sorted({point.evaluations for point in points})
    cells = {(point.sampler, point.evaluations): f"{point.frechet[0]:.2f}" for point in points}
    lines = [f"   Frechet distance of {count} samples; real images {floor[0]:.2f} +- {floor[1]:.2f}"]
    lines.append(f"   {'evaluations':13}" + "".join(f"{column:>9}" for column in columns))
    for sampler in dict.fromkeys(point.sampler for point in points):
        values = "".join(f"{cells.get((sampler, column), ''):>9}" for column in columns)
        lines.append(f"   {NAMES.get(sampler, sampler):13}{values}")
    return "\n".join(lines)


def _save_quality(path: Path, points: Sequence[Point], floor: tuple[float, float], count: int) -> None:
    """Draws distance against evaluations, both on logarithmic scales, with the floor."""
    figure = plotting.new_figure(8.4, 4.4)
    axes = figure.add_subplot()
    axes.axhspan(max(floor[0] - floor[1], 1e-3), floor[0] + floor[1], color="lightgray", label="real images, held-out")
    axes.set(xscale="log", yscale="log", xlabel="network evaluations per image", ylabel="Frechet distance")
    samplers = list(dict.fromkeys(point.sampler for point in points))
    for i, (sampler, marker, color) in enumerate(zip(samplers, "os^Dv*", plotting.COLORS, strict=False)):
        own = [point for point in points if point.sampler == sampler]
        shift = 1.012 ** (i - 2)  # so that error bars do not overlap
        positions = [shift * point.evaluations for point in own]
        values, errors = np.array([point.frechet for point in own]).T
        style: dict[str, Any] = {"color": color, "marker": marker, "markersize": 4, "linewidth": 1.3, "elinewidth": 0.8}
        axes.errorbar(positions, values, np.minimum(errors, 0.9 * values), label=NAMES.get(sampler, sampler), **style)
    columns = sorted({point.evaluations for point in points})
    axes.set_xticks(columns, [str(column) for column in columns])
    low, high = axes.get_ylim()
    most = 2 * np.median([point.frechet[0] for point in points if point.evaluations == columns[0]])
    high = max(min(high, most), 2 * floor[0])  # a sampler that fails in few steps would compress all others
    axes.set_ylim(low, high)
    levels = [level for level in TICKS if low <= level <= high]
    axes.set_yticks(levels, [f"{level:g}" for level in levels])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.set_title(f"Frechet distance of {count} samples, lower is better")
    plotting.legend_beside(axes)
    plotting.save_figure(figure, path)
