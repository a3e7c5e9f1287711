"""Fields of many sources at scattered points: paths of steepest descent against the contour, and what takes which."""

import numpy as np
import pytest

from analytic import DuctMode, Jet, ModeMixture, cut_on_helmholtz, cut_on_orders, fields_at, solve, sweeps
from analytic.bessel import hankel_pair
from analytic.errors import ConvergenceError
from analytic.factorisation import Factorisation
from analytic.media import UniformFlow, transforms, uniform_factor, uniform_paths, uniform_points
from analytic.near_field import QUANTITIES
from analytic.resonances import hankel_slope_zeros
from analytic.section import Section

ANGLES = np.radians(np.linspace(0, 150, 26))
X, R = 10 * np.cos(ANGLES), 10 * np.sin(ANGLES)


def draw(rng, count, orders=range(21), helmholtz=(3.0, 30.0), mach=0.6):
    """Random modes that are cut on."""
    modes = []
    while len(modes) < count:
        m, ka, flow = int(rng.choice(orders)), rng.uniform(*helmholtz), rng.uniform(-mach, mach)
        if modes_on := cut_on_orders(ka, m, flow):
            modes.append(DuctMode(m, int(rng.integers(0, modes_on)), ka, flow))
    return modes


def error(field, exact):
    """Largest relative error of psi, (u, v) and p, root mean squares."""
    parts = [[getattr(one, name) for name in QUANTITIES] for one in (field, exact)]
    off = [np.linalg.norm(a - b) for a, b in zip(*parts, strict=True)]
    size = [np.linalg.norm(b) for b in parts[1]]
    return max(off[0] / size[0], np.hypot(*off[1:3]) / np.hypot(*size[1:3]), off[3] / size[3])


def no_contour(*_):
    raise AssertionError("a contour was used")


def exact(source, x, r):
    """The field by a contour, most of whose estimates are far below this tolerance."""
    return solve(source, tolerance=1e-7).at(x, r)


@pytest.mark.parametrize("seed", range(3))
def test_microphones_are_those_of_single_solutions(seed, monkeypatch):
    modes = draw(np.random.default_rng(seed), 6)
    expected = [exact(mode, X, R) for mode in modes]
    monkeypatch.setattr(uniform_points, "point_field", no_contour)
    for mode, field, reference in zip(modes, fields_at(modes, X, R), expected, strict=True):
        assert field.error_estimate < 1e-6, mode
        assert error(field, reference) < field.error_estimate + reference.error_estimate, mode
        np.testing.assert_array_equal(field.x, X)
        np.testing.assert_array_equal(field.r, R)


@pytest.mark.parametrize("tolerance", [1e-2, 1e-4, 1e-8])
def test_estimates_hold_at_other_tolerances(tolerance):
    modes = draw(np.random.default_rng(8), 4)
    for mode, field in zip(modes, fields_at(modes, X, R, tolerance=tolerance), strict=True):
        reference = exact(mode, X, R)
        assert field.error_estimate < tolerance
        assert error(field, reference) < field.error_estimate + reference.error_estimate


def test_zeros_of_the_hankel_function_that_paths_pass(monkeypatch):
    """Where m / K is the sine of an angle upstream, the pole of a creeping wave is next to the path."""
    angle = np.radians([125.0, 140.0, 150.0])
    modes = [DuctMode(m, 0, ka) for m, ka in ((12, 24.0), (8, 14.0), (3, 7.0), (20, 26.0))]
    expected = [exact(mode, 12 * np.cos(angle), 12 * np.sin(angle)) for mode in modes]
    monkeypatch.setattr(uniform_points, "point_field", no_contour)
    found = fields_at(modes, 12 * np.cos(angle), 12 * np.sin(angle))
    for mode, field, reference in zip(modes, found, expected, strict=True):
        assert error(field, reference) < field.error_estimate + reference.error_estimate, mode


@pytest.mark.parametrize("m", [0, 1, 2, 9])
def test_points_beside_the_axis_downstream(m, monkeypatch):
    x, r = np.array([9.0, 11.0, 30.0, 9.5, 10.0, 10.0]), np.array([0.0, 0.4, 0.7, 1.0, 1.3, 6.0])
    modes = [DuctMode(m, 1, 20.0, 0.4), DuctMode(m, 0, 12.0, -0.3)]
    expected = [exact(mode, x, r) for mode in modes]
    monkeypatch.setattr(uniform_points, "point_field", no_contour)
    for field, reference in zip(fields_at(modes, x, r), expected, strict=True):
        assert error(field, reference) < field.error_estimate + reference.error_estimate
        if m != 1:
            assert abs(field.radial_velocity[0]) < 1e-15
        if m:
            assert abs(field.potential[0]) < 1e-15


def test_the_far_field_is_the_directivity():
    """phi rho exp(-i K rho) = D + O(1 / rho); the first correction falls out of two distances."""
    theta = np.radians([20.0, 70.0, 110.0, 160.0])
    modes = [DuctMode(2, 1, 9.0), DuctMode(0, 0, 5.0), DuctMode(7, 0, 11.0)]
    for mode, field in zip(
        modes, fields_at(modes, np.outer([400, 800], np.cos(theta)), np.outer([400, 800], np.sin(theta))), strict=True
    ):
        rho = np.array([[400.0], [800.0]])
        near, far = field.potential * rho * np.exp(-1j * mode.helmholtz * rho)
        exact = solve(mode).directivity(theta)
        # Left is (a / rho)^2, a = K / 2 + m^2 / 2 K / sin(theta)^2 of Fresnel's number.
        assert np.linalg.norm(2 * far - near - exact) < 1e-3 * np.linalg.norm(exact)
        assert np.linalg.norm(2 * far - near - exact) < 0.1 * np.linalg.norm(far - exact)


def test_near_points_and_other_sources_take_the_contour():
    x, r = np.array([[-20.0, 0.5], [-1.0, 9.0], [-9.0, 2.0]]), np.array([[0.5, 1.2], [2.0, 5.0], [1.2, 0.3]])
    plain, hub = DuctMode(2, 0, 8.0, 0.3), DuctMode(2, 0, 8.0, 0.3, hub=0.4)
    r = np.maximum(r, 0.4)
    mixture = ModeMixture(-2, [1.0, 0.5j, -0.3], 9.0, 0.2)
    media = [UniformFlow(), UniformFlow(), Jet(0.1), UniformFlow()]
    for source, medium, field in zip(
        sources := [plain, hub, plain, mixture], media, fields_at(sources, x, r, medium=media), strict=True
    ):
        reference = solve(source, medium=medium, tolerance=1e-8).at(x, r)
        assert field.potential.shape == field.x.shape == (3, 2)
        assert field.error_estimate < 1e-6
        assert error(field, reference) < field.error_estimate + reference.error_estimate


def test_a_hub_is_not_left_out_far_away():
    source = DuctMode(2, 0, 20.0, 0.3, hub=0.4)
    (field,) = fields_at([source], [20.0, 60.0], [8.0, 30.0])
    assert error(field, exact(source, [20.0, 60.0], [8.0, 30.0])) < 1e-5


def test_positions_broadcast_and_sources_keep_their_order():
    modes = [DuctMode(3, 0, 9.0), DuctMode(0, 0, 4.0), DuctMode(-3, 0, 7.0), DuctMode(0, 0, 3.0)]
    fields = fields_at(iter(modes), [[8.0], [9.0]], [6.0, 7.0, 8.0])
    for mode, field in zip(modes, fields, strict=True):
        reference = solve(mode).at([[8.0], [9.0]], [6.0, 7.0, 8.0])
        assert field.pressure.shape == (2, 3)
        np.testing.assert_array_equal(field.x, reference.x)
        np.testing.assert_allclose(field.pressure, reference.pressure, rtol=1e-5)
    assert fields_at([], 8.0, 6.0) == []
    assert fields_at(modes, 8.0, 6.0)[0].pressure.shape == ()


def test_the_same_block_has_the_same_bits():
    modes = draw(np.random.default_rng(3), 8)
    first = fields_at(modes, X, R)
    fields_at(draw(np.random.default_rng(4), 8), X[::2], R[::2])
    for one, other in zip(first, fields_at(modes, X, R), strict=True):
        assert all(np.array_equal(getattr(one, name), getattr(other, name)) for name in QUANTITIES)
        assert one.error_estimate == other.error_estimate


def test_a_source_that_misses_the_tolerance_is_tried_again_and_then_takes_the_contour(monkeypatch):
    modes = [DuctMode(2, 0, 9.0), DuctMode(2, 1, 10.0)]
    paths_to, aims = uniform_paths.paths_to, []

    def coarse(found, tolerance):
        aims.append(tolerance)
        return paths_to(found, 1e3 * tolerance)

    monkeypatch.setattr(uniform_points, "paths_to", coarse)
    monkeypatch.setattr(uniform_points, "point_field", no_contour)
    for mode, field in zip(modes, fields_at(modes, X, R), strict=True):
        reference = exact(mode, X, R)
        assert error(field, reference) < field.error_estimate + reference.error_estimate < 1.1e-6
    assert aims == [1e-6, 1e-9]
    monkeypatch.undo()
    monkeypatch.setattr(uniform_points, "paths_to", lambda found, tolerance: paths_to(found, 1e-2))
    for mode, field in zip(modes, fields_at(modes, X, R), strict=True):
        np.testing.assert_allclose(field.pressure, solve(mode).at(X, R).pressure, rtol=1e-9)


@pytest.mark.parametrize(("m", "k"), [(0, 3.2), (1, 5.4), (5, 20.0), (20, 37.0), (2, 90.0), (7, 250.0), (0, 0.3)])
def test_the_factors_series(m, k):
    rng = np.random.default_rng(m)
    p = np.sqrt(1 + np.cos(rng.uniform(0.0, 1.5, (3, 20)) + 1j * rng.uniform(-0.3, 0.3, (3, 20))))
    every = transforms([DuctMode(m, 0, k), DuctMode(m, 0, 1.1 * k)], [UniformFlow()] * 2)
    case = np.array([0, 1, 1])
    distance = np.array([np.max(np.abs(p[case == index] - uniform_factor.CENTRE)) for index in range(2)])
    series = uniform_factor.Series(every, distance)
    value, estimate = series.plus(p, case), series.error[case]
    for row, index in enumerate(case):
        exact, rounding = Factorisation(Section(m), every[index].k).plus(every[index].k * (p[row] ** 2 - 1))
        assert estimate[row] < 1e-6
        assert np.max(np.abs(value[row] / exact - 1)) < estimate[row] + np.max(rounding)


def test_a_series_that_has_not_converged_is_in_the_estimate(monkeypatch):
    monkeypatch.setattr(uniform_factor, "_TERMS", 8)
    every = transforms([DuctMode(1, 0, 6.0)], [UniformFlow()])
    p = np.sqrt(1 + np.cos(np.linspace(0.1, 1.5, 20) + 0.3j))[None]
    series = uniform_factor.Series(every, np.max(np.abs(p - uniform_factor.CENTRE), axis=1))
    value, estimate = series.plus(p, np.array([0])), series.error
    exact, _ = every[0].factors.plus(every[0].k * (p[0] ** 2 - 1))
    assert 1e-7 < np.max(np.abs(value[0] / exact - 1)) < estimate[0]


def test_failures_are_recorded_or_raised():
    cut_on = cut_on_helmholtz(2, 0) * (1 + 1e-12)
    modes = [DuctMode(2, 0, 9.0), DuctMode(2, 0, cut_on), DuctMode(2, 0, 8.0)]
    with pytest.raises(ConvergenceError, match=r"helmholtz=3\.0542"):
        fields_at(modes, X, R)
    found = fields_at(modes, X, R, errors="record")
    assert [field.valid for field in found] == [True, False, True]
    assert found[1].error_estimate == np.inf
    assert not np.any(found[1].pressure)
    assert found[1].pressure.shape == X.shape


def test_bad_input_names_what_was_given():
    mode = DuctMode(0, 0, 3.0)
    for call, name in (
        (lambda: fields_at([mode], 10.0, -1.0), r"r=-1\.0"),
        (lambda: fields_at([DuctMode(0, 0, 3.0, hub=0.4)], 10.0, 0.2), r"r=0\.2"),
        (lambda: fields_at([mode], 1e-9, 1.0), "from the lip"),
        (lambda: fields_at([mode], [], []), "x must be finite"),
        (lambda: fields_at([mode], [np.nan], [1.0]), "x must be finite"),
        (lambda: fields_at([mode], [1.0, 2.0], [1.0, 2.0, 3.0]), "broadcast"),
        (lambda: fields_at([mode], 10.0, 5.0, tolerance=0), "tolerance"),
        (lambda: fields_at([mode], 10.0, 5.0, errors="ignore"), "'raise' or 'record', got 'ignore'"),
        (lambda: fields_at([mode], 1e6, 5.0), "see directivity"),
    ):
        with pytest.raises(ValueError, match=name):
            call()
    with pytest.raises(TypeError, match="got str"):
        fields_at(["plane wave"], 10.0, 5.0)


def test_what_lies_beyond_the_ends_of_a_path_is_in_the_estimate(monkeypatch):
    monkeypatch.setattr(uniform_paths, "_ENDS", 0.5)  # terms at the ends are a fiftieth of the largest
    modes = [DuctMode(0, 0, 6.0), DuctMode(3, 1, 14.0, 0.4), DuctMode(9, 0, 17.0, -0.3)]
    for mode, field in zip(modes, fields_at(modes, X, R, tolerance=10.0), strict=True):
        reference = exact(mode, X, R)
        assert 1e-5 < error(field, reference) < field.error_estimate


def test_the_error_of_the_rule_is_in_the_estimate(monkeypatch):
    """The rule is made coarse, and the paths so long that nothing lies beyond their ends."""
    for name, value in (("_SAFETY", 0.012), ("_BESIDE", 0.0), ("_ENDS", 1e4)):
        monkeypatch.setattr(uniform_paths, name, value)
    modes = [DuctMode(0, 0, 6.0), DuctMode(3, 1, 14.0, 0.4), DuctMode(9, 0, 17.0, -0.3)]
    for mode, field in zip(modes, fields_at(modes, X[5:], R[5:], tolerance=10.0), strict=True):
        reference = exact(mode, X[5:], R[5:])
        assert 1e-6 < error(field, reference) < field.error_estimate


def test_digits_lost_beside_cut_on_are_in_the_estimate(monkeypatch):
    """Everything else is made exact."""
    for module, name, value in (
        (uniform_paths, "_SAFETY", 1e5),
        (uniform_paths, "_ENDS", 1e5),
        (uniform_factor, "_TERMS", 48),
    ):
        monkeypatch.setattr(module, name, value)
    mode = DuctMode(2, 0, cut_on_helmholtz(2, 0) * (1 + 2e-9))
    (field,) = fields_at([mode], X[5:], R[5:])
    assert field.error_estimate > transforms([mode], [UniformFlow()])[0].cancellation > 1e-7


def test_many_points_are_computed_for_few_sources_at_a_time(monkeypatch):
    together = []

    def noted(sources, media):
        together.append(len(sources))
        return transforms(sources, media)

    monkeypatch.setattr(sweeps, "transforms", noted)
    monkeypatch.setattr(sweeps, "_MOST", 20)
    modes = [DuctMode(0, 0, ka) for ka in np.linspace(4, 5, 5)]
    fields_at(modes, X[:10], R[:10])
    fields_at(modes[:2], X, R)
    assert together == [2, 2, 1, 1, 1]


@pytest.mark.parametrize("m", [1, 2, 3, 8, 20, 41])
def test_no_zero_of_the_hankel_function_is_missing(m):
    """The winding number of H_m' around the sector 0 > arg z > -pi / 4; its zeros there have |z| > 0.4 m."""
    step, near, far = np.linspace(0, 1, 4000), 0.4 * m, m + 6.0
    side = np.exp(-0.25j * np.pi)
    edges = near + (far - near) * step, far * side**step, (far + (near - far) * step) * side, near * side ** (1 - step)
    turns = 0.0
    for edge in edges:
        slope = hankel_pair(m, edge + 0j)[1]  # times exp(-i z)
        turns += np.sum(np.angle(slope[1:] / slope[:-1])) + (edge[-1] - edge[0]).real
    assert -turns / (2 * np.pi) == pytest.approx(len(hankel_slope_zeros(m)), abs=1e-6)
