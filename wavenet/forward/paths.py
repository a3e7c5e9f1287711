"""Paths of steepest descent to microphones: nodes and weights of the waves' integral, in real arithmetic.

A path is tau = centre + t exp(-i pi / 4), on which the trapezoidal rule in t converges fast. Complex exponentials and
roots are many times slower in torch than real ones: angles are kept apart in real and imaginary parts.
"""

from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

NEAREST = 2.5  # least rho [radii]
BESIDE = 1.5  # angle to the axis, in widths of the saddle, below which points are beside it
_CLEAR = 3.0  # angle to the axis of the paths, in widths
_ERROR = float(np.log(1 / 1.5e-5))  # exponent that the rule leaves out
COUNTS = 9, 12, 16, 22, 30, 44  # nodes of a path: the next such number
PASSED = 0.6  # poles count up to this fraction of 2 pi sigma^2 / h, beyond which the rule's own error is larger
FLAT = 300.0  # exponent that neither overflows nor matters any more
TURN = complex(np.exp(-0.25j * np.pi))


@dataclass(frozen=True)
class Pairs:
    """Pairs of a mode and a microphone, (pair,): case number, X, r, and polar coordinates of (X, r)."""

    case: Tensor
    x: Tensor
    r: Tensor
    rho: Tensor
    theta: Tensor

    def of(self, chosen: Tensor) -> "Pairs":
        """Some of them."""
        return Pairs(*(getattr(self, field.name)[chosen] for field in fields(self)))


@dataclass(frozen=True)
class Rule:
    """Paths of pairs, (pair,): centre, step and half length in t, width of the saddle, and number of nodes needed."""

    centre: Tensor
    length: Tensor
    width: Tensor
    needed: Tensor

    def of(self, chosen: Tensor) -> "Rule":
        """Some of them."""
        return Rule(*(getattr(self, field.name)[chosen] for field in fields(self)))


@dataclass(frozen=True)
class Nodes:
    """Points of paths, (pair, node).

    cosine, sine : of tau. lower, upper : sine and cosine of tau / 2. wave : exp(i K rho (cos(tau - theta) - 1)) times
    the weight. parts : real and imaginary part of sin(tau).
    """

    cosine: Tensor
    sine: Tensor
    lower: Tensor
    upper: Tensor
    wave: Tensor
    parts: tuple[Tensor, Tensor]

    def of(self, chosen: Tensor) -> "Nodes":
        """Those of some pairs."""
        real, imaginary = self.parts
        cosine, sine, lower, upper, wave = (
            values[chosen] for values in (self.cosine, self.sine, self.lower, self.upper, self.wave)
        )
        return Nodes(cosine, sine, lower, upper, wave, (real[chosen], imaginary[chosen]))


def rule(k: Tensor, pairs: Pairs) -> Rule:
    """Paths to pairs off the axis; k : (pair,)."""
    width = 1 / torch.sqrt(k * pairs.rho)
    centre = torch.minimum(torch.maximum(pairs.theta, _CLEAR * width), np.pi - _CLEAR * width)
    # The lip is at the distance 1 from the origin, and the point off the centre: both shift the saddle, so that in t
    # the integrand grows like exp(shift |Im t| / width^2) beside the path.
    leaning = torch.clamp(torch.cos(centre).abs() + width, max=1)
    shift = ((pairs.theta - centre).abs() + leaning / pairs.rho) / np.sqrt(2)
    length = shift + torch.sqrt(shift**2 + 2 * _ERROR * width**2)
    # The rule of step h errs by the integrand at Im t = 2 pi width^2 / h: as the ends do where h = 2 pi width^2 / L.
    return Rule(centre, length, width, (length / width).detach() ** 2 / np.pi)


def nodes(k: Tensor, pairs: Pairs, rule: Rule, count: int, real: torch.dtype) -> Nodes:
    """Nodes of pairs; k : (pair,). real : type of the result's parts."""
    places = ((2 * torch.arange(count, dtype=k.dtype, device=k.device) + 1) / count - 1).to(real) / np.sqrt(8)
    along = rule.length.to(real)[:, None] * places  # half the real part of t exp(-i pi / 4), and minus the imaginary
    rise = torch.exp(-along)
    fall = 1 / rise
    even, odd = 0.5 * (rise + fall), 0.5 * (rise - fall)  # cosh, sinh of the imaginary part / 2
    half = (0.5 * rule.centre).to(real)[:, None] + along
    cos, sin = torch.cos(half), torch.sin(half)
    upper, lower = torch.complex(cos * even, -sin * odd), torch.complex(sin * even, cos * odd)
    # of tau itself, by doubled angles of the real parts
    cosh, sinh, cos_a, sin_a = 1 + 2 * odd * odd, 2 * even * odd, 1 - 2 * sin * sin, 2 * sin * cos
    parts = sin_a * cosh, cos_a * sinh
    # K rho (cos(tau - theta) - 1) = -2 K rho sin^2((tau - theta) / 2) keeps its digits
    off = (0.5 * (rule.centre - pairs.theta)).to(real)[:, None] + along
    one, two = torch.sin(off) * even, torch.cos(off) * odd
    size = (k * pairs.rho).to(real)[:, None]
    weight = (rule.length / (np.pi * count)).to(real)[:, None] * torch.exp(4 * size * one * two)
    angle = -2 * size * (one - two) * (one + two) - 0.25 * np.pi  # of the weight, too
    wave = torch.complex(weight * torch.cos(angle), weight * torch.sin(angle))
    return Nodes(torch.complex(cos_a * cosh, -sin_a * sinh), torch.complex(*parts), lower, upper, wave, parts)
