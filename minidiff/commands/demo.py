"""`minidiff demo`: the four stages of a diffusion model, data, noise, training, generation, each shown as it runs."""

import time
from contextlib import ExitStack

from minidiff.commands.printing import memory_taken
from minidiff.training_config import FAST_BATCH_SIZE, TrainingConfig


def add_command(commands):
    """Adds `minidiff demo` to the commands of a parser."""
    parser = commands.add_parser("demo", help="all four stages: data, noise, training, generation")
    parser.set_defaults(run_command=run)
    parser.add_argument("--out", metavar="DIR", help="folder of the run (default: runs/demo, or the next free name)")
    parser.add_argument("--epochs", type=int, help="passes over the data (default: 20)")
    parser.add_argument("--images", type=int, help="images to draw and train on (default: 1000)")
    parser.add_argument("--size", type=int, help="height and width in pixels (default: 64)")
    parser.add_argument("--seed", type=int, default=0, help="of everything random (default: 0)")
    parser.add_argument("--threads", type=int, help="threads (default: all cores)")
    parser.add_argument(
        "--fast", action="store_true", help="half the time: a lighter network, and batches of 16 instead of 4"
    )
    parser.add_argument(
        "--quick", action="store_true", help="small and under a minute: 400 shapes of 16 x 16, 10 epochs"
    )


def run(options):
    """minidiff demo"""
    from minidiff.page import write_report
    from minidiff.parallel import Workers
    from minidiff.runs import pipeline, train
    from minidiff.runs.folder import free_folder

    start = time.perf_counter()
    spec, images, size, epochs = ("shapes", 400, 16, 10) if options.quick else ("cats", 1000, 64, 20)
    usual = {"images": images, "size": size, "epochs": epochs}
    given = {name: value for name in usual if (value := getattr(options, name)) is not None}
    chosen = {"spec": spec, "seed": options.seed} | usual | given
    batch = {"batch_size": FAST_BATCH_SIZE} if options.fast else {}
    training = TrainingConfig(epochs=chosen.pop("epochs"), seed=options.seed, **batch)
    with Workers(options.threads) as workers, ExitStack() as stack:
        dataset, _ = pipeline.load_data(chosen)
        folder = options.out or free_folder("runs/demo")
        run, network = train.start_run(folder, chosen, dataset, training, fast=options.fast)
        stack.enter_context(run)
        print(f"1. Data: {dataset.name}, {pipeline.describe(dataset)}")
        print(f"   in:  a seed, {options.seed};  out: images {dataset.images.shape}, pixels in [-1, 1]")
        print("2. Noise: every image can be drowned in it")
        pipeline.show_noise(run, dataset, training, print)
        print(f"3. Training: {training.epochs} epochs")
        trainer = train.train_run(run, network, dataset, training, workers, print)
        print("\n".join(["   training trace", *pipeline.training_trace(run.history())]))
        print("4. Generation: from noise, step by step, to images")
        labels = pipeline.labels_for(dataset.class_names, 16)
        shape = (16, dataset.height, dataset.width, dataset.channels)
        print(f"   in:  noise {shape} and a label for each;  out: images of the same shape, in [-1, 1]")
        samples, trajectory = pipeline.generate(trainer.denoiser(), shape, "heun", 12, options.seed, labels)
        pipeline.show_samples(run, samples, trajectory, columns=8)
        print(f"   {run.path / 'samples.png'}, denoising.gif, loss.png, history.csv")
        print(f"   all of it on one page: {write_report(run, workers, dataset=dataset)}")
    print(f"Done in {time.perf_counter() - start:.0f} s{memory_taken()}. More: minidiff sample {run.path} -n 64")
