"""Sweeps against single solutions."""

import numpy as np
import pytest

from analytic import ConvergenceError, DuctMode, ModeMixture, cut_on_helmholtz, near_fields, solve, sweep

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
    monkeypatch.setattr("analytic.sweeps._TOGETHER", together)
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
        single = solve(source).field(x, r)
        assert field.error_estimate == pytest.approx(single.error_estimate, rel=1e-3, abs=0)
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
