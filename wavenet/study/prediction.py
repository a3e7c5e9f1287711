"""Directivity of one mode by the surrogate, with an error bar."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from analytic import DuctMode
from wavenet.arrays import ComplexArray, FloatArray
from wavenet.far_field.directivity import Directivity
from wavenet.runs import load_as

from .solution import FarField, far_field


@dataclass(frozen=True)
class Prediction:
    """Directivity of one mode.

    far : pressure far away, at physical angles. error_bar : relative L2 error of the directivity of the potential over
    the arc that is not exceeded with the probability `coverage`; None outside the training range.
    """

    far: FarField
    error_bar: float | None
    coverage: float


def load_network(run: str | Path | None = None) -> Directivity:
    """The directivity network of a run, by default the shipped one.

    Raises
    ------
    FileNotFoundError, ValueError
        Not a run of the factor task.
    """
    return load_as(run, "factor", Directivity, "network directivity")[0]


def predict(
    model: Directivity,
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
    if source.hub:
        raise ValueError(f"the network knows no hub, got hub={source.hub}")
    helmholtz, mach = source.helmholtz, source.mach

    def directivity(theta: FloatArray) -> ComplexArray:
        with torch.no_grad():
            return model(source.m, source.n, helmholtz, mach, torch.from_numpy(theta))[0].cpu().numpy()

    before, model.extrapolate = model.extrapolate, extrapolate
    try:
        found = far_field(source, degrees, directivity, mach=mach, loudness=loudness)
    finally:
        model.extrapolate = before
    inside = model.config.low <= helmholtz / np.sqrt(1 - mach**2) <= model.config.high
    return Prediction(found, model.error_bar(helmholtz, mach, coverage) if inside else None, coverage)
