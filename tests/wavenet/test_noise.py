"""Noise of a field, estimated from what is not a sum of waves: level, colour, and what must not be taken for noise."""

import numpy as np
import pytest
from scipy.special import iv, jv, kv, yv

from analytic import ModeMixture, solve
from wavenet.derivatives.wave_patches import SIZE, Case, estimate_noise, patch_waves, windows

X, R = (np.arange(64) + 0.5) / 16 - 2, (np.arange(40) + 0.5) / 20
CASES = [Case(2, 9.0, 0.3), Case(0, 4.0, -0.2), Case(5, 20.0, 0.0)]


def exact(case, x=X, r=R):
    """Fields of two modes, the lower of them cut on."""
    return solve(ModeMixture(case.m, [1.0, 0.5j], case.helmholtz, case.mach)).field(x, r)


def noisy(values, level, seed=0):
    noise = np.random.default_rng(seed).normal(size=(*values.shape, 2)) @ [1, 1j] / np.sqrt(2)
    return values + level * np.sqrt(np.mean(np.abs(values) ** 2)) * noise


@pytest.mark.parametrize("case", CASES)
def test_the_level_of_white_noise_is_found(case):
    """To a few per cent: the patches have some 2000 dimensions that no wave has a part in."""
    field = exact(case)
    for values in (field.potential, field.pressure):
        for level in (1e-7, 1e-4, 0.03):
            found = estimate_noise(noisy(values, level), X, R, case)
            assert found.level == pytest.approx(level, rel=0.05, abs=0)
            assert found.white


@pytest.mark.parametrize("case", CASES)
def test_an_exact_field_has_no_noise_whatever_happens_at_the_lip(case):
    field = exact(case)
    assert estimate_noise(field.potential, X, R, case).level < 2e-8  # the solver's tolerance is 1e-8
    assert estimate_noise(field.pressure, X, R, case).level < 1e-7  # it grows like 1 / sqrt(rho)


@pytest.mark.parametrize(("per_wavelength", "mach"), [(4, 0.0), (4, 0.4), (2.6, -0.2), (40, 0.0)])
def test_a_coarse_grid_is_not_taken_for_noise(per_wavelength, mach):
    case = Case(3, 2 * np.pi * (1 - abs(mach)) / (per_wavelength / 20), mach)
    x, r = X * 0.8, R  # the same spacing in both
    field = exact(case, x, r)
    assert estimate_noise(field.potential, x, r, case).level < 2e-8
    found = estimate_noise(noisy(field.potential, 1e-5), x, r, case)
    assert found.level == pytest.approx(1e-5, rel=0.05, abs=0)


def test_uneven_cells_are_as_good():
    rng, case = np.random.default_rng(3), CASES[0]
    x, r = X + rng.uniform(-0.01, 0.01, len(X)), R + rng.uniform(-0.01, 0.01, len(R))
    values = exact(case, x, r).potential
    assert estimate_noise(values, x, r, case).level < 2e-8
    assert estimate_noise(noisy(values, 1e-3), x, r, case).level == pytest.approx(1e-3, rel=0.05, abs=0)


@pytest.mark.parametrize(
    "wrong", [Case(2, 9.45, 0.3), Case(2, 18.0, 0.3), Case(3, 9.0, 0.3), Case(2, 9.0, 0.35)], ids=str
)
def test_waves_of_another_case_are_no_white_noise(wrong):
    field = exact(CASES[0])
    found = estimate_noise(field.potential, X, R, wrong)
    assert found.level > 1e-3
    assert not found.white
    assert found.coherence > 4


def test_any_size_and_phase_of_the_field_gives_the_same_level():
    values = noisy(exact(CASES[0]).potential, 1e-3)
    first, second = (estimate_noise(factor * values, X, R, CASES[0]) for factor in (1.0, 1e-6j))
    assert first.level == pytest.approx(second.level, rel=1e-9)
    assert first.coherence == pytest.approx(second.coherence, rel=1e-9)


def test_without_a_patch_or_a_field_there_is_no_estimate():
    case, values = CASES[0], exact(CASES[0]).potential
    assert estimate_noise(values[: SIZE - 1], X[: SIZE - 1], R, case) is None
    assert estimate_noise(0 * values, X, R, case) is None


def test_patches_stay_off_wall_and_lip_and_cover_the_rest():
    covered = np.zeros((len(X), len(R)), bool)
    for window in windows(X, R):
        x, r = X[window.i], R[window.j]
        assert len(x) == len(r) == SIZE
        assert not (x[0] < 0 and r[0] < 1 < r[-1])
        assert np.hypot(np.mean(x), np.mean(r) - 1) >= 1.25 * np.hypot(np.ptp(x), np.ptp(r)) / 2
        covered[window.i, window.j] = True
    rho = np.hypot(X[:, None], R - 1)
    assert np.all(covered[rho > 0.7])
    assert not np.all(covered[rho < 0.2])


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("gamma", "function"), [(3.0, jv), (12.0, jv), (40.0, jv), (3.0, yv), (12.0, yv), (20j, iv), (20j, kv)]
)
def test_the_waves_of_a_patch_span_any_wave(gamma, function, sign):
    """Those of the patch are of other wavenumbers; any wave is a sum of them to 1e-8."""
    case, x, r = Case(2, 9.0, 0.0), X[20:29], R[5:14]
    mu = sign * np.sqrt(case.number**2 - gamma**2 + 0j)
    wave = (np.exp(1j * mu * (x - x[4]))[:, None] * function(2, abs(gamma) * r)).ravel()
    waves = patch_waves(case, x, r).reshape(SIZE**2, -1)
    assert np.max(np.abs(waves)) <= 1
    left, sizes, _ = np.linalg.svd(waves, full_matrices=False)
    rest = left[:, sizes < 1e-9 * sizes[0]].T @ wave
    assert 15 < len(rest) < 60
    assert np.linalg.norm(rest) < 1e-8 * np.linalg.norm(wave)
