"""Liners up to the lip, next to each other, and from -infinity."""

import numpy as np
import pytest

from analytic import ConvergenceError, DuctMode, Liner, mode_tail, radial_eigenvalues, solve
from analytic.lined import duct as lined_duct
from analytic.section import Section

CASES = [(DuctMode(0, 0, 2.0), 1 + 1j), (DuctMode(3, 0, 9.0), 2 - 1j), (DuctMode(2, 0, 6.0, hub=0.3), 0.3 - 0.4j)]
THETA = np.array([0.3, 1.0, 2.0, 2.8])


def gap(one, other):
    """Largest difference of two solutions' amplitudes and directivities."""
    pairs = [(one.reflection, other.reflection), (one.transmission, other.transmission)]
    pairs.append((one.directivity(THETA), other.directivity(THETA)))
    return max(np.max(np.abs(a - b)) for a, b in pairs)


@pytest.mark.parametrize("distance", [0.5, 0.0])
@pytest.mark.parametrize(("mode", "impedance"), CASES)
def test_one_liner_may_be_cut_into_two(mode, impedance, distance):
    whole = solve(mode, liner=Liner(impedance, 1.0, distance))
    parts = solve(mode, liner=[Liner(impedance, 0.4, 0.0), Liner(impedance, 0.6, distance)])
    assert gap(whole, parts) < 1e-12
    assert np.sum(parts.power.absorbed) == pytest.approx(whole.power.absorbed[0], rel=1e-11)


@pytest.mark.parametrize(("mode", "impedance"), CASES)
def test_a_liner_up_to_the_lip_is_the_limit_of_short_distances(mode, impedance):
    lip = solve(mode, liner=Liner(impedance, 1.0, 0.0))
    gaps = [gap(lip, solve(mode, liner=Liner(impedance, 1.0, distance))) for distance in (0.02, 0.01)]
    assert 1.7 < gaps[0] / gaps[1] < 2.1  # the first order, with a logarithm
    assert gaps[1] < 0.05
    assert abs(lip.power.residual) < 1e-12


def test_the_edge_s_exponent_follows_from_the_sums():
    # psi grows like the root of the distance to the lip: amplitudes over their norm fall like n^-3/2.
    lined = solve(DuctMode(0, 0, 2.0), liner=Liner(1 + 1j, 1.0, 0.0))
    hard = lined._cascade.hard
    single = np.abs(lined._amplitudes.behind[0][1] * hard.norm)
    far = (hard.alpha > 1e4) & (hard.alpha < 1e6)
    slope = np.polyfit(np.log(hard.alpha[far]), np.log(single[far]), 1)[0]
    assert slope == pytest.approx(-1.5, abs=0.01)


def test_a_tail_that_ends_too_early_is_in_the_estimate(monkeypatch):
    mode, liner = CASES[0][0], Liner(1 + 1j, 1.0, 0.0)
    exact = solve(mode, liner=liner)
    mode_tail.tail_rule.cache_clear()
    monkeypatch.setattr(mode_tail, "_LAST", 1 << 6)
    monkeypatch.setattr(mode_tail, "_AIM", 12.0)
    few = solve(mode, liner=liner, tolerance=0.1)
    mode_tail.tail_rule.cache_clear()
    missed = max(abs(few.reflection[0] - exact.reflection[0]), abs(few.transmission[0] - exact.transmission[0]))
    assert 1e-7 < missed < few.error_estimate < 0.1


@pytest.mark.parametrize("power", [2.5, 3.0, 4.0])
@pytest.mark.parametrize("start", [20, 57, 300])
def test_the_tail_s_rule_sums_powers(start, power):
    orders, weight, fewer = mode_tail.tail_rule(start)
    tail = orders[-1] ** (1 - power) / (power - 1)  # what is left out
    terms = np.arange(start, 200_000, dtype=float)
    beyond = 200_000.0 - 0.5
    exact = np.sum(terms**-power) + beyond ** (1 - power) / (power - 1)
    assert weight @ orders.astype(float) ** -power == pytest.approx(exact, rel=1e-11, abs=tail)
    assert fewer @ orders.astype(float) ** -power == pytest.approx(exact, rel=1e-6, abs=4 * tail)
    assert np.count_nonzero(fewer) < len(orders)


@pytest.mark.parametrize(("m", "hub"), [(0, 0.0), (5, 0.0), (0, 0.3), (7, 0.6)])
def test_far_eigenvalues_are_those_of_the_table(m, hub):
    orders = np.array([1, 7, 60])
    far = Section(m, hub).far_eigenvalues(orders)
    assert np.allclose(far, radial_eigenvalues(m, 61, hub=hub)[orders], rtol=1e-13)


# From -infinity


@pytest.mark.parametrize("distance", [0.5, 0.0])
@pytest.mark.parametrize(("mode", "impedance"), CASES[::2])
def test_a_liner_from_infinity_is_the_limit_of_long_ones(mode, impedance, distance):
    # Only the mode that decays least arrives at the end of a long liner.
    first = solve(mode, liner=Liner(impedance, np.inf, distance))
    least = int(np.argmin(first.lined_wavenumbers.imag))
    endless = solve(DuctMode(mode.m, least, mode.helmholtz, hub=mode.hub), liner=Liner(impedance, np.inf, distance))
    assert endless.position == -distance
    x, r = np.array([-0.3, -0.05, 0.3 + distance]) - distance, [0.5, 0.8, 1.3]
    gaps = []
    for length in (4.0, 12.0):
        long = solve(mode, liner=Liner(impedance, length, distance))
        ratio = long.directivity(THETA) / endless.directivity(THETA)
        fields = long.field(x, r[:2]).potential / endless.field(x, r[:2]).potential
        gaps.append(max(np.max(np.abs(one / ratio[0] - 1)) for one in (ratio, fields)))
    assert gaps[0] < 1e-3
    assert gaps[1] < 1e-10


def test_what_a_liner_from_infinity_has_not_is_refused():
    endless = solve(DuctMode(0, 0, 2.0), liner=Liner(1.0, np.inf, 0.5))
    with pytest.raises(ValueError, match="powers of lined modes do not add"):
        _ = endless.power
    with pytest.raises(ValueError, match="no single impedance"):
        _ = endless.specific_impedance


# Field at points, conventions and levels


@pytest.mark.parametrize("distance", [0.5, 0.0])
def test_points_and_grids_agree(distance):
    lined = solve(DuctMode(1, 0, 4.0), liner=[Liner(0.5 - 0.4j, 0.8, 0.6), Liner(2 + 1j, 0.7, distance)])
    x, r = np.array([-2.5, -1.5, -0.9, -0.3, -0.1, 0.2, 1.0]), np.array([0.0, 0.4, 1.0, 1.4])
    grid = lined.field(x, r)
    points = lined.at(x[:, None], r)
    for name in ("potential", "axial_velocity", "radial_velocity", "pressure"):
        one, other = getattr(grid, name), getattr(points, name)
        assert np.max(np.abs(one - other)) < 1e-6 * np.max(np.abs(one))


def test_inside_next_to_the_lip_the_field_is_refused_where_sums_do_not_converge():
    lined = solve(DuctMode(0, 0, 2.0), liner=Liner(1 + 1j, 1.0, 0.0))
    for x in (-1e-3, 1e-3):
        with pytest.raises(ConvergenceError, match="error estimate of the field"):
            lined.field([x], [0.9, 1.0])
    assert np.all(np.isfinite(lined.field([1e-3], [1.1]).potential))


def test_levels_impedance_and_the_other_time_convention():
    mode = DuctMode.physical(0, 0, frequency=400.0, radius=0.2, sound_speed=340.0, density=1.2)
    lined = solve(mode, liner=Liner(1 + 1j, 1.0, 0.5))
    assert lined.specific_impedance == pytest.approx((1 + lined.reflection[0]) / (1 - lined.reflection[0]))
    assert lined.transmission_loss == pytest.approx(10 * np.log10(lined.power.incident / lined.power.radiated))
    bare = solve(mode)
    change = lined.sound_pressure_level(1.0) - bare.sound_pressure_level(1.0)
    assert change == pytest.approx(20 * np.log10(abs(lined.directivity(1.0) / bare.directivity(1.0))))
    other = lined.conj_time()
    assert other.reflection[0] == lined.reflection[0].conjugate()
    assert np.array_equal(other.reflection_matrix[:, 0], lined.reflection.conj())
    assert other.at(-0.7, 0.5).pressure == lined.at(-0.7, 0.5).pressure.conj()


def test_fewer_lined_than_hard_modes_are_listed_before_the_tail():
    # Kernels 1 / (sigma_l - kappa_n) are smooth in n only away from n = l.
    duct = lined_duct.LinedDuct(0, 2.0, 0.0, shortest=1.0, least=1, tail=True, tolerance=1e-6)
    assert duct.hard.count >= 2.5 * duct.lined
