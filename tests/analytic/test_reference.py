"""The fast solver of the unflanged duct against the mpmath route, which shares no quadrature with it."""

import math

import mpmath
import numpy as np
import pytest
from mpmath import mp

from analytic import ConvergenceError, DuctMode, cut_on_helmholtz, reference, solve
from analytic.reference import Reference

DIGITS = 12  # aimed at; seen to give 18 and more, so the reference's own error is far below double precision
AGREEMENT = 1e-9  # largest relative difference, whatever the estimate says
FIELD_TOLERANCES = (1e-9, 1e-6)  # the second where the first is refused
ROUNDING = 4 * np.finfo(float).eps  # of a double compared with a rounded reference

CASES = [
    (0, 0, 1.0, 0.0),
    (2, 0, 5.0, 0.3),
    (5, 1, 20.0, -0.3),
    (-1, 1, cut_on_helmholtz(1, 1) + 1e-4, 0.0),
]


LOBE = 2.0  # distance in K theta within which a lobe's maximum lies


def difference(value, expected):
    """Error of a list of complex numbers in the 2-norm, relative unless the expected ones vanish, as on the axis."""
    expected = np.array([complex(e) for e in expected])
    return float(np.linalg.norm(np.asarray(value) - expected) / (np.linalg.norm(expected) or 1.0))


def far_differences(case, reference, angles):
    """(difference, allowed) of every reflection coefficient and of the directivity."""
    solution = solve(DuctMode(*case))
    allowed = min(AGREEMENT, solution.error_estimate + ROUNDING)
    pairs = [(solution.reflection[i], reference.reflection(i)) for i in range(len(solution.reflection))]
    results = [(difference([value], [expected]), allowed) for value, expected in pairs]
    for theta in angles:  # beside a null the estimate is relative to the lobe next to it
        value, expected = solution.directivity(theta), complex(reference.directivity(theta))
        beside = solution.directivity(
            np.clip(theta + np.linspace(-1, 1, 41) * LOBE / max(solution.transform.k, 1), 0, np.pi)
        )
        results.append((abs(value - expected) / np.max(np.abs(beside)), allowed))
    return results


def field_differences(case, reference, x, r):
    """(difference, allowed) of psi, (u, v) and p at a point: the norms that the error estimate is made of."""
    for tolerance in FIELD_TOLERANCES:
        try:
            field = solve(DuctMode(*case), tolerance=tolerance).at(x, r)
            break
        except ConvergenceError:
            if tolerance == FIELD_TOLERANCES[-1]:
                raise
    psi, u, v = reference.field(x, r)
    _, _, helmholtz, mach = case
    p = 1j * helmholtz * psi - mach * u
    pairs = [
        ([field.potential], [psi]),
        ([field.axial_velocity, field.radial_velocity], [u, v]),
        ([field.pressure], [p]),
    ]
    allowed = min(AGREEMENT, field.error_estimate + ROUNDING)
    return [(difference(value, expected), allowed) for value, expected in pairs]


def points(rng, count):
    """Inside, outside, downstream, behind the lip; a quarter of them next to the lip, down to 1e-2."""
    for index in range(count):
        if index % 4 == 3:
            distance, angle = 10 ** rng.uniform(-2, -0.5), rng.uniform(-math.pi, math.pi)
            yield distance * math.cos(angle), 1 + distance * math.sin(angle)
        else:
            yield rng.uniform(-2.5, 2.5), rng.uniform(0, 2.5)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_fast_solver_agrees_and_its_error_estimates_hold(case):
    reference = Reference(*case, digits=DIGITS)
    found = far_differences(case, reference, [0.3, 1.0, math.pi / 2, 2.5])
    for x, r in [(-0.7, 0.4), (0.6, 0.0), (-1.1, 1.6), (0.008, 0.994)]:
        found += field_differences(case, reference, x, r)
    for size, allowed in found:
        assert size <= allowed


# The parts of the reference, with few digits: quick where the route as a whole takes seconds


@pytest.mark.parametrize("case", [(0, 0, 1.0, 0.3), (2, 0, 5.0, -0.3), (1, 4, 2.0, 0.3)], ids=str)
def test_few_digits_are_right_as_far_as_they_go(case):
    """The last mode is cut off, and of a higher order than those that are evaluated to find the poles."""
    digits = 8
    few, solution = Reference(*case, digits=digits), solve(DuctMode(*case))
    assert abs(complex(few.reflection(0)) / solution.reflection[0] - 1) < 10**-digits
    for theta in (0.6, 2.2):
        assert abs(complex(few.directivity(theta)) / solution.directivity(theta) - 1) < 10**-digits


def test_a_field_of_few_digits_is_right_as_far_as_they_go():
    few, solution = Reference(1, 0, 2.5, 0.2, digits=2), solve(DuctMode(1, 0, 2.5, 0.2), tolerance=1e-6)
    for x, r in [(1.5, 0.5), (0.0, 2.0), (-1.5, 0.5)]:
        field = solution.at(x, r)
        expected = field.potential, field.axial_velocity, field.radial_velocity
        assert difference([complex(value) for value in few.field(x, r)], expected) < 1e-4


@pytest.mark.parametrize("m", [0, 1, 4])
@pytest.mark.parametrize("z", [0.01, 3.0, 2 + 1j, -4 + 0.5j, 11j, 28.9, 29.1, 60 + 40j])
def test_bessel_and_hankel_functions_are_those_of_mpmath(m, z):
    """Both sides of |z| = 29, where the power series hands over to Hankel's expansion."""
    with mpmath.workdps(20):
        z = mpmath.mpc(z)
        for pair, kind in ((reference._bessel_pair, mpmath.besselj), (reference._hankel_pair, mpmath.hankel1)):
            with mpmath.workdps(60):
                low, value, high = (kind(order, z) for order in (m - 1, m, m + 1))
            found, slope = pair(m, z)
            assert abs(found - value) < 1e-17 * abs(value)
            assert abs(slope - (low - high) / 2) < 1e-16 * (abs(low) + abs(high))


@pytest.mark.parametrize(("m", "order"), [(0, 1), (0, 6), (1, 0), (3, 2), (20, 0)])
def test_eigenvalues_have_all_digits(m, order):
    with mpmath.workdps(40):
        zero = mpmath.besseljzero(m, order + 1, derivative=1)
        assert abs(reference._eigenvalue(m, order, 30) / zero - 1) < 1e-29
    assert reference._eigenvalue(0, 0, 30) == 0


def test_rays_keep_clear_of_the_axes_and_of_their_argument():
    """By pi / 8, the distance the panels in ln u are made for."""
    few, clear = Reference(0, 0, 1.0, digits=1), math.sin(math.pi / 8) - 1e-12
    for s in np.exp(1j * np.linspace(-np.pi, np.pi, 65)):
        direction = complex(few._line(mp.mpc(s))[0]).conjugate()  # of the ray
        assert min(direction.real, -direction.imag, abs((s * direction.conjugate()).imag)) >= clear


def test_levine_schwinger_number_at_twenty_digits():
    """Levine & Schwinger, Phys. Rev. 73 (1948), to the digits known."""
    reflection = Reference(0, 0, 1.0).reflection(0)
    assert abs(abs(reflection) - 0.69510) < 6e-6
    assert abs(mp.arg(-reflection) / 2 - 0.52743) < 6e-6


def test_more_digits_confirm_the_digits_asked_for():
    few, more = Reference(1, 0, 3.0, 0.4, digits=12), Reference(1, 0, 3.0, 0.4, digits=25)
    assert abs(few.reflection(0) / more.reflection(0) - 1) < 1e-12
    assert abs(few.directivity(2.0) / more.directivity(2.0) - 1) < 1e-12


def test_plane_wave_keeps_the_global_precision():
    before = mp.prec
    Reference(0, 0, 0.5, digits=12).directivity(1.0)
    assert mp.prec == before


@pytest.mark.parametrize(
    ("arguments", "named"),
    [((0, -1, 1.0), "n=-1"), ((0, 0, 0.0), "helmholtz=0.0"), ((0, 0, 1.0, 1.0), "mach=1.0")],
)
def test_parameters_outside_their_range_are_named(arguments, named):
    with pytest.raises(ValueError, match=named):
        Reference(*arguments)


def test_positions_outside_their_range_are_named():
    reference = Reference(0, 0, 1.0, digits=12)
    with pytest.raises(ValueError, match="theta"):
        reference.directivity(0.0)
    with pytest.raises(ValueError, match="r=-1"):
        reference.field(0.0, -1)
    with pytest.raises(ValueError, match="lip"):
        reference.field(0.0, 1)
    with pytest.raises(ValueError, match="too close to the lip"):
        reference.field(0.0, 1 + 1e-9)


def random_cases(rng, count):
    """Modes that are cut on: every |m| <= 20 and n may occur."""
    while count:
        m, helmholtz, mach = int(rng.integers(-20, 21)), 10 ** rng.uniform(-2, math.log10(40)), rng.uniform(-0.7, 0.7)
        orders = [n for n in range(20) if cut_on_helmholtz(m, n, mach) < helmholtz]
        if orders:
            count -= 1
            yield m, int(rng.choice(orders)), helmholtz, mach


@pytest.mark.slow
@pytest.mark.parametrize("case", list(random_cases(np.random.default_rng(20), 25)), ids=str)
def test_random_cases_and_points(case):
    rng = np.random.default_rng(abs(case[0]) + 100 * case[1])
    reference = Reference(*case, digits=DIGITS)
    found = far_differences(case, reference, rng.uniform(0.05, math.pi - 0.05, 4))
    for x, r in points(rng, 8):
        found += field_differences(case, reference, x, r)
    assert [pair for pair in found if pair[0] > pair[1]] == []
