"""`minidiff sample`: generates pictures with a trained run."""

from pathlib import Path

from minidiff.commands.printing import warn
from minidiff.errors import MinidiffError
from minidiff.sampling import SAMPLERS


def add_command(commands):
    """Adds `minidiff sample` to the commands of a parser."""
    parser = commands.add_parser("sample", help="generate pictures with a trained run")
    parser.set_defaults(run_command=run)
    parser.add_argument("run", metavar="RUN", help="folder of the run")
    parser.add_argument("-n", type=int, default=16, help="how many pictures (default: 16)")
    parser.add_argument("--steps", type=int, default=50, help="steps from noise to picture (default: 50)")
    parser.add_argument("--sampler", default="ddim", help=f"{', '.join(SAMPLERS)} (default: ddim)")
    parser.add_argument("--label", metavar="NAME", help="class of all pictures (default: each class in turn)")
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


def run(options):
    """minidiff sample"""
    from minidiff import pipeline, plotting
    from minidiff.denoiser import Guided
    from minidiff.parallel import Workers
    from minidiff.run import Run

    run = Run.open(options.run)
    if options.n < 1:
        raise MinidiffError(f"-n must be 1 or more, not {options.n}")
    if options.seed < 0:
        raise MinidiffError(f"--seed must be 0 or more, not {options.seed}")
    out = Path(options.out or run.path / f"samples_{options.sampler}_{options.steps}_{options.seed}.png")
    if out.suffix.lower() not in (".png", ".gif", ".npz"):
        raise MinidiffError(f"--out {out}: pictures are written as .png, .gif or .npz")
    if not out.parent.is_dir():
        raise MinidiffError(f"--out {out}: there is no folder {out.parent}; make it first")
    with Workers(options.threads) as workers:
        network = pipeline.load_denoiser(run, workers, warn, options.best)
        config = network.network.config
        labels = pipeline.labels_for(run.config["class_names"], options.n, options.label)
        shape = (options.n, config.height, config.width, config.image_channels)
        denoiser = Guided(network, options.guidance)
        images, trajectory = pipeline.generate(denoiser, shape, options.sampler, options.steps, options.seed, labels)
    if out.suffix.lower() == ".gif":
        plotting.save_animation(out, trajectory)
    else:
        plotting.save_images(out, images, labels)
    print(out)
