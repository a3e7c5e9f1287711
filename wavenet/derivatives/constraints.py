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


class AxisEnvelope(nn.Module):
    """Factor of the learned part of (u, v) at the axis: psi ~ r^|m|, so that u = 0 for m != 0, and v = 0 for |m| != 1.

    r / sqrt(r^2 + h^2), h the radial spacing.
    """

    factor: torch.Tensor

    def __init__(self, r):
        super().__init__()
        self.register_buffer("factor", self.of_radius(r, r[1] - r[0]).float(), persistent=False)

    @staticmethod
    def of_radius(r, spacing):
        """The factor at radius r; zero at r = 0."""
        return r / torch.sqrt(r**2 + spacing**2)

    def forward(self, field, parameters):
        order = torch.abs(parameters[:, 0])[:, None, None, None]
        u = torch.where(order == 0, torch.ones_like(self.factor), self.factor)
        v = torch.where(order == 1, torch.ones_like(self.factor), self.factor)
        return torch.cat([field[:, :2] * u, field[:, 2:] * v], dim=1)


class Barrier(nn.Module):
    """A network applied to fields so that nothing passes through the wall r = 1, x < 0.

    It is applied twice, with what lies upstream outside set to zero, and with what lies upstream inside; the first
    gives r < 1, the second r > 1. Information may go around the lip.
    """

    inside: torch.Tensor
    upstream: torch.Tensor

    def __init__(self, x, r):
        super().__init__()
        self.register_buffer("inside", (r < 1)[None].expand(len(x), -1).clone(), persistent=False)
        self.register_buffer("upstream", (x < 0)[:, None].expand(-1, len(r)).clone(), persistent=False)

    def forward(self, network, field):
        results = [network(field * (~self.upstream | side)) for side in (self.inside, ~self.inside)]
        return torch.where(self.inside, *results)


def momentum_pressure(psi, u, helmholtz, mach):
    """Pressure p = i ka psi - M u, (case, 2, x, r) [rho c^2]: the momentum relation in a flow."""
    helmholtz, mach = helmholtz[:, None, None, None], mach[:, None, None, None]
    return helmholtz * torch.stack([-psi[:, 1], psi[:, 0]], dim=1) - mach * u


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
