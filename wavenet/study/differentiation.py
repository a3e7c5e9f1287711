"""Velocities of a potential or a pressure next to the lip, by a constrained network, with expected errors."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from data.field import Potential, Pressure
from wavenet.arrays import ComplexArray, FloatArray
from wavenet.derivatives.constrained import ConstrainedNetwork
from wavenet.derivatives.constrained_unet import ConstrainedUNet
from wavenet.derivatives.equations import momentum_pressure
from wavenet.derivatives.pressure import Recovered, potential_of_pressure
from wavenet.derivatives.tuning import Tuned, tune
from wavenet.derivatives.wave_patches import SIZE, Case, Noise
from wavenet.devices import device_of
from wavenet.fields import parameters as case_parameters
from wavenet.fields import to_tensor
from wavenet.runs import folder_of, load

from .validity import equation_residual, lined_wall, missed_equation, outside_of_training, untested_spacings

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
    is at least this. helmholtz, mach : ka and M of the field, those told if they fit. equation_residual : see
    `validity.equation_residual`. warnings : where the field is outside of what the network was trained and tested for,
    or not the one told, a line each.
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
    helmholtz: float
    mach: float
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


Model = ConstrainedNetwork | ConstrainedUNet
SHIPPED, LINEAR = "constrained_unet", "derivative"  # names of the networks that come with the package


def load_network(run: str | Path = SHIPPED) -> tuple[Model, dict[str, Any]]:
    """The constrained network or U-net of a run or of the package, and its provenance.

    Raises
    ------
    FileNotFoundError, ValueError
        Not a run of either.
    """
    name, model, about = load(folder_of(run), task="derivative")
    if type(model) not in _VELOCITIES:
        raise ValueError(
            f"{run} is a run of the model {name}, one of the constrained U-net or of the constrained network is needed"
        )
    return model, about


def noise_of(snr: float | None) -> float:
    """Noise over signal, root mean squares, of a signal-to-noise ratio [dB]; zero for None."""
    return 0.0 if snr is None else 10 ** (-snr / 20)


# long: the parameters' description
def differentiate(
    given: Potential | Pressure,
    model: Model,
    *,
    ranges: Mapping[str, Sequence[float]] | None = None,
    noise: float | None = None,
    trusted: bool = False,
) -> NearField:
    """Velocities of a potential or a pressure, and the other of the two.

    Parameters
    ----------
    given : Potential or Pressure
    model : ConstrainedNetwork or ConstrainedUNet
        On any grid and device. For a pressure in flow whose potential has a larger error than the noise, the U-net's
        linear part is used.
    ranges : dict, optional
        Least and largest m, ka and M of the network's training: what is outside of them is warned of.
    noise : float, optional
        Root mean square of the noise in the given field, over the field's, see `noise_of`. If not given, it is
        estimated.
    trusted : bool
        Whether ka and M are taken as told; else those are used that the field is found to have
        (`wavenet.derivatives.tuning`), and a difference is warned of.

    Raises
    ------
    ValueError
        A grid or a noise that the network does not take; a pressure in flow on a grid too small, see
        `wavenet.derivatives.pressure`.
    """
    linear = model.base if isinstance(model, ConstrainedUNet) else model
    linear.on_grid(given.x, given.r, noise=noise or 0.0)  # refuses a grid before work begins
    told, field = Case(given.m, given.helmholtz, given.mach), _FIELDS[type(given)]
    tuned = tune(getattr(given, field), given.x, given.r, told, noise=noise, trusted=trusted)
    case, estimate = tuned.case, tuned.noise if noise is None else None
    allowed = noise if noise is not None else min(estimate.level, _LOUDEST) if estimate else 0.0
    found = _POTENTIALS[field](given, case, linear, allowed)
    used = linear if found.error > allowed else model  # errors of a recovered potential are not what the U-net learned
    values, allowed = found.potential, max(allowed, min(found.error, _LOUDEST))
    psi = to_tensor(values)[None].to(device_of(model))
    parameters = case_parameters(*case).to(psi.device)
    with torch.no_grad():
        velocity, expected, narrow = _VELOCITIES[type(used)](used, given, psi, parameters, allowed)
        pressure = momentum_pressure(psi, velocity[:, :2], *parameters.T[1:])
        residual = equation_residual(narrow, psi, parameters, velocity)
    parts = torch.cat([psi, velocity, pressure], dim=1)[0].cpu().numpy()
    potential, u, v, p = (parts[start] + 1j * parts[start + 1] for start in range(0, 8, 2))
    errors = [share * np.sqrt(np.mean(np.abs(of) ** 2)) for share, of in zip(expected, (u, v), strict=True)]
    # An error that is not random may be that of another equation: it excuses nothing.
    excused = allowed if estimate is None or estimate.white else 0.0
    warnings = outside_of_training(given, ranges or {}) + untested_spacings(given, model.config)
    warnings += lined_wall(given)
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
        helmholtz=case.helmholtz,
        mach=case.mach,
        equation_residual=residual,
        warnings=warnings + _detuned(told, tuned) + missed_equation(given, residual, excused),
    )


def _detuned(told: Case, tuned: Tuned) -> list[str]:
    """Warning that a field is one of other numbers than told, or none."""
    found, (of_ka, of_mach) = tuned.case, tuned.uncertainty
    if found == told:
        return []
    return [
        f"the field is one of ka = {found.helmholtz:.10g} (+- {of_ka * found.helmholtz:.1g}), M = {found.mach:.10g} "
        f"(+- {of_mach:.1g}), not of ka = {told.helmholtz:.10g}, M = {told.mach:.10g} as told; the former are used"
    ]


def _by_shares(
    model: ConstrainedNetwork, given: Potential | Pressure, psi: torch.Tensor, parameters: torch.Tensor, noise: float
) -> tuple[torch.Tensor, FloatArray, ConstrainedNetwork]:
    """Velocities, relative errors expected of u and v (2, x, r), and the network that has narrow stencils."""
    local = model.on_grid(given.x, given.r, noise=noise)
    return local(psi, parameters), local.expected_error(parameters)[0].cpu().numpy(), local


def _by_unet(
    model: ConstrainedUNet, given: Potential | Pressure, psi: torch.Tensor, parameters: torch.Tensor, noise: float
) -> tuple[torch.Tensor, FloatArray, ConstrainedNetwork]:
    local = model.on_grid(given.x, given.r, noise=noise if noise > _EXACT else 0.0, trusted=True)
    velocity, expected = local.with_errors(psi, parameters)
    return velocity, expected[0].cpu().numpy(), local.base


_EXACT = 1e-8  # noise below this is the solver's error
_VELOCITIES: dict[type, Callable[..., tuple[torch.Tensor, FloatArray, ConstrainedNetwork]]] = {
    ConstrainedNetwork: _by_shares,
    ConstrainedUNet: _by_unet,
}
_FIELDS = {Potential: "potential", Pressure: "pressure"}
_POTENTIALS: dict[str, Callable[[Any, Case, ConstrainedNetwork, float], Recovered]] = {
    "potential": lambda given, *_: Recovered(given.potential, 0.0),
    "pressure": lambda given, case, model, noise: potential_of_pressure(
        given.pressure, given.x, given.r, case, model.edge, noise
    ),
}
