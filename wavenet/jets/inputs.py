r"""What the jets' networks are given: from a jet's parameters, numbers on which its factors depend smoothly.

Next to m, K = ka / sqrt(1 - M^2) and the streams' parameters these are the continuous radial index nu, with which the
factors oscillate, and at s_c the sheet's impedance over that of the jet, zeta = D N_2^2 K / (N_1^2 gamma_2), its parts,
and the reflection R = (zeta - 1) / (zeta + 1) of waves across the jet, which is the size of the oscillation. With the
phase delta of H_m' nu is (delta(K) - delta(K h)) / pi, without a hub delta(K) / pi - 1/2: whole where a mode is cut on.
The kernel on a line follows, see `line`, and the windows' lengths.
"""

import math

import torch
from torch import Tensor

from ..ducts.bessel import outer
from .instability import instability
from .line import NAMES as ON_LINE
from .line import on_line
from .sheet import Sheets

NAMES = (  # of the inputs
    *("m", "ln K", "cos 2 pi nu", "sin 2 pi nu", "s_c over its limit", "M_2", "ln C"),
    *("ln D C^2", "M", "1 / K", "m / K", "ka"),
    *("ln weight", "ln across", "ln order", "nu", "1 / (1 + nu)"),
    *("R", "R cos 2 pi nu", "R sin 2 pi nu"),
    *("hub", "rate of nu at the hub", "hub K", "m hub"),
    *ON_LINE,
    *("length of the left window", "length of the right window"),
)
COUNT = len(NAMES)
LENGTHS = slice(COUNT - 2, COUNT)
KERNEL = slice(COUNT - 2 - len(ON_LINE) + 3, COUNT - 2)  # h at the points


def inputs(parameters: Tensor, s_0: Tensor) -> Tensor:
    """Inputs (case, COUNT) from m, ka, M_1, M_2, C, D and the hub, (case, 7), and instabilities (case, 1)."""
    m, ka, mach, mach_outer, speed, density, hub = parameters.unbind(dim=1)
    sheets = Sheets(0, *parameters[:, 1:].T[..., None])
    known = torch.empty(len(parameters), len(ON_LINE), dtype=parameters.dtype, device=parameters.device)
    for order in torch.unique(m).tolist():
        mine = torch.nonzero(m == order)[:, 0]
        own = Sheets(round(order), *parameters[mine, 1:].T[..., None])
        known = known.index_put((mine,), on_line(own, s_0[mine]))
    k = ka / torch.sqrt((1 - mach) * (1 + mach))
    index, rate = _radial_index(m, k, hub)
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
        *(hub, rate, hub * k / 10, m * hub),
    ]
    span = sheets.right - sheets.left
    lengths = (sheets.boundary - sheets.first) / span, (sheets.last - sheets.boundary) / span
    return torch.cat([torch.stack(columns, dim=1), known, *lengths], dim=1)


def instabilities(parameters: Tensor) -> Tensor:
    """s_0 (case, 1) of jets (case, 7) of any azimuthal orders."""
    found = torch.empty(len(parameters), 1, dtype=parameters.dtype.to_complex(), device=parameters.device)
    for order in torch.unique(parameters[:, 0]).tolist():
        mine = torch.nonzero(parameters[:, 0] == order)[:, 0]
        found = found.index_put((mine,), instability(Sheets(round(order), *parameters[mine, 1:].T[..., None]))[0])
    return found


def _radial_index(m: Tensor, k: Tensor, hub: Tensor) -> tuple[Tensor, Tensor]:
    """Continuous radial index, and its derivative in K that is due to the hub, (case,) each."""
    turns, rates = torch.empty_like(k), torch.empty_like(k)
    hollow = hub > 0
    at_hub = torch.where(hollow, k * hub, k)  # any number without a hub
    for order in torch.unique(m).tolist():
        mine = torch.nonzero(m == order)[:, 0]
        wall, _ = _phase(round(order), k[mine])
        inside, rate = _phase(round(order), at_hub[mine])
        none = ~hollow[mine]
        turns = turns.index_put((mine,), (wall - inside.masked_fill(none, 0.5 * math.pi)) / math.pi)
        rates = rates.index_put((mine,), (hub[mine] * rate).masked_fill(none, 0.0))
    return turns, rates


def _phase(m: int, z: Tensor) -> tuple[Tensor, Tensor]:
    """Phase of H_m'(z), continuous from pi / 2 at z = 0, and its derivative."""
    slope = outer(z, m)[1]
    power = ((0.5 * z.double()) ** m / math.factorial(m)).to(z)
    rate = 2 / math.pi * z * (1 - (m / z) ** 2) * (power / slope.abs()) ** 2
    with torch.no_grad():  # Debye's phase is within pi / 4, and tells the branch
        live = z.clamp(min=m) if m else z
        debye = torch.sqrt((live - m) * (live + m)) - m * torch.arccos(m / live)
        debye = debye + torch.where(z > m, 0.25, 0.5) * math.pi
        whole = torch.round((debye - torch.angle(slope)) / (2 * math.pi))
    return torch.angle(slope) + 2 * math.pi * whole, rate
