r"""What the jets' network is given: from a jet's parameters, numbers on which its factors depend smoothly.

Next to m, K = ka / sqrt(1 - M^2) and the streams' parameters these are the continuous radial index nu, with which the
factors oscillate, and at s_c the sheet's impedance over that of the jet, zeta = D N_2^2 K / (N_1^2 gamma_2), its parts,
and the reflection R = (zeta - 1) / (zeta + 1) of waves across the jet, which is the size of the oscillation.
"""

import math

import torch
from torch import Tensor

from .sheet import Sheets, radial_index

NAMES = (  # of the inputs
    *("m", "ln K", "cos 2 pi nu", "sin 2 pi nu", "s_c over its limit", "M_2", "ln C"),
    *("ln D C^2", "M", "1 / K", "m / K", "ka"),
    *("ln weight", "ln across", "ln order", "nu", "1 / (1 + nu)"),
    *("R", "R cos 2 pi nu", "R sin 2 pi nu"),
)
COUNT = len(NAMES)


def inputs(parameters: Tensor) -> Tensor:
    """Inputs (case, COUNT) from m, ka, M_1, M_2, C and D, (case, 6)."""
    m, ka, mach, mach_outer, speed, density = parameters.unbind(dim=1)
    sheets = Sheets(0, *parameters[:, 1:].T[..., None])
    k = ka / torch.sqrt((1 - mach) * (1 + mach))
    index = torch.zeros_like(k)
    for order in torch.unique(m).tolist():
        mine = m == order
        index = torch.where(mine, radial_index(round(order), torch.where(mine, k, 1.0)), index)
    cosine, sine = torch.cos(2 * math.pi * index), torch.sin(2 * math.pi * index)
    centre = sheets.centre
    limit = sheets.right - 0.25 * (sheets.right - sheets.left)
    weight = (density * (sheets.outer(centre) / sheets.inner(centre))[:, 0] ** 2).log()
    square = sheets.squares(centre)[1][:, 0]
    across = 0.5 * square.log() - k.log()
    reflection = torch.tanh(0.5 * (weight - across))
    columns = [
        *(m / 10, k.log(), cosine, sine, (centre / limit)[:, 0], mach_outer, speed.log()),
        *((density * speed**2).log(), mach, 1 / k, m / k, ka / 10),
        *(weight, across, torch.log1p(m**2 / square), index / 5, 1 / (1 + index)),
        *(reflection, reflection * cosine, reflection * sine),
    ]
    return torch.stack(columns, dim=1)
