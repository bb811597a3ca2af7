"""`minidiff sample`: generates images with a trained network, from noise or by editing an image.

minidiff sample --pretrained cats -n 16                    from noise, without a run
minidiff sample RUN --label siamese --guidance 2           with the network of a run
minidiff sample RUN --inpaint cat.png --mask hole.png      replaces a part
minidiff sample RUN --from-image cat.png --strength 0.6    noises and denoises
minidiff sample RUN --interpolate -n 12                    between two noises
minidiff sample RUN --like samples.png                     as that file was sampled
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from minidiff import editing, runs
from minidiff.commands.like import check_weights, fill_in, metadata_values
from minidiff.commands.options import add_threads, check_at_least, check_count, check_out, given, option_of
from minidiff.commands.writing import write_single, write_together
from minidiff.denoiser import Guided
from minidiff.errors import MinidiffError
from minidiff.parallel import Workers
from minidiff.runs.config import SamplerOptions
from minidiff.runs.metadata import EDITS, write_metadata
from minidiff.runs.pipeline import SAMPLER, STEPS
from minidiff.runs.weights import PRETRAINED, Weights, load_weights, weights_of
from minidiff.sampling import SAMPLERS, SPACINGS, State, default_steps, sample, starting_noise

STRENGTH = 0.6
# options that only one of EDITS takes, and options that one of EDITS does not take
BELONGS_TO = {"mask": "inpaint", "rounds": "inpaint", "strength": "from_image"}
UNUSED_BY = {"inpaint": ("spacing", "eta"), "interpolate": ("eta",)}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `minidiff sample` to its parser."""
    parser.add_argument("run", metavar="RUN", nargs="?", help="folder of the run")
    parser.add_argument("--pretrained", metavar="NAME", help="a network that minidiff carries instead: cats or shapes")
    parser.add_argument("--best", action="store_true", help="use the checkpoint with the lowest held-out loss")
    add_threads(parser)

    group = parser.add_argument_group("what to generate")
    group.add_argument("-n", type=int, help="number of images (default: 16)")
    label_help = "class or classes in turn, any for no class, or each (default: each; any for the edits below)"
    group.add_argument("--label", metavar="NAME,...", help=label_help)
    guidance_help = "guidance weight: 0 ignores the label, 1 is no guidance, more follows it more closely (default: 1)"
    group.add_argument("--guidance", type=float, metavar="W", help=guidance_help)
    group.add_argument("--seed", type=int, help="seed of the noise (default: 0)")
    like_help = "sample as this PNG or GIF of minidiff sample was sampled; other options take precedence"
    group.add_argument("--like", metavar="FILE", help=like_help)

    group = parser.add_argument_group("sampler")
    sampler_help = f"{', '.join(SAMPLERS)} (default: {SAMPLER}; ddim for --interpolate, --eta and a distilled run)"
    group.add_argument("--sampler", help=sampler_help)
    steps_help = f"number of sampler steps (default: {STEPS}, or all if there are fewer; those of a distilled run)"
    group.add_argument("--steps", type=int, help=steps_help)
    spacing_help = f"of the sampler steps: {', '.join(SPACINGS)} (default: karras for order 2, else trailing)"
    group.add_argument("--spacing", help=spacing_help)
    group.add_argument("--eta", type=float, help="amount of fresh noise in ddim, 0 to 1 (default: 0)")

    group = parser.add_argument_group("output")
    out_help = (
        ".png, .gif or .npz (default: RUN/samples_SAMPLER_STEPS_SEED.png, or the next free name; "
        "with --pretrained NAME: NAME_SAMPLER_STEPS_SEED.png)"
    )
    group.add_argument("--out", metavar="FILE", help=out_help)
    group.add_argument("--single", action="store_true", help="one file per image: NAME_000.png, NAME_001.png, ...")

    group = parser.add_argument_group("editing", "one of --inpaint, --from-image and --interpolate")
    group.add_argument("--inpaint", metavar="IMAGE", help="replace a part of this image")
    group.add_argument("--mask", metavar="MASK", help="the part to replace, in white; all else is black or transparent")
    group.add_argument("--rounds", type=int, help="repetitions of each step, to match the rest (default: 5)")
    group.add_argument("--from-image", metavar="IMAGE", help="add noise to this image and denoise it again")
    strength_help = (
        f"noise to add, from above 0, which hardly changes the image, to 1, which replaces it (default: {STRENGTH})"
    )
    group.add_argument("--strength", type=float, help=strength_help)
    group.add_argument("--interpolate", action="store_true", help="n images between the noise of SEED and SEED + 1")


def run(options: argparse.Namespace) -> None:
    """Executes `minidiff sample`."""
    fill_in(options)
    weights, name, stem = open_network(options)
    check_at_least("-n", options.n, 1)
    check_at_least("--seed", options.seed, 0)
    edit = chosen_edit(options)
    distilled = weights.sampling
    needs_ddim = edit == "interpolate" or options.eta is not None
    options.sampler = options.sampler or ("ddim" if needs_ddim else distilled.sampler if distilled else SAMPLER)
    if edit == "from_image" and options.strength is None:
        options.strength = STRENGTH
    if options.steps is None:
        T, usual = weights.training.T, distilled.steps if distilled else STEPS
        options.steps = default_steps(usual, editing.first_timestep(options.strength, T) if edit == "from_image" else T)
    if distilled:
        use_or_warn(distilled, edit, options)
    kind = f"{edit}_" if edit else ""
    default = Path(f"{stem}_{kind}{options.sampler}_{options.steps}_{options.seed}.png")
    single = options.single or options.only_image is not None
    check_out(options.out or default, (".png", ".gif") if single else (".png", ".gif", ".npz"), "images")
    with Workers(options.threads) as workers:
        denoiser = weights.denoiser(workers, options.ranks)
        shape = (options.n, *denoiser.network.config.example_shape)
        check_count("-n", shape)
        check_weights(options, denoiser.p.vector)
        # the classes in turn would hide the effect of the noise, or change an image to all of them
        label = "any" if edit and options.label is None else options.label
        labels = runs.labels_for(weights.class_names, options.n, label)
        states, inputs = start(edit, options, Guided(denoiser, options.guidance), shape, labels)
        found = runs.collect(states, options.steps)
    if options.ranks.rank > 0:  # it has computed a part of them; rank 0 writes
        return
    values = metadata_values(options, edit, weights.class_names, labels)
    metadata = write_metadata(name, denoiser.p.vector, values)
    if single:
        write_single(options, default, found, metadata)
    else:
        write_together(options.out, default, found, inputs, labels, weights.class_names, metadata)


def use_or_warn(distilled: SamplerOptions, edit: str | None, options: argparse.Namespace) -> None:
    """Sets the spacing of a distilled run, and prints a note if its network gets timesteps it was not trained for."""
    if options.spacing is None and options.sampler == distilled.sampler and edit != "inpaint":
        options.spacing = distilled.spacing
    chosen = (options.sampler, options.steps, options.spacing or distilled.spacing)
    if edit == "from_image" or chosen != (distilled.sampler, distilled.steps, distilled.spacing):
        print(f"this run was distilled for {distilled}; with other timesteps its images are worse")


def open_network(options: argparse.Namespace) -> tuple[Weights, str, str]:
    """The network of the run or the pretrained one, its name, and the start of the path of the file to write."""
    if options.run is not None and options.pretrained is None:
        run = runs.Run.open(options.run)
        return weights_of(run, best=options.best), run.path.resolve().name, str(run.path / "samples")
    if options.pretrained is None or options.run is not None or options.best:
        problem = "one of RUN and --pretrained NAME" if not options.best else "RUN, and not --pretrained, with --best"
        raise MinidiffError(f"sample needs {problem}; see minidiff sample --help")
    return load_weights(PRETRAINED + options.pretrained), PRETRAINED + options.pretrained, options.pretrained


def chosen_edit(options: argparse.Namespace) -> str | None:
    """The given one of EDITS, or None; refuses options that do not go together."""
    chosen = [edit for edit in EDITS if getattr(options, edit)]
    if len(chosen) > 1:
        raise MinidiffError(f"{' and '.join(map(option_of, chosen))} cannot be combined; choose one")
    edit = chosen[0] if chosen else None
    for name, owner in BELONGS_TO.items():
        if getattr(options, name) is not None and owner != edit:
            raise MinidiffError(f"{option_of(name)} belongs to {option_of(owner)}; give both or neither")
    if edit:
        for name in given(options, UNUSED_BY.get(edit, ())):
            raise MinidiffError(f"{option_of(edit)} does not use {option_of(name)}; leave it out")
    if edit == "inpaint" and options.mask is None:
        raise MinidiffError("--inpaint needs --mask MASK, an image that is white in the part to replace")
    return edit


def start(
    edit: str | None,
    options: argparse.Namespace,
    denoiser: Guided,
    shape: tuple[int, ...],
    labels: np.ndarray | None,
) -> tuple[Iterator[State], dict[str, np.ndarray]]:
    """Creates the sampling generator that the options describe, for images of a shape (N, H, W, C).

    Returns:
        The generator, and the input images (H, W, C) by their names.
    """
    from minidiff.data.readers.image_file import image_notes, read_image  # loads Pillow, which takes time
    from minidiff.data.readers.mask import read_mask

    height, width, channels = shape[1:]
    shared: dict[str, Any] = {"sampler": options.sampler, "steps": options.steps, "labels": labels}
    more = given(options, ("spacing", "eta"))
    if edit == "inpaint":
        image = read_image(options.inpaint, height, width, channels)
        hole, notes = read_mask(options.mask, options.inpaint, height, width)
        for note in (*image_notes(options.inpaint, height, width), *notes):
            print(note)
        rounds = 5 if options.rounds is None else options.rounds
        states = editing.inpaint(denoiser, shape, image, hole, rounds, seed=options.seed, **shared)
        white = np.broadcast_to(np.where(hole, np.float32(1), np.float32(-1)), image.shape)
        return states, {"original": image, "mask": white}
    if edit == "from_image":
        image = read_image(options.from_image, height, width, channels)
        for note in image_notes(options.from_image, height, width):
            print(note)
        images = np.broadcast_to(image, shape)
        return editing.image_to_image(denoiser, images, options.strength, options.seed, **shared, **more), {
            "original": image
        }
    if edit == "interpolate":
        schedule = denoiser.schedule
        first, last = (starting_noise(schedule, (1, *shape[1:]), options.seed + i)[0] for i in range(2))
        return editing.interpolate(denoiser, first, last, options.n, **shared, **more), {}
    return sample(denoiser, shape, seed=options.seed, **shared, **more), {}
