"""The first section: the four stages, with the shapes of their inputs and outputs."""

from collections.abc import Sequence

import numpy as np

from minidiff.page.markup import Child, Markup, element, image_grid, missing, section
from minidiff.page.report_data import ReportData
from minidiff.page.training import about_loss, loss_chart
from minidiff.runs.pipeline import SAMPLES

MAX_IMAGES = 8  # of each stage


def shape_of(count: int | str, example_shape: Sequence[int]) -> str:
    """For example "1000 images x 64 x 64 x 3 channels"."""
    height, width, channels = example_shape
    return f"{count} images x {height} x {width} x {channels} channel{'s' if channels > 1 else ''}"


def render(report: ReportData) -> Markup:
    """The section."""
    stages = [data_stage(report), noise_stage(report), training_stage(report), generation_stage(report)]
    return section(
        "stages",
        "A diffusion model is trained on images with added noise, and generates images by removing noise. "
        "These are the four stages of this run, with the shapes of their inputs and outputs.",
        element("ol", stages, class_="stages"),
    )


def stage(title: str, inputs: Sequence[str], outputs: Sequence[str], explanation: str, *shown: Child) -> Markup:
    """One stage: shapes, a line of explanation, and images or charts."""
    flow = element(
        "dl",
        element("div", element("dt", "in"), [element("dd", line) for line in inputs]),
        element("div", element("dt", "out"), [element("dd", line) for line in outputs]),
        class_="flow",
    )
    return element("li", element("h3", title), flow, element("p", explanation), *shown)


def data_stage(report: ReportData) -> Markup:
    """1. Images."""
    count = "an unknown number of" if report.num_images is None else report.num_images
    classes, dataset = len(report.class_names), report.dataset
    if dataset is None:
        shown = missing(report.missing["data"])
    else:
        labels = dataset.labels
        alts = None if labels is None else [str(dataset.class_names[label]) for label in labels[:MAX_IMAGES]]
        shown = image_grid(dataset.images[:MAX_IMAGES], "Training images", MAX_IMAGES, alts)
    return stage(
        "Input data",
        [report.source],
        [shape_of(count, report.network.example_shape), f"{classes} classes" if classes else "no classes"],
        "Bytes from 0 to 255 become values from -1 to 1, since noise has mean 0 and standard deviation 1.",
        shown,
        missing(report.missing["same data"]) if "same data" in report.missing else None,
    )


def noise_stage(report: ReportData) -> Markup:
    """2. Images with added noise."""
    images = shape_of(batch_size(report), report.network.example_shape)
    shown = missing("Without the training images there are no noised images to show.")
    if report.forward is not None:
        count = len(report.forward.t)
        chosen = np.linspace(0, count - 1, min(MAX_IMAGES, count)).astype(int)
        shown = image_grid(report.forward.z[chosen, 0], "One image with increasing noise", MAX_IMAGES)
    return stage(
        "Forward process",
        [
            f"x0: {images}",
            "eps: noise of the same shape",
            f"t: {batch_size(report)} timesteps, each from 1 to {report.schedule.T}",
        ],
        [f"z: {images}"],
        "z = signal[t] x0 + noise[t] eps. Each image of a batch gets its own noise eps and its own timestep t.",
        shown,
    )


def training_stage(report: ReportData) -> Markup:
    """3. Prediction, loss and optimizer."""
    batch = batch_size(report)
    images = shape_of(batch, report.network.example_shape)
    inputs = [f"z: {images}", f"log_sigma = ln(noise / signal): {batch} values"]
    if report.network.num_classes:
        inputs.append(f"labels: {batch} of {report.network.num_classes} classes")
    steps = report.history[-1]["step"] if report.history else 0
    return stage(
        "Training",
        inputs,
        [f"prediction: {images}", "loss: 1 value, the mean squared error"],
        f"The network has {report.num_parameters:,} parameters. {about_loss(report.training.target)} After each batch "
        f"the optimizer changes the parameters to reduce the error: {steps:,} optimizer steps so far.",
        loss_and_snapshots(report) if report.history else missing(report.missing["history"]),
    )


def loss_and_snapshots(report: ReportData) -> Markup:
    """A small chart of the loss, and one image of each snapshot."""
    strip = None
    if report.snapshots:
        epochs = [f"epoch {epoch}" for epoch in report.snapshots]
        images = np.stack([images[0] for images in report.snapshots.values()])
        text = f"Generated from the same noise after {', '.join(epochs)}"
        strip = element("figure", element("figcaption", text), image_grid(images, text, 3, epochs), class_="beside")
    return element("div", loss_chart(report.history, log=True), strip, class_="charts")


def generation_stage(report: ReportData) -> Markup:
    """4. From noise to images."""
    shape = report.network.example_shape
    if report.samples is None:
        shown = missing(report.missing["samples"])
    else:
        names = report.samples.names[:MAX_IMAGES] if report.class_names else None
        shown = image_grid(report.samples.images[:MAX_IMAGES], "Generated images", MAX_IMAGES, names)
    labels = [f"labels: {SAMPLES}, cycling through the classes"] if report.class_names else []
    return stage(
        "Generation",
        [f"noise: {shape_of(SAMPLES, shape)}", *labels],
        [shape_of(SAMPLES, shape)],
        "The sampler starts from pure noise. In each sampler step the network predicts the image and the noise in z, "
        "and the next z contains less of the noise.",
        shown,
    )


def batch_size(report: ReportData) -> int:
    """The number of images in a batch."""
    size = report.training.batch_size
    return size if report.num_images is None else min(size, report.num_images)
