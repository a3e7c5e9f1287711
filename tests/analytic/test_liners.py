import numpy as np
import pytest
from scipy.special import jve, jvp

from analytic import ConvergenceError, DuctMode, Jet, Liner, ModeMixture, MultiMode, solve
from analytic.lined import duct as lined_duct
from analytic.lined import modes as lined_modes
from analytic.lined.cascade import cascade_of
from analytic.lined.duct import HardModes
from analytic.lined.factor import PlusFactor
from analytic.lined.section import LinedSection
from analytic.lined.solution import LinedSolution
from analytic.section import Section

from .lined_elements import differences
from .lined_galerkin import extrapolated
from .lined_soft import soft_reflection

ONE = Liner(impedance=1 + 1j, length=1.0, distance=0.5)
CREMER = 1.2796025402991464 + 2.980382414790488j  # q of the first exceptional point of m = 0: J_1(i q) = i J_0(i q)


def random_cases(count, seed=20):
    """Cut-on modes and liners over the range that is promised."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        m, ka, hub = int(rng.integers(0, 21)), rng.uniform(0.2, 40), rng.choice([0.0, rng.uniform(0.1, 0.7)])
        phase = rng.uniform(-0.5, 0.5) * np.pi
        impedance = np.exp(rng.uniform(np.log(0.05), np.log(50)) + 1j * phase)
        yield DuctMode(m, 0, ka, hub=hub), Liner(impedance, rng.uniform(0.2, 2), rng.uniform(0.1, 1))


@pytest.mark.parametrize(
    ("m", "ka", "impedance", "reflection", "transmission"),
    [
        (0, 2.0, 1 + 1j, -0.05195358 - 0.15886017j, -0.42755776 + 0.34871209j),
        (4, 8.0, 1.5 + 0.8j, -0.02488916 - 0.11479334j, 0.11637512 + 0.00689852j),
    ],
)
def test_a_finite_liner_between_hard_walls(m, ka, impedance, reflection, transmission):
    # Values of a prototype that mode matching confirmed, to their printed digits.
    section = LinedSection(Liner(impedance, 1.0, 1.0), HardModes(Section(m), ka, 20), 20)
    reflect, transmit = section.scattering
    assert abs(reflect[0, 0] - reflection) < 1e-8
    assert abs(transmit[0, 0] - transmission) < 1e-8


def test_a_liner_in_front_of_the_open_end():
    lined = solve(DuctMode(0, 0, 2.0), liner=ONE)
    assert abs(lined.reflection[0] - (0.01185337 - 0.24753886j)) < 1e-8  # as above
    assert lined.position == -1.5


# Independent in everything but the open end; Richardson leaves N^-4, and logarithms.
@pytest.mark.parametrize(
    ("m", "n", "ka", "hub", "liners"),
    [
        (0, 0, 2.0, 0.0, [ONE]),
        (4, 0, 8.0, 0.0, [Liner(1.5 + 0.8j, 1.0, 0.5), Liner(0.3 - 0.8j, 0.6, 0.7)]),
        (1, 1, 9.0, 0.4, [Liner(2 - 1j, 0.7, 0.3)]),
    ],
)
def test_galerkins_method_gives_the_same_amplitudes(m, n, ka, hub, liners):
    lined = solve(DuctMode(m, n, ka, hub=hub), liner=liners)
    (reflected, lip), change = extrapolated(m, n, ka, hub, liners, 60, len(lined.reflection))
    assert 1e-7 < change < 1e-4
    assert np.max(np.abs(lined.reflection - reflected)) < 5e-7
    assert np.max(np.abs(lined.transmission - lip)) < 5e-7


# Logarithms at the ends of the liner leave the elements h^2: 1e-5 with these.
@pytest.mark.parametrize(
    ("source", "liner"),
    [
        (DuctMode(0, 0, 2.0), ONE),
        (DuctMode(1, 0, 4.0), Liner(0.4 - 0.6j, 0.7, 0.5)),
        (DuctMode(2, 0, 6.0, hub=0.3), Liner(1.2 + 0.5j, 0.8, 0.4)),
        (DuctMode(0, 0, 2.0), Liner(1 + 1j, 0.8, 0.0)),
        (DuctMode(2, 0, 6.0, hub=0.3), Liner(1.2 + 0.5j, 0.8, 0.0)),
    ],
)
def test_finite_elements_give_the_same_reflection_field_and_directivity(source, liner):
    assert max(differences(source, liner)) < 1e-4


def test_reciprocity():
    for source, liner in random_cases(8):
        hard = HardModes(Section(source.m, source.hub), source.helmholtz, 12)
        section = LinedSection(liner, hard, 12)
        flux, lined_flux = 2 * hard.kappa * hard.norm, section.sigma * section.twice_norm
        pairs = [(flux[:, None] * matrix,) * 2 for matrix in section.scattering]
        pairs.append((lined_flux[:, None] * section.lined_lined,) * 2)
        pairs.append((flux[:, None] * section.hard_lined, lined_flux[:, None] * section.lined_hard))
        for one, other in pairs:
            assert np.max(np.abs(one - other.T)) < 1e-12 * np.max(np.abs(one))


def test_the_powers_balance():
    for source, liner in random_cases(8, seed=21):
        power = solve(source, liner=liner).power
        assert abs(power.residual) < 1e-10
        assert power.absorbed[0] > 0
        assert power.incident + power.evanescent == pytest.approx(
            power.reflected + power.absorbed[0] + power.radiated, 1e-9
        )


def test_powers_that_do_not_balance_are_refused(monkeypatch):
    lined = solve(DuctMode(0, 0, 2.0), liner=ONE)
    lined._cascade.sections[0].with_sigma = 1.00001 * lined._cascade.sections[0].with_sigma
    monkeypatch.setattr("analytic.lined.absorption._REACH", 8.0)
    with pytest.raises(ConvergenceError, match="powers do not balance"):
        _ = lined.power


def test_the_powers_of_two_liners_balance():
    power = solve(DuctMode(1, 0, 4.0), liner=[Liner(0.5 - 0.4j, 0.8, 0.2), Liner(2 + 1j, 0.7, 0.5)]).power
    assert abs(power.residual) < 1e-12
    assert power.absorbed.shape == (2,)
    assert np.all(power.absorbed > 0)


def wall_power(source, liner, count):
    """Power that the wall absorbs, Im q times the integral of |psi|^2 along it, from sums of `count` lined modes."""
    cascade = cascade_of(source, (liner,), 1e-6, least=1, shortest=lined_duct._DECAY / (np.pi * count))
    (section,), ((front, back),) = cascade.sections, cascade.amplitudes(source).inside
    sigma, decay = section.sigma, section.decay
    same = (decay[:, None] * decay.conj() - 1) / (1j * (sigma[:, None] - sigma.conj()))
    cross = (decay[:, None] - decay.conj()) / (1j * (sigma[:, None] + sigma.conj()))
    total = front @ same @ front.conj() + back @ same @ back.conj() + 2 * front @ cross @ back.conj()
    return section.q.imag * total.real


@pytest.mark.parametrize(
    ("source", "liner", "close"),
    [
        (DuctMode(0, 0, 2.0), ONE, 1e-7),
        (DuctMode(4, 0, 8.0, hub=0.3), Liner(0.7 - 0.8j, 0.6, 0.3), 1e-6),
    ],
)
def test_the_wall_absorbs_what_does_not_come_through(source, liner, close):
    # The sums converge like N^-2, with logarithms beyond that.
    absorbed = solve(source, liner=liner).power.absorbed[0]
    coarse, fine = wall_power(source, liner, 120), wall_power(source, liner, 240)
    assert abs(fine - absorbed) < 0.3 * abs(coarse - absorbed)
    assert abs((4 * fine - coarse) / 3 - absorbed) < close


def test_ten_decaying_modes_give_ten_digits(monkeypatch):
    exact = solve(DuctMode(0, 0, 2.0), liner=ONE)
    monkeypatch.setattr(lined_duct, "_DECAY", 15.0)
    few = solve(DuctMode(0, 0, 2.0), liner=ONE)
    assert len(few._cascade.hard.alpha) == 10
    assert abs(few.reflection[0] / exact.reflection[0] - 1) < 1e-10


def test_the_estimate_counts_the_modes_left_out(monkeypatch):
    source, liner = DuctMode(0, 0, 2.0), Liner(0.2 - 0.1j, 0.05, 0.05)
    exact = solve(source, liner=liner)
    monkeypatch.setattr(lined_duct, "_DECAY", 1.0)
    few = solve(source, liner=liner, tolerance=0.1)
    gap = max(abs(few.reflection[0] - exact.reflection[0]), abs(few.transmission[0] - exact.transmission[0]))
    assert 1e-7 < gap < few.error_estimate < 0.1
    with pytest.raises(ConvergenceError, match="error estimate of the amplitudes"):
        solve(source, liner=liner)


def test_the_estimate_counts_the_lined_modes_left_out():
    # So short a liner is a hard wall: what is left of it are the modes beyond the 400 that are summed.
    lined = solve(DuctMode(0, 0, 2.0), liner=Liner(1 + 1j, 1e-9, 0.5), tolerance=1e-3)
    hard = solve(DuctMode(0, 0, 2.0)).reflection[0] * np.exp(2j)
    missed = abs(lined.reflection[0] / hard - 1)
    assert max(1e-7, 0.1 * lined.error_estimate) < missed < lined.error_estimate
    assert 1e-8 < -lined.absorbed < lined.error_estimate  # a sign without meaning, as the docstring says


@pytest.mark.parametrize("size", [1e-5, 1e-3])
def test_around_an_exceptional_point_errors_are_in_the_estimate(size):
    # Amplitudes are analytic in Z: Cauchy's integral over a wide circle gives those inside.
    centre, circle = 2.2664371483156347 + 0.97307604488j, 0.2 * np.exp(2j * np.pi * np.arange(32) / 32)

    def reflected(offset):
        lined = solve(DuctMode(0, 0, 8.0), liner=Liner(centre * (1 + offset), 1.0, 0.5))
        return lined.reflection, lined.error_estimate

    values = np.array([reflected(offset)[0] for offset in circle])
    for offset in size * np.exp(2j * np.pi * np.arange(16) / 16):
        exact = np.mean(values * (circle / (circle - offset))[:, None], axis=0)
        found, estimate = reflected(offset)
        assert np.max(np.abs(found - exact)) / np.max(np.abs(exact)) < estimate < size**-1.5 * 1e-15


def test_what_decays_along_a_nearly_hard_liner_has_its_error_in_the_estimate(monkeypatch):
    source, liner = DuctMode(12, 0, 0.156, hub=0.01), Liner(6.4e5 - 1.4e5j, 1.85, 0.124)
    lined = solve(source, liner=liner)
    monkeypatch.setattr(lined_duct, "_DECAY", 56.0)
    finer = solve(source, liner=liner)
    lost = abs(lined.transmission[0] / finer.transmission[0] - 1)
    assert 1e-9 < lost < lined.error_estimate


def test_the_factor_has_its_error_in_the_estimate(monkeypatch):
    monkeypatch.setattr("analytic.lined.factor._STEP", 0.5)
    assert solve(DuctMode(0, 0, 2.0), liner=ONE, tolerance=0.1).error_estimate > 1e-8


def test_the_factor_against_a_finer_line(monkeypatch):
    section, ka, q = Section(2), 6.0, 6j / (0.7 - 0.4j)
    hard, gamma = HardModes(section, ka, 15), lined_modes.lined_modes(section, q, 15)[0]
    sigma = np.sqrt(ka**2 - gamma**2)
    sigma = np.where(sigma.imag < 0, -sigma, sigma)
    s = np.concatenate([hard.kappa, sigma])
    span = np.min(np.abs(s)), np.max(np.abs(s))
    coarse, error = PlusFactor(section, ka, q, *span)(s)
    monkeypatch.setattr("analytic.lined.factor._STEP", 0.05)
    monkeypatch.setattr("analytic.lined.factor._BEND", 0.3)
    for tilt in (0.25, 0.15, 0.35):  # of pi
        fine = PlusFactor(section, ka, q, *span, tilt * np.pi)(s)[0]
        assert np.max(np.abs(coarse / fine - 1)) < error < 1e-12


# Limits


@pytest.mark.parametrize("phase", [1.0, np.exp(1.2j)])
def test_hard_walls_are_the_limit_of_large_impedances(phase):
    source, length = DuctMode(1, 0, 3.0), 1.5
    kappa = np.sqrt(9 - 1.8411837813406593**2)
    hard = solve(source).reflection[0] * np.exp(2j * kappa * length)
    gaps = [abs(solve(source, liner=Liner(size * phase, 1.0, 0.5)).reflection[0] - hard) for size in (1e3, 1e4, 1e5)]
    assert gaps[0] / gaps[1] == pytest.approx(10, rel=0.02)
    assert gaps[1] / gaps[2] == pytest.approx(10, rel=0.02)
    assert gaps[2] < 1e-4


def test_a_soft_wall_is_the_limit_of_small_impedances():
    # Below the soft duct's first cut-on, 2.405, a long liner reflects everything but what its edge absorbs: there v^2
    # grows like 1 / x as far as Z lets it, and the missing part falls like Z ln Z.
    sizes = np.array([1e-3, 1e-4, 1e-5])
    mode = DuctMode(0, 0, 1.0)
    gaps = [1 - abs(solve(mode, liner=Liner(size, 6.0, 0.5)).reflection[0]) for size in sizes] / sizes
    assert gaps[2] - gaps[1] == pytest.approx(gaps[1] - gaps[0], rel=0.02)
    assert gaps[2] < 20


@pytest.mark.parametrize(("m", "ka"), [(0, 1.0), (0, 4.0), (2, 5.0)])
def test_small_impedances_tend_to_a_soft_duct_like_z_ln_z(m, ka):
    soft, sizes = soft_reflection(m, ka, 1.0, 0.5), np.array([1e-2, 1e-3, 1e-4])
    for phase in (1.0, np.exp(1.2j)):
        gaps = [abs(solve(DuctMode(m, 0, ka), liner=Liner(z * phase, 1.0, 0.5)).reflection[0] - soft) for z in sizes]
        each = gaps / sizes  # grows by the same for each decade
        assert each[2] - each[1] == pytest.approx(each[1] - each[0], rel=0.35)
        assert each[2] / each[1] < 1.5
    smallest = solve(DuctMode(m, 0, ka), liner=Liner(1e-6, 1.0, 0.5)).reflection[0]
    assert abs(smallest - soft) < 5e-5


# Lined modes


def test_a_mode_that_was_lost_is_noticed(monkeypatch):
    follow = lined_modes._follow

    def loses(section, alpha, path):
        return np.delete(follow(section, np.append(alpha, section.eigenvalues(len(alpha) + 1)[-1]), path), 3)

    monkeypatch.setattr(lined_modes, "_follow", loses)
    with pytest.raises(ConvergenceError, match="not all found"):
        solve(DuctMode(0, 0, 2.0), liner=ONE)


def test_a_surface_wave_that_was_lost_is_noticed():
    q = 300 + 20j
    gamma, _ = lined_modes.lined_modes(Section(3), q, 10)
    wave = gamma[np.argmax(np.abs(gamma))]
    assert abs(wave + 1j * q) < 1 or abs(wave - 1j * q) < 1
    rest = np.sort_complex(gamma[:-1])
    w = rest[np.argsort(np.abs(rest))] ** 2
    assert lined_modes._knows_surface_wave(Section(3), q, gamma**2)
    assert not lined_modes._knows_surface_wave(Section(3), q, w)


def test_modes_of_random_walls_are_roots_and_their_norm_a_quadrature():
    nodes, weights = np.polynomial.legendre.leggauss(200)
    r = 0.5 * (nodes + 1)
    for source, liner in random_cases(10, seed=22):
        q = 1j * source.helmholtz / liner.impedance
        gamma, twice = lined_modes.lined_modes(Section(source.m), q, 15)
        # The surface wave of a large q is concentrated at the wall, beyond the quadrature.
        live = np.abs(gamma.imag) < 60
        gamma, twice = gamma[live], twice[live]
        slope, value = jvp(source.m, gamma) * np.exp(-np.abs(gamma.imag)), jve(source.m, gamma)
        assert np.max(np.abs(gamma * slope - q * value) / (np.abs(gamma * slope) + np.abs(q * value))) < 1e-9
        shape = (
            jve(source.m, np.multiply.outer(r, gamma)) * np.exp(np.multiply.outer(r - 1, np.abs(gamma.imag))) / value
        )
        assert np.max(np.abs((weights * r) @ shape**2 / twice - 1)) < 1e-8


@pytest.mark.parametrize("hub", [0.0, 1e-3, 0.3])
def test_the_norm_is_the_slope_of_the_walls_admittance(hub):
    section, gamma = Section(3, hub), np.array([2 + 1j, 5 - 0j, 8 + 3j, 20 + 0.1j])
    value, norm = lined_modes.admittance_and_norm(section, gamma)
    step = 1e-4 * gamma**2
    ahead, behind = (lined_modes.admittance(section, np.sqrt(gamma**2 + sign * step)) for sign in (1, -1))
    assert value == pytest.approx(lined_modes.admittance(section, gamma), rel=1e-13, abs=0)
    assert norm == pytest.approx(-(ahead - behind) / step, rel=1e-5, abs=0)


def test_around_an_exceptional_point_the_reflection_is_analytic_or_raised():
    ka = 4.0
    centre, solved = 1j * ka / CREMER, {}
    for size in (1e-2, 1e-3, 1e-4):
        turn = np.exp(2j * np.pi * np.arange(12) / 12)
        rim = [
            solve(DuctMode(0, 0, ka), liner=Liner(centre * (1 + size * one), 1.0, 0.5)).reflection[0] for one in turn
        ]
        solved[size] = np.mean(rim)  # the value at the centre, of a function that is regular there
    assert abs(solved[1e-2] - solved[1e-3]) < 1e-12
    assert abs(solved[1e-3] - solved[1e-4]) < 1e-11
    for size in (1e-5, 1e-6, 3e-7):
        near = [solve(DuctMode(0, 0, ka), liner=Liner(centre * (1 + size * one), 1.0, 0.5)) for one in turn[::3]]
        missed = abs(np.mean([one.reflection[0] for one in near]) - solved[1e-3])
        assert missed < max(one.error_estimate for one in near) < 1e-6
    for size in (1e-8, 1e-10, 0.0):
        with pytest.raises(ConvergenceError):
            solve(DuctMode(0, 0, ka), liner=Liner(centre * (1 + size), 1.0, 0.5))


# Field


def test_the_field_is_smooth_through_the_ends_of_liners_and_the_open_end():
    lined = solve(DuctMode(1, 0, 4.0), liner=[Liner(0.5 - 0.4j, 0.8, 0.6), Liner(2 + 1j, 0.7, 0.5)])
    for end in (lined.position, -1.8, -1.2, -0.5, -0.25):
        x = np.concatenate([np.linspace(-0.3, -0.06, 8), np.linspace(0.06, 0.3, 8)])
        field = lined.field(end + x, [0.2])
        for values in (field.potential[:, 0], field.axial_velocity[:, 0], field.radial_velocity[:, 0]):
            fit = np.polynomial.Polynomial.fit(x, values, 9)  # edges are 0.8 away
            assert np.max(np.abs(fit(x) - values)) < 1e-5 * np.max(np.abs(values))


def test_the_power_along_a_liner_falls_by_what_the_wall_absorbs():
    lined, hub = solve(DuctMode(2, 0, 5.0, hub=0.3), liner=Liner(0.8 - 0.5j, 1.0, 0.5)), 0.3
    nodes, weights = np.polynomial.legendre.leggauss(40)
    r, x = hub + (1 - hub) * 0.5 * (nodes + 1), -1.0 + 0.3 * nodes
    through = lined.field([-1.3, -0.7], r)
    flux = (through.potential.conj() * through.axial_velocity).imag @ (0.5 * (1 - hub) * weights * r)
    wall = lined.field(x, [1.0])
    assert np.allclose(wall.pressure, (0.8 - 0.5j) * wall.radial_velocity, rtol=1e-10)
    absorbed = 0.3 * weights @ (wall.potential.conj() * wall.radial_velocity).imag[:, 0]
    assert flux[0] - flux[1] == pytest.approx(absorbed, rel=1e-8)
    front = lined.field([-1.8], r)
    into = (front.potential.conj() * front.axial_velocity).imag @ (0.5 * (1 - hub) * weights * r)
    power = lined.power
    assert into[0] == pytest.approx(power.incident - power.reflected, rel=1e-8)


NAMES = "potential", "axial_velocity", "radial_velocity", "pressure"
ENDS = [
    (DuctMode(0, 0, 2.0), [ONE]),
    (DuctMode(2, 1, 9.0, hub=0.3), [Liner(0.3 - 0.4j, 1.0, 0.5)]),
    (DuctMode(1, 0, 4.0), [Liner(0.5 - 0.6j, 0.7, 0.0), Liner(2 + 1j, 0.8, 0.5)]),
    (DuctMode(3, 0, 9.0), [Liner(0.5 + 3j, np.inf, 0.3)]),
]


@pytest.mark.parametrize(("mode", "liners"), ENDS)
def test_next_to_the_ends_of_a_liner_integrals_are_the_sums_of_400_modes(monkeypatch, mode, liners):
    lined = solve(mode, liner=liners)
    ends = np.cumsum([lined.position, *(one.length for one in liners if one.length < np.inf)])
    near, r = np.array([-0.09, -0.04, 0.04, 0.09]), np.array([0.35, 0.8, 1.0])
    x = (ends[:, None] + near).ravel()
    close, points = lined.field(x, r), lined.at(x[:, None], r)
    monkeypatch.setattr("analytic.lined.field._REACH", 0.0)
    sums = lined.field(x, r)
    assert max(close.error_estimate, points.error_estimate) < 1e-8
    for name in NAMES:
        fields = (getattr(field, name).reshape(len(ends), -1) for field in (close, sums, points))
        for one, other, third in zip(*fields, strict=True):  # of each end
            assert np.max(np.abs(one - other)) < 1e-12 * np.max(np.abs(other))
            assert np.max(np.abs(one - third)) < 1e-13 * np.max(np.abs(other))


@pytest.mark.parametrize(("mode", "liners"), ENDS)
def test_the_field_obeys_the_walls_up_to_the_ends_of_a_liner(mode, liners):
    # Integrals on both sides have contours of their own: they meet, and know the walls, which jump there.
    lined, x = solve(mode, liner=liners), np.array([2e-6, 1e-4, 1e-2])
    walls = [0.0, *(1j * mode.helmholtz / one.impedance for one in liners), 0.0]
    if liners[0].length == np.inf:
        walls = walls[1:]
    if liners[0].distance:
        places = np.cumsum([lined.position, *(one.length for one in liners if one.length < np.inf)])
    else:
        places = lined.position + np.array([0.0, 0.7, 1.5])
    for end, q, beyond in zip(places, walls, walls[1:], strict=False):
        for side, wall in ((-1, q), (1, beyond)):
            field = lined.at(end + side * x, 1.0)
            miss = field.radial_velocity - wall * field.potential
            assert np.max(np.abs(miss)) < 1e-12 * np.max(np.abs(field.axial_velocity))
        left, right = (lined.at(end + step, [0.4, 0.99, 0.9999]) for step in (-1e-13, 1e-13))
        for name in NAMES:
            one, other = getattr(left, name), getattr(right, name)
            assert np.max(np.abs(one - other)) < 2e-8 * np.max(np.abs(one))  # v_x is 1e4 there


def test_the_velocity_grows_like_a_logarithm_towards_the_end_of_a_liner():
    lined, q = solve(DuctMode(0, 0, 2.0), liner=ONE), 2j / (1 + 1j)
    close = lined.at(-1.5 - 2e-6 * np.array([1, 10]), 1.0)
    # Potential flow next to a jump of psi_r by q psi: u = -(q psi / pi) ln(distance) + ...
    slope = np.diff(close.axial_velocity) / np.log(10)
    assert np.max(np.abs(slope / (q * close.potential[0] / np.pi) + 1)) < 1e-3
    with pytest.raises(ConvergenceError, match=r"5\.0e-07 from an end of a liner, where the velocity is singular"):
        lined.at(-1.5 + 5e-7, 1.0)


def test_next_to_the_ends_of_a_liner_a_coarse_rule_is_in_the_estimate(monkeypatch):
    lined = solve(DuctMode(4, 0, 8.0), liner=Liner(1.5 + 0.8j, 1.0, 0.5))
    exact = lined.at(-1.49, 0.9)
    monkeypatch.setattr("analytic.lined.edge._RATE", 12.0)
    lined.tolerance = 1.0
    coarse = lined.at(-1.49, 0.9)
    missed = abs(coarse.axial_velocity / exact.axial_velocity - 1)
    assert 1e-8 < missed < coarse.error_estimate


def test_next_to_a_lip_that_a_liner_reaches_the_field_is_refused():
    with pytest.raises(ConvergenceError, match="error estimate of the field"):
        solve(DuctMode(0, 0, 2.0), liner=Liner(1 + 1j, 1.0, 0.0)).field([-0.002], [0.5, 1.0])


def test_outside_and_far_away_the_field_is_that_of_the_modes_at_the_lip():
    lined = solve(DuctMode(0, 0, 3.0), liner=ONE)
    theta, distance = np.array([0.5, 1.2, 2.0]), 3000.0
    for angle, far in zip(theta, lined.directivity(theta), strict=True):
        x, r = distance * np.cos(angle), distance * np.sin(angle)
        assert lined.field([x], [r]).potential[0, 0] == pytest.approx(
            far * np.exp(3j * distance) / distance, rel=1e-3, abs=0
        )


def test_a_mixture_is_the_sum_of_its_modes():
    both = solve(ModeMixture(0, [1.0, 0.5j], 6.0), liner=ONE)
    parts = [solve(DuctMode(0, n, 6.0), liner=ONE) for n in range(2)]
    total = parts[0].reflection[:3] + 0.5j * parts[1].reflection[:3]
    assert np.allclose(both.reflection[:3], total, rtol=1e-11)


# Doors


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"impedance": -1 + 1j}, "positive real part"),
        ({"impedance": 1j}, "positive real part"),
        ({"impedance": complex("nan")}, "positive real part"),
        ({"impedance": [1.0, 2.0]}, "single number"),
        ({"length": -1.0}, "length must be positive"),
        ({"length": np.nan}, "length must be"),
        ({"distance": -0.1}, "distance must be finite and not negative"),
        ({"distance": np.inf}, "distance must be finite and not negative"),
    ],
)
def test_liners_out_of_range_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        Liner(**({"impedance": 1.0, "length": 1.0, "distance": 1.0} | arguments))


def test_what_liners_cannot_be_combined_with_is_refused():
    mode = DuctMode(0, 0, 1.0)
    with pytest.raises(ValueError, match=r"without flow only, got mach=0\.2"):
        LinedSolution(DuctMode(0, 0, 1.0, mach=0.2), (ONE,), 1e-6)
    with pytest.raises(ValueError, match="needs flow out of the duct"):
        solve(mode, liner=ONE, jet=Jet())
    with pytest.raises(ValueError, match="needs flow out of the duct"):
        solve(MultiMode([mode], [1.0]), liner=ONE, jet=Jet())
    with pytest.raises(ValueError, match="do not add"):
        solve(MultiMode([mode], [1.0]), liner=Liner(1.0, np.inf, 0.5))
    with pytest.raises(TypeError, match="expected a Liner or a sequence of them, got int"):
        solve(mode, liner=3)
    with pytest.raises(ValueError, match="at least one Liner"):
        solve(mode, liner=[])
    with pytest.raises(ValueError, match="only the first liner"):
        solve(mode, liner=[ONE, Liner(1.0, np.inf, 0.0)])
    with pytest.raises(ConvergenceError, match="reaches the lip is below"):
        solve(mode, liner=Liner(1.0, 2000.0, 1.0)).directivity([0.0])
    with pytest.raises(ValueError, match="is cut off"):
        _ = solve(DuctMode(2, 0, 1.0), liner=ONE).absorbed
