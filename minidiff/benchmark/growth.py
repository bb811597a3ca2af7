"""How time and memory grow with resolution, channels, batch size and number of threads."""

from dataclasses import replace

from minidiff.benchmark.network import sampling_step, training_step
from minidiff.benchmark.probe import probe
from minidiff.benchmark.timing import take_turns
from minidiff.parallel import Workers
from minidiff.unet import UNetConfig

BATCH = 4


def growth(threads: int, config: UNetConfig, quick: bool = False) -> dict[str, list[tuple[int, float, float]]]:
    """Measures a training step (AdamW, batch 4) while one quantity varies, and one network evaluation of a batch.

    Args:
        threads: that compute, except where their number varies.
        config: of the network, except where its side or its channels vary.
        quick: leave out the largest values.

    Returns:
        For each quantity a list of (value, ms per image, peak MB).
    """

    def measure(value: int, config: UNetConfig, batch: int, threads: int) -> tuple[int, float, float]:
        with Workers(threads) as workers:
            step, _ = training_step(config, batch, "adamw", workers)
            seconds = take_turns({"step": step}, rounds=3, warm_up=1)["step"]
        return value, 1e3 * seconds / batch, probe("minidiff", batch, threads, config=config)["peak_mb"]

    def measure_sampling(batch: int) -> tuple[int, float, float]:
        with Workers(threads) as workers:
            seconds = take_turns({"step": sampling_step(config, batch, workers)}, rounds=3, warm_up=1)["step"]
        return batch, 1e3 * seconds / batch, probe("sampling", batch, threads, config=config)["peak_mb"]

    last = -1 if quick else None
    channels = [tuple(int(factor * c) for c in config.channels) for factor in (0.5, 1, 2)[:last]]
    return {
        "side": [
            measure(side, replace(config, height=side, width=side), BATCH, threads) for side in (16, 32, 64, 128)[:last]
        ],
        "channels": [measure(some[0], replace(config, channels=some), BATCH, threads) for some in channels],
        "batch": [measure(batch, config, batch, threads) for batch in ((1, 4) if quick else (1, 2, 4, 16))],
        "sampling": [measure_sampling(batch) for batch in ((1, 4) if quick else (1, 4, 16, 64))],
        "threads": [measure(count, config, BATCH, count) for count in range(1, threads + 1)],
    }
