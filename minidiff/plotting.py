"""Images to look at: sheets, strips, animations and the loss curve.

Images come in as pixels in [-1, 1], (N, H, W, C) with C 1 or 3, and go out as files. matplotlib is imported where it
is used: it takes a second, which `minidiff --help` should not cost. Figures are drawn without its global state.
"""

from pathlib import Path

import numpy as np

from minidiff.atomic import write_whole
from minidiff.data import to_bytes
from minidiff.errors import MinidiffError

GAP = 2  # white pixels between the images of a sheet
# Okabe and Ito's colors, which people who do not see red and green alike can tell apart
COLORS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#000000")


def sheet(images, columns=None):
    """Images side by side in rows.

    Args:
        images: (N, H, W, C) in [-1, 1].
        columns: images in a row; about as many as rows if not given.

    Returns:
        uint8 (height, width, 3).
    """
    N, H, W, _ = images.shape
    columns = min(N, columns or int(np.ceil(np.sqrt(N))))
    rows = -(-N // columns)
    page = np.full((rows * (H + GAP) + GAP, columns * (W + GAP) + GAP, 3), 255, np.uint8)
    for i, image in enumerate(to_bytes(images)):
        top, left = GAP + i // columns * (H + GAP), GAP + i % columns * (W + GAP)
        page[top : top + H, left : left + W] = image  # a gray image spreads over the three colors
    return page


def save_sheet(path, images, columns=None, scale=None):
    """Writes a sheet as a PNG file.

    Args:
        path: of the file.
        images: (N, H, W, C) in [-1, 1].
        columns: images in a row.
        scale: how many pixels of the file a pixel takes, each way; as many as make an image 128 wide if not given.

    Raises:
        MinidiffError: the file cannot be written.
    """
    _save(_enlarged(images, columns, scale), path, format="PNG")


def save_animation(path, frames, columns=None, scale=None, milliseconds=80):
    """Writes sheets as an animated GIF that dwells on its last frame.

    Args:
        path: of the file.
        frames: list of (N, H, W, C) in [-1, 1].
        columns, scale: as in `save_sheet`.
        milliseconds: for each frame.

    Raises:
        MinidiffError: the file cannot be written.
    """
    images = [_enlarged(frame, columns, scale) for frame in frames]
    durations = [milliseconds] * (len(images) - 1) + [2000]
    _save(images[0], path, format="GIF", save_all=True, append_images=images[1:], duration=durations, loop=0)


def save_images(path, images, labels=None):
    """Writes images in the format that the ending names: a .png sheet, or an .npz with uint8 `images` and `labels`.

    Raises:
        MinidiffError: another ending, or the file cannot be written.
    """
    ending = Path(path).suffix.lower()
    if ending == ".png":
        save_sheet(path, images)
    elif ending == ".npz":
        arrays = {"images": to_bytes(images)} | ({} if labels is None else {"labels": np.asarray(labels)})
        write_whole(path, lambda file: np.savez_compressed(file, **arrays))
    else:
        raise MinidiffError(f"{path}: images are written as .png, .gif or .npz, not as {ending or 'nothing'!r}")


def save_loss_curve(path, history):
    """Draws the loss of each epoch on a logarithmic scale.

    Args:
        path: of the PNG file.
        history: rows with "epoch" and "loss", at least one.

    Raises:
        MinidiffError: the file cannot be written.
    """
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


def save_schedules(path, schedules):
    """Draws signal, noise and log-SNR = ln(signal^2 / noise^2) of schedules over t / T.

    Args:
        path: of the PNG file.
        schedules: name -> `Schedule`.

    Raises:
        MinidiffError: the file cannot be written.
    """
    figure = new_figure(10, 3.4)
    panels = figure.subplots(1, 3)
    for (name, schedule), color in zip(schedules.items(), COLORS, strict=False):
        time = np.arange(schedule.T + 1) / schedule.T
        for axes, values in zip(panels, (schedule.signal, schedule.noise, schedule.log_snr), strict=True):
            axes.plot(time[1:], values[1:], color=color, label=name.replace("_", " "))  # at 0 the log-SNR is infinite
    for axes, title in zip(panels, ("signal", "noise", "log-SNR"), strict=True):
        axes.set(title=title, xlabel="t / T")
        axes.grid(alpha=0.3)
    panels[1].set_ylim(0, 1.25)  # variance exploding leaves the image: its noise goes to 80
    panels[0].legend(frameon=False, fontsize=9)
    save_figure(figure, path)


def new_figure(width, height):
    """A matplotlib figure of so many inches, drawn without the global state of pyplot."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure, path):
    """Writes a figure as a PNG file, without the upper and right borders of its axes.

    Raises:
        MinidiffError: the file cannot be written.
    """
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    write_whole(path, lambda file: figure.savefig(file, format="png"))


def _enlarged(images, columns, scale):
    """The sheet of some images, enlarged, as an image that Pillow can save."""
    from PIL import Image

    scale = scale or max(1, 128 // max(images.shape[1:3]))
    return Image.fromarray(sheet(images, columns).repeat(scale, axis=0).repeat(scale, axis=1))


def _save(image, path, **options):
    write_whole(path, lambda file: image.save(file, **options))
