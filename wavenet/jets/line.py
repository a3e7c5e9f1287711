r"""What is known of the low domain's factors: their product on a line between the factors' domains.

The smooth parts that are learned, ln K_minus / C_minus and ln K_plus / C_plus, add up to h = ln F, F = K / (C_minus
C_plus), and are Cauchy integrals of h along the line s = s_c + (right - left) t e^{-i pi / 4}. Values at a few t leave
the network an almost linear task. They do not include s_c itself, where F is zero over zero when a mode is cut on.
"""

import math

import torch
from torch import Tensor

from ..ducts.bessel import outgoing_near
from .duct import at_wall_off_axis
from .instability import root
from .sheet import Sheets

# Geometric: h varies near s_c over a fraction of right - left, and the integral needs its tails.
POINTS = (-0.682, -0.25, -0.091, -0.029, 0.029, 0.091, 0.25, 0.682)
_TURN = complex(math.sqrt(0.5), -math.sqrt(0.5))
_REFERENCE = 4  # number of the point from which h is counted
NAMES = (
    *("ln |F|", "Re F / |F|", "Im F / |F|"),
    *(f"{part} h at {t}" for t in (*POINTS[:_REFERENCE], *POINTS[_REFERENCE + 1 :]) for part in ("Re", "Im")),
)


def on_line(sheets: Sheets, s_0: Tensor) -> Tensor:
    """The inputs of `NAMES`, (case, input), of jets of one azimuthal order with instabilities s_0 (case, 1).

    F at one point, and h at the others less h there, continuous.
    """
    value = product(sheets, s_0)
    logs = torch.log(value[:, 1:] / value[:, :-1])
    total = torch.nn.functional.pad(torch.cumsum(logs, dim=1), (1, 0))
    total = total - total[:, _REFERENCE : _REFERENCE + 1]
    others = torch.cat([total[:, :_REFERENCE], total[:, _REFERENCE + 1 :]], dim=1)
    here = value[:, _REFERENCE]
    size = here.abs()
    columns = torch.stack([size.log(), here.real / size, here.imag / size], dim=1)
    # not torch.view_as_real, whose derivative wants an even place in memory
    return torch.cat([columns, torch.stack([others.real, others.imag], dim=2).flatten(1)], dim=1)


def product(sheets: Sheets, s_0: Tensor) -> Tensor:
    """F at the points, (case, point) complex."""
    steps = torch.tensor(POINTS, dtype=sheets.mach.dtype, device=sheets.mach.device)
    s = sheets.boundary + (sheets.right - sheets.left) * steps * _TURN
    wave = sheets.beta_outer * root(sheets.right - s) * root(s - sheets.left)
    square = sheets.squares(s)[0]
    kernel = sheets.density * sheets.outer(s) ** 2 / outgoing_near(wave, sheets.m)
    kernel = kernel - sheets.inner(s) ** 2 * at_wall_off_axis(square, sheets.duct)
    # sqrt((right - s) (s - left)) of C_minus C_plus is gamma_2 / beta_2
    pair = (s - s_0) * (s - s_0.conj())
    closed = sheets.quotient(s, -1) * sheets.quotient(s, 1) * pair
    return kernel * wave / (sheets.beta_outer * closed)
