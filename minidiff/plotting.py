"""Images and figures as files: sheets of images, animations, the loss curve, the schedules.

Images are pixels in [-1, 1], (N, H, W, C) with C 1 or 3. The metadata of a sheet or an animation are texts by their
name: text chunks of a PNG file, or lines `name: text` in the comment of a GIF file. Figures do not use the global state
of pyplot. A file that cannot be written raises a `MinidiffError`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minidiff.atomic import write_whole
from minidiff.captions import with_captions
from minidiff.data import to_bytes
from minidiff.data.readers.signatures import MARK
from minidiff.errors import MinidiffError
from minidiff.schedule import Schedule

if TYPE_CHECKING:  # matplotlib and Pillow are imported inside functions, because that takes a second
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from PIL import Image

GAP = 2  # white pixels between the images of a sheet
# Okabe and Ito's colors, which remain distinct with color vision deficiency
COLORS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#000000")


def sheet(images: np.ndarray, columns: int | None = None) -> np.ndarray:
    """Arranges images (N, H, W, C) in [-1, 1] in a grid: uint8 (height, width, 3).

    By default a row has as many images as the square root of N, rounded up.
    """
    N, H, W, _ = images.shape
    columns = min(N, columns or int(np.ceil(np.sqrt(N))))
    rows = -(-N // columns)
    page = np.full((rows * (H + GAP) + GAP, columns * (W + GAP) + GAP, 3), 255, np.uint8)
    for i, image in enumerate(to_bytes(images)):
        top, left = GAP + i // columns * (H + GAP), GAP + i % columns * (W + GAP)
        page[top : top + H, left : left + W] = image  # a gray image is broadcast to the three channels
    return page


def save_sheet(
    path: str | Path,
    images: np.ndarray,
    columns: int | None = None,
    scale: int | None = None,
    names: Sequence[str] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Writes a sheet of images as a PNG file.

    Args:
        path: of the file.
        images: (N, H, W, C).
        columns: images in a row; default: as in `sheet`.
        scale: an integer factor on the size; default: so that a side has about 128 pixels.
        names: of the images, such as their classes, to be shown below them.
        metadata: texts in the file.
    """
    _save_png(path, _enlarged(images, columns, scale, names), metadata)


def save_single(path: str | Path, image: np.ndarray, metadata: Mapping[str, str] | None = None) -> None:
    """Writes one image (H, W, C) as a PNG file of its own size; metadata as in `save_sheet`."""
    from PIL import Image

    pixels = to_bytes(image)
    _save_png(path, Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels), metadata)


def save_animation(
    path: str | Path,
    frames: Sequence[np.ndarray],
    columns: int | None = None,
    scale: int | None = None,
    milliseconds: int = 80,
    names: Sequence[str] | None = None,
    titles: Sequence[str] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Writes sheets of images as an animated GIF, whose last frame is shown for two seconds.

    `titles` are shown above the frames, such as the timestep of each. The other arguments are those of `save_sheet`.
    """
    titles = titles or [""] * len(frames)
    images = [_enlarged(frame, columns, scale, names, title) for frame, title in zip(frames, titles, strict=True)]
    durations = [milliseconds] * (len(images) - 1) + [2000]
    comment = "\n".join([MARK.decode(), *(f"{name}: {text}" for name, text in (metadata or {}).items())])
    options = {"save_all": True, "append_images": images[1:], "duration": durations, "loop": 0}
    options["comment"] = comment.encode()
    write_whole(path, lambda file: images[0].save(file, format="GIF", **options))


def save_images(path: str | Path, images: np.ndarray, labels: np.ndarray | None = None, **of_sheet: Any) -> None:
    """Writes images as a sheet (.png, with arguments of `save_sheet`), or as .npz with uint8 `images` and `labels`."""
    suffix = Path(path).suffix.lower()
    if suffix == ".png":
        save_sheet(path, images, **of_sheet)
    elif suffix == ".npz":
        arrays: dict[str, Any] = {"images": to_bytes(images)}
        arrays |= {} if labels is None else {"labels": np.asarray(labels)}
        write_whole(path, lambda file: np.savez_compressed(file, **arrays))
    else:
        raise MinidiffError(f"{path}: unknown image format {suffix!r}; choose from .png, .gif or .npz")


def save_loss_curve(path: str | Path, history: Sequence[Mapping[str, float]]) -> None:
    """Plots the loss of each epoch on a logarithmic scale into a PNG file; `history` as in `draw_loss`."""
    figure = new_figure(6.4, 3.6)
    draw_loss(figure.add_subplot(), history)
    save_figure(figure, path)


def draw_loss(axes: "Axes", history: Sequence[Mapping[str, float]]) -> None:
    """Plots the loss of each epoch, from rows with "epoch", "loss" and, with held-out images, "held_out_loss"."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

    epochs, losses = [row["epoch"] for row in history], [row["loss"] for row in history]
    axes.semilogy(epochs, losses, color=COLORS[0], marker="o", markersize=4, label="training")
    held_out = {row["epoch"]: row["held_out_loss"] for row in history if row.get("held_out_loss", 0) > 0}
    if held_out:
        values = list(held_out.values())
        axes.semilogy(list(held_out), values, color=COLORS[1], marker="s", markersize=4, label="held out")
        best = min(held_out, key=lambda epoch: held_out[epoch])
        label = f"best epoch, {best}: {held_out[best]:.4f}"
        axes.plot(best, held_out[best], "o", color=COLORS[3], markersize=11, fillstyle="none", label=label)
        legend_beside(axes)
        losses = losses + values
    axes.set(xlabel="epoch", ylabel="loss, noise scale", title="Loss of each epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    digits = (1, 2, 5) if max(losses) > 4 * min(losses) else tuple(range(1, 10))
    axes.yaxis.set_major_locator(LogLocator(subs=digits))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(alpha=0.3, which="both")


def save_schedules(path: str | Path, schedules: Mapping[str, Schedule]) -> None:
    """Plots signal, noise and log-SNR of named schedules over t / T into a PNG file."""
    figure = new_figure(10, 3.7)
    panels = figure.subplots(1, 3)
    for (name, schedule), color in zip(schedules.items(), COLORS, strict=False):
        time = np.arange(schedule.T + 1) / schedule.T
        for axes, values in zip(panels, (schedule.signal, schedule.noise, schedule.log_snr), strict=True):
            axes.plot(time[1:], values[1:], color=color, label=name.replace("_", " "))  # at 0 the log-SNR is infinite
    for axes, title in zip(panels, ("signal", "noise", "log-SNR"), strict=True):
        axes.set(title=title, xlabel="t / T")
        axes.grid(alpha=0.3)
    panels[1].set_ylim(0, 1.25)  # cuts off variance exploding, whose noise increases to 80
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False, fontsize=9)
    save_figure(figure, path)


def new_figure(width: float, height: float) -> "Figure":
    """A matplotlib figure of a size in inches, without the global state of pyplot."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def legend_beside(axes: "Axes") -> None:
    """Adds a legend on the right of the axes, where it covers no data."""
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)


def legend_below(axes: "Axes", columns: int) -> None:
    """Adds a legend below the axes and their label, in some columns."""
    axes.legend(ncols=columns, loc="upper center", bbox_to_anchor=(0.5, -0.18), frameon=False, fontsize="small")


def save_figure(figure: "Figure", path: str | Path) -> None:
    """Writes a figure as a PNG file, without the upper and right borders of its axes, with log scales marked."""
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
        for axis in (axes.xaxis, axes.yaxis):
            label = axis.label.get_text()
            if axis.get_scale() == "log" and label and "log" not in label:
                axis.set_label_text(f"{label} (log)")
    write_whole(path, lambda file: figure.savefig(file, format="png", metadata={"Software": MARK.decode()}))


def _save_png(path: str | Path, image: "Image.Image", metadata: Mapping[str, str] | None) -> None:
    """Writes a Pillow image as a PNG file, marked as one of minidiff."""
    from PIL.PngImagePlugin import PngInfo

    texts = PngInfo()
    texts.add_text("Software", MARK.decode())
    for name, text in (metadata or {}).items():
        texts.add_text(name, text)
    write_whole(path, lambda file: image.save(file, format="PNG", pnginfo=texts))


def _enlarged(
    images: np.ndarray,
    columns: int | None,
    scale: int | None,
    names: Sequence[str] | None = None,
    title: str = "",
) -> "Image.Image":
    """A sheet of images, enlarged, as a Pillow image."""
    H, W = images.shape[1:3]
    scale = scale or max(1, 128 // max(H, W))
    page = sheet(images, columns).repeat(scale, axis=0).repeat(scale, axis=1)
    return with_captions(page, (scale * H, scale * W), scale * GAP, names, title)
