"""wavenet differentiate."""

import math
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from .common import Json, new_file, say

_MARGIN = 0.01  # of a range, beyond which it is left
_RESIDUAL = 0.02  # of the equation, relative, above which the field is not of the kind
_OF_NOISE = 2.0  # what noise adds to it, over the noise
_SPACING = 0.3  # change of the training grid's that was tested


def differentiate(
    field: Annotated[Path, typer.Argument(help="HDF5 file with x, r, potential and attributes m, helmholtz, mach.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="HDF5 file to write.")],
    run: Annotated[Path | None, typer.Option(help="Run of the constrained network [the shipped one].")] = None,
    snr: Annotated[float | None, typer.Option(help="Signal-to-noise ratio of the potential [dB] [no noise].")] = None,
    as_json: Json = False,
):
    """Axial and radial velocity and pressure of a potential next to the lip, by the constrained network.

    Warns where the field is outside of what the network was trained and tested for.

    Example: wavenet differentiate field.h5 -o velocities.h5
    """
    from data.field import read_potential, write_field
    from wavenet.runs import SHIPPED, load

    path = new_file(output)
    if snr is not None and not (math.isfinite(snr) and snr > 0):
        raise ValueError(f"--snr must be a positive number of decibels, got {snr}")
    given = read_potential(field)
    name, model, about = load(run or SHIPPED["derivative"], task="derivative")
    if name != "constrained":
        raise ValueError(f"{run} is a run of the model {name}, one of the constrained network is needed")

    import torch

    from wavenet.derivatives.equations import momentum_pressure

    noise = 0.0 if snr is None else 10 ** (-snr / 20)
    local = model.on_grid(given.x, given.r, noise=noise)
    psi = torch.from_numpy(np.stack([given.potential.real, given.potential.imag]))[None]
    parameters = torch.tensor([[given.m, given.helmholtz, given.mach]], dtype=torch.float64)
    with torch.no_grad():
        velocity = local(psi, parameters)
        pressure = momentum_pressure(psi, velocity[:, :2], *parameters.T[1:])
        error = local.expected_error(parameters)[0].numpy()
        residual = _equation(local, psi, parameters, velocity)
    warnings = _outside(given, about.get("ranges", {}), model.config, residual, _RESIDUAL + _OF_NOISE * noise)
    for line in warnings:
        print(f"wavenet: warning: {line}", file=sys.stderr)
    parts = torch.cat([psi, velocity, pressure], dim=1)[0].numpy()
    names = ("potential", "axial_velocity", "radial_velocity", "pressure")
    arrays = {name: parts[2 * index] + 1j * parts[2 * index + 1] for index, name in enumerate(names)}
    for index, name in enumerate(names[1:3]):
        arrays[f"{name}_error"] = error[index] * np.sqrt(np.mean(np.abs(arrays[name]) ** 2))
    attributes = {"m": given.m, "helmholtz": given.helmholtz, "mach": given.mach, "noise": noise}
    if residual is not None:
        attributes["equation_residual"] = residual
    write_field(path, attributes, given.x, given.r, arrays)
    say({"file": str(path), "equation_residual": residual, "warnings": warnings if as_json else len(warnings)}, as_json)


def _equation(model, psi, parameters, velocity):
    """Relative root mean square of what the convected Helmholtz equation is missed by, away from lip, axis and ends.

    None where nothing is left.
    """
    import torch

    from wavenet.derivatives.equations import helmholtz_residual

    u, v = velocity[:, :2], velocity[:, 2:]
    x, r = (torch.tensor(points, dtype=torch.float64) for points in (model.config.x, model.config.r))
    stencil = model.narrow
    terms = dict(zip(("m", "helmholtz", "mach"), parameters.T, strict=True))
    along, across = stencil(u, parameters)[:, :2], stencil(v, parameters)[:, 2:]
    residual = helmholtz_residual(psi, u, along, v, across, r, **terms)
    rows = (torch.abs(r - 1) > 4 * (r[1] - r[0])) & (r > 4 * (r[1] - r[0])) & (r < r[-4])
    columns = (x > x[4]) & (x < x[-5])
    far = columns[:, None] & rows & (torch.hypot(x[:, None], r - 1) > 0.3)
    if not torch.any(far):
        return None
    return float((residual[..., far].square().mean() / psi[..., far].square().mean()).sqrt())


def outside_of_training(given, ranges):
    """Parameters of a field or mode that are outside of the training's ranges, a line each."""
    lines = []
    for name, value in (("m", abs(given.m)), ("helmholtz", given.helmholtz), ("mach", given.mach)):
        if name in ranges:
            low, high = ranges[name]
            slack = _MARGIN * (high - low)
            if not low - slack <= value <= high + slack:
                lines.append(f"{name} = {value:.4g} is outside of the training's {low:.4g} ... {high:.4g}")
    return lines


def _outside(given, ranges, trained, residual, limit):
    """What is outside of training or test, a line each."""
    lines = outside_of_training(given, ranges)
    for name in "xr":
        steps = [float(points[1] - points[0]) for points in (getattr(given, name), getattr(trained, name))]
        if abs(steps[0] / steps[1] - 1) > _SPACING + _MARGIN:
            tested = f"{(1 - _SPACING) * steps[1]:.4g} ... {(1 + _SPACING) * steps[1]:.4g}"
            lines.append(f"the spacing in {name}, {steps[0]:.4g}, is outside of the tested {tested}")
    if residual is None:
        lines.append("the grid is too small to check that the convected Helmholtz equation holds")
    elif residual > limit:
        lines.append(
            f"the convected Helmholtz equation of m = {given.m}, ka = {given.helmholtz:.4g}, M = {given.mach:.3g} is "
            f"missed by {residual:.1%}: the field is another, too coarse, or noisy (--snr)"
        )
    return lines
