r"""What the high domain's network is given: parameters, reflections at the sheet, and the kernel it is to split.

The smooth parts that it learns add up to what is known, h = ln K / (C_minus C_plus). Their split is a Cauchy integral
of h along a line between the factors' domains. Values of h at a few points of such a line, s = s_c + u e^{-i pi / 4}
sinh(y), next to parameters leave the network an almost linear task: an integral with few nodes, and what it misses.
"""

import math
from functools import lru_cache

import numpy as np
import torch
from scipy.interpolate import CubicSpline
from scipy.special import jnp_zeros
from torch import Tensor

from ..arrays import FloatArray
from ..ducts.bessel import inner, outgoing
from .high import HighSheets
from .instability import root

_NODES, _END = 21, 5.0  # of the line, and y where it ends
_SCALE = 0.05  # u over right - left: a quarter of the distance of s_c to `right`
_INDEXED = 28  # radial orders of the spline of the radial index
_LEAST = 1e-3  # of gamma_1^2, where gamma_1 is imaginary
COUNT = 12 + 2 * 13 + 2 * _NODES  # of the inputs


def inputs(sheets: HighSheets, s_0: Tensor) -> Tensor:
    """Inputs (case, COUNT) of jets of one azimuthal order with instabilities s_0 (case, 1)."""
    m, ka, mach = sheets.m, sheets.helmholtz, sheets.mach
    k, span = ka / torch.sqrt(sheets.beta2), sheets.right - sheets.left
    columns = [
        *(torch.full_like(k, m / 10), k.log(), (sheets.centre - sheets.right) / span, sheets.mach_outer),
        *(sheets.speed.log(), (sheets.density * sheets.speed**2).log(), mach, 1 / k, m / k, ka / 10),
        *((span / ka).log(), (1 - mach).log()),
    ]
    for s in (sheets.boundary, sheets.centre):
        columns += _reflection(sheets, s)
    return torch.cat([*columns, torch.view_as_real(_on_line(sheets, s_0)).flatten(1)], dim=1)


def _reflection(sheets: HighSheets, s: Tensor) -> list[Tensor]:
    """Radial index nu and reflection R of waves across the jet at the sheet, at real s (case, 1), and products."""
    square = sheets.squares(s)[0].clamp(min=_LEAST)
    wave = outgoing(_gamma_outer(sheets, s + 0j), sheets.m)
    index = radial_index(sheets.m, torch.sqrt(square))
    ratio = sheets.density * (sheets.outer(s) / sheets.inner(s)) ** 2
    impedance = 1j * ratio * torch.sqrt(square) / wave
    reflection = (impedance - 1) / (impedance + 1)
    turn = torch.polar(torch.ones_like(index), 2 * math.pi * index)
    parts = turn, reflection, reflection * turn, reflection * turn.conj()
    found = [index / 5, 1 / (1 + index), *(part for one in parts for part in (one.real, one.imag))]
    return [*found, ratio.log(), wave.abs().log(), torch.log1p(sheets.m**2 / square)]


def _on_line(sheets: HighSheets, s_0: Tensor) -> Tensor:
    """h on the line less h at s_c, continuous, and at s_c itself exp(h): (case, node) complex."""
    y = torch.linspace(-_END, _END, _NODES, dtype=sheets.mach.dtype, device=sheets.mach.device)
    turn = complex(math.cos(math.pi / 4), -math.sin(math.pi / 4))
    s = sheets.boundary + (sheets.right - sheets.left) * _SCALE * torch.sinh(y) * turn
    none = torch.full_like(sheets.mach, -1, dtype=torch.long)
    closed = sheets.closed_minus(s, sheets.modes(-1)) * sheets.closed_plus(s, sheets.modes(1), s_0, none)
    flow = sheets.density * (sheets.mach_outer * sheets.speed) ** 2 / sheets.beta_outer
    limit = -1j * (flow + sheets.mach**2 / torch.sqrt(sheets.beta2))
    square = sheets.squares(s)[0]
    wall = sheets.m - square * inner(square, sheets.m)
    wave = outgoing(_gamma_outer(sheets, s), sheets.m)
    value = (sheets.density * sheets.outer(s) ** 2 / wave - sheets.inner(s) ** 2 / wall) / (closed * limit)
    steps = torch.cumsum(torch.log(value[:, 1:] / value[:, :-1]), dim=1)
    total, middle = torch.nn.functional.pad(steps, (1, 0)), _NODES // 2
    before, after = total[:, :middle], total[:, middle + 1 :]
    centre = total[:, middle : middle + 1]
    return torch.cat([before - centre, value[:, middle : middle + 1], after - centre], dim=1)


def _gamma_outer(sheets: HighSheets, s: Tensor) -> Tensor:
    """gamma_2 at complex s."""
    return sheets.beta_outer * root(sheets.right - s) * root(s - sheets.left)


@lru_cache(maxsize=64)
def _index_spline(m: int) -> tuple[FloatArray, FloatArray]:
    """Knots and coefficients (power, interval) of the cubic spline of l through the eigenvalues alpha_ml."""
    zeros = np.concatenate([[0.0], jnp_zeros(0, _INDEXED - 1)]) if m == 0 else jnp_zeros(m, _INDEXED)
    spline = CubicSpline(zeros, np.arange(_INDEXED))
    return np.asarray(spline.x), np.asarray(spline.c)


def radial_index(m: int, k: Tensor) -> Tensor:
    """Continuous radial index at K = ka / sqrt(1 - M^2): l at the cut-on of mode l, smooth between."""
    knots, coefficients = (torch.from_numpy(one).to(k) for one in _index_spline(m))
    place = (torch.searchsorted(knots, k.detach().contiguous(), right=True) - 1).clamp(0, len(knots) - 2)
    step, value = k - knots[place], torch.zeros_like(k)
    for row in coefficients:
        value = value * step + row[place]
    return value
