import numpy as np
import pytest
from scipy.special import h1vp, hankel1, jv, jvp

from analytic import DuctMode, Jet, LinedHub, Liner, ModeMixture, MultiMode, radial_eigenvalue, solve

from .finite_elements import solve_finite_elements

THETA = np.array([1.7, 2.2, 2.8])  # the elements' directivity holds beside and upstream of the lip


@pytest.mark.parametrize(
    ("source", "impedance"),
    [(DuctMode(2, 0, 5.0, hub=0.4), 1 + 1j), (DuctMode(0, 1, 6.0, hub=0.3), 0.5 - 0.3j)],
)
def test_finite_elements_give_the_same_reflection_and_directivity(source, impedance):
    lined = solve(source, lined_hub=LinedHub(impedance))
    ratio = -1j * source.helmholtz / impedance
    elements = solve_finite_elements(
        source.m, source.n, source.helmholtz, hub=source.hub, cell=0.3, rings=5, hub_ratio=ratio
    )
    count = min(3, len(lined.reflection))
    assert np.max(np.abs(lined.wavenumbers[:count] - elements.wavenumber[:count])) < 1e-7
    assert np.max(np.abs(lined.reflection[:count] - elements.reflection[:count])) < 1e-6
    directivity = elements.directivity(THETA)
    assert np.max(np.abs(lined.directivity(THETA) - directivity)) < 1e-5 * np.max(np.abs(directivity))


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
    flux = lined.reflection_matrix * (lined.wavenumbers * lined._norm)[:, None]
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
    monkeypatch.setattr("analytic.factorisation.STEP", 0.5)
    lined = solve(DuctMode(2, 0, 5.0, hub=0.4), lined_hub=LinedHub(1 + 1j), tolerance=0.1)
    assert lined.error_estimate > 1e-8


@pytest.mark.parametrize(
    ("source", "words"), [(DuctMode(0, 0, 2.0, mach=0.2, hub=0.3), r"without flow only, got mach=0\.2")]
)
def test_flow_is_refused(source, words):
    with pytest.raises(ValueError, match=words):
        solve(source, lined_hub=LinedHub(1.0))


def test_what_a_lined_hub_cannot_be_combined_with_is_refused():
    mode = DuctMode(0, 0, 2.0, hub=0.3)
    with pytest.raises(ValueError, match=r"needs a hub, got hub=0\.0"):
        solve(DuctMode(0, 0, 2.0), lined_hub=LinedHub(1.0))
    with pytest.raises(ValueError, match="positive real part"):
        LinedHub(1j)
    with pytest.raises(TypeError, match="expected a LinedHub, got complex"):
        solve(mode, lined_hub=1 + 1j)
    for other in ({"jet": Jet()}, {"liner": Liner(1.0, 1.0, 1.0)}):
        with pytest.raises(TypeError, match="no medium, jet or liner"):
            solve(mode, lined_hub=LinedHub(1.0), **other)
    with pytest.raises(TypeError, match="no medium, jet or liner"):
        solve(MultiMode([mode], [1.0]), lined_hub=LinedHub(1.0))
