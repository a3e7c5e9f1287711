"""Stencils that know the case's wavenumber: waves, polynomials, wall, axis; then Wiener–Hopf fields."""

import numpy as np
import pytest
import torch
from scipy.special import jv, jvp

from analytic import ModeMixture, solve
from wavenet.derivatives.differences import Differences
from wavenet.derivatives.wave_stencils import WaveDerivatives, wave_weights

X, R = (np.arange(96) + 0.5) / 24 - 2, (np.arange(48) + 0.5) / 24
CENTRAL = np.arange(-5, 6)[None] / 24


def parts(values):
    return torch.from_numpy(np.stack([values.real, values.imag]))[None]


def whole(field):
    return (field[0, 0] + 1j * field[0, 1]).numpy()


@pytest.mark.parametrize(
    ("wavenumber", "central", "one_sided"), [(0.5, 1e-6, 1e-5), (15.0, 1e-6, 3e-5), (30.0, 5e-5, 6e-3)]
)
@pytest.mark.parametrize("end", [False, True])
def test_weights_are_exact_for_waves_and_polynomials(wavenumber, central, one_sided, end):
    """To 1e-6 down to ten points per wavelength in the middle of a grid, to 5e-5 at five."""
    offsets, tolerance = (CENTRAL + 5 / 24, one_sided) if end else (CENTRAL, central)
    weights = wave_weights(offsets, wavenumber)[0]
    for share in np.linspace(-1, 1, 21):
        mu = share * wavenumber
        assert abs(weights @ np.exp(1j * mu * offsets[0]) - 1j * mu) < tolerance * wavenumber
    for degree in range(7):
        assert weights @ offsets[0] ** degree == pytest.approx(float(degree == 1), abs=1e-9)


def test_a_wall_has_no_slope_and_needs_no_values():
    """Waves with zero slope on the wall are differentiated; on the wall itself the derivative is zero at all values."""
    offsets = np.arange(11)[None] / 24
    weights = wave_weights(offsets, 20.0, flat=np.array([-0.5 / 24]))[0]
    place = offsets[0] + 0.5 / 24
    for mu in (3.0, 11.0, 20.0):
        assert weights @ np.cos(mu * place) == pytest.approx(-mu * np.sin(mu * place[0]), abs=2e-5 * mu)
    assert np.max(np.abs(wave_weights(offsets + 0.5 / 24, 20.0, flat=np.array([0.0])))) < 1e-6 * np.max(np.abs(weights))


@pytest.mark.parametrize("m", [0, 1, 4, 7])
def test_the_axis_is_no_boundary(m):
    k, gamma = 12.0, 9.0
    derivatives = WaveDerivatives(X, R)
    wave = np.exp(1j * np.sqrt(k**2 - gamma**2) * X)[:, None] * jv(m, gamma * R)
    v = whole(derivatives(parts(wave), torch.tensor([[m, k, 0.0]]))[:, 2:])
    exact = np.exp(1j * np.sqrt(k**2 - gamma**2) * X)[:, None] * gamma * jvp(m, gamma * R)
    right = X > 0.5
    assert np.max(np.abs(v - exact)[right][:, R < 1]) < 1e-5 * gamma * np.max(np.abs(wave))


def test_nothing_crosses_the_wall():
    derivatives, parameters = WaveDerivatives(X, R), torch.tensor([[2.0, 9.0, 0.2]])
    psi = torch.randn(1, 2, 96, 48).double()
    changed = psi.clone()
    changed[:, :, X < 0] = torch.where(torch.from_numpy(R > 1), 7.0, psi[:, :, X < 0])
    first, second = derivatives(psi, parameters), derivatives(changed, parameters)
    inside = np.ix_([0], [2, 3], X < 0, R < 1)
    assert torch.equal(first[inside], second[inside])
    assert not torch.equal(first, second)


def test_the_same_as_fixed_layers():
    derivatives = WaveDerivatives(X, R)
    psi, parameters = torch.randn(3, 2, 96, 48).double(), torch.tensor([[0, 5.0, 0.0], [3, 9.0, 0.4], [1, 12.0, -0.3]])
    out = derivatives(psi, parameters)
    for case in range(3):
        fixed = derivatives.fixed(parameters[case : case + 1])
        torch.testing.assert_close(fixed(psi[case : case + 1])[0], out[case], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("m", "helmholtz", "mach"), [(0, 16.0, 0.0), (5, 13.5, -0.4), (2, 10.0, 0.5)])
def test_away_from_the_lip_better_than_order_eight(m, helmholtz, mach):
    field = solve(ModeMixture(m, [1.0, 0.5j, -0.3], helmholtz, mach)).field(X, R)
    psi, exact = parts(field.potential), np.stack([field.axial_velocity, field.radial_velocity])
    far = np.hypot(*np.meshgrid(X, R - 1, indexing="ij")) > 0.35
    errors = []
    for out in (WaveDerivatives(X, R)(psi, torch.tensor([[m, helmholtz, mach]])), Differences(X, R, 8)(psi)):
        found = np.stack([whole(out[:, :2]), whole(out[:, 2:])])
        errors.append([np.linalg.norm((a - b)[far]) / np.linalg.norm(b) for a, b in zip(found, exact, strict=True)])
    assert errors[0][0] < errors[1][0] / 30
    assert errors[0][1] < errors[1][1] / 10
    assert max(errors[0]) < 1e-4


def test_coarse_or_small_grids_are_named():
    with pytest.raises(ValueError, match=r"x has 2\.0 points per wavelength at ka = 50"):
        WaveDerivatives(X, R)(torch.zeros(1, 2, 96, 48), torch.tensor([[0, 50.0, 0.333]]))
    with pytest.raises(ValueError, match="needs 11 points on each side of the wall and axis, got 6"):
        WaveDerivatives(X, R[:30])
    with pytest.raises(ValueError, match="needs 11 points"):
        WaveDerivatives(X[:8], R)


def test_announced_noise_is_amplified_less():
    sizes = [np.linalg.norm(wave_weights(CENTRAL, 15.0, noise=noise)) for noise in (0.0, 1e-3, 1e-1)]
    assert sizes[0] > sizes[1] > sizes[2]


def test_wide_stencils_need_fewer_points_per_wavelength():
    mu = 2 * np.pi * 24 / 4.5
    errors = []
    for width in (11, 19):
        offsets = (np.arange(width) - width // 2)[None] / 24
        weights = wave_weights(offsets, mu)[0]
        errors.append(abs(weights @ np.exp(1j * 0.98 * mu * offsets[0]) - 0.98j * mu) / mu)
    assert errors[1] < errors[0] / 10
