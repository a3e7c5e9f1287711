import numpy as np
import pytest
from scipy.special import jv, jvp

from analytic import ConvergenceError, DuctMode, Jet, Liner, ModeMixture, solve
from analytic.lined import flow_cascade as lined_flow_cascade
from analytic.lined import flow_modes as lined_flow_modes
from analytic.lined.flow_cascade import FlowCascade
from analytic.lined.flow_factor import FlowFactor, Singularities, kernel
from analytic.lined.flow_modes import FlowWall, flow_modes, hydrodynamic_wave
from analytic.lined.flow_section import FlowSection
from analytic.lined.section import HardModes
from analytic.media import UniformFlow
from analytic.section import Section

from .lined_flow_elements import differences

ONE = Liner(impedance=1 - 1j, length=1.0, distance=0.5)
UNSTABLE = Liner(0.5 + 0.1j, 0.3, 0.5, "unstable")


def random_cases(count, seed=40, hubs=True):
    """Modes in flow, and liners of any phase."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        m, hub = int(rng.integers(0, 11)), rng.choice([0.0, rng.uniform(0.1, 0.7)]) if hubs else 0.0
        ka, mach, phase = rng.uniform(0.5, 15), rng.uniform(-0.7, 0.7), rng.uniform(-0.5, 0.5) * np.pi
        impedance = np.exp(rng.uniform(np.log(0.2), np.log(10)) + 1j * phase)
        wave = "stable" if impedance.imag > 0 else None
        yield (
            DuctMode(m, 0, ka, mach=mach, hub=hub),
            Liner(impedance, rng.uniform(0.3, 2), rng.uniform(0.3, 1), wave),
        )


def wall_of(source, liner):
    beta = np.sqrt(1 - source.mach**2)
    y = 1j / (source.helmholtz * liner.impedance)
    return FlowWall(Section(source.m, source.hub), source.helmholtz / beta, source.mach, y)


# Independent in everything but Bessel functions of hard walls at the inlet; two layers leave 2e-4, four 1e-5.
@pytest.mark.parametrize(
    ("source", "liner"),
    [
        (DuctMode(0, 0, 2.0, mach=0.3), ONE),
        (DuctMode(1, 0, 4.0, mach=-0.5), Liner(0.4 - 0.6j, 0.7, 0.5)),
        (DuctMode(2, 0, 5.0, mach=0.4, hub=0.3), Liner(1.2, 0.8, 0.4)),
    ],
)
def test_finite_elements_give_the_same_reflection_field_and_directivity(source, liner):
    assert max(differences(source, liner)) < 5e-4


@pytest.mark.parametrize(("impedance", "wave"), [(0.7 - 0.4j, None), (1 + 1j, "stable")])
def test_without_flow_the_limit_is_the_liner_without_flow(impedance, wave):
    still = solve(DuctMode(1, 0, 4.0), liner=Liner(impedance, 1.0, 0.5))
    gaps = []
    for mach in (1e-3, 1e-4, 1e-12, -1e-12):
        slow = solve(DuctMode(1, 0, 4.0, mach=mach), liner=Liner(impedance, 1.0, 0.5, wave))
        gaps.append(max(np.max(np.abs(slow.transmission - still.transmission)), abs(slow.absorbed - still.absorbed)))
    assert gaps[0] / gaps[1] == pytest.approx(10, rel=0.01)
    assert max(gaps[2:]) < 1e-11


def test_the_powers_balance_with_the_energy_of_the_walls_displacement():
    for source, liner in random_cases(6):
        power = solve(source, liner=liner).power
        assert abs(power.residual) < 1e-10
        assert power.absorbed[0] > 0


def test_the_powers_of_two_liners_balance():
    liners = [Liner(0.5 - 0.4j, 0.8, 0.2), Liner(2 + 1j, 0.7, 0.5, "stable")]
    power = solve(DuctMode(1, 0, 4.0, mach=0.4), liner=liners).power
    assert abs(power.residual) < 1e-11
    assert np.all(power.absorbed > 0)


def test_the_powers_balance_with_a_jet_and_hard_walls_are_the_limit():
    source, jet = DuctMode(1, 0, 4.0, mach=0.3), Jet()
    power = solve(source, liner=Liner(1 - 0.5j, 0.8, 0.5), jet=jet).power
    assert abs(power.residual) < 1e-11
    assert power.vortical > 0.01
    wave = np.sqrt(16 - (1 - 0.09) * 1.8411837813406593**2) / (1 - 0.09)
    hard = solve(source, jet=jet).reflection[0] * np.exp(2j * wave * 1.3)
    gaps = [abs(solve(source, liner=Liner(size, 0.8, 0.5), jet=jet).reflection[0] - hard) for size in (1e3, 1e4)]
    assert gaps[0] / gaps[1] == pytest.approx(10, rel=0.02)


def test_powers_that_do_not_balance_are_refused():
    lined = solve(DuctMode(0, 0, 2.0, mach=0.3), liner=ONE)
    lined._cascade.amplitudes.inside[0][0][0] *= 1.001
    with pytest.raises(ConvergenceError, match="powers do not balance"):
        _ = lined.power


def test_in_reversed_flow_a_mode_is_reflected_as_much():
    # Reciprocity: the flux of kappa_l N_l R_ln in flow is that of R_nl in the opposite flow.
    for source, liner in random_cases(4, seed=41):
        beta = np.sqrt(1 - source.mach**2)
        hard = HardModes(Section(source.m, source.hub), source.helmholtz / beta, 12)
        one, other = (FlowSection(liner, hard, mach, 12, False).scattering for mach in (source.mach, -source.mach))
        flux = (hard.kappa * hard.norm)[:, None]
        for first, second in zip(one, (other[0], other[3], other[2], other[1]), strict=True):
            assert np.max(np.abs(flux * first - (flux * second).T)) < 1e-10 * np.max(np.abs(flux * first))


def test_wave_of_the_walls_displacement_along_a_liner():
    # The flux through a section falls by what the wall takes, Im psi^* D zeta, with the wall's condition itself.
    mach, z, ka, hub = 0.4, 0.8 - 0.5j, 5.0, 0.3
    lined = solve(DuctMode(2, 0, ka, mach=mach, hub=hub), liner=Liner(z, 1.0, 0.5))
    nodes, weights = np.polynomial.legendre.leggauss(40)
    r, x = hub + (1 - hub) * 0.5 * (nodes + 1), -1.0 + 0.3 * nodes
    field = lined.field([-1.3, -0.7], r)
    density = (1 - mach**2) * (field.potential.conj() * field.axial_velocity).imag
    flux = (density + ka * mach * np.abs(field.potential) ** 2) @ (0.5 * (1 - hub) * weights * r)
    wall = lined.field(x, [1.0])
    lost = 0.3 * weights @ (wall.potential.conj() * wall.radial_velocity).imag[:, 0]
    assert flux[0] - flux[1] == pytest.approx(lost, rel=1e-7)
    step = 1e-4
    near = lined.field([-1.0 - step, -1.0, -1.0 + step], [1.0])
    zeta = 1j * near.pressure[:, 0] / (ka * z)
    convected = -1j * ka * zeta[1] + mach * (zeta[2] - zeta[0]) / (2 * step)
    assert near.radial_velocity[1, 0] == pytest.approx(convected, rel=1e-5)


def test_the_field_is_smooth_through_the_ends_of_liners_and_the_open_end():
    lined = solve(DuctMode(1, 0, 4.0, mach=-0.4), liner=ONE)
    for end in (-1.5, -0.5, -0.2):
        x = np.concatenate([np.linspace(-0.24, -0.06, 8), np.linspace(0.06, 0.18, 8)])
        field = lined.field(end + x, [0.2])
        for values in (field.potential[:, 0], field.axial_velocity[:, 0], field.radial_velocity[:, 0]):
            fit = np.polynomial.Polynomial.fit(x, values, 9)  # edges are 0.8 away
            assert np.max(np.abs(fit(x) - values)) < 1e-6 * np.max(np.abs(values))


def displacement(source, liner):
    """|zeta| at 2, 4, 8 and 16 thousandths from the end where the flow arrives, and from the other one."""
    cascade = FlowCascade.of(source, (liner,), 0.03, 1e-3, UniformFlow())
    (section,), ((front, back),) = cascade.sections, cascade.amplitudes.inside
    distance = np.array([2e-3, 4e-3, 8e-3, 16e-3])
    down, up = section.modes.down, section.modes.up

    def zeta(x):
        one = np.exp(-1j * np.outer(x, down)) @ (front * section.wall.convected(down))
        return one + np.exp(-1j * np.outer(x - section.length, up)) @ (back * section.wall.convected(up))

    ends = np.abs(zeta(distance)), np.abs(zeta(section.length - distance))
    return ends if source.mach > 0 else ends[::-1]


@pytest.mark.parametrize("mach", [0.4, -0.4])
def test_an_instability_leaves_the_wall_smoothly(mach):
    source = DuctMode(1, 0, 4.0, mach=mach)
    leading, trailing = displacement(source, UNSTABLE)
    assert np.diff(np.log(leading[:3])) / np.log(2) == pytest.approx(1.5, abs=0.06)
    assert trailing[0] == pytest.approx(trailing[1], rel=0.05)  # and does not come to rest
    stable = Liner(UNSTABLE.impedance, UNSTABLE.length, UNSTABLE.distance, "stable")
    for values in displacement(source, stable):
        assert np.diff(np.log(values[:3])) / np.log(2) == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("mach", [0.4, -0.4])
def test_the_field_of_an_instability_is_smooth_through_the_ends_of_the_liner(mach):
    lined = solve(DuctMode(1, 0, 4.0, mach=mach), liner=UNSTABLE)
    for end in (-0.8, -0.5):
        x = np.concatenate([np.linspace(-0.24, -0.06, 8), np.linspace(0.06, 0.24, 8)])
        values = lined.field(end + x, [0.2]).axial_velocity[:, 0]
        fit = np.polynomial.Polynomial.fit(x, values, 9)
        assert np.max(np.abs(fit(x) - values)) < 1e-6 * np.max(np.abs(values))
    grows = [wave for wave in np.concatenate(lined.lined_wavenumbers) if wave.imag * mach > 0 > 0]
    assert grows == []
    down, up = lined.lined_wavenumbers
    assert np.count_nonzero(down.imag < 0) + np.count_nonzero(up.imag > 0) == 1


# Modes and factors


def test_the_modes_are_roots_and_those_of_hard_walls_without_a_wall():
    for source, liner in random_cases(6, seed=42, hubs=False):
        wall = wall_of(source, liner)
        modes = flow_modes(wall, 15)
        assert np.all(modes.down.imag < 0)
        assert np.all(modes.up.imag > 0)
        s = np.concatenate([modes.down[:15], modes.up[:15]])
        gamma = np.sqrt(wall.k**2 - s**2)
        gamma, n = np.where(gamma.imag < 0, -gamma, gamma), (wall.k + wall.mach * s) / np.sqrt(1 - wall.mach**2)
        live = gamma.imag < 300
        one = gamma[live] * jvp(source.m, gamma[live])
        other = wall.y * n[live] ** 2 * jv(source.m, gamma[live])
        assert np.max(np.abs(one - other) / (np.abs(one) + np.abs(other))) < 1e-8


def test_a_mode_that_was_lost_is_found_by_its_powers(monkeypatch):
    wall, follow = wall_of(DuctMode(0, 0, 3.0, mach=0.4), ONE), lined_flow_modes._follow
    every = flow_modes(wall, 15)
    monkeypatch.setattr(lined_flow_modes, "_follow", lambda *given: np.delete(follow(*given), [3, 25]))
    again = flow_modes(wall, 15)
    assert np.max(np.abs(np.sort_complex(again.down[:15]) - np.sort_complex(every.down[:15]))) < 1e-10
    monkeypatch.setattr(lined_flow_modes, "_LACKING", 1)
    with pytest.raises(ConvergenceError, match="not all found"):
        flow_modes(wall, 15)


def test_the_factors_multiply_to_the_kernel_and_agree_on_all_lines():
    for source, liner in random_cases(4, seed=43):
        wall = wall_of(source, liner)
        hard = HardModes(wall.section, wall.k, 15)
        factor = FlowFactor(wall, Singularities(hard.kappa, flow_modes(wall, 15)))
        s = wall.k * np.array([0.3 + 0.4j, 1.2 + 0.9j, -0.2 + 0.7j, 4.0 + 3j])
        plus, error = factor.plus(s)
        minus = factor.anywhere(s, -1)
        assert np.max(np.abs(plus * minus / kernel(wall, s) - 1)) < 1e-11
        assert error < 1e-11
        lines = [factor._line(index) for index in range(3)]
        values = np.array([line.factor(s[:2], 1)[0] * constant for line, constant in lines])
        assert np.max(np.abs(values / values[0] - 1)) < 1e-11


def test_the_error_of_the_factors_is_in_the_estimate(monkeypatch):
    monkeypatch.setattr("analytic.lined.line.EXPONENT", 8.0)
    monkeypatch.setattr("analytic.lined.line.LARGEST_STEP", 0.4)
    assert solve(DuctMode(0, 0, 2.0, mach=0.3), liner=ONE, tolerance=0.1).error_estimate > 1e-8


def test_the_estimate_counts_the_modes_left_out(monkeypatch):
    source, liner = DuctMode(0, 0, 2.0, mach=0.3), Liner(0.3 - 0.2j, 0.1, 0.1)
    exact = solve(source, liner=liner)
    monkeypatch.setattr(lined_flow_cascade, "_DECAY", 1.0)
    few = solve(source, liner=liner, tolerance=0.1)
    gap = max(abs(few.reflection[0] - exact.reflection[0]), abs(few.transmission[0] - exact.transmission[0]))
    assert 1e-7 < gap < few.error_estimate < 0.1


@pytest.mark.parametrize(("mach", "impedance"), [(0.3, 1 - 1j), (-0.017, 3 - 2j)])
def test_the_estimate_counts_the_lined_modes_left_out(mach, impedance):
    # So short a liner is a hard wall: what is left of it are the modes beyond the 200 that are summed.
    source, liner = DuctMode(1, 0, 4.0, mach), Liner(impedance, 1e-9, 0.5)
    lined, hard = solve(source, liner=liner, tolerance=0.1), solve(source)
    alpha, k = 1.8411837813406593, 4.0 / np.sqrt(1 - mach**2)
    there_and_back = 2j * np.sqrt(k**2 - alpha**2) * 0.5 / np.sqrt(1 - mach**2)
    missed = abs(lined.reflection[0] - hard.reflection[0] * np.exp(there_and_back))
    assert max(1e-5, 0.01 * lined.error_estimate) < missed < lined.error_estimate
    assert abs(lined.absorbed) < lined.error_estimate
    with pytest.raises(ConvergenceError, match="the amplitudes"):
        solve(source, liner=liner)


def test_poles_of_the_walls_admittance_are_no_modes():
    # By a hub Newton's method ends at a pole here, in place of the mode 0.9 away from it.
    source, liner = DuctMode(1, 0, 8.39099869208171, 0.16139353474672952, hub=0.4), Liner(0.11817 - 0.16339j, 1.0, 0.5)
    wall = wall_of(source, liner)
    modes = flow_modes(wall, 200)
    s = np.concatenate([modes.down, modes.up])
    assert np.max(np.abs(wall.miss(s)) / (1 + np.abs(wall.y * wall.convected(s) ** 2))) < 1e-8


def test_a_mixture_is_the_sum_of_its_modes():
    both = solve(ModeMixture(0, [1.0, 0.5j], 6.0, mach=0.3), liner=ONE)
    parts = [solve(DuctMode(0, n, 6.0, mach=0.3), liner=ONE) for n in range(2)]
    total = parts[0].reflection[:3] + 0.5j * parts[1].reflection[:3]
    assert np.allclose(both.reflection[:3], total, rtol=1e-11)
    with pytest.raises(ValueError, match="no single incident pressure"):
        _ = both.reflection_pressure


def test_around_an_exceptional_point_the_reflection_is_analytic_or_raised():
    # Where D = 0 two modes coincide; R is regular in Z there.
    source, mach = 4.0, 0.3
    y = 1j / (source * exceptional_impedance(source, mach))
    wall = FlowWall(Section(0), source / np.sqrt(1 - mach**2), mach, y)
    near = flow_modes(FlowWall(wall.section, wall.k, mach, 1.0001 * y), 8).down
    assert np.sort(np.abs(near[:, None] - near).ravel())[len(near)] < 0.1
    centre, turns, means = 1j / (source * wall.y), np.exp(2j * np.pi * np.arange(12) / 12), {}
    for size in (1e-2, 1e-3):
        liners = [
            Liner(z, 1.0, 0.5, "stable" if z.imag > 0 else None) for z in (centre * (1 + size * one) for one in turns)
        ]
        means[size] = np.mean([solve(DuctMode(0, 0, source, mach=mach), liner=one).reflection[0] for one in liners])
    assert abs(means[1e-2] - means[1e-3]) < 1e-11
    with pytest.raises(ConvergenceError):
        solve(DuctMode(0, 0, source, mach=mach), liner=Liner(centre, 1.0, 0.5, "stable" if centre.imag > 0 else None))


def exceptional_impedance(ka, mach):
    """Z for which the first two downstream modes of m = 0 coincide, by Newton's method for s and y."""
    k = ka / np.sqrt(1 - mach**2)
    gamma = 2.980382414790488 - 1.2796025402991464j  # without flow
    s, y = -np.sqrt(k**2 - gamma**2), 1j / (ka * (1.133 + 0.487j))
    for _ in range(60):
        wall = FlowWall(Section(0), k, mach, complex(y))
        step = 1e-5

        def equations(s, y, wall=wall):
            one = FlowWall(wall.section, wall.k, wall.mach, complex(y))
            at = np.array([s])
            value = one.admittance(at)
            slope = value[1] * at - 2 * y * one.convected(at) * mach / np.sqrt(1 - mach**2)
            return np.array([one.miss(at)[0], slope[0]])

        base = equations(s, y)
        jacobian = np.stack([(equations(s + step, y) - base) / step, (equations(s, y + step) - base) / step], axis=1)
        ds, dy = np.linalg.solve(jacobian, -base)
        s, y = s + ds, y + dy
        if abs(ds) < 1e-14 * abs(s):
            break
    return 1j / (ka * y)


# Doors


@pytest.mark.parametrize(
    ("liner", "words"),
    [
        (Liner(1 + 1j, 1.0, 0.5), "surface_wave='stable' or 'unstable'"),
        (Liner(1 - 1j, 1.0, 0.5, "unstable"), "with Im Z > 0 only"),
    ],
)
def test_surface_waves_are_chosen_where_there_are_some(liner, words):
    with pytest.raises(ValueError, match=words):
        solve(DuctMode(0, 0, 1.0, mach=0.2), liner=liner)


def test_below_zero_reactance_a_surface_wave_remains_and_is_taken_as_stable():
    source, least = DuctMode(0, 0, 3.0, mach=0.1), -2 * 0.1 / 0.99**1.5
    wall = wall_of(source, Liner(0.5 + 0.8j * least, 1.0, 0.5))
    wave = hydrodynamic_wave(wall)
    assert np.min(np.abs(flow_modes(wall, 15).up / wave - 1)) < 1e-12
    assert wall.radial(np.array([wave]))[0].imag > 10
    with pytest.raises(ConvergenceError, match="nothing to be unstable"):
        hydrodynamic_wave(wall_of(source, Liner(0.5 + 1.2j * least, 1.0, 0.5)))


def test_other_words_for_a_surface_wave_are_refused():
    with pytest.raises(ValueError, match=r"surface_wave must be one of .* got surface_wave='kutta'"):
        Liner(1.0, 1.0, 1.0, "kutta")


def test_instabilities_that_grow_too_much_or_do_not_stand_out_are_refused():
    with pytest.raises(ConvergenceError, match=r"grows by exp\(\d+\) along it"):
        solve(DuctMode(0, 0, 5.0, mach=0.3), liner=Liner(1 + 0.5j, 1.0, 0.5, "unstable"))
    with pytest.raises(ConvergenceError, match="there is nothing to be unstable"):
        hydrodynamic_wave(wall_of(DuctMode(5, 0, 1.0, mach=0.6), Liner(0.2 + 0.001j, 1.0, 0.5)))
    with pytest.raises(ValueError, match="power of an instability"):
        _ = solve(DuctMode(1, 0, 4.0, mach=0.4), liner=UNSTABLE).power


@pytest.mark.parametrize(("mass", "crosses"), [(0.05, True), (0.1, True), (0.4, False)])
def test_at_complex_frequencies_the_surface_wave_crosses_the_axis_over_light_walls(mass, crosses):
    # Z = R - i (m omega - kappa / omega), with Im Z = 0.8 at omega = 3; the estimate crosses for m omega < M / beta^3.
    mach, omega = 0.5, 3.0
    beta, spring = np.sqrt(1 - mach**2), omega * (mass * omega + 0.8)
    s, path = None, []
    for growth in np.linspace(0, 8, 200):
        k = omega + 1j * growth
        impedance = 0.3 - 1j * (mass * k - spring / k)
        if s is None:
            s = np.array([hydrodynamic_wave(FlowWall(Section(0), omega / beta, mach, 1j / (omega * impedance)))])
        s = lined_flow_modes.newton(FlowWall(Section(0), k / beta, mach, 1j / (k * impedance)), s)
        path.append(s[0].imag)
    assert path[0] > 0
    assert (path[-1] < 0) == crosses == (mass * omega < mach / beta**3)
    assert crosses or np.all(np.diff(path) > 0)
