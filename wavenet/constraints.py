"""Physical constraints that hold by construction, and the residuals of those that training has to enforce.

Fields are real tensors (case, 2, x, r), channel 0 the real part and 1 the imaginary one.
"""

import torch
from torch import nn


def times(field, factor):
    """Complex product of fields (case, 2, x, r) and factors (case, 2)."""
    a, b = factor[:, 0, None, None], factor[:, 1, None, None]
    return torch.stack([a * field[:, 0] - b * field[:, 1], a * field[:, 1] + b * field[:, 0]], dim=1)


def complex_reference(field):
    """Complex number (case, 2) by which a field is divided: root mean square times a phase that turns with the field.

    reference(c field) = c reference(field), so that c -> f(field / reference) * reference is exactly homogeneous and
    equivariant. The phase is that of the mean over the field weighted by fixed numbers which no wave is orthogonal to
    in practice; a field for which it vanishes has no phase and is refused.
    """
    cells = torch.arange(field[0, 0].numel(), dtype=field.dtype, device=field.device)
    weights = torch.cos(2.399963 * cells**0.5 + 0.7).reshape(field.shape[2:])  # aperiodic
    mean = (field * weights).mean(dim=(2, 3))
    modulus = mean.norm(dim=1, keepdim=True)
    size = field.square().sum(dim=1).mean(dim=(1, 2)).sqrt()[:, None]
    if not torch.all(modulus > 1e-12 * size):
        raise ValueError("a field without phase: it is zero, or its weighted mean is")
    return mean / modulus * size


def reciprocal(factor):
    """1 / factor of complex numbers (case, 2)."""
    return factor * factor.new_tensor([1.0, -1.0]) / factor.square().sum(dim=1, keepdim=True)


class WallEnvelope(nn.Module):
    """Factors of the learned part of (u, v): the radial velocity's vanishes on the wall r = 1, x < 0.

    The factor of v is d / sqrt(d^2 + h^2), d the distance to the wall and h the radial spacing; the part it is added to
    has v = 0 on the wall by its own polynomials (see `differences`).
    """

    def __init__(self, x, r):
        super().__init__()
        factor = torch.ones(4, len(x), len(r), dtype=torch.float64)
        factor[2:] = torch.where(x[:, None] < 0, self.of_radius(r, r[1] - r[0])[None], 1.0)
        self.register_buffer("factor", factor.float(), persistent=False)

    @staticmethod
    def of_radius(r, spacing):
        """The factor at radius r, beside the wall; zero at r = 1."""
        distance = torch.abs(r - 1)
        return distance / torch.sqrt(distance**2 + spacing**2)

    def forward(self, field):
        return field * self.factor


def known_phase(helmholtz, mach, x, r):
    """Phase K (rho - M X) of a wave from the open end, X = x / beta, K = ka / beta: (case, microphone)."""
    beta = torch.sqrt(1 - mach**2)[:, None]
    big_x = x / beta
    rho = torch.sqrt(big_x**2 + r**2)
    return helmholtz[:, None] / beta * (rho - mach[:, None] * big_x)


def helmholtz_residual(psi, u, u_x, v, v_r, r, *, m, helmholtz, mach):
    """Residual of the convected Helmholtz equation over (ka)^2, (case, 2, x, r); zero for exact derivatives.

    (1 - M^2) u_x + v_r + v / r + (k^2 - m^2 / r^2) psi + 2 i k M u = 0; without flow that of the paper.
    """
    m, k, mach = (value[:, None, None, None] for value in (m, helmholtz, mach))
    iu = torch.stack([-u[:, 1], u[:, 0]], dim=1)
    return ((1 - mach**2) * u_x + v_r + v / r + (k**2 - m**2 / r**2) * psi + 2 * k * mach * iu) / k**2
