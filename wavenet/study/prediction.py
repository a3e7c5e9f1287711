"""Directivity of one mode by the surrogate, with an error bar."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from analytic import DuctMode
from wavenet.arrays import ComplexArray, FloatArray
from wavenet.far_field import plain
from wavenet.far_field.closed_forms import DirectivityConfig

from .solution import FarField, far_field

if TYPE_CHECKING:  # PyTorch takes a second to import, and the network of the package has a form that needs none
    from wavenet.far_field.directivity import Directivity


@dataclass(frozen=True)
class Prediction:
    """Directivity of one mode.

    far : pressure far away, at physical angles. error_bar : relative L2 error of the directivity of the potential over
    the arc that is not exceeded with the probability `coverage`; None outside the training range.
    """

    far: FarField
    error_bar: float | None
    coverage: float


def load_network(run: str | Path | None = None) -> "Directivity":
    """The directivity network of a run, by default the shipped one.

    Raises
    ------
    FileNotFoundError, ValueError
        Not a run of the factor task.
    """
    from wavenet.far_field.directivity import Directivity
    from wavenet.runs import load_as

    return load_as(run, "factor", Directivity, "network directivity")[0]


def predict(
    model: "Directivity",
    source: DuctMode,
    degrees: FloatArray,
    *,
    coverage: float = 0.95,
    extrapolate: bool = False,
    loudness: Mapping[str, float] | None = None,
) -> Prediction:
    """Far field of a mode at some physical angles.

    Parameters
    ----------
    model : Directivity
    source : DuctMode
        Without a hub.
    degrees : (angle,) array
        Physical angles, in the plane (x, r).
    coverage : float
        Coverage of the error bar, one of `wavenet.far_field.directivity.LEVELS`.
    extrapolate : bool
        Accept a K = ka / sqrt(1 - M^2) a little outside the training range, without an error bar.
    loudness : dict
        See `wavenet.study.solution.far_field`.

    Raises
    ------
    ValueError
        A mode, angle or coverage that the network does not take.
    """
    import torch

    def directivity(theta: FloatArray) -> ComplexArray:
        with torch.no_grad():
            given = source.m, source.n, source.helmholtz, source.mach
            return model(*given, torch.from_numpy(theta))[0].cpu().numpy()

    before, model.extrapolate = model.extrapolate, extrapolate
    try:
        return _predicted(source, degrees, directivity, model.config, model.error_bar, coverage, loudness)
    finally:
        model.extrapolate = before


def predict_in_numpy(
    source: DuctMode,
    degrees: FloatArray,
    *,
    coverage: float = 0.95,
    extrapolate: bool = False,
    loudness: Mapping[str, float] | None = None,
) -> Prediction:
    """The same by the network of the package, without PyTorch: quicker for one mode, whose import takes a second."""
    model = plain.load()

    def directivity(theta: FloatArray) -> ComplexArray:
        return model(source.m, source.n, source.helmholtz, source.mach, theta, extrapolate=extrapolate)

    return _predicted(source, degrees, directivity, model.config, model.error_bar, coverage, loudness)


def _predicted(
    source: DuctMode,
    degrees: FloatArray,
    directivity: Callable[[FloatArray], ComplexArray],
    config: DirectivityConfig,
    error_bar: Callable[[float, float, float], float],
    coverage: float,
    loudness: Mapping[str, float] | None,
) -> Prediction:
    """Far field and error bar; directivity : of the potential, a function of theta."""
    if source.hub:
        raise ValueError(f"the network knows no hub, got hub={source.hub}")
    mach = source.mach
    found = far_field(source, degrees, directivity, mach=mach, loudness=loudness)
    inside = config.low <= source.helmholtz / np.sqrt(1 - mach**2) <= config.high
    return Prediction(found, error_bar(source.helmholtz, mach, coverage) if inside else None, coverage)
