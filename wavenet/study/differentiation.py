"""Velocities and pressure of a potential next to the lip, by the constrained network, with expected errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from data.field import Potential
from wavenet.arrays import ComplexArray, FloatArray
from wavenet.derivatives.constrained import ConstrainedNetwork
from wavenet.derivatives.equations import momentum_pressure
from wavenet.devices import device_of
from wavenet.fields import parameters as case_parameters
from wavenet.fields import to_tensor
from wavenet.runs import SHIPPED, load

from .validity import equation_residual, missed_equation, outside_of_training, untested_spacings


@dataclass(frozen=True)
class NearField:
    """Fields on the potential's grid.

    potential, axial_velocity, radial_velocity, pressure : (x, r) complex [a c, c, c, rho c^2]. axial_velocity_error,
    radial_velocity_error : (x, r), expected absolute errors [c]. noise : root mean square of the noise in the potential
    that was allowed for, over the potential's. equation_residual : see `validity.equation_residual`. warnings : where
    the field is outside of what the network was trained and tested for, a line each.
    """

    potential: ComplexArray
    axial_velocity: ComplexArray
    radial_velocity: ComplexArray
    pressure: ComplexArray
    axial_velocity_error: FloatArray
    radial_velocity_error: FloatArray
    noise: float
    equation_residual: float | None
    warnings: list[str]


def load_network(run: str | Path | None = None) -> tuple[ConstrainedNetwork, dict[str, Any]]:
    """The constrained network of a run, by default the shipped one, and the run's provenance.

    Raises
    ------
    FileNotFoundError, ValueError
        Not a run of the constrained network.
    """
    name, model, about = load(run or SHIPPED["derivative"], task="derivative")
    if not isinstance(model, ConstrainedNetwork):
        raise ValueError(f"{run} is a run of the model {name}, one of the constrained network is needed")
    return model, about


def noise_of(snr: float | None) -> float:
    """Noise over signal, root mean squares, of a signal-to-noise ratio [dB]; zero for None."""
    return 0.0 if snr is None else 10 ** (-snr / 20)


def differentiate(
    given: Potential,
    model: ConstrainedNetwork,
    *,
    ranges: Mapping[str, Sequence[float]] | None = None,
    noise: float = 0.0,
) -> NearField:
    """Velocities and pressure of a potential.

    Parameters
    ----------
    given : Potential
    model : ConstrainedNetwork
        On any grid and device.
    ranges : dict, optional
        Least and largest m, ka and M of the network's training: what is outside of them is warned of.
    noise : float
        Root mean square of the noise in the potential, over the potential's, see `noise_of`.

    Raises
    ------
    ValueError
        A grid or a noise that the network does not take.
    """
    local = model.on_grid(given.x, given.r, noise=noise)
    device = device_of(model)
    psi = to_tensor(given.potential)[None].to(device)
    parameters = case_parameters(given.m, given.helmholtz, given.mach).to(device)
    with torch.no_grad():
        velocity = local(psi, parameters)
        pressure = momentum_pressure(psi, velocity[:, :2], *parameters.T[1:])
        expected = local.expected_error(parameters)[0].cpu().numpy()
        residual = equation_residual(local, psi, parameters, velocity)
    parts = torch.cat([psi, velocity, pressure], dim=1)[0].cpu().numpy()
    potential, u, v, p = (parts[start] + 1j * parts[start + 1] for start in range(0, 8, 2))
    errors = [share * np.sqrt(np.mean(np.abs(of) ** 2)) for share, of in zip(expected, (u, v), strict=True)]
    warnings = outside_of_training(given, ranges or {}) + untested_spacings(given, model.config)
    return NearField(
        potential=potential,
        axial_velocity=u,
        radial_velocity=v,
        pressure=p,
        axial_velocity_error=errors[0],
        radial_velocity_error=errors[1],
        noise=noise,
        equation_residual=residual,
        warnings=warnings + missed_equation(given, residual, noise),
    )
