"""Finite elements for lips, against the exact solution of the infinitely thin wall and against themselves."""

import sys
from functools import cache

import numpy as np
import pytest

from analytic import ConvergenceError
from data.elements import Lip, solve_lip
from data.elements.radiation import Radiation

ANGLES, WEIGHTS = np.polynomial.legendre.leggauss(60)
ANGLES = np.pi / 2 * (ANGLES + 1)
WEIGHTS = WEIGHTS * np.sin(ANGLES)
BELLMOUTH = [(-0.6, 1), (-0.3, 1.02), (-0.1, 1.1), (-0.02, 1.18), (0, 1.25)]
BELLMOUTH += [(-0.02, 1.33), (-0.08, 1.39), (-0.2, 1.4), (-0.25, 1.3)]


def half_circle(thickness, count):
    """Points of a round lip; the ends and the foremost point are exact."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, count)
    points = thickness / 2 * np.stack([np.cos(angle) - 1, 1 + np.sin(angle)], axis=1) + [0, 1]
    points[0, 1], points[count // 2, 0] = 1, 0
    return points


def away(mine, other):
    """Largest differences of the reflected power amplitudes, and of the directivity, relative."""
    power = other.wavenumber * other.norm
    reflection = np.linalg.norm(np.sqrt(power / power[:, None]) * (mine.reflection - other.reflection), axis=1)
    a, b = mine.directivity(ANGLES), other.directivity(ANGLES)
    return np.max(reflection), np.max(np.sqrt((np.abs(a - b) ** 2 @ WEIGHTS) / (np.abs(b) ** 2 @ WEIGHTS)))


@cache
def solved(text, m=2, helmholtz=8.0, mach=-0.3):
    return solve_lip(m, helmholtz, Lip.parse(text), mach)


LIPS = ["flat:0.1", "round:0.1", "elliptic:0.1:0.3", str(Lip.spline(BELLMOUTH))]


@pytest.mark.parametrize("text", LIPS)
def test_power_balances(text):
    solution = solved(text)
    assert solution.orders.tolist() == [0, 1]
    assert np.max(np.abs(solution.power_residual)) < 1e-7
    assert np.all((solution.error_estimate > 0) & (solution.error_estimate < 1e-5))


@pytest.mark.parametrize("text", LIPS)
def test_reflection_is_reciprocal(text):
    solution = solved(text)
    power = solution.reflection * (solution.wavenumber * solution.norm)
    assert np.max(np.abs(power - power.T)) < 1e-6 * np.max(np.abs(power))


@pytest.mark.parametrize("text", ["flat:0.1", "round:0.1"])
def test_the_error_is_below_the_estimate(text):
    """A higher degree, in a window whose layer begins elsewhere."""
    coarse = solve_lip(2, 8.0, Lip.parse(text), -0.3, degree=7, tolerance=1e-2)
    fine = solve_lip(2, 8.0, Lip.parse(text), -0.3, degree=12, window=(1.3, 2.0))
    reflection, directivity = away(coarse, fine)
    assert reflection < np.max(coarse.reflection_error) < 1e3 * reflection
    assert directivity < np.max(coarse.directivity_error) < 1e3 * directivity


@pytest.mark.parametrize(("m", "mach"), [(0, 0.0), (2, 0.3)])
def test_thickness_zero_extrapolated_is_the_exact_thin_wall(m, mach):
    """R and D are those of the thin wall, and (a + b ln t) t, and more of order t^2."""
    thicknesses = np.array([0.0005, 0.001, 0.002])
    solutions = [solve_lip(m, 5.0, Lip.flat(thickness), mach) for thickness in thicknesses]
    terms = np.stack([np.ones(3), thicknesses, thicknesses * np.log(thicknesses)], axis=1)
    weights = np.linalg.inv(terms)[0]
    count = len(solutions[0].orders)
    for extrapolated, exact in (
        ([s.reflection for s in solutions], [t.reflection_matrix[:count, n] for n, t in enumerate(solutions[0].thin)]),
        ([s.directivity(ANGLES) for s in solutions], [t.directivity(ANGLES) for t in solutions[0].thin]),
    ):
        limit = np.tensordot(weights, extrapolated, axes=1)
        assert np.max(np.abs(limit - exact)) < 3e-5 * np.max(np.abs(exact))


def test_a_round_lip_is_an_ellipse_and_a_spline_of_its_points():
    exact = solved("round:0.2")
    assert max(away(solved("elliptic:0.2:0.1"), exact)) < 1e-9
    errors = [max(away(solve_lip(2, 8.0, Lip.spline(half_circle(0.2, count)), -0.3), exact)) for count in (9, 17)]
    assert errors[1] < 3e-6  # the spline is so far away
    assert errors[1] < errors[0] / 10  # of fourth order


def test_the_mesh_of_a_round_lip_in_flow_is_that_of_an_ellipse_without():
    """In X the lip is 1 / beta as long; the ellipse's points are exact."""
    mach = 0.6
    flow = solve_lip(1, 4.0, Lip.round(0.2), mach)
    still = solve_lip(1, 5.0, Lip.elliptic(0.2, 0.125))
    assert max(away(flow, still)) < 1e-6
    x, r = Lip.round(0.2).outline().T
    assert np.max(np.abs(np.hypot(x + 0.1, r - 1.1) - 0.1)) < 1e-13


def test_both_formulas_of_the_directivity_agree_at_a_right_angle():
    beside = solved("round:0.1").directivity([np.pi / 2, np.nextafter(np.pi / 2, 4)])
    assert np.max(np.abs(np.diff(beside, axis=1))) < 1e-6 * np.max(np.abs(beside))


# The field


@pytest.mark.parametrize("text", ["flat:0.1", "elliptic:0.1:0.3"])
def test_velocities_and_pressure_belong_to_the_potential(text):
    solution, step = solved(text), 1e-5
    x, r = np.array([-0.7, -0.4, 0.3, 0.05, 0.6]), np.array([0.5, 1.3, 0.7, 1.2, 0.1])
    field = solution.field(x, r)
    u = (solution.field(x + step, r).potential - solution.field(x - step, r).potential) / (2 * step)
    v = (solution.field(x, r + step).potential - solution.field(x, r - step).potential) / (2 * step)
    assert np.max(np.abs(field.axial_velocity - u)) < 1e-6
    assert np.max(np.abs(field.radial_velocity - v)) < 1e-6
    assert np.max(np.abs(field.pressure - (8j * field.potential + 0.3 * field.axial_velocity))) < 1e-12


@pytest.mark.parametrize("text", ["flat:0.1", "elliptic:0.1:0.3"])
def test_the_error_estimate_of_the_field_bounds_its_error(text):
    coarse = solve_lip(2, 8.0, Lip.parse(text), -0.3, degree=7, tolerance=0.01)
    better = solve_lip(2, 8.0, Lip.parse(text), -0.3, degree=14, window=(1.6, 2.0))  # farther matched layers, too
    x, r = np.array([-0.7, -0.4, 0.3, 0.05, 0.6]), np.array([1.4, 1.3, 0.7, 1.2, 0.1])
    field, exact = coarse.field(x, r), better.field(x, r)
    assert np.all(field.error_estimate < 0.01)
    assert np.all(exact.error_estimate < 1e-6)
    for names in (["potential"], ["axial_velocity", "radial_velocity"], ["pressure"]):
        mine, other = (np.concatenate([getattr(one, name) for name in names], axis=1) for one in (field, exact))
        assert np.all(np.linalg.norm(mine - other, axis=1) <= field.error_estimate * np.linalg.norm(other, axis=1))
    assert field.error_estimate.shape == (2,)


@pytest.mark.parametrize("text", ["flat:0.1", "elliptic:0.1:0.3"])
def test_the_field_in_the_duct_is_that_of_its_modes(text):
    """At the wall, r = 1: modes are one there. The evanescent ones have decayed by exp(-6)."""
    solution = solve_lip(2, 8.0, Lip.parse(text), -0.3, window=(1.5, 1.5))
    x = np.array([-1.5, -1.4])
    beta = np.sqrt(1 - 0.3**2)
    wave = np.exp(1j * np.multiply.outer(solution.wavenumber, x / beta))
    expected = (wave + solution.reflection @ wave.conj()) * np.exp(0.3j * 8 / beta**2 * x)
    assert np.max(np.abs(solution.field(x, 1.0).potential - expected)) < 3e-3


def test_the_field_close_to_thin_walls_is_near_the_exact_one():
    solution = solve_lip(1, 4.0, Lip.flat(0.001), 0.2)
    x, r = np.array([-0.8, 0.5, -0.5]), np.array([0.3, 0.8, 1.4])
    exact = [solution.thin[0].at(a, b) for a, b in zip(x, r, strict=True)]
    field = solution.field(x, r)
    for name in ("potential", "axial_velocity", "radial_velocity", "pressure"):
        values = np.array([complex(getattr(point, name)) for point in exact])
        assert np.max(np.abs(getattr(field, name)[0] - values)) < 1e-2 * np.max(np.abs(values)), name


@pytest.mark.parametrize(
    ("text", "x", "r", "said"),
    [
        ("flat:0.1", -0.2, 1.05, "in the wall"),
        ("round:0.1", -0.02, 1.05, "in the wall"),
        ("round:0.1", -0.2, 1.05, "in the wall"),
        (LIPS[3], -0.1, 1.2, "in the wall"),
        ("flat:0.1", 1.1, 0.5, "outside"),
        ("flat:0.1", 0.0, 1.7, "outside"),
        ("flat:0.1", 0.0, -0.1, "outside"),
    ],
)
def test_points_in_the_wall_or_outside_the_window_are_refused(text, x, r, said):
    with pytest.raises(ValueError, match=f"x = {x}, r = {r} is {said}"):
        solved(text).field([0.1, x], [0.1, r])


def test_points_on_the_surface_have_a_field_without_velocity_through_it():
    field = solved("elliptic:0.1:0.3").field([-0.6, -0.6, 0.0], [1.0, 1.1, 1.05])
    assert np.all(field.potential != 0)
    assert np.max(np.abs(field.radial_velocity[:, :2])) < 1e-4
    total = field.axial_velocity[:, 2] + 1j * 8 / (1 - 0.3**2) * -0.3 * field.potential[:, 2]
    assert np.max(np.abs(total)) < 1e-3


# Lips


@pytest.mark.parametrize("text", LIPS)
def test_the_text_of_a_lip_gives_it_back(text):
    lip = Lip.parse(text)
    assert str(lip) == text
    assert Lip.parse(str(lip)) == lip
    assert hash(Lip.parse(text)) == hash(lip)


def test_a_spline_is_read_from_a_file(tmp_path):
    path = tmp_path / "bellmouth.txt"
    np.savetxt(path, BELLMOUTH, header="x r")
    assert Lip.parse(f"spline:{path}") == Lip.spline(BELLMOUTH)


@pytest.mark.parametrize("text", LIPS)
def test_an_outline_goes_from_wall_to_wall_and_the_wall_is_behind_it(text):
    lip = Lip.parse(text)
    outline = lip.outline()
    assert outline[0, 1] == 1
    assert outline[-1, 1] == pytest.approx(1 + lip.thickness, abs=1e-15)
    assert np.max(outline[:, 0]) == pytest.approx(0, abs=1e-3)
    assert np.min(outline[:, 0]) == -lip.length
    middle = 1 + lip.thickness / 2
    assert lip.in_wall([-1.0, -1.0, -1.0, 0.1, -0.01], [middle, 0.9, 1.01 + lip.thickness, middle, 1.05]).tolist() == [
        True,
        False,
        False,
        False,
        text != LIPS[3],
    ]
    assert not np.any(lip.in_wall(*outline.T))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("flat", "flat:THICKNESS"),
        ("flat:a", "flat:THICKNESS"),
        ("flat:0.1:0.2", "flat:THICKNESS"),
        ("blunt:0.1", "flat:THICKNESS"),
        ("elliptic:0.1", "flat:THICKNESS"),
        ("flat:-0.1", "between 0 and 5"),
        ("flat:nan", "between 0 and 5"),
        ("flat:6", "between 0 and 5"),
        ("round:0", "without thickness"),
        ("elliptic:0.1:0", "length must be above 0"),
        ("spline:no such file", "no such file"),
        ("spline:0,1;0,b", "two columns"),
    ],
)
def test_bad_texts_are_refused(text, said):
    with pytest.raises(ValueError, match=said):
        Lip.parse(text)


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ([(-0.1, 1), (0, 1.1)], "three to 200 points"),
        (half_circle(0.1, 201), "three to 200 points"),
        (half_circle(0.1, 199), "at least 0.001 radii apart"),
        ([(-0.1, 1.1), (0, 1.2), (-0.1, 1.3)], "begins at the inner wall"),
        ([(-0.1, 1), (0, 0.9), (-0.1, 0.8)], "ends at the outer wall"),
        ([(-0.1, 1), (0.1, 1.05), (-0.1, 1.1)], "foremost point of a lip is at x = 0"),
        ([(-0.2, 1), (-0.1, 1.05), (-0.2, 1.1)], "foremost point of a lip is at x = 0"),
        ([(-0.2, 1), (-0.1, 1.05), (0, 1.1)], "foremost point of a lip is at x = 0"),
        ([(-6, 1), (0, 1.1), (-0.2, 1.2)], "none is behind x = -5"),
        ([(-1, 1), (-0.5, 0.02), (0, 1.1), (-0.2, 1.2)], "away from the axis"),
        ([(-0.2, 1), (0, 1.1), (0, 1.4), (-0.2, 1.5)], "give more points"),
        ([*half_circle(0.2, 9)[:7], (-0.1, 1.1), (-0.1, 0.95), (-0.2, 0.9), (-0.4, 1.2)], "cross itself"),
        ([(-0.4, 1), (-0.3, 0.9), (-0.6, 0.8), (-0.9, 1.1), *np.add(half_circle(0.2, 9), [0, 0.1])[2:]], "duct's wall"),
        ([(-0.1, 1), (0, np.nan), (-0.1, 1.1)], "finite"),
        ([(-0.1, 1, 0), (0, 1.1, 0), (-0.1, 1.1, 0)], "points"),
    ],
)
def test_bad_curves_are_refused(points, said):
    with pytest.raises(ValueError, match=said):
        Lip.spline(points)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("flat", 0.1, 0.2), "length of a flat lip follows"),
        (("round", 0.1, 0.2), "length of a round lip follows"),
        (("flat", 0.1, 0.0, ((0.0, 1.0),)), "points belong to a spline"),
        (("spline", 0.1, 0.2), "points belong to a spline"),
        (("spline", 0.1, 0.2, Lip.spline(BELLMOUTH).points), "follow from its points"),
        (("blunt", 0.1), "flat, round, elliptic or spline"),
    ],
)
def test_lips_that_contradict_themselves_are_refused(arguments, said):
    with pytest.raises(ValueError, match=said):
        Lip(*arguments)


# What is asked for


@pytest.mark.parametrize(
    ("arguments", "options", "said"),
    [
        ((2, 2.0, Lip.flat(0.1)), {}, "no mode of order m = 2 is cut on at helmholtz = 2.0"),
        ((0, 2.0, Lip.flat(0.0)), {}, "analytic.solve"),
        ((0, 2.0, "flat:0.1"), {}, "must be a Lip"),
        ((0, -2.0, Lip.flat(0.1)), {}, "helmholtz"),
        ((0, 2.0, Lip.flat(0.1), 1.0), {}, "mach"),
        ((41, 50.0, Lip.flat(0.1)), {}, "up to 40"),
        ((0, 59.0, Lip.flat(0.1), 0.3), {}, r"from 0\.001 to 60\.0, .* got helmholtz = 59\.0, mach = 0\.3"),
        ((0, 9e-4, Lip.flat(0.1)), {}, r"from 0\.001 to 60\.0, .* got helmholtz = 0\.0009, mach = 0\.0"),
        ((0, 2.0, Lip.flat(0.1)), {"degree": 30}, "degrees from 4 to 20"),
        ((0, 2.0, Lip.flat(0.1)), {"tolerance": 0.0}, "tolerance"),
        ((0, 2.0, Lip.flat(0.1)), {"window": (1.0, -1.0)}, "window"),
    ],
)
def test_bad_numbers_are_refused(arguments, options, said):
    with pytest.raises(ValueError, match=said):
        solve_lip(*arguments, **options)


def test_a_missed_tolerance_is_refined_once_and_then_raises():
    assert solve_lip(0, 3.0, Lip.flat(0.1), degree=5, tolerance=1e-1).degree == 5
    assert solve_lip(0, 3.0, Lip.flat(0.1), degree=5, tolerance=1e-5).degree == 7
    with pytest.raises(ConvergenceError, match=r"error estimate of finite elements.*lip flat:0\.1"):
        solve_lip(0, 3.0, Lip.flat(0.1), degree=5, tolerance=1e-12)


def test_power_that_is_missing_raises_whatever_the_estimate(monkeypatch):
    true = Radiation.directivity
    # both solutions that an estimate compares have the same share of error: 2e-4 of the power is missing
    monkeypatch.setattr(Radiation, "directivity", lambda self, theta: 0.9999 * true(self, theta))
    with pytest.raises(ConvergenceError, match=r"power residual of finite elements, [12]\.\de-04, .*lip flat:0\.1"):
        solve_lip(2, 5.0, Lip.flat(0.1))
    assert np.max(solve_lip(2, 5.0, Lip.flat(0.1), tolerance=1e-3).error_estimate) < 1e-6


@pytest.mark.parametrize("text", ["flat:0.1", "round:0.005"])
def test_low_frequencies_are_those_of_a_length(text):
    # the end correction's limit is reached like (ka)^2, reflected power like 1 - (ka)^2
    lengths = []
    for helmholtz in (1e-3, 1e-2):
        solution = solve_lip(0, helmholtz, Lip.parse(text))
        (found,) = solution.reflection[0]
        lengths.append(np.angle(-found) / (2 * helmholtz))
        assert abs(1 - abs(found) ** 2 - helmholtz**2) < 0.01 * helmholtz**2
    assert abs(lengths[1] - lengths[0]) < 1e-3


def test_the_sign_of_the_order_does_not_matter():
    plus, minus = (solve_lip(m, 4.0, Lip.round(0.1)) for m in (1, -1))
    assert max(away(plus, minus)) == 0
    assert minus.thin[0].source.m == minus.m == -1


def test_nothing_is_printed(capfd):
    solve_lip(0, 2.0, Lip.flat(0.1))
    assert capfd.readouterr() == ("", "")


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ngsolve", None)
    with pytest.raises(ImportError, match=r"pip install 'wavenet\[elements\]'"):
        solve_lip(0, 2.0, Lip.flat(0.1))
