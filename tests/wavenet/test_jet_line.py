"""The kernel on a line, which the jets' network is given, and the linear map beside its layers."""

import numpy as np
import pytest
import torch
from scipy import special
from torch.utils.data import TensorDataset

from analytic.section import Section
from wavenet import networks
from wavenet.ducts.bessel import outgoing, outgoing_near
from wavenet.jets.instability import instability
from wavenet.jets.layers import Layers
from wavenet.jets.learning import coefficients, untrained
from wavenet.jets.line import NAMES, POINTS, on_line, product
from wavenet.jets.sheet import Sheets

JETS = [(0, 3.0, 0.4, 0.0, 1.0, 1.0, 0.0), (5, 12.0, 0.3, 0.2, 0.6, 2.8, 0.45), (17, 19.0, 0.2, 0.1, 1.1, 0.7, 0.3)]


def jet(m, *values):
    """Sheets of one jet, and its instability."""
    sheets = Sheets(m, *(torch.tensor([[value]], dtype=torch.float64) for value in values))
    return sheets, instability(sheets)[0]


@pytest.mark.parametrize("values", JETS)
def test_the_product_of_the_factors_is_that_of_scipys_functions(values):
    m, ka, mach, mach_outer, speed, density, hub = values
    sheets, s_0 = jet(*values)
    left, right = -ka / speed / (1 + mach_outer), ka / speed / (1 - mach_outer)
    beta2, centre = 1 - mach**2, mach * ka / (1 - mach**2)
    s = centre + (right - left) * np.array(POINTS) * np.exp(-0.25j * np.pi)
    gamma_1 = np.sqrt((ka + mach * s) ** 2 - s**2)
    gamma_2 = np.sqrt((1 - mach_outer**2) * (right - s) * (s - left))
    gamma_2 = np.where(gamma_2.imag + gamma_2.real < 0, -gamma_2, gamma_2)
    y = special.jvp(m, gamma_1 * hub) / special.yvp(m, gamma_1 * hub) if hub else 0.0
    wall = special.jv(m, gamma_1) - y * special.yv(m, gamma_1)
    wall = wall / (gamma_1 * (special.jvp(m, gamma_1) - y * special.yvp(m, gamma_1)))
    wave = special.hankel1(m, gamma_2) / (gamma_2 * special.h1vp(m, gamma_2))
    kernel = density * (ka + mach_outer * speed * s) ** 2 * wave - (ka + mach * s) ** 2 * wall
    closed = (s - s_0.item()) * (s - s_0.conj().item()) * np.sqrt(1 - mach_outer**2) / gamma_2
    alpha = Section(m, hub).eigenvalues(sheets.orders)
    soft = sheets.duct.soft[0, : sheets.orders].numpy() - 0.6j
    for sign in (1, -1):
        for above, below in zip(soft, alpha, strict=True):
            z, pole = (centre - sign * np.sqrt(ka**2 - beta2 * one**2 + 0j) / beta2 for one in (above, below))
            closed = closed * (s - z) / (s - pole)
    found = product(sheets, s_0)[0].numpy()
    assert np.max(np.abs(found * closed / kernel - 1)) < 1e-6


def test_logarithms_are_continuous_along_the_line_and_counted_from_one_point():
    sheets, s_0 = jet(*JETS[1])
    value, found = product(sheets, s_0)[0], on_line(sheets, s_0)[0]
    assert len(found) == len(NAMES) == 3 + 2 * (len(POINTS) - 1)
    reference = POINTS.index(0.029)
    assert found[0] == pytest.approx(value[reference].abs().log().item(), rel=1e-12)
    assert torch.complex(found[1], found[2]) == pytest.approx((value / value.abs())[reference].item(), rel=1e-12)
    others = [number for number in range(len(POINTS)) if number != reference]
    logs = torch.complex(found[3::2], found[4::2])
    assert torch.allclose(torch.exp(logs), value[others] / value[reference], rtol=1e-12)
    whole = torch.cat([logs[:reference], torch.zeros(1, dtype=logs.dtype), logs[reference:]])
    assert torch.max(torch.abs(torch.diff(whole.imag))) < 3.1


@pytest.mark.parametrize("m", [0, 3, 20])
def test_the_faster_quotient_of_hankel_functions_is_the_other(m):
    size, angle = np.meshgrid([0.5, 1.9, 2.1, 9.0, 40.0], np.radians([5, 45, 100]))
    z = torch.from_numpy(size * np.exp(1j * angle))
    assert torch.allclose(outgoing_near(z, m), outgoing(z, m), rtol=1e-10)
    z.requires_grad_()
    assert torch.autograd.gradcheck(lambda one: outgoing_near(one, m), z)


def test_a_map_that_is_linear_in_inputs_and_products_is_found_and_the_layers_add_to_it():
    generator = torch.Generator().manual_seed(0)
    seen = torch.randn(500, 5, generator=generator, dtype=torch.float64)
    inner = torch.nn.Linear(5, 2, dtype=torch.float64)
    layers = Layers(inner, inputs=5, outputs=2, first=slice(1, 3), second=slice(3, 5))
    wanted = torch.stack([1 + seen[:, 0] - 2 * seen[:, 2] * seen[:, 4], 3 * seen[:, 1] * seen[:, 3] - 1], dim=1)
    assert torch.allclose(layers(seen), inner(seen))
    layers.fit(seen, wanted)
    assert torch.allclose(layers(seen), wanted, rtol=0, atol=1e-4)
    layers.size.fill_(0.5)
    assert torch.allclose(layers(seen), wanted + 0.5 * inner(seen), rtol=0, atol=1e-4)


def test_training_jets_alone_set_the_linear_part():
    rng, count = np.random.default_rng(0), 60
    rows = [(2, rng.uniform(5, 9), rng.uniform(0.2, 0.3), 0.1, rng.uniform(0.7, 0.9), 1.2, 0.0) for _ in range(count)]
    parameters = torch.tensor(rows, dtype=torch.float64)
    given = torch.zeros(count, 2, 24, 2, dtype=torch.float64)
    given[:, :, 1:4] = torch.from_numpy(rng.normal(size=(count, 2, 3, 2))) * 0.01
    torch.manual_seed(0)
    model, steps = untrained(parameters, 8), networks.get("jet").steps
    before = {name: one.clone() for name, one in model.state_dict().items()}
    steps.samples(model, TensorDataset(parameters, given), 0, 1)
    assert all(torch.equal(before[name].nan_to_num(), one.nan_to_num()) for name, one in model.state_dict().items())
    features, learned = steps.samples(model, TensorDataset(parameters, given), 0, 0).tensors
    wanted = coefficients(learned.double(), model.config.degree)
    size = model.layers.size.clone()
    model.layers.size.zero_()
    with torch.no_grad():
        missed = (model.coefficients(features) - wanted).square().mean(dim=0)
    assert torch.all((missed < wanted.var(dim=0, correction=0))[:, :3])  # all else is rounding
    assert 0 < size < 0.1
