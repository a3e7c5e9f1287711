"""The solver of the unflanged duct against finite elements, which share no formula with it."""

import math

import numpy as np
import pytest

from analytic import DuctMode, solve

from .finite_elements import CLOSE, solve_finite_elements

AGREEMENT = 1e-5  # relative; the finite elements' own error is below it, see the convergence test
ANGLES = np.radians(np.linspace(0, 180, 37))
CLOSEST = 0.05  # distance of sample points to the lip [radii]

CASES = [
    (0, 0, 1.0, 0.0),
    (1, 0, 3.0, 0.0),
    (3, 0, 6.0, 0.0),
    (0, 1, 9.0, 0.0),  # three modes cut on
    (0, 0, 2.0, 0.5),
    (2, 0, 5.0, -0.3),
    (0, 0, 4.0, 0.0, 0.4),  # with a hub
    (2, 1, 8.0, 0.0, 0.4),
]


def difference(value, expected):
    return float(np.linalg.norm(value - expected) / np.linalg.norm(expected))


def differences(case, **options):
    """Relative differences of the reflection coefficients, the field (root mean square), the directivity."""
    m, n, helmholtz, mach, hub = (*case, 0.0)[:5]
    beta = math.sqrt(1 - mach**2)
    k = helmholtz / beta
    judge, solution = solve_finite_elements(m, n, k, hub=hub, **options), solve(DuctMode(*case))

    rng = np.random.default_rng(3)
    x, r = rng.uniform(-1, 1, 400), rng.uniform(hub, 1.5, 400)
    away = np.hypot(x, r - 1) > CLOSEST
    x, r = x[away], r[away]
    psi = judge.field(x, r) * np.exp(-1j * k * mach * x)  # x of the judge is X = x / beta
    orders = len(judge.reflection)
    return np.array(
        [
            difference(judge.reflection, solution.reflection[:orders]),
            difference(psi, solution.at(beta * x, r).potential),
            difference(judge.directivity(ANGLES), solution.directivity(ANGLES)),
        ]
    )


@pytest.mark.parametrize("case", CASES, ids=str)
def test_reflection_field_and_directivity_agree(case):
    assert np.all(differences(case, degree=10) < AGREEMENT)


@pytest.mark.parametrize("case", [(0, 0, 3.0, 0.0), (3, 0, 6.0, 0.0)], ids=str)
def test_the_difference_falls_with_the_degree(case):
    errors = np.array([differences(case, degree=degree, rings=8) for degree in (4, 6, 8)])
    assert np.all(errors[1:] < errors[:-1] / 5)  # seen: 7 and more


@pytest.mark.parametrize("hub", [0.0, 0.4])
def test_power_balances_with_and_without_a_hub(hub):
    """The hub has no counterpart in the solver: there the judge is its own witness."""
    judge = solve_finite_elements(2, 1, 8.0, hub=hub)
    cosine, weight = np.polynomial.legendre.leggauss(60)
    flux = judge.wavenumber * judge.norm
    radiated = 8.0 * np.sum(weight * np.abs(judge.directivity(np.arccos(cosine))) ** 2)
    assert abs(flux[1] - flux @ np.abs(judge.reflection) ** 2 - radiated) < AGREEMENT * flux[1]


@pytest.mark.parametrize("cell", [0.5, 0.3, 0.125])
def test_the_mesh_has_no_gaps(cell):
    """Facets with one element lie on the border or the wall, where it counts twice."""
    mesh = solve_finite_elements(1, 0, 3.0, cell=cell, degree=3, depth=1.0)._basis.mesh
    x, y = mesh.p[:, mesh.facets[:, mesh.boundary_facets()]].mean(axis=1)
    border = [np.abs(x) - 2, y - 1.5, y + 1, np.where(y < 0, x + 1, 1), np.where(x < 0, y, 1)]
    assert np.all(np.min(np.abs(border), axis=0) < CLOSE)
    wall = (y == 0) & (x > -1)
    assert 2 * np.count_nonzero(np.unique(x[wall])) == np.count_nonzero(wall)


def test_points_outside_the_window_are_named():
    with pytest.raises(ValueError, match=r"r <= 1\.5"):
        solve_finite_elements(0, 0, 1.0, degree=3).field(0.0, 1.6)
