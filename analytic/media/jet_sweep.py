"""Reflection and directivity of many sources in ducts with a jet, see `sweeps`."""

import numpy as np

from ..arrays import EPS, ComplexArray, FloatArray, IntArray
from ..cases import Cases, alike
from ..source import DuctMode, ModeMixture
from .jet import Jet, JetTransform

SHARED = True  # whether cases solved together share what may fail
_FACTORISED = ("mach_outer", "sound_speed_ratio", "density_ratio")


class _Driven(JetTransform):
    """Transform of which only the displacement is asked for."""

    def reflect(self) -> None:
        """Leave out the reflected amplitudes."""


def check(cases: Cases) -> None:
    """Raise a ValueError unless every case has a jet out of the duct."""
    for group in alike(*cases.outer.values()):
        _jet(cases, int(group[0]))
    for mach in cases.mach[~(cases.mach > 0)]:
        raise ValueError(f"a jet needs flow out of the duct, mach > 0, got mach={mach}")


def parts(cases: Cases) -> list[IntArray]:
    """Cases that share a factorisation: all radial orders and Kutta parameters of one jet."""
    outer = [cases.outer[name] for name in _FACTORISED]
    return alike(np.abs(cases.m), cases.hub, cases.helmholtz, cases.mach, *outer)


def solve(cases: Cases, theta: FloatArray) -> tuple[ComplexArray, ComplexArray, FloatArray]:
    """Reflection, directivity and error of one of the parts."""
    m = int(abs(cases.m[0]))
    duct = float(cases.helmholtz[0]), float(cases.mach[0]), float(cases.hub[0])
    jet = _jet(cases, 0)
    orders = np.unique(cases.n)
    incident = np.zeros(orders[-1] + 1)
    incident[orders] = 1
    common = _Driven(ModeMixture(m, incident, *duct), jet)
    s, factor = common.far(theta)
    points = np.concatenate([common.up[orders], s])
    plus = common.factors.plus(points)
    reflection, error = np.empty(len(cases), complex), np.empty(len(cases))
    directivity = np.empty((len(cases), len(theta)), complex)
    for group in alike(cases.outer["kutta"]):
        kutta = float(cases.outer["kutta"][group[0]])
        shed = common if kutta == jet.kutta else common.shedding(kutta)
        for case in group:
            n = int(cases.n[case])
            one = shed.incident(DuctMode(m, n, *duct))
            place = int(np.searchsorted(orders, n))
            eta, lost = one.displacement(points, plus)
            reflection[case] = one.upstream_amplitudes(eta[place], np.array(n))
            directivity[case] = factor * eta[len(orders) :]
            error[case] = one.source_error + lost[place] + lost.max() + one.cancellation + 4 * EPS
    return reflection, directivity, error


def _jet(cases: Cases, case: int) -> Jet:
    """The jet of a case."""
    mach_outer, sound_speed_ratio, density_ratio, kutta = (
        float(cases.outer[name][case]) for name in (*_FACTORISED, "kutta")
    )
    return Jet(mach_outer, sound_speed_ratio, density_ratio, kutta)
