"""The four stages on a tiny run."""

import json
import logging
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from minidiff.captions import LINE
from minidiff.data import Dataset
from minidiff.errors import MinidiffError
from minidiff.runs import pipeline, train
from minidiff.runs.folder import Run
from minidiff.runs.metadata import DIGITS, read_metadata, weights_hash
from minidiff.sampling import generate, sample
from minidiff.training_config import TrainingConfig
from minidiff.unet import UNetConfig
from tests import tiny

TRAINING = TrainingConfig(epochs=2, batch_size=4, warmup_steps=2, T=20)
OPTIONS = {"spec": "shapes", "size": 16, "images": 8, "seed": 0}
NETWORK = UNetConfig.for_images(16, 16, 3, 6, channels=(32, 32))


@pytest.fixture(scope="module")
def trained(tmp_path_factory, workers):
    """A run of two epochs, its trainer, and the logged lines."""
    dataset, _ = pipeline.load_data(OPTIONS)
    path = tmp_path_factory.mktemp("runs") / "run"
    with train.start_run(path, OPTIONS, dataset, NETWORK, TRAINING) as run, tiny.log() as lines:
        trainer = train.train_run(run, NETWORK, dataset, TRAINING, workers)
    return run, trainer, lines


def test_data_is_loaded_from_options():
    dataset, held_out = pipeline.load_data(OPTIONS)
    assert held_out is None
    assert dataset.images.shape == (8, 16, 16, 3)
    assert pipeline.describe(dataset) == "8 images x 16 x 16 x 3 channels, 6 classes"
    unlabeled = Dataset(np.zeros((2, 5, 7, 1), np.uint8))
    assert pipeline.describe(unlabeled) == "2 images x 5 x 7 x 1 channels, no classes"


def test_a_new_run_records_its_configuration(trained):
    run, _, _ = trained
    config = json.loads((run.path / "config.json").read_text())
    assert config["data"] | OPTIONS == config["data"]
    assert config["network"]["channels"] == [32, 32]
    assert TrainingConfig(**config["training"]) == TRAINING
    assert config["class_names"] == ["disc", "square", "triangle", "star", "heart", "ring"]
    assert config["numpy"] == np.__version__


def test_a_network_that_does_not_fit_makes_no_folder(tmp_path):
    network = train.network_for(tiny.dataset(), channels=(8, 8, 8, 8, 8))  # 8 x 8 cannot be halved four times
    with pytest.raises(MinidiffError, match="choose 16"):
        train.start_run(tmp_path / "run", OPTIONS, tiny.dataset(), network, TRAINING)
    assert list(tmp_path.iterdir()) == []


def test_the_forward_process_starts_with_the_image_and_ends_in_noise(tmp_path):
    run = Run(tmp_path)
    data = Dataset(np.full((2, 20, 20, 3), 255, np.uint8))
    with tiny.log() as lines:
        pipeline.show_noise(run, data, TRAINING)
    sheet = np.asarray(Image.open(tmp_path / "forward_process.png")).astype(float)
    assert sheet.shape == (6 * (2 + 2 * 22) + 2 * LINE, 6 * (2 + 9 * 22), 3)
    images = [sheet[12:132, 12 + 132 * i : 132 + 132 * i] for i in range(9)]
    assert (images[0] == 255).all()
    spreads = [image.std() for image in images]
    assert spreads == sorted(spreads)
    assert images[8].mean() == pytest.approx(127.5, abs=10)
    assert "(2, 20, 20, 3)" in lines[0]


def test_training_writes_history_and_a_loss_curve(trained):
    run, trainer, lines = trained
    rows = run.history()
    assert [row["epoch"] for row in rows] == [1, 2]
    assert [row["step"] for row in rows] == [2, 4]
    assert all(0 < row["loss"] < 3 and row["seconds"] > 0 and row["images_per_second"] > 0 for row in rows)
    assert (run.path / "loss.png").is_file()
    logged = [line.split() for line in lines if line.split()[:1] in (["1"], ["2"])]
    assert [float(words[1]) for words in logged] == pytest.approx([row["loss"] for row in rows], abs=1e-4)
    assert any(f"{trainer.p.size:,} parameters" in line for line in lines)


def test_the_trained_network_is_loaded_from_the_folder(trained, workers):
    run, trainer, _ = trained
    denoiser = pipeline.load_denoiser(Run.open(run.path), workers)
    np.testing.assert_array_equal(denoiser.p.vector, trainer.optimizer.average)
    z = np.random.default_rng(0).standard_normal((3, 16, 16, 3), np.float32)
    for found, expected in zip(denoiser(z, 7, [0, 1, 2]), trainer.denoiser()(z, 7, [0, 1, 2]), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_the_training_data_is_loaded_again_unless_it_has_changed(trained, workers, tmp_path):
    run = trained[0]
    denoiser = pipeline.load_denoiser(run, workers)
    assert pipeline.load_training_data(run, denoiser).fingerprint() == pipeline.load_data(OPTIONS)[0].fingerprint()
    shutil.copytree(run.path, tmp_path / "run")
    config = json.loads((run.path / "config.json").read_text())
    config["data"]["seed"] = 1
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))
    with pytest.raises(MinidiffError, match=r"shapes: the images have changed since .*run was trained on them"):
        pipeline.load_training_data(Run.open(tmp_path / "run"), denoiser)


@pytest.mark.parametrize(
    "change",
    [
        lambda config: config.pop("network"),
        lambda config: config["network"].pop("channels"),
        lambda config: config["network"].update(channels=[8, 24]),
        lambda config: config["network"].update(channels=8),
        lambda config: config["network"].update(height="tall"),
        lambda config: config["network"].update(head_channels=0),
        lambda config: config["network"].update(num_groups=3),
        lambda config: config["network"].update(color="blue"),
        lambda config: config["training"].update(warmth=3),
        lambda config: config["training"].update(T="many"),
        lambda config: config["training"].update(schedule="spiral"),
    ],
)
def test_a_changed_configuration_is_one_clear_line(trained, workers, tmp_path, change):
    run, _, _ = trained
    config = json.loads((run.path / "config.json").read_text())
    change(config)
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "checkpoints").symlink_to(run.path / "checkpoints")
    with pytest.raises(MinidiffError) as caught:
        pipeline.load_denoiser(Run.open(tmp_path), workers)
    assert "\n" not in str(caught.value)


def test_the_loss_table_shows_epochs_1_5_10_20_and_the_last():
    history = [{"epoch": epoch, "loss": 10.0 ** (-epoch)} for epoch in range(1, 24)]
    lines = pipeline.loss_table(history, width=40)
    words = [line.split() for line in lines[1:]]
    assert [int(word[0]) for word in words] == [1, 5, 10, 20, 23]
    bars = [line.count("█") for line in lines[1:]]
    assert bars[0] == 40
    assert bars[-1] == 1
    expected = [1 + 39 * (23 - epoch) / 22 for epoch in (1, 5, 10, 20, 23)]  # a logarithmic scale
    np.testing.assert_allclose(bars, expected, atol=0.5)


def test_the_loss_table_of_one_epoch_has_one_row():
    lines = pipeline.loss_table([{"epoch": 1, "loss": 0.25}])
    assert len(lines) == 2
    assert lines[1].split()[:2] == ["1", "0.2500"]


def test_labels():
    names = ["disc", "square", "ring"]
    assert pipeline.labels_for(names, 5).tolist() == [0, 1, 2, 0, 1]
    assert pipeline.labels_for(names, 2, "ring").tolist() == [2, 2]
    assert pipeline.labels_for([], 5) is None
    with pytest.raises(MinidiffError, match=r"'cube'.*disc, square, ring"):
        pipeline.labels_for(names, 2, "cube")
    with pytest.raises(MinidiffError, match="without classes"):
        pipeline.labels_for([], 2, "ring")


def test_several_labels_take_turns_and_case_is_ignored():
    names = ["disc", "Square", "ring, thin", "A", "a"]
    assert pipeline.labels_for(names, 5, "SQUARE, disc").tolist() == [1, 0, 1, 0, 1]
    assert pipeline.labels_for(names, 1, "ring, thin").tolist() == [2]  # a name with a comma
    assert pipeline.labels_for(names, 2, "a,A").tolist() == [4, 3]
    assert pipeline.labels_for(names, 3, "each").tolist() == [0, 1, 2]
    assert pipeline.labels_for(names, 3, "any") is None
    assert pipeline.labels_for([], 3, "each") is None
    assert pipeline.labels_for(["any", "b"], 2, "any").tolist() == [0, 0]
    for wrong, message in (("disc,cube", "unknown class 'cube'"), ("", "unknown class ''"), ("disc,", "unknown")):
        with pytest.raises(MinidiffError, match=message):
            pipeline.labels_for(names, 2, wrong)
    with pytest.raises(MinidiffError, match="ambiguous class 'tAbby'; choose from Tabby, tabby"):
        pipeline.labels_for(["Tabby", "tabby"], 1, "tAbby")


def test_all_stages_leave_their_images(tmp_path, workers, caplog):
    caplog.set_level(logging.INFO, logger="minidiff")
    dataset, _ = pipeline.load_data(OPTIONS)
    training = replace(TRAINING, T=6)  # fewer timesteps than sampler steps by default
    with train.start_run(tmp_path / "run", OPTIONS, dataset, NETWORK, training) as run:
        pipeline.run_stages(run, NETWORK, dataset, training, workers)
    headings = [line.split(":")[0] for line in caplog.messages if line[0].isdecimal()]
    assert headings == ["1. Data", "2. Noise", "3. Training", "4. Generation"]
    shown = read_metadata(run.path / "samples.png")
    assert shown == read_metadata(run.path / "denoising.gif")
    assert (shown["label"], shown["sampler"], shown["steps"], shown["images"]) == ("each", "dpmpp_2m_sde", 6, 16)
    assert shown["weights"] == weights_hash(pipeline.load_denoiser(run, workers).p.vector)[:DIGITS]
    assert Image.open(run.path / "samples.png").size[0] > Image.open(run.path / "samples.png").size[1]
    with Image.open(run.path / "denoising.gif") as animation:
        assert animation.n_frames == 7  # the noise, and the images after each of six steps


def test_sampling_is_collected(trained):
    _, trainer, _ = trained
    options = {"sampler": "ddim", "steps": 4, "seed": 0, "labels": [0, 1, 2]}
    found = pipeline.collect(sample(trainer.denoiser(), (3, 16, 16, 3), **options), 4)
    images, trajectory, times = found
    assert len(trajectory) == 5  # the noise, and the images after each step
    assert times == [20, 15, 10, 5, 0]
    assert found.titles()[1] == "step 1 of 4, t = 15"
    np.testing.assert_array_equal(images, trajectory[-1])
    np.testing.assert_array_equal(images, generate(trainer.denoiser(), (3, 16, 16, 3), **options))
    assert np.abs(images).max() <= 1
