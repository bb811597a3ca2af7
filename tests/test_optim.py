"""The optimizers against plain implementations of the papers, in float64."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidiff.errors import MinidiffError
from minidiff.optim import (
    Optimizer,
    chunks_without,
    group_tasks,
    is_for_muon,
    learning_rate_at,
)
from minidiff.parallel import Workers
from minidiff.parameters import Parameters
from tests.kernels.plain.test_optimizers import apply_polynomial

SHAPES = {"conv.weight": (3, 3, 4, 16), "conv.bias": (16,), "linear.weight": (16, 20), "small.weight": (1, 1, 15, 30)}


def parameters(shapes=SHAPES, seed=0, dtype=np.float64):
    p = Parameters(shapes, dtype)
    p.vector[:] = np.random.default_rng(seed).normal(size=p.size)
    return p


def gradients(count, shapes=SHAPES, dtype=np.float64):
    """Gradients with norms above and below 1, at which they are clipped."""
    found = [parameters(shapes, seed, dtype) for seed in range(1, count + 1)]
    for i, g in enumerate(found):
        g.vector *= (5.0 if i % 2 else 0.5) / np.linalg.norm(g.vector)
    return found


class PaperAdamW:
    """Loshchilov and Hutter, 2019, algorithm 2, after clipping."""

    def __init__(self, p, betas=(0.9, 0.95), decay=0.0, clip=1.0):
        self.p, self.betas, self.decay, self.clip = p.copy(), betas, decay, clip
        self.m, self.v, self.n = np.zeros_like(p), np.zeros_like(p), 0

    def step(self, gradient, learning_rate):
        gradient = gradient * min(1, self.clip / np.linalg.norm(gradient))
        self.n += 1
        beta1, beta2 = self.betas
        self.m = beta1 * self.m + (1 - beta1) * gradient
        self.v = beta2 * self.v + (1 - beta2) * gradient**2
        m_hat, v_hat = self.m / (1 - beta1**self.n), self.v / (1 - beta2**self.n)
        self.p = self.p - learning_rate * (m_hat / (np.sqrt(v_hat) + 1e-8) + self.decay * self.p)


@pytest.mark.parametrize("decay", [0.0, 0.3])
@pytest.mark.parametrize("clip", [1.0, 1e9])
def test_adamw_agrees_with_the_paper(workers, decay, clip):
    p = parameters()
    reference = PaperAdamW(p.vector, decay=decay, clip=clip)
    optimizer = Optimizer(p, "adamw", weight_decay=decay, clip=clip)
    for g in gradients(8):
        norm = optimizer.step(p, g, 0.02, workers)
        reference.step(g.vector, 0.02)
        assert norm == pytest.approx(np.linalg.norm(g.vector), rel=1e-13)  # the norm before clipping
        np.testing.assert_allclose(p.vector, reference.p, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_adamw_agrees_with_pytorch(workers, decay):
    torch = pytest.importorskip("torch")
    p = parameters()
    theirs = torch.nn.Parameter(torch.tensor(p.vector))
    reference = torch.optim.AdamW([theirs], lr=0.02, betas=(0.9, 0.95), eps=1e-8, weight_decay=decay)
    optimizer = Optimizer(p, "adamw", weight_decay=decay)
    for g in gradients(8):
        optimizer.step(p, g, 0.02, workers)
        theirs.grad = torch.tensor(g.vector)
        torch.nn.utils.clip_grad_norm_([theirs], 1.0)  # adds 1e-6 to the norm, hence the tolerance
        reference.step()
        np.testing.assert_allclose(p.vector, theirs.detach().numpy(), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_the_moving_average_has_a_warmup(workers, name):
    p = parameters()
    optimizer = Optimizer(p, name, ema_decay=0.3)
    average = p.vector.copy()
    decays = []
    for n, g in enumerate(gradients(8)):
        optimizer.step(p, g, 0.02, workers)
        decays.append(min(0.3, (1 + n) / (10 + n)))
        average = decays[-1] * average + (1 - decays[-1]) * p.vector
        np.testing.assert_allclose(optimizer.average, average, rtol=1e-12, atol=1e-14)
    assert decays[0] == 0.1
    assert decays[-1] == 0.3  # both arguments of the minimum were used


def test_tasks_contain_all_work_once_and_large_weights_alone():
    shapes = {f"large{i}": (3, 3, 128, 128) for i in range(3)} | {f"small{i}": (3, 3, 32, 32) for i in range(20)}
    vector_chunks = [slice(i, i + 1) for i in range(30)]
    tasks = group_tasks(list(shapes)[::-1], vector_chunks, shapes)
    assert sorted(tasks[:3]) == [["large0"], ["large1"], ["large2"]]
    together = [item for task in tasks for item in task]
    assert len(together) == len(shapes) + len(vector_chunks)
    assert {item for item in together if isinstance(item, str)} == set(shapes)
    assert all(chunk in together for chunk in vector_chunks)
    assert group_tasks([], vector_chunks[:1], {})[0] == vector_chunks[:1]


@pytest.mark.parametrize("shape", [(3, 3, 4, 16), (1, 1, 20, 33), (1, 1, 17, 17)])
def test_a_muon_step_scales_all_singular_directions_equally(workers, shape):
    """Nesterov momentum, then U q(S) V' from NumPy's singular value decomposition, then 0.2 sqrt(larger side)."""
    shapes = {"conv.weight": shape, "conv.bias": (16,)}
    p = parameters(shapes)
    optimizer = Optimizer(p, "muon", mu=0.9, weight_decay=0.5)
    matrix = math.prod(shape[:-1]), shape[-1]
    W, m = p["conv.weight"].reshape(matrix).copy(), np.zeros(matrix)
    for g in gradients(5, shapes):
        G = g["conv.weight"].reshape(matrix) * min(1, 1 / np.linalg.norm(g.vector))
        m = 0.9 * m + G
        U, S, V = np.linalg.svd(G + 0.9 * m, full_matrices=False)
        direction = U @ np.diag(apply_polynomial(S / (np.linalg.norm(S) + 1e-7))) @ V
        W = W - 0.02 * 0.2 * math.sqrt(max(matrix)) * direction
        optimizer.step(p, g, 0.02, workers)
        np.testing.assert_allclose(p["conv.weight"].reshape(matrix), W, rtol=1e-8, atol=1e-10)


def test_muon_uses_adamw_for_all_but_large_weights_of_convolutions(workers):
    with_muon, with_adamw = parameters(), parameters()
    muon, adamw = Optimizer(with_muon, "muon"), Optimizer(with_adamw, "adamw")
    for g in gradients(3):
        adamw.step(with_adamw, g, 0.02, workers)
        muon.step(with_muon, g, 0.02, workers)
    for name in ("conv.bias", "linear.weight", "small.weight"):
        np.testing.assert_array_equal(with_muon[name], with_adamw[name])
    assert np.abs(with_muon["conv.weight"] - with_adamw["conv.weight"]).min() > 0


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_results_are_bit_for_bit_identical_for_any_number_of_threads(name):
    shapes = {f"conv{i}.weight": (3, 3, 32, 32) for i in range(4)} | {"big": (700, 1000), "bias": (32,)}
    results = []
    for threads in (1, 2, 3):
        p = parameters(shapes, dtype=np.float32)
        optimizer = Optimizer(p, name)
        with Workers(threads) as workers:
            norms = [optimizer.step(p, g, 0.02, workers) for g in gradients(2, shapes, np.float32)]
        results.append((p.vector.tobytes(), optimizer.average.tobytes(), norms))
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((3, 3, 32, 32), True),
        ((1, 1, 16, 16), True),
        ((3, 3, 2, 16), True),  # 18 x 16
        ((3, 3, 1, 32), False),  # 9 x 32: too few inputs
        ((3, 3, 32, 3), False),  # too few outputs
        ((64, 64), False),
        ((64,), False),
    ],
)
def test_which_parameters_muon_updates(shape, expected):
    assert is_for_muon(shape) is expected


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 400_000)), min_size=1, max_size=6), st.data())
def test_chunks_and_weights_cover_the_vector_exactly_once(shapes, data):
    named = {f"layer{i}": shape for i, shape in enumerate(shapes)}
    p = Parameters(named)
    keys = data.draw(st.lists(st.sampled_from(sorted(named)), unique=True))
    vector_chunks = chunks_without(p, keys)
    covered = sorted((part.start, part.stop) for part in [*vector_chunks, *(p.slices[key] for key in keys)])
    covered = [part for part in covered if part[0] < part[1]]
    assert covered[0][0] == 0
    assert covered[-1][1] == p.size
    assert all(before[1] == after[0] for before, after in pairwise(covered))


@pytest.mark.parametrize(("total", "warmup"), [(100, 10), (1000, 100), (7, 3)])
def test_the_learning_rate_has_a_linear_warmup_and_a_cosine_decay(total, warmup):
    rates = [learning_rate_at(step, total, 0.5, warmup) for step in range(total)]
    assert rates[0] == pytest.approx(0.5 / warmup)
    assert rates[warmup - 1] == pytest.approx(0.5)  # the end of the warmup
    np.testing.assert_allclose(np.diff(rates[:warmup]), 0.5 / warmup, rtol=1e-12)
    progress = (np.arange(warmup, total) - warmup) / (total - warmup)
    np.testing.assert_allclose(rates[warmup:], 0.5 * np.cos(np.pi / 2 * progress) ** 2, rtol=1e-12, atol=1e-15)
    assert 0 < rates[-1] < 0.5 * 3 / (total - warmup) ** 2  # nearly zero, but not zero


@pytest.mark.parametrize("total", [1, 2, 5, 10])
def test_a_training_run_shorter_than_its_warmup_reaches_the_peak_and_decays(total):
    rates = [learning_rate_at(step, total, 0.5, 100) for step in range(total)]
    assert max(rates) == pytest.approx(0.5)
    assert all(0 < rate <= 0.5 for rate in rates)
    assert np.argmax(np.round(rates, 12)) <= total // 2


def test_without_warmup_the_first_step_is_at_the_peak():
    assert learning_rate_at(0, 50, 0.5, 0) == 0.5


def test_an_unknown_optimizer_is_rejected():
    with pytest.raises(MinidiffError, match="unknown optimizer 'sgd'; choose from muon, adamw"):
        Optimizer(parameters(), "sgd")


def test_repr_has_no_arrays():
    assert repr(Optimizer(parameters())) == "Optimizer(muon, 1,362 parameters, after 0 steps)"
