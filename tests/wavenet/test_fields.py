"""Complex fields as tensors, and the equations and known phases that fields obey, by second routes."""

import numpy as np
import pytest
import torch
from scipy.special import jv, jvp

from analytic import axial_wavenumber, radial_eigenvalue
from wavenet import fields
from wavenet.derivatives.envelopes import AxisEnvelope, WallEnvelope
from wavenet.derivatives.equations import helmholtz_residual, momentum_pressure
from wavenet.forward.feed_forward import FEATURES, ForwardConfig, ForwardModel, known_phase

PRECISION = 1e-13  # of a few operations in double precision


@pytest.fixture
def random():
    return np.random.default_rng(0)


def complex_normal(random, *shape):
    return random.normal(size=(*shape, 2)) @ [1, 1j]


def test_a_complex_array_comes_back(random):
    values = complex_normal(random, 3, 4)
    parts = fields.to_tensor(values)
    np.testing.assert_array_equal(parts[0], values.real)
    np.testing.assert_array_equal(parts[1], values.imag)
    np.testing.assert_array_equal(fields.to_complex(parts), values)


def test_products_are_those_of_complex_numbers(random):
    several, factor = complex_normal(random, 2, 3, 4, 5), complex_normal(random, 2)
    tensors = torch.cat([torch.stack([fields.to_tensor(case[part]) for case in several]) for part in range(3)], dim=1)
    numbers = torch.view_as_real(torch.from_numpy(factor))
    found = fields.times_each(tensors, numbers)
    for case in range(2):
        for part in range(3):
            expected = several[case, part] * factor[case]
            np.testing.assert_allclose(
                fields.to_complex(found[case, 2 * part : 2 * part + 2]), expected, rtol=PRECISION
            )
    inverse = torch.view_as_complex(fields.reciprocal(numbers).contiguous()).numpy()
    np.testing.assert_allclose(inverse, 1 / factor, rtol=PRECISION)


def test_the_reference_has_the_field_s_size_and_turns_with_it(random):
    values, factor = complex_normal(random, 6, 7), 0.3 - 2j
    one, turned = (
        torch.view_as_complex(fields.complex_reference(fields.to_tensor(field)[None]))[0].item()
        for field in (values, factor * values)
    )
    assert abs(one) == pytest.approx(np.sqrt(np.mean(np.abs(values) ** 2)), rel=1e-12)
    assert turned == pytest.approx(factor * one, rel=1e-12)


def test_parameters_and_columns_keep_their_order():
    assert fields.parameters(m=2, helmholtz=9.0, mach=0.3).tolist() == [[2.0, 9.0, 0.3]]
    assert fields.PARAMETERS == ("m", "helmholtz", "mach")
    arrays = {"m": np.array([1, 2, 3]), "mach": np.array([0.1, 0.2, 0.3]), "helmholtz": np.array([7.0, 8.0, 9.0])}
    found = fields.columns(arrays, fields.PARAMETERS, [2, 0], torch.float64)
    assert found.tolist() == [[3.0, 9.0, 0.3], [1.0, 7.0, 0.1]]


def duct_mode(m, n, helmholtz, mach):
    """psi, u, u_x, v, v_r of a duct mode on a few points, as tensors, and r: in closed form."""
    alpha = radial_eigenvalue(m, n)
    mu = complex(axial_wavenumber(helmholtz, m, n, mach=mach))
    x, r = np.linspace(-1, -0.2, 5)[:, None], np.linspace(0.2, 0.9, 6)
    wave, radial = np.exp(1j * mu * x), jv(m, alpha * r)
    slope, curve = alpha * jvp(m, alpha * r), alpha**2 * jvp(m, alpha * r, 2)
    values = wave * radial, 1j * mu * wave * radial, -(mu**2) * wave * radial, wave * slope, wave * curve
    return *(fields.to_tensor(value)[None] for value in values), torch.from_numpy(r)


@pytest.mark.parametrize(("m", "n", "mach"), [(0, 0, 0.3), (2, 1, -0.4), (3, 0, 0.5)])
def test_duct_modes_obey_the_convected_helmholtz_equation(m, n, mach):
    """Every term counts: azimuthal order, curvature, convection."""
    helmholtz = 9.0
    psi, u, u_x, v, v_r, r = duct_mode(m, n, helmholtz, mach)
    terms = dict(
        zip(("m", "helmholtz", "mach"), torch.tensor([[m], [helmholtz], [mach]], dtype=torch.float64), strict=True)
    )
    assert helmholtz_residual(psi, u, u_x, v, v_r, r, **terms).abs().max() < 1e-12 * psi.abs().max()
    wrong = helmholtz_residual(psi, u, 1.1 * u_x, v, v_r, r, **terms)
    np.testing.assert_allclose(wrong, 0.1 * (1 - mach**2) * u_x / helmholtz**2, atol=1e-12)


def test_the_pressure_is_that_of_the_momentum_relation(random):
    psi, u, helmholtz, mach = complex_normal(random, 3, 4), complex_normal(random, 3, 4), 5.0, -0.3
    tensors = (fields.to_tensor(value)[None] for value in (psi, u))
    found = momentum_pressure(
        *tensors, torch.tensor([helmholtz], dtype=torch.float64), torch.tensor([mach], dtype=torch.float64)
    )
    np.testing.assert_allclose(fields.to_complex(found[0]), 1j * helmholtz * psi - mach * u, rtol=PRECISION)


def test_the_known_phase_obeys_the_eikonal_equation_of_the_flow():
    """|grad S|^2 = (ka - M dS/dx)^2, by automatic derivatives; and it is that of a wave that leaves."""
    x = torch.tensor([3.0, -2.0, 5.0], dtype=torch.float64, requires_grad=True)
    r = torch.tensor([4.0, 5.0, 0.5], dtype=torch.float64, requires_grad=True)
    helmholtz, mach = 7.0, 0.4
    phase = known_phase(
        torch.tensor([helmholtz], dtype=torch.float64), torch.tensor([mach], dtype=torch.float64), x, r
    )[0]
    along, across = torch.autograd.grad(phase.sum(), (x, r))
    torch.testing.assert_close(along**2 + across**2, (helmholtz - mach * along) ** 2, rtol=1e-12, atol=1e-12)
    assert torch.all(x * along + r * across > 0)


@pytest.fixture
def forward_model():
    torch.manual_seed(0)
    config = ForwardConfig((3.0, -1.0), (4.0, 6.0), (0, 0, 0, 3, 0), (4, 2, 9, 8, 0.5), scale=2.5, width=8, depth=2)
    return ForwardModel(config).double().requires_grad_(False)


def test_the_forward_network_s_core_times_its_scale_and_phase(forward_model):
    inputs = torch.tensor([[2, 1, 6.7, 7.5, 0.3], [0, 0, 0, 3, 0]], dtype=torch.float64)
    core = torch.view_as_complex(forward_model.core(forward_model.features(inputs)).reshape(2, 2, 2)).numpy()
    x, r = (torch.tensor(points, dtype=torch.float64) for points in (forward_model.config.x, forward_model.config.r))
    phase = known_phase(inputs[:, 3], inputs[:, 4], x, r).numpy()
    found = torch.view_as_complex(forward_model(inputs).contiguous()).numpy()
    np.testing.assert_allclose(found, 2.5 * core * np.exp(1j * phase), rtol=1e-12)


def test_features_are_scaled_and_know_the_cut_on(forward_model):
    config = forward_model.config
    ends = torch.tensor([config.low, config.high], dtype=torch.float64)
    features = forward_model.features(ends)
    assert features.shape[1] == len(FEATURES)
    np.testing.assert_allclose(features[:, :5], [[-1.0] * 5, [1.0] * 5], atol=1e-15)
    alpha, mach = 5.0, 0.4
    at_cut_on = alpha * np.sqrt(1 - mach**2)
    given = torch.tensor([[0, 0, alpha, ka, mach] for ka in (at_cut_on, 2 * at_cut_on)], dtype=torch.float64)
    # cos of the mode's angle: 0 at cut-on, sqrt(1 - 1/4) at twice its Helmholtz number
    np.testing.assert_allclose(forward_model.features(given)[:, 5], [0, np.sqrt(0.75)], atol=1e-7)


def test_envelopes_vanish_like_the_distance():
    x, r = torch.tensor([-0.5, 0.5], dtype=torch.float64), torch.tensor([0.25, 0.75, 1.25], dtype=torch.float64)
    ones = torch.ones(1, 4, 2, 3, dtype=torch.float64)
    wall = WallEnvelope(x, r)(ones)[0]
    distance, step = np.abs(r.numpy() - 1), 0.5
    np.testing.assert_allclose(wall[3, 0], distance / np.hypot(distance, step), rtol=1e-6)  # single precision
    np.testing.assert_array_equal(wall[:2], 1)
    axis = AxisEnvelope(r)(ones, torch.tensor([[3.0]]))[0]
    np.testing.assert_allclose(axis[0, 1], r.numpy() / np.hypot(r.numpy(), step), rtol=1e-6)


@pytest.mark.parametrize("options", [{"width": 0}, {"depth": 0}, {"scale": 0.0}])
def test_forward_configurations_that_will_not_do(options):
    with pytest.raises(ValueError, match="width, depth and scale must be positive"):
        ForwardConfig((1.0,), (3.0,), (0,) * 5, (2,) * 5, **options)


def test_the_reference_of_two_cells_by_hand():
    """1 and i, weighted by cos(0.7) and cos(2.399963 + 0.7): saved networks depend on these numbers."""
    field = torch.tensor([[[[1.0], [0.0]], [[0.0], [1.0]]]], dtype=torch.float64)
    mean = np.array([np.cos(0.7), np.cos(2.399963 + 0.7)])
    expected = mean / np.linalg.norm(mean)  # the root mean square is 1
    np.testing.assert_allclose(fields.complex_reference(field)[0].numpy(), expected, rtol=1e-14)
