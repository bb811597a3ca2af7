"""Networks in .safetensors files: what is written, that it is read back, and that nothing in a file is trusted."""

import json
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from minidiff.errors import MinidiffError
from minidiff.runs import pipeline
from minidiff.runs.folder import Run
from minidiff.runs.weights import import_run, load_weights, read_weights, shared, weights_of, write_weights
from minidiff.sampling import generate
from tests import tiny


@pytest.fixture(scope="module")
def run(tmp_path_factory, workers):
    """A finished run."""
    path = tmp_path_factory.mktemp("weights") / "run"
    with tiny.start(path) as run:
        tiny.train(run, workers)
    return Run.open(path)


@pytest.fixture(scope="module")
def written(run, tmp_path_factory):
    """The file of its network."""
    path = tmp_path_factory.mktemp("weights") / "a.safetensors"
    write_weights(path, weights_of(run))
    return path


@pytest.fixture
def file(written, tmp_path):
    """A copy of it."""
    return shutil.copy(written, tmp_path / "b.safetensors")


def test_a_run_is_exported_and_read_back(run, written):
    weights = read_weights(written)
    average = run.load_checkpoint(len(weights.vector)).arrays["average"]
    np.testing.assert_array_equal(weights.vector, average)
    assert weights.network == tiny.network().config
    assert weights.training == tiny.TRAINING
    assert weights.class_names == ("a", "b", "c")
    assert weights.trained["step"] == 9
    assert weights.trained["images"] == 12
    assert weights.hash() == weights_of(run).hash()


def test_the_file_has_the_axes_of_torch_and_says_so(run, written):
    tensors, p = load_file(written), weights_of(run).parameters
    weight = p["down0.block0.conv1.weight"]
    np.testing.assert_array_equal(tensors["down.0.blocks.0.conv1.weight"], weight.transpose(3, 2, 0, 1))
    with safe_open(written, framework="np") as opened:
        metadata = opened.metadata()
    assert metadata["format"] == "pt"
    assert json.loads(metadata["config"])["network"]["channels"] == [8, 16]


def test_half_precision_rounds_and_takes_half_the_space(run, written, tmp_path):
    weights = weights_of(run)
    write_weights(tmp_path / "half.safetensors", weights, half=True)
    rounded = read_weights(tmp_path / "half.safetensors").vector
    assert rounded.dtype == np.float32
    np.testing.assert_array_equal(rounded, weights.vector.astype(np.float16).astype(np.float32))
    saved = written.stat().st_size - (tmp_path / "half.safetensors").stat().st_size
    assert saved == pytest.approx(2 * len(rounded), abs=200)


def test_a_parameter_that_float16_cannot_hold_is_refused(run, tmp_path):
    weights = weights_of(run)
    weights.vector[5] = 70000
    with pytest.raises(MinidiffError, match="too large for half precision"):
        write_weights(tmp_path / "half.safetensors", weights, half=True)
    assert list(tmp_path.iterdir()) == []


def test_a_file_holds_no_paths_and_no_command():
    config = {
        "command": "minidiff train --data /home/user/cats --out /home/user/run",
        "machine": "Linux",
        "source": "/home/user/cats",
        "name": "cats",
        "class_names": [],
        "data": {"spec": "/home/user/cats", "cache_folder": "/home/user/cache", "seed": 3},
        "from": {"spec": "/home/user/old", "sha256": "0", "new_classes": []},
    }
    result = shared(config)
    assert "/home" not in json.dumps(result)
    assert "machine" not in result
    assert result["data"] == {"spec": "cats", "seed": 3}
    assert result["from"]["spec"] == "old"
    kept = shared(config | {"data": {"spec": "shapes", "seed": 3}, "from": {"spec": "pretrained:cats"}})
    assert kept["from"] == {"spec": "pretrained:cats"}
    assert kept["source"] == "/home/user/cats"  # that of synthetic data is a text


def test_an_imported_run_generates_the_same_images(run, written, tmp_path, workers):
    import_run(tmp_path / "imported", read_weights(written))
    imported = Run.open(tmp_path / "imported")
    images = [
        generate(pipeline.load_denoiser(r, workers), (3, 8, 8, 3), steps=3, labels=[0, 1, 2]) for r in (run, imported)
    ]
    np.testing.assert_array_equal(*images)
    assert imported.read_config() == run.read_config()
    assert imported.steps() == [9]
    assert pipeline.load_denoiser(imported, workers).class_names == ("a", "b", "c")
    assert load_weights(str(imported.path)).hash() == load_weights(str(written)).hash()


def test_an_imported_run_cannot_be_resumed(written, tmp_path, workers):
    import_run(tmp_path / "imported", read_weights(written))
    with (
        Run.open(tmp_path / "imported", to_write=True) as imported,
        pytest.raises(MinidiffError, match="imported without the state of the optimizer; fine-tune it instead"),
    ):
        tiny.train(imported, workers)


def change_tensors(file, change):
    """Writes the file again after `change` has edited the tensors."""
    tensors = load_file(file)
    with safe_open(file, framework="np") as opened:
        metadata = opened.metadata()
    change(tensors)
    save_file(tensors, file, metadata)


CHANGED = {
    "not finite": (lambda t: t["entries.0.bias"].__setitem__(0, np.inf), "a parameter is NaN or infinite"),
    "lacking": (lambda t: t.pop("entries.0.bias"), "it lacks entries.0.bias"),
    "unknown": (lambda t: t.update({"z\x1b[2J": np.zeros(2)}), "it has an unknown z\\x1b[2J"),
    "other shape": (
        lambda t: t.update({"entries.0.bias": np.zeros(9, np.float32)}),
        "entries.0.bias is F32 (9,), not F32 or F16 (8,)",
    ),
    "whole numbers": (lambda t: t.update({"entries.0.bias": np.zeros(8, np.int32)}), "is I32 (8,), not F32 or F16"),
    "other axes": (
        lambda t: t.update({"time.linear1.weight": t["time.linear1.weight"].T.copy()}),
        "time.linear1.weight is F32 (64, 8), not F32 or F16 (8, 64)",
    ),
}


@pytest.mark.parametrize(("change", "message"), CHANGED.values(), ids=CHANGED)
def test_tensors_that_do_not_fit_are_refused(file, change, message):
    change_tensors(file, change)
    with pytest.raises(MinidiffError) as caught:
        read_weights(file)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(file))


def change_metadata(file, **values):
    """Writes the file again with other metadata; None removes a key."""
    with safe_open(file, framework="np") as opened:
        metadata = opened.metadata() | values
    save_file(load_file(file), file, {name: value for name, value in metadata.items() if value is not None})


def edited(file, part, **values):
    """The text of the configuration with other values in a part of it."""
    with safe_open(file, framework="np") as opened:
        config = json.loads(opened.metadata()["config"])
    config[part] |= values
    return json.dumps(config)


def test_metadata_that_do_not_fit_are_refused(file):
    cases = [
        ({"config": None}, "is not a network of minidiff"),
        ({"trained": None}, "is not a network of minidiff"),
        ({"config": "[" * 100_000}, "cannot be read"),
        ({"config": "[]"}, "it is not a JSON object"),
        ({"config": '{"format": 9}'}, "format 9"),
        ({"config": '{"format": 1}'}, "network must be an object"),
        ({"trained": "9"}, "trained must be an object"),
        ({"trained": '{"step": -1, "images": 1, "fingerprint": ""}'}, "step must be at least 0"),
        ({"trained": '{"step": 1e400, "images": 1, "fingerprint": ""}'}, "step must be a whole number"),
        ({"config": edited(file, "network", channels=[8, 32])}, "does not fit its configuration"),
        ({"config": edited(file, "network", channels=[4096, 4096])}, "at most 268,435,456 are possible"),
        ({"config": edited(file, "network", height=7)}, "cannot be halved"),
        ({"config": edited(file, "training", T=0)}, "T must be at least 1"),
        ({"config": edited(file, "data", spec=5)}, "data: spec must be a text"),
    ]
    for i, (values, message) in enumerate(cases):
        copy = shutil.copy(file, file.with_name(f"{i}.safetensors"))
        change_metadata(copy, **values)
        with pytest.raises(MinidiffError) as caught:
            read_weights(copy)
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)


def test_files_of_another_kind_are_refused(tmp_path):
    (tmp_path / "folder.safetensors").mkdir()
    (tmp_path / "empty.safetensors").touch()
    (tmp_path / "text.safetensors").write_text("weights " * 100)
    (tmp_path / "huge.safetensors").write_bytes(b"\xff" * 7 + b"\x7f" + b"{}")  # a header of 2^63 bytes
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.safetensors")
    for file in [*tmp_path.iterdir(), tmp_path / "missing.safetensors", tmp_path / "nul\0.safetensors"]:
        with pytest.raises(MinidiffError, match="cannot be read"):
            load_weights(str(file))


def test_random_damage_gives_an_error_or_finite_weights(written, tmp_path):
    """Mostly in the header, where an edit matters; the rest of the file is values."""
    rng, content = np.random.default_rng(0), written.read_bytes()
    header = 8 + int.from_bytes(content[:8], "little")
    errors = []
    for i in range(300):
        damaged = bytearray(content)
        for _ in range(rng.integers(1, 4)):
            damaged[rng.integers(header if i % 4 else len(content))] = rng.integers(*((32, 127) if i % 3 else (0, 256)))
        if i % 10 == 0:
            del damaged[rng.integers(len(damaged)) :]
        file = tmp_path / "damaged.safetensors"
        file.write_bytes(damaged)
        try:
            weights = read_weights(file)
            assert np.isfinite(weights.vector).all()
        except MinidiffError as error:
            errors.append(str(error))
    assert len(errors) > 150
    assert "\n" not in "".join(errors)


def test_unknown_networks_are_refused_with_the_known_ones():
    with pytest.raises(MinidiffError, match=r"unknown pretrained network 'dogs'; choose from cats, shapes"):
        load_weights("pretrained:dogs")
    with pytest.raises(MinidiffError, match="unknown pretrained network"):
        load_weights("pretrained:../weights/cats")
    with pytest.raises(MinidiffError, match="holds no run"):
        load_weights("cats")


def test_the_best_checkpoint_is_exported_if_requested(tmp_path, workers):
    with tiny.start(tmp_path / "run") as run:
        tiny.train(run, workers, replace(tiny.TRAINING, learning_rate=0.5), held_out=tiny.dataset(4, seed=1))
        best = weights_of(run, best=True)
        assert best.trained["step"] == run.load_checkpoint(len(best.vector)).facts["best_step"]
