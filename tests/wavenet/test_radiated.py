"""The feed-forward model: its waves against the solver, its positions, its training data, its error bars."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy import special

from analytic import DuctMode, fields_at, radial_eigenvalue
from analytic.factorisation import Factorisation
from analytic.section import Section
from wavenet import networks
from wavenet.ducts.bessel import bessel, hankel
from wavenet.ducts.modes import eigenvalues, resonances, turned
from wavenet.fields import INPUTS
from wavenet.forward.factor import Factor, incident
from wavenet.forward.radiated import RadiatedConfig, RadiatedPressure, own_factor, samples
from wavenet.forward.waves import radiated, responses

ARC = np.radians([0.0, 4.0, 20.0, 45.0, 80.0, 95.0, 120.0, 150.0])
CASES = [
    (2, 0, 5.0, 0.3),
    (2, 3, 14.0, -0.5),
    (7, 1, 13.0, 0.0),
    (0, 0, 3.2, 0.6),
    (0, 4, 27.0, -0.2),
    (1, 0, 9.0, 0.4),
]


def rows(cases, hub=0.0):
    """Inputs (case, input), double precision, of modes (m, n, ka, M)."""
    m, n, ka, mach = np.array(cases, float).T
    alpha = [radial_eigenvalue(int(a), int(b), hub=hub) for a, b in zip(m, n, strict=True)]
    return torch.from_numpy(np.stack([m, n, alpha, ka, mach, np.full(len(m), hub)], axis=1))


def exact_coefficients(factor, modes, hub):
    """Coefficients of 1 / f and f by least squares along the paths to distances of eight radii and more."""
    found = []
    for case, (m, k) in enumerate(zip(modes.m.tolist(), modes.k.tolist(), strict=True)):
        theta, t = np.linspace(0, np.pi / 2, 40), np.linspace(-3.5, 3.5, 9)
        cosine = np.cos(theta[:, None] + t * np.exp(-0.25j * np.pi) / np.sqrt(8 * k))
        s = np.where(cosine.real >= 0, k * cosine, -k * cosine).ravel()
        weight = np.broadcast_to(np.exp(-(t**2) / 2), cosine.shape).ravel()
        value = np.exp(Factorisation(Section(m, hub), k).log_plus(s)[0])
        points = torch.from_numpy(s)
        own = factor.zeros(modes).of(torch.tensor([case]))
        f = value / own.at(points[None] / k)[0].numpy()
        basis = factor.basis(modes.k[case], torch.sqrt(1 + points / k)).numpy() * weight[:, None]
        found.append(np.concatenate([np.linalg.lstsq(basis, one * weight, rcond=None)[0] for one in (1 / f, f)]))
    return torch.from_numpy(np.array(found))


def solved(cases, x, r, hub=0.0):
    """The solver's pressures, (case, microphone)."""
    return np.array([fields_at([DuctMode(*case, hub)], x, r)[0].pressure for case in cases])


# Waves that creep around the hub are beside the paths where K h is above m by 2 to 10.
HOLLOW = [(4, 1, 16.0, 0.4), (7, 0, 28.0, 0.2), (6, 2, 22.0, -0.24), (2, 0, 20.0, 0.0), (10, 0, 27.5, 0.1)]


@pytest.mark.parametrize(
    ("radius", "hub", "angles"),
    [
        (10.0, 0.0, ARC),
        (3.0, 0.0, ARC),
        (200.0, 0.0, ARC[:-1]),
        (10.0, 0.4, ARC[2:]),
        (10.0, 0.4, ARC[1:] + 0.12),
        (10.0, 0.57, ARC[1:] + 0.05),
        (3.0, 0.57, ARC[2:]),
    ],
)
def test_with_the_exact_factor_the_waves_are_the_solver_s(radius, hub, angles):
    cases = [case for case in CASES if case[1] < 3 or not hub] + (HOLLOW if hub else [])
    inputs, factor = rows(cases, hub), Factor(10)
    modes = incident(*(inputs[:, INPUTS.index(name)] for name in ("m", "n", "helmholtz", "mach", "hub")))
    c = exact_coefficients(factor, modes, hub)
    x, r = radius * np.cos(angles), radius * np.abs(np.sin(angles))
    places = torch.from_numpy(x), torch.from_numpy(r)
    own = (own_factor(modes, factor) * c[:, 10:]).sum(dim=1)
    waves = responses(modes, factor, *places)
    found = (own[:, None] * (waves @ c[..., None])[..., 0]).numpy()
    exact = solved(cases, x, r, hub)
    # what ten polynomials leave, and the rule
    assert np.max(np.linalg.norm(found - exact, axis=1) / np.linalg.norm(exact, axis=1)) < 5e-5
    for real, accuracy in ((torch.float64, 1e-12), (torch.float32, 1e-4)):
        again = (own[:, None] * radiated(modes, factor, c, *places, real)).numpy()
        assert np.max(np.linalg.norm(again - found, axis=1) / np.linalg.norm(found, axis=1)) < accuracy


@pytest.mark.parametrize(("m", "hub"), [(0, 0.0), (3, 0.0), (0, 0.05), (4, 0.3), (20, 0.7)])
def test_eigenvalues_and_the_continuous_index(m, hub):
    table = eigenvalues(m, np.array([hub, 0.5]), np.array([40.0, 30.0]))
    found = table[0][np.isfinite(table[0])]
    exact = [radial_eigenvalue(m, n, hub=hub) for n in range(len(found) + 1)]
    np.testing.assert_allclose(found, exact[:-1], rtol=1e-12, atol=1e-12)
    assert exact[-1] > 40
    assert np.max(table[1][np.isfinite(table[1])]) < 30
    positive = torch.from_numpy(found[found > 0])
    orders, hubs = torch.full((len(positive),), m), torch.full((len(positive),), hub, dtype=torch.float64)
    np.testing.assert_allclose(turned(orders, positive, hubs).numpy(), 1, atol=1e-9)
    if len(positive) > 1:  # once around from one mode to the next, in the middle about half of it
        middle = 0.5 * (positive[:1] + positive[1:2]).requires_grad_()
        value = turned(orders[:1], middle, hubs[:1])
        assert abs(np.angle(-value.item())) < 0.7
        (slope,) = torch.autograd.grad(value.imag.sum(), middle)
        step = 1e-6
        change = (turned(orders[:1], middle + step, hubs[:1]) - turned(orders[:1], middle - step, hubs[:1])).imag
        assert slope.item() == pytest.approx(change.item() / (2 * step), rel=1e-5)


@pytest.mark.parametrize("m", [0, 1, 5, 12])
def test_bessel_functions_and_their_derivatives(m):
    z = np.array([0.3 + 0.1j, 2.0 + 0.3j, 5 - 1j, 5 + 9j, 9 + 2j, 25 - 0.5j, 300.0])
    exact = {
        "hankel": (special.hankel1e(m, z), special.h1vp(m, z) * np.exp(-1j * z)),
        "bessel": (special.jv(m, z), special.jvp(m, z)),
    }
    for kind, scale, accuracy in ((torch.complex128, None, 1e-10), (torch.complex64, 0.5, 2e-4)):
        at = torch.from_numpy(z).to(kind)
        size = torch.full(z.shape, 1.0 if scale is None else scale, dtype=at.real.dtype)
        given = None if scale is None else size
        root, power = torch.sqrt(at), size.numpy().astype(float) ** m
        for value, other in zip(hankel(at, m, given), exact["hankel"], strict=True):
            np.testing.assert_allclose((value / root).numpy() / power, other, rtol=accuracy)
        for slope in (False, True):
            value = bessel(at, m, given, slope=slope)
            np.testing.assert_allclose((value / root).numpy() * power, exact["bessel"][slope], rtol=accuracy)
    at = torch.from_numpy(z).requires_grad_()
    for value, slope, turn in (
        (bessel(at, m), bessel(at, m, slope=True), 0),
        (hankel(at, m)[0], hankel(at, m)[1], -1j),
    ):
        (found,) = torch.autograd.grad((value / torch.sqrt(at)).sum().real, at)
        # torch's gradient of the real part of a holomorphic function is the conjugate of its derivative
        expected = (slope + turn * value) / torch.sqrt(at)
        np.testing.assert_allclose(found.conj().resolve_conj().numpy(), expected.detach().numpy(), rtol=1e-8)


def test_resonances_are_zeros():
    for m in (2, 6, 20):
        z = resonances(m)
        assert len(z) > 0
        assert np.max(np.abs(special.h1vp(m, z) / special.hankel1(m, z))) < 1e-9
    assert len(resonances(0)) == 0


@pytest.fixture
def model():
    torch.manual_seed(1)
    x, r = 10 * np.cos(ARC), 10 * np.abs(np.sin(ARC))
    config = RadiatedConfig(tuple(x), tuple(r), (0.0, 3.0, 0.0), (8.0, 30.0, 0.0), width=16, depth=2)
    return RadiatedPressure(config).double().eval()


def test_one_network_serves_every_array(model):
    inputs = rows(CASES)
    whole = torch.view_as_complex(model(inputs))
    chosen = [6, 2, 3]
    part = model.at(np.array(model.config.x)[chosen], np.array(model.config.r)[chosen])
    torch.testing.assert_close(torch.view_as_complex(part(inputs)), whole[:, chosen], rtol=1e-9, atol=1e-12)
    assert (len(model.config.x), part.config.x) == (len(ARC), tuple(np.array(model.config.x)[chosen]))
    x, r = (torch.tensor(getattr(model.config, axis)).expand(len(CASES), -1).double() for axis in "xr")
    shifted = (
        torch.stack([torch.roll(values, case) for case, values in enumerate(x)]),
        torch.stack([torch.roll(values, case) for case, values in enumerate(r)]),
    )
    found = torch.view_as_complex(model.at(*shifted)(inputs))
    torch.testing.assert_close(found[3], torch.roll(whole[3], 3), rtol=1e-9, atol=1e-12)
    assert networks.get("feedforward").place(model, np.array([0.0]), np.array([9.0]))(inputs).shape == (6, 1, 2)


def test_a_mode_alone_is_the_mode_among_others(model):
    inputs = rows([*CASES, (8, 0, 12.0, 0.1)])
    together = model(inputs)
    for case in (0, 4, 6):
        torch.testing.assert_close(model(inputs[case : case + 1])[0], together[case], rtol=1e-9, atol=1e-12)
    turned = inputs * torch.tensor([-1.0, 1, 1, 1, 1, 1])
    torch.testing.assert_close(model(turned), together, rtol=0, atol=0)  # modes m and -m


def test_gradients_in_frequency_flow_and_positions(model):
    torch.manual_seed(0)
    x, r = (
        torch.tensor([values], dtype=torch.float64, requires_grad=True)
        for values in ([9.9, 3.0, -6.0], [0.4, 9.0, 7.0])
    )
    fixed = rows([(2, 1, 9.0, 0.3)])
    ka, mach = (fixed[:, INPUTS.index(name)].clone().requires_grad_() for name in ("helmholtz", "mach"))

    def level(ka, mach, x, r):
        inputs = torch.stack([*fixed[:, :3].unbind(1), ka, mach, fixed[:, 5]], dim=1)
        return model.at(x, r)(inputs).square().sum()

    found = torch.autograd.grad(level(ka, mach, x, r), (x, r, mach))
    step = 1e-5
    for place, (gradient, values) in enumerate(zip(found, (x, r, mach), strict=True)):
        direction = torch.randn_like(values)
        with torch.no_grad():
            moved = [[x, r, mach][:] for _ in range(2)]
            moved[0][place], moved[1][place] = values + step * direction, values - step * direction
            change = [level(ka, m, a, b) for a, b, m in moved]
        expected = float((change[0] - change[1]) / (2 * step))
        assert float((gradient * direction).sum()) == pytest.approx(expected, rel=1e-5)


def test_bad_input_is_named(model):
    with pytest.raises(ValueError, match=r"mode \(7, 1\) is not cut on at ka / sqrt\(1 - M\^2\) = 5"):
        model(rows([(7, 1, 5.0, 0.0)]))
    with pytest.raises(ValueError, match=r"expected \(case, 6\): m, n, radial_eigenvalue, helmholtz, mach, hub"):
        model(torch.zeros(2, 5))
    with pytest.raises(ValueError, match=r"the flow must be subsonic, got mach=1\.2"):
        model(torch.tensor([[0, 0, 0, 5.0, 1.2, 0]]).double())
    for x, r, what in (
        (1.0, 1.5, r"at x = 1, r = 1\.5 is too close to the open end"),
        (-9.0, 0.5, r"at x = -9, r = 0\.5 lies in the duct or beside it"),
        (-9.0, 1.1, "lies in the duct or beside it"),
    ):
        with pytest.raises(ValueError, match=what):
            model.at([x], [r])(rows(CASES[:1]))
    hollow = RadiatedPressure(dataclasses.replace(model.config, high=(8.0, 30.0, 0.5)))
    with pytest.raises(ValueError, match=r"at x = 9, r = 0\.6 lies behind the annulus, beside the hub"):
        hollow.at([9.0], [0.6])(rows(CASES[:1], hub=0.3))
    with pytest.raises(ValueError, match=r"trained without a hub, got hub = 0\.3"):
        model(rows(CASES[:1], hub=0.3))
    with pytest.raises(ValueError, match="ranges of m, K and hub"):
        RadiatedConfig((1.0,), (3.0,), (0,), (2,))
    with pytest.raises(ValueError, match="two polynomials or more"):
        RadiatedConfig((1.0,), (3.0,), (0, 3, 0), (2, 9, 0), terms=1)


def test_training_sees_the_relative_error(model):
    """The loss, from features and projected responses, is the error of `forward` up to what no network can change."""
    inputs, steps = rows(CASES), networks.get("feedforward").steps
    with torch.no_grad():
        found = torch.view_as_complex(model(inputs))
    noise = torch.randn(found.shape, dtype=found.dtype) * 0.1
    exact = found * (1 + noise)
    model.float()
    batch = samples(model, inputs, torch.view_as_real(exact), most=4)
    with torch.no_grad():
        losses, numbers = steps.loss(model, batch)
    # eight microphones and twenty coefficients: nothing is projected out
    expected = (found - exact).norm(dim=1) / exact.norm(dim=1)
    torch.testing.assert_close(losses.double(), expected, rtol=0, atol=1e-3)
    assert torch.equal(numbers, torch.ones(len(CASES)))
    assert batch[1].dtype == torch.complex64


def test_what_is_explained_is_the_pressure_up_to_the_mode_s_factor(model):
    explained = networks.get("feedforward").explain(model, [rows(CASES[1:2])])
    assert explained.names == ("m", "K", "hub", "cos 2 pi nu", "sin 2 pi nu")
    found = torch.view_as_complex(explained.module(explained.seen).unflatten(1, (-1, 2)).contiguous())[0]
    pressure = torch.view_as_complex(model(rows(CASES[1:2])).contiguous())[0]
    ratio = pressure / found
    torch.testing.assert_close(ratio, ratio[3].expand_as(ratio), rtol=1e-9, atol=0)


def test_error_bars_are_quantiles_in_bands_of_k(model):
    with pytest.raises(ValueError, match="have not been calibrated"):
        model.error_bar(9.0, 0.0)
    k = np.linspace(3.0, 30.0, 808)  # 101 in each of eight bands
    inputs = rows([(0, 0, number, 0.0) for number in k])
    with torch.no_grad():
        found = model(inputs)
    errors = (np.arange(808) * 37 % 101 + 1) / 1000 + (k > 16.5)  # 0.001 ... 0.101, in the upper half one more
    model.calibrate(inputs, found / (1 + torch.from_numpy(errors))[:, None, None])
    for coverage, rank in ((0.5, 51), (0.8, 82), (0.9, 92), (0.95, 97), (0.99, 101)):
        assert model.error_bar(4.0, 0.0, coverage) == pytest.approx(rank / 1000, rel=1e-9)
        assert model.error_bar(29.0, 0.0, coverage) == pytest.approx(1 + rank / 1000, rel=1e-9)
    assert model.error_bar(8.0, 0.6, 0.9) == model.error_bar(10.0, 0.0, 0.9)
    with pytest.raises(ValueError, match="791 cases in 8 bands of K are too few"):
        model.set_bars(k[:791], errors[:791])
    with pytest.raises(ValueError, match=r"no error bars at hub = 0\.3, only up to 0"):
        model.error_bar(5.0, 0.0, hub=0.3)
    hollow = RadiatedPressure(dataclasses.replace(model.config, high=(8.0, 30.0, 0.5)))
    hollow.set_bars(k, 2 * errors, hub=True)
    assert hollow.error_bar(4.0, 0.0, 0.8, hub=0.3) == pytest.approx(0.164, rel=1e-9)
    with pytest.raises(ValueError, match="have not been calibrated"):
        hollow.error_bar(4.0, 0.0, 0.8)
    for ka, coverage, what in ((31.0, 0.9, "no error bars at"), (5.0, 0.42, "coverage must be one of")):
        with pytest.raises(ValueError, match=what):
            model.error_bar(ka, 0.0, coverage)


def test_features_span_the_range(model):
    """The hub, which did not vary in training, is zero: nothing is attributed to it."""
    modes = model.modes(rows([(0, 0, 3.0, 0.0), (8, 0, 30.0, 0.0), (4, 0, np.sqrt(90.0), 0.0)]))
    features = model.features(modes)
    torch.testing.assert_close(features[:, :3], torch.tensor([[-1, -1, 0], [1, 1, 0], [0, 0, 0]]).double())
    torch.testing.assert_close(features[:, 3:].norm(dim=1), torch.ones(3).double())


def test_held_out_cases_calibrate(model):
    """Training leaves out every tenth case, the validation cases none."""
    inputs = rows([(0, 0, 3.0 + 0.1 * number, 0.0) for number in range(25)])
    with torch.no_grad():
        cases = torch.utils.data.TensorDataset(inputs, model(inputs))
    entry = networks.get("feedforward")
    chosen, every = (entry.steps.samples(model, cases, 0, seed) for seed in (0, 1))
    assert (len(chosen), len(every), entry.held_out) == (22, 25, 10)
    left = [number for number in range(25) if number % entry.held_out]
    torch.testing.assert_close(chosen.tensors[0], every.tensors[0][left], rtol=1e-12, atol=1e-12)
