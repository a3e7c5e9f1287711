"""wavenet predict."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .common import (
    Angles,
    DensityRatio,
    Device,
    HasJet,
    Helmholtz,
    Hub,
    Json,
    Kutta,
    MachOuter,
    Plot,
    SoundSpeedRatio,
    angles_of,
    describe,
    far_field_values,
    jet_or_none,
    pairs,
    point_of,
    print_far_field,
    print_loudest,
    say,
)
from .lips import LipText, describe_lip, lip_or_none
from .units import Loudness, Stream, with_units

if TYPE_CHECKING:
    import analytic

    from ..study.lip_near import NearPoint
    from ..study.lip_prediction import PredictedLip


# long: options
@with_units
def predict(
    stream: Stream,
    loudness: Loudness,
    m: Annotated[int, typer.Option(help="Azimuthal order m, of either sign.")],
    n: Annotated[int, typer.Option(help="Radial order n, from 0; (0, 0) is the plane wave.")],
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help="Folder of a run of the factor task, with --jet of jet_factor, with --lip of lip, or the name of the "
            "package's network, factor, jet_factor or lip [these].",
        ),
    ] = None,
    helmholtz: Helmholtz = None,
    mach: Annotated[float, typer.Option(help="Mach number in the duct, -1 ... 1, > 0 towards the open end.")] = 0.0,
    hub: Hub = 0.0,
    lip: LipText = None,
    jet: HasJet = False,
    mach_outer: MachOuter = 0.0,
    sound_speed_ratio: SoundSpeedRatio = 1.0,
    density_ratio: DensityRatio = 1.0,
    kutta: Kutta = 1.0,
    angles: Angles = "0:180:37",
    at: Annotated[
        list[str] | None,
        typer.Option(
            metavar="X,R",
            help="With --lip: the pressure at this point outside the duct, too [duct radii]; can be repeated.",
        ),
    ] = None,
    coverage: Annotated[float, typer.Option(help="Coverage of the error bar: 0.5, 0.8, 0.9, 0.95 or 0.99.")] = 0.95,
    extrapolate: Annotated[
        bool,
        typer.Option(
            "--extrapolate",
            help="Accept K = ka / sqrt(1 - M^2) up to a tenth of its range outside it, with --lip all parameters "
            "outside their ranges, without error bar.",
        ),
    ] = False,
    device: Device = "cpu",
    as_json: Json = False,
    plot: Plot = None,
) -> None:
    """Predict the far-field pressure in dB of one duct mode by the surrogate, with an error bar.

    Beside it stands the potential's directivity D, as of wavenet solve. With --lip the network corrects the exact
    solution for the infinitely thin wall, which stands beside, and predicts the reflection as well, with --at the
    pressure near the lip, of incident potential one at the wall.

    Example: wavenet predict --m 2 --n 0 --helmholtz 5 --mach 0.3

    Example: wavenet predict --m 2 --n 0 --helmholtz 5 --lip flat:0.1

    Example: wavenet predict --m 2 --n 0 --helmholtz 5 --mach 0.3 --jet --sound-speed-ratio 0.8 --density-ratio 1.5
    """
    degrees = angles_of(angles)
    from ..study import prediction

    streams = jet_or_none(jet, mach_outer, sound_speed_ratio, density_ratio, kutta)
    if streams is not None and extrapolate:
        raise ValueError("--extrapolate is for uniform flow: the network of jets keeps to its range")
    source = stream.mode(m, n, helmholtz, mach, hub)
    strength = loudness.values(stream.radius)
    options: dict[str, Any] = {"coverage": coverage}
    shape = lip_or_none(lip, source, jet=jet)
    points = [point_of(text) for text in at or ()]
    if shape is not None:
        from ..study import lip_near, lip_prediction, lips

        model = lips.load_network(run)
        options["extrapolate"] = extrapolate
        found_lip = lip_prediction.predict(source, shape, degrees, model=model, loudness=strength, **options)
        near = lip_near.of_mode(source, shape, points, **options) if points else []
        _say_lip(found_lip, near, source, as_json, plot)
        return
    if points:
        raise ValueError(f"--at is for walls with a thickness, --lip; of others wavenet field has the field, got {at}")
    if streams is None and run is None and device == "cpu":
        found = prediction.predict_in_numpy(source, degrees, extrapolate=extrapolate, loudness=strength, **options)
    elif streams is None:
        from ..devices import usable

        place = usable(device)
        uniform = prediction.load_network(run).to(place)
        found = prediction.predict(uniform, source, degrees, extrapolate=extrapolate, loudness=strength, **options)
    else:
        from ..devices import usable
        from ..study import jets

        network = jets.network_for(source, streams, run).to(usable(device))
        found = jets.predict(network, source, streams, degrees, loudness=strength, **options)
    if plot is not None:
        from ..study import plots

        plots.far_field(found.far, describe(source, ", by the surrogate"), plot)
    if as_json:
        say({**far_field_values(found.far), "error_bar": found.error_bar, "coverage": coverage}, True)
        return
    print(describe(source, ", by the surrogate"))
    if found.error_bar is None:
        print("outside the training range: no error bar")
    else:
        print(f"relative L2 error of D over the arc at most {found.error_bar:.1e}, with probability {coverage}")
    print_far_field(found.far)
    print_loudest(*found.far.loudest)


def _say_lip(
    found: "PredictedLip", near: "list[NearPoint]", source: "analytic.DuctMode", as_json: bool, plot: Path | None
) -> None:
    """Print a prediction for a lip, and pressures at points near it; plot : also draw it."""
    words = describe_lip(found.lip)
    if plot is not None:
        from ..study import plots

        curves = {f"lip {words}, by the network": found.far.level, "thin wall": found.thin.level}
        plots.levels(found.far.degrees, curves, found.far.reference, describe(source), plot)
    if as_json:
        thin = {**far_field_values(found.thin), "reflection": pairs(found.thin_reflection)}
        bars = {"error_bar": found.directivity_bar, "reflection_error_bar": found.reflection_bar}
        values = {**far_field_values(found.far), "reflection": pairs(found.reflection), **bars}
        values |= {"coverage": found.coverage, "lip": str(found.lip), "thin_wall": thin}
        say(values | ({"near_field": [_near_values(point) for point in near]} if near else {}), True)
        return
    print(describe(source))
    print(f"lip {words}, by the network; beside it the infinitely thin wall, exact")
    if found.directivity_bar is None or found.reflection_bar is None:
        print("outside the training range: no error bar")
    else:
        print(
            f"with probability {found.coverage} each: relative L2 error of D over the arc at most "
            f"{found.directivity_bar:.1e}, error of the reflected power amplitudes at most {found.reflection_bar:.1e}"
        )
    print_far_field(found.far, found.thin)
    print_loudest(*found.far.loudest)
    for order, (value, thin_value) in enumerate(zip(found.reflection, found.thin_reflection, strict=True)):
        beside = f"thin wall {thin_value:.8f}  modulus {abs(thin_value):.8f}"
        print(f"potential reflected into order {order:2d}  {value:.8f}  modulus {abs(value):.8f}  {beside}")
    for point in near:
        bar = "" if point.error_bar is None else f"  error at most {point.error_bar:.1e}"
        thin_wall = f"thin wall {point.thin_pressure:.8f}"
        where = f"pressure at x = {point.x:g}, r = {point.r:g} [rho c^2]"
        print(f"{where}  {point.pressure:.8f}  modulus {abs(point.pressure):.8f}{bar}  {thin_wall}")


def _near_values(point: "NearPoint") -> dict[str, Any]:
    pressure, thin = ([value.real, value.imag] for value in (point.pressure, point.thin_pressure))
    return {"x": point.x, "r": point.r, "pressure": pressure, "error_bar": point.error_bar, "thin_wall": thin}
