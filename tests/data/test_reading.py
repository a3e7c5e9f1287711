"""Cases, checks and cards against the file; refusals besides those in test_data.py."""

import dataclasses
import importlib
import pickle
import pkgutil

import h5py
import numpy as np
import pytest

import analytic
import data
from data import hdf5, layout, tasks
from data.card import card
from data.read import Cases, check, read, read_small

RECIPE = """
task = "derivative"
cases = 20
split = [0.5, 0.2, 0.3]
[source]
m = [0, 1, 2, 5]
helmholtz = [8.0, 10.0]
mach = [-0.2, 0.2]
modes = [1, 2]
mixtures = 2
[grid]
x = [-1.0, 1.0, 3]
r = [0.0, 2.0, 4]
"""
FORWARD = """
task = "forward"
cases = 10
split = [0.7, 0.0, 0.3]
[source]
m = [3]
n = [0, 2]
helmholtz = [5.0, 5.0]
[microphones]
radius = 3.0
angle_deg = [0.0, 90.0, 3]
"""


@pytest.fixture
def path(file_of):
    return file_of(RECIPE)


@pytest.fixture
def altered(path, tmp_path):
    """A function that changes a copy of the file."""

    def alter(change):
        copy = tmp_path / "altered.h5"
        copy.write_bytes(path.read_bytes())
        with h5py.File(copy, "r+") as file:
            change(file)
        return copy

    return alter


def put(name, value):
    return lambda file: file[name].__setitem__(0, value)


def set_attribute(owner, name, value):
    return lambda file: file[owner].attrs.__setitem__(name, value)


def replaced(name, values, **options):
    def change(file):
        del file[name]
        usual = {"chunks": True, "compression": "gzip", "fletcher32": True}
        file.create_dataset(name, data=values, **(usual | options))

    return change


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (put("case", -1), "case holds the value -1, which is out of range"),
        (put("m", -10_001), "m holds the value -10001, which"),
        (put("helmholtz", 0.0), r"helmholtz holds the value 0\.0, which"),
        (put("mach", -1.0), r"mach holds the value -1\.0, which"),
        (put("split", 3), "split holds the value 3, which"),
        (put("split", -1), "split holds the value -1, which"),
        (put("error_estimate", -1e-9), "error_estimate holds the value -1e-09, which"),
        (put("r", -0.1), r"r holds the value -0\.1, which"),
        (put("amplitude", np.inf), "amplitude holds values that are not finite"),
        (set_attribute("potential", "train_rms", np.nan), "potential has the statistics"),
        (set_attribute("potential", "train_rms", 0.0), "potential has the statistics"),
        (set_attribute("potential", "train_largest", np.inf), "potential has the statistics"),
        (lambda file: file["potential"].attrs.__delitem__("train_rms"), "potential has the statistics"),
        (lambda file: file.attrs.__delitem__("seed"), "lacks the attribute seed"),
        (lambda file: file.attrs.__delitem__("solver_tolerance"), "lacks the attribute solver_tolerance"),
        (lambda file: file.attrs.__delitem__("content_hash"), "lacks the attribute content_hash"),
        (lambda file: file.attrs.__setitem__("content_hash", np.bytes_("0" * 63)), "has the content_hash '0000"),
        (put("hub", 1.0), r"hub holds the value 1\.0, which"),
        (put("hub", -0.1), r"hub holds the value -0\.1, which"),
        (put("mach_outer", 1.0), r"mach_outer holds the value 1\.0, which"),
        (put("sound_speed_ratio", 0.0), r"sound_speed_ratio holds the value 0\.0, which"),
        (put("density_ratio", 0.0), r"density_ratio holds the value 0\.0, which"),
        (put("kutta", 1.1), r"kutta holds the value 1\.1, which"),
        (put("kutta", -0.1), r"kutta holds the value -0\.1, which"),
        (lambda file: file.attrs.__setitem__("format", 3), "has format 3, this version reads format 4"),
        (lambda file: file.attrs.__setitem__("task", np.bytes_("nowhere")), "has the unknown task 'nowhere'"),
        (lambda file: file.__delitem__("missing"), "the group missing is missing"),
        (lambda file: file.attrs.__setitem__("missing_cases", 1), r"missing/case has shape \(0,\), expected \(1,\)"),
        (lambda file: file["missing"].__delitem__("reason"), "reason is missing or not a dataset"),
        (set_attribute("split", "flag_meanings", np.bytes_("train validation test test")), "flag_meanings"),
        (set_attribute("split", "flag_meanings", np.bytes_("train validation test Upper")), "flag_meanings"),
        (replaced("x", np.zeros(3), compression="lzf"), "no other filter but shuffle"),
        (replaced("x", np.zeros(3), compression=None), "must be chunked with gzip and checksums"),
        (replaced("x", np.zeros(4)), r"axial_velocity has shape|potential has shape"),
        (replaced("x", np.zeros((3, 1))), "x has shape"),
        (replaced("part", np.arange(3)), r"part has shape \(3,\)"),
        (replaced("case", np.zeros(20), dtype="i4"), "case is int32, expected int64"),
    ],
)
def test_a_file_with_a_fault_is_refused(altered, change, fault):
    with pytest.raises(ValueError, match=fault) as raised:
        check(altered(change))
    assert "altered.h5" in str(raised.value)


def test_a_field_that_is_not_finite_is_found_wherever_it_is(altered):
    """By `check`, which does not hold the fields in memory, and by the case that is read."""

    def change(file):
        file["radial_velocity"][19, 1, 2, 3] = np.nan

    copy = altered(change)
    with pytest.raises(ValueError, match="radial_velocity holds values that are not finite"):
        check(copy)
    split = read_small(copy).about.splits[read_small(copy)["split"][19]]
    cases = Cases(copy, split)
    with pytest.raises(ValueError, match="radial_velocity holds values that are not finite"):
        cases[len(cases) - 1]


def test_huge_chunks_are_refused_before_memory_is_allocated(altered):
    def change(file):
        del file["x"]
        file.create_dataset("x", (3,), "f8", maxshape=(None,), chunks=(2**26,), compression="gzip", fletcher32=True)

    with pytest.raises(ValueError, match="x has chunks"):
        read(altered(change))


def test_cases_are_those_of_their_split_in_the_files_order(path):
    dataset = read(path)
    for split in ("train", "validation", "test"):
        rows, cases = dataset.cases(split), Cases(path, split, task="derivative")
        assert np.all(dataset["split"][rows] == dataset.about.splits.index(split))
        assert len(cases) == len(rows) > 0
        for index, row in enumerate(rows):
            found = cases[index]
            assert set(found) == set(tasks.get("derivative").along_cases)
            for name, value in found.items():
                np.testing.assert_array_equal(value, dataset[name][row])
        np.testing.assert_array_equal(cases[-1]["potential"], dataset["potential"][rows[-1]])
        np.testing.assert_array_equal(cases.columns["group"], dataset["group"][rows])
        np.testing.assert_array_equal(cases.constants["x"], dataset["x"])
        with pytest.raises(IndexError):
            cases[len(rows)]
        again = pickle.loads(pickle.dumps(cases))
        np.testing.assert_array_equal(again[0]["potential"], cases[0]["potential"])
    assert sum(len(dataset.cases(split)) for split in dataset.about.splits) == 20


def test_a_file_is_opened_once_by_each_process(path, monkeypatch):
    opened = []
    monkeypatch.setattr("data.read.open_file", lambda path: opened.append(path) or hdf5.open_file(path))
    cases = Cases(path, "train")
    for index in (0, 1, 0):
        cases[index]
    assert len(opened) == 1
    pickle.loads(pickle.dumps(cases))[0]
    assert len(opened) == 2
    monkeypatch.setattr("os.getpid", lambda: -1)  # as after a fork, where two processes would share a file's position
    for index in (0, 1):
        cases[index]
    assert len(opened) == 3


def records():
    """Every dataclass of the package."""
    modules = [importlib.import_module(one.name) for one in pkgutil.walk_packages(data.__path__, "data.")]
    classes = {kind for module in modules for kind in vars(module).values() if isinstance(kind, type)}
    own = [kind for kind in classes if dataclasses.is_dataclass(kind) and kind.__module__.startswith("data.")]
    return sorted(own, key=lambda kind: kind.__qualname__)


def test_records_cannot_be_changed():
    assert len(records()) >= 10
    for kind in records():
        with pytest.raises(dataclasses.FrozenInstanceError):
            object.__new__(kind).more = 1


def test_names_of_splits_and_tasks_are_refused(path):
    with pytest.raises(ValueError, match="split must be one of train, validation, test, got 'all'"):
        Cases(path, "all")
    for reader in (read, read_small, lambda path, task: Cases(path, "train", task=task)):
        with pytest.raises(ValueError, match="is a derivative dataset, a forward dataset is needed"):
            reader(path, task="forward")


def test_what_a_check_says(path):
    dataset, found = read(path), check(path)
    assert (found["task"], found["cases"], found["missing"]) == ("derivative", 20, {})
    assert found["splits"] == {"train": 10, "validation": 4, "test": 6}
    assert found["largest_error_estimate"] == dataset["error_estimate"].max() > dataset["error_estimate"].min()
    assert found["scales"] == dataset.about.scales


def rows_of(text, columns):
    """Cells of the card's table rows with so many columns."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return {row[0]: row[1:] for row in rows if len(row) == columns}


def test_the_cards_numbers_are_the_datasets(path):
    dataset = read(path)
    text = card(dataset, "data.h5", "data.png")
    assert text.startswith("# data.h5\n\n20 near fields next to the lip of sound")
    assert "format 4" in text
    rows = rows_of(text, 6)
    for split, cells in rows.items():
        if split not in dataset.about.splits:
            continue
        chosen = dataset.cases(split)
        m = sorted(set(dataset["m"][chosen].tolist()))
        ka, mach = dataset["helmholtz"][chosen], dataset["mach"][chosen]
        most = max(np.count_nonzero(np.any(row, axis=1)) for row in dataset["amplitude"][chosen])
        assert cells[0] == str(len(chosen))
        shown = cells[1].replace("0 … 2", "0, 1, 2")
        assert shown == ", ".join(map(str, m))
        assert cells[2] == f"{most} at most together"
        assert cells[3] == f"{ka.min():.4g} … {ka.max():.4g}"
        assert cells[4] == f"{mach.min():.4g} … {mach.max():.4g}"
    assert set(dataset.about.splits) < set(rows)
    assert f"Largest error estimate: {dataset['error_estimate'].max():.1e}." in text
    scales = rows_of(text, 3)
    for name, (rms, largest) in dataset.about.scales.items():
        assert scales[f"`{name}`"] == [f"{rms:.6g}", f"{largest:.6g}"]
    assert "seed 0" in text
    assert "solver 1e-06" in text.replace("\n", " ")


def test_the_card_of_single_modes_and_an_empty_set(file_of):
    rows = rows_of(card(read(file_of(FORWARD)), "data.h5", "data.png"), 6)
    assert rows["train"] == ["7", "3", "0, 2", "5", "0"]
    assert rows["validation"] == ["0", "", "", "", ""]


HUBS = FORWARD.replace("[microphones]", "hub = [0.1, 0.3]\n[microphones]").replace("angle_deg = [0", "angle_deg = [30")
JETS = """
task = "jet_factor"
cases = 6
split = [0.5, 0.5, 0.0]
[source]
m = [1]
n = [0]
helmholtz = [2.0, 3.0]
mach = 0.3
sound_speed_ratio = [0.75, 1.25]
density_ratio = "1/sound_speed_ratio^2"
[windows]
nodes = 4
"""


def test_the_card_has_the_ranges_of_hubs_and_jets_if_there_are_any(file_of):
    assert "hub radius" not in card(read(file_of(FORWARD)), "data.h5", "data.png")
    dataset = read(file_of(HUBS))
    text = card(dataset, "data.h5", "data.png")
    assert "| set | cases | m | n or orders | ka | M | hub radius |\n|---|---|---|---|---|---|---|\n" in text
    hub = dataset["hub"][dataset.cases("train")]
    assert rows_of(text, 7)["train"][5] == f"{hub.min():.4g} … {hub.max():.4g}"
    assert rows_of(text, 7)["validation"] == ["0", "", "", "", "", ""]
    dataset = read(file_of(JETS))
    text = card(dataset, "data.h5", "data.png")
    assert "| ka | M | M outside | sound speed ratio | density ratio | Kutta parameter |\n" in text
    rows = rows_of(text, 10)
    for split in ("train", "validation"):
        assert rows[split][4:6] == ["0.3", "0"]
        ratio = dataset["sound_speed_ratio"][dataset.cases(split)]
        assert ratio.min() < ratio.max()
        ends = [(ratio.min(), ratio.max()), (ratio.max() ** -2, ratio.min() ** -2)]
        assert rows[split][6:] == [*(f"{low:.4g} … {high:.4g}" for low, high in ends), "1"]


def test_the_card_counts_missing_cases_by_their_reasons(path):
    dataset = read(path)
    records = [{"reason": "hard"}, {"reason": "died"}, {"reason": "hard"}]
    dataset.about.__dict__["missing"] = tuple(records)
    text = card(dataset, "data.h5", "data.png")
    assert "3 cases of the recipe are missing (group `missing`): 1 × died; 2 × hard." in text


@pytest.mark.parametrize(
    ("name", "options", "fault"),
    [
        ("m", {"fletcher32": False}, "missing/m must be chunked with gzip and checksums"),
        ("helmholtz", {"dtype": "f4"}, "missing/helmholtz is float32, expected float64"),
        ("reason", {"dtype": "S100"}, r"missing/reason is \|S100, expected \|S200"),
    ],
)
def test_columns_of_the_missing_cases_are_checked_as_arrays_are(altered, name, options, fault):
    def change(file, odd=None):
        file.attrs["missing_cases"] = 1
        for column, dtype in (layout.MISSING_COLUMNS | {layout.MISSING_CASE: "i8"}).items():
            values = np.full(1, 99, dtype) if column == "case" else np.zeros(1, dtype)
            replaced(f"missing/{column}", values, **(options if column == odd else {}))(file)

    assert check(altered(change))["missing"] == {"": 1}
    with pytest.raises(ValueError, match=fault):
        check(altered(lambda file: change(file, name)))


def test_the_conventions_in_a_file_are_those_of_the_solver(path):
    conventions = read(path).provenance["conventions"]
    assert conventions
    assert str(analytic.__doc__).startswith(conventions)
    assert conventions.endswith(str(analytic.__doc__).partition(">>>")[0].split()[-1])
    assert ">>>" not in conventions


@pytest.mark.parametrize(
    ("m", "shown"), [("[0, 1, 2]", "0 … 2"), ("[1, 0]", "0, 1"), ("[0, 1, 3]", "0, 1, 3"), ("[-1, 0, 1, 2]", "-1 … 2")]
)
def test_consecutive_orders_are_shown_as_a_range(file_of, m, shown):
    dataset = read(file_of(FORWARD.replace("m = [3]", f"m = {m}").replace("n = [0, 2]", "n = [0]")))
    orders = sorted(map(int, m.strip("[]").split(",")))
    dataset.arrays["m"] = np.resize(orders, len(dataset))
    assert f"Azimuthal orders in all: {shown}." in card(dataset, "data.h5", "data.png")
