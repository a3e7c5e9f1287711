"""Mach number and temperature of a jet from far microphones."""

import numpy as np
import pytest

from wavenet.study.jet_inversion import fit, intervals
from wavenet.study.jet_patterns import FarArray, LearnedPatterns, SolvedPatterns, stream
from wavenet.study.jets import load_network

MODES = ((0, 0), (-2, 1), (4, 0))
MACH, TEMPERATURE, AMPLITUDE = 0.31, 1.9, np.array([1.0 + 0.3j, -0.7j, 0.5])


@pytest.fixture(scope="module")
def array():
    rng = np.random.default_rng(2)
    return FarArray(MODES, np.radians(rng.uniform(30, 150, 24)), rng.uniform(0, 2 * np.pi, 24), 11.0)


@pytest.fixture(scope="module")
def learned(array):
    return LearnedPatterns(load_network(), [array])


@pytest.fixture(scope="module")
def response(learned):
    """(microphone, mode) of the jet that is to be found."""
    return learned.values(np.array([0]), np.array([MACH]), np.array([TEMPERATURE]))[0]


def test_derivatives_are_those_of_the_values_and_the_solvers(learned, array):
    jets = np.zeros(2, int), np.array([0.25, MACH]), np.array([1.5, TEMPERATURE])
    values, rates = learned.slopes(*jets)
    again = learned.values(*jets)
    assert np.abs(values - again).max() < 1e-12 * np.abs(again).max()  # with derivatives s_0 takes one more step
    exact = SolvedPatterns([array]).slopes(*jets)
    scale = np.abs(exact[1]).max()
    assert np.abs(values - exact[0]).max() < 5e-3 * np.abs(exact[0]).max()  # the network's own error
    assert np.abs(rates - exact[1]).max() < 2e-2 * scale
    step = 1e-5
    for index, shift in enumerate(((step, 0.0), (0.0, step))):
        ends = [learned.values(jets[0], jets[1] + s * shift[0], jets[2] * np.exp(s * shift[1])) for s in (1, -1)]
        # truncation of 1e-10 times the third derivative, rounding of 1e-16 / 1e-5
        assert np.abs((ends[0] - ends[1]) / (2 * step) - rates[:, index]).max() < 1e-6 * scale


def test_known_jet_is_found_without_noise(learned, response):
    (found,) = fit(learned, [response @ AMPLITUDE])
    assert (found.mach, found.temperature) == pytest.approx((MACH, TEMPERATURE), rel=1e-5)
    assert np.abs(found.amplitude - AMPLITUDE).max() < 1e-4
    assert found.residual < 1e-4


def test_arrays_of_different_modes_do_not_mix(learned, response, array):
    """Two measurements together: as each alone, whatever the other has more of."""
    other = FarArray(((2, 0),), array.theta[::-1], array.phi, 9.0)
    both = LearnedPatterns(learned.model, [other, array])
    own = both.values(np.array([0]), np.array([0.2]), np.array([1.2]))[0]
    assert not np.any(own[:, 1:])
    rng = np.random.default_rng(8)
    noisy = own[:, 0] * 2j + 0.05 * np.abs(own).mean() * (rng.normal(size=(24, 2)) @ [1, 1j])
    first, second = fit(both, [noisy, response @ AMPLITUDE])
    (alone,) = fit(LearnedPatterns(learned.model, [other]), [noisy])
    assert (first.mach, first.temperature) == pytest.approx((alone.mach, alone.temperature), rel=1e-4)
    assert first.half_width == pytest.approx(alone.half_width, rel=1e-3)
    assert first.noise == pytest.approx(alone.noise, rel=1e-6)
    assert first.amplitude == pytest.approx(alone.amplitude, rel=1e-3)
    assert (second.mach, second.temperature) == pytest.approx((MACH, TEMPERATURE), rel=1e-5)


def test_intervals_are_those_of_all_unknowns_together(learned, response):
    """Second route: covariance of amplitudes, M and ln T from one linear fit, without projections."""
    rng = np.random.default_rng(4)
    noise = 0.05 * np.abs(response @ AMPLITUDE).mean()
    pressure = response @ AMPLITUDE + noise * (rng.normal(size=(24, 2)) @ [1, 1j])
    (found,) = fit(learned, [pressure], coverage=0.9)
    values, rates = (
        one[0] for one in learned.slopes(np.array([0]), np.array([found.mach]), np.array([found.temperature]))
    )
    complex_columns = np.concatenate([values, 1j * values, (rates @ found.amplitude).T], axis=1)
    design = np.concatenate([complex_columns.real, complex_columns.imag])
    left = pressure - values @ found.amplitude
    freedom = 2 * 24 - 2 * 3 - 2
    variance = np.sum(np.abs(left) ** 2) / freedom
    spread = np.sqrt(variance * np.diag(np.linalg.inv(design.T @ design)))[-2:]
    student = 1.683851  # 95th percentile for 40 degrees of freedom, from a table
    assert found.half_width == pytest.approx(student * spread * [1, found.temperature], rel=1e-4)
    assert found.noise == pytest.approx(np.sqrt(2 * variance), rel=1e-6)
    assert abs(found.mach - MACH) < 4 * found.half_width[0]


def test_the_solver_finds_the_same_jet(learned, array):
    """One mode of solver-made data, with noise: the fits agree to a twentieth of an interval."""
    rng = np.random.default_rng(5)
    few = FarArray(((1, 0),), array.theta[:10], array.phi[:10], 6.0)
    exact = SolvedPatterns([few])
    pressure = exact.values(np.array([0]), np.array([MACH]), np.array([TEMPERATURE]))[0, :, 0]
    pressure = pressure + 0.03 * np.abs(pressure).mean() * (rng.normal(size=(10, 2)) @ [1, 1j])
    ranges = (0.2, 0.42), (1.4, 2.6)
    (one,), (other,) = (
        fit(patterns, [pressure], ranges=ranges) for patterns in (exact, LearnedPatterns(learned.model, [few]))
    )
    assert abs(one.mach - other.mach) < 0.05 * one.half_width[0]
    assert abs(one.temperature - other.temperature) < 0.05 * one.half_width[1]
    assert abs(other.mach - MACH) < 2 * other.half_width[0]


def test_example_finds_its_jet(example):
    """Twenty decibels, forty microphones, four modes."""
    fitting = example("fit_jet")
    array, pressure = fitting.measure(np.random.default_rng(1))
    (found,) = fit(LearnedPatterns(load_network(), [array]), pressure[None])
    assert abs(found.mach - fitting.MACH) < 2 * found.half_width[0]
    assert abs(found.temperature - fitting.TEMPERATURE) < 2 * found.half_width[1]
    assert 0.07 < found.residual < 0.12  # that of the noise


def test_parameters_of_a_temperature():
    """The gas is the same: sound speed as the root of T, density over T; the frequency is given."""
    outer = stream(11.0, 0.0, 4.0)
    assert {name: float(value) for name, value in outer.items()} == pytest.approx(
        {"helmholtz": 5.5, "mach_outer": 0.0, "sound_speed_ratio": 0.5, "density_ratio": 4.0}
    )


def test_bad_input_is_named(learned, response, array):
    pressure = (response @ AMPLITUDE)[None]
    for bad in (np.full((1, 24), np.nan), np.zeros((1, 24)), pressure[0]):
        with pytest.raises(ValueError, match="expected finite pressures"):
            fit(learned, bad)
    with pytest.raises(ValueError, match="ascending, positive ranges"):
        fit(learned, pressure, ranges=((0.4, 0.2), (1.0, 2.0)))
    with pytest.raises(ValueError, match="coverage must lie"):
        fit(learned, pressure, coverage=1.0)
    few = FarArray(MODES, array.theta[:4], array.phi[:4], 11.0)
    with pytest.raises(ValueError, match="4 microphones are too few for 3 modes"):
        fit(LearnedPatterns(learned.model, [few]), pressure[:, :4])
    with pytest.raises(ValueError, match="one number of microphones"):
        LearnedPatterns(learned.model, [few, array])
    low = FarArray(MODES, array.theta, array.phi, 3.0)
    with pytest.raises(ValueError, match=r"array 0: no jet .* has all modes cut on"):
        fit(LearnedPatterns(learned.model, [low]), pressure)


def test_intervals_of_the_likelihood_are_its_profile(learned, response):
    """Second route: M is held at an end of its interval, T and the amplitudes are fitted on a grid by `lstsq`."""
    rng = np.random.default_rng(4)
    noise = 0.1 * np.abs(response @ AMPLITUDE).mean()
    pressure = response @ AMPLITUDE + noise * (rng.normal(size=(24, 2)) @ [1, 1j])
    found = fit(learned, [pressure])
    (ends,) = intervals(learned, [pressure], found, coverage=0.9)

    def least(mach, temperature):
        values = learned.values(np.zeros(len(mach), int), mach, temperature)
        return [np.linalg.lstsq(one, pressure, rcond=None)[1][0] for one in values]

    (best,) = least(np.array([found[0].mach]), np.array([found[0].temperature]))
    allowed = best * (1 + 1.683851**2 / 40)  # 95th percentile for 40 degrees of freedom, from a table
    around = np.linspace(-1.5, 1.5, 121)
    for row, other in ((0, 1), (1, 0)):
        for end in ends[row]:
            jet = [np.full(121, end), np.full(121, end)]
            centre = (found[0].mach, found[0].temperature)[other]
            jet[other] = centre + around * found[0].half_width[other]
            # the contour is known to 0.8 % of the distance, of which its height is a square; directions to 0.5 %
            assert min(least(*jet)) - best == pytest.approx(allowed - best, rel=0.04, abs=0)
    assert ends[0, 0] < found[0].mach < ends[0, 1]
    with pytest.raises(ValueError, match=r"coverage must lie between 0 and 1, got 1\.0"):
        intervals(learned, [pressure], found, coverage=1.0)
