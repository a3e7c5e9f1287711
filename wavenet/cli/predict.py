"""wavenet predict."""

from pathlib import Path
from typing import Annotated

import typer

from .common import Json, angles_of, pairs, say


def predict(
    m: Annotated[int, typer.Option(help="Azimuthal order.")],
    n: Annotated[int, typer.Option(help="Radial order, from 0.")],
    helmholtz: Annotated[float, typer.Option(help="Helmholtz number ka.")],
    mach: Annotated[float, typer.Option(help="Mach number, > 0 towards the open end.")] = 0.0,
    angles: Annotated[
        str, typer.Option(help="Angles from:to:count in degrees, in the plane (x / beta, r).")
    ] = "0:180:37",
    run: Annotated[
        Path | None, typer.Option(help="Folder of a run of the factor task [the network shipped with the package].")
    ] = None,
    coverage: Annotated[float, typer.Option(help="Coverage of the error bar: 0.5, 0.8, 0.9, 0.95 or 0.99.")] = 0.95,
    extrapolate: Annotated[
        bool,
        typer.Option(
            "--extrapolate",
            help="Accept K = ka / sqrt(1 - M^2) up to a tenth of its range outside it, without error bar.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Predict the directivity of one duct mode by the surrogate, with an error bar.

    Example: wavenet predict --m 2 --n 0 --helmholtz 5 --mach 0.3
    """
    degrees = angles_of(angles)
    if not (degrees[0] >= 0 and degrees[-1] <= 180):
        raise ValueError(f"--angles must lie in 0 ... 180 degrees, got {angles!r}")

    from ..study import prediction

    model = prediction.load_network(run)
    found = prediction.predict(model, m, n, helmholtz, mach, degrees, coverage=coverage, extrapolate=extrapolate)
    if as_json:
        directivity = {"angle_deg": degrees.tolist(), "amplitude": pairs(found.amplitude)}
        say({"directivity": directivity, "error_bar": found.error_bar, "coverage": coverage}, True)
        return
    print(f"mode ({m}, {n}), ka = {helmholtz}, M = {mach}, by the surrogate")
    if found.error_bar is None:
        print("outside the training range: no error bar")
    else:
        print(f"relative L2 error over the arc at most {found.error_bar:.1e}, with probability {coverage}")
    print("angle [deg]  |D| [radii]")
    for angle, value in zip(degrees, found.modulus, strict=True):
        print(f"{angle:11.2f}  {value:.6e}")
