"""Fine-tuning: where the parameters come from, and that the run knows."""

from dataclasses import replace

import numpy as np
import pytest

from minidiff.data import Dataset
from minidiff.errors import MinidiffError
from minidiff.runs import fine_tuning, train
from minidiff.runs.folder import Run
from minidiff.runs.weights import weights_of, write_weights
from minidiff.training_config import TrainingConfig
from minidiff.unet import UNet
from tests import tiny


@pytest.fixture(scope="module")
def file(tmp_path_factory, workers):
    """The network of a finished run with the classes a, b, c, as a file."""
    folder = tmp_path_factory.mktemp("source")
    with tiny.start(folder / "run") as run:
        tiny.train(run, workers)
        write_weights(folder / "a.safetensors", weights_of(run))
    return folder / "a.safetensors"


@pytest.fixture
def weights(file):
    """The network."""
    return fine_tuning.load_weights(str(file))


def outputs(network, p, labels):
    """The predictions for two images."""
    z = np.random.default_rng(0).standard_normal((2, 8, 8, 3), np.float32)
    return network.forward(p, z, np.zeros(2), labels)[0]


def test_the_same_classes_keep_all_parameters(weights):
    network = UNet(weights.network)
    p = fine_tuning.parameters_from(weights, network, ["a", "b", "c"])
    np.testing.assert_array_equal(p.vector, weights.vector)
    assert not np.shares_memory(p.vector, weights.vector)


def test_known_classes_keep_their_vectors_and_new_ones_start_as_any_class(weights):
    network = UNet(fine_tuning.network_from(weights, 4))
    p = fine_tuning.parameters_from(weights, network, ["c", "x", "a", "y"])
    old = UNet(weights.network)
    for new_label, old_label in ((0, 2), (1, 3), (2, 0), (3, 3), (4, 3)):  # 3 is the old null class, 4 the new one
        labels = np.full(2, new_label), np.full(2, old_label)
        expected = outputs(old, weights.parameters, labels[1])
        np.testing.assert_array_equal(outputs(network, p, labels[0]), expected)


def test_without_classes_the_output_is_that_for_any_class(weights):
    network = UNet(fine_tuning.network_from(weights, 0))
    p = fine_tuning.parameters_from(weights, network, [])
    expected = outputs(UNet(weights.network), weights.parameters, None)
    np.testing.assert_allclose(outputs(network, p, None), expected, atol=1e-5)


def test_classes_are_added_to_a_network_without(weights):
    without = UNet(fine_tuning.network_from(weights, 0))
    p = fine_tuning.parameters_from(weights, without, [])
    plain = replace(weights, network=without.config, vector=p.vector, config=weights.config | {"class_names": []})
    network = UNet(fine_tuning.network_from(plain, 2))
    q = fine_tuning.parameters_from(plain, network, ["x", "y"])
    np.testing.assert_array_equal(outputs(network, q, np.array([0, 1])), outputs(without, p, None))


def test_the_forward_process_is_that_of_the_trained_network(weights):
    usual = TrainingConfig(sigma_max=150.0, log_sigma_mean=0.7, batch_size=8)
    training = fine_tuning.training_from(weights, usual, {"warmup_steps": 7})
    assert (training.T, training.schedule, training.target) == (50, "flow", "flow")
    assert training.sigma_max == 150  # 0 for the trained network, whose noise would be too weak
    assert (training.epochs, training.batch_size, training.warmup_steps) == (fine_tuning.EPOCHS, 8, 7)
    assert fine_tuning.training_from(weights, usual, {"epochs": 3, "T": 9}).T == 9


def test_other_sizes_and_targets_are_refused(weights):
    large = Dataset(np.zeros((2, 16, 16, 3), np.uint8))
    with pytest.raises(
        MinidiffError, match="is a network for images of 8 x 8 x 3, and these are 16 x 16 x 3; give --si"
    ):
        fine_tuning.check_source("x", weights, large, tiny.TRAINING)
    gray = tiny.dataset(channels=1)
    with pytest.raises(MinidiffError, match="8 x 8 x 1; convert them to the same number of channels, or train without"):
        fine_tuning.check_source("x", weights, gray, tiny.TRAINING)
    with pytest.raises(MinidiffError, match="predicts the target flow, not noise; leave --target out"):
        fine_tuning.check_source("x", weights, tiny.dataset(), replace(tiny.TRAINING, target="noise"))


def start(path, file, weights, training=tiny.TRAINING, classes=("a", "b", "new")):
    """A run that is fine-tuned from the file, and its data."""
    data = replace(tiny.dataset(), class_names=classes)
    network = fine_tuning.network_from(weights, data.num_classes)
    source = fine_tuning.record(str(file), weights, data.class_names)
    options = {"spec": "tiny", "size": 8, "images": 12, "seed": 0}
    return train.start_run(path, options, data, network, training, source=source), data


def test_training_starts_from_the_trained_network(file, weights, tmp_path, workers):
    still = replace(tiny.TRAINING, learning_rate=1e-30)
    run, data = start(tmp_path / "run", file, weights, still, ("a", "b", "c"))
    with run:
        trainer, lines = tiny.train(run, workers, still, data)
    np.testing.assert_allclose(trainer.p.vector, weights.vector, rtol=1e-6)
    assert f"   initial parameters: {file}" in lines


def test_the_run_records_the_network_and_the_new_classes(file, weights, tmp_path):
    run, _ = start(tmp_path / "run", file, weights)
    with run:
        recorded = run.config["from"]
    assert recorded == {"spec": str(file.resolve()), "sha256": weights.hash(), "new_classes": ["new"]}
    assert fine_tuning.record("pretrained:cats", weights, [])["spec"] == "pretrained:cats"


def test_a_run_killed_before_its_first_checkpoint_starts_from_the_network_again(file, weights, tmp_path, workers):
    run, data = start(tmp_path / "run", file, weights)
    run.close()
    with Run.open(tmp_path / "run", to_write=True) as resumed:
        _, lines = tiny.train(resumed, workers, data=data)
    assert f"   initial parameters: {file}; new classes: new" in lines
    file.rename(file.with_suffix(".moved"))
    try:
        with Run.open(tmp_path / "run", to_write=True) as resumed:  # now it has a checkpoint
            _, lines = tiny.train(resumed, workers, data=data)
    finally:
        file.with_suffix(".moved").rename(file)
    assert not [line for line in lines if "initial" in line]


def test_a_network_that_has_changed_is_refused(file, weights, tmp_path, workers):
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(file.read_bytes())
    run, data = start(tmp_path / "run", copy, weights)
    weights.vector[0] += 1
    write_weights(copy, weights)
    with run, pytest.raises(MinidiffError, match="has changed since"):
        tiny.train(run, workers, data=data)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("cats", "from must be an object, not 'cats'"),
        ({"spec": "x"}, "from lacks new_classes, sha256"),
        ({"spec": 5, "sha256": "", "new_classes": []}, "from: spec must be a text, not 5"),
        ({"spec": "x", "sha256": "", "new_classes": [1]}, "from: new_classes must be a list of texts"),
        ({"spec": "x", "sha256": "", "new_classes": [], "more": 1}, "from has unknown fields 'more'"),
    ],
)
def test_what_is_recorded_is_checked(tmp_path, value, message):
    with tiny.start(tmp_path / "run") as run:
        run.write_config(run.config | {"from": value})
        with pytest.raises(MinidiffError, match=message.replace("(", r"\(")):
            run.read_config()
