"""`minidiff sample`: generates images with a trained run, from noise or from images of yours.

minidiff sample RUN --label siamese --guidance 2              from noise
minidiff sample RUN --inpaint cat.png --mask hole.png         what is white in the mask is painted anew
minidiff sample RUN --from-image cat.png --strength 0.6       an image, drowned in noise up to 0.6 T and drawn again
minidiff sample RUN --interpolate -n 12                       the way from one noise to another
"""

from pathlib import Path

import numpy as np

from minidiff.commands.printing import warn
from minidiff.errors import MinidiffError
from minidiff.sampling import SAMPLERS, SPACINGS

WAYS = ("inpaint", "from_image", "interpolate")
# Options that only one of the ways knows, and options that a way does not know
BELONGS_TO = {"mask": "inpaint", "rounds": "inpaint", "strength": "from_image"}
UNKNOWN_TO = {"inpaint": ("spacing", "eta"), "interpolate": ("eta",)}


def add_command(commands):
    """Adds `minidiff sample` to the commands of a parser."""
    parser = commands.add_parser("sample", help="generate images with a trained run")
    parser.set_defaults(run_command=run)
    parser.add_argument("run", metavar="RUN", help="folder of the run")
    parser.add_argument("-n", type=int, default=16, help="how many images (default: 16)")
    parser.add_argument("--steps", type=int, default=50, help="steps from noise to image (default: 50)")
    parser.add_argument("--sampler", default="ddim", help=f"{', '.join(SAMPLERS)} (default: ddim)")
    parser.add_argument(
        "--spacing",
        help=f"where the steps are: {', '.join(SPACINGS)} (default: karras for order 2, else trailing)",
    )
    parser.add_argument("--eta", type=float, help="share of fresh noise that ddim takes, 0 to 1 (default: 0)")
    parser.add_argument("--label", metavar="NAME", help="class of all images (default: each class in turn)")
    parser.add_argument(
        "--guidance", type=float, default=1.0, metavar="W", help="0: no label, 1: plain, more: exaggerated"
    )
    parser.add_argument(
        "--best", action="store_true", help="the checkpoint with the lowest held-out loss, not the newest"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the noise (default: 0)")
    parser.add_argument("--threads", type=int, help="threads (default: all cores)")
    parser.add_argument(
        "--out", metavar="FILE", help=".png, .gif or .npz (default: RUN/samples_SAMPLER_STEPS_SEED.png)"
    )
    group = parser.add_argument_group("starting from something else than noise alone", "one of the three")
    group.add_argument("--inpaint", metavar="IMAGE", help="paint a part of this image anew")
    group.add_argument("--mask", metavar="MASK", help="which part: an image that is white there and black elsewhere")
    group.add_argument("--rounds", type=int, help="how often each step is taken, so that new fits old (default: 5)")
    group.add_argument("--from-image", metavar="IMAGE", help="draw this image again, from noise that still shows it")
    group.add_argument("--strength", type=float, help="how much noise: 0 leaves all, 1 nothing (default: 0.6)")
    group.add_argument(
        "--interpolate", action="store_true", help="n images on the way from the noise of SEED to that of SEED + 1"
    )


def run(options):
    """minidiff sample"""
    from minidiff import plotting
    from minidiff.denoiser import Guided
    from minidiff.parallel import Workers
    from minidiff.runs import pipeline
    from minidiff.runs.folder import Run

    run = Run.open(options.run)
    if options.n < 1:
        raise MinidiffError(f"-n must be 1 or more, not {options.n}")
    if options.seed < 0:
        raise MinidiffError(f"--seed must be 0 or more, not {options.seed}")
    way = chosen_way(options)
    kind = f"{way}_" if way else ""
    out = Path(options.out or run.path / f"samples_{kind}{options.sampler}_{options.steps}_{options.seed}.png")
    if out.suffix.lower() not in (".png", ".gif", ".npz"):
        raise MinidiffError(f"--out {out}: images are written as .png, .gif or .npz")
    if not out.parent.is_dir():
        raise MinidiffError(f"--out {out}: there is no folder {out.parent}; make it first")
    with Workers(options.threads) as workers:
        network = pipeline.load_denoiser(run, workers, warn, options.best)
        shape = (options.n, *network.network.config.example_shape)
        if way == "interpolate" and options.label is None:
            labels = None  # a walk through all classes at once would show their change, not that of the noise
        else:
            labels = pipeline.labels_for(run.config["class_names"], options.n, options.label)
        states, given = start(way, options, Guided(network, options.guidance), shape, labels)
        images, trajectory = pipeline.collect(states, options.steps)
    if out.suffix.lower() == ".gif":
        plotting.save_animation(out, trajectory)
    elif out.suffix.lower() == ".png":
        plotting.save_images(out, np.concatenate([given, images]), labels)
    else:
        plotting.save_images(out, images, labels)
    print(out)


def chosen_way(options):
    """The one of WAYS that was asked for, or None; refuses options that do not belong together."""
    chosen = [way for way in WAYS if getattr(options, way)]
    if len(chosen) > 1:
        raise MinidiffError(f"{' and '.join(map(option_of, chosen))} cannot be combined; choose one")
    way = chosen[0] if chosen else None
    for name, owner in BELONGS_TO.items():
        if getattr(options, name) is not None and owner != way:
            raise MinidiffError(f"{option_of(name)} belongs to {option_of(owner)}; give both or neither")
    for name in UNKNOWN_TO.get(way, ()):
        if getattr(options, name) is not None:
            raise MinidiffError(f"{option_of(way)} has no use for {option_of(name)}; leave it out")
    if way == "inpaint" and options.mask is None:
        raise MinidiffError("--inpaint needs --mask MASK, an image that is white where to paint anew")
    return way


def option_of(name):
    """ "from_image" as "--from-image"."""
    return "--" + name.replace("_", "-")


def start(way, options, denoiser, shape, labels):
    """The sampling that was asked for, not yet begun.

    Returns:
        generator of `State`s, and images (n, H, W, C) to show before the results.
    """
    from minidiff import editing
    from minidiff.data.readers.image_file import read_image
    from minidiff.sampling import sample, starting_noise

    shared = {"sampler": options.sampler, "steps": options.steps, "labels": labels}
    given = {"spacing": options.spacing, "eta": options.eta}
    more = {name: value for name, value in given.items() if value is not None}
    if way == "inpaint":
        image = read_image(options.inpaint, *shape[1:])
        hole = read_image(options.mask, *shape[1:3], 1) > 0  # brighter than middle gray
        rounds = 5 if options.rounds is None else options.rounds
        states = editing.inpaint(denoiser, shape, image, hole, rounds, seed=options.seed, **shared)
        return states, np.where(hole, np.float32(0), image)[None]
    if way == "from_image":
        image = read_image(options.from_image, *shape[1:])
        strength = 0.6 if options.strength is None else options.strength
        images = np.broadcast_to(image, shape)
        return editing.image_to_image(denoiser, images, strength, options.seed, **shared, **more), image[None]
    nothing = np.zeros((0, *shape[1:]), np.float32)
    if way == "interpolate":
        schedule = denoiser.schedule
        first, last = (starting_noise(schedule, (1, *shape[1:]), options.seed + i)[0] for i in range(2))
        return editing.interpolate(denoiser, first, last, options.n, **shared, **more), nothing
    return sample(denoiser, shape, seed=options.seed, **shared, **more), nothing
