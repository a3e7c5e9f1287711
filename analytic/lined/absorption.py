r"""Power that the wall of a liner absorbs, Im q \int_0^L |psi(x, 1)|^2 dx, with all of its modes.

At the wall psi = A(x) + B(L - x), of modes that leave the front and the back. The first modes are integrated one by
one. What is left of A, all other modes, follows from the transform of A in closed form: with hard modes a_n and
lined modes g_n incident on the front,

    \int_0^\infty A exp(i tau x) dx = (i / K_plus(tau)) [sum_n a_n / (K_plus(kappa_n) (tau + kappa_n))
        + sum_n g_n K_plus(sigma_n) / (tau - sigma_n)] - sum_n i g_n / (tau - sigma_n),

less the first modes'. The rest has decayed at the other end, and its own square is integrated along real tau.
"""

import numpy as np

from ..arrays import ComplexArray
from .factor import PlusFactor
from .section import LinedSection

_TILTS = 0.125 * np.pi, 0.375 * np.pi  # of two lines: every point is far enough from one of them
# Nodes tau = c sinh y, c half the largest lined wavenumber. Beyond |q| the integrand falls like tau^-2, to e^-24 at the
# end.
_REACH, _STEP = 24.0, 0.08


def absorbed_power(
    section: LinedSection,
    incident: tuple[ComplexArray, ComplexArray],
    inside: tuple[ComplexArray, ComplexArray],
) -> float:
    """Power absorbed, from hard modes incident on front and back and lined modes that leave these."""
    front, back = inside
    sigma, decay = section.sigma, section.decay
    same = (decay[:, None] * decay.conj() - 1) / (1j * (sigma[:, None] - sigma.conj()))
    cross = (decay[:, None] - decay.conj()) / (1j * (sigma[:, None] + sigma.conj()))
    total = front @ same @ front.conj() + back @ same @ back.conj() + 2 * front @ cross @ back.conj()
    largest = float(np.max(np.abs(sigma)))
    reach = _REACH + float(np.log1p(abs(section.q) / largest))
    y = np.arange(-reach, reach, _STEP) + 0.5 * _STEP  # not through tau = 0, where a line bends
    scale = 0.5 * largest
    axis, weight = scale * np.sinh(y) + 0j, scale * np.cosh(y) * _STEP / (2 * np.pi)
    tau = np.concatenate([-sigma.conj(), sigma.conj(), axis])
    plus, first, second = _plus(section, tau), len(sigma), 2 * len(sigma)
    power = float(total.real)
    for hard, amplitude, other in zip(incident, inside, inside[::-1], strict=True):
        rest = _rest(section, tau, plus, hard, decay * other, amplitude)
        power += 2 * float((amplitude.conj() @ rest[:first]).real)
        power += 2 * float(((other * decay).conj() @ rest[first:second]).real)
        power += float(np.abs(rest[second:]) ** 2 @ weight)
    return section.q.imag * power


def _plus(section: LinedSection, tau: ComplexArray) -> ComplexArray:
    """K_plus at tau from that of two lines which is farther away."""
    away = np.array([np.abs(np.angle((tau * np.exp(1j * tilt)) ** 2)) for tilt in _TILTS])
    chosen, value = np.argmax(away, axis=0), np.empty_like(tau)
    least, largest = (float(one) for one in (np.min(np.abs(tau)), np.max(np.abs(tau))))
    least, largest = min(least, section.span[0]), max(largest, section.span[1])
    for index, tilt in enumerate(_TILTS):
        here = chosen == index
        if np.any(here):
            factor = PlusFactor(section.hard.section, section.hard.k, section.q, least, largest, tilt)
            value[here] = factor(tau[here])[0]
    return value


def _rest(
    section: LinedSection,
    tau: ComplexArray,
    plus: ComplexArray,
    hard: ComplexArray,
    lined: ComplexArray,
    amplitude: ComplexArray,
) -> ComplexArray:
    """Transform of the modes beyond the first; hard, lined : incident amplitudes; amplitude : of the first modes."""
    column = tau[:, None]
    apart = column - section.sigma
    source = (1 / (column + section.hard.kappa)) @ (hard / section.with_kappa)
    source += (1 / apart) @ (lined * section.with_sigma)
    rest: ComplexArray = 1j * (source / plus - (1 / apart) @ lined - (1 / (column + section.sigma)) @ amplitude)
    return rest
