"""Stencils fitted to waves, and waves fitted to regions: waves, polynomials, wall, axis, noise; Wiener–Hopf fields."""

import mpmath
import numpy as np
import pytest
import torch
from scipy.special import hankel1, jnp_zeros, jv, jvp

from analytic import ModeMixture, solve
from wavenet.derivatives import fitted_waves, wave_stencils
from wavenet.derivatives.differences import Differences, matrix, weights
from wavenet.derivatives.fitted_waves import WaveFit
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


# ---------------------------------------------------------------------------------------------------------------------
# the weights again, from their definition in forty digits


def slow_weights(offsets, wavenumber, flat, noise):
    """Stationary point of the sum of squared errors over 64 waves, subject to exactness on polynomials."""
    with mpmath.workdps(40):
        size = max(abs(mpmath.mpf(o)) for o in offsets)
        t, top = [mpmath.mpf(o) / size for o in offsets], wavenumber * size
        wall = None if flat is None else mpmath.mpf(flat) / size
        rows, targets = [], []

        def add(function, slope, largest=False):
            row = [function(at) for at in t] + ([] if wall is None else [slope(wall)])
            scale = max([abs(slope(0)), *map(abs, row)]) if largest else 1
            rows.append([value / scale for value in row])
            targets.append(slope(0) / scale)

        for k in range(64):
            mu = top * mpmath.cos((k + mpmath.mpf(1) / 2) * mpmath.pi / 128)
            add(lambda at, mu=mu: mpmath.cos(mu * at), lambda at, mu=mu: -mu * mpmath.sin(mu * at))
            add(lambda at, mu=mu: mpmath.sin(mu * at), lambda at, mu=mu: mu * mpmath.cos(mu * at))
        for decay in ("0.15", "0.3", "0.6", "1"):
            for a in (top * mpmath.mpf(decay), -top * mpmath.mpf(decay)):
                add(lambda at, a=a: mpmath.exp(a * at), lambda at, a=a: a * mpmath.exp(a * at), True)
        exact = [[at**d for at in t] + ([] if wall is None else [d * wall ** max(d - 1, 0)]) for d in range(7)]
        n = len(rows[0])
        A, b, C = mpmath.matrix(rows), mpmath.matrix(targets), mpmath.matrix(exact)
        K = mpmath.zeros(n + 7)
        K[:n, :n] = A.T * A
        for i in range(n):
            K[i, i] += 64 * (mpmath.mpf(10) ** -14 + (noise**2 if i < len(t) else 0))
        K[n:, :n], K[:n, n:] = C, C.T
        right = mpmath.zeros(n + 7, 1)
        right[:n, 0], right[n + 1] = A.T * b, 1
        w = mpmath.lu_solve(K, right)
        return np.array([float(w[i] / size) for i in range(len(t))])


@pytest.mark.parametrize(("flat", "noise"), [(None, 0.0), (None, 0.03), (-0.5, 0.0), (-1.5, 0.03)])
def test_weights_are_those_of_their_definition(flat, noise):
    offsets = np.arange(11) / 24 + (0 if flat is None else (-0.5 - flat) / 24) if flat else CENTRAL[0] + 2 / 24
    wall = None if flat is None else np.array([flat / 24])
    if flat == -1.5:
        offsets = (np.arange(11) - 1) / 24  # the second row from the wall
    found = wave_weights(offsets[None], 14.0, wall, noise)[0]
    expected = slow_weights(offsets, 14.0, None if wall is None else wall[0], noise)
    # Singular values go down to 1e-7, the size of the noise: that many digits are lost.
    np.testing.assert_allclose(found, expected, atol=1e-7 * np.max(np.abs(expected)))


@pytest.mark.parametrize("offsets", [CENTRAL, CENTRAL + 5 / 24])
def test_announced_noise_gives_the_least_error(offsets):
    """Mean square error of waves with noise: weights made for other noise are worse."""
    noise, top = 0.03, 20.0
    mu = top * np.cos((np.arange(200) + 0.5) * np.pi / 400)

    def error(announced):
        w = wave_weights(offsets, top, noise=announced)[0]
        return np.mean(np.abs(np.exp(1j * mu[:, None] * offsets[0]) @ w - 1j * mu) ** 2) + noise**2 * np.sum(w**2)

    for factor in (0.5, 0.7, 1.4, 2.0):
        assert error(noise) < error(factor * noise) / 1.02


def test_rounding_is_bounded_where_waves_leave_weights_free():
    """Nearly constant fields: polynomials fix seven of eleven weights, waves none; these stay of a usual size."""
    usual = np.sum(np.abs(weights(CENTRAL[0], 0.0)))
    assert np.sum(np.abs(wave_weights(CENTRAL, 1e-3))) < 2 * usual


# ---------------------------------------------------------------------------------------------------------------------
# wall and axis, in the grid


@pytest.mark.parametrize("side", [R < 1, R > 1])
@pytest.mark.parametrize(("k", "gamma"), [(12.0, 10.8), (20.0, 6.0)])
def test_stencils_beside_the_wall_use_its_condition(side, k, gamma):
    """A standing wave with zero slope on the wall, in the five rows beside it: 20 times better than without."""
    wave = np.cos(gamma * (R - 1)) * np.ones(len(X))[:, None] + 0j
    exact = -gamma * np.sin(gamma * (R - 1))
    rows = np.ix_(X < 0, side & (np.abs(R - 1) < 5 / 24))
    errors = []
    for wall in (True, False):
        v = whole(WaveDerivatives(X, R, wall=wall)(parts(wave), torch.tensor([[0, k, 0.0]]))[:, 2:])
        errors.append(np.max(np.abs(v - exact)[rows]) / gamma)
    assert errors[0] < 2e-7
    assert errors[0] < errors[1] / 20


@pytest.mark.parametrize("m", [0, 1, 2, -3])
def test_stencils_at_the_axis_use_the_parity_of_m(m):
    k, gamma = 12.0, 9.0
    wave, exact = (f(m, gamma * R) * np.ones(len(X))[:, None] + 0j for f in (jv, jvp))
    rows = np.ix_(X > 0, R < 5 / 24)
    errors = []
    for axis in (True, False):
        v = whole(WaveDerivatives(X, R, axis=axis)(parts(wave), torch.tensor([[m, k, 0.0]]))[:, 2:])
        errors.append(np.max(np.abs(v / gamma - exact)[rows]))
    assert errors[0] < 1e-8
    assert errors[0] < errors[1] / 100


def test_radial_stencils_stay_on_their_side_upstream_only():
    axial, walled, free = (values[0] for values in WaveDerivatives(X, R).matrices(torch.tensor([[1, 9.0, 0.3]])))
    inside = torch.from_numpy(R < 1)
    for rows, columns in ((inside, ~inside), (~inside, inside)):
        assert torch.all(walled[rows][:, columns] == 0)
        assert torch.any(free[rows][:, columns] != 0)
    assert axial.dtype == walled.dtype == torch.float64
    assert torch.all((axial != 0).sum(dim=1) <= 11)
    assert torch.all((walled != 0).sum(dim=1) <= 11)
    # the nearest eleven cells: along x the middle ones are central
    assert [int(i) for i in torch.nonzero(axial[40])[[0, -1], 0]] == [35, 45]


def test_the_upstream_half_has_the_wall():
    parameters = torch.tensor([[0, 9.0, 0.0]])
    derivatives = WaveDerivatives(X, R)
    _, walled, free = derivatives.matrices(parameters)
    psi = torch.randn(1, 2, len(X), len(R), generator=torch.Generator().manual_seed(0)).double()
    v = derivatives(psi, parameters)[:, 2:]
    left = torch.from_numpy(X < 0)
    torch.testing.assert_close(v[:, :, left], psi[:, :, left] @ walled[0].T, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(v[:, :, ~left], psi[:, :, ~left] @ free[0].T, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("mach", [0.4, -0.4])
@pytest.mark.parametrize("share", [1.0, 1.04])
def test_all_waves_of_the_flow_are_covered_with_a_margin(mach, share):
    """Waves against the flow are the shortest; four per cent beyond them they are still differentiated."""
    k = 20.0
    mu = -np.sign(mach) * share * k / (1 - abs(mach))
    gamma = share * k / np.sqrt(1 - mach**2)
    derivatives, parameters = WaveDerivatives(X, R), torch.tensor([[0, k, mach]])
    axial = np.exp(1j * mu * X)[:, None] * np.ones(len(R))
    u = whole(derivatives(parts(axial), parameters)[:, :2])
    assert np.max(np.abs(u - 1j * mu * axial)[10:-10]) < 2e-4 * abs(mu)
    radial = np.exp(1j * gamma * (R - 1)) * np.ones(len(X))[:, None]
    v = whole(derivatives(parts(radial), parameters)[:, 2:])
    assert np.max(np.abs(v - 1j * gamma * radial)[np.ix_(X > 0, (R > 0.5) & (R < 1.7))]) < 3e-6 * gamma


def test_stencils_are_refused_below_two_and_a_half_points_per_wavelength():
    psi = torch.zeros(1, 2, len(X), len(R))
    derivatives = WaveDerivatives(X, R)
    limit = 2 * np.pi * 24 / 2.5
    for name, scale, mach in (("x", 1 - 0.5, -0.5), ("x", 1.0, 0.0)):
        derivatives(psi, torch.tensor([[0, 0.999 * limit * scale, mach]], dtype=torch.float64))
        with pytest.raises(ValueError, match=rf"{name} has 2\.5 points per wavelength.*at least 2\.5 are needed"):
            derivatives(psi, torch.tensor([[0, 1.001 * limit * scale, mach]], dtype=torch.float64))
    coarse = (np.arange(24) + 0.5) / 12
    radial = WaveDerivatives(X, coarse, width=8)
    radial(psi[..., :24], torch.tensor([[0, 0.999 * limit / 2 * 0.8, 0.6]], dtype=torch.float64))
    fine = WaveDerivatives((np.arange(96) + 0.5) / 96 - 0.5, coarse, width=8)
    with pytest.raises(ValueError, match=r"r has 2\.5 points per wavelength"):
        fine(psi[..., :24], torch.tensor([[0, 1.001 * limit / 2 * 0.8, 0.6]], dtype=torch.float64))


def test_matrices_are_kept_up_to_a_size(monkeypatch):
    one = 8 * (len(X) ** 2 + 2 * len(R) ** 2)
    monkeypatch.setattr(wave_stencils, "_KEPT", 2 * one)
    computed = []
    compute = WaveDerivatives._compute
    monkeypatch.setattr(WaveDerivatives, "_compute", lambda self, *key: computed.append(key) or compute(self, *key))
    derivatives = WaveDerivatives(X, R)
    for helmholtz in (5.0, 6.0, 5.0, 7.0, 7.0, 5.0):
        derivatives.matrices(torch.tensor([[0, helmholtz, 0.0]]))
    assert [key[1] for key in computed] == [5.0, 6.0, 7.0, 5.0]


# ---------------------------------------------------------------------------------------------------------------------
# finite differences


def test_differences_beside_the_wall_have_its_slope():
    w = weights(R[24:29], R[24], flat_at=1.0)
    for degree in (0, 2, 3, 4, 5):  # zero slope at r = 1
        value = (R[24:29] - 1) ** degree
        assert w @ value == pytest.approx(degree * (R[24] - 1) ** max(degree - 1, 0), abs=1e-10)
    walled = matrix(R, 4, wall=1.0, wall_condition=True)
    plain = matrix(R, 4, wall=1.0)
    differ = np.flatnonzero(np.any(walled != plain, axis=1))
    assert differ.tolist() == [21, 22, 23, 24, 25, 26]  # rows whose stencil's last cell is the wall's neighbour
    inside = R < 1
    for D in (walled, plain):
        assert np.all(D[np.ix_(inside, ~inside)] == 0)
        assert np.all(D[np.ix_(~inside, inside)] == 0)
    assert np.any(matrix(R, 4)[np.ix_(inside, ~inside)] != 0)


def test_differences_elsewhere_than_at_the_points():
    at = np.array([0.31, 0.99, 1.01])
    D = matrix(R, 6, wall=1.0, at=at)
    np.testing.assert_allclose(D @ R**5, 5 * at**4, rtol=1e-9)
    assert [np.flatnonzero(row)[-1] < 24 for row in D] == [True, True, False]


# ---------------------------------------------------------------------------------------------------------------------
# waves fitted to regions


def fitted(psi, m, k, mach, noise=0.0):
    out = WaveFit(X, R, noise)(parts(psi), torch.tensor([[m, k, mach]], dtype=torch.float64))
    return whole(out[:, :2]), whole(out[:, 2:])


def miss(found, exact, region):
    return np.linalg.norm((found - exact)[region]) / np.linalg.norm(exact[region])


FLOWS = [(2, 9.0, 0.3), (0, 6.0, 0.0), (-5, 8.0, -0.4)]


@pytest.mark.parametrize(("m", "k", "mach"), FLOWS)
@pytest.mark.parametrize("n", [0, 1, 2])
def test_duct_modes_are_fitted_in_both_directions(m, k, mach, n):
    """Travelling modes both ways, and the third, which decays away from the open end."""
    beta = np.sqrt(1 - mach**2)
    zeros = jnp_zeros(abs(m), 4)
    gamma = (np.append(0.0, zeros) if m == 0 else zeros)[n]
    along = np.sqrt((k / beta) ** 2 - gamma**2 + 0j)
    assert n < 2 or along.imag > 0
    for sign in (-1, 1)[: 1 if along.imag else 2]:
        kappa = (sign * along - k / beta * mach) / beta
        wave = np.exp(1j * kappa * X)[:, None]
        wave /= np.max(np.abs(wave[X < 0]))
        psi, inside = wave * jv(abs(m), gamma * R), np.ix_(X < -0.2, R < 1)
        u, v = fitted(psi * (np.abs(psi) < 1e3), m, k, mach)  # cells outside of the duct are another region's
        assert miss(u, 1j * kappa * psi, inside) < 1e-6
        exact = wave * gamma * jvp(abs(m), gamma * R)
        assert np.linalg.norm((v - exact)[inside]) < 1e-6 * np.linalg.norm((k * psi)[inside])


@pytest.mark.parametrize(("m", "k", "mach"), FLOWS)
@pytest.mark.parametrize("share", [0.4, 0.9, 1.05])
def test_waves_downstream_are_fitted_out_to_every_radius(m, k, mach, share):
    beta = np.sqrt(1 - mach**2)
    gamma = share * k / beta
    kappa = (np.sqrt((k / beta) ** 2 - gamma**2 + 0j) - k / beta * mach) / beta
    wave = np.exp(1j * kappa * X)[:, None]
    wave /= np.max(np.abs(wave[X > 0]))
    wave[X < 0] /= np.maximum(np.abs(wave[X < 0]), 1)
    psi, right = wave * jv(abs(m), gamma * R), np.ix_(X > 0.2, R > 0)
    u, v = fitted(psi, m, k, mach)
    assert miss(u, 1j * kappa * psi, right) < 2e-4
    assert miss(v, wave * gamma * jvp(abs(m), gamma * R), right) < 1e-4


@pytest.mark.parametrize(("m", "k", "mach"), FLOWS)
@pytest.mark.parametrize("share", [0.3, -0.6])
def test_waves_outside_are_fitted(monkeypatch, m, k, mach, share):
    """Exactly, where their slope on the wall is free; in noise it is taken to be zero, which this wave's is not."""
    beta, order = np.sqrt(1 - mach**2), abs(m)
    mu = share * k / beta
    gamma = np.sqrt((k / beta) ** 2 - mu**2)
    kappa = (mu - k / beta * mach) / beta
    wave = np.exp(1j * kappa * X)[:, None] / hankel1(order, gamma)
    psi, outside = wave * hankel1(order, gamma * R), np.ix_(X < -0.2, R > 1.1)
    exact = wave * gamma * (hankel1(order - 1, gamma * R) - order / (gamma * R) * hankel1(order, gamma * R))
    with monkeypatch.context() as patch:
        patch.setattr(fitted_waves, "_WALL", np.inf)
        u, v = fitted(psi, m, k, mach)
    assert np.linalg.norm((u - 1j * kappa * psi)[outside]) < 1e-5 * k * np.linalg.norm(psi[outside])
    assert miss(v, exact, outside) < 1e-5
    _, walled = fitted(psi, m, k, mach, noise=0.3)
    row = np.ix_(X < -0.3, np.flatnonzero(R > 1)[:1])
    assert np.linalg.norm(walled[row]) < 0.25 * np.linalg.norm(exact[row])


def test_the_wall_ends_at_the_lip():
    """Outside, downstream of the lip, r = 1 is no wall: a wave with a slope there is fitted in noise as it is."""
    x, k = X + 2.2, 9.0  # all cells are downstream of the wall
    gamma = np.sqrt(k**2 - 3.0**2)
    wave = np.exp(3j * x)[:, None] / hankel1(1, gamma)
    psi = parts(wave * hankel1(1, gamma * R))
    region, case = (
        fitted_waves.Region(np.arange(len(x)), np.flatnonzero(R > 1), fitted_waves._cylindrical_waves, 0),
        (1, k, 0.0),
    )
    _, v = WaveFit(x, R, 0.3)._fit(whole(psi)[:, R > 1], region, *case, 0.3, None)
    exact = wave * gamma * (hankel1(0, gamma * R) - hankel1(1, gamma * R) / (gamma * R))
    assert np.linalg.norm(v - exact[:, R > 1]) < 0.05 * np.linalg.norm(exact[:, R > 1])


def test_the_wall_condition_helps_in_noise():
    """v beside the wall outside, where it is small: without the condition the noise alone is 15 times larger."""
    k, noise, rng = 9.0, 0.1, np.random.default_rng(0)
    field = solve(ModeMixture(2, [1.0, 0.5j], k, 0.3)).field(X, R)
    size = np.sqrt(np.mean(np.abs(field.potential) ** 2) / 2)
    psi = field.potential + noise * size * (rng.normal(size=(*field.potential.shape, 2)) @ [1, 1j])
    _, v = fitted(psi, 2, k, 0.3, noise)
    row = np.ix_(X < -0.3, np.flatnonzero(R > 1)[:1])
    assert miss(v, field.radial_velocity, row) < 1.5


def test_fits_are_complex_linear_and_see_their_region_only():
    k, mach = 9.0, 0.3
    rng = np.random.default_rng(3)
    psi = rng.normal(size=(len(X), len(R))) + 1j * rng.normal(size=(len(X), len(R)))
    first = np.stack(fitted(psi, 2, k, mach))
    np.testing.assert_allclose(
        np.stack(fitted((0.3 - 2j) * psi, 2, k, mach)), (0.3 - 2j) * first, atol=1e-8 * np.max(np.abs(first))
    )
    left, inside = X[:, None] < 0, R < 1
    near = np.hypot(X[:, None], R - 1)
    regions = {"inside": left & inside, "outside": left & ~inside, "right": ~left & (R > 0)}
    sources = {"inside": left & inside, "outside": (X[:, None] < 9) & ~inside, "right": ~left & (R > 0)}
    for name, cells in regions.items():
        for some, changes in ((~sources[name], False), (sources[name] & (near < 0.15), False), (cells, True)):
            changed = np.stack(fitted(np.where(some, 5.0 - psi, psi), 2, k, mach))
            assert np.array_equal(changed[:, cells], first[:, cells]) != changes, name
    far = np.argmin(np.where(near > 0.15, near, 9))  # the nearest cell that is used
    one = psi.copy()
    one.ravel()[far] += 1
    assert not np.array_equal(np.stack(fitted(one, 2, k, mach)), first)


def test_no_field_gives_no_velocity_and_grids_may_lack_a_region():
    assert torch.all(WaveFit(X, R, 0.1)(torch.zeros(1, 2, len(X), len(R)), torch.tensor([[0, 5.0, 0.0]])) == 0)
    k, up = 6.0, X < 0
    psi = np.exp(1j * k * X)[:, None] + 0 * R
    out = WaveFit(X[up], R[R < 1], 0.0)(parts(psi[np.ix_(up, R < 1)]), torch.tensor([[0, k, 0.0]]))
    exact = 1j * k * psi[np.ix_(up, R < 1)]
    assert np.max(np.abs(whole(out[:, :2]) - exact)) < 1e-5 * k


def test_noise_is_averaged_when_it_is_announced():
    """A field in 10 % noise: announced, it does less harm; below 0.01 % it is not told apart from none."""
    k, rng = 9.0, np.random.default_rng(5)
    field = solve(ModeMixture(2, [1.0, 0.5j], k, 0.3)).field(X, R)
    size = np.sqrt(np.mean(np.abs(field.potential) ** 2) / 2)
    psi = field.potential + 0.1 * size * (rng.normal(size=(*field.potential.shape, 2)) @ [1, 1j])
    far = np.hypot(X[:, None], R - 1) > 0.3
    told, untold, still = (fitted(psi, 2, k, 0.3, noise) for noise in (0.1, 0.0, 1e-6))
    for one, other, exact in zip(told, untold, (field.axial_velocity, field.radial_velocity), strict=True):
        assert miss(one, exact, far) < 0.04
        assert miss(one, exact, far) < miss(other, exact, far) / 1.4
    np.testing.assert_array_equal(still, untold)
