"""Error estimates: every term of them, where it is the one that counts; and what is raised when they are too large."""

import dataclasses
import math
from types import SimpleNamespace

import numpy as np
import pytest

from analytic import (
    ConvergenceError,
    DuctMode,
    Jet,
    ModeMixture,
    MultiMode,
    contour,
    cut_on_helmholtz,
    factorisation,
    multimode,
    near_field,
    plus_factor,
    power,
    sheet_factors,
    sheet_line,
    solution,
    solve,
    sweep,
)
from analytic.errors import check_estimate
from analytic.factorisation import Factorisation
from analytic.layout import Points
from analytic.near_field import QUANTITIES, Field, superpose
from analytic.section import Section
from analytic.wavenumbers import radial_wavenumber
from analytic.waves import Factor, Waves

ANGLES = np.radians([10.0, 40.0, 75.0, 110.0, 150.0])
ROUNDING = 1e-13  # of what the coarse rules are compared with
COARSE = (0.45, 0.6, 0.8)  # steps whose error is far above rounding


@pytest.mark.parametrize(("m", "n", "helmholtz", "mach"), [(0, 0, 2.0, 0.0), (3, 1, 12.0, 0.4)])
def test_the_factorisations_error_is_in_the_estimate(m, n, helmholtz, mach, monkeypatch):
    exact = solve(DuctMode(m, n, helmholtz, mach)).reflection
    seen = []
    for step in COARSE:
        monkeypatch.setattr(factorisation, "STEP", step)
        coarse = solve(DuctMode(m, n, helmholtz, mach), tolerance=1e9)
        error = np.max(np.abs(coarse.reflection / exact - 1))
        assert error <= coarse.error_estimate
        seen.append(error)
    assert max(seen) > 1e4 * ROUNDING


def test_both_factors_of_a_directivity_are_in_the_sweeps_estimate(monkeypatch):
    rng = np.random.default_rng(3)
    count = 60
    m, helmholtz = rng.integers(0, 8, count), rng.uniform(0.3, 20, count)
    helmholtz = np.maximum(helmholtz, [cut_on_helmholtz(int(one), 0) + 0.1 for one in m])
    exact = sweep(m, 0, helmholtz, ANGLES)
    angles, modes = [], []
    for step in COARSE:
        monkeypatch.setattr(factorisation, "STEP", step)
        coarse = sweep(m, 0, helmholtz, ANGLES, tolerance=1e9)
        error = np.max(np.abs(coarse.directivity / exact.directivity - 1), axis=1)
        assert np.all(error <= coarse.error_estimate)
        assert np.all(np.abs(coarse.reflection / exact.reflection - 1) <= coarse.error_estimate)
        angles.append(np.max(error))
        modes.append(np.max(np.abs(coarse.reflection / exact.reflection - 1)))
    assert min(max(angles), max(modes)) > 1e4 * ROUNDING


@pytest.mark.parametrize("jet", [None, Jet(0.1)], ids=["uniform", "jet"])
def test_digits_lost_beside_cut_on_are_in_the_estimate(jet):
    """A ka that differs in its last digit is as good a parameter: the reflection into the mode differs by the loss."""
    helmholtz = cut_on_helmholtz(0, 1, 0.3) * (1 + 1e-7)
    near = helmholtz + 8 * np.spacing(helmholtz)
    here, beside = (solve(DuctMode(0, 0, ka, 0.3), jet=jet) for ka in (helmholtz, near))
    change = abs(beside.reflection[1] / here.reflection[1] - 1)
    assert 1e-12 < change < here.error_estimate < 1e-6
    # d ln sqrt(ka^2 - cut_on^2) / d ln ka = 1 / 2e-7, which ka's own rounding is multiplied by.
    assert here.error_estimate > np.finfo(float).eps / 2e-7


def test_an_estimate_that_is_not_a_number_is_refused():
    check_estimate(1e-6, 1e-6, "it", "something")
    for error in (1.1e-6, math.nan, math.inf):
        with pytest.raises(ConvergenceError, match=r"of it, .* is above 1\.0e-06 for something"):
            check_estimate(error, 1e-6, "it", "something")


JETS = [(DuctMode(0, 0, 2.0, 0.4), Jet()), (DuctMode(3, 0, 9.0, 0.3), Jet(0.2, 0.8, 1.5))]


@pytest.mark.parametrize(("mode", "jet"), JETS, ids=["plane wave", "m = 3"])
def test_the_two_lines_of_a_jet_are_the_estimate(mode, jet, monkeypatch):
    exact = solve(mode, jet=jet)
    monkeypatch.setattr(sheet_factors, "_AGREEMENT", np.inf)
    seen = []
    for step in (0.3, 0.35, 0.4):
        monkeypatch.setattr(sheet_factors, "STEP", step)
        sheet_factors.factorise.cache_clear()
        coarse = solve(mode, jet=jet, tolerance=1e9)
        error = np.abs(coarse.reflection / exact.reflection - 1)[np.abs(exact.reflection) > 1e-3]
        assert np.max(error) <= coarse.error_estimate
        value, estimate = coarse.transform.directivity(ANGLES)
        gap = np.abs(value / exact.directivity(ANGLES) - 1)
        assert np.all(gap <= estimate + coarse.error_estimate)  # eta's own denominator, and that of the source's mode
        seen.append(min(np.max(error), np.max(gap)))
    sheet_factors.factorise.cache_clear()
    assert max(seen) > 1e3 * ROUNDING


@pytest.mark.parametrize("name", ["plus", "minus"])
def test_each_factor_of_a_jet_is_in_its_estimate(name, monkeypatch):
    """K_minus at the source and K_plus at the reflected modes: either may be the one that is wrong."""
    mode, jet = JETS[0]
    kind, exact = type(solve(mode, jet=jet).transform), getattr(sheet_factors.SheetFactors, name)
    monkeypatch.setattr(
        sheet_factors.SheetFactors, name, lambda self, s: (exact(self, s)[0], np.full(np.shape(s), 1e-3))
    )
    assert 1e-3 <= kind(mode, jet).factor_error < 1.1e-3  # with the factors kept from above


def test_lines_that_disagree_are_raised(monkeypatch):
    monkeypatch.setattr(sheet_factors, "_AGREEMENT", 1e-20)
    sheet_factors.factorise.cache_clear()
    with pytest.raises(ConvergenceError, match=r"two factorisation lines differ by .* \(and on 3 other ways\)"):
        solve(*JETS[0][:1], jet=JETS[0][1])


def test_a_line_around_the_origin_is_refused():
    turn = np.exp(1j * np.linspace(0, 2 * np.pi, 200))
    back = np.concatenate([turn[:100], turn[99::-1]])
    (_, _, log), reasons = sheet_line.unwrap(np.array([turn, np.repeat(turn[::60], 50), back]))
    assert "winding number on the factorisation line is -1.00, not 0" in reasons[0]
    assert "phase jumps" in reasons[1]
    assert reasons[2] == ""
    np.testing.assert_allclose(np.exp(log), back, rtol=1e-13)


def test_an_unknown_mode_of_a_jet_is_raised(monkeypatch):
    """The path sweeps over this jet's modes; without one of them the field would lack its wave."""
    solution = solve(DuctMode(0, 1, 12.0, 0.9), jet=Jet(), tolerance=1e-5)
    solution.field([0.5], [0.5])
    factors = solution.transform.factors
    swept = np.argmin(np.abs(factors.downstream - (8.739 - 1.742j)))
    monkeypatch.setattr(factors, "downstream", np.delete(factors.downstream, swept))
    with pytest.raises(ConvergenceError, match=r"modes of the jet .* are not known, for DuctMode.* with Jet"):
        solution.field([0.5], [0.5])


def test_a_directivity_and_a_power_above_the_tolerance_are_raised(monkeypatch):
    for jet in (None, Jet()):
        solution = solve(DuctMode(1, 0, 4.0, 0.3), jet=jet)
        solution.tolerance = 1e-17
        with pytest.raises(ConvergenceError, match="of the directivity, "):
            solution.directivity(1.0)
        many = solve(MultiMode([DuctMode(1, 0, 4.0, 0.3)], [1.0]), jet=jet)
        many.groups[0].tolerance = 1e-17
        with pytest.raises(ConvergenceError, match="of the directivity, "):
            many.mean_square([1.0])
    monkeypatch.setattr(power, "_STEP", 3.0)
    with pytest.raises(ConvergenceError, match=r"the radiated power of DuctMode.* did not converge"):
        _ = solve(DuctMode(1, 0, 4.0, 0.3)).power


def test_powers_that_do_not_balance_are_raised(monkeypatch):
    mode = DuctMode(0, 0, 1.0, 0.8)
    cases = [solve(mode, jet=Jet(0.0, 0.7)), solve(mode)]
    many = solve(MultiMode([mode], [1.0]), jet=Jet(0.0, 0.7))
    for off, raised in ((0.9e-6, False), (1.1e-6, True)):
        for case in cases:
            lobes, radiated, vortical, error = case.transform.flows()
            scale = case.transform.flux[0]
            monkeypatch.setattr(
                type(case.transform),
                "flows",
                lambda self, flows=(lobes, radiated, vortical + off * scale, error): flows,
            )
            case.__dict__.pop("power", None)
            if raised:
                with pytest.raises(ConvergenceError, match=r"do not balance for DuctMode.*1\.1e-06 is above 1\.0e-06"):
                    _ = case.power
            else:
                assert abs(abs(case.power.residual) - off) < 1e-9
            monkeypatch.undo()
    monkeypatch.setattr(multimode, "balance", lambda *_: power.Power(1.0, 0.1, 0.0, 0.8, 0.1 - 2e-6, 0.0))
    with pytest.raises(ConvergenceError, match=r"do not balance for a MultiMode of 1 parts, the first DuctMode"):
        _ = many.power


def test_errors_of_every_power_are_in_the_estimate(monkeypatch):
    """Each error in turn is as large as its power, and the estimate over the tolerance."""
    mode = DuctMode(0, 0, 1.0, 0.3)
    for jet in (None, Jet()):
        for name in ("error_estimate", "directivities", "flows"):
            transform = solve(mode, jet=jet, tolerance=1e-8).transform
            kind = type(transform)
            exact = getattr(kind, name)
            poor = {
                "error_estimate": property(lambda self: 1e-5),
                "directivities": lambda family, theta, exact=exact: (
                    exact(family, theta)[0],
                    np.full(theta.shape, 1e-5),
                ),
                "flows": lambda self, exact=exact: (*exact(self)[:3], 1e-5),
            }
            with monkeypatch.context() as context:
                context.setattr(kind, name, poor[name])
                with pytest.raises(ConvergenceError, match=r"of the powers, .*e-0[56], is above"):
                    power.balance([transform], [1.0], 1e-8)


def test_what_lies_beyond_the_ends_of_a_path_is_in_the_estimate(monkeypatch):
    """With a margin below zero the arms end where waves have not decayed: most in the velocities, next to the lip."""
    x, r = np.array([-0.05, 0.05]), np.array([0.95, 1.05])
    exact = solve(DuctMode(1, 0, 4.0, 0.2), tolerance=1e-8).field(x, r)
    monkeypatch.setattr(contour, "_MARGIN", -5.0)
    solution = solve(DuctMode(1, 0, 4.0, 0.2), tolerance=10.0)
    field = solution.field(x, r)
    errors = [np.linalg.norm(getattr(field, name) - getattr(exact, name)) for name in QUANTITIES]
    sizes = [np.linalg.norm(getattr(exact, name)) for name in QUANTITIES]
    worst = max(error / size for error, size in zip(errors, sizes, strict=True))
    assert 1e-3 < worst < field.error_estimate


def test_a_path_too_close_to_poles_is_raised():
    aim = {"extent": 2.0, "nearest": 0.01, "exponent": 10.0, "growth": 7.0}
    assert len(contour.contour(3.0, [5.0], **aim).s) > 10
    barrier = np.add.outer(np.linspace(0.1, 1.6, 1001), 0.05j * np.arange(-6, 7))  # across every crossing of the axis
    with pytest.raises(ConvergenceError, match=r"no path keeps clear of the poles at K = 3\.0"):
        contour.contour(3.0, barrier.ravel(), **aim)


def fields_with_errors(rng, count, sizes, estimates):
    """Exact fields of orders, and fields whose error estimates are exactly met."""
    exact, found = [], []
    for size, estimate in zip(sizes, estimates, strict=True):
        values = {name: size * np.exp(2j * np.pi * rng.random((count, 1))) for name in QUANTITIES}
        exact.append(Field(np.zeros(count), np.zeros(1), **values, error_estimate=0.0))
        wrong = {name: value * (1 + estimate) for name, value in values.items()}
        found.append(Field(np.zeros(count), np.zeros(1), **wrong, error_estimate=estimate))
    return exact, found


def test_errors_of_orders_add_up_in_a_mixture():
    rng = np.random.default_rng(1)
    exact, found = fields_with_errors(rng, 400, (1.0, 3.0), (1e-3, 1e-5))
    for row in ([1.0, 0.0], [0.0, -2.0], [1j, 0.5]):
        amplitudes = np.array([row])
        (mixture,), (reference,) = superpose(found, amplitudes), superpose(exact, amplitudes)
        for name in QUANTITIES:
            error = np.linalg.norm(getattr(mixture, name) - getattr(reference, name))
            assert error <= 1.01 * mixture.error_estimate * np.linalg.norm(getattr(mixture, name))
        if 0.0 in row:  # one order: its own estimate
            assert mixture.error_estimate == pytest.approx(found[row.index(0.0) ^ 1].error_estimate, rel=0.01, abs=0)
    # Orders that cancel: the mixture is small, its error is not.
    twin = [found[0], Field(**{**vars(exact[0]), "error_estimate": 1e-3})]
    (rest,) = superpose(twin, np.array([[1.0, -1.0]]))
    assert rest.error_estimate > 1.0


@pytest.mark.parametrize(("mach", "shift"), [(0.3, 0.0), (-0.3, -0.7), (0.3, 0.9), (0.0, 0.9)])
@pytest.mark.parametrize("density", [1.0, 2.5])
def test_pressures_that_cancel_have_the_errors_of_both_terms(mach, shift, density):
    """One wave of a known error, and i ka psi and M u that cancel but for a hundredth: errors do not."""
    k, error, slope = 2.0, 1e-4, 0.7
    s = (-0.99 * k / mach if mach else 1.0) - shift
    radial = Factor(np.array([1.0, slope, -1j * s]).reshape(3, 1, 1) + 0j)
    wave = Waves(np.array([s + 0j]), radial, np.ones(1, complex), np.array([error]))
    transform = SimpleNamespace(shift=shift, scale=1.0, fluid=lambda inside: (density, k, mach))
    points = np.array([0.5]), np.array([1.5])
    layout = Points(*points, [np.zeros(1, complex)])
    found = near_field._assemble(*points, layout, 0, transform, SimpleNamespace(waves=lambda r, downstream: [wave]))
    psi_error, u_error = error, error * (abs(s) + abs(shift))
    velocity, pressure = math.hypot(s + shift, slope), density * (k + mach * (s + shift))
    assert abs(found.pressure[0]) == pytest.approx(abs(pressure))
    each = (
        psi_error,
        math.hypot(u_error, slope * error) / velocity,
        density * (k * psi_error + abs(mach) * u_error) / abs(pressure),
    )
    assert found.error_estimate == pytest.approx(max(each), rel=1e-12, abs=0)


@pytest.mark.parametrize("jet", [None, Jet(0.1, instability=False)], ids=["uniform", "jet"])
def test_digits_lost_beside_cut_on_are_in_the_estimate_of_a_field(jet, monkeypatch):
    """In the duct, where the mode itself is most of the field, and outside, where the integral is all of it."""
    monkeypatch.setattr(near_field, "_SAFETY", 1e9)  # the quadrature's error is far below
    solution = solve(DuctMode(0, 1, cut_on_helmholtz(0, 1, 0.3) * (1 + 1e-7), 0.3), jet=jet, tolerance=1e9)
    lost = 2 * np.finfo(float).eps / 1e-7  # k and alpha are rounded to eps each, and differ by 1e-7 k
    assert 0.98 * lost < solution.error_estimate < 1.2 * lost  # with a jet the lines add a tenth
    for x, r in ((-6.0, 0.2), (-0.3, 1.3), (0.4, 1.2)):
        assert solution.at(x, r).error_estimate >= 0.99 * lost


def test_the_factors_errors_are_in_the_estimate_of_a_field(monkeypatch):
    x, r = np.array([-0.4, 0.3]), np.array([0.5, 1.3])
    exact = solve(DuctMode(1, 0, 4.0, 0.2), tolerance=1e-9).field(x, r)
    monkeypatch.setattr(near_field, "_SAFETY", 1e9)  # the quadrature's error is far below
    seen = []
    for step in COARSE:
        monkeypatch.setattr(factorisation, "STEP", step)
        coarse = solve(DuctMode(1, 0, 4.0, 0.2), tolerance=1e9).field(x, r)
        for name in ("potential", "pressure"):
            value = getattr(exact, name)
            error = np.linalg.norm(getattr(coarse, name) - value) / np.linalg.norm(value)
            assert error <= coarse.error_estimate + 1e-9
            seen.append(error)
    assert max(seen) > 1e-6


def test_every_estimate_of_a_mixture_and_of_an_angle_must_meet_the_tolerance(monkeypatch):
    one = solve(ModeMixture(1, [1.0, 1.0], 9.0))
    monkeypatch.setattr(solution, "superpose", lambda orders, _: [dataclasses.replace(orders[0], error_estimate=2e-6)])
    with pytest.raises(ConvergenceError, match=r"of a field, 2\.0e-06"):
        one.fields([[1.0, 1.0]], [0.5], [0.5])
    monkeypatch.setattr(one.transform, "directivity", lambda theta: (theta + 0j, np.array([0.0, 0.0, 2.9e-6])))
    with pytest.raises(ConvergenceError, match=r"of the directivity, 2\.9e-06"):
        one.directivity([0.1, 0.2, 0.3])
    one.tolerance = 1e-17
    with pytest.raises(ConvergenceError, match=r"of the factorisation, "):
        one.fields([[1.0, 1.0]], [0.5], [0.5])


def test_a_displacement_at_a_pole_of_the_source_has_an_error_too():
    """It comes from a circle around the pole; the two lines of integration differ there as they do beside it."""
    transform = solve(DuctMode(0, 0, 2.0, 0.4), jet=Jet()).transform
    pole = transform.down[:1]
    (value, error), (near, beside) = (transform.displacement(pole + step) for step in (0.0, 2e-3))
    assert np.finfo(float).eps < error[0] < 1e-10
    assert error[0] > 0.1 * beside[0]
    assert abs(value[0] / near[0] - 1) < 0.1


def test_the_estimate_of_incoherent_sources_is_that_of_squares():
    modes = [DuctMode(0, 0, 4.0), DuctMode(2, 0, 4.0)]
    singles = [solve(mode).error_estimate for mode in modes]
    assert solve(MultiMode(modes, [1.0, 1.0])).error_estimate == pytest.approx(2 * max(singles), rel=0.5, abs=0)
    assert solve(MultiMode(modes, [1.0, 1.0])).error_estimate >= 2 * max(singles)


@pytest.mark.parametrize("m", [0, 3, 20])
def test_plus_factor_on_both_sides_of_the_lip(m):
    """Upstream it is the integral, downstream F over it; `log_plus` finds either by itself."""
    k, theta = np.array([0.5, 12.0]), np.linspace(0.05, 3.1, 30)
    value, error = plus_factor(m, k, theta)
    for row, estimate, one in zip(value, error, k, strict=True):
        s = -one * np.cos(theta) + 0j
        direct, floor = Factorisation(Section(m), one).log_plus(s)
        assert np.all(np.abs(row / np.exp(direct) - 1) <= estimate + floor + 1e-13)
        other = plus_factor(-m, one, np.pi - theta)[0][0]
        kernel = Section(m).kernel(radial_wavenumber(s, one))
        np.testing.assert_allclose(row * other, kernel, rtol=1e-11)
    for helmholtz, angle, name in ((0.0, 1.0, "helmholtz"), (1.0, 0.0, "theta"), (1.0, math.pi, "theta")):
        with pytest.raises(ValueError, match=name):
            plus_factor(m, helmholtz, [angle])


def test_a_mixtures_tolerance_covers_its_orders():
    """Fields of amplitudes are computed to a tenth of the tolerance an order, so that three of them meet it."""
    amplitudes = np.eye(3) + 0.5
    solution = solve(ModeMixture(1, [1.0, 1.0, 1.0], 12.0, 0.2), tolerance=1e-5)
    fields = solution.fields(amplitudes, np.linspace(-1, 1, 6), np.array([0.3, 0.8, 1.4]))
    assert max(field.error_estimate for field in fields) < 1e-5


def test_a_field_that_vanishes_is_exact():
    """On the axis, for |m| > 1: no error beside no field is none."""
    field = solve(DuctMode(2, 0, 5.0)).field([-0.4, 0.6], [0.0])
    assert not any(np.any(getattr(field, name)) for name in QUANTITIES)
    assert field.error_estimate == 0


@pytest.mark.parametrize("turns", [-2, 2])
def test_whole_turns_of_the_phase_on_a_line_change_no_factor(turns):
    """ln F_plus and ln F_minus take half of them each, beside the line and away from it."""
    line = solve(*JETS[0][:1], jet=JETS[0][1]).transform.factors.many._lines[0]
    s = line.centre + line.scale * np.sinh(np.array([-1 + 0.1j, -0.2j, 0.25j, 0.7, 0.5 + 0.5j])) / line.turn
    kernel = line.sheets.kernel(s)
    before = line.plus(s, kernel), line.minus(s, kernel)
    line._phase = line._phase + 2 * np.pi * turns
    line._weighted = line._weighted + turns * line.step * line.scale * np.cosh(line._y)  # 2 pi i turns, weighted
    line._moments = line._far_moments()
    np.testing.assert_allclose((line.plus(s, kernel), line.minus(s, kernel)), before, rtol=1e-7)  # the line is finite
