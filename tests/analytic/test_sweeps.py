"""Sweeps against single solutions."""

from types import SimpleNamespace

import numpy as np
import pytest

from analytic import (
    ConvergenceError,
    DuctMode,
    Jet,
    ModeMixture,
    UniformFlow,
    cut_on_helmholtz,
    fields_at,
    near_field,
    near_fields,
    solve,
    sweep,
    sweeps,
)
from analytic.contour import ARMS
from analytic.layout import Grid
from analytic.media import jet as jet_medium
from analytic.media.uniform import UniformTransform

ANGLES = np.radians(np.linspace(0, 180, 37))


@pytest.mark.parametrize("hub", [0.0, 0.4])
def test_a_sweep_is_its_single_solutions(hub):
    rng = np.random.default_rng(5)
    count = 150
    m, n = rng.integers(-6, 7, count), rng.integers(0, 4, count)
    helmholtz, mach = rng.uniform(0.1, 25, count), rng.uniform(-0.6, 0.6, count)
    m[:3], n[:3] = 0, 0  # plane waves
    helmholtz[5] = cut_on_helmholtz(m[5], n[5], mach[5], hub=hub) + 1e-4 if m[5] or n[5] else 1.0
    result = sweep(m, n, helmholtz, ANGLES, mach=mach, hub=hub)
    for case in range(count):
        single = solve(DuctMode(int(m[case]), int(n[case]), float(helmholtz[case]), float(mach[case]), hub))
        bound = 1e-11 + 2 * result.error_estimate[case]
        assert abs(result.reflection[case] / single.reflection[n[case]] - 1) < bound
        expected = single.directivity(ANGLES)
        assert np.max(np.abs(result.directivity[case] - expected)) < bound * np.max(np.abs(expected))


def test_bad_cases_are_named():
    for arguments, options, name in (
        ((0, 0, -1.0, ANGLES), {}, "helmholtz"),
        ((0, -1, 1.0, ANGLES), {}, "n=-1"),
        ((0, 0, 1.0, [4.0]), {}, "theta"),
        ((0, 0, 1.0, ANGLES), {"mach": 1.0}, "mach=1"),
        ((0, 0, 1.0, ANGLES), {"hub": -0.1}, "hub"),
    ):
        with pytest.raises(ValueError, match=name):
            sweep(*arguments, **options)
    cut_on = cut_on_helmholtz(2, 0)
    with pytest.raises(ConvergenceError, match="m=2, n=0"):
        sweep(2, 0, [3.0, cut_on * (1 + 1e-12)], ANGLES)


QUANTITIES = ("potential", "axial_velocity", "radial_velocity", "pressure")


@pytest.mark.parametrize("together", [1, 3, 16])
def test_near_fields_are_those_of_single_solutions(together, monkeypatch):
    monkeypatch.setattr("analytic.sweeps._DUCTS", together)
    rng = np.random.default_rng(6)
    sources = [
        DuctMode(int(m), int(n), float(ka), float(mach), hub)
        for m, n, hub in ((0, 0, 0.0), (0, 1, 0.0), (-3, 0, 0.0), (3, 1, 0.0), (2, 0, 0.4), (12, 0, 0.0), (0, 0, 0.4))
        for ka, mach in zip(10 ** rng.uniform(-0.5, 1.5, 4), rng.uniform(-0.6, 0.6, 4), strict=True)
    ]
    sources += [ModeMixture(3, [1.0, 0.5j, -2.0], 12.0, 0.2), DuctMode(3, 0, 60.0)]
    x, r = np.array([1.5, -2.0, -0.3, 0.3, 0.02]), np.array([1.7, 0.45, 1.0, 0.9])
    found = near_fields(sources, x, r)
    for source, field in zip(sources, found, strict=True):
        solution = solve(source)
        single = solution.field(x, r)
        larger = max(solution.error_estimate, single.error_estimate)
        assert field.error_estimate == pytest.approx(larger, rel=1e-3, abs=0)
        for name in QUANTITIES:
            expected = getattr(single, name)
            assert np.linalg.norm(getattr(field, name) - expected) < 1e-10 * np.linalg.norm(expected)


FAR = [  # little of what is far from the wall, or of a high order, can be left out
    (DuctMode(4, 0, 57.65), np.full(12, 0.17), np.linspace(1.1, 262.8, 12)),
    (DuctMode(4, 0, 57.65), np.full(12, 0.17), np.linspace(1.1, 35.0, 12)),
    (DuctMode(1, 0, 35.16), np.full(6, -0.196), np.array([31.302, 32.542, 1.038, 3.134, 1.299, 1.494])),
    (DuctMode(27, 0, 0.00227, hub=0.698), np.array([-2.23]), np.array([10.936])),
    (DuctMode(20, 0, 0.05), np.array([0.01]), np.array([30.0])),
    (DuctMode(39, 2, 3.434), np.array([-0.252]), np.array([5.92])),
]


@pytest.mark.parametrize("tolerance", [1e-2, 1e-3, 1e-6])
@pytest.mark.parametrize("case", FAR, ids=str)
def test_fields_far_from_the_wall(case, tolerance):
    source, x, r = case
    exact, found = (solve(source, tolerance=limit).at(x, r) for limit in (5e-8, tolerance))
    error = np.linalg.norm(found.potential - exact.potential) / np.linalg.norm(exact.potential)
    assert error <= found.error_estimate + exact.error_estimate


def test_an_overflow_is_raised():
    with pytest.raises(ConvergenceError, match="inf"):
        solve(DuctMode(4, 0, 0.0039)).field([-600.0], [0.5])


def test_high_frequencies_next_to_the_lip():
    sources = [DuctMode(0, 0, 3.0), DuctMode(26, 0, 426.18)]
    for field in near_fields(sources, [-1.2e-7, 1.2e-7], [0.3, 0.9, 1.2]):
        assert field.error_estimate < 1e-6


def test_near_fields_of_nothing_and_of_bad_sources():
    assert near_fields([], [0.5], [0.5]) == []
    with pytest.raises(TypeError, match="str"):
        near_fields([DuctMode(0, 0, 1.0), "plane wave"], [0.5], [0.5])
    with pytest.raises(ValueError, match=r"0\.3"):
        near_fields([DuctMode(0, 0, 1.0, hub=0.3)], [0.5], [0.2])
    with pytest.raises(ConvergenceError, match=r"DuctMode\(m=2, n=0, helmholtz=3\.0542"):
        near_fields([DuctMode(2, 0, 9.0), DuctMode(2, 0, cut_on_helmholtz(2, 0) * (1 + 1e-12))], [0.5], [0.5])
    with pytest.raises(ValueError, match="tolerance"):
        near_fields([DuctMode(0, 0, 1.0)], [0.5], [0.5], tolerance=0)
    with pytest.raises(ConvergenceError, match=r"helmholtz=4\.0"):  # beyond double precision
        near_fields([DuctMode(2, 0, 4.0)], [0.5], [0.5], tolerance=1e-15)


@pytest.mark.parametrize("x", [np.linspace(-2, 2, 40), np.linspace(0.1, 3, 7), -np.logspace(-3, 0.3, 20)])
@pytest.mark.parametrize("r", [np.linspace(0, 2, 21), np.array([0.5]), np.linspace(1.1, 3, 5)[::-1]])
@pytest.mark.parametrize("mach", [0.0, -0.4])
def test_a_grid_is_its_points(x, r, mach):
    """Even spacing, mirror images and decreasing radii are short cuts of grids alone."""
    solution = solve(DuctMode(1, 0, 7.0, mach), tolerance=1e-8)
    grid, points = solution.field(x, r), solution.at(x[:, None], r)
    for name in QUANTITIES:
        a, b = getattr(grid, name), getattr(points, name)
        assert np.linalg.norm(a - b) < 2e-8 * np.linalg.norm(b)


@pytest.mark.parametrize("tolerance", [1e3, 1e-2, 1e-4, 1e-6, 1e-8, 1e-9])
def test_errors_are_below_their_estimates_and_the_tolerance(tolerance):
    sources = [DuctMode(m, n, ka, mach) for m, n, ka, mach in ((0, 0, 3.0, 0.3), (2, 1, 14.0, 0.0), (5, 0, 9.0, -0.5))]
    x, r = np.linspace(-1.9, 2, 24), np.linspace(0.03, 2, 16)
    exact = near_fields(sources, x, r, tolerance=1e-10)
    for field, reference in zip(near_fields(sources, x, r, tolerance=tolerance), exact, strict=True):
        assert field.error_estimate <= tolerance
        for name in QUANTITIES:
            expected = getattr(reference, name)
            assert np.linalg.norm(getattr(field, name) - expected) <= field.error_estimate * np.linalg.norm(expected)


def jets(count, seed=7):
    """Arrays of parameters of jets, in which some share a duct and a jet, and n and the Kutta parameter differ."""
    rng = np.random.default_rng(seed)
    ducts = [
        (-1, 5.0, 0.3, 0.0, 0.1, 0.9, 1.2),
        (1, 5.0, 0.3, 0.0, 0.1, 0.9, 1.2),
        (0, 3.0, 0.8, 0.0, 0.0, 0.7, 1.0),  # the instability is alone
        (2, 9.0, 0.5, 0.4, 0.2, 1.0, 1.0),
    ]
    chosen = np.array(ducts)[np.arange(count) % len(ducts)]
    m, helmholtz, mach, hub, mach_outer, speed, density = chosen.T
    kutta = np.where(np.arange(count) % 3 == 0, 1.0, rng.uniform(0, 1, count))
    outer = {"mach_outer": mach_outer, "sound_speed_ratio": speed, "density_ratio": density, "kutta": kutta}
    return m.astype(int), rng.integers(0, 3, count), helmholtz, mach, hub, outer


def test_a_sweep_of_jets_is_its_single_solutions():
    m, n, helmholtz, mach, hub, outer = jets(12)
    result = sweep(m, n, helmholtz, ANGLES, mach=mach, hub=hub, **outer)
    assert np.all(result.valid)
    for case in range(len(m)):
        jet = Jet(**{name: float(value[case]) for name, value in outer.items()})
        mode = DuctMode(m[case], n[case], helmholtz[case], mach[case], hub[case])
        single = solve(mode, jet=jet)
        bound = result.error_estimate[case]
        assert 1e-15 < bound < 1e-9
        assert abs(result.reflection[case] / single.reflection[n[case]] - 1) < bound
        expected = single.directivity(ANGLES)
        assert np.max(np.abs(result.directivity[case] - expected)) < bound * np.max(np.abs(expected))
        assert result.error_estimate[case] >= single.error_estimate


def test_cases_that_share_a_jet_share_its_factorisation(monkeypatch):
    calls = []
    exact = jet_medium.JetTransform.__init__
    monkeypatch.setattr(
        jet_medium.JetTransform, "__init__", lambda self, *given: calls.append(given[0].m) or exact(self, *given)
    )
    sweep([1, -1, 1, 0], [0, 1, 2, 0], 5.0, ANGLES, mach=0.3, kutta=[0.0, 0.5, 1.0, 1.0])
    assert sorted(calls) == [0, 1]
    calls.clear()
    near_fields([DuctMode(m, n, 5.0, 0.3) for m, n in ((1, 0), (0, 0), (1, 1))], [0.5], [0.5], medium=Jet())
    assert sorted(calls) == [0, 1]


def test_parameters_of_a_jet_default_to_those_of_jet():
    found = sweep(0, [0, 1], 5.0, ANGLES, mach=0.3, sound_speed_ratio=0.9)
    single = solve(DuctMode(0, 1, 5.0, 0.3), jet=Jet(sound_speed_ratio=0.9))
    np.testing.assert_allclose(found.directivity[1], single.directivity(ANGLES), rtol=1e-11)


def test_near_fields_with_jets_are_those_of_single_solutions():
    modes = [DuctMode(1, 0, 5.0, 0.3), DuctMode(0, 0, 3.0, 0.4), DuctMode(-1, 1, 5.0, 0.3), DuctMode(1, 0, 5.0, 0.3)]
    modes += [ModeMixture(1, [0.5, 1j], 5.0, 0.3), DuctMode(1, 0, 4.0, -0.2)]
    media = [
        Jet(0.1),
        Jet(kutta=0.5, instability=False),
        Jet(0.1),
        Jet(0.1, instability=False),
        Jet(0.1),
        UniformFlow(),
    ]
    x, r = np.array([-0.8, 0.4, 0.9]), np.array([0.3, 1.0, 1.5])
    for mode, medium, field in zip(modes, media, near_fields(modes, x, r, medium=media), strict=True):
        single = solve(mode, medium=medium).field(x, r)
        assert field.valid
        for name in QUANTITIES:
            expected = getattr(single, name)
            limit = (field.error_estimate + single.error_estimate) * np.linalg.norm(expected)
            assert np.linalg.norm(getattr(field, name) - expected) <= limit


def test_one_failing_case_costs_only_itself():
    cut_on = cut_on_helmholtz(2, 0) * (1 + 1e-12)
    helmholtz = [3.0, cut_on, 9.0, 4.0]
    found = sweep(2, 0, helmholtz, ANGLES, errors="record")
    assert found.valid.tolist() == [True, False, True, True]
    assert [bool(reason) for reason in found.reasons] == [False, True, False, False]
    assert "above 1.0e-06" in found.reasons[1]
    assert found.reflection[1] == 0
    assert not np.any(found.directivity[1])
    assert found.error_estimate[1] == np.inf
    expected = sweep(2, 0, [3.0, 9.0, 4.0], ANGLES)
    np.testing.assert_allclose(found.directivity[found.valid], expected.directivity, rtol=1e-12)
    np.testing.assert_allclose(found.reflection[found.valid], expected.reflection, rtol=1e-12)
    fields = near_fields([DuctMode(2, 0, ka) for ka in helmholtz], [-0.5, 0.5], [0.5], errors="record")
    assert [field.valid for field in fields] == [True, False, True, True]
    assert "helmholtz=3.054" in fields[1].reason
    assert fields[1].error_estimate == np.inf
    for name in QUANTITIES:
        np.testing.assert_array_equal(getattr(fields[1], name), np.zeros((2, 1)))
    for field, ka in zip(fields, helmholtz, strict=True):
        if field.valid:
            single = solve(DuctMode(2, 0, ka)).field([-0.5, 0.5], [0.5])
            np.testing.assert_allclose(field.pressure, single.pressure, rtol=1e-6)


def test_a_jet_whose_factorisation_fails_is_recorded(monkeypatch):
    exact = jet_medium.JetTransform.__init__

    def fails(self, source, medium):
        if source.m == 1:
            raise ConvergenceError("lines differ")
        exact(self, source, medium)

    monkeypatch.setattr(jet_medium.JetTransform, "__init__", fails)
    m = [0, 1, 1]
    found = sweep(m, 0, 3.0, ANGLES, mach=0.3, kutta=[1.0, 1.0, 0.0], errors="record")
    assert found.valid.tolist() == [True, False, False]
    assert found.reasons == ("", "lines differ", "lines differ")
    modes = [DuctMode(order, 0, 3.0, 0.3) for order in m]
    fields = near_fields(modes, [0.5], [0.5], medium=Jet(), errors="record")
    assert [field.reason for field in fields] == ["", "lines differ", "lines differ"]
    with pytest.raises(ConvergenceError, match=r"lines differ, for m=1, n=0, helmholtz=3\.0, .*kutta=1\.0"):
        sweep(m, 0, 3.0, ANGLES, mach=0.3, kutta=1.0)


def test_a_part_that_fails_is_halved():
    seen = []

    def work(part):
        seen.append(part)
        if 2 in part:
            raise ConvergenceError("two")

    failed = []
    sweeps._attempt([0, 1, 2, 3], work, lambda part, reason: failed.append((part, reason)))
    assert failed == [([2], "two")]
    assert [0, 1] in seen
    assert [3] in seen


def test_bad_input_is_raised_whether_or_not_errors_are_recorded():
    mode = DuctMode(0, 0, 3.0, 0.3)
    for call, name in (
        (lambda: sweep(0, 0, 1.0, ANGLES, errors="ignore"), "'raise' or 'record', got 'ignore'"),
        (lambda: near_fields([mode], [0.5], [0.5], errors="ignore"), "'raise' or 'record', got 'ignore'"),
        (lambda: sweep(0, 0, 1.0, ANGLES, mach=[0.3, -0.2], kutta=1.0, errors="record"), r"mach > 0, got mach=-0\.2"),
        (lambda: sweep(0, 0, 1.0, ANGLES, mach=0.3, kutta=[1.0, 2.0], errors="record"), r"kutta=2\.0"),
        (lambda: sweep([[0]], 0, 1.0, ANGLES), r"one-dimensional, got shape \(1, 1\)"),
        (lambda: near_fields([mode], [0.5], [0.5], medium=[Jet(), Jet()]), "1 sources, got 2"),
        (lambda: near_fields([DuctMode(0, 0, 3.0)], [0.5], [0.5], medium=Jet(), errors="record"), "mach > 0"),
    ):
        with pytest.raises(ValueError, match=name):
            call()
    with pytest.raises(TypeError, match="Jet, UniformFlow, got str"):
        near_fields([mode], [0.5], [0.5], medium=["jet"])


def test_bad_input_is_raised_before_work_begins(monkeypatch):
    monkeypatch.setattr(sweeps.jet_sweep, "solve", lambda *given: pytest.fail("work began"))
    with pytest.raises(ValueError, match=r"kutta=2\.0"):
        sweep(0, [0, 0, 0], 1.0, ANGLES, mach=0.3, kutta=[1.0, 1.0, 2.0])
    with pytest.raises(ValueError, match=r"mach > 0, got mach=-0\.3"):
        sweep(0, 0, 1.0, ANGLES, mach=[0.3, -0.3], kutta=1.0)


def test_an_estimate_that_is_not_a_number_is_recorded(monkeypatch):
    exact = sweeps.uniform_sweep.solve

    def spoilt(cases, theta):
        reflection, far, error = exact(cases, theta)
        error[0] = far[0, 0] = np.nan
        return reflection, far, error

    monkeypatch.setattr(sweeps.uniform_sweep, "solve", spoilt)
    found = sweep(0, 0, [1.0, 2.0], ANGLES, errors="record")
    assert found.valid.tolist() == [False, True]
    assert np.all(np.isfinite(found.directivity))
    assert found.reasons[0] == "the error estimate inf is above 1.0e-06"
    with pytest.raises(ConvergenceError, match=r"estimate inf .*helmholtz=1\.0"):
        sweep(0, 0, [1.0, 2.0], ANGLES)


def test_a_path_keeps_clear_of_the_poles_of_every_source():
    one, other = SimpleNamespace(), SimpleNamespace()
    for transform, poles in ((one, [5.0]), (other, np.add.outer(np.linspace(0.1, 1.6, 501), 0.05j * np.arange(-6, 7)))):
        vars(transform).update(k=3.0, scale=1.0, arms=ARMS, poles=np.ravel(poles) + 0j, described="a barrier")
    with pytest.raises(ConvergenceError, match=r"no path keeps clear of the poles .* a barrier"):
        near_field._sums([[one, other]], np.array([1.0]), np.array([0.5]), 0.5, Grid, [(10.0, 7.0)])


@pytest.mark.parametrize("of_factorisation", [3e-7, 1e-20])
def test_a_fields_error_is_the_larger_one_of_field_and_factorisation(of_factorisation, monkeypatch):
    source, x, r = DuctMode(1, 0, 5.0), np.array([-0.5, 2.0]), np.array([0.5, 1.5])
    own = solve(source).field(x, r).error_estimate, solve(source).at(x, r).error_estimate
    monkeypatch.setattr(UniformTransform, "error_estimate", property(lambda self: of_factorisation))
    for fields, of_field in zip((near_fields([source], x, r), fields_at([source], x, r)), own, strict=True):
        assert 1e-20 < of_field < 3e-7
        assert fields[0].error_estimate == pytest.approx(max(of_factorisation, of_field), rel=1e-3, abs=0)
