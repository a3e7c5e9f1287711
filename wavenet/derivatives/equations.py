"""Equations that exact fields obey: the momentum relation and the convected Helmholtz equation.

Fields are real tensors (case, 2, x, r), see `wavenet.fields`.
"""

import torch
from torch import Tensor


def momentum_pressure(psi: Tensor, u: Tensor, helmholtz: Tensor, mach: Tensor) -> Tensor:
    """Pressure p = i ka psi - M u, (case, 2, x, r) [rho c^2]: the momentum relation in a flow."""
    helmholtz, mach = helmholtz[:, None, None, None], mach[:, None, None, None]
    return helmholtz * torch.stack([-psi[:, 1], psi[:, 0]], dim=1) - mach * u


def helmholtz_residual(
    psi: Tensor,
    u: Tensor,
    u_x: Tensor,
    v: Tensor,
    v_r: Tensor,
    r: Tensor,
    *,
    m: Tensor,
    helmholtz: Tensor,
    mach: Tensor,
) -> Tensor:
    """Residual of the convected Helmholtz equation divided by (ka)^2, (case, 2, x, r); zero for exact derivatives.

    (1 - M^2) u_x + v_r + v / r + (k^2 - m^2 / r^2) psi + 2 i k M u = 0; without flow that of the paper.
    """
    m, k, mach = (value[:, None, None, None] for value in (m, helmholtz, mach))
    iu = torch.stack([-u[:, 1], u[:, 0]], dim=1)
    return ((1 - mach**2) * u_x + v_r + v / r + (k**2 - m**2 / r**2) * psi + 2 * k * mach * iu) / k**2
