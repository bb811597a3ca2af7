"""Checkpoints: what is written comes back, what is damaged or hostile is refused, the one before is used."""

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
from minidiff.runs.checkpoint import DamagedCheckpoint, load_checkpoint, load_newest, save_checkpoint, sha256, steps_in

SIZE = 50
FACTS = {"epoch": 1, "seconds": 1.5, "step_seconds": 0.5, "config": {"a": 1}, "best_step": None}


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


def test_what_is_saved_comes_back(folder):
    checkpoint = load_checkpoint(folder, 20, SIZE)
    assert checkpoint.step == 20
    expected = some_arrays(20)
    assert checkpoint.arrays.keys() == expected.keys()
    for name, array in expected.items():
        assert checkpoint.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(checkpoint.arrays[name], array)
        checkpoint.arrays[name][:1] = 0  # may be written to
    assert checkpoint.facts | FACTS == checkpoint.facts
    assert checkpoint.facts["sha256"] == sha256(folder / "step_000000020.npz")


def test_an_epoch_that_has_just_begun_has_no_figures(tmp_path):
    none = {
        "t": np.empty(0, np.int64),
        "losses": np.empty(0),
        "gradient_norms": np.empty(0),
        "update_ratios": np.empty(0),
    }
    save_checkpoint(tmp_path, 1, some_arrays() | none, FACTS)
    assert load_checkpoint(tmp_path, 1, SIZE).arrays["t"].size == 0


def test_figures_that_are_not_numbers_are_kept(tmp_path):
    """A ratio is measured in every twentieth step only; in the others it is NaN."""
    ratios = np.array([np.nan, 0.5])
    save_checkpoint(tmp_path, 1, some_arrays() | {"update_ratios": ratios}, FACTS)
    np.testing.assert_array_equal(load_checkpoint(tmp_path, 1, SIZE).arrays["update_ratios"], ratios)


def test_the_same_state_gives_the_same_bytes(tmp_path):
    """So that a process killed between the two files of a checkpoint, and run again, cannot tear a pair apart."""
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


def test_what_a_killed_process_left_is_swept_up(folder):
    for name in ("step_000000030.npz", "step_000000040.npz.part", "step_000000030.json.part"):
        (folder / name).write_bytes(b"half")
    (folder / "notes.txt").touch()
    save_checkpoint(folder, 25, some_arrays(), FACTS)
    assert steps_in(folder) == [25, 20]
    assert len(names_in(folder)) == 5
    assert "notes.txt" in names_in(folder)


def test_a_damaged_newer_one_does_not_push_out_a_good_one(folder):
    (folder / "step_000000020.npz").write_bytes(b"damaged")
    save_checkpoint(folder, 15, some_arrays(), FACTS)  # gone on from 10
    assert steps_in(folder) == [15, 10]


def test_without_its_json_it_is_no_checkpoint(folder):
    (folder / "step_000000020.json").unlink()
    assert load_newest(folder, SIZE, pytest.fail).step == 10


def test_an_empty_folder_has_no_checkpoint(tmp_path):
    assert load_newest(tmp_path, SIZE, pytest.fail) is None


def test_if_the_newest_is_damaged_it_is_reported_and_the_one_before_is_used(folder):
    (folder / "step_000000020.npz").unlink()
    said = []
    checkpoint = load_newest(folder, SIZE, said.append)
    assert checkpoint.step == 10
    np.testing.assert_array_equal(checkpoint.arrays["m"], some_arrays(10)["m"])
    assert len(said) == 1
    assert "step_000000020" in said[0]


def test_if_all_are_damaged_that_is_an_error(folder):
    for step in (10, 20):
        (folder / f"step_0000000{step}.npz").write_bytes(b"")
    with pytest.raises(MinidiffError, match=r"no checkpoint in .* can be read"):
        load_newest(folder, SIZE, lambda line: None)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ending=st.sampled_from(["npz", "json"]), way=st.sampled_from(["cut", "flip", "append"]), data=st.data())
def test_no_damage_goes_unnoticed(folder, ending, way, data):
    """Any file cut off anywhere, any bit flipped, anything added: refused, unless it still says the same."""
    file = folder / f"step_000000020.{ending}"
    whole = file.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    bit = data.draw(st.integers(0, 7))
    flipped = whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :]
    file.write_bytes({"cut": whole[:place], "flip": flipped, "append": whole + bytes([bit])}[way])
    try:
        found = load_newest(folder, SIZE, lambda line: None)
    except MinidiffError:  # a flipped bit in the number of the format
        found = None
    file.write_bytes(whole)
    if found:
        assert found.step == 10 or ending == "json"  # a digit of the time, or a blank at its end
        np.testing.assert_array_equal(found.arrays["m"], some_arrays(found.step)["m"])


def write_foreign(folder, write):
    """A file made by somebody else, with a checksum that fits: only its contents can give it away."""
    numbers = folder / "step_000000030.npz"
    with numbers.open("wb") as file:
        write(file)
    facts = json.loads((folder / "step_000000020.json").read_text())
    facts |= {"step": 30, "bytes": numbers.stat().st_size, "sha256": sha256(numbers)}
    (folder / "step_000000030.json").write_text(json.dumps(facts))


def npz(**changes):
    """Writes a checkpoint with some arrays changed; those that are None are left out."""
    arrays = {name: array for name, array in (some_arrays() | changes).items() if array is not None}
    return lambda file: np.savez(file, **arrays)


def zip_with(name, content, instead_of="m", compression=zipfile.ZIP_STORED):
    """Writes a checkpoint in which one array is replaced by an entry of any name, with any bytes."""

    def write(file):
        rest = io.BytesIO()
        np.savez(rest, **{key: array for key, array in some_arrays().items() if key != instead_of})
        with zipfile.ZipFile(rest, "a", compression) as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a name twice
            archive.writestr(name, content)
        file.write(rest.getvalue())

    return write


def header(shape, dtype="<f4"):
    """The first bytes of a .npy file that promises an array of some shape."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue()


FLOATS = np.zeros(SIZE, np.float32)
M_ARRAY = header((SIZE,)) + bytes(4 * SIZE)
FOREIGN = {  # how to write it, and what is to be said of it
    "no zip file": (lambda file: file.write(b"GIF89a"), "not a zip file"),
    "empty": (lambda file: None, "not a zip file"),
    "an array missing": (npz(v=None), "other arrays are in it"),
    "an array too many": (npz(extra=FLOATS), "other arrays are in it"),
    "another network": (npz(parameters=np.zeros(SIZE + 1, np.float32)), r"'parameters' is float32 \(51,\), not"),
    "another type": (npz(m=np.zeros(SIZE)), r"'m' is float64 \(50,\), not float32"),
    "another shape": (npz(average=np.zeros((SIZE, 1), np.float32)), r"'average' is float32 \(50, 1\), not"),
    "numbers gone bad": (npz(parameters=np.full(SIZE, np.nan, np.float32)), "'parameters' is .* not finite"),
    "an infinity": (npz(v=np.full(SIZE, np.inf, np.float32)), "'v' is .* not finite"),
    "a loss without its t": (npz(losses=np.zeros(4)), "not equally many"),
    "objects": (npz(m=np.array([{"a": 1}] * SIZE, dtype=object)), "Python objects, which are never read"),
    "a pickle": (zip_with("m.npy", pickle.dumps(print)), "m: not a .npy file"),
    "a name that climbs out": (zip_with("../../m.npy", M_ARRAY), "other arrays are in it"),
    "a name in a folder": (zip_with("./m.npy", M_ARRAY), "other arrays are in it"),
    "a name twice": (zip_with("m.npy", M_ARRAY, instead_of=None), "other arrays are in it"),
    "an array cut off": (zip_with("m.npy", M_ARRAY[:-1]), "'m' is not as long as it says"),
    "terabytes promised": (zip_with("t.npy", header((10**12,), "<i8"), "t"), "'t' is not as long as it says"),
    "a packed bomb": (
        zip_with("t.npy", header((2**22,), "<i8") + bytes(2**25), "t", zipfile.ZIP_DEFLATED),
        "'t' is not as long as it says",
    ),
    "a header of nonsense": (zip_with("m.npy", b"\x93NUMPY\x01\x00\x40\x00" + b"(" * 64), "m: not a .npy file"),
}


@pytest.mark.parametrize(("write", "words"), FOREIGN.values(), ids=FOREIGN.keys())
def test_a_foreign_file_is_refused_in_one_line(folder, write, words):
    write_foreign(folder, write)
    with pytest.raises(DamagedCheckpoint, match=words) as caught:
        load_checkpoint(folder, 30, SIZE)
    assert "step_000000030" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert load_newest(folder, SIZE, lambda line: None).step == 20


def test_a_file_of_somebody_elses_that_is_right_is_read(folder):
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
def test_a_json_file_of_nonsense_is_refused_in_one_line(folder, text):
    (folder / "step_000000020.json").write_text(text)
    with pytest.raises(MinidiffError) as caught:
        load_checkpoint(folder, 20, SIZE)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    "change", [{"step": 21}, {"bytes": "many"}, {"config": []}, {"seconds": None}, {"best_step": [1]}, {"sha256": 5}]
)
def test_a_fact_of_a_wrong_type_is_damage(folder, change):
    label = folder / "step_000000020.json"
    label.write_text(json.dumps(json.loads(label.read_text()) | change))
    with pytest.raises(DamagedCheckpoint, match="damaged"):
        load_checkpoint(folder, 20, SIZE)


def test_another_format_is_no_damage_and_stops(folder):
    """An older checkpoint must not be taken instead without a word."""
    label = folder / "step_000000020.json"
    label.write_text(json.dumps(json.loads(label.read_text()) | {"format": 99}))
    with pytest.raises(MinidiffError, match="format 99; this version reads 1"):
        load_newest(folder, SIZE, pytest.fail)
