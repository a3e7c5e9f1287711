"""Files whose arrays contradict each other: each refused with its figures, and the same change nowhere else."""

import shutil

import h5py
import numpy as np
import pytest
from scipy.special import jnp_zeros

from analytic import DuctMode, Jet, solve
from data import identity, layout, relations, tasks
from data.grids import cell_centres
from data.read import Cases, check, read
from data.summary import write_identity
from data.task import parts, uniform_flow

DERIVATIVE = """
task = "derivative"
cases = 12
split = [0.5, 0.0, 0.5]
[source]
m = [0, 1]
helmholtz = [4.0, 6.0]
mach = [-0.2, 0.2]
modes = [1, 2]
mixtures = 2
[grid]
x = [-1.5, 1.5, 40]
r = [0.0, 2.0, 30]
"""
FORWARD = """
task = "forward"
cases = 10
split = [0.5, 0.0, 0.5]
[source]
m = [0, 2]
n = [0, 1]
helmholtz = [7.0, 9.0]
[microphones]
radius = 3.0
angle_deg = [0.0, 90.0, 5]
"""


@pytest.fixture
def altered(file_of, tmp_path):
    """A function that changes a copy of a recipe's file; its hash and statistics stay true unless asked otherwise."""

    def alter(text, change, honest=True):
        copy = tmp_path / "altered.h5"
        shutil.copy(file_of(text), copy)
        with h5py.File(copy, "r+") as file:
            change(file)
            if honest:
                task = tasks.get(file.attrs["task"].decode())
                training = file["split"][...] == 0
                for name in task.fields:
                    values = file[name][...][training]
                    moduli = np.sum(values**2, axis=task.variables[name].dimensions.index("part"))
                    file[name].attrs["train_rms"] = np.sqrt(np.mean(moduli))
                    file[name].attrs["train_largest"] = np.abs(values).max()
                write_identity(file, task)
        return copy

    return alter


def put(name, index, value):
    return lambda file: file[name].__setitem__(index, value)


def reverse(name):
    return lambda file: file[name].__setitem__(slice(None), file[name][...][::-1])


def copy_row(name, one, other):
    return lambda file: file[name].__setitem__(other, file[name][one])


def scaled(name, factor, cases=slice(None)):
    return lambda file: file[name].__setitem__(cases, factor * file[name][cases])


def shuffle(file):
    file["radial_eigenvalue"][...] = file["radial_eigenvalue"][...] + 0.1 * (np.arange(10) == 4)


def swap(file):
    u = file["axial_velocity"][...]
    file["axial_velocity"][...] = file["radial_velocity"][...]
    file["radial_velocity"][...] = u


@pytest.mark.parametrize("text", [DERIVATIVE, FORWARD], ids=["derivative", "forward"])
def test_a_file_as_it_was_written_passes(altered, text):
    assert check(altered(text, lambda file: None))["cases"] == len(read(altered(text, lambda file: None)))


def test_it_does_not_matter_how_many_cases_are_read_at_a_time(file_of, monkeypatch):
    """Some of one case have no training case among them."""
    path = file_of(DERIVATIVE)
    together = check(path)
    monkeypatch.setattr("data.identity._BLOCK", 1)
    with h5py.File(path) as file:
        assert len(list(identity.blocks(file["potential"]))) == 12
    assert check(path) == together


@pytest.mark.parametrize(
    ("text", "change", "fault"),
    [
        (DERIVATIVE, reverse("x"), r"x must increase, but index 0 has 1\.46\d* and the next 1\.38\d*"),
        (DERIVATIVE, put("r", 3, 0.1), r"r must increase, but index 2 has 0\.16\d* and the next 0\.1"),
        (DERIVATIVE, copy_row("x", 5, 6), "x must increase, but index 5 has"),
        (DERIVATIVE, put("order", slice(None), [0, 2]), r"order must count from 0, got 0 \.\.\. 2"),
        (DERIVATIVE, put("part", slice(None), [1, 2]), r"part must count from 0, got 1 \.\.\. 2"),
        (FORWARD, reverse("microphone"), "microphone must increase, but index 0 has 4 and the next 3"),
        (
            FORWARD,
            lambda file: [copy_row(name, 1, 3)(file) for name in "xr"],
            r"the point at index 3 is there twice, x = 2\.77\d*, r = 1\.14",
        ),
        (DERIVATIVE, put("case", 7, 3), "case holds the number 3 2 times, once was expected"),
        (
            DERIVATIVE,
            scaled("helmholtz", 1.1, 3),
            r"the group 1 has cases of different helmholtz, .* in case 2 and .* in",
        ),
        (
            DERIVATIVE,
            put("kutta", 3, 0.5),
            r"the group 1 has cases of different kutta, 0\.0 in case 2 and 0\.5 in case 3",
        ),
        (DERIVATIVE, put("split", 2, 1), "the group 1 has cases of different split, 1 in case 2 and .* in case 3"),
    ],
)
def test_what_is_out_of_order_or_there_twice_is_refused_by_every_reader(altered, text, change, fault):
    path = altered(text, change)
    for reader in (check, read, lambda path: Cases(path, "train")):
        with pytest.raises(ValueError, match=f"altered.h5: {fault}"):
            reader(path)


@pytest.mark.parametrize(
    ("text", "change", "fault"),
    [
        (DERIVATIVE, copy_row("potential", 2, 9), "potential is the same in the cases 2 and 9, of different (m|helm)"),
        (FORWARD, copy_row("pressure", 0, 1), "pressure is the same in the cases 0 and 1, of different (m|helmholtz)"),
        (
            DERIVATIVE,
            scaled("potential", -1),
            r"u = dpsi/dx does not hold in 12 of 12 cases; .* missed by 2\.0e\+00, at most",
        ),
        (
            DERIVATIVE,
            scaled("axial_velocity", 1.1, 4),
            "u = dpsi/dx does not hold in 1 of 12 cases; in case 4 it is miss",
        ),
        (
            DERIVATIVE,
            scaled("radial_velocity", 0.9, 4),
            "v = dpsi/dr does not hold in 1 of 12 cases; in case 4 it is mis",
        ),
        (DERIVATIVE, swap, "u = dpsi/dx does not hold in 12 of 12 cases"),
        (FORWARD, shuffle, r"J_m'\(radial_eigenvalue\) = 0 does not hold in 1 of 10 cases; in case 4 it is missed by"),
    ],
)
def test_fields_that_contradict_their_case_are_refused_by_a_check(altered, text, change, fault):
    path = altered(text, change)
    with pytest.raises(ValueError, match=f"altered.h5: {fault}"):
        check(path)
    read(path)  # which does not compare every case


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (put("error_estimate", 0, 2e-9), "the content_hash is [0-9a-f]{64}, that of the arrays [0-9a-f]{64}"),
        (
            lambda file: file["potential"].attrs.modify("train_rms", 1.0),
            r"potential has the statistics \[1\.0, .*, its tr",
        ),
        (
            lambda file: file["potential"].attrs.modify("train_largest", 9.0),
            r"potential has the statistics \[.*, 9\.0\], ",
        ),
        (
            lambda file: [file["potential"].attrs.__delitem__(f"train_{name}") for name in ("rms", "largest")],
            r"potential has the statistics \[\], its training cases \[\d",
        ),
    ],
)
def test_a_hash_or_statistics_of_other_arrays_are_refused(altered, change, fault):
    with pytest.raises(ValueError, match=f"altered.h5: {fault}"):
        check(altered(DERIVATIVE, change, honest=False))


def test_the_hash_in_the_message_is_that_of_the_arrays(altered, file_of):
    true = read(altered(DERIVATIVE, put("error_estimate", 0, 2e-9))).provenance["content_hash"]
    with pytest.raises(ValueError, match=f"that of the arrays {true}"):
        check(altered(DERIVATIVE, put("error_estimate", 0, 2e-9), honest=False))


def test_a_missing_case_is_not_in_the_file(altered):
    def change(file):
        del file["missing"]
        file.attrs["missing_cases"] = 2
        group = file.create_group("missing")
        for name, dtype in (layout.MISSING_COLUMNS | {layout.MISSING_CASE: "i8"}).items():
            values = np.array([20, 5] if name == "case" else [0, 0]).astype(dtype)
            group.create_dataset(name, data=values, **layout.CHECKED)

    with pytest.raises(ValueError, match="case holds the number 5 2 times in the file or its missing cases"):
        read(altered(DERIVATIVE, change))


def test_cases_of_the_same_parameters_may_have_the_same_field(file_of):
    """As where a recipe draws nothing."""
    fixed = FORWARD.replace("[7.0, 9.0]", "[8.0, 8.0]").replace("m = [0, 2]", "m = [2]")
    assert check(file_of(fixed))["cases"] == 10


@pytest.mark.parametrize("task", ["forward", "factor"])
def test_fields_of_opposite_orders_are_the_same(file_of, task):
    fixed = FORWARD.replace("[7.0, 9.0]", "8.0").replace("m = [0, 2]", "m = [2, -2]").replace("n = [0, 1]", "n = [0]")
    if task == "factor":
        fixed = fixed.replace("forward", task).partition("[microphones]")[0] + "[arc]\nangles = 5\n"
    dataset = read(file_of(fixed))
    assert set(dataset["m"]) == {2, -2}
    assert np.ptp(dataset[tasks.get(task).fields[0]], axis=0).max() == 0
    assert check(file_of(fixed))["cases"] == 10


def near_field(nx, nr, source, **options):
    """Arrays of one case by the solver."""
    x, r = cell_centres(-1.5, 1.5, nx), cell_centres(0, 2, nr)
    field, jet = solve(source, **options).field(x, r), options.get("jet")
    columns = {name: float(value) for name, value in uniform_flow(source.mach).items()}
    columns |= {name: getattr(jet, name) for name in columns if jet is not None and name != "hub"}
    columns |= {"helmholtz": source.helmholtz, "mach": source.mach, "error_estimate": field.error_estimate}
    fields = ("potential", "axial_velocity", "radial_velocity", "pressure")
    found = {name: np.array([value]) for name, value in columns.items()} | {"x": x, "r": r}
    return found | {name: parts(getattr(field, name), 0)[None] for name in fields}


@pytest.mark.parametrize("options", [{}, {"jet": Jet(0.1, 1.1, 0.8, 1.0)}, {"jet": Jet(0.0, 0.8, 1.3, 0.0)}])
def test_solutions_satisfy_their_relations_and_grids_that_resolve_less_allow_more(options):
    source, allowances = DuctMode(1, 0, 2.5, 0.6), []
    for nx, nr in ((120, 80), (60, 40)):
        found = relations.velocities(near_field(nx, nr, source, **options))
        assert set(found) == {"u = dpsi/dx", "v = dpsi/dr", "p = i ka psi - M u"}
        for misfit, allowed in found.values():
            assert misfit[0] <= allowed[0]
        allowances.append(found["v = dpsi/dr"][1][0])
    assert allowances[0] < 0.5 * allowances[1]
    assert found["p = i ka psi - M u"][1] < 1e-5


@pytest.mark.parametrize("options", [{}, {"jet": Jet(0.1, 1.1, 0.8, 1.0)}])
@pytest.mark.parametrize(
    ("name", "value"), [("helmholtz", 2.6), ("mach", 0.61), ("mach_outer", 0.15), ("density_ratio", 0.81)]
)
def test_a_pressure_of_other_parameters_is_told(options, name, value):
    arrays = near_field(30, 20, DuctMode(1, 0, 2.5, 0.6), **options)
    misfit, allowed = relations.velocities(arrays | {name: np.array([value])})["p = i ka psi - M u"]
    assert misfit[0] > 100 * allowed[0]


def test_cells_on_the_sheet_have_the_values_of_its_inner_side():
    arrays = near_field(30, 5, DuctMode(1, 0, 2.5, 0.6), jet=Jet(0.1, 1.1, 0.8, 1.0))
    assert arrays["r"][2] == 1
    misfit, allowed = relations.velocities(arrays)["p = i ka psi - M u"]
    assert misfit[0] <= allowed[0] < 1e-5


def test_grids_that_do_not_resolve_the_waves_tell_nothing():
    found = {}
    for helmholtz in (2.0, 20.0):
        arrays = near_field(16, 16, DuctMode(0, 0, helmholtz, 0.3))
        arrays["axial_velocity"] = -arrays["axial_velocity"]
        found[helmholtz] = relations.velocities(arrays)["u = dpsi/dx"]
    assert found[2.0][0] > found[2.0][1]
    assert found[20.0] == (0.0, np.inf)


def test_eigenvalues_are_those_of_their_orders_without_a_hub():
    arrays = {"m": np.array([0, 0, -2, 3]), "n": np.array([0, 2, 0, 1]), "hub": np.array([0.0, 0.0, 0.0, 0.3])}
    zeros = np.array([0.0, jnp_zeros(0, 2)[1], jnp_zeros(2, 1)[0], 7.7])
    misfit, allowed = relations.eigenvalues(arrays | {"radial_eigenvalue": zeros})["J_m'(radial_eigenvalue) = 0"]
    assert np.all(misfit <= allowed)
    misfit, allowed = relations.eigenvalues(arrays | {"radial_eigenvalue": zeros + 1e-6})["J_m'(radial_eigenvalue) = 0"]
    assert (misfit > allowed).tolist() == [True, True, True, False]
