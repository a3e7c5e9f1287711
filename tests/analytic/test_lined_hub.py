import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import h1vp, hankel1, jv, jvp

from analytic import ConvergenceError, DuctMode, Jet, LinedHub, Liner, ModeMixture, MultiMode, radial_eigenvalue, solve
from analytic.lined.flow_modes import flow_modes
from analytic.lined.hub_modes import HubWall, OuterHubWall, outer_waves
from analytic.section import Section

from .lined_hub_elements import differences


@pytest.mark.parametrize(
    ("source", "hub"),
    [
        (DuctMode(2, 0, 5.0, hub=0.4), LinedHub(1 + 1j)),
        (DuctMode(0, 1, 6.0, mach=0.5, hub=0.3), LinedHub(0.5 - 0.6j)),
        (DuctMode(0, 0, 3.0, mach=-0.3, hub=0.3), LinedHub(1 + 0.5j, "stable")),
    ],
)
def test_finite_elements_give_the_same_modes_reflection_and_directivity(source, hub):
    modes, reflection, directivity = differences(source, solve(source, lined_hub=hub), hub.impedance)
    assert modes < 1e-9
    assert reflection < 1e-6
    assert directivity < 2e-5


ANGLES = np.array([1e-9, 1e-6, 1e-3, 0.3, 1.0, np.pi / 2, 2.2, 2.8, np.pi])
FLOWS = [
    (DuctMode(2, 0, 5.0, mach=0.3, hub=0.4), LinedHub(1 - 1j)),
    (DuctMode(0, 1, 6.0, mach=0.5, hub=0.3), LinedHub(1 + 0.5j, "stable")),
    (DuctMode(0, 1, 6.0, mach=0.5, hub=0.3), LinedHub(1 + 0.5j, "unstable")),
    (DuctMode(8, 1, 2.4, mach=0.58, hub=0.61), LinedHub(2.3 + 2.9j, "stable")),
]


@pytest.mark.parametrize(("source", "hub"), FLOWS)
def test_a_jet_of_equal_streams_without_shedding_is_uniform_flow(source, hub):
    uniform = solve(source, lined_hub=hub)
    jet = solve(source, lined_hub=hub, jet=Jet(mach_outer=source.mach, kutta=0.0))
    assert np.max(np.abs(jet.reflection_matrix - uniform.reflection_matrix)) < 1e-10
    there = uniform.directivity(ANGLES)
    assert np.max(np.abs(jet.directivity(ANGLES) - there)) < 1e-10 * np.max(np.abs(there))
    assert jet.radiated == pytest.approx(uniform.radiated, rel=1e-8, abs=0)


@pytest.mark.parametrize("mach", [1e-2, 1e-4])
def test_in_slow_jets_waves_that_the_sheet_does_not_feel_do_no_harm(mach):
    source, hub = DuctMode(1, 1, 2.1, mach=mach, hub=0.1), LinedHub(0.08 + 0.23j, "stable")
    uniform = solve(source, lined_hub=hub)
    jet = solve(source, lined_hub=hub, jet=Jet(mach_outer=mach, kutta=0.0))
    assert np.max(np.abs(jet.reflection_matrix - uniform.reflection_matrix)) < 1e-11


def test_the_radiated_power_is_the_integral_of_the_directivity():
    source, hub = FLOWS[0]
    uniform = solve(source, lined_hub=hub)
    k = source.helmholtz / np.sqrt(1 - source.mach**2)
    total = k * quad(lambda theta: abs(uniform.directivity(theta)) ** 2 * np.sin(theta), 0, np.pi, epsrel=1e-9)[0]
    assert uniform.radiated == pytest.approx(total, rel=1e-7, abs=0)


@pytest.mark.parametrize("kutta", [0.0, 1.0])
def test_with_a_jet_a_hard_hub_is_the_limit_of_large_impedances(kutta):
    source, jet = DuctMode(1, 0, 4.0, mach=0.4, hub=0.4), Jet(mach_outer=0.1, density_ratio=0.8, kutta=kutta)
    hard, gaps = solve(source, jet=jet), []
    for size in (1e3, 1e4, 1e5):
        lined = solve(source, lined_hub=LinedHub(size * np.exp(-0.7j)), jet=jet)
        ours = lined.directivity(ANGLES[3:])
        gaps.append(
            [
                np.max(np.abs(lined.reflection - hard.reflection)),
                np.max(np.abs(ours - hard.directivity(ANGLES[3:]))),
                abs(lined.radiated - hard.power.radiated),
            ]
        )
    assert np.array(gaps[0]) / gaps[1] == pytest.approx(10, rel=0.05)
    assert np.array(gaps[1]) / gaps[2] == pytest.approx(10, rel=0.05)


@pytest.mark.parametrize(
    "hub", [LinedHub(0.8 - 0.4j), LinedHub(0.8 + 0.4j, "stable"), LinedHub(0.8 + 0.4j, "unstable")]
)
def test_slow_flow_tends_to_none(hub):
    still = solve(DuctMode(1, 0, 5.0, hub=0.4), lined_hub=hub)
    for mach in (1e-4, -1e-6):
        lined = solve(DuctMode(1, 0, 5.0, mach=mach, hub=0.4), lined_hub=hub)
        assert np.max(np.abs(lined.reflection - still.reflection)) < 3 * abs(mach)
        assert np.max(np.abs(lined.directivity(ANGLES) - still.directivity(ANGLES))) < 10 * abs(mach)


def test_reversed_flow_transposes_the_reflection():
    fluxes = []
    for mach in (0.4, -0.4):
        lined = solve(ModeMixture(1, [1.0, 1.0], 6.0, mach, hub=0.4), lined_hub=LinedHub(0.8 - 0.4j))
        fluxes.append(lined.reflection_matrix * lined._modes.wall.wall_slope(lined._modes.up)[:, None])
    assert np.max(np.abs(fluxes[0] - fluxes[1].T)) < 1e-12 * np.max(np.abs(fluxes[0]))


def test_waves_bound_to_the_hub_keep_their_digits():
    source, z = DuctMode(11, 1, 2.0133, mach=0.67778, hub=0.37074), 1.95 + 3.37j
    step = 1e-2 * np.linspace(-1, 1, 9)
    values = np.array([solve(source, lined_hub=LinedHub(z * (1 + one), "stable")).reflection[0] for one in step])
    fit = np.polynomial.Polynomial.fit(step, values, 4)
    assert np.max(np.abs(fit(step) - values)) < 1e-12
    with pytest.raises(ConvergenceError, match="error estimate of the amplitudes"):
        solve(source, lined_hub=LinedHub(z, "stable"), jet=Jet(mach_outer=source.mach, kutta=0.0))


def test_waves_along_the_hub_outside_are_counted(monkeypatch):
    outside = OuterHubWall(Section(2, 0.4), 5.0, 0.3, 1j / (5 * (1 + 1j)))
    known = outer_waves(outside)
    assert [len(one) for one in known] == [1, 1]
    monkeypatch.setattr("analytic.lined.hub_modes.surface_waves", lambda wall, least: np.empty(0, complex))
    assert np.allclose(outer_waves(outside), known, rtol=1e-12)
    monkeypatch.setattr("analytic.lined.hub_modes.newton", lambda wall, s: s)
    with pytest.raises(ConvergenceError, match=r"1 waves along the lined hub outside .* counted, 0 were found"):
        outer_waves(outside)


def test_mirrored_time_conjugates():
    lined = solve(*FLOWS[0][:1], lined_hub=FLOWS[0][1])
    assert np.array_equal(lined.conj_time().reflection, lined.reflection.conj())
    assert np.array_equal(lined.conj_time().directivity(ANGLES), lined.directivity(ANGLES).conj())
    assert lined.conj_time().conj_time() is lined


@pytest.mark.parametrize(("m", "n"), [(0, 0), (2, 0), (1, 1)])
def test_a_hard_hub_is_the_limit_of_large_impedances(m, n):
    source, theta = DuctMode(m, n, 6.0, hub=0.4), np.linspace(0.05, np.pi, 9)
    hard, gaps = solve(source), []
    for size in (1e4, 1e5, 1e6):
        lined = solve(source, lined_hub=LinedHub(size * np.exp(0.7j)))
        gaps.append(
            [
                np.max(np.abs(lined.reflection - hard.reflection)),
                np.max(np.abs(lined.directivity(theta) - hard.directivity(theta))),
            ]
        )
    assert np.array(gaps[0]) / gaps[1] == pytest.approx(10, rel=0.02)
    assert np.array(gaps[1]) / gaps[2] == pytest.approx(10, rel=0.02)
    assert np.max(gaps[2]) < 1e-4


def test_the_modes_obey_the_hubs_condition():
    source, z = DuctMode(3, 0, 8.0, hub=0.35), 0.6 + 0.4j
    s = solve(source, lined_hub=LinedHub(z)).wavenumbers
    gamma, h, q = np.sqrt(64 - s**2), 0.35, 8j / z
    value = jv(3, gamma * h) * h1vp(3, gamma) - hankel1(3, gamma * h) * jvp(3, gamma)
    slope = gamma * (jvp(3, gamma * h) * h1vp(3, gamma) - h1vp(3, gamma * h) * jvp(3, gamma))
    assert np.max(np.abs(slope / (q * value) + 1)) < 1e-9
    assert np.all(s.imag > 0)


def test_reciprocity_and_the_far_field_at_both_ends_of_the_axis():
    lined = solve(ModeMixture(0, [1.0, 0.5], 6.0, hub=0.4), lined_hub=LinedHub(0.8 - 0.4j))
    flux = lined.reflection_matrix * lined._modes.wall.wall_slope(lined._modes.up)[:, None]
    assert np.max(np.abs(flux - flux.T)) < 1e-13 * np.max(np.abs(flux))
    parts = [solve(DuctMode(0, n, 6.0, hub=0.4), lined_hub=LinedHub(0.8 - 0.4j)) for n in range(2)]
    theta = np.array([0.4, 1.0, np.pi / 2, 2.5])
    total = parts[0].directivity(theta) + 0.5 * parts[1].directivity(theta)
    assert np.allclose(lined.directivity(theta), total, rtol=1e-12)
    near = lined.directivity([0.0, np.pi - 1e-6, np.pi])
    assert near[0] == 0  # like 1 / ln(theta): the hub takes what travels along it
    assert near[1] == pytest.approx(near[2], rel=1e-9)
    beside = lined.directivity([np.pi / 2 - 1e-7, np.pi / 2, np.pi / 2 + 1e-7])
    assert beside[1] == pytest.approx(0.5 * (beside[0] + beside[2]), rel=1e-9)


def test_beside_the_cut_on_of_a_hard_hub_the_reflection_is_smooth():
    cut_on, distance = radial_eigenvalue(1, 1, hub=0.4), 1e-4 * np.array([-3, -2, -1, 1, 2, 3, 0])
    values = np.array(
        [solve(DuctMode(1, 0, cut_on + one, hub=0.4), lined_hub=LinedHub(1 + 1j)).reflection[0] for one in distance]
    )
    fit = np.polynomial.Polynomial.fit(distance, values, 3)
    assert np.max(np.abs(fit(distance) - values)) < 1e-12


def test_the_error_of_the_factor_is_in_the_estimate(monkeypatch):
    monkeypatch.setattr("analytic.lined.line.EXPONENT", 8.0)
    monkeypatch.setattr("analytic.lined.line.LARGEST_STEP", 0.4)
    lined = solve(DuctMode(2, 0, 5.0, hub=0.4), lined_hub=LinedHub(1 + 1j), tolerance=0.1)
    assert lined.error_estimate > 1e-8


@pytest.mark.parametrize(
    ("hub", "mach", "words"),
    [
        (LinedHub(1 + 1j), 0.2, "choose surface_wave='stable' or 'unstable'"),
        (LinedHub(1 - 1j, "unstable"), 0.2, "unstable with Im Z > 0 only"),
    ],
)
def test_the_surface_wave_is_chosen_where_there_is_one(hub, mach, words):
    with pytest.raises(ValueError, match=words):
        solve(DuctMode(0, 0, 2.0, mach=mach, hub=0.3), lined_hub=hub)


def test_what_a_lined_hub_cannot_be_combined_with_is_refused():
    mode = DuctMode(0, 0, 2.0, hub=0.3)
    with pytest.raises(ValueError, match=r"needs a hub, got hub=0\.0"):
        solve(DuctMode(0, 0, 2.0), lined_hub=LinedHub(1.0))
    with pytest.raises(ValueError, match="positive real part"):
        LinedHub(1j)
    with pytest.raises(TypeError, match="expected a LinedHub, got complex"):
        solve(mode, lined_hub=1 + 1j)
    with pytest.raises(TypeError, match="no liner"):
        solve(mode, lined_hub=LinedHub(1.0), liner=Liner(1.0, 1.0, 1.0))
    with pytest.raises(TypeError, match="no liner"):
        solve(MultiMode([mode], [1.0]), lined_hub=LinedHub(1.0))
    with pytest.raises(TypeError, match="one of Jet, UniformFlow, got str"):
        solve(mode, lined_hub=LinedHub(1.0), medium="jet")
    with pytest.raises(ValueError, match="a jet needs flow out of the duct"):
        solve(mode, lined_hub=LinedHub(1.0), jet=Jet())
    with pytest.raises(ValueError, match="surface_wave must be one of"):
        LinedHub(1.0, "kutta")


def test_modes_that_do_not_feel_the_hub_keep_their_direction():
    k = 14.71 / np.sqrt(1 - 0.50788**2)
    modes = flow_modes(HubWall(Section(9, 0.0925), k, 0.50788, 1j / (14.71 * (0.206 - 1.0375j))), 8)
    for waves, side in ((modes.down, -1), (modes.up, 1)):
        neutral = waves[np.abs(waves.imag) < 1e-12 * np.abs(waves)]
        assert len(neutral) >= 2
        assert np.all(side * neutral.real > 0)
