"""Radial eigenvalues of discs and annuli, with a hard or a soft wall, in cached tables."""

from functools import lru_cache

import numpy as np
from scipy import special

from .arrays import FloatArray, IntArray
from .bessel import hankel_pair
from .errors import ConvergenceError

_TABLE = 64  # radial orders computed at first, enough for ka < 190; the table doubles when more are needed
_ANNULUS = 32  # the same with a hub
_MOST = 4096  # annuli whose eigenvalues are kept
_NEWTON = 60  # iterations: six and less, or a few more to halve a bracket
_CLOSE = 1e-8  # relative, of the last of them: convergence is quadratic
_NO_HUB = 1e-200
_kept: dict[tuple[bool, int, int, float], FloatArray] = {}


def eigenvalues(m: int, count: int, hub: float = 0.0) -> FloatArray:
    """First `count` zeros of S'; see `modes.radial_eigenvalues`."""
    if hub:
        return _annuli(False, abs(int(m)), count, np.array([hub], dtype=float))[0]
    size = _TABLE
    while size < count:
        size *= 2
    return _disc(abs(int(m)), size)[:count]


@np.errstate(all="ignore")
def far_eigenvalues(m: int, order: IntArray, hub: float = 0.0) -> FloatArray:
    """Zeros of S' of any radial orders, up to 1e9: without a table of those below. m >= 0, order >= 1."""
    # A hub so small that Y_m' overflows or is imaginary there: its phase is that of no hub.
    return _zeros(False, m, np.full(len(order), hub or _NO_HUB), order.astype(float))


def soft_eigenvalues(m: int, count: int, hub: float = 0.0) -> FloatArray:
    """First `count` zeros of S."""
    return _annuli(True, m, count, np.array([hub], dtype=float))[0] if hub else _soft_disc(m, count)


def many_eigenvalues(m: int, count: int, hubs: FloatArray, *, soft: bool = False) -> FloatArray:
    """First `count` zeros of S', or of S, for many hubs > 0: (hub, order)."""
    return _annuli(soft, m, count, hubs)


@lru_cache(maxsize=256)
def _soft_disc(m: int, size: int) -> FloatArray:
    zeros: FloatArray = special.jn_zeros(m, size)
    zeros.flags.writeable = False
    return zeros


@lru_cache(maxsize=256)
def _disc(m: int, size: int) -> FloatArray:
    if m == 0:
        zeros = np.concatenate([[0.0], special.jn_zeros(1, size - 1)])  # J_0' = -J_1
        live = zeros[1:]
    else:
        zeros = special.jnp_zeros(m, size)
        live = zeros
    # J_m'' = -J_m'/z - (1 - m^2/z^2) J_m: one Newton step takes the zeros to the last digit.
    slope = -special.jvp(m, live) / live - (1 - (m / live) ** 2) * special.jv(m, live)
    live -= special.jvp(m, live) / slope
    zeros.flags.writeable = False
    return zeros


def _annuli(soft: bool, m: int, count: int, hubs: FloatArray) -> FloatArray:
    """First `count` eigenvalues, with a hard or a soft wall, of each hub: (hub, order). Those found are kept."""
    size = _ANNULUS
    while size < count:
        size *= 2
    keys = [(soft, m, size, hub) for hub in hubs.tolist()]
    new = sorted({key[-1] for key in keys if key not in _kept})
    if new:
        if len(_kept) > _MOST:
            _kept.clear()
            new = sorted({key[-1] for key in keys})
        for hub, row in zip(new, _by_phase(soft, m, size, np.array(new)), strict=True):
            _kept[soft, m, size, hub] = row
    return np.stack([_kept[key][:count] for key in keys])


@np.errstate(all="ignore")  # below z = m the phases' slope may vanish, and Y_m may overflow: the bracket is halved
def _by_phase(soft: bool, m: int, size: int, hubs: FloatArray) -> FloatArray:
    """The same, computed: the difference of two phases is a multiple of pi.

    With the phases phi of H_m' and psi of H_m, S' is proportional to sin(phi(z) - phi(z h)), S to sin(psi(z) - phi(z
    h)). The differences rise with z > m. Newton's method, inside brackets.
    """
    plane = m == 0 and not soft  # alpha = 0 comes first
    h, order = (one.ravel() for one in np.broadcast_arrays(hubs[:, None], np.arange(size) + float(plane)))
    found = _zeros(soft, m, h, order).reshape(len(hubs), size)
    return np.concatenate([np.zeros((len(hubs), 1)), found[:, :-1]], axis=1) if plane else found


def _zeros(soft: bool, m: int, h: FloatArray, order: FloatArray) -> FloatArray:
    """Zeros where the phases differ by pi times the order."""
    low = np.full(h.shape, max(m, 1e-3) * (1 - 1e-12))
    high = m + np.pi * (order + 0.5 * m + 3) / (1 - h)
    z = np.sqrt((2 * m / (1 + h)) ** 2 + (np.pi * (order + 0.5 * soft) / (1 - h)) ** 2)
    z, live = np.clip(z, low * 1.001, high), np.arange(len(h))
    for _ in range(_NEWTON):
        here = z[live]
        miss, slope = _phases(soft, m, here, h[live], order[live])
        low[live], high[live] = np.where(miss < 0, here, low[live]), np.where(miss > 0, here, high[live])
        new = here - miss / slope
        new = np.where((low[live] <= new) & (new <= high[live]), new, 0.5 * (low[live] + high[live]))
        z[live] = new
        live = live[np.abs(new - here) > _CLOSE * here]
        if not len(live):
            break
    else:
        raise ConvergenceError(f"the radial eigenvalues of m = {m} were not found, for a hub of {h[live[0]]}")
    return z


def _phases(soft: bool, m: int, z: FloatArray, h: FloatArray, order: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Difference of the phases without pi times the order, and its slope."""
    both = np.concatenate([z, z * h])
    value, slope = hankel_pair(m, both + 0j, tables=True)
    (value, _), (turn, hub_turn) = (np.split(one * np.exp(1j * both), 2) for one in (value, slope))
    outer = value if soft else turn
    lost = ~np.isfinite(hub_turn)  # where Y_m' overflows the hub does not matter
    hub_turn = np.where(lost, 1j, hub_turn)
    miss = np.angle(outer / hub_turn * (1.0 - 2.0 * (order % 2)))
    expected = _debye(m, z, soft) - _debye(m, z * h, False) - np.pi * order
    miss = miss + 2 * np.pi * np.rint((expected - miss) / (2 * np.pi))
    rise = 1.0 if soft else 1 - (m / z) ** 2
    size = np.abs(hub_turn)
    hub_rise = np.where(lost, 0.0, ((1 / size) ** 2 - (m / (z * h) / size) ** 2) / z)
    return miss, 2 / np.pi * (rise / (z * np.abs(outer) ** 2) - hub_rise)


def _debye(m: int, z: FloatArray, soft: bool) -> FloatArray:
    """Phase of H_m or H_m' to within pi / 4: it tells the branch."""
    live = np.maximum(z, m)
    beyond = np.sqrt((live - m) * (live + m)) - m * np.arccos(np.where(live > 0, m / live, 1.0))
    quarter = np.where(z > m, 0.25, 0.5) * np.pi
    return beyond - quarter if soft else beyond + quarter


def hub_phase(m: int, z: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Y_m'(z) and J_m'(z) over |H_m'(z)|; z > 0. Y_m' may overflow at small z, where J_m' no longer matters."""
    with np.errstate(invalid="ignore"):  # the difference of two infinities
        j, y = special.jvp(m, z), special.yvp(m, z)
    lost = ~np.isfinite(y)
    y = np.where(lost, 1.0, y)
    size = np.hypot(j, y)
    return np.where(lost, 1.0, y / size), np.where(lost, 0.0, j / size)
