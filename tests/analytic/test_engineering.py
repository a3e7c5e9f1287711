"""What engineers read: pressure at the physical angle, levels in dB, impedances, units, the other time convention.

Every number is compared with one from near fields or from a quadrature by scipy, which know nothing of it.
"""

import numpy as np
import pytest
from scipy.special import jv, jvp

from analytic import (
    ConvergenceError,
    DuctMode,
    Jet,
    ModeMixture,
    MultiMode,
    PhysicalDuct,
    physical_angle,
    radial_eigenvalue,
    solve,
    sound_speed_of_air,
    stretched_angle,
    third_octave_bands,
    third_octave_levels,
)

DISTANCE = 2000.0  # radii; what is left of the near field is of the order of m^2 / (ka distance)
ANGLES = np.radians([20.0, 55.0, 90.0, 120.0, 150.0])
JET = Jet(0.3, 0.9, 1.3, instability=False)
FAN = {"m": 22, "n": 0, "radius": 0.4, "frequency": 3600.0, "temperature": 288.15, "mach": -0.35}


def decibels(values):
    return 20 * np.log10(np.abs(values))


def disc(function, count=60):
    """Integral of a function of r over the cross-section, 2 pi r dr."""
    t, weight = np.polynomial.legendre.leggauss(count)
    r = (t + 1) / 2
    return 2 * np.pi * np.sum(weight / 2 * r * function(r))


def flux(pressure, u, v, mach, direction):
    """Time-averaged energy flux in a uniform flow, rho = c = 1 (Morfey 1971)."""
    velocity = u * direction[0] + v * direction[1] + mach * direction[0] * pressure
    return 0.5 * np.real(np.conj(pressure + mach * u) * velocity)


def incident_watts(m, n, ka, mach):
    """Incident power of unit potential amplitude [rho c^3 a^2], and the pressure at the wall: waves J_m exp(i mu x)."""
    alpha = radial_eigenvalue(m, n)
    beta2 = 1 - mach**2
    mu = (-mach * ka + np.sqrt(ka**2 - beta2 * alpha**2)) / beta2
    pressure = 1j * (ka - mach * mu)

    def density(r):
        shape = jv(m, alpha * r) / jv(m, alpha)
        return flux(pressure * shape, 1j * mu * shape, 0 * shape, mach, (1, 0))

    return disc(density), abs(pressure)


@pytest.mark.parametrize(
    ("source", "jet"),
    [
        (DuctMode(2, 0, 5.0), None),
        (DuctMode(1, 0, 4.0, 0.5), None),
        (DuctMode(0, 1, 6.0, -0.6), None),
        (DuctMode(1, 0, 4.0, 0.3), JET),
        (DuctMode(3, 0, 7.0, -0.4, 0.5), None),
    ],
    ids=["no flow", "exhaust", "intake", "jet", "hub"],
)
def test_the_pressure_directivity_is_the_far_pressure_at_the_physical_angle(source, jet):
    solution = solve(source, jet=jet)
    distance, allowed = (DISTANCE, 0.01) if jet is None else (200.0, 0.05)  # [dB]; a jet's time grows with it
    far = solution.at(distance * np.cos(ANGLES), distance * np.sin(ANGLES)).pressure * distance
    found = solution.pressure_directivity(ANGLES)
    assert np.max(np.abs(decibels(far) - decibels(found))) < allowed
    mach, ratio = (source.mach, 1.0) if jet is None else (jet.mach_outer, jet.sound_speed_ratio)
    k = source.helmholtz / ratio / (1 - mach**2)  # of exp(i k (sqrt(x^2 + beta^2 r^2) - M x))
    phase = k * distance * (np.sqrt(1 - (mach * np.sin(ANGLES)) ** 2) - mach * np.cos(ANGLES))
    np.testing.assert_allclose(found * np.exp(1j * phase), far, atol=10 / distance * np.max(np.abs(far)))


def test_the_fan_duct_in_pascals_at_physical_angles():
    mode = DuctMode.physical(**FAN)
    solution = solve(mode)
    angles = np.radians([40.0, 60.0, 80.0, 100.0, 130.0])
    duct = mode.duct
    far = np.abs(solution.at(DISTANCE * np.cos(angles), DISTANCE * np.sin(angles)).pressure)
    watts, wall = incident_watts(22, 0, mode.helmholtz, mode.mach)
    watts *= duct.density * duct.sound_speed**3 * duct.radius**2
    pascals = far * duct.density * duct.sound_speed**2 / np.sqrt(2)
    expected = decibels(pascals / np.sqrt(watts) / 2e-5)  # 1 W
    found = solution.sound_pressure_level(angles, distance=DISTANCE * 0.4)
    assert np.max(np.abs(found - expected)) < 0.01
    louder = solution.sound_pressure_level(angles, distance=DISTANCE * 0.4, power=100.0)
    np.testing.assert_allclose(louder, found + 20, rtol=1e-12)
    rms = wall * duct.density * duct.sound_speed**2 / np.sqrt(2 * watts)  # at the wall, of 1 W
    by_wall = solution.sound_pressure_level(angles, distance=DISTANCE * 0.4, wall_pressure=rms)
    np.testing.assert_allclose(by_wall, found, rtol=1e-12)
    relative = solution.relative_level(angles)  # re the wall, at one radius
    np.testing.assert_allclose(relative, found + decibels(DISTANCE) - decibels(rms / 2e-5), rtol=1e-11)


@pytest.mark.parametrize(("m", "n", "ka", "mach"), [(1, 0, 3.0, 0.0), (0, 0, 2.0, 0.4), (2, 0, 4.5, -0.5)])
def test_transmission_loss_is_that_of_the_energy_flux_through_a_sphere(m, n, ka, mach):
    solution = solve(DuctMode(m, n, ka, mach), tolerance=1e-7)
    t, weight = np.polynomial.legendre.leggauss(80)
    radius = 30.0  # the flux through any sphere is the same; it ends at the duct's wall
    last = np.pi - np.arcsin(1 / radius)
    angle = last * (t + 1) / 2
    direction = np.cos(angle), np.sin(angle)
    field = solution.at(radius * direction[0], radius * direction[1])
    density = flux(field.pressure, field.axial_velocity, field.radial_velocity, mach, direction)
    radiated = 2 * np.pi * radius**2 * np.sum(weight * last / 2 * np.sin(angle) * density)
    expected = 10 * np.log10(incident_watts(m, n, ka, mach)[0] / radiated)
    assert abs(solution.transmission_loss - expected) < 1e-4


def test_transmission_loss_of_a_plane_wave_follows_from_reflected_pressure():
    for ka, mach in ((0.3, 0.0), (1.5, 0.4), (1.5, -0.4)):
        solution = solve(DuctMode(0, 0, ka, mach))
        back = abs(solution.reflection_pressure[0]) ** 2 * ((1 - mach) / (1 + mach)) ** 2
        assert solution.transmission_loss == pytest.approx(-10 * np.log10(1 - back), rel=1e-6)


@pytest.mark.parametrize(
    ("m", "n", "ka", "mach"),
    [(0, 0, 1.0, 0.0), (0, 0, 1.0, 0.4), (0, 0, 2.0, -0.5), (1, 0, 3.0, 0.4), (0, 1, 5.0, 0.3)],
)
def test_impedance_and_reflected_pressure_are_those_of_pressure_and_velocity_in_the_duct(m, n, ka, mach):
    """The order's pressure and velocity at x = -0.7, carried to the open end by its two waves."""
    solution = solve(DuctMode(m, n, ka, mach))
    alpha, beta2, start = radial_eigenvalue(m, n), 1 - mach**2, -0.7
    root = np.sqrt(ka**2 - beta2 * alpha**2 + 0j)
    down, up = (-mach * ka + root) / beta2, (-mach * ka - root) / beta2
    t, weight = np.polynomial.legendre.leggauss(40)
    r = (t + 1) / 2
    field = solution.at(start, r)
    shape = jv(m, alpha * r)
    pressure, velocity = (np.sum(weight * r * shape * f) for f in (field.pressure, field.axial_velocity))
    waves = np.array([[ka - mach * down, ka - mach * up], [down, up]])  # p and u of unit amplitudes, over i
    here = np.linalg.solve(waves, [pressure, velocity])
    end = here * np.exp(-1j * np.array([down, up]) * start)
    total = waves @ end
    assert solution.specific_impedance == pytest.approx(total[0] / total[1], rel=1e-6)
    reflected = end[1] * waves[0, 1] / (end[0] * waves[0, 0])
    assert solution.reflection_pressure[n] == pytest.approx(reflected, rel=1e-6)
    assert solution.reflection[n] == pytest.approx(end[1] / end[0], rel=1e-6)
    if alpha == 0:
        assert solution.specific_impedance == pytest.approx((1 + reflected) / (1 - reflected), rel=1e-6)
        factor = (1 - mach) / (1 + mach)
        assert solution.reflection[n] == pytest.approx(reflected * factor, rel=1e-6)


def test_the_radiation_impedance_of_a_narrow_pipe_is_a_mass_and_a_small_resistance():
    """(ka)^2 / 4 + 0.6127 i ka in exp(+i omega t): Levine and Schwinger 1948."""
    ka = 0.01
    z = solve(DuctMode(0, 0, ka)).conj_time().specific_impedance
    assert z.imag == pytest.approx(0.6127 * ka, rel=1e-3)
    assert z.real == pytest.approx(ka**2 / 4, rel=1e-3)
    mode = DuctMode.physical(0, 0, frequency=50, radius=0.1, sound_speed=340, density=1.2, hub_radius=0.04)
    solution = solve(mode)
    area = np.pi * (0.1**2 - 0.04**2)
    assert solution.radiation_impedance == pytest.approx(solution.specific_impedance * 1.2 * 340 / area, rel=1e-13)


def test_an_impedance_that_is_lost_in_rounding_is_refused():
    """Near R = -1, z = (1 + R) / 2 has no digits left."""
    with pytest.raises(ConvergenceError, match="impedance"):
        _ = solve(DuctMode(0, 0, 1e-7), tolerance=1e-9).specific_impedance
    solution = solve(DuctMode(0, 0, 0.01))
    assert solution.error_estimate < 1e-11  # what was refused is the impedance alone


def test_conj_time_is_the_same_sound():
    """Re(p exp(-i omega t)) at any time; the conjugate with exp(+i omega t)."""
    solution = solve(DuctMode(1, 0, 4.0, 0.3))
    view = solution.conj_time()
    x, r, time = np.array([-0.5, 0.5]), np.array([0.5, 1.5]), 0.7
    for name in ("potential", "axial_velocity", "radial_velocity", "pressure"):
        for first, second in ((solution.at(x, r), view.at(x, r)), (solution.field(x, r), view.field(x, r))):
            sound = np.real(getattr(first, name) * np.exp(-1j * time))
            np.testing.assert_allclose(np.real(getattr(second, name) * np.exp(1j * time)), sound, rtol=1e-12)
            assert np.all(np.abs(np.imag(getattr(first, name))) > 0)
    for name in ("reflection", "reflection_matrix", "reflection_pressure", "specific_impedance"):
        np.testing.assert_array_equal(getattr(view, name), np.conj(getattr(solution, name)))
    for name in ("directivity", "pressure_directivity"):
        np.testing.assert_array_equal(getattr(view, name)(ANGLES), np.conj(getattr(solution, name)(ANGLES)))
    assert view.conj_time() is solution
    # An outgoing wave in exp(+i omega t): its phase falls along the way.
    at = solve(DuctMode(0, 0, 1.0)).conj_time().at([30.0, 30.1], 1.0).pressure
    assert np.angle(at[1] / at[0]) == pytest.approx(-0.1, rel=1e-2)
    physical = solve(DuctMode.physical(0, 0, frequency=100, radius=0.1, temperature=293.15))
    assert physical.conj_time().radiation_impedance == physical.radiation_impedance.conjugate()


@pytest.mark.parametrize("mach", [0.0, 0.6, -0.6])
def test_angles_are_those_of_the_same_point_in_both_planes(mach):
    x, r = np.array([2.0, 0.5, 0.0, -1.0]), np.array([0.3, 1.0, 1.0, 2.0])
    stretched = np.arctan2(r, x / np.sqrt(1 - mach**2))
    np.testing.assert_allclose(stretched_angle(np.arctan2(r, x), mach), stretched, rtol=1e-14)
    np.testing.assert_allclose(physical_angle(stretched, mach), np.arctan2(r, x), rtol=1e-14)
    for convert in (stretched_angle, physical_angle):
        np.testing.assert_array_equal(convert([0.0, np.pi], mach), [0.0, np.pi])
        with pytest.raises(ValueError, match=r"\[0, pi\]"):
            convert(3.2, mach)
        with pytest.raises(ValueError, match="mach=1"):
            convert(1.0, 1.0)


def test_units_of_a_mode():
    mode = DuctMode.physical(**FAN | {"hub_radius": 0.1})
    assert mode.helmholtz == pytest.approx(2 * np.pi * 3600 * 0.4 / 340.294, rel=1e-6)
    assert (mode.mach, mode.hub) == (-0.35, 0.25)
    assert mode.frequency == pytest.approx(3600, rel=1e-14)
    assert mode.duct.density == pytest.approx(1.225, rel=1e-5)  # ISO 2533
    assert jvp(22, 2 * np.pi * DuctMode.physical(**FAN).cut_on_frequency * 0.4 / 340.294 / np.sqrt(1 - 0.35**2)) < 1e-6
    velocity = DuctMode.physical(1, 0, frequency=500, radius=0.2, sound_speed=400.0, velocity=-100.0)
    assert velocity.mach == -0.25
    assert velocity.duct.density == pytest.approx(1.4 * 101325 / 400**2, rel=1e-14)
    assert PhysicalDuct.filled(1.0, temperature=288.15, static_pressure=90000.0).density == pytest.approx(
        90000 / (287.05287 * 288.15), rel=1e-14
    )
    assert PhysicalDuct.filled(1.0, temperature=300.0, density=2.0).density == 2.0


def test_the_sound_speed_of_air():
    """Published: ISO 2533 at 288.15 K and 216.65 K."""
    assert sound_speed_of_air(288.15) == pytest.approx(340.294, abs=5e-4)
    assert sound_speed_of_air(216.65) == pytest.approx(295.069, abs=5e-4)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"temperature": 15.0}, "kelvin.*temperature=15.0"),
        ({"temperature": 900.0}, "temperature=900.0.*sound_speed"),
        ({"temperature": float("nan")}, "temperature=nan"),
        ({"temperature": None}, "give temperature or sound_speed"),
        ({"sound_speed": 340.0}, "give temperature or sound_speed"),
        ({"velocity": 10.0}, "give velocity or mach"),
        ({"mach": None, "velocity": 400.0}, "velocity=400.0 m/s"),
        ({"mach": 1.0}, "mach=1.0"),
        ({"density": 1.2, "static_pressure": 1e5}, "give static_pressure or density"),
        ({"density": -1.2}, "density=-1.2"),
        ({"static_pressure": 0.0}, "static_pressure=0.0"),
        ({"radius": 0.0}, "radius=0.0"),
        ({"frequency": -1.0}, "frequency=-1.0"),
        ({"hub_radius": 0.39}, "hub"),
        ({"temperature": None, "sound_speed": 0.0}, "sound_speed=0.0"),
        ({"n": -1}, "n=-1"),
    ],
)
def test_bad_units_are_named(changed, message):
    with pytest.raises(ValueError, match=message):
        DuctMode.physical(**FAN | changed)


def test_levels_are_refused_where_they_have_no_meaning():
    cut_off = DuctMode.physical(**FAN | {"frequency": 1200.0})
    assert not cut_off.cut_on
    solution = solve(cut_off)
    with pytest.raises(ValueError, match=r"mode \(22, 0\) is cut off at 1200 Hz, it propagates above 3080\.74 Hz"):
        solution.sound_pressure_level(ANGLES)
    with pytest.raises(ValueError, match="cut off"):
        _ = solution.transmission_loss
    assert np.all(np.isfinite(solution.sound_pressure_level(ANGLES, wall_pressure=1.0)))
    solution = solve(DuctMode.physical(**FAN))
    for options, message in (
        ({"power": 1.0, "wall_pressure": 1.0}, "power or wall_pressure"),
        ({"power": 0.0}, "power=0.0"),
        ({"wall_pressure": -1.0}, "wall_pressure=-1.0"),
        ({"distance": 0.0}, "distance=0.0"),
        ({"distance": np.inf}, "distance=inf"),
    ):
        with pytest.raises(ValueError, match=message):
            solution.sound_pressure_level(ANGLES, **options)
    with pytest.raises(ValueError, match=r"DuctMode\.physical"):
        solve(DuctMode(0, 0, 1.0)).sound_pressure_level(ANGLES)
    with pytest.raises(ValueError, match=r"DuctMode\.physical"):
        _ = solve(DuctMode(0, 0, 1.0)).radiation_impedance
    mixture = solve(ModeMixture(0, [1.0, 1.0], 5.0))
    for ask in (lambda: mixture.specific_impedance, lambda: mixture.relative_level(1.0)):
        with pytest.raises(ValueError, match="one incident mode"):
            ask()


def test_nothing_is_minus_infinity_decibels():
    """On the axis, of a mode with m > 0; no warning."""
    assert solve(DuctMode.physical(**FAN)).sound_pressure_level(0.0) == -np.inf


@pytest.mark.parametrize(("mach", "jet"), [(-0.35, None), (0.4, Jet(0.2, 1.1, 0.8))], ids=["intake", "jet"])
def test_levels_of_many_modes_are_sums_over_the_modes(mach, jet):
    duct = PhysicalDuct.filled(0.3, temperature=288.15, mach=mach)
    frequency = 700.0  # ka = 3.9
    source = MultiMode.equal_energy_density(duct.helmholtz(frequency), mach)
    assert len(source.parts) > 4
    expected = np.zeros(len(ANGLES))
    for part, share in zip(source.parts, source.powers, strict=True):
        one = solve(duct.mode(part.m, part.n, frequency), jet=jet)
        expected += 10 ** (one.sound_pressure_level(ANGLES, distance=3.0, power=5.0 * share) / 10)
    solution = solve(source, jet=jet)
    found = solution.sound_pressure_level(ANGLES, duct, distance=3.0, power=5.0)
    np.testing.assert_allclose(found, 10 * np.log10(expected), rtol=1e-9)
    other = PhysicalDuct.filled(0.3, temperature=288.15, mach=0.1)
    with pytest.raises(ValueError, match=f"must have mach={mach} and hub=0.0"):
        solution.sound_pressure_level(ANGLES, other)
    for bad in ({"distance": -1.0}, {"power": 0.0}):
        with pytest.raises(ValueError, match="must be positive"):
            solution.sound_pressure_level(ANGLES, duct, **bad)


@pytest.mark.parametrize(("mach", "jet"), [(0.0, None), (0.5, None), (-0.5, None), (0.4, Jet(0.0, 1.2, 0.7))])
def test_the_directivity_index_is_over_a_monopole_of_the_radiated_power(mach, jet):
    """The energy flux of the far field, with the wavenumbers of its phase, over that of the pressure at rest."""
    solution = solve(MultiMode.equal_power(2.5, mach), jet=jet)
    t, weight = np.polynomial.legendre.leggauss(200)
    angle = np.pi * (t + 1) / 2
    intensity = 10 ** (solution.directivity_index(angle) / 10)
    outer = mach if jet is None else 0.0
    x, r = np.cos(angle), np.sin(angle)
    long = np.sqrt(x**2 + (1 - outer**2) * r**2)  # of the phase k (long - M x) / beta^2
    kx, kr = (x / long - outer) / (1 - outer**2), r / long
    pressure = 1j * (1 - outer * kx)
    per_square = flux(pressure, 1j * kx, 1j * kr, outer, (x, r)) / (np.abs(pressure) ** 2 / 2)
    mean = np.sum(weight * np.pi / 2 * np.sin(angle) * per_square * intensity) / 2
    assert mean == pytest.approx(1, abs=2e-4)
    if mach == 0:
        np.testing.assert_allclose(solution.level(angle), solution.directivity_index(angle), rtol=1e-9)


def test_third_octave_bands_are_those_of_the_standard():
    """Published: IEC 61260-1, edges of 1 kHz; nominal frequencies."""
    assert [band.nominal for band in third_octave_bands(25, 250)] == [
        *(25, 31.5, 40, 50, 63, 80, 100, 125, 160, 200, 250),
    ]
    (band,) = third_octave_bands(1000, 1000)
    assert band.lower == pytest.approx(891.25, abs=5e-3)
    assert band.upper == pytest.approx(1122.02, abs=5e-3)
    bands = third_octave_bands(2000, 4000)
    assert [low.upper for low in bands[:-1]] == pytest.approx([high.lower for high in bands[1:]], rel=1e-14)
    with pytest.raises(ValueError, match=r"no third-octave band .* 130 \.\.\. 140"):
        third_octave_bands(130, 140)
    with pytest.raises(ValueError, match="lowest=0"):
        third_octave_bands(0, 140)


def test_a_band_level_is_the_mean_over_its_frequencies():
    """Modes (1, 0) and (-1, 0) are cut on within the band, where the number of modes triples."""
    duct = PhysicalDuct.filled(0.2, temperature=288.15)
    bands = third_octave_bands(500, 500)
    angles = np.radians([0.0, 50.0, 100.0, 180.0])
    found = third_octave_levels(MultiMode.equal_power, duct, bands, angles, distance=2.0, power=3.0)
    low, high = bands[0].lower, bands[0].upper
    assert duct.helmholtz(low) < 1.8412 < duct.helmholtz(high)
    frequencies = low + (np.arange(150) + 0.5) / 150 * (high - low)
    total = np.zeros(len(angles))
    for frequency in frequencies:
        solution = solve(MultiMode.equal_power(duct.helmholtz(frequency)))
        total += 10 ** (solution.sound_pressure_level(angles, duct, distance=2.0, power=3.0) / 10) / 150
    error = np.max(np.abs(found.level[0] - 10 * np.log10(total)))
    assert 1e-4 < error < found.error_estimate[0] + 5e-3 < 0.1 + 5e-3  # 5e-3: of 150 frequencies
    with pytest.raises(ConvergenceError, match=r"500 Hz changes by .* 129 frequencies, above 1\.0e-06 dB"):
        third_octave_levels(MultiMode.equal_power, duct, bands, [1.0], tolerance=1e-6)
    with pytest.raises(ValueError, match="tolerance=0"):
        third_octave_levels(MultiMode.equal_power, duct, bands, [1.0], tolerance=0)


def test_bands_with_too_many_modes_are_refused_before_the_first_and_progress_is_told():
    duct, asked, told = PhysicalDuct.filled(0.2, temperature=288.15), [], []

    def sharing(helmholtz, mach, hub):
        asked.append(helmholtz)
        if helmholtz > 3:
            raise ValueError("too many modes")
        return MultiMode.equal_power(helmholtz, mach, hub)

    with pytest.raises(ValueError, match="too many modes"):
        third_octave_levels(sharing, duct, third_octave_bands(400, 1000), [1.0])
    assert len(asked) == 1
    third_octave_levels(sharing, duct, third_octave_bands(100, 160), [1.0], progress=lambda *done: told.append(done))
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]
