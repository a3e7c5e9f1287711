r"""Cross-sections of ducts of one azimuthal order, with or without a hub: tables for closed forms that are real.

The radial function S(gamma r) of radial wavenumber gamma, q = gamma^2, has no slope at the hub. Over its slope at the
wall it is a sum over the modes of the hard-walled duct, with eigenvalues alpha_l and norms N_l,

    S(gamma) / (gamma S'(gamma)) = \sum_l 1 / (N_l (alpha_l^2 - q)),

of which `POLES` terms are summed, and the others, which are smooth in q, are a polynomial. Eigenvalues, norms and
polynomials are piecewise Chebyshev series in the hub's radius.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.polynomial import chebyshev
from scipy import special
from torch import Tensor

from ..arrays import ComplexArray, FloatArray

MODES = 12  # in the closed forms of the factors, as in the dataset's task
_SOFT = 18  # eigenvalues of soft walls: those of the high domain's closed forms
POLES = 24  # terms of p that are summed; as many modes can be cut on
HUBS = 0.15, 0.75  # smallest and largest hub
LARGEST = 2300.0  # of |q|: K^2 up to 48^2, and gamma_1^2 as negative as that
_PIECES, _NODES = 32, 10  # of the tables, and nodes of each: the functions bend over some 0.05 at m = 20
_REST = 18  # coefficients of the polynomials: the next pole is at 2.3 times the largest |q|
_ELLIPSE, _POINTS = 1.3, 32  # where the polynomials are fitted, off the poles on the axis: |w| of q = (w + 1 / w) / 2
_HIGHEST = 1e18  # of the sum: its square is a number in single precision
_ROUNDS = 60  # of Newton's method in brackets


class Duct(NamedTuple):
    """Tables (case, mode) and (case, coefficient), or one row for all cases.

    alpha, norm : POLES eigenvalues and norms of a hard-walled duct. soft : some eigenvalues of a soft-walled one with
    a hard hub. rest : polynomial in q / LARGEST of the other terms of the sum, from degree 0.
    """

    alpha: Tensor
    norm: Tensor
    soft: Tensor
    rest: Tensor


_COLUMNS = POLES, POLES, _SOFT, _REST


def duct(m: int, hub: Tensor) -> Duct:
    """Tables for hubs (case, 1), 0 or in `HUBS`; differentiable in the hub."""
    plain = torch.from_numpy(_plain(m)).to(hub)
    if not bool((hub > 0).any()):
        return Duct(*plain.split(_COLUMNS, dim=1))
    pieces = torch.from_numpy(_hollow(m)).to(hub)
    place = (hub - HUBS[0]) * (_PIECES / (HUBS[1] - HUBS[0]))
    piece = place.detach().long().clamp(0, _PIECES - 1)
    local = (2 * (place - piece) - 1).clamp(-1, 1)
    terms = [torch.ones_like(local), local]
    for _ in range(2, _NODES):
        terms.append(2 * local * terms[-1] - terms[-2])
    found = (torch.cat(terms, dim=1)[:, None] @ pieces[piece[:, 0]])[:, 0]
    return Duct(*torch.where(hub > 0, found, plain).split(_COLUMNS, dim=1))


@lru_cache(maxsize=64)
def _plain(m: int) -> FloatArray:
    """Columns without a hub, (1, column)."""
    return _columns(m, np.zeros(1))


@lru_cache(maxsize=64)
def _hollow(m: int) -> FloatArray:
    """Chebyshev coefficients of the columns with one, (piece, degree, column)."""
    nodes = chebyshev.chebpts1(_NODES)
    edges = np.linspace(*HUBS, _PIECES + 1)
    hubs = edges[:-1, None] + 0.5 * (edges[1] - edges[0]) * (nodes + 1)
    to_series = np.linalg.inv(chebyshev.chebvander(nodes, _NODES - 1))
    found: FloatArray = to_series @ _columns(m, hubs.ravel()).reshape(_PIECES, _NODES, -1)
    return found


@np.errstate(all="ignore")
def _columns(m: int, hub: FloatArray) -> FloatArray:
    """The columns of hubs (hub,): (hub, column)."""
    h = hub[:, None]
    alpha, soft = _zeros(m, h, POLES, soft=False), _zeros(m, h, _SOFT, soft=True)
    safe = np.where(alpha > 0, alpha, 1.0)
    j, y = special.jvp(m, safe * h), special.yvp(m, safe * h)
    # phi_l(h) by the Wronskian; without a hub of no consequence
    value = -2 / (np.pi * safe * h) / (special.yv(m, safe) * j - special.jv(m, safe) * y)
    value = np.where(h > 0, np.where(alpha > 0, value, 1.0), 0.0)
    ratio = (m / safe) ** 2
    norm = 0.5 * np.where(alpha > 0, 1 - ratio - (h**2 - ratio) * value**2, 1 - h**2)
    w = _ELLIPSE * np.exp(1j * np.pi * (np.arange(_POINTS) + 0.5) / _POINTS)
    q = LARGEST * (w + 1 / w) / 2
    gaps = norm[:, None] * (alpha[:, None] ** 2 - q[:, None])
    left = _at_wall(m, q, h) - (1 / gaps).sum(axis=2)
    terms = chebyshev.chebvander(q / LARGEST, _REST - 1)
    series = np.linalg.pinv(np.concatenate([terms.real, terms.imag])) @ np.concatenate([left.real, left.imag], axis=1).T
    rest = np.stack([_powers(row) for row in series.T])
    return np.concatenate([alpha, norm, soft, rest], axis=1)


def _powers(series: FloatArray) -> FloatArray:
    """Coefficients of powers from those of Chebyshev polynomials, of one length."""
    found = chebyshev.cheb2poly(series)
    return np.pad(found, (0, len(series) - len(found)))


def _at_wall(m: int, q: ComplexArray, h: FloatArray) -> ComplexArray:
    """S / (gamma S') at complex q, Im q > 0: (hub, q)."""
    x = np.sqrt(q)
    y: ComplexArray = np.asarray(x * h, dtype=complex)
    slope, h_slope = _slopes(special.jve, m, x), _slopes(special.hankel1e, m, x)
    mixed = _slopes(special.jve, m, y) / _slopes(special.hankel1e, m, y) * np.exp((1j * x - x.imag) * (1 - h))
    mixed = np.where(h > 0, mixed, 0.0)
    found: ComplexArray = (special.jve(m, x) - mixed * special.hankel1e(m, x)) / (x * (slope - mixed * h_slope))
    return found


def _slopes(function: Any, m: int, z: ComplexArray) -> ComplexArray:
    found: ComplexArray = 0.5 * (function(m - 1, z) - function(m + 1, z))
    return found


def _zeros(m: int, h: FloatArray, count: int, *, soft: bool) -> FloatArray:
    """First zeros of S', or of S: where the phases of H_m' or H_m at the wall and H_m' at the hub differ by l pi."""
    plane = m == 0 and not soft
    order = np.arange(plane, count) + np.zeros_like(h)
    low, high = np.full(order.shape, max(m, 1e-3) * 0.999), m + np.pi * (order + 0.5 * m + 3) / (1 - h)
    z = np.clip(np.hypot(2 * m / (1 + h), np.pi * (order + 0.5 * soft) / (1 - h)), low * 1.001, high)
    for _ in range(_ROUNDS):
        (wall, rise), (hub, hub_rise) = _phase(m, z, soft), _phase(m, z * h, False)
        miss = wall - np.where(h > 0, hub, 0.5 * np.pi) - np.pi * order
        low, high = np.where(miss < 0, z, low), np.where(miss > 0, z, high)
        new = z - miss / (rise - h * np.where(h > 0, hub_rise, 0.0))
        new = np.where((low <= new) & (new <= high), new, 0.5 * (low + high))
        change, z = np.max(np.abs(new - z) / z), new
        if change < 1e-9:  # convergence is quadratic
            break
    else:
        raise ArithmeticError(f"the radial eigenvalues of m = {m} were not found")
    return np.concatenate([np.zeros_like(h), z], axis=1) if plane else z


def _phase(m: int, z: FloatArray, soft: bool) -> tuple[FloatArray, FloatArray]:
    """Phase of H_m, or of H_m', continuous from -pi / 2, or pi / 2, at z = 0; and its derivative."""
    value = special.jv(m, z) + 1j * special.yv(m, z)
    if not soft:
        value = special.jv(m - 1, z) + 1j * special.yv(m - 1, z) - m / z * value
    live = np.maximum(z, m)
    # Debye's phase is within pi / 4, and tells the branch
    expected = np.sqrt((live - m) * (live + m)) - m * np.arccos(np.where(live > 0, m / live, 1.0))
    quarter = np.where(z > m, 0.25, 0.5) * np.pi
    expected = expected - quarter if soft else expected + quarter
    phase = np.angle(value)
    phase = phase + 2 * np.pi * np.rint((expected - phase) / (2 * np.pi))
    return phase, 2 / (np.pi * z) * (1.0 if soft else 1 - (m / z) ** 2) / np.abs(value) ** 2


class _AtWall(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, q: Tensor, squares: Tensor, weights: Tensor, rest: Tensor) -> Tensor:
        place, sloped = q / LARGEST, ctx.needs_input_grad[0]
        value, slope = rest[:, -1:] + torch.zeros_like(q), torch.zeros_like(q)
        for index in range(rest.shape[1] - 2, -1, -1):
            if sloped:
                slope = torch.addcmul(value, place, slope, out=slope)
            value = torch.addcmul(rest[:, index : index + 1], place, value, out=value)
        slope = slope / LARGEST if sloped else slope
        for square, weight in zip(squares.split(1, dim=1), weights.split(1, dim=1), strict=True):
            pole = (square - q).reciprocal_()
            value.addcmul_(pole, weight)
            if sloped:
                slope.addcmul_(pole.square_(), weight)
        ctx.save_for_backward(q, slope, squares, weights)
        ctx.degree = rest.shape[1]
        # at an eigenvalue itself a large number, with which products are finite
        return value.clamp_(-_HIGHEST, _HIGHEST)

    @staticmethod
    def backward(ctx: Any, *given: Tensor) -> tuple[Tensor | None, ...]:
        q, slope, squares, weights = ctx.saved_tensors
        if not any(ctx.needs_input_grad[1:]):
            return given[0] * slope, None, None, None
        rises = torch.empty_like(squares), torch.empty_like(weights)
        for index in range(squares.shape[1]):
            pole = (squares[:, index : index + 1] - q).reciprocal_()
            part = given[0] * pole
            rises[1][:, index] = part.sum(dim=1)
            rises[0][:, index] = -weights[:, index] * part.mul_(pole).sum(dim=1)
        powers, part = [], given[0]
        for _ in range(ctx.degree):
            powers.append(part.sum(dim=1))
            part = part * (q / LARGEST)
        return given[0] * slope, *rises, torch.stack(powers, dim=1)


def at_wall(q: Tensor, tables: Duct, own: Tensor | None = None) -> Tensor:
    """S / (gamma S') at real q (case, point), |q| < LARGEST; without the poles of modes `own` (case, 1)."""
    squares, weights, rest = (one.expand(len(q), -1) for one in (tables.alpha**2, 1 / tables.norm, tables.rest))
    if own is not None:  # far away and weightless
        squares, weights = squares.scatter(1, own, 1e9), weights.scatter(1, own, 0.0)
    found: Tensor = _AtWall.apply(q, squares, weights, rest)
    return found


def at_wall_off_axis(q: Tensor, tables: Duct) -> Tensor:
    """S / (gamma S') at complex q (case, point) off the axis, |q| not much larger than LARGEST."""
    squares, weights, rest = (one.expand(len(q), -1) for one in (tables.alpha**2, 1 / tables.norm, tables.rest))
    place = q / LARGEST
    value = rest[:, -1:] + torch.zeros_like(q)
    for index in range(rest.shape[1] - 2, -1, -1):
        value = value * place + rest[:, index : index + 1]
    # 1 / (alpha^2 - q) in real numbers, all poles at once: torch divides complex ones slowly
    along, across = squares[:, :, None] - q.real[:, None], q.imag[:, None]
    inverse = (along * along + across * across).reciprocal()
    poles = [(weights[:, None] @ (part * inverse))[:, 0] for part in (along, across)]
    return value + torch.complex(*poles)
