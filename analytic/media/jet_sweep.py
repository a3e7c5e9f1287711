"""Reflection and directivity of many sources in ducts with jets, see `sweeps`."""

import numpy as np

from ..arrays import EPS, ComplexArray, FloatArray, IntArray
from ..cases import Cases, alike
from ..section import Section
from ..sheet import Sheet
from ..sheet_factors import Factors, factorise_many
from .jet import Jet
from .jet_waves import cancellation, displacement, far, upstream_amplitudes

_FACTORISED = ("mach_outer", "sound_speed_ratio", "density_ratio")
_JETS = 24  # factorised at a time: their lines of integration take a few megabytes, and hide Python
_TOGETHER = 1 << 14  # directions of cases worked on at a time


def check(cases: Cases) -> None:
    """Raise a ValueError unless every case has a jet out of the duct."""
    for group in alike(*cases.outer.values()):
        outer, sound, density, kutta = (float(cases.outer[name][group[0]]) for name in (*_FACTORISED, "kutta"))
        Jet(outer, sound, density, kutta)
    for mach in cases.mach[~(cases.mach > 0)]:
        raise ValueError(f"a jet needs flow out of the duct, mach > 0, got mach={mach}")


def _jets(cases: Cases) -> list[IntArray]:
    """Cases that share a factorisation: all radial orders and Kutta parameters of one jet. Similar jets follow."""
    outer = [cases.outer[name] for name in _FACTORISED]
    return alike(np.abs(cases.m), cases.hub > 0, cases.helmholtz, cases.mach, cases.hub, *outer)


def parts(cases: Cases) -> list[IntArray]:
    """Cases of one azimuthal order, with or without hubs, jet by jet."""
    blocks: dict[tuple[int, bool], list[IntArray]] = {}
    for jet in _jets(cases):
        blocks.setdefault((abs(int(cases.m[jet[0]])), bool(cases.hub[jet[0]] > 0)), []).append(jet)
    return [
        np.concatenate(jets[start : start + _JETS]) for jets in blocks.values() for start in range(0, len(jets), _JETS)
    ]


def solve(cases: Cases, theta: FloatArray) -> tuple[ComplexArray, ComplexArray, FloatArray, list[str]]:
    """Reflection, directivity and error of one of the parts, and why cases fail, or ""."""
    groups = _jets(cases)
    first = [int(group[0]) for group in groups]
    columns = [cases.helmholtz, cases.mach, *(cases.outer[name] for name in _FACTORISED), cases.hub]
    m = abs(int(cases.m[0]))
    factorised, failures = factorise_many([Sheet(m, *(float(one[case]) for one in columns)) for case in first])
    reflection, error = np.zeros(len(cases), complex), np.full(len(cases), np.inf)
    directivity, reasons = np.zeros((len(cases), len(theta)), complex), [""] * len(cases)
    for number, reason in failures.items():
        for case in groups[number]:
            reasons[case] = reason
    for numbers, factors in factorised:
        which = np.concatenate([groups[number] for number in numbers])
        jets = np.repeat(np.arange(len(numbers)), [len(groups[number]) for number in numbers])
        some = cases.take(which)
        reflection[which], directivity[which], error[which] = _solve(factors, jets, some.n, some.outer["kutta"], theta)
    return reflection, directivity, error, reasons


def _solve(
    factors: Factors, jets: IntArray, n: IntArray, kutta: FloatArray, theta: FloatArray
) -> tuple[ComplexArray, ComplexArray, FloatArray]:
    """Reflection, directivity and error of cases (case,) from the factors of their jets."""
    sheets = factors.sheets
    # Every radial order of every jet once: rows of orders, filled up with the last.
    orders = [np.unique(n[jets == jet]) for jet in range(len(sheets.k))]
    rows = np.array([np.pad(one, (0, max(map(len, orders)) - len(one)), mode="edge") for one in orders])
    place = np.array([np.searchsorted(orders[jet], order) for jet, order in zip(jets, n, strict=True)])
    count = max(int(np.max(sheets.reach())), int(n.max()) + 1) + 1
    eigenvalues = np.broadcast_to(sheets.section.eigenvalues(count), (len(rows), count))
    lost = cancellation(sheets, eigenvalues)
    alpha = np.take_along_axis(eigenvalues, rows, axis=1)
    norm = np.array([Section(sheets.m, hub).norm(one) for hub, one in zip(_hubs(sheets), alpha, strict=True)])
    down, up = sheets.modes(alpha, 1), sheets.modes(alpha, -1)
    s, factor = far(sheets, theta)
    minus, minus_error = factors.minus(down)
    # Of each case: at its own mode that is reflected, and at all angles.
    at_modes, at_angles = factors.plus(up), factors.plus(s)
    strength = -sheets.inner(down)[0] / minus
    free = (1 - kutta[:, None]) / (factors.known.pair[jets, :1] - down[jets, place][:, None])
    reflection, error = np.empty(len(n), complex), np.empty(len(n))
    directivity = np.empty((len(n), len(theta)), complex)
    size = max(1, _TOGETHER // (len(theta) + 1))
    for start in range(0, len(n), size):
        part = np.s_[start : start + size]
        jet, mode = jets[part], (jets[part], place[part])
        value, gap = (_joined(*both, jet, mode) for both in zip(at_modes, at_angles, strict=True))
        source = down[mode][:, None], strength[mode][:, None], free[part]
        eta, gap = displacement(factors, jet, _joined(up, s, jet, mode), (value, gap), *source)
        reflected = upstream_amplitudes(sheets.take(jet), up[mode][:, None], norm[mode][:, None], eta[:, :1])
        reflection[part], directivity[part] = reflected[:, 0], factor[jet] * eta[:, 1:]
        error[part] = minus_error[mode] + gap[:, 0] + np.max(gap, axis=1) + lost[jet, 0] + 4 * EPS
    return reflection, directivity, error


def _hubs(sheets: Sheet) -> list[float]:
    return np.broadcast_to(sheets.section.hub, sheets.k.shape)[:, 0].tolist()


def _joined(modes: np.ndarray, angles: np.ndarray, jet: IntArray, mode: tuple[IntArray, IntArray]) -> np.ndarray:
    """Values of cases, at their mode and at all angles: (case, 1 + angle)."""
    return np.concatenate([modes[mode][:, None], angles[jet]], axis=1)
