"""Training: learning, what is drawn for an example, the loss and its gradient, and independence of threads."""

from dataclasses import fields, replace
from itertools import islice

import numpy as np
import pytest

from minidiff.data import Dataset
from minidiff.denoiser import NetworkDenoiser
from minidiff.errors import MinidiffError
from minidiff.examples import LOSS_WEIGHTS, Examples, loss_weight
from minidiff.gradient_check import directional_derivative, numerical_gradient, random_parameters, relative_error
from minidiff.parallel import Workers
from minidiff.sampling import generate
from minidiff.schedule import TARGETS
from minidiff.training import Trainer, TrainingConfig
from tests import tiny

every_target = pytest.mark.parametrize("target", TARGETS)


class Recorder(Trainer):
    """Records what is drawn, in the order of the epoch; for one thread only."""

    def draw(self, epoch, indices, positions):
        examples = super().draw(epoch, indices, positions)
        self.__dict__.setdefault("drawn", []).append((epoch, np.array(indices), examples))
        return examples


def drawn_in_all_epochs(workers, **options):
    """Everything drawn in training: epochs, indices and the arrays of `Examples`, in the order of the epochs."""
    trainer = tiny.trainer(workers, kind=Recorder, **options)
    for _ in trainer.train():
        pass
    epochs = np.concatenate([np.full(len(indices), epoch) for epoch, indices, _ in trainer.drawn])
    indices = np.concatenate([indices for _, indices, _ in trainer.drawn])
    arrays = [
        np.concatenate([getattr(examples, field.name) for _, _, examples in trainer.drawn])
        for field in fields(Examples)
    ]
    return epochs, indices, *arrays


# Learning


@every_target
def test_one_batch_can_be_overfitted(workers, target):
    """The same four images with the same noise, 120 times."""
    trainer = tiny.trainer(workers, target=target, epochs=40, learning_rate=5e-3)  # 120 steps
    batch = np.arange(4)
    losses = [trainer.train_step(0, batch, batch).loss for _ in range(trainer.total_steps)]
    assert losses[-1] < 0.01 * losses[0]


def test_ten_losses_of_a_tiny_run(workers):
    """They change when the random streams, the initial parameters, the network or the optimizer change.

    Such a change must be intended; then update the values below. The tolerance allows for other processors and builds
    of BLAS, which sum in another order: about one part in a million per step.
    """
    trainer = tiny.trainer(workers, epochs=4)
    losses = [step.loss for step in trainer.train()][:10]
    assert losses == pytest.approx(FROZEN_LOSSES, rel=1e-3)


FROZEN_LOSSES = [0.45617, 0.42947, 0.49678, 0.42108, 0.31543, 0.38386, 0.40998, 0.34196, 0.40682, 0.42111]


def test_training_learns_more_than_the_average_image(workers):
    """Sixteen copies of an image, half dark, half light: after a few epochs the loss is a fraction of the first."""
    image = np.repeat(np.array([50, 200], np.uint8), 4)[:, None]  # (8, 1): four columns of each
    data = Dataset(np.broadcast_to(image, (16, 8, 8, 3)).copy())
    trainer = tiny.trainer(workers, data, epochs=45, learning_rate=5e-3)
    steps = list(trainer.train())
    assert np.mean([step.loss for step in steps[-8:]]) < 0.3 * np.mean([step.loss for step in steps[:4]])


# Reproducibility


def test_results_are_bit_for_bit_identical_for_any_number_of_threads():
    results = []
    for threads in (1, 2, 3):
        with Workers(threads) as workers:
            trainer = tiny.trainer(workers, batch_size=5, microbatch_size=1, flip=True)  # five for four accumulators
            losses = [step.loss for step in trainer.train()]
            samples = generate(trainer.denoiser(), (3, 8, 8, 3), sampler="ddpm", steps=4, labels=[0, 1, 2])
        results.append((losses, trainer.p.vector.tobytes(), trainer.optimizer.average.tobytes(), samples.tobytes()))
    assert results[0] == results[1] == results[2]


def test_another_seed_is_another_run(workers):
    first, second = (list(tiny.trainer(workers, seed=seed).train()) for seed in (0, 1))
    assert [step.t.tolist() for step in first] != [step.t.tolist() for step in second]
    assert [step.loss for step in first] != [step.loss for step in second]


@pytest.mark.parametrize(("batch_size", "microbatch_size"), [(1, 1), (3, 2), (5, 3), (12, 12)])
def test_what_is_drawn_for_an_example_does_not_depend_on_its_batch_and_microbatch(workers, batch_size, microbatch_size):
    options = {"flip": True, "class_dropout": 0.4}
    expected = drawn_in_all_epochs(workers, batch_size=4, microbatch_size=4, **options)
    found = drawn_in_all_epochs(workers, batch_size=batch_size, microbatch_size=microbatch_size, **options)
    if batch_size > microbatch_size:  # the accumulators take them in turns, in another order
        expected, found = sorted_by_example(expected), sorted_by_example(found)
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_array_equal(one, other)


def sorted_by_example(arrays):
    order = np.lexsort((arrays[1], arrays[0]))
    return [array[order] for array in arrays]


# Random draws


def test_every_epoch_shows_every_image_once_in_another_order(workers):
    data = tiny.dataset()
    epochs, indices, x0, _, _, labels = drawn_in_all_epochs(workers, epochs=3, batch_size=5, class_dropout=0.0)
    orders = [indices[epochs == epoch].tolist() for epoch in range(3)]
    assert all(sorted(order) == list(range(12)) for order in orders)
    assert orders[0] != orders[1] != orders[2] != orders[0]
    np.testing.assert_array_equal(x0, data.pixels(indices))
    np.testing.assert_array_equal(labels, data.labels[indices])


def test_noise_is_standard_normal_and_never_the_same_twice(workers):
    data = tiny.dataset(count=40)
    _, _, _, eps, _, _ = drawn_in_all_epochs(workers, epochs=5, data=data)
    assert eps.dtype == np.float32
    assert eps.mean() == pytest.approx(0, abs=5 / eps.size**0.5)
    assert eps.std() == pytest.approx(1, abs=5 / (2 * eps.size) ** 0.5)
    products = eps.reshape(len(eps), -1) @ eps.reshape(len(eps), -1).T / eps[0].size
    np.testing.assert_allclose(products - np.diag(np.diag(products)), 0, atol=6 / eps[0].size ** 0.5)


@pytest.mark.parametrize("T", [1, 2, 7, 50])
def test_uniform_times_draw_every_timestep_equally_often(workers, T):
    trainer = tiny.trainer(workers, T=T, time_distribution="uniform", data=tiny.dataset(count=400))
    everyone = np.arange(400)
    t = np.concatenate([trainer.draw(epoch, everyone, everyone).t for epoch in range(4)])
    counts = np.bincount(t, minlength=T + 1)
    assert counts[0] == 0
    assert len(counts) == T + 1
    expected = 1600 / T
    assert np.all(np.abs(counts[1:] - expected) < 5 * expected**0.5)


def test_log_normal_times_stay_within_the_schedule(workers):
    trainer = tiny.trainer(workers, T=1000, data=tiny.dataset(count=400))
    everyone = np.arange(400)
    t = np.concatenate([trainer.draw(epoch, everyone, everyone).t for epoch in range(4)])
    assert t.min() >= 1
    assert t.max() <= 1000
    log_sigma = trainer.schedule.log_sigma[t]
    assert np.median(log_sigma) == pytest.approx(0, abs=0.1)
    assert log_sigma.std() == pytest.approx(1.2, rel=0.1)


def test_four_neighbors_draw_from_four_quarters_of_the_times(workers):
    trainer = tiny.trainer(workers, T=100, time_distribution="uniform", data=tiny.dataset(count=400))
    everyone = np.arange(400)
    t = trainer.draw(0, everyone, everyone).t.reshape(100, 4)
    np.testing.assert_array_equal((t - 1) // 25, np.tile(np.arange(4), (100, 1)))


@pytest.mark.parametrize("flip", [False, True])
def test_flip_mirrors_half_of_the_images_left_to_right(workers, flip):
    data = tiny.dataset(count=400)
    trainer = tiny.trainer(workers, flip=flip, data=data)
    everyone = np.arange(400)
    x0, pixels = trainer.draw(0, everyone, everyone).x0, data.pixels(everyone)
    as_they_are = (x0 == pixels).all(axis=(1, 2, 3))
    mirrored = (x0 == pixels[:, :, ::-1]).all(axis=(1, 2, 3))
    assert (as_they_are ^ mirrored).all()
    assert mirrored.mean() == pytest.approx(0.5 if flip else 0, abs=0.1)  # four standard deviations
    mirrored_later = (trainer.draw(1, everyone, everyone).x0 == pixels[:, :, ::-1]).all(axis=(1, 2, 3))
    assert flip == (mirrored != mirrored_later).any()  # every epoch draws again
    np.testing.assert_array_equal(data.pixels(everyone), pixels)  # the data is unchanged


@pytest.mark.parametrize("rate", [0.0, 0.25])
def test_class_dropout_replaces_a_fraction_of_the_labels_by_the_null_class(workers, rate):
    data = tiny.dataset(count=1200)
    before = data.labels.copy()
    trainer = tiny.trainer(workers, class_dropout=rate, data=data)
    everyone = np.arange(1200)
    labels = trainer.draw(0, everyone, everyone).labels
    dropped = labels == 3
    assert dropped.mean() == pytest.approx(rate, abs=4 * (rate * (1 - rate) / 1200) ** 0.5)
    np.testing.assert_array_equal(labels[~dropped], data.labels[~dropped])
    np.testing.assert_array_equal(data.labels, before)


def test_data_without_classes_trains_without_labels(workers):
    data = tiny.dataset(num_classes=0)
    trainer = tiny.trainer(workers, data, epochs=1)
    assert trainer.draw(0, np.arange(2), np.arange(2)).labels is None
    assert all(np.isfinite(step.loss) for step in trainer.train())


def test_a_network_without_classes_can_be_trained_on_labeled_data(workers):
    net = tiny.network(num_classes=0)
    trainer = Trainer(net, net.create_parameters(), tiny.dataset(), TrainingConfig(epochs=1), workers)
    assert trainer.draw(0, np.arange(2), np.arange(2)).labels is None


# The loss and its gradient


def in_float64(trainer):
    """Random parameters and a batch of four examples in float64, for precise checks."""
    trainer.p = random_parameters(trainer.network, np.random.default_rng(1), np.float64)
    examples = trainer.draw(0, np.arange(4), np.arange(4))
    return replace(examples, x0=examples.x0.astype(np.float64), eps=examples.eps.astype(np.float64))


@every_target
def test_the_loss_is_the_mean_square_error_of_the_noise(workers, target):
    """Computed from eps_hat, as a sampler does, whatever the target is."""
    trainer = tiny.trainer(workers, target=target, time_distribution="uniform")
    examples = in_float64(trainer)
    losses = trainer.add_gradient(trainer.p.zeros_like(), examples, 4)
    schedule, t = trainer.schedule, examples.t
    z = schedule.add_noise(examples.x0, examples.eps, t)
    for i in range(4):
        one = slice(i, i + 1)
        scaled = z[one] * schedule.input_scale[t[i]]
        y_hat, _ = trainer.network.forward(trainer.p, scaled, schedule.log_sigma[t[one]], examples.labels[one])
        _, eps_hat = schedule.solve(target, z[one], y_hat, t[one])
        assert losses[i] == pytest.approx(np.mean((eps_hat - examples.eps[i]) ** 2), rel=1e-9)


@pytest.mark.parametrize("weight", LOSS_WEIGHTS)
@every_target
def test_the_gradient_is_that_of_the_mean_loss_of_the_batch(workers, target, weight):
    """Two microbatches of two examples add up to the gradient of the mean over four of weight (y_hat - y)^2."""
    trainer = tiny.trainer(workers, target=target, time_distribution="uniform", loss_weight=weight)
    examples = in_float64(trainer)
    p, schedule, t = trainer.p, trainer.schedule, examples.t
    g = p.zeros_like()
    for part in (slice(0, 2), slice(2, 4)):
        trainer.add_gradient(g, cut(examples, part), 4)

    def loss():
        z = schedule.add_noise(examples.x0, examples.eps, t) * schedule.input_scale[t][:, None, None, None]
        y_hat, _ = trainer.network.forward(p, z, schedule.log_sigma[t], examples.labels)
        errors = np.mean((y_hat - schedule.target(target, examples.x0, examples.eps, t)) ** 2, axis=(1, 2, 3))
        return np.mean(loss_weight(schedule, weight, target, t) * errors)

    direction = np.random.default_rng(2).normal(size=p.size)
    assert np.vdot(g.vector, direction) == pytest.approx(directional_derivative(loss, p.vector, direction), rel=1e-6)
    entries = np.random.default_rng(3).choice(p.size, 60, replace=False)
    slopes = numerical_gradient(loss, p.vector, entries=entries)
    assert relative_error(g.vector[entries], slopes) < 1e-6


def mean_of_blocks(x):
    """The mean of every 2 x 2 pixels."""
    return (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]) / 4


@every_target
def test_with_much_noise_the_loss_is_that_of_images_of_half_the_size(workers, target):
    """The reported loss is the error of eps_hat at full size, as a denoiser returns it; the gradient is that of the
    mean square error of the prediction at half the size.
    """
    trainer = tiny.trainer(workers, target=target, time_distribution="uniform", entry_levels=2)
    examples = in_float64(trainer)
    p, schedule, t = trainer.p, trainer.schedule, np.array([30, 2, 49, 26])
    examples = replace(examples, t=t)
    assert list(schedule.sigma[t] >= 1) == [True, False, True, True]
    g = p.zeros_like()
    losses = trainer.add_gradient(g, examples, 4)
    denoiser = NetworkDenoiser(trainer.network, p, schedule, target, workers)
    z = schedule.add_noise(examples.x0, examples.eps, t)
    for i in range(4):
        label = examples.labels[i : i + 1]
        _, eps_hat = denoiser(z[i : i + 1], int(t[i]), None if label == 3 else label)
        assert losses[i] == pytest.approx(np.mean((eps_hat - examples.eps[i]) ** 2), rel=1e-6)

    def loss():
        total = 0.0
        for i in range(4):
            one = slice(i, i + 1)
            x0, eps, noise = examples.x0[one], examples.eps[one], schedule.noise[t[i]]
            if schedule.sigma[t[i]] >= 1:
                x0, eps, noise = mean_of_blocks(x0), mean_of_blocks(eps), noise / 2
            scaled = schedule.add_noise(x0, eps, t[one]) / np.hypot(schedule.signal[t[i]], noise)
            y_hat, _ = trainer.network.forward(p, scaled, schedule.log_sigma[t[one]], examples.labels[one])
            total += np.mean((y_hat - schedule.target(target, x0, eps, t[one])) ** 2)
        return total / 4

    direction = np.random.default_rng(2).normal(size=p.size)
    assert np.vdot(g.vector, direction) == pytest.approx(directional_derivative(loss, p.vector, direction), rel=1e-6)


def test_the_order_of_a_batch_does_not_matter_when_its_images_are_sorted_by_size(workers):
    trainer = tiny.trainer(workers, entry_levels=2, batch_size=8, time_distribution="uniform")
    batch = np.arange(8)
    examples = trainer.draw(0, batch, batch)
    _, losses = trainer.accumulate_gradient(examples)
    for i in range(8):
        alone = trainer.add_gradient(trainer.p.zeros_like(), examples[i : i + 1], 8)
        assert losses[i] == pytest.approx(alone[0], rel=1e-4)


def cut(examples, part):
    return Examples(**{field.name: getattr(examples, field.name)[part] for field in fields(Examples)})


@pytest.mark.parametrize(
    ("batch_size", "expected"), [(1, 1), (2, 1), (3, 2), (4, 2), (8, 2), (9, 3), (16, 4), (17, 5), (64, 16)]
)
def test_the_default_microbatch_size_leaves_work_for_two_threads(batch_size, expected):
    assert TrainingConfig(batch_size=batch_size).microbatch_size == expected


@pytest.mark.parametrize(("batch_size", "microbatch_size"), [(4, 2), (7, 2), (12, 1), (12, 12)])
def test_a_step_follows_the_gradient_of_its_whole_batch(batch_size, microbatch_size):
    """No example is left out or counted twice, for any number of microbatches, threads and accumulators."""
    with Workers(2) as workers:
        # with AdamW, since Muon overwrites the gradient in its step
        trainer = tiny.trainer(workers, batch_size=batch_size, microbatch_size=microbatch_size, optimizer="adamw")
        trainer.p.vector[:] = random_parameters(trainer.network, np.random.default_rng(1), np.float32).vector
        batch = np.arange(batch_size)
        expected = trainer.p.zeros_like()
        losses = trainer.add_gradient(expected, trainer.draw(0, batch, batch), batch_size)
        step = trainer.train_step(0, batch, batch)
    assert relative_error(trainer.accumulators.gradients[0].vector, expected.vector) < 1e-4
    assert step.gradient_norm == pytest.approx(np.linalg.norm(expected.vector), rel=1e-4)
    np.testing.assert_allclose(step.losses, losses, rtol=1e-4)


# Reports, state and errors


def test_the_report_of_a_step(workers):
    trainer = tiny.trainer(workers, tiny.dataset(count=7), batch_size=3, epochs=2, learning_rate=0.01, warmup_steps=2)
    steps = list(trainer.train())
    assert [step.epoch for step in steps] == [1, 1, 1, 2, 2, 2]
    assert [step.step for step in steps] == [1, 2, 3, 4, 5, 6]
    assert [step.last_of_epoch for step in steps] == [False, False, True] * 2
    assert [step.images for step in steps] == [3, 3, 1] * 2  # the last batch of an epoch is short
    assert [step.learning_rate for step in steps[:3]] == pytest.approx([0.005, 0.01, 0.01])
    for step in steps:
        assert step.t.shape == step.losses.shape == (step.images,)
        assert step.loss == pytest.approx(step.losses.mean())
        assert 0 < step.gradient_norm < np.inf
        assert step.seconds > 0


def test_training_continues_from_the_current_step(workers):
    whole, parts = tiny.trainer(workers), tiny.trainer(workers)
    expected = [step.loss for step in whole.train()]
    found = [step.loss for count in (2, 1, 3) for step in islice(parts.train(), count)]  # three generators in turn
    assert found == expected
    assert list(parts.train()) == []


def test_a_restored_trainer_repeats_its_steps(workers):
    trainer = tiny.trainer(workers)
    list(islice(trainer.train(), 2))
    step, state = trainer.step, {name: vector.copy() for name, vector in trainer.state().items()}
    first = [step.loss for step in trainer.train()]
    end = {name: vector.tobytes() for name, vector in trainer.state().items()}
    trainer.restore(step, state)
    assert trainer.p.vector.tobytes() == state["parameters"].tobytes()
    assert [step.loss for step in trainer.train()] == first
    assert {name: vector.tobytes() for name, vector in trainer.state().items()} == end


def test_the_denoiser_has_a_copy_of_the_averaged_parameters(workers):
    trainer = tiny.trainer(workers)
    for _ in trainer.train():
        pass
    denoiser = trainer.denoiser()
    np.testing.assert_array_equal(denoiser.p.vector, trainer.optimizer.average)
    assert not np.array_equal(denoiser.p.vector, trainer.p.vector)
    trainer.train_step(0, np.arange(4), np.arange(4))
    assert not np.array_equal(denoiser.p.vector, trainer.optimizer.average)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (Dataset(np.zeros((4, 16, 8, 3), np.uint8)), r"\(8, 8, 3\).*\(16, 8, 3\)"),
        (Dataset(np.zeros((4, 8, 8, 1), np.uint8)), r"\(8, 8, 3\).*\(8, 8, 1\)"),
        (Dataset(np.zeros((4, 8, 8, 3), np.uint8)), "3 classes, the data has 0"),
        (tiny.dataset(num_classes=5), "3 classes, the data has 5"),
    ],
)
def test_data_that_does_not_fit_the_network_is_refused(workers, data, message):
    net = tiny.network()
    with pytest.raises(MinidiffError, match=message):
        Trainer(net, net.create_parameters(), data, TrainingConfig(), workers)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0), ("batch_size", 0), ("microbatch_size", -1), ("learning_rate", 0.0),
        ("learning_rate", float("nan")), ("clip", -1.0), ("class_dropout", 1.0), ("ema_decay", -0.1), ("T", 0),
        ("warmup_steps", -1),
        ("weight_decay", -0.1), ("seed", -1), ("seed", 1.5), ("T", "many"), ("flip", 3),
        ("schedule", None), ("schedule", "spiral"), ("target", "score"),
        ("time_distribution", "never"), ("optimizer", "sgd"), ("loss_weight", "heavy"), ("shift", 0.0),
    ],
)  # fmt: skip
def test_invalid_values_and_names_are_refused(workers, name, value):
    with pytest.raises(MinidiffError) as caught:
        tiny.trainer(workers, **{name: value})
    assert str(value) in str(caught.value)


def test_numpy_scalars_become_plain_numbers():
    """JSON accepts plain numbers only."""
    config = TrainingConfig(epochs=np.int64(3), learning_rate=np.float32(0.5), clip=2)
    assert [type(value) for value in (config.epochs, config.learning_rate, config.clip)] == [int, float, float]
    assert config == TrainingConfig(epochs=3, learning_rate=0.5, clip=2.0)


def test_a_shifted_schedule_is_used(workers):
    trainer = tiny.trainer(workers, shift=2.0)
    np.testing.assert_allclose(trainer.schedule.sigma, 2 * tiny.trainer(workers).schedule.sigma)
    assert trainer.denoiser().schedule is trainer.schedule
