r"""Ducts with a lip, beside the exact solution for an infinitely thin wall, and the coordinates of their corrections.

Power amplitudes are potentials times sqrt(kappa_n N_n), N_n = (1 - m^2 / alpha_n^2) / 2: in them the reflection matrix
is symmetric (reciprocity) and a contraction (power). The thin wall has

    R_nl = -P_n P_l / (4 kappa_l N_l (kappa_n + kappa_l)),  P_n = (K + kappa_n) W_plus(kappa_n),

from which P_n = exp(i pi / 4) sqrt(K + kappa_n) F_plus(kappa_n) follows; the real part of F_plus is positive.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Self

import numpy as np
import torch
from torch import Tensor

from ..arrays import FloatArray
from ..ducts.modes import eigenvalues

PARAMETERS = ("ln K", "m / K", "sqrt(k t)", "t", "l / t", "Re ripple", "Im ripple")  # of a duct, see `parameters`
_SHARED = ("theta", "weight")  # by all ducts
_TINY = 1e-18  # below which a square is constant: its root has no derivative at zero
_SMOOTH, _FADE, _OVER, _ABOVE = 10.0, 7.0, 2.5, 17.0  # of the ripple, see `_ripple`


@dataclass(frozen=True)
class Ducts:
    """Ducts with a lip and their exact solutions without one: tensors of double precision.

    m : (case,), |m|. k : (case,), K. thickness, length : (case,), of the lip in (X, r) [radii]. wavenumber : (case,
    order), kappa of the cut-on modes, then 0. own : (case, order) complex, thin wall's reflection R_nn of each mode
    into itself, which the others follow from. directivity : (case, order, angle) complex, thin wall's. theta :
    (angle,), in [0, pi]. weight : (angle,), of int ... sin(theta) dtheta; 0 at angles that are no nodes.
    """

    m: Tensor
    k: Tensor
    thickness: Tensor
    length: Tensor
    wavenumber: Tensor
    own: Tensor
    directivity: Tensor
    theta: Tensor
    weight: Tensor

    def __post_init__(self) -> None:
        count, orders = self.wavenumber.shape
        angles = len(self.theta)
        for name, shape in (
            ("m", (count,)),
            ("k", (count,)),
            ("thickness", (count,)),
            ("length", (count,)),
            ("own", (count, orders)),
            ("directivity", (count, orders, angles)),
            ("weight", (angles,)),
        ):
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} must have the shape {shape}, got {tuple(getattr(self, name).shape)}")
        if not torch.all(self.thickness >= 0):
            raise ValueError(f"thickness must not be negative, got {float(self.thickness.min()):g}")

    def __len__(self) -> int:
        return len(self.k)

    def of(self, case: Tensor, orders: int | None = None) -> Self:
        """Some of the cases, and the first of the orders."""
        given = {field.name: getattr(self, field.name)[case] for field in fields(self) if field.name not in _SHARED}
        for name in ("wavenumber", "own", "directivity"):
            given[name] = given[name][:, :orders]
        return replace(self, **given)

    def at(self, angle: Tensor) -> Self:
        """The same at some of the angles."""
        shared = {name: getattr(self, name)[angle] for name in _SHARED}
        return replace(self, directivity=self.directivity[:, :, angle], **shared)

    @cached_property
    def live(self) -> Tensor:
        """Whether a mode is cut on, (case, order)."""
        return self.wavenumber > 0

    @cached_property
    def kappa(self) -> Tensor:
        """Wavenumbers, K in place of those that are not there: (case, order)."""
        return torch.where(self.live, self.wavenumber, self.k[:, None])

    @cached_property
    def alpha(self) -> Tensor:
        """Radial eigenvalues, (case, order)."""
        square = (self.k[:, None] - self.kappa) * (self.k[:, None] + self.kappa)
        return torch.sqrt(square.clamp(min=_TINY))

    @cached_property
    def norm(self) -> Tensor:
        """N_n, (case, order)."""
        square = (self.k[:, None] - self.kappa) * (self.k[:, None] + self.kappa)  # alpha^2
        ratio = torch.where(square > 1e-9, self.m[:, None] ** 2 / square.clamp(min=1e-9), 0.0)
        return 0.5 * (1 - ratio)

    @cached_property
    def amplitude(self) -> Tensor:
        """sqrt(kappa_n N_n): power amplitude of a mode of unit potential, (case, order)."""
        return torch.sqrt(self.kappa * self.norm)

    @cached_property
    def edge(self) -> Tensor:
        """P_n, (case, order) complex."""
        square = torch.where(self.live, -8 * self.kappa**2 * self.norm * self.own, 1j)  # P_n^2
        return math.sqrt(0.5) * (1 + 1j) * torch.sqrt(-1j * square)

    @cached_property
    def reflection(self) -> Tensor:
        """Thin wall's reflection matrix of power amplitudes, symmetric: (case, order, order) complex."""
        half = torch.where(self.live, self.edge / self.amplitude, 0.0)
        return -0.25 * half[:, :, None] * half[:, None, :] / (self.kappa[:, :, None] + self.kappa[:, None, :])

    @cached_property
    def across(self) -> Tensor:
        """sqrt(K^2 - m^2): wavenumber normal to the edge of waves that run around it like exp(i m phi)."""
        return torch.sqrt((self.k - self.m) * (self.k + self.m))

    @cached_property
    def parameters(self) -> Tensor:
        """What corrections depend on besides directions, `PARAMETERS`: (case, 7)."""
        t = self.thickness
        aspect = torch.where(t > 0, self.length / torch.where(t > 0, t, 1.0), 0.0)
        ripple = _ripple(self.m, self.k)
        root = torch.sqrt((self.across * t).clamp(min=_TINY))
        return torch.stack([torch.log(self.k), self.m / self.k, root, t, aspect, ripple.real, ripple.imag], dim=1)

    def within(self, low: Sequence[float], high: Sequence[float]) -> Tensor:
        """Whether all parameters are in a range, as in `PARAMETERS`: (case,)."""
        z = self.parameters
        return torch.all((z >= z.new_tensor(low)) & (z <= z.new_tensor(high)), dim=1)


def _ripple(m: Tensor, k: Tensor) -> Tensor:
    """ln of prod_l (K + kappa_l) / (K + c_l), c_l^2 = kappa_l^2 + i w_l, over all duct modes l: (case,) complex.

    It has the kinks of waves that bounce across the duct at each cut-on, and its ripple between them: corrections are
    smooth in it. w_l = 10 K up to alpha_l = K + 7, about, then it vanishes.
    """
    parts = torch.zeros(len(k), dtype=torch.complex128, device=k.device)
    for order in torch.unique(m).tolist():
        chosen = torch.nonzero(m == order)[:, 0]
        own = k[chosen]
        top = float(own.max().detach()) + _ABOVE
        alpha = torch.from_numpy(eigenvalues(int(order), np.zeros(1), np.array([top]))[0]).to(own)
        square = torch.complex((own[:, None] - alpha) * (own[:, None] + alpha), torch.zeros_like(own[:, None] - alpha))
        weight = 0.5 * _SMOOTH * torch.erfc((alpha - own[:, None] - _FADE) / _OVER)
        kappa, moved = torch.sqrt(square), torch.sqrt(square + 1j * weight * own[:, None])
        value = torch.log((own[:, None] + kappa) / (own[:, None] + moved)).sum(dim=1)
        parts = parts.index_put((chosen,), value)
    return parts


def gauss(count: int) -> tuple[FloatArray, FloatArray]:
    """Nodes theta of Gauss and Legendre in 0 ... pi, and weights of int ... sin(theta) dtheta: (count,) each."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    theta = np.pi / 2 * (nodes + 1)
    return theta, np.pi / 2 * weights * np.sin(theta)
