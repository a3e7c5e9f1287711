import numpy as np
import pytest

from analytic import Liner, impedances

PERFORATE = {"radius": 0.1, "hole_diameter": 3e-4, "thickness": 5e-4, "open_area": 0.01, "depth": 0.05}


def test_masses_are_negative_and_springs_positive_imaginary():
    assert impedances.mass_spring(10.0, 1.0, 0.1, 0.1).imag < 0
    assert impedances.mass_spring(0.1, 1.0, 0.1, 0.1).imag > 0
    low, high = impedances.helmholtz_resonator([0.1, 10.0], 0.5, 0.05, 0.25).imag
    assert low > 0 > high


def test_the_resonator_is_a_spring_at_low_frequencies():
    spring = impedances.mass_spring(1e-3, 0.7, 0.1, 1 / 0.2)  # cot(x) = 1 / x
    assert impedances.helmholtz_resonator(1e-3, 0.7, 0.1, 0.2) == pytest.approx(spring, rel=1e-6)


def test_damping_adds_to_the_resistance():
    assert impedances.helmholtz_resonator(1.0, 0.7, 0.1, 0.2, damping=0.1).real > 0.7


@pytest.mark.parametrize("helmholtz", [0.2, 1.0, 3.0])
def test_the_perforate_agrees_with_maas_approximation(helmholtz):
    # Maa (1975): within 6 % of the exact flow through a hole, for exp(+i omega t) and with the same end corrections.
    a, d, t, share, depth = PERFORATE.values()
    c, rho, eta = 343.2, 1.204, 1.813e-5
    omega = helmholtz * c / a
    k = d * np.sqrt(omega * rho / (4 * eta))
    resistance = 32 * eta * t / (share * rho * c * d**2) * (np.sqrt(1 + k**2 / 32) + np.sqrt(2) / 32 * k * d / t)
    mass = omega * t / (share * c) * (1 + 1 / np.sqrt(9 + k**2 / 2) + 0.85 * d / t)
    z = impedances.perforate(helmholtz, **PERFORATE)
    assert z.real == pytest.approx(resistance, rel=0.06)
    assert -z.imag == pytest.approx(mass - 1 / np.tan(omega * depth / c), abs=0.06 * mass)


def test_poiseuilles_flow_is_the_limit_of_thin_holes():
    thin = PERFORATE | {"hole_diameter": 1e-5, "depth": 0.0375}
    resistance = 32 * 1.813e-5 * 5e-4 / (0.01 * 1.204 * 343.2 * 1e-5**2)
    assert impedances.perforate(0.5, **thin).real == pytest.approx(resistance, rel=1e-3)


def test_engineering_impedances_are_conjugated_where_that_is_said():
    liner = Liner.engineering(1.5 - 0.8j, length=1.0, distance=0.5)
    assert liner == Liner(1.5 + 0.8j, 1.0, 0.5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: impedances.mass_spring(1.0, 0.0, 1.0, 1.0), "resistance must be positive"),
        (lambda: impedances.mass_spring(1.0, 1.0, -1.0, 1.0), "mass must be finite and not negative"),
        (lambda: impedances.helmholtz_resonator(0.0, 1.0, 1.0, 1.0), "helmholtz must be positive"),
        (lambda: impedances.perforate(1.0, **PERFORATE | {"open_area": 1.5}), "open area must be below one"),
    ],
)
def test_parameters_out_of_range_are_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
