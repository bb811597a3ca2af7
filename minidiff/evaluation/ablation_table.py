"""The report of an ablation: a table in Markdown and a sheet of samples.

FOLDER/ablation.md             the table
FOLDER/images/ablation.png     samples of every row, from the same eight noises and classes
"""

import statistics
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minidiff import plotting
from minidiff.atomic import write_text, write_whole
from minidiff.errors import MinidiffError
from minidiff.evaluation.ablation import Budget, Result

TABLE, IMAGE = "ablation.md", "images/ablation.png"
SIDE, MARGIN = 64, 140  # pixels: size to which smaller images are enlarged, and width of the names
INTRODUCTION = (
    "Each row is the default recipe with one change. Distance and loss: lower is better. The last row is the score of "
    "held-out real images, which good samples approach. +- is the standard error for other images from the same "
    "network. Another seed gives another network and other values: {seeds} Differences between rows that are smaller "
    "than that are not meaningful."
)
ONE_SEED = "`--seeds 2` shows how much they vary."
SEEDS = "the values are means over {count} seeds, with the lowest and the highest in brackets."
COLUMNS = (
    "*Eyes agree*, *all agree*: fraction of the samples whose two eyes have the same mood and color, and in which all "
    "parts agree, read by networks that get one part each. *Whole*: fraction that a network takes for whole images and "
    "not for two images joined. *Distance*: the squared Frechet distance to {count} held-out real images. *Precision* "
    "and *recall*: samples near real images, and real images near samples ([measures.md](measures.md)). *Loss*: of the "
    "averaged parameters on {both} held-out images, with the same noise and log-normal noise levels for all rows, on "
    "the noise scale (mean squared error of eps_hat). On that scale an error of x0_hat is multiplied by signal / "
    "noise, which at low noise is a disadvantage of networks that predict the image. *Class*: fraction of the samples "
    "that the classifier assigns to the class they were conditioned on. *Per image*: time of a training step divided "
    "by the batch size, median of steps of all rows in turns. *Training*: that time for all epochs of {images} images."
)
CAPTION = "*The first eight uncurated samples of each row, with the same noise and the same class in each column.*"


def table(results: Sequence[Result], milliseconds: dict[str, float], budget: Budget, command: str) -> str:
    """The report in Markdown, from the results of `ablate` and `time_steps`; `command` is the one to reproduce it."""
    machines = ", ".join(sorted({machine for result in results for machine in result.machines}))
    real = results[0].metrics[0]
    seeds = ONE_SEED if budget.seeds == 1 else SEEDS.format(count=budget.seeds)
    length = f"{budget.minutes:g} minutes of training" if budget.minutes else f"{budget.epochs} epochs"
    lines = [
        "# Ablation: the default recipe with one change per row",
        "",
        f"`{command}`",
        "",
        paragraph(
            f"{budget.images} synthetic images of cats, {budget.size} x {budget.size}, {length}; "
            f"{budget.samples} samples measured, {real['sampler']}, {real['steps']} steps. Trained on: {machines}."
        ),
        "",
        paragraph(INTRODUCTION.format(seeds=seeds)),
        "",
        "| row | change | eyes agree | all agree | whole | distance | precision | recall | loss | class | per image "
        "| training |",
        "|---" * 12 + "|",
    ]
    for result in results:
        distances, errors = zip(*(metrics["frechet"] for metrics in result.metrics), strict=True)
        eyes, everything = ([metrics["agreement"][name] for metrics in result.metrics] for name in ("eyes", "all"))
        whole, precision, recall = (
            [metrics[name] for metrics in result.metrics] for name in ("whole", "precision", "recall")
        )
        cells = [
            *(percents(values) for values in (eyes, everything, whole)),
            several(distances, "{:.2f}", errors=errors),
            *(percents(values) for values in (precision, recall)),
            several([metrics["loss_held_out"] for metrics in result.metrics], "{:.4f}"),
            several([100 * metrics["accuracy"] for metrics in result.metrics], "{:.1f}", " %"),
            f"{milliseconds[result.row.name]:.1f} ms",
            f"{milliseconds[result.row.name] / 1000 * budget.images * result.epochs:.0f} s",
        ]
        lines.append(f"| {result.row.name} | {result.row.description} | {' | '.join(cells)} |")
    floor, error = real["frechet_floor"]
    eyes_real, all_real = (percents([real["agreement_floor"][name]]) for name in ("eyes", "all"))
    whole_real, precision_real, recall_real = (
        percents([real[f"{name}_floor"]]) for name in ("whole", "precision", "recall")
    )
    lines.append(
        f"| *real* | {real['count_floor']} held-out real images | {eyes_real} | {all_real} | {whole_real} "
        f"| {floor:.2f} +- {error:.2f} | {precision_real} | {recall_real} | | {100 * real['accuracy_real']:.1f} % | | |"
    )
    count = real["count_reference"]
    columns = COLUMNS.format(count=count, both=2 * count, images=budget.images)
    lines += ["", paragraph(columns), "", f"![The first samples of each row]({IMAGE})", "", CAPTION, ""]
    return "\n".join(lines)


def paragraph(text: str) -> str:
    """A text in lines of at most 120 characters."""
    return textwrap.fill(text, 120, break_on_hyphens=False)


def several(values: Sequence[float], form: str, unit: str = "", errors: Sequence[float] | None = None) -> str:
    """The mean of values, that of their errors, and for more than one value the lowest and the highest."""
    text = form.format(statistics.mean(values))
    text += f" +- {form.format(statistics.mean(errors))}" if errors else ""
    return text + unit + (f" ({form.format(min(values))} to {form.format(max(values))})" if len(values) > 1 else "")


def percents(pairs: Sequence[Sequence[float]]) -> str:
    """Shares and their errors in percent, as `several` writes them."""
    shares, errors = zip(*pairs, strict=True)
    text = several([100 * share for share in shares], "{:.1f}", errors=[100 * error for error in errors])
    return text.replace(" (", " % (") if len(shares) > 1 else f"{text} %"


def save(
    folder: str | Path, results: Sequence[Result], milliseconds: dict[str, float], budget: Budget, command: str
) -> None:
    """Writes the table and the sheet of samples to the folder of the ablation; arguments as in `table`."""
    image = Path(folder) / IMAGE
    try:
        image.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise MinidiffError(f"cannot make the folder {image.parent}: {error.strerror}") from error
    save_strips(image, [result.row.name for result in results], [result.samples for result in results])
    write_text(Path(folder) / TABLE, table(results, milliseconds, budget, command))


def save_strips(path: str | Path, names: Sequence[str], strips: Sequence[np.ndarray]) -> None:
    """Writes a PNG sheet with one row of images (n, H, W, C) in [-1, 1] for each name, and the names to their left.

    The file has a palette of 256 colors, which makes it a third as large, without a visible difference.
    """
    from PIL import Image  # imported here because it takes a second

    scale = max(1, SIDE // max(strips[0].shape[1:3]))
    page = plotting.sheet(np.concatenate(strips), columns=len(strips[0]))
    page = page.repeat(scale, axis=0).repeat(scale, axis=1)
    height, width = page.shape[0], page.shape[1] + MARGIN
    figure = plotting.new_figure(width / 120, height / 120)
    figure.set_layout_engine("none")
    figure.figimage(page, xo=MARGIN, yo=0, origin="upper")
    for i, name in enumerate(names):
        middle = 1 - (i + 0.5) / len(names)
        figure.text((MARGIN - 8) / width, middle, name, ha="right", va="center", fontsize=9)
    figure.canvas.draw()
    drawn = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())[:, :, :3])  # type: ignore[attr-defined]
    reduced = drawn.quantize(256, dither=Image.Dither.NONE)
    write_whole(path, lambda file: reduced.save(file, format="PNG", optimize=True))
