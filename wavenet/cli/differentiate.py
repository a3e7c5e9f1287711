"""wavenet differentiate."""

import math
from pathlib import Path
from typing import Annotated

import typer

from .common import Device, Json, Plot, new_file, say, warn


# long: options
def differentiate(
    field: Annotated[
        Path,
        typer.Argument(
            metavar="FIELD",
            help="HDF5 file with x, r, potential or pressure, and attributes m, helmholtz, mach; wavenet field writes "
            "such files.",
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="HDF5 file to write.")],
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help="Folder of a run of the constrained U-net or of the constrained network, or one of the package's: "
            "constrained_unet, derivative [constrained_unet].",
        ),
    ] = None,
    linear: Annotated[
        bool, typer.Option("--linear", help="Use the package's network that is linear in the field, derivative.")
    ] = False,
    trust: Annotated[
        bool, typer.Option("--trust", help="Take ka and M as they are in the file, even if the field has others.")
    ] = False,
    snr: Annotated[
        float | None, typer.Option(help="Signal-to-noise ratio of the field in dB [estimated from the field].")
    ] = None,
    device: Device = "cpu",
    as_json: Json = False,
    plot: Plot = None,
) -> None:
    """Compute velocities from a potential or a pressure next to the lip, by the constrained U-net.

    Prints a warning if the field lies outside the range in which the network was trained and tested, or has another ka
    or M than the file says.

    Example: wavenet differentiate field.h5 -o velocities.h5
    """
    from data.field import read_given, write_field

    path = new_file(output)
    if snr is not None and not (math.isfinite(snr) and snr > 0):
        raise ValueError(f"--snr must be a positive number of decibels, got {snr}")
    if linear and run is not None:
        raise ValueError(f"--linear is the network derivative of the package, RUN {run} another: give one of the two")
    given = read_given(field)

    from ..devices import usable
    from ..study import differentiation

    place = usable(device)
    model, about = differentiation.load_network(
        differentiation.LINEAR if linear else differentiation.SHIPPED if run is None else run
    )
    told = None if snr is None else differentiation.noise_of(snr)
    ranges = about.get("ranges", {})
    found = differentiation.differentiate(given, model.to(place), ranges=ranges, noise=told, trusted=trust)
    warn(found.warnings)
    names = ("potential", "axial_velocity", "radial_velocity", "pressure", "axial_velocity_error")
    arrays = {name: getattr(found, name) for name in (*names, "radial_velocity_error")}
    attributes = {"m": given.m, "helmholtz": found.helmholtz, "mach": found.mach}
    noise: dict[str, float | str] = {"noise": found.noise, "noise_meaning": found.about_noise}
    residual = {} if found.equation_residual is None else {"equation_residual": found.equation_residual}
    write_field(path, attributes | noise | residual, given.x, given.r, arrays)
    warnings = found.warnings if as_json else len(found.warnings)
    if plot is not None:
        from ..study import plots

        plots.velocities(given, found, plot)
    say({"file": str(path), **noise, "equation_residual": found.equation_residual, "warnings": warnings}, as_json)
