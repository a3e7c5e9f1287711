"""One duct mode at a lip of a wall that has a thickness, by the network that corrects the exact thin wall."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

import analytic
from analytic import levels
from data.elements import Lip
from wavenet.arrays import ComplexArray, FloatArray
from wavenet.lips.ducts import gauss
from wavenet.lips.network import LipNetwork

from . import lips, thick_wall
from .solution import FarField, far_field


@dataclass(frozen=True)
class PredictedLip:
    """Sound of one mode.

    far, thin : at the physical angles, with the lip by the network, and of the infinitely thin wall, exact. reflection,
    thin_reflection : (order,) complex, of the potential into the cut-on orders. directivity_bar, reflection_bar : what
    the relative L2 error of D over the sphere and the root of the summed squares of the errors of reflected power
    amplitudes, in units of the incident one, do not exceed with the probability `coverage`; None outside of the
    training's range. power : incident, reflected and radiated, and what is missing in their balance over the incident
    one, as `analytic.Power` has them.
    """

    lip: Lip
    far: FarField
    thin: FarField
    reflection: ComplexArray
    thin_reflection: ComplexArray
    directivity_bar: float | None
    reflection_bar: float | None
    coverage: float
    power: dict[str, float]


def predict(
    source: analytic.DuctMode,
    lip: Lip,
    degrees: FloatArray,
    *,
    model: LipNetwork | None = None,
    coverage: float = 0.95,
    extrapolate: bool = False,
    loudness: Mapping[str, float] | None = None,
) -> PredictedLip:
    """Predict the far field and the reflection of one mode.

    degrees : physical angles, ascending. model : by default the shipped one. extrapolate : accept parameters outside of
    the training's range, without error bars. loudness : see `solution.far_field`.

    Raises
    ------
    ValueError
        The duct has a hub, the mode is cut off, the wall has no thickness, or the network has not learned such a duct.
    """
    thick_wall.check(source, lip)
    model = lips.load_network() if model is None else model
    given = source.m, source.helmholtz, source.mach, lip
    whole = lips.predict_lip(*given, model=model, coverage=coverage)
    if not (whole.inside or extrapolate):
        raise ValueError(outside(source, lip, model))

    theta, _ = levels.pressure_factor(np.radians(degrees), source.helmholtz, source.mach)
    there = lips.predict_lip(*given, theta=theta, model=model, coverage=coverage)

    def far(directivity: ComplexArray) -> FarField:
        silent = thick_wall.silent_on_axis(source.m, theta, directivity[source.n])
        return far_field(source, degrees, lambda _: silent, mach=source.mach, loudness=loudness)

    def bar(values: FloatArray) -> float | None:
        return float(values[source.n]) if whole.inside else None

    return PredictedLip(
        lip,
        far(there.directivity),
        far(there.thin_directivity),
        whole.reflection[source.n],
        whole.thin_reflection[source.n],
        bar(whole.directivity_bar),
        bar(whole.reflection_bar),
        coverage,
        _power(source, whole),
    )


def _power(source: analytic.DuctMode, whole: lips.LipPrediction) -> dict[str, float]:
    """Power balance of a prediction at `lips.GAUSS` angles."""
    orders = range(len(whole.orders))
    carried = [levels.incident_flux(analytic.DuctMode(source.m, n, source.helmholtz, mach=source.mach)) for n in orders]
    _, weights = gauss(lips.GAUSS)
    k = source.helmholtz / np.sqrt(1 - source.mach**2)
    incident = carried[source.n]
    reflected = float(np.abs(whole.reflection[source.n]) ** 2 @ carried)
    radiated = float(k * np.abs(whole.directivity[source.n]) ** 2 @ weights)
    residual = (incident - reflected - radiated) / incident
    return {"incident": incident, "reflected": reflected, "radiated": radiated, "residual": residual}


def outside(source: analytic.DuctMode, lip: Lip, model: LipNetwork) -> str:
    """Sentence that says what the network has learned, for a duct that it has not."""
    low, high = model.config.low, model.config.high
    return (
        f"lip {lip} at m = {source.m}, ka = {source.helmholtz:.6g}, M = {source.mach:.4g} is outside the training "
        f"range: K = ka / sqrt(1 - M^2) in {np.exp(low[0]):.3g} ... {np.exp(high[0]):.3g}, m / K up to {high[1]:.2g}, "
        f"a thickness t in {low[3]:.2g} ... {high[3]:.2g} with sqrt(K t) up to {high[2]:.2g}, flat and round lips"
    )
