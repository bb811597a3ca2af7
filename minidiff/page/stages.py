"""The first section: the four stages, with what goes into each and what comes out."""

import numpy as np

from minidiff.page.charts import chart
from minidiff.page.collect import SAMPLES
from minidiff.page.markup import element, image_grid, missing, section
from minidiff.page.progress import loss_axes, loss_lines

SHOWN = 8  # images of the data
TARGETS = {
    "noise": "the noise eps",
    "image": "the image x0",
    "velocity": "the velocity, a mixture of noise and image",
    "flow": "the flow, eps - x0: the way from the image to the noise",
}


def shape_of(count, example_shape):
    """ "1000 images x 64 x 64 x 3 channels"."""
    height, width, channels = example_shape
    return f"{count} images x {height} x {width} x {channels} channel{'s' if channels > 1 else ''}"


def render(facts):
    """The section."""
    return section(
        "stages",
        "Four stages",
        element(
            "p",
            "A diffusion model learns from images to which noise was added, and draws by taking noise away. "
            "These are the four stages of this run, with the shapes that went in and came out.",
        ),
        element(
            "ol", data_stage(facts), noise_stage(facts), training_stage(facts), drawing_stage(facts), class_="stages"
        ),
    )


def stage(title, goes_in, comes_out, explanation, shown):
    """One stage: shapes, a line of explanation, and something to see."""
    flow = element(
        "dl",
        element("div", element("dt", "in"), [element("dd", line) for line in goes_in]),
        element("div", element("dt", "out"), [element("dd", line) for line in comes_out]),
        class_="flow",
    )
    return element("li", element("h3", title), flow, element("p", explanation), shown)


def data_stage(facts):
    """1. Images."""
    count = "an unknown number of" if facts.num_images is None else facts.num_images
    classes = len(facts.class_names)
    shown = missing(facts.missing["data"]) if facts.dataset is None else data_images(facts)
    return stage(
        "Input data",
        [str(facts.config.get("source") or facts.config["data"]["spec"])],
        [shape_of(count, facts.network.example_shape), f"{classes} classes" if classes else "no classes"],
        "Bytes from 0 to 255 become numbers from -1 to 1. Noise is centered on 0, so the images are too.",
        [shown, missing(facts.missing["same data"]) if "same data" in facts.missing else None],
    )


def data_images(facts):
    """The first images of the data."""
    dataset = facts.dataset
    count = min(SHOWN, len(dataset))
    alts = None
    if dataset.labels is not None:
        alts = [str(dataset.class_names[label]) for label in dataset.labels[:count]]
    return image_grid(dataset.images[:count], "Images of the training data", SHOWN, alts)


def noise_stage(facts):
    """2. Images and noise, mixed."""
    batch, shape = batch_of(facts), facts.network.example_shape
    shown = missing("Without the training images there is none to drown in noise.")
    if facts.forward is not None:
        chosen = np.linspace(0, len(facts.forward.t) - 1, min(SHOWN, len(facts.forward.t))).astype(int)
        shown = image_grid(facts.forward.z[chosen, 0], "One image in ever more noise", SHOWN)
    return stage(
        "Forward process",
        [
            f"x0: {shape_of(batch, shape)}",
            "eps: noise of the same shape",
            f"t: {batch} steps, each from 1 to {facts.schedule.T}",
        ],
        [f"z: {shape_of(batch, shape)}"],
        "z = signal[t] x0 + noise[t] eps. Every image of a batch gets its own noise and its own t, in one go.",
        shown,
    )


def training_stage(facts):
    """3. Images in noise, and what the network says about them."""
    batch, shape = batch_of(facts), facts.network.example_shape
    goes_in = [f"z: {shape_of(batch, shape)}", f"log noise level: {batch} numbers"]
    if facts.network.num_classes:
        goes_in.append(f"labels: {batch} of {facts.network.num_classes} classes")
    steps = f"{facts.history[-1]['step']:,} steps" if facts.history else "no step"
    shown = missing(facts.missing["history"]) if not facts.history else learning(facts)
    return stage(
        "Training",
        goes_in,
        [f"prediction: {shape_of(batch, shape)}", "its mean square error: 1 number, the loss"],
        f"The network has {facts.num_parameters:,} parameters and predicts {TARGETS[facts.training.target]}. "
        f"After every batch each parameter moves a little to where the error is smaller: {steps} so far.",
        shown,
    )


def learning(facts):
    """The loss as a small chart, and what one noise became on the way."""
    axes = loss_axes(facts.history, log=True)
    drawing = axes.draw("The loss of each epoch on a logarithmic scale", loss_lines(facts.history))
    strip = None
    if facts.snapshots:
        epochs = [f"epoch {epoch}" for epoch in facts.snapshots]
        images = np.stack([images[0] for images in facts.snapshots.values()])
        text = f"Drawn from one and the same noise after {', '.join(epochs)}"
        strip = element("figure", element("figcaption", text), image_grid(images, text, 3, epochs), class_="beside")
    return element("div", chart("Loss of each epoch, logarithmic", drawing), strip, class_="charts")


def drawing_stage(facts):
    """4. Noise, and what has become of it."""
    shape = facts.network.example_shape
    if facts.samples is None:
        shown = missing(facts.missing["samples"])
    else:
        names = facts.samples.names[:SHOWN] if facts.class_names else None
        shown = image_grid(facts.samples.images[:SHOWN], "Images drawn by the network", SHOWN, names)
    goes_in = [f"noise: {shape_of(SAMPLES, shape)}"]
    if facts.class_names:
        goes_in.append(f"labels: {SAMPLES}, each class in turn")
    return stage(
        "Generation",
        goes_in,
        [shape_of(SAMPLES, shape)],
        "It begins with nothing but noise. Again and again the network says what it sees in it, and a little of the "
        "noise is taken away, until an image is left.",
        shown,
    )


def batch_of(facts):
    """How many images there are in a batch."""
    size = facts.training.batch_size
    return size if facts.num_images is None else min(size, facts.num_images)
