"""What the surrogates of jets make of unusual input: refused by name, or a field of the expected shape."""

import numpy as np
import pytest
import torch

from wavenet.jets import load, load_high
from wavenet.jets.modes import JetModes

LOW = {"m": 2, "n": 0, "helmholtz": 5.0, "mach": 0.3}
HIGH = {
    "m": 3,
    "n": 0,
    "helmholtz": 9.7,
    "mach": 0.8,
    "mach_outer": 0.1,
    "sound_speed_ratio": 0.9,
    "density_ratio": 1.3,
}
THETA = np.linspace(0, np.pi, 4)


@pytest.fixture(params=["low", "high"])
def case(request):
    """A network of its own, and a mode that it takes."""
    return (load(), LOW) if request.param == "low" else (load_high(), HIGH)


@pytest.mark.parametrize("name", JetModes._fields)
@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (1 + 2j, "must be of real numbers, got"),
        (np.array([0.2 + 0j]), "must be of real numbers, got"),
        (True, "must be of real numbers, got True"),
        ("5", "must be a number or an array of numbers, got '5'"),
        (None, "must be a number or an array of numbers, got None"),
    ],
)
def test_what_is_not_real_is_refused_by_name(name, value, fault):
    """An imaginary part was dropped without a word."""
    with pytest.raises(TypeError, match=f"^{name} {fault}"):
        load().directivity(**LOW | {name: value}, theta=THETA)


@pytest.mark.parametrize("name", JetModes._fields)
def test_a_table_of_parameters_is_refused_by_name(name):
    with pytest.raises(ValueError, match=rf"^{name} must have at most one dimension, got shape \(1, 2\)"):
        load().directivity(**LOW | {name: [[1, 1]]}, theta=THETA)


@pytest.mark.parametrize("changes", [{"m": 2.5}, {"m": np.float32(0.2)}, {"n": 0.5}, {"n": np.nan}])
def test_orders_are_whole(case, changes):
    """m = 2.5 had the field of m = 2."""
    model, mode = case
    with pytest.raises(ValueError, match=r"^m and n must be integers: m = "):
        model.reflection(**mode | changes)


def test_whole_orders_may_be_floats(case):
    model, mode = case
    same = mode | {"m": float(mode["m"]), "n": np.array([0.0])}
    assert torch.equal(model.reflection(**same), model.reflection(**mode))


def test_other_numbers_of_cases_are_named():
    with pytest.raises(ValueError, match=r"as many cases as the others, got cases: {'helmholtz': 2, 'mach': 3}"):
        load().directivity(2, 0, [5.0, 6.0], [0.3, 0.3, 0.3], THETA)


def test_too_few_parameters_are_listed():
    with pytest.raises(TypeError, match=r"expected m, n, helmholtz, mach, .*, got 4 parameters"):
        load().usable(2, 0, 5.0, 0.3)


@pytest.mark.parametrize(
    ("theta", "kind", "fault"),
    [
        (1 + 1j, TypeError, "theta must be of real numbers"),
        ("x", TypeError, "theta must be a number or an array of numbers"),
        ([True], TypeError, "theta must be of real numbers"),
        ([[[0.0]]], ValueError, "theta must have at most 2 dimensions"),
        ([[0.0], [1.0], [2.0]], ValueError, "theta must have one row, or one for each of 2 cases, got 3"),
        ([4.0], ValueError, r"theta must lie in \[0, pi\] rad, got 4"),
        ([np.nan], ValueError, r"theta must lie in \[0, pi\] rad, got nan"),
    ],
)
def test_angles_are_refused_by_name(theta, kind, fault):
    with pytest.raises(kind, match=fault):
        load().directivity(2, 0, [5.0, 6.0], 0.3, theta)


def test_fields_refuses_the_same_angles():
    with pytest.raises(ValueError, match=r"theta must lie in \[0, pi\] rad, got -1"):
        load().fields(**LOW, theta=[-1.0])
    with pytest.raises(ValueError, match=r"theta must have at most one dimension, got shape \(1, 2\)"):
        load().fields(**LOW, theta=[[1.0, 2.0]])


def test_angles_of_any_form_are_the_same_field():
    model = load()
    every = model.directivity(2, 0, [5.0, 6.0], 0.3, THETA)
    assert torch.equal(model.directivity(2, 0, [5.0, 6.0], 0.3, THETA[None]), every)
    assert torch.equal(model.directivity(2, 0, [5.0, 6.0], 0.3, np.stack([THETA, THETA])), every)
    torch.testing.assert_close(model.directivity(2, 0, [5.0, 6.0], 0.3, THETA[1])[:, 0], every[:, 1])


def test_no_cases_are_fields_of_no_cases(case):
    model, mode = case
    none = mode | {"helmholtz": torch.tensor([], dtype=torch.float64)}
    assert model.directivity(**none, theta=THETA).shape == (0, 4)
    assert model.reflection(**none).shape == (0, model.orders)
    assert model.radiated(**none).shape == (0,)
    assert [one.shape for one in model.fields(**none, theta=THETA)] == [(0, 4), (0, model.orders)]
    assert load().end_correction([], []).shape == (0,)


@pytest.mark.parametrize(
    ("m", "helmholtz", "mach"), [(2, np.nan, 0.3), (2, -5.0, 0.3), (2, 5.0, 1.3), (200, 5.0, 0.3), (np.nan, 5.0, 0.3)]
)
def test_there_is_no_error_bar_outside_the_ranges(m, helmholtz, mach):
    """An order of 200 and a frequency of NaN had one."""
    with pytest.raises(ValueError, match=r"^(m|helmholtz|mach) must lie in the trained range .* got "):
        load().error_bar(m, helmholtz, mach)


def test_the_high_domain_in_single_precision():
    """Products of 18 waves overflowed, zeros were not found, and no zeros at all were an error of torch."""
    model = load_high()
    mode = HIGH | {"m": [3, 10, 15], "helmholtz": [9.7, 15.15, 17.4], "mach": [0.8, 0.75, 0.86]}
    double = model.directivity(**mode, theta=THETA)
    single = model.float().directivity(**mode, theta=THETA)
    assert single.dtype == torch.complex64
    error = torch.linalg.norm(single - double, dim=1) / torch.linalg.norm(double, dim=1)
    assert error.max() < 1e-4  # a thousand times the rounding
