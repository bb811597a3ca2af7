"""config.json: what an edited one gives, for every field; and that it has to fit the checkpoint."""

import json
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minidiff import runs
from minidiff.errors import MinidiffError
from minidiff.runs.folder import Run
from tests import tiny

NAMES = [*tiny.network().config.as_dict(), *tiny.TRAINING.as_dict()]


@pytest.fixture(scope="module")
def trained(tmp_path_factory, workers):
    """A finished run."""
    path = tmp_path_factory.mktemp("trained") / "run"
    with tiny.start(path) as run:
        tiny.train(run, workers)
    return path


@pytest.fixture
def run(trained, tmp_path):
    """A copy of the finished run."""
    shutil.copytree(trained, tmp_path / "run")
    return Run.open(tmp_path / "run")


def edit(run, values, part=None, remove=()):
    """Changes values in config.json, or in a part of it."""
    config = json.loads((run.path / "config.json").read_text())
    edited = config[part] if part else config
    edited.update(values)
    for name in remove:
        del edited[name]
    (run.path / "config.json").write_text(json.dumps(config))


def test_what_was_written_is_read_back(run):
    network, training, options = run.read_config()
    assert network == tiny.network().config
    assert training == tiny.TRAINING
    assert options == {"spec": "tiny", "size": 8, "images": 12, "seed": 0}
    assert run.config["class_names"] == ["a", "b", "c"]


INVALID = {  # part, values, and the problem
    "height": ("network", {"height": 1e308}, "height must be a whole number, not 1e+308"),
    "time_channels": ("network", {"time_channels": float("nan")}, "time_channels must be a whole number, not nan"),
    "head_channels": ("network", {"head_channels": True}, "head_channels must be a whole number, not True"),
    "blocks": ("network", {"blocks_per_level": 10**6}, "blocks_per_level must be at least 1 and at most 64"),
    "channels": ("network", {"channels": "ab"}, "channels must be a list of whole numbers, not 'ab'"),
    "odd height": ("network", {"height": 9}, "height 9 cannot be halved 1 times; choose 8 or 10"),
    "groups": ("network", {"num_groups": 3}, "channels cannot be split into 3 equal groups"),
    "too large": ("network", {"channels": [4096, 4096]}, "at most 268,435,456 are possible"),
    "T": ("training", {"T": 10**12}, "T must be at least 1 and at most 1,000,000, not 1000000000000"),
    "no noise": ("training", {"sigma_max": 1.0}, "the schedule does not end in noise"),
    "schedule": ("training", {"schedule": "none"}, "unknown schedule 'none'; choose from flow"),
    "network a list": (None, {"network": []}, "network must be an object, not []"),
    "unknown field": ("training", {"momentum": 1}, "training has unknown fields 'momentum'"),
    "no names": (None, {"class_names": None}, "class_names must be a list of texts, not None"),
    "fewer names": (None, {"class_names": ["a"]}, "there are 1 class_names, but num_classes is 3"),
    "names in numbers": (None, {"class_names": [1, 2, 3]}, "class_names must be a list of texts, not [1, 2, 3]"),
    "random": (None, {"random": "2"}, "random must be a whole number, not '2'"),
    "data": (None, {"data": "cats"}, "data must be an object, not 'cats'"),
    "images": ("data", {"images": "24"}, "data: images must be a whole number or null, not '24'"),
    "size": ("data", {"size": 8.5}, "data: size must be a whole number or a list of two whole numbers or null, not"),
    "seed": ("data", {"seed": None}, "data: seed must be a whole number, not None"),
    "held_out": ("data", {"held_out": [1]}, "data: held_out must be a number or null, not [1]"),
    "spec": ("data", {"spec": 5}, "data: spec must be a text, not 5"),
    "range": ("data", {"value_range": [0]}, "data: value_range must be a list of two numbers or null, not [0]"),
    "data option": ("data", {"wrong": 1}, "data has unknown fields 'wrong'"),
}  # fmt: skip


@pytest.mark.parametrize(("part", "values", "problem"), INVALID.values(), ids=INVALID.keys())
def test_an_invalid_value_is_one_line_with_file_field_and_remedy(run, part, values, problem):
    edit(run, values, part)
    with pytest.raises(MinidiffError) as caught:
        run.read_config()
    message = str(caught.value)
    assert message.startswith(f"{run.path / 'config.json'}: ")
    assert problem in message
    assert message.endswith("; change that back, or start a new run")


@pytest.mark.parametrize(
    ("part", "name"),
    [(None, "network"), (None, "training"), (None, "data"), (None, "class_names"), ("data", "spec"), ("data", "seed")]
    + [("network", name) for name in tiny.network().config.as_dict() if name not in ("film", "entry_levels")]
    + [("training", name) for name in ("T", "schedule", "target", "epochs", "learning_rate", "seed")],
)  # fmt: skip
def test_a_missing_field_is_not_replaced_by_todays_default(run, part, name):
    edit(run, {}, part, remove=[name])
    with pytest.raises(MinidiffError, match=rf"config\.json: .*{name}.*; change that back"):
        run.read_config()


def test_information_may_be_missing_or_of_any_type(run):
    edit(run, {"machine": 5, "command": ["\x1b[31m"]})
    assert (run.config["machine"], run.config["command"], run.config["license"]) == (
        "5", r"['\x1b[31m']", "unknown",
    )  # fmt: skip


def test_names_of_classes_are_cleaned(run):
    edit(run, {"class_names": ["\x1b[2J", "two\nlines", "c\xa0d"]})
    assert run.config["class_names"] == [r"\x1b[2J", r"two\nlines", r"c\xa0d"]
    assert runs.labels_for(run.config["class_names"], 1, "c\xa0d").tolist() == [2]  # as it was given to the shell


def test_the_path_of_the_data_is_not_changed(run):
    """It would not be found any more; macOS puts a narrow no-break space into names of screenshots."""
    edit(run, {"spec": "/data/1\u202fPM"}, "data")
    assert run.read_config()[2]["spec"] == "/data/1\u202fPM"


def test_a_byte_order_mark_and_line_ends_of_windows_do_not_matter(run):
    text = (run.path / "config.json").read_text()
    (run.path / "config.json").write_bytes(("\ufeff" + text.replace("\n", "\r\n")).encode())
    assert Run.open(run.path).read_config()[0] == tiny.network().config


def test_a_config_that_is_no_file_or_too_long_is_refused(run):
    (run.path / "config.json").write_text(" " * (2**24 + 1))
    with pytest.raises(MinidiffError, match="cannot be read: larger than 16,777,216 bytes"):
        run.read_config()
    (run.path / "config.json").unlink()
    (run.path / "config.json").symlink_to("/dev/zero")
    with pytest.raises(MinidiffError, match="cannot be read: a device, pipe or socket instead of a file"):
        Run.open(run.path)


@pytest.mark.parametrize(
    ("part", "values", "problem"),
    [
        ("network", {"height": 16}, "height was 8 and is 16"),
        ("network", {"film": False}, "film was True and is False"),
        ("network", {"channels": [8, 24]}, r"channels was \[8, 16\] and is \[8, 24\]"),
        ("training", {"T": 25}, "T was 50 and is 25"),
        ("training", {"schedule": "cosine"}, "schedule was flow and is cosine"),
        ("training", {"shift": 2.0}, "shift was 1.0 and is 2.0"),
        ("training", {"sigma_max": 50.0}, "sigma_max was 0.0 and is 50.0"),
        ("training", {"target": "noise"}, "target was flow and is noise"),
    ],
)
def test_a_config_of_another_network_than_the_checkpoint_generates_nothing(run, workers, part, values, problem):
    """The images would have been noise, or of another size."""
    edit(run, values, part)
    with pytest.raises(MinidiffError, match=rf"config\.json does not fit the checkpoint of step 9: {problem}; change"):
        runs.load_denoiser(run, workers)


def test_classes_in_another_order_than_in_training_generate_nothing(run, workers):
    """Every label would have stood for another class."""
    edit(run, {"class_names": ["b", "a", "c"]})
    with pytest.raises(MinidiffError, match="the classes were a, b, c and are b, a, c; change that back"):
        runs.load_denoiser(run, workers)


@pytest.mark.parametrize("values", [{"epochs": 4}, {"learning_rate": 0.1}, {"loss_weight": "min_snr"}, {"flip": True}])
def test_options_of_the_training_do_not_matter_for_samples(run, workers, values):
    edit(run, values, "training")
    assert runs.load_denoiser(run, workers).schedule.T == 50


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(10**12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(part=st.sampled_from([None, "network", "training", "data"]), data=st.data())
def test_any_edit_is_read_or_refused_in_one_line(trained, tmp_path, part, data):
    config = json.loads((trained / "config.json").read_text())
    edited = config[part] if part else config
    name = data.draw(st.sampled_from(sorted(edited)) | st.text(max_size=5))
    edited[name] = data.draw(values)
    (tmp_path / "config.json").write_text(json.dumps(config))
    try:
        network, training, _ = Run.open(tmp_path).read_config()
    except MinidiffError:
        return
    assert network.height % 2 == 0
    assert training.create_schedule().T == training.T
