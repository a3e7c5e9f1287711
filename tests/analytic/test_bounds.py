"""Work is bounded before it begins, and numerics that fail do so without a warning (warnings are errors here)."""

import dataclasses
import re

import numpy as np
import pytest

from analytic import (
    ConvergenceError,
    DuctMode,
    Jet,
    ModeMixture,
    MultiMode,
    near_fields,
    radial_eigenvalue,
    solve,
    sweep,
)
from analytic import contour as contour_module
from analytic import multimode as multimode_module
from analytic import near_field as near_field_module
from analytic import sheet as sheet_module
from analytic import sheet_factors as factors_module
from analytic import sheet_line as line_module
from analytic.media import uniform_sweep
from analytic.sheet import Sheet
from analytic.sheet_factors import SheetFactors

HOT = 2, 5.0, 0.6, 0.1, 0.8, 1.3  # m, ka, M, outer M, ratios of sound speeds and densities
AT_CUT_ON = radial_eigenvalue(0, 1)


@pytest.mark.parametrize(
    "call",
    [
        lambda mode: solve(mode),
        lambda mode: sweep(0, 1, AT_CUT_ON, [1.0]),
        lambda mode: near_fields([mode], [0.5], [0.5]),
        lambda mode: near_fields([DuctMode(0, 0, 2.0), mode], [0.5], [0.5]),
        lambda mode: solve(MultiMode([ModeMixture(0, [1.0, 1.0], AT_CUT_ON)], [1.0])),
    ],
)
def test_a_mode_just_at_cut_on_is_refused_without_a_warning(call):
    mode = DuctMode(0, 1, AT_CUT_ON)  # K - alpha is zero, and divides
    with pytest.raises(ConvergenceError, match="error estimate"):
        call(mode)


def test_a_thin_hub_at_a_low_frequency_is_no_hub():
    # gamma h is denormal, and m / (gamma h) overflows.
    ka, theta = [2.6e-8, 0.28], [1e-11, 0.5, 2.0]
    thin, none = (sweep(40, 1, ka, theta, mach=[0.0, 0.9], hub=hub) for hub in (1e-300, 0.0))
    np.testing.assert_allclose(thin.reflection, none.reflection, rtol=1e-12)
    np.testing.assert_allclose(thin.directivity, none.directivity, rtol=1e-12)


def test_values_of_a_sweep_that_are_not_finite_are_recorded(monkeypatch):
    def broken(cases, theta):
        directivity = np.ones((len(cases), len(theta)), complex)
        directivity[cases.helmholtz > 1, 0] = np.nan
        return np.ones(len(cases), complex), directivity, np.full(len(cases), 1e-12), [""] * len(cases)

    monkeypatch.setattr(uniform_sweep, "solve", broken)
    found = sweep(0, 0, [0.5, 2.0], [1.0, 2.0], errors="record")
    assert found.valid.tolist() == [True, False]
    assert np.all(found.directivity[1] == 0)


def test_a_jet_with_too_many_orders_is_refused_before_they_are_computed(monkeypatch):
    monkeypatch.setattr(Sheet, "zeros", lambda *_: pytest.fail("zeros were followed"))
    # Fast outer streams in a light, slow fluid: the branch points are a million k apart.
    with pytest.raises(
        ConvergenceError, match=r"\d{5,} radial orders .* more than 20000: the branch points .* too far"
    ):
        solve(DuctMode(40, 0, 0.34, 0.36), jet=Jet(0.999, 0.01, 1000.0))


def test_only_so_many_zeros_are_followed(monkeypatch):
    with pytest.raises(ConvergenceError, match=r"modes of 2100 radial orders of the jet are too many, above 1500"):
        Sheet(2, 800.0, 0.9, 0.2, 0.7, 2.0).zeros(0.1)
    calls = []
    newton = Sheet._newton
    monkeypatch.setattr(Sheet, "_newton", lambda *args: calls.append(1) or newton(*args))
    sheet = Sheet(*HOT)
    orders = sheet.reach()
    monkeypatch.setattr(sheet_module, "_MOST_STEPS", 3 * (orders + 200))
    with pytest.raises(ConvergenceError, match=rf"of {orders} radial orders .* need more than 3 steps .* 3 other"):
        SheetFactors(sheet, follow=True)
    assert len(calls) == 4 + 3  # a light fluid and three steps; then each other way does not get beyond the former


@pytest.mark.parametrize(("module", "name"), [(line_module, "_MOST_CLEARED"), (factors_module, "_MOST_STARTS")])
def test_too_many_zeros_beside_a_line_leave_the_fast_lane(monkeypatch, module, name):
    jet = 2, 8.0, 0.9, 0.2, 0.7, 2.0
    quick = SheetFactors(Sheet(*jet))
    assert quick.fast
    monkeypatch.setattr(module, name, 3)
    if module is line_module:
        with pytest.raises(ConvergenceError, match=r"\d+ zeros and poles lie near the factorisation line, above 3"):
            SheetFactors(Sheet(*jet))
    else:
        slow = SheetFactors(Sheet(*jet))
        assert not slow.fast
        s = np.array([1.0 + 5j, 3.0 - 2j])
        np.testing.assert_allclose(slow.plus(s)[0], quick.plus(s)[0], rtol=1e-10)


def test_blocks_change_no_result(monkeypatch):
    factors = SheetFactors(Sheet(*HOT))
    s = np.linspace(factors.sheet.left, factors.sheet.right, 12)[1:-1].reshape(2, 5) + 0j
    whole = factors.plus(s), factors.minus(s)
    path = contour_module.contour(9.0, np.arange(1.0, 8.0), extent=2.0, nearest=0.1, exponent=9.0, growth=7.0)
    monkeypatch.setattr(factors_module, "_TOGETHER", 3)
    monkeypatch.setattr(contour_module, "_BLOCK", 1)
    for (value, error), (other, other_error) in zip(whole, (factors.plus(s), factors.minus(s)), strict=True):
        np.testing.assert_allclose(other, value, rtol=1e-13)
        np.testing.assert_allclose(other_error, error, rtol=0.5)
    assert factors.plus(np.empty((0, 2), complex))[0].shape == (0, 2)
    again = contour_module.contour(9.0, np.arange(1.0, 8.0), extent=2.0, nearest=0.1, exponent=9.0, growth=7.0)
    np.testing.assert_array_equal(again.s, path.s)


def test_a_jets_modes_are_not_followed_for_points_that_are_too_far(monkeypatch):
    solution = solve(DuctMode(0, 0, 5.0, 0.4), jet=Jet())
    monkeypatch.setattr(Sheet, "zeros", lambda *_: pytest.fail("zeros were followed"))
    with pytest.raises(ValueError, match=r"positions are up to 1e\+08 from the lip; the near field reaches to"):
        solution.at([3.0], [1e8])


def test_the_number_of_modes_is_bounded(monkeypatch):
    source = MultiMode.equal_power(5.0)
    solution = solve(source)
    monkeypatch.setattr(multimode_module, "_MOST_POWERS", 3)
    with pytest.raises(
        ConvergenceError, match="powers of 5 parts were not computed, they are more than 3, for 8 parts"
    ):
        assert solution.power
    assert np.all(solution.mean_square([0.5, 1.0]) > 0)
    monkeypatch.setattr(multimode_module, "_MOST_PARTS", 6)
    with pytest.raises(ValueError, match=re.escape("at most 6 modes may be cut on, there are more at helmholtz=5.0")):
        MultiMode.equal_power(5.0)
    with pytest.raises(ValueError, match="at most 6 parts are taken, got 8"):
        MultiMode(source.parts, source.powers)


def test_a_field_is_given_up_when_more_nodes_do_not_help(monkeypatch):
    solution, tried = solve(DuctMode(0, 0, 2.0)), []
    field = solution.at([0.5], [0.5])

    def stalled(*_):
        tried.append(1)
        return [[dataclasses.replace(field, error_estimate=1e-3)]]

    monkeypatch.setattr(near_field_module, "_sums", stalled)
    with pytest.raises(ConvergenceError, match=r"the error estimate of the field, 1\.0e-03, is above"):
        solution.at([0.5], [0.5])
    assert len(tried) == 3
