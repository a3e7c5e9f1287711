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


@pytest.mark.parametrize("helmholtz", [20.0, 60.0])
def test_a_thicker_sheet_adds_the_published_resistance_and_mass(helmholtz):
    # Guess, J. Sound Vib. 40 (1975), for exp(+i omega t) and many boundary layers across a hole: a thickness t adds
    # sqrt(8 nu omega) t / (sigma c d) of resistance, and omega t (1 + sqrt(8 nu / omega) / d) / (sigma c) of mass.
    sheet = PERFORATE | {"hole_diameter": 2e-3, "open_area": 0.05}
    thin, thick = (impedances.perforate(helmholtz, **sheet | {"thickness": t}).conj() for t in (1e-3, 3e-3))
    c, nu = 343.2, 1.813e-5 / 1.204
    omega, added = helmholtz * c / 0.1, 2e-3
    layer = np.sqrt(8 * nu / omega) / 2e-3
    expected = omega * added / (0.05 * c) * (layer + 1j * (1 + layer))
    assert (thick - thin).real == pytest.approx(expected.real, rel=0.04)
    assert (thick - thin).imag == pytest.approx(expected.imag, rel=2e-3)


@pytest.mark.parametrize("depth", [0.01, 0.02, 0.05])
def test_a_single_layer_is_tuned_where_the_published_reactance_vanishes(depth):
    # Motsinger and Kraft, NASA RP-1258, vol. 2, ch. 14 (1991), for exp(+i omega t): X = k (t + 0.85 d) / sigma -
    # cot(k h), without their factor for the interaction of holes; here with holes so wide that friction adds no mass.
    sheet = PERFORATE | {"hole_diameter": 0.01, "thickness": 0.01, "open_area": 0.1, "depth": depth, "viscosity": 1e-9}
    helmholtz = np.linspace(0.2, 1.5, 7) / depth * 0.1
    k = helmholtz / 0.1
    published = k * (0.01 + 0.85 * 0.01) / 0.1 - 1 / np.tan(k * depth)
    assert impedances.perforate(helmholtz, **sheet).conj().imag == pytest.approx(published, rel=1e-3, abs=1e-3)


def test_the_resonator_is_the_published_one_conjugated():
    # Rienstra, AIAA 2006-2686, for exp(+i omega t): Z = R + i omega m - i beta cot(omega d / c - i epsilon / 2).
    ka = np.array([0.3, 2.0, 7.0])
    published = 0.4 + 0.1j * ka - 1.3j / np.tan(0.25 * ka - 0.05j)
    ours = impedances.helmholtz_resonator(ka, 0.4, 0.1, 0.25, reactance=1.3, damping=0.1)
    assert ours.conj() == pytest.approx(published, rel=1e-13, abs=0)
    assert Liner.engineering(published[0], 1.0, 0.5).impedance == pytest.approx(ours[0], rel=1e-13, abs=0)


def test_mass_and_spring_are_tam_and_auriaults_three_parameters():
    # AIAA J. 34 (1996), 917, for exp(-i omega t): Z = R_0 - i (X_-1 / omega + X_1 omega), of a liner with 6.7 % holes
    # R_0 = 0.18, X_-1 = -0.47567, X_1 = 2.09236, which is tuned to omega = 0.4768.
    omega = np.array([0.1, 0.4768, 1.5])
    z = impedances.mass_spring(omega, 0.18, 2.09236, 0.47567)
    assert z == pytest.approx(0.18 - 1j * (-0.47567 / omega + 2.09236 * omega), rel=1e-14, abs=0)
    assert abs(z[1].imag) < 1e-3
    assert z[0].imag > 0 > z[2].imag


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
