"""The two sets of kernels have the same functions, and they agree."""

import ast
import copy
import inspect
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from minidiff.data import load
from minidiff.gradient_check import random_parameters, relative_error
from minidiff.kernels import plain
from minidiff.kernels.sets import Kernels, create_kernels
from minidiff.training import Trainer
from minidiff.training_config import TrainingConfig
from minidiff.unet import UNet, UNetConfig
from tests import tiny

PLAIN, FAST = create_kernels("plain"), create_kernels("fast")
TOLERANCE = {np.float32: 2e-5, np.float64: 1e-10}

sides = pytest.mark.parametrize("side", [(1, 1), (5, 7), (63, 65)], ids=lambda side: f"{side[0]}x{side[1]}")
channels = pytest.mark.parametrize(("C", "K"), [(1, 3), (3, 17), (17, 33), (33, 1), (33, 33)])
both_types = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def arrays(dtype, *shapes):
    """Random arrays, the same for the same shapes."""
    rng = np.random.default_rng([*shapes[0], len(shapes)])
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def assert_agree(dtype, function):
    """`function` returns the results of one set of kernels; both sets give the same shapes, dtypes and values."""
    for expected, found in zip(function(PLAIN), function(FAST), strict=True):
        assert found.dtype == expected.dtype == dtype
        assert relative_error(found, expected) < TOLERANCE[dtype]


@pytest.mark.parametrize("field", [field.name for field in fields(Kernels) if field.name not in ("name", "empty")])
def test_both_sets_have_the_same_arguments(field):
    expected, found = (inspect.signature(getattr(kernels, field)).parameters for kernels in (PLAIN, FAST))
    assert list(found) == list(expected)
    assert [p.default for p in found.values()] == [p.default for p in expected.values()]


def test_plain_imports_nothing_of_fast():
    files = list(Path(plain.__path__[0]).glob("*.py"))
    assert len(files) > 5
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            modules = [node.module] if isinstance(node, ast.ImportFrom) else []
            modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for module in modules:
                assert module.split(".")[0] != "minidiff" or module.startswith("minidiff.kernels.plain"), file.name


@both_types
@pytest.mark.parametrize("has_residual", [False, True])
@pytest.mark.parametrize(("kernel_size", "stride"), [(1, 1), (1, 2), (3, 1), (3, 2), (5, 1), (5, 2)])
@channels
@sides
def test_convolve(side, C, K, kernel_size, stride, has_residual, dtype):
    H, W = side
    output = (2, -(-H // stride), -(-W // stride), K)
    x, w, b, residual, dy = arrays(dtype, (2, H, W, C), (kernel_size, kernel_size, C, K), (K,), output, output)

    def run(kernels):
        dw, db = np.ones_like(w), np.ones_like(b)
        y = kernels.convolve(x, w, b, stride, residual if has_residual else None)
        return y, kernels.convolve_backward(x, w, dy, stride, dw, db), dw, db

    assert_agree(dtype, run)


@both_types
@pytest.mark.parametrize("has_residual", [False, True])
@channels
@pytest.mark.parametrize("rows", [(1,), (35,), (2, 5, 7)], ids=str)
def test_linear(rows, C, K, has_residual, dtype):
    x, W, b, residual, dy = arrays(dtype, (*rows, C), (C, K), (K,), (*rows, K), (*rows, K))

    def run(kernels):
        dW, db = np.ones_like(W), np.ones_like(b)
        y = kernels.linear(x, W, b, residual if has_residual else None)
        return y, kernels.linear_backward(x, W, dy, dW, db), dW, db

    assert_agree(dtype, run)


@both_types
@pytest.mark.parametrize("has_residual", [False, True])
@pytest.mark.parametrize("activate", [False, True])
@pytest.mark.parametrize(("C", "num_groups"), [(1, 1), (3, 3), (17, 1), (33, 11)])
@sides
def test_group_norm(side, C, num_groups, activate, has_residual, dtype):
    x, scale, shift, dresidual, dy = arrays(dtype, (2, *side, C), (2, C), (2, C), (2, *side, C), (2, *side, C))
    is_one_value = x[0, ..., 0].size * C // num_groups == 1

    def run(kernels):
        y, mean, inverse_std = kernels.group_norm(x, scale, shift, num_groups, activate, 1e-5)
        add = dresidual if has_residual else None
        dx, *others = kernels.group_norm_backward(x, mean, inverse_std, scale, shift, num_groups, activate, dy, add)
        if is_one_value:  # it is its own mean, so x_hat is 0 for any x, and all but the residual is rounding error
            np.testing.assert_allclose(dx, dresidual if has_residual else 0 * dx, rtol=0, atol=1e-3)
            return y, mean, inverse_std, others[1]
        return y, mean, inverse_std, dx, *others

    assert_agree(dtype, run)


@both_types
@pytest.mark.parametrize("shape", [(1,), (5, 7), (63, 65)], ids=str)
def test_silu(shape, dtype):
    u, dy = arrays(dtype, shape, shape)
    assert_agree(dtype, lambda kernels: (kernels.silu(u), kernels.silu_backward(u, dy)))


@both_types
@pytest.mark.parametrize(("C", "num_heads"), [(1, 1), (3, 3), (34, 2), (33, 1)])
@pytest.mark.parametrize("side", [(1, 1), (5, 7), (17, 9)], ids=str)
def test_attention(side, C, num_heads, dtype):
    qkv, dy = arrays(dtype, (2, *side, 3 * C), (2, *side, C))

    def run(kernels):
        dqkv = kernels.attention_backward(qkv, num_heads, dy)
        if side == (1, 1):  # the weight of a single pixel is one for any q and k, so their gradient is rounding error
            np.testing.assert_allclose(dqkv[..., : 2 * C], 0, atol=1e-6)
            dqkv = dqkv[..., 2 * C :]
        return kernels.attention(qkv, num_heads), dqkv

    assert_agree(dtype, run)


@both_types
@pytest.mark.parametrize("size", [1, 7, 5000])
def test_adamw_and_sum_of_squares(size, dtype):
    def run(kernels):
        p, g, m, v, average = arrays(dtype, *[(size,)] * 5)
        v **= 2
        kernels.adamw(p, g, m, v, average, 0.3, 0.01, 0.9, 0.95, 0.27, 0.14, 0.1, 0.8)
        return p, m, v, average, np.array(kernels.sum_of_squares(g), dtype)

    assert_agree(dtype, run)


@both_types
@pytest.mark.parametrize("shape", [(1, 3), (17, 17), (297, 33), (33, 65)], ids=str)
def test_muon(shape, dtype):
    def run(kernels):
        p, g, m, average = arrays(dtype, *[shape] * 4)
        kernels.muon(p, g, m, average, 0.3, 0.95, 0.05, 0.8)
        return p, m, average

    assert_agree(dtype, run)


@pytest.mark.parametrize("size", [16, 64])
def test_the_gradient_of_a_network(size):
    """In float64, with and without attention at the finest level."""
    config = UNetConfig(
        size, size, 3, channels=(8, 24), blocks_per_level=1, attention_levels=1 + (size == 16), time_channels=8,
        num_groups=4, head_channels=8, num_classes=3,
    )  # fmt: skip
    results = []
    for kernels in (PLAIN, FAST):
        network, rng = UNet(config, kernels), np.random.default_rng(0)
        p = random_parameters(network, rng)
        z, dprediction = rng.normal(size=(2, 2, size, size, 3))
        g = p.zeros_like()
        prediction, caches = network.forward(p, z, rng.normal(size=2), np.array([1, 3]))
        results.append((prediction, network.backward(p, g, caches, dprediction), g))
    (prediction, dz, g), (fast_prediction, fast_dz, fast_g) = results
    assert relative_error(fast_prediction, prediction) < 1e-10
    assert relative_error(fast_dz, dz) < 1e-10
    for name in g.shapes:
        assert relative_error(fast_g[name], g[name]) < 1e-10, name


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
def test_training_an_epoch(workers, optimizer):
    dataset = load("shapes", num_images=64, size=16)
    config = UNetConfig(
        16, 16, 3, channels=(16, 32), blocks_per_level=1, attention_levels=1, time_channels=16, num_groups=4,
        head_channels=16, num_classes=dataset.num_classes,
    )  # fmt: skip
    losses = []
    for kernels in (PLAIN, FAST):
        network = UNet(config, kernels)
        training = TrainingConfig(epochs=1, batch_size=8, optimizer=optimizer, warmup_steps=2)
        trainer = Trainer(network, network.create_parameters(), dataset, training, workers)
        assert trainer.optimizer.kernels is kernels
        losses.append([step.loss for step in trainer.train()])
    assert len(losses[0]) == 8
    assert losses[0][-1] != losses[0][0]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-3)


def test_a_run_may_switch_to_the_other_set(workers, tmp_path):
    """The set of kernels is no part of the configuration, so there is nothing to accept."""
    with tiny.start(tmp_path / "run") as run:
        one_epoch = TrainingConfig(**tiny.TRAINING.as_dict() | {"epochs": 1})
        tiny.train(run, workers, one_epoch, kernels="plain", accept_changes=True)
        trainer, _ = tiny.train(run, workers, one_epoch, kernels="fast")
        assert trainer.network.kernels.name == "fast"
        assert "kernels" not in run.config["training"]


def test_a_copy_of_a_network_shares_its_kernels():
    network = tiny.network()
    assert copy.deepcopy(network).kernels is network.kernels
    assert repr(network.kernels) == "Kernels(fast)"
