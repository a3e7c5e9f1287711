"""The fast solver of the unflanged duct against the mpmath route, which shares no quadrature with it."""

import math

import numpy as np
import pytest
from mpmath import mp

from analytic import ConvergenceError, DuctMode, cut_on_helmholtz, solve
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
    """Of two lists of complex numbers, relative unless the expected ones vanish, as on the axis."""
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
