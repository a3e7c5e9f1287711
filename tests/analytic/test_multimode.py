"""Incoherent sources: against sums of single solutions, power balance, and the limits of geometrical acoustics."""

import numpy as np
import pytest

from analytic import DuctMode, Jet, ModeMixture, MultiMode, axial_wavenumber, cut_on_helmholtz, multimode, solve

ANGLES = np.radians([0.0, 20.0, 45.0, 90.0, 160.0])


@pytest.mark.parametrize(
    ("jet", "mach", "hub"), [(None, 0.0, 0.0), (None, -0.4, 0.3), (Jet(), 0.3, 0.0)], ids=["no flow", "annulus", "jet"]
)
def test_the_sums_are_those_of_single_solutions(jet, mach, hub):
    parts = [
        DuctMode(2, 0, 6.0, mach, hub),
        DuctMode(-2, 0, 6.0, mach, hub),
        DuctMode(2, 0, 6.0, mach, hub),
        DuctMode(0, 1, 6.0, mach, hub),
        ModeMixture(-1, [0.3, 1j], 6.0, mach, hub),
        DuctMode(1, 0, 6.0, mach, hub),
    ]
    powers = [1.0, 2.0, 0.5, 0.0, 4.0, 1.5]
    solution = solve(MultiMode(parts, powers), jet=jet)
    singles = [solve(part, jet=jet) for part in parts]
    scales = [power / single.power.incident for power, single in zip(powers, singles, strict=True)]
    expected = sum(s * np.abs(single.directivity(ANGLES)) ** 2 for s, single in zip(scales, singles, strict=True))
    assert np.allclose(solution.mean_square(ANGLES), expected, rtol=1e-9, atol=1e-12 * expected.max())
    for name in ("incident", "reflected", "radiated", "vortical"):
        total = sum(scale * getattr(single.power, name) for scale, single in zip(scales, singles, strict=True))
        assert getattr(solution.power, name) == pytest.approx(total, rel=1e-9, abs=1e-12)
    assert solution.power.incident == pytest.approx(9.0)
    assert abs(solution.power.residual) < 1e-9


def test_equal_power_radiates_by_lamberts_law():
    """In the limit of high frequency modes of equal power fill all directions evenly: intensity like the cosine."""
    theta = np.radians(np.linspace(5, 60, 12))
    level = solve(MultiMode.equal_power(30.0)).level(theta)
    assert np.max(np.abs(level - 10 * np.log10(4 * np.cos(theta)))) < 0.2  # less 3 % reflected and behind: 0.15 dB
    assert np.ptp(level - 10 * np.log10(np.cos(theta))) < 0.05


def test_equal_energy_density_weighs_by_the_group_velocity():
    source = MultiMode.equal_energy_density(8.0, 0.5)
    assert source.powers.sum() == pytest.approx(1)
    plane = next(i for i, part in enumerate(source.parts) if (part.m, part.n) == (0, 0))
    step = 1e-4
    for part, power in zip(source.parts, source.powers, strict=True):
        if abs(part.helmholtz - cut_on_helmholtz(part.m, part.n, 0.5)) < 0.1:
            continue
        down, up = (axial_wavenumber(8.0 + sign * step, part.m, part.n, mach=0.5).real for sign in (-1, 1))
        assert power / source.powers[plane] == pytest.approx(2 * step / (up - down) / 1.5, rel=1e-5)


def test_a_model_has_every_mode_that_is_cut_on_once():
    for source in (MultiMode.equal_power(9.0, -0.3, 0.4), MultiMode.equal_energy_density(9.0, -0.3, 0.4)):
        orders = [(part.m, part.n) for part in source.parts]
        expected = [(m, n) for m in range(-15, 16) for n in range(6) if cut_on_helmholtz(m, n, -0.3, hub=0.4) < 9.0]
        assert sorted(orders) == sorted(expected)


def test_the_level_is_relative_to_the_mean_over_all_directions():
    nodes, weights = np.polynomial.legendre.leggauss(400)
    theta = np.arccos(nodes)
    for source, jet in ((MultiMode.equal_power(4.0), None), (MultiMode.equal_power(4.0, 0.3), Jet(density_ratio=2.0))):
        level = solve(source, jet=jet).level(theta)
        assert np.sum(weights * 10 ** (level / 10)) / 2 == pytest.approx(1, abs=2e-4)


def test_one_factorisation_is_computed_for_each_modulus_of_m(monkeypatch):
    calls, transform = [], multimode.transform
    monkeypatch.setattr(
        multimode, "transform", lambda source, medium: calls.append(source.m) or transform(source, medium)
    )
    orders = [2, -2, 0, 2, -1]
    solve(MultiMode([DuctMode(m, 0, 6.0) for m in orders], np.ones(5)))
    assert calls == [0, 1, 2]


def test_bad_sources_are_named():
    mode = DuctMode(1, 0, 5.0)
    for parts, powers, name in (
        ([], [], "at least one"),
        (["mode"], [1.0], "DuctModes"),
        ([mode, DuctMode(1, 0, 6.0)], [1.0, 1.0], "the same"),
        ([mode], [1.0, 1.0], "powers"),
        ([mode], [-1.0], "powers"),
        ([mode], [0.0], "powers"),
        ([mode], [np.nan], "powers"),
        ([DuctMode(9, 0, 5.0)], [1.0], "cut on"),
    ):
        with pytest.raises(ValueError, match=name):
            MultiMode(parts, powers)
    with pytest.raises(ValueError, match="helmholtz=-1"):
        MultiMode.equal_power(-1.0)
    with pytest.raises(ValueError, match="a jet needs flow"):
        solve(MultiMode([mode], [1.0]), jet=Jet())


def test_the_error_of_powers_is_twice_that_of_the_worst_amplitude():
    parts = [DuctMode(0, 0, 6.0), DuctMode(1, 0, 6.0), DuctMode(3, 0, 6.0)]
    worst = max(solve(part).error_estimate for part in parts)
    assert solve(MultiMode(parts, [1.0, 1.0, 1.0])).error_estimate == pytest.approx(2 * worst, rel=1e-12, abs=0)
