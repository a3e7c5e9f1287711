"""Power balance of a solution.

References
----------
R. H. Cantrell, R. W. Hart, J. Acoust. Soc. Am. 36 (1964), 697-706: energy in a flow. H. Takahasi, M. Mori, Publ. RIMS 9
(1974), 721-741: the double-exponential rule.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from .arrays import ComplexArray, FloatArray
from .errors import ConvergenceError, check_estimate, check_finite, quiet

if TYPE_CHECKING:
    from .transform import Transform

# Double-exponential (tanh-sinh) rule, theta = width / (1 + exp(-pi sinh t)): at |t| = 3.2 the weight is 1e-15 of its
# largest, and D is bounded there. Ending at 2.8 changes the power of 24 random jets by up to 4e-11, at 3.6 by 1e-14.
# Twice the step gives the error estimate, so that the rule itself is more accurate than it.
_END = 3.2
_STEP = 0.05
_SHARE = 0.1  # of the error allowed, for one interval: most intervals are far below it
_ROUNDS = 40  # of splitting intervals at the largest |D|^2: one for each lobe between nodes, and a few for its flanks
_MOST = 500  # intervals: 64,000 angles
_APART = 1e-3  # least distance of a split to the ends of its interval, over the interval's width


@dataclass(frozen=True)
class Power:
    """Sound power of phi through the duct's cross-section and the far field, per azimuthal angle.

    Attributes
    ----------
    incident, reflected : float
        Power of the cut-on modes, sum kappa N |amplitude|^2, N = (1 - m^2/alpha^2) / 2 without a hub.
    evanescent : float
        Power carried outwards by the interaction of incident and reflected cut-off modes.
    radiated : float
        K times the integral of |D|^2 sin(theta).
    vortical : float
        Power carried downstream along a jet by its instability and by waves trapped in it; 0 without a jet.
    residual : float
        incident + evanescent - reflected - radiated - vortical, over sum |kappa| N |amplitude|^2 of all incident modes.
    """

    incident: float
    reflected: float
    evanescent: float
    radiated: float
    vortical: float
    residual: float


class Emission:
    """Anything with a directivity, for `radiated_power`.

    Parameters
    ----------
    directivity : callable
        D at angles (angle,), and the error estimate of its factors.
    radiation : float
        As of a `Transform`.
    described : str
        For messages.
    """

    power_accuracy: ClassVar[float] = 1e-2

    def __init__(
        self, directivity: Callable[[FloatArray], tuple[ComplexArray, float]], radiation: float, described: str
    ) -> None:
        self.directivity, self.radiation, self.described = directivity, radiation, described

    @classmethod
    def directivities(cls, family: "Sequence[Emission]", theta: FloatArray) -> tuple[ComplexArray, FloatArray]:
        """As of a `Transform`."""
        found = [one.directivity(theta.ravel()) for one in family]
        values = np.array([value.reshape(theta.shape) for value, _ in found])
        return values, np.array([np.full(theta.shape, error) for _, error in found])


@quiet()
def balance(family: "Sequence[Transform]", weights: npt.ArrayLike, tolerance: float) -> Power:
    """Power balance of incoherent sources that share their factors: weighted sums, and the residual of these.

    Parameters
    ----------
    family : sequence of Transform
    weights : (transform,) array
        Not negative.
    tolerance : float
        Largest error estimate and residual accepted, over sum |kappa| N |amplitude|^2.

    Raises
    ------
    ConvergenceError
        The quadrature of the radiated power did not converge, the error estimate of the balance is above the tolerance,
        or the residual is, by more than that error.
    """
    weights, first = np.asarray(weights, dtype=float), family[0]
    reflected, flux, propagating = np.array([one.reflection for one in family]), first.flux, first.propagating
    incident = np.array([one.incident_amplitudes(len(flux)) for one in family])
    into = float(np.sum((weights @ (flux * np.abs(incident) ** 2))[propagating]))
    back = float(np.sum((weights @ (flux * np.abs(reflected) ** 2))[propagating]))
    crossed = weights @ np.where(propagating, 0.0, 2 * flux * (incident.conj() * reflected).imag)
    flows = [one.flows() for one in family]
    lobes = flows[0][0]  # the same for all: they are the jet's
    inside, vortical, flow_error = (float(weights @ [flow[index] for flow in flows]) for index in (1, 2, 3))
    radiated, radiated_error = radiated_power(family, weights, lobes, inside, tolerance)
    scale = float(np.sum(weights @ (flux * np.abs(incident) ** 2)))
    evanescent = float(np.sum(crossed))
    power = Power(into, back, evanescent, radiated, vortical, (into + evanescent - back - radiated - vortical) / scale)
    error = first.error_estimate * (2 * back + float(np.sum(np.abs(crossed)))) + radiated_error + flow_error
    described = _described(family)
    check_estimate(error / scale, tolerance, "the powers", described)
    check_residual(power.residual, error / scale, tolerance, described)
    check_finite(list(vars(power).values()), "the power", described)
    return power


def _described(family: "Sequence[Transform] | Sequence[Emission]") -> str:
    """The sources, for error messages."""
    others = f" and {len(family) - 1} more sources" if len(family) > 1 else ""
    return f"{family[0].described}{others}"


def check_residual(residual: float, error: float, tolerance: float, described: str) -> None:
    """Raise unless the residual of a power balance is below the tolerance, but for its error estimate."""
    if not abs(residual) <= tolerance + error:
        raise ConvergenceError(
            f"the powers do not balance for {described}: the residual {residual:.1e} is above {tolerance:.1e}"
        )


def radiated_power(
    family: "Sequence[Transform] | Sequence[Emission]",
    weights: FloatArray,
    lobes: FloatArray,
    value: float,
    tolerance: float,
) -> tuple[float, float]:
    """Integral of |D|^2 sin(theta) and its error estimate: a double-exponential rule on intervals split at lobes.

    D has logarithms at both ends. value : the part of `lobes`, which are left out.
    """
    ends = np.concatenate([[0.0], lobes.ravel(), [np.pi]]).reshape(-1, 2)
    error, count = 0.0, 0
    for _ in range(_ROUNDS):
        theta, intensity, weight, lost = _intensity(family, weights, ends)
        terms = intensity * weight
        fine, coarse = terms.sum(axis=1), 2 * terms[:, ::2].sum(axis=1)
        gap = np.abs(fine - coarse)
        good = gap <= _SHARE * family[0].power_accuracy * tolerance * (value + fine.sum())
        value += float(fine[good].sum())
        error += float((gap + lost)[good].sum())
        if np.all(good):
            return value, error
        count += len(ends)
        if count > _MOST:
            break
        ends = _split(ends[~good], theta[~good], intensity[~good])
    raise ConvergenceError(f"the radiated power of {_described(family)} did not converge")


def _intensity(
    family: "Sequence[Transform] | Sequence[Emission]", weights: FloatArray, ends: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Nodes of the rule on intervals, radiated power an angle, weights (interval, node); error of D's contribution."""
    t = np.arange(-_END, _END + 0.5 * _STEP, _STEP)
    low, width = ends[:, :1], ends[:, 1:] - ends[:, :1]
    q = np.pi / 2 * np.sinh(t)
    theta = np.minimum(low + width / (1 + np.exp(-2 * q)), np.pi)
    weight = np.pi / 2 * np.cosh(t) * width / 2 / np.cosh(q) ** 2 * _STEP
    kind: Any = type(family[0])
    value, error = kind.directivities(family, theta)
    share = np.tensordot(weights, np.stack([np.abs(value) ** 2, np.abs(value) ** 2 * error]), (0, 1))
    intensity, uncertain = family[0].radiation * np.sin(theta) * share
    return theta, intensity, weight, 2 * (uncertain * weight).sum(axis=1)


def _split(ends: FloatArray, theta: FloatArray, intensity: FloatArray) -> FloatArray:
    """Intervals split where the intensity is largest, or in the middle if that is at an end."""
    low, high = ends.T
    peak = np.take_along_axis(theta, np.argmax(intensity, axis=1)[:, None], axis=1)[:, 0]
    apart = _APART * (high - low)
    place = np.where((peak - low > apart) & (high - peak > apart), peak, 0.5 * (low + high))
    return np.concatenate([np.stack([low, place], axis=1), np.stack([place, high], axis=1)])
