"""wavenet field."""

import json
from pathlib import Path
from typing import Annotated

import typer

from .common import (
    DensityRatio,
    HasJet,
    Helmholtz,
    Hub,
    Json,
    Kutta,
    MachOuter,
    Plot,
    SoundSpeedRatio,
    describe,
    jet_or_none,
    liners_as_values,
    new_file,
    physical_values,
    say,
    span,
    warn_of_cut_off,
)
from .liners import Liners
from .units import Stream, with_units

_MOST_CELLS = 10_000_000  # of a field, whose arrays then take some gigabytes


@with_units
def field(
    stream: Stream,
    liners: Liners,
    m: Annotated[int, typer.Option(help="Azimuthal order m, of either sign.")],
    n: Annotated[int, typer.Option(help="Radial order n, from 0; (0, 0) is the plane wave.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="HDF5 file to write.")],
    helmholtz: Helmholtz = None,
    mach: Annotated[float, typer.Option(help="Mach number in the duct, -1 ... 1, > 0 towards the open end.")] = 0.0,
    x: Annotated[
        str, typer.Option(metavar="FROM:TO:CELLS", help="Grid in x [duct radii]; values at cell centres.")
    ] = "-2:2:128",
    r: Annotated[
        str, typer.Option(metavar="FROM:TO:CELLS", help="Grid in r [duct radii]; values at cell centres.")
    ] = "0:2:64",
    hub: Hub = 0.0,
    jet: HasJet = False,
    mach_outer: MachOuter = 0.0,
    sound_speed_ratio: SoundSpeedRatio = 1.0,
    density_ratio: DensityRatio = 1.0,
    kutta: Kutta = 1.0,
    instability: Annotated[
        bool, typer.Option(help="With --jet: keep the Kelvin–Helmholtz wave, which grows downstream, in the field.")
    ] = True,
    as_json: Json = False,
    plot: Plot = None,
) -> None:
    """Compute the near field of one duct mode on a grid, and write it as HDF5.

    Lengths are in duct radii, velocities in sound speeds c, pressures in rho c^2; with physical units, the file's
    attributes say how much these are.

    With a liner up to the lip, sums of modes do not converge inside the duct closer than about 0.02 to the lip.

    Example: wavenet field --m 2 --n 0 --helmholtz 5 --x=-2:2:128 --r=0:2:64 -o field.h5
    """
    from analytic.solver import solution_of
    from data.field import UNITS, write_field
    from data.grids import cell_centres

    path = new_file(output)
    columns, rows = span(x, "x"), span(r, "r")
    if columns[2] * rows[2] > _MOST_CELLS:
        raise ValueError(f"--x {x} and --r {r} make {columns[2] * rows[2]} cells, the most is {_MOST_CELLS}")
    streams = jet_or_none(jet, mach_outer, sound_speed_ratio, density_ratio, kutta, instability=instability)
    source = stream.mode(m, n, helmholtz, mach, hub)
    lined = liners.made(source.helmholtz, getattr(source, "duct", None))
    solution = solution_of(source, jet=streams, liner=lined)
    warn_of_cut_off(source, lined, relative=False)
    result = solution.field(cell_centres(*columns), cell_centres(*rows))
    case = {name: getattr(source, name) for name in ("m", "n", "helmholtz", "mach", "hub")} | physical_values(source)
    attributes = {"error_estimate": result.error_estimate} | case | (vars(streams) if streams else {})
    if lined:
        attributes["liners"] = json.dumps(liners_as_values(lined))
    write_field(path, attributes, result.x, result.r, {name: getattr(result, name) for name in UNITS})
    if plot is not None:
        from ..study import plots

        plots.near_field(result, describe(source), plot)
    say({"file": str(path), "error_estimate": result.error_estimate}, as_json)
