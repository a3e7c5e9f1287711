"""Many liners at once, and incoherent sources behind liners."""

import numpy as np
import pytest

from analytic import ConvergenceError, DuctMode, Liner, MultiMode, PhysicalDuct, lined_sweep, solve
from analytic.lined import flow_modes as lined_flow_modes
from analytic.lined import modes as lined_modes
from analytic.lined.echoes import settled
from analytic.lined.flow_modes import FlowWall, flow_modes, many_flow_modes
from analytic.section import Section

THETA = np.array([0.4, 1.2, 2.5])


@pytest.mark.parametrize(("hub", "distance"), [(0.0, 0.5), (0.3, 0.4), (0.0, 0.0)])
def test_a_sweep_is_many_solves(hub, distance):
    z = np.array([0.3 - 0.8j, 1 + 1j, 4 + 0.1j])
    found = lined_sweep([1, -1, 2], [1, 0, 0], 6.0, THETA, impedance=z, length=0.8, distance=distance, hub=hub)
    for case, (m, n) in enumerate([(1, 1), (-1, 0), (2, 0)]):
        one = solve(DuctMode(m, n, 6.0, hub=hub), liner=Liner(z[case], 0.8, distance))
        assert found.reflection[case] == pytest.approx(one.reflection[n], abs=1e-13)
        assert np.max(np.abs(found.directivity[case] - one.directivity(THETA))) < 1e-13
        assert found.absorbed[case] == pytest.approx(one.absorbed, rel=1e-11)
        assert found.radiated[case] == pytest.approx(one.power.radiated / one.power.incident, rel=1e-11)
        assert found.error_estimate[case] < 1e-10


@pytest.mark.parametrize("mach", [0.0, 0.3])
def test_sweeps_take_several_liners_and_both_time_conventions(mach):
    z = np.array([[0.3 - 0.8j, 1 - 1j], [4 - 0.1j, 0.7 - 0.2j]])
    options = {"length": [[0.5, 0.8]], "distance": 0.3, "mach": mach}
    found = lined_sweep(1, 0, 4.0, THETA, impedance=z, **options)
    for case, (first, second) in enumerate(z):
        one = solve(DuctMode(1, 0, 4.0, mach), liner=[Liner(first, 0.5, 0.3), Liner(second, 0.8, 0.3)])
        assert found.reflection[case] == pytest.approx(one.reflection[0], abs=1e-12)
        assert np.max(np.abs(found.directivity[case] - one.directivity(THETA))) < 1e-12
        assert found.absorbed[case] == pytest.approx(one.absorbed, rel=1e-10)
    other = lined_sweep(1, 0, 4.0, THETA, impedance=z.conj(), engineering=True, **options)
    assert np.array_equal(other.reflection, found.reflection)
    assert np.array_equal(found.conj_time().reflection, found.reflection.conj())
    assert np.array_equal(found.conj_time().directivity, found.directivity.conj())
    assert np.array_equal(found.conj_time().absorbed, found.absorbed)


def test_modes_of_many_walls_are_those_of_each():
    rng, section = np.random.default_rng(1), Section(3, 0.0)
    q = 1j * 8.0 / np.exp(rng.uniform(-2, 2, 20) + 1j * rng.uniform(-1.5, 1.5, 20))
    for one, (gamma, twice) in zip(q, lined_modes.many_lined_modes(section, q, 15), strict=True):
        expected = lined_modes.lined_modes(section, one, 15)
        assert np.allclose(gamma, expected[0], rtol=1e-12)
        assert np.allclose(twice, expected[1], rtol=1e-10)


@pytest.mark.parametrize("hub", [0.0, 0.4])
def test_modes_of_many_walls_in_flow_are_those_of_each(hub):
    rng, section = np.random.default_rng(2), Section(2, hub)
    impedances = rng.uniform(0.3, 3, 12) + 1j * rng.uniform(-2, 2, 12)
    walls = [FlowWall(section, 8.4, -0.3, 1j / (8 * one)) for one in impedances]
    for wall, found in zip(walls, many_flow_modes(walls, 14), strict=True):
        expected = flow_modes(wall, 14)
        assert np.allclose(found.down[:14], expected.down[:14], rtol=1e-11, atol=0)
        assert np.allclose(found.up[:14], expected.up[:14], rtol=1e-11, atol=0)


def test_a_mode_in_flow_that_was_lost_is_looked_for_again(monkeypatch):
    walls = [FlowWall(Section(2), 8.4, 0.3, 1j / (8 * one)) for one in (1 + 1j, 2 - 1j)]
    expected, follow = [flow_modes(wall, 10) for wall in walls], lined_flow_modes._follow

    def loses(wall, alpha, path):
        s = follow(wall, alpha, path)
        return s if path.ndim == 1 else s[:, :3]

    monkeypatch.setattr(lined_flow_modes, "_follow", loses)
    for found, one in zip(many_flow_modes(walls, 10), expected, strict=True):
        assert np.allclose(found.down[:10], one.down[:10], rtol=1e-11, atol=0)


def test_echoes_settle_to_the_solution_of_the_system():
    rng = np.random.default_rng(3)
    matrix = (rng.normal(size=(90, 90)) + 1j * rng.normal(size=(90, 90))) * np.exp(-np.arange(90))
    start = rng.normal(size=90) + 1j * rng.normal(size=90)
    x = settled(lambda one: matrix @ one, start)
    assert np.max(np.abs(x - np.linalg.solve(np.eye(90) - matrix, start))) < 1e-13 * np.max(np.abs(x))
    few = settled(lambda one: 0.5 * one, start[:5])
    assert few == pytest.approx(2 * start[:5], rel=1e-14, abs=0)
    turn = np.roll(np.eye(200), 1, axis=0)  # no echo is nearer to the solution than none
    last = settled(lambda one: one - turn @ one, np.eye(200, dtype=complex)[0])
    assert last == pytest.approx(np.eye(200)[-1], abs=1e-13)


def test_a_mode_that_was_lost_is_looked_for_again(monkeypatch):
    section, q = Section(0), np.array([2j / (1 + 1j)])
    expected = lined_modes.lined_modes(section, q[0], 10)[0]
    follow = lined_modes._follow

    def loses(section, alpha, path):
        w = follow(section, alpha, path)
        return w if path.ndim == 1 else np.where(np.arange(w.shape[1]) == 3, w[:, 2:3], w)

    monkeypatch.setattr(lined_modes, "_follow", loses)
    ((gamma, _),) = lined_modes.many_lined_modes(section, q, 10)
    assert np.allclose(gamma, expected, rtol=1e-12)


def test_a_case_that_fails_is_recorded_or_raised():
    exceptional = 2j / (1.2796025402991464 + 2.980382414790488j)
    arguments = {"impedance": [1 + 1j, exceptional], "length": 1.0, "distance": 0.5}
    found = lined_sweep(0, 0, 2.0, THETA, **arguments, errors="record")
    assert found.valid.tolist() == [True, False]
    assert "(0.24" in found.reasons[1] or "impedance" in found.reasons[1]
    assert found.reflection[1] == 0
    assert found.error_estimate[1] == np.inf
    with pytest.raises(ConvergenceError, match="Liner"):
        lined_sweep(0, 0, 2.0, THETA, **arguments)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"impedance": -1.0}, "positive real part"),
        ({"length": np.inf}, "lengths must be finite"),
        ({"distance": -1.0}, "distance must be"),
        ({"helmholtz": 0.0}, "helmholtz"),
        ({"theta": [[0.1]]}, "one-dimensional"),
        ({"errors": "ignore"}, "errors must be"),
        ({"impedance": [[[1.0]]]}, r"impedance must be \(case,\) or \(case, liner\), got shape \(1, 1, 1\)"),
        ({"impedance": np.ones((1, 0)), "length": np.ones((1, 0)), "distance": np.ones((1, 0))}, "at least one liner"),
        ({"impedance": np.ones((2, 2)), "length": np.ones((2, 3))}, "arrays must have one shape"),
        ({"engineering": 1}, "engineering must be True or False"),
    ],
)
def test_sweeps_out_of_range_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        lined_sweep(
            **(
                {"m": 0, "n": 0, "helmholtz": 2.0, "theta": THETA, "impedance": 1.0, "length": 1.0, "distance": 0.5}
                | arguments
            )
        )


# Incoherent sources


def test_an_equal_power_source_is_the_sum_of_its_modes():
    source, liner = MultiMode.equal_power(4.0), Liner(0.9 - 0.3j, 0.7, 0.5)
    lined = solve(source, liner=liner)
    parts = [solve(mode, liner=liner) for mode in source.parts]
    shares = [1 / len(parts) / one.power.incident for one in parts]
    intensity = sum(share * np.abs(one.directivity(THETA)) ** 2 for share, one in zip(shares, parts, strict=True))
    assert np.allclose(lined.mean_square(THETA), intensity, rtol=1e-11)
    absorbed = np.mean([one.absorbed for one in parts])
    assert lined.absorbed == pytest.approx(absorbed, rel=1e-11)
    power = lined.power
    assert power.incident == pytest.approx(1.0)
    assert power.incident == pytest.approx(power.reflected + np.sum(power.absorbed) + power.radiated, rel=1e-11)
    assert lined.transmission_loss == pytest.approx(-10 * np.log10(power.radiated))


def test_levels_of_an_incoherent_source():
    duct = PhysicalDuct(0.3, 340.0, 1.2)
    source, liner = MultiMode.equal_power(3.0), Liner(2 + 1j, 0.5, 0.3)
    lined, bare = solve(source, liner=liner), solve(source)
    ratio = lined.mean_square(THETA) / bare.mean_square(THETA)
    change = lined.sound_pressure_level(THETA, duct) - bare.sound_pressure_level(THETA, duct)
    assert np.allclose(change, 10 * np.log10(ratio))
    index = lined.directivity_index(THETA) - bare.directivity_index(THETA)
    assert np.allclose(index, 10 * np.log10(ratio * bare.power.radiated / lined.power.radiated))
    assert np.allclose(lined.mean_square_pressure(THETA) / bare.mean_square_pressure(THETA), ratio)
    with pytest.raises(ValueError, match="of the source"):
        lined.sound_pressure_level(THETA, PhysicalDuct(0.3, 340.0, 1.2, hub_radius=0.1))
