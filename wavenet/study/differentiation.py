"""Velocities of a potential or a pressure next to the lip, by the constrained network, with expected errors."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from data.field import Potential, Pressure
from wavenet.arrays import ComplexArray, FloatArray
from wavenet.derivatives.constrained import ConstrainedNetwork
from wavenet.derivatives.equations import momentum_pressure
from wavenet.derivatives.pressure import Recovered, potential_of_pressure
from wavenet.derivatives.wave_patches import SIZE, Case, Noise, estimate_noise
from wavenet.devices import device_of
from wavenet.fields import parameters as case_parameters
from wavenet.fields import to_tensor
from wavenet.runs import load_as

from .validity import equation_residual, missed_equation, outside_of_training, untested_spacings

_UNKNOWN = (
    f"the noise is unknown, and is taken for zero: the grid has no {SIZE} x {SIZE} cells beside wall and lip to "
    "estimate it from (--snr)"
)
_LOUDEST = 0.5  # noise allowed for at most if it is estimated: what is no sum of waves at all may exceed one


@dataclass(frozen=True)
class NearField:
    """Fields on the potential's grid.

    potential, axial_velocity, radial_velocity, pressure : (x, r) complex [a c, c, c, rho c^2]. axial_velocity_error,
    radial_velocity_error : (x, r), expected absolute errors [c]. noise : root mean square of the noise in the given
    field that was allowed for, over the field's. estimate : of the noise, None if it was told or could not be
    estimated. recovery_error : of the potential computed from a pressure in flow, relative; zero for others; `noise`
    is at least this. equation_residual : see `validity.equation_residual`. warnings : where the field is outside of
    what the network was trained and tested for, a line each.
    """

    potential: ComplexArray
    axial_velocity: ComplexArray
    radial_velocity: ComplexArray
    pressure: ComplexArray
    axial_velocity_error: FloatArray
    radial_velocity_error: FloatArray
    noise: float
    estimate: Noise | None
    recovery_error: float
    equation_residual: float | None
    warnings: list[str]

    @property
    def about_noise(self) -> str:
        """What the number `noise` means."""
        recovered = f"; and the error of the potential, {self.recovery_error:.1e}" if self.recovery_error else ""
        if self.estimate is None:
            return f"root mean square of the noise over that of the given field, as told{recovered}"
        kind = "random from cell to cell" if self.estimate.white else "not random: of the same form in distant cells"
        return (
            "root mean square of the error over that of the given field, estimated from what is not a sum of waves "
            f"of this m, ka and M on {SIZE} x {SIZE} cells; the error is {kind}{recovered}"
        )


def load_network(run: str | Path | None = None) -> tuple[ConstrainedNetwork, dict[str, Any]]:
    """The constrained network of a run, by default the shipped one, and the run's provenance.

    Raises
    ------
    FileNotFoundError, ValueError
        Not a run of the constrained network.
    """
    return load_as(run, "derivative", ConstrainedNetwork, "constrained network")


def noise_of(snr: float | None) -> float:
    """Noise over signal, root mean squares, of a signal-to-noise ratio [dB]; zero for None."""
    return 0.0 if snr is None else 10 ** (-snr / 20)


def differentiate(
    given: Potential | Pressure,
    model: ConstrainedNetwork,
    *,
    ranges: Mapping[str, Sequence[float]] | None = None,
    noise: float | None = None,
) -> NearField:
    """Velocities of a potential or a pressure, and the other of the two.

    Parameters
    ----------
    given : Potential or Pressure
    model : ConstrainedNetwork
        On any grid and device.
    ranges : dict, optional
        Least and largest m, ka and M of the network's training: what is outside of them is warned of.
    noise : float, optional
        Root mean square of the noise in the given field, over the field's, see `noise_of`. If not given, it is
        estimated.

    Raises
    ------
    ValueError
        A grid or a noise that the network does not take; a pressure in flow on a grid too small, see
        `wavenet.derivatives.pressure`.
    """
    model.on_grid(given.x, given.r, noise=noise or 0.0)  # refuses a grid before work begins
    case, field = Case(given.m, given.helmholtz, given.mach), _FIELDS[type(given)]
    estimate = estimate_noise(getattr(given, field), given.x, given.r, case) if noise is None else None
    allowed = noise if noise is not None else min(estimate.level, _LOUDEST) if estimate else 0.0
    found = _POTENTIALS[field](given, case, model, allowed)
    values, allowed = found.potential, max(allowed, min(found.error, _LOUDEST))
    local = model.on_grid(given.x, given.r, noise=allowed)
    psi = to_tensor(values)[None].to(device_of(model))
    parameters = case_parameters(given.m, given.helmholtz, given.mach).to(psi.device)
    with torch.no_grad():
        velocity = local(psi, parameters)
        pressure = momentum_pressure(psi, velocity[:, :2], *parameters.T[1:])
        expected = local.expected_error(parameters)[0].cpu().numpy()
        residual = equation_residual(local, psi, parameters, velocity)
    parts = torch.cat([psi, velocity, pressure], dim=1)[0].cpu().numpy()
    potential, u, v, p = (parts[start] + 1j * parts[start + 1] for start in range(0, 8, 2))
    errors = [share * np.sqrt(np.mean(np.abs(of) ** 2)) for share, of in zip(expected, (u, v), strict=True)]
    # An error that is not random may be that of a wrong m, ka or M: it excuses nothing.
    excused = allowed if estimate is None or estimate.white else 0.0
    warnings = outside_of_training(given, ranges or {}) + untested_spacings(given, model.config)
    warnings += [_UNKNOWN] if noise is None and estimate is None else []
    return NearField(
        potential=potential,
        axial_velocity=u,
        radial_velocity=v,
        pressure=given.pressure if isinstance(given, Pressure) else p,
        axial_velocity_error=errors[0],
        radial_velocity_error=errors[1],
        noise=allowed,
        estimate=estimate,
        recovery_error=found.error,
        equation_residual=residual,
        warnings=warnings + missed_equation(given, residual, excused),
    )


_FIELDS = {Potential: "potential", Pressure: "pressure"}
_POTENTIALS: dict[str, Callable[[Any, Case, ConstrainedNetwork, float], Recovered]] = {
    "potential": lambda given, *_: Recovered(given.potential, 0.0),
    "pressure": lambda given, case, model, noise: potential_of_pressure(
        given.pressure, given.x, given.r, case, model.edge, noise
    ),
}
