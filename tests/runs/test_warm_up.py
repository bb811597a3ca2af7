"""The warm-up compiles everything that a training step needs, and changes nothing."""

import numpy as np
import pytest

from minidiff.kernels.compilation import compilation_shown
from minidiff.runs.warm_up import compile_kernels
from tests import tiny


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_training_is_the_same_after_a_warm_up(workers, optimizer):
    states = []
    for warm in (False, True):
        trainer = tiny.trainer(workers, optimizer=optimizer, epochs=1)
        if warm:
            compile_kernels(trainer)
            assert trainer.step == 0
        steps = list(trainer.train())
        states.append(([step.losses for step in steps], {name: v.copy() for name, v in trainer.state().items()}))
    for before, after in zip(states[0][0], states[1][0], strict=True):
        np.testing.assert_array_equal(before, after)
    for name, vector in states[0][1].items():
        np.testing.assert_array_equal(vector, states[1][1][name])


def test_nothing_is_left_to_compile(workers):
    trainer = tiny.trainer(workers, epochs=1)
    compile_kernels(trainer)
    with compilation_shown(False) as listener:
        list(trainer.train())
    assert listener.count == 0


def test_one_image_is_enough(workers):
    compile_kernels(tiny.trainer(workers, data=tiny.dataset(1, num_classes=1), batch_size=1))
