"""Near fields at a thick wall by the correction network: what holds by construction, what it learns, and its bars."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy import integrate, special

import analytic
from data.elements import Lip, solve_lip
from data.read import Cases
from data.tasks import lip_near as task
from wavenet import networks, runs
from wavenet.lips import near, near_learning
from wavenet.lips.ducts import PARAMETERS
from wavenet.lips.near import Near, NearConfig, NearNetwork, near_parts
from wavenet.networks.lip_near import near_of
from wavenet.study.lip_near import load_network, predict_near
from wavenet.study.lips import thin_ducts

X, R = np.array([0.3, 1.5, -0.5, 0.0, 2.0]), np.array([0.6, 1.4, 1.6, 0.0, 0.2])
CASES, LIPS = [(0, 1.5, 0.0), (1, 7.0, 0.3)], [Lip.flat(0.1), Lip.round(0.2)]
RECIPE = """
task = "lip_near"
cases = 12
sampler = "sobol"
split = [1.0, 0.0, 0.0]
[source]
m = [0, 1]
helmholtz = [2.0, 5.0]
mach = [-0.3, 0.3]
lip_thickness = [0.05, 0.2]
lip_aspect = 0.0
[points]
count = 12
"""


def near_at(lips, cases=CASES):
    """Points at X, R of some ducts, with the exact fields of their thin walls."""
    ducts = thin_ducts(*zip(*cases, strict=True), lips, np.zeros(0), np.zeros(0))
    fields = torch.zeros(2, *ducts.live.shape, len(X), dtype=torch.complex128)
    for case, (m, helmholtz, mach) in enumerate(cases):
        beta = np.sqrt(1 - mach**2)
        turn, shift = np.exp(1j * helmholtz / beta * mach * X), helmholtz / beta * mach
        for n in range(int(ducts.live[case].sum())):
            field = analytic.solve(analytic.DuctMode(m, n, helmholtz, mach=mach)).at(beta * X, R)
            phi = field.potential * turn
            fields[0, case, n] = torch.from_numpy(phi)
            fields[1, case, n] = torch.from_numpy(beta * field.axial_velocity * turn + 1j * shift * phi)
    x, r = (torch.from_numpy(np.tile(values, (len(cases), 1))) for values in (X, R))
    return Near(ducts, x, r, *fields)


def random_network(exact=True):
    """Untrained, with random functions of a few sizes."""
    generator = torch.Generator().manual_seed(0)
    ends = (10.0,) * len(PARAMETERS)
    model = NearNetwork(NearConfig(2, 6, tuple(-end for end in ends), ends, exact))
    model.centre.copy_(near_at(LIPS).ducts.parameters)
    model.weight.copy_(torch.randn(model.weight.shape, generator=generator, dtype=torch.float64))
    model.place.copy_(torch.rand(model.place.shape, generator=generator, dtype=torch.float64))
    model.case.copy_(torch.tensor([0, 1, 0, 1, 0, 1]))
    model.inverse.fill_(0.3)
    model.size.fill_(0.3)
    model.prepare()
    return model


def test_the_ring_of_sources_is_the_integral_over_it():
    m, k = 2, 7.0
    for x, r in ((0.3, 0.9), (-0.4, 1.5), (2.0, 0.0)):
        found = [
            part.item()
            for part in near._rings(torch.tensor([m]), torch.tensor([k], dtype=torch.float64), *places([x], [r]))
        ]

        def ring(x, r, radius):
            def wave(angle):
                distance = np.sqrt(x**2 + r**2 + radius**2 - 2 * r * radius * np.cos(angle))
                return np.exp(1j * k * distance) / distance * np.cos(m * angle) / np.pi

            return integrate.quad(wave, 0, np.pi, complex_func=True, epsabs=1e-12)[0]

        step = 1e-4
        along = (ring(x + step, r, 1) - ring(x - step, r, 1)) / (2 * step)
        across = (ring(x, r, 1 + step) - ring(x, r, 1 - step)) / (2 * step)
        assert found == pytest.approx([ring(x, r, 1), along, across], abs=1e-5)
    far, theta = 1e5, 1.0
    sound = near._rings(
        torch.tensor([m]), torch.tensor([k], dtype=torch.float64), *places([far * np.cos(theta)], [far * np.sin(theta)])
    )
    expected = (-1j) ** m * special.jv(m, k * np.sin(theta)) * np.exp(1j * k * far) / far
    assert sound[0].item() == pytest.approx(expected, rel=1e-4)


def places(x, r):
    return (torch.tensor([values], dtype=torch.float64) for values in (x, r))


def test_without_thickness_the_field_is_exact_whatever_the_weights():
    thin = near_at([Lip.flat(0.0)] * 2)
    found = random_network()(thin)
    assert torch.equal(found.potential[thin.ducts.live], thin.potential[thin.ducts.live])
    assert torch.all(found.spread == 0)
    thick = near_at(LIPS)
    moved = (random_network()(thick).potential - thick.potential)[thick.ducts.live].abs()
    assert moved.max() > 0.01  # it does something


def test_the_odd_sources_are_those_of_the_edge_alike_for_all_modes():
    thick = near_at(LIPS)
    odd = near_parts(thick, exact=True).factor[0][1] / thick.ducts.edge[1][:, None]
    assert thick.ducts.live[1].all()
    assert (odd[0] - odd[1]).abs().max() < 1e-7 * odd[0].abs().max()


@pytest.mark.parametrize("exact", [True, False])
def test_orders_that_are_cut_off_have_no_field(exact):
    thick = near_at(LIPS)
    found = random_network(exact)(thick)
    assert thick.ducts.live.sum() == 3  # of four
    assert torch.all(found.potential[~thick.ducts.live] == 0)
    assert torch.all(found.potential[thick.ducts.live].abs() > 0)
    assert torch.all(found.spread[thick.ducts.live] > 0)


def test_it_is_differentiable_in_the_duct_and_the_points():
    thick, model = near_at(LIPS), random_network()

    def loss(k, thickness, r):
        ducts = dataclasses.replace(thick.ducts, k=k, thickness=thickness)
        return model(dataclasses.replace(thick, ducts=ducts, r=r)).potential.abs().square().sum()

    given = [value.clone().requires_grad_() for value in (thick.ducts.k, thick.ducts.thickness, thick.r)]
    slopes = torch.autograd.grad(loss(*given), given)
    for index, place in ((0, 1), (1, 0), (2, (1, 2))):
        sides = []
        for step in (1e-6, -1e-6):
            moved = [value.detach().clone() for value in given]
            moved[index][place] += step
            sides.append(float(loss(*moved)))
        assert float(slopes[index][place]) == pytest.approx((sides[0] - sides[1]) / 2e-6, rel=1e-5, abs=1e-6)


@pytest.fixture(scope="module")
def taught(dataset_file):
    """Cases by finite elements, and the network that was taught them."""
    cases = Cases(dataset_file(RECIPE), "train")
    given, potential = near_of([cases[index] for index in range(len(cases))])
    return given, potential, near_learning.fit(given, potential)


def errors(model, given, potential):
    """Relative errors of the modes, of the network and of the thin wall."""
    live = given.ducts.live
    with torch.no_grad():
        found = model(given).potential
    size = torch.linalg.vector_norm(potential, dim=2)[live]
    return [torch.linalg.vector_norm(one - potential, dim=2)[live] / size for one in (found, given.potential)]


def test_cases_of_a_dataset_are_memorised(taught):
    given, potential, model = taught
    learned, thin = errors(model, given, potential)
    assert thin.median() > 0.03
    assert learned.max() < 1e-3


def test_ducts_that_were_left_out_are_predicted_within_their_bars(taught):
    given, potential, _ = taught
    index = torch.arange(len(potential))
    model = near_learning.fit(given.of(index[:9]), potential[:9])
    learned, thin = errors(model, given.of(index[9:]), potential[9:])
    assert torch.all(learned < 0.5 * thin)
    with torch.no_grad():
        found = model(given.of(index[9:]))
    live = given.ducts.live[9:]
    missed = (found.potential - potential[9:]).abs()[live]
    assert (missed <= model.error_bar(found, 0.95)[live]).double().mean() > 0.8
    assert (missed <= model.error_bar(found, 0.5)[live]).double().mean() < 0.95


def test_a_reloaded_network_gives_the_same(taught, tmp_path):
    given, _, model = taught
    runs.save(tmp_path, "lip_near", model, {})
    again = runs.load(tmp_path, task="lip_near")[1]
    with torch.no_grad():
        one, other = model(given), again(given)
    assert torch.equal(one.potential, other.potential)
    assert torch.equal(one.spread, other.spread)
    assert networks.of(again).name == "lip_near"


def test_without_the_exact_solution_more_is_to_be_learned(taught):
    given, potential, model = taught
    other = near_learning.fit(given, potential, exact=False)
    index = torch.arange(len(potential))
    moved = dataclasses.replace(given.of(index), r=given.r)
    with torch.no_grad():
        assert model(moved).spread.median() < other(moved).spread.median()
    changed = dataclasses.replace(given, potential=0 * given.potential, slope=0 * given.slope)
    with torch.no_grad():
        assert torch.equal(other(changed).potential, other(given).potential)  # it does not see it


UNSEEN = [(2, 8.3, 0.25, Lip.flat(0.15)), (0, 3.1, -0.3, Lip.round(0.25)), (5, 11.7, 0.0, Lip.flat(0.06))]


@pytest.mark.parametrize(("m", "helmholtz", "mach", "lip"), UNSEEN)
def test_potential_and_pressure_are_those_of_the_elements(m, helmholtz, mach, lip):
    pytest.importorskip("ngsolve")
    x, r = task.points(helmholtz, lip.thickness, 40)
    found = predict_near(m, helmholtz, mach, lip, x, r)
    truth = solve_lip(m, helmholtz, lip, mach, window=(2.5, 2.5)).field(x, r)
    assert found.inside.all()
    for name in ("potential", "pressure"):
        exact, thin = getattr(truth, name), getattr(found, f"thin_{name}")
        missed = np.abs(getattr(found, name) - exact)
        size = np.linalg.norm(exact, axis=1)
        assert np.all(np.linalg.norm(missed, axis=1) < 0.2 * np.linalg.norm(thin - exact, axis=1)), name
        assert np.all(np.linalg.norm(missed, axis=1) < 0.02 * size), name
        assert np.mean(missed <= getattr(found, f"{name}_bar")) > 0.85, name


def test_without_thickness_potential_and_pressure_are_those_of_the_solver():
    found = predict_near(2, 8.0, 0.3, Lip.flat(0.0), X, R)
    for n in found.orders:
        exact = analytic.solve(analytic.DuctMode(2, int(n), 8.0, mach=0.3)).at(X, R)
        for name in ("potential", "pressure"):
            values = getattr(exact, name)
            assert np.allclose(getattr(found, f"thin_{name}")[n], values, rtol=1e-9, atol=1e-9)
            # what the differences leave
            assert np.linalg.norm(getattr(found, name)[n] - values) < 1e-6 * np.linalg.norm(values), name
    assert np.all(found.pressure_bar == 0)


def test_the_pressure_without_flow_is_that_of_the_potential():
    found = predict_near(1, 6.0, 0.0, Lip.flat(0.1), X, R)
    assert np.allclose(found.pressure, 6j * found.potential, rtol=1e-14)
    assert np.allclose(found.pressure_bar, 6 * found.potential_bar, rtol=1e-14)


def test_m_of_either_sign_and_points_one_by_one_are_the_same():
    whole, other = (predict_near(m, 7.0, 0.2, Lip.round(0.1), X, R) for m in (2, -2))
    assert np.allclose(whole.pressure, other.pressure, rtol=1e-12)
    for point in range(len(X)):
        one = predict_near(2, 7.0, 0.2, Lip.round(0.1), X[point], R[point])
        assert np.allclose(one.pressure[:, 0], whole.pressure[:, point], rtol=0, atol=1e-6)


def test_the_range_is_that_of_the_training():
    low, high = (near.BEHIND, near.AHEAD, near.RADIUS, near.CLOSEST), task
    assert low == (high._BEHIND, high._AHEAD, high._RADIUS, high._CLOSEST)
    inside = predict_near(0, 3.0, 0.0, Lip.flat(0.1), [1.0, 2.6, 1.0, -2.1], [1.0, 1.0, 2.6, 1.5]).inside
    assert inside.tolist() == [True, False, False, False]
    assert not predict_near(0, 3.0, 0.0, Lip.flat(0.5), 1.0, 1.0).inside.any()


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ((-0.1, 0.5), r"the point x = -0\.1, r = 0\.5 is in the duct or its wall"),
        ((-0.5, 1.05), "x >= 0 and r >= 1.1"),
        ((0.05, 1.12), "within 0.1 radii of the wall's edge"),
        ((0.5, -0.2), "r must not be negative, got -0.2"),
        ((np.nan, 0.2), "x"),
        (([[0.5]], [[0.2]]), r"one-dimensional and have up to 10000 points, got the shape \(1, 1\)"),
    ],
)
def test_points_that_are_refused(point, message):
    with pytest.raises(ValueError, match=message):
        predict_near(0, 3.0, 0.0, Lip.flat(0.1), *point)


def test_wrong_shapes_and_coverages_are_named():
    thick = near_at(LIPS)
    with pytest.raises(ValueError, match=r"r must have the shape \(2, 5\), got \(2, 4\)"):
        dataclasses.replace(thick, r=thick.r[:, 1:])
    with pytest.raises(ValueError, match="expected solutions, samples and ranges of 7 parameters"):
        NearConfig(3, 2, (0.0,) * 7, (1.0,) * 7)
    with pytest.raises(ValueError, match="coverage must be one of"):
        predict_near(0, 3.0, 0.0, Lip.flat(0.1), 1.0, 1.0, coverage=0.7)
    model = random_network()
    with pytest.raises(ValueError, match="too few training solutions for bars of the coverage"):
        model.error_bar(model(thick), 0.5)
    with pytest.raises(ValueError, match="is a run of the lip task"):
        load_network("lip")
