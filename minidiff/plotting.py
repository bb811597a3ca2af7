"""Images and figures as files: sheets of images, animations, the loss curve, the schedules.

Images are pixels in [-1, 1], (N, H, W, C) with C 1 or 3. Figures do not use the global state of pyplot.
A file that cannot be written raises a `MinidiffError`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minidiff.atomic import write_whole
from minidiff.data import to_bytes
from minidiff.data.readers.signatures import MARK
from minidiff.errors import MinidiffError
from minidiff.schedule import Schedule

if TYPE_CHECKING:  # matplotlib and Pillow are imported inside functions, because that takes a second
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


def save_sheet(path: str | Path, images: np.ndarray, columns: int | None = None, scale: int | None = None) -> None:
    """Writes a sheet of images as a PNG file, magnified by an integer, by default to a side of about 128 pixels."""
    image = _enlarged(images, columns, scale)
    from PIL.PngImagePlugin import PngInfo

    mark = PngInfo()
    mark.add_text("Software", MARK.decode())
    write_whole(path, lambda file: image.save(file, format="PNG", pnginfo=mark))


def save_animation(
    path: str | Path,
    frames: Sequence[np.ndarray],
    columns: int | None = None,
    scale: int | None = None,
    milliseconds: int = 80,
) -> None:
    """Writes sheets of images as an animated GIF, whose last frame is shown for two seconds."""
    images = [_enlarged(frame, columns, scale) for frame in frames]
    durations = [milliseconds] * (len(images) - 1) + [2000]
    options = {"save_all": True, "append_images": images[1:], "duration": durations, "loop": 0, "comment": MARK}
    write_whole(path, lambda file: images[0].save(file, format="GIF", **options))


def save_images(path: str | Path, images: np.ndarray, labels: np.ndarray | None = None) -> None:
    """Writes images as a sheet (.png), or as an .npz file with uint8 `images` and `labels`."""
    suffix = Path(path).suffix.lower()
    if suffix == ".png":
        save_sheet(path, images)
    elif suffix == ".npz":
        arrays: dict[str, Any] = {"images": to_bytes(images)}
        arrays |= {} if labels is None else {"labels": np.asarray(labels)}
        write_whole(path, lambda file: np.savez_compressed(file, **arrays))
    else:
        raise MinidiffError(f"{path}: unknown image format {suffix!r}; choose from .png, .gif or .npz")


def save_loss_curve(path: str | Path, history: Sequence[Mapping[str, float]]) -> None:
    """Plots the loss of each epoch on a logarithmic scale into a PNG file, from rows with "epoch" and "loss"."""
    from matplotlib.ticker import MaxNLocator, NullFormatter, StrMethodFormatter

    epochs, losses = [row["epoch"] for row in history], [row["loss"] for row in history]
    figure = new_figure(6.4, 3.6)
    axes = figure.add_subplot()
    axes.semilogy(epochs, losses, color=COLORS[0], marker="o", markersize=4)
    axes.set(xlabel="epoch", ylabel="loss (noise scale)", title="Training loss")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(StrMethodFormatter("{x:g}") if max(losses) < 10 * min(losses) else NullFormatter())
    axes.grid(alpha=0.3, which="both")
    save_figure(figure, path)


def save_schedules(path: str | Path, schedules: Mapping[str, Schedule]) -> None:
    """Plots signal, noise and log-SNR of named schedules over t / T into a PNG file."""
    figure = new_figure(10, 3.4)
    panels = figure.subplots(1, 3)
    for (name, schedule), color in zip(schedules.items(), COLORS, strict=False):
        time = np.arange(schedule.T + 1) / schedule.T
        for axes, values in zip(panels, (schedule.signal, schedule.noise, schedule.log_snr), strict=True):
            axes.plot(time[1:], values[1:], color=color, label=name.replace("_", " "))  # at 0 the log-SNR is infinite
    for axes, title in zip(panels, ("signal", "noise", "log-SNR"), strict=True):
        axes.set(title=title, xlabel="t / T")
        axes.grid(alpha=0.3)
    panels[1].set_ylim(0, 1.25)  # cuts off variance exploding, whose noise increases to 80
    panels[0].legend(frameon=False, fontsize=9)
    save_figure(figure, path)


def new_figure(width: float, height: float) -> "Figure":
    """A matplotlib figure of a size in inches, without the global state of pyplot."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: "Figure", path: str | Path) -> None:
    """Writes a figure as a PNG file, without the upper and right borders of its axes."""
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    write_whole(path, lambda file: figure.savefig(file, format="png", metadata={"Software": MARK.decode()}))


def _enlarged(images: np.ndarray, columns: int | None, scale: int | None) -> "Image.Image":
    """A sheet of images, enlarged, as a Pillow image."""
    from PIL import Image

    scale = scale or max(1, 128 // max(images.shape[1:3]))
    return Image.fromarray(sheet(images, columns).repeat(scale, axis=0).repeat(scale, axis=1))
