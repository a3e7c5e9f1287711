"""What the network of thick walls adds to a level, by terms, inputs and training solutions."""

import numpy as np
import pytest
import torch

from data.elements import Lip
from wavenet.lips.ducts import gauss
from wavenet.rap import attribute
from wavenet.study.lip_relevance import DECIBELS, TERMS, learned, terms, units
from wavenet.study.lips import load_network, thin_ducts

THETA, WEIGHT = gauss(48)
AHEAD, BEHIND = int(np.argmin(np.abs(THETA - 1.0))), int(np.argmin(np.abs(THETA - 2.2)))
PLACES = [("ahead", AHEAD), ("behind", BEHIND), ("reflection", 1)]


@pytest.fixture(scope="module")
def model():
    return load_network()


@pytest.fixture(scope="module")
def duct():
    return thin_ducts([2], [9.0], [0.2], [Lip.round(0.15)], THETA, WEIGHT)


def test_terms_are_the_change_of_the_level(model, duct):
    found, level = terms(model, duct)
    with torch.no_grad():
        thick = model(duct).directivity
    exact = DECIBELS * torch.log(thick.abs() / duct.directivity.abs())
    assert torch.allclose(found.sum(dim=0), exact, atol=1e-12)
    assert torch.allclose(level, exact, atol=1e-12)
    assert exact.abs().max() > 1
    assert torch.all(found[TERMS.index("shape"), :, :, torch.cos(duct.theta) > 0] == 0)  # ahead the thin wall's is it


def test_a_term_is_its_integrated_gradient_from_the_thin_wall(model, duct):
    found, _ = terms(model, duct)
    with torch.no_grad():
        given, smooth, _ = model.learned("behind", duct, duct.parameters)
        term = (given.factor * smooth)[1, 0, 0, BEHIND]
        thin = duct.directivity[0, 0, BEHIND]
        change = model(duct).directivity[0, 0, BEHIND] - thin
    nodes, weights = np.polynomial.legendre.leggauss(24)
    path = thin + torch.from_numpy((nodes + 1) / 2) * change
    slope = (torch.from_numpy(weights / 2) * (term / path).real).sum()
    assert float(found[TERMS.index("second edge"), 0, 0, BEHIND]) == pytest.approx(DECIBELS * float(slope), rel=1e-9)


def test_without_thickness_all_terms_vanish(model):
    found, level = terms(model, thin_ducts([2], [9.0], [0.2], [Lip.flat(0.0)], THETA, WEIGHT))
    assert found.abs().max() < 1e-13  # rounding
    assert level.abs().max() < 1e-13


@pytest.mark.parametrize(("part", "second"), PLACES)
def test_what_is_learned_is_what_the_network_adds(model, duct, part, second):
    module, x, change = learned(model, part, duct, 0, second)
    with torch.no_grad():
        given, smooth, _ = model.learned(part, duct, duct.parameters)
        prediction = model(duct)
        if part == "reflection":
            ratio = duct.amplitude[0, second] / duct.amplitude[0, 0]  # into power amplitudes
            value, thin = prediction.reflection[0, 0, second] * ratio, duct.reflection[0, 0, second]
        else:
            value, thin = prediction.directivity[0, 0, second], duct.directivity[0, 0, second]
        added = (given.factor * smooth)[:, 0, 0, second].sum()
    assert float(module(x)) == pytest.approx(DECIBELS * float((added / value).real), rel=1e-6)
    assert change == pytest.approx(DECIBELS * float(torch.log(value.abs() / thin.abs())), rel=1e-9)


@pytest.mark.parametrize(("part", "second"), PLACES)
def test_relevance_is_conserved_but_for_constants(model, duct, part, second):
    module, x, _ = learned(model, part, duct, 0, second)
    output = module(x).detach()
    found = attribute(module, x, torch.ones_like(output))
    assert float(found.relevance.sum() + found.leak) == pytest.approx(float(output), rel=1e-9)
    assert 0.05 < float(found.leak / output) < 0.6  # the polynomials of degree 0


@pytest.mark.parametrize(("part", "second"), PLACES)
def test_solutions_carry_the_whole(model, duct, part, second):
    module, x, _ = learned(model, part, duct, 0, second)
    output, found = float(module(x)), units(module, x)
    rounding = 1e-14 * float(found.units.abs().sum())
    assert abs(float(found.units.sum()) - output) < rounding
    assert found.units.abs().sum() > 1e3 * abs(output)  # they cancel
    assert float(found.values.sum()) == pytest.approx(output, rel=1e-3)
    assert found.values.abs().sum() < 100 * abs(output)


def test_a_solution_that_was_taught_carries_itself(model, duct):
    module, x, _ = learned(model, "ahead", duct, 0, AHEAD)
    x[0, :-2] = module.centre[7]
    found = units(module, x)
    assert int(found.distance.argmin()) == 7
    assert float(found.distance[7]) == 0
    assert float(found.values[7]) == pytest.approx(float(module(x)), rel=0.05)
