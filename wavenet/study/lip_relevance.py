"""What the network of thick walls adds to the level of a mode: by its parts, its inputs and its training solutions.

The network is D = D_0 + (shape - D_0) + sum_f B_f g_f + balance, see `wavenet.lips.parts`: the exact solution of the
thin wall, the known shape of a thick one, the learned functions g_f with known factors, the power balance.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from wavenet.lips import parts, process
from wavenet.lips.ducts import PARAMETERS, Ducts
from wavenet.lips.network import DEGREES, INTERVALS, LipNetwork, chebyshev

DECIBELS = 20 / math.log(10)
INPUTS = (*PARAMETERS, "mode", "direction")  # of `Learned`; mode: kappa_n / k; direction: kappa_l / k or -cos(theta)
_NUGGET = 1e-8  # variance added to that of 1 at each solution: its inverse has finite digits
TERMS = ("shape", "ratio", "second edge", "balance")  # of `terms`


class Units(NamedTuple):
    """A learned change of level as sums over the solutions that taught the network, for one input.

    units, values : (solution,) [dB], with Gaussian units, and with the solutions' own values of g. distance :
    (solution,), from the input in lengths of the covariance.
    """

    units: Tensor
    values: Tensor
    distance: Tensor


def terms(model: LipNetwork, ducts: Ducts) -> tuple[Tensor, Tensor]:
    """Terms of ln |D / D_0| in dB, in the order of `TERMS`: (term, case, order, angle); and their sum.

    They are integrated gradients from the thin wall to the thick one along D_0 + s (D - D_0), 0 <= s <= 1, in closed
    form: Re(term ln(D / D_0) / (D - D_0)) for a term of D. NaN for modes that are cut off.
    """
    z = ducts.parameters
    with torch.no_grad():
        found = model(ducts).directivity
        whole = torch.zeros(len(TERMS), *found.shape, dtype=found.dtype)
        forward = torch.cos(ducts.theta) > 0
        for part, chosen in (("ahead", forward), ("behind", ~forward)):
            index = torch.nonzero(chosen)[:, 0]
            if not len(index):
                continue
            given, smooth, _ = model.learned(part, ducts.at(index), z)
            whole[0, :, :, index] = given.base - ducts.directivity[:, :, index]
            whole[1:3, :, :, index] = given.factor * smooth
        change = found - ducts.directivity
        whole[3] = change - whole[:3].sum(dim=0)
        level = torch.log(found / ducts.directivity)
        shares = (whole * torch.where(change == 0, 1 / ducts.directivity, level / change)).real * DECIBELS
    return torch.where(ducts.live[:, :, None], shares, torch.nan), level.real * DECIBELS


class Learned(nn.Module):
    """What is learned of the level of one mode of one duct, in dB, as a function of the `INPUTS` of its g_f.

    It is Re(sum_f B_f g_f / value): the change of the level of a value, to first order, with the factors held.

    Parameters
    ----------
    model : LipNetwork
    part : str
        Of `parts.PARTS`.
    factor : (family,) complex tensor
        B_f over the value that the network gives.
    """

    def __init__(self, model: LipNetwork, part: str, factor: Tensor) -> None:
        super().__init__()
        self.part, self.families = part, len(factor)
        self.degrees = DEGREES[model.config.exact]
        self.register_buffer("real", DECIBELS * factor.real)
        self.register_buffer("imaginary", DECIBELS * factor.imag)
        for name in ("inverse", "centre", "weight"):
            self.register_buffer(name, model.get_buffer(f"{part}_{name}").detach().clone())

    real: Tensor
    imaginary: Tensor
    inverse: Tensor
    centre: Tensor
    weight: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Levels (case, 1) of inputs (case, input)."""
        total = torch.zeros_like(x[:, :1])
        for family in range(self.families):
            total = total + (self.unit(x, family) * self.strength(x, family)).sum(dim=1, keepdim=True)
        return total

    def unit(self, x: Tensor, family: int) -> Tensor:
        """Gaussian units (case, solution)."""
        inverse = self.inverse[family]
        away = x[:, None, :-2] * inverse - self.centre * inverse
        return torch.exp(-0.5 * away.square().sum(dim=2))

    def strength(self, x: Tensor, family: int) -> Tensor:
        """What the units are multiplied with, (case, solution) [dB]."""
        first = chebyshev(x[:, -2], 0.0, 1.0, self.degrees[0])
        second = chebyshev(x[:, -1], *INTERVALS[self.part], self.degrees[1])
        table = self.weight[family].view(-1, 2, *self.degrees)
        real, imaginary = torch.einsum("ca,spab,cb->pcs", first, table, second)
        return self.real[family] * real - self.imaginary[family] * imaginary


def learned(model: LipNetwork, part: str, ducts: Ducts, n: int, second: int) -> tuple[Learned, Tensor, float]:
    """What is learned of mode n of one duct, its inputs (1, input), and the change of its level from the thin wall's.

    second : of the angle, in `ducts`, or of the reflected order.
    """
    with torch.no_grad():
        prediction, z = model(ducts), ducts.parameters
        given, _, _ = model.learned(part, ducts, z)
        if part == "reflection":
            value, thin = parts.powers(ducts, prediction.reflection), ducts.reflection
        else:
            value, thin = prediction.directivity, ducts.directivity
        at = 0, n, second
        factor = given.factor[:, *at] / value[at]
        directions = torch.stack([given.first[0, n], given.second[0, second]])
        change = DECIBELS * float(torch.log(value[at].abs() / thin[at].abs()))
        return Learned(model, part, factor).eval(), torch.cat([z[0], directions])[None], change


def units(module: Learned, x: Tensor) -> Units:
    """The learned change by the training solutions j, for one input x (1, input).

    The mean of a Gaussian process is a sum over units, k(z, z_j) c_j, and one over the solutions' own values, w_j
    g(z_j), with the weights w = k(z, .) K^-1, which are 1 and 0 at the solutions: the latter up to `_NUGGET`.
    """
    found = []
    with torch.no_grad():
        for family in range(module.families):
            unit, strength = module.unit(x, family)[0], module.strength(x, family)[0]
            scaled = module.centre * module.inverse[family]
            kernel = process.gauss(scaled, scaled)
            own = kernel @ strength  # (solution,), g at the solutions
            weight = torch.linalg.solve(kernel + _NUGGET * torch.eye(len(kernel), dtype=kernel.dtype), unit)
            away = x[0, :-2] * module.inverse[family] - scaled
            found.append((unit * strength, weight * own, away.square().sum(dim=1)))
    by_units, values, square = (torch.stack(column).sum(dim=0) for column in zip(*found, strict=True))
    return Units(by_units, values, torch.sqrt(square))
