"""How good do images get for how much work? Every sampler at the same cost, measured by the Frechet distance.

What sampling costs is asking the network, so that is what is counted, and not steps: heun asks twice in each step but
the last, and gets half as many steps. All start from the same noises and for the same labels, and are compared with the
same real images, so differences between them are surer than the error bar of each alone says. euler is left out: its
every step is ddim's.
"""

import json
import time
from dataclasses import asdict, dataclass

import numpy as np

from minidiff import plotting
from minidiff.atomic import write_whole
from minidiff.sampling import SAMPLERS, generate

EVALUATIONS = (3, 5, 9, 15, 23, 35)  # odd, so that heun can make use of all of them
TICKS = tuple(digit * scale for scale in (0.01, 0.1, 1, 10, 100) for digit in (1, 2, 5))  # of a distance
COMPARED = tuple(name for name in SAMPLERS if name != "euler")


@dataclass(frozen=True)
class Point:
    """One sampler in one number of steps.

    Attributes:
        sampler, steps: as for `sampling.sample`.
        evaluations: how often the denoiser was asked for each image.
        frechet: distance from real images, and its standard error.
        accuracy: share that shows the class that was asked for, or None.
        seconds: for all images.
    """

    sampler: str
    steps: int
    evaluations: int
    frechet: tuple[float, float]
    accuracy: float | None
    seconds: float


class Counted:
    """Any denoiser, and how often it was asked.

    Args:
        denoiser: with a `schedule`.
    """

    def __init__(self, denoiser):
        self.denoiser, self.schedule, self.asked = denoiser, denoiser.schedule, 0

    def __call__(self, z, t, labels=None):
        """x0_hat and eps_hat, as the denoiser says."""
        self.asked += 1
        return self.denoiser(z, t, labels)


def steps_for(sampler, evaluations):
    """How many steps a sampler can take if it may ask so often: heun asks twice in every step but the last."""
    return (evaluations + 1) // 2 if sampler == "heun" else evaluations


def quality(denoiser, judge, count, labels=None, evaluations=EVALUATIONS, seed=0, samplers=COMPARED, spacing=None):
    """Every sampler at every cost.

    Args:
        denoiser: any.
        judge: `Judge` for that many samples.
        count: how many images to generate for each.
        labels: class of each, int (count,), or None.
        evaluations: how often the denoiser may be asked for an image, ascending.
        seed: of the noises.
        samplers: names.
        spacing: where the steps are, see `steps.py`; each sampler's own if not given.

    Yields:
        `Point`s, sampler by sampler.
    """
    shape = (count, *judge.reference.example_shape)
    for sampler in samplers:
        for most in evaluations:
            start, counted, steps = time.perf_counter(), Counted(denoiser), steps_for(sampler, most)
            options = {"sampler": sampler, "steps": steps, "seed": seed, "labels": labels, "spacing": spacing}
            samples = generate(counted, shape, **options)
            seconds = time.perf_counter() - start
            features, classes = judge.look(samples.__getitem__, count)
            accuracy = None if classes is None or labels is None else float((classes == labels).mean())
            yield Point(sampler, steps, counted.asked, judge.distance("frechet", features), accuracy, round(seconds, 2))


def measure_quality(denoiser, judge, count, labels, say, path, **options):
    """Measures, says each point as it is found, prints the table, and leaves a chart and the numbers.

    Args:
        denoiser, judge, count, labels: as for `quality`.
        say: called with each line.
        path: of the chart, a .png; the numbers go beside it, as .json.
        options: "evaluations", "seed", "samplers" and "spacing", as for `quality`.

    Raises:
        MinidiffError: a file cannot be written.
    """
    start = time.perf_counter()
    floor = judge.distance("frechet", judge.control_features)
    points = []
    for point in quality(denoiser, judge, count, labels, **options):
        points.append(point)
        value, error = point.frechet
        say(f"   {point.sampler:13} {point.steps:3} steps  {value:7.2f} +- {error:.2f}  {point.seconds:6.1f} s")
    seconds = time.perf_counter() - start
    say("\n".join(table(points, floor, count)))
    save_quality(path, points, floor, count)
    facts = {"samples": count, "floor": floor, "floor_samples": len(judge.control)} | options
    facts |= {"seconds": round(seconds, 1), "points": [asdict(point) for point in points]}
    text = json.dumps(facts, indent=2) + "\n"
    write_whole(path.with_suffix(".json"), lambda file: file.write(text.encode()))
    say(f"{path}, {path.with_suffix('.json').name}; {seconds:.0f} s")


def table(points, floor, count):
    """The points as lines: a row for each sampler, a column for each number of evaluations.

    Args:
        points: `Point`s.
        floor: distance between real images, and its standard error.
        count: samples of each.

    Returns:
        Lines.
    """
    columns = sorted({point.evaluations for point in points})
    found = {(point.sampler, point.evaluations): f"{point.frechet[0]:.2f}" for point in points}
    lines = [f"   Frechet distance of {count} samples; real images {floor[0]:.2f} +- {floor[1]:.2f}"]
    lines.append(f"   {'evaluations':13}" + "".join(f"{column:>9}" for column in columns))
    for sampler in dict.fromkeys(point.sampler for point in points):
        lines.append(f"   {sampler:13}" + "".join(f"{found.get((sampler, column), ''):>9}" for column in columns))
    return lines


def save_quality(path, points, floor, count):
    """A chart of distance against evaluations, both on logarithmic scales, with the floor.

    It reaches up to twice what the middle sampler scores with the fewest evaluations; lines may come from above that.

    Args:
        path: of the PNG file.
        points, floor, count: as for `table`.
    """
    figure = plotting.new_figure(6.8, 4.4)
    axes = figure.add_subplot()
    axes.axhspan(max(floor[0] - floor[1], 1e-3), floor[0] + floor[1], color="lightgray", label="real images, unseen")
    axes.set(xscale="log", yscale="log", xlabel="evaluations of the network for an image", ylabel="Frechet distance")
    samplers = list(dict.fromkeys(point.sampler for point in points))
    for i, (sampler, marker, color) in enumerate(zip(samplers, "os^Dv*", plotting.COLORS, strict=False)):
        own = [point for point in points if point.sampler == sampler]
        shift = 1.012 ** (i - 2)  # so that error bars do not lie on each other
        places = [shift * point.evaluations for point in own]
        values, errors = np.array([point.frechet for point in own]).T
        style = {"color": color, "marker": marker, "markersize": 4, "linewidth": 1.3, "elinewidth": 0.8}
        axes.errorbar(places, values, np.minimum(errors, 0.9 * values), label=sampler, **style)
    columns = sorted({point.evaluations for point in points})
    axes.set_xticks(columns, [str(column) for column in columns])
    low, high = axes.get_ylim()
    most = 2 * np.median([point.frechet[0] for point in points if point.evaluations == columns[0]])
    high = max(min(high, most), 2 * floor[0])  # one sampler that fails in few steps would press all others together
    axes.set_ylim(low, high)
    levels = [level for level in TICKS if low <= level <= high]
    axes.set_yticks(levels, [f"{level:g}" for level in levels])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.set_title(f"Frechet distance of {count} samples, less is better")
    axes.legend(frameon=False)
    plotting.save_figure(figure, path)
