"""Radial eigenvalues, cut-on and axial wavenumbers."""

import mpmath
import numpy as np
import pytest
from scipy import special

from analytic import axial_wavenumber, cut_on_helmholtz, cut_on_orders, radial_eigenvalue, radial_eigenvalues
from analytic.eigenvalues import hub_phase, many_eigenvalues


@pytest.mark.parametrize("m", [0, 1, 2, 17, 40])
def test_eigenvalues_agree_with_mpmath(m):
    for n in (1, 2, 30):
        index = n + 1  # mpmath counts the zero of J_0' at the origin, and so do we
        with mpmath.workdps(25):
            exact = mpmath.besseljzero(m, index, derivative=1)
        assert abs(radial_eigenvalue(m, n) / exact - 1) < 1e-15


def test_eigenvalues_ignore_the_sign_of_m_and_grow_with_n():
    assert radial_eigenvalue(-7, 3) == radial_eigenvalue(7, 3)
    table = radial_eigenvalues(3, 200)  # beyond the first table
    assert np.all(np.diff(table) > 3)
    assert np.max(np.abs(special.jvp(3, table))) < 1e-13


def test_plane_wave():
    assert radial_eigenvalue(0, 0) == 0.0
    assert cut_on_helmholtz(0, 0) == 0.0
    assert axial_wavenumber(2.0, 0, 0) == 2.0


@pytest.mark.parametrize("direction", [1, -1])
def test_wavenumber_satisfies_the_dispersion_relation(direction):
    ka = np.array([0.3, 2.0, 11.0, 60.0])
    mu = axial_wavenumber(ka, 2, 1, mach=0.4, direction=direction)
    left, right = (ka - 0.4 * mu) ** 2, mu**2 + radial_eigenvalue(2, 1) ** 2
    assert np.max(np.abs(left - right) / (np.abs(mu) ** 2 + ka**2)) < 1e-14
    assert np.all(direction * mu.imag >= 0)


def test_wavenumber_keeps_its_digits_next_to_cut_on():
    cut_on = cut_on_helmholtz(1, 0, 0.5)
    for ka in (cut_on * (1 + 1e-10), cut_on * (1 - 1e-10)):
        root = axial_wavenumber(ka, 1, 0, mach=0.5) - axial_wavenumber(ka, 1, 0, mach=0.5, direction=-1)
        with mpmath.workdps(40):
            alpha = mpmath.findroot(lambda z: mpmath.besselj(0, z) - mpmath.besselj(1, z) / z, 1.84)
            exact = 2 * mpmath.sqrt(mpmath.mpf(ka) ** 2 - mpmath.mpf("0.75") * alpha**2) / mpmath.mpf("0.75")
        assert abs(complex(root) / complex(exact) - 1) < 1e-5  # ka - cut_on keeps 6 of its 16 digits


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: radial_eigenvalue(1, -1), "n=-1"),
        (lambda: radial_eigenvalue(1.5, 0), "m=1.5"),
        (lambda: cut_on_helmholtz(1, 0, 1.0), "mach=1.0"),
        (lambda: axial_wavenumber(0.0, 0, 0), "helmholtz=0.0"),
        (lambda: axial_wavenumber(np.nan, 0, 0), "nan"),
        (lambda: axial_wavenumber(1.0, 0, 0, direction=0), "got 0"),
    ],
)
def test_bad_input_is_named(call, named):
    with pytest.raises(ValueError, match=named):
        call()


def test_a_hub_is_named():
    """A fourth number after the orders could be a Mach number of the outer stream, or a direction."""
    for call in (lambda: cut_on_orders(8.0, 0, 0.0, 0.3), lambda: cut_on_helmholtz(0, 1, 0.0, 0.3)):
        with pytest.raises(TypeError):
            call()


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("m", [0, 1, 12, 60])
def test_eigenvalues_of_many_annuli(m, soft):
    """Against the changes of sign of the characteristic function, scanned; no zero is missed, and each is alone."""
    hubs = np.array([0.7, 0.02, 0.3])
    found = many_eigenvalues(m, 40, hubs, soft=soft)
    for hub, row in zip(hubs, found, strict=True):
        alone = many_eigenvalues(m, 40, np.array([hub]), soft=soft)
        np.testing.assert_array_equal(row, alone[0])
        z = np.linspace(max(m, 1e-2), row[-1] + 0.01, 20_000)
        j, y = (special.jv(m, z), special.yv(m, z)) if soft else (special.jvp(m, z), special.yvp(m, z))
        cosine, sine = hub_phase(m, z * hub)
        value = cosine * j - sine * y
        place = np.flatnonzero(value[1:] * value[:-1] < 0)
        expected = row[row > 0]
        assert len(place) == len(expected)
        np.testing.assert_array_less(np.abs(expected - z[place]), z[1] - z[0] + 1e-12)
