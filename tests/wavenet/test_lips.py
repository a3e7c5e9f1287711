"""The correction network of ducts with a thick wall: what holds by construction, what it learns, and its bars."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
import torch

import analytic
from data.elements import Lip, solve_lip
from wavenet import networks, runs
from wavenet.far_field.error_bars import LEVELS
from wavenet.lips import learning, network, parts, process
from wavenet.lips.ducts import PARAMETERS, Ducts, gauss
from wavenet.lips.network import LipConfig, LipNetwork
from wavenet.lips.power import balance
from wavenet.study.lips import load_network, predict_lip, thin_ducts

THETA, WEIGHT = gauss(48)
CASES = [(0, 1.5, 0.0), (1, 5.5, 0.3), (2, 7.0, -0.2), (0, 8.0, 0.1), (3, 9.0, 0.0), (5, 7.5, -0.4)]
LIPS = [Lip.flat(0.1), Lip.round(0.2), Lip.flat(0.05), Lip.round(0.1), Lip.elliptic(0.2, 0.15), Lip.flat(0.25)]


def ducts_of(cases=CASES, lips=LIPS, theta=THETA, weight=WEIGHT):
    m, helmholtz, mach = zip(*cases, strict=True)
    return thin_ducts(m, helmholtz, mach, lips, theta, weight)


@pytest.fixture(scope="module")
def ducts():
    return ducts_of()


def random_network(seed=0, exact=True, size=0.2):
    """Untrained, with random functions of a few sizes, near the ducts above."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    model = LipNetwork(LipConfig(3, (-10.0,) * len(PARAMETERS), (10.0,) * len(PARAMETERS), exact))
    for name, buffer in model.named_buffers():
        if name.endswith("_centre"):
            buffer.copy_(ducts_of().parameters[:3])
        elif name.endswith("_weight"):
            buffer.copy_(size * normal(*buffer.shape))
        elif name.endswith(("_inverse", "_size")):
            buffer.fill_(0.3)
    model.prepare()
    return model


def test_thin_walls_are_those_of_the_solver(ducts):
    for case, (m, helmholtz, mach) in enumerate(CASES):
        for n in range(int(ducts.live[case].sum())):
            solution = analytic.solve(analytic.DuctMode(m, n, helmholtz, mach=mach))
            found = parts.potentials(ducts, ducts.reflection)[case, n]
            count = len(solution.reflection)
            # Both have the rounding of kappa next to cut-on.
            assert found[: min(count, len(found))].numpy() == pytest.approx(
                solution.reflection[: len(found)] * ducts.live[case, : min(count, len(found))].numpy(), abs=1e-8
            )
            exact = solution.directivity(THETA)
            assert np.abs(ducts.directivity[case, n].numpy() - exact).max() < 1e-8 * np.abs(exact).max()


def test_without_thickness_it_is_exact_whatever_its_weights():
    ducts = ducts_of(lips=[Lip.flat(0.0)] * len(CASES))
    found = random_network()(ducts)
    assert torch.equal(found.directivity[ducts.live], ducts.directivity[ducts.live])
    exact = parts.potentials(ducts, ducts.reflection)
    assert torch.allclose(found.reflection, exact, rtol=0, atol=1e-15)
    assert torch.all(found.reflection_spread == 0)
    assert torch.all(found.directivity_spread == 0)


def test_a_vanishing_thickness_changes_little():
    ducts = ducts_of(lips=[Lip.flat(1e-7)] * len(CASES))
    found = random_network()(ducts)
    # The power balance moves D by the error of its quadrature.
    difference = (found.directivity - ducts.directivity).abs().amax(dim=2)[ducts.live]
    assert torch.all(difference < 1e-5 * ducts.directivity.abs().amax(dim=2)[ducts.live])


@pytest.mark.parametrize("exact", [True, False])
def test_reciprocity_and_power_hold_with_random_weights(ducts, exact):
    found = random_network(exact=exact)(ducts)
    matrix = parts.powers(ducts, found.reflection)
    assert (found.reflection - parts.potentials(ducts, ducts.reflection)).abs().max() > 0.01  # it does something
    assert (matrix - matrix.transpose(1, 2)).abs().max() < 1e-13
    for case in range(len(ducts)):
        count = int(ducts.live[case].sum())
        own, unit = matrix[case, :count, :count], ducts.amplitude[case, :count, None] / torch.sqrt(ducts.k[case])
        radiated = found.directivity[case, :count] / unit
        gram = (radiated * ducts.weight) @ radiated.mH
        assert torch.allclose(own @ own.mH + gram, torch.eye(count, dtype=own.dtype), atol=1e-10)


def test_a_reflection_of_more_than_all_power_is_scaled_down(ducts):
    too_large = 3 * ducts.reflection
    found = balance(ducts, too_large, ducts.directivity)
    assert torch.linalg.matrix_norm(found.reflection, ord=2).max() < 1 + 1e-12
    assert torch.all(torch.isfinite(torch.view_as_real(found.directivity)))


def test_m_of_either_sign_is_the_same():
    one, other = (predict_lip(m, 7.0, 0.2, Lip.round(0.1)) for m in (2, -2))
    assert np.array_equal(one.directivity, other.directivity)
    assert np.array_equal(one.reflection, other.reflection)


def test_it_is_differentiable_in_the_duct(ducts):
    model = random_network(size=0.02)  # no reflection of more than all power, where there is a kink

    def loss(k, thickness):
        changed = dataclasses.replace(ducts, k=k, thickness=thickness)
        found = model(changed)
        return found.directivity.abs().square().sum() + found.reflection.abs().square().sum()

    k, t = (value.clone().requires_grad_() for value in (ducts.k, ducts.thickness))
    slopes = torch.autograd.grad(loss(k, t), (k, t))
    for index, step in ((0, 1e-6), (1, 1e-6)):
        for case in (1, 4):
            moved = [[ducts.k.clone(), ducts.thickness.clone()] for _ in range(2)]
            moved[0][index][case] += step
            moved[1][index][case] -= step
            difference = (loss(*moved[0]) - loss(*moved[1])) / (2 * step)
            assert float(slopes[index][case]) == pytest.approx(float(difference), rel=1e-5, abs=1e-5)


@pytest.fixture(scope="module")
def solved():
    """Four ducts by finite elements, and the network that was taught them."""
    pytest.importorskip("ngsolve")
    cases, lips = CASES[:4], LIPS[:4]
    ducts = ducts_of(cases, lips)
    reflection, directivity = torch.zeros_like(ducts.reflection), torch.zeros_like(ducts.directivity)
    for case, ((m, helmholtz, mach), lip) in enumerate(zip(cases, lips, strict=True)):
        solution = solve_lip(m, helmholtz, lip, mach)
        count = len(solution.orders)
        reflection[case, :count, :count] = torch.from_numpy(solution.reflection)
        directivity[case, :count] = torch.from_numpy(solution.directivity(THETA))
    return ducts, reflection, directivity, learning.fit(ducts, reflection, directivity)


def test_it_memorises_four_ducts(solved):
    ducts, reflection, directivity, model = solved
    found = model(ducts)
    assert parts.powers(ducts, found.reflection - reflection).abs().max() < 1e-4
    size = torch.sqrt(directivity.abs().square() @ ducts.weight)[ducts.live]
    error = torch.sqrt((found.directivity - directivity).abs().square() @ ducts.weight)[ducts.live]
    assert torch.all(error < 0.02 * size)  # between the ten angles of each half that it was shown
    thin = torch.sqrt((ducts.directivity - directivity).abs().square() @ ducts.weight)[ducts.live]
    assert error.median() < 0.1 * thin.median()


def test_few_ducts_have_no_bars_and_it_says_so(solved):
    ducts, *_, model = solved
    with pytest.raises(ValueError, match=r"too few training solutions for bars of the coverage 0\.99"):
        model.error_bar(model(ducts), 0.99)
    with pytest.raises(ValueError, match=r"coverage must be one of .*, got 0\.7"):
        model.error_bar(model(ducts), 0.7)


def test_reloaded_weights_give_equal_output(solved, tmp_path):
    ducts, *_, model = solved
    runs.save(tmp_path, "lip", model, {})
    again = runs.load(tmp_path, task="lip")[1]
    one, other = model(ducts), again(ducts)
    for field in dataclasses.fields(one):
        assert torch.equal(getattr(one, field.name), getattr(other, field.name))
    assert networks.of(again).name == "lip"


def test_what_is_left_out_is_predicted_without_it():
    """The closed form of the rest of a case's samples against a second solution without them."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(40, 4, generator=generator, dtype=torch.float64)
    case = torch.arange(40) // 4
    factor = torch.polar(torch.ones(40, 2, dtype=torch.float64), torch.rand(40, 2, generator=generator).double())
    y = torch.sin(3 * x).sum(dim=1) * factor[:, 0] + x[:, 0] * factor[:, 1]
    samples = process.Samples(x, factor, y, case, symmetric=False)
    inverse = torch.full((2, 4), 2.0, dtype=torch.float64)
    covariance = process.Covariance(inverse, torch.ones(2, dtype=torch.float64), torch.tensor(0.01).double())
    left = process.solve(samples, covariance)[1]
    for number in (0, 7):
        without, own = (samples.of(torch.nonzero(chosen)[:, 0]) for chosen in (case != number, case == number))
        size = torch.diagonal(covariance.between(samples, samples)).real.mean()
        smaller = torch.diagonal(covariance.between(without, without)).real.mean()
        noise = covariance.noise**2 + 1e-7 * (size - smaller)  # the same jitter
        weights = process.solve(without, dataclasses.replace(covariance, noise=torch.sqrt(noise)))[0]
        mean = covariance.between(own, without) @ weights
        assert torch.allclose(left[case == number], own.y - mean, atol=1e-9)


def test_single_precision_keeps_two_digits_of_the_spreads():
    x, others = torch.rand(2, 300, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    known = process.gauss(x, x) + 1e-3 * torch.eye(300, dtype=x.dtype)
    unit = process.gauss(others, x)
    variance = 1 - (unit * torch.linalg.solve(known, unit.T).T).sum(dim=1)
    whitening = process.whitening(x)
    assert process.unknown(unit, whitening).sqrt().numpy() == pytest.approx(variance.sqrt().numpy(), rel=0.02)
    left = 1 / torch.diagonal(torch.linalg.inv(known)) - 1e-3
    assert process.left_out(whitening).numpy() == pytest.approx(left.numpy(), rel=0.02)


def test_the_covariance_is_learned_from_samples_of_it():
    """Samples of a process with short lengths in one coordinate and long ones in another."""
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(300, 3, generator=generator, dtype=torch.float64)
    unit = torch.ones(300, 1, dtype=torch.complex128)
    samples = process.Samples(x, unit, unit[:, 0], torch.arange(300), symmetric=False)
    inverse = torch.tensor([[5.0, 0.5, 1.5]], dtype=torch.float64)
    covariance = process.Covariance(inverse, torch.tensor([2.0]).double(), torch.tensor(1e-3).double())
    noise = torch.complex(*torch.randn(2, 300, generator=generator, dtype=torch.float64)) / 2**0.5
    y = covariance.factor(samples) @ noise
    found = process.fit(dataclasses.replace(samples, y=y), 300, 0)
    assert found.inverse[0].numpy() == pytest.approx(inverse[0].numpy(), rel=0.35)  # of 300 samples
    assert float(found.amplitude) == pytest.approx(2.0, rel=0.6)


def test_the_shipped_network_knows_unseen_lips():
    """Solutions by finite elements of ducts that no training saw; the page's figures are of 300."""
    pytest.importorskip("ngsolve")
    model = load_network()
    for m, helmholtz, mach, lip in ((1, 6.3, 0.25, Lip.flat(0.12)), (4, 9.9, -0.3, Lip.round(0.22))):
        found = predict_lip(m, helmholtz, mach, lip, model=model, coverage=0.99)
        solution = solve_lip(m, helmholtz, lip, mach)
        power = np.sqrt(solution.wavenumber * solution.norm)
        error = np.linalg.norm((found.reflection - solution.reflection) * power / power[:, None], axis=1)
        far = solution.directivity(found.theta)
        weight = gauss(len(found.theta))[1]
        relative = np.sqrt(np.abs(found.directivity - far) ** 2 @ weight / (np.abs(far) ** 2 @ weight))
        assert found.inside
        assert np.all(error < found.reflection_bar)
        assert np.all(relative < found.directivity_bar)
        thin = np.sqrt(np.abs(found.thin_directivity - far) ** 2 @ weight / (np.abs(far) ** 2 @ weight))
        assert np.all(relative < 0.2 * thin)


def test_what_polynomials_leave_out_is_negligible(ducts, monkeypatch):
    some = load_network()(ducts)
    monkeypatch.setattr(network, "_NEGLIGIBLE", 0.0)
    every = load_network()(ducts)
    assert torch.allclose(some.reflection, every.reflection, rtol=0, atol=1e-8)
    size = every.directivity.abs().amax(dim=2, keepdim=True)
    assert torch.all((some.directivity - every.directivity).abs() <= 1e-7 * size)


def test_elements_before_the_network_in_one_process():
    """NGSolve's OpenBLAS must not serve PyTorch."""
    pytest.importorskip("ngsolve")
    lines = (
        "from data.elements import Lip, solve_lip",
        "solve_lip(2, 8.0, Lip.round(0.1), degree=4, tolerance=1.0)",
        "from wavenet.study.lips import predict_lip",
        "print(predict_lip(2, 8.0, 0.0, Lip.round(0.1)).reflection.shape)",
    )
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=False)
    assert done.stdout == "(2, 2)\n", done.stderr


def test_angles_that_are_asked_for_are_those_of_the_whole_sphere():
    asked = np.array([2.0, 0.0, 1.0, np.pi])
    some, every = predict_lip(2, 8.0, 0.1, Lip.flat(0.1), theta=asked), predict_lip(2, 8.0, 0.1, Lip.flat(0.1))
    assert np.array_equal(some.theta, asked)
    assert np.all(np.isfinite(some.directivity))
    assert some.directivity_bar == pytest.approx(every.directivity_bar, rel=1e-12)
    for angle in (0, 2):
        nearest = np.argmin(np.abs(every.theta - asked[angle]))
        close = predict_lip(2, 8.0, 0.1, Lip.flat(0.1), theta=[every.theta[nearest]])
        assert close.directivity[:, 0] == pytest.approx(every.directivity[:, nearest], rel=1e-9)
    assert np.abs(some.directivity[:, 1]).max() < 1e-9  # on the axis, with m = 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((3, 2.0, 0.0, Lip.flat(0.1)), "no mode of order m = 3 is cut on at helmholtz = 2"),
        ((0, 2.0, 1.2, Lip.flat(0.1)), "mach"),
        ((0, -2.0, 0.0, Lip.flat(0.1)), "helmholtz"),
    ],
)
def test_ducts_that_are_not_taken(given, message):
    with pytest.raises(ValueError, match=message):
        predict_lip(*given)


def test_outside_the_training_it_says_so():
    assert predict_lip(0, 3.0, 0.0, Lip.flat(0.1)).inside
    assert not predict_lip(0, 3.0, 0.0, Lip.flat(0.5)).inside


def test_wrong_shapes_are_named(ducts):
    with pytest.raises(ValueError, match=r"own must have the shape \(6, \d\), got \(5, \d\)"):
        dataclasses.replace(ducts, own=ducts.own[1:])
    with pytest.raises(ValueError, match=r"thickness must not be negative, got -0\.1"):
        dataclasses.replace(ducts, thickness=ducts.thickness - 0.15)
    with pytest.raises(ValueError, match="expected solutions and ranges of 7 parameters"):
        LipConfig(3, (0.0,), (1.0,))


def test_bars_have_a_row_of_each_quantity(solved):
    assert solved[-1].bars.shape == (2, len(LEVELS))
    assert isinstance(solved[0], Ducts)
