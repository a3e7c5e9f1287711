"""The potential of a pressure: exact without flow; in flow by waves and edge functions, with an error estimate."""

import numpy as np
import pytest

from analytic import ModeMixture, solve
from data.field import Potential, Pressure
from wavenet.derivatives.pressure import potential_of_pressure
from wavenet.derivatives.wave_patches import Case
from wavenet.study import differentiation

X, R = (np.arange(72) + 0.4) / 20 - 1.8, (np.arange(38) + 0.45) / 20
CASES = [Case(2, 9.0, 0.3), Case(0, 4.0, -0.4), Case(5, 14.0, 0.05)]
RHO = np.hypot(X[:, None], R - 1)


@pytest.fixture(scope="module")
def shipped():
    return differentiation.load_network(differentiation.LINEAR)[0]


def exact(case, x=X, r=R):
    return solve(ModeMixture(case.m, [1.0, 0.5j], case.helmholtz, case.mach)).field(x, r)


def missed(values, truth, where=...):
    return np.linalg.norm((values - truth)[where]) / np.linalg.norm(truth)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_potential_of_a_pressure_in_flow(shipped, case):
    """No potential enters; its error is estimated within a factor of ten."""
    field = exact(case)
    found = potential_of_pressure(field.pressure, X, R, case, shipped.edge)
    error = missed(found.potential, field.potential)
    assert error < 3e-5
    assert missed(found.potential, field.potential, RHO < 0.3) < 1e-5
    assert 0.1 * error < found.error < 10 * error


def test_noise_in_a_pressure_is_averaged(shipped):
    case, field = CASES[0], exact(CASES[0])
    noise = np.random.default_rng(0).normal(size=(*field.pressure.shape, 2)) @ [1, 1j] / np.sqrt(2)
    noisy = field.pressure + 1e-3 * np.sqrt(np.mean(np.abs(field.pressure) ** 2)) * noise
    found = potential_of_pressure(noisy, X, R, case, shipped.edge, 1e-3)
    assert missed(found.potential, field.potential) < 1e-3
    untold = potential_of_pressure(noisy, X, R, case, shipped.edge)
    assert missed(untold.potential, field.potential) > 2 * missed(found.potential, field.potential)


def test_without_flow_nothing_is_fitted(shipped):
    values = np.random.default_rng(0).normal(size=(len(X), len(R), 2)) @ [1, 1j]
    found = potential_of_pressure(values, X, R, Case(2, 9.0, 0.0), shipped.edge)
    np.testing.assert_array_equal(found.potential, values / 9.0j)
    assert found.error == 0


@pytest.mark.parametrize("near", [X > -0.39, X < 0.39, R < 1.39])
def test_a_grid_that_does_not_surround_the_lip_is_refused(shipped, near):
    case, field = CASES[0], exact(CASES[0])
    i, j = (near, np.full(len(R), True)) if len(near) == len(X) else (np.full(len(X), True), near)
    with pytest.raises(ValueError, match=r"M = 0\.3, needs cells to 0\.4 radii from the lip .* which has no pressure"):
        potential_of_pressure(field.pressure[np.ix_(i, j)], X[i], R[j], case, shipped.edge)


def test_velocities_of_a_pressure(shipped):
    """The wave of no pressure is not in them; what is given stays as it is; the error is allowed for."""
    case, field = CASES[0], exact(CASES[0])
    found = differentiation.differentiate(Pressure(X, R, field.pressure, *case), shipped)
    same = differentiation.differentiate(Pressure(X, R, field.pressure, *case), differentiation.load_network()[0])
    np.testing.assert_allclose(same.axial_velocity, found.axial_velocity, rtol=1e-9)  # the U-net has not learned them
    assert missed(found.axial_velocity, field.axial_velocity) < 1e-3
    assert missed(found.radial_velocity, field.radial_velocity) < 1e-3
    np.testing.assert_array_equal(found.pressure, field.pressure)
    assert found.noise == found.recovery_error > 10 * found.estimate.level
    assert f"the error of the potential, {found.recovery_error:.1e}" in found.about_noise
    other = differentiation.differentiate(Potential(X, R, field.potential, *case), shipped)
    assert other.recovery_error == 0
    assert other.about_noise.count("error of the potential") == 0
    assert np.median(found.axial_velocity_error) > np.median(other.axial_velocity_error)
