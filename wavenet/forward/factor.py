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
from torch import Tensor

from .radial import eigenvalues

_SMOOTH = 4.0  # w_l / K; with 1.2, f needs three more polynomials for the same error, see docs/model-card-forward.md
_FADE, _OVER = 7.0, 2.5  # w_l falls around alpha_l = K + 7, over this range [1/radius]
_ABOVE = 17.0  # modes further above K do not count: w_l / K is below 1e-7
_SHARE = 4.0  # tables of eigenvalues end at multiples of this, so that cases share them


@dataclass(frozen=True)
class Modes:
    """Incident modes: m, K, Mach number, hub and axial wavenumber kappa (case,), and alpha_l (case, zero), inf at ends.

    m is of int type and not negative, the others are of double precision.
    """

    m: Tensor
    k: Tensor
    mach: Tensor
    hub: Tensor
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
    tops = (torch.ceil((k.detach() + _ABOVE) / _SHARE) * _SHARE).tolist()
    tables = [eigenvalues(*key) for key in zip(orders.tolist(), hub.tolist(), tops, strict=True)]
    zeros = np.full((len(tables), max(map(len, tables), default=0)), np.inf)
    for row, table in zip(zeros, tables, strict=True):
        row[: len(table)] = table
    known = torch.from_numpy(zeros).to(k)
    good = (radial >= 0) & (radial < known.shape[1])
    alpha = known.gather(1, torch.where(good, radial, 0)[:, None])[:, 0]
    off = ~(good & (alpha < k))
    if torch.any(off):
        raise ValueError(
            f"mode ({int(m[off][0])}, {int(n[off][0])}) is not cut on at ka / sqrt(1 - M^2) = {float(k[off][0]):.6g}"
        )
    return Modes(orders, k, mach, hub, torch.sqrt((k - alpha) * (k + alpha)), known)


@dataclass(frozen=True)
class Factor:
    """How f is written: as a sum of this many polynomials."""

    terms: int

    def basis(self, k: Tensor, s: Tensor) -> Tensor:
        """Polynomials at s in the right half-plane: (..., polynomial); k, s : (...).

        They are Chebyshev's of sqrt(1 + s / K), in which F is regular at s = -K; the paths to microphones spread
        around its range 1 ... sqrt(2) like 1 / sqrt(K).
        """
        u = (torch.sqrt(1 + s / k) - 1.2) / (0.2 + 0.6 / torch.sqrt(k))
        found = [torch.ones_like(u), u]
        for _ in range(self.terms - 2):
            found.append(2 * u * found[-1] - found[-2])
        return torch.stack(found, dim=-1)

    def zeros(self, modes: "Modes", case: Tensor, s: Tensor) -> Tensor:
        """Z of modes (case,) at s: (point, node) complex; case : (point,), number of the mode."""
        k = modes.k[:, None]
        live = torch.isfinite(modes.zeros)
        alpha = torch.where(live, modes.zeros, 0.0)
        square = torch.complex((k - alpha) * (k + alpha), torch.zeros_like(alpha))
        weight = _SMOOTH / 2 * torch.erfc((alpha - k - _FADE) / _OVER)
        kappa, moved = torch.sqrt(square), torch.sqrt(square + 1j * weight * k)
        # A zero that is not there is put where it divides out.
        pairs = (torch.where(live, values / k, 1.0)[case].unbind(dim=1) for values in (kappa, moved))
        at = s / k[case]
        above, below = torch.ones_like(at), torch.ones_like(at)
        for zero, pole in zip(*pairs, strict=True):
            above, below = above * (at + zero[:, None]), below * (at + pole[:, None])
        return above / below
