"""Signs, sides, units and refusals: what the docstrings promise, each at its own small price."""

import dataclasses
import importlib
import math
import pkgutil

import numpy as np
import pytest

import analytic
from analytic import (
    ConvergenceError,
    DuctMode,
    Jet,
    ModeMixture,
    MultiMode,
    axial_wavenumber,
    cut_on_helmholtz,
    cut_on_orders,
    near_field,
    near_fields,
    radial_eigenvalues,
    solve,
    sweep,
)
from analytic.section import Section

JET = Jet(0.3, 0.9, 1.3, instability=False)
MEDIA = pytest.mark.parametrize("jet", [None, JET], ids=["uniform", "jet"])
STEP = 1e-3  # of central differences of order four, which leave 1e-12 of the derivative's scale


def derivative(values):
    """From values at -2, -1, 1, 2 steps."""
    return (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * STEP)


@MEDIA
def test_velocities_are_the_gradient_and_pressure_follows_from_them(jet):
    ka, mach = 4.0, 0.3
    solution = solve(ModeMixture(1, [1.0, 0.5j], ka, mach), jet=jet, tolerance=1e-8)
    x, r = np.array([-0.6, 0.5, 0.5, -0.6]), np.array([0.5, 0.6, 1.5, 1.4])
    offsets = STEP * np.array([-2, -1, 1, 2])[:, None]
    here = solution.at(x, r)
    u, v = derivative(solution.at(x + offsets, r).potential), derivative(solution.at(x, r + offsets).potential)
    scale = np.abs(here.axial_velocity) + np.abs(here.radial_velocity)
    assert np.max(np.abs(u - here.axial_velocity) / scale) < 1e-6
    assert np.max(np.abs(v - here.radial_velocity) / scale) < 1e-6
    inside = r <= 1
    density = np.where(inside, 1.0, 1.0 if jet is None else jet.density_ratio)
    outer = mach if jet is None else jet.mach_outer * jet.sound_speed_ratio  # in the duct's sound speed
    expected = density * (1j * ka * here.potential - np.where(inside, mach, outer) * here.axial_velocity)
    np.testing.assert_allclose(here.pressure, expected, rtol=1e-12)


@MEDIA
def test_the_wall_itself_is_its_inner_side(jet):
    solution = solve(DuctMode(1, 0, 4.0, 0.3), jet=jet, tolerance=1e-8)
    inner, wall, outer = (solution.at(-0.5, r) for r in (1 - 1e-7, 1.0, 1 + 1e-7))
    for name in ("potential", "axial_velocity", "pressure"):
        side, value, other = (getattr(field, name) for field in (inner, wall, outer))
        assert abs(value - side) < 1e-5 * abs(side) < 1e-3 * abs(value - other)
    for field in (inner, wall, outer):
        assert abs(field.radial_velocity) < 1e-5 * abs(inner.potential)


@MEDIA
def test_the_hub_is_hard(jet):
    hub = 0.4
    solution = solve(DuctMode(2, 0, 6.0, 0.3, hub), jet=jet, tolerance=1e-8)
    field = solution.field([-0.5, 0.5], [hub, 0.6])
    assert np.all(np.abs(field.radial_velocity[:, 0]) < 1e-6 * np.abs(field.radial_velocity[:, 1]))


@MEDIA
def test_the_end_correction_gives_the_phase_of_the_reflection(jet):
    for ka, mach in ((0.4, 0.3), (0.8, 0.5)):
        solution = solve(DuctMode(0, 0, ka, mach), jet=jet)
        r = solution.reflection[0]
        phase = np.exp(2j * ka * solution.end_correction / (1 - mach**2))
        assert abs(r + abs(r) * phase) < 1e-10
        assert solution.end_correction > 0
    for source in (DuctMode(1, 0, 2.0, 0.3), ModeMixture(0, [1.0, 1.0], 2.0, 0.3)):
        assert solve(source, jet=jet).end_correction is None


@MEDIA
def test_pressures_reflect_by_the_pressure_of_their_modes(jet):
    """p = i (ka - M mu) psi of a mode with the axial wavenumber mu."""
    ka, mach, n = 6.0, 0.3, 1
    solution = solve(DuctMode(0, n, ka, mach), jet=jet)
    up, down = ([axial_wavenumber(ka, 0, order, mach=mach, direction=side) for order in range(3)] for side in (-1, 1))
    expected = solution.reflection[:3] * (ka - mach * np.array(up)) / (ka - mach * down[n])
    np.testing.assert_allclose(solution.reflection_pressure[:3], expected, rtol=1e-12)
    if jet is not None:
        with pytest.raises(ValueError, match="one incident mode"):
            _ = solve(ModeMixture(0, [1.0, 1.0], ka, mach), jet=jet).reflection_pressure


@MEDIA
def test_the_sign_of_m_does_not_matter(jet):
    plus, minus = (solve(DuctMode(m, 0, 5.0, 0.3), jet=jet) for m in (3, -3))
    np.testing.assert_array_equal(plus.reflection, minus.reflection)
    np.testing.assert_array_equal(plus.directivity([0.3, 2.0]), minus.directivity([0.3, 2.0]))
    np.testing.assert_array_equal(plus.at(0.5, 1.2).pressure, minus.at(0.5, 1.2).pressure)


@pytest.mark.parametrize(("m", "hub", "jet"), [(0, 0.4, None), (1, 0.0, None), (0, 0.0, JET), (1, 0.3, JET)])
def test_far_field(m, hub, jet):
    """phi rho exp(-i K rho) in the outer stream's stretched coordinates tends to D, by Richardson's extrapolation."""
    ka, mach = 3.0, 0.3
    solution = solve(DuctMode(m, 0, ka, mach, hub), jet=jet, tolerance=1e-3)
    outer, k = (mach, ka) if jet is None else (jet.mach_outer, ka / jet.sound_speed_ratio)
    beta = math.sqrt(1 - outer**2)
    theta, scaled = np.array([0.9, 1.4, 2.2, 2.8]), []
    for rho in (50.0, 100.0):
        x = beta * rho * np.cos(theta)
        phi = solution.at(x, rho * np.sin(theta)).potential * np.exp(1j * k / beta * outer * x / beta)
        scaled.append(phi * rho * np.exp(-1j * k / beta * rho))
    exact = solution.directivity(theta)
    assert np.max(np.abs(2 * scaled[1] - scaled[0] - exact)) < 1e-2 * np.max(np.abs(exact))


@pytest.mark.parametrize("hub", [0.0, 0.4])
@pytest.mark.parametrize("n", [0, 1])
def test_the_axis_is_the_limit_of_directions_beside_it(hub, n):
    """For a solution and for a sweep, without a hub and with one, whose section the plane wave fills."""
    solution, angles = solve(DuctMode(0, n, 6.0, 0.2, hub)), np.array([0.0, 1e-6, math.pi - 1e-6, math.pi])
    far = solution.directivity(angles)
    np.testing.assert_allclose(far[[0, 3]], far[[1, 2]], rtol=1e-9, atol=1e-9 * np.max(np.abs(far)))
    np.testing.assert_allclose(
        sweep(0, n, 6.0, angles, mach=0.2, hub=hub).directivity[0], far, rtol=1e-13, atol=1e-13 * np.max(np.abs(far))
    )
    for m in (1, 4):
        assert np.all(solve(DuctMode(m, n, 9.0, 0.2, hub)).directivity([0.0, math.pi]) == 0)


def test_a_sweep_and_its_solutions_share_the_directivity():
    """To the last bits, beside nulls and main lobes, too."""
    rng = np.random.default_rng(8)
    theta = np.sort(np.append(rng.uniform(0, math.pi, 60), [0.0, math.pi / 2, math.pi]))
    for m, n, ka, mach, hub in ((0, 0, 9.0, 0.2, 0.0), (0, 2, 15.0, -0.4, 0.3), (4, 1, 14.0, 0.0, 0.0)):
        k, alpha = ka / math.sqrt(1 - mach**2), radial_eigenvalues(m, n + 1, hub=hub)[n]
        angles = np.append(theta, np.abs(math.acos(math.sqrt(1 - (alpha / k) ** 2)) + np.array([-1e-8, 0.0, 1e-8])))
        single, swept = solve(DuctMode(m, n, ka, mach, hub)), sweep(m, n, ka, angles, mach=mach, hub=hub)
        far = single.directivity(angles)
        assert np.max(np.abs(swept.directivity[0] - far)) < 3e-14 * np.max(np.abs(far))
        assert abs(swept.reflection[0] - single.reflection[n]) < 3e-14


def test_the_solution_is_linear_in_the_kutta_parameter():
    results = []
    for kutta in (0.0, 0.3, 1.0):
        solution = solve(DuctMode(1, 0, 3.0, 0.4), jet=Jet(kutta=kutta))
        results.append(np.append(solution.reflection, solution.directivity([0.5, 2.0])))
    none, some, full = results
    np.testing.assert_allclose(some, none + 0.3 * (full - none), rtol=1e-11)
    assert np.max(np.abs(full - none) / np.abs(full)) > 0.05


@pytest.mark.parametrize(
    ("mode", "jet"),
    [
        (DuctMode(0, 1, 12.0, 0.9), Jet(instability=False)),
        (DuctMode(0, 0, 5.0, 0.3), Jet(sound_speed_ratio=1.5, density_ratio=0.5)),  # waves are trapped in the jet
        (ModeMixture(2, [1.0, 0.3, 0.5j], 7.0, 0.4, 0.2), Jet(0.1)),  # two of them are cut off
    ],
    ids=["beams", "waveguide", "mixture"],
)
def test_power_of_a_jet_balances(mode, jet):
    power = solve(mode, jet=jet).power
    assert abs(power.residual) < 1e-8
    total = power.incident + power.evanescent - power.reflected - power.radiated - power.vortical
    assert abs(total) < 1e-8 * power.incident
    assert abs(power.vortical) > 1e-6 * power.incident


def test_power_in_closed_form_at_low_frequency():
    """Levine & Schwinger: |R| = 1 - (ka)^2 / 2, and the flux of the plane wave is k / 2 an azimuthal angle."""
    ka = 1e-2
    power = solve(DuctMode(0, 0, ka)).power
    assert power.incident == pytest.approx(ka / 2, rel=1e-12)
    assert power.radiated == pytest.approx(ka / 2 * ka**2, rel=1e-3)
    assert power.incident - power.reflected == pytest.approx(power.radiated, rel=1e-9)
    assert power.vortical == 0


@pytest.mark.parametrize("hub", [0.02, 0.3, 0.8])
@pytest.mark.parametrize("m", [0, 1, 5])
def test_modes_of_an_annulus(m, hub):
    """Slopes vanish on both walls, none is missed, the norm is the integral, and modes are orthogonal."""
    count = 12
    alpha, section = radial_eigenvalues(m, count, hub=hub), Section(m, hub)
    node, weight = np.polynomial.legendre.leggauss(80)
    r = 0.5 * (1 + hub) + 0.5 * (1 - hub) * node
    value, _ = section.modes(alpha, r)
    gram = np.einsum("rm,rn,r->mn", value, value, weight * r) * 0.5 * (1 - hub)
    np.testing.assert_allclose(np.diag(gram), section.norm(alpha), rtol=1e-9)
    np.testing.assert_allclose(gram, np.diag(np.diag(gram)), atol=1e-9 * np.max(np.diag(gram)))
    _, slope = section.modes(alpha, np.array([hub, 1.0]))
    assert np.max(np.abs(slope)) < 1e-8 * (1 + alpha[-1]) * np.max(np.abs(value))
    changes = np.count_nonzero(np.diff(np.signbit(value), axis=0), axis=0)
    np.testing.assert_array_equal(changes, np.arange(count))  # mode n has n nodes


def test_orders_that_are_cut_on():
    for m, mach, hub in ((0, 0.0, 0.0), (3, 0.6, 0.0), (2, -0.4, 0.5)):
        for helmholtz in (0.5, 4.0, 17.3):
            expected = sum(cut_on_helmholtz(m, n, mach, hub=hub) < helmholtz for n in range(12))
            assert cut_on_orders(helmholtz, m, mach, hub=hub) == expected
    assert DuctMode(1, 0, 1.8, 0.3).cut_on  # cut off without flow: 1.84
    assert not DuctMode(1, 0, 1.8).cut_on
    assert DuctMode(1, 0, 1.5, 0.0, 0.6).cut_on  # a hub lowers it


def test_amplitudes_of_a_mixture_are_its_own():
    given = np.array([1.0, 2.0])
    mixture = ModeMixture(0, given, 3.0)
    given[0] = 5.0
    assert mixture.amplitudes[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        mixture.amplitudes[0] = 2.0
    np.testing.assert_array_equal(DuctMode(0, 2, 9.0).amplitudes, [0, 0, 1])


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: solve(DuctMode(0, 0, 1.0)).field([5e-7], [1.0]), r"5\.0e-07 from the lip.*1e-06"),
        (lambda: solve(DuctMode(0, 0, 1.0)).at(0.0, 1 + 5e-7), "from the lip"),
        (lambda: DuctMode(0, 0, 1.0, -1.0), "mach=-1.0"),
        (lambda: DuctMode(0, 0, 1.0, hub=0.951), r"hub=0\.951"),
        (lambda: DuctMode(0, 0, 1.0, hub=-1e-9), "hub=-1e-09"),
        (lambda: DuctMode(0, 0.5, 1.0), r"n=0\.5"),
        (lambda: Jet(mach_outer=1.0), r"mach_outer=1\.0"),
        (lambda: Jet(kutta=-0.1), "kutta=-0.1"),
        (lambda: Jet(sound_speed_ratio=0.0), "sound_speed_ratio=0.0"),
        (lambda: Jet(density_ratio=math.inf), "density_ratio=inf"),
        (lambda: solve(DuctMode(0, 0, 1.0, -0.3), jet=Jet()), "mach > 0, got mach=-0.3"),
        (lambda: solve(DuctMode(0, 0, 1.0), tolerance=math.nan), "tolerance must be positive and finite, got nan"),
        (lambda: solve(DuctMode(0, 0, 1.0)).directivity(math.pi + 1e-9), "theta"),
        (lambda: sweep(0, 0, 1.0, [math.pi + 1e-9]), "theta"),
        (lambda: sweep(0.5, 0, 1.0, [1.0]), r"m=0\.5"),
        (lambda: near_fields([DuctMode(0, 0, 1.0)], [0.5], [-0.5]), "r=-0.5"),
        (lambda: MultiMode([DuctMode(0, 0, 1.0), DuctMode(0, 0, 1.0, hub=0.1)], [1.0, 1.0]), "the same"),
        (lambda: solve(DuctMode(0, 0, 1.0)).fields([[math.inf]], [0.5], [0.5]), "finite"),
    ],
)
def test_values_outside_their_range_are_named(call, named):
    with pytest.raises(ValueError, match=named):
        call()


def test_values_at_the_ends_of_their_range_are_taken():
    assert DuctMode(0, 0, 1.0, hub=0.95).hub == 0.95
    assert Jet(kutta=0.0).kutta == 0.0
    assert Jet(mach_outer=0.0, kutta=1.0).kutta == 1.0
    assert np.isfinite(solve(DuctMode(0, 0, 1.0)).at(0.0, 1 + 2e-6).potential)


def test_a_cut_on_is_refused_by_name():
    exact = cut_on_helmholtz(2, 0)
    assert solve(DuctMode(2, 0, exact * (1 + 1e-8))).error_estimate < 1e-6
    with pytest.raises(ConvergenceError, match=r"the factorisation, .* DuctMode\(m=2, n=0"):
        solve(DuctMode(2, 0, exact * (1 + 1e-10)))


@MEDIA
def test_reflections_of_all_orders_that_are_cut_on_and_one_more(jet):
    for m, n, ka in ((0, 0, 1.0), (0, 0, 8.0), (2, 3, 6.0)):
        expected = max(cut_on_orders(ka, m, 0.3), n + 1) + 1
        assert len(solve(DuctMode(m, n, ka, 0.3), jet=jet).reflection) == expected


@MEDIA
def test_the_tolerance_holds_on_grids_and_at_points(jet, monkeypatch):
    solution = solve(DuctMode(1, 0, 4.0, 0.3), jet=jet, tolerance=1e-3)
    x, r = np.array([0.5, -0.5]), np.array([0.5, 1.4])
    assert max(solution.field(x, r).error_estimate, solution.at(x, r).error_estimate) <= 1e-3
    monkeypatch.setattr(near_field, "_ATTEMPTS", 1)
    for tolerance, safety in (
        (1e-15, 15.0),
        (1e-6, 1e-3 if jet is None else 1e-7),
    ):  # beyond rounding; missed by a little
        monkeypatch.setattr(near_field, "_SAFETY", safety)
        solution.tolerance = tolerance
        for call in (solution.field, solution.at):
            with pytest.raises(ConvergenceError, match="of the field, "):
                call(x, r)


def test_the_instability_is_a_matter_of_the_near_field_downstream():
    with_it, without = (solve(DuctMode(0, 0, 2.0, 0.3), jet=Jet(instability=one)) for one in (True, False))
    np.testing.assert_array_equal(with_it.reflection, without.reflection)
    np.testing.assert_array_equal(with_it.directivity([0.5, 2.0]), without.directivity([0.5, 2.0]))
    before, after = (one.at([-0.5, 0.5], [0.5, 0.5]).potential for one in (with_it, without))
    assert abs(before[0] - after[0]) < 1e-5 * abs(after[0])
    assert abs(before[1] - after[1]) > 1e-2 * abs(after[1])


def test_the_balance_of_incoherent_sources_is_that_of_their_parts():
    source = MultiMode([DuctMode(0, 0, 4.0), ModeMixture(1, [1.0, 0.8], 4.0)], [3.0, 1.0])  # the last is cut off
    power = solve(source).power
    assert power.incident == pytest.approx(4.0, rel=1e-12)
    assert abs(power.evanescent) > 1e-4
    left = power.incident + power.evanescent - power.reflected - power.radiated
    assert abs(left) < 1e-9
    assert power.residual == pytest.approx(left / 4.0, abs=1e-15)


def test_records_cannot_be_changed():
    modules = [importlib.import_module(one.name) for one in pkgutil.walk_packages(analytic.__path__, "analytic.")]
    classes = {kind for module in modules for kind in vars(module).values() if isinstance(kind, type)}
    own = [kind for kind in classes if dataclasses.is_dataclass(kind) and kind.__module__.startswith("analytic.")]
    assert len(own) >= 10
    for kind in own:
        with pytest.raises(dataclasses.FrozenInstanceError):
            object.__new__(kind).more = 1
    powers = np.array([1.0])
    source = MultiMode([DuctMode(0, 0, 1.0)], powers)
    powers[0] = 5.0
    assert source.powers[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        source.powers[0] = 2.0
