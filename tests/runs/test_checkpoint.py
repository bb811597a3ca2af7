"""Checkpoints: reading back, damage, untrusted files, and falling back to the previous one."""

import io
import json
import pickle
import warnings
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minidiff.errors import MinidiffError
from minidiff.runs.checkpoint import (
    DamagedCheckpoint,
    checksum,
    load_checkpoint,
    load_newest,
    save_checkpoint,
    sha256,
    steps_in,
    tidy,
)
from tests import tiny

SIZE = 50
FACTS = {"epoch": 1, "seconds": 1.5, "step_seconds": 0.5, "config": tiny.CHECKPOINT_CONFIG, "best_step": None}


def some_arrays(seed=0):
    rng = np.random.default_rng(seed)
    arrays = {name: rng.standard_normal(SIZE, np.float32) for name in ("parameters", "average", "m", "v")}
    return arrays | {
        "t": np.arange(1, 6), "losses": rng.random(5), "gradient_norms": rng.random(2), "update_ratios": rng.random(2)
    }  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    """Two checkpoints, of steps 10 and 20."""
    for step in (10, 20):
        save_checkpoint(tmp_path, step, some_arrays(step), FACTS)
    return tmp_path


def test_a_checkpoint_is_read_back(folder):
    checkpoint = load_checkpoint(folder, 20, SIZE)
    assert checkpoint.step == 20
    expected = some_arrays(20)
    assert checkpoint.arrays.keys() == expected.keys()
    for name, array in expected.items():
        assert checkpoint.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(checkpoint.arrays[name], array)
        checkpoint.arrays[name][:1] = 0  # writable
    assert {name: checkpoint.facts[name] for name in ("epoch", "seconds", "best_step")} == {
        "epoch": 1, "seconds": 1.5, "best_step": None,
    }  # fmt: skip
    assert checkpoint.facts["config"]["data"] == FACTS["config"]["data"]
    assert checkpoint.facts["sha256"] == sha256(folder / "step_000000020.npz")


def test_the_arrays_of_a_new_epoch_are_empty(tmp_path):
    none = {
        "t": np.empty(0, np.int64),
        "losses": np.empty(0),
        "gradient_norms": np.empty(0),
        "update_ratios": np.empty(0),
    }
    save_checkpoint(tmp_path, 1, some_arrays() | none, FACTS)
    assert load_checkpoint(tmp_path, 1, SIZE).arrays["t"].size == 0


def test_nan_among_the_ratios_is_kept(tmp_path):
    """A ratio is measured in every twentieth step only and NaN in the others."""
    ratios = np.array([np.nan, 0.5])
    save_checkpoint(tmp_path, 1, some_arrays() | {"update_ratios": ratios}, FACTS)
    np.testing.assert_array_equal(load_checkpoint(tmp_path, 1, SIZE).arrays["update_ratios"], ratios)


def test_the_same_state_gives_the_same_bytes(tmp_path):
    """If a process is killed between the two files, the next one writes the same .npz, so that both still match."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        save_checkpoint(tmp_path / name, 1, some_arrays(), FACTS)
    assert (tmp_path / "a" / "step_000000001.npz").read_bytes() == (tmp_path / "b" / "step_000000001.npz").read_bytes()


def names_in(folder):
    return sorted(file.name for file in folder.iterdir())


def test_the_last_two_and_the_best_are_kept(tmp_path):
    for step in range(1, 8):
        save_checkpoint(tmp_path, step, some_arrays(step), FACTS, best_step=3 if step >= 3 else None)
        assert steps_in(tmp_path)[:2] == [step, step - 1][:step]
    assert steps_in(tmp_path) == [7, 6, 3]
    assert len(names_in(tmp_path)) == 6


def test_the_remains_of_a_killed_process_are_removed(folder):
    for name in ("step_000000030.npz", "step_000000040.npz.part", "step_000000030.json.part"):
        (folder / name).write_bytes(b"half")
    (folder / "notes.txt").touch()
    save_checkpoint(folder, 25, some_arrays(), FACTS)
    assert steps_in(folder) == [25, 20]
    assert len(names_in(folder)) == 5
    assert "notes.txt" in names_in(folder)


def test_a_damaged_newer_checkpoint_does_not_replace_a_good_one(folder):
    (folder / "step_000000020.npz").write_bytes(b"damaged")
    save_checkpoint(folder, 15, some_arrays(), FACTS)  # resumed from 10
    assert steps_in(folder) == [15, 10]


def test_a_checkpoint_without_its_json_does_not_count(folder):
    (folder / "step_000000020.json").unlink()
    assert load_newest(folder, SIZE).step == 10


def test_an_empty_folder_has_no_checkpoint(tmp_path):
    assert load_newest(tmp_path, SIZE) is None


def test_a_damaged_newest_checkpoint_is_reported_and_the_previous_one_is_used(folder, caplog):
    (folder / "step_000000020.npz").unlink()
    checkpoint = load_newest(folder, SIZE)
    assert checkpoint.step == 10
    np.testing.assert_array_equal(checkpoint.arrays["m"], some_arrays(10)["m"])
    (message,) = caplog.messages
    assert "step_000000020" in message


def test_all_checkpoints_damaged_is_an_error(folder):
    for step in (10, 20):
        (folder / f"step_0000000{step}.npz").write_bytes(b"")
    with pytest.raises(MinidiffError, match=r"no checkpoint in .* can be read"):
        load_newest(folder, SIZE)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ending=st.sampled_from(["npz", "json"]), way=st.sampled_from(["cut", "flip", "append"]), data=st.data())
def test_no_damage_goes_unnoticed(folder, ending, way, data):
    """A file truncated anywhere, any bit flipped, anything appended: the previous one is used, or nothing differs."""
    file = folder / f"step_000000020.{ending}"
    facts, whole = read_label(folder, 20), file.read_bytes()
    facts.pop("config")  # defaults of fields that it lacks are added
    position = data.draw(st.integers(0, len(whole) - 1))
    bit = data.draw(st.integers(0, 7))
    flipped = whole[:position] + bytes([whole[position] ^ 1 << bit]) + whole[position + 1 :]
    file.write_bytes({"cut": whole[:position], "flip": flipped, "append": whole + bytes([bit])}[way])
    found = load_newest(folder, SIZE)
    file.write_bytes(whole)
    if found.step == 20:  # white space in the JSON file, or one of two ways to write a number
        assert ending == "json"
        assert {name: found.facts[name] for name in facts} == facts
    np.testing.assert_array_equal(found.arrays["m"], some_arrays(found.step)["m"])


def read_label(folder, step):
    """The facts of a checkpoint, without their checksum."""
    facts = json.loads((folder / f"step_{step:09}.json").read_text())
    assert facts.pop("checksum") == checksum(facts)
    return facts


def write_label(folder, step, facts):
    """The facts of a checkpoint from an untrusted source, with a matching checksum."""
    (folder / f"step_{step:09}.json").write_text(json.dumps(facts | {"checksum": checksum(facts)}))


def write_foreign(folder, write):
    """A checkpoint from an untrusted source, with a matching checksum."""
    numbers = folder / "step_000000030.npz"
    with numbers.open("wb") as file:
        write(file)
    changes = {"step": 30, "bytes": numbers.stat().st_size, "sha256": sha256(numbers)}
    write_label(folder, 30, read_label(folder, 20) | changes)


def npz(**changes):
    """Writes a checkpoint with some arrays changed, or left out if None."""
    arrays = {name: array for name, array in (some_arrays() | changes).items() if array is not None}
    return lambda file: np.savez(file, **arrays)


def zip_with(name, content, instead_of="m", compression=zipfile.ZIP_STORED):
    """Writes a checkpoint with one array replaced by an entry of any name and contents."""

    def write(file):
        rest = io.BytesIO()
        np.savez(rest, **{key: array for key, array in some_arrays().items() if key != instead_of})
        with zipfile.ZipFile(rest, "a", compression) as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a name twice
            archive.writestr(name, content)
        file.write(rest.getvalue())

    return write


def header(shape, dtype="<f4"):
    """The header of a .npy file of some shape."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue()


FLOATS = np.zeros(SIZE, np.float32)
M_ARRAY = header((SIZE,)) + bytes(4 * SIZE)
FOREIGN = {  # how to write it, and the expected message
    "no zip file": (lambda file: file.write(b"GIF89a"), "not a zip file"),
    "empty": (lambda file: None, "not a zip file"),
    "an array missing": (npz(v=None), "it holds other arrays"),
    "an array too many": (npz(extra=FLOATS), "it holds other arrays"),
    "another network": (npz(parameters=np.zeros(SIZE + 1, np.float32)), r"'parameters' is float32 \(51,\), not"),
    "another type": (npz(m=np.zeros(SIZE)), r"'m' is float64 \(50,\), not float32"),
    "another shape": (npz(average=np.zeros((SIZE, 1), np.float32)), r"'average' is float32 \(50, 1\), not"),
    "nan": (npz(parameters=np.full(SIZE, np.nan, np.float32)), "'parameters' is .* not finite"),
    "infinity": (npz(v=np.full(SIZE, np.inf, np.float32)), "'v' is .* not finite"),
    "a loss without its t": (npz(losses=np.zeros(4)), "differ in length"),
    "objects": (npz(m=np.array([{"a": 1}] * SIZE, dtype=object)), "Python objects, which are never loaded"),
    "a pickle": (zip_with("m.npy", pickle.dumps(print)), "m: not a readable .npy file"),
    "a name with a parent folder": (zip_with("../../m.npy", M_ARRAY), "it holds other arrays"),
    "a name in a folder": (zip_with("./m.npy", M_ARRAY), "it holds other arrays"),
    "a name twice": (zip_with("m.npy", M_ARRAY, instead_of=None), "it holds other arrays"),
    "a truncated array": (zip_with("m.npy", M_ARRAY[:-1]), "the length of 'm' differs from its header"),
    "terabytes in the header": (
        zip_with("t.npy", header((10**12,), "<i8"), "t"),
        "the length of 't' differs from its header",
    ),
    "a compressed bomb": (
        zip_with("t.npy", header((2**22,), "<i8") + bytes(2**25), "t", zipfile.ZIP_DEFLATED),
        "the length of 't' differs from its header",
    ),
    "an invalid header": (zip_with("m.npy", b"\x93NUMPY\x01\x00\x40\x00" + b"(" * 64), "m: not a readable .npy file"),
}


@pytest.mark.parametrize(("write", "words"), FOREIGN.values(), ids=FOREIGN.keys())
def test_a_foreign_file_is_refused_in_one_line(folder, write, words):
    write_foreign(folder, write)
    with pytest.raises(DamagedCheckpoint, match=words) as caught:
        load_checkpoint(folder, 30, SIZE)
    assert "step_000000030" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert load_newest(folder, SIZE).step == 20


def test_a_valid_foreign_file_is_read(folder):
    write_foreign(folder, zip_with("m.npy", M_ARRAY))
    assert load_checkpoint(folder, 30, SIZE).step == 30


@pytest.mark.parametrize(
    "text",
    [
        "", "null", "[]", "{}", '{"format": 1}', "[" * 100_000, "\x00", '{"format": 1, "step": true}',
        " " * 2**21,
    ],
    ids=["empty", "null", "list", "nothing", "almost nothing", "deep", "binary", "types", "long"],
)  # fmt: skip
def test_an_invalid_json_file_is_refused_in_one_line(folder, text):
    (folder / "step_000000020.json").write_text(text)
    with pytest.raises(MinidiffError) as caught:
        load_checkpoint(folder, 20, SIZE)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


IMPOSSIBLE = {  # a change of the facts, and the expected message
    "another step": ({"step": 21}, "its name and its contents give different steps"),
    "bytes in words": ({"bytes": "many"}, "facts: bytes must be a whole number, not 'many'"),
    "true steps": ({"step": True}, "facts: step must be a whole number, not True"),
    "no seconds": ({"seconds": None}, "facts: seconds must be a number, not None"),
    "infinite seconds": ({"seconds": float("inf")}, r"seconds must be at least 0 and at most 1e\+12, not inf"),
    "no best loss": ({"best_step": 10}, "facts: best_loss must be a number, not None"),
    "a list of best steps": ({"best_step": [1]}, r"facts: best_step must be a whole number or null, not \[1\]"),
    "no configuration": ({"config": []}, r"facts: config must be an object, not \[\]"),
    "no network": ({"config": {}}, "config: network must be an object, not None"),
    "T": (
        {"config": tiny.CHECKPOINT_CONFIG | {"training": {"T": "50"}}},
        "training: T must be a whole number, not '50'",
    ),
    "data": (
        {"config": tiny.CHECKPOINT_CONFIG | {"data": {"images": 5}}},
        "data: fingerprint must be a text, not None",
    ),
}


@pytest.mark.parametrize(("change", "words"), IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_an_impossible_fact_is_damage_and_the_previous_checkpoint_is_used(folder, change, words):
    write_label(folder, 20, read_label(folder, 20) | change)
    with pytest.raises(DamagedCheckpoint, match=words):
        load_checkpoint(folder, 20, SIZE)
    assert load_newest(folder, SIZE).step == 10


@pytest.mark.parametrize("name", [*FACTS, "version", "step", "bytes", "sha256", "format", "checksum"])
def test_a_fact_changed_without_its_checksum_is_damage(folder, name):
    """Also the version, which is only printed, and the format, which must not stop the search."""
    facts = json.loads((folder / "step_000000020.json").read_text())
    (folder / "step_000000020.json").write_text(json.dumps(facts | {name: 3 if facts[name] == 2 else 2}))
    with pytest.raises(DamagedCheckpoint, match="its checksum is not that of its contents"):
        load_checkpoint(folder, 20, SIZE)
    assert load_newest(folder, SIZE).step == 10


def test_another_format_stops(folder):
    """The previous checkpoint must not be used silently instead."""
    write_label(folder, 20, read_label(folder, 20) | {"format": 99})
    with pytest.raises(MinidiffError, match="format 99; this version reads 2"):
        load_newest(folder, SIZE)


def test_facts_of_an_earlier_version_have_no_checksum(folder):
    label = folder / "step_000000020.json"
    label.write_text(json.dumps(read_label(folder, 20) | {"format": 1}))
    assert load_checkpoint(folder, 20, SIZE).step == 20


@pytest.mark.parametrize(
    ("name", "value"), [("t", 0), ("t", 51), ("losses", np.nan), ("losses", np.inf), ("gradient_norms", np.nan)]
)
def test_impossible_figures_of_the_epoch_are_damage(folder, name, value):
    array = some_arrays(30)[name]
    array[-1] = value
    write_foreign(folder, npz(**{name: array}))
    with pytest.raises(DamagedCheckpoint, match="timesteps outside of 1 to 50, or losses that are not finite"):
        load_checkpoint(folder, 30, SIZE)


def test_texts_are_cleaned(folder):
    write_label(folder, 20, read_label(folder, 20) | {"version": "1\x1b[31m\n"})
    assert load_checkpoint(folder, 20, SIZE).facts["version"] == "1\\x1b[31m\\n"


def test_files_with_other_names_are_the_users_own(folder):
    """Removed are only files whose whole name is that of a checkpoint, finished or not."""
    own = ["step_000000010_backup.npz", "step_000000010.npz.bak", "copy of step_000000010.json", "step_10.npz"]
    own += ["best.part", "step_000000010x.json", "step_0000000010.json"]
    for name in own:
        (folder / name).write_bytes(b"precious")
    for name in ("step_000000005.npz", "step_000000030.npz", "step_000000030.npz.part", ".step_000000030.npz.x1.part"):
        (folder / name).write_bytes(b"half")
    tidy(folder, 20)
    kept = [f"step_0000000{step}.{ending}" for step in (10, 20) for ending in ("json", "npz")]
    assert names_in(folder) == sorted(own + kept)


def test_a_file_that_cannot_be_removed_is_a_warning(folder, caplog):
    (folder / "step_000000001.npz").mkdir()
    save_checkpoint(folder, 30, some_arrays(), FACTS)
    assert steps_in(folder) == [30, 20]
    (message,) = caplog.messages
    assert "cannot remove" in message
    assert "step_000000001.npz" in message


def test_a_checkpoint_of_another_run_stops_before_its_arrays_are_read(folder):
    """Otherwise arrays of another size would be taken for damage, and the user told to train again."""

    def check(step, config):
        assert config["training"]["T"] == 50
        raise MinidiffError(f"step {step} is of another run")

    with pytest.raises(MinidiffError, match="step 20 is of another run"):
        load_newest(folder, SIZE + 1, check)
