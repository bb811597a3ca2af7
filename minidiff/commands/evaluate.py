"""`minidiff evaluate`: how good the pictures of a run are, measured beside real ones."""

import json
import time
from pathlib import Path

from minidiff.atomic import write_whole
from minidiff.commands.printing import warn
from minidiff.errors import MinidiffError
from minidiff.sampling import SAMPLERS


def add_command(commands):
    """Adds `minidiff evaluate` to the commands of a parser."""
    parser = commands.add_parser("evaluate", help="measure the pictures of a run beside real ones")
    parser.set_defaults(run_command=run)
    parser.add_argument("run", metavar="RUN", help="folder of the run")
    parser.add_argument("--samples", type=int, default=2048, help="how many to generate (default: 2048)")
    parser.add_argument("--sampler", default="heun", help=f"{', '.join(SAMPLERS)} (default: heun)")
    parser.add_argument("--steps", type=int, default=12, help="steps from noise to picture (default: 12)")
    parser.add_argument("--guidance", type=float, default=1.0, metavar="W", help="as for minidiff sample")
    parser.add_argument("--best", action="store_true", help="the checkpoint with the lowest held-out loss")
    parser.add_argument("--seed", type=int, default=0, help="of the noise (default: 0)")
    parser.add_argument("--threads", type=int, help="threads (default: all cores)")
    parser.add_argument("--out", metavar="DIR", help="folder for evaluation.json and evaluation.png (default: RUN)")


def run(options):
    """minidiff evaluate"""
    from minidiff import pipeline
    from minidiff.denoiser import Guided
    from minidiff.evaluation import measure
    from minidiff.parallel import Workers
    from minidiff.run import Run
    from minidiff.training import Trainer
    from minidiff.training_run import read_config

    run = Run.open(options.run)
    if options.samples < measure.FEWEST or options.seed < 0:
        raise MinidiffError(
            f"--samples {options.samples} --seed {options.seed}: give at least {measure.FEWEST} samples, a seed from 0"
        )
    out = Path(options.out or run.path)
    if not out.is_dir():
        raise MinidiffError(f"--out {out}: there is no such folder; make it first")
    _, training_config, data_options = read_config(run)
    start = time.perf_counter()
    with Workers(options.threads) as workers:
        network = pipeline.load_denoiser(run, workers, warn, options.best)
        training, _ = pipeline.load_data(data_options)
        real = measure.unseen(data_options, training, 2 * options.samples)
        print(f"data: {training.name}, {pipeline.describe(training)}; {len(real)} more that were not trained on")
        labels = pipeline.labels_for(training.class_names, options.samples)
        shape = (options.samples, *training.example_shape)
        print(f"generating {options.samples} pictures: {options.sampler}, {options.steps} steps")
        samples, _ = pipeline.generate(
            Guided(network, options.guidance), shape, options.sampler, options.steps, options.seed, labels
        )
        generated = time.perf_counter() - start
        figures, details = measure.measure(samples, labels, training, real, workers)
        trainer = Trainer(network.network, network.p, real, training_config, workers)
        figures["loss_quarters"] = measure.loss_by_noise(trainer, real)
    figures |= {"sampler": options.sampler, "steps": options.steps, "guidance": options.guidance}
    figures |= {"seconds_generating": round(generated, 1), "seconds": round(time.perf_counter() - start, 1)}
    print("\n".join(measure.table(figures)))
    text = json.dumps(figures, indent=2) + "\n"
    write_whole(out / "evaluation.json", lambda file: file.write(text.encode()))
    measure.save_figure(out / "evaluation.png", samples, training, figures, details)
    print(f"{out / 'evaluation.png'}, evaluation.json; {figures['seconds']:.0f} s")
