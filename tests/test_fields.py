"""Fields of configurations: types, ranges, and messages."""

import math
from dataclasses import dataclass, fields, replace
from typing import get_type_hints

import numpy as np
import pytest

from minidiff import training_config, unet_config
from minidiff.errors import MinidiffError
from minidiff.fields import Range, check_fields, convert
from minidiff.training_config import TrainingConfig
from minidiff.unet_config import UNetConfig

CONFIGS = ((UNetConfig(), unet_config.RANGES), (TrainingConfig(), training_config.RANGES))
NUMBERS = [(config, ranges, field.name) for config, ranges in CONFIGS for field in fields(config)
           if get_type_hints(type(config))[field.name] in (int, float)]  # fmt: skip
OF_THE_WRONG_TYPE = {
    int: (1.5, "1", None, True, [1], {}, math.nan), float: ("1", None, True, [1.0], {}, 10**400),
    str: (1, None, True, [], {}), bool: (0, 1, None, "true", [True]),
    tuple[int, ...]: (8, "8", None, [8.0], [True], {}),
}  # fmt: skip


@pytest.mark.parametrize(("value", "kind", "expected"), [
    (5, int, 5), (np.int64(5), int, 5), (5, float, 5.0), (np.float32(0.5), float, 0.5), (math.inf, float, math.inf),
    ("a", str, "a"), (False, bool, False), ([8, np.int32(16)], tuple[int, ...], (8, 16)), ((), tuple[int, ...], ()),
    (None, int | None, None), (3, int | None, 3), ([0, 1.5], tuple[float, float] | None, [0, 1.5]), ({}, dict, {}),
])  # fmt: skip
def test_a_value_of_its_kind_is_converted(value, kind, expected):
    found = convert("x", value, kind)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(("value", "kind", "message"), [
    ("5", int, "x must be a whole number, not '5'"),
    (True, float, "x must be a number, not True"),
    (1, str | None, "x must be a text or null, not 1"),
    ([1.5], tuple[int, ...], r"x must be a list of whole numbers, not \[1\.5\]"),
    ([1], tuple[float, float], r"x must be a list of two numbers, not \[1\]"),
    ("y" * 100, int, f"x must be a whole number, not '{'y' * 59}\\.\\.\\."),
])  # fmt: skip
def test_a_value_of_another_kind_is_refused(value, kind, message):
    with pytest.raises(MinidiffError, match=f"^{message}$"):
        convert("x", value, kind)


@pytest.mark.parametrize(("valid", "words"), [
    (Range(1, 1_000_000), "at least 1 and at most 1,000,000"),
    (Range(0, 1, below=True), "at least 0 and less than 1"),
    (Range(0, math.inf, above=True), "more than 0"),
    (Range(0, 2**128), "at least 0 and at most 3.403e+38"),
    (Range(0.001, 1000.0), "at least 0.001 and at most 1,000"),
])  # fmt: skip
def test_a_range_in_words(valid, words):
    assert str(valid) == words


def test_the_ends_of_a_range():
    assert 0 in Range(0, 1)
    assert 1 in Range(0, 1)
    assert 0 not in Range(0, 1, above=True)
    assert 1 not in Range(0, 1, below=True)
    assert math.nan not in Range(0, math.inf)


@pytest.mark.parametrize(("config", "ranges", "name"), NUMBERS, ids=[name for _, _, name in NUMBERS])
def test_every_number_of_a_configuration_has_a_range_or_a_check_of_its_own(config, ranges, name):
    """Without, NaN or 10 ** 12 would pass."""
    if name in ("image_channels", "attention_levels", "entry_levels"):
        for value in (10**40, -(10**40)):
            changed = replace(config, **{name: value})
            with pytest.raises(MinidiffError, match=f"{value}$"):
                unet_config.check_config(changed)
        return
    assert getattr(config, name) in ranges[name]
    for value in (-(10**40), *([math.nan, -math.inf] if isinstance(getattr(config, name), float) else [10**40])):
        with pytest.raises(MinidiffError) as caught:
            replace(config, **{name: value})
        assert str(caught.value) == f"{name} must be {ranges[name]}, not {type(getattr(config, name))(value)!r}"


@pytest.mark.parametrize("config", [config for config, _ in CONFIGS], ids=["network", "training"])
def test_a_field_of_the_wrong_type_is_named(config):
    for name, kind in get_type_hints(type(config)).items():
        for value in OF_THE_WRONG_TYPE[kind]:
            with pytest.raises(MinidiffError, match=f"^{name} must be "):
                replace(config, **{name: value})


def test_each_element_of_a_tuple_is_in_its_range():
    @dataclass(frozen=True)
    class Config:
        sizes: tuple[int, ...] = (1, 2)

    check_fields(Config(), {"sizes": Range(1, 2)})
    with pytest.raises(MinidiffError, match=r"sizes\[1\] must be at least 1 and at most 2, not 3"):
        check_fields(Config((1, 3)), {"sizes": Range(1, 2)})
