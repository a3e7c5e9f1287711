"""Where a network may be trusted, and what it says of itself: ranges, spacings, the equation, error bars."""

import dataclasses
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from analytic import DuctMode, Liner, solve, stretched_angle
from data.field import Potential, Pressure
from data.microphones import MicrophoneArray
from wavenet import far_field
from wavenet.derivatives.constrained import ConstrainedConfig, ConstrainedNetwork
from wavenet.study import detection, differentiation, prediction, validity

from .studies import duct_mode

WEIGHTS = Path(far_field.__file__).parents[1] / "weights"
X, R = (np.arange(64) + 0.5) / 16 - 2, (np.arange(40) + 0.5) / 20
RANGES = {"m": [0, 10], "helmholtz": [3.0, 23.0], "mach": [-0.5, 0.5]}


def given(m=2, helmholtz=9.0, mach=0.3, of=None):
    """The potential of the duct mode `of`, said to be of m, ka and M."""
    return Potential(X, R, duct_mode(*(of or (m, helmholtz, mach)), X, R)[0], m, helmholtz, mach)


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({}, None),
        ({"m": -10}, None),
        ({"m": -11}, "m = 11 is outside the training range 0 ... 10"),
        ({"helmholtz": 23.19}, None),  # up to 1 % of the range beyond it
        ({"helmholtz": 23.21}, "helmholtz = 23.21 is outside the training range 3 ... 23"),
        ({"helmholtz": 2.79}, "helmholtz = 2.79 is outside the training range 3 ... 23"),
        ({"helmholtz": 2.81}, None),
        ({"mach": -0.52}, "mach = -0.52 is outside the training range -0.5 ... 0.5"),
        ({"mach": 0.52}, "mach = 0.52 is outside the training range -0.5 ... 0.5"),
    ],
)
def test_parameters_outside_of_the_training_have_a_line(changed, line):
    mode = SimpleNamespace(**({"m": 2, "helmholtz": 9.0, "mach": 0.3} | changed))
    assert validity.outside_of_training(mode, RANGES) == ([] if line is None else [line])
    assert validity.outside_of_training(mode, {}) == []


@pytest.mark.parametrize(("factor", "warned"), [(0.68, 1), (0.7, 0), (1.3, 0), (1.32, 1)])
def test_spacings_are_tested_up_to_30_percent(factor, warned):
    field = SimpleNamespace(x=X * factor, r=R)
    lines = validity.untested_spacings(field, SimpleNamespace(x=X, r=R))
    assert len(lines) == warned
    if warned:
        assert lines == [f"the spacing in x, {factor / 16:.4g}, is outside the tested range 0.04375 ... 0.08125"]
    swapped = SimpleNamespace(x=X, r=R * factor)
    assert all("in r, " in line for line in validity.untested_spacings(swapped, SimpleNamespace(x=X, r=R)))


def residual(m, helmholtz, mach, of):
    """Residual of the equation of (m, ka, M) for the exact fields of the duct mode `of`."""
    model = ConstrainedNetwork(ConstrainedConfig(tuple(X), tuple(R)))
    psi, u, v = (torch.from_numpy(np.stack([f.real, f.imag])) for f in duct_mode(*of, X, R))
    parameters = torch.tensor([[m, helmholtz, mach]], dtype=torch.float64)
    return validity.equation_residual(model, psi[None], parameters, torch.cat([u, v])[None])


def test_the_equation_holds_for_a_duct_mode_in_flow_and_tells_another_ka():
    of = (2, 9.0, 0.3)
    assert residual(*of, of) < 1e-4  # differences of wide stencils, 11 points per wave
    # Without flow, another ka misses by 1 - (ka' / ka)^2 exactly; so does another m, by its centrifugal term.
    assert residual(2, 10.0, 0.0, (2, 9.0, 0.0)) == pytest.approx(1 - 0.81, rel=1e-3)
    assert residual(2, 9.0, 0.3, (2, 9.0, 0.0)) > 0.3  # another Mach number
    assert residual(3, 9.0, 0.3, of) > 0.03  # another order


def test_a_missed_equation_is_told_with_its_numbers():
    for value, noise, warned in ((0.0199, 0.0, 0), (0.021, 0.0, 1), (0.021, 0.001, 0), (0.21, 0.1, 0), (0.23, 0.1, 1)):
        assert len(validity.missed_equation(given(), value, noise)) == warned
    (line,) = validity.missed_equation(given(), 0.123)
    assert "equation of m = 2, ka = 9, M = 0.3 is missed by 12.3%" in line
    assert "too small to check" in validity.missed_equation(given(), None)[0]


def test_no_cell_may_be_left_to_check():
    assert validity.missed_equation(given(), None, 0.5) != []
    x, r = (np.arange(9) - 4) / 16 + 0.01, (np.arange(40) + 0.5) / 20
    model = ConstrainedNetwork(ConstrainedConfig(tuple(x), tuple(r)))
    values = torch.ones(1, 4, 9, 40, dtype=torch.float64)
    parameters = torch.tensor([[2.0, 9.0, 0.3]], dtype=torch.float64)
    assert validity.equation_residual(model, values[:, :2], parameters, values) is None


def test_cells_beside_lip_wall_axis_and_ends_are_left_out_of_the_residual():
    """Stencils are one-sided there, and the field is singular at the lip; all other cells count."""
    of = (2, 9.0, 0.3)
    model = ConstrainedNetwork(ConstrainedConfig(tuple(X), tuple(R)))
    psi, u, v = (torch.from_numpy(np.stack([f.real, f.imag])) for f in duct_mode(*of, X, R))
    parameters = torch.tensor([of], dtype=torch.float64)

    def found(wrong):
        """Residual with a potential that is wrong in some cells; it enters cell by cell."""
        given = psi + 10.0 * torch.from_numpy(wrong)
        return validity.equation_residual(model, given[None], parameters, torch.cat([u, v])[None])

    i, j = np.meshgrid(np.arange(64), np.arange(40), indexing="ij")
    ends = (i <= 4) | (i >= 59)
    axis, top = R[j] < 4 / 20, j >= 36
    wall, lip = np.abs(R[j] - 1) < 4 / 20, np.hypot(X[i], R[j] - 1) < 0.3
    exact = found(np.zeros((64, 40)))
    assert found(1.0 * (ends | axis | top | wall | lip)) == exact
    for cell in ((5, 20 - 8), (58, 4 + 1), (32, 20 + 8), (32, 35), (32, 20 - 8), (40, 20 + 5)):
        wrong = np.zeros((64, 40))
        wrong[cell] = 1.0
        assert found(wrong) > 2 * exact, cell


# differentiation


@pytest.fixture(scope="module")
def shipped():
    return differentiation.load_network(differentiation.LINEAR)


@pytest.fixture(scope="module", params=[differentiation.SHIPPED, differentiation.LINEAR])
def either(request):
    return differentiation.load_network(request.param)


def test_a_signal_to_noise_ratio_is_in_decibels_of_amplitude():
    assert differentiation.noise_of(None) == 0
    assert differentiation.noise_of(40.0) == pytest.approx(0.01)


def test_a_field_has_velocities_pressure_and_expected_errors(shipped):
    model, about = shipped
    field = given()
    found = differentiation.differentiate(field, model, ranges=about["ranges"], noise=0.0)
    local = model.on_grid(X, R)
    expected = local.expected_error(torch.tensor([[2, 9.0, 0.3]], dtype=torch.float64))[0].detach().numpy()
    for index, name in enumerate(("axial_velocity", "radial_velocity")):
        rms = np.sqrt(np.mean(np.abs(getattr(found, name)) ** 2))
        np.testing.assert_allclose(getattr(found, f"{name}_error"), expected[index] * rms, rtol=1e-6)
    _, u, _ = duct_mode(2, 9.0, 0.3, X, R)
    away = np.abs(X) > 0.5  # a duct mode goes on behind the lip, which the network takes for a diffracting one
    assert np.linalg.norm((found.axial_velocity - u)[away]) < 1e-3 * np.linalg.norm(u[away])
    np.testing.assert_allclose(found.pressure, 1j * 9.0 * field.potential - 0.3 * found.axial_velocity, rtol=1e-12)
    np.testing.assert_array_equal(found.potential, field.potential)
    assert (found.noise, found.estimate) == (0, None)
    assert found.about_noise.endswith("as told")


def test_noise_that_is_not_told_is_estimated(shipped):
    model, _ = shipped
    field, rng = given(), np.random.default_rng(0)
    exact = differentiation.differentiate(field, model)
    assert exact.noise < 1e-9  # a duct mode in closed form: rounding
    told = differentiation.differentiate(field, model, noise=0.0)
    np.testing.assert_allclose(exact.axial_velocity, told.axial_velocity, rtol=0, atol=1e-6)
    size = np.sqrt(np.mean(np.abs(field.potential) ** 2))
    noise = 1e-2 * size * (rng.normal(size=(*field.potential.shape, 2)) @ [1, 1j]) / np.sqrt(2)
    noisy = dataclasses.replace(field, potential=field.potential + noise)
    found, told = (differentiation.differentiate(noisy, model, noise=level) for level in (None, 1e-2))
    assert found.noise == found.estimate.level == pytest.approx(1e-2, rel=0.05)
    assert "random from cell to cell" in found.about_noise
    assert not any("is missed by" in line for line in found.warnings)
    apart = np.linalg.norm(found.axial_velocity - told.axial_velocity)
    assert apart < 1e-3 * np.linalg.norm(told.axial_velocity)


def test_the_unet_is_what_is_used_and_expects_its_errors():
    """On a diffracted field: more accurate than the linear network, in noise as well, and it says how accurate."""
    field = solve(DuctMode(2, 0, 9.0, 0.3)).field(X, R)
    rng = np.random.default_rng(0)
    noise = (rng.normal(size=(*field.potential.shape, 2)) @ [1, 1j]) * np.sqrt(
        np.mean(np.abs(field.potential) ** 2) / 2
    )
    assert type(differentiation.load_network()[0]).__name__ == "ConstrainedUNet"
    for level in (0.0, 1e-2):
        one = Potential(X, R, field.potential + level * noise, 2, 9.0, 0.3)
        errors, expected = [], []
        for name in (differentiation.SHIPPED, differentiation.LINEAR):
            found = differentiation.differentiate(one, differentiation.load_network(name)[0])
            missed = np.abs(found.axial_velocity - field.axial_velocity)
            errors.append(np.linalg.norm(missed))
            expected.append(np.mean(missed < 3 * found.axial_velocity_error))
            assert not [line for line in found.warnings if "spacing" not in line]
        assert errors[0] < errors[1]
        assert expected[0] > 0.7 or level > 0  # in noise the U-net expects too little on grids as coarse as this


def test_a_field_of_other_parameters_is_no_noise_that_is_allowed_for(shipped):
    """Of any size: the equation's residual would be excused by as much noise."""
    model, _ = shipped
    for of in ((2, 9.45, 0.3), (2, 40.0, 0.3), (2, 9.0, 0.2)):
        found = differentiation.differentiate(given(of=of), model, trusted=True)
        assert "not random" in found.about_noise
        assert any("is missed by" in line for line in found.warnings), of


def test_what_is_no_field_at_all_is_half_noise(either):
    """Of a chessboard the patches miss more, per dimension, than it has per value."""
    board = (-1.0) ** np.add.outer(np.arange(64), np.arange(40)) + 0j
    found = differentiation.differentiate(dataclasses.replace(given(), potential=board), either[0])
    assert found.estimate.level > 1
    assert found.noise == 0.5


def test_an_uneven_grid_is_refused_with_its_spacings(either):
    x = X + 0.01 * X**2
    with pytest.raises(ValueError, match=r"x must be .* evenly spaced, .* got spacings 0\.060\d* \.\.\. 0\.064"):
        differentiation.differentiate(dataclasses.replace(given(), x=x), either[0])


def test_the_noise_of_a_small_grid_is_unknown(either):
    model, _ = either
    few = slice(28, 36)
    field = dataclasses.replace(given(), x=X[few], potential=given().potential[few])
    found = differentiation.differentiate(field, model)
    assert (found.noise, found.estimate) == (0.0, None)
    assert any("the noise is unknown, and is taken for zero" in line for line in found.warnings)
    assert not any(
        "noise is unknown" in line for line in differentiation.differentiate(field, model, noise=0.0).warnings
    )


def test_a_pressure_without_flow_is_its_potential(either):
    model, _ = either
    field = given(mach=0.0)
    pressure = Pressure(X, R, 9.0j * field.potential, 2, 9.0, 0.0)
    found, expected = (differentiation.differentiate(one, model) for one in (pressure, field))
    for name in ("potential", "axial_velocity", "radial_velocity", "pressure"):
        # rounding, amplified at the lip
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-12, atol=2e-9)


def test_noise_is_allowed_for_and_warnings_are_collected(shipped):
    model, _ = shipped
    field = given(2, 9.0, 0.3, of=(2, 12.0, 0.3))
    wrong = differentiation.differentiate(field, model, ranges={"mach": [-0.1, 0.1]}, noise=0.0, trusted=True)
    assert [line.split(" ")[0] for line in wrong.warnings] == ["mach", "the", "the", "the"]
    assert "spacing in x" in wrong.warnings[1]
    assert "spacing in r" in wrong.warnings[2]
    assert f"is missed by {wrong.equation_residual:.1%}" in wrong.warnings[3]
    noisy = differentiation.differentiate(field, model, noise=0.5, trusted=True)
    assert not any("is missed by" in line for line in noisy.warnings)
    assert (noisy.noise, wrong.noise) == (0.5, 0.0)
    assert np.median(noisy.axial_velocity_error) > 10 * np.median(wrong.axial_velocity_error)


# prediction and detection


@pytest.fixture(scope="module")
def surrogate():
    return far_field.load()


def test_a_prediction_is_quoted_with_its_coverage(surrogate):
    degrees = np.array([0.0, 30.0, 90.0])
    bars = []
    for coverage in (0.5, 0.95, 0.99):
        found = prediction.predict(surrogate, DuctMode(2, 0, 5.0, 0.3), degrees, coverage=coverage)
        assert found.coverage == coverage
        bars.append(found.error_bar)
        assert found.error_bar == surrogate.error_bar(5.0, 0.3, coverage)
    assert bars[0] < bars[1] < bars[2]
    with torch.no_grad():
        theta = torch.from_numpy(stretched_angle(np.radians(degrees), 0.3))
        exact = surrogate(2, 0, 5.0, 0.3, theta)[0].numpy()
    np.testing.assert_allclose(found.far.amplitude, exact, rtol=1e-12)
    pressure = np.abs(solve(DuctMode(2, 0, 5.0, 0.3)).pressure_directivity(np.radians(degrees)))
    np.testing.assert_allclose(np.abs(found.far.pressure), pressure, atol=2e-4 * np.max(pressure))
    with pytest.raises(ValueError, match=r"hub=0\.4"):
        prediction.predict(surrogate, DuctMode(2, 0, 5.0, hub=0.4), degrees)


def test_an_extrapolation_has_no_error_bar_and_must_be_asked_for(surrogate):
    high = surrogate.config.high
    for mach in (0.0, 0.6):  # K counts, not ka
        helmholtz = 1.05 * high * np.sqrt(1 - mach**2)
        with pytest.raises(ValueError, match="outside the training range"):
            prediction.predict(surrogate, DuctMode(0, 0, helmholtz, mach), np.array([30.0]))
        found = prediction.predict(surrogate, DuctMode(0, 0, helmholtz, mach), np.array([30.0]), extrapolate=True)
        assert found.error_bar is None
        assert not surrogate.extrapolate  # as before
        inside = prediction.predict(
            surrogate, DuctMode(0, 0, 0.99 * high * np.sqrt(1 - mach**2), mach), np.array([30.0])
        )
        assert inside.error_bar is not None
        below = 0.98 * surrogate.config.low * np.sqrt(1 - mach**2)
        assert (
            prediction.predict(surrogate, DuctMode(0, 0, below, mach), np.array([30.0]), extrapolate=True).error_bar
            is None
        )


def test_modes_are_found_with_the_sign_of_their_order(surrogate):
    rng = np.random.default_rng(0)
    angle, phi = np.radians(rng.uniform(20, 120, 30)), rng.uniform(0, 2 * np.pi, 30)
    x, r = 8 * np.cos(angle), 8 * np.sin(angle)
    with torch.no_grad():
        one = surrogate.pressure(2, 0, 6.0, 0.0, torch.from_numpy(x), torch.from_numpy(r))[0].numpy()
    pressure = (0.5 - 1j) * one * np.exp(-2j * phi)  # of m = -2
    found = detection.detect(
        surrogate, MicrophoneArray(x, r, phi, pressure[None], 6.0, 0.0, 1e-6), [(2, 0), (-2, 0), (0, 0)]
    )
    amplitudes = {(mode.m, mode.n): mode.amplitude for mode in found.modes}
    assert amplitudes[-2, 0] == pytest.approx(0.5 - 1j, rel=1e-9)
    assert abs(amplitudes[2, 0]) + abs(amplitudes[0, 0]) < 1e-9
    few = detection.detect(
        surrogate, MicrophoneArray(x, r, phi, pressure[None], 6.0, 0.0, 1e-3), few=True, coverage=0.5
    )
    assert [(mode.m, mode.n) for mode in few.modes] == [(-2, 0)]
    assert few.coverage == 0.5


def test_modes_that_are_cut_on_by_the_flow_are_looked_for(surrogate):
    """At M = 0.6 alpha = 3.83 is cut on from ka = 3.07, (3, 0) from 3.36: at ka = 3.2 without flow neither is."""
    rng = np.random.default_rng(2)
    angle, phi = np.radians(rng.uniform(20, 120, 60)), rng.uniform(0, 2 * np.pi, 60)
    place = 8 * np.cos(angle), 8 * np.sin(angle), phi
    pressure = rng.normal(size=(1, 60)) + 1j * rng.normal(size=(1, 60))
    array = MicrophoneArray(*place, pressure, 3.2, 0.6, 1.0)
    found = detection.detect(surrogate, array)
    modes = [(mode.m, mode.n) for mode in found.modes]
    assert set(modes) == {(0, 0), (1, 0), (-1, 0), (2, 0), (-2, 0), (0, 1)}
    matrix = detection.responses(surrogate, array, modes).T
    assert found.condition == pytest.approx(np.linalg.cond(matrix / np.linalg.norm(matrix, axis=0)), rel=1e-9)
    rest = pressure[0] - matrix @ [mode.amplitude for mode in found.modes]
    assert np.max(np.abs(matrix.conj().T @ rest)) < 1e-9 * np.linalg.norm(matrix)
    # unbiased: of 60 complex numbers six are fitted
    assert found.noise == pytest.approx(np.linalg.norm(rest) / np.sqrt(60 - 6), rel=1e-9)


def test_intervals_widen_with_coverage_as_the_normal_distribution_says(surrogate):
    rng = np.random.default_rng(1)
    angle, phi = np.radians(rng.uniform(20, 120, 30)), rng.uniform(0, 2 * np.pi, 30)
    place = 8 * np.cos(angle), 8 * np.sin(angle), phi
    array = MicrophoneArray(*place, rng.normal(size=(1, 30)) + 0j, 6.0, 0.0, 1.0)
    widths = [detection.detect(surrogate, array, [(0, 0)], coverage=level).modes[0].half_width for level in (0.5, 0.95)]
    assert widths[1] / widths[0] == pytest.approx(1.959964 / 0.674490, rel=1e-5)


def test_orders_that_were_not_learned_are_told():
    model = SimpleNamespace(unlearned=lambda helmholtz, mach: 11 if helmholtz > 12 else None)
    assert detection.unlearned_orders(model, SimpleNamespace(helmholtz=13.0, mach=0.0)) == [
        "m = 11 is cut on, too, and was not learned"
    ]
    assert detection.unlearned_orders(model, SimpleNamespace(helmholtz=9.0, mach=0.0)) == []


def test_runs_of_another_kind_are_refused():
    with pytest.raises(ValueError, match="one of the derivative task is needed"):
        differentiation.load_network(WEIGHTS / "factor")
    with pytest.raises(ValueError, match="model unet, one of the constrained U-net or of the constrained network"):
        differentiation.load_network(WEIGHTS / "unet")
    with pytest.raises(ValueError, match="one of the factor task is needed"):
        prediction.load_network(WEIGHTS / "derivative")


@pytest.mark.parametrize(("impedance", "where"), [(1 + 0.5j, (-1.7, -0.3)), (20.0, (-1.7, -0.3))])
def test_a_wall_that_is_not_hard_is_told(impedance, where):
    field = solve(DuctMode(2, 0, 5.0), liner=Liner(impedance, 1.0, 0.5)).field(X, R)
    for kind, values in ((Potential, field.potential), (Pressure, field.pressure)):
        (line,) = validity.lined_wall(kind(X, R, values, 2, 5.0, 0.0))
        start, end = map(float, re.search(r"from x = (\S+) to (\S+):", line).groups())
        assert where[0] <= start < -0.9 < end <= where[1]
    network, _ = differentiation.load_network(differentiation.LINEAR)
    found = differentiation.differentiate(Potential(X, R, field.potential, 2, 5.0, 0.0), network, noise=0.0)
    assert any("the duct's wall is not hard" in line for line in found.warnings)


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_a_hard_wall_is_not_taken_for_a_liner(noise):
    rng = np.random.default_rng(0)
    for mode in ((2, 9.0, 0.3), (8, 12.0, 0.0), (1, 3.0, -0.3)):
        field = given(*mode)
        error = noise * np.sqrt(np.mean(np.abs(field.potential) ** 2)) * rng.standard_normal(field.potential.shape)
        assert validity.lined_wall(dataclasses.replace(field, potential=field.potential + error)) == []
    assert validity.lined_wall(Potential(X[:20], R, field.potential[:20], 0, 3.0, 0.0)) == []
    assert validity.lined_wall(Potential(X[-20:], R, field.potential[-20:], 0, 3.0, 0.0)) == []
