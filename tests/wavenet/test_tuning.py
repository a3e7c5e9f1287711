"""ka and M tuned to a field: found from wrong ones, left alone where nothing speaks against them."""

import numpy as np
import pytest
import torch

from analytic import ModeMixture, solve
from data.field import Potential
from wavenet import derivatives
from wavenet.derivatives.constrained_unet import METHODS, ConstrainedUNet, ConstrainedUNetConfig
from wavenet.derivatives.exact_fits import Stretched
from wavenet.derivatives.joint_waves import JointWaves
from wavenet.derivatives.tuning import tune
from wavenet.derivatives.wave_patches import Case
from wavenet.study import differentiation

X, R = (np.arange(54) + 0.3) / 18 - 1.6, (np.arange(34) + 0.6) / 18
CASE = Case(2, 9.0, 0.3)
FAR = Case(2, 9.9, 0.25)


@pytest.fixture(scope="module")
def field():
    return solve(ModeMixture(2, [1.0, 0.5j], 9.0, 0.3)).field(X, R)


def noisy(values, level, seed=0):
    noise = np.random.default_rng(seed).normal(size=(*values.shape, 2)) @ [1, 1j] / np.sqrt(2)
    return values + level * np.sqrt(np.mean(np.abs(values) ** 2)) * noise


@pytest.mark.parametrize("told", [Case(2, 9.0 * (1 + 1e-6), 0.3), Case(2, 9.0, 0.301), FAR], ids=str)
def test_found_without_noise(field, told):
    for values in (field.potential, field.pressure):
        found = tune(values, X, R, told)
        assert found.case.helmholtz == pytest.approx(9.0, rel=1e-8, abs=0)  # the solver's tolerance
        assert found.case.mach == pytest.approx(0.3, rel=0, abs=1e-8)
        assert found.noise.level < 1e-7


@pytest.mark.parametrize("level", [1e-6, 1e-4, 1e-2])
def test_found_in_noise_within_their_uncertainties(field, level):
    values = noisy(field.potential, level)
    found = tune(values, X, R, Case(2, 9.0 * 1.01, 0.29))
    off = np.log(found.case.helmholtz / 9.0), found.case.mach - 0.3
    truncation = 5e-7 if level > 1e-5 else 0.0  # of the waves in the whole grid
    for miss, sure in zip(off, found.uncertainty, strict=True):
        assert abs(miss) < 5 * sure + truncation
        assert sure < (0.02 if level > 1e-3 else 0.2) * level  # the whole grid tells more than patches
    assert found.noise.level == pytest.approx(level, rel=0.1, abs=0)


def test_a_large_error_in_loud_noise(field):
    """Phases of the whole grid are then off by more than a turn at its ends: patches come first."""
    found = tune(noisy(field.potential, 0.05), X, R, FAR)
    assert found.case.helmholtz == pytest.approx(9.0, rel=2e-3, abs=0)


@pytest.mark.parametrize("level", [0.0, 1e-6, 1e-3, 0.1])
def test_right_ones_are_left_alone(field, level):
    found = tune(noisy(field.potential, level), X, R, CASE)
    assert found.case == CASE
    assert found.uncertainty == (np.inf, np.inf)


def test_trusted_ones_are_left_alone(field):
    found = tune(field.potential, X, R, FAR, trusted=True)
    assert found.case == FAR
    assert found.noise.level > 1e-3


def test_a_field_that_is_no_sum_of_waves(field):
    """It has no ka and M that fit, and keeps those told."""
    found = tune(field.potential * np.exp(-(X[:, None] ** 2)), X, R, CASE)
    assert found.case == CASE
    assert found.noise.level > 1e-3
    assert tune(field.potential[:8], X[:8], R, FAR).case == FAR  # no patch


def test_what_the_whole_grid_misses_is_the_noise(field):
    values = noisy(field.potential, 1e-3)
    _, missed = JointWaves(Stretched.of(CASE, X), X, R).apply(values, 1e-3)
    size = np.sqrt(np.mean(np.abs(values) ** 2))
    assert np.sqrt(np.mean(np.abs(missed) ** 2)) / size == pytest.approx(1e-3, rel=0.05, abs=0)
    # and it is what is missed: added to the noisy field it gives the fit, which is nearer to the true one
    assert np.linalg.norm(values + missed - field.potential) < 0.5 * np.linalg.norm(values - field.potential)


def test_a_wrong_ka_does_not_harm_the_unet():
    """Untrained, so whatever its weights are; one that trusts ka is worse, and expects it of its series."""
    x, r = (np.arange(64) + 0.5) / 24 - 1.3, (np.arange(48) + 0.5) / 24
    field, base = solve(ModeMixture(2, [1.0, 0.5j], 9.0, 0.3)).field(x, r), derivatives.load().on_grid(x, r)
    tuning = ConstrainedUNet(ConstrainedUNetConfig(base.config.x, base.config.r, width=4), base)
    trusting = tuning.on_grid(x, r, trusted=True)
    psi = torch.from_numpy(np.stack([field.potential.real, field.potential.imag]))[None]
    right, wrong = (torch.tensor([[2, ka, 0.3]], dtype=torch.float64) for ka in (9.0, 9.009))
    exact = np.stack([field.axial_velocity, field.radial_velocity])
    size = np.sqrt(np.mean(np.abs(exact) ** 2, axis=(1, 2)))[:, None, None]

    def missed(found):
        """Error over the root mean square, (2, x, r)."""
        return np.abs(found[0, 0::2].numpy() + 1j * found[0, 1::2].numpy() - exact) / size

    with torch.no_grad():
        truth, tuned = missed(tuning(psi, right)), missed(tuning(psi, wrong))
        trusted, seen = missed(trusting(psi, wrong)), trusting.seen(psi[0], wrong[0])
    assert np.sqrt(np.mean(tuned**2)) < 1.1 * np.sqrt(np.mean(truth**2)) + 1e-8
    assert np.sqrt(np.mean(trusted**2)) > 3 * np.sqrt(np.mean(truth**2))
    around = METHODS.index("lip waves")  # expected to be as wrong as they are
    usable = torch.isfinite(seen.prior[:, around]).numpy()
    of_series = missed(seen.candidates[around][None])[usable]
    expected = 10 ** seen.prior[:, around].numpy()[usable]
    assert 0.1 < np.sqrt(np.mean(of_series**2)) / np.sqrt(np.mean(expected**2)) < 3


def test_differentiate_says_which_ka_it_uses(field):
    model, _ = differentiation.load_network(differentiation.LINEAR)
    given = Potential(X, R, field.potential, 2, 9.009, 0.3)
    found = differentiation.differentiate(given, model)
    assert found.helmholtz == pytest.approx(9.0, rel=1e-7, abs=0)
    assert any("the field is one of ka = 9" in line and "not of ka = 9.009" in line for line in found.warnings)
    pressure = 1j * found.helmholtz * found.potential - found.mach * found.axial_velocity
    np.testing.assert_allclose(found.pressure, pressure, rtol=1e-12)
    trusted = differentiation.differentiate(given, model, trusted=True)
    assert trusted.helmholtz == 9.009
    assert not any("the field is one of" in line for line in trusted.warnings)
