"""Liners in flow: sweeps, incoherent sources, derivatives, scattered points, the other time convention."""

import numpy as np
import pytest

from analytic import ConvergenceError, DuctMode, Jet, Liner, MultiMode, impedance_derivative, lined_sweep, solve

THETA = np.linspace(0.1, 3.0, 6)
Z = np.array([1.2 - 0.5j, 0.7 + 0.4j])


@pytest.mark.parametrize(("mach", "hub"), [(0.3, 0.0), (-0.4, 0.3)])
def test_sweeps_equal_single_solutions(mach, hub):
    swept = lined_sweep(
        2, [0, 1], 9.0, THETA, impedance=Z, length=0.8, distance=0.4, mach=mach, hub=hub, surface_wave="stable"
    )
    assert swept.valid.all()
    for case, impedance in enumerate(Z):
        alone = solve(DuctMode(2, case, 9.0, mach, hub), liner=Liner(impedance, 0.8, 0.4, "stable"))
        assert swept.reflection[case] == pytest.approx(alone.reflection[case], rel=1e-12, abs=0)
        assert np.allclose(swept.directivity[case], alone.directivity(THETA), rtol=1e-11, atol=0)
        # By the balance there, by an integral along the wall here.
        assert swept.absorbed[case] == pytest.approx(alone.absorbed, abs=1e-11)
        assert swept.radiated[case] == pytest.approx(alone.power.radiated / alone.power.incident, rel=1e-9, abs=0)
        assert swept.error_estimate[case] == pytest.approx(alone.error_estimate, rel=1e-3, abs=0)


def test_still_and_moving_cases_are_swept_together():
    given = {"impedance": 1 - 0.5j, "length": 0.8, "distance": 0.4}
    both = lined_sweep(0, 0, 3.0, THETA, mach=[0.0, 0.2], **given)
    for case, mach in enumerate((0.0, 0.2)):
        assert both.reflection[case] == lined_sweep(0, 0, 3.0, THETA, mach=mach, **given).reflection[0]


def test_what_a_sweep_cannot_do_with_flow_is_refused_or_recorded():
    given = {"length": 0.8, "distance": 0.4, "mach": 0.3}
    with pytest.raises(ValueError, match="choose surface_wave"):
        lined_sweep(0, 0, 3.0, THETA, impedance=Z, **given)
    with pytest.raises(ValueError, match="powers of an instability"):
        lined_sweep(0, 0, 3.0, THETA, impedance=1 + 1j, surface_wave="unstable", **given)
    with pytest.raises(ValueError, match="between hard walls only"):
        lined_sweep(0, 0, 3.0, THETA, impedance=1 - 1j, length=0.8, distance=0.0, mach=0.3)
    short = {"impedance": [1 - 1j, 0.5 - 1j], "length": 0.8, "distance": [0.4, 1e-3], "mach": 0.3}
    recorded = lined_sweep(0, 0, 3.0, THETA, errors="record", **short)
    assert recorded.valid.tolist() == [True, False]
    assert "error estimate of the amplitudes" in recorded.reasons[1]
    with pytest.raises(ConvergenceError, match="error estimate of the amplitudes"):
        lined_sweep(0, 0, 3.0, THETA, **short)


@pytest.mark.parametrize(("mach", "jet"), [(-0.3, None), (0.3, Jet())])
def test_incoherent_sources_are_sums_of_their_parts(mach, jet):
    liner, source = Liner(1.2 - 0.5j, 0.8, 0.4), MultiMode.equal_power(3.5, mach)
    whole = solve(source, liner=liner, jet=jet)
    total, absorbed, radiated = np.zeros(len(THETA)), 0.0, 0.0
    for part, power in zip(source.parts, source.powers, strict=True):
        alone = solve(part, liner=liner, jet=jet)
        share = power / alone.power.incident
        total += share * np.abs(alone.directivity(THETA)) ** 2
        absorbed, radiated = absorbed + share * alone.power.absorbed[0], radiated + share * alone.power.radiated
    assert np.allclose(whole.mean_square(THETA), total, rtol=1e-12, atol=0)
    assert whole.power.absorbed[0] == pytest.approx(absorbed, rel=1e-12, abs=0)
    assert whole.power.radiated == pytest.approx(radiated, rel=1e-12, abs=0)
    assert (whole.power.vortical > 0) == (jet is not None)
    # The pressure's index is the potential's times the same factor as of a solution of one mode.
    ratio = whole.mean_square_pressure(THETA)
    level = 10 * np.log10(ratio / np.max(ratio))
    index = whole.directivity_index(THETA)
    assert np.allclose(index - np.max(index), level, atol=1e-9)


@pytest.mark.parametrize(
    ("mach", "wave", "jet", "impedance"),
    [(0.3, None, None, 1.2 - 0.5j), (-0.4, "stable", None, 0.8 + 0.3j), (0.3, None, Jet(), 0.6 - 0.02j)],
)
def test_derivatives_are_those_of_differences(mach, wave, jet, impedance):
    def at(z):
        return solve(DuctMode(1, 0, 4.0, mach), liner=Liner(z, 0.8, 0.4, wave), jet=jet)

    found, step = impedance_derivative(at(impedance)), 1e-5
    more, less, up, down = (at(impedance + one) for one in (step, -step, 1j * step, -1j * step))
    for name in ("reflection", "transmission"):
        slope = (getattr(more, name) - getattr(less, name)) / (2 * step)
        assert np.max(np.abs(slope - getattr(found, name))) < 1e-7
    slope = (more.directivity(THETA) - less.directivity(THETA)) / (2 * step)
    assert np.max(np.abs(slope - found.directivity(THETA))) < 1e-7
    gradient = complex(more.absorbed - less.absorbed, up.absorbed - down.absorbed) / (2 * step)
    assert found.absorbed == pytest.approx(gradient, rel=1e-6, abs=1e-8)


def test_a_derivative_with_an_instability_is_refused():
    lined = solve(DuctMode(1, 0, 4.0, mach=0.4), liner=Liner(1.2 + 0.5j, 0.3, 0.4, "unstable"))
    with pytest.raises(ValueError, match="with an instability"):
        impedance_derivative(lined)


def test_scattered_points_are_those_of_a_grid_and_conjugate_in_the_other_time():
    lined = solve(DuctMode(1, 0, 4.0, mach=0.3), liner=Liner(1 - 0.5j, 0.8, 0.4))
    x, r = np.array([-2.0, -0.9, -0.2, -0.05, 0.3, -0.5]), np.array([0.3, 0.5, 1.0, 1.4])
    grid, points = lined.field(x, r), lined.at(x[:, None], r)
    for name in ("potential", "axial_velocity", "radial_velocity", "pressure"):
        assert np.allclose(getattr(points, name), getattr(grid, name), rtol=1e-9, atol=1e-12)
    mirrored = lined.conj_time()
    assert np.array_equal(mirrored.at(x[:4], r).pressure, lined.at(x[:4], r).pressure.conj())
    assert np.array_equal(mirrored.reflection, lined.reflection.conj())


def test_another_source_shares_the_duct():
    source = DuctMode(1, 1, 6.0, mach=0.3)
    lined = solve(source, liner=Liner(1 - 0.5j, 0.8, 0.4))
    other = lined.incident(DuctMode(1, 0, 6.0, mach=0.3))
    alone = solve(DuctMode(1, 0, 6.0, mach=0.3), liner=Liner(1 - 0.5j, 0.8, 0.4))
    assert np.allclose(other.reflection[:2], alone.reflection[:2], rtol=1e-12)
    with pytest.raises(ValueError, match="expected a source in the duct of"):
        lined.incident(DuctMode(1, 0, 6.0, mach=0.2))
