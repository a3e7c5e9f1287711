"""Directivity of one mode by the surrogate, with an error bar."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from wavenet import far_field
from wavenet.arrays import ComplexArray, FloatArray
from wavenet.far_field.directivity import Directivity
from wavenet.runs import load


@dataclass(frozen=True)
class Prediction:
    """Directivity of one mode.

    degrees : (angle,), in the plane (x / beta, r). amplitude : (angle,) complex [radii]. error_bar : relative L2 error
    over the arc that is not exceeded with the probability `coverage`; None outside the training range.
    """

    degrees: FloatArray
    amplitude: ComplexArray
    error_bar: float | None
    coverage: float

    @property
    def modulus(self) -> FloatArray:
        """|D| (angle,) [radii]."""
        return np.abs(self.amplitude)


def load_network(run: str | Path | None = None) -> Directivity:
    """The directivity network of a run, by default the shipped one.

    Raises
    ------
    FileNotFoundError, ValueError
        Not a run of the factor task.
    """
    if run is None:
        return far_field.load()
    name, model, _ = load(run, task="factor")
    if not isinstance(model, Directivity):
        raise ValueError(f"{run} is a run of the model {name}, one of the network directivity is needed")
    return model


def predict(
    model: Directivity,
    m: int,
    n: int,
    helmholtz: float,
    mach: float,
    degrees: FloatArray,
    *,
    coverage: float = 0.95,
    extrapolate: bool = False,
) -> Prediction:
    """Directivity of mode (m, n) at some angles.

    Parameters
    ----------
    model : Directivity
    m, n : int
    helmholtz, mach : float
        ka, and the Mach number, positive towards the open end.
    degrees : (angle,) array
    coverage : float
        Coverage of the error bar, one of `wavenet.far_field.directivity.LEVELS`.
    extrapolate : bool
        Accept a K = ka / sqrt(1 - M^2) a little outside the training range, without an error bar.

    Raises
    ------
    ValueError
        A mode, angle or coverage that the network does not take.
    """
    before, model.extrapolate = model.extrapolate, extrapolate
    try:
        with torch.no_grad():
            found = model(m, n, helmholtz, mach, torch.from_numpy(np.radians(degrees)))[0].numpy()
    finally:
        model.extrapolate = before
    inside = model.config.low <= helmholtz / np.sqrt(1 - mach**2) <= model.config.high
    return Prediction(degrees, found, model.error_bar(helmholtz, mach, coverage) if inside else None, coverage)
