"""The same network in PyTorch: predictions, gradients, memory format, and the comparison of speed."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from minidiff.errors import MinidiffError
from minidiff.gradient_check import random_parameters, relative_error
from minidiff.parameters import Parameters
from minidiff.pyramid import pool
from minidiff.runs.train import start_run, train_run
from minidiff.runs.weights import read_weights, weights_of, write_weights
from minidiff.unet import UNet, UNetConfig
from tests import tiny

torch = pytest.importorskip("torch")
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

from minidiff.benchmark import against_torch, torch_unet  # noqa: E402 (after the check that PyTorch is installed)
from minidiff.benchmark.against_torch import build, gradients  # noqa: E402

SMALL = UNetConfig(
    height=16, width=24, image_channels=3, channels=(8, 16, 24), blocks_per_level=2, attention_levels=2,
    time_channels=16, num_groups=4, head_channels=8, num_classes=3,
)  # fmt: skip
CONFIGS = [
    pytest.param(SMALL, id="color-classes"),
    pytest.param(replace(SMALL, image_channels=1, num_classes=0, attention_levels=0), id="gray-no-attention"),
    pytest.param(replace(SMALL, channels=(8, 16), film=False), id="shift-only"),
    pytest.param(replace(SMALL, channels=(8,), blocks_per_level=1, attention_levels=1), id="one-level"),
]
ENTRIES = replace(SMALL, entry_levels=3)


def random_problem(config, dtype):
    """Network, parameters, noised images, noise levels, labels and upstream gradient."""
    rng = np.random.default_rng(0)
    network = UNet(config)
    p = random_parameters(network, rng, dtype)
    z, upstream = rng.normal(size=(2, 3, config.height, config.width, config.image_channels)).astype(dtype)
    labels = rng.integers(0, config.num_classes + 1, 3) if config.num_classes else None
    return network, p, z, rng.normal(size=3), labels, upstream


def run_torch(config, p, z, log_sigma, labels, memory_format=torch.contiguous_format):
    """The module and its prediction."""
    module = build(config, p).to(memory_format=memory_format)
    images = torch.from_numpy(z).permute(0, 3, 1, 2).contiguous(memory_format=memory_format)
    return module, module(images, torch.from_numpy(log_sigma), None if labels is None else torch.from_numpy(labels))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("config", CONFIGS)
def test_predictions_and_all_gradients_agree(config, memory_format, dtype):
    network, p, z, log_sigma, labels, upstream = random_problem(config, dtype)
    prediction, caches = network.forward(p, z, log_sigma, labels)
    g = p.zeros_like()
    network.backward(p, g, caches, upstream)

    module, torch_prediction = run_torch(config, p, z, log_sigma, labels, memory_format)
    torch_prediction.backward(torch.from_numpy(upstream).permute(0, 3, 1, 2))
    torch_gradient = Parameters(p.shapes, vector=gradients(module, config))

    tolerance = {np.float32: 1e-3, np.float64: 1e-9}[dtype]
    assert relative_error(prediction, torch_prediction.detach().permute(0, 2, 3, 1).numpy()) < tolerance
    errors = {name: relative_error(g[name], torch_gradient[name]) for name in p.shapes}
    assert {name: error for name, error in errors.items() if not error < tolerance} == {}
    assert all(np.any(torch_gradient[name] != 0) for name in p.shapes)


@pytest.mark.parametrize("entry", [0, 1, 2])
def test_images_enter_at_every_level(entry):
    network, p, z, log_sigma, labels, upstream = random_problem(ENTRIES, np.float64)
    z, upstream = pool(z, entry), pool(upstream, entry)
    prediction, caches = network.forward(p, z, log_sigma, labels)
    g = p.zeros_like()
    network.backward(p, g, caches, upstream)
    module, torch_prediction = run_torch(ENTRIES, p, z, log_sigma, labels)
    torch_prediction.backward(torch.from_numpy(upstream).permute(0, 3, 1, 2))
    assert relative_error(prediction, torch_prediction.detach().permute(0, 2, 3, 1).numpy()) < 1e-9
    assert relative_error(g.vector, gradients(module, ENTRIES)) < 1e-9


@pytest.fixture
def run(tmp_path, workers):
    """A run of a network with two entries, trained in large steps, so that no parameter stays zero."""
    data, config = tiny.dataset(), tiny.network(entry_levels=2).config
    training = replace(tiny.TRAINING, learning_rate=0.02)
    with start_run(tmp_path / "run", {"spec": "tiny", "seed": 0}, data, config, training) as run:
        train_run(run, config, data, training, workers)
    return run


@pytest.mark.parametrize("half", [False, True])
def test_an_exported_network_agrees(run, tmp_path, half):
    """The file of `minidiff export`, at both sizes at which images enter."""
    file = tmp_path / "a.safetensors"
    write_weights(file, weights_of(run), half=half)
    weights = read_weights(file)
    module, config = torch_unet.load(file)
    assert config["class_names"] == ["a", "b", "c"]
    assert all(weight.dtype == torch.float32 for weight in module.state_dict().values())
    rng = np.random.default_rng(0)
    for side in (8, 4):
        z, log_sigma = rng.standard_normal((5, side, side, 3), np.float32), rng.normal(0, 2, 5)
        labels = np.array([0, 1, 2, 3, 0])
        prediction, _ = UNet(weights.network).forward(weights.parameters, z, log_sigma, labels)
        images = torch.from_numpy(z).permute(0, 3, 1, 2)
        with torch.inference_mode():
            found = module(images, torch.from_numpy(log_sigma), torch.from_numpy(labels)).permute(0, 2, 3, 1).numpy()
        assert np.abs(prediction).max() > 0.01
        assert np.abs(found - prediction).max() < 1e-5 * np.abs(prediction).max()


def test_the_parameters_are_identical_after_pytorch(run, tmp_path):
    """minidiff, file, PyTorch, file, minidiff."""
    from safetensors.torch import save_file

    weights = weights_of(run)
    write_weights(tmp_path / "a.safetensors", weights)
    module, _ = torch_unet.load(tmp_path / "a.safetensors")
    with torch_unet.safe_open(tmp_path / "a.safetensors", framework="pt") as file:
        save_file(module.state_dict(), tmp_path / "b.safetensors", file.metadata())
    np.testing.assert_array_equal(read_weights(tmp_path / "b.safetensors").vector, weights.vector)


def test_the_example_in_the_tutorial_samples(run, tmp_path):
    """The program in tutorials/models.md, in a folder with a copy of the module and an exported network."""
    write_weights(tmp_path / "weights.safetensors", weights_of(run))
    (tmp_path / "torch_unet.py").write_text(Path(torch_unet.__file__).read_text(encoding="utf-8"), encoding="utf-8")
    page = (Path(__file__).parents[2] / "tutorials" / "models.md").read_text(encoding="utf-8")
    program = next(block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "torch_unet" in block)
    command = [sys.executable, "-c", program + "print(images.shape, abs(images).max() <= 1, images.std() > 0.1)"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert result.stdout == "(16, 8, 8, 3) True True\n", result.stderr


def test_the_file_to_copy_needs_nothing_of_minidiff():
    source = Path(torch_unet.__file__).read_text(encoding="utf-8")
    assert not re.search(r"^\s*(from|import) minidiff", source, re.MULTILINE)
    assert len(source.splitlines()) < 200


def test_no_labels_stand_for_the_null_class():
    _, p, z, log_sigma, _, _ = random_problem(SMALL, np.float64)
    _, without = run_torch(SMALL, p, z, log_sigma, None)
    _, null_class = run_torch(SMALL, p, z, log_sigma, np.full(3, 3))
    assert torch.equal(without, null_class)


class Copies(TorchDispatchMode):
    """Records the shape of every activation that PyTorch copies to change its memory layout."""

    COPIES = (torch.ops.aten.clone.default, torch.ops.aten.copy_.default, torch.ops.aten._to_copy.default)

    def __init__(self):
        super().__init__()
        self.shapes = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function in self.COPIES and args[0].ndim > 2:
            self.shapes.append(tuple(args[0].shape))
        return function(*args, **(kwargs or {}))


def test_channels_stay_last_without_copies():
    _, p, z, log_sigma, labels, _ = random_problem(SMALL, np.float32)
    module = build(SMALL, p).to(memory_format=torch.channels_last)
    formats = {}

    def note(name):
        def hook(layer, inputs, output):
            for tensor in (*inputs, output):
                if tensor.ndim == 4:
                    formats.setdefault(name, []).append(tensor.is_contiguous(memory_format=torch.channels_last))

        return hook

    for name, layer in module.named_modules():
        layer.register_forward_hook(note(name))
    images = torch.from_numpy(z).permute(0, 3, 1, 2)
    with Copies() as copies:
        module(images, torch.from_numpy(log_sigma), torch.from_numpy(labels))
    assert copies.shapes == []
    assert len(formats) > 50
    assert [name for name, kept in formats.items() if not all(kept)] == []


def test_parameters_of_another_network_are_refused():
    p = UNet(replace(SMALL, num_classes=0)).create_parameters()
    with pytest.raises(MinidiffError, match="another network"):
        build(SMALL, p)
    p = UNet(replace(SMALL, time_channels=8)).create_parameters()
    with pytest.raises(MinidiffError, match="another network"):
        build(SMALL, p)


def test_both_programs_agree_and_are_timed_in_turns(monkeypatch, workers):
    assert max(against_torch.agreement(SMALL)) < 1e-3
    called = []

    def run_once(functions, rounds):
        for name, function in functions.items():
            function()
            called.append(name)
        return {name: 2.0 if name == "minidiff" else float(len(name)) for name in functions}

    monkeypatch.setattr(against_torch, "take_turns", run_once)
    rows = list(against_torch.race(SMALL, workers, compiled=False))
    assert [row[0] for row in rows] == ["training step, batch 16", "training step, batch 4", "sampling, batch 16"]
    assert called == ["minidiff", "contiguous, eager", "channels_last, eager"] * 3
    assert [row[3:] for row in rows] == [["contiguous, eager", 17 / 2]] * 3
