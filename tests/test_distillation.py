"""Distillation: the targets of each method against explicit sampler steps, and that training reaches them."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from minidiff.denoiser import NetworkDenoiser
from minidiff.distillation import (
    ConsistencyTrainer,
    ProgressiveTrainer,
    ReflowTrainer,
    StepTrainer,
    draw_pairs,
    estimate,
    mean_estimate,
    split_steps,
)
from minidiff.errors import MinidiffError
from minidiff.examples import Examples
from minidiff.gradient_check import random_parameters
from minidiff.parallel import Workers
from minidiff.points import POINT_TRAINING, PointNetwork, PointNetworkConfig, Points, draw_points
from minidiff.samplers import State
from minidiff.sampling import choose_steps, follow, generate, starting_noise
from minidiff.schedule import Schedule
from minidiff.training import Trainer
from tests import tiny

CONFIG = replace(POINT_TRAINING, epochs=1, batch_size=16, microbatch_size=8)


def point_denoiser(workers, num_classes=0, seed=0):
    network = PointNetwork(PointNetworkConfig(channels=16, blocks=1, time_channels=8, num_classes=num_classes))
    p = network.create_parameters()
    p.vector[:] = 0.3 * random_parameters(network, np.random.default_rng(seed)).vector
    return NetworkDenoiser(network, p, CONFIG.create_schedule(), CONFIG.target, workers)


def tiny_denoiser(workers, entry_levels=1):
    trainer = tiny.trainer(workers, entry_levels=entry_levels)
    p = trainer.p
    p.vector[:] += 0.05 * np.random.default_rng(3).standard_normal(p.size, np.float32)
    return NetworkDenoiser(trainer.network, p, trainer.schedule, trainer.config.target, workers)


def ddim_end(denoiser, z, times, labels):
    """The end of ddim steps through the timesteps `times`, of the library's sampler."""
    pairs = list(pairwise(times))
    *_, last = follow(denoiser, State(z, z, times[0]), pairs, "ddim", labels=labels)
    return last.z


@pytest.mark.parametrize("times", [(1000, 900, 800), (600, 400, 200, 100), (150, 60, 0), (300, 0)])
@pytest.mark.parametrize("images", [False, True])
def test_one_step_with_the_mean_estimate_ends_where_the_steps_of_the_teacher_end(workers, rng, times, images):
    teacher = tiny_denoiser(workers) if images else point_denoiser(workers, 2)
    times = tuple(-(-t * teacher.schedule.T // 1000) for t in times)
    labels = np.array([0, 1, 1, 0, 1])
    z = rng.standard_normal((5, *teacher.network.config.example_shape), np.float32)
    x0 = mean_estimate(teacher, z, np.array(times)[:, None].repeat(5, axis=1), labels)
    schedule, end = teacher.schedule, times[-1]
    one_step = schedule.signal[end] * x0 + schedule.noise[end] * schedule.eps_from_x0(z, x0, times[0])
    np.testing.assert_allclose(one_step, ddim_end(teacher, z, times, labels), rtol=0, atol=2e-5)


@pytest.mark.parametrize("entry_levels", [1, 2])
def test_estimates_at_different_timesteps_are_those_of_the_denoiser_at_each(workers, rng, entry_levels):
    denoiser = tiny_denoiser(workers, entry_levels)
    t, labels = np.array([50, 3, 20, 3]), np.array([0, 2, 3, 1])
    z = rng.standard_normal((4, tiny.SIDE, tiny.SIDE, 3), np.float32)
    found = estimate(denoiser, z, t, labels)
    for i in range(4):
        alone = denoiser(z[i : i + 1], int(t[i]), labels[i : i + 1])[0]
        np.testing.assert_allclose(found[i], np.clip(alone[0], -1, 1), rtol=0, atol=1e-5)


def test_steps_are_those_of_the_sampler_with_timesteps_between_them():
    schedule = Schedule("flow", 1000)
    times = split_steps(schedule, 4, 2)
    np.testing.assert_array_equal(times, [[1000, 875, 750], [750, 625, 500], [500, 375, 250], [250, 125, 0]])
    np.testing.assert_array_equal(split_steps(schedule, 24, 1), choose_steps(schedule, 24))
    assert (np.diff(split_steps(Schedule("flow", 50), 16, 3)) < 0).all()
    with pytest.raises(MinidiffError, match="4 sampler steps in 3 parts do not fit into 10 timesteps; use fewer steps"):
        split_steps(Schedule("flow", 10), 4, 3)


def test_a_student_learns_at_the_starts_of_its_steps_and_equally_often(workers):
    trainer = ProgressiveTrainer(point_denoiser(workers), draw_points("moons", 4000), CONFIG, steps=8)
    t = trainer.draw(0, np.arange(4000), np.arange(4000)).t
    starts, counts = np.unique(t, return_counts=True)
    np.testing.assert_array_equal(starts, [125, 250, 375, 500, 625, 750, 875, 1000])
    assert np.abs(counts - 500).max() < 60


class WithOwnTarget(StepTrainer):
    """A trainer whose x0' is x0 itself, or the estimate of its own network, which makes the loss 0."""

    own_estimate = False

    def new_x0(self, examples, z, times):
        if not self.own_estimate:
            return examples.x0
        own = NetworkDenoiser(self.network, self.p, self.schedule, self.config.target, self.workers)
        return np.concatenate([own(z[i : i + 1], int(t))[0] for i, t in enumerate(examples.t)])


def test_z_stays_the_same_when_x0_is_replaced(workers):
    denoiser, points = point_denoiser(workers), draw_points("moons", 64)
    arguments = denoiser.network, denoiser.p, points, CONFIG, workers
    trainer = WithOwnTarget(*arguments, split_steps(denoiser.schedule, 4, 1))
    examples = trainer.draw(0, np.arange(16), np.arange(16))
    g, losses = trainer.accumulate_gradient(examples)
    expected, expected_losses = Trainer(*arguments).accumulate_gradient(examples)
    np.testing.assert_allclose(g.vector, expected.vector, rtol=0, atol=1e-5)
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-4)
    trainer.own_estimate = True
    g, losses = trainer.accumulate_gradient(examples)
    assert np.abs(g.vector).max() < 1e-5
    assert losses.max() < 1e-9


def test_the_teacher_is_left_as_it_was(workers):
    teacher = point_denoiser(workers)
    before = teacher.p.vector.copy()
    trainer = ProgressiveTrainer(teacher, draw_points("moons", 64), CONFIG, 4)
    assert len(list(trainer.train())) == 4
    np.testing.assert_array_equal(teacher.p.vector, before)
    assert (trainer.p.vector != before).any()


def test_another_schedule_or_target_than_that_of_the_teacher_is_refused(workers):
    teacher, points = point_denoiser(workers), draw_points("moons", 64)
    for changed in ({"T": 500}, {"schedule": "cosine"}, {"target": "noise"}):
        with pytest.raises(MinidiffError, match=r"the student has .* the teacher .*; use the same"):
            ProgressiveTrainer(teacher, points, replace(CONFIG, **changed), 4)


def test_a_student_with_half_of_the_steps_is_better_than_its_teacher_with_as_many(workers):
    """Of two classes of points the estimate at high noise is the middle; the student's is one of the two ends."""
    rng = np.random.default_rng(0)
    positions = np.where(rng.random((512, 1)) < 0.5, -0.5, 0.5) + rng.normal(0, 0.02, (512, 2))
    points = Points(positions.astype(np.float32), np.zeros(512, np.int64), ("all",), "two")
    config = replace(CONFIG, epochs=40, batch_size=64, microbatch_size=64)
    network = PointNetwork(PointNetworkConfig(channels=32, blocks=2, time_channels=32))
    first = Trainer(network, network.create_parameters(), points, config, workers)
    for _ in first.train():
        pass
    teacher = denoiser = first.denoiser()
    for steps in (4, 2, 1):
        student = ProgressiveTrainer(denoiser, points, config, steps)
        for _ in student.train():
            pass
        denoiser = student.denoiser()
    errors = {}
    for name, one in (("teacher", teacher), ("student", denoiser)):
        samples = generate(one, (400, 2), sampler="ddim", steps=1)
        errors[name] = np.minimum(np.abs(samples - 0.5), np.abs(samples + 0.5)).mean()
    assert errors["student"] < 0.5 * errors["teacher"]


def test_pairs_are_noise_and_what_the_sampler_makes_of_it(workers):
    teacher = point_denoiser(workers, 3)
    labels = np.arange(20) % 3
    pairs = draw_pairs(teacher, (20, 2), labels, 3, sampler="ddim", steps=6, seed=5)
    expected = generate(teacher, (20, 2), sampler="ddim", steps=6, seed=5, labels=labels)
    np.testing.assert_allclose(pairs.x0, np.clip(expected, -1, 1), rtol=0, atol=1e-6)
    noise = teacher.schedule.noise[-1]
    np.testing.assert_allclose(noise * pairs.eps, starting_noise(teacher.schedule, (20, 2), 5), rtol=1e-6)
    assert len(pairs) == 20
    assert pairs.example_shape == (2,)
    assert repr(pairs) == "Pairs(20 of shape (2,))"


def test_reflow_trains_on_the_noise_that_belongs_to_each_example(workers):
    teacher = point_denoiser(workers)
    pairs = draw_pairs(teacher, (64, 2), steps=4)
    trainer = ReflowTrainer(teacher.network, teacher.network.create_parameters(), pairs, CONFIG, workers)
    indices = np.array([3, 60, 7])
    examples = trainer.draw(0, indices, np.arange(3))
    np.testing.assert_array_equal(examples.x0, pairs.x0[indices])
    np.testing.assert_array_equal(examples.eps, pairs.eps[indices])
    with pytest.raises(MinidiffError, match="flip would mirror images without their noise; leave it out"):
        ReflowTrainer(teacher.network, teacher.p, pairs, replace(CONFIG, flip=True), workers)


def test_consistency_training_aims_at_the_own_estimate_of_the_next_lower_level(workers, rng):
    network = point_denoiser(workers).network
    p = point_denoiser(workers).p
    trainer = ConsistencyTrainer(network, p, draw_points("moons", 64), CONFIG, workers, levels=5)
    schedule, pairs = trainer.schedule, choose_steps(CONFIG.create_schedule(), 5, "karras")
    x0, eps = rng.uniform(-1, 1, (5, 2)).astype(np.float32), rng.standard_normal((5, 2), np.float32)
    t, lower = np.array(pairs).T
    found = trainer.new_x0(Examples(x0, eps, t, None), schedule.add_noise(x0, eps, t), np.stack([t, lower]))
    np.testing.assert_array_equal(found[-1], x0[-1])
    own = NetworkDenoiser(network, p, schedule, CONFIG.target, workers)
    for i in range(4):
        z = schedule.add_noise(x0[i : i + 1], eps[i : i + 1], lower[i])
        np.testing.assert_allclose(found[i], np.clip(own(z, lower[i])[0][0], -1, 1), rtol=0, atol=1e-5)
    with pytest.raises(MinidiffError, match="another target than image; choose flow, noise or velocity"):
        ConsistencyTrainer(network, p, draw_points("moons", 64), replace(CONFIG, target="image"), workers, 5)


def test_distillation_does_not_depend_on_the_number_of_threads(workers):
    def train(workers):
        data, teacher = tiny.dataset(), tiny_denoiser(workers)
        config = replace(tiny.TRAINING, epochs=1)
        trainer = ProgressiveTrainer(teacher, data, config, 5)
        losses = [step.loss for step in trainer.train()]
        return losses, trainer.p.vector.tobytes()

    with Workers(2) as other:
        assert train(other) == train(workers)
