"""The model in one file, `tutorials/one_file.py`, against the library: the same losses, gradients and samples."""

import ast
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from minidiff import NetworkDenoiser, Parameters, Schedule, Trainer, TrainingConfig, UNet, UNetConfig
from minidiff.data import Dataset, to_bytes
from minidiff.examples import Examples
from minidiff.gradient_check import relative_error
from minidiff.samplers import ddim
from minidiff.sampling import choose_steps

FILE = Path(__file__).parents[1] / "tutorials" / "one_file.py"
SOURCE = FILE.read_text(encoding="utf-8")
SCHEDULE = Schedule("flow")


@pytest.fixture(scope="module")
def one_file():
    spec = importlib.util.spec_from_file_location("one_file", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def network():
    """The network of the configuration that the file's docstring names."""
    (line,) = [line for line in SOURCE.splitlines() if line.strip().startswith("UNetConfig(")]
    return UNet(eval(line, {"UNetConfig": UNetConfig}))


@pytest.fixture
def parameters(one_file, network, rng):
    """The same random parameters for both, none of them zero, so that every layer takes part."""
    shared = one_file.create_parameters(rng)
    shared = {name: value + 0.02 * rng.standard_normal(value.shape, np.float32) for name, value in shared.items()}
    p = Parameters(network.create_parameters().shapes)
    assert {name: value.shape for name, value in shared.items()} == p.shapes
    for name, value in shared.items():
        p[name] = value
    return shared, p


def test_it_is_one_short_file_that_needs_only_numpy():
    assert len(SOURCE.splitlines()) <= 300
    imports = [node for node in ast.walk(ast.parse(SOURCE)) if isinstance(node, (ast.Import, ast.ImportFrom))]
    names = {alias.name for node in imports for alias in node.names}
    assert names - set(sys.stdlib_module_names) == {"numpy"}


def test_the_modules_that_it_names_exist():
    named = {word.strip("().,:`") for word in SOURCE.split() if "minidiff/" in word}
    assert len(named) >= 10
    assert [name for name in named if not (FILE.parents[1] / name).exists()] == []


def test_losses_and_gradients_are_those_of_the_library(one_file, network, parameters, workers, rng):
    shared, p = parameters
    x0, labels = one_file.draw_shapes(rng, 6)
    eps, t = rng.standard_normal(x0.shape, np.float32), np.array([1, 30, 250, 500, 900, 1000])
    loss, gradient = one_file.loss_and_gradient(shared, x0, labels, t, eps)

    data = Dataset(to_bytes(x0), labels, one_file.CLASSES, name="shapes")
    trainer = Trainer(network, p, data, TrainingConfig(batch_size=6), workers)
    g, losses = trainer.accumulate_gradient(Examples(x0=x0, eps=eps, t=t, labels=labels))
    eps_scale = SCHEDULE.error_scales("flow", t)[1]  # the library reports the error of eps_hat
    assert loss == pytest.approx((losses / eps_scale**2).mean(), rel=1e-5)
    for name in p.shapes:
        assert relative_error(gradient[name], g[name]) < 1e-4, name


def test_samples_are_those_of_the_library(one_file, network, parameters, workers, rng):
    shared, p = parameters
    eps, labels = rng.standard_normal((3, 16, 16, 3), np.float32), np.array([0, 1, 2])
    found = one_file.sample(shared, eps, labels, steps=5)
    z = np.float32(SCHEDULE.noise[-1]) * eps

    denoiser = NetworkDenoiser(network, p, SCHEDULE, "flow", workers)
    states = ddim(lambda z, t: denoiser(z, t, labels), SCHEDULE, z, choose_steps(SCHEDULE, 5, "trailing"), None)
    assert found.dtype == np.float32
    assert relative_error(found, list(states)[-1].z) < 1e-4


def test_training_lowers_the_loss_and_the_sheet_is_an_image(one_file, tmp_path, capsys):
    one_file.train(steps=100, batch=2)
    assert "step   100  loss" in capsys.readouterr().out
    images = np.linspace(-1, 1, 4 * 16 * 16 * 3).reshape(4, 16, 16, 3)
    one_file.save_png(tmp_path / "sheet.png", images, columns=2)
    from PIL import Image

    with Image.open(tmp_path / "sheet.png") as sheet:
        pixels = np.asarray(sheet)
    assert pixels.shape == (128, 128, 3)
    np.testing.assert_array_equal(pixels[::4, ::4][:16, 16:], to_bytes(images[1]))
