"""One duct mode at a lip of a wall that has a thickness, by the network that corrects the exact thin wall."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

import analytic
from data.elements import Lip
from wavenet.arrays import ComplexArray, FloatArray
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
    training's range.
    """

    lip: Lip
    far: FarField
    thin: FarField
    reflection: ComplexArray
    thin_reflection: ComplexArray
    directivity_bar: float | None
    reflection_bar: float | None
    coverage: float


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

    def far(name: str) -> FarField:
        def directivity(theta: FloatArray) -> ComplexArray:
            found = lips.predict_lip(*given, theta=theta, model=model, coverage=coverage)
            return thick_wall.silent_on_axis(source.m, theta, getattr(found, name)[source.n])

        return far_field(source, degrees, directivity, mach=source.mach, loudness=loudness)

    def bar(values: FloatArray) -> float | None:
        return float(values[source.n]) if whole.inside else None

    return PredictedLip(
        lip,
        far("directivity"),
        far("thin_directivity"),
        whole.reflection[source.n],
        whole.thin_reflection[source.n],
        bar(whole.directivity_bar),
        bar(whole.reflection_bar),
        coverage,
    )


def outside(source: analytic.DuctMode, lip: Lip, model: LipNetwork) -> str:
    """Sentence that says what the network has learned, for a duct that it has not."""
    low, high = model.config.low, model.config.high
    return (
        f"m = {source.m}, ka = {source.helmholtz:.6g}, M = {source.mach:.4g}, lip {lip} is outside the training range: "
        f"K = ka / sqrt(1 - M^2) in {np.exp(low[0]):.3g} ... {np.exp(high[0]):.3g}, m / K up to {high[1]:.2g}, a "
        f"thickness t in {low[3]:.2g} ... {high[3]:.2g} with sqrt(K t) up to {high[2]:.2g}, flat and round lips"
    )
