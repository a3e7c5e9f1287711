r"""Pressure outside the jet at any distance from the open end, from the same factors as the far field.

But for the instability it is an integral along the real axis,

    p = 1 / (2 pi) \int D N_2^2 eta_plus H_m(gamma_2 r) / (gamma_2 H_m'(gamma_2)) exp(-i s x) ds .

Between the branch points s = left + (right - left) sin^2(theta / 2), with eta_plus as for the directivity (`waves`);
beyond them it comes from `tails`, and the path rises a little above trapped modes of the jet, left of `left` on the
axis. There waves decay with r; what the decay leaves beside the wall is cut off smoothly, which changes the field by
what the lip's singularity makes of it, exponentially little at a distance. For x < 0 the instability's residue is
added, as by causality the path must pass above it; for x > 0 that would add a wave that grows without bound.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..arrays import FloatArray
from ..ducts.bessel import hankel, outer
from .instability import root
from .modes import JetModes, Numbers, streams
from .tails import Tails
from .waves import Waves

if TYPE_CHECKING:
    from .network import JetNetwork

# distances from the lip [radii]: nearer tails are longer, farther the arc oscillates more
CLOSEST, FARTHEST = 0.5, 40.0
TOLERANCE = 3e-5  # of the quadrature, relative: below the network's errors
# |s| up to which tails are whole, and over which they fall, beyond the branch points, times the least distance to the
# lip: exp(-16) of the waves is left, and the singularity at the lip comes in with exp(-(9 / 2)^2).
_WHOLE, _FALL = 16.0, 9.0
_SIDES = 3.0  # of the fall's complementary error function: what is left at its ends is 1e-5 of nothing much
_ARC, _TAIL = 1024, 256  # least numbers of nodes: poles lie some 0.01 k below the arc
_FINER = 4  # factor of them where the estimate exceeds the tolerance: poles as near as 0.002 k
_RISE, _GROWTH, _BELOW = 0.1, 4.0, 0.3  # of the path: over half the arc, exponent of exp(-i s x), over Im s_0
_FIRST = 1e-5  # angle from the branch points at which nodes begin
_TOGETHER = 1 << 21  # nodes times points whose waves are computed at a time: some hundred megabytes


# long: description of the parameters of an entry point
def pressure(
    model: "JetNetwork",
    m: Numbers,
    n: Numbers,
    helmholtz: Numbers,
    mach: Numbers,
    x: Numbers,
    r: Numbers,
    **outer: Numbers,
) -> Tensor:
    """Pressure outside the jet of modes of amplitude one, over rho c^2 of the duct's stream: (case, point) complex.

    As the solver's with `Jet(instability=False)`. Differentiable in all but m and n. Computed in double precision.

    Parameters
    ----------
    model : JetNetwork
        Of the low domain.
    m, n, helmholtz, mach, **outer
        As for `JetNetwork.directivity`.
    x, r : (point,) or (case, point) tensors
        Positions outside the duct and the jet, r >= 1, `CLOSEST` to `FARTHEST` from the lip [duct radii].

    Raises
    ------
    ValueError
        A mode or jet that the network does not take, a position elsewhere, or a jet for which the estimate of the
        relative error of the quadrature exceeds `TOLERANCE`, as where a mode of the jet hardly leaks.
    """
    modes = model.modes(m, n, helmholtz, mach, *streams(**outer))
    modes = JetModes(*modes[:2], *(one.double() for one in modes[2:]))
    along, out = torch.broadcast_tensors(*(torch.as_tensor(one).to(modes.mach) for one in (x, r)))
    _check_positions(along, out)
    along, out = (one.expand(len(modes.m), -1) for one in (along, out))

    found, error = _computed(model, modes, along, out, 1)
    bad = torch.nonzero(~(error < TOLERANCE))[:, 0]
    if len(bad):
        again = _computed(model, JetModes(*(one[bad] for one in modes)), along[bad], out[bad], _FINER)
        found, error = (one.index_copy(0, bad, new) for one, new in zip((found, error), again, strict=True))
        bad = bad[~(error[bad] < TOLERANCE)]
    if len(bad):
        case = int(bad[0])
        named = ", ".join(f"{name} = {float(one[case]):.6g}" for name, one in modes._asdict().items())
        size = float(error[case])
        raise ValueError(f"the near field's error estimate {size:.1e} exceeds {TOLERANCE}, use the solver: {named}")
    return found.to(model.precision.to_complex())


def _computed(model: "JetNetwork", modes: JetModes, x: Tensor, r: Tensor, finer: int) -> tuple[Tensor, Tensor]:
    """Pressures (case, point) and estimates (case,)."""

    def values(waves: Waves, mine: Tensor) -> Tensor:
        found, error = field(waves, x[mine], r[mine], finer)
        return torch.cat([found, error.to(found.dtype)], dim=1)

    found, error = model.by_order(modes, values).split([x.shape[1], 1], dim=1)
    return found, error.detach().real[:, 0]


def _check_positions(x: Tensor, r: Tensor) -> None:
    distance = torch.hypot(x, r - 1)
    for bad, what in (
        (~(r >= 1), "must lie outside the duct and the jet, r >= 1"),
        (~(distance >= CLOSEST), f"must be at least {CLOSEST} from the lip"),
        (~(distance <= FARTHEST), f"must be at most {FARTHEST} from the lip, see directivity()"),
    ):
        if bool(bad.any()):
            place = f"x = {float(x[bad][0]):.4g}, r = {float(r[bad][0]):.4g} [duct radii]"
            raise ValueError(f"positions {what}, got {place}")


def field(waves: Waves, x: Tensor, r: Tensor, finer: int = 1) -> tuple[Tensor, Tensor]:
    """Pressures (case, point) at x, r (case, point), and the estimate of their relative error (case, 1).

    finer : factor of the numbers of nodes. The estimate is that of the quadrature, of root mean squares over the
    points, and infinite where `Tails` fail.
    """
    tails = Tails(waves)
    both = _arc(waves, x, r, finer)
    for side in (-1, 1):
        both = both + _tail(tails, side, x, r, finer)
    fine, coarse = both.unbind(dim=2)
    size = torch.linalg.norm(fine.detach(), dim=1, keepdim=True)
    # twice the nodes square the error, but for poles as near as those of streams that are nearly equal
    error = torch.linalg.norm((fine - coarse).detach(), dim=1, keepdim=True) / size
    upstream = _growing(tails, x, r)
    return fine + torch.where(x < 0, upstream, 0), error.masked_fill(tails.wound[:, None], torch.inf)


def _arc(waves: Waves, x: Tensor, r: Tensor, finer: int) -> Tensor:
    """What waves of real angles contribute, by all nodes and by every other one: (case, point, 2)."""
    sheets, half = waves.sheets, _half(waves)
    reach = float((half * torch.hypot(x, r)).detach().max())
    t, weight = _rule(finer * (_ARC + 2 * reach), x)
    # nodes gather at the ends, where H_0 is a logarithm
    theta = math.pi * t**2 * (3 - 2 * t)
    s = sheets.left + 2 * half * torch.sin(theta / 2) ** 2
    gamma = sheets.beta_outer * half * torch.sin(theta)
    step = half * torch.sin(theta) * (6 * math.pi) * t * (1 - t)
    spectrum = _front(waves, s) * waves.outside(s, *outer(gamma, sheets.m)) * step

    def outward(rows: Tensor) -> Tensor:
        along, out = x[rows, :, None], r[rows, :, None]
        turn = torch.polar(torch.ones_like(along), -s[rows, None] * along)
        return outer(gamma[rows, None] * out, sheets.m)[0] * out**-sheets.m * turn

    return _summed(spectrum, weight, outward, x.shape[1])


def _tail(tails: Tails, side: int, x: Tensor, r: Tensor, finer: int) -> Tensor:
    """What evanescent waves contribute, left or right of the arc, as `_arc`."""
    waves, half = tails.waves, _half(tails.waves)
    sheets = waves.sheets
    least = torch.hypot(x, r - 1).detach().min()
    whole, fall = (_WHOLE / least).expand_as(half), _FALL / least
    # an instability that hardly grows is felt far along the wall: the path on either side of it must be whole
    gone, apart = waves.s_0.imag * least > _WHOLE, sheets.left - waves.s_0.real
    whole = torch.where(gone, whole, torch.maximum(whole, apart)).detach()
    far = whole + 2 * _SIDES * fall
    reach = float((far * x.abs().amax(dim=1, keepdim=True)).detach().max())
    t, weight = _rule(finer * (_TAIL + reach), x)
    end = torch.acosh(1 + far / half)
    angle = (end * t**2).clamp(min=_FIRST)
    beyond = 2 * half * torch.sinh(angle / 2) ** 2
    step = half * torch.sinh(angle) * 2 * end * t + 0j
    if side < 0:
        # a hill over the place of trapped modes, -k / (1 + M) < s < left, which stays below s_0
        width = torch.maximum(sheets.helmholtz / (1 + sheets.mach) + sheets.left, _RISE * half).detach()
        place, at = beyond / width, ((sheets.left - waves.s_0.real) / width).clamp(min=1e-3)
        height = torch.minimum(_RISE * half, _GROWTH / x.max().clamp(min=1.0))
        height = torch.minimum(height, _BELOW * waves.s_0.imag * (1 + at**3) / at).detach()
        s = torch.complex(sheets.left - beyond, height * place / (1 + place**3))
        step = step * (1 - 1j * height / width * (1 - 2 * place**3) / (1 + place**3) ** 2)
        eta = tails.left(s)
    else:
        s = sheets.right + beyond + 0j
        eta = tails.right(s)
    gamma = _gamma(waves, s)
    step = step * 0.5 * torch.erfc((beyond - whole) / fall - _SIDES)
    spectrum = _front(waves, s) * eta / (gamma * hankel(gamma, sheets.m)[1]) * step

    def outward(rows: Tensor) -> Tensor:
        return _outward(gamma[rows, None], s[rows, None], x[rows, :, None], r[rows, :, None], sheets.m)

    return _summed(spectrum, weight, outward, x.shape[1])


def _growing(tails: Tails, x: Tensor, r: Tensor) -> Tensor:
    """The instability wave (case, point), at x < 0."""
    waves, s = tails.waves, tails.waves.s_0
    gamma = _gamma(waves, s)
    strength = -2j * math.pi * _front(waves, s) * tails.growing() / (gamma * hankel(gamma, waves.sheets.m)[1])
    return strength * _outward(gamma, s, x.clamp(max=0.0), r, waves.sheets.m)


def _half(waves: Waves) -> Tensor:
    return 0.5 * (waves.sheets.right - waves.sheets.left)


def _gamma(waves: Waves, s: Tensor) -> Tensor:
    sheets = waves.sheets
    return sheets.beta_outer * root(sheets.right - s) * root(s - sheets.left)


def _front(waves: Waves, s: Tensor) -> Tensor:
    return waves.sheets.density / (2 * math.pi) * waves.sheets.outer(s) ** 2


def _outward(gamma: Tensor, s: Tensor, x: Tensor, r: Tensor, m: int) -> Tensor:
    """H_m(gamma r) exp(-i s x), over what `hankel` divides H_m'(gamma) by."""
    return hankel(gamma * r, m)[0] / torch.sqrt(r) * torch.exp(1j * gamma * (r - 1) - 1j * s * x)


def _summed(spectrum: Tensor, weight: Tensor, outward: Callable[[Tensor], Tensor], points: int) -> Tensor:
    """Sums (case, point, rule) over nodes of a spectrum (case, node) with weights (rule, node) times waves."""
    weighted = (spectrum[:, None] * weight).transpose(1, 2)
    rows = torch.arange(len(spectrum), device=spectrum.device)
    size = max(1, _TOGETHER // (points * spectrum.shape[1]))
    return torch.cat([outward(some) @ weighted[some] for some in rows.split(size)])


def _rule(least: float, like: Tensor) -> tuple[Tensor, Tensor]:
    """Nodes within 0 ... 1, at least so many, and weights (2, node) of a rule and of that of every other node."""
    nodes, weights = _clenshaw_curtis(1 << math.ceil(math.log2(least)))
    return torch.from_numpy(nodes).to(like), torch.from_numpy(weights).to(like)


@lru_cache(maxsize=8)
def _clenshaw_curtis(count: int) -> tuple[FloatArray, FloatArray]:
    """Without the ends."""
    angle = np.pi * np.arange(1, count) / count
    fine, coarse = (_weights(angle[step - 1 :: step], count // step) for step in (1, 2))
    both = np.stack([fine, np.zeros_like(fine)])
    both[1, 1::2] = coarse
    return np.sin(angle / 2) ** 2, both


def _weights(angle: FloatArray, count: int) -> FloatArray:
    even = np.arange(2, count + 1, 2)
    terms = np.where(even == count, 1.0, 2.0) / (even**2 - 1)
    found: FloatArray = (1 - np.cos(np.multiply.outer(angle, even)) @ terms) / count
    return found
