r"""Power that a liner in flow absorbs, Im y \int |N phi|^2 dX along its wall, with all of its modes.

By the convected wave equation the flux of Im phi^* grad phi through the wall is Im phi^* D zeta, with the wall's
displacement zeta and its convected derivative D. That is Im p^* zeta, the pressure's work, and the derivative M / beta
d(Im phi^* zeta) / dX, which is nothing in total where zeta vanishes at both ends: the energy of Cantrell and Hart
balances with Ingard's and Myers' condition. As without flow (`absorption`), the first modes are integrated one by
one, and the rest from its transform in closed form: for waves that leave the front,

    (i / K_plus(tau)) [sum_n a_n N(-kappa_n) / (K_minus(-kappa_n) (tau + kappa_n))
        + sum_n g_n N(u_n) K_plus(u_n) / (tau - u_n)] - sum_n i g_n N(u_n) / (tau - u_n),

with hard modes a_n and lined modes g_n incident there, and for those that leave the back that of the mirror image.

References
----------
R. H. Cantrell, R. W. Hart, J. Acoust. Soc. Am. 36 (1964), 697-706, for the energy.
"""

import numpy as np

from ..arrays import ComplexArray
from .flow_factor import FlowFactor
from .flow_section import FlowSection

# Nodes tau = c sinh y, c half the hard modes' largest wavenumber; beyond all waves the integrand falls like tau^-3.
_REACH, _STEP = 24.0, 0.08


def absorbed_power(
    section: FlowSection,
    incident: tuple[ComplexArray, ComplexArray],
    inside: tuple[ComplexArray, ComplexArray],
) -> float:
    """Power absorbed, from hard modes incident on front and back and lined modes that leave these."""
    wall, waves = section.wall, (section.modes.down, section.modes.up)
    amplitudes = [one * wall.convected(s) for one, s in zip(inside, waves, strict=True)]  # of N phi
    rates = -waves[0], waves[1]  # exp(i rate X) away from the end that they leave
    scale = 0.5 * float(np.max(np.abs(section.hard.kappa)))
    reach = _REACH + float(np.log1p(max(float(np.max(np.abs(rate))) for rate in rates) / scale))
    y = np.arange(-reach, reach, _STEP) + 0.5 * _STEP
    tau, weight = scale * np.sinh(y) + 0j, scale * np.cosh(y) * _STEP / (2 * np.pi)
    factor = FlowFactor(wall, section.singularities, float(np.min(np.abs(tau))))
    first, second = rates
    cross = (section.decay[0][:, None] - section.decay[1].conj()) / (1j * (first[:, None] + second.conj()))
    power = 2 * float((amplitudes[0] @ cross @ amplitudes[1].conj()).real)
    for end, side in ((0, 1), (1, -1)):
        rate, decay, amplitude = rates[end], section.decay[end], amplitudes[end]
        same = (decay[:, None] * decay.conj() - 1) / (1j * (rate[:, None] - rate.conj()))
        power += float((amplitude @ same @ amplitude.conj()).real)
        other, back = amplitudes[1 - end] * section.decay[1 - end], rates[1 - end]
        points = np.concatenate([-rate.conj(), back.conj(), tau])
        rest = _rest(section, factor, points, side, incident[end], other, amplitude)
        many, both = len(rate), len(rate) + len(back)
        power += 2 * float((amplitude.conj() @ rest[:many]).real)
        power += 2 * float((other.conj() @ rest[many:both]).real)
        power += float(np.abs(rest[both:]) ** 2 @ weight)
    return wall.y.imag * power


def _rest(
    section: FlowSection,
    factor: FlowFactor,
    tau: ComplexArray,
    side: int,
    hard: ComplexArray,
    arrive: ComplexArray,
    leave: ComplexArray,
) -> ComplexArray:
    """Transform of what leaves the front (side 1) or the back (-1) beyond the first modes.

    hard : amplitudes of hard modes incident there; arrive, leave : of N phi of lined modes incident there, and of the
    first ones that leave.
    """
    kappa, wall, f, column = section.hard.kappa, section.wall, section.factors, tau[:, None]
    s_leave, s_arrive = (side * one for one in (section.modes.down, section.modes.up)[::side])
    minus_hard = f.minus_hard if side == 1 else f.plus_hard
    plus_arrive = f.plus_up if side == 1 else f.minus_down
    source = (1 / (column + kappa)) @ (hard * wall.convected(-side * kappa) / minus_hard)
    apart = 1 / (column - s_arrive)
    source += apart @ (arrive * plus_arrive)
    plus = factor.anywhere(side * tau, side)
    rest: ComplexArray = 1j * (source / plus - apart @ arrive - (1 / (column - s_leave)) @ leave)
    return rest
