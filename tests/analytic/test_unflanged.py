"""The sound that leaves the duct: identities, limits, published numbers, edges."""

import math

import numpy as np
import pytest
from scipy import special

from analytic import (
    ConvergenceError,
    DuctMode,
    ModeMixture,
    axial_wavenumber,
    cut_on_helmholtz,
    radial_eigenvalue,
    solve,
)

CASES = [
    (0, 0, 1.0, 0.0),
    (0, 2, 15.0, -0.3),
    (2, 0, 5.0, 0.3),
    (10, 1, 22.0, 0.7),
    (19, 0, 21.0, 0.0),
    (40, 0, 60.0, 0.7),
]


def cut_on_modes(m, helmholtz, mach):
    n = 0
    while cut_on_helmholtz(m, n, mach) < helmholtz:
        yield n
        n += 1 if n < 3 else 4


@pytest.mark.parametrize("m", [0, 1, 2, 5, 10, 20, 40])
@pytest.mark.parametrize("mach", [0.0, 0.3, -0.7])
def test_power_balances(m, mach):
    beside = [cut_on_helmholtz(m, n, mach) + offset for n in (0, 3) for offset in (1e-4, -1e-4, 1e-6)]
    for helmholtz in [0.01, 0.3, 2.0, 7.3, 20.0, 43.0, 60.0, *(ka for ka in beside if 0 < ka < 60)]:
        for n in cut_on_modes(m, helmholtz, mach):
            assert abs(solve(DuctMode(m, n, helmholtz, mach)).power.residual) < 1e-8


def test_power_balances_for_mixtures_and_evanescent_modes():
    mixture = ModeMixture(1, [1.0, -0.5j, 0.2, 0.3 + 0.1j], 9.0, 0.2)  # the last two are cut off
    assert abs(solve(mixture).power.residual) < 1e-10
    cut_off = solve(DuctMode(3, 0, 4.0))
    assert not cut_off.source.cut_on
    assert cut_off.power.incident == 0
    assert cut_off.power.evanescent > 0
    assert abs(cut_off.power.residual) < 1e-10


@pytest.mark.parametrize("hub", [1e-3, 0.3, 0.6, 0.95])
@pytest.mark.parametrize(("m", "mach"), [(0, 0.0), (1, 0.4), (7, -0.6), (24, 0.0)])
def test_power_balances_with_a_hub(m, mach, hub):
    beside = [cut_on_helmholtz(m, n, mach, hub=hub) + offset for n in (0, 1) for offset in (1e-4, -1e-4)]
    for helmholtz in [0.3, 2.0, 7.3, 20.0, 43.0, *(ka for ka in beside if 0 < ka < 60)]:
        for n in range(3):
            if cut_on_helmholtz(m, n, mach, hub=hub) < helmholtz:
                assert abs(solve(DuctMode(m, n, helmholtz, mach, hub)).power.residual) < 1e-8


@pytest.mark.parametrize(("m", "n", "helmholtz", "mach"), [(0, 0, 2.0, 0.0), (0, 1, 9.0, 0.3), (3, 1, 12.0, -0.5)])
def test_a_thin_hub_tends_to_none(m, n, helmholtz, mach):
    """The difference falls like h^2, the hub's cross-section."""
    theta, x, r = np.radians([20.0, 70.0, 140.0]), np.array([-0.7, 0.4]), np.array([0.5, 1.3])
    plain = solve(DuctMode(m, n, helmholtz, mach))
    gaps = []
    for hub in (4e-3, 2e-3, 1e-3):
        thin = solve(DuctMode(m, n, helmholtz, mach, hub))
        gaps.append(
            [
                abs(thin.reflection[0] - plain.reflection[0]),
                np.max(np.abs(thin.directivity(theta) - plain.directivity(theta))),
                np.max(np.abs(thin.field(x, r).potential - plain.field(x, r).potential)),
            ]
        )
    gaps = np.array(gaps)
    assert np.all(gaps[-1] < 1e-4)
    slopes = np.log2(gaps[:-1] / gaps[1:])
    assert np.all(slopes > 1.8) if m < 2 else np.all(gaps[-1] < 1e-6)  # m > 1: h^{2m}, lost in the field's tolerance


def test_a_hub_outside_the_duct_is_refused():
    with pytest.raises(ValueError, match=r"hub=0\.97"):
        DuctMode(0, 0, 1.0, hub=0.97)
    with pytest.raises(ValueError, match=r"at least 0\.4"):
        solve(DuctMode(0, 0, 1.0, hub=0.4)).field([0.5], [0.3, 1.0])


@pytest.mark.parametrize(("helmholtz", "modulus", "end_correction"), [(1.0, 0.69510, 0.52743), (2.0, 0.34618, 0.41694)])
def test_levine_schwinger_numbers(helmholtz, modulus, end_correction):
    """Levine & Schwinger, Phys. Rev. 73 (1948), to the digits known."""
    solution = solve(DuctMode(0, 0, helmholtz))
    assert abs(abs(solution.reflection[0]) - modulus) < 6e-6
    assert abs(solution.end_correction - end_correction) < 6e-6


def test_low_frequency_limit():
    solution = solve(DuctMode(0, 0, 1e-3))
    assert abs(1 - abs(solution.reflection[0]) - 0.5e-6) < 1e-11  # |R| = 1 - (ka)^2 / 2
    assert abs(solution.end_correction - 0.6127) < 5e-5
    flow = solve(DuctMode(0, 0, 1e-3, 0.5))  # the length scales with beta
    assert abs(flow.end_correction / math.sqrt(0.75) - 0.6127) < 5e-5


def test_end_correction_is_continuous_through_the_wrap_of_the_phase():
    ka = np.linspace(3.0, 60.0, 400)
    lengths = np.array([solve(DuctMode(0, 0, value)).end_correction for value in ka])
    # 2 ka l would jump by 2 pi; it is kinked where modes cut on, no more.
    assert np.max(np.abs(np.diff(2 * ka * lengths))) < 1.0
    assert solve(DuctMode(1, 0, 5.0)).end_correction is None
    assert solve(DuctMode(0, 1, 5.0)).end_correction is None


@pytest.mark.parametrize(("m", "helmholtz", "mach"), [(0, 12.0, 0.0), (3, 20.0, 0.4), (12, 60.0, -0.7)])
def test_reciprocity(m, helmholtz, mach):
    matrix = solve(DuctMode(m, 0, helmholtz, mach)).reflection_matrix
    size = len(matrix)
    alpha = np.array([radial_eigenvalue(m, n) for n in range(size)])
    beta = math.sqrt(1 - mach**2)
    kappa = np.sqrt((helmholtz / beta) ** 2 - alpha**2 + 0j)
    norm = np.where(alpha > 0, 1 - (m / np.where(alpha > 0, alpha, 1)) ** 2, 1)
    scaled = (kappa * norm)[:, None] * matrix
    assert np.max(np.abs(scaled - scaled.T)) < 1e-12 * np.max(np.abs(scaled))


def test_pressure_reflection_of_the_plane_wave_in_flow():
    mach = 0.3
    solution = solve(DuctMode(0, 0, 1.5, mach))
    # p = i ka psi - M u: the wave with wavenumber ka / (1 +- M) has p = i ka psi / (1 +- M).
    assert solution.reflection_pressure[0] == pytest.approx(solution.reflection[0] * (1 + mach) / (1 - mach), rel=1e-13)
    still = solve(DuctMode(2, 1, 9.0))
    np.testing.assert_allclose(still.reflection_pressure, still.reflection, rtol=1e-14)


def test_sign_of_m_does_not_matter():
    plus, minus = (solve(DuctMode(m, 0, 5.0, 0.2)) for m in (2, -2))
    np.testing.assert_array_equal(plus.reflection, minus.reflection)
    np.testing.assert_array_equal(
        plus.field([-1.0, 1.0], [0.5, 1.5]).potential, minus.field([-1.0, 1.0], [0.5, 1.5]).potential
    )


@pytest.mark.parametrize(("m", "n", "helmholtz", "mach"), CASES)
def test_modal_sum_deep_inside(m, n, helmholtz, mach):
    """Inside, the field is the incident mode and the reflected ones: a second route, without the contour."""
    solution = solve(DuctMode(m, n, helmholtz, mach), tolerance=1e-8)
    x, r = np.array([-2.0, -1.2]), np.array([0.2, 0.6, 0.95])
    orders = np.arange(60)
    full = solve(ModeMixture(m, np.append(solution.source.amplitudes, np.zeros(60)), helmholtz, mach)).reflection[:60]
    total = np.zeros((2, 3), complex)
    for order in orders:
        alpha = radial_eigenvalue(m, order)
        shape = special.jv(m, alpha * r) / special.jv(m, alpha)
        back = axial_wavenumber(helmholtz, m, order, mach=mach, direction=-1)
        total += full[order] * np.exp(1j * back * x)[:, None] * shape
        if order == n:
            total += np.exp(1j * axial_wavenumber(helmholtz, m, order, mach=mach) * x)[:, None] * shape
    field = solution.field(x, r)
    assert np.max(np.abs(field.potential - total)) < 1e-10 * np.max(np.abs(total))
    momentum = 1j * helmholtz * field.potential - mach * field.axial_velocity
    np.testing.assert_allclose(field.pressure, momentum, rtol=1e-13)


@pytest.mark.parametrize(("m", "n", "helmholtz", "mach"), CASES)
def test_far_field_is_the_directivity(m, n, helmholtz, mach):
    solution = solve(DuctMode(m, n, helmholtz, mach))
    beta = math.sqrt(1 - mach**2)
    k = helmholtz / beta
    theta = np.linspace(0.3, 2.6, 9)
    scaled = []
    for rho in (400.0, 800.0):
        x, r = beta * rho * np.cos(theta), rho * np.sin(theta)
        phi = solution.at(x, r).potential * np.exp(1j * k * mach * x / beta)
        scaled.append(phi * rho * np.exp(-1j * k * rho))
    # Richardson: what is left of the 1/rho expansion is second order.
    limit = 2 * scaled[1] - scaled[0]
    exact = solution.directivity(theta)
    order = (m**2 + k) ** 2 / (k * 400.0) ** 2 + (k + 1) ** 2 / 400.0**2
    assert np.max(np.abs(limit - exact)) < 5 * order * np.max(np.abs(exact))


def near_lip_and_anywhere(count, seed):
    """Points at log-uniform distance to the lip, down to 1e-3, half of them; the others spread over the grid."""
    rng = np.random.default_rng(seed)
    distance, angle = 10 ** rng.uniform(-3, -0.5, count // 2), rng.uniform(-np.pi, np.pi, count // 2)
    x = np.concatenate([distance * np.cos(angle), rng.uniform(-2, 2, count - count // 2)])
    r = np.concatenate([1 + distance * np.sin(angle), rng.uniform(0.05, 2, count - count // 2)])
    on_wall = (np.abs(r - 1) < 0.02 * np.abs(x)) & (x < 0)  # leave room for the difference stencil
    r[on_wall] += 0.2 * np.minimum(np.abs(x), 0.3)[on_wall]
    return x, r


def gradient(solution, x, r, quantity):
    """d/dx and d/dr by central differences of order eight, their step a twentieth of the distance to the lip or wall.

    Next to the lip they leave 0.05^8 binom(-1/2, 9) 9!/630, 4e-9 of the velocity's derivative.
    """
    reach = np.minimum(np.hypot(x, r - 1), np.where(x < 0, np.abs(r - 1), np.inf))
    wavelength = (1 - abs(solution.source.mach)) / (solution.source.helmholtz + 1)
    step = 0.05 * np.minimum(np.minimum(reach, r), wavelength)
    weights = np.array([4 / 5, -1 / 5, 4 / 105, -1 / 280])
    offsets = np.arange(1, 5)
    parts = []
    for along in (np.array([1.0, 0.0]), np.array([0.0, 1.0])):
        shift = offsets[:, None] * step
        ahead = getattr(solution.at(x + along[0] * shift, r + along[1] * shift), quantity)
        behind = getattr(solution.at(x - along[0] * shift, r - along[1] * shift), quantity)
        parts.append((weights[:, None] * (ahead - behind)).sum(axis=0) / step)
    return parts


def relative(error, size):
    """Largest error relative to the size at its point; in silence, to a hundredth of the median size."""
    return np.max(error / np.maximum(size, 0.01 * np.median(size)))


@pytest.mark.parametrize(("m", "n", "helmholtz", "mach"), CASES)
def test_field_obeys_the_convected_helmholtz_equation(m, n, helmholtz, mach):
    solution = solve(DuctMode(m, n, helmholtz, mach), tolerance=1e-8)
    x, r = near_lip_and_anywhere(168, seed=m)
    field = solution.at(x, r)
    psi, u, v = field.potential, field.axial_velocity, field.radial_velocity
    psi_x, psi_r = gradient(solution, x, r, "potential")
    u_x, u_r = gradient(solution, x, r, "axial_velocity")
    v_x, v_r = gradient(solution, x, r, "radial_velocity")
    terms = [(1 - mach**2) * u_x, v_r, v / r, (helmholtz**2 - m**2 / r**2) * psi, 2j * helmholtz * mach * u]
    second = np.abs(u_r) + np.abs(v_x) + np.abs(u_x)
    assert relative(np.hypot(np.abs(psi_x - u), np.abs(psi_r - v)), np.hypot(np.abs(u), np.abs(v))) < 1e-6
    assert relative(np.abs(sum(terms)), sum(np.abs(term) for term in terms)) < 1e-6
    assert relative(np.abs(u_r - v_x), second) < 1e-6


@pytest.mark.parametrize(("m", "n", "helmholtz", "mach"), CASES)
def test_wall_condition_and_continuity(m, n, helmholtz, mach):
    solution = solve(DuctMode(m, n, helmholtz, mach), tolerance=1e-8)
    behind = -np.logspace(-3, 0.3, 30)
    for side in (1.0, np.nextafter(1.0, 2.0)):
        wall = solution.at(behind, side)
        assert np.max(np.abs(wall.radial_velocity) / (np.abs(wall.axial_velocity) + np.abs(wall.potential))) < 1e-6
    ahead = np.logspace(-3, 0.3, 30)
    inner, outer = (solution.at(ahead, r) for r in (1.0, np.nextafter(1.0, 2.0)))
    for quantity in ("potential", "axial_velocity", "radial_velocity", "pressure"):
        a, b = getattr(inner, quantity), getattr(outer, quantity)
        assert np.max(np.abs(a - b)) < 1e-8 * np.max(np.abs(a))
    across = [solution.at([-1e-9, 1e-9], r) for r in (0.4, 1.7)]  # from one contour to the other
    for pair in across:
        assert abs(pair.potential[0] - pair.potential[1]) < 1e-6 * abs(pair.potential[0])


def test_velocity_at_the_lip_grows_like_an_inverse_root():
    solution = solve(DuctMode(0, 0, 2.0))
    distance = np.logspace(-6, -4, 5)
    field = solution.at(distance, 1 + 0 * distance)
    slope = np.polyfit(np.log(distance), np.log(np.abs(field.radial_velocity)), 1)[0]
    assert slope == pytest.approx(-0.5, abs=1e-3)


def test_axis():
    for m, field in ((m, solve(DuctMode(m, 0, 6.0)).field([-0.5, 0.5], [0.0, 1e-7])) for m in (0, 1, 2)):
        np.testing.assert_allclose(field.potential[:, 0], field.potential[:, 1], rtol=1e-6, atol=1e-6)
        if m == 0:
            np.testing.assert_array_equal(field.radial_velocity[:, 0], 0)
        if m == 1:
            np.testing.assert_allclose(field.radial_velocity[:, 0], field.radial_velocity[:, 1], rtol=1e-9)
        if m == 2:
            np.testing.assert_array_equal(field.potential[:, 0], 0)


def test_directivity_at_the_ends_and_at_the_main_lobe():
    solution = solve(DuctMode(0, 0, 3.0))
    ends = solution.directivity([0.0, np.pi])
    beside = solution.directivity([1e-6, np.pi - 1e-6])
    np.testing.assert_allclose(ends, beside, rtol=1e-9)
    assert np.all(solve(DuctMode(3, 0, 9.0)).directivity([0.0, np.pi]) == 0)
    # cos(theta) = kappa / K: s meets the pole -kappa exactly, where numerator and denominator vanish together
    k, alpha = 9.0, radial_eigenvalue(3, 0)
    lobe = math.acos(math.sqrt(k**2 - alpha**2) / k)
    values = solve(DuctMode(3, 0, k)).directivity(lobe + np.array([-1e-8, 0.0, 1e-8]))
    np.testing.assert_allclose(values, values[1], rtol=1e-6)
    assert np.all(np.isfinite(values))


def test_grid_and_points_agree_and_mixtures_superpose():
    x, r = np.linspace(-1, 1, 6), np.linspace(0.1, 1.9, 5)
    first, second = (solve(DuctMode(1, n, 8.0, -0.2)) for n in (0, 1))
    mixture = solve(ModeMixture(1, [2.0, 1j], 8.0, -0.2))
    grid = mixture.field(x, r)
    points = mixture.at(x[:, None], r)
    np.testing.assert_allclose(points.potential, grid.potential, rtol=1e-9)
    both = 2 * first.field(x, r).pressure + 1j * second.field(x, r).pressure
    np.testing.assert_allclose(grid.pressure, both, rtol=1e-9)
    np.testing.assert_allclose(
        mixture.directivity([0.5, 2.0]),
        2 * first.directivity([0.5, 2.0]) + 1j * second.directivity([0.5, 2.0]),
        rtol=1e-12,
    )


@pytest.mark.parametrize("helmholtz", [0.001, 0.3, 5.0, 60.0])
@pytest.mark.parametrize("m", [0, 7, 40])
@pytest.mark.parametrize("mach", [0.0, -0.8, 0.8])
def test_the_whole_range_meets_the_tolerance(m, helmholtz, mach):
    x, r = np.linspace(-2, 2, 17), np.linspace(0.01, 1.99, 12)
    solution = solve(DuctMode(m, 0, helmholtz, mach))
    assert solution.error_estimate < 1e-9
    assert solution.field(x, r).error_estimate <= 1e-6


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: DuctMode(0, 0, 0.0), "helmholtz=0.0"),
        (lambda: DuctMode(0, 0, -1.0), "helmholtz=-1.0"),
        (lambda: DuctMode(0, 0, math.nan), "helmholtz=nan"),
        (lambda: DuctMode(0, 0, math.inf), "helmholtz=inf"),
        (lambda: DuctMode(0, -1, 1.0), "n=-1"),
        (lambda: DuctMode(0.5, 0, 1.0), "m=0.5"),
        (lambda: DuctMode(0, 0, 1.0, 1.0), "mach=1.0"),
        (lambda: DuctMode(0, 0, 1.0, math.nan), "mach=nan"),
        (lambda: ModeMixture(0, [0.0, 0.0], 1.0), "not all zero"),
        (lambda: ModeMixture(0, [[1.0]], 1.0), "one-dimensional"),
        (lambda: ModeMixture(0, [math.nan], 1.0), "finite"),
        (lambda: solve(DuctMode(0, 0, 1.0), tolerance=0), "tolerance"),
        (lambda: solve(DuctMode(0, 0, 1.0)).field([0.0], [-0.1]), "r=-0.1"),
        (lambda: solve(DuctMode(0, 0, 1.0)).field([math.nan], [0.1]), "finite"),
        (lambda: solve(DuctMode(0, 0, 1.0)).field([[0.0]], [0.1]), "one-dimensional"),
        (lambda: solve(DuctMode(0, 0, 1.0)).field([], [0.1]), "at least one"),
        (lambda: solve(DuctMode(0, 0, 1.0)).field([0.0], [1.0]), "lip"),
        (lambda: solve(DuctMode(0, 0, 1.0)).directivity(-0.1), "-0.1"),
        (lambda: solve(DuctMode(0, 0, 1.0)).directivity(math.nan), "nan"),
    ],
)
def test_bad_input_is_named(call, named):
    with pytest.raises(ValueError, match=named):
        call()


def test_wrong_source():
    with pytest.raises(TypeError, match="str"):
        solve("plane wave")


def test_a_missed_tolerance_is_raised():
    with pytest.raises(ConvergenceError, match="above"):
        solve(DuctMode(0, 0, 1.0), tolerance=1e-17)
    with pytest.raises(ConvergenceError, match="the field"):
        solve(DuctMode(2, 0, 5.0, 0.3), tolerance=1e-12).field([0.5, -0.5], [0.5, 1.5])


def test_fields_of_many_amplitudes_are_their_own_fields():
    x, r = np.linspace(-1.5, 1.5, 9), np.linspace(0.1, 1.9, 8)
    rng = np.random.default_rng(2)
    amplitudes = rng.normal(size=(5, 3)) + 1j * rng.normal(size=(5, 3))
    amplitudes[1, 1:] = 0
    solution = solve(DuctMode(2, 0, 9.0, 0.3))
    for row, field in zip(amplitudes, solution.fields(amplitudes, x, r), strict=True):
        own = solve(ModeMixture(2, row, 9.0, 0.3)).field(x, r)
        for name in ("potential", "axial_velocity", "radial_velocity", "pressure"):
            difference = np.linalg.norm(getattr(field, name) - getattr(own, name))
            assert difference < (field.error_estimate + own.error_estimate) * np.linalg.norm(getattr(own, name))
    with pytest.raises(ValueError, match="zero rows"):
        solution.fields([[0.0, 0.0]], x, r)
