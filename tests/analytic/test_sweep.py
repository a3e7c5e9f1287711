"""Sweeps against single solutions."""

import numpy as np
import pytest

from analytic import ConvergenceError, DuctMode, cut_on_helmholtz, solve, sweep

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
