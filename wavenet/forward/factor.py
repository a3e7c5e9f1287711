r"""The kernel's factor F in the right half-plane: zeros in closed form times a smooth function of few coefficients.

    F(s) = f(s) Z(s),  Z(s) = prod_l (s + kappa_l) / (s + c_l),
    kappa_l = sqrt(K^2 - alpha_l^2),  c_l = sqrt(kappa_l^2 + i w_l)

over all duct modes l. With w_l = 4 K up to alpha_l = K, and w_l -> 0 soon after, the product takes the zeros that are
next to cut-on, where F varies quickly, and puts others where they do no harm. What is left, f, varies with K by its
size of about one only, with a ripple of a few per cent that has the period of the continuous radial index: it is
smooth in m, K, hub, and the turn exp(2 pi i nu).
"""

from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.polynomial import chebyshev
from torch import Tensor

from ..ducts.modes import eigenvalues

_SMOOTH = 4.0  # w_l / K; with 1.2, f needs three more polynomials for the same error, see docs/model-card-forward.md
_FADE, _OVER = 7.0, 2.5  # w_l falls around alpha_l = K + 7, over this range [1/radius]
_ABOVE = 17.0  # modes further above K do not count: w_l / K is below 1e-7


@dataclass(frozen=True)
class Modes:
    """Incident modes: m, K, Mach number, hub, alpha and kappa (case,), and alpha_l of all (case, zero), inf at ends.

    m is of int type and not negative, the others are of double precision.
    """

    m: Tensor
    k: Tensor
    mach: Tensor
    hub: Tensor
    alpha: Tensor
    kappa: Tensor
    zeros: Tensor

    def of(self, case: Tensor) -> "Modes":
        """Those of some cases."""
        return Modes(*(getattr(self, field.name)[case] for field in fields(self)))


def incident(m: Tensor, n: Tensor, helmholtz: Tensor, mach: Tensor, hub: Tensor) -> Modes:
    """Modes from orders, ka, M and the hub's radius: (case,) tensors of double precision.

    Raises
    ------
    ValueError
        The flow is not subsonic, or a mode is cut off.
    """
    if not torch.all(mach.abs() < 1):
        raise ValueError(f"the flow must be subsonic, got mach={float(mach[~(mach.abs() < 1)][0])}")
    k = helmholtz / torch.sqrt(1 - mach**2)
    orders, radial = m.abs().round().to(torch.int64), n.round().to(torch.int64)
    known = _known(orders, k.detach(), hub.detach())
    good = (radial >= 0) & (radial < known.shape[1])
    alpha = known.gather(1, torch.where(good, radial, 0)[:, None])[:, 0]
    off = ~(good & (alpha < k))
    if torch.any(off):
        raise ValueError(
            f"mode ({int(m[off][0])}, {int(n[off][0])}) is not cut on at ka / sqrt(1 - M^2) = {float(k[off][0]):.6g}"
        )
    return Modes(orders, k, mach, hub, alpha, torch.sqrt((k - alpha) * (k + alpha)), known)


def _known(orders: Tensor, k: Tensor, hub: Tensor) -> Tensor:
    """Radial eigenvalues that count, (case, zero), inf at the ends."""
    m, hubs = orders.cpu().numpy(), hub.cpu().numpy()
    tops, parts = k.cpu().numpy() + _ABOVE, []
    for order in np.unique(m):
        same = np.flatnonzero(m == order)
        parts.append((same, eigenvalues(int(order), hubs[same], tops[same])))
    found = np.full((len(m), max((table.shape[1] for _, table in parts), default=0)), np.inf)
    for same, table in parts:
        found[same, : table.shape[1]] = table
    return torch.from_numpy(found).to(k)


@dataclass(frozen=True)
class Zeros:
    """kappa_l / K and c_l / K of modes, complex (case, zero); those that are not there divide out."""

    kappa: Tensor
    moved: Tensor

    def of(self, case: Tensor) -> "Zeros":
        """Those of some cases, without columns that no case has."""
        kappa, moved = self.kappa[case], self.moved[case]
        last = max(1, int((kappa != moved).any(dim=0).sum()))
        return Zeros(kappa[:, :last], moved[:, :last])

    def at(self, s: Tensor) -> Tensor:
        """Z at s / K: (case, node) complex."""
        return _product(s + self.kappa.T[..., None]) / _product(s + self.moved.T[..., None])


def _product(parts: Tensor) -> Tensor:
    """Over the first dimension, by halves, which torch does faster than its own product of complex numbers."""
    while len(parts) > 1:
        half = len(parts) // 2
        both = parts[:half] * parts[half : 2 * half]
        parts = both if len(parts) == 2 * half else torch.cat([both[:-1], both[-1:] * parts[-1:]])
    return parts[0]


def _place(k: Tensor, root: Tensor) -> Tensor:
    """Argument of the polynomials."""
    return (root - 1.2) * (1 / (0.2 + 0.6 / torch.sqrt(k)))


@dataclass(frozen=True)
class Factor:
    """How f is written: as a sum of this many polynomials."""

    terms: int

    def basis(self, k: Tensor, root: Tensor) -> Tensor:
        """Polynomials (..., polynomial) at root = sqrt(1 + s / K), s in the right half-plane; k, root : (...).

        They are Chebyshev's of the root, in which F is regular at s = -K; the paths to microphones spread around its
        range 1 ... sqrt(2) like 1 / sqrt(K).
        """
        u = _place(k, root)
        found = [torch.ones_like(u), u]
        for _ in range(self.terms - 2):
            found.append(2 * u * found[-1] - found[-2])
        return torch.stack(found, dim=-1)

    def powers(self, coefficients: Tensor) -> Tensor:
        """Coefficients of powers from those of the polynomials: (..., polynomial)."""
        table = np.zeros((self.terms, self.terms))
        for degree in range(self.terms):
            row = chebyshev.cheb2poly(np.eye(self.terms)[degree])
            table[degree, : len(row)] = row
        return coefficients @ torch.from_numpy(table).to(coefficients)

    def series(self, k: Tensor, root: Tensor, powers: Tensor) -> Tensor:
        """Sum of the polynomials: (case, node); k : (case, 1), root : (case, node), powers : (case, polynomial)."""
        u = _place(k, root)
        value = powers[:, -1:]
        for column in range(self.terms - 2, -1, -1):
            value = torch.addcmul(powers[:, column, None], u, value)
        return value

    def zeros(self, modes: "Modes", kind: torch.dtype = torch.complex128) -> Zeros:
        """Zeros and poles of Z of all modes, in this precision."""
        k = modes.k[:, None]
        live = torch.isfinite(modes.zeros)
        alpha = torch.where(live, modes.zeros, 0.0)
        square = torch.complex((k - alpha) * (k + alpha), torch.zeros_like(alpha))
        weight = _SMOOTH / 2 * torch.erfc((alpha - k - _FADE) / _OVER)
        roots = torch.sqrt(square), torch.sqrt(square + 1j * weight * k)
        return Zeros(*(torch.where(live, values / k, 1.0).to(kind) for values in roots))
