"""Dataset files joined to one."""

import json

import h5py
import numpy as np
import pytest

from data.convert.joined import join
from data.read import check, read

FORWARD = """
task = "forward"
cases = 6
seed = 3
split = [0.5, 0.2, 0.3]
[source]
m = [0, 1]
helmholtz = [4.0, 6.0]
[microphones]
radius = 5.0
angle_deg = [0.0, 120.0, 5]
"""
MORE = FORWARD.replace("seed = 3", "seed = 4") + '[[out_of_range]]\nname = "high"\nshare = 0.5\nhelmholtz = 7.0\n'
# One file has radial orders that the other one lacks.
LOW = """
task = "derivative"
cases = 4
[source]
m = [0]
helmholtz = [4.0, 5.0]
mixtures = 2
[grid]
x = [-1.0, 1.0, 4]
r = [0.0, 2.0, 4]
"""
HIGH = LOW.replace("[4.0, 5.0]", "[8.0, 9.0]")


def test_cases_follow_each_other_with_their_splits(file_of, tmp_path):
    paths = [file_of(FORWARD), file_of(MORE), file_of(MORE.replace("high", "low").replace("= 7.0", "= 3.5"))]
    assert join(paths, tmp_path / "both.h5") == 24
    assert check(tmp_path / "both.h5")["splits"] == {"train": 9, "validation": 3, "test": 6, "high": 3, "low": 3}
    both, parts = read(tmp_path / "both.h5"), [read(path) for path in paths]
    assert both["case"].tolist() == list(range(24))
    assert len(set(both["group"])) == 24
    for name in ("m", "helmholtz", "n", "pressure", "error_estimate"):
        np.testing.assert_array_equal(both[name], np.concatenate([part[name] for part in parts]))
    names = [part.about.splits[number] for part in parts for number in part["split"]]
    assert [both.about.splits[number] for number in both["split"]] == names
    np.testing.assert_array_equal(both["x"], parts[0]["x"])
    assert join([tmp_path / "both.h5", file_of(FORWARD.replace("seed = 3", "seed = 5"))], tmp_path / "all.h5") == 30


def test_the_file_records_what_it_is_of(file_of, tmp_path):
    paths = [file_of(FORWARD), file_of(MORE)]
    join(paths, tmp_path / "both.h5")
    about = read(tmp_path / "both.h5").provenance
    first, second, recipe = str(about["recipe"]).split("\n", 2)
    for record, path in zip((first, second), paths, strict=True):
        origin = read(path).provenance
        assert json.loads(record) == {
            "content_hash": origin["content_hash"],
            "recipe_name": origin["recipe_name"],
            "seed": origin["seed"],
            "cases": len(read(path)),
        }
    assert recipe == read(paths[0]).provenance["recipe"]
    assert about["versions"] == read(paths[0]).provenance["versions"]
    assert about["recipe_name"] == "joined"


def test_orders_that_one_file_lacks_are_zero(file_of, tmp_path):
    join([file_of(LOW), file_of(HIGH)], tmp_path / "both.h5")
    both = read(tmp_path / "both.h5")
    assert check(tmp_path / "both.h5")["cases"] == 8
    low, high = read(file_of(LOW)), read(file_of(HIGH))
    orders = [len(one["order"]) for one in (low, high)]
    assert orders[0] < orders[1] == len(both["order"])
    np.testing.assert_array_equal(both["amplitude"][:4, : orders[0]], low["amplitude"])
    assert not np.any(both["amplitude"][:4, orders[0] :])
    np.testing.assert_array_equal(both["amplitude"][4:], high["amplitude"])
    assert both["group"].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_missing_cases_are_numbered_on(dataset_file, failing, tmp_path):
    failing(lambda source: "never" if source.helmholtz > 8.5 else "")
    paths = [dataset_file(HIGH.replace("cases = 4", f"cases = 16\nseed = {seed}")) for seed in (1, 2)]
    join(paths, tmp_path / "both.h5")
    both, parts = read(tmp_path / "both.h5"), [read(path) for path in paths]
    lost = [one["case"] for one in both.about.missing]
    assert len(lost) == sum(len(part.about.missing) for part in parts) > 1
    assert sorted([*both["case"].tolist(), *lost]) == list(range(32))
    helmholtz = [one["helmholtz"] for part in parts for one in part.about.missing]
    assert [one["helmholtz"] for one in both.about.missing] == helmholtz


def test_what_does_not_fit_is_refused(file_of, tmp_path):
    path, out = file_of(FORWARD), tmp_path / "both.h5"
    for others, words in [
        ([], "two dataset files or more, got 1"),
        ([path], "has the cases of"),
        ([file_of(LOW)], "is a derivative dataset, .* a forward dataset"),
        ([file_of(FORWARD.replace("radius = 5.0", "radius = 6.0"))], "has other values of x than"),
        ([file_of(FORWARD.replace("seed = 3", 'seed = 4\nstorage = "single"'))], "in single precision, .* in double"),
    ]:
        with pytest.raises(ValueError, match=words):
            join([path, *others], out)
    assert not out.exists()
    out.touch()
    with pytest.raises(FileExistsError, match="is not overwritten"):
        join([path, file_of(MORE)], out)


def test_a_damaged_file_is_refused(file_of, tmp_path):
    bad = tmp_path / "bad.h5"
    bad.write_bytes(file_of(MORE).read_bytes())
    with h5py.File(bad, "r+") as file:
        file["mach"][0] = 2.0
    with pytest.raises(ValueError, match=r"bad\.h5: mach holds the value 2"):
        join([file_of(FORWARD), bad], tmp_path / "both.h5")
