"""The results of an ablation, to be read: a table in Markdown, and a strip of samples for each row.

FOLDER/ablation.md               the table
FOLDER/images/ablation.png     the same eight noises and classes for every row
"""

import statistics
import textwrap
from pathlib import Path

import numpy as np

from minidiff import plotting
from minidiff.atomic import write_whole
from minidiff.errors import MinidiffError

TABLE, IMAGE = "ablation.md", "images/ablation.png"
READING = (
    "Each row is the default recipe with one thing changed. Distance and loss: less is better. The last row says what "
    "real images score that no network has seen: the distance cannot be expected to fall below that. +- is the error "
    "of the measure, for as many other images from the same network. Another seed gives another network and other "
    "figures: {seeds} Rows that differ by less than that are alike."
)
ONE_SEED = "`--seeds 2` shows by how much."
SEEDS = "figures are the mean over {count} seeds, and in brackets the lowest and the highest."
COLUMNS = (
    "*Distance*: the squared Frechet distance of `minidiff evaluate` to {count} unseen real images. *Loss*: of the "
    "averaged weights on {both} unseen images, with the same noise and log-normal noise levels for all rows, on the "
    "noise scale (mean square error of eps_hat); there an error of x0_hat counts signal / noise times, which is hard "
    "on a network that predicts the image, at little noise. *Class*: share of the samples that the classifier takes "
    "for the class asked for. *An image*: its share of a training step, median of steps that all rows made in turns. "
    "*Training*: that times {images} images and {epochs} epochs."
)
CAPTION = "*The first eight samples of each row, not picked: the same noise and the same class in each column.*"


def table(results, milliseconds, budget, command):
    """The results in Markdown.

    Args:
        results: list of `Result`s.
        milliseconds: from `time_steps`.
        budget: `Budget`.
        command: that makes them.

    Returns:
        text.
    """
    machines = ", ".join(sorted({machine for result in results for machine in result.machines}))
    real = results[0].figures[0]
    seeds = ONE_SEED if budget.seeds == 1 else SEEDS.format(count=budget.seeds)
    lines = [
        "# The recipe, one thing changed at a time",
        "",
        f"`{command}`",
        "",
        f"{budget.images} drawn cats of {budget.size} x {budget.size}, {budget.epochs} epochs; {budget.samples} "
        f"samples measured, {real['sampler']}, {real['steps']} steps. Trained on: {machines}.",
        "",
        paragraph(READING.format(seeds=seeds)),
        "",
        "| row | what is changed | distance | loss | class | an image | training |",
        "|---|---|---|---|---|---|---|",
    ]
    for result in results:
        distances, errors = zip(*(figures["frechet"] for figures in result.figures), strict=True)
        cells = [
            several(distances, "{:.2f}", error=errors),
            several([figures["loss_unseen"] for figures in result.figures], "{:.4f}"),
            several([100 * figures["accuracy"] for figures in result.figures], "{:.1f}", " %"),
            f"{milliseconds[result.row.name]:.1f} ms",
            f"{milliseconds[result.row.name] / 1000 * budget.images * budget.epochs:.0f} s",
        ]
        lines.append(f"| {result.row.name} | {result.row.words} | {' | '.join(cells)} |")
    floor, error = real["frechet_floor"]
    lines.append(
        f"| *real* | {real['count_floor']} images that no network has seen | {floor:.2f} +- {error:.2f} | "
        f"| {100 * real['accuracy_real']:.1f} % | | |"
    )
    columns = paragraph(
        COLUMNS.format(
            count=real["count_reference"], both=2 * real["count_reference"], images=budget.images, epochs=budget.epochs
        )
    )
    lines += ["", columns, "", f"![The first samples of each row]({IMAGE})", "", CAPTION, ""]
    return "\n".join(lines)


def paragraph(text):
    """A text in lines of at most 120 characters."""
    return textwrap.fill(text, 120, break_on_hyphens=False)


def several(values, form, unit="", error=None):
    """The mean of some values, its error if there is one, and for more than one value the lowest and the highest."""
    text = form.format(statistics.mean(values))
    text += f" +- {form.format(statistics.mean(error))}" if error else ""
    return text + unit + (f" ({form.format(min(values))} to {form.format(max(values))})" if len(values) > 1 else "")


def save(folder, results, milliseconds, budget, command):
    """Writes the table and the image.

    Args:
        folder: of the ablation.
        results, milliseconds, budget, command: as for `table`.

    Raises:
        MinidiffError: they cannot be written.
    """
    folder = Path(folder)
    image = folder / IMAGE
    try:
        image.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise MinidiffError(f"cannot make the folder {image.parent}: {error.strerror}") from error
    save_strips(image, [result.row.name for result in results], [result.samples for result in results])
    text = table(results, milliseconds, budget, command)
    write_whole(folder / TABLE, lambda file: file.write(text.encode()))


def save_strips(path, names, strips, side=64, margin=140):
    """A row of images for each name, which stands to their left.

    The file has 256 colors, chosen to suit it: a third of the bytes, and no difference that one sees.

    Args:
        path: of the PNG file.
        names: list of texts.
        strips: list of images (n, H, W, C) in [-1, 1], all of one shape.
        side: pixels that an image takes in the file, at most, if it is smaller than that.
        margin: pixels for the names.
    """
    from PIL import Image

    scale = max(1, side // max(strips[0].shape[1:3]))
    page = plotting.sheet(np.concatenate(strips), columns=len(strips[0]))
    page = page.repeat(scale, axis=0).repeat(scale, axis=1)
    height, width = page.shape[0], page.shape[1] + margin
    figure = plotting.new_figure(width / 120, height / 120)
    figure.set_layout_engine("none")
    figure.figimage(page, xo=margin, yo=0, origin="upper")
    for i, name in enumerate(names):
        middle = 1 - (i + 0.5) / len(names)
        figure.text((margin - 8) / width, middle, name, ha="right", va="center", fontsize=9)
    figure.canvas.draw()
    drawn = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())[:, :, :3])
    reduced = drawn.quantize(256, dither=Image.Dither.NONE)
    write_whole(path, lambda file: reduced.save(file, format="PNG", optimize=True))
