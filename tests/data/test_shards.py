"""Arrays of a shard against the solver used in another way; errors, missing cases, versions."""

import numpy as np
import pytest
from safetensors.numpy import load
from scipy.special import jvp

import analytic
from analytic import ConvergenceError, DuctMode, Field, UniformFlow, plus_factor, solve
from data import shards, tasks
from data.mixtures import observed
from data.read import read
from data.sampling import Group, Plan
from data.task import TOLERANCE, parts, uniform_flow

SOURCE = "[source]\nm = [0, 2]\nhelmholtz = [5.0, 9.0]\nmach = [-0.2, 0.2]\n"
DERIVATIVE = (
    'task = "derivative"\ncases = 6\nsplit = [0.5, 0.0, 0.5]\n'
    + SOURCE
    + "modes = [2, 3]\nmixtures = 3\n[grid]\nx = [-1.0, 1.0, 6]\nr = [0.0, 2.0, 5]\n"
)
SINGLE = DERIVATIVE.replace("mixtures = 3\n", "").replace("cases = 6", "cases = 2")
FORWARD = (
    'task = "forward"\ncases = 4\n' + SOURCE + "n = [0, 1]\n[microphones]\nradius = 3.0\nangle_deg = [0.0, 120.0, 5]\n"
)
EDGE = 'task = "edge"\ncases = 2\n' + SOURCE + "modes = [1, 2]\n[disc]\nradius = 0.3\nroots = 5\nangles = 8\n"
FACTOR = 'task = "factor"\ncases = 4\n[source]\nm = [0, 3]\nn = [0]\nhelmholtz = [4.0, 6.0]\n[arc]\nangles = 12\n'
# Sums over the waves in another order, and solutions each exact to about 1e-10.
CLOSE = {"rtol": 1e-7, "atol": 1e-8}


def values(dataset, name, case):
    """Complex values of a case."""
    axis = tasks.get(dataset.task).variables[name].dimensions.index("part") - 1
    real, imaginary = np.moveaxis(dataset[name][case], axis, 0)
    return real + 1j * imaginary


@pytest.mark.parametrize("text", [DERIVATIVE, SINGLE], ids=["groups of three", "single"])
def test_near_fields_are_sums_over_single_modes(file_of, text):
    """A mixture's field is the sum of its modes', each solved alone here."""
    dataset = read(file_of(text))
    for case in range(len(dataset)):
        m, ka, mach = (dataset[name][case].item() for name in ("m", "helmholtz", "mach"))
        amplitudes = values(dataset, "amplitude", case)
        modes = [solve(DuctMode(m, n, ka, mach)).field(dataset["x"], dataset["r"]) for n in range(len(amplitudes))]
        for name in ("potential", "axial_velocity", "radial_velocity"):
            expected = sum(a * getattr(field, name) for a, field in zip(amplitudes, modes, strict=True) if a)
            np.testing.assert_allclose(values(dataset, name, case), expected, **CLOSE)
    np.testing.assert_allclose(dataset["x"], [-5 / 6, -0.5, -1 / 6, 1 / 6, 0.5, 5 / 6])
    np.testing.assert_allclose(dataset["r"], [0.2, 0.6, 1.0, 1.4, 1.8])


def test_potentials_around_the_lip(file_of):
    dataset = read(file_of(EDGE))
    distance = np.hypot(dataset["x"], dataset["r"] - 1)
    np.testing.assert_allclose(distance, np.repeat(dataset["root"][:, None] ** 2, 8, axis=1))
    np.testing.assert_allclose(np.arctan2(dataset["r"] - 1, dataset["x"]), np.tile(dataset["angle"], (5, 1)))
    # Chebyshev nodes: where T_5 of the root and T_8 of the angle vanish
    low, high = np.sqrt([4e-6, 0.3])
    np.testing.assert_allclose(np.cos(5 * np.arccos(2 * (dataset["root"] - low) / (high - low) - 1)), 0, atol=1e-12)
    np.testing.assert_allclose(np.cos(8 * np.arccos(dataset["angle"] / np.pi)), 0, atol=1e-12)
    for case in range(len(dataset)):
        m, ka, mach = (dataset[name][case].item() for name in ("m", "helmholtz", "mach"))
        expected = sum(
            a * solve(DuctMode(m, n, ka, mach)).at(dataset["x"], dataset["r"]).potential
            for n, a in enumerate(values(dataset, "amplitude", case))
            if a
        )
        np.testing.assert_allclose(values(dataset, "potential", case), expected, **CLOSE)


def test_pressures_at_microphones(file_of):
    """p = i ka psi - M u at the places that the file names, of a mode of amplitude one."""
    dataset = read(file_of(FORWARD))
    angle = np.radians([0, 30, 60, 90, 120])
    np.testing.assert_allclose(dataset["x"], 3 * np.cos(angle), atol=1e-15)
    np.testing.assert_allclose(dataset["r"], 3 * np.sin(angle), atol=1e-15)
    assert set(dataset["n"].tolist()) == {0, 1}
    for case in range(len(dataset)):
        m, n, ka, mach = (dataset[name][case].item() for name in ("m", "n", "helmholtz", "mach"))
        field = solve(DuctMode(m, n, ka, mach)).at(dataset["x"], dataset["r"])
        expected = 1j * ka * field.potential - mach * field.axial_velocity
        np.testing.assert_allclose(values(dataset, "pressure", case), expected, **CLOSE)
        eigenvalue = dataset["radial_eigenvalue"][case]
        assert abs(jvp(m, eigenvalue)) < 1e-12
        below = np.linspace(0.01, max(eigenvalue - 0.1, 0.02), 500)
        turns = np.sum(np.diff(np.sign(jvp(m, below))) != 0)
        assert turns == n - (m == 0 and n > 0)  # the plane wave's eigenvalue, zero, is no change of sign


def test_kernel_factors(file_of):
    dataset = read(file_of(FACTOR))
    assert np.all(dataset["mach"] == 0)
    np.testing.assert_allclose(np.cos(12 * np.arccos(2 * dataset["angle"] / np.pi - 1)), 0, atol=1e-12)
    for case in range(len(dataset)):
        m, ka = dataset["m"][case].item(), dataset["helmholtz"][case].item()
        for index, angle in enumerate(dataset["angle"]):
            value, _ = plus_factor(m, ka, np.array([angle]))
            np.testing.assert_allclose(values(dataset, "factor", case)[index], value[0, 0], **CLOSE)


def test_parts_are_real_and_imaginary():
    np.testing.assert_array_equal(parts(np.array([1 + 2j, 3 - 4j]), 0), [[1, 3], [2, -4]])
    np.testing.assert_array_equal(parts(np.array([1 + 2j, 3 - 4j]), -1), [[1, 2], [3, -4]])


def group(**changes):
    parameters = {"helmholtz": 6.0, "mach": 0.1, "hub": 0.0} | uniform_flow(0.1)
    usual = {"number": 5, "first": 10, "split": 2, "m": 2, "parameters": parameters, "medium": UniformFlow()}
    return Group(**(usual | {"amplitudes": np.eye(2, dtype=complex)} | changes))


def field(error, reason=""):
    parts = dict.fromkeys(("potential", "axial_velocity", "radial_velocity", "pressure"), np.ones((2, 2), complex))
    return Field(np.zeros(2), np.ones(2), **parts, error_estimate=error, reason=reason)


def test_arrays_are_of_the_cases_that_were_solved():
    fields = [field(1e-9), field(np.inf, "too hard"), field(3e-7), field(2e-8)]
    found = observed([group(), group(amplitudes=2 * np.eye(2))], fields, ("potential",), 3)
    assert found.arrays["error_estimate"].tolist() == [1e-9, 3e-7, 2e-8]
    assert found.arrays["potential"].shape == (3, 2, 2, 2)
    np.testing.assert_array_equal(found.arrays["amplitude"][:, :, 0], [[1, 0, 0], [2, 0, 0], [0, 2, 0]])
    assert found.reasons == ["", "too hard", "", ""]


def test_a_factors_error_is_its_largest(monkeypatch):
    errors = {6.0: [1e-9, 3e-7, 2e-9], 7.0: [1e-9, 1e-9, 1e-9], 8.0: [1e-9, 1.1 * TOLERANCE, 1e-9], 9.0: [np.nan] * 3}
    groups = [group(parameters={"helmholtz": ka}) for ka in (6.0, 8.0, 7.0, 9.0)]

    def factor(m, ka, angle):
        return np.ones((len(ka), 3), complex), np.array([errors[one] for one in ka])

    monkeypatch.setattr(analytic, "plus_factor", factor)
    found = tasks.get("factor").observe(groups, {"angle": np.zeros(3)}, 1)
    assert found.arrays["error_estimate"].tolist() == [3e-7, 1e-9]
    assert found.arrays["factor"].shape == (2, 3, 2)
    assert found.reasons[::2] == ["", ""]
    assert "estimate 1.1e-06 of the factor is above 1e-06" in found.reasons[1]
    assert "nan" in found.reasons[3]


def test_a_factor_that_fails_costs_only_itself(monkeypatch):
    def factor(m, ka, angle):
        if 7.0 in ka:
            raise ConvergenceError("too hard")
        return np.ones((len(ka), 3), complex), np.full((len(ka), 3), 1e-9)

    monkeypatch.setattr(analytic, "plus_factor", factor)
    groups = [group(parameters={"helmholtz": ka}, m=m) for ka, m in ((6.0, 1), (7.0, 1), (8.0, -1), (9.0, 2))]
    found = tasks.get("factor").observe(groups, {"angle": np.zeros(3)}, 1)
    assert found.reasons == ["", "too hard", "", ""]
    assert len(found.arrays["factor"]) == 3


@pytest.mark.parametrize(("text", "route"), [(FORWARD, "fields_at"), (EDGE, "fields_at"), (SINGLE, "near_fields")])
def test_stored_errors_are_the_solvers_at_the_tolerance_that_is_recorded(loaded, monkeypatch, text, route):
    """Each is at least the error of its solution, and not zero; the solver is asked for the file's tolerance."""
    asked, of_route = [], getattr(analytic, route)

    def found(*arguments, tolerance, **options):
        asked.append(tolerance)
        return of_route(*arguments, tolerance=tolerance, **options)

    monkeypatch.setattr(analytic, route, found)
    recipe = loaded(text).recipe
    content, missing = shards.compute(recipe, 0, shards.versions())
    assert not missing
    arrays = load(content)
    errors, orders = arrays["error_estimate"], arrays.get("n")
    plan = Plan(recipe)
    sources = [source for number in range(plan.groups) for source in plan.group(number).sources]
    if orders is not None:
        sources = [DuctMode(one.m, n, one.helmholtz, one.mach) for one, n in zip(sources, orders.tolist(), strict=True)]
    assert np.all(errors >= [0.999 * solve(source).error_estimate for source in sources])
    assert np.all((errors > 0) & (errors <= TOLERANCE))
    assert set(asked) == {TOLERANCE}


def test_what_does_not_converge_is_missing_with_its_reason_and_parameters(loaded, failing):
    """One mixture of a group is missing; the others are not."""
    recipe = loaded(DERIVATIVE.replace("cases = 6", "cases = 30")).recipe
    drawn = [Plan(recipe).group(number) for number in range(5)]
    bad = {tuple(drawn[1].amplitudes[2]): "too hard", tuple(drawn[3].amplitudes[0]): "harder"}
    failing(lambda source: bad.get(tuple(source.amplitudes), ""))
    content, missing = shards.compute(recipe, 0, shards.versions())
    found = load(content)
    assert found["case"].tolist() == [*range(5), 6, 7, 8, *range(10, 30)]
    assert found["group"].tolist() == [0] * 3 + [1] * 2 + [2] * 3 + [3] * 2 + sorted([*range(4, 10)] * 3)
    assert [(one.case, one.reason) for one in missing] == [(5, "too hard"), (9, "harder")]
    for one, where in zip(missing, (drawn[1], drawn[3]), strict=True):
        assert (one.m, one.split) == (where.m, where.split)
        assert {name: getattr(one, name) for name in where.parameters} == where.parameters


def test_cases_for_which_there_is_no_memory_are_missing(loaded, failing, small_shards):
    recipe = loaded(DERIVATIVE.replace("cases = 6", "cases = 30")).recipe
    first = Plan(recipe).group(0).parameters["helmholtz"]
    failing(lambda source: MemoryError() if source.helmholtz == first else "")
    content, missing = shards.compute(recipe, 0, shards.versions())
    assert content == b""
    assert [(one.case, one.reason) for one in missing] == [(case, "MemoryError") for case in range(15)]


def test_a_shard_without_cases_is_empty(loaded, failing):
    failing(lambda source: "never")
    content, missing = shards.compute(loaded(SINGLE).recipe, 0, shards.versions())
    assert content == b""
    assert [one.case for one in missing] == [0, 1]


def test_other_errors_are_not_swallowed(loaded, failing):
    failing(lambda source: ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        shards.compute(loaded(SINGLE).recipe, 0, shards.versions())


def test_a_worker_with_other_versions_is_refused(loaded):
    own = shards.versions()
    assert [part.split()[0] for part in own.split(", ")] == ["wavenet", "numpy", "scipy", "h5py"]
    assert f"numpy {np.__version__}" in own
    with pytest.raises(ValueError, match="the bits would differ"):
        shards.compute(loaded(SINGLE).recipe, 0, own.replace("scipy ", "scipy 9"))


@pytest.mark.parametrize(
    "text", [DERIVATIVE.replace("cases = 6", "cases = 33"), FORWARD.replace("cases = 4", "cases = 33")]
)
def test_shards_hold_every_group_once(loaded, text):
    recipe = loaded(text).recipe
    plan = Plan(recipe)
    held = [list(shards.groups(recipe, plan, number)) for number in range(shards.count(recipe, plan))]
    assert [index for one in held for index in one] == list(range(plan.groups))
    assert all(held)
