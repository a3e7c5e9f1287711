"""End correction of the plane wave down to the lowest frequencies, against Levine and Schwinger's integrals."""

import mpmath
import numpy as np
import pytest

from analytic import ConvergenceError, DuctMode, Jet, solve
from analytic.end_correction import low_frequency
from analytic.media import uniform
from analytic.section import Section


def levine_schwinger(k):
    """Phys. Rev. 73 (1948), 383-406, their l / a: integrals in x = k / cosh(t) and x = e^t, by the trapezoidal
    rule, whose error is exp(-2 pi (pi / 2) / 0.25)."""
    step = 0.25
    with mpmath.workdps(30):
        total = mpmath.mpf(0)
        for j in range(-180, 160):  # 3e-20 ... 2e17
            x = mpmath.exp(j * step)
            total -= mpmath.log(2 * mpmath.besseli(1, x) * mpmath.besselk(1, x)) / mpmath.sqrt(
                x**2 + mpmath.mpf(k) ** 2
            )
        for j in range(120 if k else 0):  # half of an even integrand
            x = k / mpmath.cosh(j * step)
            travelling = mpmath.log(mpmath.pi * mpmath.besselj(1, x) * abs(mpmath.hankel1(1, x))) / k
            total += travelling / 2 if j == 0 else travelling
        return float(total * step / mpmath.pi)


def test_the_limit_of_low_frequencies():
    limit = levine_schwinger(0)
    assert abs(limit - 0.6127) < 5e-5  # as published
    for ka in (1e-20, 1e-12, 1e-9, 1e-6):
        assert abs(solve(DuctMode(0, 0, ka)).end_correction - limit) < 1e-12 + 0.3 * ka**2 * -np.log(ka)
        assert abs(solve(DuctMode(0, 0, ka, -0.6)).end_correction - 0.8 * limit) < 1e-12 + 0.3 * ka**2 * -np.log(ka)


def test_low_frequencies_against_two_real_integrals():
    for ka in (1e-4, 1e-2):
        value, error = low_frequency(Section(0), ka)
        assert abs(value - levine_schwinger(ka)) < error + 1e-14
        assert error < 1e-13


@pytest.mark.parametrize("hub", [0.0, 0.4, 0.9])
def test_both_forms_agree_within_their_estimates(hub, monkeypatch):
    for ka in (1e-4, 9e-4, 0.1, 2.0):
        low = low_frequency(Section(0, hub), ka)
        monkeypatch.setattr(uniform, "_LOW", 0.0)
        value, error = solve(DuctMode(0, 0, ka, hub=hub)).transform.end_correction()
        assert abs(value - low[0]) < error + low[1]
        monkeypatch.undo()
        assert solve(DuctMode(0, 0, ka, hub=hub)).end_correction == (low[0] if ka < 1e-3 else value)


def test_an_end_correction_lost_in_the_phase_is_refused(monkeypatch):
    with_jet = solve(DuctMode(0, 0, 1e-3, 0.3), jet=Jet())
    value, error = with_jet.transform.end_correction()
    assert value == with_jet.end_correction > 0
    assert error == pytest.approx(with_jet.error_estimate * 0.91 / 2e-3, rel=1e-12, abs=0)
    monkeypatch.setattr(uniform, "_LOW", 0.0)
    with pytest.raises(ConvergenceError, match="of the end correction"):
        assert solve(DuctMode(0, 0, 1e-9)).end_correction
